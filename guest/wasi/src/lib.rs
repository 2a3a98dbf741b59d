//! Provides a cleaner's imports, `cluster` and `log`, on top of any WASI 0.2 runtime, behind the
//! gate: it uses `wasi:http`, `wasi:clocks` and `wasi:io`. The servers are set through `settings`.
//! The log is an import or, with the feature `stream`, a stream that is set through `output`.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings;
mod cluster;
mod error;
#[cfg(feature = "stream")]
mod output;
mod run;
mod settings;

use janitor_gate::Gated;

/// The servers, over `wasi:http`, and the component's other exports.
struct Adapter;

type Component = Gated<Adapter>;

janitor_gate::bindings::export!(Component);
bindings::export!(Adapter with_types_in bindings);
