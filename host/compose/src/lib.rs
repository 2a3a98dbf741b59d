//! The component parts of janitor, and the components composed of them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compose;
mod publish;
#[cfg(test)]
mod wiring;

use std::error::Error;
use std::path::Path;

use compose::compose;
use janitor_contract::imports;
pub use publish::{annotated, contract};

/// A component, or the reason why it could not be composed.
pub type Composed<T = Vec<u8>> = Result<T, Box<dyn Error>>;

/// The guest alone, without a gate: its host decides which requests it may send.
pub const GUEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.wasm"));

const GATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gate.wasm"));
const ANNOUNCE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/announce.wasm"));
const WASI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wasi.wasm"));
const WASI_STREAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wasi-stream.wasm"));
const COMMAND: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/command.wasm"));
const SERVICE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/service.wasm"));

/// The interface through which the embedder of the library sets the servers.
const SETTINGS: &str = "janitor:wasi/settings@0.1.0";

/// Composes a guest behind the gate: no request leaves it unless the call allows it.
///
/// # Errors
/// Fails if the bytes are not a guest, or if it imports anything besides the contract: interfaces
/// of the runtime would bypass the gate, and the gate's own interface would control it.
pub fn gated(guest: &[u8]) -> Composed {
    let gated = behind(GATE, guest, ANNOUNCE, &[])?;
    // This finds imports of other parts that the guest should have satisfied.
    within_the_contract(&gated)?;
    Ok(gated)
}

/// Composes a guest between a part that has the gate, and the part that calls the guest. `also` are
/// the exports of the gate's part that the whole exports too.
///
/// These are two parts although they trust each other: the gate's part is called while a call of
/// the other one is under way, which the component model does not allow for a single component.
fn behind(gate: &[u8], guest: &[u8], caller: &[u8], also: &[&str]) -> Composed {
    within_the_contract(guest)?;
    compose(&[gate, guest, caller], also)
}

/// Checks that a component imports only the contract. A runtime may provide more interfaces than
/// that, and the gate does not control them.
fn within_the_contract(component: &[u8]) -> Composed<()> {
    let beyond = imports::beyond(&compose::imports(component)?, &[]);
    if beyond.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it imports interfaces that a guest behind the gate does not get: {beyond}; it may import \
         only {} {}, so build it without WASI, for the target wasm32-unknown-unknown",
        imports::CONTRACT.join(", "),
        imports::VERSION,
    )
    .into())
}

/// Composes a guest behind the gate, on `wasi:http`: its embedder provides only the log.
///
/// # Errors
/// Fails as [`gated`] does.
pub fn library(guest: &[u8]) -> Composed {
    behind(WASI, guest, ANNOUNCE, &[SETTINGS])
}

/// Composes a guest behind the gate into a command of WASI 0.2.
///
/// # Errors
/// Fails as [`gated`] does.
pub fn command(guest: &[u8]) -> Composed {
    behind(WASI_STREAM, guest, COMMAND, &[])
}

/// Composes a guest behind the gate into a service of WASI 0.2.
///
/// # Errors
/// Fails as [`gated`] does.
pub fn service(guest: &[u8]) -> Composed {
    behind(WASI_STREAM, guest, SERVICE, &[])
}

