//! The parts of a role's resources, by the framework that the labels of their reservations name.

use std::collections::BTreeMap;

use crate::master::frameworks::Frameworks;
use janitor_contract::labels::framework_id;
use janitor_contract::types::{FrameworkState, HoldingGroup, Label, Reserved};

/// The groups that have been found so far, by the framework's id.
#[derive(Default)]
pub struct Groups(BTreeMap<Option<String>, Group>);

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

impl Groups {
    /// Adds a resource. All resources of an agent are added one after another.
    pub fn add(&mut self, agent: &str, entry: &Reserved, is_removable: bool) {
        let ids = entry.labels.iter().filter_map(|it| framework_id(&it.key, it.value.as_deref()));
        let group = self.0.entry(ids.min().map(str::to_owned)).or_default();
        match &mut group.labels {
            None => group.labels = Some(entry.labels.clone()),
            Some(labels) => labels.retain(|it| entry.labels.contains(it)),
        }
        if group.agents == 0 || group.last != agent {
            group.agents += 1;
            agent.clone_into(&mut group.last);
        }
        group.volumes += u32::from(entry.volume.is_some());
        group.resources += 1;
        group.removable |= is_removable;
    }

    /// Returns the groups with the states of their frameworks.
    pub fn into_list(self, frameworks: &Frameworks) -> Vec<HoldingGroup> {
        let groups = self.0.into_iter().map(|(framework_id, group)| {
            let Group { labels, volumes, resources, agents, removable, .. } = group;
            let state = framework_id.as_deref().map(|id| frameworks.state(id));
            HoldingGroup {
                framework_id,
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
}
