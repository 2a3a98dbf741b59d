//! The cases of resources on a master, and the results of a cleanup.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use janitor_tests::{Cluster, State};
use serde_json::{Value, json};

use super::absence::zookeeper;
use super::framework::{Framework, Task};
use super::gate::Gate;
use super::master::{
    Master, clean, cpus, disk, free_port, is_since, mem, reserved_for, until, volume, with,
};
use super::mount::Mount;
use crate::command::{Run, janitor, run};
use crate::needs::needed;

pub fn a_role_on_two_of_three_agents(command: &str) {
    let (master, expected) = Master::with_two_roles(command);
    assert!(master.has("kafka-role"));
    let run = master.clean("-r kafka-role -p kafka-principal");
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_eq!(master.reserved(), expected, "the role is gone, the others are as they were");
}

pub fn reservations_without_a_volume(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    let owner = reserved_for("kafka-role", "kafka-principal");
    master.reserve(&agents[0], &[with(&cpus(1.0), &owner), with(&disk(64.0), &owner)]);
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("Found 0 volume(s) for role 'kafka-role'"));
    assert!(!master.has("kafka-role"));
}

pub fn a_half_done_run(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    let owner = reserved_for("kafka-role", "kafka-principal");
    for agent in &agents {
        master.fill(agent, "kafka-role", "kafka-principal");
    }
    let done = with(&volume(&disk(64.0), "kafka-role"), &owner);
    master.destroy_volumes(&agents[0], &[done]);
    assert_eq!(master.clean("-r kafka-role -p kafka-principal").exit, 0);
    assert!(!master.has("kafka-role"));
}

pub fn a_second_run_changes_nothing(command: &str) {
    let master = Master::start(command, 2, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    let again = run(janitor().args(["-v", "-r", "kafka-role", "-m", &master.url()]));
    assert_eq!(again.exit, 0, "{}", again.stdout);
    let posts = again.stdout.lines().filter(|line| line.starts_with("HTTP POST"));
    let posts: Vec<_> = posts.filter(|line| !line.ends_with("/api/v1")).collect();
    assert_eq!(posts, [""; 0]);
}

/// The master answers for one agent, in a cluster where that is faster than to list all.
pub fn few_agents_of_many(command: &str) {
    let master = Master::start(command, 60, &[]);
    let agent = &master.agents()[7];
    master.fill(agent, "kafka-role", "kafka-principal");
    let cleaned = run(janitor().args(["-v", "-r", "kafka-role", "-m", &master.url()]));
    assert_eq!(cleaned.exit, 0, "{}", cleaned.stdout);
    let lists = cleaned.stdout.lines().filter_map(|line| line.split_once("/slaves"));
    let lists: Vec<_> = lists.map(|(_, rest)| rest.to_owned()).collect();
    let alone = format!("?slave_id={agent}");
    // Before 1.6, a list of all follows when every agent must have answered a ping.
    let alone = vec![alone; if is_since(command, 6) { 1 } else { 2 }];
    assert_eq!(lists, [&[String::new()], &alone[..], &[String::new()]].concat());
    assert!(!master.has("kafka-role"));
}

pub fn a_role_that_nobody_has(command: &str) {
    let master = Master::start(command, 1, &[]);
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("No agent has anything reserved for role 'kafka-role'"));
}

pub fn a_static_role(command: &str) {
    let master = Master::start(command, 1, &[]);
    let before = master.reserved();
    let run = master.clean("-r slave_public");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("reserved in the agent's configuration"));
    assert_eq!(master.reserved(), before);
}

/// Starts a master on which two principals have resources for one role, on one agent.
fn two_principals(command: &str) -> Master {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    for (principal, size) in [("kafka-principal", 64.0), ("other-principal", 32.0)] {
        let owner = reserved_for("kafka-role", principal);
        let mut volume = with(&volume(&disk(size), principal), &owner);
        volume["disk"]["persistence"]["principal"] = principal.into();
        master.reserve(agent, &[with(&cpus(0.25), &owner), with(&disk(size), &owner)]);
        master.create_volumes(agent, &[volume]);
    }
    master
}

