//! The time of a run: conditions that it waits for, and its limit.

use std::process::Command;

use janitor_tests::{Cluster, State};
use serde_json::{Value, json};

use crate::command::{janitor, on, run};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

/// Starts a cluster with a framework of the role that never ends.
fn in_use() -> Cluster {
    let state = json!({
        "version": "1.11.0",
        "agents": [{"id": "S0", "hostname": "a", "reserved_resources_full": {}}],
        "frameworks": [{"id": "F", "name": "cassandra", "roles": ["cassandra_role"]}],
        "exhibitor": {"znodes": ["/cassandra"]},
    });
    Cluster::start(serde_json::from_value::<State>(state).unwrap())
}

#[test]
fn the_time_limit_cancels_a_run_that_waits() {
    let cluster = in_use();
    let cut = run(&mut on(&cluster, &format!("{TARGET} --wait 1h --timeout 1s")));
    assert_eq!(cut.exit, 5, "{}", cut.stdout);
    assert!(cut.stdout.contains("Waiting up to 3600 s in all: 1 framework(s)"), "{}", cut.stdout);
    assert!(cut.stderr.contains("the run was cancelled after 1s (--timeout)"), "{}", cut.stderr);
    assert!(cut.stdout.contains("Not deleted: znode 'cassandra'"), "{}", cut.stdout);
    let json = run(&mut on(&cluster, &format!("{TARGET} --wait 1h --timeout 1s -o json")));
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["exit_code"], 5);
}

#[test]
fn what_does_not_pass_is_what_it_would_be_without_waiting() {
    let cluster = in_use();
    let refused = run(&mut on(&cluster, &format!("{TARGET} --wait 300ms")));
    assert_eq!(refused.exit, 7, "{}", refused.stdout);
    assert!(
        refused.stdout.contains("Refused: 1 framework(s) still use role"),
        "{}",
        refused.stdout
    );
}

#[test]
fn a_plan_keeps_how_long_to_wait() {
    let cluster = in_use();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let arguments = format!("plan -r other --wait 5m --confirm-seconds 7 --out {}", file.display());
    assert_eq!(run(&mut on(&cluster, &arguments)).exit, 0);
    let plan: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(
        (&plan["options"]["wait_seconds"], &plan["options"]["confirm_seconds"]),
        (&300.into(), &7.into())
    );
}

#[test]
fn a_duration_needs_a_unit() {
    for wrong in ["--wait 10", "--timeout 0s", "--wait soon", "discover --wait 1s"] {
        let mut command: Command = janitor();
        let refused = run(command.args(wrong.split_whitespace()));
        assert_eq!(refused.exit, 1, "{wrong}: {}", refused.stderr);
    }
}
