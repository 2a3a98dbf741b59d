//! Calls for several targets.

mod command;

use janitor_host::{InUse, Janitor, Options, Reason, RunError, Session, Target};
use janitor_tests::{Cluster, State};
use serde_json::{Value, json};

use crate::command::network;
use crate::nonblocking::{block_on, endpoints};

/// Starts a cluster of two agents, on which each of these roles has a volume.
fn cluster(roles: &[&str]) -> Cluster {
    Cluster::start(serde_json::from_value::<State>(state(roles)).unwrap())
}

/// The state of such a cluster.
fn state(roles: &[&str]) -> Value {
    let volume = |role: &str| {
        json!([{
            "name": "disk", "type": "SCALAR", "scalar": {"value": 64.0}, "role": role,
            "reservation": {"principal": "p"},
            "reservations": [{"type": "DYNAMIC", "role": role, "principal": "p"}],
            "disk": {
                "persistence": {"id": format!("volume-of-{role}"), "principal": "p"},
                "volume": {"mode": "RW", "container_path": "data"},
            },
        }])
    };
    let held: Value = roles.iter().map(|role| ((*role).to_owned(), volume(role))).collect();
    let agent = |id: &str| json!({"id": id, "hostname": format!("host-of-{id}"), "reserved_resources_full": held});
    let znodes: Vec<_> = roles.iter().map(|role| format!("/{role}")).collect();
    json!({
        "version": "1.11.0",
        "agents": [agent("S0"), agent("S1")],
        "frameworks": [{"id": "F", "name": "used", "roles": ["used"]}],
        "exhibitor": {"znodes": znodes},
    })
}

fn target(role: &str) -> Target {
    let (role, znode) = (Some(role.into()), Some(role.into()));
    Target { role, znode, ..Target::NOTHING }
}

/// Creates a session on the cluster.
fn session(cluster: &Cluster) -> Session {
    Session::new(network(endpoints(cluster)).build().unwrap())
}

fn lists(cluster: &Cluster) -> usize {
    cluster.requests().iter().filter(|request| request.path.contains("/master/slaves")).count()
}

fn holds(cluster: &Cluster, role: &str) -> bool {
    let state = cluster.state();
    let has = |agent: &janitor_tests::Agent| agent.reserved_resources_full.contains_key(role);
    state.agents.iter().any(has)
}

#[test]
fn their_number_does_not_matter_for_the_lists() {
    let roles = ["a-role", "b-role", "c-role", "d-role", "e-role", "f-role", "g-role"];
    let cluster = cluster(&roles);
    let janitor = Janitor::new().unwrap();
    let targets: Vec<_> = roles.iter().map(|role| target(role)).collect();
    let plans = janitor.plan_all(&targets, &Options::DEFAULT, session(&cluster)).unwrap();
    let plans: Vec<_> = plans.into_iter().map(Result::unwrap).collect();
    assert_eq!(lists(&cluster), 1);
    assert!(plans.iter().all(|plan| plan.agents.len() == 2 && plan.refusal.is_none()));
    let reports = janitor.apply_all(&plans, &Options::DEFAULT, session(&cluster)).unwrap();
    assert!(reports.iter().all(Result::is_ok), "{reports:?}");
    assert_eq!(lists(&cluster), 4);
    let state = cluster.state();
    assert!(state.agents.iter().all(|agent| agent.reserved_resources_full.is_empty()));
    assert!(state.exhibitor.unwrap().znodes.is_empty());
}

#[test]
fn one_that_is_refused_keeps_no_other() {
    for is_async in [false, true] {
        let cluster = cluster(&["used", "free"]);
        let janitor = Janitor::new().unwrap();
        let (targets, options) = ([target("used"), target("free")], Options::DEFAULT);
        let session = session(&cluster);
        let results = match is_async {
            false => janitor.clean_all(&targets, &options, session),
            true => block_on(janitor.clean_all_async(&targets, &options, session)),
        };
        let [used, free] = <[_; 2]>::try_from(results.unwrap()).unwrap();
        assert_eq!(used.unwrap_err().reason, Reason::InUse);
        assert!(free.is_ok());
        assert!(holds(&cluster, "used") && !holds(&cluster, "free"));
        assert_eq!(lists(&cluster), 3);
    }
}

/// Between the look for orphans and their removal, an operator has reserved something in the role.
#[test]
fn what_others_reserve_meanwhile_is_no_orphan() {
    let janitor = Janitor::new().unwrap();
    let before = cluster(&["a-role"]);
    let orphans = janitor.discover(&Options::DEFAULT, session(&before)).unwrap().orphans;
    let mut state = state(&["a-role"]);
    state["agents"][0]["reserved_resources_full"]["a-role"].as_array_mut().unwrap().push(json!({
        "name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}, "role": "a-role",
        "reservation": {"principal": "operator"},
        "reservations": [{"type": "DYNAMIC", "role": "a-role", "principal": "operator"}],
    }));
    let after = Cluster::start(serde_json::from_value::<State>(state).unwrap());
    let results = janitor.clean_all(&orphans, &Options::DEFAULT, session(&after)).unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let left: Vec<_> =
        after.state().agents.into_iter().map(|it| it.reserved_resources_full).collect();
    let left = serde_json::to_string(&left).unwrap();
    assert!(left.contains("operator") && !left.contains("volume-of-a-role"), "{left}");
}

#[test]
#[allow(unsafe_code)]
fn a_component_that_removes_more_is_stopped() {
    let role = "removes what is not its business";
    let cluster = cluster(&["other"]);
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    let janitor = unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap();
    let targets = [target("kafka"), Target { znode: None, ..target(role) }];
    let options = Options { in_use: InUse::Force, ..Options::DEFAULT };
    let error = janitor.clean_all(&targets, &options, session(&cluster)).unwrap_err();
    let RunError::Violation(violation) = error else { panic!("{error}") };
    assert!(violation.to_string().contains("POST master/unreserve"), "{violation}");
    assert!(holds(&cluster, "other"));
}
