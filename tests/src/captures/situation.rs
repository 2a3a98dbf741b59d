//! Compares the pages on which a master describes itself and its cluster: the stand-in starts with
//! the state that they show, and must show the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{agent, body, comparable, exchanges, send};
use crate::Cluster;
use crate::client::Response;
use crate::state::{Agent, CompletedFramework, Framework, Machine, Pending, RecoveredAgent, State};

const STORIES: [&str; 11] = [
    "fresh",
    "reserved",
    "frameworks",
    "hidden",
    "hidden-frameworks",
    "non-leading",
    "unreachable",
    "disconnected",
    "failover",
    "machine-down",
    "pending",
];

#[test]
fn pages_of_mesos_1_4_3() {
    STORIES.iter().for_each(|story| compare("1.4.3", story));
}

#[test]
fn pages_of_mesos_1_5_3() {
    compare("1.5.3", "fresh");
}

#[test]
fn pages_of_mesos_1_8_1() {
    STORIES.iter().for_each(|story| compare("1.8.1", story));
}

#[test]
fn pages_of_mesos_1_11_0() {
    STORIES.iter().for_each(|story| compare("1.11.0", story));
    compare("1.11.0", "drained");
}

/// The exchanges of one moment, by the names of their pages.
type Moment = BTreeMap<String, Value>;

fn compare(version: &str, story: &str) {
    // The exchange `operator--slaves` belongs to the page `slaves` of the moment `operator`.
    let mut moments: BTreeMap<String, Moment> = BTreeMap::new();
    for exchange in exchanges(version, story) {
        let name = exchange["name"].as_str().unwrap();
        let (moment, page) = name.split_once("--").unwrap_or(("", name));
        moments.entry(moment.to_owned()).or_default().insert(page.to_owned(), exchange);
    }
    for (name, moment) in &moments {
        let mut state =
            state(version, moments.get("operator").or(moments.get("leader")).unwrap_or(moment));
        state.standby = moments.contains_key("leader");
        if moments.contains_key("operator") && name.is_empty() {
            hide(&mut state, moment);
        }
        let cluster = Cluster::start(state);
        let url = match redirects(moment) {
            true => cluster.standby_url(),
            false => cluster.master_url(),
        };
        for (page, exchange) in moment {
            let name = format!("{version} {story} {name} {page}");
            let ours = send(&url, &exchange["request"]);
            assert_eq!(json!(ours.status), exchange["response"]["status"], "{name}: {}", ours.body);
            compare_page(page, &ours, exchange, &name);
        }
    }
}

/// Returns whether the master redirects its clients.
fn redirects(moment: &Moment) -> bool {
    moment["slaves"]["response"]["status"] == 307
}

fn compare_page(page: &str, ours: &Response, exchange: &Value, name: &str) {
    let theirs = &exchange["response"];
    if let Some(location) = theirs["location"].as_str() {
        let path = exchange["request"]["path"].as_str().unwrap();
        assert!(location.ends_with(path), "{name}: {location}");
        let wanted = format!("//leader.mesos:5050{path}");
        assert_eq!(ours.headers["location"], wanted, "{name}");
    }
    let Ok(theirs) = serde_json::from_str::<Value>(theirs["body"].as_str().unwrap()) else {
        assert_eq!(ours.body, theirs["body"], "{name}");
        return;
    };
    let ours: Value = serde_json::from_str(&ours.body).unwrap();
    match page {
        "slaves" => {
            assert_eq!(returned_at_once(&ours), returned_at_once(&theirs), "{name}");
            assert_eq!(comparable(ours), comparable(theirs), "{name}");
        }
        "state" => {
            for key in theirs.as_object().unwrap().keys() {
                assert!(ours.get(key).is_some(), "{name}: {key}");
            }
            let counts = ["activated_slaves", "deactivated_slaves", "unreachable_slaves"];
            assert_eq!(only(&ours, &counts), only(&theirs, &counts), "{name}");
            for state in [ours, theirs] {
                assert!(state["start_time"].as_f64() < state["elected_time"].as_f64(), "{name}");
            }
        }
        _ => assert_eq!(essence(page, ours), essence(page, theirs), "{name}"),
    }
}

