//! The janitor component, as bytes.
//!
//! It imports `janitor:cleanup/cluster` and `janitor:cleanup/log`, and exports
//! `janitor:cleanup/cleanup`. The crate `janitor-host` runs it; another host can instantiate it
//! with any runtime that supports components.

/// The component, in the binary format of WebAssembly.
pub const CLEANUP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor-cleanup.wasm"));
