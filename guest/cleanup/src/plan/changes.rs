//! The changes in a cluster since a plan was made.

use std::collections::BTreeSet;

use crate::checks::Users;
use crate::context::{Abort, Context};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::Listing;
use janitor_contract::describe::{entry_words, framework_words, unreached_words, volume_words};
use janitor_contract::planned;
use janitor_contract::types::{
    AgentPlan, CleanupPlan, Fate, Framework, InUse, Level, Options, Planned, Reason, Unreached,
    UnreachedReason, ZnodeState,
};

impl<H: Host> Context<'_, H> {
    /// Aborts the run unless the cluster is as a plan shows it, and the plan may be carried out.
    /// It returns the list of agents if there is a role.
    pub fn as_planned(
        &mut self,
        plan: &CleanupPlan,
    ) -> Result<Option<Result<Listing, String>>, Abort> {
        if let Some(what) = planned::contradiction(plan) {
            let why = format!("the plan contradicts itself: {what}. Make a new plan");
            return Err(self.refuse(Refusal { reason: Reason::InvalidTarget, why }));
        }
        let then = planned::under(plan, self.options);
        let target = &then.target;
        let znode = self.znode_state(target);
        if let (Some(ZnodeState::Unknown(why)), Some(znode)) = (&znode, &target.znode) {
            let message = format!("It is unknown whether znode '{znode}' exists: {why}");
            return Err(self.abort(Reason::Failed, message));
        }
        let (now, listing) = self.survey(target)?;
        let now = CleanupPlan { znode, ..now };
        let differences = differences(&then, &now, self.options);
        for difference in &differences {
            self.host.say(Level::Error, difference, None);
        }
        let CleanupPlan { frameworks: all, refusal, why_refused, .. } = now;
        let refusal = match (differences.len(), refusal) {
            (0, None) => None,
            (0, Some(reason)) => {
                let why = why_refused.unwrap_or_default().trim_end_matches('.').to_owned();
                Some(Refusal { reason, why })
            }
            (count, _) => {
                let why = format!(
                    "the cluster has changed since the plan was made ({count} difference(s)). Make \
                     a new plan"
                );
                Some(Refusal { reason: Reason::Changed, why })
            }
        };
        match (&listing, refusal) {
            (Some(listing), refusal) => {
                self.require_unused(Users { all, doubt: None, refusal }, listing, target)?;
            }
            (None, Some(refusal)) => return Err(self.refuse(refusal)),
            (None, None) => {}
        }
        Ok(listing.map(Ok))
    }
}

/// Compares two plans, and returns a sentence for each difference. Versions and warnings are no
/// difference, and neither are fewer tasks.
fn differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let mut sentences = agent_differences(&then.agents, &now.agents);
    sentences.extend(reach_differences(&then.unreached, &now.unreached, ""));
    sentences.extend(reach_differences(&then.ignored, &now.ignored, " (ignored)"));
    if options.whole_service && then.elsewhere != now.elsewhere {
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
fn reach_differences(then: &[Unreached], now: &[Unreached], note: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "Not in the plan"), (then, now, "No longer true")];
    for (these, others, what) in changes {
        for it in these.iter().filter(|it| !others.iter().any(|other| is_as_far(it, other))) {
            sentences.push(format!("{what}: {}{note}", unreached_words(it)));
        }
    }
    sentences
}

/// Returns whether both are the same agent or machine, for which the same requests are sent. The
/// reason why it is out of reach, and the time, may be known better now.
fn is_as_far(one: &Unreached, other: &Unreached) -> bool {
    let is_away = |it: &Unreached| it.reason == UnreachedReason::NotActive;
    let is_same = match one.agent.is_empty() {
        true => other.agent.is_empty() && one.hostname == other.hostname,
        false => one.agent == other.agent,
    };
    is_same && is_away(one) == is_away(other)
}

/// Finds the frameworks that differ from the plan: a teardown would end them, or they would lose
/// their data.
fn framework_differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let mut sentences = Vec::new();
    let roles = |it: &Framework| it.roles.iter().cloned().collect::<BTreeSet<_>>();
    for framework in &now.frameworks {
        let name = framework_words(framework);
        match then.frameworks.iter().find(|it| it.id == framework.id) {
            None => sentences.push(format!("Framework {name} now uses the target")),
            Some(it) if it.name != framework.name || roles(it) != roles(framework) => {
                let has = framework.roles.join(", ");
                sentences.push(format!(
                    "Framework {name} differs from the plan; its roles are now: {has}"
                ));
            }
            Some(it) if options.in_use == InUse::Teardown && framework.tasks > it.tasks => {
                sentences.push(format!(
                    "Framework {name} now runs {} task(s), and {} in the plan",
                    framework.tasks, it.tasks
                ));
            }
            Some(_) => {}
        }
    }
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
pub(super) fn words(Planned { entry, volume, reservation }: &Planned) -> String {
    let stays = |fate: &Fate| if *fate == Fate::Removed { "" } else { " (stays)" };
    let by = if entry.dynamic { "" } else { ", reserved in the agent's configuration" };
    let of = entry.volume.as_ref().map(|it| format!(", with {}", volume_words(it, None)));
    let of = of.unwrap_or_default();
    let goes = volume.as_ref().map_or("", stays);
    format!("{}{by}{}{of}{goes}", entry_words(entry, None), stays(reservation))
}
