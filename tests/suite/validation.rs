//! Validation of documents against the published schemas.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use janitor_report::inspection::Inspection;
use janitor_report::output::{Event, Output};
use janitor_report::plan_file::PlanFile;
use janitor_transport::recording::har::Har;
use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::command::{Run, replay, run, tests};

/// Returns the schemas of everything that is written for programs, by the names under which
/// `docs/schemas` has them.
pub fn all() -> [(&'static str, Schema); 5] {
    [
        ("output", schema::<Output>()),
        ("inspection", schema::<Inspection>()),
        ("event", schema::<Event<'_>>()),
        ("plan-file", schema::<PlanFile>()),
        ("recording", schema::<Har>()),
    ]
}

/// Returns the schema of a type as it is serialised. No option is required: a document that was
/// written before an option existed lacks it, and means its default.
fn schema<T: JsonSchema>() -> Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    if let Some(options) = schema.pointer_mut("/$defs/Options").and_then(Value::as_object_mut) {
        options.remove("required");
    }
    schema
}

/// The schemas as they are published; `har-1.2` is not janitor's own.
static SCHEMAS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let ours = all().into_iter();
    let files = ours.map(|(name, _)| (name, tests("../docs/schemas").join(format!("{name}.json"))));
    let files = files.chain([("har-1.2", tests("har-1.2.json"))]);
    let validators = files.map(|(name, file)| {
        // The formats of times and URLs are checked too.
        let options = jsonschema::options().should_validate_formats(true);
        (name, options.build(&read(&file)).unwrap_or_else(|why| panic!("{name}: {why}")))
    });
    validators.collect()
});

fn read(file: &Path) -> Value {
    let json = fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    serde_json::from_slice(&json).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

/// Returns the errors of a document, with their places.
pub fn complaints(schema: &str, document: &Value) -> Vec<String> {
    let errors = SCHEMAS[schema].iter_errors(document);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Asserts that a document is valid against a schema.
pub fn require(schema: &str, json: &str) {
    let document = serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {json}"));
    assert_eq!(complaints(schema, &document), [""; 0], "{schema}: {json}");
}

/// Asserts that a recording is valid against its schemas, and that the documents of its replay
/// are valid against theirs. Returns the replay.
pub fn require_recording(file: &Path) -> Run {
    let har = fs::read_to_string(file).expect("a readable recording");
    require("har-1.2", &har);
    require("recording", &har);
    let run = run(replay(file).args(["--output", "json"]));
    require("output", &run.stdout);
    run.stderr.lines().for_each(|line| require("event", line));
    run
}
