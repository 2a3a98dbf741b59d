//! The output for scripts: the subject and the numbers in the JSON object, the file of the events,
//! the quiet output, and the exit code of a plan.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use janitor_host::DIGEST;
use janitor_tests::{Answer, Cluster, Server, State};
use serde_json::{Value, json};

use crate::command::{Run, janitor, on, program, replay, run, scenario, timeless};
use crate::terminal::{Terminal, plain};
use crate::validation;

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

fn document(run: &Run) -> Value {
    validation::require("output", &run.stdout);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["exit_code"], run.exit, "{run:?}");
    document
}

#[test]
fn the_classic_form_and_the_command_are_the_same() {
    for name in ["a-plan", "a-volume-in-use"] {
        let on_a_cluster = |line: &str| {
            let cluster = Cluster::start(scenario(name));
            let run = run(&mut on(&cluster, line));
            (run.stdout, run.stderr, run.exit, cluster.requests().len())
        };
        assert_eq!(on_a_cluster(TARGET), on_a_cluster(&format!("clean {TARGET}")), "{name}");
    }
}

#[test]
fn the_object_names_its_subject() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har").display().to_string();
    for (line, command, role) in [
        (format!("{TARGET} --record {recording}"), "clean", json!("cassandra_role")),
        (format!("clean --dry-run {TARGET}"), "clean", json!("cassandra_role")),
        (format!("plan {TARGET}"), "plan", json!("cassandra_role")),
        ("discover".into(), "discover", Value::Null),
    ] {
        let cluster = Cluster::start(scenario("a-plan"));
        let document = document(&run(&mut on(&cluster, &format!("{line} -o json"))));
        assert_eq!(document["command"], command, "{document}");
        assert_eq!(document["target"]["role"], role, "{document}");
        assert_eq!(document["servers"]["master"], "http://leader.mesos:5050/master/", "{document}");
        assert_eq!(document["versions"]["component"], DIGEST, "{document}");
        assert_eq!(document["versions"]["janitor"], env!("CARGO_PKG_VERSION"), "{document}");
        assert!(document["seconds"].as_f64().is_some(), "{document}");
        assert!(document["start"].as_str().unwrap().ends_with('Z'), "{document}");
    }
    let recorded = fs::read_to_string(&recording).unwrap();
    let again = run(replay(recording.as_ref()).args(["-o", "json"]));
    let document = document(&again);
    assert_eq!((&document["command"], &document["seconds"]), (&json!("replay"), &Value::Null));
    assert_eq!(document["target"]["role"], "cassandra_role", "{document}");
    assert!(recorded.contains(document["start"].as_str().unwrap()), "{document}");
}

/// A command that sends nothing names its subject as far as its command line does.
#[test]
fn a_failure_has_its_subject_too() {
    for (line, exit, servers) in [
        (format!("{TARGET} -m banana"), 3, false),
        (format!("{TARGET} --basic-auth-file /nonexistent/b"), 1, true),
    ] {
        let run = run(janitor().args(line.split(' ')).args(["-o", "json"]));
        assert_eq!(run.exit, exit, "{run:?}");
        let document = document(&run);
        assert_eq!(
            (&document["command"], &document["target"]["znode"]),
            (&json!("clean"), &json!("cassandra"))
        );
        assert_eq!(document["servers"].is_object(), servers, "{document}");
        assert_eq!(document["versions"]["component"], Value::Null, "{document}");
    }
}

#[test]
fn the_numbers_are_those_of_the_text() {
    let counts = |line: &str| {
        let cluster = Cluster::start(scenario("a-plan"));
        document(&run(&mut on(&cluster, &format!("{line} -o json"))))["counts"].clone()
    };
    let numbers = |volumes, resources, agents, kept: Value, roles: Value| json!({"volumes": volumes, "resources": resources, "agents": agents, "kept": kept, "roles": roles});
    let cluster = Cluster::start(scenario("a-plan"));
    let text = run(&mut on(&cluster, &format!("plan {TARGET}"))).stdout;
    assert!(text.contains("In total: 3 volumes and 5 resources on 3 agents"), "{text}");
    assert!(text.contains("4 of 9 resources stay"), "{text}");
    let none = Value::Null;
    assert_eq!(counts(&format!("plan {TARGET}")), numbers(3, 5, 3, json!(4), none.clone()));
    assert_eq!(counts(TARGET), numbers(3, 5, 3, none.clone(), none));
}

