//! What will be done, plans, inventories and what came of a run, for people.

use janitor_host::bindings::cleanup::{
    AgentPlan, Amount, CleanupPlan, Fate, Holding, Inventory, Planned, Reason, Reserved, Volume,
    ZnodeState,
};
use janitor_host::bindings::http::Endpoint;
use janitor_host::bindings::log::{Framework, SkipReason, Unreached, UnreachedReason};
use janitor_host::{Call, Done, Endpoints, InUse, RunError, Target};

use crate::line::{Line, Tone};
use crate::next::Asked;

/// The first line: what will be done where.
pub fn header(endpoints: &Endpoints, call: &Call) -> String {
    let mut line = format!(
        "Master: {} Exhibitor: {}",
        endpoints.masters().join(","),
        endpoints.base(Endpoint::Exhibitor)
    );
    if let Some(target) = call.target() {
        for (name, value) in
            [("Role", &target.role), ("Principal", &target.principal), ("ZK Path", &target.znode)]
        {
            if let Some(value) = value {
                line += &format!(" {name}: {value}");
            }
        }
    }
    line
}

/// The last lines: what came of a run, and what to do next.
pub fn outcome(
    result: &Result<Done, RunError>,
    asked: &Asked,
    next: &[String],
    verbose: bool,
    usage: fn() -> String,
) -> Vec<Line> {
    let next = || next.iter().map(Line::from);
    match result {
        Ok(Done::Cleaned(_)) => vec![],
        Ok(Done::Planned(it)) => plan(it, asked.options.in_use).into_iter().chain(next()).collect(),
        Ok(Done::Discovered(it)) => inventory(it, asked),
        Err(error) => {
            let mut lines = vec!["".into()];
            if let RunError::Failure(failure) = error {
                if failure.reason == Reason::NothingToDo {
                    lines.extend(usage().lines().map(Line::from));
                }
                if failure.reason == Reason::Failed && !verbose {
                    lines.push("Retry command with \"-v\" to enable verbose logging.".into());
                }
            }
            lines.extend(next());
            lines
        }
    }
}

/// What a cleanup would do, in lines.
pub fn plan(plan: &CleanupPlan, in_use: InUse) -> Vec<Line> {
    let CleanupPlan { target, agents, unreached, frameworks, .. } = plan;
    let mut lines = vec!["".into(), heading(target).into()];
    lines.extend(frameworks.iter().map(|framework| match in_use {
        InUse::Teardown => step("tear down", framework_words(framework)),
        InUse::Refuse | InUse::Force => framework_line(framework),
    }));
    if target.role.is_some() && agents.is_empty() {
        lines.push(Line::tone(Tone::Warn, "  No agent has anything reserved for the role."));
    }
    for AgentPlan { agent, hostname, entries } in agents {
        lines.push(format!("  Slave {}", located(agent, hostname)).into());
        let is_away = is_away(plan, agent);
        let entries = entries.iter().flat_map(|it| planned(it, target.principal.as_deref()));
        lines.extend(entries.map(|line| below(if is_away { later(line) } else { line })));
    }
    lines.extend(unreached.iter().map(unreached_line));
    lines.extend(znode_line(plan));
    if let Some(app) = &target.marathon_app {
        lines.push(step("remove", format!("Marathon app '{app}', which is this cleaner itself")));
    }
    if target.role.is_some() {
        lines.push(total(plan).into());
    }
    lines.extend(obstacle(plan).map(|why| Line::tone(Tone::Error, why)));
    lines
}

/// Whether nothing is sent for an agent, because it would not last.
fn is_away(plan: &CleanupPlan, agent: &str) -> bool {
    let is_away = |it: &Unreached| it.agent == agent && it.reason == UnreachedReason::NotActive;
    plan.unreached.iter().any(is_away)
}

/// The same line two columns further to the right.
fn below(line: Line) -> Line {
    Line { head: format!("  {}", line.head), ..line }
}

