//! The parts of a role's resources, by the framework that the labels of their reservations name.

use std::collections::BTreeMap;

use crate::master::frameworks::Frameworks;
use janitor_contract::labels::owner;
use janitor_contract::types::{AgentHolding, FrameworkState, HoldingGroup, Label, Reserved};

/// The part of one framework, as far as it is read.
#[derive(Default)]
struct Group {
    /// The labels that all resources have; none before the first.
    labels: Option<Vec<Label>>,
    volumes: u32,
    resources: u32,
    agents: u32,
    /// The agent that was added last.
    last: String,
    removable: bool,
}

impl Group {
    /// Adds a resource. All resources of an agent are added one after another.
    fn add(&mut self, agent: &str, entry: &Reserved) {
        match &mut self.labels {
            None => self.labels = Some(entry.labels.clone()),
            Some(labels) => labels.retain(|it| entry.labels.contains(it)),
        }
        if self.agents == 0 || self.last != agent {
            self.agents += 1;
            agent.clone_into(&mut self.last);
        }
        self.volumes += u32::from(entry.volume.is_some());
        self.resources += 1;
        self.removable |= entry.volume.is_some() || entry.dynamic;
    }
}

/// Divides the resources of a role into groups, with the states of their frameworks.
pub fn groups(agents: &[AgentHolding], frameworks: &Frameworks) -> Vec<HoldingGroup> {
    let is_registered = |id: &str| frameworks.state(id) == FrameworkState::Registered;
    let mut groups = BTreeMap::<Option<&str>, Group>::new();
    for holding in agents {
        for entry in &holding.entries {
            let owner = owner(&entry.labels, is_registered);
            groups.entry(owner).or_default().add(&holding.agent, entry);
        }
    }
    let groups = groups.into_iter().map(|(framework_id, group)| {
        let Group { labels, volumes, resources, agents, removable, .. } = group;
        let state = framework_id.map(|id| frameworks.state(id));
        HoldingGroup {
            framework_id: framework_id.map(str::to_owned),
            state: state.unwrap_or(FrameworkState::Unnamed),
            labels: labels.unwrap_or_default(),
            volumes,
            resources,
            agents,
            removable,
        }
    });
    groups.collect()
}
