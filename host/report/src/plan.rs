//! Describes a plan for people.

use janitor_contract::describe::{
    agent_words, count, elsewhere_words, entry_words, skip_words, unreached_words, volume_words,
};
use janitor_contract::types::{
    AgentPlan, CleanupPlan, Fate, InUse, Options, Planned, Reason, Target, Unreached,
    UnreachedReason, Warning, ZnodeState,
};

use crate::line::{Line, Tone};
use crate::words::{framework_line, framework_with_roles, sums, unreached_line};

/// Lists what a cleanup would do, in lines.
pub fn plan(plan: &CleanupPlan, options: &Options) -> Vec<Line> {
    let CleanupPlan { target, agents, unreached, ignored, elsewhere, frameworks, .. } = plan;
    let role = target.role.as_deref();
    let mut lines = vec!["".into(), heading(target).into()];
    lines.extend(frameworks.iter().map(|framework| match ends_frameworks(plan, options) {
        true => step("tear down", framework_with_roles(framework, role)),
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
        lines.push(format!("  Slave {}", agent_words(agent, hostname)).into());
        let entries = entries.iter().flat_map(|it| planned(it, target.principal.as_deref()));
        lines.extend(entries.map(|line| below(as_far_as_reached(plan, agent, line))));
    }
    lines.extend(unreached.iter().map(unreached_line));
    lines.extend(
        ignored
            .iter()
            .map(|it| Line::tone(Tone::Warn, format!("  {} (ignored)", unreached_words(it)))),
    );
    let elsewhere = elsewhere.iter().map(|it| format!("  {}", elsewhere_words(it)));
    lines.extend(elsewhere.map(|line| Line::tone(Tone::Warn, line)));
    let warnings = plan.warnings.iter().filter_map(warning_words);
    lines.extend(warnings.map(|words| Line::tone(Tone::Warn, format!("  {words}"))));
    let stays = obstacle_to_the_end(plan, options);
    lines.extend(znode_line(plan, stays));
    if let Some(app) = &target.marathon_app {
        let what = format!("Marathon app '{app}', which runs this janitor");
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
            Some(format!("A run would be refused: {why}"))
        }
        None if !unreached.is_empty() => {
            Some("A run would be incomplete: the resources on those slaves stay.".into())
        }
        None => {
            stays.map(|_| "A run would be incomplete: the resources of those roles stay.".into())
        }
    };
    lines.extend(outcome.map(|why| Line::tone(Tone::Error, why)));
    lines
}

/// Returns the reason why a cleanup would be incomplete, and therefore keep the znode and the app.
fn obstacle_to_the_end(plan: &CleanupPlan, options: &Options) -> Option<&'static str> {
    match (plan.unreached.is_empty(), plan.elsewhere.is_empty() || !options.whole_service) {
        (false, _) => Some("until all slaves can be reached"),
        (true, false) => Some("while the service has reservations elsewhere"),
        (true, true) => None,
    }
}

/// Describes a warning that the other lines of a plan do not show.
fn warning_words(warning: &Warning) -> Option<&str> {
    match warning {
        Warning::PagesMissing => Some(
            "The master lacks endpoints that confirm its answers: it is an old version, or a proxy \
             does not forward them.",
        ),
        Warning::StackedReservations => Some(
            "Reservations are refined: resources return to the parent role's reservation, or a \
             child role's reservation keeps them.",
        ),
        Warning::FilesStay => Some(
            "Mesos before 1.0 does not delete the files of destroyed volumes: their files stay on \
             the agents' disks.",
        ),
        Warning::VersionUnknown => {
            Some("The agents do not report which version of Mesos they run.")
        }
        // Other lines of the plan show these.
        Warning::RoleNotFound | Warning::ResourcesLeft | Warning::PrincipalElsewhere => None,
        Warning::Other(text) => Some(text),
    }
}

/// The agents for which requests are sent: the resources on the others stay for now.
pub(crate) fn reached(plan: &CleanupPlan) -> impl Iterator<Item = &AgentPlan> + Clone {
    let is_away = |agent: &str| is_among(&plan.unreached, agent) || is_among(&plan.ignored, agent);
    plan.agents.iter().filter(move |it| !is_away(&it.agent))
}

/// Returns whether one of these is the agent, and it is disconnected, so that nothing is sent for it.
fn is_among(these: &[Unreached], agent: &str) -> bool {
    these.iter().any(|it| it.agent == agent && it.reason == UnreachedReason::NotActive)
}

/// Indents a line by two more columns.
fn below(line: Line) -> Line {
    Line { head: format!("  {}", line.head), ..line }
}