#[test]
fn an_inventory_lists_the_orphans_and_their_commands() {
    let cluster = Cluster::start(scenario("what-is-reserved"));
    let known = document(&run(&mut on(&cluster, "discover -o json")));
    assert_eq!(known["orphaned"], json!(["cassandra_role"]), "{known}");
    let command = "To remove what is reserved for role 'cassandra_role': janitor -r cassandra_role -p cassandra_principal -z cassandra";
    assert_eq!(known["next"], json!([command]), "{known}");
    let cluster = Cluster::start(scenario("what-is-reserved-without-frameworks"));
    let unknown = document(&run(&mut on(&cluster, "discover -o json")));
    assert_eq!((&unknown["orphaned"], &unknown["next"]), (&Value::Null, &json!([])), "{unknown}");
}

/// The file has the events of standard error, whatever the output format is.
#[test]
fn the_events_are_in_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let at = file.display();
    let events = |line: &str| {
        let cluster = Cluster::start(scenario("a-plan"));
        let run = run(&mut on(&cluster, &format!("{line} --events {at}")));
        (run, fs::read_to_string(&file).unwrap())
    };
    let (json, written) = events(&format!("{TARGET} -o json"));
    assert_eq!(json.stderr, written);
    for line in written.lines() {
        validation::require("event", line);
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    }
    let (text, again) = events(TARGET);
    assert_eq!(timeless(&again), timeless(&written));
    assert_eq!((text.exit, text.stderr.as_str()), (0, ""));
    // A replay has no times.
    let recording = folder.path().join("run.har").display().to_string();
    events(&format!("{TARGET} --record {recording}"));
    let replayed = run(replay(recording.as_ref()).arg("--events").arg(&file));
    assert_eq!(replayed.exit, 0, "{replayed:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), timeless(&written));
}

#[test]
fn a_file_of_events_that_cannot_be_written_is_noticed_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a").display().to_string();
    fs::write(&file, "kept").unwrap();
    let cluster = Cluster::start(scenario("a-plan"));
    for (line, words) in [
        (format!("{TARGET} --events /nonexistent/e"), "cannot write the events /nonexistent/e"),
        (format!("{TARGET} --events {file} --record {file}"), "are the same file"),
        (format!("plan {TARGET} --events {file} --out {file}"), "are the same file"),
        (format!("apply {file} --events {file}"), "are the same file"),
        (format!("replay {file} --events {file}"), "are the same file"),
        (format!("{TARGET} --auth-token-file {file} --events {file}"), "are the same file"),
    ] {
        let run = run(&mut on(&cluster, &line));
        assert_eq!(run.exit, 1, "{line}: {run:?}");
        assert!(run.stderr.contains(words), "{line}: {run:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept", "{line}");
    }
    assert_eq!(cluster.requests().len(), 0);
    if fs::metadata("/dev/full").is_ok() {
        let run = run(&mut on(&cluster, &format!("{TARGET} --events /dev/full")));
        assert_eq!(run.exit, 1, "{run:?}");
        assert!(run.stderr.contains("cannot write to the file of the events: "), "{run:?}");
    }
}

/// Quiet output leaves standard output, the document and the exit code as they are.
#[test]
fn only_errors_are_left_of_standard_error() {
    for line in [
        format!("plan {TARGET} --ignore-agent nobody"),
        format!("plan {TARGET} --ignore-agent nobody -o json"),
        format!("{TARGET} -o json"),
    ] {
        let on_a_cluster = |quiet: &str| {
            let cluster = Cluster::start(scenario("a-plan"));
            run(&mut on(&cluster, &format!("{line} {quiet}")))
        };
        let (loud, quiet) = (on_a_cluster(""), on_a_cluster("-q"));
        assert_ne!(loud.stderr, "", "{line}");
        assert_eq!((quiet.stderr.as_str(), quiet.exit), ("", loud.exit), "{line}");
        assert_eq!(timeless(&quiet.stdout), timeless(&loud.stdout), "{line}");
    }
    let error = run(janitor().args(["-q", "-r", "r", "--ca-cert", "/nonexistent/c"]));
    assert_eq!(error.exit, 1);
    assert!(error.stderr.contains("cannot use /nonexistent/c"), "{error:?}");
}

