//! The contract of `wit/` as Rust types, generated; nothing else is in here.
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: "../wit",
    world: "cleaner",
    generate_all,
    additional_derives: [PartialEq],
});

pub use exports::janitor::cleanup::cleanup;
pub use janitor::cleanup::{http, log};
