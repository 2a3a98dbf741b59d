//! Makes one component of several.

use std::error::Error;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// The names of what a component imports.
///
/// # Errors
/// When it is none.
pub fn imports(component: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes("it", None, component, graph.types_mut())?;
    Ok(graph.types()[package.ty()].imports.keys().cloned().collect())
}

/// Composes components in their order: each gets of what it imports all that one before
/// it exports, from the first one that does, so that none stands in for one before it.
/// What none of them has, the whole imports; what the last one exports, the whole exports.
///
/// # Errors
/// When one is no component, or the parts do not fit.
pub fn compose(parts: &[&[u8]]) -> Result<Vec<u8>, Box<dyn Error>> {
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
    let (last, _) = instances.last().ok_or("nothing to compose")?;
    for name in exports {
        let export = graph.alias_instance_export(*last, &name)?;
        graph.export(export, &name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
