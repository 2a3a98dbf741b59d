//! Describes the result of a recorded run for people, in a few lines.

use janitor_contract::describe::{agent_words, count, elsewhere_words};
use janitor_contract::types::{AgentLeft, AppOutcome, Phase, Report, Target, ZnodeOutcome};
use janitor_contract::{Done, RunError};

use crate::counts::accepted;
use crate::line::{Line, Tone};
use crate::words::{target_words, unreached_line};

/// Describes a result: how the run ended, what it removed, and what is left.
pub fn result(result: &Result<Done, RunError>, targets: &[&Target]) -> Vec<Line> {
    if let Ok(done @ (Done::CleanedAll(_) | Done::PlannedAll(_))) = result {
        let parts = done.parts().into_iter().zip(targets);
        return parts
            .flat_map(|(result, target)| {
                let heading = Line::from(format!("For {}:", target_words(target)));
                [heading].into_iter().chain(one(&result))
            })
            .collect();
    }
    one(result)
}

/// Describes the result for one target.
fn one(result: &Result<Done, RunError>) -> Vec<Line> {
    let nothing = Report::NOTHING;
    let (end, report) = match result {
        Ok(Done::Cleaned(report)) => (Line::from("The run completed."), report),
        Ok(_) => (Line::from("The run completed."), &nothing),
        Err(error) => {
            let end = Line::tone(Tone::Error, format!("The run did not complete: {error}"));
            (end, error.report().unwrap_or(&nothing))
        }
    };
    let Report { unreached, ignored, elsewhere, left, znode, self_removal, .. } = report;
    let mut lines = vec![end];
    let phases = [(Phase::Volumes, "Volumes"), (Phase::Reservations, "Reservations")];
    lines.extend(phases.iter().filter_map(|(phase, name)| removed(report, *phase, name)));
    lines.extend(znode.as_ref().map(|it| znode_line(&it.path, &it.outcome)));
    lines.extend(self_removal.as_ref().map(|it| match &it.outcome {
        AppOutcome::Failed(why) => {
            Line::tone(Tone::Error, format!("  App {} was not removed: {why}", it.app))
        }
        _ => format!("  App {} was removed from Marathon", it.app).into(),
    }));
    lines.extend(left.iter().flatten().map(|AgentLeft { agent, hostname, volumes, resources }| {
        let (volumes, resources) = (*volumes as usize, *resources as usize);
        let what = format!("{} and {}", count(volumes, "volume"), count(resources, "resource"));
        let agent = agent_words(agent, hostname);
        Line::tone(Tone::Error, format!("  Left on slave {agent}: {what}"))
    }));
    lines.extend(unreached.iter().map(unreached_line));
    lines.extend(ignored.iter().map(unreached_line));
    lines.extend(
        elsewhere.iter().map(|it| Line::tone(Tone::Warn, format!("  {}", elsewhere_words(it)))),
    );
    lines
}

/// Describes the requests of a phase that the master accepted, if there were any.
fn removed(report: &Report, phase: Phase, name: &str) -> Option<Line> {
    let accepted: Vec<_> = accepted(report, phase).collect();
    let found = accepted.iter().map(|it| it.found as usize).sum::<usize>();
    let confirmed = match report.confirmed.contains(&phase) {
        true => "confirmed by a fresh listing",
        false => "not confirmed",
    };
    let agents = count(accepted.len(), "agent");
    (!accepted.is_empty())
        .then(|| format!("  {name}: {found} removed on {agents}, {confirmed}").into())
}

fn znode_line(path: &str, outcome: &ZnodeOutcome) -> Line {
    match outcome {
        ZnodeOutcome::Deleted(_) => format!("  Znode '{path}' was deleted").into(),
        ZnodeOutcome::Absent => format!("  Znode '{path}' did not exist").into(),
        ZnodeOutcome::Failed(why) => {
            Line::tone(Tone::Error, format!("  Znode '{path}' was not deleted: {why}"))
        }
        ZnodeOutcome::Unknown(why) => Line::tone(
            Tone::Error,
            format!("  It is unknown whether znode '{path}' was deleted: {why}"),
        ),
    }
}
