//! The components that janitor is made of, and made into.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compose;

pub use compose::compose;

/// The guest alone: its host decides what it may send.
pub const CLEANUP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor-cleanup.wasm"));

/// The guest behind its gate: no request leaves it that the target does not allow.
pub const JANITOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor.wasm"));

/// The same as a command of WASI 0.2.
pub const COMMAND: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor-command.wasm"));

/// All of them, by the names of their files.
pub const ALL: [(&str, &[u8]); 3] = [
    ("janitor-cleanup.wasm", CLEANUP),
    ("janitor.wasm", JANITOR),
    ("janitor-command.wasm", COMMAND),
];

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
        for wasm in [CLEANUP, JANITOR] {
            assert_eq!(imports(wasm), expected);
        }
    }
}
