//! The registry: the agents and machines that a master's successor inherits.

use serde_json::{Value, json};

use crate::pages;
use crate::state::{Agent, Machine, State};
use crate::times::Times;
use crate::version::Version;

/// Returns the body of `/registrar(1)/registry`.
pub(crate) fn registry(state: &State) -> Value {
    let mut body = json!({});
    let down = state.down_machines.iter().map(|machine| (machine, "DOWN"));
    let draining = state.draining_machines.iter().map(|machine| (machine, "DRAINING"));
    let now = Times::of(state).now;
    let machines = down.chain(draining).map(|(it, mode)| entry_of_machine(it, mode, now)).collect();
    put(&mut body, "machines", "machines", machines);
    body["master"] = json!({"info": pages::master_info(state)});
    let recovered = state.recovered_agents.iter().map(|it| Agent::new(&it.id, &it.hostname));
    let admitted = state.listed().cloned().chain(recovered);
    put(
        &mut body,
        "slaves",
        "slaves",
        admitted.map(|agent| admitted_entry(&agent, state)).collect(),
    );
    let unreachable = state.agents.iter().filter_map(|agent| unreachable_entry(agent, state));
    put(&mut body, "unreachable", "slaves", unreachable.collect());
    body
}

/// Inserts a list within an object, unless the list is empty.
fn put(body: &mut Value, key: &str, inner: &str, list: Vec<Value>) {
    if !list.is_empty() {
        body[key] = json!({ inner: list });
    }
}

fn entry_of_machine(machine: &Machine, mode: &str, since: u64) -> Value {
    let start = json!({"start": time(since)});
    json!({"info": {"id": machine, "mode": mode, "unavailability": start}})
}

fn admitted_entry(agent: &Agent, state: &State) -> Value {
    let mut entry = with_deactivated(agent, state);
    if agent.deactivated {
        entry["drain_info"] = json!({"config": {"mark_gone": false}, "state": "DRAINED"});
    }
    entry["info"] = json!({
        "checkpoint": true,
        "hostname": agent.hostname,
        "id": {"value": agent.id},
        "port": 5051,
        "resources": [],
    });
    entry
}

fn unreachable_entry(agent: &Agent, state: &State) -> Option<Value> {
    let since = agent.unreachable?;
    let mut entry = with_deactivated(agent, state);
    entry["id"] = json!({"value": agent.id});
    entry["timestamp"] = time(since);
    Some(entry)
}

/// Returns the beginning of an agent's entry. Agents cannot be drained before 1.9.
fn with_deactivated(agent: &Agent, state: &State) -> Value {
    match Version::parse(&state.version).since(1, 9) {
        true => json!({"deactivated": agent.deactivated}),
        false => json!({}),
    }
}

fn time(seconds: u64) -> Value {
    json!({"nanoseconds": seconds.saturating_mul(1_000_000_000)})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::registry;
    use crate::state::State;

    #[test]
    fn what_is_not_listed_is_elsewhere() {
        let agent = |id: &str| json!({"id": id, "hostname": id, "reserved_resources_full": {}});
        let mut away = agent("S1");
        away["unreachable"] = json!(1_465_257_000);
        let state: State = serde_json::from_value(json!({
            "version": "1.11.0",
            "agents": [agent("S0"), away, agent("S2")],
            "down_machines": [{"hostname": "S2", "ip": "10.0.0.2"}],
        }))
        .unwrap();
        let registry = registry(&state);
        assert_eq!(registry["slaves"]["slaves"].as_array().unwrap().len(), 1);
        let unreachable = &registry["unreachable"]["slaves"][0];
        assert_eq!(unreachable["id"]["value"], "S1");
        assert_eq!(unreachable["timestamp"]["nanoseconds"], 1_465_257_000_000_000_000_u64);
        assert_eq!(registry["machines"]["machines"][0]["info"]["mode"], "DOWN");
    }
}
