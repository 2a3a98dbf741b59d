//! Determines the arguments of a part of a composed component from its binary form.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Parser, Payload,
};

use crate::Composed;

/// The name of an argument, and its source.
pub type Given = (String, Source);

/// The source of an instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The enclosing component imports the instance under this name.
    Import(String),
    /// This sibling component exports the instance under this name.
    Export(Vec<u8>, String),
    /// Any other source.
    Other,
}

/// Lists the arguments of each instance of a part, wherever it is nested in the whole.
pub fn given(whole: &[u8], part: &[u8]) -> Composed<Vec<Vec<Given>>> {
    let mut found = Vec::new();
    let mut components: Vec<&[u8]> = Vec::new();
    // Each instance has a source, and the component that it was instantiated from.
    let mut instances: Vec<(Source, &[u8])> = Vec::new();
    let other = (Source::Other, &[][..]);
    let mut inner_end = 0;
    for payload in Parser::new(0).parse_all(whole) {
        let payload = payload?;
        // The sections of nested components are skipped here.
        let is_within = payload.as_section().is_some_and(|(_, range)| range.start < inner_end);
        match payload {
            Payload::ComponentSection { unchecked_range, .. }
            | Payload::ModuleSection { unchecked_range, .. }
                if unchecked_range.start < inner_end => {}
            Payload::ModuleSection { unchecked_range, .. } => inner_end = unchecked_range.end,
            Payload::ComponentSection { unchecked_range, .. } => {
                inner_end = unchecked_range.end;
                let range = unchecked_range.start..inner_end;
                let component = &whole[range];
                found.extend(given(component, part)?);
                components.push(component);
            }
            _ if is_within => {}
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    match import.ty {
                        ComponentTypeRef::Instance(_) => {
                            let source = Source::Import(import.name.name.to_owned());
                            instances.push((source, &[]));
                        }
                        ComponentTypeRef::Component(_) => components.push(&[]),
                        _ => {}
                    }
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    match alias? {
                        ComponentAlias::InstanceExport { kind, instance_index, name } => {
                            let (_, origin) = &instances[instance_index as usize];
                            let source = Source::Export(origin.to_vec(), name.to_owned());
                            match kind {
                                ComponentExternalKind::Instance => instances.push((source, &[])),
                                ComponentExternalKind::Component => components.push(&[]),
                                _ => {}
                            }
                        }
                        ComponentAlias::Outer {
                            kind: ComponentOuterAliasKind::Component, ..
                        } => components.push(&[]),
                        _ => {}
                    }
                }
            }
            Payload::ComponentInstanceSection(made) => {
                for instance in made {
                    let ComponentInstance::Instantiate { component_index, args } = instance? else {
                        instances.push(other.clone());
                        continue;
                    };
                    let component = components[component_index as usize];
                    if component == part {
                        let source = |index: u32| instances[index as usize].0.clone();
                        let given = args.iter().map(|arg| match arg.kind {
                            ComponentExternalKind::Instance => {
                                (arg.name.to_owned(), source(arg.index))
                            }
                            _ => (arg.name.to_owned(), Source::Other),
                        });
                        found.push(given.collect());
                    }
                    instances.push((Source::Other, component));
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    match export?.kind {
                        ComponentExternalKind::Instance => instances.push(other.clone()),
                        ComponentExternalKind::Component => components.push(&[]),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
