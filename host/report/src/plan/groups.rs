//! Groups the agents of a plan that hold equal resources.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use janitor_contract::describe::{agent_words, count};
use janitor_contract::types::{AgentPlan, CleanupPlan, Planned};

use super::planned;
use crate::extent::is_away;

/// Agents that hold equal resources.
pub struct Group<'a> {
    /// The agents.
    pub agents: Vec<&'a AgentPlan>,
    /// The resources of each of them. Of several agents, they lack the names that differ between
    /// agents by their nature.
    pub entries: Vec<Cow<'a, Planned>>,
}

/// The label with which the DC/OS SDK gives each reservation a name of its own.
const NAME_OF_RESERVATION: &str = "resource_id";

/// The most agents that the heading of a group names.
const NAMED: usize = 3;

/// Puts each agent into a group of its own.
pub fn each(agents: &[AgentPlan]) -> Vec<Group<'_>> {
    agents.iter().map(alone).collect()
}

fn alone(agent: &AgentPlan) -> Group<'_> {
    Group { agents: vec![agent], entries: agent.entries.iter().map(Cow::Borrowed).collect() }
}

/// Groups the agents with equal resources, in the order in which each group begins.
pub fn equal(plan: &CleanupPlan) -> Vec<Group<'_>> {
    let mut groups = Vec::<Group>::new();
    let mut known = HashMap::new();
    for agent in &plan.agents {
        let entries: Vec<_> = agent.entries.iter().map(without_names).collect();
        let words: Vec<_> = entries
            .iter()
            .flat_map(|it| planned(it, None))
            .map(|line| line.head + &line.rest)
            .collect();
        let reach = [&plan.unreached, &plan.ignored].map(|these| is_away(these, &agent.agent));
        match known.get(&(words.join("\n"), reach)) {
            Some(&index) => {
                let group: Option<&mut Group> = groups.get_mut(index);
                if let Some(group) = group {
                    group.agents.push(agent);
                    group.entries = entries.into_iter().map(Cow::Owned).collect();
                }
            }
            None => {
                known.insert((words.join("\n"), reach), groups.len());
                groups.push(alone(agent));
            }
        }
    }
    groups
}

/// Removes the names that differ between agents by their nature: those of volumes and of
/// reservations.
fn without_names(planned: &Planned) -> Planned {
    let mut planned = planned.clone();
    if let Some(volume) = &mut planned.entry.volume {
        volume.id.clear();
    }
    for label in &mut planned.entry.labels {
        if label.key == NAME_OF_RESERVATION {
            label.value = None;
        }
    }
    planned
}

/// The heading of a group's resources.
pub fn heading(agents: &[&AgentPlan]) -> String {
    if let [AgentPlan { agent, hostname, .. }] = agents {
        return format!("  Slave {}", agent_words(agent, hostname));
    }
    let hosts: HashSet<_> = agents.iter().map(|it| &it.hostname).collect();
    // Several agents of one host differ by their IDs alone.
    let are_distinct = hosts.len() == agents.len();
    let name = |it: &&AgentPlan| match it.hostname.is_empty() || !are_distinct {
        true => it.agent.clone(),
        false => it.hostname.clone(),
    };
    let named: Vec<_> = agents.iter().take(NAMED).map(name).collect();
    let rest = match agents.len() - named.len() {
        0 => String::new(),
        rest => format!(" and {}; -v lists them", count(rest, "other")),
    };
    format!("  {}, each ({}{rest}):", count(agents.len(), "agent"), named.join(", "))
}