pub fn one_of_two_principals(command: &str) {
    let master = two_principals(command);
    let run = master.clean("-r kafka-role -p kafka-principal");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("made by another principal"));
    let left = master.reserved().into_values().next().unwrap()["kafka-role"].to_string();
    assert!(left.contains("other-principal") && !left.contains("kafka-principal"), "{left}");
}

pub fn a_principal_that_made_nothing(command: &str) {
    let master = two_principals(command);
    let before = master.reserved();
    let run = master.clean("-r kafka-role -p nobody");
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("they were made by: kafka-principal, other-principal."));
    assert_eq!(master.reserved(), before);
}

pub fn both_principals(command: &str) {
    let master = two_principals(command);
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    assert!(!master.has("kafka-role"));
}

pub fn labels(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    let plain = reserved_for("kafka-role", "kafka-principal");
    let mut labelled = plain.clone();
    labelled["reservation"]["labels"] =
        json!({"labels": [{"key": "a & b", "value": "1 + 1 = 2 %"}, {"key": "no-value"}]});
    for owner in [&plain, &labelled] {
        master.reserve(agent, &[with(&cpus(0.5), owner), with(&disk(64.0), owner)]);
    }
    master.create_volumes(agent, &[with(&volume(&disk(64.0), "labelled"), &labelled)]);
    assert_eq!(master.clean("-r kafka-role -p kafka-principal").exit, 0);
    assert!(!master.has("kafka-role"));
}

pub fn a_refined_reservation(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    let parent = json!({"type": "DYNAMIC", "role": "eng", "principal": "eng-principal"});
    let child = json!({"type": "DYNAMIC", "role": "eng/kafka", "principal": "kafka-principal"});
    let outer = json!({ "reservations": [parent] });
    let inner = json!({ "reservations": [parent, child] });
    let resources = |owner| [with(&cpus(1.0), owner), with(&disk(64.0), owner)];
    master.reserve(agent, &resources(&outer));
    let before = master.reserved();
    master.reserve(agent, &resources(&inner));
    master.create_volumes(agent, &[with(&volume(&disk(64.0), "refined"), &inner)]);
    assert!(master.has("eng/kafka"));
    assert_eq!(master.clean("-r eng/kafka").exit, 0);
    assert_eq!(master.reserved(), before, "the resources are the parent role's again");
}

pub fn a_parent_role_keeps_its_children(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    let parent = json!({"type": "DYNAMIC", "role": "eng", "principal": "eng-principal"});
    let child = json!({"type": "DYNAMIC", "role": "eng/kafka", "principal": "kafka-principal"});
    master.reserve(agent, &[with(&cpus(1.5), &json!({ "reservations": [parent] }))]);
    master.reserve(agent, &[with(&cpus(0.5), &json!({ "reservations": [parent, child] }))]);
    let children = master.reserved()[agent]["eng/kafka"].clone();
    assert_eq!(master.clean("-r eng").exit, 0);
    assert!(!master.has("eng"));
    assert_eq!(master.reserved()[agent]["eng/kafka"], children);
}

pub fn a_refined_static_reservation(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    let before = master.reserved();
    let refined = json!({"reservations": [
        {"type": "STATIC", "role": "slave_public"},
        {"type": "DYNAMIC", "role": "slave_public/kafka", "principal": "kafka-principal"},
    ]});
    master.reserve(agent, &[with(&cpus(0.5), &refined)]);
    assert_eq!(master.clean("-r slave_public/kafka").exit, 0);
    assert_eq!(master.reserved(), before, "the resources are static again");
}

pub fn a_child_role_without_refinement(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    master.fill(agent, "eng", "eng-principal");
    let before = master.reserved();
    master.fill(agent, "eng/kafka", "kafka-principal");
    assert_eq!(master.clean("-r eng/kafka").exit, 0);
    assert_eq!(master.reserved(), before, "the parent role is as it was");
}

pub fn a_reservation_without_a_principal(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    let nobody = json!({"role": "kafka-role", "reservation": {}});
    master.reserve(agent, &[with(&cpus(0.5), &nobody), with(&disk(64.0), &nobody)]);
    master.create_volumes(agent, &[with(&volume(&disk(64.0), "nobodys"), &nobody)]);
    let before = master.reserved();
    let run = master.clean("-r kafka-role -p kafka-principal");
    assert!(run.stdout.contains("made by another principal"));
    assert_eq!(master.reserved(), before, "nobody's is not the principal's");
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    assert!(!master.has("kafka-role"));
}

