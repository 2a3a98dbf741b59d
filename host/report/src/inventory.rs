//! Describes an inventory for people.

use janitor_contract::describe::{agent_words, count};
use janitor_contract::types::{Holding, Inventory, Reserved, Target};

use crate::command_line::print::Invocation;
use crate::line::{Line, Tone};
use crate::words::{framework_line, sums, unreached_line};

/// Lists everything that is reserved in a cluster, with the commands that remove the orphaned
/// resources.
pub fn inventory(inventory: &Inventory, run: &Invocation) -> Vec<Line> {
    let Inventory { roles, unreached, frameworks_unknown, znodes_unknown, .. } = inventory;
    let mut lines = Vec::new();
    if roles.is_empty() {
        lines.extend(["".into(), "Nothing is reserved for any role.".into()]);
    }
    for holding in roles {
        lines.push("".into());
        lines.extend(holding_lines(holding, frameworks_unknown.is_none()));
        // Several services that share the role of a group have several principals.
        let is_ones = holding.principals.len() < 2;
        let is_orphaned = holding.frameworks.is_empty() && frameworks_unknown.is_none();
        if holding.removable && is_orphaned && is_ones {
            let target = Target {
                role: Some(holding.role.clone()),
                principal: None,
                znode: holding.znodes.first().cloned(),
                marathon_app: None,
            };
            let command = run.clean(&target, &run.options);
            lines.push(format!("  To remove it: {command}").into());
        }
    }
    let warn = |line| Line::tone(Tone::Warn, line);
    let unknown = [
        frameworks_unknown.as_ref().map(|why| {
            warn(format!(
                "The registered frameworks are not known, so no role can be called orphaned. {why}"
            ))
        }),
        znodes_unknown.as_ref().map(|why| warn(format!("The znodes are not known: {why}"))),
    ];
    let mut notes: Vec<_> = unreached.iter().map(unreached_line).collect();
    notes.extend(unknown.into_iter().flatten());
    if !notes.is_empty() {
        lines.push("".into());
        lines.extend(notes);
    }
    lines
}

fn holding_lines(holding: &Holding, frameworks_known: bool) -> Vec<Line> {
    let Holding { role, principals, agents, removable, frameworks, znodes } = holding;
    let entries = || agents.iter().flat_map(|agent| &agent.entries);
    let volumes = |entries: &[Reserved]| entries.iter().filter(|it| it.volume.is_some()).count();
    let (tone, state) = match (removable, frameworks.is_empty(), frameworks_known) {
        (false, ..) => (Tone::Kept, "stays: reserved in the agents' configuration"),
        (true, true, true) => {
            (Tone::Gone, "orphaned, or reserved by an operator: no registered framework uses it")
        }
        (true, true, false) => (Tone::Warn, "possibly orphaned"),
        (true, false, _) => (Tone::Kept, "in use"),
    };
    let mut lines = vec![Line::tone(tone, format!("Role '{role}': {state}"))];
    lines.extend(frameworks.iter().map(|it| framework_line(it, Some(role))));
    lines.push(
        format!(
            "  {} and {} on {}{}",
            count(agents.iter().map(|agent| volumes(&agent.entries)).sum(), "volume"),
            count(entries().count(), "resource"),
            count(agents.len(), "agent"),
            sums(entries())
        )
        .into(),
    );
    if !principals.is_empty() {
        lines.push(format!("  Made by: {}", principals.join(", ")).into());
    }
    lines.extend(agents.iter().map(|agent| {
        let found = count(volumes(&agent.entries), "volume");
        let resources = count(agent.entries.len(), "resource");
        let place = agent_words(&agent.agent, &agent.hostname);
        format!("  Slave {place}: {found}, {resources}{}", sums(&agent.entries)).into()
    }));
    if !znodes.is_empty() {
        lines.push(format!("  Possible znode: {}", znodes.join(", ")).into());
    }
    lines
}
