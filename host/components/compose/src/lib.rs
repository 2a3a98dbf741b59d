//! The components that janitor is made of, and what is made of them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compose;
#[path = "../../../src/imports.rs"]
mod imports;
mod publish;

use std::error::Error;
use std::path::Path;

use compose::compose;
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
/// When it is no guest, or asks for more than the host would give it: what is outside of
/// the gate, or the gate's own ear.
pub fn gated(guest: &[u8]) -> Composed {
    imports::check(&compose::imports(guest)?)?;
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
    use super::*;

    #[test]
    fn the_gated_one_wants_of_its_host_what_the_guest_does() {
        let wanted = |wasm: &[u8]| {
            let imports = compose::imports(wasm).unwrap();
            let is_std = |name: &String| name.starts_with("wasi:");
            let mut imports: Vec<_> = imports.into_iter().filter(|name| !is_std(name)).collect();
            imports.sort();
            imports
        };
        let gated = gated(GUEST).unwrap();
        assert_eq!(imports::check(&compose::imports(&gated).unwrap()), Ok(()));
        assert_eq!(wanted(&gated), ["janitor:cleanup/http@0.1.0", "janitor:cleanup/log@0.1.0"]);
        assert_eq!(wanted(GUEST), wanted(&gated));
    }

    #[test]
    fn nothing_that_could_get_around_the_gate_is_a_guest() {
        for (part, import) in [(FRONT, "janitor:gate/scope"), (WASI, "wasi:http/outgoing-handler")]
        {
            let why = gated(part).unwrap_err().to_string();
            assert!(why.contains(import), "{why}");
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
