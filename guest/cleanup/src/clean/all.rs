//! Cleanups of several targets in one run. Each target is cleaned up as if it were the only one, and
//! one that fails does not stop the others. But what one of them has read, the others do not read
//! again, and the requests of an operation share one window: the number of lists of agents does not
//! depend on the number of targets.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use crate::checks::{LOOKS, UNSTEADY};
use crate::context::{Abort, Context};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::memo::{Handle, Memo};
use crate::names::is_within;
use crate::operation::{Begun, Job, Operation, planned_volumes};
use crate::owner::Owner;
use crate::plan::changes::{Compared, Comparison};
use janitor_contract::types::{
    CleanupPlan, Elsewhere, Failure, Options, Phase, Reason, Report, Target,
};

/// Removes all targets, as `wit/cleanup.wit` specifies. It returns a result for each.
pub fn clean_all<H: Host>(
    host: &mut H,
    targets: &[Target],
    options: &Options,
) -> Vec<Result<Report, Failure>> {
    let jobs: Vec<_> = targets.iter().map(|target| (target, None)).collect();
    carry_out_all(host, &jobs, options)
}

/// Carries out all plans, as `wit/cleanup.wit` specifies. It returns a result for each.
pub fn apply_all<H: Host>(
    host: &mut H,
    plans: &[CleanupPlan],
    options: &Options,
) -> Vec<Result<Report, Failure>> {
    let jobs: Vec<_> = plans.iter().map(|plan| (&plan.target, Some(plan))).collect();
    carry_out_all(host, &jobs, options)
}

/// The cleanup of one of the targets.
struct Part<'a, H> {
    target: &'a Target,
    context: Context<'a, H>,
    state: State,
    /// The roles that get a part of the target back.
    parents: Vec<(String, u32)>,
    /// The resources of other roles that may have belonged to the service at first, if all of it is to be removed.
    elsewhere: Vec<Elsewhere>,
    /// The number of other targets whose roles are below the target's.
    below: usize,
}

/// The state of a cleanup.
enum State {
    /// Its plan has been compared with the cluster.
    Compared(Box<Compared>),
    /// It continues, with this list of agents if the target has a role.
    Runs(Option<Rc<Listing>>),
    /// Its plan was carried out before.
    CarriedOut,
    /// It has ended early.
    Ended(Abort),
}

fn carry_out_all<H: Host>(
    host: &mut H,
    jobs: &[(&Target, Option<&CleanupPlan>)],
    options: &Options,
) -> Vec<Result<Report, Failure>> {
    // After a long wait for one target, the checks of the others would be out of date.
    let options = &Options { wait_seconds: 0, ..options.clone() };
    let memo = Memo::new(host, jobs.iter().map(|(target, _)| *target));
    let memo = RefCell::new(memo.under(options));
    let mut handles: Vec<_> = jobs.iter().map(|_| Handle(&memo)).collect();
    let mut parts = Vec::new();
    let volumes = Rc::new(planned_volumes(jobs.iter().filter_map(|(_, plan)| *plan)));
    let start = memo.borrow_mut().elapsed();
    let mut since = start;
    for (index, (handle, (target, plan))) in handles.iter_mut().zip(jobs).enumerate() {
        let mut context = Context::new(handle, options);
        context.begin_cleanup(target, *plan);
        let others = jobs.iter().map(|(it, _)| *it);
        context.others = others.filter(|it| it != target).collect();
        context.waits_since = Some(since);
        let (state, parents) = (State::CarriedOut, Vec::new());
        let is_below = |(other, _): &&(&Target, _)| match (&other.role, &target.role) {
            (Some(other), Some(own)) => other != own && is_within(other, own),
            _ => false,
        };
        let below = jobs.iter().filter(is_below).count();
        let elsewhere = Vec::new();
        let mut part = Part { target, context, state, parents, elsewhere, below };
        let (before, after) = jobs.split_at(index);
        part.begin(*plan, before, after.len() == 1);
        since = part.context.waits_since.map_or(since, |it| it.max(since));
        part.context.planned_volumes = Rc::clone(&volumes);
        parts.push(part);
    }
    // Only now, because those that are carried out already may wait, and all of them together.
    let mut is_first = true;
    in_turn(&mut parts, since, |part| {
        part.decide(is_first);
        is_first = false;
    });
    let mut shared = Handle(&memo);
    carry_out(&Operation::VOLUMES, &mut shared, &mut parts.iter_mut().collect::<Vec<_>>());
    // The resources that a role below has refined return to the role above, which therefore follows.
    for turn in 0..parts.len() {
        let mut parts: Vec<_> = parts.iter_mut().filter(|part| part.below == turn).collect();
        if !parts.is_empty() {
            carry_out(&Operation::RESERVATIONS, &mut shared, &mut parts);
        }
    }
    let now = shared.elapsed();
    in_turn(&mut parts, now, |part| {
        let parents = mem::take(&mut part.parents);
        part.proceed(|context, target, listing| {
            // Each of the other targets may have taken its time.
            context.outdate_frameworks(now);
            context.has_waited = target.znode.is_some();
            context.still_unused(listing.as_ref())?;
            if let (Some(owner), Some(listing)) = (Owner::of(target), listing) {
                let listing = context.latest_shown(listing, owner)?;
                context.settle_and_repeat(listing, owner, &parents)?;
            }
            context.require_planned_end()?;
            Ok(None)
        });
    });
    // A list that was read later for another target may show more.
    parts.iter_mut().for_each(Part::require_still_clean);
    delete_nodes(&mut parts);
    // So may one that was read before a node would have been deleted.
    parts.iter_mut().for_each(Part::require_still_clean);
    let are_complete = parts.iter().all(|part| !matches!(part.state, State::Ended(_)));
    parts.into_iter().map(|part| part.end(are_complete)).collect()
}

