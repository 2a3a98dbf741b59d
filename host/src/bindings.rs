//! The functions of `wit/` as generated Rust bindings, and nothing else. The types are those of
//! [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "cleaner",
    // Ordinary failures are results of the contract; a trap is for a component that breaks it.
    imports: { default: trappable },
    with: {
        "janitor:cleanup/types": janitor_contract::types,
        "janitor:cleanup/cluster.exchange": crate::held::HeldExchange,
        "janitor:cleanup/cluster.response": crate::held::HeldResponse,
    },
});

pub use janitor::cleanup::{cluster, log};