/// Starts a master with one agent, which has a separate disk with a volume on it.
fn one_disk(command: &str, source: &Value) -> Master {
    let one = with(&disk(64.0), &json!({"disk": {"source": source}}));
    let resources = json!([cpus(2.0), mem(512.0), disk(512.0), one]).to_string();
    let master = Master::start(command, 1, &[("MESOS_RESOURCES", &resources)]);
    let agent = &master.agents()[0];
    let owner = reserved_for("kafka-role", "kafka-principal");
    master.reserve(agent, &[with(&one, &owner)]);
    master.create_volumes(agent, &[with(&volume(&one, "on-it"), &owner)]);
    master
}

/// Asserts that a disk without its volume keeps its source, and is returned with it.
fn require_a_free_disk(master: &Master, source: &Value) {
    assert!(!master.has("kafka-role"));
    let unreserved = master.unreserved().into_values().next().unwrap();
    let mut unreserved = unreserved.as_array().unwrap().iter();
    let free = json!({ "source": source });
    assert!(unreserved.any(|resource| resource["disk"] == free), "{:?}", master.unreserved());
}

pub fn a_path_disk(command: &str) {
    let folder = tempfile::tempdir().unwrap();
    let source = json!({"type": "PATH", "path": {"root": folder.path()}});
    let master = one_disk(command, &source);
    assert_eq!(master.clean("-r kafka-role -p kafka-principal").exit, 0);
    require_a_free_disk(&master, &source);
}

pub fn a_mount_disk(command: &str) {
    let Some(mount) = needed(Mount::new()) else { return };
    let source = json!({"type": "MOUNT", "mount": {"root": mount.path()}});
    let master = one_disk(command, &source);
    let file = mount.path().join("file");
    std::fs::write(&file, "data").unwrap();
    assert_eq!(master.clean("-r kafka-role -p kafka-principal").exit, 0);
    require_a_free_disk(&master, &source);
    until("the agent never deletes the data", || !file.exists());
}

pub fn every_kind_of_resource(command: &str) {
    let ports = json!({"name": "ports", "type": "RANGES",
        "ranges": {"range": [{"begin": 7000, "end": 7009}, {"begin": 9000, "end": 9000}]}});
    let zones = json!({"name": "zones", "type": "SET", "set": {"item": ["a", "b"]}});
    let resources = json!([cpus(2.0), mem(512.0), disk(512.0), ports, zones]).to_string();
    let master = Master::start(command, 1, &[("MESOS_RESOURCES", &resources)]);
    let agent = &master.agents()[0];
    let before = master.unreserved();
    let owner = reserved_for("kafka-role", "kafka-principal");
    let mut some_ports = ports.clone();
    some_ports["ranges"] =
        json!({"range": [{"begin": 7001, "end": 7003}, {"begin": 9000, "end": 9000}]});
    let one_zone = with(&zones, &json!({"set": {"item": ["b"]}}));
    let some = [cpus(0.1), mem(64.0), disk(96.0), some_ports, one_zone];
    master.reserve(agent, &some.map(|resource| with(&resource, &owner)));
    let volumes = ["data", "log", "more"].map(|id| with(&volume(&disk(32.0), id), &owner));
    master.create_volumes(agent, &volumes);
    let run = master.clean("-r kafka-role -p kafka-principal");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("Found 3 volume(s)"));
    assert!(!master.has("kafka-role"));
    assert_eq!(master.unreserved(), before);
}

pub fn a_role_with_a_quota(command: &str) {
    let master = Master::start(command, 2, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    master.set_quota("kafka-role", &[cpus(1.0)]);
    let before = master.quota();
    assert!(before.to_string().contains("kafka-role"));
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    assert!(!master.has("kafka-role"));
    assert_eq!(master.quota(), before);
}

pub fn an_idle_framework(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let before = master.reserved();
    let _framework = Framework::register(&master, "kafka", "kafka-role");
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("Framework 'kafka' (") && run.stdout.contains(", active)"));
    assert_eq!(master.reserved(), before);
    assert_eq!(master.clean("-r kafka-role --force").exit, 0);
    assert!(!master.has("kafka-role"));
}

