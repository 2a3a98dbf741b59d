//! Plans: a plan shows what a cleanup would do, and making one changes nothing.

pub mod changes;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

pub use self::changes::Comparison;
use crate::checks::{self, Users};
use crate::context::{Abort, Context};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::master::resource::{Decision, Resource};
use crate::memo::{Handle, Memo};
use crate::owner::Owner;
use crate::rest;
use crate::settle::away_words;
use crate::znode::Tree;
use janitor_contract::types::{
    AgentPlan, CleanupPlan, Elsewhere, Fate, InUse, Options, Phase, Planned, ReadFailure, Reason,
    SkipReason, Target, ZnodeState,
};

/// Makes a plan for a target, as `wit/cleanup.wit` specifies.
///
/// # Errors
/// Fails if the plan cannot be made.
pub fn plan<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
) -> Result<CleanupPlan, ReadFailure> {
    plan_since(host, target, options, None)
}

/// Makes a plan. The time limit for servers that are not ready starts at a time on the host's clock, or
/// when it is needed.
fn plan_since<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
    start: Option<Duration>,
) -> Result<CleanupPlan, ReadFailure> {
    let mut context = Context::new(host, options);
    context.waits_since = start;
    context.plan(target).map_err(Abort::into_read_failure)
}

/// Makes a plan for each target, as `wit/cleanup.wit` specifies. What one of them needs to know, the
/// others do not read again.
pub fn plan_all<H: Host>(
    host: &mut H,
    targets: &[Target],
    options: &Options,
) -> Vec<Result<CleanupPlan, ReadFailure>> {
    let memo = RefCell::new(Memo::new(host, targets.iter()));
    let start = memo.borrow_mut().elapsed();
    let plan = |target| plan_since(&mut Handle(&memo), target, options, Some(start));
    targets.iter().map(plan).collect()
}

impl<H: Host> Context<'_, H> {
    /// Makes a plan for a target.
    fn plan(&mut self, target: &Target) -> Result<CleanupPlan, Abort> {
        self.admit(target)?;
        // The plan itself shows everything that a warning would say.
        self.is_quiet = true;
        let (mut plan, listing) = loop {
            // The plan only shows the rest of the service that there is after the last wait.
            self.rest = rest::Shared::default();
            let (plan, listing) = self.survey(target)?;
            let condition = awaited(&plan, self.options);
            if !condition.is_some_and(|condition| self.wait_for(&condition)) {
                break (plan, listing);
            }
        };
        if let (Some(listing), Some(owner)) = (&listing, Owner::of(target)) {
            self.warn_of_stacked(listing, owner);
            self.warn_of_elsewhere(self.planned_elsewhere(listing));
        }
        plan.znode = self.znode_state(target);
        plan.warnings = std::mem::take(&mut self.report.warnings);
        Ok(plan)
    }

    /// Finds everything that a plan of a target shows, except the znode and the warnings. It
    /// returns the list of agents too, if there is one.
    pub fn survey(&mut self, target: &Target) -> Result<(CleanupPlan, Option<Rc<Listing>>), Abort> {
        let mut plan = CleanupPlan {
            target: target.clone(),
            mesos_version: None,
            agents: Vec::new(),
            unreached: Vec::new(),
            ignored: Vec::new(),
            elsewhere: Vec::new(),
            warnings: Vec::new(),
            frameworks: Vec::new(),
            frameworks_unknown: None,
            znode: None,
            refusal: None,
            why_refused: None,
        };
        let owner = Owner::of(target);
        self.owning_frameworks = None;
        let listing = match owner {
            Some(owner) => Some(self.plan_resources(owner, &mut plan)?),
            None if target.znode.is_some() => match self.list(Wanted::NOTHING) {
                Ok(listing) => Some(listing),
                Err(why) => {
                    self.is_not_known(why, &mut plan);
                    None
                }
            },
            None => None,
        };
        if let Some(listing) = &listing {
            self.plan_checks(listing, owner, &mut plan);
        }
        Ok((plan, listing))
    }

    /// Looks at a target's ZooKeeper node, if it names one.
    pub fn znode_state(&mut self, target: &Target) -> Option<ZnodeState> {
        let tree = Tree::new(self.options, target.znode.as_deref()?);
        let mut retries = self.retries();
        Some(tree.look(&mut self.host, &mut retries))
    }

    /// Plans the two phases that concern the agents.
    fn plan_resources(
        &mut self,
        owner: Owner,
        plan: &mut CleanupPlan,
    ) -> Result<Rc<Listing>, Abort> {
        let listing = self.look(owner);
        let listing = self.usable(listing)?;
        plan.mesos_version.clone_from(&listing.version);
        plan.agents = agents(&listing, owner).map_err(|why| self.abort(Reason::Failed, why))?;
        let pending = self.pending(&listing, Some(owner));
        let reach = self.unreached(&listing, pending);
        let (mut unreached, _) = self.say_unknown(reach);
        plan.ignored = self.ignore(&mut unreached);
        plan.unreached = unreached;
        plan.elsewhere = self.planned_elsewhere(&listing);
        Ok(listing)
    }

    /// Returns what a plan shows of the rest of a service. Agents that have some of it and are away are unreached.
    fn planned_elsewhere(&self, listing: &Listing) -> Vec<Elsewhere> {
        match self.options.whole_service {
            true => self.rest.borrow().within_reach(),
            false => listing.elsewhere(),
        }
    }

    /// Makes the checks that a cleanup would make, in the same order.
    fn plan_checks(&mut self, listing: &Listing, owner: Option<Owner>, plan: &mut CleanupPlan) {
        if let Some(owner) = owner {
            let checked = checks::require_listed_agents(listing, self.options);
            self.refuses(checked, plan);
            self.refuses(checks::require_own_resources(listing, owner), plan);
            self.owning_frameworks = listing.frameworks(owner);
            plan.elsewhere.extend(checks::probably_meant(listing, owner));
        }
        let frameworks = self.frameworks(listing);
        if owner.is_some() {
            let known = frameworks.as_ref().ok();
            let target = plan.target.clone();
            let checked = checks::require_known_role(listing, known, &target, self.options);
            self.refuses(checked, plan);
        }
        match frameworks {
            Ok(frameworks) => {
                let Users { all, doubt, refusal } = self.users(&frameworks, &plan.target);
                plan.frameworks = all;
                plan.frameworks_unknown = doubt;
                self.refuses(refusal.map_or(Ok(()), Err), plan);
            }
            Err(why) => self.is_not_known(why, plan),
        }
    }

    /// Keeps the reason why the frameworks are not known, which refuses a cleanup unless it is
    /// forced.
    fn is_not_known(&self, why: String, plan: &mut CleanupPlan) {
        if self.options.in_use != InUse::Force {
            self.refuses(Err(checks::unknown(&plan.target, &why)), plan);
        }
        plan.frameworks_unknown = Some(why);
    }

    /// Keeps the first reason why a cleanup would be refused.
    fn refuses(&self, checked: Result<(), Refusal>, plan: &mut CleanupPlan) {
        if let (None, Err(Refusal { reason, why })) = (plan.refusal, checked) {
            (plan.refusal, plan.why_refused) = (Some(reason), Some(format!("{why}.")));
        }
    }
}