/// Returns the file names and contents of everything that embedders and runtimes load: the
/// components made of a guest, and the contract. The guest itself is unchanged, and so is its
/// digest.
///
/// # Errors
/// Fails if the bytes are not a guest, or if `wit` does not contain the contract.
pub fn all(guest: &[u8], wit: &Path) -> Composed<[(&'static str, Vec<u8>); 6]> {
    Ok([
        ("janitor-cleanup.wasm", guest.into()),
        ("janitor.wasm", annotated(gated(guest)?)),
        ("janitor-library.wasm", annotated(library(guest)?)),
        ("janitor-command.wasm", annotated(command(guest)?)),
        ("janitor-service.wasm", annotated(service(guest)?)),
        ("janitor-contract.wasm", annotated(contract(wit)?)),
    ])
}

#[cfg(test)]
mod tests {
    use wac_graph::types::Package;
    use wac_graph::{CompositionGraph, EncodeOptions};
    use wiring::Source;

    use super::*;

    const HTTP: &str = "janitor:cleanup/cluster@0.1.0";
    const LOG: &str = "janitor:cleanup/log@0.1.0";
    const TYPES: &str = "janitor:cleanup/types@0.1.0";
    const SCOPE: &str = "janitor:gate/scope@0.1.0";

    /// Lists a component's imports in alphabetical order.
    fn imports(component: &[u8]) -> Vec<String> {
        let mut imports = compose::imports(component).unwrap();
        imports.sort();
        imports
    }

    #[test]
    fn the_gated_one_wants_of_its_host_what_the_guest_does() {
        assert_eq!(imports(GUEST), [HTTP, LOG, TYPES]);
        assert_eq!(imports(&gated(GUEST).unwrap()), [HTTP, LOG, TYPES]);
    }

    /// Whatever a guest tries to import, this is all that it gets: the requests of the gate, and the
    /// log of the host or of the part with the gate.
    #[test]
    fn the_guest_is_given_the_gates_requests_and_the_log() {
        let import = |name: &str| (name.to_owned(), Source::Import(name.into()));
        let export =
            |part: &[u8], name: &str| (name.to_owned(), Source::Export(part.into(), name.into()));
        for (component, gate, log) in [
            (gated(GUEST), GATE, import(LOG)),
            (library(GUEST), WASI, import(LOG)),
            (command(GUEST), WASI_STREAM, export(WASI_STREAM, LOG)),
            (service(GUEST), WASI_STREAM, export(WASI_STREAM, LOG)),
        ] {
            let given = wiring::given(&component.unwrap(), GUEST).unwrap();
            let [given] = &given[..] else { panic!("there is one guest") };
            assert_eq!(given.len(), 3);
            for expected in [export(gate, HTTP), log, import(TYPES)] {
                assert!(given.contains(&expected), "{}", expected.0);
            }
        }
    }

    /// The guest in every component is the published file, byte for byte.
    #[test]
    fn every_component_contains_the_guest_unchanged() {
        for (name, component) in all(GUEST, Path::new("../../wit")).unwrap() {
            let contains = component.windows(GUEST.len()).any(|bytes| bytes == GUEST);
            assert_eq!(contains, name != "janitor-contract.wasm", "{name}");
        }
    }

    /// A runtime gives its standard streams, clocks and network to janitor's own parts, and a
    /// folder to the service.
    #[test]
    fn no_part_imports_more_of_a_runtime_than_its_source_names() {
        let unversioned = |component: &[u8]| -> Vec<String> {
            let names = imports(component);
            names.iter().filter_map(|name| Some(name.split_once('@')?.0.to_owned())).collect()
        };
        let all = [
            "janitor:cleanup/types",
            "wasi:clocks/monotonic-clock",
            "wasi:http/outgoing-handler",
            "wasi:http/types",
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
        ];
        let with = |own: &[&'static str]| {
            let mut all = [&all, own].concat();
            all.sort_unstable();
            all
        };
        let program = ["wasi:cli/environment", "wasi:cli/stderr"];
        let of_service =
            ["wasi:clocks/wall-clock", "wasi:filesystem/preopens", "wasi:filesystem/types"];
        let service_imports = with(&[&program[..], &of_service].concat());
        assert_eq!(unversioned(&service(GUEST).unwrap()), service_imports);
        let command_imports = with(&[&program[..], &["wasi:cli/stdout"]].concat());
        assert_eq!(unversioned(&command(GUEST).unwrap()), command_imports);
        assert_eq!(unversioned(&library(GUEST).unwrap()), with(&["janitor:cleanup/log"]));
    }

    #[test]
    fn nothing_that_could_get_around_the_gate_is_a_guest() {
        for (part, import) in [
            (ANNOUNCE, "janitor:gate/scope 0.1.0"),
            (WASI, "wasi:http/outgoing-handler"),
            (WASI_STREAM, "wasi:http/outgoing-handler"),
            (COMMAND, "wasi:cli/environment"),
            (GATE, "janitor:cleanup/cleanup 0.1.0"),
        ] {
            let why = gated(part).unwrap_err().to_string();
            assert!(why.contains(import), "{why}");
        }
    }

    /// A guest that exports the gate's control interface does not receive the announcements in
    /// place of the gate.
    #[test]
    fn no_guest_stands_in_for_the_gate() {
        let guest = with_an_ear_of_its_own();
        assert_eq!(imports(&guest), [HTTP, LOG, TYPES]);
        let gated = gated(&guest).unwrap();
        let [front] = &wiring::given(&gated, ANNOUNCE).unwrap()[..] else { panic!("one front") };
        assert!(front.contains(&(SCOPE.to_owned(), Source::Export(GATE.into(), SCOPE.into()))));
    }

    /// Composes the guest with a second gate, which would receive the announcements meant for the
    /// first.
    fn with_an_ear_of_its_own() -> Vec<u8> {
        let mut graph = CompositionGraph::new();
        for (name, part, export) in
            [("a:guest", GUEST, "janitor:cleanup/cleanup@0.1.0"), ("a:gate", GATE, SCOPE)]
        {
            let package = Package::from_bytes(name, None, part, graph.types_mut()).unwrap();
            let package = graph.register_package(package).unwrap();
            let instance = graph.instantiate(package);
            let exported = graph.alias_instance_export(instance, export).unwrap();
            graph.export(exported, export).unwrap();
        }
        graph.encode(EncodeOptions::default()).unwrap()
    }

    #[test]
    fn the_contract_is_published_under_the_same_words() {
        let wkg = include_str!("../../../wit/wkg.toml");
        for (key, text) in
            [("description", env!("CARGO_PKG_DESCRIPTION")), ("license", env!("CARGO_PKG_LICENSE"))]
        {
            assert!(wkg.contains(&format!("{key} = \"{text}\"\n")), "{key}");
        }
    }
}