pub fn a_disconnected_framework(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let before = master.reserved();
    drop(Framework::register(&master, "kafka", "kafka-role"));
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("--teardown"), "{}", run.stdout);
    assert_eq!(master.reserved(), before);
}

pub fn a_framework_that_is_torn_down(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let _connected = Framework::register(&master, "kafka", "kafka-role");
    drop(Framework::register(&master, "kafka-too", "kafka-role"));
    let run = master.clean("-r kafka-role --teardown");
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("Tearing down framework 'kafka' ("));
    assert!(!master.has("kafka-role"));
    assert_eq!(master.clean("-r kafka-role").exit, 0, "no framework is registered any more");
}

pub fn a_framework_that_someone_else_tears_down(command: &str) {
    let master = Arc::new(Master::start(command, 1, &[]));
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register(&master, "kafka", "kafka-role");
    let gate = Gate::before("POST /master/teardown", &master, {
        let master = master.clone();
        move || master.teardown(&framework)
    });
    assert_eq!(clean(gate.url(), "-r kafka-role --teardown").exit, 0);
    assert!(!master.has("kafka-role"));
}

/// Starts a master and two agents with a volume each; a task of framework `kafka` uses the first
/// one.
fn running_task(command: &str) -> (Master, Framework, Task) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    for agent in &agents {
        master.fill(agent, "kafka-role", "kafka-principal");
    }
    let mut framework = Framework::register(&master, "kafka", "kafka-role");
    let task = framework.run_task(&agents[0], &master.agent_url(&agents[0]));
    (master, framework, task)
}

/// Starts an Exhibitor with a znode; returns also the arguments that clean the role and delete the
/// znode.
pub fn exhibitor() -> (Cluster, String) {
    let state = json!({"version": "1.11.0", "agents": [], "exhibitor": {"znodes": ["/kafka"]}});
    let state: State = serde_json::from_value(state).unwrap();
    let exhibitor = Cluster::start(state);
    let arguments = format!("-r kafka-role -z kafka -e {}", exhibitor.exhibitor_url());
    (exhibitor, arguments)
}

pub fn a_running_task(command: &str) {
    let (master, _framework, _task) = running_task(command);
    let before = master.reserved();
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("Framework 'kafka' ("));
    assert_eq!(master.reserved(), before);
}

pub fn a_running_task_and_force(command: &str) {
    let (master, _framework, _task) = running_task(command);
    let mut expected = master.reserved();
    let used = expected.keys().next().unwrap().clone();
    let (exhibitor, arguments) = exhibitor();
    let run = master.clean(&format!("{arguments} --force"));
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("Is a framework using these resources still installed?"));
    assert!(run.stdout.contains(&format!("may be left on slave(s) {used}.")));
    for (agent, roles) in &mut expected {
        let reserved = roles["kafka-role"].as_array_mut().unwrap();
        for resource in reserved.iter_mut().filter(|_| *agent != used) {
            resource.as_object_mut().unwrap().remove("disk");
        }
        reserved.sort_by_key(Value::to_string);
    }
    assert_eq!(master.reserved(), expected, "one volume is gone, and no reservation");
    assert!(exhibitor.requests().is_empty());
}

pub fn a_running_task_and_teardown(command: &str) {
    let (master, _framework, _task) = running_task(command);
    let (exhibitor, arguments) = exhibitor();
    assert_eq!(master.clean(&format!("{arguments} --teardown")).exit, 0);
    assert!(!master.has("kafka-role"));
    assert!(exhibitor.state().exhibitor.unwrap().znodes.is_empty());
}

pub fn a_role_that_may_not_be_viewed(command: &str) {
    let acls = json!({"view_roles": [
        {"principals": {"type": "ANY"}, "roles": {"values": ["slave_public"]}},
        {"principals": {"type": "ANY"}, "roles": {"type": "NONE"}},
    ]});
    let master = Master::start(command, 1, &[("MESOS_ACLS", &acls.to_string())]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 6);
    assert!(run.stdout.contains("has reservations that may not be viewed"));
}

