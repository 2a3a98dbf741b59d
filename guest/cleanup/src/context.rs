//! The context of a run: its host, its options and its report, and the steps that all runs
//! share, such as listing the agents and reporting why a run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::excerpt::one_line;
use crate::host::{Host, Look, Shown, Watched};
use crate::lost;
use crate::master::agents::{Listing, Wanted};
use crate::master::frameworks::{self, Frameworks};
use crate::master::{absent, pending};
use crate::operation::Removed;
use crate::owner::Owner;
use crate::rest;
use crate::retry::{Backoff, Retries};
use crate::version;
use janitor_contract::planned;
use janitor_contract::types::{
    AgentPlan, Event, Failure, InUse, Level, Options, ReadFailure, Reason, Report, Target,
    Unreached, UnreachedReason, Warning,
};

/// The time for servers to become ready that each of several targets has, whatever the others took.
const LEAST: Duration = Duration::from_secs(1);

/// The time after which the frameworks are looked at again before something else is removed: a service
/// may have been installed again.
const FRESH: Duration = Duration::from_secs(30);

/// The context of a run.
pub struct Context<'a, H> {
    /// The host of the run.
    pub host: Watched<'a, H>,
    /// The options of the run.
    pub options: &'a Options,
    /// The report on everything that the run has found and done so far.
    pub report: Report,
    /// This is set when warnings are kept for the result, and not logged.
    pub is_quiet: bool,
    /// This is set when nothing of the target was pending just before the last listing.
    pub is_settled: bool,
    /// This is set when the agents could not be listed the last time.
    is_blind: bool,
    /// The agents that a listing has shown to hold something for the role, or to be out of
    /// reach: their ids and their host names.
    concerned: BTreeMap<String, String>,
    /// The concerned agents that the last listing did not show any more.
    vanished: Vec<Unreached>,
    /// The frameworks that own everything that the run removes, if labels prove whose it is. Only
    /// these keep a run from removing it.
    pub owning_frameworks: Option<BTreeSet<String>>,
    /// The target of a cleanup.
    pub target: Option<&'a Target>,
    /// The plan's part about each agent that was there when it was made, if the run carries out a plan. Nothing
    /// is removed from the others.
    pub planned: Option<Vec<&'a AgentPlan>>,
    /// The volumes that the plans of the run remove, by agent and id.
    pub planned_volumes: Rc<Vec<(String, String)>>,
    /// The time that the run may still wait for conditions that pass, once it has begun to.
    patience: Option<Backoff>,
    /// The reason for the last pause, as the log has named it.
    awaited: String,
    /// This is set when the run has waited since it last looked at the frameworks.
    pub has_waited: bool,
    /// The time on the host's clock when the run last looked at the frameworks, or before.
    pub frameworks_at: Duration,
    /// That look, if several cleanups share it.
    look: Option<Look>,
    /// This is set when the run has paused between the pages of that look.
    has_paused: bool,
    /// The time on the host's clock from which on all targets of the run wait for the same servers, so
    /// that their waits do not add up.
    pub waits_since: Option<Duration>,
    /// The resources of the same service that lists have shown under other roles.
    pub rest: rest::Shared,
    /// The resources of the target that have disappeared from lists.
    pub lost: lost::Shared,
    /// The plan that is carried out shows that the znode or the app stays because something is left of the service.
    pub plan_keeps_service: bool,
    /// The other targets of the run.
    pub others: Vec<&'a Target>,
    /// How often something had disappeared when the pending operations were last read.
    pub asked: u32,
    /// A list of agents that shows something of the target again, once nothing was left of it.
    pub shown: Shown,
    /// The agents for which the run has waited because they were out of reach.
    pub away: Vec<Unreached>,
    /// The master is too old to list pending operations, or does not record those of an agent.
    pub lists_no_operations: bool,
    /// This is set when the last listing shows an agent whose operations the master does not record.
    has_unrecorded: bool,
    /// The time on the host's clock when the run last had listed the agents before it would remove anything, or
    /// last tried to confirm removals without a list of pending operations.
    pub confirmed_at: Duration,
    /// The resources whose removal the master has accepted, as far as an agent may be asked again.
    pub removed: Removed,
}

