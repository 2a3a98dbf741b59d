//! The world of `wit/` as Rust types, generated; and the contract's types by the
//! names that the host's modules know.
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "janitor:wasi/adapter",
    with: { "wasi:io/streams@0.2.1": wasip2::io::streams },
    generate_all,
    additional_derives: [serde::Serialize],
});

pub use exports::janitor::cleanup::{http, log};
pub use exports::janitor::wasi::settings;
