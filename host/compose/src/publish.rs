//! Prepares components and the contract for publication.

use std::path::Path;

use wasm_encoder::{ComponentSection, CustomSection};
use wit_parser::Resolve;

use crate::Composed;

/// Adds metadata to a component, in the sections that `wasm-metadata` reads and from which `wkg`
/// annotates an OCI artifact.
pub fn annotated(mut wasm: Vec<u8>) -> Vec<u8> {
    for (name, text) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ] {
        let section = CustomSection { name: name.into(), data: text.as_bytes().into() };
        section.append_to_component(&mut wasm);
    }
    wasm
}

/// Encodes the contract in a folder as a package that can be published.
///
/// # Errors
/// Fails if the contract cannot be read.
pub fn contract(folder: &Path) -> Composed {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder)?;
    Ok(wit_component::encode(&resolve, package)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sketch of an asynchronous contract refers to the types of the contract, so a change of
    /// one must not break the other.
    #[test]
    fn the_asynchronous_sketch_is_valid() {
        let mut resolve = Resolve::default();
        resolve.push_dir("../../wit").unwrap();
        let sketch = resolve.push_file("../../docs/asynchronous.wit").unwrap();
        let encoded = wit_component::encode(&resolve, sketch).unwrap();
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&encoded)
            .unwrap();
    }
}
