//! Saves one core instance of three in each component.
//!
//! The linker makes a component of three core modules: the main one; a *shim*, through whose table
//! the main one calls its imports; and a *fixup*, which fills that table, because an import can only
//! be made when the memory of the main module exists. Runtimes limit the number of core instances
//! over all requests, so the shim is joined to the main module here: that module calls its imports
//! through its own table, and imports nothing itself.

use std::convert::Infallible;
use std::error::Error;
use std::ops::Range;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, utils};
use wasm_encoder::{
    CodeSection, Component, ComponentSectionId, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, ImportSection, InstanceSection, Module,
    ModuleSection, NameMap, NameSection, RawSection, RefType, TableSection, TableType, TypeSection,
    ValType,
};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ExternalKind, FuncType, Instance, Parser, Payload, TypeRef,
};

type Encoded<T = ()> = Result<T, reencode::Error<Infallible>>;

/// The name under which the shim exports its table, and the fixup imports it.
const TABLE: &str = "$imports";

/// Joins the shim of a component to its main module. A component without a shim is unchanged.
///
/// # Errors
/// Fails if the component is not what the linker makes.
pub fn joined(component: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let Some(mut layout) = Layout::read(component)? else { return Ok(component.into()) };
    let mut whole = Component::new();
    let parser = Parser::new(0);
    wasm_encoder::reencode::component_utils::parse_component(
        &mut layout,
        &mut whole,
        parser,
        component,
        component,
    )?;
    Ok(whole.finish())
}

/// The structure of a component, and the position in it while it is written again.
struct Layout<'a> {
    main: &'a [u8],
    /// The type of each slot of the table.
    slots: Vec<FuncType>,
    /// The slot of each function that the main module imports.
    imports: Vec<u32>,
    /// The functions in the component that fill the slots beyond those of the shim.
    direct: Vec<u32>,
    /// The core instances of the shim, of the main module, and of the fixup's imports.
    shim: u32,
    instance: u32,
    fixup: u32,
    modules: u32,
    instances: u32,
}

impl<'a> Layout<'a> {
    fn read(component: &'a [u8]) -> Result<Option<Self>, Box<dyn Error>> {
        let mut modules: Vec<Range<usize>> = Vec::new();
        let mut instances = Vec::new();
        // Each core function is an export of a core instance, or is made here.
        let mut functions = Vec::new();
        let mut end = 0;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload?;
            let start = match &payload {
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => unchecked_range.start,
                other => other.as_section().map_or(end, |(_, range)| range.start),
            };
            if (start as usize) < end as usize {
                continue;
            }
            match payload {
                Payload::ModuleSection { unchecked_range, .. } => {
                    end = unchecked_range.end;
                    modules.push(unchecked_range.start as usize..unchecked_range.end as usize);
                }
                Payload::ComponentSection { unchecked_range, .. } => end = unchecked_range.end,
                Payload::InstanceSection(section) => {
                    for instance in section {
                        instances.push(instance?);
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        if let ComponentAlias::CoreInstanceExport {
                            kind: ExternalKind::Func,
                            instance_index,
                            name,
                        } = alias?
                        {
                            functions.push(Some((instance_index, name)));
                        }
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for function in section {
                        if !matches!(function?, CanonicalFunction::Lift { .. }) {
                            functions.push(None);
                        }
                    }
                }
                _ => {}
            }
        }
        let [main, shim, _] = &modules[..] else { return Ok(None) };
        let (main, shim) = (&component[main.clone()], &component[shim.clone()]);
        let of = |module: u32| {
            instances.iter().zip(0..).find_map(|(instance, number)| match instance {
                Instance::Instantiate { module_index, args } if *module_index == module => {
                    Some((number, args))
                }
                _ => None,
            })
        };
        let missing = "the component has no core instance of a module";
        let (instance, given) = of(0).ok_or(missing)?;
        let (shim_instance, _) = of(1).ok_or(missing)?;
        let (_, fixup) = of(2).ok_or(missing)?;
        let fixup = fixup.first().ok_or("the fixup imports nothing")?.index;
        let mut layout = Self {
            main,
            slots: types(shim)?,
            imports: Vec::new(),
            direct: Vec::new(),
            shim: shim_instance,
            instance,
            fixup,
            modules: 0,
            instances: 0,
        };
        for (module, name, ty) in imports(main)? {
            let from = given.iter().find(|arg| arg.name == module).map(|arg| arg.index as usize);
            let Some(Instance::FromExports(exports)) = from.and_then(|it| instances.get(it)) else {
                return Err(format!("the import {module} of the main module is missing").into());
            };
            let function = exports.iter().find(|export| export.name == name);
            let function = function.ok_or_else(|| format!("the import {name} is missing"))?.index;
            let slot = match functions.get(function as usize) {
                Some(Some((instance, slot))) if *instance == shim_instance => slot.parse()?,
                _ => {
                    layout.slots.push(ty);
                    layout.direct.push(function);
                    layout.slots.len() as u32 - 1
                }
            };
            layout.imports.push(slot);
        }
        Ok(Some(layout))
    }

