//! `/slaves`: the agents as the master lists them, key for key.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::amount::Amount;
use crate::resource::Resource;
use crate::state::{Agent, CompletedFramework, Framework, State};
use crate::times::{TIME, Times};
use crate::version::Version;

/// Returns the body of `/slaves`, of one agent if `only` names it. Agents whose number of listings is
/// exhausted become unreachable or come back, and such frameworks end.
pub(crate) fn slaves(state: &mut State, only: Option<&str>) -> Value {
    let version = Version::parse(&state.version);
    let only = only.filter(|_| version.since(1, 4));
    let is_asked = |id: &str| only.is_none_or(|only| only == id);
    let mut body = json!({"slaves": entries(state, &is_asked)});
    if version.since(1, 4) {
        let recovered = state.recovered_agents.iter().filter(|it| is_asked(&it.id)).map(|agent| {
            json!({"id": agent.id, "hostname": agent.hostname, "port": 5051, "attributes": {}})
        });
        body["recovered_slaves"] = recovered.collect();
    }
    let now = Times::of(state).now;
    for agent in state.agents.iter_mut().filter(|agent| is_asked(&agent.id)) {
        match agent.unreachable {
            None if is_last(&mut agent.listings) => agent.unreachable = Some(now),
            Some(_) if is_last(&mut agent.returns_after) => agent.unreachable = None,
            _ => {}
        }
    }
    if only.is_none() {
        state.frameworks.retain_mut(|framework| !is_last(&mut framework.listings));
    }
    body
}

/// Counts a listing, and returns whether it was the last one.
fn is_last(listings: &mut Option<u32>) -> bool {
    listings.as_mut().is_some_and(|listings| {
        *listings = listings.saturating_sub(1);
        *listings == 0
    })
}

/// Returns the body of `/frameworks`.
pub(crate) fn frameworks(state: &State) -> Value {
    let version = Version::parse(&state.version);
    let visible = state.frameworks.iter().filter(|framework| !framework.hidden);
    let registered: Value = visible.map(|framework| registered(framework, version)).collect();
    let completed = state.completed_frameworks.iter();
    let completed: Value = completed.map(|framework| completed_entry(framework, version)).collect();
    json!({
        "frameworks": registered,
        "completed_frameworks": completed,
        "unregistered_frameworks": [],
    })
}

fn registered(framework: &Framework, version: Version) -> Value {
    let Framework { id, name, roles, .. } = framework;
    let mut entry = framework_entry(id, name, framework.connected(), version);
    match roles.as_slice() {
        [role] if framework.single_role || !version.since(1, 2) => entry["role"] = json!(role),
        roles => entry["roles"] = json!(roles),
    }
    entry["recovered"] = json!(framework.recovered);
    if framework.single_role {
        entry["capabilities"] = json!([]);
    }
    let tasks = (0..framework.tasks).map(|number| task(id, number, roles, "TASK_RUNNING"));
    entry["tasks"] = tasks.collect();
    entry["unreachable_tasks"] = json!([]);
    entry["completed_tasks"] = json!([]);
    with_the_rest(entry, version)
}

fn completed_entry(framework: &CompletedFramework, version: Version) -> Value {
    let CompletedFramework { id, name, roles, tasks } = framework;
    let mut entry = framework_entry(id, name, false, version);
    // Before 1.9, a completed framework is still shown as connected.
    entry["connected"] = json!(!version.since(1, 9));
    entry["unregistered_time"] = json!(TIME);
    entry["roles"] = json!(roles);
    entry["tasks"] = json!([]);
    entry["unreachable_tasks"] = json!([]);
    let completed = (0..*tasks).map(|number| {
        let mut task = task(id, number, roles, "TASK_FINISHED");
        task["labels"] = json!([{"key": "padding", "value": "x".repeat(800)}]);
        task
    });
    entry["completed_tasks"] = completed.collect();
    with_the_rest(entry, version)
}

fn framework_entry(id: &str, name: &str, connected: bool, version: Version) -> Value {
    let none = sums([].iter(), version);
    json!({
        "id": id,
        "name": name,
        "used_resources": none,
        "offered_resources": none,
        "capabilities": ["MULTI_ROLE", "RESERVATION_REFINEMENT"],
        "hostname": "",
        "webui_url": "",
        "active": connected,
        "connected": connected,
        "recovered": false,
        "user": "root",
        "failover_timeout": 3600.0,
        "checkpoint": false,
        "registered_time": TIME,
        "unregistered_time": 0.0,
        "resources": none,
    })
}

