//! The pages on which a master describes itself and the cluster, other than its lists of agents and
//! frameworks.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::listing;
use crate::state::{Agent, Framework, State};
use crate::times::Times;
use crate::version::Version;

/// The id of the master.
const MASTER: &str = "9dd0ae3b-a5d9-4ab5-9a6d-9a1d0fd1f1a7";

/// The process id of the leading master.
const PID: &str = "master@10.0.0.1:5050";

/// Returns the body of `/version`.
pub(crate) fn version(state: &State) -> Value {
    json!({
        "build_date": "2016-06-07 00:00:00",
        "build_time": 1_465_257_600.0,
        "build_user": "ubuntu",
        "git_sha": "04bc7ee1984d86fbb0bd782ccc69ce44c13ae4b9",
        "git_tag": state.version,
        "version": state.version,
    })
}

/// Returns the body of `/flags`, as far as anybody asks. The time after which an agent that does not
/// answer is unreachable is 20 ms, so that no test waits for long; on a real master, it is at least 2 s.
pub(crate) fn flags(version: Version) -> Value {
    let (timeout, count) = match version.since(1, 0) {
        true => ("agent_ping_timeout", "max_agent_ping_timeouts"),
        false => ("slave_ping_timeout", "max_slave_ping_timeouts"),
    };
    json!({ "flags": { timeout: "10ms", count: "1" } })
}

/// Returns the body of `/state`. As on a real master, the agents and frameworks follow the times.
pub(crate) fn state(state: &State) -> Value {
    let times = Times::of(state);
    let counts = Counts::of(state);
    let frameworks = listing::frameworks(state);
    json!({
        "version": state.version,
        "start_time": times.start,
        "elected_time": times.elected,
        "id": MASTER,
        "pid": PID,
        "activated_slaves": counts.slaves_active,
        "deactivated_slaves": counts.slaves_inactive,
        "unreachable_slaves": counts.slaves_unreachable,
        "leader": PID,
        "frameworks": frameworks["frameworks"],
        "completed_frameworks": frameworks["completed_frameworks"],
    })
}

/// Returns the body of `/roles`. Before 1.9 it contains only the roles of frameworks; since then
/// also roles with reservations, and their parents.
pub(crate) fn roles(state: &State) -> Value {
    let version = Version::parse(&state.version);
    let of_frameworks = state.frameworks.iter().flat_map(|framework| &framework.roles);
    let mut names: BTreeSet<&str> = of_frameworks.map(String::as_str).collect();
    if version.since(1, 9) {
        let reserved = state.listed().flat_map(|agent| agent.reserved_resources_full.keys());
        names.extend(reserved.map(String::as_str));
        names.extend(names.clone().into_iter().flat_map(parents));
    }
    names.retain(|name| state.may_view(name));
    let roles: Vec<_> = names.into_iter().map(|name| role(name, state, version)).collect();
    json!({ "roles": roles })
}

/// Returns the ancestors of a role: for `a/b/c`, these are `a` and `a/b`.
fn parents(role: &str) -> impl Iterator<Item = &str> {
    role.match_indices('/').map(|(at, _)| &role[..at])
}

fn role(name: &str, state: &State, version: Version) -> Value {
    let uses = |framework: &&Framework| framework.roles.iter().any(|role| role == name);
    let frameworks: Vec<_> = state.frameworks.iter().filter(uses).map(|it| &it.id).collect();
    if !version.since(1, 9) {
        let resources = json!({"cpus": 0, "disk": 0, "gpus": 0, "mem": 0});
        return json!({
            "frameworks": frameworks, "name": name, "resources": resources, "weight": 1.0,
        });
    }
    let reserved = reserved_for(name, state);
    let quota = json!({"role": name, "guarantee": {}, "limit": {}, "consumed": reserved});
    json!({
        "name": name,
        "weight": 1.0,
        "quota": quota,
        "resources": {},
        "allocated": {},
        "offered": {},
        "reserved": reserved,
        "frameworks": frameworks,
    })
}

