//! Tests of `janitor replay` with a folder, and of `janitor replay --update`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::{Cluster, State};
use tempfile::TempDir;

use super::{RECORDING, recordings};
use crate::command::{janitor, program, replay, run, tests};
use crate::validation::{require, require_recording};

fn sample() -> Cluster {
    sample_that_takes(0)
}

/// Starts the sample's cluster, where every answer takes some milliseconds.
fn sample_that_takes(latency_ms: u64) -> Cluster {
    let json = fs::read(tests("scenarios/the-sample-result/cluster.json")).unwrap();
    let state: State = serde_json::from_slice(&json).unwrap();
    Cluster::start(State { latency_ms, ..state })
}

/// Records the sample's cleanup, in a folder of its own.
fn recorded() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.har");
    let cluster = sample();
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url());
    command.args(["-r", "cassandra_role", "-z", "cassandra", "--record"]);
    assert_eq!(run(command.arg(&file)).exit, 0);
    (folder, file)
}

fn update(file: &Path, cluster: &Cluster) -> Command {
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url()).args(["replay", "--update"]).arg(file);
    command
}

/// Returns all files in the folder of a recording.
fn files(file: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(file.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

pub fn made_anew() {
    let (_folder, file) = recorded();
    let before = fs::read(&file).unwrap();
    let cluster = sample();
    let live = run(&mut update(&file, &cluster));
    // For Mesos 0.28, the output says where files remain.
    assert_eq!((live.exit, live.stderr.lines().count()), (0, 1));
    assert!(cluster.requests().iter().any(|request| request.method == "POST"));
    assert_ne!(fs::read(&file).unwrap(), before);
    assert_eq!(run(&mut replay(&file)), live);
    require_recording(&file);
    assert_eq!(files(&file), [file]);
}

pub fn made_anew_elsewhere() {
    let (_folder, file) = recorded();
    let cluster = sample();
    let mut command = janitor();
    command.args(["replay", "--update", "--yes", "-a", "t", "-m", &cluster.master_url()]);
    let live = run(command.args(["-e", &cluster.exhibitor_url()]).arg(&file));
    assert_eq!(live.exit, 0, "{live:?}");
    assert!(fs::read_to_string(&file).unwrap().contains(&cluster.master_url()));
    assert_eq!(run(&mut replay(&file)), live);
}

pub fn lifted() {
    let (_folder, file) = recorded();
    let text = fs::read_to_string(&file).unwrap();
    let forced = text.replacen(r#""in_use": "Refuse""#, r#""in_use": "Force""#, 1);
    assert_ne!(forced, text);
    fs::write(&file, &forced).unwrap();
    let cluster = sample();
    let refused = run(&mut update(&file, &cluster));
    assert_eq!((refused.exit, cluster.requests().len()), (7, 0), "{refused:?}");
    assert!(
        refused.stdout.contains("If this is intended, add at the end of the command: --force\n"),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), forced);
    assert_eq!(run(update(&file, &cluster).arg("--force")).exit, 0);
}

pub fn incomplete_runs_replace_nothing() {
    let (_folder, file) = recorded();
    let before = fs::read(&file).unwrap();
    let nobody = ["-m", "http://127.0.0.1:1/"];
    let failed = run(janitor().args(["replay", "--update"]).args(nobody).arg(&file));
    assert_eq!(failed.exit, 5, "{failed:?}");
    assert!(failed.stderr.contains("was not replaced"), "{}", failed.stderr);
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(files(&file), [file]);
}

/// Runs a command on slow servers, and sends a signal in the middle of the run. Returns the exit
/// code.
fn signalled(mut command: Command, cluster: &Cluster, signal: &str) -> Option<i32> {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let patience = Instant::now();
    while !cluster.requests().iter().any(|request| request.method == "POST") {
        assert!(patience.elapsed() < Duration::from_secs(60), "the request does not come");
        sleep(Duration::from_millis(1));
    }
    let sent = program("kill").args([signal, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    process.wait().unwrap().code()
}

pub fn signals_replace_nothing() {
    let (_folder, file) = recorded();
    let before = fs::read(&file).unwrap();
    for (signal, code) in [("-INT", Some(5)), ("-KILL", None)] {
        let cluster = sample_that_takes(400);
        assert_eq!(signalled(update(&file, &cluster), &cluster, signal), code);
        assert_eq!(fs::read(&file).unwrap(), before, "{signal}");
        assert!(files(&file).iter().eq([&file]), "{signal}");
    }
}

pub fn a_stopped_run_is_recorded_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stopped.har");
    let cluster = sample_that_takes(400);
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url());
    command.args(["-r", "cassandra_role", "--record"]).arg(&file);
    assert_eq!(signalled(command, &cluster, "-INT"), Some(5));
    assert_eq!(require_recording(&file).exit, 5);
    assert_eq!(files(&file), [file]);
}

pub fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let all = || run(&mut replay(folder.path()));
    assert_eq!(all().exit, 1, "there is nothing to replay");
    for file in recordings() {
        fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let same = all();
    assert_eq!((same.exit, same.stderr.as_str()), (0, ""), "{}", same.stdout);
    assert!(same.stdout.contains("cassandra-0.28.1.har: the same"), "{}", same.stdout);
    assert!(same.stdout.contains("\n0 of "), "{}", same.stdout);

    let text = fs::read_to_string(tests(RECORDING)).unwrap();
    let changed = text.replacen("/master/destroy-volumes", "/master/destroy-volume", 1);
    fs::write(folder.path().join("changed.har"), changed).unwrap();
    fs::write(folder.path().join("damaged.har"), "{}").unwrap();
    let different = all();
    assert_eq!(different.exit, 5);
    for words in [
        "changed.har: different\n  the recording has no POST",
        "damaged.har: cannot be read: it is not a HAR file",
        "\n1 of ",
        " recordings differ, 1 cannot be read.",
    ] {
        assert!(different.stdout.contains(words), "{words}: {}", different.stdout);
    }
    let json = run(replay(folder.path()).args(["--output", "json"]));
    require("output", &json.stdout);
    let update = run(janitor().args(["replay", "--update"]).arg(folder.path()));
    assert_eq!(update.exit, 1, "one at a time");
}

pub fn a_replay_needs_no_cluster() {
    for options in [
        &["-a", "t"][..],
        &["-m", "http://h/"],
        &["--yes"],
        &["--username", "u", "--password", "p"],
    ] {
        let run = run(replay(&tests(RECORDING)).args(options));
        assert_eq!((run.stdout.as_str(), run.exit), ("", 1), "{options:?}");
        assert!(run.stderr.contains("--update"), "{}", run.stderr);
    }
}
