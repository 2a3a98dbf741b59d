//! The extent of a plan: everything that a run would change.

use std::collections::BTreeSet;

use janitor_contract::types::{
    AgentPlan, CleanupPlan, Elsewhere, Fate, Framework, InUse, Options, Planned, Reason, Reserved,
    Unreached, UnreachedReason, ZnodeState,
};

/// Everything that a run would change.
#[derive(Default)]
pub struct Extent<'a> {
    /// The entries whose volumes are destroyed.
    pub volumes: Vec<&'a Reserved>,
    /// The entries whose reservations are released.
    pub released: Vec<&'a Reserved>,
    /// The agents on which something is destroyed or released.
    pub agents: BTreeSet<&'a str>,
    /// The number of entries of the role that stay.
    pub kept: usize,
    /// The frameworks that are torn down.
    pub frameworks: Vec<&'a Framework>,
    /// The ZooKeeper nodes that are deleted, and their states.
    pub znodes: Vec<(&'a str, &'a ZnodeState)>,
    /// The Marathon app that is removed.
    pub app: Option<&'a str>,
}

impl<'a> Extent<'a> {
    /// The extent of a plan with these options, if the same run carries out all plans of `beside`.
    pub fn of(plan: &'a CleanupPlan, beside: &[&CleanupPlan], options: &Options) -> Self {
        let entries = || reached(plan).flat_map(|agent| &agent.entries);
        let destroyed = entries().filter(|it| it.volume == Some(Fate::Removed));
        let released: Vec<_> = entries().filter(|it| it.reservation == Fate::Removed).collect();
        let all = plan.agents.iter().map(|agent| agent.entries.len()).sum::<usize>();
        let is_complete = obstacle_to_the_end(plan, beside, options).is_none();
        let znode = plan.target.znode.as_deref().zip(plan.znode.as_ref());
        let changed = reached(plan).filter(|agent| agent.entries.iter().any(is_removed));
        let ended = ends_frameworks(plan, options).then_some(&plan.frameworks);
        Self {
            volumes: destroyed.map(|it| &it.entry).collect(),
            agents: changed.map(|it| it.agent.as_str()).collect(),
            kept: all - released.len(),
            released: released.into_iter().map(|it| &it.entry).collect(),
            frameworks: ended.into_iter().flatten().collect(),
            znodes: znode
                .into_iter()
                .filter(|(_, state)| is_complete && **state != ZnodeState::Absent)
                .collect(),
            app: plan.target.marathon_app.as_deref().filter(|_| is_complete),
        }
    }

    /// The extent of several plans that are carried out in one run.
    pub fn of_all(plans: &[&'a CleanupPlan], options: &Options) -> Self {
        plans.iter().map(|plan| Self::of(plan, plans, options)).fold(Self::default(), Self::and)
    }

    fn and(mut self, other: Self) -> Self {
        self.volumes.extend(other.volumes);
        self.released.extend(other.released);
        self.agents.extend(other.agents);
        for framework in other.frameworks {
            if !self.frameworks.iter().any(|it| it.id == framework.id) {
                self.frameworks.push(framework);
            }
        }
        self.znodes.extend(other.znodes);
        Self { kept: self.kept + other.kept, app: self.app.or(other.app), ..self }
    }
}

/// Returns whether a plan may remove or tear down anything. The znode and the app count even if
/// this run would keep them.
pub fn changes_anything(plan: &CleanupPlan, options: &Options) -> bool {
    changes_agents(plan, options)
        || plan.target.marathon_app.is_some()
        || plan.znode.as_ref().is_some_and(|znode| *znode != ZnodeState::Absent)
}

/// Returns whether a plan tears down a framework, or removes anything from an agent.
fn changes_agents(plan: &CleanupPlan, options: &Options) -> bool {
    (!plan.frameworks.is_empty() && ends_frameworks(plan, options))
        || reached(plan).flat_map(|agent| &agent.entries).any(is_removed)
}

/// Explains why it is not known whether a plan removes anything, if that depends on a znode that could
/// not be read.
pub fn why_unknown(plan: &CleanupPlan, options: &Options) -> Option<String> {
    let znode = plan.target.znode.as_deref().filter(|_| !changes_agents(plan, options))?;
    match plan.znode.as_ref()? {
        ZnodeState::Unknown(why) => {
            Some(format!("It is unknown whether znode '{znode}' exists: {why}"))
        }
        _ => None,
    }
}

/// Returns the reason why a cleanup would be incomplete, and therefore keep the znode and the app.
pub fn obstacle_to_the_end(
    plan: &CleanupPlan,
    beside: &[&CleanupPlan],
    options: &Options,
) -> Option<&'static str> {
    let is_alone = || elsewhere(plan, beside).next().is_none();
    match (plan.unreached.is_empty(), !options.whole_service || is_alone()) {
        (false, _) => Some("until all slaves can be reached"),
        (true, false) => Some("while the service has reservations elsewhere"),
        (true, true) => None,
    }
}

