//! Describes a plan for people.

mod groups;

use janitor_contract::describe::{
    count, elsewhere_words, entry_words, skip_words, unreached_words, volume_words,
};
use janitor_contract::types::{CleanupPlan, Fate, Options, Planned, Target, Warning, ZnodeState};

use crate::extent::{Extent, elsewhere, ends_frameworks, is_away, obstacle_to_the_end};
use crate::line::{Line, Tone};
use crate::plan::groups::Group;
use crate::question::znode_words;
use crate::words::{framework_line, framework_with_roles, sums, unreached_line, with_labels};

/// Lists what a cleanup would do, in lines. Agents with equal resources have one list, unless the
/// agents are listed one by one.
pub fn plan(plan: &CleanupPlan, options: &Options, verbose: bool) -> Vec<Line> {
    plan_beside(plan, &[], options, verbose)
}

/// Lists what a cleanup would do if the same run carries out all plans of `beside`.
pub fn plan_beside(
    plan: &CleanupPlan,
    beside: &[&CleanupPlan],
    options: &Options,
    verbose: bool,
) -> Vec<Line> {
    let CleanupPlan { target, agents, unreached, ignored, frameworks, .. } = plan;
    let role = target.role.as_deref();
    let mut lines = vec!["".into(), heading(target).into()];
    lines.extend(frameworks.iter().map(|framework| match ends_frameworks(plan, options) {
        true => step(Tone::Destroyed, "tear down", framework_with_roles(framework, role)),
        false => framework_line(framework, role),
    }));
    if let (Some(why), None) = (&plan.frameworks_unknown, plan.refusal) {
        let line = format!("  It is not known whether other frameworks use it. {why}");
        lines.push(Line::tone(Tone::Warn, line));
    }
    if role.is_some() && agents.is_empty() {
        lines.push(Line::tone(Tone::Warn, "  No agent has anything reserved for the role."));
    }
    let lists = if verbose { groups::each(agents) } else { groups::equal(plan) };
    for Group { agents, entries } in lists {
        lines.push(groups::heading(&agents).into());
        let Some(agent) = agents.first() else { continue };
        let entries = entries.iter().flat_map(|it| planned(it, target.principal.as_deref()));
        lines.extend(entries.map(|line| below(as_far_as_reached(plan, &agent.agent, line))));
    }
    lines.extend(unreached.iter().map(unreached_line));
    lines.extend(
        ignored
            .iter()
            .map(|it| Line::tone(Tone::Warn, format!("  {} (ignored)", unreached_words(it)))),
    );
    let elsewhere =
        elsewhere(plan, beside).into_iter().map(|it| format!("  {}", elsewhere_words(it)));
    lines.extend(elsewhere.map(|line| Line::tone(Tone::Warn, line)));
    let warnings = plan.warnings.iter().filter_map(warning_words);
    lines.extend(warnings.map(|words| Line::tone(Tone::Warn, format!("  {words}"))));
    let stays = obstacle_to_the_end(plan, beside, options);
    lines.extend(znode_line(plan, stays));
    if let Some(app) = &target.marathon_app {
        let what = format!("Marathon app '{app}', which runs this janitor");
        lines.push(match stays {
            None => step(Tone::Released, "remove", what),
            Some(why) => kept(&format!("{what} ({why})")),
        });
    }
    lines.extend(total(plan, beside, options).map(Line::from));
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

/// Indents a line by two more columns.
fn below(line: Line) -> Line {
    Line { head: format!("  {}", line.head), ..line }
}

/// Changes a line about an agent that may be disconnected: its resources are kept until a run
/// reaches the agent, or permanently if the agent is ignored.
fn as_far_as_reached(plan: &CleanupPlan, agent: &str, line: Line) -> Line {
    match line.tone {
        Tone::Destroyed | Tone::Released if is_away(&plan.ignored, agent) => {
            kept(&format!("{} (the slave is not connected)", line.rest))
        }
        Tone::Destroyed | Tone::Released if is_away(&plan.unreached, agent) => {
            step(Tone::Warn, "later", line.rest)
        }
        _ => line,
    }
}

fn heading(target: &Target) -> String {
    let Target { role: Some(role), principal, agents, .. } = target else {
        return "Plan:".into();
    };
    let mut words = match principal {
        Some(principal) => {
            format!("Plan: remove what principal '{principal}' made of role '{role}'")
        }
        None if target.selects_by_label() => format!("Plan: remove the resources of role '{role}'"),
        None => format!("Plan: remove everything of role '{role}'"),
    };
    words += &with_labels(target);
    if !agents.is_empty() {
        words += &format!(" on {}", agents.join(", "));
    }
    words
}

/// The words for the removal of a volume, and of a reservation.
const DESTROY: (Tone, &str) = (Tone::Destroyed, "destroy");
const UNRESERVE: (Tone, &str) = (Tone::Released, "unreserve");

/// Describes the fate of an entry: of its volume, and of its reservation.
fn planned(planned: &Planned, wanted: Option<&str>) -> Vec<Line> {
    let Planned { entry, volume, reservation } = planned;
    let volume = volume
        .as_ref()
        .zip(entry.volume.as_ref())
        .map(|(fate, volume)| fated(fate, DESTROY, volume_words(volume, wanted)));
    let reservation = fated(reservation, UNRESERVE, entry_words(entry, wanted));
    volume.into_iter().chain([reservation]).collect()
}

fn fated(fate: &Fate, (tone, verb): (Tone, &str), what: String) -> Line {
    match fate {
        Fate::Removed => step(tone, verb, what),
        Fate::Stays(reason) => kept(&format!("{what} ({})", skip_words(*reason))),
    }
}

/// Describes something that a run changes, with the verb in a column of its own.
fn step(tone: Tone, verb: &str, what: String) -> Line {
    Line { tone, head: format!("  {verb:<9}  "), rest: what }
}

/// Describes something that is kept.
fn kept(what: &str) -> Line {
    Line::tone(Tone::Kept, format!("  {:<9}  {what}", "keep"))
}

fn znode_line(plan: &CleanupPlan, stays: Option<&str>) -> Option<Line> {
    let (znode, state) = plan.target.znode.as_ref().zip(plan.znode.as_ref())?;
    Some(match (state, stays) {
        (ZnodeState::Absent, _) => format!("  znode '{znode}' does not exist").into(),
        (ZnodeState::Unknown(why), _) => {
            let line = format!("  It is not known whether znode '{znode}' exists: {why}");
            Line::tone(Tone::Warn, line)
        }
        (_, None) => step(Tone::Destroyed, "delete", znode_words(znode, state)),
        (_, Some(why)) => kept(&format!("{} ({why})", znode_words(znode, state))),
    })
}

/// Sums up everything that a plan removes, in one line. A plan without a role and without anything
/// to remove has no such line.
fn total(plan: &CleanupPlan, beside: &[&CleanupPlan], options: &Options) -> Option<String> {
    let sum = sum(&Extent::of(plan, beside, options), plan.target.role.is_some());
    sum.map(|sum| format!("In total: {sum}"))
}

/// Sums up everything that is removed. Without a role and without anything to remove, there is no
/// sum.
pub fn sum(extent: &Extent, has_role: bool) -> Option<String> {
    let Extent { volumes, released, agents, kept, frameworks, znodes, app } = extent;
    let mut parts = Vec::new();
    if has_role {
        parts.push(format!(
            "{} and {} on {}{}",
            count(volumes.len(), "volume"),
            count(released.len(), "resource"),
            count(agents.len(), "agent"),
            sums(released.iter().copied()),
        ));
    }
    if *kept > 0 {
        parts.push(format!("{kept} of {} stay", count(kept + released.len(), "resource")));
    }
    let number = |number: usize, noun| (number > 0).then(|| count(number, noun));
    parts.extend(number(frameworks.len(), "framework"));
    parts.extend(number(znodes.len(), "znode"));
    parts.extend(number(usize::from(app.is_some()), "Marathon app"));
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{
        AgentPlan, Amount, Elsewhere, Reserved, Unreached, UnreachedReason, Volume,
    };

    use super::*;
    use crate::extent::changes_anything;
    use crate::testing::{self, entry};

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
        CleanupPlan { unreached, elsewhere, ..testing::plan() }
    }

    fn text(plan: &CleanupPlan, options: &Options) -> String {
        shown(plan, options, false)
    }

    fn shown(plan: &CleanupPlan, options: &Options, verbose: bool) -> String {
        let lines = super::plan(plan, options, verbose);
        lines.iter().map(|line| format!("{}{}\n", line.head, line.rest)).collect()
    }

    #[test]
    fn equal_agents_have_one_list() {
        let volume = |id: &str| Volume { id: id.into(), principal: None, container_path: None };
        let agent = |agent: &str, volume: Option<Volume>| AgentPlan {
            agent: agent.into(),
            hostname: format!("h-{agent}"),
            entries: vec![Planned {
                volume: volume.as_ref().map(|_| Fate::Removed),
                entry: Reserved { volume, ..entry("disk", Amount::Scalar(64.0)) },
                reservation: Fate::Removed,
            }],
        };
        let with = |id: &str| agent(id, Some(volume(&format!("v-{id}"))));
        let agents = vec![with("S0"), agent("S1", None), with("S2"), with("S3"), with("S4")];
        let mut plan = CleanupPlan { agents, ..testing::plan() };
        let grouped = text(&plan, &Options::DEFAULT);
        let expected = concat!(
            "  4 agents, each (h-S0, h-S2, h-S3 and 1 other; -v lists them):\n",
            "    destroy    volume\n",
            "    unreserve  disk 64 MiB, reserved by p\n",
            "  Slave S1 (h-S1)\n",
            "    unreserve  disk 64 MiB, reserved by p\n",
        );
        assert!(grouped.contains(expected), "{grouped}");
        let all = shown(&plan, &Options::DEFAULT, true);
        for id in ["S0", "S2", "S3", "S4"] {
            let own = format!("  Slave {id} (h-{id})\n    destroy    volume v-{id}\n");
            assert!(all.contains(&own), "{all}");
        }
        // Agents of one host differ by their IDs alone.
        let mut of_one_host = plan.clone();
        of_one_host.agents.iter_mut().for_each(|agent| agent.hostname = "h".into());
        let grouped = text(&of_one_host, &Options::DEFAULT);
        assert!(grouped.contains("  4 agents, each (S0, S2, S3 and 1 other; -v"), "{grouped}");
        // An agent that is away is not like the others.
        let (agent, hostname) = ("S2".to_owned(), String::new());
        let reason = UnreachedReason::NotActive;
        plan.unreached = vec![Unreached { agent, hostname, reason, since: None }];
        let grouped = text(&plan, &Options::DEFAULT);
        assert!(grouped.contains("  3 agents, each (h-S0, h-S3, h-S4):\n"), "{grouped}");
        assert!(grouped.contains("  Slave S2 (h-S2)\n    later      volume v-S2\n"), "{grouped}");
    }

    #[test]
    fn everything_is_in_the_total() {
        let framework = janitor_contract::types::Framework {
            id: "F".into(),
            name: "n".into(),
            active: true,
            roles: vec!["r".into()],
            tasks: 0,
        };
        let plan = CleanupPlan { frameworks: vec![framework], ..testing::plan() };
        let options =
            Options { in_use: janitor_contract::types::InUse::Teardown, ..Options::DEFAULT };
        let total = "In total: 0 volumes and 0 resources on 0 agents; 1 framework; 1 znode; \
                     1 Marathon app\n";
        let shown = text(&plan, &options);
        assert!(shown.contains(total), "{shown}");
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
            let shown = shown(&plan, &Options::DEFAULT, true);
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
