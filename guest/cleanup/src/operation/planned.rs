//! The comparison of a removal with a plan, resource by resource.

use super::request::Lists;
use super::{Operation, Work};
use crate::master::agents::Listing;
use crate::owner::Owner;
use janitor_contract::types::{AgentPlan, Amount, Fate, Phase, Reserved};

/// The difference up to which amounts are equal: Mesos counts in thousandths.
const EPSILON: f64 = 0.0005;

impl Operation {
    /// Returns the ids of the agents from which it would remove something that their plans do not show.
    pub fn unplanned<'a>(
        &self,
        listing: &'a Listing,
        owner: Owner,
        plans: &[&AgentPlan],
    ) -> Vec<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        let is_shown = |work: &Work| {
            let plan = plans.iter().find(|it| it.agent == work.agent.id);
            work.removals.is_empty() || plan.is_some_and(|plan| self.shows(plan, work))
        };
        works.filter(|work| !is_shown(work)).map(|work| work.agent.id.as_str()).collect()
    }

    /// Returns whether a plan shows the removal of at least as much.
    fn shows(&self, plan: &AgentPlan, work: &Work) -> bool {
        let planned: Vec<_> = plan
            .entries
            .iter()
            .filter(|it| match self.phase {
                Phase::Volumes => it.volume == Some(Fate::Removed),
                _ => it.reservation == Fate::Removed,
            })
            .map(|it| it.entry.clone())
            .collect();
        let resources = work.removals.iter().flat_map(|it| it.resources());
        let removed: Result<Vec<_>, _> =
            resources.map(|it| it.describe().map(|it| it.reserved)).collect();
        removed.is_ok_and(|removed| {
            let is_in = |it| self.amount(&removed, it) <= self.amount(&planned, it) + EPSILON;
            removed.iter().all(is_in)
        })
    }

    /// Returns the amount of everything that is reserved like one resource. Where a volume was, its disk is
    /// added to what is reserved like it.
    fn amount(&self, all: &[Reserved], one: &Reserved) -> f64 {
        let is_alike = |it: &&Reserved| {
            it.name == one.name
                && it.principal == one.principal
                && it.labels == one.labels
                && it.disk == one.disk
                && (self.phase != Phase::Volumes || it.volume == one.volume)
        };
        all.iter().filter(is_alike).map(|it| number(&it.amount)).sum()
    }
}

/// Returns an amount as a number: of ranges and items, how many values they have.
#[allow(clippy::cast_precision_loss, reason = "no agent has that many ports")]
fn number(amount: &Amount) -> f64 {
    match amount {
        Amount::Scalar(value) => *value,
        Amount::Ranges(ranges) => {
            ranges.iter().map(|(begin, end)| end.saturating_sub(*begin) as f64 + 1.0).sum()
        }
        Amount::Items(items) => items.len() as f64,
    }
}