/// The ids of agents on which removals are pending.
#[derive(Default)]
pub struct PendingIds {
    /// The removals concern the target.
    pub own: BTreeSet<String>,
    /// They concern the rest of the service, if all of it is to be removed.
    pub rest: BTreeSet<String>,
}

/// The agents that a run cannot see or reach.
pub struct Reach {
    /// The agents that may hold something.
    pub unreached: Vec<Unreached>,
    /// The reasons why there may be others.
    unknown: Vec<String>,
    /// The pages that the master lacks, so that a part of this cannot be confirmed.
    missing: Vec<&'static str>,
}

/// The early end of a run, which the log has explained in its own lines.
pub struct Abort {
    /// The kind.
    pub reason: Reason,
    /// One sentence.
    pub message: String,
}

impl Abort {
    /// Turns the early end of a run that changes nothing into its result.
    pub fn into_read_failure(self) -> ReadFailure {
        ReadFailure { reason: self.reason, message: one_line(&self.message) }
    }
}

impl<'a, H: Host> Context<'a, H> {
    /// Starts a run.
    pub fn new(host: &'a mut H, options: &'a Options) -> Self {
        let host = Watched::new(host);
        Self {
            host,
            options,
            report: Report::NOTHING,
            is_quiet: false,
            is_settled: false,
            is_blind: false,
            concerned: BTreeMap::new(),
            vanished: Vec::new(),
            owning_frameworks: None,
            target: None,
            planned: None,
            planned_volumes: Rc::default(),
            patience: None,
            awaited: String::new(),
            has_waited: false,
            frameworks_at: Duration::ZERO,
            look: None,
            has_paused: false,
            waits_since: None,
            rest: rest::Shared::default(),
            lost: lost::Shared::default(),
            plan_keeps_service: false,
            others: Vec::new(),
            asked: 0,
            shown: Shown::default(),
            away: Vec::new(),
            lists_no_operations: false,
            has_unrecorded: false,
            confirmed_at: Duration::ZERO,
            removed: Removed::default(),
        }
    }

    /// Turns the early end of a cleanup into its result.
    pub fn fail(self, abort: Abort) -> Failure {
        let Abort { reason, message } = abort;
        Failure { reason, message: one_line(&message), report: self.report }
    }

    /// Lists the agents, and tries again where that may help.
    pub fn list(&mut self, wanted: Wanted) -> Result<Rc<Listing>, String> {
        let mut retries = self.retries();
        loop {
            let unread = match self.host.list(wanted) {
                Ok(listing) => {
                    self.keep(&listing);
                    return Ok(listing);
                }
                Err(unread) => unread,
            };
            self.host.say(Level::Debug, &unread.message, None);
            if !retries.wait(&mut self.host, unread.retry) {
                return Err(unread.message);
            }
        }
    }

    /// Takes a list as it was read.
    fn keep(&mut self, listing: &Listing) {
        self.rest.borrow_mut().keep(listing);
        if let Some(owner) = self.target.and_then(Owner::of) {
            self.lost.borrow_mut().keep(listing, owner, &self.options.ignored_agents);
        }
    }

    /// Lists the agents, and keeps for the report what they still hold.
    pub fn look(&mut self, owner: Owner) -> Result<Rc<Listing>, String> {
        let listing = self.list(Wanted::of_owner(owner));
        self.seen(listing, owner)
    }

    /// Reads only those agents of a list again from which the run may remove something, and keeps for
    /// the report what they still hold. It returns nothing if the whole list is to be read.
    pub fn look_again(&mut self, listing: Rc<Listing>, owner: Owner) -> Option<Rc<Listing>> {
        self.host.forget_old_list();
        let listing = self.host.refresh(Wanted::of_owner(owner), listing)?;
        self.keep(&listing);
        self.seen(Ok(listing), owner).ok()
    }

    /// Returns the latest list of agents of a run for several targets: the host allows the removal of
    /// nothing else than what it shows, and the run may have read it for another target.
    pub fn latest(&mut self, listing: Rc<Listing>, owner: Owner) -> Result<Rc<Listing>, Abort> {
        match self.host.latest(Wanted::of_owner(owner)) {
            Some(latest) => {
                let latest = self.seen(Ok(latest), owner);
                self.usable(latest)
            }
            None => {
                drop(listing);
                let listing = self.look(owner);
                self.usable(listing)
            }
        }
    }

