//! The order of a run: checks, volumes, reservations, ZooKeeper node, own Marathon app.
//!
//! A phase begins only when the one before it is confirmed. The master's 200 or 202 is a
//! promise; a resource is removed when a later listing no longer shows it.

mod all;

pub use self::all::{apply_all, clean_all};
use std::rc::Rc;
use std::time::Duration;

use crate::context::{Abort, Context};
use crate::host::{Host, count};
use crate::master::agents::{Listing, Wanted};
use crate::operation::{Begun, Operation};
use crate::owner::Owner;
use crate::plan::Comparison;
use crate::self_removal;
use crate::znode::{Tree, Verdict};
use janitor_contract::describe::{agent_words, unreached_words};
use janitor_contract::types::{
    AgentLeft, CleanupPlan, Event, Failure, Level, Options, Phase, PhaseStart, Reason, Report,
    Target, UnreachedReason, ZnodeOutcome,
};

/// Removes a target, as `wit/cleanup.wit` specifies.
///
/// # Errors
/// Fails if the cleanup does not complete; the error has the report on everything that was done
/// before.
pub fn clean<H: Host>(host: &mut H, target: &Target, options: &Options) -> Result<Report, Failure> {
    carry_out(host, target, options, None)
}

/// Carries out a plan, if the cluster is as the plan shows it.
///
/// # Errors
/// Fails if the cleanup does not complete; the error has the report on everything that was done
/// before.
pub fn apply<H: Host>(
    host: &mut H,
    plan: &CleanupPlan,
    options: &Options,
) -> Result<Report, Failure> {
    carry_out(host, &plan.target, options, Some(plan))
}

/// Removes a target, according to a plan if there is one.
fn carry_out<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
    plan: Option<&CleanupPlan>,
) -> Result<Report, Failure> {
    let mut context = Context::new(host, options);
    context.begin_cleanup(target, plan);
    match context.phases(target, plan) {
        Ok(()) => Ok(context.report),
        Err(abort) => {
            context.log_leftovers(target, abort.reason);
            Err(context.fail(abort))
        }
    }
}

impl<'a, H: Host> Context<'a, H> {
    /// Keeps the target and the plan of a cleanup.
    fn begin_cleanup(&mut self, target: &'a Target, plan: Option<&'a CleanupPlan>) {
        self.target = Some(target);
        self.rest = self.host.rest(Wanted::of(target));
        if let Some(owner) = Owner::of(target) {
            self.lost = self.host.lost(owner);
        }
        if let Some(CleanupPlan { agents, unreached, ignored, .. }) = plan {
            let away = unreached.iter().chain(ignored);
            let away = away.filter(|it| it.reason == UnreachedReason::NotActive);
            let is_away = |id: &str| away.clone().any(|it| it.agent == id);
            self.planned = Some(agents.iter().filter(|it| !is_away(&it.agent)).collect());
        }
    }

    /// Carries out all phases.
    fn phases(&mut self, target: &Target, plan: Option<&CleanupPlan>) -> Result<(), Abort> {
        let Target { role, znode, marathon_app, .. } = target;
        let listing = match self.compared(target, plan)? {
            Comparison::Same(listing) => listing,
            Comparison::CarriedOut => {
                self.say("");
                self.say("Nothing is left to do: the plan is already carried out.");
                self.leave_marathon(marathon_app.as_deref());
                return Ok(());
            }
        };
        if let (Some(owner), Some(listing)) = (Owner::of(target), listing) {
            self.resources(owner, listing)?;
        }
        self.require_planned_end()?;
        if let Some(znode) = znode {
            self.znode(znode, |context, now| context.unused_at(now, None))?;
        }
        if role.is_some() || znode.is_some() {
            self.say("Cleanup completed successfully.");
        }
        self.leave_marathon(marathon_app.as_deref());
        Ok(())
    }

