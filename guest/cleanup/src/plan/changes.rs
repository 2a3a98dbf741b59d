//! The comparison of a plan with the cluster, before the plan is carried out.

use std::rc::Rc;

use crate::checks::Users;
use crate::context::{Abort, Context};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::Listing;
use crate::owner::Owner;
use crate::settle::came_back;
use janitor_contract::changes::{differences, framework_difference, is_carried_out};
use janitor_contract::planned;
use janitor_contract::types::{
    CleanupPlan, Elsewhere, Framework, Level, Reason, Target, ZnodeState,
};

/// A cluster to which a plan may be applied.
#[allow(clippy::large_enum_variant, reason = "there is one for each run")]
pub enum Comparison {
    /// The cluster is as the plan shows it. There is a list of agents if there is a role.
    Same(Option<Result<Rc<Listing>, String>>),
    /// The plan is carried out already: the cluster is as the plan would leave it.
    CarriedOut,
}

/// A plan, and the same plan as it would be made now.
pub struct Compared {
    then: CleanupPlan,
    now: CleanupPlan,
    listing: Option<Rc<Listing>>,
    differences: Vec<String>,
}

impl<H: Host> Context<'_, H> {
    /// Aborts the run unless the cluster is as a plan shows it, and the plan may be carried out; or
    /// the plan is carried out already.
    pub fn as_planned(&mut self, plan: &CleanupPlan) -> Result<Comparison, Abort> {
        let compared = self.compare(plan)?;
        self.decide(compared)
    }

    /// Compares the cluster with a plan.
    pub fn compare(&mut self, plan: &CleanupPlan) -> Result<Compared, Abort> {
        if let Some(what) = planned::contradiction(plan) {
            let why = format!("the plan contradicts itself: {what}. Make a new plan");
            return Err(self.refuse(Refusal { reason: Reason::InvalidTarget, why }));
        }
        let then = planned::under(plan, self.options);
        let target = &plan.target;
        let znode = self.znode_state(target);
        if let (Some(ZnodeState::Unknown(why)), Some(znode)) = (&znode, &target.znode) {
            let message = format!("It is unknown whether znode '{znode}' exists: {why}");
            return Err(self.abort(Reason::Failed, message));
        }
        let (now, listing) = self.survey(target)?;
        self.plan_keeps_service = planned::keeps_service(&then, &self.others, self.options);
        // The pending operations and the frameworks have been read after the agents.
        self.confirmed_at = self.host.now;
        let now = CleanupPlan { znode, ..now };
        let differences = differences(&then, &now, self.options);
        Ok(Compared { then, now, listing, differences })
    }

    /// Takes the rest of the service out of a plan that the run has removed for other targets, if it is carried out.
    fn alone(&self, plan: &CleanupPlan) -> CleanupPlan {
        let mut plan = plan.clone();
        plan.elsewhere.retain(|it| !self.others.iter().any(|target| is_all_of(target, it)));
        plan
    }

    /// Aborts the run unless the plan may be carried out, or is carried out already.
    pub fn decide(&mut self, compared: Compared) -> Result<Comparison, Abort> {
        let Compared { then, now, listing, differences } = compared;
        let target = &then.target;
        if let (false, Some(listing)) = (differences.is_empty(), &listing)
            && is_carried_out(&self.alone(&then), &now, self.options)
            && is_of_cluster(&then, listing)
            && self.stays_carried_out(&then, listing)?
        {
            self.report.mesos_version.clone_from(&listing.version);
            return Ok(Comparison::CarriedOut);
        }
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
            (Some(listing), None) => {
                let all = self.still_planned(all, &then.frameworks, listing, target)?;
                self.require_unused(Users { all, doubt: None, refusal: None }, listing, target)?;
            }
            (Some(listing), refusal) => {
                self.require_unused(Users { all, doubt: None, refusal }, listing, target)?;
            }
            (None, Some(refusal)) => return Err(self.refuse(refusal)),
            (None, None) => {}
        }
        Ok(Comparison::Same(listing.map(Ok)))
    }
}

impl<H: Host> Context<'_, H> {
    /// Aborts the run if the plan shows that the znode or the app stays because something is left of the service: nobody
    /// has agreed to more, although it is removed meanwhile.
    pub fn require_planned_end(&mut self) -> Result<(), Abort> {
        if self.plan_keeps_service {
            let message = "Incomplete: the plan keeps what is removed at the end, because it shows resources of the service \
                elsewhere, which are removed or ignored now. Other steps are skipped; make a new plan.";
            return Err(self.abort(Reason::Incomplete, message));
        }
        Ok(())
    }

    /// Returns those of the frameworks, `all`, that are still to be torn down: another plan may have had some torn
    /// down, or have waited. It aborts the run if they are not as the plan shows them.
    fn still_planned(
        &mut self,
        all: Vec<Framework>,
        planned: &[Framework],
        listing: &Listing,
        target: &Target,
    ) -> Result<Vec<Framework>, Abort> {
        if all.is_empty() {
            return Ok(all);
        }
        let now = self.host.elapsed();
        if !self.are_frameworks_old(now) {
            return Ok(all);
        }
        let all = self.frameworks(listing).map_err(|why| self.abort(Reason::Failed, why))?;
        let Users { all, refusal, .. } = self.users(&all, target);
        let is_planned = |it: &Framework| framework_difference(planned, it, self.options).is_none();
        match refusal {
            None if all.iter().all(is_planned) => Ok(all),
            Some(refusal) => Err(self.refuse(refusal)),
            None => {
                let why = "the frameworks have changed since the plan was made. Make a new plan";
                Err(self.refuse(Refusal { reason: Reason::Changed, why: why.into() }))
            }
        }
    }

    /// Returns whether nothing of a plan's target has come back since the pending operations were listed.
    /// The order matters: a removal that is not pending any more has either been carried out, or its
    /// resources are listed again. It aborts the run if that cannot be known.
    fn stays_carried_out(&mut self, plan: &CleanupPlan, listing: &Listing) -> Result<bool, Abort> {
        let Some(owner) = Owner::of(&plan.target) else { return Ok(true) };
        let pending = self.pending(listing, Some(owner));
        if self.lists_no_operations {
            self.outlast_silence(listing)?;
        }
        let listing = self.look_after_pending(owner)?;
        let reach = self.unreached(&listing, pending);
        self.require_all_agents(owner, reach)?;
        self.require_nothing_elsewhere()?;
        Ok(is_of_cluster(plan, &listing) && came_back(&listing, owner).is_empty())
    }
}

/// Returns whether a target is everything that is elsewhere for a role, and by a principal.
fn is_all_of(target: &Target, elsewhere: &Elsewhere) -> bool {
    let Target { role, principal, labels, framework_id, agents, .. } = target;
    role.as_ref() == Some(&elsewhere.role)
        && (principal.is_none() || *principal == elsewhere.principal)
        && labels.is_empty()
        && framework_id.is_none()
        && agents.is_empty()
}

/// Returns whether a plan was made for this cluster: the master lists all agents of the plan. Their
/// ids contain the id of the master that registered them, so another cluster has none of them, and
/// an agent that is missing may come back with its resources.
fn is_of_cluster(plan: &CleanupPlan, listing: &Listing) -> bool {
    let is_listed = |id: &str| listing.agents.iter().any(|it| it.id == id);
    !plan.agents.is_empty() && plan.agents.iter().all(|it| is_listed(&it.agent))
}
