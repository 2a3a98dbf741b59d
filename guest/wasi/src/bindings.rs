//! The functions of `wit/` as generated Rust bindings. The types are those of
//! [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

#[cfg(not(feature = "stream"))]
wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "janitor:wasi/adapter",
    with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
    generate_all,
});

#[cfg(feature = "stream")]
wit_bindgen::generate!({
    path: ["../../wit", "wit"],
    world: "janitor:wasi/program-adapter",
    with: {
        "janitor:cleanup/types@0.1.0": janitor_contract::types,
        "wasi:io/streams@0.2.1": wasip2::io::streams,
    },
    generate_all,
});

#[cfg(feature = "stream")]
pub use exports::janitor::cleanup::log;
#[cfg(feature = "stream")]
pub use exports::janitor::wasi::output;
pub use exports::janitor::wasi::settings;
#[cfg(not(feature = "stream"))]
pub use janitor::cleanup::log;
