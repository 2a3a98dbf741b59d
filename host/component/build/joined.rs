//! Saves one core instance of three in each component.
//!
//! The linker makes a component of three core modules: the main one; a *shim*, through whose table
//! the main one calls its imports; and a *fixup*, which fills that table, because an import can only
//! be made when the memory of the main module exists. Runtimes limit the number of core instances
//! over all requests, so the shim is joined to the main module here: that module calls its imports
//! through its own table, and imports nothing itself.

#[path = "joined/module.rs"]
mod module;

use std::convert::Infallible;
use std::error::Error;
use std::ops::Range;

use wasm_encoder::reencode::{Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Component, ComponentSectionId, CustomSection, ExportKind, InstanceSection, ModuleSection,
    RawSection,
};
use wasmparser::{CanonicalFunction, ComponentAlias, ExternalKind, Instance, Parser, Payload};

use module::{Encoded, MainModule};

/// Joins the shim of a component to its main module. A component without a shim is unchanged.
///
/// # Errors
/// Fails if the component is not what the linker makes.
pub fn joined(component: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let Some(mut layout) = Layout::read(component)? else { return Ok(component.into()) };
    let mut whole = Component::new();
    let parser = Parser::new(0);
    component_utils::parse_component(&mut layout, &mut whole, parser, component, component)?;
    Ok(whole.finish())
}

/// The structure of a component, and the position in it while it is written again.
struct Layout<'a> {
    main: MainModule<'a>,
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
            if start < end {
                continue;
            }
            match payload {
                Payload::ModuleSection { unchecked_range, .. } => {
                    end = unchecked_range.end;
                    modules.push(unchecked_range.start..unchecked_range.end);
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
            main: MainModule { wasm: main, slots: module::types(shim)?, imports: Vec::new() },
            direct: Vec::new(),
            shim: shim_instance,
            instance,
            fixup,
            modules: 0,
            instances: 0,
        };
        for (module, name, ty) in module::imports(main)? {
            let from = given.iter().find(|arg| arg.name == module).map(|arg| arg.index as usize);
            let Some(Instance::FromExports(exports)) = from.and_then(|it| instances.get(it)) else {
                return Err(format!("the import {module} of the main module is missing").into());
            };
            let function = exports.iter().find(|export| export.name == name);
            let function = function.ok_or_else(|| format!("the import {name} is missing"))?.index;
            let slot = match functions.get(function as usize) {
                Some(Some((instance, slot))) if *instance == shim_instance => slot.parse()?,
                _ => {
                    layout.main.slots.push(ty);
                    layout.direct.push(function);
                    layout.main.slots.len() as u32 - 1
                }
            };
            layout.main.imports.push(slot);
        }
        Ok(Some(layout))
    }
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
        let (main, first) = self.main.joined()?;
        match self.modules {
            0 => drop(component.section(&ModuleSection(&main))),
            2 => drop(component.section(&ModuleSection(&self.main.fixup(first)))),
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
                let first = self.main.slots.len() - self.direct.len();
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
            other => component_utils::parse_instance(self, all, other)?,
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
            component.section(&CustomSection {
                name: section.name().into(),
                data: section.data().into(),
            });
        }
        Ok(())
    }
}
