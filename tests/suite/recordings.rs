//! The recordings in `tests/recordings`, and what a replay may and may not do.
//! Beside each `NAME.har` stand `NAME.stdout` and `NAME.exit`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::Trial;

use crate::command::{janitor, replay, run, tests};
use crate::{skipped, trial};

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = recordings()
        .map(|file| {
            let name = file.file_stem().unwrap_or_default().display().to_string();
            trial(format!("recordings::{name}"), move || {
                let text = |extension| fs::read_to_string(file.with_extension(extension));
                let expected = text("stdout").expect("the expected output");
                let exit: i32 = text("exit").expect("the exit code").trim().parse().unwrap();
                for run in [run(&mut replay(&file)), run(&mut replay(&file))] {
                    assert_eq!((run.stdout, run.stderr), (expected.clone(), String::new()));
                    assert_eq!(run.exit, exit);
                }
            })
        })
        .collect();
    let socketless = "recordings::a_replay_opens_no_socket";
    trials.push(match Command::new("strace").arg("--version").output() {
        Ok(_) => trial(socketless, a_replay_opens_no_socket),
        Err(_) => skipped(socketless, "strace is not installed"),
    });
    trials.push(trial("recordings::a_miss_names_the_nearest", a_miss_names_the_nearest));
    trials.push(trial("recordings::an_unused_exchange_is_told", an_unused_exchange_is_told));
    trials.push(trial("recordings::what_is_no_recording_is_refused", what_is_no_recording));
    trials.push(trial("recordings::a_missing_answer_is_no_answer", a_missing_answer));
    trials.push(trial("recordings::a_recording_cannot_steer_a_terminal", no_escapes));
    trials.push(trial("recordings::an_impossible_file_stops_the_run", an_impossible_file));
    trials
}

/// The files in `tests/recordings`.
fn recordings() -> impl Iterator<Item = PathBuf> {
    fs::read_dir(tests("recordings"))
        .expect("there are recordings")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "har"))
}

const RECORDING: &str = "recordings/cassandra-0.28.1.har";

fn a_replay_opens_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    for file in recordings() {
        let trace = folder.path().join("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o"]).arg(&trace);
        run(strace.arg(janitor().get_program()).arg("replay").arg(file));
        let calls = fs::read_to_string(trace).unwrap();
        let calls: Vec<_> = calls.lines().filter(|line| !line.contains("+++ exited")).collect();
        assert_eq!(calls, [""; 0]);
    }
}

/// Replays a recording with some of its text replaced.
fn replay_with(from: &str, to: &str) -> crate::command::Run {
    let text = fs::read_to_string(tests(RECORDING)).unwrap();
    assert!(text.contains(from));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.har");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    run(&mut replay(&file))
}

fn a_miss_names_the_nearest() {
    let run = replay_with("/master/destroy-volumes", "/master/destroy-volume");
    assert_eq!(run.exit, 5);
    for words in [
        "the recording has no POST http://leader.mesos:5050/master/destroy-volumes",
        "the nearest is exchange",
        "with another body",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
}

fn an_unused_exchange_is_told() {
    let run = replay_with(r#""znode": "cassandra""#, r#""znode": null"#);
    assert_eq!(run.exit, 5);
    let words =
        "was not asked for: DELETE http://leader.mesos:8181/exhibitor/v1/explorer/znode/cassandra";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

fn what_is_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.har");
    for text in ["", "{}", "[]", "<html>", r#"{"log":{"version":"1.2","entries":[]}}"#] {
        fs::write(&file, text).unwrap();
        let run = run(&mut replay(&file));
        assert_eq!((run.stdout.as_str(), run.exit), ("", 1), "{text}");
        assert!(run.stderr.starts_with("janitor: cannot replay "), "{}", run.stderr);
    }
    assert_eq!(run(&mut replay(&folder.path().join("absent.har"))).exit, 1);
    let newer = replay_with(r#""schema_version": 1"#, r#""schema_version": 2"#);
    assert!(newer.stderr.contains("its schema_version is 2"), "{}", newer.stderr);
}

fn a_missing_answer() {
    let run = replay_with(r#""status": 200"#, r#""status": 0"#);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("the recording has no answer to this"), "{}", run.stdout);
}

fn no_escapes() {
    for text in ["leader.mesos:8181/\"", "http://leader.mesos:5050/master/slaves"] {
        let run = replay_with(text, &text.replacen("mesos", r"mesos\u001b[2J", 1));
        assert_ne!(run.exit, 0);
        assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{run:?}");
    }
}

fn an_impossible_file() {
    let run =
        run(janitor().args(["-r", "r", "-m", "http://127.0.0.1:1/", "--record", "/nowhere/x.har"]));
    assert_eq!(run.exit, 1);
    assert!(run.stderr.contains("cannot record to /nowhere/x.har"), "{}", run.stderr);
    assert!(!run.stdout.contains("Destroying"), "{}", run.stdout);
}
