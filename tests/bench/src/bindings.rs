//! The functions of `wit/` as generated Rust bindings, for a host that measures fuel.
#![allow(missing_docs, clippy::all, unsafe_code)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "cleaner",
    imports: { default: trappable },
    with: { "janitor:cleanup/types": janitor_contract::types },
});

pub use janitor::cleanup::{cluster, log};
