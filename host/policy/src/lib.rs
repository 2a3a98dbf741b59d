//! Which requests a run may send. The host decides that by the call that it was asked for, and
//! by what the master itself has listed, whatever the component says.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`policy`] | which requests are allowed |
//! | [`scope`] | what they may remove |
//! | [`listed`], `objects` | which resources the master itself has listed |
//! | `users` | which frameworks the master itself shows as users of the role |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod listed;
mod objects;
pub mod policy;
pub mod scope;
mod users;

pub use policy::{Policy, Rule, Watch};