/// Starts a master that requires credentials, `operator`'s or `auditor`'s; the auditor may not
/// destroy volumes. The operator has resources there.
fn with_credentials(command: &str) -> Master {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let operator = json!({"principal": "operator", "secret": "secret"});
    let auditor = json!({"principal": "auditor", "secret": "secret"});
    write!(file, "{}", json!({ "credentials": [operator, auditor] })).unwrap();
    let file = format!("file://{}", file.path().display());
    let rule = json!({
        "principals": {"values": ["auditor"]},
        "creator_principals": {"type": "NONE"},
    });
    let acls = json!({ "destroy_volumes": [rule] }).to_string();
    let environment = [
        ("MESOS_AUTHENTICATE_HTTP_READWRITE", "true"),
        ("MESOS_CREDENTIALS", &file),
        ("MESOS_HTTP_CREDENTIALS", &file),
        ("MESOS_ACLS", &acls),
    ];
    let master = Master::start(command, 1, &environment);
    let agent = &master.agents()[0];
    let owner = reserved_for("kafka-role", "operator");
    let mut volume = with(&volume(&disk(64.0), "data"), &owner);
    volume["disk"]["persistence"]["principal"] = "operator".into();
    master.reserve(agent, &[with(&cpus(0.5), &owner), with(&disk(64.0), &owner)]);
    master.create_volumes(agent, &[volume]);
    master
}

/// Asserts that a cleanup with these credentials is refused for this reason.
fn is_refused(command: &str, credentials: Option<&str>, status: &str, why: &str) {
    let master = with_credentials(command);
    let agent = &master.agents()[0];
    let before = master.reserved();
    let (exhibitor, mut arguments) = exhibitor();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    if let Some(credentials) = credentials {
        write!(file, "{credentials}").unwrap();
        arguments += &format!(" --basic-auth-file {}", file.path().display());
    }
    let run = master.clean(&arguments);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains(&format!("\n{status} ")));
    assert!(run.stdout.contains(why));
    assert!(run.stdout.contains(&format!("may be left on slave(s) {agent}.")));
    assert_eq!(master.reserved(), before);
    assert!(exhibitor.requests().is_empty());
}

pub fn a_cleaner_without_credentials(command: &str) {
    is_refused(command, None, "401", "requires valid credentials");
}

pub fn a_principal_with_its_secret(command: &str) {
    let master = with_credentials(command);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "operator:secret").unwrap();
    let run = master.clean(&format!("-r kafka-role --basic-auth-file {}", file.path().display()));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(!master.has("kafka-role"));
}

pub fn a_principal_with_another_secret(command: &str) {
    is_refused(command, Some("operator:mistaken"), "401", "requires valid credentials");
}

pub fn a_principal_without_the_permission(command: &str) {
    is_refused(command, Some("auditor:secret"), "403", "is not allowed to remove");
}

/// Starts a master on which nobody may carry out this action.
fn forbidden(command: &str, action: &str, object: &str) -> Master {
    let mut rule = json!({"principals": {"type": "ANY"}});
    rule[object] = json!({"type": "NONE"});
    let acls = json!({ action: [rule] }).to_string();
    let master = Master::start(command, 1, &[("MESOS_ACLS", &acls)]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    master
}

pub fn volumes_that_may_not_be_destroyed(command: &str) {
    let master = forbidden(command, "destroy_volumes", "creator_principals");
    let agent = &master.agents()[0];
    let before = master.reserved();
    let (exhibitor, arguments) = exhibitor();
    let run = master.clean(&arguments);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("\n403 "));
    assert!(run.stdout.contains(&format!("may be left on slave(s) {agent}.")));
    assert_eq!(master.reserved(), before);
    assert!(exhibitor.requests().is_empty());
}

pub fn reservations_that_may_not_be_released(command: &str) {
    let master = forbidden(command, "unreserve_resources", "reserver_principals");
    let agent = &master.agents()[0];
    let (exhibitor, arguments) = exhibitor();
    let run = master.clean(&arguments);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("\n403 "));
    assert!(run.stdout.contains(&format!("may be left on slave(s) {agent}.")));
    let left = master.reserved()[agent]["kafka-role"].to_string();
    assert!(!left.contains("persistence"), "{left}");
    assert!(exhibitor.requests().is_empty());
}

