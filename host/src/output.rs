//! The documents for programs: what a command writes with `--output json`, and
//! the plan file. Their shapes are promises; the text for people is not.

use std::path::Path;
use std::{fs, io};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bindings::cleanup::{CleanupPlan, Inventory, Options, Reason, Report};
use crate::bindings::log::Entry;
use crate::cleanup::{Done, RunError};
use crate::endpoint::Endpoints;
use crate::exit::ExitCode;
use crate::strict;
use crate::transport::har::Har;

/// What a command has to say, as one JSON object on standard output.
///
/// The names in it are those of `wit/`: fields as there, with `_`; cases of
/// enumerations and variants with capitals (`not-active` is `NotActive`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The version of this object. Fields may be added without a new one.
    pub schema_version: u32,
    /// The exit code of the command.
    pub exit_code: u8,
    /// Why the command did not do what it was asked to, for programs.
    pub reason: Option<Reason>,
    /// Why it did not, in one sentence for people.
    pub message: Option<String>,
    /// What a cleanup found and did, also when it failed.
    pub report: Option<Report>,
    /// What a cleanup would do.
    pub plan: Option<CleanupPlan>,
    /// What there is in the cluster.
    pub inventory: Option<Inventory>,
    /// What to do next, for people.
    pub next: Vec<String>,
}

impl Output {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// What came of a run.
    pub fn new(result: &Result<Done, RunError>, next: Vec<String>) -> Self {
        let mut output = Self { next, ..Self::failed(ExitCode::from(result), None) };
        match result {
            Ok(Done::Cleaned(report)) => output.report = Some(report.clone()),
            Ok(Done::Planned(plan)) => output.plan = Some(plan.clone()),
            Ok(Done::Discovered(inventory)) => output.inventory = Some(inventory.clone()),
            Err(error) => {
                output.message = Some(error.to_string());
                if let RunError::Failure(failure) = error {
                    output.reason = Some(failure.reason);
                    output.report = Some(failure.report.clone());
                }
            }
        }
        output
    }

    /// A command that did not come to a run.
    pub fn failed(code: ExitCode, message: Option<String>) -> Self {
        Self {
            schema_version: Self::SCHEMA_VERSION,
            exit_code: code as u8,
            reason: None,
            message,
            report: None,
            plan: None,
            inventory: None,
            next: Vec::new(),
        }
    }
}

/// A line of the log, as one JSON object on a line of standard error.
pub type Event = Entry;

/// A plan to be applied later: `janitor plan --out FILE`, `janitor apply FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanFile {
    /// The version of this object.
    pub schema_version: u32,
    /// Where the servers were.
    pub endpoints: Endpoints,
    /// How to go about it.
    pub options: Options,
    /// What is to be done.
    pub plan: CleanupPlan,
}

impl PlanFile {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// Takes a plan.
    pub fn new(endpoints: &Endpoints, options: Options, plan: &CleanupPlan) -> Self {
        let (endpoints, plan) = (endpoints.clone(), plan.clone());
        Self { schema_version: Self::SCHEMA_VERSION, endpoints, options, plan }
    }

    /// Writes a plan file.
    ///
    /// # Errors
    /// One sentence.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        let json = serde_json::to_string_pretty(self).map_err(io::Error::from);
        json.and_then(|json| fs::write(file, json + "\n"))
            .map_err(|why| format!("cannot write the plan {}: {why}", file.display()))
    }

    /// Reads a plan file.
    ///
    /// # Errors
    /// One sentence, when it cannot be read, is none, or is one of another version.
    pub fn open(file: &Path) -> Result<Self, String> {
        let json = fs::read(file).map_err(|why| why.to_string());
        json.and_then(|json| Self::read(&json))
            .map_err(|why| format!("cannot use the plan {}: {why}", file.display()))
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// One sentence, when it is none, or one of another version.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }

        let Version { schema_version } =
            serde_json::from_slice(json).map_err(|why| format!("it is no plan: {why}"))?;
        if schema_version != Self::SCHEMA_VERSION {
            return Err(format!(
                "its schema_version is {schema_version}, and this janitor reads {}; make a new plan",
                Self::SCHEMA_VERSION
            ));
        }
        let plan: Value = serde_json::from_slice(json).map_err(|why| why.to_string())?;
        strict::read(plan)
            .map_err(|why| format!("it is no plan for this janitor: {why}; make a new one"))
    }
}

/// The JSON Schemas of everything that is written for programs, by the names under
/// which `docs/schemas` has them.
pub fn schemas() -> [(&'static str, Schema); 4] {
    [
        ("output", schema::<Output>()),
        ("event", schema::<Event>()),
        ("plan-file", schema::<PlanFile>()),
        ("recording", schema::<Har>()),
    ]
}

/// The schema of a type as it is written.
fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
