//! What came of a run: exit codes, documents for programs, lines for people, and the next
//! command to run.
//!
//! | module | what a reader finds there |
//! | --- | --- |
//! | [`exit`] | the exit codes |
//! | [`output`], [`plan_file`] | what is written for programs |
//! | [`plan`], [`line`](mod@line) | the same for people |
//! | [`next`] | what to do after a run that did not reach its end |
//! | [`command_line`] | what the command line says of a target, wherever it is read |
//! | [`service`] | the names that a service's package gives to what it owns |
//! | [`shell`] | command lines to be copied into a shell |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod exit;
pub mod line;
pub mod next;
pub mod output;
pub mod plan_file;
pub mod command_line;
pub mod service;
pub mod shell;
pub mod plan;

pub use exit::ExitCode;
