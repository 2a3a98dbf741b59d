//! The scenario folders: a cluster, a command, and what comes of it.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `cluster.json` | the stand-in at the beginning |
//! | `command` | the command line, with the environment in front of it; it runs in the folder |
//! | `plan.json` | the plan that it applies, if it does |
//! | `stdout` | what it prints, byte for byte |
//! | `stderr` | what it complains about; without it, nothing |
//! | `exit` | its exit code |
//! | `requests` | every request that reaches a server, in order, with its credential |
//! | `after.json` | the stand-in at the end; without it, nothing may change |
//!
//! Each run is recorded, and the recording must replay to the same output. With
//! `BLESS=1` in the environment, `stdout`, `exit`, `requests` and `after.json`
//! are written instead of compared; look at them before they are committed.

use std::fs;
use std::path::Path;

use janitor_tests::{Cluster, State};
use libtest_mimic::Trial;

use crate::command::{Run, janitor, replay, run, tests};
use crate::golden::{blessing, golden, golden_if_any};
use crate::{schemas, trial};

pub fn trials() -> Vec<Trial> {
    let mut folders: Vec<_> = fs::read_dir(tests("scenarios"))
        .expect("there are scenarios")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    folders.sort();
    let name = |folder: &Path| folder.file_name().unwrap_or_default().display().to_string();
    folders
        .into_iter()
        .map(|folder| trial(format!("scenarios::{}", name(&folder)), move || scenario(&folder)))
        .collect()
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
        // A file of an earlier blessing may be there, or not.
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
        assert_eq!(schemas::require_recording(&recording).exit, *exit);
        let verbose = words.iter().any(|word| word == "-v");
        let replay = || run(replay(&recording).args(verbose.then_some("-v")));
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
