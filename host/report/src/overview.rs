//! The overview of an inventory for people: a table with a line for each role.

use std::collections::BTreeSet;

use janitor_contract::describe::{count, scalar};
use janitor_contract::types::{Holding, Inventory, Reserved};

use crate::command_line::print::Invocation;
use crate::inventory::{entries, volumes};
use crate::line::{Line, Tone};
use crate::orphans::{Part, State, parts_without_framework};
use crate::table::{Column, table};
use crate::words::{scalars, sums};

/// The columns of the table.
const COLUMNS: [Column; 7] = [
    Column { name: "ROLE", is_number: false, share: 2 },
    Column { name: "STATE", is_number: false, share: 0 },
    Column { name: "VOLUMES", is_number: true, share: 0 },
    Column { name: "RESERVED", is_number: false, share: 1 },
    Column { name: "AGENTS", is_number: true, share: 0 },
    Column { name: "FRAMEWORK", is_number: false, share: 1 },
    Column { name: "ZNODE", is_number: false, share: 1 },
];

/// The state of an orphaned part of a role that is not orphaned. It is another word than that of a
/// role, so that nobody takes the part for the whole.
const ORPHANED_PART: &str = "orphaned-part";

/// The state of a part whose framework is not registered, but may still exist.
const UNKNOWN_PART: &str = "unknown-part";

/// One word for each state, so that the columns of a table can be counted.
fn word(state: State) -> &'static str {
    match state {
        State::Orphaned => "orphaned",
        State::Unclaimed => "unclaimed",
        State::Unknown => "unknown",
        State::InUse => "in-use",
        State::Static => "static",
    }
}

/// The tone of a state.
pub fn tone(state: State) -> Tone {
    match state {
        State::Orphaned | State::Unclaimed | State::Unknown => Tone::Warn,
        State::InUse => Tone::Plain,
        State::Static => Tone::Kept,
    }
}

/// A line of the table.
type Row = (Tone, [String; 7]);

/// Writes a table with a line for each role, each part of it whose framework is not registered, and
/// each orphaned znode, orphaned ones first, and the totals.
pub fn overview(inventory: &Inventory, run: &Invocation, width: Option<usize>) -> Vec<Line> {
    let mut roles: Vec<_> =
        inventory.roles.iter().map(|it| (State::of(it, inventory), it)).collect();
    roles.sort_by_key(|(state, holding)| (*state, &holding.role));
    let parts: Vec<_> = roles
        .iter()
        .flat_map(|(_, it)| {
            parts_without_framework(it, inventory).into_iter().map(|part| (*it, part))
        })
        .collect();
    let (orphaned, unknown): (Vec<_>, Vec<_>) = parts.iter().partition(|(_, part)| part.is_orphan);
    let znodes = inventory.orphaned_znodes.iter().map(|znode| {
        let cells = ["", word(State::Orphaned), "", "", "", "", znode];
        (tone(State::Orphaned), cells.map(str::to_owned))
    });
    let is_orphaned = |(state, _): &&(State, &Holding)| *state == State::Orphaned;
    let of_role = |(state, holding): &(State, &Holding)| role_row(*state, holding);
    let rows: Vec<Row> = roles
        .iter()
        .filter(is_orphaned)
        .map(of_role)
        .chain(znodes)
        .chain(orphaned.iter().chain(&unknown).map(|(holding, part)| part_row(holding, part)))
        .chain(roles.iter().filter(|it| !is_orphaned(it)).map(of_role))
        .collect();
    let mut lines = vec!["".into()];
    lines.extend(table(&COLUMNS, rows, width));
    lines.push(totals(inventory, &roles, &orphaned).into());
    let discover = run.discover();
    if !inventory.roles.is_empty() {
        lines.push(
            format!(
                "To see the agents of a role, and the command that removes it: {discover} ROLE (or \
                 -v, for all)"
            )
            .into(),
        );
    }
    if !inventory.orphaned_znodes.is_empty() {
        let line = format!("To see the command that deletes an orphaned znode: {discover} -v");
        lines.push(line.into());
    }
    if inventory.orphans.len() > 1 {
        let plan = run.plan_all_orphaned();
        lines.push(format!("To see what a cleanup of all orphans would do: {plan}").into());
    }
    if roles.iter().any(|(state, _)| *state == State::Unclaimed) {
        lines.push("Unclaimed roles may be an operator's own reservations.".into());
    }
    lines
}

/// The line of a role.
fn role_row(state: State, holding: &Holding) -> Row {
    let Holding { role, agents, frameworks, znodes, .. } = holding;
    let frameworks: Vec<_> = frameworks.iter().map(|it| it.name.as_str()).collect();
    let cells = [
        role.clone(),
        word(state).into(),
        volumes(entries(holding)).to_string(),
        reserved(entries(holding)),
        agents.len().to_string(),
        frameworks.join(","),
        znodes.join(","),
    ];
    (tone(state), cells)
}

/// The line of a part of a role whose framework is not registered.
fn part_row(holding: &Holding, part: &Part) -> Row {
    let entries = || part.agents.iter().flatten().copied();
    let cells = [
        holding.role.clone(),
        if part.is_orphan { ORPHANED_PART } else { UNKNOWN_PART }.into(),
        volumes(entries()).to_string(),
        reserved(entries()),
        part.agents.len().to_string(),
        part.framework_id.to_owned(),
        String::new(),
    ];
    (tone(State::Orphaned), cells)
}

/// Sums up the resources that are numbers, as one word.
fn reserved<'a>(entries: impl Iterator<Item = &'a Reserved>) -> String {
    let sums = scalars(entries).into_iter();
    let sums = sums.map(|(name, sum)| format!("{name}={}", scalar(name, sum).replace(' ', "")));
    sums.collect::<Vec<_>>().join(",")
}

/// Sums the roles up, and everything that is orphaned, in one line.
fn totals(
    inventory: &Inventory,
    roles: &[(State, &Holding)],
    parts: &[&(&Holding, Part)],
) -> String {
    let states = State::ALL.into_iter().filter_map(|state| {
        let number = roles.iter().filter(|(it, _)| *it == state).count();
        (number > 0).then(|| format!("{number} {}", word(state)))
    });
    let states: Vec<_> = states.collect();
    let mut line = format!("In total: {}", count(roles.len(), "role"));
    if !states.is_empty() {
        line += &format!(" ({})", states.join(", "));
    }
    let numbers =
        [(parts.len(), "orphaned part"), (inventory.orphaned_znodes.len(), "orphaned znode")];
    for (number, what) in numbers.into_iter().filter(|(number, _)| *number > 0) {
        line += &format!(", {}", count(number, what));
    }
    let whole = || roles.iter().filter(|(it, _)| *it == State::Orphaned).map(|(_, it)| *it);
    let agents: BTreeSet<_> =
        whole().flat_map(|it| &it.agents).map(|it| it.agent.as_str()).collect();
    let orphaned: Vec<_> = whole().flat_map(entries).collect();
    if !agents.is_empty() {
        line += &format!(
            "; orphaned: {} and {} on {}{}",
            count(volumes(orphaned.iter().copied()), "volume"),
            count(orphaned.len(), "resource"),
            count(agents.len(), "agent"),
            sums(orphaned)
        );
    }
    line
}
