//! The cleanup itself: everything janitor knows about removing what a dead
//! DC/OS or Mesos service leaves behind.
//!
//! Compiled for `wasm32-unknown-unknown` this crate is the component that `wit/`
//! describes. Compiled natively it is an ordinary library, for unit tests and
//! benchmarks: all logic is written against the [`Host`] trait, and only
//! `component.rs` and `bindings.rs` know that there is a sandbox.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`clean`](mod@clean) | the order of a cleanup |
//! | [`operate`], [`settle`] | one operation until it is confirmed; whether everything is gone |
//! | [`plan`](mod@plan), [`discover`](mod@discover) | looks that change nothing |
//! | [`run`] | what all of these have in common |
//! | [`guard`], [`checks`] | what is refused before anything is sent, and before anything is changed |
//! | [`agents`], [`frameworks`], [`operations`] | what the master lists |
//! | [`absent`], [`metrics`], [`leader`] | what it does not list, what it counts, and since when it leads |
//! | [`words`] | agents, for people |
//! | [`names`], [`version`] | how services name what they own; versions of Mesos |
//! | [`stream`] | a JSON answer, read as a stream |
//! | [`resource`] | what one reserved resource is, and whether it is ours to take |
//! | [`sweep`] | one operation carried out on all agents, in parallel and in order |
//! | [`batch`] | one list of resources in one request: asked again, taken apart |
//! | [`volumes`], [`reservations`], [`znode`], [`self_removal`] | one module a phase |
//! | [`host`] | what the run needs of its surroundings |
//! | `bindings` | the functions of `wit/`, as Rust |

#[cfg(target_family = "wasm")]
mod bindings;
pub mod checks;
pub mod clean;
#[cfg(target_family = "wasm")]
mod component;
pub mod context;
pub mod discover;
pub mod guard;
pub mod host;
pub mod master;
pub mod names;
pub mod operation;
pub mod plan;
pub mod reservations;
pub mod self_removal;
pub mod settle;
#[cfg(test)]
mod testing;
pub mod version;
pub mod volumes;
pub mod words;
pub mod znode;

pub use clean::clean;
pub use discover::discover;
pub use host::Host;
pub use plan::plan;