fn with_the_rest(mut entry: Value, version: Version) -> Value {
    entry["offers"] = json!([]);
    entry["executors"] = json!([]);
    if version.since(1, 11) {
        entry["offer_constraints"] = json!({});
    }
    entry
}

fn task(framework: &str, number: u32, roles: &[String], state: &str) -> Value {
    let name = format!("task-{number}");
    json!({
        "id": name,
        "name": name,
        "framework_id": framework,
        "executor_id": "",
        "slave_id": "S0",
        "state": state,
        "resources": {"disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.5},
        "role": roles.first(),
        "statuses": [],
    })
}

/// Returns the entries of all listed agents. If an agent differs from one of the last few only by its
/// names, its entry is not computed again, so thousands of similar agents are listed quickly.
fn entries(state: &State, is_asked: &dyn Fn(&str) -> bool) -> Vec<Value> {
    const KNOWN: usize = 4;
    let mut known = VecDeque::<(&Agent, Value)>::new();
    let list = |agent| {
        let similar = known.iter().position(|(it, _)| it.is_like(agent));
        let (_, mut entry) = match similar.and_then(|place| known.get(place)) {
            Some(similar) => similar.clone(),
            None => {
                known.truncate(KNOWN - 1);
                known.push_front((agent, entry(agent, state)));
                known[0].clone()
            }
        };
        entry["id"] = json!(agent.id);
        entry["hostname"] = json!(agent.hostname);
        entry
    };
    state.listed().filter(|agent| is_asked(&agent.id)).map(list).collect()
}

fn entry(agent: &Agent, state: &State) -> Value {
    let master = state.version.as_str();
    let version = Version::parse(master);
    // Hidden roles are omitted from the lists, but count towards the totals.
    let visible = |role: &str| state.may_view(role);
    let reserved: Vec<_> = agent.reserved().collect();
    let unreserved: Vec<_> = agent.unreserved().into_iter().collect();
    let sums_of = |resources: &[Resource]| sums(resources.iter(), version);
    let reserved_sums: Map<_, _> = agent
        .reserved_resources_full
        .keys()
        .filter(|role| visible(role))
        .map(|role| {
            let of_role = reserved.iter().filter(|one| one.role() == *role);
            (role.clone(), sums(of_role, version))
        })
        .collect();

    let mut entry = json!({
        "id": agent.id,
        "hostname": agent.hostname,
        "port": 5051,
        "attributes": {},
        "pid": "slave(1)@127.0.0.1:5051",
        "registered_time": TIME,
    });
    if let Some(time) = Times::of(state).reregistered(agent) {
        entry["reregistered_time"] = json!(time);
    }
    entry["resources"] = sums(unreserved.iter().chain(&reserved), version);
    entry["used_resources"] = sums_of(&[]);
    entry["offered_resources"] = sums_of(&[]);
    entry["reserved_resources"] = reserved_sums.into();
    entry["unreserved_resources"] = sums_of(&unreserved);
    entry["active"] = json!(agent.connected() && !agent.deactivated);
    if version.since(1, 9) {
        entry["deactivated"] = json!(agent.deactivated);
    }
    entry["version"] = json!(agent.version.as_deref().unwrap_or(master));
    if version.since(1, 4) {
        entry["capabilities"] = capabilities(version);
    }
    if agent.deactivated {
        entry["drain_info"] = json!({"state": "DRAINED", "config": {"mark_gone": false}});
        entry["estimated_drain_start_time_seconds"] = json!(TIME);
    }
    if version.since(0, 28) {
        let unreserved = unreserved.into_iter().map(Resource::into_json);
        let mut reserved = agent.reserved_resources_full.clone();
        reserved.retain(|role, _| visible(role));
        entry["reserved_resources_full"] = reserved.into();
        entry["unreserved_resources_full"] = unreserved.collect();
        entry["used_resources_full"] = json!([]);
        entry["offered_resources_full"] = json!([]);
    }
    entry
}

/// Sums amounts by name; the standard names are always present.
pub(crate) fn sums<'a>(resources: impl Iterator<Item = &'a Resource>, version: Version) -> Value {
    let usual = ["disk", "mem", "gpus", "cpus"].into_iter();
    let mut sums: Vec<(String, Amount)> = usual
        .filter(|name| *name != "gpus" || version.since(1, 0))
        .map(|name| (name.to_owned(), Amount::Scalar(0)))
        .collect();
    for resource in resources {
        match sums.iter_mut().find(|(name, _)| name == resource.name()) {
            Some((_, sum)) => sum.add(&resource.amount()),
            None => sums.push((resource.name().to_owned(), resource.amount())),
        }
    }
    let sums = sums.into_iter().map(|(name, sum)| (name, sum.summary()));
    Value::Object(sums.collect())
}

