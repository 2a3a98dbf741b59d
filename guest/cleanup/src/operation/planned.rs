//! The comparison of a removal with a plan, resource by resource.

use super::request::Lists;
use super::{Operation, Work};
use crate::master::agents::Listing;
use crate::owner::Owner;
use janitor_contract::types::{
    AgentPlan, Amount, CleanupPlan, Fate, Phase, Planned, Reserved, SkipReason,
};

/// The difference up to which amounts are equal: Mesos counts in thousandths.
const EPSILON: f64 = 0.0005;

/// The volumes that plans remove, by agent and id.
type Volumes = Vec<(String, String)>;

/// Returns the volumes that these plans remove.
pub fn planned_volumes<'a>(plans: impl Iterator<Item = &'a CleanupPlan>) -> Volumes {
    let agents = plans.flat_map(|plan| &plan.agents);
    let all = agents.flat_map(|agent| agent.entries.iter().map(|it| (agent.agent.clone(), it)));
    let removed = all.filter(|(_, it)| it.volume == Some(Fate::Removed));
    removed.filter_map(|(agent, it)| Some((agent, it.entry.volume.as_ref()?.id.clone()))).collect()
}

impl Operation {
    /// Returns the ids of the agents from which it would remove something that their plans do not show.
    /// `volumes` are those that any plan of the run removes.
    pub fn unplanned<'a>(
        &self,
        listing: &'a Listing,
        owner: Owner,
        plans: &[&AgentPlan],
        volumes: &Volumes,
    ) -> Vec<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        let is_shown = |work: &Work| {
            let plan = plans.iter().find(|it| it.agent == work.agent.id);
            work.removals.is_empty() || plan.is_some_and(|plan| self.shows(plan, work, volumes))
        };
        works.filter(|work| !is_shown(work)).map(|work| work.agent.id.as_str()).collect()
    }

    /// Returns whether a plan shows the removal of all that is to be removed.
    fn shows(&self, plan: &AgentPlan, work: &Work, volumes: &Volumes) -> bool {
        let is_destroyed = |it: &Planned| {
            let volume = it.entry.volume.as_ref();
            volume.is_some_and(|it| volumes.contains(&(plan.agent.clone(), it.id.clone())))
        };
        let is_removed = |it: &&Planned| match (self.phase, &it.reservation) {
            (Phase::Volumes, _) => it.volume == Some(Fate::Removed),
            // The plan of another target removes the volume that is on it.
            (_, Fate::Stays(SkipReason::VolumeLeft)) => is_destroyed(it),
            (_, fate) => *fate == Fate::Removed,
        };
        let planned: Vec<_> =
            plan.entries.iter().filter(is_removed).map(|it| it.entry.clone()).collect();
        let resources = work.removals.iter().flat_map(|it| it.resources());
        let removed: Result<Vec<_>, _> =
            resources.map(|it| it.describe().map(|it| it.reserved)).collect();
        removed.is_ok_and(|removed| {
            removed.iter().all(|one| {
                let [removed, planned] = [&removed, &planned].map(|all| self.alike(all, one));
                includes(&planned, &removed)
            })
        })
    }

    /// Returns the amounts of everything that is reserved like one resource. Where a volume was, its disk is
    /// added to what is reserved like it.
    fn alike<'a>(&self, all: &'a [Reserved], one: &Reserved) -> Vec<&'a Amount> {
        let is_alike = |it: &&Reserved| {
            it.name == one.name
                && it.principal == one.principal
                && it.labels == one.labels
                && it.disk == one.disk
                && (self.phase != Phase::Volumes || it.volume == one.volume)
        };
        all.iter().filter(is_alike).map(|it| &it.amount).collect()
    }
}

/// Returns whether the planned amounts of a resource include the removed ones.
fn includes(planned: &[&Amount], removed: &[&Amount]) -> bool {
    let sum = |all: &[&Amount]| all.iter().map(|it| scalar(it)).sum::<f64>();
    let is_item = |item: &String| planned.iter().any(|it| items(it).contains(item));
    sum(removed) <= sum(planned) + EPSILON
        && removed.iter().flat_map(|it| ranges(it)).all(|range| covers(planned, *range))
        && removed.iter().flat_map(|it| items(it)).all(is_item)
}

/// Returns whether the ranges among these amounts have all values of one range.
fn covers(planned: &[&Amount], (begin, end): (u64, u64)) -> bool {
    let mut next = begin;
    while next <= end {
        let ranges = planned.iter().flat_map(|it| ranges(it));
        let ends = ranges.filter(|it| (it.0..=it.1).contains(&next)).map(|it| it.1);
        match ends.max() {
            None => return false,
            Some(u64::MAX) => return true,
            Some(last) => next = last + 1,
        }
    }
    true
}

fn scalar(amount: &Amount) -> f64 {
    if let Amount::Scalar(value) = amount { *value } else { 0.0 }
}

fn ranges(amount: &Amount) -> &[(u64, u64)] {
    if let Amount::Ranges(ranges) = amount { ranges } else { &[] }
}

fn items(amount: &Amount) -> &[String] {
    if let Amount::Items(items) = amount { items } else { &[] }
}