/// Sums all resources that are reserved for a role and the roles below it. Ranges and sets count by
/// their members.
fn reserved_for(role: &str, state: &State) -> Map<String, Value> {
    let inside = |name: &str| {
        name.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut sums: Vec<(String, f64)> = Vec::new();
    for resource in state.listed().flat_map(Agent::reserved).filter(|it| inside(&it.role())) {
        let number = resource.amount().number();
        match sums.iter_mut().find(|(name, _)| name == resource.name()) {
            Some((_, sum)) => *sum += number,
            None => sums.push((resource.name().to_owned(), number)),
        }
    }
    sums.sort_by(|one, other| one.0.cmp(&other.0));
    sums.into_iter().map(|(name, sum)| (name, json!(sum))).collect()
}

/// Returns the body of `/maintenance/status`.
pub(crate) fn maintenance(state: &State) -> Value {
    let mut body = json!({});
    if !state.draining_machines.is_empty() {
        let draining = state.draining_machines.iter().map(|machine| json!({ "id": machine }));
        body["draining_machines"] = draining.collect();
    }
    if !state.down_machines.is_empty() {
        body["down_machines"] = json!(state.down_machines);
    }
    body
}

/// Returns a master's description of itself.
pub(crate) fn master_info(state: &State) -> Value {
    json!({
        "address": {"hostname": "10.0.0.1", "ip": "10.0.0.1", "port": 5050},
        "hostname": "10.0.0.1",
        "id": MASTER,
        "ip": 16_777_226,
        "pid": PID,
        "port": 5050,
        "version": state.version,
    })
}

/// Returns the body of `/metrics/snapshot` of the leading master, with the counts of agents and
/// frameworks, including hidden ones.
pub(crate) fn metrics(state: &State) -> Value {
    snapshot(&Counts::of(state), true, Times::of(state).uptime)
}

/// Returns the metrics of a non-leading master, which knows neither agents nor frameworks.
pub(crate) fn standby_metrics(state: &State) -> Value {
    snapshot(&Counts::default(), false, Times::of(state).uptime)
}

fn snapshot(counts: &Counts, elected: bool, uptime: f64) -> Value {
    json!({
        "master/elected": f64::from(u8::from(elected)),
        "master/frameworks_active": counts.frameworks_connected,
        "master/frameworks_connected": counts.frameworks_connected,
        "master/frameworks_disconnected": counts.frameworks_disconnected,
        "master/frameworks_inactive": counts.frameworks_disconnected,
        "master/slave_registrations": counts.slave_registrations,
        "master/slave_reregistrations": counts.slave_reregistrations,
        "master/slaves_active": counts.slaves_active,
        "master/slaves_connected": counts.slaves_connected,
        "master/slaves_disconnected": counts.slaves_disconnected,
        "master/slaves_inactive": counts.slaves_inactive,
        "master/slaves_unreachable": counts.slaves_unreachable,
        "master/uptime_secs": uptime,
    })
}

/// The counts, which Mesos writes with a decimal point.
#[derive(Default)]
struct Counts {
    frameworks_connected: f64,
    frameworks_disconnected: f64,
    slave_registrations: f64,
    slave_reregistrations: f64,
    slaves_active: f64,
    slaves_inactive: f64,
    slaves_connected: f64,
    slaves_disconnected: f64,
    slaves_unreachable: f64,
}

impl Counts {
    fn of(state: &State) -> Counts {
        let mut counts = Counts::default();
        for framework in &state.frameworks {
            *match framework.connected() {
                true => &mut counts.frameworks_connected,
                false => &mut counts.frameworks_disconnected,
            } += 1.0;
        }
        let times = Times::of(state);
        for agent in state.listed() {
            *match times.reregistered(agent) {
                Some(_) => &mut counts.slave_reregistrations,
                None => &mut counts.slave_registrations,
            } += 1.0;
            *match agent.connected() && !agent.deactivated {
                true => &mut counts.slaves_active,
                false => &mut counts.slaves_inactive,
            } += 1.0;
            *match agent.connected() {
                true => &mut counts.slaves_connected,
                false => &mut counts.slaves_disconnected,
            } += 1.0;
        }
        let unreachable = state.agents.iter().filter(|agent| agent.unreachable.is_some());
        counts.slaves_unreachable = unreachable.map(|_| 1.0).sum();
        counts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{metrics, roles};
    use crate::state::State;

    fn state(version: &str, extra: &Value) -> State {
        let mut state = json!({"version": version, "agents": []});
        for (key, value) in extra.as_object().unwrap() {
            state[key] = value.clone();
        }
        serde_json::from_value(state).unwrap()
    }

    #[test]
    fn a_hidden_framework_is_counted_and_named_by_its_role() {
        let framework = json!({"id": "F", "name": "f", "roles": ["r", "s"], "hidden": true});
        let state = state("1.11.0", &json!({"frameworks": [framework], "hidden_roles": ["s"]}));
        assert_eq!(metrics(&state)["master/frameworks_connected"], 1.0);
        let roles = roles(&state);
        assert_eq!(roles["roles"].as_array().unwrap().len(), 1);
        assert_eq!(roles["roles"][0]["frameworks"], json!(["F"]));
    }
}
