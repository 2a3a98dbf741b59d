//! One operation on all agents, again where that may help, until it is confirmed.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{Run, Stop};
use crate::host::{Host, Passes};
use crate::master::agents::Listing;
use crate::operation::request::Lists;
use crate::operation::round::{Operation, Owner};
use janitor_contract::types::{AgentOutcome, AgentResult, Event, Level, Reason, Report};

/// An agent that may have to be asked again.
struct Again {
    agent: String,
    passes: Passes,
    divisible: bool,
}

impl<H: Host> Run<'_, H> {
    /// One operation on all agents. Returns the listing that shows its effect.
    pub fn operate(
        &mut self,
        operation: &Operation,
        listing: Listing,
        owner: Owner,
    ) -> Result<Listing, Stop> {
        let mut retries = self.retries();
        let (mut accepted, mut failed) = (Vec::new(), Vec::new());
        let mut listing = listing;
        let mut round: Option<BTreeMap<String, Lists>> = None;
        loop {
            let swept = operation.sweep(&mut self.host, &listing, owner, round.as_ref());
            let mut again = Vec::new();
            for it in swept {
                match it.result.outcome {
                    AgentOutcome::Accepted(_) => accepted.push(it.result.agent.clone()),
                    AgentOutcome::Refused(_) | AgentOutcome::Failed(_) => again.push(Again {
                        agent: it.result.agent.clone(),
                        passes: it.passes,
                        divisible: it.divisible,
                    }),
                    _ => {}
                }
                match round {
                    None => self.report.agents.push(it.result),
                    Some(_) => correct(&mut self.report, it.result),
                }
            }
            let Some(passes) = again.iter().map(|it| it.passes).max() else { break };
            let waited = retries.wait(&mut self.host, passes);
            // Someone else may have removed it in the meantime.
            drop(listing);
            let now = self.look(owner);
            listing = self.usable(now)?;
            let done = operation.done(&listing, owner);
            let mut next = BTreeMap::new();
            for Again { agent, passes, divisible } in again {
                let lists = round.as_ref().and_then(|round| round.get(&agent).copied());
                if done.contains(agent.as_str()) {
                    accepted.push(agent);
                } else if waited && passes != Passes::No {
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
            round = Some(next);
        }
        if !failed.is_empty() {
            let message = format!(
                "The {} of role '{}' may be left on slave(s) {}.",
                operation.noun,
                owner.role,
                failed.join(", ")
            );
            return Err(self.stop(Reason::Failed, message));
        }
        if accepted.is_empty() {
            return Ok(listing);
        }
        let newest = listing.newest;
        // There is room for one of these.
        drop(listing);
        self.confirm(operation, owner, &accepted, newest)
    }

    /// Waits until the agents have done what the master accepted, and none of
    /// them lists what was to be removed.
    fn confirm(
        &mut self,
        operation: &Operation,
        owner: Owner,
        accepted: &[String],
        newest: Option<u32>,
    ) -> Result<Listing, Stop> {
        let mut patience = self.wait();
        loop {
            // In this order: what is pending no more is either done, or listed again.
            let pending = self.pending_ids(newest, Some(owner.role), owner.principal);
            let own = |ids: &BTreeSet<String>| {
                ids.iter().filter(|it| accepted.contains(it)).cloned().collect()
            };
            let unheard: BTreeSet<String> = pending.as_ref().map(own).unwrap_or_default();
            if unheard.iter().any(|id| !self.is_ignored(id, "")) && patience.wait(&mut self.host) {
                continue;
            }
            let listing = self.look(owner);
            let listing = self.usable(listing)?;
            let done = operation.done(&listing, owner);
            let ids = accepted.iter().map(String::as_str);
            let counts = |id: &str| !self.is_ignored(id, listing.hostname(id));
            let left: Vec<_> = ids.filter(|id| !done.contains(id) && counts(id)).collect();
            let unheard: Vec<_> = unheard.into_iter().filter(|id| counts(id)).collect();
            if left.is_empty() && unheard.is_empty() {
                self.is_settled = pending.is_ok_and(|it| it.is_empty());
                self.report.confirmed.push(operation.phase);
                let line = format!("Confirmed: no {} of {} left", operation.noun, owner.role);
                self.host.say(Level::Debug, line, Some(Event::Confirmed(operation.phase)));
                return Ok(listing);
            }
            if patience.wait(&mut self.host) {
                continue;
            }
            let noun = operation.noun;
            if left.is_empty() {
                // It is not listed any more, and would come back.
                let agents = unheard.join(", ");
                let message = format!(
                    "Incomplete: the Mesos master accepted to remove the {noun}, and has not heard \
                     that it is done by: {agents}"
                );
                let (role, principal) = (Some(owner.role), owner.principal);
                let pending = self.pending(&listing, role, principal);
                let (mut unreached, _) = self.unreached(&listing, pending);
                self.report.ignored = self.ignore(&mut unreached);
                self.report.unreached = unreached;
                return Err(self.stop(Reason::Incomplete, message));
            }
            let message = format!(
                "The Mesos master accepted the request, but does not show that the {noun} are gone \
                 from: {}",
                left.join(", ")
            );
            return Err(self.stop(Reason::Failed, message));
        }
    }
}

/// Keeps the later one of two results of an agent in a phase.
fn correct(report: &mut Report, result: AgentResult) {
    let is_same = |it: &&mut AgentResult| (it.phase, &it.agent) == (result.phase, &result.agent);
    if let Some(earlier) = report.agents.iter_mut().find(is_same) {
        *earlier = result;
    }
}
