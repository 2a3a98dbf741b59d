//! The functions of `wit/` as Rust, generated; nothing else is in here. The types are those
//! of [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "cleaner",
    with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
});

pub use exports::janitor::cleanup::cleanup;
pub use janitor::cleanup::{cluster, log};
