//! The core modules of a component whose shim is joined to its main module.

use std::convert::Infallible;
use std::error::Error;

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, ImportSection, Module, NameMap, NameSection, RefType, TableSection,
    TableType, TypeSection, ValType,
};
use wasmparser::{FuncType, Parser, Payload, TypeRef};

/// The name under which the main module exports its table, and the fixup imports it.
const TABLE: &str = "$imports";

/// The result of writing a part again.
pub type Encoded<T = ()> = Result<T, reencode::Error<Infallible>>;

/// The main module, and the part of its table through which it calls its imports.
pub struct MainModule<'a> {
    /// The module as the linker made it.
    pub wasm: &'a [u8],
    /// The type of each slot.
    pub slots: Vec<FuncType>,
    /// The slot of each function that the module imports.
    pub imports: Vec<u32>,
}

impl MainModule<'_> {
    /// Makes the main module that contains the shim, and returns the place of its first slot.
    pub fn joined(&self) -> Encoded<(Module, u32)> {
        let mut module = Module::new();
        let mut main = Main { module: self, types: 0, functions: 0, first: 0 };
        utils::parse_core_module(&mut main, &mut module, Parser::new(0), self.wasm)?;
        Ok((module, main.first))
    }

    /// Makes the module that fills the slots, the first of which is at this place.
    pub fn fixup(&self, first: u32) -> Module {
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
        let offset = ConstExpr::i32_const(first as i32);
        elements.active(None, &offset, Elements::Functions(all.into()));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&elements);
        module
    }
}

/// Returns the types of the functions that a module defines.
pub fn types(module: &[u8]) -> Result<Vec<FuncType>, Box<dyn Error>> {
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

/// A function that a module imports: the module, the name, and the type.
type Import<'a> = (&'a str, &'a str, FuncType);

/// Returns the functions that a module imports.
pub fn imports(module: &[u8]) -> Result<Vec<Import<'_>>, Box<dyn Error>> {
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

/// The main module while it is written again. Its own functions come first, and the calls through
/// the table, which replace its imports, after them.
struct Main<'a> {
    module: &'a MainModule<'a>,
    /// The number of its own types, and of its own functions.
    types: u32,
    functions: u32,
    /// The place of the first slot in its table.
    first: u32,
}

impl Reencode for Main<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Encoded<u32> {
        let imports = &self.module.imports;
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
        self.module.slots.iter().for_each(|ty| add(types, ty));
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
        for slot in 0..self.module.slots.len() as u32 {
            functions.function(self.types + slot);
        }
        Ok(())
    }

    fn parse_table_section(
        &mut self,
        tables: &mut TableSection,
        section: wasmparser::TableSectionReader<'_>,
    ) -> Encoded {
        let slots = self.module.slots.len() as u64;
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
        for slot in 0..self.module.slots.len() as u32 {
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
        for (slot, ty) in (0..).zip(&self.module.slots) {
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