    /// Keeps for the report what the agents still hold.
    pub fn seen(
        &mut self,
        listing: Result<Rc<Listing>, String>,
        owner: Owner,
    ) -> Result<Rc<Listing>, String> {
        self.report.left = listing.as_ref().ok().map(|listing| listing.left(owner));
        self.is_blind = listing.is_err();
        if let Ok(listing) = &listing {
            self.vanished = listing.vanished(&self.concerned);
            self.concerned.extend(listing.concerned());
            self.has_unrecorded = listing.unrecorded().next().is_some();
            let unreached = self.vanished.iter().cloned().chain(listing.unreached()).collect();
            self.report_unreached(unreached);
        }
        self.of_known_frameworks(listing?, owner)
    }

    /// Rejects a list in which something to remove belongs to another framework than those of
    /// which the run knows that they are not registered.
    fn of_known_frameworks(
        &self,
        listing: Rc<Listing>,
        owner: Owner,
    ) -> Result<Rc<Listing>, String> {
        let frameworks = self.owning_frameworks.as_ref();
        match frameworks.and_then(|known| listing.stranger(owner, known)) {
            None => Ok(listing),
            Some(agent) => Err(format!(
                "Slave {agent} now lists resources of role '{}' whose labels name another framework than those that were found not to use it. Run the same command again.",
                owner.role
            )),
        }
    }

    /// Expects agents to be listed again whose operations the master does not record: what they hold may
    /// not be listed.
    pub fn expect_unrecorded(&mut self, listing: &Listing) {
        self.concerned.extend(listing.unrecorded());
    }

    /// Returns whether the agents could not be listed the last time.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Aborts the run unless there is a list of agents on which it can rely.
    pub fn usable(&mut self, listing: Result<Rc<Listing>, String>) -> Result<Rc<Listing>, Abort> {
        let listing = listing.map_err(|why| self.abort(Reason::Failed, why))?;
        if listing.is_empty && listing.recovered.is_empty() {
            let message = "The Mesos master lists no agents, so it is unknown what they hold. \
                Check that it is the leading master, and that its agents have registered.";
            return Err(self.abort(Reason::Failed, message));
        }
        Ok(listing)
    }

    /// Reads the frameworks of a cluster with these agents.
    pub fn frameworks(&mut self, listing: &Listing) -> Result<Frameworks, String> {
        let mut retries = self.retries();
        // The clock has just been read.
        let (before, pauses) = (self.host.now, self.host.pauses);
        let all = frameworks::all(&mut self.host, listing, &mut retries)?;
        self.has_paused = self.host.pauses > pauses;
        self.look = self.host.latest_look();
        // Another cleanup may have read the pages earlier.
        self.frameworks_at = self.look.map_or(before, |look| look.at);
        self.lacks(&all.missing);
        Ok(all)
    }

    /// Treats the time until now, since the run last looked at the frameworks, as a wait if it was long, or if
    /// the cleanup of another target has looked at them meanwhile.
    pub fn outdate_frameworks(&mut self, now: Duration) {
        self.has_waited |= self.are_frameworks_old(now);
    }

    /// Returns whether no other cleanup of the run has looked at the frameworks later.
    fn has_latest_look(&self) -> bool {
        self.host.latest_look() == self.look
    }

    /// Returns whether the run has not looked at the frameworks well enough, after several looks. The pages may
    /// take longer than a look is fresh, unless that is because the run has paused between them.
    pub fn is_unsteady(&mut self, now: Duration) -> bool {
        !self.has_latest_look() || self.has_paused && self.are_frameworks_old(now)
    }

    /// Returns whether the run last looked at the frameworks long before this time, or the cleanup of
    /// another target has looked at them since. With `--force`, nobody looks at them.
    pub fn are_frameworks_old(&mut self, now: Duration) -> bool {
        if self.options.in_use == InUse::Force {
            return false;
        }
        let is_old = |at| now.saturating_sub(at) > FRESH;
        let latest = self.host.latest_look();
        if latest.is_some_and(|look| is_old(look.at)) {
            self.host.forget_old_look();
        }
        is_old(self.frameworks_at) || latest != self.look
    }

