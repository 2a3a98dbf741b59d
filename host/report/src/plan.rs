//! What will be done, plans, inventories and what came of a run, for people.

use std::time::{Duration, UNIX_EPOCH};

use janitor_contract::describe::{entry_words, scalar, volume_words};
use janitor_contract::types::{
    AgentPlan, Amount, CleanupPlan, Elsewhere, Endpoint, Fate, Framework, Holding, InUse,
    Inventory, Options, Planned, Reason, Reserved, SkipReason, Target, Unreached, UnreachedReason,
    Warning, ZnodeState,
};
use janitor_contract::{Done, Endpoints, RunError};

use crate::line::{Line, Tone};
use crate::next::Asked;

/// The first line: what will be done where.
pub fn header(endpoints: &Endpoints, target: Option<&Target>) -> String {
    let mut line = format!(
        "Master: {} Exhibitor: {}",
        endpoints.masters().join(","),
        endpoints.base(Endpoint::Exhibitor)
    );
    if let Some(target) = target {
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
        Ok(Done::Cleaned(_)) => next().collect(),
        Ok(Done::Planned(it)) => plan(it, &asked.options).into_iter().chain(next()).collect(),
        Ok(Done::Discovered(it)) => inventory(it, asked).into_iter().chain(next()).collect(),
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
pub fn plan(plan: &CleanupPlan, options: &Options) -> Vec<Line> {
    let CleanupPlan { target, agents, unreached, ignored, elsewhere, frameworks, .. } = plan;
    let role = target.role.as_deref();
    let mut lines = vec!["".into(), heading(target).into()];
    lines.extend(frameworks.iter().map(|framework| match ends_frameworks(plan, options) {
        true => step("tear down", framework_words(framework, role)),
        false => framework_line(framework, role),
    }));
    if let (Some(why), None) = (&plan.frameworks_unknown, plan.refusal) {
        let line = format!("  It is not known whether other frameworks use it. {why}");
        lines.push(Line::tone(Tone::Warn, line));
    }
    if role.is_some() && agents.is_empty() {
        lines.push(Line::tone(Tone::Warn, "  No agent has anything reserved for the role."));
    }
    for AgentPlan { agent, hostname, entries } in agents {
        lines.push(format!("  Slave {}", located(agent, hostname)).into());
        let entries = entries.iter().flat_map(|it| planned(it, target.principal.as_deref()));
        lines.extend(entries.map(|line| below(as_far_as_reached(plan, agent, line))));
    }
    lines.extend(unreached.iter().map(unreached_line));
    lines.extend(
        ignored
            .iter()
            .map(|it| Line::tone(Tone::Warn, format!("  Ignored: slave {}", unreached_words(it)))),
    );
    lines.extend(elsewhere.iter().map(|it| elsewhere_line(it, role)));
    let warnings = plan.warnings.iter().filter_map(|warning| warning_words(*warning));
    lines.extend(warnings.map(|words| Line::tone(Tone::Warn, format!("  {words}"))));
    let stays = obstacle_to_the_end(plan, options);
    lines.extend(znode_line(plan, stays));
    if let Some(app) = &target.marathon_app {
        let what = format!("Marathon app '{app}', which is this cleaner itself");
        lines.push(match stays {
            None => step("remove", what),
            Some(why) => kept(format!("{what} ({why})")),
        });
    }
    if role.is_some() {
        lines.push(total(plan).into());
    }
    let outcome = match plan.refusal {
        Some(_) => {
            let why = plan.why_refused.as_deref().unwrap_or("a safety check fails.");
            Some(format!("It would be refused: {why}"))
        }
        None if !unreached.is_empty() => {
            Some("It would be incomplete: what those slaves hold stays.".into())
        }
        None => stays.map(|_| "It would be incomplete: what is reserved elsewhere stays.".into()),
    };
    lines.extend(outcome.map(|why| Line::tone(Tone::Error, why)));
    lines
}

/// Why a cleanup would not come to its end, and so keeps the znode and the app.
fn obstacle_to_the_end(plan: &CleanupPlan, options: &Options) -> Option<&'static str> {
    match (plan.unreached.is_empty(), plan.elsewhere.is_empty() || !options.whole_service) {
        (false, _) => Some("as long as a slave cannot be reached"),
        (true, false) => Some("as long as something of the service is reserved elsewhere"),
        (true, true) => None,
    }
}

/// What a run should know that the other lines of a plan do not say.
fn warning_words(warning: Warning) -> Option<&'static str> {
    match warning {
        Warning::PagesMissing => Some(
            "The master does not have all pages by which its answers are checked: it is an old \
             one, or a proxy does not pass them on.",
        ),
        Warning::StackedReservations => Some(
            "Reservations are stacked: those of a role above get theirs back, or those of a role \
             below keep the role's.",
        ),
        Warning::FilesStay => Some(
            "This Mesos is older than 1.0: it forgets destroyed volumes, and their files stay on \
             the agents' disks.",
        ),
        Warning::VersionUnknown => Some("The agents do not say which version of Mesos they run."),
        // There are lines about them.
        Warning::RoleNotFound | Warning::ResourcesLeft | Warning::PrincipalElsewhere => None,
    }
}

