//! The truth about a cluster: what each agent holds, as the agent itself says and the master lists.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::cluster::{Cluster, get};

/// The time after which an agent that has not come back never will.
const PATIENCE: Duration = Duration::from_secs(180);

/// A reserved resource on an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The number of the agent, which stays the same when the agent loses its state.
    pub agent: usize,
    /// The role.
    pub role: String,
    /// The principal, or nothing.
    pub principal: String,
    /// The value of the first label, or nothing.
    pub label: String,
    /// The amount and the volume.
    pub what: String,
}

/// The truth at one moment.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Truth {
    /// Everything that is reserved.
    pub held: BTreeSet<Held>,
    /// The ids of the agents, by their numbers.
    pub ids: Vec<String>,
}

/// Waits until all agents are registered, and the master and the agents have agreed for a while.
pub fn settle(cluster: &mut Cluster) -> Result<Truth> {
    for _ in 0..2 {
        let start = Instant::now();
        let (mut last, mut agreed) = (None, 0);
        while start.elapsed() < PATIENCE {
            // Errors are expected: a master that has just started does not answer.
            let now = look(&cluster.url(), &cluster.ports()).ok().flatten();
            agreed = if now.is_some() && now == last { agreed + 1 } else { 0 };
            match now {
                Some(truth) if agreed == 4 => return Ok(truth),
                _ => last = now,
            }
            sleep(Duration::from_millis(500));
        }
        cluster.restart_agents()?;
    }
    Err("the agents do not come back".into())
}

/// Returns the truth, if all agents are registered, and agree with the master.
fn look(url: &str, ports: &[u16]) -> Result<Option<Truth>> {
    let list = get(&format!("{url}slaves"))?;
    let mut truth = Truth::default();
    for (agent, port) in ports.iter().enumerate() {
        let mut active = array(&list["slaves"]).iter().filter(|entry| {
            let process = entry["pid"].as_str().unwrap_or_default();
            entry["active"] == true && process.ends_with(&format!(":{port}"))
        });
        let (Some(entry), None) = (active.next(), active.next()) else { return Ok(None) };
        let (Some(id), Some((process, address))) =
            (entry["id"].as_str(), entry["pid"].as_str().and_then(|pid| pid.split_once('@')))
        else {
            return Ok(None);
        };
        let own = get(&format!("http://{address}/{process}/state"))?;
        let held = held(agent, &entry["reserved_resources_full"]);
        if own["id"] != *id || held != self::held(agent, &own["reserved_resources_full"]) {
            return Ok(None);
        }
        truth.held.extend(held);
        truth.ids.push(id.into());
    }
    Ok(Some(truth))
}

/// Returns everything that a master lists as reserved at this moment; the agents have no numbers.
pub fn listed(url: &str) -> Result<BTreeSet<Held>> {
    let list = get(&format!("{url}slaves"))?;
    let agents = array(&list["slaves"]).iter();
    Ok(agents.flat_map(|agent| held(usize::MAX, &agent["reserved_resources_full"])).collect())
}

/// Reads a map from roles to their resources.
pub fn held(agent: usize, roles: &Value) -> BTreeSet<Held> {
    let lists = roles.as_object().into_iter().flat_map(|roles| roles.values());
    lists
        .flat_map(array)
        .map(|resource| {
            let reservation = array(&resource["reservations"]).last().unwrap_or(&Value::Null);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            Held {
                agent,
                role: text(&reservation["role"]),
                principal: text(&reservation["principal"]),
                label: text(&reservation["labels"]["labels"][0]["value"]),
                what: format!(
                    "{} {} {}",
                    text(&resource["name"]),
                    resource["scalar"]["value"],
                    text(&resource["disk"]["persistence"]["id"])
                ),
            }
        })
        .collect()
}

/// Returns the elements of an array, and none of anything else.
pub fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Display for Held {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { agent, role, principal, label, what } = self;
        write!(f, "agent {agent}: {role} of {principal:?} {label:?}: {what}")
    }
}
