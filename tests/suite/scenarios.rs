//! The tests that consist of files: the scenarios, the same scenarios through a router, and the
//! recordings. They are a program of their own, because the files determine which tests exist.
//!
//! A scenario consists of a cluster, a command, and the expected results:
//!
//! | file | content |
//! | --- | --- |
//! | `cluster.json` | the stand-in at the beginning |
//! | `command` | the command line, with the environment in front of it; it runs in the folder |
//! | `plan.json` | the plan file that the command applies, if any |
//! | `stdout` | the standard output, byte for byte |
//! | `stderr` | the standard error, which is empty if there is no such file |
//! | `exit` | the exit code |
//! | `requests` | every request that reaches a server, in order, with its credential |
//! | `after.json` | the stand-in at the end; without this file, nothing may change |
//!
//! Each run is recorded, and the recording must replay to the same output.
//!
//! `tests/recordings` contains the recordings, with the output of their replay:
//!
//! | file | content |
//! | --- | --- |
//! | `NAME.har` | the recording |
//! | `NAME.stdout` | the standard output of the replay |
//! | `NAME.stderr` | its standard error, which is empty if there is no such file |
//! | `NAME.json` | the standard output with `--output json`, without times and versions |
//! | `NAME.events` | the standard error with `--output json` |
//! | `NAME.exit` | the exit code |
//!
//! To add a recording, put its `.har` there.
//!
//! With `BLESS=1` in the environment, as in `BLESS=1 cargo test --test scenarios recordings`,
//! all of these files except `cluster.json`, `command`, `plan.json` and `NAME.har` are written
//! instead of compared; review them before you commit them.

// A test fails by a failed assertion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Only the suite uses the rest of these modules.
#[allow(dead_code)]
mod command;
mod golden;
#[allow(dead_code)]
mod needs;
#[allow(dead_code)]
mod nginx;
mod routed;
mod validation;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, thread};

use janitor_tests::{Cluster, State};
use libtest_mimic::{Arguments, Trial};

use command::{Run, janitor, recordings, replay, run, tests, timeless, without_ways};
use golden::{blessing, golden};
use needs::skipped;

fn main() -> ExitCode {
    let mut folders: Vec<_> = fs::read_dir(tests("scenarios"))
        .expect("there are scenarios")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    folders.sort();
    let mut trials = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().display().to_string();
        trials.push(through_the_router(&name));
        trials.push(trial(format!("scenarios::{name}"), move || scenario(&folder)));
    }
    for file in recordings() {
        let name = file.file_stem().unwrap_or_default().display();
        trials.push(trial(format!("recordings::{name}"), move || recording(&file)));
    }
    let mut arguments = Arguments::from_args();
    // Most scenarios wait for servers, so more of them run at once than there are cores.
    if let Ok(cores) = thread::available_parallelism() {
        arguments.test_threads.get_or_insert(2 * cores.get());
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        test();
        Ok(())
    })
}

/// Makes a trial of a scenario's command through a router, unless the scenario does not test the
/// router.
fn through_the_router(scenario: &str) -> Trial {
    let name = format!("router::scenarios::{scenario}");
    let elsewhere = routed::ELSEWHERE.iter().find(|(one, _)| *one == scenario);
    let reason = elsewhere.map(|(_, why)| (*why).to_owned());
    match reason.or_else(|| nginx::installed().err()) {
        Some(reason) => {
            skipped(&name, &reason);
            trial(name, || {}).with_ignored_flag(true)
        }
        None => {
            let scenario = scenario.to_owned();
            trial(name, move || routed::same_as_without(&scenario))
        }
    }
}

/// Replaces the address of the proxy, which is another one in each run, and leaves out the ways to
/// the servers, which a replay does not take.
fn behind(name: &str, proxy: &str, run: Run) -> Run {
    let named = |text: &str| text.replace(proxy.trim_start_matches("http://"), name);
    let run = without_ways(run);
    Run { stdout: named(&run.stdout), stderr: named(&run.stderr), ..run }
}

