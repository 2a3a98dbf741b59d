//! The imports of a cleaner, `http` and `log`, made of what any WASI 0.2 runtime has:
//! `wasi:http`, `wasi:clocks` and `wasi:io`. Who composes it says through `settings`
//! where the servers are and where the log goes.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings;
mod error;
mod http;
mod log;
mod settings;

/// The component.
struct Adapter;

bindings::export!(Adapter with_types_in bindings);
