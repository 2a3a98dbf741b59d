//! The documents for programs, which a command writes with `--output json`. Their structure is
//! stable; the text for people in them is not.

use serde::Serialize;

use crate::exit::ExitCode;
use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{CleanupPlan, Entry, Inventory, Reason, Report};

/// The result of a command, as one JSON object on standard output.
///
/// The names in it are those of `wit/`: fields as there, with `_`; cases of
/// enumerations and variants with capitals (`not-active` is `NotActive`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Output {
    /// The version of this object. Fields may be added without a new one.
    pub schema_version: u32,
    /// The exit code of the command.
    pub exit_code: u8,
    /// The reason why the command did not complete its work, for programs.
    pub reason: Option<Reason>,
    /// The same for people. It also names output that could not be written.
    pub message: Option<String>,
    /// The findings and results of a cleanup, even if it failed.
    pub report: Option<Report>,
    /// The plan of a cleanup.
    pub plan: Option<CleanupPlan>,
    /// Everything that is reserved in the cluster.
    pub inventory: Option<Inventory>,
    /// Warnings about the command itself, for people: certificates that are not verified,
    /// credentials that are sent over plain HTTP, options without effect.
    pub warnings: Vec<String>,
    /// Proposals for what to do next, for people.
    pub next: Vec<String>,
}

impl Output {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The result of a run.
    pub fn new(result: &Result<Done, RunError>, next: Vec<String>) -> Self {
        let mut output = Self { next, ..Self::without_run(ExitCode::from(result), None) };
        match result {
            Ok(Done::Cleaned(report)) => output.report = Some(report.clone()),
            Ok(Done::Planned(plan)) => output.plan = Some(plan.clone()),
            Ok(Done::Discovered(inventory)) => output.inventory = Some(inventory.clone()),
            Err(error) => {
                output.message = Some(error.to_string());
                output.reason = error.reason();
                output.report = error.report().cloned();
            }
        }
        output
    }

    /// The result of a command that ended before it started a run.
    pub fn without_run(code: ExitCode, message: Option<String>) -> Self {
        Self {
            schema_version: Self::SCHEMA_VERSION,
            exit_code: code as u8,
            reason: None,
            message,
            report: None,
            plan: None,
            inventory: None,
            warnings: Vec::new(),
            next: Vec::new(),
        }
    }
}

/// A line of the log, as one JSON object on a line of standard error.
pub type Event = Entry;