    /// Aborts the run unless the target may be cleaned, and the cluster is as the plan shows it.
    fn compared(
        &mut self,
        target: &Target,
        plan: Option<&CleanupPlan>,
    ) -> Result<Comparison, Abort> {
        self.admit(target)?;
        match plan {
            Some(plan) => self.as_planned(plan),
            None => self.as_allowed(target).map(Comparison::Same),
        }
    }

    /// Removes the target's app from Marathon, if it names one.
    fn leave_marathon(&mut self, app: Option<&str>) {
        if let Some(app) = app {
            let mut retries = self.retries();
            let removed = self_removal::remove(&mut self.host, app, &mut retries);
            self.report.self_removal = Some(removed);
        }
    }

    /// Carries out the two phases that concern the agents.
    fn resources(
        &mut self,
        owner: Owner,
        listing: Result<Rc<Listing>, String>,
    ) -> Result<(), Abort> {
        let parents = listing.as_ref().map(|listing| listing.parents(owner));
        let parents = parents.unwrap_or_default();
        let agents = listing.as_ref().map_or(0, |listing| listing.agents.len());
        self.begin_operation(&Operation::VOLUMES, agents);
        let listing = self.usable(listing);
        let listing = listing.map_err(|abort| self.skip_rest(&Operation::VOLUMES, abort))?;
        self.log_version(&listing);
        let listing = self.carry_out(&Operation::VOLUMES, listing, owner, Begun::Not)?;
        self.begin_operation(&Operation::RESERVATIONS, listing.agents.len());
        let listing = self.carry_out(&Operation::RESERVATIONS, listing, owner, Begun::Not)?;
        self.settle_and_repeat(listing, owner, &parents)
    }

    /// Ends the two phases, and repeats them for agents that come back while the run waits.
    fn settle_and_repeat(
        &mut self,
        listing: Rc<Listing>,
        owner: Owner,
        parents: &[(String, u32)],
    ) -> Result<(), Abort> {
        let mut listing = listing;
        while let Some(now) = self.settle(listing, owner, parents)? {
            listing = now;
            for operation in [&Operation::VOLUMES, &Operation::RESERVATIONS] {
                let agents = operation.pending(&listing, owner).len();
                if agents > 0 {
                    self.begin_operation(operation, agents);
                }
                listing = self.carry_out(operation, listing, owner, Begun::Repeated)?;
            }
        }
        Ok(())
    }

    /// Carries out an operation. If it fails, the run ends.
    fn carry_out(
        &mut self,
        operation: &Operation,
        listing: Rc<Listing>,
        owner: Owner,
        begun: Begun,
    ) -> Result<Rc<Listing>, Abort> {
        let done = self.operate(operation, listing, owner, begun);
        done.map_err(|abort| self.skip_rest(operation, abort))
    }

    /// Logs the start of an operation on this many agents.
    fn begin_operation(&mut self, operation: &Operation, agents: usize) {
        self.begin(operation.phase, operation.begins, agents);
    }

