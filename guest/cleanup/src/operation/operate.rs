//! The rounds of one operation until it is confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use super::request::Lists;
use super::{Attempt, Job, Operation};
use crate::context::{Abort, Context, PendingIds};
use crate::host::Host;
use crate::master::agents::Listing;
use crate::owner::Owner;
use crate::retry::Retry;
use janitor_contract::types::{
    AgentOutcome, AgentResult, Event, Level, Phase, Reason, Report, Unreached, UnreachedReason,
};

/// The end of one attempt at an operation.
enum Done {
    /// The operation is confirmed: this listing shows its effect.
    Yes(Rc<Listing>),
    /// While the run waited for it, an agent came back with resources whose removal the master had
    /// accepted.
    CameBack(Rc<Listing>),
}

/// The beginning of an operation.
pub enum Begun {
    /// It has not begun, and concerns all agents.
    Not,
    /// It is repeated for those agents alone that have come back with something to remove.
    Repeated,
    /// Its first round is over, together with those of other targets.
    Round(Vec<Attempt>),
}

/// An agent for which a request may be sent again.
struct Again {
    agent: String,
    retry: Retry,
    divisible: bool,
}

impl<H: Host> Context<'_, H> {
    /// Carries an operation out, and tries again where that may help. It returns the listing that
    /// shows the effect.
    pub fn operate(
        &mut self,
        operation: &Operation,
        listing: Rc<Listing>,
        owner: Owner,
        begun: Begun,
    ) -> Result<Rc<Listing>, Abort> {
        let mut done = self.attempt(operation, listing, owner, begun)?;
        loop {
            match done {
                Done::Yes(listing) => return Ok(listing),
                Done::CameBack(listing) => {
                    done = self.attempt(operation, listing, owner, Begun::Repeated)?;
                }
            }
        }
    }

    /// Aborts a run that carries out a plan if it would remove something that the plan does not show: an
    /// agent has come back, or has received resources, since the run compared the cluster with the plan.
    pub fn require_planned(
        &mut self,
        operation: &Operation,
        listing: &Listing,
        owner: Owner,
    ) -> Result<(), Abort> {
        let Some(planned) = &self.planned else { return Ok(()) };
        let others = operation.unplanned(listing, owner, planned, &self.planned_volumes);
        if others.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Incomplete: slave(s) {} have {} of role '{}' now, which the plan does not show. Other \
             steps are skipped; make a new plan.",
            others.join(", "),
            operation.noun,
            owner.role
        );
        Err(self.abort(Reason::Incomplete, message))
    }

    /// Aborts the run before a round of requests if a framework uses the target now, or if the plan does not
    /// show what they would remove.
    fn require_free(
        &mut self,
        now: Duration,
        operation: &Operation,
        listing: &Rc<Listing>,
        owner: Owner,
    ) -> Result<(), Abort> {
        self.unused_at(now, Some(listing))?;
        self.require_planned(operation, listing, owner)
    }

    /// Takes note of what the master has accepted: it is expected to disappear from the lists.
    pub fn take_note(&self, operation: &Operation, attempts: &[Attempt]) {
        let is_accepted = |it: &&Attempt| matches!(it.result.outcome, AgentOutcome::Accepted(_));
        let agents = attempts.iter().filter(is_accepted).map(|it| it.result.agent.clone());
        self.lost.borrow_mut().accepted(operation.phase, agents);
    }

    /// Carries an operation out once.
    fn attempt(
        &mut self,
        operation: &Operation,
        mut listing: Rc<Listing>,
        owner: Owner,
        begun: Begun,
    ) -> Result<Done, Abort> {
        let mut retries = self.retries();
        // The clock has just been read, after the agents.
        self.confirmed_at = self.host.now;
        let begun_at = self.host.now;
        if !matches!(begun, Begun::Round(_)) {
            self.require_free(self.host.now, operation, &listing, owner)?;
        }
        let (mut accepted, mut failed) = (Vec::new(), Vec::new());
        let (mut is_retried, mut is_sent_again) = (false, false);
        let (mut round, mut first) = match begun {
            Begun::Not => (None::<BTreeMap<String, Lists>>, None),
            Begun::Repeated => {
                let back = operation.pending(&listing, owner).into_iter();
                let back = back.filter(|id| self.was_away(id, listing.hostname(id)));
                let back: BTreeMap<_, _> = back.map(|id| (id.to_owned(), Lists::Whole)).collect();
                if !back.is_empty() {
                    // The earlier confirmation does not cover these.
                    self.report.confirmed.retain(|phase| *phase != operation.phase);
                }
                (Some(back), None)
            }
            Begun::Round(attempts) => (None, Some(attempts)),
        };
        loop {
            let (only, removed) = (round.as_ref(), Some(&self.removed));
            let job = Job { listing: &listing, owner, only, removed, is_brief: false };
            let attempts = match first.take() {
                Some(attempts) => attempts,
                None => {
                    let rounds = operation.round(&mut self.host, &[job]);
                    let attempts: Vec<_> = rounds.into_iter().flatten().collect();
                    self.take_note(operation, &attempts);
                    attempts
                }
            };
            let mut again = Vec::new();
            for it in attempts {
                let is_accepted = matches!(it.result.outcome, AgentOutcome::Accepted(_));
                // Without a wait, an agent is asked again only for what was not accepted.
                if !is_accepted || self.options.wait_seconds > 0 {
                    self.removed.add(&it.result.agent, operation.phase, &it.accepted);
                }
                match it.result.outcome {
                    AgentOutcome::Accepted(_) => {
                        is_sent_again |= is_retried;
                        accepted.push(it.result.agent.clone());
                    }
                    AgentOutcome::Refused(_) | AgentOutcome::Failed(_) => again.push(Again {
                        agent: it.result.agent.clone(),
                        retry: it.retry,
                        divisible: it.divisible,
                    }),
                    _ => {}
                }
                match round {
                    None => self.report.agents.push(it.result),
                    Some(_) => correct(&mut self.report, it.result),
                }
            }
            let Some(retry) = again.iter().map(|it| it.retry).max() else { break };
            is_retried = true;
            let waited = retries.wait(&mut self.host, retry);
            // Somebody else may have removed it in the meantime.
            drop(listing);
            let now = self.look(owner);
            listing = self.usable(now)?;
            let done = operation.done(&listing, owner);
            let mut next = BTreeMap::new();
            for Again { agent, retry, divisible } in again {
                let lists = round.as_ref().and_then(|round| round.get(&agent).copied());
                if done.contains(agent.as_str()) {
                    accepted.push(agent);
                } else if waited && retry != Retry::Never {
                    next.insert(agent, lists.unwrap_or(Lists::Whole));
                } else if divisible {
                    next.insert(agent, Lists::Single);
                } else {
                    failed.push(agent);
                }
            }
            if next.is_empty() {
                break;
            }
            let now = self.host.elapsed();
            self.require_free(now, operation, &listing, owner)?;
            round = Some(next);
        }
        if !failed.is_empty() {
            let message = format!(
                "Some {} of role '{}' may be left on slave(s) {}.",
                operation.noun,
                owner.role,
                failed.join(", ")
            );
            return Err(self.abort(Reason::Failed, message));
        }
        if accepted.is_empty() {
            return Ok(Done::Yes(listing));
        }
        if is_retried && let Some(since) = self.waits_since {
            let now = self.host.elapsed();
            self.waits_since = Some(match is_sent_again {
                true => since.max(now),
                // The master has accepted the first request, whose answer was lost, some time within this one.
                false => since.saturating_add(now.saturating_sub(begun_at)),
            });
        }
        self.confirm(operation, owner, &accepted, listing)
    }

    /// Lists the agents after an operation, of which this is the last list.
    fn look_after(
        &mut self,
        operation: &Operation,
        last: Option<Rc<Listing>>,
        accepted: &[String],
        owner: Owner,
    ) -> Result<Rc<Listing>, Abort> {
        // The reservations are released on the same agents, and the list after that shows them all.
        // Without a list of pending operations, another list of agents follows in any case.
        let is_followed =
            (operation.phase == Phase::Volumes || self.lists_no_operations) && !self.has_waited;
        // An agent that was not listed may be again.
        let lists_all = |last: &Rc<Listing>| accepted.iter().all(|id| last.agent(id).is_some());
        let last = last.filter(|last| is_followed && lists_all(last));
        // The sandbox has room for one listing at a time, so the last one is given up.
        match last.and_then(|last| self.look_again(last, owner)) {
            Some(listing) => Ok(listing),
            None => self.look_after_pending(owner),
        }
    }

    /// Waits until the agents have carried out the operations that the master accepted, and none
    /// of them lists the removed resources any more.
    fn confirm(
        &mut self,
        operation: &Operation,
        owner: Owner,
        accepted: &[String],
        listing: Rc<Listing>,
    ) -> Result<Done, Abort> {
        let newest = listing.newest;
        let mut last = Some(listing);
        let mut backoff = self.backoff();
        let mut has_waited = false;
        loop {
            // The order matters: an operation that is not pending any more has either been
            // carried out, or its resources are listed again.
            let pending = self.pending_ids(newest, Some(owner));
            if self.lists_no_operations || pending.is_err() {
                self.confirmed_at = self.host.elapsed();
            }
            // The rest of the service is waited for at the end.
            let own = |ids: &PendingIds| {
                ids.own.iter().filter(|it| accepted.contains(it)).cloned().collect()
            };
            let unheard: BTreeSet<String> = pending.as_ref().map(own).unwrap_or_default();
            let awaited: Vec<_> = unheard.iter().filter(|id| !self.is_ignored(id, "")).collect();
            if !awaited.is_empty() {
                let condition = format!(
                    "the removal of {} is pending on slave(s) {}",
                    operation.noun,
                    awaited.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
                );
                if backoff.wait(&mut self.host) || self.wait_for(&condition) {
                    continue;
                }
            }
            let has_happened = awaited.is_empty();
            let listing = self.look_after(operation, last.take(), accepted, owner)?;
            let done = operation.done(&listing, owner);
            let ids = accepted.iter().map(String::as_str);
            let counts = |id: &str| !self.is_ignored(id, listing.hostname(id));
            let left: Vec<_> = ids.filter(|id| !done.contains(id) && counts(id)).collect();
            let unheard: Vec<_> = unheard.into_iter().filter(|id| counts(id)).collect();
            if left.is_empty() && unheard.is_empty() {
                let is_whole = !listing.is_refreshed;
                let is_nothing = |it: PendingIds| it.own.is_empty() && it.rest.is_empty();
                let is_known = pending.is_ok_and(is_nothing) && !self.lists_no_operations;
                self.is_settled = is_whole && is_known;
                self.report.confirmed.push(operation.phase);
                self.report.confirmed.sort_by_key(|phase| *phase as u8);
                let line =
                    format!("Confirmed: role '{}' has no {} left", owner.role, operation.noun);
                self.host.say(Level::Debug, line, Some(Event::Confirmed(operation.phase)));
                if has_happened {
                    self.renew_waits(&backoff);
                }
                return Ok(Done::Yes(listing));
            }
            let back = operation.pending(&listing, owner);
            if has_waited && left.iter().any(|id| back.contains(id)) {
                let unreached = |id: &&str| Unreached {
                    agent: (*id).to_owned(),
                    hostname: String::new(),
                    reason: UnreachedReason::NotActive,
                    since: None,
                };
                self.away.extend(left.iter().map(unreached));
                return Ok(Done::CameBack(listing));
            }
            if backoff.wait(&mut self.host) {
                last = Some(Rc::clone(&listing));
                continue;
            }
            let noun = operation.noun;
            let away = format!(
                "slave(s) {} may still have the {noun}, although the Mesos master accepted the \
                 removal",
                left.join(", ")
            );
            if !left.is_empty() && self.planned.is_none() && self.wait_for(&away) {
                has_waited = true;
                continue;
            }
            if left.is_empty() {
                // The resources are no longer listed, but may come back.
                let agents = unheard.join(", ");
                let message = format!(
                    "Incomplete: the Mesos master accepted the removal of the {noun}, but these \
                     slaves have not carried it out yet: {agents}"
                );
                let pending = self.pending(&listing, Some(owner));
                let reach = self.unreached(&listing, pending);
                let (unreached, _) = self.say_unknown(reach);
                self.report_unreached(unreached);
                return Err(self.abort(Reason::Incomplete, message));
            }
            let message = format!(
                "The Mesos master accepted the request, but does not confirm that the {noun} are \
                 removed from slave(s) {}",
                left.join(", ")
            );
            return Err(self.abort(Reason::Failed, message));
        }
    }
}

/// Keeps the later of two results for an agent in a phase.
fn correct(report: &mut Report, result: AgentResult) {
    let is_same = |it: &&mut AgentResult| (it.phase, &it.agent) == (result.phase, &result.agent);
    match report.agents.iter_mut().find(is_same) {
        Some(earlier) => *earlier = result,
        None => report.agents.push(result),
    }
}