/// Something that may belong to the same service.
fn elsewhere_line(it: &Elsewhere, target: Option<&str>) -> Line {
    let Elsewhere { role, principal, resources, agents } = it;
    let found = count(*resources as usize, "resource");
    let place = count(*agents as usize, "agent");
    let why = match (principal, target) {
        (Some(principal), _) => format!("made by '{principal}'"),
        (None, Some(target)) => format!("which ends in '/{target}'"),
        (None, None) => "which may be of the same service".into(),
    };
    Line::tone(Tone::Warn, format!("  Elsewhere: {found} on {place} for role '{role}', {why}"))
}

/// The agents for which something is sent: what the others hold stays for now.
fn reached(plan: &CleanupPlan) -> impl Iterator<Item = &AgentPlan> + Clone {
    let is_away = |agent: &str| is_among(&plan.unreached, agent) || is_among(&plan.ignored, agent);
    plan.agents.iter().filter(move |it| !is_away(&it.agent))
}

/// Whether an agent is among these, and nothing is sent for it, because it would not last.
fn is_among(these: &[Unreached], agent: &str) -> bool {
    these.iter().any(|it| it.agent == agent && it.reason == UnreachedReason::NotActive)
}

/// The same line two columns further to the right.
fn below(line: Line) -> Line {
    Line { head: format!("  {}", line.head), ..line }
}

