//! The functions of `wit/` as generated Rust bindings. The types are those of
//! [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "janitor:wasi/adapter",
    with: {
        "janitor:cleanup/types@0.1.0": janitor_contract::types,
        "wasi:io/streams@0.2.1": wasip2::io::streams,
    },
    generate_all,
});

pub use exports::janitor::cleanup::{cluster, log};
pub use exports::janitor::wasi::settings;