/// Everything that a listing or a plan may lack is among the warnings.
#[test]
fn what_is_not_known_is_a_warning_for_programs() {
    const UNREACHABLE: &str = "Slave 3ce447e3-2894-4c61-bd0f-be97e4d99ee9-S2 is unreachable since ";
    for (name, words) in [
        ("an-unreachable-agent", UNREACHABLE),
        ("what-is-reserved-without-frameworks", "The registered frameworks are not known"),
        ("what-is-reserved-without-exhibitor", "The znodes are not known: "),
        ("the-sample-result", ""),
    ] {
        let cluster = Cluster::start(scenario(name));
        let warnings = document(&run(&mut on(&cluster, "discover -o json")))["warnings"].clone();
        let warnings: Vec<_> =
            warnings.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let is_told = warnings.iter().any(|it| it.starts_with(words));
        assert_eq!(is_told, !words.is_empty(), "{name}: {warnings:?}");
    }
    // Only the log has this.
    const UNKNOWN: &str = "It is unknown whether other slaves hold resources: ";
    let registry = Answer {
        server: Server::Master,
        method: "GET".into(),
        path: "/registrar(1)/registry".into(),
        status: 403,
        content_type: None,
        headers: BTreeMap::new(),
        body: String::new(),
        times: None,
    };
    let cluster =
        Cluster::start(State { answers: vec![registry], ..scenario("the-sample-result") });
    for line in ["discover", "plan -r cassandra_role"] {
        let run = run(&mut on(&cluster, &format!("{line} -o json")));
        let warnings = document(&run)["warnings"].to_string();
        assert!(warnings.contains(UNKNOWN), "{line}: {warnings}");
    }
}

#[test]
fn a_plan_says_by_its_exit_code_what_it_contains() {
    for (name, line, exit) in [
        ("a-plan", format!("plan {TARGET}"), 2),
        ("a-plan-of-nothing", "plan -r cassandra_role".into(), 0),
        ("what-is-reserved", "plan -r kafka-role -z kafka".into(), 7),
        ("an-agent-list-that-is-no-json", format!("plan {TARGET}"), 5),
    ] {
        for format in ["text", "json"] {
            let cluster = Cluster::start(scenario(name));
            let usual = run(&mut on(&cluster, &format!("{line} -o {format}")));
            let run = run(&mut on(&cluster, &format!("{line} --detailed-exitcode -o {format}")));
            assert_eq!(run.exit, exit, "{name}: {run:?}");
            assert_eq!(usual.exit, if exit == 5 { 5 } else { 0 }, "{name}: {usual:?}");
            if format == "json" {
                document(&run);
            }
        }
    }
    // Nothing is known about the znode.
    let cluster = Cluster::start(scenario("a-plan"));
    for (target, exit) in [("-z cassandra", 5), (TARGET, 2)] {
        let line = format!("plan {target} -e http://127.0.0.1:1/ --detailed-exitcode");
        let text = run(&mut on(&cluster, &line));
        assert_eq!(text.exit, exit, "{line}: {text:?}");
        let words = "It is unknown whether znode 'cassandra' exists: ";
        assert_eq!(text.stderr.contains(words), exit == 5, "{line}: {text:?}");
        let json = document(&run(&mut on(&cluster, &format!("{line} -o json"))));
        assert_eq!(json["exit_code"], exit, "{line}: {json}");
        assert_eq!(json["reason"], if exit == 5 { "Failed".into() } else { Value::Null });
        let message = json["message"].as_str().unwrap_or_default();
        assert_eq!(message.contains(words), exit == 5, "{line}: {json}");
    }
    // An invalid command line has another code.
    assert_eq!(run(janitor().args(["plan", "--detailed-exitcode", "--no-such"])).exit, 1);
}

/// On a terminal, the prompt remains, and the progress is not drawn.
#[test]
fn a_quiet_run_asks_nevertheless() {
    const QUESTION: &str = "[y/N]";
    for (quiet, has_progress) in [("", true), ("--quiet", false)] {
        let state = State { latency_ms: 50, ..scenario("a-plan") };
        let cluster = Cluster::start(state);
        let terminal = Terminal { typed: "y\n", ..Terminal::new(&cluster) };
        let (shown, exit) = terminal.shows(&format!("{TARGET} {quiet}"));
        let shown = plain(&shown);
        assert_eq!(exit, 0, "{shown}");
        assert!(shown.contains(QUESTION), "{shown}");
        assert_eq!(shown.contains("Volumes 0/"), has_progress, "{shown}");
    }
}

/// Another program may read the events while the run lasts, but a run does not wait for one.
#[test]
fn a_pipe_without_a_reader_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(program("mkfifo").arg(&pipe).status().unwrap().success());
    let cluster = Cluster::start(scenario("a-plan"));
    let line = format!("{TARGET} --events {pipe}");
    let refused = run(&mut on(&cluster, &line));
    assert_eq!(refused.exit, 1, "{refused:?}");
    assert!(refused.stderr.contains("it is a pipe, and no program reads from it"), "{refused:?}");
    assert_eq!(cluster.requests().len(), 0);
    let mut reader = program("cat");
    let reader = reader.arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    // The reader may not have opened the pipe yet.
    let read = loop {
        let read = run(&mut on(&cluster, &line));
        if !read.stderr.contains("no program reads from it") {
            break read;
        }
    };
    assert_eq!(read.exit, 0, "{read:?}");
    let events = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
    assert!(events.lines().count() > 5, "{events}");
    events.lines().for_each(|line| validation::require("event", line));
}
