//! The numbers in the output for programs, so that a script need not add them up.

use std::collections::BTreeSet;

use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{
    AgentOutcome, AgentResult, CleanupPlan, Inventory, Options, Phase, Report,
};
use serde::Serialize;

use crate::extent::Extent;

/// The numbers of volumes, resources and agents in a result.
///
/// In a report they are those whose removal the master has accepted (`report.confirmed` says
/// whether it was carried out); in a plan those that a run would remove; in an inventory all that
/// are reserved.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Counts {
    /// The number of persistent volumes.
    pub volumes: u64,
    /// The number of reserved resources, including those that carry a volume.
    pub resources: u64,
    /// The number of agents that hold them.
    pub agents: u64,
    /// The number of resources of the role that a plan keeps.
    pub kept: Option<u64>,
    /// The number of roles in an inventory.
    pub roles: Option<u64>,
}

impl Counts {
    /// Counts what a result contains. A result without a report, a plan or an inventory has no
    /// numbers.
    pub fn of(result: &Result<Done, RunError>) -> Option<Self> {
        match result {
            Ok(Done::Cleaned(report)) => Some(Self::removed([report])),
            Ok(Done::Planned(plan)) => Some(Self::planned(&[plan])),
            Ok(Done::Discovered(inventory)) => Some(Self::reserved(inventory)),
            Ok(Done::CleanedAll(results)) => {
                let reports = results.iter().map(|it| it.as_ref().unwrap_or_else(|it| &it.report));
                Some(Self::removed(reports))
            }
            Ok(Done::PlannedAll(results)) => {
                Some(Self::planned(&results.iter().flatten().collect::<Vec<_>>()))
            }
            Err(error) => error.report().map(|report| Self::removed([report])),
        }
    }

    fn removed<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Self {
        let (mut counts, mut agents) = (Self::default(), BTreeSet::new());
        for report in reports {
            let sum =
                |phase| -> u64 { accepted(report, phase).map(|it| u64::from(it.found)).sum() };
            counts.volumes += sum(Phase::Volumes);
            counts.resources += sum(Phase::Reservations);
            let phases = [Phase::Volumes, Phase::Reservations].into_iter();
            let results = phases.flat_map(|phase| accepted(report, phase));
            agents.extend(results.map(|it| it.agent.as_str()));
        }
        Self { agents: number(agents.len()), ..counts }
    }

    fn planned(plans: &[&CleanupPlan]) -> Self {
        // The options decide about other things than the resources.
        let Extent { volumes, released, agents, kept, .. } =
            Extent::of_all(plans, &Options::DEFAULT);
        Self {
            volumes: number(volumes.len()),
            resources: number(released.len()),
            agents: number(agents.len()),
            kept: Some(number(kept)),
            roles: None,
        }
    }

    fn reserved(inventory: &Inventory) -> Self {
        let held = || inventory.roles.iter().flat_map(|holding| &holding.agents);
        let entries = || held().flat_map(|agent| &agent.entries);
        let agents: BTreeSet<_> = held().map(|agent| agent.agent.as_str()).collect();
        Self {
            volumes: number(entries().filter(|it| it.volume.is_some()).count()),
            resources: number(entries().count()),
            agents: number(agents.len()),
            kept: None,
            roles: Some(number(inventory.roles.len())),
        }
    }
}

/// The results of a phase in which the master has accepted the request.
pub(crate) fn accepted(
    report: &Report,
    phase: Phase,
) -> impl Iterator<Item = &AgentResult> + Clone {
    let is_accepted = |it: &&AgentResult| matches!(it.outcome, AgentOutcome::Accepted(_));
    report.agents.iter().filter(move |it| it.phase == phase).filter(is_accepted)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_file::PlanFile;

    const PLAN: &str = include_str!("../../../tests/scenarios/a-plan-that-is-applied/plan.json");

    #[test]
    fn only_accepted_removals_count() {
        let result = |agent: &str, phase, found, outcome| AgentResult {
            phase,
            agent: agent.into(),
            found,
            skipped: vec![],
            outcome,
        };
        let agents = vec![
            result("S0", Phase::Volumes, 2, AgentOutcome::Accepted(202)),
            result("S1", Phase::Volumes, 4, AgentOutcome::Failed("no".into())),
            result("S0", Phase::Reservations, 3, AgentOutcome::Accepted(202)),
            result("S2", Phase::Reservations, 1, AgentOutcome::Accepted(200)),
        ];
        let counts = Counts::of(&Ok(Done::Cleaned(Report { agents, ..Report::NOTHING })));
        let expected = Counts { volumes: 2, resources: 4, agents: 2, ..Counts::default() };
        assert_eq!(counts, Some(expected));
    }

    #[test]
    fn a_plan_counts_what_it_removes_and_what_stays() {
        let PlanFile { plan, .. } = PlanFile::read(PLAN.as_bytes()).unwrap();
        let plan = plan.unwrap();
        let all: usize = plan.agents.iter().map(|agent| agent.entries.len()).sum();
        let counts = Counts::of(&Ok(Done::Planned(plan))).unwrap();
        assert!(counts.volumes > 0 && counts.agents > 0, "{counts:?}");
        assert_eq!(counts.resources + counts.kept.unwrap(), all as u64);
    }
}