/// Changes a line about an agent that may be disconnected: its resources are kept until a run
/// reaches the agent, or permanently if the agent is ignored.
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
    let Target { role: Some(role), principal, labels, framework_id, agents, .. } = target else {
        return "Plan:".into();
    };
    let mut words = match principal {
        Some(principal) => {
            format!("Plan: remove what principal '{principal}' made of role '{role}'")
        }
        None if target.selects_by_label() => format!("Plan: remove the resources of role '{role}'"),
        None => format!("Plan: remove everything of role '{role}'"),
    };
    let labels = labels.iter().map(|it| format!("label '{}'", it.words()));
    let framework = framework_id.iter().map(|it| format!("framework ID '{it}'"));
    let labels: Vec<_> = labels.chain(framework).collect();
    if !labels.is_empty() {
        words += &format!(" with {}", labels.join(" and "));
    }
    if !agents.is_empty() {
        words += &format!(" on {}", agents.join(", "));
    }
    words
}

/// Describes the fate of an entry: of its volume, and of its reservation.
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
    match fate {
        Fate::Removed => step(verb, what),
        Fate::Stays(reason) => kept(format!("{what} ({})", skip_words(*reason))),
    }
}

/// Describes something that will be removed.
fn step(verb: &str, what: String) -> Line {
    Line { rest: what, ..headed(Tone::Gone, verb) }
}

/// Describes something that is kept.
fn kept(what: String) -> Line {
    Line { rest: what, ..headed(Tone::Kept, "keep") }
}

/// Starts a line with a verb, in its own column.
fn headed(tone: Tone, verb: &str) -> Line {
    Line::tone(tone, format!("  {verb:<9}  "))
}

fn znode_line(plan: &CleanupPlan, stays: Option<&str>) -> Option<Line> {
    let (znode, state) = plan.target.znode.as_ref().zip(plan.znode.as_ref())?;
    let below = match state {
        ZnodeState::Absent => return Some(format!("  znode '{znode}' does not exist").into()),
        ZnodeState::There(0) => "nothing below it".into(),
        ZnodeState::There(below) => format!("{} below it", count(*below as usize, "node")),
        ZnodeState::MoreThan(0) => "an unknown number of nodes below it".into(),
        ZnodeState::MoreThan(below) => format!("more than {below} nodes below it"),
        ZnodeState::Uncounted(why) => format!("nodes below it that could not be counted: {why}"),
        ZnodeState::Unknown(why) => {
            let line = format!("  It is not known whether znode '{znode}' exists: {why}");
            return Some(Line::tone(Tone::Warn, line));
        }
    };
    let what = format!("znode '{znode}', with {below}");
    Some(match stays {
        None => step("delete", what),
        Some(why) => kept(format!("{what} ({why})")),
    })
}

/// Sums up everything that will be removed, in one line.
fn total(plan: &CleanupPlan) -> String {
    let entries = || reached(plan).flat_map(|agent| &agent.entries);
    let volumes = entries().filter(|it| it.volume == Some(Fate::Removed)).count();
    let released: Vec<_> = entries().filter(|it| it.reservation == Fate::Removed).collect();
    let concerned = reached(plan).filter(|agent| agent.entries.iter().any(is_removed)).count();
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

/// Returns whether a cleanup would remove anything of an entry.
pub(crate) fn is_removed(it: &Planned) -> bool {
    it.volume == Some(Fate::Removed) || it.reservation == Fate::Removed
}

/// Returns whether the frameworks that a plan shows would be torn down.
fn ends_frameworks(plan: &CleanupPlan, options: &Options) -> bool {
    options.in_use == InUse::Teardown && plan.refusal != Some(Reason::InUse)
}

/// Returns whether a plan removes or tears down anything.
pub fn changes_anything(plan: &CleanupPlan, options: &Options) -> bool {
    (!plan.frameworks.is_empty() && ends_frameworks(plan, options))
        || reached(plan).flat_map(|agent| &agent.entries).any(is_removed)
        || plan.target.marathon_app.is_some()
        || plan.znode.as_ref().is_some_and(|znode| *znode != ZnodeState::Absent)
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{Amount, Elsewhere, Reserved};

    use super::*;
    use crate::testing::entry;

    #[test]
    fn an_entry_names_only_other_principals() {
        let ports = entry("ports", Amount::Ranges(vec![(7000, 7001), (9042, 9042)]));
        assert_eq!(entry_words(&ports, Some("p")), "ports 7000-7001, 9042");
        assert_eq!(entry_words(&ports, None), "ports 7000-7001, 9042, reserved by p");
        let disk =
            Reserved { disk: Some("MOUNT /mnt/a".into()), ..entry("disk", Amount::Scalar(64.0)) };
        assert_eq!(entry_words(&disk, Some("p")), "disk 64 MiB on MOUNT /mnt/a");
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

    #[test]
    fn resources_of_a_disconnected_agent_are_not_counted() {
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
            // If only that agent holds something, there is nothing to do.
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
            "Role 'a/r' has 2 resource(s) on 1 slave(s), which may belong to the same service",
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
