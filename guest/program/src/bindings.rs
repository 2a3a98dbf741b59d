//! The imports as generated Rust bindings. The types are those of [`janitor_contract::types`].
#![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

wit_bindgen::generate!({
    path: ["../../wit", "../wasi/wit"],
    inline: "
        package janitor:program;

        world program {
            import janitor:wasi/settings@0.1.0;
            import janitor:wasi/output@0.1.0;
        }
    ",
    with: {
        "janitor:cleanup/types@0.1.0": janitor_contract::types,
        "wasi:io/streams@0.2.1": wasip2::io::streams,
    },
    generate_all,
});

pub use janitor::wasi::{output, settings};