/// Describes a condition of a plan that may pass by itself.
fn awaited(plan: &CleanupPlan, options: &Options) -> Option<String> {
    let is_in_use = matches!(plan.refusal, Some(Reason::InUse | Reason::InUseUnknown));
    let role = plan.target.role.as_deref()?;
    match (is_in_use, &plan.unreached[..]) {
        (true, _) => plan.why_refused.as_ref().map(|why| why.trim_end_matches('.').to_owned()),
        (false, []) => None,
        (false, unreached) => Some(away_words(unreached, role, options)),
    }
}

/// Plans the fate of the role's resources on each agent. The error is one sentence about a
/// resource that is not what Mesos documents.
fn agents(listing: &Listing, owner: Owner) -> Result<Vec<AgentPlan>, String> {
    let agents = listing.agents.iter().filter(|agent| !agent.resources.is_empty());
    agents
        .map(|agent| {
            let entries = agent.resources.iter().map(|resource| planned(resource, owner));
            let entries = entries.collect::<Result<_, _>>();
            Ok(AgentPlan {
                agent: agent.id.clone(),
                hostname: agent.hostname.clone(),
                entries: entries.map_err(|why| agent.invalid_resource(&why))?,
            })
        })
        .collect()
}

/// Plans the fate of a resource.
fn planned(resource: &Resource, owner: Owner) -> serde_json::Result<Planned> {
    let fate = |fate| match fate {
        Decision::Take => Some(Fate::Removed),
        Decision::Skip(reason) => Some(Fate::Stays(reason)),
        Decision::Ignore => None,
    };
    let volume = fate(resource.decide(Phase::Volumes, owner));
    let stays = || fate(resource.decide(Phase::Reservations, owner));
    let reservation = match (&volume, resource.targeted(owner)) {
        (Some(Fate::Stays(_)), _) => Some(Fate::Stays(SkipReason::VolumeLeft)),
        (_, (_, true)) => Some(Fate::Removed),
        (Some(Fate::Removed), (_, false)) if !resource.is_dynamic() => {
            Some(Fate::Stays(SkipReason::StaticReservation))
        }
        (Some(Fate::Removed), (_, false)) => Some(Fate::Stays(SkipReason::OtherPrincipal)),
        (None, _) => stays(),
    };
    Ok(Planned {
        entry: resource.describe()?.reserved,
        volume,
        // Every reservation is either removed or stays.
        reservation: reservation.unwrap_or(Fate::Stays(SkipReason::StaticReservation)),
    })
}

#[cfg(test)]
mod tests;
