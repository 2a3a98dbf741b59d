//! The Mesos master's operator endpoints.

use serde_json::{Value, json};

use crate::listing;
use crate::message::{Recorded, Reply};
use crate::operation::Operation;
use crate::resource::Resource;
use crate::state::{Pending, State};
use crate::version::Version;

/// The master's answer; every path is there with and without `/master`.
pub(crate) fn answer(state: &mut State, request: &Recorded) -> Reply {
    let version = Version::parse(&state.version);
    let path = request.path_only();
    match path.strip_prefix("/master").unwrap_or(path) {
        "/slaves" => only("GET", request, version, || Reply::json(200, &listing::slaves(state))),
        "/frameworks" => {
            only("GET", request, version, || Reply::json(200, &listing::frameworks(state)))
        }
        "/destroy-volumes" => {
            only("POST", request, version, || operate(Operation::Destroy, state, request))
        }
        "/unreserve" => {
            only("POST", request, version, || operate(Operation::Unreserve, state, request))
        }
        "/api/v1" => only("POST", request, version, || v1(state, request)),
        "/teardown" => only("POST", request, version, || teardown(state, request)),
        _ if version.since(1, 8) => Reply::text(404, "404 Not Found."),
        _ => Reply::empty(404),
    }
}

fn only(
    method: &str,
    request: &Recorded,
    version: Version,
    answer: impl FnOnce() -> Reply,
) -> Reply {
    if request.method == method {
        return answer();
    }
    let received = &request.method;
    let text = format!("Expecting one of {{ '{method}' }}, but received '{received}'");
    let text = match version.since(1, 8) {
        true => format!("405 Method Not Allowed. {text}."),
        false => text,
    };
    Reply::text(405, text).header("Allow", method)
}

/// The v1 API, as far as a cleaner asks it.
fn v1(state: &mut State, request: &Recorded) -> Reply {
    let call: Value = serde_json::from_str(&request.body).unwrap_or_default();
    if call["type"] != "GET_OPERATIONS" || !Version::parse(&state.version).since(1, 6) {
        return Reply::text(400, "Failed to validate master::Call: Expecting 'type' to be present");
    }
    let told: Vec<_> = state
        .pending
        .iter()
        .map(|Pending { agent, kind, .. }| {
            json!({
                "agent_id": {"value": agent},
                "info": {"type": kind},
                "latest_status": {"state": "OPERATION_PENDING"},
            })
        })
        .collect();
    state.pending.iter_mut().for_each(|it| it.looks = it.looks.saturating_sub(1));
    state.pending.retain(|it| it.looks > 0);
    let operations = if told.is_empty() { json!({}) } else { json!({"operations": told}) };
    Reply::json(200, &json!({"type": "GET_OPERATIONS", "get_operations": operations}))
}

fn teardown(state: &mut State, request: &Recorded) -> Reply {
    let Some(id) = request.field("frameworkId") else {
        return Reply::text(400, "Missing 'frameworkId' query parameter in the request body");
    };
    let before = state.frameworks.len();
    state.frameworks.retain(|framework| framework.id != id);
    if state.frameworks.len() == before {
        return Reply::text(400, "No framework found with specified ID");
    }
    Reply::empty(200)
}

fn operate(operation: Operation, state: &mut State, request: &Recorded) -> Reply {
    try_operate(operation, state, request).unwrap_or_else(|refusal| refusal)
}

fn try_operate(
    operation: Operation,
    state: &mut State,
    request: &Recorded,
) -> Result<Reply, Reply> {
    let version = Version::parse(&state.version);
    let field = |name: &str| {
        request.field(name).ok_or_else(|| {
            let text = format!("Missing '{name}' query parameter in the request body");
            Reply::text(400, text)
        })
    };
    let id = field("slaveId")?;
    let list = field(operation.field())?;
    let wanted = read(&list).map_err(|reason| {
        let name = operation.field();
        let text =
            format!("Error in parsing '{name}' query parameter in the request body: {reason}");
        Reply::text(400, text)
    })?;
    if version.since(1, 4) {
        wanted.iter().try_for_each(|one| consistent(one, version))?;
    }
    let agent = state.agents.iter_mut().find(|agent| agent.id == id);
    let agent = agent.ok_or_else(|| {
        let noun = if version.since(1, 0) { "agent" } else { "slave" };
        Reply::text(400, format!("No {noun} found with specified ID"))
    })?;
    operation.apply(version, agent, &wanted)?;
    if let Some(looks) = agent.pending_looks {
        state.pending.push(Pending { agent: id, kind: operation.name().into(), looks });
    }
    Ok(Reply::empty(if version.since(1, 0) { 202 } else { 200 }))
}

/// Reads a list of resources; the error is worded as by Mesos.
fn read(list: &str) -> Result<Vec<Resource>, String> {
    let json: Value = serde_json::from_str(list).map_err(|error| {
        let line = list.lines().nth(error.line().saturating_sub(1));
        let rest: String = line.unwrap_or_default().chars().skip(error.column()).collect();
        format!("syntax error at line {} near: {rest}", error.line())
    })?;
    let Value::Array(list) = json else {
        return Err("Unexpected JSON type parsed".to_owned());
    };
    list.iter().map(Resource::read).collect()
}

