//! The contract of `wit/` as Rust types, generated; nothing else is in here.
#![allow(missing_docs, clippy::all, unsafe_code)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "cleaner",
    // Ordinary failures are results of the contract; a trap is for a component
    // that breaks it.
    imports: { default: trappable },
    with: {
        "janitor:cleanup/http.exchange": crate::http::Exchange,
        "janitor:cleanup/http.response": crate::http::Response,
    },
    additional_derives: [
        PartialEq,
        serde::Serialize,
        serde::Deserialize,
        schemars::JsonSchema,
    ],
});

pub use exports::janitor::cleanup::cleanup;
pub use janitor::cleanup::{http, log};
