//! Tests of resources and frameworks that a real master does not list, no longer lists, or does not
//! list yet: their absence is no proof that something is removed, or that nobody uses it.

use std::sync::{Arc, OnceLock};

use janitor_host::{Endpoints, InUse, Janitor, Options, Report, RunError, Session, Target};
use janitor_tests::{Cluster, State};
use serde_json::{Value, json};

use super::cases::exhibitor;
use super::framework::Framework;
use super::gate::Gate;
use super::master::{Master, clean, cpus, free_port, is_since, json_at, reserved_for, until, with};
use crate::command::{client, janitor, network, run};

/// Starts a cluster with these nodes, of which only ZooKeeper is used.
pub fn zookeeper(znodes: &[&str]) -> Cluster {
    let state = json!({"version": "1.11.0", "agents": [], "exhibitor": {"znodes": znodes}});
    Cluster::start(serde_json::from_value::<State>(state).unwrap())
}

/// Returns the output of `discover`, with all agents, for a cluster.
fn discover(master: &Master) -> String {
    let found = run(janitor().args(["discover", "-v", "-m", &master.url()]));
    println!("{}", found.stdout);
    found.stdout
}

pub fn a_framework_of_a_child_role(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "eng", "eng-principal");
    let framework = Framework::register(&master, "kafka", "eng/kafka");
    let before = master.reserved();
    let refused = master.clean("-r eng");
    assert_eq!(refused.exit, 7);
    assert!(refused.stdout.contains(framework.id()), "{}", refused.stdout);
    assert_eq!(master.reserved(), before);
    let exhibitor = zookeeper(&["/eng"]);
    let urls = ["-m", &master.url(), "-e", &exhibitor.exhibitor_url()];
    let found = run(janitor().args(["discover", "eng"]).args(urls));
    assert!(found.stdout.contains("Role 'eng': in use"), "{}", found.stdout);
}

