//! The cleanup itself: everything janitor knows about removing what a dead
//! DC/OS or Mesos service leaves behind.
//!
//! Compiled for `wasm32-wasip2` this crate is the component that `wit/`
//! describes. Compiled natively it is an ordinary library, for unit tests and
//! benchmarks: all logic is written against the [`Host`] trait, and only
//! `component.rs` knows that there is a sandbox.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`clean`](mod@clean) | the order of a cleanup, its guards and confirmations |
//! | [`plan`](mod@plan), [`discover`](mod@discover) | looks that change nothing |
//! | [`run`] | what all of these have in common |
//! | [`guard`] | what is refused before anything is sent |
//! | [`agents`], [`frameworks`], [`operations`] | what the master lists |
//! | [`stream`] | a JSON answer, read as a stream |
//! | [`resource`] | what one reserved resource is, and whether it is ours to take |
//! | [`sweep`] | one operation carried out on all agents, in parallel and in order |
//! | [`batch`] | one list of resources in one request: asked again, taken apart |
//! | [`volumes`], [`reservations`], [`znode`], [`self_removal`] | one module a phase |
//! | [`host`] | what the run needs of its surroundings |
//! | [`bindings`] | the contract of `wit/`, as Rust types |

pub mod agents;
pub mod batch;
pub mod bindings;
pub mod clean;
#[cfg(target_family = "wasm")]
mod component;
pub mod discover;
pub mod frameworks;
pub mod guard;
pub mod host;
pub mod operations;
pub mod plan;
pub mod reservations;
pub mod resource;
pub mod run;
pub mod self_removal;
pub mod stream;
pub mod sweep;
#[cfg(test)]
mod testing;
pub mod volumes;
pub mod znode;

pub use clean::clean;
pub use discover::discover;
pub use host::Host;
pub use plan::plan;