    /// Finds the agents that may hold something that a run cannot see or remove: some that are
    /// listed, those that are not, and those on which something is still `pending`. Agents
    /// that vanished since an earlier listing come first.
    pub fn unreached(
        &mut self,
        listing: &Listing,
        pending: Result<Vec<Unreached>, String>,
    ) -> Reach {
        let mut retries = self.retries();
        let absent = absent::absent(&mut self.host, listing, &mut retries);
        let missing = absent.missing;
        let mut unknown = absent.doubts;
        let mut unreached = self.vanished.clone();
        for agent in &mut unreached {
            // The registry may say more.
            if let Some(it) = absent.agents.iter().find(|it| it.agent == agent.agent) {
                (agent.reason, agent.since) = (it.reason, it.since);
            }
        }
        let pending = pending.unwrap_or_else(|why| {
            unknown.push(why);
            Vec::new()
        });
        let absent = absent.agents.into_iter();
        let absent = absent.filter(|it| listing.may_be_wanted(&it.agent, &it.hostname));
        listing.unreached().into_iter().chain(absent).for_each(|it| add(&mut unreached, it));
        if self.options.whole_service {
            self.rest.borrow().away().into_iter().for_each(|it| add_rest(&mut unreached, it));
        }
        pending.into_iter().for_each(|it| add(&mut unreached, it));
        Reach { unreached, unknown, missing }
    }

    /// Logs the reasons why there may be other agents that hold something, and returns the agents
    /// that are known and these reasons, if there are any.
    pub fn say_unknown(&mut self, reach: Reach) -> (Vec<Unreached>, Option<String>) {
        let Reach { unreached, unknown, missing } = reach;
        self.lacks(&missing);
        for why in &unknown {
            let line = format!("It is unknown whether other slaves hold resources: {why}");
            self.host.say(Level::Error, line, None);
        }
        (unreached, (!unknown.is_empty()).then(|| unknown.join(" ")))
    }

    /// Finds the agents on which a removal from a target, or from any role, is still pending.
    pub fn pending(
        &mut self,
        listing: &Listing,
        owner: Option<Owner>,
    ) -> Result<Vec<Unreached>, String> {
        let PendingIds { own: mut ids, rest } = self.pending_ids(listing.newest, owner)?;
        ids.extend(rest);
        ids.retain(|agent| listing.may_be_wanted(agent, listing.hostname(agent)));
        let unreached = ids.into_iter().map(|agent| Unreached {
            hostname: listing.hostname(&agent).to_owned(),
            agent,
            reason: UnreachedReason::OperationPending,
            since: None,
        });
        Ok(unreached.collect())
    }

    /// Finds the ids of these agents. `newest` is the newest version of Mesos that an agent
    /// names.
    pub fn pending_ids(
        &mut self,
        newest: Option<u32>,
        owner: Option<Owner>,
    ) -> Result<PendingIds, String> {
        if self.has_lost() {
            // Where nothing says what is pending, the removal may have been accepted until then.
            let lost_at = self.host.lost_at();
            let lost_at = lost_at.unwrap_or_else(|| self.host.elapsed());
            self.confirmed_at = self.confirmed_at.max(lost_at);
        }
        let mut retries = self.retries();
        let pending = pending::pending(&mut self.host, newest, &mut retries)?;
        self.lists_no_operations = pending.is_none() || self.has_unrecorded;
        self.asked = self.losses();
        let rest = owner.filter(|_| self.options.whole_service);
        let mut ids = PendingIds::default();
        for it in pending.into_iter().flatten() {
            if it.is_of(owner) {
                ids.own.insert(it.agent);
            } else if rest.is_some_and(|owner| it.may_be_elsewhere(owner)) {
                ids.rest.insert(it.agent);
            }
        }
        Ok(ids)
    }

    /// Reports agents as unreached, or as ignored where the options say so.
    pub fn report_unreached(&mut self, mut unreached: Vec<Unreached>) {
        self.report.ignored = self.ignore(&mut unreached);
        self.report.unreached = unreached;
    }

