//! The JSON Schemas of everything that is written for programs.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::output::{Event, Output};
use crate::plan_file::PlanFile;
use crate::transport::har::Har;

/// The JSON Schemas of everything that is written for programs, by the names under
/// which `docs/schemas` has them.
pub fn all() -> [(&'static str, Schema); 4] {
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
