//! The contract of `wit/` as Rust types, with what the host's modules need of them.
#![allow(missing_docs, clippy::all)]

wit_bindgen::generate!({
    path: "../wit",
    world: "cleaner",
    generate_all,
    additional_derives: [
        PartialEq,
        serde::Serialize,
        serde::Deserialize,
        schemars::JsonSchema,
    ],
});

pub use exports::janitor::cleanup::cleanup;
pub use janitor::cleanup::{http, log};