    /// Takes those that the options ignore out of a list.
    pub fn ignore(&self, unreached: &mut Vec<Unreached>) -> Vec<Unreached> {
        unreached.extract_if(.., |it| self.ignores(it)).collect()
    }

    /// Returns whether the options ignore an agent that is away.
    pub fn ignores(&self, unreached: &Unreached) -> bool {
        self.is_ignored(&unreached.agent, &unreached.hostname)
    }

    /// Returns whether the options ignore an agent.
    pub fn is_ignored(&self, agent: &str, hostname: &str) -> bool {
        planned::is_ignored(agent, hostname, self.options)
    }

    /// Warns that the server lacks pages, so that its answers cannot be compared with them.
    pub fn lacks(&mut self, pages: &[&str]) {
        if !pages.is_empty() {
            let line = format!(
                "The Mesos master lacks {}, so its other answers cannot be confirmed: it is an old \
                 version, or a proxy does not forward the request",
                pages.join(", ")
            );
            self.warn(Warning::PagesMissing, line);
        }
    }

    /// Logs a warning, and keeps it for the report.
    pub fn warn(&mut self, warning: Warning, line: impl AsRef<str>) {
        if !self.report.warnings.contains(&warning) {
            self.report.warnings.push(warning.clone());
        }
        if !self.is_quiet {
            self.host.say(Level::Warn, line, Some(Event::Warning(warning)));
        }
    }

    /// Logs the version of Mesos in the original's words.
    pub fn log_version(&mut self, listing: &Listing) {
        let number = listing.version.as_deref().and_then(version::number);
        match (&listing.version, number) {
            (Some(version), Some(number)) => {
                self.say(format!("Mesos version: {version} => {number}"));
            }
            (version, _) => {
                let line = match version {
                    Some(version) => format!("Bad version string: {version}"),
                    None => "No version found in slaves list".into(),
                };
                self.warn(Warning::VersionUnknown, line);
            }
        }
        self.report.mesos_version.clone_from(&listing.version);
    }

    /// Returns the time limit for waiting in one phase.
    pub fn time_limit(&self) -> Duration {
        Duration::from_secs(self.options.confirm_seconds.into())
    }

    /// Starts to wait for something that takes time, or continues together with the other targets of
    /// the run.
    pub fn backoff(&mut self) -> Backoff {
        let limit = self.time_limit();
        let since = self.waits_since.unwrap_or_else(|| self.host.elapsed());
        Backoff::since(since, limit)
    }

    /// Waits for a condition that passes by itself, as far as the options allow it, and logs what
    /// the run waits for. It returns whether to look again.
    #[must_use]
    pub fn wait_for(&mut self, condition: &str) -> bool {
        let seconds = self.options.wait_seconds;
        self.wait(format!("Waiting up to {seconds} s in all: {condition}"))
    }

    /// Pauses before the run looks again, as far as the options allow it, and logs why, unless it
    /// was the same before. It returns whether to look again.
    #[must_use]
    pub fn wait(&mut self, why: String) -> bool {
        if self.options.wait_seconds == 0 {
            return false;
        }
        let limit = Duration::from_secs(self.options.wait_seconds.into());
        let mut patience = match self.patience.take() {
            Some(patience) => patience,
            None => Backoff::patient(&mut self.host, limit),
        };
        if self.awaited != why && !patience.rest(&mut self.host).is_zero() {
            patience.restart();
            self.say(&why);
            self.awaited = why;
        }
        let is_over = !patience.wait(&mut self.host);
        self.patience = Some(patience);
        self.has_waited = true;
        !is_over
    }

    /// Returns whether the run has waited for an agent because it was out of reach. Of a machine that
    /// is down, only the host name is known.
    pub fn was_away(&self, agent: &str, hostname: &str) -> bool {
        let is_it = |it: &Unreached| match it.agent.is_empty() {
            true => it.hostname == hostname && !hostname.is_empty(),
            false => it.agent == agent,
        };
        self.away.iter().any(is_it)
    }