/// Returns the resources outside a plan's target that no other plan of the same run removes.
pub fn elsewhere<'a>(
    plan: &'a CleanupPlan,
    beside: &[&CleanupPlan],
) -> impl Iterator<Item = &'a Elsewhere> {
    plan.elsewhere.iter().filter(|it| removed_of(it, beside) < it.resources as usize)
}

/// Counts the entries that plans remove of what is elsewhere.
fn removed_of(Elsewhere { role, principal, .. }: &Elsewhere, plans: &[&CleanupPlan]) -> usize {
    let is_made = |entry: &Reserved| {
        let volume = entry.volume.as_ref().and_then(|it| it.principal.as_ref());
        principal.as_ref().is_none_or(|it| [entry.principal.as_ref(), volume].contains(&Some(it)))
    };
    let is_removed = |it: &&Planned| match it.entry.dynamic {
        true => it.reservation == Fate::Removed,
        false => it.volume == Some(Fate::Removed),
    };
    let its = plans.iter().filter(|it| it.refusal.is_none());
    let its = its.filter(|it| it.target.role.as_ref() == Some(role));
    let entries = its.flat_map(|it| reached(it)).flat_map(|agent| &agent.entries);
    entries.filter(|it| is_made(&it.entry)).filter(is_removed).count()
}

/// Returns whether the frameworks that a plan shows would be torn down.
pub fn ends_frameworks(plan: &CleanupPlan, options: &Options) -> bool {
    options.in_use == InUse::Teardown && plan.refusal != Some(Reason::InUse)
}

/// The agents for which requests are sent: the resources on the others stay for now.
fn reached(plan: &CleanupPlan) -> impl Iterator<Item = &AgentPlan> + Clone {
    let is_away = |agent: &str| is_away(&plan.unreached, agent) || is_away(&plan.ignored, agent);
    plan.agents.iter().filter(move |it| !is_away(&it.agent))
}

/// Returns whether one of these is the agent, and it is disconnected, so that nothing is sent for it.
pub fn is_away(these: &[Unreached], agent: &str) -> bool {
    these.iter().any(|it| it.agent == agent && it.reason == UnreachedReason::NotActive)
}

/// Returns whether a cleanup would remove anything of an entry.
fn is_removed(it: &Planned) -> bool {
    it.volume == Some(Fate::Removed) || it.reservation == Fate::Removed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use janitor_contract::types::{Amount, SkipReason, Target, Volume};

    /// A plan that removes two resources of role `beta`: one that `p` has reserved, and a static one with a volume of `p`.
    fn of_beta() -> CleanupPlan {
        let removed = Planned {
            entry: testing::entry("cpus", Amount::Scalar(1.0)),
            volume: None,
            reservation: Fate::Removed,
        };
        let mut on_static = removed.clone();
        (on_static.entry.dynamic, on_static.entry.principal) = (false, None);
        on_static.entry.volume =
            Some(Volume { id: "v".into(), principal: Some("p".into()), container_path: None });
        on_static.volume = Some(Fate::Removed);
        on_static.reservation = Fate::Stays(SkipReason::StaticReservation);
        let agent = AgentPlan {
            agent: "S0".into(),
            hostname: "h".into(),
            entries: vec![removed, on_static],
        };
        let target = Target { role: Some("beta".into()), ..Target::NOTHING };
        CleanupPlan { target, znode: None, agents: vec![agent], ..testing::plan() }
    }

    #[test]
    fn what_another_plan_of_the_run_removes_keeps_no_znode() {
        let options = Options { whole_service: true, ..Options::DEFAULT };
        let is_obstacle = |principal: Option<&str>, resources, beside: &CleanupPlan| {
            let principal = principal.map(str::to_owned);
            let rest = Elsewhere { role: "beta".into(), principal, resources, agents: 1 };
            let plan = CleanupPlan { elsewhere: vec![rest], ..testing::plan() };
            let plans = [&plan, beside];
            let obstacle = obstacle_to_the_end(&plan, &plans, &options);
            let extent = Extent::of_all(&plans, &options);
            assert_eq!(extent.znodes.is_empty(), obstacle.is_some());
            assert!(obstacle_to_the_end(&plan, &[&plan], &options).is_some());
            assert!(obstacle_to_the_end(&plan, &[], &Options::DEFAULT).is_none());
            obstacle.is_some()
        };
        for principal in [None, Some("p")] {
            assert!(!is_obstacle(principal, 2, &of_beta()));
            assert!(is_obstacle(principal, 3, &of_beta()));
        }
        assert!(is_obstacle(Some("q"), 2, &of_beta()));
        let mut leaves = of_beta();
        leaves.agents[0].entries[0].reservation = Fate::Stays(SkipReason::VolumeLeft);
        let mut gamma = of_beta();
        gamma.target.role = Some("gamma".into());
        let refused = CleanupPlan { refusal: Some(Reason::InUse), ..of_beta() };
        let away = Unreached {
            agent: "S0".into(),
            hostname: "h".into(),
            reason: UnreachedReason::NotActive,
            since: None,
        };
        let away = CleanupPlan { unreached: vec![away], ..of_beta() };
        for other in [leaves, gamma, refused, away] {
            assert!(is_obstacle(Some("p"), 2, &other), "{other:?}");
        }
    }
}