pub fn two_cleaners_at_once(command: &str) {
    let master = Master::start(command, 20, &[]);
    for agent in master.agents() {
        master.fill(&agent, "kafka-role", "kafka-principal");
    }
    let cleaner = || master.clean("-r kafka-role -p kafka-principal");
    let exits = thread::scope(|scope| {
        let cleaners = [scope.spawn(cleaner), scope.spawn(cleaner)];
        cleaners.map(|cleaner| cleaner.join().unwrap().exit)
    });
    assert_eq!(exits, [0, 0]);
    assert!(!master.has("kafka-role"));
}

pub fn a_cleaner_that_is_overtaken(command: &str) {
    for request in ["POST /master/destroy-volumes", "POST /master/unreserve"] {
        let master = Arc::new(Master::start(command, 2, &[]));
        for agent in master.agents() {
            master.fill(&agent, "kafka-role", "kafka-principal");
        }
        let gate = Gate::before(request, &master, {
            let master = master.clone();
            move || assert_eq!(master.clean("-r kafka-role").exit, 0)
        });
        let run = clean(gate.url(), "-r kafka-role");
        assert_eq!(run.exit, 0);
        assert!(run.stdout.contains("\n400 ") || run.stdout.contains("\n409 "));
    }
}

pub fn a_master_that_does_not_lead(command: &str) {
    let leader = Master::start(command, 1, &[]);
    leader.fill(&leader.agents()[0], "kafka-role", "kafka-principal");
    let other = Master::start(command, 1, &[("LAB_LEADER", leader.address())]);
    // A master that does not lead would answer these requests itself, although only the leader
    // knows its metrics and its registry.
    let (exhibitor, _) = exhibitor();
    let urls = ["-m", &other.url(), "-e", &exhibitor.exhibitor_url()];
    let found = run(janitor().args(["discover", "kafka-role"]).args(urls));
    assert!(found.stdout.contains("Role 'kafka-role': orphaned"), "{}", found.stdout);
    assert!(!found.stdout.contains("not known"), "{}", found.stdout);
    let run = other.clean("-r kafka-role");
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(!leader.has("kafka-role"));
}

pub fn a_master_without_a_leader(command: &str) {
    let master = Master::start(command, 1, &[("LAB_LEADER", "none")]);
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("the Mesos master answers 503 No leader elected"));
}

pub fn an_agent_that_goes_in_the_middle(command: &str) {
    let leader = Arc::new(Master::start(command, 1, &[]));
    let other = Master::start(command, 1, &[("LAB_LEADER", leader.address())]);
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill(&agent, "kafka-role", "kafka-principal");
    }
    let gate = Gate::before("POST /master/unreserve", &leader, {
        let leader = leader.clone();
        move || {
            drop(other);
            leader.wait_for_agents(1, 1);
        }
    });
    let (exhibitor, arguments) = exhibitor();
    let run = clean(gate.url(), &arguments);
    assert_eq!(run.exit, 5);
    assert!(
        run.stdout.contains("does not confirm that the resource(s) are removed from slave(s) ")
    );
    assert!(exhibitor.requests().is_empty());
}

pub fn an_agent_that_returns_in_the_middle(command: &str) {
    let leader = Arc::new(Master::start(command, 1, &[]));
    let address = leader.address().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let start = {
        let (command, port, folder) = (command.to_owned(), free_port(), folder.path().to_owned());
        move || {
            let folder = folder.to_str().unwrap();
            let environment = [("LAB_LEADER", &*address), ("LAB_DIR", folder), ("LAB_KEEP", "1")];
            Master::start_at(port, &command, 1, &environment)
        }
    };
    let other = start();
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill_for_good(&agent, "kafka-role", "kafka-principal");
    }
    drop(other);
    leader.wait_for_agents(1, 1);
    let back = Arc::new(OnceLock::new());
    let gate = Gate::before("POST /master/unreserve", &leader, {
        let (leader, back) = (leader.clone(), back.clone());
        move || {
            let _ = back.set(start());
            leader.wait_for_agents(2, 0);
        }
    });
    let (exhibitor, arguments) = exhibitor();
    let run = clean(gate.url(), &arguments);
    assert!([5, 6].contains(&run.exit));
    assert!(leader.has("kafka-role"));
    assert!(exhibitor.requests().is_empty());
    assert_eq!(leader.clean(&arguments).exit, 0);
    assert!(!leader.has("kafka-role"));
}

