//! The extent of a plan: everything that a run would change.

use std::collections::BTreeSet;

use janitor_contract::planned;
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
    let is_alone = || elsewhere(plan, beside).is_empty();
    match (plan.unreached.is_empty(), !options.whole_service || is_alone()) {
        (false, _) => Some("until all slaves can be reached"),
        (true, false) => Some("while the service has reservations elsewhere"),
        (true, true) => None,
    }
}

/// Returns the resources outside a plan's target that no other plan of the same run concerns.
pub fn elsewhere<'a>(plan: &'a CleanupPlan, beside: &[&CleanupPlan]) -> Vec<&'a Elsewhere> {
    let possible = beside.iter().filter(|it| it.refusal.is_none());
    let others: Vec<_> = possible.map(|it| &it.target).collect();
    planned::elsewhere(&plan.target, &plan.elsewhere, &others).collect()
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
    use janitor_contract::types::Target;

    /// A plan for what a principal made of role `beta`, or for everything.
    fn of_beta(principal: Option<&str>) -> CleanupPlan {
        let principal = principal.map(str::to_owned);
        let target = Target { role: Some("beta".into()), principal, ..Target::NOTHING };
        CleanupPlan { target, znode: None, ..testing::plan() }
    }

    #[test]
    fn what_another_plan_of_the_run_concerns_keeps_no_znode() {
        let options = Options { whole_service: true, ..Options::DEFAULT };
        let is_obstacle = |principal: Option<&str>, beside: &CleanupPlan| {
            let principal = principal.map(str::to_owned);
            let rest = Elsewhere { role: "beta".into(), principal, resources: 2, agents: 1 };
            let mut plan = CleanupPlan { elsewhere: vec![rest], ..testing::plan() };
            plan.target.principal = Some("p".into());
            let plans = [&plan, beside];
            let obstacle = obstacle_to_the_end(&plan, &plans, &options);
            assert_eq!(Extent::of_all(&plans, &options).znodes.is_empty(), obstacle.is_some());
            assert!(obstacle_to_the_end(&plan, &[&plan], &options).is_some());
            assert!(obstacle_to_the_end(&plan, &plans, &Options::DEFAULT).is_none());
            obstacle.is_some()
        };
        for (maker, principal, is_left) in [
            (Some("p"), None, false),
            (Some("p"), Some("p"), false),
            (Some("/p"), Some("p"), true),
            (Some("p"), Some("q"), true),
            (None, None, false),
            (None, Some("p"), true),
            (None, Some("q"), false),
        ] {
            assert_eq!(is_obstacle(maker, &of_beta(principal)), is_left, "{maker:?} {principal:?}");
        }
        let mut gamma = of_beta(None);
        gamma.target.role = Some("gamma".into());
        let refused = CleanupPlan { refusal: Some(Reason::InUse), ..of_beta(None) };
        for other in [gamma, refused] {
            assert!(is_obstacle(Some("p"), &other), "{other:?}");
        }
    }

    /// The plan for `p` is refused, because `/p` has made everything, for which there is a plan too.
    #[test]
    fn the_principal_that_is_probably_meant_is_named() {
        let of = |principal: &str| {
            let target = of_beta(Some(principal)).target;
            CleanupPlan { target, znode: None, ..testing::plan() }
        };
        let meant = Elsewhere {
            role: "beta".into(),
            principal: Some("/p".into()),
            resources: 2,
            agents: 1,
        };
        let refusal = Some(Reason::OtherPrincipals);
        let plan = CleanupPlan { elsewhere: vec![meant], refusal, ..of("p") };
        assert_eq!(elsewhere(&plan, &[&plan, &of("/p")]).len(), 1);
    }
}