fn consistent(resource: &Resource, version: Version) -> Result<(), Reply> {
    let Some(reason) = resource.contradiction() else {
        return Ok(());
    };
    let text = resource.print(version);
    Err(Reply::text(400, format!("Resource '{text}' is invalid: {reason}")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::answer;
    use crate::message::{Recorded, Reply, Server};
    use crate::state::State;

    fn cluster(version: &str, resources: Value) -> State {
        serde_json::from_value(json!({
            "version": version,
            "agents": [{"id": "S0", "hostname": "a", "reserved_resources_full": {"r": resources}}],
        }))
        .unwrap()
    }

    fn post(state: &mut State, path: &str, field: &str, list: &Value) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("slaveId", "S0")
            .append_pair(field, &list.to_string())
            .finish();
        let request = Recorded {
            server: Server::Master,
            method: "POST".to_owned(),
            path: path.to_owned(),
            content_type: None,
            authorization: None,
            body,
        };
        answer(state, &request)
    }

    fn destroy(state: &mut State, list: &Value) -> Reply {
        post(state, "/destroy-volumes", "volumes", list)
    }

    fn unreserve(state: &mut State, list: &Value) -> Reply {
        post(state, "/master/unreserve", "resources", list)
    }

    fn old(name: &str, value: f64) -> Value {
        json!({"name": name, "type": "SCALAR", "scalar": {"value": value}, "role": "r",
            "reservation": {"principal": "p"}})
    }

    fn volume(value: f64, id: &str) -> Value {
        let mut volume = old("disk", value);
        volume["disk"] =
            json!({"persistence": {"id": id}, "volume": {"mode": "RW", "container_path": "d"}});
        volume
    }

    fn reserved(state: &State) -> Value {
        state.agents[0].reserved_resources_full.clone().into()
    }

    #[test]
    fn before_1_0_success_is_200() {
        let mut state =
            cluster("0.28.1", json!([old("cpus", 1.0), volume(8.0, "v"), old("disk", 2.0)]));
        assert_eq!(destroy(&mut state, &json!([volume(8.0, "v")])), Reply::empty(200));
        assert_eq!(reserved(&state), json!({"r": [old("cpus", 1.0), old("disk", 10.0)]}));
        let all = reserved(&state)["r"].clone();
        assert_eq!(unreserve(&mut state, &all), Reply::empty(200));
        assert_eq!(reserved(&state), json!({}));
    }

    #[test]
    fn an_unknown_agent_was_a_slave_before_1_0() {
        for (version, noun) in [("0.28.1", "slave"), ("1.0.0", "agent")] {
            let mut state = cluster(version, json!([]));
            state.agents.clear();
            let text = format!("No {noun} found with specified ID");
            assert_eq!(unreserve(&mut state, &json!([])), Reply::text(400, text));
        }
    }

    #[test]
    fn the_empty_list_is_refused_from_1_5_on() {
        for (version, status) in [("0.28.1", 200), ("1.4.3", 202), ("1.5.0", 400), ("1.11.0", 400)]
        {
            let mut state = cluster(version, json!([]));
            assert_eq!(destroy(&mut state, &json!([])).status, status, "{version}");
            assert_eq!(unreserve(&mut state, &json!([])).status, status, "{version}");
        }
    }

    #[test]
    fn a_list_is_done_as_a_whole_or_not_at_all() {
        let list = json!([volume(8.0, "v"), old("cpus", 1.0)]);
        let mut state = cluster("1.11.0", list.clone());
        let gone = json!([volume(8.0, "v"), volume(8.0, "gone")]);
        assert_eq!(destroy(&mut state, &gone).status, 400);
        let too_much = json!([old("cpus", 0.5), old("cpus", 0.75)]);
        assert_eq!(unreserve(&mut state, &too_much).status, 409);
        assert_eq!(reserved(&state), json!({"r": list}));
    }

    #[test]
    fn resource_providers_do_not_mix() {
        let mut provided = old("disk", 1.0);
        provided["provider_id"] = json!({"value": "x"});
        let list = json!([old("cpus", 1.0), provided]);
        let mut state = cluster("1.11.0", list.clone());
        assert_eq!(unreserve(&mut state, &list).status, 400);
        assert_eq!(unreserve(&mut state, &json!([list[1]])).status, 202);
        assert_eq!(reserved(&state), json!({"r": [list[0]]}));
    }

    #[test]
    fn a_part_of_a_quantity_is_enough() {
        let mut state = cluster("1.11.0", json!([old("cpus", 1.0)]));
        assert_eq!(unreserve(&mut state, &json!([old("cpus", 0.7)])).status, 202);
        assert_eq!(reserved(&state), json!({"r": [old("cpus", 0.3)]}));
    }

    #[test]
    fn a_refined_reservation_goes_back_to_its_parent() {
        let refined = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}, "reservations": [
            {"type": "DYNAMIC", "role": "r", "principal": "p"},
            {"type": "DYNAMIC", "role": "r/s", "principal": "q"}]});
        let mut state = cluster("1.11.0", json!([]));
        state.agents[0].reserved_resources_full =
            serde_json::from_value(json!({"r/s": [refined]})).unwrap();
        assert_eq!(unreserve(&mut state, &json!([refined])).status, 202);
        let text = r#"{"r":[{"name":"cpus","type":"SCALAR","scalar":{"value":1.0},"role":"r","reservation":{"principal":"p"},"reservations":[{"type":"DYNAMIC","role":"r","principal":"p"}]}]}"#;
        assert_eq!(reserved(&state).to_string(), text);
    }
}