/// The same line for an agent that may be away: what would go stays until a run reaches the
/// agent, and stays for good where nobody waits for that.
fn as_far_as_reached(plan: &CleanupPlan, agent: &str, line: Line) -> Line {
    match line.tone {
        Tone::Gone if is_among(&plan.ignored, agent) => {
            kept(format!("{} (the slave is not connected)", line.rest))
        }
        Tone::Gone if is_among(&plan.unreached, agent) => {
            Line { rest: line.rest, ..headed(Tone::Warn, "later") }
        }
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
    let volume = volume
        .as_ref()
        .zip(entry.volume.as_ref())
        .map(|(fate, volume)| fated(fate, "destroy", volume_words(volume, wanted)));
    let reservation = fated(reservation, "unreserve", entry_words(entry, wanted));
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

fn znode_line(plan: &CleanupPlan, stays: Option<&str>) -> Option<Line> {
    let (znode, state) = plan.target.znode.as_ref().zip(plan.znode.as_ref())?;
    let below = match state {
        ZnodeState::Absent => return Some(format!("  znode '{znode}' is not there").into()),
        ZnodeState::There(0) => "nothing below it".into(),
        ZnodeState::There(below) => format!("{} below it", count(*below as usize, "node")),
        ZnodeState::MoreThan(0) => "an unknown number of nodes below it".into(),
        ZnodeState::MoreThan(below) => format!("more than {below} nodes below it"),
        ZnodeState::Uncounted(why) => format!("nodes below it that could not be counted: {why}"),
        ZnodeState::Unknown(why) => {
            let line = format!("  It is not known whether znode '{znode}' is there: {why}");
            return Some(Line::tone(Tone::Warn, line));
        }
    };
    let what = format!("znode '{znode}', with {below}");
    Some(match stays {
        None => step("delete", what),
        Some(why) => kept(format!("{what} ({why})")),
    })
}

/// Everything that goes, in one line.
fn total(plan: &CleanupPlan) -> String {
    let entries = || reached(plan).flat_map(|agent| &agent.entries);
    let volumes = entries().filter(|it| it.volume == Some(Fate::Removed)).count();
    let released: Vec<_> = entries().filter(|it| it.reservation == Fate::Removed).collect();
    let concerned = reached(plan).filter(|agent| agent.entries.iter().any(goes)).count();
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

/// Whether the frameworks that a plan shows would end.
fn ends_frameworks(plan: &CleanupPlan, options: &Options) -> bool {
    options.in_use == InUse::Teardown && plan.refusal != Some(Reason::InUse)
}

/// Whether there is anything in a plan that would go, or end.
pub fn changes_anything(plan: &CleanupPlan, options: &Options) -> bool {
    (!plan.frameworks.is_empty() && ends_frameworks(plan, options))
        || reached(plan).flat_map(|agent| &agent.entries).any(goes)
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
        // What several have made may be several services', of a group's role.
        let is_ones = holding.principals.len() < 2;
        let is_orphaned = holding.frameworks.is_empty() && frameworks_unknown.is_none();
        if holding.removable && is_orphaned && is_ones {
            let target = Target {
                role: Some(holding.role.clone()),
                principal: None,
                znode: holding.znodes.first().cloned(),
                marathon_app: None,
            };
            let command = asked.command(&target, &asked.options);
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
        (true, true, true) => {
            (Tone::Gone, "orphaned, or an operator's own: no registered framework uses it")
        }
        (true, true, false) => (Tone::Warn, "perhaps orphaned"),
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
        let place = located(&agent.agent, &agent.hostname);
        format!("  Slave {place}: {found}, {resources}{}", sums(&agent.entries)).into()
    }));
    if !znodes.is_empty() {
        lines.push(format!("  Perhaps its znode: {}", znodes.join(", ")).into());
    }
    lines
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

fn framework_line(framework: &Framework, role: Option<&str>) -> Line {
    Line::tone(Tone::Warn, format!("  In use by {}", framework_words(framework, role)))
}

/// A framework, with what it has besides a role.
fn framework_words(framework: &Framework, role: Option<&str>) -> String {
    let Framework { id, name, active, roles, tasks } = framework;
    let state = if *active { "active" } else { "not active" };
    let tasks = count(*tasks as usize, "task");
    let others: Vec<_> =
        roles.iter().map(String::as_str).filter(|other| Some(*other) != role).collect();
    let other = if others.len() < roles.len() { "other " } else { "" };
    let others = match others.len() {
        0 => String::new(),
        1 => format!(", {other}role: {}", others.concat()),
        _ => format!(", {other}roles: {}", others.join(", ")),
    };
    format!("framework '{name}' ({id}, {state}, {tasks}{others})")
}

fn unreached_line(unreached: &Unreached) -> Line {
    Line::tone(Tone::Warn, format!("  Slave {}", unreached_words(unreached)))
}

/// An agent, why it may hold something, and since when.
fn unreached_words(Unreached { agent, hostname, reason, since }: &Unreached) -> String {
    let why = match reason {
        UnreachedReason::NotActive => "is not connected to the master",
        UnreachedReason::Gone => "is not listed any more",
        UnreachedReason::Unreachable => "is unreachable",
        UnreachedReason::MachineDown => "is on a machine that is down for maintenance",
        UnreachedReason::OperationPending => "has not done yet what it was asked to do",
        UnreachedReason::Recovering => "has not come back since the master restarted",
        UnreachedReason::HiddenReservations => {
            "has reservations that may not be viewed (permission view_roles)"
        }
    };
    let since = since.and_then(moment).map(|moment| format!(", since {moment}"));
    format!("{} {why}{}", located(agent, hostname), since.unwrap_or_default())
}

/// A time in UTC, if it is one that can be written.
fn moment(seconds: u64) -> Option<String> {
    /// The year 10000, which RFC 3339 does not have.
    const END: u64 = 253_402_300_800;
    (seconds < END).then(|| {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    })
}

fn located(agent: &str, hostname: &str) -> String {
    match (agent, hostname) {
        ("", "") => "without a name".to_owned(),
        (_, "") => agent.to_owned(),
        ("", _) => hostname.to_owned(),
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
        assert_eq!(entry_words(&ports, Some("p")), "ports 7000-7001, 9042");
        assert_eq!(entry_words(&ports, None), "ports 7000-7001, 9042, reserved by p");
        let disk =
            Reserved { disk: Some("MOUNT /mnt/a".into()), ..entry("disk", Amount::Scalar(64.0)) };
        assert_eq!(entry_words(&disk, Some("p")), "disk 64 MiB on MOUNT /mnt/a");
    }

    #[test]
    fn an_agent_that_cannot_be_reached_is_named_with_its_time() {
        let unreached = |since| Unreached {
            agent: "S0".into(),
            hostname: "h0".into(),
            reason: UnreachedReason::Unreachable,
            since,
        };
        assert_eq!(unreached_words(&unreached(None)), "S0 (h0) is unreachable");
        assert_eq!(
            unreached_words(&unreached(Some(1_795_644_000))),
            "S0 (h0) is unreachable, since 2026-11-25T22:00:00Z"
        );
        assert_eq!(unreached_words(&unreached(Some(u64::MAX))), "S0 (h0) is unreachable");
        let machine = Unreached {
            agent: String::new(),
            reason: UnreachedReason::MachineDown,
            ..unreached(None)
        };
        assert_eq!(unreached_words(&machine), "h0 is on a machine that is down for maintenance");
    }

    #[test]
    fn a_framework_is_named_with_all_that_a_teardown_would_end() {
        let roles = |roles: &[&str]| roles.iter().map(ToString::to_string).collect();
        let marathon = Framework {
            id: "M-0001".into(),
            name: "marathon".into(),
            active: true,
            roles: roles(&["dev", "slave_public", "prod"]),
            tasks: 1,
        };
        assert_eq!(
            framework_words(&marathon, Some("dev")),
            "framework 'marathon' (M-0001, active, 1 task, other roles: slave_public, prod)"
        );
        let kafka = Framework { name: "kafka".into(), roles: roles(&["dev"]), ..marathon };
        assert_eq!(
            framework_words(&kafka, Some("dev")),
            "framework 'kafka' (M-0001, active, 1 task)"
        );
        // Without the role among them, no role is another one.
        for role in [None, Some("q")] {
            assert_eq!(
                framework_words(&kafka, role),
                "framework 'kafka' (M-0001, active, 1 task, role: dev)"
            );
        }
    }

    fn plan_with(unreached: Vec<Unreached>, elsewhere: Vec<Elsewhere>) -> CleanupPlan {
        CleanupPlan {
            target: Target {
                role: Some("r".into()),
                znode: Some("z".into()),
                marathon_app: Some("/janitor".into()),
                ..Target::NOTHING
            },
            mesos_version: None,
            agents: vec![],
            unreached,
            ignored: vec![],
            elsewhere,
            frameworks: vec![],
            frameworks_unknown: None,
            znode: Some(ZnodeState::MoreThan(0)),
            warnings: vec![Warning::FilesStay],
            refusal: None,
            why_refused: None,
        }
    }

    fn text(plan: &CleanupPlan, options: &Options) -> String {
        let lines = super::plan(plan, options);
        lines.iter().map(|line| format!("{}{}\n", line.head, line.rest)).collect()
    }

    /// What is on an agent to which nothing is sent.
    #[test]
    fn what_an_agent_that_is_away_holds_is_not_counted() {
        let agent = |agent: &str| AgentPlan {
            agent: agent.into(),
            hostname: String::new(),
            entries: vec![Planned {
                entry: entry("cpus", Amount::Scalar(0.5)),
                volume: None,
                reservation: Fate::Removed,
            }],
        };
        let away =
            |reason| Unreached { agent: "S1".into(), hostname: String::new(), reason, since: None };
        let (away, hides) =
            (away(UnreachedReason::NotActive), away(UnreachedReason::HiddenReservations));
        let kept = "keep       cpus 0.5, reserved by p (the slave is not connected)";
        for (unreached, ignored, line, total) in [
            (vec![], vec![], "unreserve  cpus 0.5, reserved by p", "2 resources on 2 agents"),
            (vec![away.clone()], vec![], "later      cpus", "1 resource on 1 agent: cpus 0.5; 1"),
            (vec![], vec![away], kept, "0 volumes and 1 resource on 1 agent: cpus 0.5; 1 of 2"),
            (vec![], vec![hides], "unreserve  cpus 0.5, reserved by p", "2 resources on 2 agents"),
        ] {
            let agents = vec![agent("S0"), agent("S1")];
            let mut plan = CleanupPlan { agents, ignored, ..plan_with(unreached, vec![]) };
            let shown = text(&plan, &Options::DEFAULT);
            let (_, of_agent) = shown.split_once("  Slave S1\n").unwrap();
            assert!(of_agent.trim_start().starts_with(line), "{line}: {shown}");
            assert!(shown.contains(total), "{total}: {shown}");
            // When that agent alone has something, there is nothing to do.
            plan.agents.remove(0);
            plan.target.marathon_app = None;
            plan.znode = None;
            let changes = changes_anything(&plan, &Options::DEFAULT);
            assert_eq!(changes, line.starts_with("unreserve"), "{shown}");
        }
    }

    #[test]
    fn a_plan_shows_the_cleaners_own_app_and_what_keeps_it() {
        let elsewhere = Elsewhere { role: "a/r".into(), principal: None, resources: 2, agents: 1 };
        let plan = plan_with(vec![], vec![elsewhere]);
        let shown = text(&plan, &Options::DEFAULT);
        for words in [
            "Elsewhere: 2 resources on 1 agent for role 'a/r', which ends in '/r'",
            "their files stay on the agents' disks",
            "delete     znode 'z', with an unknown number of nodes below it",
            "remove     Marathon app '/janitor'",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        let whole = text(&plan, &Options { whole_service: true, ..Options::DEFAULT });
        for words in ["keep       znode 'z'", "keep       Marathon app", "would be incomplete"] {
            assert!(whole.contains(words), "{words}: {whole}");
        }
    }
}