    /// Carries out the phase that concerns the ZooKeeper node. Before each attempt, `is_free` says whether it
    /// may be deleted, at a time on the host's clock.
    pub fn znode(
        &mut self,
        znode: &str,
        mut is_free: impl FnMut(&mut Self, Duration) -> Result<(), Abort>,
    ) -> Result<(), Abort> {
        let now = self.host.elapsed();
        is_free(self, now)?;
        self.begin(Phase::Znode, "Deleting zk node...", 1);
        let tree = Tree::new(self.options, znode);
        let mut retries = None;
        let outcome = loop {
            // The check and the deletion may each take long: only then does the time for what follows begin.
            match tree.delete(&mut self.host) {
                Verdict::Gone(outcome) => {
                    let mut retries = self.retries();
                    break tree.verified(&mut self.host, outcome, &mut retries);
                }
                Verdict::Unknown(why) => {
                    let (limit, mut retries) = (self.time_limit(), self.retries());
                    break tree.watched(&mut self.host, why, limit, &mut retries);
                }
                Verdict::Failed(why, retry) => {
                    self.host.say(Level::Debug, &why, None);
                    let retries = retries.get_or_insert_with(|| self.retries());
                    if !retries.wait(&mut self.host, retry) {
                        break ZnodeOutcome::Failed(why);
                    }
                    let now = self.host.elapsed();
                    if let Err(abort) = is_free(self, now) {
                        let outcome = ZnodeOutcome::Failed(why);
                        self.report.znode = Some(tree.report(&mut self.host, outcome));
                        return Err(abort);
                    }
                }
            }
        };
        let result = tree.report(&mut self.host, outcome);
        let path = &result.path;
        let failed = match &result.outcome {
            ZnodeOutcome::Failed(why) => Some(format!("znode '{path}' is not deleted: {why}")),
            ZnodeOutcome::Unknown(why) => {
                Some(format!("it is unknown whether znode '{path}' is deleted: {why}"))
            }
            ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent => None,
        };
        self.report.znode = Some(result);
        match failed {
            Some(message) => Err(Abort { reason: self.reason(Reason::Failed), message }),
            None => Ok(()),
        }
    }

    /// Logs everything that a run has left because it ended early. A refused run has changed
    /// nothing, so it has left nothing behind.
    fn log_leftovers(&mut self, target: &Target, reason: Reason) {
        match reason {
            Reason::NothingToDo
            | Reason::InvalidTarget
            | Reason::SystemZnode
            | Reason::OtherPrincipals
            | Reason::OtherLabels
            | Reason::RoleNotFound
            | Reason::InUse
            | Reason::InUseUnknown
            | Reason::Changed => return,
            Reason::Failed | Reason::Incomplete | Reason::Stopped => {}
        }
        self.say("");
        if let Some(role) = &target.role {
            if self.is_blind() {
                let line = format!(
                    "It is unknown what is left of role '{role}', because the agents could not be \
                     listed"
                );
                self.host.say(Level::Error, line, None);
            }
            if matches!(reason, Reason::Failed | Reason::Stopped) {
                for unreached in self.report.unreached.clone() {
                    let line = unreached_words(&unreached);
                    self.host.say(Level::Error, line, Some(Event::Unreached(unreached)));
                }
            }
            for left in self.report.left.clone().unwrap_or_default() {
                let AgentLeft { agent, hostname, volumes, resources } = &left;
                let line = format!(
                    "Left on slave {}: {volumes} volume(s), {resources} resource(s) for role \
                     '{role}'",
                    agent_words(agent, hostname)
                );
                self.host.say(Level::Error, line, Some(Event::Left(left)));
            }
        }
        if let Some(znode) = &target.znode {
            let what = match self.report.znode.as_ref().map(|znode| &znode.outcome) {
                Some(ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent) => return,
                Some(ZnodeOutcome::Unknown(_)) => "Possibly not deleted",
                Some(ZnodeOutcome::Failed(_)) | None => "Not deleted",
            };
            self.host.say(Level::Error, format!("{what}: znode '{znode}'"), None);
        }
    }

    /// Logs the start of a phase.
    fn begin(&mut self, phase: Phase, line: &str, total: usize) {
        begin(&mut self.host, phase, line, total);
    }

    /// Logs the original's last line after a failed phase.
    fn skip_rest(&mut self, operation: &Operation, abort: Abort) -> Abort {
        let line = format!("Deleting {} failed, skipping other steps.", operation.failed);
        self.host.say(Level::Error, line, None);
        abort
    }
}

/// Logs the start of a phase.
fn begin<H: Host>(host: &mut H, phase: Phase, line: &str, total: usize) {
    host.say(Level::Info, "", None);
    let start = PhaseStart { phase, total: count(total) };
    host.say(Level::Info, line, Some(Event::PhaseStarted(start)));
}

#[cfg(test)]
mod slow;
#[cfg(test)]
mod tests;
