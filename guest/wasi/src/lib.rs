//! Provides a cleaner's imports, `cluster` and `log`, on top of any WASI 0.2 runtime: it uses
//! `wasi:http`, `wasi:clocks` and `wasi:io`. The program that it is composed with sets the servers
//! and the log's stream through `settings`.
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
