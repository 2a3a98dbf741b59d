//! `/slaves`: the agents as the master lists them, key for key.

use serde_json::{Map, Value, json};

use crate::amount::Amount;
use crate::resource::Resource;
use crate::state::{Agent, State};
use crate::version::Version;

/// The body of `/slaves`.
pub(crate) fn slaves(state: &State) -> Value {
    let version = Version::parse(&state.version);
    let slaves: Vec<_> = state.agents.iter().map(|agent| entry(agent, state)).collect();
    let mut body = json!({"slaves": slaves});
    if version.since(1, 4) {
        let recovered = state.recovered_agents.iter().map(|agent| {
            json!({"id": agent.id, "hostname": agent.hostname, "port": 5051, "attributes": {}})
        });
        body["recovered_slaves"] = recovered.collect();
    }
    body
}

/// The body of `/frameworks`, as far as a cleanup looks at it.
pub(crate) fn frameworks(state: &State) -> Value {
    let multi_role = Version::parse(&state.version).since(1, 2);
    let registered = state.frameworks.iter().map(|framework| {
        let mut entry = json!({
            "id": framework.id,
            "name": framework.name,
            "active": framework.active,
            "connected": framework.active,
        });
        match framework.roles.as_slice() {
            [role] if !multi_role => entry["role"] = json!(role),
            roles => entry["roles"] = json!(roles),
        }
        entry
    });
    let registered: Value = registered.collect();
    json!({"frameworks": registered, "completed_frameworks": [], "unregistered_frameworks": []})
}

fn entry(agent: &Agent, state: &State) -> Value {
    let master = state.version.as_str();
    let version = Version::parse(master);
    // Hidden roles are left out of the lists, but count in the totals.
    let visible = |role: &str| !state.hidden_roles.iter().any(|hidden| hidden == role);
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
        "registered_time": 1_465_257_600.0,
        "resources": sums(unreserved.iter().chain(&reserved), version),
        "used_resources": sums_of(&[]),
        "offered_resources": sums_of(&[]),
        "reserved_resources": reserved_sums,
        "unreserved_resources": sums_of(&unreserved),
        "active": agent.active,
    });
    if version.since(1, 9) {
        entry["deactivated"] = json!(false);
    }
    entry["version"] = json!(agent.version.as_deref().unwrap_or(master));
    if version.since(1, 4) {
        entry["capabilities"] = capabilities(version);
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

/// Amounts by name; the usual ones are always there.
fn sums<'a>(resources: impl Iterator<Item = &'a Resource>, version: Version) -> Value {
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
        ("RESOURCE_PROVIDER", 5),
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

    use super::slaves;
    use crate::state::State;

    fn list(version: &str) -> Value {
        let state: State = serde_json::from_value(json!({
            "version": version,
            "agents": [{"id": "S0", "hostname": "a", "reserved_resources_full": {"r": [
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 4.5}, "role": "r", "reservation": {}},
                {"name": "mem", "type": "SCALAR", "scalar": {"value": 1e9}, "role": "r", "reservation": {}},
            ]}}],
        }))
        .unwrap();
        slaves(&state)
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
}