    /// Has the run wait for the servers anew, together with the other targets, if it has waited for something else
    /// before, which has happened. The host's clock has been read since.
    pub fn renew_waits(&mut self, backoff: &Backoff) {
        if backoff.has_paused() {
            self.wait_anew();
        }
    }

    /// Has the run wait for the servers anew, together with the other targets, from the time on when the host's clock
    /// was read last.
    pub fn wait_anew(&mut self) {
        self.waits_since = self.waits_since.map(|since| since.max(self.host.now));
    }

    /// Starts a series of requests that may be tried again.
    pub fn retries(&mut self) -> Retries {
        let limit = self.time_limit();
        let now = self.host.elapsed();
        // A server may have become ready while the run waited for another target.
        let earliest = now.saturating_sub(limit.saturating_sub(LEAST));
        let since = self.waits_since.map_or(now, |since| since.max(earliest));
        Retries::since(since, limit)
    }

    /// Logs a line of the normal course.
    pub fn say(&mut self, message: impl AsRef<str>) {
        self.host.say(Level::Info, message, None);
    }

    /// Logs why the run ends early.
    pub fn abort(&mut self, reason: Reason, message: impl Into<String>) -> Abort {
        let message = message.into();
        self.host.say(Level::Error, &message, None);
        Abort { reason: self.reason(reason), message }
    }

    /// Finds the true reason for an early end: once the host has asked the run to stop, that is
    /// the reason for every failure.
    pub fn reason(&mut self, reason: Reason) -> Reason {
        match reason {
            // A pause of no length asks the host whether the run must stop, in case no other call
            // has shown it.
            Reason::Failed | Reason::Incomplete | Reason::InUseUnknown | Reason::Changed
                if self.host.stopped || !self.host.pause(Duration::ZERO) =>
            {
                Reason::Stopped
            }
            reason => reason,
        }
    }
}

/// Adds an agent, unless it is known.
fn add(unreached: &mut Vec<Unreached>, agent: Unreached) {
    let is_known = |it: &Unreached| it.agent == agent.agent && !agent.agent.is_empty();
    if !unreached.iter().any(is_known) {
        unreached.push(agent);
    }
}

/// Adds an agent that has something of the rest of a service, unless it is known. Of a machine that is down, only the host
/// name is known; of an agent that is not listed, the registry may only know the id.
fn add_rest(unreached: &mut Vec<Unreached>, agent: Unreached) {
    let is_it = |it: &&mut Unreached| match it.agent.is_empty() {
        true => !it.hostname.is_empty() && it.hostname == agent.hostname,
        false => it.agent == agent.agent,
    };
    match unreached.iter_mut().find(is_it) {
        Some(known) if known.hostname.is_empty() => known.hostname = agent.hostname,
        Some(_) => {}
        None => unreached.push(agent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn each_agent_is_added_once() {
        let agent = |id: &str, hostname: &str| {
            let (agent, hostname) = (id.to_owned(), hostname.to_owned());
            Unreached { agent, hostname, reason: UnreachedReason::Unreachable, since: None }
        };
        let mut unreached = Vec::new();
        // Of machines that are down, only the host names are known.
        for (id, hostname) in [("S1", ""), ("S2", "h2"), ("S1", "h1"), ("", "h3"), ("", "h4")] {
            add(&mut unreached, agent(id, hostname));
        }
        for (id, hostname) in [("S1", "h1"), ("S2", "other"), ("S3", "h3"), ("S5", "h5")] {
            add_rest(&mut unreached, agent(id, hostname));
        }
        let all: Vec<_> = unreached.iter().map(|it| (&*it.agent, &*it.hostname)).collect();
        assert_eq!(all, [("S1", "h1"), ("S2", "h2"), ("", "h3"), ("", "h4"), ("S5", "h5")]);
    }

    #[test]
    fn the_frameworks_are_out_of_date_after_half_a_minute() {
        let (mut host, options) = (Script::default(), Options::DEFAULT);
        let mut context = Context::new(&mut host, &options);
        context.frameworks_at = Duration::from_secs(5);
        for (now, is_old) in [(0, false), (35, false), (36, true)] {
            context.outdate_frameworks(Duration::from_secs(now));
            assert_eq!(context.has_waited, is_old, "{now}");
        }
    }
}
