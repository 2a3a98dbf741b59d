//! Composes several components into one.

use std::error::Error;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// Lists the names of a component's imports.
///
/// # Errors
/// Fails if the bytes are not a component.
pub fn imports(component: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes("it", None, component, graph.types_mut())?;
    Ok(graph.types()[package.ty()].imports.keys().cloned().collect())
}

/// Composes components in order. Each import of a part is satisfied by the first earlier part that
/// exports it, so a later part cannot replace an earlier one. An import that no earlier part
/// exports becomes an import of the whole. The exports of the last part become the exports of the
/// whole, and so do these of the first part.
///
/// # Errors
/// Fails if a part is not a component, or if the parts do not fit together.
pub fn compose(parts: &[&[u8]], of_first: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let mut instances = Vec::new();
    let mut exports = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let name = format!("janitor:part{index}");
        let package = Package::from_bytes(&name, None, *part, graph.types_mut())?;
        let id = graph.register_package(package)?;
        let world = &graph.types()[graph[id].ty()];
        let imports: Vec<_> = world.imports.keys().cloned().collect();
        exports = world.exports.keys().cloned().collect();
        let instance = graph.instantiate(id);
        for import in imports {
            let has = |(_, exports): &&(_, Vec<String>)| exports.contains(&import);
            if let Some((source, _)) = instances.iter().find(has) {
                let export = graph.alias_instance_export(*source, &import)?;
                graph.set_instantiation_argument(instance, &import, export)?;
            }
        }
        instances.push((instance, exports.clone()));
    }
    let [(first, _), .., (last, _)] = &instances[..] else {
        return Err("nothing to compose".into());
    };
    let of_last = exports.iter().map(|name| (last, &**name));
    for (part, name) in of_first.iter().map(|name| (first, *name)).chain(of_last) {
        let export = graph.alias_instance_export(*part, name)?;
        graph.export(export, name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
