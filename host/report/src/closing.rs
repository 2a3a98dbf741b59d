//! The closing line of a cleanup, for somebody at a terminal: what was removed, and how long it
//! took.

use std::collections::BTreeSet;
use std::time::Duration;

use janitor_contract::describe::count;
use janitor_contract::types::{AgentLeft, AppOutcome, Failure, Phase, Report, ZnodeOutcome};
use janitor_contract::{Done, RunError};

use crate::counts::accepted;

/// The phases that concern the agents.
const PHASES: [Phase; 2] = [Phase::Volumes, Phase::Reservations];

/// Sums a cleanup up in one line. There is none for a run that changed nothing.
pub fn closing(result: &Result<Done, RunError>, took: Duration) -> Option<String> {
    let changes = match result {
        Ok(Done::Cleaned(report)) => changes(report, true),
        Ok(Done::CleanedAll(results)) => of_all(results),
        Ok(_) => return None,
        Err(error) => changes(error.report()?, false),
    };
    changes.map(|changes| format!("{changes}; {} s", took.as_secs_f64().round()))
}

/// Sums several cleanups up.
fn of_all(results: &[Result<Report, Failure>]) -> Option<String> {
    let mut agents = BTreeSet::new();
    let (mut sums, mut znodes, mut has_changed) = ([0, 0], 0, false);
    for result in results {
        let report = result.as_ref().unwrap_or_else(|failure| &failure.report);
        has_changed |= changes(report, true).is_some();
        for (sum, phase) in sums.iter_mut().zip(PHASES) {
            let (number, on) = removed(report, phase);
            *sum += number;
            agents.extend(on);
        }
        let outcome = report.znode.as_ref().map(|it| &it.outcome);
        znodes += usize::from(matches!(outcome, Some(ZnodeOutcome::Deleted(_))));
    }
    let [volumes, reservations] = sums;
    let clean = results.iter().filter(|it| it.is_ok()).count();
    has_changed.then(|| {
        format!(
            "removed {}, {} and {} on {}; {clean} of {} clean",
            count(volumes, "volume"),
            count(reservations, "reservation"),
            count(znodes, "znode"),
            count(agents.len(), "agent"),
            count(results.len(), "target"),
        )
    })
}

/// Lists the changes of a cleanup in one line. There is none for a run that changed nothing.
pub fn changes(report: &Report, is_clean: bool) -> Option<String> {
    let is_sent = |phase| accepted(report, phase).next().is_some();
    let is_app_gone = report.self_removal.as_ref().is_some_and(|app| is_removed(&app.outcome));
    if !PHASES.into_iter().any(is_sent) && report.znode.is_none() && !is_app_gone {
        return None;
    }
    let [(volumes, on), (reservations, and_on)] = PHASES.map(|phase| removed(report, phase));
    let agents: BTreeSet<_> = on.into_iter().chain(and_on).collect();
    let mut parts = Vec::new();
    if !report.agents.is_empty() {
        parts.push(format!(
            "removed {} and {} on {}",
            count(volumes, "volume"),
            count(reservations, "reservation"),
            count(agents.len(), "agent")
        ));
    }
    if let Some(znode) = &report.znode {
        let path = &znode.path;
        parts.push(match znode.outcome {
            ZnodeOutcome::Deleted(_) => format!("deleted znode '{path}'"),
            ZnodeOutcome::Absent => format!("znode '{path}' did not exist"),
            ZnodeOutcome::Failed(_) => format!("znode '{path}' is not deleted"),
            ZnodeOutcome::Unknown(_) => format!("znode '{path}' is possibly not deleted"),
        });
    }
    if is_app_gone {
        parts.push("removed the Marathon app".into());
    }
    if !is_clean {
        parts.push(left(report));
    }
    Some(parts.join(", "))
}