/// Takes a step of each target. All of them wait for the servers together, and once more after one of them has
/// waited long for something else.
fn in_turn<'a: 'b, 'b, H: Host + 'a>(
    parts: impl IntoIterator<Item = &'b mut Part<'a, H>>,
    mut since: Duration,
    mut step: impl FnMut(&mut Part<'a, H>),
) {
    for part in parts {
        part.context.waits_since = Some(since);
        step(part);
        since = part.context.waits_since.map_or(since, |it| it.max(since));
    }
}

/// Deletes the nodes of the targets that continue. A node stays if a target that has failed, or is in use now,
/// names it, or a node above or below it; that of a whole service also if one is a role of the service.
fn delete_nodes<H: Host>(parts: &mut [Part<H>]) {
    // The time from which on no node could be deleted: the servers are not waited for again for each of them.
    let mut since = None;
    for index in 0..parts.len() {
        let (before, rest) = parts.split_at_mut(index);
        let Some((part, after)) = rest.split_first_mut() else { break };
        let (State::Runs(_), Some(znode)) = (&part.state, part.target.znode.as_deref()) else {
            continue;
        };
        let own = path(znode);
        let elsewhere = mem::take(&mut part.elsewhere);
        let wanted = Wanted::of(part.target);
        let is_whole = part.context.options.whole_service;
        let is_of_service = |it: &Part<H>| {
            let Some(role) = &it.target.role else { return false };
            let principal = it.target.principal.as_deref();
            let is_its = |known: &Elsewhere| {
                let is_made = principal.is_none_or(|it| wanted.is_same_service(it));
                known.role == *role && (known.principal.is_none() || is_made)
            };
            // A removal may be pending of which no list has shown anything.
            is_whole && (wanted.may_be_of_service(role, principal) || elsewhere.iter().any(is_its))
        };
        let is_near = |it: &Part<H>| {
            let other = it.target.znode.as_deref();
            other.is_some_and(|other| overlap(own, path(other))) || is_of_service(it)
        };
        let mut begun = since;
        let is_free = |context: &mut Context<H>, mut now: Duration| {
            begun = begun.or(Some(now));
            let mut others: Vec<_> = before.iter_mut().chain(after.iter_mut()).collect();
            for other in &mut others {
                other.context.waits_since = Some(now);
            }
            // The latest look counts for all of them.
            for _ in 0..LOOKS {
                let look = context.host.latest_look();
                context.unused_since(now)?;
                others.iter_mut().for_each(|it| it.require_unused(now));
                // A list that was read for one of them counts for all.
                others.iter_mut().for_each(|it| it.require_still_clean());
                context.require_nothing_shown()?;
                let mut failed = others.iter().filter(|it| matches!(it.state, State::Ended(_)));
                if let Some(other) = failed.find(|it| is_near(it)) {
                    let its = match is_of_service(other) {
                        true => "may belong to the same service",
                        false => "names it, or a node above or below it",
                    };
                    let message = format!(
                        "Incomplete: znode '{znode}' stays, because another target, which {its}, is \
                         not clean."
                    );
                    return Err(context.abort(Reason::Incomplete, message));
                }
                now = context.host.elapsed();
                if context.host.latest_look() == look {
                    return Ok(());
                }
            }
            let mut near = others.iter_mut().filter(|it| is_near(it));
            match context.is_unsteady(now) || near.any(|it| it.context.is_unsteady(now)) {
                true => Err(context.abort(Reason::Failed, UNSTEADY)),
                false => Ok(()),
            }
        };
        part.proceed(|context, _, _| {
            context.waits_since = since;
            context.znode(znode, is_free)?;
            Ok(None)
        });
        since = begun.filter(|_| matches!(part.state, State::Ended(_)));
    }
}

/// Returns the path of a node, without slashes at its ends.
fn path(znode: &str) -> &str {
    znode.trim_matches('/')
}

/// Returns whether two nodes are the same one, or one of them is below the other.
fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// Ends the cleanup of each target that is in use, or whose plan does not show what the operation would remove.
/// All of them are looked at together: with one list of frameworks, and one of agents.
fn prepare<H: Host>(operation: &Operation, host: &mut H, parts: &mut [&mut Part<H>]) {
    let mut now = Duration::ZERO;
    // Some may have waited long since the others did.
    let start = latest_time(parts.iter().map(|part| &**part));
    for part in parts.iter_mut() {
        part.context.waits_since = Some(start);
    }
    for _ in 0..LOOKS {
        for part in parts.iter_mut() {
            part.proceed(|context, _, listing| {
                if let Some(listing) = &listing {
                    context.outdate_frameworks(now);
                    context.require_still_unused(listing)?;
                }
                Ok(listing)
            });
        }
        // Only now, because all must have the same list, and a pause would have another one read.
        for part in parts.iter_mut() {
            part.proceed(|context, target, listing| {
                let (Some(owner), Some(listing)) = (Owner::of(target), listing) else {
                    return Ok(None);
                };
                let listing = context.latest(listing, owner)?;
                context.require_planned(operation, &listing, owner)?;
                Ok(Some(listing))
            });
        }
        now = host.elapsed();
        if !parts.iter_mut().any(|part| part.is_out_of_date(now)) {
            return;
        }
    }
    for part in parts.iter_mut() {
        part.proceed(|context, _, listing| match listing {
            Some(_) if context.is_unsteady(now) => Err(context.abort(Reason::Failed, UNSTEADY)),
            listing => Ok(listing),
        });
    }
}

/// Returns the latest time that one of the targets has read from the host's clock.
fn latest_time<'a: 'b, 'b, H: 'a>(parts: impl Iterator<Item = &'b Part<'a, H>>) -> Duration {
    parts.map(|part| part.context.host.now).max().unwrap_or_default()
}

/// Carries out an operation for these targets.
fn carry_out<H: Host>(operation: &Operation, host: &mut H, parts: &mut [&mut Part<H>]) {
    prepare(operation, host, parts);
    let jobs: Vec<_> = parts.iter().filter_map(|part| part.job()).collect();
    let agents = jobs.iter().flat_map(|job| &job.listing.agents);
    let agents = agents.filter(|agent| !agent.resources.is_empty()).count();
    let mut first_rounds = Vec::new();
    if !jobs.is_empty() {
        super::begin(host, operation.phase, operation.begins, agents);
        first_rounds = operation.round(host, &jobs);
    }
    let now = host.elapsed();
    let parts = parts.iter_mut().map(|part| &mut **part).filter(|part| part.job().is_some());
    let parts: Vec<_> = parts.collect();
    // Before any list: the one that is read for one of them counts for all.
    for (part, attempts) in parts.iter().zip(&first_rounds) {
        part.context.take_note(operation, attempts);
    }
    let mut first_rounds = first_rounds.into_iter();
    in_turn(parts, now, |part| {
        let first = first_rounds.next().unwrap_or_default();
        part.proceed(|context, target, listing| {
            let (Some(owner), Some(listing)) = (Owner::of(target), listing) else {
                return Ok(None);
            };
            let listing = context.carry_out(operation, listing, owner, Begun::Round(first))?;
            if operation.phase == Phase::Reservations {
                context.watch();
            }
            Ok(Some(listing))
        });
    });
}

impl<'a, H: Host> Part<'a, H> {
    /// Makes the checks before anything is changed.
    fn begin(
        &mut self,
        plan: Option<&CleanupPlan>,
        before: &[(&Target, Option<&CleanupPlan>)],
        is_last: bool,
    ) {
        self.state = match self.checked(plan, before, is_last) {
            Ok(state) => state,
            Err(abort) => State::Ended(abort),
        };
    }

    /// Ends the cleanup unless the cluster is as its plan shows it, if it has one.
    fn decide(&mut self, is_first: bool) {
        self.state = match mem::replace(&mut self.state, State::CarriedOut) {
            State::Compared(compared) => {
                let decided = self.context.decide(*compared);
                match decided.and_then(|decided| self.runs(decided, is_first)) {
                    Ok(state) => state,
                    Err(abort) => State::Ended(abort),
                }
            }
            state => state,
        };
    }

    fn checked(
        &mut self,
        plan: Option<&CleanupPlan>,
        before: &[(&Target, Option<&CleanupPlan>)],
        is_last: bool,
    ) -> Result<State, Abort> {
        let Self { target, context, .. } = self;
        let invalid = |why: &str| Refusal { reason: Reason::InvalidTarget, why: why.into() };
        if before.iter().any(|(other, _)| other == target) {
            return Err(context.refuse(invalid("the same target is named twice")));
        }
        if target.marathon_app.is_some() && !is_last {
            let why = "only the last target may name the app that runs the cleaner, which is \
                       removed last";
            return Err(context.refuse(invalid(why)));
        }
        context.admit(target)?;
        match plan {
            Some(plan) => Ok(State::Compared(Box::new(context.compare(plan)?))),
            None => {
                let listing = context.as_allowed(target)?;
                self.runs(Comparison::Same(listing), before.is_empty())
            }
        }
    }

    /// Returns the state of a cleanup that may continue.
    fn runs(&mut self, comparison: Comparison, is_first: bool) -> Result<State, Abort> {
        let Self { target, context, parents, elsewhere, .. } = self;
        let listing = match comparison {
            Comparison::CarriedOut => {
                context.watch();
                return Ok(State::CarriedOut);
            }
            Comparison::Same(listing) => listing,
        };
        let Some(listing) = listing else { return Ok(State::Runs(None)) };
        let listing = context.usable(listing)?;
        if let Some(owner) = Owner::of(target) {
            *parents = listing.parents(owner);
            if context.options.whole_service {
                *elsewhere = listing.elsewhere();
            }
        }
        match is_first {
            true => context.log_version(&listing),
            false => context.report.mesos_version.clone_from(&listing.version),
        }
        Ok(State::Runs(Some(listing)))
    }

    /// Returns whether the cleanup continues, and has to look at the frameworks again at this time.
    fn is_out_of_date(&mut self, now: Duration) -> bool {
        matches!(self.state, State::Runs(Some(_))) && self.context.are_frameworks_old(now)
    }

    /// Ends the cleanup if a framework uses the target at this time, or something of it is back.
    fn require_unused(&mut self, now: Duration) {
        self.check(|context| context.unused_since(now));
    }

    /// Ends the cleanup if a list of agents shows something of the target again.
    fn require_still_clean(&mut self) {
        self.check(|context| context.require_nothing_shown());
    }

    /// Ends the cleanup, also one that is complete, if a check fails.
    fn check(&mut self, check: impl FnOnce(&mut Context<'a, H>) -> Result<(), Abort>) {
        if !matches!(self.state, State::Ended(_))
            && let Err(abort) = check(&mut self.context)
        {
            self.state = State::Ended(abort);
        }
    }

    /// Returns the resources that an operation concerns, if the cleanup continues.
    fn job(&self) -> Option<Job<'_>> {
        match &self.state {
            State::Runs(Some(listing)) => Some(Job::brief(listing, Owner::of(self.target)?)),
            _ => None,
        }
    }

    /// Takes the next step, if the cleanup continues.
    fn proceed(
        &mut self,
        step: impl FnOnce(
            &mut Context<'a, H>,
            &'a Target,
            Option<Rc<Listing>>,
        ) -> Result<Option<Rc<Listing>>, Abort>,
    ) {
        self.state = match mem::replace(&mut self.state, State::CarriedOut) {
            State::Runs(listing) => match step(&mut self.context, self.target, listing) {
                Ok(listing) => State::Runs(listing),
                Err(abort) => State::Ended(abort),
            },
            state => state,
        };
    }

    /// Ends the cleanup. The app that runs the cleaner is removed only if the others are complete
    /// too, because it has to be started again otherwise.
    fn end(self, are_complete: bool) -> Result<Report, Failure> {
        let Self { target, mut context, state, .. } = self;
        let what = match (&target.role, &target.znode) {
            (Some(role), _) => format!("role '{role}'"),
            (None, znode) => format!("znode '{}'", znode.as_deref().unwrap_or_default()),
        };
        match state {
            State::Ended(abort) => {
                context.log_leftovers(target, abort.reason);
                return Err(context.fail(abort));
            }
            State::CarriedOut => {
                context.say(format!("The plan for {what} is already carried out."))
            }
            State::Compared(_) | State::Runs(_) => {
                context.say(format!("Cleanup of {what} completed successfully."))
            }
        }
        if are_complete {
            // Only the last target has an app.
            context.waits_since = None;
            context.leave_marathon(target.marathon_app.as_deref());
        }
        Ok(context.report)
    }
}

#[cfg(test)]
mod tests;
