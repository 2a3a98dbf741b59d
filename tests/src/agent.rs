//! Derives facts from the state of an agent: whether it is listed and connected, and which
//! resources it has. The reserved resources are part of the state, and the rest is computed.

use serde_json::{Map, Value, json};

use crate::pool::Pool;
use crate::resource::Resource;
use crate::state::{Agent, Framework, State};

impl State {
    /// Returns the agents that the master lists.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| {
            let mut down = self.down_machines.iter();
            agent.unreachable.is_none() && !down.any(|it| it.hostname == agent.hostname)
        })
    }

    /// Returns whether the requesting principal may view a role.
    pub(crate) fn may_view(&self, role: &str) -> bool {
        self.hidden_roles.iter().all(|hidden| hidden != role)
    }
}

impl Framework {
    /// Returns whether the framework is connected to the master.
    pub(crate) fn connected(&self) -> bool {
        self.active && !self.recovered
    }
}

impl Agent {
    /// Returns whether the agent is connected to the master.
    pub(crate) fn connected(&self) -> bool {
        self.active && !self.dead
    }

    /// Returns whether another agent differs at most by its id and its host name.
    pub(crate) fn is_like(&self, other: &Agent) -> bool {
        let (id, hostname) = (other.id.clone(), other.hostname.clone());
        Agent { id, hostname, ..self.clone() } == *other
    }

    /// Returns all reserved resources, role by role.
    pub(crate) fn reserved(&self) -> impl Iterator<Item = Resource> {
        let lists = self.reserved_resources_full.values();
        lists.flat_map(|list| read(list.as_array().map_or(&[], Vec::as_slice)))
    }

    /// Computes the rest of the agent's total. It is not part of the state, so a state contains
    /// only the reserved resources.
    pub(crate) fn unreserved(&self) -> Pool {
        let mut rest: Pool = match &self.total_resources {
            Some(total) => read(total).into_iter().collect(),
            None => read(&large_machine()).into_iter().collect(),
        };
        for resource in self.reserved() {
            let mut bare = resource.without_volume().unreserved();
            if !rest.contains(&bare) && !bare.is_whole() {
                // The reservations exceed the total, so nothing of it is left.
                let identity = bare.identity();
                match rest.iter().find(|one| one.identity() == identity) {
                    Some(last) => bare.set_amount(&last.amount()),
                    None => continue,
                }
            }
            rest.subtract(&bare);
        }
        rest
    }

    /// Returns all resources in one list. On a real master, the order of the roles depends on the
    /// past; this list starts with the resources that existed from the start.
    pub(crate) fn pool(&self) -> Pool {
        let (fixed, dynamic): (Vec<_>, Vec<_>) = self.reserved().partition(Resource::is_static);
        self.unreserved().into_iter().chain(fixed).chain(dynamic).collect()
    }

    /// Replaces the reserved resources by those in `pool`. Roles keep their places, new ones are
    /// appended, and those without resources are removed.
    pub(crate) fn set_reserved(&mut self, pool: Pool) {
        let mut roles: Map<String, Value> = Map::new();
        for role in self.reserved_resources_full.keys() {
            roles.insert(role.clone(), json!([]));
        }
        for resource in pool {
            let role = resource.role();
            if role != "*" {
                let list = roles.entry(role).or_insert_with(|| json!([]));
                if let Value::Array(list) = list {
                    list.push(resource.into_json());
                }
            }
        }
        roles.retain(|_, list| list != &json!([]));
        self.reserved_resources_full = roles;
    }
}

fn read(list: &[Value]) -> Vec<Resource> {
    let read = |json| Resource::read(json).expect("a resource has a name and a type");
    list.iter().map(read).collect()
}

fn large_machine() -> [Value; 4] {
    let scalar = |name: &str, value: f64| {
        let value = json!({ "value": value });
        json!({"name": name, "type": "SCALAR", "scalar": value, "role": "*"})
    };
    let ports = json!({"range": [{"begin": 1025, "end": 65535}]});
    [
        scalar("cpus", 16.0),
        scalar("mem", 65536.0),
        scalar("disk", 1_048_576.0),
        json!({"name": "ports", "type": "RANGES", "ranges": ports, "role": "*"}),
    ]
}
