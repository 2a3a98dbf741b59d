//! The part of the v1 API that a cleaner uses.

use serde_json::{Value, json};

use crate::message::{Recorded, Reply};
use crate::pages;
use crate::resource::Resource;
use crate::state::{Pending, State};
use crate::times::Times;
use crate::version::Version;

/// Returns the response to a call.
pub(crate) fn answer(state: &mut State, request: &Recorded) -> Reply {
    let version = Version::parse(&state.version);
    let call: Value = serde_json::from_str(&request.body).unwrap_or_default();
    match call["type"].as_str() {
        Some("GET_MASTER") => Reply::json(200, &master(state, version)),
        Some("GET_OPERATIONS") if version.since(1, 6) => Reply::json(200, &operations(state)),
        Some(other) if !version.since(1, 5) => {
            let reason = format!("Failed to find enum for '{other}'");
            Reply::text(400, format!("Failed to convert JSON into Call protobuf: {reason}"))
        }
        _ => Reply::text(400, "Failed to validate master::Call: Expecting 'type' to be present"),
    }
}

fn master(state: &State, version: Version) -> Value {
    let times = Times::of(state);
    let mut master = json!({"master_info": pages::master_info(state)});
    if !version.since(1, 5) {
        return json!({"get_master": master, "type": "GET_MASTER"});
    }
    master["start_time"] = json!(times.start);
    master["elected_time"] = json!(times.elected);
    json!({"type": "GET_MASTER", "get_master": master})
}

/// Returns the pending operations of listed agents, except those of hidden roles, and counts each
/// as shown once.
fn operations(state: &mut State) -> Value {
    let is_shown = |state: &State, pending: &Pending| {
        let roles = pending.resources.iter().filter_map(|it| Resource::read(it).ok());
        state.listed().any(|agent| agent.id == pending.agent)
            && roles.map(|it| it.role()).all(|role| state.may_view(&role))
    };
    let shown: Vec<_> = state.pending.iter().map(|pending| is_shown(state, pending)).collect();
    let mut operations = Vec::new();
    for (pending, shown) in state.pending.iter_mut().zip(shown) {
        if shown {
            operations.push(operation(pending));
            pending.looks = pending.looks.map(|looks| looks.saturating_sub(1));
        }
    }
    state.pending.retain(|pending| pending.looks != Some(0));
    let operations = match operations.as_slice() {
        [] => json!({}),
        operations => json!({ "operations": operations }),
    };
    json!({"type": "GET_OPERATIONS", "get_operations": operations})
}

fn operation(pending: &Pending) -> Value {
    let Pending { agent, kind, resources, .. } = pending;
    let mut info = json!({ "type": kind });
    if !resources.is_empty() {
        let list =
            if matches!(kind.as_str(), "DESTROY" | "CREATE") { "volumes" } else { "resources" };
        info[kind.to_lowercase()] = json!({ list: resources });
    }
    json!({
        "agent_id": {"value": agent},
        "info": info,
        "latest_status": {"state": "OPERATION_PENDING", "agent_id": {"value": agent}},
        "uuid": {"value": "qCz4rldQT9K3QiOchknU6w=="},
    })
}