pub fn an_agent_that_hears_nothing(command: &str) {
    let leader = Master::start(command, 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let environment = [("LAB_LEADER", leader.address()), ("LAB_DIR", folder), ("LAB_KEEP", "1")];
    let port = free_port();
    let other = Master::start_at(port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill_for_good(&agent, "kafka-role", "kafka-principal");
    }
    other.freeze();
    assert_eq!(leader.clean("-r kafka-role").exit, 6);
    drop(other);
    // Before 1.6, the run has waited until the agent was unreachable.
    leader.wait_for_agents(1, usize::from(is_since(command, 6)));
    let _other = Master::start_at(port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    assert!(leader.has("kafka-role"), "the agent brings its volume back");
    assert_eq!(leader.clean("-r kafka-role").exit, 0);
    assert!(!leader.has("kafka-role"));
}

pub fn a_lost_agent_that_returns(command: &str) {
    let leader = Master::start(command, 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let environment = [("LAB_LEADER", leader.address()), ("LAB_DIR", folder), ("LAB_KEEP", "1")];
    let port = free_port();
    let other = Master::start_at(port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill_for_good(&agent, "kafka-role", "kafka-principal");
    }
    drop(other);
    leader.wait_for_agents(1, 1);
    let run = leader.clean("-r kafka-role");
    assert_eq!(run.exit, 6);
    let why = match is_since(command, 6) {
        true => "is not connected to the master",
        // The run takes longer than the agent may be silent.
        false => "is unreachable since",
    };
    assert!(run.stdout.contains(why), "{}", run.stdout);

    let _other = Master::start_at(port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    assert!(leader.has("kafka-role"), "the agent brings its volume back");
    assert_eq!(leader.clean("-r kafka-role").exit, 0);
    assert!(!leader.has("kafka-role"));
}

pub fn an_agent_missing_after_a_failover(command: &str) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let folders = folders.each_ref().map(|folder| folder.path().to_str().unwrap());
    let kept = |folder| [("LAB_DIR", folder), ("LAB_KEEP", "1")];
    let (port, other_port) = (free_port(), free_port());
    let leader = Master::start_at(port, command, 1, &kept(folders[0]));
    let address = leader.address().to_owned();
    let environment =
        [("LAB_LEADER", address.as_str()), ("LAB_DIR", folders[1]), ("LAB_KEEP", "1")];
    let other = Master::start_at(other_port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill_for_good(&agent, "kafka-role", "kafka-principal");
    }
    drop(other);
    drop(leader);

    let leader = Master::start_at(port, command, 1, &kept(folders[0]));
    leader.wait_for_agents(1, 0);
    // At this point the master does not know its frameworks either.
    assert_eq!(leader.clean("-r kafka-role").exit, 7);
    let run = leader.clean("-r kafka-role --force");
    assert_eq!(run.exit, 6);
    assert!(run.stdout.contains("has not come back since the master restarted"));

    let _other = Master::start_at(other_port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    assert_eq!(leader.clean("-r kafka-role --force").exit, 0);
    assert!(!leader.has("kafka-role"));
}

/// Makes a plan, and checks in its recording that it sent only read requests.
fn plan(master: &Master, folder: &Path) -> PathBuf {
    let (file, recording) = (folder.join("plan.json"), folder.join("plan.har"));
    let mut command = janitor();
    command.args(["plan", "-r", "kafka-role", "-m", &master.url(), "--out"]).arg(&file);
    let planned = run(command.arg("--record").arg(&recording));
    assert_eq!(planned.exit, 0, "{}{}", planned.stdout, planned.stderr);
    assert!(planned.stdout.contains("destroy"), "{}", planned.stdout);
    let har: Value = serde_json::from_slice(&fs::read(recording).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert!(!entries.is_empty());
    // Calls that only read the v1 API are sent by POST as well.
    let looks = |entry: &Value| {
        let request = &entry["request"];
        request["method"] == "GET" || request["url"].as_str().unwrap().ends_with("/api/v1")
    };
    assert!(entries.iter().all(looks));
    file
}

fn apply(plan: &Path) -> Run {
    let run = run(janitor().arg("apply").arg(plan));
    println!("{}", run.stdout);
    run
}

pub fn a_plan_and_what_comes_of_it(command: &str) {
    let master = Master::start(command, 2, &[]);
    for agent in master.agents() {
        master.fill(&agent, "kafka-role", "kafka-principal");
    }
    let before = master.reserved();
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&master, folder.path());
    assert_eq!(master.reserved(), before);
    let misspelt = ["-r", "kafka-role", "-p", "kafka-princpal", "-m", &master.url()];
    let refused = run(janitor().args(misspelt));
    assert_eq!(refused.exit, 7, "{}", refused.stdout);
    let next = format!(
        "Next, if you mean principal 'kafka-principal': janitor -r kafka-role -p kafka-principal -m {}\n",
        master.url()
    );
    assert!(refused.stdout.contains(&next), "{}", refused.stdout);
    assert_eq!(master.reserved(), before);
    let shown = run(janitor().arg("show").arg(&plan));
    assert!(shown.exit == 0 && shown.stdout.contains("destroy"), "{shown:?}");
    assert_eq!(apply(&plan).exit, 0);
    assert!(!master.has("kafka-role"));
    let again = apply(&plan);
    assert!(again.exit == 0 && again.stdout.contains("already carried out"), "{again:?}");
}

pub fn a_plan_that_is_out_of_date(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    master.fill(agent, "kafka-role", "kafka-principal");
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&master, folder.path());
    master.reserve(agent, &[with(&cpus(0.25), &reserved_for("kafka-role", "newcomer"))]);
    let before = master.reserved();
    let run = apply(&plan);
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("now has: cpus 0.25, reserved by newcomer"));
    assert_eq!(master.reserved(), before);
}

pub fn three_roles_of_which_one_is_orphaned(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    for (agent, role) in agents.iter().zip(["kafka-role", "hdfs-role"]) {
        master.fill(agent, role, "a-principal");
        master.fill(agent, "cassandra_role", "cassandra_principal");
    }
    let _kafka = Framework::register(&master, "kafka", "kafka-role");
    let _hdfs = Framework::register(&master, "hdfs", "hdfs-role");
    let exhibitor = zookeeper(&["/dcos-service-kafka", "/dcos-service-old", "/mesos"]);
    let discover = ["discover", "-m", &master.url(), "-e", &exhibitor.exhibitor_url()];
    let found = run(janitor().args(discover));
    println!("{}", found.stdout);
    let orphaned: Vec<_> =
        found.stdout.lines().filter(|line| line.contains(" orphaned  ")).collect();
    let [role, znode] = orphaned[..] else { panic!("{orphaned:?}") };
    assert!(role.starts_with("cassandra_role "), "{role}");
    assert!(znode.starts_with("- ") && znode.ends_with(" dcos-service-old"), "{znode}");
    let found = run(janitor().args(discover).arg("cassandra_role"));
    let proposed = found.stdout.lines().find_map(|line| line.trim().strip_prefix("To remove it: "));
    let words = shell_words::split(proposed.unwrap()).unwrap();
    let cleaned = run(janitor().args(&words[1..]));
    assert_eq!(cleaned.exit, 0, "{}", cleaned.stdout);
    assert!(!master.has("cassandra_role"));
    assert!(master.has("kafka-role") && master.has("hdfs-role"));
}

pub fn two_hundred_agents(command: &str) {
    let master = Master::start(command, 200, &[]);
    let agents = master.agents();
    assert_eq!(agents.len(), 200);
    for agent in &agents[..50] {
        master.fill(agent, "kafka-role", "kafka-principal");
    }
    let run = run(janitor().args(["-v", "-r", "kafka-role", "-m", &master.url()]));
    assert_eq!(run.exit, 0, "{}", run.stdout);
    // The run sends two requests for each agent that has something, and some that are about all
    // agents.
    let requests = run.stdout.lines().filter(|line| line.starts_with("HTTP ")).count();
    assert!((100..=120).contains(&requests), "{requests} requests");
    assert!(!master.has("kafka-role"));
}
