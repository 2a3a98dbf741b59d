//! The gate as a component of its own, for embedders that are not written in Rust: it imports
//! `cluster`, and exports it again.

use janitor_contract::types::{Entry, Error, Request};

use crate::{Cluster, Gated};

mod bindings {
    //! The imports as generated Rust bindings.
    #![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package janitor:gate;

            world component {
                import janitor:cleanup/cluster@0.1.0;
                import janitor:cleanup/log@0.1.0;
            }
        ",
        with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
        generate_all,
    });
}

use bindings::janitor::cleanup::{cluster, log};

type Component = Gated<Imports>;

crate::bindings::export!(Component with_types_in crate::bindings);

/// The host, which provides the imports.
struct Imports;

impl Cluster for Imports {
    type Exchange = cluster::Exchange;
    type Response = cluster::Response;

    fn begin() -> Result<(), String> {
        Ok(())
    }

    fn end() {}

    fn send(request: &Request) -> Result<cluster::Exchange, Error> {
        cluster::send(request)
    }

    fn finish(exchange: cluster::Exchange) -> Result<cluster::Response, Error> {
        cluster::Exchange::finish(exchange)
    }

    fn status(response: &cluster::Response) -> u16 {
        response.status()
    }

    fn read(response: &cluster::Response, limit: u32) -> Result<Vec<u8>, Error> {
        response.read(limit)
    }

    fn window() -> u32 {
        cluster::window()
    }

    fn pause(milliseconds: u32) -> bool {
        cluster::pause(milliseconds)
    }

    fn elapsed() -> u64 {
        cluster::elapsed()
    }

    fn log(entry: &Entry) {
        log::write(entry);
    }
}
