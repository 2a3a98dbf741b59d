//! Decides which requests a run may send. The decision depends on the call that the host makes and
//! on what the master itself lists, whatever the component claims.
//!
//! | module | contents |
//! | --- | --- |
//! | [`policy`], `rule` | the allow-list of requests |
//! | `scope` | the resources that a request may remove |
//! | `listed` | the resources that the master has listed |
//! | `agents`, `objects` | the reader of the master's list of agents |
//! | `users` | the frameworks that use the role according to the master |
//!
//! `agents`, `listed` and `scope` are public for the fuzz targets only.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[doc(hidden)]
pub mod agents;
#[doc(hidden)]
pub mod listed;
mod objects;
pub mod policy;
mod rule;
#[doc(hidden)]
pub mod scope;
mod users;

pub use policy::{Policy, Watch};
pub use rule::Rule;
