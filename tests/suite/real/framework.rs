//! A framework on the scheduler's HTTP API, and a task of its own.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Body, BodyReader};

use super::master::{Master, json_at, until};

/// A framework that stays registered while this lives, and for an hour afterwards.
pub struct Framework {
    url: String,
    id: Value,
    stream: String,
    events: Events,
}

/// A task that runs while this lives.
pub struct Task {
    _events: Events,
}

impl Framework {
    /// Registers a framework that holds the resources it is offered, and does nothing.
    pub fn register(master: &Master, name: &str, role: &str) -> Self {
        Self::register_with(master, name, &[role])
    }

    /// Registers a framework with several roles, which otherwise does the same.
    pub fn register_with(master: &Master, name: &str, roles: &[&str]) -> Self {
        let url = format!("{}api/v1/scheduler", master.url());
        let info = json!({
            "user": "root", "name": name, "roles": roles, "failover_timeout": 3600.0,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}],
        });
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
        let response = post(&url, None, &call);
        assert_eq!(response.status(), 200);
        let stream = response.headers()["Mesos-Stream-Id"].to_str().unwrap().to_owned();
        let mut events = Events::of(response);
        let id = events.wait_for("SUBSCRIBED")["framework_id"].clone();
        Self { url, id, stream, events }
    }

    /// Returns the framework's id.
    pub fn id(&self) -> &str {
        self.id["value"].as_str().unwrap()
    }

    /// Runs a task that uses all resources of the framework's role on an agent.
    ///
    /// The process that the agent starts for it only waits until the agent's folder
    /// is deleted. The test itself sends the executor's calls, so that no executor has to
    /// be installed.
    pub fn run_task(&mut self, agent: &str, agent_url: &str) -> Task {
        let offer = loop {
            let offers = self.events.wait_for("OFFERS")["offers"].take();
            let mut offers = offers.as_array().unwrap().iter();
            if let Some(offer) = offers.find(|offer| offer["agent_id"]["value"] == agent) {
                break offer.clone();
            }
        };
        let resources = offer["resources"].as_array().unwrap().iter();
        let reserved: Vec<_> =
            resources.filter(|resource| resource["reservations"][0].is_object()).collect();
        let command = "while [ -d $MESOS_SANDBOX ]; do sleep 1; done";
        let names = json!({"framework_id": self.id, "executor_id": {"value": "executor"}});
        let executor = json!({
            "type": "CUSTOM", "command": {"value": command},
            "framework_id": names["framework_id"], "executor_id": names["executor_id"],
        });
        let task_id = json!({"value": "task"});
        let task = json!({
            "name": "task", "task_id": task_id, "agent_id": offer["agent_id"],
            "resources": reserved, "executor": executor,
        });
        let launch = json!({"type": "LAUNCH", "launch": {"task_infos": [task]}});
        self.call("ACCEPT", &json!({"offer_ids": [offer["id"]], "operations": [launch]}));

        // Before that, the agent would accept the executor's call, and forget it.
        until("the agent does not start the executor", || {
            let containers = json_at(&format!("{agent_url}containers"));
            containers[0]["status"]["executor_pid"].is_u64()
        });
        let url = format!("{agent_url}api/v1/executor");
        let nothing = json!({"unacknowledged_tasks": [], "unacknowledged_updates": []});
        let response = post(&url, None, &executor_call(&names, "SUBSCRIBE", &nothing));
        assert_eq!(response.status(), 200);
        let mut events = Events::of(response);
        events.wait_for("LAUNCH");
        let status = json!({
            "task_id": task_id, "state": "TASK_RUNNING", "source": "SOURCE_EXECUTOR",
            "uuid": "ABEiM0RVRneImaq7zN3u/w==", "executor_id": names["executor_id"],
        });
        let update = executor_call(&names, "UPDATE", &json!({ "status": status }));
        accepted(post(&url, None, &update));
        let status = self.events.wait_for("UPDATE")["status"].take();
        assert_eq!(status["state"], "TASK_RUNNING", "{status}");
        let received = json!({
            "agent_id": status["agent_id"], "task_id": task_id, "uuid": status["uuid"],
        });
        self.call("ACKNOWLEDGE", &received);
        Task { _events: events }
    }

    fn call(&self, kind: &str, arguments: &Value) {
        let mut call = json!({"type": kind, "framework_id": self.id});
        call[kind.to_lowercase()] = arguments.clone();
        accepted(post(&self.url, Some(&self.stream), &call));
    }
}

fn executor_call(names: &Value, kind: &str, arguments: &Value) -> Value {
    let mut call = names.clone();
    call["type"] = kind.into();
    call[kind.to_lowercase()] = arguments.clone();
    call
}

/// Sends a call, which fails after two minutes without an answer.
fn post(url: &str, stream: Option<&str>, call: &Value) -> Response<Body> {
    let config = ureq::config::Config::builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(120)))
        .build();
    let mut request = config
        .new_agent()
        .post(url)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json");
    if let Some(stream) = stream {
        request = request.header("Mesos-Stream-Id", stream);
    }
    request.send(call.to_string()).unwrap()
}

fn accepted(mut response: Response<Body>) {
    let body = response.body_mut().read_to_string().unwrap();
    assert_eq!(response.status(), 202, "{body}");
}

/// A stream of events in the RecordIO format: each follows its length.
struct Events {
    records: BufReader<BodyReader<'static>>,
}

impl Events {
    fn of(response: Response<Body>) -> Self {
        Self { records: BufReader::new(response.into_body().into_reader()) }
    }

    /// Waits for the next event of a kind, and returns it.
    fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let mut length = String::new();
            let read = self.records.read_line(&mut length);
            read.unwrap_or_else(|error| panic!("{kind} does not come: {error}"));
            let mut record = vec![0; length.trim().parse().unwrap()];
            self.records.read_exact(&mut record).unwrap();
            let mut event: Value = serde_json::from_slice(&record).unwrap();
            if event["type"] == kind {
                return event[kind.to_lowercase()].take();
            }
        }
    }
}