pub fn frameworks_that_may_not_be_viewed(command: &str) {
    let rule = json!({"principals": {"type": "ANY"}, "users": {"type": "NONE"}});
    let acls = json!({ "view_frameworks": [rule] }).to_string();
    let master = Master::start(command, 1, &[("MESOS_ACLS", &acls)]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register(&master, "kafka", "kafka-role");
    let before = master.reserved();
    let refused = master.clean("-r kafka-role");
    assert_eq!(refused.exit, 7);
    assert!(refused.stdout.contains("permission view_frameworks"), "{}", refused.stdout);
    assert!(refused.stdout.contains(framework.id()), "{}", refused.stdout);
    assert_eq!(master.reserved(), before);
    let found = discover(&master);
    assert!(found.contains("permission view_frameworks"), "{found}");
    assert!(found.contains("Role 'kafka-role': possibly orphaned"), "{found}");
}

pub fn a_master_that_has_just_taken_over(command: &str) {
    let folder = tempfile::tempdir().unwrap();
    let kept = [("LAB_DIR", folder.path().to_str().unwrap()), ("LAB_KEEP", "1")];
    let port = free_port();
    let master = Master::start_at(port, command, 1, &kept);
    master.fill_for_good(&master.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register(&master, "kafka", "kafka-role");
    drop(master);
    drop(framework);
    let master = Master::start_at(port, command, 1, &kept);
    master.wait_for_agents(1, 0);
    let before = master.reserved();
    let refused = master.clean("-r kafka-role");
    assert_eq!(refused.exit, 7);
    assert!(refused.stdout.contains("The Mesos master was elected only"), "{}", refused.stdout);
    assert_eq!(master.reserved(), before);
    let found = discover(&master);
    assert!(found.contains("The Mesos master was elected only"), "{found}");
    assert!(found.contains("Role 'kafka-role': possibly orphaned"), "{found}");
    assert_eq!(master.clean("-r kafka-role --force").exit, 0);
    assert!(!master.has("kafka-role"));
}

pub fn a_master_that_takes_over_between_two_lists(command: &str) {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let start = {
        let (command, folder) = (command.to_owned(), folder.path().to_owned());
        move || {
            let kept = [("LAB_DIR", folder.to_str().unwrap()), ("LAB_KEEP", "1")];
            Master::start_at(port, &command, 1, &kept)
        }
    };
    let old = Arc::new(start());
    old.fill_for_good(&old.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register(&old, "kafka", "kafka-role");
    let new = Arc::new(OnceLock::new());
    let gate = Gate::before("GET /master/frameworks", &old, {
        let (old, new) = (old.clone(), new.clone());
        move || {
            drop((old, framework));
            let master = start();
            master.wait_for_agents(1, 0);
            let _ = new.set(master);
        }
    });
    drop(old);
    let (exhibitor, arguments) = exhibitor();
    let refused = clean(gate.url(), &arguments);
    assert_eq!(refused.exit, 7);
    let words = "lists 1 agent(s), but only 0 have registered with it";
    assert!(refused.stdout.contains(words), "{}", refused.stdout);
    assert!(new.get().is_some_and(|master| master.has("kafka-role")));
    assert!(exhibitor.requests().is_empty());
}

pub fn a_teardown_that_would_end_more(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register_with(&master, "kafka", &["kafka-role", "other"]);
    let id = framework.id();
    let before = master.reserved();
    for arguments in ["-r kafka-role", "-r kafka-role --teardown"] {
        let refused = master.clean(arguments);
        assert_eq!(refused.exit, 7);
        let framework =
            format!("({id}, active) uses role 'kafka-role': 0 tasks, other role: other");
        assert!(refused.stdout.contains(&framework), "{}", refused.stdout);
        assert!(!refused.stdout.contains("--teardown "), "{}", refused.stdout);
        assert_eq!(master.reserved(), before);
    }
    assert_eq!(master.clean("-r kafka-role --teardown nobody").exit, 7);
    let run = master.clean(&format!("-r kafka-role --teardown {id}"));
    assert_eq!(run.exit, 0);
    assert!(run.stdout.contains("Tearing down framework 'kafka'"), "{}", run.stdout);
    assert!(!master.has("kafka-role"));
}

/// Runs a component that tears down a framework, whatever its target is.
#[allow(unsafe_code)]
fn end(master: &Master, framework: &Framework) -> Result<Report, RunError> {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    let janitor = unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap();
    let target = Target {
        role: Some(ENDS.into()),
        principal: Some(framework.id().into()),
        znode: None,
        ..Target::NOTHING
    };
    let nobody = Endpoints::EXHIBITOR;
    let endpoints = Endpoints::new(&master.url(), nobody, Endpoints::MARATHON).unwrap();
    let options = Options { in_use: InUse::Teardown, ..Options::DEFAULT };
    let network = network(endpoints).build().unwrap();
    janitor.clean(&target, &options, Session::new(network))
}

/// The role for which the component tears down a framework.
const ENDS: &str = "ends-a-framework";

pub fn a_component_that_ends_another_framework(command: &str) {
    let master = Master::start(command, 1, &[]);
    let user = Framework::register(&master, "user", ENDS);
    let other = Framework::register(&master, "other", "other");
    let is_registered = |framework: &Framework| {
        let list = json_at(&format!("{}frameworks", master.url()));
        list["frameworks"].as_array().unwrap().iter().any(|it| it["id"] == framework.id())
    };
    let stopped = end(&master, &other).unwrap_err().to_string();
    let words = format!("framework '{}', which does not use the role", other.id());
    assert!(stopped.contains(&words), "{stopped}");
    assert!(is_registered(&other) && is_registered(&user));
    assert!(end(&master, &user).is_ok());
    assert!(is_registered(&other) && !is_registered(&user));
}

pub fn a_znode_that_is_owned(command: &str) {
    let master = Master::start(command, 1, &[]);
    let _framework = Framework::register(&master, "elastic", "elastic-role");
    let exhibitor = zookeeper(&["/dcos-service-elastic", "/elastic", "/dcos-service-kafka"]);
    for arguments in [
        "-z dcos-service-elastic",
        "-r other-role -z dcos-service-elastic",
        "-z elastic",
        "-z dcos-service-elastic/below",
    ] {
        let url = exhibitor.exhibitor_url();
        let refused = master.clean(&format!("{arguments} -e {url}"));
        assert_eq!(refused.exit, 7);
        assert!(refused.stdout.contains("Framework 'elastic'"), "{}", refused.stdout);
        assert!(exhibitor.requests().is_empty());
    }
    let url = exhibitor.exhibitor_url();
    assert_eq!(master.clean(&format!("-z dcos-service-kafka -e {url}")).exit, 0);
}

pub fn a_misspelt_role(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "hdfs-role", "hdfs-principal");
    let exhibitor = zookeeper(&["/dcos-service-hdfs"]);
    let url = exhibitor.exhibitor_url();
    for (arguments, words) in [
        ("-r hdsf-role -p hdfs-principal -z dcos-service-hdfs", "Did you mean hdfs-role?"),
        ("-r other -p hdfs-principal -z dcos-service-hdfs", "Did you mean hdfs-role?"),
        ("-r other -p hdfs-principal -z data", "made resources for: hdfs-role"),
        ("-r a,b -z dcos-service-hdfs", "A run cleans up only one role"),
    ] {
        let refused = master.clean(&format!("{arguments} -e {url}"));
        assert_eq!(refused.exit, 7);
        assert!(refused.stdout.contains(words), "{}", refused.stdout);
        assert!(exhibitor.requests().is_empty());
    }
}

pub fn an_unreachable_agent(command: &str) {
    let pings = [("MESOS_AGENT_PING_TIMEOUT", "1secs"), ("MESOS_MAX_AGENT_PING_TIMEOUTS", "2")];
    let leader = Master::start(command, 1, &pings);
    let other = Master::start(command, 1, &[("LAB_LEADER", leader.address())]);
    leader.wait_for_agents(2, 0);
    let before = leader.agents();
    for agent in &before {
        leader.fill_for_good(agent, "kafka-role", "kafka-principal");
    }
    drop(other);
    leader.wait_for_agents(1, 0);
    let here = leader.agents();
    let lost = before.iter().find(|agent| !here.contains(agent)).unwrap();
    let (exhibitor, arguments) = exhibitor();
    let incomplete = leader.clean(&arguments);
    assert_eq!(incomplete.exit, 6);
    let words = format!("Slave {lost} is unreachable since ");
    assert!(incomplete.stdout.contains(&words), "{}", incomplete.stdout);
    assert!(exhibitor.requests().is_empty());
    let found = discover(&leader);
    assert!(found.contains(&format!("{lost} is unreachable since ")), "{found}");
    let ignored = leader.clean(&format!("{arguments} --ignore-agent {lost}"));
    assert_eq!(ignored.exit, 0);
    assert!(ignored.stdout.contains(&words) && ignored.stdout.contains("(ignored)"));
}

pub fn an_agent_that_restarts(command: &str) {
    let leader = Master::start(command, 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let environment = [("LAB_LEADER", leader.address()), ("LAB_DIR", folder), ("LAB_KEEP", "1")];
    let port = free_port();
    let start = || Master::start_at(port, command, 1, &environment);
    let other = start();
    leader.wait_for_agents(2, 0);
    drop(other);
    leader.wait_for_agents(1, 1);
    let _other = start();
    leader.wait_for_agents(2, 0);
    let list = leader.slaves();
    let mut agents = list["slaves"].as_array().unwrap().iter();
    assert!(agents.any(|agent| agent["reregistered_time"].is_f64()), "{list}");
    // The leader is still the same one, so it knows all frameworks.
    assert_eq!(leader.clean("-r kafka-role").exit, 0);
    let found = discover(&leader);
    assert!(!found.contains("was elected"), "{found}");
}

pub fn a_machine_that_is_down(command: &str) {
    let master = Master::start(command, 1, &[]);
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let machine = json!({"hostname": "agentb", "ip": "10.0.0.9"});
    let window = json!({
        "machine_ids": [machine], "unavailability": {"start": {"nanoseconds": 1}},
    });
    master.post_json("maintenance/schedule", &json!({ "windows": [window] }));
    master.post_json("machine/down", &json!([machine]));
    let (exhibitor, arguments) = exhibitor();
    let incomplete = master.clean(&arguments);
    assert_eq!(incomplete.exit, 6);
    assert!(incomplete.stdout.contains("Machine agentb is down"), "{}", incomplete.stdout);
    assert!(!master.has("kafka-role"), "what is there is cleaned");
    assert!(exhibitor.requests().is_empty());
    let found = discover(&master);
    assert!(found.contains("agentb is down for maintenance"), "{found}");
    assert_eq!(master.clean(&format!("{arguments} --ignore-agent agentb")).exit, 0);
}

pub fn an_earlier_run_that_was_not_heard(command: &str) {
    let leader = Master::start(command, 1, &[]);
    let other = Master::start(command, 1, &[("LAB_LEADER", leader.address())]);
    leader.wait_for_agents(2, 0);
    let all = leader.agents();
    for agent in &all {
        leader.fill_for_good(agent, "kafka-role", "kafka-principal");
    }
    let frozen = all.iter().filter(|agent| leader.agent_url(agent).contains(other.address()));
    let [frozen] = &frozen.collect::<Vec<_>>()[..] else { panic!("{all:?}") };
    other.freeze();
    let (exhibitor, arguments) = exhibitor();
    for _ in 0..2 {
        let run = leader.clean(&arguments);
        assert_eq!(run.exit, 6, "{}", run.stdout);
        assert!(exhibitor.requests().is_empty());
    }
    // Before 1.6, only its silence shows that the agent has not received the operations.
    let why = match is_since(command, 6) {
        true => "has not yet carried out the removal",
        false => "is unreachable since",
    };
    let url = leader.url();
    for look in [&["plan", "-r", "kafka-role", "-m", &url][..], &["discover", "-m", &url]] {
        let found = run(janitor().args(look)).stdout;
        assert!(found.contains(why), "{found}");
        assert!(!found.contains("There is nothing to do"), "{found}");
    }
    let ignored = leader.clean(&format!("{arguments} --ignore-agent {frozen}"));
    assert_eq!(ignored.exit, 0);
    assert!(ignored.stdout.contains("(ignored)"), "{}", ignored.stdout);
}

pub fn a_drained_agent(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    master.fill_for_good(agent, "kafka-role", "kafka-principal");
    let call = json!({"type": "DRAIN_AGENT", "drain_agent": {"agent_id": {"value": agent}}});
    let status = master.call(&call);
    if !is_since(command, 9) {
        assert_eq!(status, 400, "agents can be drained since Mesos 1.9");
        return;
    }
    assert_eq!(status, 200);
    until("the agent is never drained", || {
        let entry: &Value = &master.slaves()["slaves"][0];
        entry["deactivated"] == true && entry["drain_info"]["state"] == "DRAINED"
    });
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    assert!(!master.has("kafka-role"));
    let found = discover(&master);
    assert!(!found.contains("is not connected"), "{found}");
    // This also holds for an agent without resources.
    assert_eq!(master.clean("-r other-role").exit, 0);
}

pub fn ports_that_may_not_be_viewed(command: &str) {
    let acls = json!({"view_roles": [
        {"principals": {"type": "ANY"}, "roles": {"values": ["slave_public"]}},
        {"principals": {"type": "ANY"}, "roles": {"type": "NONE"}},
    ]});
    let master = Master::start(command, 1, &[("MESOS_ACLS", &acls.to_string())]);
    let owner = reserved_for("kafka-role", "kafka-principal");
    let range = json!([{"begin": 31000, "end": 31001}]);
    let ports = json!({"name": "ports", "type": "RANGES", "ranges": {"range": range}});
    master.reserve(&master.agents()[0], &[with(&ports, &owner)]);
    let run = master.clean("-r kafka-role");
    assert_eq!(run.exit, 6);
    assert!(run.stdout.contains("has reservations that may not be viewed"), "{}", run.stdout);
    let found = discover(&master);
    assert!(found.contains("has reservations that may not be viewed"), "{found}");
}

/// A master accepts, and lists unchanged, another role's label with a byte that is not UTF-8.
pub fn a_label_that_is_no_text(command: &str) {
    let master = Master::start(command, 1, &[]);
    let agent = &master.agents()[0];
    master.fill(agent, "kafka-role", "kafka-principal");
    let labels = json!({"labels": [{"key": "k", "value": "caf~"}]});
    let owner = json!({"role": "q", "reservation": {"principal": "q", "labels": labels}});
    let list = json!([with(&cpus(0.1), &owner)]).to_string();
    let mut form = form_urlencoded::Serializer::new(String::new());
    let form = form.append_pair("slaveId", agent).append_pair("resources", &list).finish();
    let form = form.replace("%7E%22", "%E9%22");
    let url = format!("{}reserve", master.url());
    let kind = "application/x-www-form-urlencoded";
    let answer = client().post(url).header("Content-Type", kind).send(form).unwrap();
    assert_eq!(answer.status(), 202);
    let slaves = client().get(format!("{}slaves", master.url())).call().unwrap();
    let listed = slaves.into_body().read_to_vec().unwrap();
    assert!(listed.windows(5).any(|it| it == b"caf\xe9\""), "it is listed as it was sent");
    assert_eq!(master.clean("-r kafka-role").exit, 0);
    let found = discover(&master);
    assert!(!found.contains("kafka-role") && found.contains("Role 'q'"), "{found}");
}
