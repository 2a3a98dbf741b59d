//! Tests of the JSON Schemas in `docs/schemas`: they match the types, and all documents that are
//! written are valid against them.

use std::fs;

use janitor_tests::{Cluster, State};
use serde_json::Value;

use crate::command::{janitor, run, tests};
use crate::golden::golden;
use crate::validation::{all, complaints, require};

#[test]
fn those_of_the_types_are_published() {
    for (name, schema) in all() {
        let json = serde_json::to_string_pretty(&schema).unwrap();
        golden(&tests("../docs/schemas").join(format!("{name}.json")), &(json + "\n"));
    }
}

/// The descriptions come from the documentation of the types and of `wit/`.
#[test]
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

/// Collects the types, fields and cases that have no description.
fn undescribed(schema: &Value, path: &str, silent: &mut Vec<String>) {
    let mut look = |kind: &str, below: &Value| {
        for (name, schema) in below.as_object().into_iter().flatten() {
            let path = format!("{path}/{name}");
            // The description of a case covers its fields.
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

#[test]
fn a_plan_file_keeps_to_its_schema() {
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

#[test]
fn a_document_that_is_wrong_is_noticed() {
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
        let document = serde_json::from_str(json).unwrap();
        assert_ne!(complaints(schema, &document), [""; 0], "{schema}: {json}");
    }
    let har = fs::read(tests("recordings/cassandra-0.28.1.har")).unwrap();
    let har: Value = serde_json::from_slice(&har).unwrap();
    for (place, wrong) in
        [("/log/entries/0/startedDateTime", "yesterday"), ("/log/entries/0/request/url", "slaves")]
    {
        let mut har = har.clone();
        *har.pointer_mut(place).expect("a text") = wrong.into();
        assert_eq!(complaints("har-1.2", &har).len(), 1, "{place}: {wrong}");
    }
}

/// In the documents, the word after `json` names the schema of an example.
#[test]
fn the_examples_keep_to_them() {
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