/// The same line for an agent that is away.
fn later(line: Line) -> Line {
    match line.tone {
        Tone::Gone => Line { rest: line.rest, ..headed(Tone::Warn, "later") },
        _ => line,
    }
}

fn heading(target: &Target) -> String {
    match (&target.role, &target.principal) {
        (Some(role), Some(principal)) => {
            format!("Plan: remove what principal '{principal}' made of role '{role}'")
        }
        (Some(role), None) => format!("Plan: remove everything of role '{role}'"),
        (None, _) => "Plan:".into(),
    }
}

/// What will become of one entry: its volume, and its reservation.
fn planned(planned: &Planned, wanted: Option<&str>) -> Vec<Line> {
    let Planned { entry, volume, reservation } = planned;
    let volume = volume.as_ref().zip(entry.volume.as_ref()).map(|(fate, volume)| {
        let Volume { principal, .. } = volume;
        let by = others(principal.as_deref(), wanted).map(|it| format!(", created by {it}"));
        fated(fate, "destroy", format!("{}{}", volume_words(volume), by.unwrap_or_default()))
    });
    let reservation = fated(reservation, "unreserve", words(entry, wanted));
    volume.into_iter().chain([reservation]).collect()
}

fn fated(fate: &Fate, verb: &str, what: String) -> Line {
    let why = match fate {
        Fate::Removed => return step(verb, what),
        Fate::Stays(SkipReason::StaticReservation) => "the agent's configuration reserves it",
        Fate::Stays(SkipReason::OtherPrincipal) => "another principal's",
        Fate::Stays(SkipReason::VolumeLeft) => "it holds a volume that stays",
    };
    kept(format!("{what} ({why})"))
}

/// Something that goes.
fn step(verb: &str, what: String) -> Line {
    Line { rest: what, ..headed(Tone::Gone, verb) }
}

/// Something that stays.
fn kept(what: String) -> Line {
    Line { rest: what, ..headed(Tone::Kept, "keep") }
}

/// A verb, and room for what it is about.
fn headed(tone: Tone, verb: &str) -> Line {
    Line::tone(tone, format!("  {verb:<9}  "))
}

fn znode_line(plan: &CleanupPlan) -> Option<Line> {
    let (znode, state) = plan.target.znode.as_ref().zip(plan.znode.as_ref())?;
    let below = match state {
        ZnodeState::Absent => return Some(format!("  znode '{znode}' is not there").into()),
        ZnodeState::There(0) => "nothing below it".into(),
        ZnodeState::There(below) => format!("{} below it", count(*below as usize, "node")),
        ZnodeState::MoreThan(below) => format!("more than {below} nodes below it"),
        ZnodeState::Unknown(why) => {
            let line = format!("  It is not known whether znode '{znode}' is there: {why}");
            return Some(Line::tone(Tone::Warn, line));
        }
    };
    let what = format!("znode '{znode}', with {below}");
    Some(match plan.unreached.is_empty() {
        true => step("delete", what),
        false => kept(format!("{what} (as long as a slave cannot be reached)")),
    })
}

/// Everything that goes, in one line.
fn total(plan: &CleanupPlan) -> String {
    let here = plan.agents.iter().filter(|agent| !is_away(plan, &agent.agent));
    let entries = || here.clone().flat_map(|agent| &agent.entries);
    let volumes = entries().filter(|it| it.volume == Some(Fate::Removed)).count();
    let released: Vec<_> = entries().filter(|it| it.reservation == Fate::Removed).collect();
    let concerned = here.clone().filter(|agent| agent.entries.iter().any(goes)).count();
    let all = plan.agents.iter().map(|agent| agent.entries.len()).sum::<usize>();
    let stay = match all - released.len() {
        0 => String::new(),
        stay => format!("; {stay} of {} stay", count(all, "resource")),
    };
    format!(
        "In total: {} and {} on {}{}{stay}",
        count(volumes, "volume"),
        count(released.len(), "resource"),
        count(concerned, "agent"),
        sums(released.iter().map(|it| &it.entry)),
    )
}

