//! Compares plans of one target: the changes in a cluster since a plan was made, and the cluster
//! that a plan would leave.

use std::collections::BTreeSet;

use crate::describe::{entry_words, framework_words, unreached_words, volume_words};
use crate::types::{
    AgentPlan, CleanupPlan, Elsewhere, Fate, Framework, InUse, Options, Planned, Reason, Unreached,
    UnreachedReason, ZnodeState,
};

/// Compares two plans, and returns a sentence for each difference. Versions and warnings are no
/// difference, and neither is a framework that does less than in the plan: one with fewer tasks, or that is not
/// active any more.
pub fn differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let mut sentences = agent_differences(&then.agents, &now.agents);
    let holds = |id: &str| {
        let mut agents = then.agents.iter().chain(&now.agents);
        agents.any(|it| it.agent == id && !it.entries.is_empty())
    };
    sentences.extend(reach_differences(&then.unreached, &now.unreached, holds, ""));
    sentences.extend(reach_differences(&then.ignored, &now.ignored, holds, " (ignored)"));
    if options.whole_service && !of_other_roles(then).eq(of_other_roles(now)) {
        // This decides whether the znode is deleted.
        sentences.push("The service's resources under other roles differ from the plan".into());
    }
    sentences.extend(framework_differences(then, now, options));
    sentences.extend(znode_difference(then, now));
    if let (Some(_), None) = (then.refusal, now.refusal) {
        let why = then.why_refused.as_deref().unwrap_or_default();
        sentences.push(format!("The plan was refused, but no longer is: {why}"));
    }
    sentences
}

/// Lists the resources of other roles that may belong to the same service.
fn of_other_roles(plan: &CleanupPlan) -> impl Iterator<Item = &Elsewhere> {
    plan.elsewhere.iter().filter(|it| Some(&it.role) != plan.target.role.as_ref())
}

/// Finds the entries that agents hold now, and those that they no longer hold.
fn agent_differences(then: &[AgentPlan], now: &[AgentPlan]) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "now has"), (then, now, "no longer has")];
    for (these, others, verb) in changes {
        for agent in these {
            let other = others.iter().find(|other| other.agent == agent.agent);
            let mut known: Vec<_> = other.into_iter().flat_map(|other| &other.entries).collect();
            for planned in &agent.entries {
                match known.iter().position(|other| *other == planned) {
                    Some(index) => drop(known.swap_remove(index)),
                    None => {
                        sentences.push(format!("Slave {} {verb}: {}", agent.agent, words(planned)))
                    }
                }
            }
        }
    }
    sentences
}

/// Finds the agents that cannot be reached any more, and those that can be reached now: for
/// these, more would be removed than the plan shows, above all the znode.
fn reach_differences(
    then: &[Unreached],
    now: &[Unreached],
    holds: impl Fn(&str) -> bool,
    note: &str,
) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "Not in the plan"), (then, now, "No longer true")];
    for (these, others, what) in changes {
        let is_as_far = |it: &Unreached| others.iter().any(|other| is_as_far(it, other, &holds));
        for it in these.iter().filter(|it| !is_as_far(it)) {
            sentences.push(format!("{what}: {}{note}", unreached_words(it)));
        }
    }
    sentences
}

/// Returns whether both are the same agent or machine, for which the same requests are sent. It depends on whether the
/// agent is disconnected only if the agent has something of the target. The reason why it is out of reach, and the time,
/// may be known better now.
fn is_as_far(one: &Unreached, other: &Unreached, holds: impl Fn(&str) -> bool) -> bool {
    let is_away = |it: &Unreached| it.reason == UnreachedReason::NotActive;
    let is_same = match one.agent.is_empty() {
        true => other.agent.is_empty() && one.hostname == other.hostname,
        false => one.agent == other.agent,
    };
    is_same && (is_away(one) == is_away(other) || !holds(&one.agent))
}

/// Finds the frameworks that differ from the plan: a teardown would end them, or they would lose
/// their data.
fn framework_differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let difference = |it| framework_difference(&then.frameworks, it, options);
    let mut sentences: Vec<_> = now.frameworks.iter().filter_map(difference).collect();
    let is_gone = |it: &&Framework| !now.frameworks.iter().any(|other| other.id == it.id);
    for framework in then.frameworks.iter().filter(is_gone) {
        sentences
            .push(format!("Framework {} no longer uses the target", framework_words(framework)));
    }
    if let (None, Some(why)) = (&then.frameworks_unknown, &now.frameworks_unknown) {
        sentences.push(format!("It is no longer known which frameworks exist: {why}"));
    }
    sentences
}

