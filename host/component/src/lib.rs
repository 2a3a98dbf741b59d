//! The component that cleans up, as bytes.
//!
//! It imports `janitor:cleanup/http` and `janitor:cleanup/log`, and exports
//! `janitor:cleanup/cleanup`. The crate `janitor-host` runs it; who writes a host of their
//! own instantiates it with any runtime that knows components.

/// The component, in the binary format of WebAssembly.
pub const CLEANUP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/janitor-cleanup.wasm"));