    /// Makes the main module that contains the shim.
    fn main_module(&self) -> Encoded<(Module, u32)> {
        let mut module = Module::new();
        let mut main = Main { layout: self, types: 0, functions: 0, first: 0 };
        utils::parse_core_module(&mut main, &mut module, Parser::new(0), self.main)?;
        Ok((module, main.first))
    }

    /// Makes the module that fills the table from a slot on.
    fn fixup_module(&self, first: u32) -> Module {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        for (slot, ty) in (0..).zip(&self.slots) {
            add(&mut types, ty);
            imports.import("", &slot.to_string(), EntityType::Function(slot));
        }
        let any = TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 0,
            maximum: None,
            shared: false,
        };
        imports.import("", TABLE, any);
        let all: Vec<u32> = (0..self.slots.len() as u32).collect();
        let mut elements = ElementSection::new();
        let offset = wasm_encoder::ConstExpr::i32_const(first as i32);
        elements.active(None, &offset, Elements::Functions(all.into()));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&elements);
        module
    }
}

/// Returns the types of the functions that a module defines.
fn types(module: &[u8]) -> Result<Vec<FuncType>, Box<dyn Error>> {
    let (mut all, mut own) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    all.push(ty?);
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    own.push(all.get(index? as usize).cloned().ok_or("a type is missing")?);
                }
            }
            _ => {}
        }
    }
    Ok(own)
}

/// Returns the functions that a module imports: module, name and type.
fn imports(module: &[u8]) -> Result<Vec<(&str, &str, FuncType)>, Box<dyn Error>> {
    let (mut all, mut found) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    all.push(ty?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let TypeRef::Func(index) = import.ty else {
                        return Err("the main module imports more than functions".into());
                    };
                    let ty = all.get(index as usize).cloned().ok_or("a type is missing")?;
                    found.push((import.module, import.name, ty));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn add(types: &mut TypeSection, ty: &FuncType) {
    let of = |types: &[wasmparser::ValType]| -> Vec<ValType> {
        types.iter().filter_map(|ty| ValType::try_from(*ty).ok()).collect()
    };
    types.ty().function(of(ty.params()), of(ty.results()));
}

impl Reencode for Layout<'_> {
    type Error = Infallible;
}

impl ReencodeComponent for Layout<'_> {
    fn module_index(&mut self, module: u32) -> u32 {
        module.saturating_sub(1)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        match instance {
            it if it == self.instance => self.shim,
            it if it > self.instance => it - 1,
            it => it,
        }
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _: Parser,
        _: &[u8],
    ) -> Encoded {
        let (main, first) = self.main_module()?;
        match self.modules {
            0 => drop(component.section(&ModuleSection(&main))),
            2 => drop(component.section(&ModuleSection(&self.fixup_module(first)))),
            _ => {}
        }
        self.modules += 1;
        Ok(())
    }

    fn parse_component_subcomponent(
        &mut self,
        component: &mut Component,
        _: Parser,
        data: &[u8],
        _: &[u8],
    ) -> Encoded {
        component.section(&RawSection { id: ComponentSectionId::Component as u8, data });
        Ok(())
    }

    fn parse_instance(&mut self, all: &mut InstanceSection, instance: Instance<'_>) -> Encoded {
        let number = self.instances;
        self.instances += 1;
        match instance {
            Instance::Instantiate { .. } if number == self.instance => {}
            Instance::FromExports(exports) if number == self.fixup => {
                let first = self.slots.len() - self.direct.len();
                let mut items = Vec::new();
                for export in &exports {
                    let kind = self.export_kind(export.kind)?;
                    items.push((export.name.to_owned(), kind, export.index));
                }
                for (slot, function) in (first..).zip(&self.direct) {
                    items.push((slot.to_string(), ExportKind::Func, *function));
                }
                all.export_items(items.iter().map(|(name, kind, index)| (&**name, *kind, *index)));
            }
            other => reencode::component_utils::parse_instance(self, all, other)?,
        }
        Ok(())
    }

    /// Keeps all custom sections but the names of the instances, whose numbers have changed.
    fn parse_component_custom_section(
        &mut self,
        component: &mut Component,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Encoded {
        if section.name() != "component-name" {
            component.section(&wasm_encoder::CustomSection {
                name: section.name().into(),
                data: section.data().into(),
            });
        }
        Ok(())
    }
}

/// The main module while it is written again. Its own functions come first, and the calls through
/// the table, which replace its imports, after them.
struct Main<'a> {
    layout: &'a Layout<'a>,
    /// The number of its own types, and of its own functions.
    types: u32,
    functions: u32,
    /// The place of the first slot in its table.
    first: u32,
}

