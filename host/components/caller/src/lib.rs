//! What a program under a WASI runtime needs to call the cleaner and to tell what came of
//! it, as the binary tells it: most of it is compiled from the binary's own files.
#![cfg(target_family = "wasm")]

// The binary's files know the library around them by this name.
extern crate self as janitor_host;

pub mod bindings;
pub mod run;
pub mod runtime;
pub mod violation {
    //! How a run ends when the component misbehaves: with this very program, so there
    //! is nothing to tell.

    /// None.
    #[derive(Clone, Debug, PartialEq, thiserror::Error)]
    pub enum Violation {}

    impl Violation {
        /// Whether the component ran.
        pub fn has_run(&self) -> bool {
            match *self {}
        }
    }
}

#[path = "../../../src/call.rs"]
pub mod call;
#[allow(dead_code)]
#[path = "../../../src/endpoint.rs"]
pub mod endpoint;
#[path = "../../../src/ensemble.rs"]
pub mod ensemble;
#[path = "../../../../guest/src/entries.rs"]
pub mod entries;
#[path = "../../../src/exit.rs"]
pub mod exit;
#[path = "../../../src/json.rs"]
pub mod json;
#[path = "../../../src/bin/janitor/line.rs"]
pub mod line;
#[path = "../../../src/bin/janitor/next.rs"]
pub mod next;
#[path = "../../../src/outcome.rs"]
pub mod outcome;
#[path = "../../../src/output.rs"]
pub mod output;
#[path = "../../../src/printable.rs"]
pub mod printable;
#[path = "../../../src/request.rs"]
mod request;
#[path = "../../../src/bin/janitor/service.rs"]
pub mod service;
#[allow(dead_code)]
#[path = "../../../src/bin/janitor/shell.rs"]
mod shell;
#[path = "../../../src/bin/janitor/show.rs"]
pub mod show;
#[path = "../../../src/strict.rs"]
pub mod strict;
#[path = "../../../src/token.rs"]
mod token;

pub use bindings::cleanup::{InUse, Options, Reason, Target};
pub use call::Call;
pub use endpoint::Endpoints;
pub use exit::ExitCode;
pub use outcome::{Done, RunError};
