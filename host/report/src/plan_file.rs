//! The plan file. Its structure is stable, like that of all documents for programs (`output.rs`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use janitor_contract::endpoint::Endpoints;
use janitor_contract::types::{CleanupPlan, Options};
use janitor_contract::{planned, strict};

/// A plan to be applied later: `janitor plan --out FILE`, `janitor apply FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PlanFile {
    /// The version of this object.
    pub schema_version: u32,
    /// The servers of the cluster.
    pub endpoints: Endpoints,
    /// The options of the run.
    pub options: Options,
    /// The plan itself.
    pub plan: CleanupPlan,
}

impl PlanFile {
    /// The version of the object.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The most bytes that are read of a plan file.
    pub const MOST_BYTES: u64 = 256 << 20;

    /// Makes the file of a plan.
    pub fn new(endpoints: &Endpoints, options: &Options, plan: &CleanupPlan) -> Self {
        let (endpoints, options, plan) = (endpoints.clone(), options.clone(), plan.clone());
        Self { schema_version: Self::SCHEMA_VERSION, endpoints, options, plan }
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
        match planned::contradiction(&file.plan) {
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