impl Reencode for Main<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Encoded<u32> {
        let imports = &self.layout.imports;
        Ok(match imports.get(function as usize) {
            Some(slot) => self.functions + slot,
            None => function - imports.len() as u32,
        })
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Encoded {
        utils::parse_type_section(self, types, section)?;
        self.types = types.len();
        self.layout.slots.iter().for_each(|ty| add(types, ty));
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        _: &mut ImportSection,
        _: wasmparser::ImportSectionReader<'_>,
    ) -> Encoded {
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Encoded {
        self.functions = section.count();
        utils::parse_function_section(self, functions, section)?;
        for slot in 0..self.layout.slots.len() as u32 {
            functions.function(self.types + slot);
        }
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: wasmparser::TableSectionReader<'_>,
    ) -> Encoded {
        let slots = self.layout.slots.len() as u64;
        for table in section {
            let mut ty = self.table_type(table?.ty)?;
            if tables.is_empty() {
                self.first = ty.minimum as u32;
                ty.minimum += slots;
                ty.maximum = ty.maximum.map(|most| most + slots);
            }
            tables.table(ty);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Encoded {
        utils::parse_export_section(self, exports, section)?;
        exports.export(TABLE, ExportKind::Table, 0);
        for slot in 0..self.layout.slots.len() as u32 {
            exports.export(&slot.to_string(), ExportKind::Func, self.functions + slot);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Encoded {
        utils::parse_code_section(self, code, section)?;
        for (slot, ty) in (0..).zip(&self.layout.slots) {
            let mut function = Function::new([]);
            let mut call = function.instructions();
            for parameter in 0..ty.params().len() as u32 {
                call.local_get(parameter);
            }
            call.i32_const((self.first + slot) as i32).call_indirect(0, self.types + slot).end();
            code.function(&function);
        }
        Ok(())
    }

    /// Keeps the names of functions, which a trap reports, in the order of the new numbers.
    fn custom_name_section(
        &mut self,
        section: wasmparser::NameSectionReader<'_>,
    ) -> Encoded<NameSection> {
        let mut names = Vec::new();
        for part in section {
            if let wasmparser::Name::Function(map) = part? {
                for name in map {
                    let name = name?;
                    names.push((self.function_index(name.index)?, name.name));
                }
            }
        }
        names.sort_unstable();
        names.dedup_by_key(|(function, _)| *function);
        let mut map = NameMap::new();
        names.iter().for_each(|(function, name)| map.append(*function, name));
        let mut all = NameSection::new();
        all.functions(&map);
        Ok(all)
    }
}
