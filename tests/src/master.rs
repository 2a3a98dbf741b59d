//! The Mesos master's operator endpoints.

use serde_json::{Value, json};

use crate::message::{Recorded, Reply, Server};
use crate::operation::Operation;
use crate::resource::Resource;
use crate::state::{Pending, Refusal, State};
use crate::version::Version;
use crate::{gateway, listing, pages, registry, v1};

/// Returns the master's response. The operator endpoints exist with and without `/master`.
pub(crate) fn answer(state: &mut State, request: &Recorded) -> Reply {
    let version = Version::parse(&state.version);
    let get =
        |page: &dyn Fn() -> Value| only("GET", request, version, || Reply::json(200, &page()));
    let path = request.path_only();
    match path {
        "/version" => return get(&|| pages::version(state)),
        "/metrics/snapshot" => return get(&|| pages::metrics(state)),
        "/registrar(1)/registry" => return get(&|| registry::registry(state)),
        _ => {}
    }
    match path.strip_prefix("/master").unwrap_or(path) {
        "/flags" => get(&|| pages::flags(version)),
        "/frameworks" => get(&|| listing::frameworks(state)),
        "/roles" => get(&|| pages::roles(state)),
        "/state" => get(&|| pages::state(state)),
        "/maintenance/status" => get(&|| pages::maintenance(state)),
        "/slaves" => only("GET", request, version, || {
            Reply::json(200, &listing::slaves(state, request.parameter("slave_id").as_deref()))
        }),
        "/destroy-volumes" => {
            only("POST", request, version, || operate(Operation::Destroy, state, request))
        }
        "/unreserve" => {
            only("POST", request, version, || operate(Operation::Unreserve, state, request))
        }
        "/api/v1" if version.since(1, 0) => {
            only("POST", request, version, || v1::answer(state, request))
        }
        "/teardown" => only("POST", request, version, || teardown(state, request)),
        _ => not_found(version),
    }
}

/// Returns the response of a non-leading master: it redirects its clients to the leader, except for
/// the pages outside `/master`, which describe itself.
pub(crate) fn standby(state: &State, request: &Recorded) -> Reply {
    let version = Version::parse(&state.version);
    let page = match request.path_only() {
        "/version" => pages::version(state),
        "/metrics/snapshot" => pages::standby_metrics(state),
        "/registrar(1)/registry" => json!({}),
        path => {
            let operator = path.starts_with("/master/");
            let path = &request.path;
            let location = format!("//{}{path}", gateway::authority(Server::Master));
            return match operator {
                true => Reply::empty(307).header("Location", &location),
                false => not_found(version),
            };
        }
    };
    only("GET", request, version, || Reply::json(200, &page))
}

fn not_found(version: Version) -> Reply {
    match version.since(1, 8) {
        true => Reply::text(404, "404 Not Found."),
        false => Reply::empty(404),
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
    let listed = state.listed().any(|agent| agent.id == id);
    let agent = state.agents.iter_mut().find(|agent| listed && agent.id == id);
    let agent = agent.ok_or_else(|| {
        let noun = if version.since(1, 0) { "agent" } else { "slave" };
        Reply::text(400, format!("No {noun} found with specified ID"))
    })?;
    if let Some(Refusal { status, body }) = &agent.refuses {
        return Err(Reply::text(*status, body));
    }
    operation.apply(version, agent, &wanted)?;
    let looks = if agent.connected() { agent.pending_looks } else { None };
    if version.since(1, 6) && (looks.is_some() || !agent.connected()) {
        let resources = wanted.iter().map(Resource::refined).collect();
        state.pending.push(Pending { agent: id, kind: operation.name().into(), resources, looks });
    }
    Ok(Reply::empty(if version.since(1, 0) { 202 } else { 200 }))
}

/// Reads a list of resources; errors have Mesos's wording.
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

    fn operations(state: &mut State) -> Value {
        let request = Recorded {
            server: Server::Master,
            method: "POST".to_owned(),
            path: "/master/api/v1".to_owned(),
            content_type: None,
            authorization: None,
            body: r#"{"type":"GET_OPERATIONS"}"#.to_owned(),
        };
        let body: Value = serde_json::from_str(&answer(state, &request).body).unwrap();
        body["get_operations"]["operations"].clone()
    }

    #[test]
    fn a_drained_agent_carries_out_operations_unless_it_is_dead() {
        for (dead, pending) in [(false, false), (true, true)] {
            let mut state = cluster("1.11.0", json!([old("cpus", 1.0)]));
            state.agents[0].deactivated = true;
            state.agents[0].dead = dead;
            assert_eq!(unreserve(&mut state, &json!([old("cpus", 1.0)])).status, 202);
            assert_eq!(reserved(&state), json!({}));
            for _ in 0..3 {
                assert_eq!(operations(&mut state).is_array(), pending, "dead: {dead}");
            }
        }
    }

    #[test]
    fn a_pending_operation_names_its_resources_and_ends() {
        let mut state = cluster("1.11.0", json!([volume(8.0, "v")]));
        state.agents[0].pending_looks = Some(1);
        assert_eq!(destroy(&mut state, &json!([volume(8.0, "v")])).status, 202);
        let shown = operations(&mut state);
        let resource = &shown[0]["info"]["destroy"]["volumes"][0];
        assert_eq!(shown[0]["agent_id"]["value"], "S0");
        let reservation = json!([{"type": "DYNAMIC", "role": "r", "principal": "p"}]);
        assert_eq!(resource["reservations"], reservation);
        assert_eq!(resource["disk"]["persistence"]["id"], "v");
        assert_eq!((resource.get("role"), resource.get("reservation")), (None, None));
        assert_eq!(operations(&mut state), Value::Null);
    }

    #[test]
    fn pending_operations_of_a_hidden_role_or_a_lost_agent_are_not_shown() {
        let resource = json!({"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0},
            "reservations": [{"type": "DYNAMIC", "role": "s"}]});
        let pending = json!([{"agent": "S0", "kind": "UNRESERVE", "resources": [resource]}]);
        let mut state = cluster("1.11.0", json!([]));
        state.pending = serde_json::from_value(pending).unwrap();
        assert!(operations(&mut state).is_array());
        state.hidden_roles = vec!["s".to_owned()];
        assert_eq!(operations(&mut state), Value::Null);
        state.hidden_roles.clear();
        state.agents[0].unreachable = Some(0);
        assert_eq!(operations(&mut state), Value::Null);
    }

    #[test]
    fn nothing_can_be_asked_of_an_agent_that_is_not_listed_or_refuses() {
        let list = json!([old("cpus", 1.0)]);
        let mut state = cluster("1.11.0", list.clone());
        state.agents[0].unreachable = Some(0);
        let text = "No agent found with specified ID";
        assert_eq!(unreserve(&mut state, &list), Reply::text(400, text));
        state.agents[0].unreachable = None;
        state.agents[0].refuses =
            serde_json::from_value(json!({"status": 409, "body": "no"})).unwrap();
        assert_eq!(unreserve(&mut state, &list), Reply::text(409, "no"));
        assert_eq!(reserved(&state), json!({ "r": list }));
    }
}