/// Returns the agents that registered twice in quick succession, as those that a new master
/// inherits do.
fn returned_at_once(list: &Value) -> Vec<&Value> {
    let time = |agent: &Value, key: &str| agent[key].as_f64().unwrap_or(f64::NAN);
    let between = |agent: &Value| time(agent, "reregistered_time") - time(agent, "registered_time");
    let agents = list["slaves"].as_array().unwrap().iter();
    agents.filter(|agent| between(agent).abs() < 0.01).map(|agent| &agent["id"]).collect()
}

/// Reduces a page to what is comparable: without times, ids of operations, and orders that Mesos
/// does not keep.
fn essence(page: &str, mut body: Value) -> Value {
    match page {
        "frameworks" => {
            let list = |key: &str| sorted(body[key].as_array().unwrap().iter().map(framework));
            json!([list("frameworks"), list("completed_frameworks"), keys(&body)])
        }
        "roles" => body["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| {
                json!([only(role, &["name", "frameworks", "reserved", "weight"]), keys(role)])
            })
            .collect(),
        "operations" => {
            let list = body["get_operations"]["operations"].take();
            let list = list.as_array().into_iter().flatten().map(|operation| {
                json!([only(operation, &["agent_id", "info", "latest_status"]), keys(operation)])
            });
            json!([sorted(list), keys(&body)])
        }
        "get-master" => {
            let keys = keys(&body);
            let master = &body["get_master"];
            let shown: Vec<_> =
                ["start_time", "elected_time"].iter().map(|key| master[key].is_f64()).collect();
            json!([keys, shown, master["master_info"]["version"]])
        }
        "metrics" => {
            assert!(body["master/uptime_secs"].is_f64());
            body["master/uptime_secs"] = Value::Null;
            // The captures do not have these; real::a_master_that_takes_over_between_two_lists has those of
            // real masters.
            let is_captured = |(key, _): &(&String, _)| !key.ends_with("registrations");
            let counts = body.as_object().unwrap().iter().filter(is_captured);
            sorted(counts.map(|(key, value)| json!([key, value])))
        }
        "registry" => registry(&body),
        "version" => json!([sorted(keys(&body)), body["version"]]),
        _ => body,
    }
}

fn framework(entry: &Value) -> Value {
    let names = ["id", "name", "active", "connected", "recovered", "role", "roles", "capabilities"];
    let keys = keys(entry).into_iter().filter(|key| key != "pid");
    let tasks = entry["tasks"].as_array().unwrap().len();
    json!([only(entry, &names), sorted(keys), tasks])
}

fn registry(body: &Value) -> Value {
    let list =
        |pointer: &str| body.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let slaves = list("/slaves/slaves").map(|entry| {
        let info = only(&entry["info"], &["id", "hostname", "checkpoint"]);
        json!([only(entry, &["deactivated", "drain_info"]), info])
    });
    let unreachable = list("/unreachable/slaves").map(|entry| {
        let time = entry["timestamp"]["nanoseconds"].as_u64().unwrap();
        json!([only(entry, &["id", "deactivated"]), time / 1_000_000_000])
    });
    let machines = list("/machines/machines").map(|entry| {
        assert!(entry["info"]["unavailability"]["start"]["nanoseconds"].is_u64());
        only(&entry["info"], &["id", "mode"])
    });
    let known = ["machines", "master", "slaves", "unreachable"];
    let keys: Vec<_> =
        keys(body).into_iter().filter(|key| known.iter().any(|known| key == known)).collect();
    json!([sorted(slaves), sorted(unreachable), sorted(machines), keys])
}

/// Selects the fields with these names that are present.
fn only(object: &Value, names: &[&str]) -> Value {
    let fields =
        names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(name)?.clone())));
    Value::Object(fields.collect())
}

fn keys(object: &Value) -> Vec<Value> {
    object.as_object().unwrap().keys().map(|key| json!(key)).collect()
}

fn sorted(values: impl IntoIterator<Item = Value>) -> Value {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by_key(Value::to_string);
    values.into()
}