/// Compares a framework that uses the target now with those of the plan. The sentence says what the plan does
/// not show, if there is anything.
pub fn framework_difference(
    planned: &[Framework],
    framework: &Framework,
    options: &Options,
) -> Option<String> {
    let roles = |it: &Framework| it.roles.iter().cloned().collect::<BTreeSet<_>>();
    let name = framework_words(framework);
    match planned.iter().find(|it| it.id == framework.id) {
        None => Some(format!("Framework {name} now uses the target")),
        Some(it) if it.name != framework.name || roles(it) != roles(framework) => {
            let has = framework.roles.join(", ");
            Some(format!("Framework {name} differs from the plan; its roles are now: {has}"))
        }
        Some(_) if options.in_use != InUse::Teardown => None,
        Some(it) if framework.tasks > it.tasks => Some(format!(
            "Framework {name} now runs {} task(s), and {} in the plan",
            framework.tasks, it.tasks
        )),
        Some(it) if framework.active && !it.active => {
            Some(format!("Framework {name} is active now, and not in the plan"))
        }
        Some(_) => None,
    }
}

/// Compares the states of the znode.
fn znode_difference(then: &CleanupPlan, now: &CleanupPlan) -> Option<String> {
    use ZnodeState::{Absent, MoreThan, There, Uncounted, Unknown};

    let znode = then.target.znode.as_deref()?;
    let what = match (then.znode.as_ref()?, now.znode.as_ref()?) {
        (_, Unknown(why)) => format!("can no longer be read: {why}"),
        // The plan could not say more about it.
        (Absent | Unknown(_), Absent) | (MoreThan(_), MoreThan(_)) => return None,
        (Uncounted(_), There(_) | MoreThan(_) | Uncounted(_)) => return None,
        (There(then), There(now)) if then == now => return None,
        (_, Absent) => "no longer exists".into(),
        (Absent, _) => "exists now".into(),
        (Unknown(_), _) => "exists now, but could not be read for the plan".into(),
        (There(then), There(now)) => {
            format!("now has {now} node(s) below it, and {then} in the plan")
        }
        (There(then), MoreThan(now)) => {
            format!("now has more than {now} nodes below it, and {then} in the plan")
        }
        (MoreThan(then), There(now)) => {
            format!("now has {now} node(s) below it, and more than {then} in the plan")
        }
        (_, Uncounted(why)) => format!("has nodes below it that can no longer be counted: {why}"),
    };
    Some(format!("The znode '{znode}' {what}"))
}

/// Describes an entry with everything in which two entries can differ.
pub fn words(Planned { entry, volume, reservation }: &Planned) -> String {
    let stays = |fate: &Fate| if *fate == Fate::Removed { "" } else { " (stays)" };
    let by = if entry.dynamic { "" } else { ", reserved in the agent's configuration" };
    let of = entry.volume.as_ref().map(|it| format!(", with {}", volume_words(it, None)));
    let of = of.unwrap_or_default();
    let goes = volume.as_ref().map_or("", stays);
    format!("{}{by}{}{of}{goes}", entry_words(entry, None), stays(reservation))
}

/// Returns the plan of the same target after the plan has been carried out completely, or nothing
/// if it cannot be carried out completely: it is refused, or it keeps the znode because of other
/// agents or roles.
pub fn afterwards(plan: &CleanupPlan, options: &Options) -> Option<CleanupPlan> {
    let is_blocked = options.whole_service && of_other_roles(plan).next().is_some();
    if plan.refusal.is_some() || !plan.unreached.is_empty() || is_blocked {
        return None;
    }
    let agents = plan.agents.iter().map(|agent| {
        let is_away =
            |it: &Unreached| it.agent == agent.agent && it.reason == UnreachedReason::NotActive;
        match plan.ignored.iter().any(is_away) {
            true => agent.clone(),
            false => AgentPlan {
                entries: agent.entries.iter().filter_map(kept).collect(),
                ..agent.clone()
            },
        }
    });
    let frameworks = match options.in_use {
        InUse::Teardown => vec![],
        InUse::Refuse | InUse::Force => plan.frameworks.clone(),
    };
    Some(CleanupPlan {
        agents: agents.collect(),
        frameworks,
        znode: plan.znode.as_ref().map(|_| ZnodeState::Absent),
        ..plan.clone()
    })
}

/// Returns the part of an entry that a cleanup leaves, if there is one.
fn kept(planned: &Planned) -> Option<Planned> {
    match (&planned.volume, &planned.reservation) {
        (_, Fate::Removed) => None,
        (Some(Fate::Removed), Fate::Stays(_)) => {
            let mut left = planned.clone();
            (left.volume, left.entry.volume) = (None, None);
            Some(left)
        }
        _ => Some(planned.clone()),
    }
}

/// Returns whether a cluster of which `now` is the plan is as the plan `then` would leave it. This
/// does not prove that it is the same cluster.
pub fn is_carried_out(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> bool {
    let is_quiet = match now.refusal {
        // A role of which only resources of others remain, or nothing, is refused for that.
        None | Some(Reason::OtherPrincipals | Reason::OtherLabels | Reason::RoleNotFound) => true,
        Some(_) => false,
    };
    is_quiet
        && now.frameworks_unknown.is_none()
        && afterwards(then, options)
            .is_some_and(|after| differences(&after, now, options).is_empty())
}
