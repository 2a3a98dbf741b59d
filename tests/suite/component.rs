//! Runs of a component from a file instead of the embedded one: the named one is run, and no other.

use std::fs;
use std::path::{Path, PathBuf};

use janitor_host::DIGEST;
#[cfg(feature = "jit")]
use janitor_host::Janitor;
use janitor_tests::Cluster;
use serde_json::Value;

use crate::command::{Run, janitor, on, replay, run, scenario, tests};
use crate::composed;
use crate::sandbox::BROKEN;

/// A digest that no component has.
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The message about the servers if there is no component that could send them a request.
const NOTHING: &str = "Nothing was changed, and nothing was sent.\n";

/// Returns the file of the embedded component.
fn guest() -> PathBuf {
    composed::JANITOR.join("janitor-cleanup.wasm")
}

/// Runs a cleanup with a component, and asserts that nothing is sent.
fn harmless(file: &Path) -> Run {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let mut command = on(&cluster, "-r cassandra_role -z cassandra");
    let run = run(command.arg("--component").arg(file));
    assert_eq!(run.exit, 8, "{}: {run:?}", file.display());
    assert_eq!(cluster.requests().len(), 0, "{}", file.display());
    run
}

/// Asserts that a file with this fault is refused.
pub fn is_refused(fault: &str) {
    let (_, words) = BROKEN.iter().find(|(it, _)| *it == fault).expect("what is said of it");
    let bytes = match fault {
        "is a core module" => b"\0asm\x01\0\0\0".into(),
        "is cut off" => {
            let mut bytes = fs::read(guest()).unwrap();
            bytes.truncate(bytes.len() / 2);
            bytes
        }
        _ => vec![],
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it.wasm");
    fs::write(&file, bytes).unwrap();
    let run = harmless(&file);
    assert_eq!(run.stdout, NOTHING);
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

/// The binary refuses the components that `sandbox` runs in the library, as files. A component that
/// computes for ever uses all the time of a run, which is too long for a test.
#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn hostile_files_end_with_8() {
    for file in fs::read_dir(janitor_tests::HOSTILE).unwrap() {
        let file = file.unwrap().path();
        let is_wasm = file.extension().is_some_and(|extension| extension == "wasm");
        if is_wasm && !file.ends_with("loops-at-its-start.wasm") {
            let run = harmless(&file);
            let said = run.stdout + &run.stderr;
            assert!(said.contains("The component "), "{}: {said}", file.display());
        }
    }
}

#[test]
#[cfg_attr(feature = "jit", ignore = "this build has a compiler")]
fn without_a_compiler_there_is_no_such_option() {
    let run = run(janitor().args(["inspect", "--component", "x.wasm"]));
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("--component"), "{}", run.stderr);
    for page in [&["--help"][..], &["replay", "--help"], &["inspect", "--help"]] {
        assert!(!self::run(janitor().args(page)).stdout.contains("--component"), "{page:?}");
    }
}

#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn the_embedded_one_from_a_file_is_the_same() {
    let guest = self::guest();
    let with = |mut command: std::process::Command| {
        run(command.arg("--component").arg(&guest).args(["--component-digest", DIGEST]))
    };
    let inspect = || {
        let mut command = janitor();
        command.args(["inspect", "-r", "role", "--output", "json"]);
        command
    };
    assert_eq!(with(inspect()), run(&mut inspect()));
    let recording = tests("recordings/cassandra-0.28.1.har");
    let again = || replay(&recording);
    assert_eq!(with(again()), run(&mut again()));
}

#[test]
#[cfg(feature = "jit")]
#[allow(unsafe_code)]
fn one_that_is_precompiled_is_the_same() {
    let code = Janitor::precompile(&fs::read(guest()).unwrap()).unwrap();
    // SAFETY: the engine compiled these bytes in the line above.
    let janitor = unsafe { Janitor::from_precompiled(&code, DIGEST) }.unwrap();
    assert_eq!(janitor.imports(), Janitor::new().unwrap().imports());
    assert!(Janitor::precompile(b"\0asm\x01\0\0\0").is_err());
}

#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn one_of_another_digest_is_not_run() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let guest = self::guest();
    let plan = tests("recordings/cassandra-0.28.1.har");
    let replay = format!("replay {}", shell_words::quote(&plan.display().to_string()));
    for line in ["-r cassandra_role", "plan -r cassandra_role", "discover", "inspect", &replay] {
        let mut command = on(&cluster, line);
        let run = run(command.arg("--component").arg(&guest).args(["--component-digest", OTHER]));
        assert_eq!((run.exit, run.stdout.as_str()), (8, NOTHING), "{line}");
        let why = format!("was not started: its digest is {DIGEST}, not {OTHER}.");
        assert!(run.stderr.contains(&why), "{line}: {}", run.stderr);
    }
    assert_eq!(cluster.requests().len(), 0);
    for digest in ["sha256:00", &OTHER[7..], "sha256:xyz"] {
        let mut command = janitor();
        command.arg("inspect").arg("--component").arg(&guest);
        let run = run(command.args(["--component-digest", digest]));
        assert_eq!(run.exit, 1, "{digest}");
        assert!(run.stderr.contains("sha256: and 64 hexadecimal digits"), "{}", run.stderr);
    }
}

#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn a_recording_names_the_one_that_ran() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.har");
    let record = |path: &Path| {
        let mut command = on(&cluster, "-r nothing");
        command.arg("--record").arg(&file).arg("--component").arg(path);
        assert_eq!(run(&mut command).exit, 0);
        let recording: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        recording["log"]["_janitor"]["component"].as_str().unwrap().to_owned()
    };
    // This component does nothing, and is not the embedded one.
    let ours =
        tests("../target/component/wasm32-unknown-unknown/component/janitor_misbehaving.wasm");
    let inspection = run(janitor().arg("inspect").arg("--component").arg(&ours));
    let digest = record(&ours);
    assert_ne!(digest, DIGEST);
    assert!(inspection.stdout.starts_with(&format!("Component: {digest}\n")), "{inspection:?}");
    // The embedded component sends requests that were not recorded; the message names both
    // components.
    let run = run(&mut replay(&file));
    assert_eq!(run.exit, 5);
    let words = format!("it was recorded with component {digest}; this component is {DIGEST}");
    assert!(run.stderr.contains(&words), "{}", run.stderr);
}

/// From a plan to the command that it proposes, one component is used.
#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn the_next_command_names_it_too() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json").display().to_string();
    let guest = self::guest().display().to_string();
    let guest = ["--component", guest.as_str(), "--component-digest", DIGEST];
    let mut command = on(&cluster, "plan -r cassandra_role");
    let planned = run(command.args(["--out", &plan]).args(guest));
    let options = shell_words::join(guest);
    let (_, next) = planned.stderr.split_once("to apply the plan: janitor ").unwrap();
    assert!(next.ends_with(&format!("{options}\n")), "{next}");
    assert_eq!(run(&mut on(&cluster, next)).exit, 0);
}

#[test]
#[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
fn a_file_that_cannot_be_read_is_a_wrong_command_line() {
    let run = run(janitor().args(["inspect", "--component", "no-such.wasm"]));
    assert_eq!(
        (run.exit, run.stdout.as_str()),
        (1, "Nothing was changed, and nothing was sent.\n")
    );
    assert!(run.stderr.contains("cannot read no-such.wasm: No such file"), "{}", run.stderr);
}