fn scenario(folder: &Path) {
    let state = read_state(&folder.join("cluster.json")).expect("a cluster.json");
    let cluster = Cluster::start(state.clone());
    let recordings = tempfile::tempdir().expect("a place for the recording");
    let recording = recordings.path().join("run.har");

    let line = fs::read_to_string(folder.join("command")).expect("a command");
    let words = shell_words::split(&line).expect("a command line");
    let program = words.iter().position(|word| !word.contains('=')).expect("a program");
    let mut command = janitor();
    command.current_dir(folder).env("http_proxy", cluster.proxy_url());
    command.envs(words[..program].iter().filter_map(|word| word.split_once('=')));
    command.args(&words[program + 1..]);
    let result = run(command.arg("--record").arg(&recording));
    let proxy = cluster.proxy_url();
    let result = behind("proxy.example:3128", &proxy, result);

    let requests: String = cluster
        .requests()
        .iter()
        .map(|request| {
            let credential = request.authorization.iter().map(|value| format!(" ({value})"));
            format!("{} {}{}\n", request.method, request.path, credential.collect::<String>())
        })
        .collect();
    golden(&folder.join("stdout"), &result.stdout);
    golden(&folder.join("exit"), &format!("{}\n", result.exit));
    golden(&folder.join("requests"), &requests);
    golden_if_any(&folder.join("stderr"), &result.stderr);

    let after = cluster.state();
    let expected = folder.join("after.json");
    if blessing() {
        // The file exists if an earlier run with `BLESS=1` wrote it.
        let _ = fs::remove_file(&expected);
        if after != state {
            let json = serde_json::to_string_pretty(&after).expect("a state");
            fs::write(&expected, json + "\n").expect("a writable folder");
        }
    }
    let expected = read_state(&expected).unwrap_or_else(|| state.clone());
    assert_eq!(after, expected, "the cluster afterwards");

    if recording.exists() {
        if let Some(iam) = &state.iam {
            let har = fs::read_to_string(&recording).expect("a readable recording");
            assert!(!har.contains(&iam.token), "the token is in the recording");
        }
        let Run { stdout, exit, .. } = &result;
        assert_eq!(validation::require_recording(&recording).exit, *exit);
        let verbose = words.iter().any(|word| word == "-v");
        let replay = || {
            let run = run(replay(&recording).args(verbose.then_some("-v")));
            behind("proxy.example:3128", &proxy, run)
        };
        // A recording does not name the plan file in which a new plan is proposed.
        let stdout = &stdout.replace(" --out plan.json", "");
        for again in [replay(), replay()] {
            assert_eq!((&again.stdout, &again.exit), (stdout, exit), "the replay");
            assert_eq!(again.stderr, result.stderr, "the replay");
        }
    }
}

fn read_state(file: &Path) -> Option<State> {
    let json = fs::read(file).ok()?;
    Some(
        serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
    )
}

fn recording(file: &Path) {
    let expect = |extension, actual: &str| golden(&file.with_extension(extension), actual);
    for _ in 0..2 {
        let text = run(&mut replay(file));
        expect("stdout", &text.stdout);
        golden_if_any(&file.with_extension("stderr"), &text.stderr);
        expect("exit", &format!("{}\n", text.exit));
        let json = validation::require_recording(file);
        // The start is the recorded one, and the versions are those of this build.
        assert!(json.stdout.contains("\n  \"start\": \"20") && json.stdout.contains("sha256:"));
        expect("json", &timeless(&json.stdout));
        expect("events", &json.stderr);
        assert_eq!(json.exit, text.exit);
    }
}

/// Compares a text with its file, which exists only if the text is not empty.
fn golden_if_any(file: &Path, actual: &str) {
    if blessing() && actual.is_empty() {
        // The file exists if an earlier run with `BLESS=1` wrote it.
        let _ = fs::remove_file(file);
    }
    if !actual.is_empty() || file.exists() {
        golden(file, actual);
    }
}
