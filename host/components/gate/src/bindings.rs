//! The world of `wit/` as Rust types, generated; and the contract's types by the
//! names that the host's modules know.
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "janitor:gate/gate",
    generate_all,
    // What comes in is what goes out.
    merge_structurally_equal_types: true,
    additional_derives: [PartialEq],
});

pub use exports::janitor::cleanup::http as offered;
pub use exports::janitor::gate::scope;
pub use exports::janitor::gate::scope as cleanup;
pub use janitor::cleanup::{http, log};
