//! The rules for a replay. `scenarios.rs` checks that the recordings in `tests/recordings` replay
//! to the output beside them.

mod clock;
mod secrets;
mod update;
mod versions;

use std::fs;

use crate::command::{janitor, program, recordings, replay, run, tests};
use crate::needs::{installed, needed};

tests! {
    another_schema_version_is_refused: versions::another_schema_version(),
    what_is_not_known_is_refused: versions::unknown_fields(),
    a_key_that_is_there_twice_is_refused: versions::keys_given_twice(),
    what_is_missing_is_named: versions::missing_fields(),
    a_new_option_has_its_default: versions::options_that_did_not_exist_yet(),
    another_component_may_differ: versions::another_component(),
    somebody_elses_har_is_refused: versions::somebody_elses_har(),
    a_slow_run_is_replayed_exactly: clock::a_slow_run(),
    without_a_clock_only_pauses_take_time: clock::an_older_recording(),
    another_number_of_readings_is_told: clock::another_number_of_readings(),
    no_secret_is_written: secrets::nowhere(),
    no_secret_is_written_after_a_mistake: secrets::not_in_mistakes(),
    what_is_reserved_is_kept: secrets::what_is_reserved_is_kept(),
    one_is_made_anew: update::made_anew(),
    one_is_made_anew_elsewhere: update::made_anew_elsewhere(),
    what_one_lifts_is_lifted_on_the_command_line_too: update::lifted(),
    an_incomplete_run_replaces_nothing: update::incomplete_runs_replace_nothing(),
    a_signal_replaces_nothing: update::signals_replace_nothing(),
    a_stopped_run_is_recorded_whole: update::a_stopped_run_is_recorded_whole(),
    a_folder_is_replayed: update::a_folder(),
    a_replay_needs_no_cluster: update::a_replay_needs_no_cluster(),
}

const RECORDING: &str = "recordings/cassandra-0.28.1.har";

#[test]
fn a_replay_opens_no_socket() {
    if needed(installed("strace")).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for file in recordings() {
        let trace = folder.path().join("trace");
        let mut strace = program("strace");
        strace.args(["-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o"]).arg(&trace);
        run(strace.arg(janitor().get_program()).arg("replay").arg(file));
        let trace = fs::read_to_string(trace).unwrap();
        // Two kinds of lines are no calls: one that says how a thread ended, and one for a
        // thread that had not ended when strace did.
        let is_call = |line: &&str| !line.contains("+++ exited") && !line.contains("???(");
        let calls: Vec<_> = trace.lines().filter(is_call).collect();
        assert_eq!(calls, [""; 0]);
    }
}

/// Replays a recording in which some text is replaced.
fn replay_with(from: &str, to: &str) -> crate::command::Run {
    let text = fs::read_to_string(tests(RECORDING)).unwrap();
    assert!(text.contains(from));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.har");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    run(&mut replay(&file))
}

#[test]
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

#[test]
fn an_unused_exchange_is_told() {
    let run = replay_with(r#""znode": "cassandra""#, r#""znode": null"#);
    assert_eq!(run.exit, 5);
    let words =
        "was not requested: DELETE http://leader.mesos:8181/exhibitor/v1/explorer/znode/cassandra";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

#[test]
fn what_is_no_recording_is_refused() {
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

#[test]
fn a_missing_answer_is_no_answer() {
    let run = replay_with(r#""status": 200"#, r#""status": 0"#);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("the recording has no answer to this"), "{}", run.stdout);
}

#[test]
fn a_recording_cannot_steer_a_terminal() {
    for text in ["leader.mesos:8181/\"", "http://leader.mesos:5050/master/slaves"] {
        let run = replay_with(text, &text.replacen("mesos", r"mesos\u001b[2J", 1));
        assert_ne!(run.exit, 0);
        assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{run:?}");
    }
}

#[test]
fn an_impossible_file_stops_the_run() {
    let run =
        run(janitor().args(["-r", "r", "-m", "http://127.0.0.1:1/", "--record", "/nowhere/x.har"]));
    assert_eq!(run.exit, 1);
    assert!(run.stderr.contains("cannot record to /nowhere/x.har"), "{}", run.stderr);
    assert!(!run.stdout.contains("Destroying"), "{}", run.stdout);
    let folder = tempfile::tempdir().unwrap();
    let run = crate::command::run(janitor().args(["-r", "r", "--record"]).arg(folder.path()));
    assert_eq!(run.exit, 1, "a folder is no file");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
