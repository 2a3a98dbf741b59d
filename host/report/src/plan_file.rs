//! The plan file. Its structure is stable, like that of all documents for programs (`output.rs`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use janitor_contract::endpoint::Endpoints;
use janitor_contract::types::{CleanupPlan, Options};
use janitor_contract::{Call, planned, strict};

/// A plan to be applied later: `janitor plan --out FILE`, `janitor apply FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlanFile {
    /// The version of this object.
    pub schema_version: u32,
    /// How the file was made. Files from before this field existed do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Made>,
    /// The servers of the cluster.
    pub endpoints: Endpoints,
    /// The options of the run.
    pub options: Options,
    /// The plan itself, unless there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<CleanupPlan>,
    /// The plans for several targets, which are carried out in one run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<CleanupPlan>,
}

/// How a plan file was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Made {
    /// The time, as RFC 3339 in UTC.
    pub time: String,
    /// The version of janitor.
    pub version: String,
    /// The command, without secrets.
    pub command: String,
}

impl PlanFile {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The most bytes that are read of a plan file.
    pub const MOST_BYTES: u64 = 256 << 20;

    /// Makes the file of a plan, or of several.
    pub fn new(
        made: Made,
        endpoints: &Endpoints,
        options: &Options,
        plans: Vec<CleanupPlan>,
    ) -> Self {
        let (endpoints, options) = (endpoints.clone(), options.clone());
        let (schema_version, made) = (Self::SCHEMA_VERSION, Some(made));
        let (plan, plans) = match <[CleanupPlan; 1]>::try_from(plans) {
            Ok([plan]) => (Some(plan), vec![]),
            Err(plans) => (None, plans),
        };
        Self { schema_version, made, endpoints, options, plan, plans }
    }

    /// Returns the plans: one, or several.
    pub fn all(&self) -> impl Iterator<Item = &CleanupPlan> {
        self.plan.iter().chain(&self.plans)
    }

    /// Returns the call that carries the plans out.
    pub fn call(self) -> Call {
        match self.plan {
            Some(plan) => Call::Apply(plan),
            None => Call::ApplyAll(self.plans),
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Fails if it is not a plan file, has another version, or contradicts itself, with one
    /// sentence for people.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }

        let Version { schema_version } =
            strict::json(json).map_err(|why| format!("it is not a plan file: {why}"))?;
        if schema_version != Self::SCHEMA_VERSION {
            return Err(format!(
                "its schema_version is {schema_version}, and this janitor reads {}; make a new plan",
                Self::SCHEMA_VERSION
            ));
        }
        let document: Value = serde_json::from_slice(json).map_err(|why| why.to_string())?;
        let file: Self = strict::read(document).map_err(|why| {
            format!("it is not a plan file of this version: {why}; make a new plan")
        })?;
        let has_either = file.plan.is_some() ^ !file.plans.is_empty();
        if !has_either {
            return Err("it must have either a `plan` or `plans`; make a new plan".into());
        }
        let contradiction = file.all().find_map(planned::contradiction);
        match contradiction {
            Some(what) => Err(format!("it contradicts itself: {what}; make a new plan")),
            None => Ok(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = include_str!("../../../tests/scenarios/a-plan-that-is-applied/plan.json");

    #[test]
    fn a_file_from_before_the_field_exists_is_read() {
        let mut plan = PlanFile::read(PLAN.as_bytes()).unwrap();
        assert_eq!(plan.made, None);
        let [time, version, command] = ["2026-11-26T17:00:00Z", "0.1.0", "janitor plan -r r"];
        let (time, version, command) = (time.into(), version.into(), command.into());
        plan.made = Some(Made { time, version, command });
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(PlanFile::read(json.as_bytes()), Ok(plan));
        let unknown = json.replacen(r#""time""#, r#""new":1,"time""#, 1);
        let why = PlanFile::read(unknown.as_bytes()).unwrap_err();
        assert!(why.contains("unknown field `made.new`"), "{why}");
    }

    #[test]
    fn amounts_are_read_as_they_were_written() {
        // Easily read as a neighbour.
        for amount in ["4.1e71", "0.30000000000000004", "1.7e-300"] {
            let plan = PlanFile::read(PLAN.replace("4096.0", amount).as_bytes()).unwrap();
            let json = serde_json::to_string(&plan).unwrap();
            let value: Value = serde_json::from_str(&json).unwrap();
            let read = value.pointer("/plan/agents/0/entries/1/entry/amount/Scalar").unwrap();
            assert_eq!(read.as_f64(), amount.parse().ok(), "{amount}");
            assert_eq!(PlanFile::read(json.as_bytes()), Ok(plan));
        }
    }
}
