//! The types of `wit/types.wit` as generated Rust types, and nothing else.
//!
//! They are the same on both sides of the sandbox: wit-bindgen generates them for a component, and
//! wasmtime, with the feature `wasmtime`, for a host.
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

macro_rules! generate {
    ($($derives:tt)*) => {
        #[cfg(feature = "wasmtime")]
        wasmtime::component::bindgen!({
            path: "wit",
            inline: "package janitor:contract; world types { import janitor:cleanup/types@0.1.0; }",
            world: "janitor:contract/types",
            additional_derives: [$($derives)*],
        });
        #[cfg(not(feature = "wasmtime"))]
        wit_bindgen::generate!({
            path: "wit",
            inline: "package janitor:contract; world types { import janitor:cleanup/types@0.1.0; }",
            world: "janitor:contract/types",
            generate_unused_types: true,
            generate_all,
            additional_derives: [$($derives)*],
        });
    };
}

#[cfg(feature = "schemas")]
generate!(PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema);
#[cfg(not(feature = "schemas"))]
generate!(PartialEq, serde::Serialize, serde::Deserialize);

pub use janitor::cleanup::types::*;
