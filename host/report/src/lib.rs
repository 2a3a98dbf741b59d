//! Reports the result of a run: exit codes, documents for programs, lines for people, and the
//! next command to run.
//!
//! | module | contents |
//! | --- | --- |
//! | [`exit`] | the exit codes |
//! | [`output`], [`counts`], [`plan_file`], [`inspection`] | the documents for programs |
//! | [`plan`], [`inventory`], [`summary`], [`words`], [`line`](mod@line) | the same for people |
//! | [`view`] | the part of them that people want to see |
//! | [`extent`], [`question`], [`closing`](mod@closing) | what a plan changes, the question before, and the line after it |
//! | [`several`] | the results of a run for several targets |
//! | [`orphans`] | the roles and znodes of an inventory that nobody uses |
//! | [`recorded`] | the result of a recorded run |
//! | [`next`], [`access`] | what to do after a run, and about a server that denies access |
//! | [`command_line`] | command lines, read and printed |
//! | [`service`] | the names that a service's package derives from the service's name |
//! | [`shell`] | words that are quoted for a shell |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod access;
pub mod closing;
pub mod command_line;
pub mod counts;
pub mod exit;
pub mod extent;
pub mod inspection;
pub mod inventory;
pub mod line;
pub mod next;
pub mod orphans;
pub mod output;
mod overview;
pub mod plan;
pub mod plan_file;
pub mod question;
pub mod recorded;
pub mod service;
pub mod several;
pub mod shell;
pub mod summary;
mod table;
#[cfg(test)]
mod testing;
pub mod view;
pub mod words;

pub use exit::ExitCode;
