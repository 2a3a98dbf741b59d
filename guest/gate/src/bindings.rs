//! The exports of the gate as generated Rust bindings. The types are those of
//! [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "janitor:gate/gate",
    with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "janitor_gate::bindings",
});

pub use exports::janitor::cleanup::cluster;
pub use exports::janitor::gate::scope;