/// Whether a cleanup would do anything about an entry.
fn goes(it: &Planned) -> bool {
    it.volume == Some(Fate::Removed) || it.reservation == Fate::Removed
}

/// Why a cleanup would not do all of a plan.
fn obstacle(plan: &CleanupPlan) -> Option<String> {
    let why = match plan.refusal {
        Some(Reason::OtherPrincipals) => {
            "It would be refused: all of it was made by other principals."
        }
        Some(Reason::InUse) => "It would be refused: a registered framework still uses the role.",
        Some(_) => {
            let why = plan.frameworks_unknown.as_deref().unwrap_or_default();
            let line = "It would be refused: it is not known which frameworks use the role.";
            return Some(format!("{line} {why}").trim_end().to_owned());
        }
        None if plan.unreached.is_empty() => return None,
        None => "It would be incomplete: what those slaves hold stays.",
    };
    Some(why.to_owned())
}

/// Whether there is anything in a plan that would go.
pub fn changes_anything(plan: &CleanupPlan) -> bool {
    plan.agents.iter().flat_map(|agent| &agent.entries).any(goes)
        || plan.target.marathon_app.is_some()
        || plan.znode.as_ref().is_some_and(|znode| *znode != ZnodeState::Absent)
}

/// What there is in the cluster, in lines, with the commands that would remove
/// what no framework claims.
pub fn inventory(inventory: &Inventory, asked: &Asked) -> Vec<Line> {
    let Inventory { roles, unreached, frameworks_unknown, znodes_unknown, .. } = inventory;
    let mut lines = Vec::new();
    if roles.is_empty() {
        lines.extend(["".into(), "Nothing is reserved for any role.".into()]);
    }
    for holding in roles {
        lines.push("".into());
        lines.extend(holding_lines(holding, frameworks_unknown.is_none()));
        if holding.removable && holding.frameworks.is_empty() {
            let target = Target {
                role: Some(holding.role.clone()),
                principal: None,
                znode: holding.znodes.first().cloned(),
                marathon_app: None,
            };
            let command = asked.command(&target, asked.options);
            lines.push(format!("  To remove it: {command}").into());
        }
    }
    let warn = |line| Line::tone(Tone::Warn, line);
    let unknown = [
        frameworks_unknown.as_ref().map(|why| {
            warn(format!(
                "It is not known which frameworks are registered, nor what is orphaned. {why}"
            ))
        }),
        znodes_unknown.as_ref().map(|why| {
            warn(format!("It is not known which znodes there are, nor whose they may be: {why}"))
        }),
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
        (false, ..) => (Tone::Kept, "stays: the agents' configuration reserves it"),
        (true, true, true) => (Tone::Gone, "orphaned: no registered framework uses it"),
        (true, true, false) => (Tone::Warn, "perhaps orphaned"),
        (true, false, _) => (Tone::Kept, "in use"),
    };
    let mut lines = vec![Line::tone(tone, format!("Role '{role}': {state}"))];
    lines.extend(frameworks.iter().map(framework_line));
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
        let place = located(&agent.agent, &agent.hostname);
        format!("  Slave {place}: {found}, {resources}{}", sums(&agent.entries)).into()
    }));
    if !znodes.is_empty() {
        lines.push(format!("  Perhaps its znode: {}", znodes.join(", ")).into());
    }
    lines
}

/// An entry without its volume; whose it is, if that is not what was wanted.
fn words(entry: &Reserved, wanted: Option<&str>) -> String {
    let mut words = format!("{} {}", entry.name, amount(&entry.name, &entry.amount));
    if let Some(disk) = &entry.disk {
        words += &format!(" on {disk}");
    }
    if let Some(principal) = others(entry.principal.as_deref(), wanted) {
        words += &format!(", reserved by {principal}");
    }
    for label in &entry.labels {
        let value = label.value.as_ref().map(|it| format!("={it}")).unwrap_or_default();
        words += &format!(" [{}{value}]", label.key);
    }
    words
}

fn volume_words(volume: &Volume) -> String {
    let path = volume.container_path.as_ref().map(|it| format!(" at '{it}'"));
    format!("volume {}{}", volume.id, path.unwrap_or_default())
}

