//! The JSON Schemas in `docs/schemas`: they are those of the types, and everything
//! that is written keeps to them.

mod validator;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use janitor_report::output::{Event, Output};
use janitor_report::plan_file::PlanFile;
use janitor_tests::{Cluster, State};
use janitor_transport::recording::har::Har;
use libtest_mimic::Trial;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::command::{Run, janitor, replay, run, tests};
use crate::golden::golden;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let published = all().into_iter().map(|(name, schema)| {
        trial(format!("schemas::{name}"), move || {
            let json = serde_json::to_string_pretty(&schema).unwrap();
            golden(&tests("../docs/schemas").join(format!("{name}.json")), &(json + "\n"));
        })
    });
    let mut trials: Vec<_> = published.collect();
    trials.push(trial("schemas::everything_is_described", everything_is_described));
    trials.push(trial("schemas::a_plan_file_keeps_to_its_schema", a_plan_file));
    trials.push(trial("schemas::a_document_that_is_wrong_is_noticed", a_wrong_document));
    trials.push(trial("schemas::the_examples_keep_to_them", the_examples));
    trials
        .push(trial("schemas::the_validator_finds_what_is_wrong", validator::finds_what_is_wrong));
    trials
}

/// The schemas of everything that is written for programs, by the names under which
/// `docs/schemas` has them.
fn all() -> [(&'static str, Schema); 4] {
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

/// The schemas, as they are published; `har-1.2` is not ours.
static SCHEMAS: LazyLock<BTreeMap<&str, Value>> = LazyLock::new(|| {
    let ours = all().into_iter();
    let files = ours.map(|(name, _)| (name, tests("../docs/schemas").join(format!("{name}.json"))));
    let files = files.chain([("har-1.2", tests("har-1.2.json"))]);
    files.map(|(name, file)| (name, read(&file))).collect()
});

fn read(file: &Path) -> Value {
    let json = fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    serde_json::from_slice(&json).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

/// What is wrong with a document.
fn complaints(schema: &str, json: &str) -> Vec<String> {
    let document = serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {json}"));
    validator::complaints(&SCHEMAS[schema], &document)
}

/// Requires that a document keeps to a schema.
pub fn require(schema: &str, json: &str) {
    let complaints = complaints(schema, json);
    assert_eq!(complaints, [""; 0], "{schema}: {json}");
}

/// Requires that a recording keeps to its schemas, and what its replay writes for
/// programs to theirs. Returns the replay.
pub fn require_recording(file: &Path) -> Run {
    let har = fs::read_to_string(file).expect("a readable recording");
    require("har-1.2", &har);
    require("recording", &har);
    let run = run(replay(file).args(["--output", "json"]));
    require("output", &run.stdout);
    run.stderr.lines().for_each(|line| require("event", line));
    run
}

/// The descriptions come from the documentation of the types and of `wit/`.
fn everything_is_described() {
    for (name, schema) in all() {
        let mut silent = Vec::new();
        undescribed(&schema.to_value(), name, &mut silent);
        assert_eq!(silent, [""; 0]);
    }
    let text = fs::read_to_string(tests("../docs/schemas/output.json")).unwrap();
    let wit = fs::read_to_string(tests("../wit/types.wit")).unwrap();
    for words in [
        "Everything that could be reached is clean, but some agents could not",
        "The findings and results of a run.",
    ] {
        assert!(text.contains(words) && wit.contains(words), "{words}");
    }
}

/// The types, fields and cases without a description.
fn undescribed(schema: &Value, path: &str, silent: &mut Vec<String>) {
    let mut look = |kind: &str, below: &Value| {
        for (name, schema) in below.as_object().into_iter().flatten() {
            let path = format!("{path}/{name}");
            // The fields of a case that has something with it are described by the case.
            if schema["description"].is_null() && kind != "case" {
                silent.push(path.clone());
            }
            undescribed(schema, &path, silent);
        }
    };
    look("type", &schema["$defs"]);
    let is_case = schema["required"].as_array().is_some_and(|it| it.len() == 1)
        && schema["additionalProperties"] == false;
    look(if is_case { "case" } else { "field" }, &schema["properties"]);
    for case in schema["oneOf"].as_array().into_iter().flatten() {
        if case["description"].is_null() {
            silent.push(format!("{path}: {case}"));
        }
        undescribed(case, path, silent);
    }
}

fn a_plan_file() {
    let json = fs::read(tests("scenarios/the-sample-result/cluster.json")).unwrap();
    let state: State = serde_json::from_slice(&json).unwrap();
    let cluster = Cluster::start(state);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let mut plan = janitor();
    plan.env("http_proxy", cluster.proxy_url());
    plan.args(["plan", "-r", "cassandra_role", "-z", "cassandra", "--out"]).arg(&file);
    assert_eq!(run(&mut plan).exit, 0);
    require("plan-file", &fs::read_to_string(file).unwrap());
}

fn a_wrong_document() {
    for (schema, json) in [
        ("output", "{}"),
        ("output", r#"{"schema_version":1,"exit_code":"0","next":[]}"#),
        ("event", r#"{"level":"Loud","message":"","event":null}"#),
        ("plan-file", r#"{"schema_version":1}"#),
        (
            "recording",
            r#"{"log":{"version":"1.2","creator":{"name":"","version":""},"entries":[]}}"#,
        ),
        ("har-1.2", r#"{"log":{"version":"1.1","creator":{"name":"","version":""},"entries":[]}}"#),
        (
            "har-1.2",
            r#"{"log":{"version":"1.2","creator":{"name":"","version":""},"entries":[{}]}}"#,
        ),
    ] {
        assert_ne!(complaints(schema, json), [""; 0], "{schema}: {json}");
    }
}

/// In the documents, the word after `json` is the schema of an example.
fn the_examples() {
    let mut found = Vec::new();
    for document in ["json", "recordings"] {
        let text = fs::read_to_string(tests(&format!("../docs/{document}.md"))).unwrap();
        for example in text.split("```json ").skip(1) {
            let (schema, rest) = example.split_once('\n').unwrap();
            let json = rest.split_once("```").expect("the end of an example").0;
            require(schema, json);
            found.push(schema.to_owned());
        }
    }
    for (schema, _) in all() {
        assert!(found.iter().any(|it| it == schema), "there is no example of {schema}");
    }
}