fn capabilities(version: Version) -> Value {
    [
        ("MULTI_ROLE", 4),
        ("HIERARCHICAL_ROLE", 4),
        ("RESERVATION_REFINEMENT", 4),
        ("RESOURCE_PROVIDER", 8),
        ("RESIZE_VOLUME", 6),
        ("AGENT_OPERATION_FEEDBACK", 7),
        ("AGENT_DRAINING", 9),
        ("TASK_RESOURCE_LIMITS", 10),
    ]
    .into_iter()
    .filter(|(_, minor)| version.since(1, *minor))
    .map(|(name, _)| json!(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{entry, frameworks, slaves};
    use crate::state::State;

    fn list(version: &str) -> Value {
        let mut state: State = serde_json::from_value(json!({
            "version": version,
            "agents": [{"id": "S0", "hostname": "a", "reserved_resources_full": {"r": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.5}, "role": "r", "reservation": {}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 1e9}, "role": "r", "reservation": {}},
            ]}}],
        }))
        .unwrap();
        slaves(&mut state, None)
    }

    #[test]
    fn similar_agents_are_listed_as_each_of_them_alone() {
        let agent = |id: &str, cpus: f64, active: bool| {
            json!({"id": id, "hostname": format!("host-{id}"), "active": active,
                "reserved_resources_full": {"r": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}, "role": "r", "reservation": {}},
            ]}})
        };
        let agents: Vec<_> =
            (0..9).map(|n| agent(&format!("S{n}"), f64::from(n % 6 / 2 + 1), n != 7)).collect();
        let mut state: State =
            serde_json::from_value(json!({"version": "1.11.0", "agents": agents})).unwrap();
        let alone: Vec<_> = state.agents.iter().map(|agent| entry(agent, &state)).collect();
        assert_eq!(slaves(&mut state, None)["slaves"], json!(alone));
    }

    #[test]
    fn old_masters_say_less() {
        let old = list("0.28.1");
        assert_eq!(old.get("recovered_slaves"), None);
        assert_eq!(old["slaves"][0].get("capabilities"), None);
        assert!(old["slaves"][0].get("reserved_resources_full").is_some());
        let older = list("0.27.2");
        assert_eq!(older["slaves"][0].get("reserved_resources_full"), None);
    }

    #[test]
    fn what_is_reserved_is_missing_from_the_rest() {
        let agent = &list("1.11.0")["slaves"][0];
        assert_eq!(agent["reserved_resources"]["r"]["cpus"], json!(4.5));
        assert_eq!(agent["unreserved_resources"]["cpus"], json!(11.5));
        assert_eq!(agent["resources"]["cpus"], json!(16.0));
        assert_eq!(agent["unreserved_resources"]["mem"], json!(0.0));
        assert_eq!(agent["resources"]["mem"], json!(1e9));
    }

    #[test]
    fn an_agent_that_vanishes_keeps_what_it_has() {
        let mut state: State = serde_json::from_value(json!({
            "version": "1.11.0",
            "agents": [{"id": "S0", "hostname": "a", "listings": 2, "reserved_resources_full": {}}],
        }))
        .unwrap();
        let mut listed = || slaves(&mut state, None)["slaves"].as_array().unwrap().len();
        assert_eq!([listed(), listed(), listed()], [1, 1, 0]);
        assert!(state.agents[0].unreachable.is_some());
    }

    #[test]
    fn completed_frameworks_take_their_room() {
        let state: State = serde_json::from_value(json!({
            "version": "1.11.0",
            "agents": [],
            "completed_frameworks": [{"id": "F", "name": "f", "roles": ["r"], "tasks": 17000}],
        }))
        .unwrap();
        assert!(frameworks(&state).to_string().len() > 16 << 20);
    }
}
