//! What is imported as Rust types, generated; and the contract's types by the names that
//! the host's modules know.
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../../wit", "../wasi/wit"],
    inline: "
        package janitor:caller;

        world caller {
            import janitor:cleanup/http@0.1.0;
            import janitor:cleanup/cleanup@0.1.0;
            import janitor:wasi/settings@0.1.0;
        }
    ",
    with: { "wasi:io/streams@0.2.1": wasip2::io::streams },
    generate_all,
    additional_derives: [
        PartialEq,
        serde::Serialize,
        serde::Deserialize,
        schemars::JsonSchema,
    ],
});

pub use janitor::cleanup::{cleanup, http, log};
pub use janitor::wasi::settings;