/// A principal, unless it is the one that was named.
fn others<'a>(principal: Option<&'a str>, wanted: Option<&str>) -> Option<&'a str> {
    principal.filter(|principal| Some(*principal) != wanted)
}

fn amount(name: &str, amount: &Amount) -> String {
    match amount {
        Amount::Scalar(value) => scalar(name, *value),
        Amount::Ranges(ranges) => {
            let range = |&(begin, end): &(u64, u64)| match begin == end {
                true => begin.to_string(),
                false => format!("{begin}-{end}"),
            };
            ranges.iter().map(range).collect::<Vec<_>>().join(", ")
        }
        Amount::Items(items) => format!("{{{}}}", items.join(", ")),
    }
}

/// A number with its unit, to the three digits that Mesos counts.
fn scalar(name: &str, value: f64) -> String {
    let value = (value * 1000.0).round() / 1000.0;
    let unit = if ["mem", "disk"].contains(&name) { " MiB" } else { "" };
    format!("{value}{unit}")
}

/// The sums of what is counted, behind a colon; nothing if nothing is.
fn sums<'a>(entries: impl IntoIterator<Item = &'a Reserved>) -> String {
    let mut sums: Vec<(&str, f64)> = Vec::new();
    for entry in entries {
        let Amount::Scalar(value) = entry.amount else { continue };
        match sums.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((&entry.name, value)),
        }
    }
    if sums.is_empty() {
        return String::new();
    }
    let sums: Vec<_> =
        sums.iter().map(|(name, sum)| format!("{name} {}", scalar(name, *sum))).collect();
    format!(": {}", sums.join(", "))
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn framework_line(framework: &Framework) -> Line {
    Line::tone(Tone::Warn, format!("  In use by {}", framework_words(framework)))
}

fn framework_words(Framework { id, name, active }: &Framework) -> String {
    let state = if *active { "active" } else { "not active" };
    format!("framework '{name}' ({id}, {state})")
}

fn unreached_line(Unreached { agent, hostname, reason }: &Unreached) -> Line {
    let why = match reason {
        UnreachedReason::NotActive => "is not connected to the master",
        UnreachedReason::Gone => "is not listed any more",
        UnreachedReason::Recovering => "has not come back since the master restarted",
        UnreachedReason::HiddenReservations => {
            "has reservations that may not be viewed (permission view_roles)"
        }
    };
    Line::tone(Tone::Warn, format!("  Slave {} {why}", located(agent, hostname)))
}

fn located(agent: &str, hostname: &str) -> String {
    match hostname {
        "" => agent.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, amount: Amount) -> Reserved {
        Reserved {
            name: name.into(),
            amount,
            dynamic: true,
            principal: Some("p".into()),
            labels: Vec::new(),
            disk: None,
            volume: None,
        }
    }

    #[test]
    fn what_is_counted_is_summed_up_with_its_unit() {
        let entries = [
            entry("cpus", Amount::Scalar(0.1)),
            entry("mem", Amount::Scalar(4096.0)),
            entry("cpus", Amount::Scalar(0.2)),
            entry("ports", Amount::Ranges(vec![(7000, 7001)])),
        ];
        assert_eq!(sums(&entries), ": cpus 0.3, mem 4096 MiB");
        assert_eq!(sums(&entries[3..]), "");
    }

    #[test]
    fn an_entry_names_only_other_principals() {
        let ports = entry("ports", Amount::Ranges(vec![(7000, 7001), (9042, 9042)]));
        assert_eq!(words(&ports, Some("p")), "ports 7000-7001, 9042");
        assert_eq!(words(&ports, None), "ports 7000-7001, 9042, reserved by p");
        let disk =
            Reserved { disk: Some("MOUNT /mnt/a".into()), ..entry("disk", Amount::Scalar(64.0)) };
        assert_eq!(words(&disk, Some("p")), "disk 64 MiB on MOUNT /mnt/a");
    }
}
