//! What a program under a WASI runtime needs to call the cleaner.
#![cfg(target_family = "wasm")]

mod bindings;
pub mod run;
pub mod runtime;

pub use bindings::settings;
