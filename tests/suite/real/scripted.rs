//! A script on a real cluster: its settings are in a configuration file, and it decides by exit codes
//! and documents.

use std::fs;

use serde_json::Value;

use super::master::Master;
use crate::command::{Run, janitor, run};
use crate::validation;

pub fn a_script_with_a_configuration(command: &str) {
    let (master, expected) = Master::with_two_roles(command);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let config = format!(
        "cluster = 'lab'\nprotected = ['other-role']\n[clusters.lab]\nmaster-url = '{}'\n",
        master.url()
    );
    fs::write(at("config.toml"), config).unwrap();
    let script = |line: &str| -> (Run, Value) {
        let mut command = janitor();
        command.env("JANITOR_CONFIG", at("config.toml"));
        // Nothing listens there.
        command.env("JANITOR_EXHIBITOR_URL", "http://127.0.0.1:9/");
        let run = run(command.args(line.split(' ')).args(["--quiet", "-o", "json"]));
        validation::require("output", &run.stdout);
        let document = serde_json::from_str(&run.stdout).unwrap();
        (run, document)
    };
    let (found, inventory) = script("discover");
    assert_eq!((found.exit, found.stderr.as_str()), (0, ""), "{inventory}");
    let orphaned = inventory["orphaned"].as_array().unwrap();
    assert!(orphaned.contains(&"kafka-role".into()), "{inventory}");
    assert_eq!(inventory["servers"]["master"], master.url(), "{inventory}");

    let (refused, why) = script("clean -r other-role");
    assert_eq!(refused.exit, 7, "{why}");
    assert!(why["message"].as_str().unwrap().contains("is protected by"), "{why}");

    const PLAN: &str = "plan -r kafka-role -p kafka-principal --detailed-exitcode";
    let (something, plan) = script(PLAN);
    assert_eq!(something.exit, 2, "{plan}");
    let events = at("events.jsonl");
    let (cleaned, report) =
        script(&format!("clean -r kafka-role -p kafka-principal --events {events}"));
    assert_eq!((cleaned.exit, cleaned.stderr.as_str()), (0, ""), "{report}");
    for number in ["volumes", "resources", "agents"] {
        assert_eq!(report["counts"][number], plan["counts"][number], "{number}: {report}");
    }
    let written = fs::read_to_string(&events).unwrap();
    written.lines().for_each(|line| validation::require("event", line));
    assert!(written.lines().all(|line| line.contains(r#","time":""#)), "{written}");
    let (nothing, plan) = script(PLAN);
    assert_eq!(nothing.exit, 0, "{plan}");
    assert_eq!(master.reserved(), expected, "the role is gone, the others are as they were");
}