/// Derives the state that a moment shows.
fn state(version: &str, moment: &Moment) -> State {
    let page = |name: &str| {
        let good = moment.get(name).filter(|exchange| exchange["response"]["status"] == 200);
        good.map(body).unwrap_or_default()
    };
    let list = |page: &Value, pointer: &str| -> Vec<Value> {
        page.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (slaves, registry) = (page("slaves"), page("registry"));
    let (frameworks, maintenance) = (page("frameworks"), page("maintenance"));
    let listed = list(&slaves, "/slaves");
    let mut agents: Vec<Agent> = listed.iter().map(agent).collect();
    let disconnected = page("metrics")["master/slaves_disconnected"].as_f64().unwrap_or(0.0);
    for agent in agents.iter_mut().filter(|agent| agent.deactivated) {
        agent.dead = disconnected > 0.0;
    }
    agents.extend(list(&registry, "/unreachable/slaves").iter().map(|entry| Agent {
        unreachable: entry["timestamp"]["nanoseconds"].as_u64().map(|it| it / 1_000_000_000),
        ..Agent::new(&text(&entry["id"]["value"]), "")
    }));
    State {
        version: version.to_owned(),
        took_over: listed.iter().any(|agent| agent.get("reregistered_time").is_some()),
        agents,
        frameworks: list(&frameworks, "/frameworks").iter().map(registered).collect(),
        completed_frameworks: list(&frameworks, "/completed_frameworks")
            .iter()
            .map(completed)
            .collect(),
        down_machines: list(&maintenance, "/down_machines").iter().map(machine).collect(),
        draining_machines: list(&maintenance, "/draining_machines")
            .iter()
            .map(|entry| machine(&entry["id"]))
            .collect(),
        recovered_agents: list(&slaves, "/recovered_slaves")
            .iter()
            .map(|agent| RecoveredAgent {
                id: text(&agent["id"]),
                hostname: text(&agent["hostname"]),
            })
            .collect(),
        pending: list(&page("operations"), "/get_operations/operations")
            .iter()
            .map(pending)
            .collect(),
        ..State::default()
    }
}

/// Hides the roles and frameworks that another user may not view.
fn hide(state: &mut State, seen: &Moment) {
    let [slaves, frameworks, roles] = ["slaves", "frameworks", "roles"].map(|it| body(&seen[it]));
    let visible = |role: &str| {
        let mut named = roles["roles"].as_array().unwrap().iter();
        let mut agents = slaves["slaves"].as_array().unwrap().iter();
        named.any(|one| one["name"] == role)
            || agents.any(|agent| agent["reserved_resources_full"].get(role).is_some())
    };
    let reserved = state.agents.iter().flat_map(|agent| agent.reserved_resources_full.keys());
    let used = state.frameworks.iter().flat_map(|framework| &framework.roles);
    state.hidden_roles = reserved.chain(used).filter(|role| !visible(role)).cloned().collect();
    for framework in &mut state.frameworks {
        let mut listed = frameworks["frameworks"].as_array().unwrap().iter();
        framework.hidden = listed.all(|one| one["id"] != framework.id);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(text).collect()
}

fn registered(entry: &Value) -> Framework {
    let recovered = entry["recovered"] == true;
    let single = entry.get("role");
    Framework {
        id: text(&entry["id"]),
        name: text(&entry["name"]),
        active: recovered || entry["active"] == true,
        roles: single.map_or_else(|| texts(&entry["roles"]), |role| vec![text(role)]),
        single_role: single.is_some(),
        tasks: u32::try_from(entry["tasks"].as_array().unwrap().len()).unwrap(),
        recovered,
        hidden: false,
        listings: None,
    }
}

fn completed(entry: &Value) -> CompletedFramework {
    CompletedFramework {
        id: text(&entry["id"]),
        name: text(&entry["name"]),
        roles: texts(&entry["roles"]),
        tasks: 0,
    }
}

fn machine(entry: &Value) -> Machine {
    Machine { hostname: text(&entry["hostname"]), ip: text(&entry["ip"]) }
}

fn pending(entry: &Value) -> Pending {
    let kind = text(&entry["info"]["type"]);
    let info = &entry["info"][kind.to_lowercase()];
    let list = info.get("volumes").unwrap_or(&info["resources"]);
    let resources = list.as_array().unwrap().clone();
    Pending { agent: text(&entry["agent_id"]["value"]), kind, resources, looks: None }
}
