//! The first line of a run and its last ones, for people.

use janitor_contract::types::{Endpoint, Reason, Target};
use janitor_contract::{Done, Endpoints, RunError};

use crate::command_line::print::Invocation;
use crate::inventory::inventory;
use crate::line::Line;
use crate::plan::plan;
use crate::several;
use crate::view::View;

/// The first line: the servers, and the target or the number of targets.
pub fn header(endpoints: &Endpoints, targets: &[&Target]) -> String {
    let mut line = format!(
        "Master: {} Exhibitor: {}",
        endpoints.masters().join(","),
        endpoints.base(Endpoint::Exhibitor)
    );
    if targets.len() > 1 {
        line += &format!(" Targets: {}", targets.len());
    }
    if let [target] = targets {
        let Target { role, principal, znode, labels, framework_id, agents, .. } = target;
        for (name, value) in [("Role", role), ("Principal", principal), ("ZK Path", znode)] {
            if let Some(value) = value {
                line += &format!(" {name}: {value}");
            }
        }
        // The original cannot select a part of a role.
        let labels = labels.iter().map(|it| ("Label", it.words()));
        let framework = framework_id.iter().map(|it| ("Framework ID", it.clone()));
        let agents = agents.iter().map(|it| ("Agent", it.clone()));
        for (name, value) in labels.chain(framework).chain(agents) {
            line += &format!(" {name}: {value}");
        }
    }
    line
}

/// The last lines: the result of a run, and what to do next.
pub fn outcome(
    result: &Result<Done, RunError>,
    run: &Invocation,
    next: &[String],
    view: &View,
    usage: fn() -> String,
) -> Vec<Line> {
    let next = || next.iter().map(Line::from);
    match result {
        // The original's output ends with the log.
        Ok(Done::Cleaned(_)) => vec![],
        Ok(Done::Planned(it)) => {
            plan(it, &run.options, view.verbose).into_iter().chain(next()).collect()
        }
        Ok(Done::PlannedAll(results)) => {
            let targets = run.call.targets();
            several::plans(results, &targets, &run.options, view.verbose)
                .into_iter()
                .chain(next())
                .collect()
        }
        Ok(Done::CleanedAll(results)) => {
            several::results(results, &run.call.targets()).into_iter().chain(next()).collect()
        }
        Ok(Done::Discovered(it)) => inventory(it, run, view).into_iter().chain(next()).collect(),
        Err(error) => {
            let mut lines = vec!["".into()];
            match error.reason() {
                Some(Reason::NothingToDo) => lines.extend(usage().lines().map(Line::from)),
                Some(Reason::Failed) if !view.verbose => {
                    lines.push("Retry command with \"-v\" to enable verbose logging.".into());
                }
                _ => {}
            }
            lines.extend(next());
            lines
        }
    }
}
