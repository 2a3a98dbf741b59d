//! Calls the cleaner from a program under a WASI runtime.
#![cfg(target_family = "wasm")]

mod bindings;
pub mod run;
pub mod runtime;

pub use bindings::output;
