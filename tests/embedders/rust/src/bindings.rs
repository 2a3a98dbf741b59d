//! The types and functions of `wit/`, as generated Rust.
#![allow(missing_docs, clippy::all, unsafe_code)]

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "cleaner",
    imports: { "janitor:cleanup/cluster": async | trappable, default: trappable },
    exports: { default: async },
    with: {
        "janitor:cleanup/cluster.exchange": crate::cluster::Exchange,
        "janitor:cleanup/cluster.response": crate::cluster::Response,
    },
    additional_derives: [serde::Serialize],
});
