//! The documents for programs, which a command writes with `--output json`. Their structure is
//! stable; the text for people in them is not.

use serde::Serialize;

use crate::command_line::print::Invocation;
use crate::counts::Counts;
use crate::exit::ExitCode;
use crate::inventory::doubts;
use crate::orphans::orphaned;
use janitor_contract::endpoint::Endpoints;
use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{CleanupPlan, Entry, Inventory, Reason, Report, Target};

/// The result of a command, as one JSON object on standard output.
///
/// The names in it are those of `wit/`: fields as there, with `_`; cases of
/// enumerations and variants with capitals (`not-active` is `NotActive`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Output {
    /// The version of this object. Fields may be added without a new one.
    pub schema_version: u32,
    /// The command: `clean`, `plan`, `apply`, `discover` or `replay`.
    pub command: Option<String>,
    /// The target of the cleanup or the plan, if the command line or the file names one.
    pub target: Option<Target>,
    /// The servers, unless a URL is invalid.
    pub servers: Option<Endpoints>,
    /// The time at which the command started, as RFC 3339. In a replay, this is the start of the
    /// recorded run.
    pub start: Option<String>,
    /// The duration of the command, in seconds; none in a replay, which does not wait.
    pub seconds: Option<f64>,
    /// The versions of what ran.
    pub versions: Versions,
    /// The exit code of the command.
    pub exit_code: u8,
    /// The reason why the command did not complete its work, for programs.
    pub reason: Option<Reason>,
    /// The same for people. It also names output that could not be written.
    pub message: Option<String>,
    /// The numbers of volumes, resources and agents in the report, the plan or the inventory.
    pub counts: Option<Counts>,
    /// The findings and results of a cleanup, even if it failed.
    pub report: Option<Report>,
    /// The plan of a cleanup.
    pub plan: Option<CleanupPlan>,
    /// Everything that is reserved in the cluster.
    pub inventory: Option<Inventory>,
    /// The roles of the inventory that are orphaned as a whole; none if the frameworks are not
    /// known. `inventory.orphans` also has the orphaned parts and znodes.
    pub orphaned: Option<Vec<String>>,
    /// The results of a run for several targets, one for each, in their order. `message`, `report`
    /// and `plan` are then missing; `exit_code` is the worst of theirs, and `counts` has the sums.
    pub parts: Option<Vec<Part>>,
    /// Warnings for people about the command itself (certificates that are not verified,
    /// credentials that are sent over plain HTTP, options without effect), and about everything that
    /// an inventory or a plan may lack.
    pub warnings: Vec<String>,
    /// Proposals for what to do next, for people.
    pub next: Vec<String>,
}

/// The result for one of several targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Part {
    /// The target.
    pub target: Option<Target>,
    /// The exit code that a command for this target alone would have.
    pub exit_code: u8,
    /// The reason why the target is not clean, for programs.
    pub reason: Option<Reason>,
    /// The same for people.
    pub message: Option<String>,
    /// The numbers of volumes, resources and agents in the report or the plan.
    pub counts: Option<Counts>,
    /// The findings and results of the cleanup, even if it failed.
    pub report: Option<Report>,
    /// The plan.
    pub plan: Option<CleanupPlan>,
}

/// The versions of what ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Versions {
    /// The version of janitor.
    pub janitor: String,
    /// The digest of the component that ran, if the program knows it and one was loaded.
    pub component: Option<String>,
}

/// The subject of an output: what a command is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// The name of the command.
    pub command: String,
    /// The targets: none, one or several.
    pub targets: Vec<Target>,
    /// The servers.
    pub servers: Option<Endpoints>,
}

impl Subject {
    /// The subject of a run, under the name of its command.
    pub fn of(command: &str, run: &Invocation) -> Self {
        Self {
            command: command.into(),
            targets: run.call.targets().into_iter().cloned().collect(),
            servers: Some(run.endpoints.clone()),
        }
    }
}

impl Output {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The result of a run.
    pub fn new(result: &Result<Done, RunError>, next: Vec<String>) -> Self {
        let counts = Counts::of(result);
        let mut output = Self { counts, next, ..Self::without_run(ExitCode::from(result), None) };
        match result {
            Ok(Done::Cleaned(report)) => output.report = Some(report.clone()),
            Ok(Done::Planned(plan)) => output.plan = Some(plan.clone()),
            Ok(Done::Discovered(inventory)) => {
                output.orphaned = orphaned(inventory);
                output.warnings = doubts(inventory);
                output.inventory = Some(inventory.clone());
            }
            Ok(done @ (Done::CleanedAll(_) | Done::PlannedAll(_))) => {
                output.parts = Some(done.parts().iter().map(Part::of).collect());
            }
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
            command: None,
            target: None,
            servers: None,
            start: None,
            seconds: None,
            versions: Versions { janitor: env!("CARGO_PKG_VERSION").into(), component: None },
            exit_code: code as u8,
            reason: None,
            message,
            counts: None,
            report: None,
            plan: None,
            inventory: None,
            orphaned: None,
            parts: None,
            warnings: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Names the subject, except for what the output names already: a replay has the target and
    /// the servers of the recorded run.
    #[must_use]
    pub fn about(self, subject: Subject) -> Self {
        let mut targets = subject.targets.into_iter();
        let mut parts = self.parts;
        let target = match &mut parts {
            Some(parts) => {
                for (part, target) in parts.iter_mut().zip(targets) {
                    part.target.get_or_insert(target);
                }
                None
            }
            // There is no target beside several others.
            None => targets.next().filter(|_| targets.len() == 0),
        };
        Self {
            command: Some(subject.command),
            target: self.target.or(target),
            servers: self.servers.or(subject.servers),
            parts,
            ..self
        }
    }
}

impl Part {
    fn of(result: &Result<Done, RunError>) -> Self {
        let Output { exit_code, reason, message, counts, report, plan, .. } =
            Output::new(result, vec![]);
        let target = plan.as_ref().map(|plan| plan.target.clone());
        Self { target, exit_code, reason, message, counts, report, plan }
    }
}

/// A line of the log, as one JSON object on a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema), schemars(rename = "Entry"))]
pub struct Event<'a> {
    /// The line.
    #[serde(flatten)]
    pub entry: &'a Entry,
    /// The time at which it was written, as RFC 3339; missing in a replay and in the output of the
    /// components for WASI runtimes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}