/// Counts what one phase has removed, with the agents that held it. An accepted request proves
/// nothing: the last list of the agents must lack what it concerned.
fn removed(report: &Report, phase: Phase) -> (usize, Vec<&str>) {
    let is_confirmed = report.confirmed.contains(&phase);
    let is_gone = |agent: &str| {
        let Some(left) = &report.left else { return false };
        let held = left.iter().find(|it| it.agent == agent);
        held.is_none_or(|AgentLeft { volumes, resources, .. }| match phase {
            Phase::Volumes => *volumes == 0,
            _ => *resources == 0,
        })
    };
    let of_phase =
        accepted(report, phase).filter(|it| it.found > 0 && (is_confirmed || is_gone(&it.agent)));
    let agents = of_phase.clone().map(|it| it.agent.as_str()).collect();
    (of_phase.map(|it| it.found as usize).sum(), agents)
}

/// Describes what a run that did not complete has left.
fn left(report: &Report) -> String {
    let Some(left) = &report.left else { return "it is not known what is left".into() };
    let volumes = left.iter().map(|it| it.volumes as usize).sum();
    let resources = left.iter().map(|it| it.resources as usize).sum();
    match left.len() {
        0 => "nothing is left that this run could see".into(),
        agents => format!(
            "left {} and {} on {}",
            count(volumes, "volume"),
            count(resources, "reservation"),
            count(agents, "agent")
        ),
    }
}

fn is_removed(outcome: &AppOutcome) -> bool {
    matches!(outcome, AppOutcome::Removed(_))
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{AgentOutcome, AgentResult, Failure, Reason, ZnodeResult};

    use super::*;

    fn result(phase: Phase, agent: &str, found: u32, outcome: AgentOutcome) -> AgentResult {
        AgentResult { phase, agent: agent.into(), found, skipped: vec![], outcome }
    }

    fn cleaned() -> Report {
        let accepted = AgentOutcome::Accepted(202);
        Report {
            agents: vec![
                result(Phase::Volumes, "S0", 1, accepted.clone()),
                result(Phase::Volumes, "S1", 0, AgentOutcome::NothingToDo),
                result(Phase::Reservations, "S0", 4, accepted.clone()),
                result(Phase::Reservations, "S1", 2, accepted),
            ],
            confirmed: vec![Phase::Volumes, Phase::Reservations],
            left: Some(vec![]),
            znode: Some(ZnodeResult { path: "z".into(), outcome: ZnodeOutcome::Deleted(200) }),
            ..Report::NOTHING
        }
    }

    fn failed(reason: Reason, report: Report) -> Option<String> {
        let failure = Failure { reason, message: String::new(), report };
        closing(&Err(RunError::Failure(failure.into())), Duration::from_millis(2600))
    }

    #[test]
    fn a_cleanup_is_summed_up() {
        let line = closing(&Ok(Done::Cleaned(cleaned())), Duration::from_millis(2600));
        let expected = "removed 1 volume and 6 reservations on 2 agents, deleted znode 'z'; 3 s";
        assert_eq!(line.as_deref(), Some(expected));
    }

    #[test]
    fn only_what_a_list_confirms_is_called_removed() {
        let held = AgentLeft { agent: "S0".into(), hostname: "".into(), volumes: 0, resources: 4 };
        let report = Report {
            confirmed: vec![Phase::Volumes],
            left: Some(vec![held]),
            znode: None,
            ..cleaned()
        };
        let expected = "removed 1 volume and 2 reservations on 2 agents, left 0 volumes and 4 \
                        reservations on 1 agent; 3 s";
        assert_eq!(failed(Reason::Failed, report.clone()).as_deref(), Some(expected));
        // Without a list, nothing but the confirmed phase is certain.
        let expected = "removed 1 volume and 0 reservations on 1 agent, it is not known what is \
                        left; 3 s";
        let blind = Report { left: None, ..report };
        assert_eq!(failed(Reason::Stopped, blind).as_deref(), Some(expected));
    }

    #[test]
    fn a_run_that_changed_nothing_has_no_closing_line() {
        assert_eq!(failed(Reason::InUse, Report::NOTHING), None);
        let refused = AgentOutcome::Refused(janitor_contract::types::Refusal {
            status: 403,
            body: String::new(),
        });
        let agents = vec![result(Phase::Volumes, "S0", 1, refused)];
        assert_eq!(failed(Reason::Failed, Report { agents, ..Report::NOTHING }), None);
    }
}
