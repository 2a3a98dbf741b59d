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

/// The same, for runs that do not block: the functions that wait are async.
#[cfg(feature = "async")]
pub mod nonblocking {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "cleaner",
        imports: {
            "janitor:cleanup/cluster.pause": async | trappable,
            "janitor:cleanup/cluster.[static]exchange.finish": async | trappable,
            "janitor:cleanup/cluster.[method]response.read": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "janitor:cleanup/types": janitor_contract::types,
            "janitor:cleanup/log": super::log,
            "janitor:cleanup/cluster.exchange": crate::nonblocking::HeldExchange,
            "janitor:cleanup/cluster.response": crate::nonblocking::HeldResponse,
        },
    });

    pub use janitor::cleanup::cluster;
}
