//! The cleanup itself: everything janitor knows about removing what a dead
//! DC/OS or Mesos service leaves behind.
//!
//! Compiled for `wasm32-unknown-unknown` this crate is the component that `wit/`
//! describes. Compiled natively it is an ordinary library, for unit tests and
//! benchmarks: all logic is written against the [`Host`] trait, and only
//! `component.rs` and `bindings.rs` know that there is a sandbox.
//!
//! | module | content |
//! | --- | --- |
//! | [`clean`](mod@clean) | the order of a cleanup |
//! | [`plan`](mod@plan), [`discover`](mod@discover) | plans and inventories, which change nothing |
//! | [`context`] | the state of a run, and the steps that all runs share |
//! | [`guard`], [`checks`] | refusals before any request is sent, and before anything is changed |
//! | [`master`] | the master's answers: agents, frameworks, pending operations, and pages to compare them with |
//! | [`owner`] | the owner of what a run removes |
//! | `groups` | the parts of a role's resources, by the framework that their labels name |
//! | [`operation`] | the removal of volumes and of reservations, on all agents |
//! | [`settle`] | the decision whether everything is removed |
//! | [`rest`] | what the service has under other roles |
//! | [`znode`], [`self_removal`] | the last two phases |
//! | [`host`], [`memo`], [`retry`] | the functions that a run imports; those for several targets; retries and their time limits |
//! | [`names`], [`version`], [`excerpt`] | names of services and roles; versions of Mesos; excerpts of responses |
//! | `bindings` | the functions of `wit/`, as Rust |

#[cfg(target_family = "wasm")]
mod bindings;
pub mod checks;
pub mod clean;
#[cfg(target_family = "wasm")]
mod component;
pub mod context;
pub mod discover;
pub mod excerpt;
mod groups;
pub mod guard;
pub mod host;
mod lost;
pub mod master;
pub mod memo;
pub mod names;
pub mod operation;
mod orphans;
pub mod owner;
pub mod plan;
#[cfg(test)]
mod properties;
pub mod rest;
pub mod retry;
pub mod self_removal;
pub mod settle;
#[cfg(any(test, feature = "testing"))]
pub mod simulated;
#[cfg(test)]
mod testing;
pub mod version;
pub mod znode;

pub use clean::{apply_all, clean, clean_all};
pub use discover::discover;
pub use host::Host;
pub use plan::{plan, plan_all};
