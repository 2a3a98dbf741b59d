//! The stand-in against real masters: it starts from the agents that a master listed,
//! is asked what that master was asked, and must answer the same.

mod situation;

use std::path::Path;

use serde_json::{Map, Value, json};
use ureq::http::Request;

use crate::Cluster;
use crate::client::{self, Response};
use crate::pool::Pool;
use crate::resource::Resource;
use crate::state::{Agent, State};

/// What the stand-in makes up, or what depends on the real machine.
const OWN: [&str; 5] =
    ["port", "pid", "registered_time", "reregistered_time", "estimated_drain_start_time_seconds"];

#[test]
fn mesos_1_4_3() {
    replay("1.4.3", "reservations");
    replay("1.4.3", "disks");
}

#[test]
fn mesos_1_8_1() {
    replay("1.8.1", "reservations");
    replay("1.8.1", "disks");
}

#[test]
fn mesos_1_11_0() {
    replay("1.11.0", "reservations");
    replay("1.11.0", "disks");
}

/// The exchanges of a story.
fn exchanges(version: &str, story: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let file = folder.join(version).join(story).with_extension("json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn replay(version: &str, story: &str) {
    let exchanges = exchanges(version, story);
    let listed = body(&exchanges[0]);
    let agents = listed["slaves"].as_array().unwrap();
    let cluster = Cluster::start(State {
        version: version.to_owned(),
        agents: agents.iter().map(agent).collect(),
        ..State::default()
    });
    for exchange in &exchanges {
        let name = format!("{version} {story} {}", exchange["name"]);
        let answer = send(&cluster.master_url(), &exchange["request"]);
        let expected = &exchange["response"];
        assert_eq!(json!(answer.status), expected["status"], "{name}: {}", answer.body);
        if exchange["request"]["path"] == "/master/slaves" {
            let ours: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(comparable(ours), comparable(body(exchange)), "{name}");
        } else {
            let expected = expected["body"].as_str().unwrap();
            assert_eq!(sorted(&answer.body), sorted(expected), "{name}");
        }
    }
}

fn body(exchange: &Value) -> Value {
    serde_json::from_str(exchange["response"]["body"].as_str().unwrap()).unwrap()
}

/// Asks a master, of which the URL is of its operator endpoints.
fn send(url: &str, request: &Value) -> Response {
    let text = |key: &str| request[key].as_str().unwrap();
    let root = url.replace("/master/", "");
    let asked = Request::builder().method(text("method")).uri(format!("{root}{}", text("path")));
    let asked = match request["content_type"].as_str() {
        Some(kind) => asked.header("Content-Type", kind),
        None => asked,
    };
    client::send(None, asked.body(text("body").to_owned()).unwrap()).unwrap()
}

/// An agent as a master listed it.
fn agent(listed: &Value) -> Agent {
    let text = |key: &str| listed[key].as_str().unwrap().to_owned();
    let read = |json: &Value| Resource::read(json).unwrap();
    let deactivated = listed["deactivated"] == true;
    let mut agent = Agent {
        active: deactivated || listed["active"] == true,
        deactivated,
        reserved_resources_full: listed["reserved_resources_full"].as_object().unwrap().clone(),
        ..Agent::new(&text("id"), &text("hostname"))
    };
    let unreserved = listed["unreserved_resources_full"].as_array().unwrap();
    let mut total: Pool = unreserved.iter().map(read).collect();
    for resource in agent.reserved() {
        total.add(resource.without_volume().unreserved());
    }
    agent.total_resources = Some(total.into_iter().map(Resource::into_json).collect());
    agent
}

/// A list of agents, without what need not agree, and as text where the order of keys
/// matters: everywhere but in maps by role or by resource, which Mesos does not order.
fn comparable(mut list: Value) -> Vec<Value> {
    let agents = list["slaves"].take();
    for agent in list["recovered_slaves"].as_array_mut().unwrap() {
        agent["port"] = Value::Null;
    }
    let mut seen = vec![list];
    for agent in agents.as_array().unwrap() {
        let keys: Vec<_> = agent.as_object().unwrap().keys().collect();
        seen.push(json!(keys));
        let mut agent = agent.clone();
        for key in OWN {
            agent[key] = Value::Null;
        }
        // Frameworks get offers and use them as they like.
        let fields = agent.as_object_mut().unwrap().iter_mut();
        for (_, value) in
            fields.filter(|(key, _)| key.starts_with("used_") || key.starts_with("offered_"))
        {
            *value = Value::Null;
        }
        let lines = |list: &Value| -> Value {
            let list = list.as_array().unwrap();
            list.iter().map(|one| json!(one.to_string())).collect()
        };
        let roles = agent["reserved_resources_full"].as_object().unwrap();
        let roles: Map<_, _> =
            roles.iter().map(|(role, list)| (role.clone(), lines(list))).collect();
        agent["reserved_resources_full"] = roles.into();
        agent["unreserved_resources_full"] = lines(&agent["unreserved_resources_full"]);
        seen.push(agent);
    }
    seen
}

/// A text, with the resources of `<available> does not contain <wanted>` sorted: how
/// a master orders them between roles depends on a past that its list does not show.
fn sorted(text: &str) -> Vec<&str> {
    match text.split_once(" does not contain ") {
        None => vec![text],
        Some((available, wanted)) => {
            let prefix = "Invalid UNRESERVE Operation: ";
            let bare = available.strip_prefix(prefix).unwrap_or(available);
            let mut parts: Vec<_> = bare.split("; ").collect();
            parts.sort_unstable();
            parts.extend([&available[..available.len() - bare.len()], wanted]);
            parts
        }
    }
}
