//! The components that janitor is made of, and what is made of them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compose;
mod publish;

use std::error::Error;
use std::path::Path;

pub use compose::compose;
pub use publish::{annotated, contract};

/// A component, or why the parts do not fit.
pub type Composed<T = Vec<u8>> = Result<T, Box<dyn Error>>;

/// The guest alone: its host decides what it may send.
pub const GUEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.wasm"));

const GATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gate.wasm"));
const FRONT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/front.wasm"));
const WASI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wasi.wasm"));
const COMMAND: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/command.wasm"));
const SERVICE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/service.wasm"));

/// A guest behind the gate: no request leaves it that its target does not allow.
///
/// # Errors
/// When it is no guest.
pub fn gated(guest: &[u8]) -> Composed {
    compose(&[GATE, guest, FRONT])
}

/// A gated guest as a command of WASI 0.2.
///
/// # Errors
/// When it is no guest.
pub fn command(guest: &[u8]) -> Composed {
    compose(&[WASI, &gated(guest)?, COMMAND])
}

/// A gated guest as a service of WASI 0.2.
///
/// # Errors
/// When it is no guest.
pub fn service(guest: &[u8]) -> Composed {
    compose(&[WASI, &gated(guest)?, SERVICE])
}

/// Everything that embedders and runtimes load of a guest, and the contract, by the names
/// of the files. The guest stays as it is, so that its digest does.
///
/// # Errors
/// When it is no guest, or the contract is not in `wit`.
pub fn all(guest: &[u8], wit: &Path) -> Composed<[(&'static str, Vec<u8>); 5]> {
    Ok([
        ("janitor-cleanup.wasm", guest.into()),
        ("janitor.wasm", annotated(gated(guest)?)),
        ("janitor-command.wasm", annotated(command(guest)?)),
        ("janitor-service.wasm", annotated(service(guest)?)),
        ("janitor-contract.wasm", annotated(contract(wit)?)),
    ])
}

#[cfg(test)]
mod tests {
    use wac_graph::CompositionGraph;
    use wac_graph::types::Package;

    use super::*;

    /// What a component imports, but for what Rust's standard library does.
    fn imports(wasm: &[u8]) -> Vec<String> {
        let mut graph = CompositionGraph::new();
        let package = Package::from_bytes("it", None, wasm, graph.types_mut()).unwrap();
        let imports = graph.types()[package.ty()].imports.keys();
        let is_std = |name: &String| name.starts_with("wasi:cli/") || name.starts_with("wasi:io/");
        let mut imports: Vec<_> = imports.filter(|name| !is_std(name)).cloned().collect();
        imports.sort();
        imports
    }

    #[test]
    fn the_gated_one_wants_of_its_host_what_the_guest_does() {
        let expected = ["janitor:cleanup/http@0.1.0", "janitor:cleanup/log@0.1.0"];
        for wasm in [GUEST, &gated(GUEST).unwrap()] {
            assert_eq!(imports(wasm), expected);
        }
    }

    #[test]
    fn the_contract_is_published_under_the_same_words() {
        let wkg = include_str!("../../../../wit/wkg.toml");
        for (key, text) in
            [("description", env!("CARGO_PKG_DESCRIPTION")), ("license", env!("CARGO_PKG_LICENSE"))]
        {
            assert!(wkg.contains(&format!("{key} = \"{text}\"\n")), "{key}");
        }
    }
}
