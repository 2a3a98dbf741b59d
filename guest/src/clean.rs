//! The order of a run: guards, volumes, reservations, ZooKeeper node, own
//! Marathon app; and a fresh look at the cluster between them.
//!
//! A phase begins only when the one before it is confirmed. The master's 200 or
//! 202 is a promise; that something is gone is true when a later listing says
//! so.

use std::collections::{BTreeMap, BTreeSet};

use crate::agents::Listing;
use crate::batch::Lists;
use crate::bindings::cleanup::{
    CleanupPlan, Failure, InUse, Options, Reason, Report, Target, ZnodeState,
};
use crate::bindings::log::{
    AgentLeft, AgentOutcome, AgentResult, Event, Framework, Level, Phase, PhaseStart, Unreached,
    UnreachedReason, Warning, ZnodeOutcome,
};
use crate::host::{Host, Passes, count, short_pauses};
use crate::run::{Run, Stop, tells_operations};
use crate::sweep::{Operation, Owner};
use crate::{frameworks, guard, operations, plan, reservations, self_removal, volumes, znode};

/// Cleans a target, as `wit/cleanup.wit` promises.
///
/// # Errors
/// The failure, with the report of what was done until then.
pub fn clean<H: Host>(host: &mut H, target: &Target, options: &Options) -> Result<Report, Failure> {
    carry_out(host, target, options, None)
}

/// Does what a plan says, if the cluster is as the plan says.
///
/// # Errors
/// The failure, with the report of what was done until then.
pub fn apply<H: Host>(
    host: &mut H,
    plan: &CleanupPlan,
    options: &Options,
) -> Result<Report, Failure> {
    carry_out(host, &plan.target, options, Some(plan))
}

fn carry_out<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
    plan: Option<&CleanupPlan>,
) -> Result<Report, Failure> {
    let mut run = Run::new(host, options);
    match run.all(target, plan) {
        Ok(()) => Ok(run.report),
        Err(stop) => {
            run.tell_what_is_left(target, stop.reason);
            Err(run.fail(stop))
        }
    }
}

impl<H: Host> Run<'_, H> {
    fn all(&mut self, target: &Target, plan: Option<&CleanupPlan>) -> Result<(), Stop> {
        self.admit(target)?;
        let Target { role, principal, znode, marathon_app } = target;
        if let (Some(plan), Some(znode)) = (plan, znode) {
            self.require_znode_as_planned(plan, znode)?;
        }
        if let Some(role) = role {
            self.resources(Owner { role, principal: principal.as_deref() }, plan)?;
        }
        if let Some(znode) = znode {
            self.znode(znode)?;
        }
        if role.is_some() || znode.is_some() {
            self.say("Cleanup completed successfully.");
        }
        if let Some(app) = marathon_app {
            self.report.self_removal = Some(self_removal::remove(&mut self.host, app));
        }
        Ok(())
    }

    /// The two phases that concern the agents.
    fn resources(&mut self, owner: Owner, plan: Option<&CleanupPlan>) -> Result<(), Stop> {
        let listing = self.look(owner);
        if let Ok(listing) = &listing {
            self.require_own_resources(listing, owner)?;
            if let Some(plan) = plan {
                self.require_as_planned(listing, owner, plan)?;
            }
            if self.options.in_use != InUse::Force {
                self.require_no_framework(owner.role)?;
            }
        }
        self.begin(Phase::Volumes, "Destroying volumes...", agents_in(&listing));
        let listing = self.usable(listing).map_err(|stop| self.skip_rest("volumes", stop))?;
        self.tell_version(&listing);
        let listing = self
            .operate(&volumes::OPERATION, listing, owner)
            .map_err(|stop| self.skip_rest("volumes", stop))?;
        self.begin(Phase::Reservations, "Unreserving resources...", listing.agents.len());
        let listing = self
            .operate(&reservations::OPERATION, listing, owner)
            .map_err(|stop| self.skip_rest("resources", stop))?;
        self.tell_what_stays(&listing, owner);
        self.require_all_agents(&listing, owner)?;
        self.require_nothing_came_back(&listing, owner)
    }

    /// Ends the run when the principal has made nothing of what the role has:
    /// more likely its name is wrong than that everything is others'.
    fn require_own_resources(&mut self, listing: &Listing, owner: Owner) -> Result<(), Stop> {
        let Some(principal) = owner.principal else { return Ok(()) };
        if !listing.is_others_alone(principal) {
            return Ok(());
        }
        let principals = listing.principals();
        let message = format!(
            "Refused: nothing of role '{}' was made by principal '{principal}', but by: {}. \
             Check the principal, or leave it out to take all of the role. \
             If only the znode is left to delete, name the znode alone.",
            owner.role,
            principals.into_iter().collect::<Vec<_>>().join(", ")
        );
        Err(self.stop(Reason::OtherPrincipals, message))
    }

    /// Ends the run when the agents do not hold what the plan says.
    fn require_as_planned(
        &mut self,
        listing: &Listing,
        owner: Owner,
        plan: &CleanupPlan,
    ) -> Result<(), Stop> {
        let now = plan::agents(listing, owner).map_err(|why| self.stop(Reason::Failed, why))?;
        let differences = plan::differences(&plan.agents, &now);
        if differences.is_empty() {
            return Ok(());
        }
        for difference in &differences {
            self.host.say(Level::Error, difference, None);
        }
        let message = format!(
            "Refused: the cluster has changed since the plan was made ({} difference(s)). Make a \
             new plan.",
            differences.len()
        );
        Err(self.stop(Reason::Changed, message))
    }

    /// Ends the run when the znode has come or gone since the plan was made.
    fn require_znode_as_planned(&mut self, plan: &CleanupPlan, znode: &str) -> Result<(), Stop> {
        let then = match plan.znode {
            Some(ZnodeState::Absent) => false,
            Some(ZnodeState::There(_) | ZnodeState::MoreThan(_)) => true,
            // What is not known cannot be compared.
            Some(ZnodeState::Unknown(_)) | None => return Ok(()),
        };
        let path = guard::segments(znode).collect::<Vec<_>>().join("/");
        let now = znode::exists(&mut self.host, &path).map_err(|why| {
            let message = format!("It is not known whether znode '{znode}' is there: {why}");
            self.stop(Reason::Failed, message)
        })?;
        if now == then {
            return Ok(());
        }
        let what = if now { "is there now" } else { "is gone" };
        let message = format!(
            "Refused: the cluster has changed since the plan was made: znode '{znode}' {what}. Make \
             a new plan."
        );
        Err(self.stop(Reason::Changed, message))
    }

    /// Ends the run, or the frameworks, when some still use the role.
    fn require_no_framework(&mut self, role: &str) -> Result<(), Stop> {
        let users = self.users(role)?;
        if users.is_empty() {
            return Ok(());
        }
        for user in &users {
            let Framework { id, name, active } = user;
            let state = if *active { "active" } else { "not active" };
            let line = format!("Framework '{name}' ({id}, {state}) uses role '{role}'");
            self.host.say(Level::Warn, line, Some(Event::Framework(user.clone())));
        }
        if self.options.in_use == InUse::Teardown {
            return self.teardown(users, role);
        }
        let message = format!(
            "Refused: {} framework(s) still use role '{role}', and would lose their data. \
             Uninstall the service first.",
            users.len()
        );
        Err(self.stop(Reason::InUse, message))
    }

    fn users(&mut self, role: &str) -> Result<Vec<Framework>, Stop> {
        self.frameworks().map(|all| all.using(role)).map_err(|why| {
            let message = format!(
                "Refused: it is not known whether a framework still uses role '{role}'. {why}"
            );
            self.stop(Reason::InUseUnknown, message)
        })
    }

    fn teardown(&mut self, users: Vec<Framework>, role: &str) -> Result<(), Stop> {
        for user in users {
            let Framework { id, name, .. } = &user;
            if let Err(why) = frameworks::teardown(&mut self.host, id) {
                let message = format!("Framework '{name}' ({id}) is not torn down: {why}");
                return Err(self.stop(Reason::Failed, message));
            }
            let line = format!("Tearing down framework '{name}' ({id})");
            self.host.say(Level::Info, line, Some(Event::TornDown(user)));
        }
        let mut pauses = self.pauses();
        // From here on something has changed, so it is no refusal any more.
        let failed = |stop: Stop| match stop.reason {
            Reason::InUseUnknown => Stop { reason: Reason::Failed, ..stop },
            _ => stop,
        };
        while !self.users(role).map_err(failed)?.is_empty() {
            if !pauses.next().is_some_and(|pause| self.host.pause(pause)) {
                let message = format!("A framework of role '{role}' does not end");
                return Err(self.stop(Reason::Failed, message));
            }
        }
        Ok(())
    }

    /// Ends the run when an agent that was away in an earlier phase is back with
    /// something that this phase was to remove.
    fn require_nothing_came_back(&mut self, listing: &Listing, owner: Owner) -> Result<(), Stop> {
        let left = [&volumes::OPERATION, &reservations::OPERATION]
            .into_iter()
            .flat_map(|operation| operation.pending(listing, owner))
            .collect::<BTreeSet<_>>();
        if left.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Incomplete: resources of role '{}' came back with slave(s) {}. Other steps are \
             skipped; run the same command again.",
            owner.role,
            left.into_iter().collect::<Vec<_>>().join(", ")
        );
        Err(self.stop(Reason::Incomplete, message))
    }

    /// Ends the run when there are agents that it could not see or reach.
    fn require_all_agents(&mut self, listing: &Listing, owner: Owner) -> Result<(), Stop> {
        self.report.unreached = listing.unreached();
        // An agent that is listed no more comes back with what it had.
        let listed: BTreeSet<_> = listing.agents.iter().map(|agent| &agent.id).collect();
        let recovered: BTreeSet<_> = listing.recovered.iter().map(|agent| &agent.id).collect();
        let gone = self.concerned.iter().filter(|(id, _)| !listed.contains(id));
        self.report.unreached.extend(gone.filter(|(id, _)| !recovered.contains(id)).map(
            |(agent, hostname)| Unreached {
                agent: agent.clone(),
                hostname: hostname.clone(),
                reason: UnreachedReason::Gone,
            },
        ));
        if self.report.unreached.is_empty() {
            return Ok(());
        }
        self.say("");
        for unreached in self.report.unreached.clone() {
            let Unreached { agent, hostname, reason } = &unreached;
            let why = match reason {
                UnreachedReason::NotActive => "is not connected to the master",
                UnreachedReason::Gone => "is not listed any more",
                UnreachedReason::Recovering => "has not come back since the master restarted",
                UnreachedReason::HiddenReservations => {
                    "has reservations that may not be viewed (permission view_roles)"
                }
            };
            let line = format!("Slave {} {why}", located(agent, hostname));
            self.host.say(Level::Error, line, Some(Event::Unreached(unreached)));
        }
        let message = format!(
            "Incomplete: {} agent(s) may still hold resources of role '{}'. Other steps are \
             skipped; run the same command again when that has changed.",
            self.report.unreached.len(),
            owner.role
        );
        Err(self.stop(Reason::Incomplete, message))
    }

    /// One operation on all agents. Returns the listing that shows its effect.
    fn operate(
        &mut self,
        operation: &Operation,
        listing: Listing,
        owner: Owner,
    ) -> Result<Listing, Stop> {
        let (mut short_pauses, mut pauses) = (short_pauses(), self.pauses());
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
                    Some(_) => self.report.correct(it.result),
                }
            }
            if again.is_empty() {
                break;
            }
            let pause = match again.iter().map(|it| it.passes).max() {
                Some(Passes::WithALeader) => pauses.next(),
                Some(Passes::Soon) => short_pauses.next(),
                Some(Passes::No) | None => None,
            };
            let waited = pause.is_some_and(|pause| self.host.pause(pause));
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
        let tells_operations = tells_operations(&listing);
        // There is room for one of these.
        drop(listing);
        self.confirm(operation, owner, &accepted, tells_operations)
    }

    /// Waits until the agents have done what the master accepted, and none of
    /// them lists what was to be removed.
    fn confirm(
        &mut self,
        operation: &Operation,
        owner: Owner,
        accepted: &[String],
        tells_operations: bool,
    ) -> Result<Listing, Stop> {
        let mut pauses = self.pauses();
        loop {
            // In this order: what is pending no more is either done, or listed again.
            let unheard = if tells_operations {
                operations::pending(&mut self.host, operation.kind).unwrap_or_default()
            } else {
                BTreeSet::new()
            };
            if accepted.iter().any(|id| unheard.contains(id))
                && let Some(pause) = pauses.next()
                && self.host.pause(pause)
            {
                continue;
            }
            let listing = self.look(owner);
            let listing = self.usable(listing)?;
            let done = operation.done(&listing, owner);
            let ids = accepted.iter().map(String::as_str);
            let left: Vec<_> =
                ids.filter(|id| !done.contains(id) || unheard.contains(*id)).collect();
            if left.is_empty() {
                self.report.confirmed.push(operation.phase);
                let line = format!("Confirmed: no {} of {} left", operation.noun, owner.role);
                self.host.say(Level::Debug, line, Some(Event::Confirmed(operation.phase)));
                return Ok(listing);
            }
            if !pauses.next().is_some_and(|pause| self.host.pause(pause)) {
                let message = format!(
                    "The Mesos master accepted the request, but does not show that the {} are \
                     gone from: {}",
                    operation.noun,
                    left.join(", ")
                );
                return Err(self.stop(Reason::Failed, message));
            }
        }
    }

    /// Reads the agents, and keeps what they still hold.
    fn look(&mut self, owner: Owner) -> Result<Listing, String> {
        let listing = self.list(Some(owner.role));
        self.report.left = listing.as_ref().ok().map(|listing| listing.left(owner.principal));
        self.is_blind = listing.is_err();
        self.concerned.extend(listing.iter().flat_map(Listing::concerned));
        listing
    }

    fn znode(&mut self, znode: &str) -> Result<(), Stop> {
        self.begin(Phase::Znode, "Deleting zk node...", 1);
        let path = guard::segments(znode).collect::<Vec<_>>().join("/");
        let pauses = self.pauses();
        let result = znode::delete(&mut self.host, &path, pauses);
        let failed = match &result.outcome {
            ZnodeOutcome::Failed(why) => Some(format!("znode '{path}' is not deleted: {why}")),
            ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent => None,
        };
        self.report.znode = Some(result);
        match failed {
            Some(message) => Err(Stop { reason: Reason::Failed, message }),
            None => Ok(()),
        }
    }

    fn tell_what_stays(&mut self, listing: &Listing, owner: Owner) {
        if self.report.agents.is_empty() {
            let line = format!(
                "No agent has anything reserved for role '{}'. If that is unexpected: check the \
                 name, and whether the principal may see the role.",
                owner.role
            );
            self.host.say(Level::Warn, line, Some(Event::Warning(Warning::RoleNotFound)));
        } else if listing.has_role() {
            let line = format!("Resources of role '{}' that were skipped stay.", owner.role);
            self.host.say(Level::Warn, line, Some(Event::Warning(Warning::ResourcesLeft)));
        }
    }

    /// After a run that did not reach its end: what there still is to clean.
    fn tell_what_is_left(&mut self, target: &Target, reason: Reason) {
        if matches!(reason, Reason::NothingToDo | Reason::InvalidTarget | Reason::SystemZnode) {
            return;
        }
        self.say("");
        if let Some(role) = &target.role {
            if self.is_blind {
                let line = format!(
                    "What is left of role '{role}' is not known, because the agents could not \
                     be listed"
                );
                self.host.say(Level::Error, line, None);
            }
            for left in self.report.left.clone().unwrap_or_default() {
                let AgentLeft { agent, hostname, volumes, resources } = &left;
                let line = format!(
                    "Left on slave {}: {volumes} volume(s), {resources} resource(s) for role \
                     '{role}'",
                    located(agent, hostname)
                );
                self.host.say(Level::Error, line, Some(Event::Left(left)));
            }
        }
        if let Some(znode) = &target.znode {
            let line = format!("Not deleted: znode '{znode}'");
            self.host.say(Level::Error, line, None);
        }
    }

    fn begin(&mut self, phase: Phase, line: &str, total: usize) {
        self.say("");
        let start = PhaseStart { phase, total: count(total) };
        self.host.say(Level::Info, line, Some(Event::PhaseStarted(start)));
    }

    /// The reference's last line after a failed phase.
    fn skip_rest(&mut self, what: &str, stop: Stop) -> Stop {
        let line = format!("Deleting {what} failed, skipping other steps.");
        self.host.say(Level::Error, line, None);
        stop
    }
}

/// An agent that may have to be asked again.
struct Again {
    agent: String,
    passes: Passes,
    divisible: bool,
}

impl Report {
    /// Keeps the later one of two results of an agent in a phase.
    fn correct(&mut self, result: AgentResult) {
        let is_same =
            |it: &&mut AgentResult| (it.phase, &it.agent) == (result.phase, &result.agent);
        if let Some(earlier) = self.agents.iter_mut().find(is_same) {
            *earlier = result;
        }
    }
}

/// An agent's id and, if it is known, where it is.
fn located(agent: &str, hostname: &str) -> String {
    match hostname {
        "" => agent.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}

fn agents_in(listing: &Result<Listing, String>) -> usize {
    listing.as_ref().map_or(0, |listing| listing.agents.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bindings::http::Error;
    use crate::testing::Script;

    const EMPTY: &str =
        r#"{"slaves":[{"id":"S0","version":"1.4.3","reserved_resources_full":{}}]}"#;
    const RESERVED: &str = r#"{"slaves":[{"id":"S0","version":"1.4.3","reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}}]}"#;
    const VOLUME: &str = r#"{"slaves":[{"id":"S0","version":"1.4.3","reserved_resources_full":{"r":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}}]}"#;
    const NO_AGENTS: &str = r#"{"slaves":[]}"#;
    const DELETED: &str = r#"{"message":"OK","succeeded":true}"#;

    fn target(role: &str, znode: &str) -> Target {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Target { role: some(role), principal: None, znode: some(znode), marathon_app: None }
    }

    fn run(host: &mut Script, target: &Target) -> Result<Report, Failure> {
        clean(host, target, &options(InUse::Force))
    }

    fn options(in_use: InUse) -> Options {
        Options { confirm_seconds: 3, in_use, system_znode: false }
    }

    fn paths(host: &Script) -> Vec<&str> {
        host.sent.iter().filter_map(|request| request.path.last()).map(String::as_str).collect()
    }

    #[test]
    fn each_phase_waits_for_the_one_before_it_to_be_confirmed() {
        let mut host = Script::default()
            .answer(200, VOLUME)
            .answer(202, "")
            .answer(200, VOLUME)
            .answer(200, RESERVED)
            .answer(202, "")
            .answer(200, EMPTY)
            .answer(200, DELETED);
        let report = run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(
            paths(&host),
            ["slaves", "destroy-volumes", "slaves", "slaves", "unreserve", "slaves", "z"]
        );
        assert_eq!(report.confirmed, [Phase::Volumes, Phase::Reservations]);
        assert_eq!(report.agents.len(), 2);
        assert_eq!(host.paused, Duration::from_millis(100));
    }

    #[test]
    fn what_an_agent_has_not_heard_of_is_not_gone() {
        let recent = |body: &str| body.replace("1.4.3", "1.11.0");
        let operations = |list: &str| {
            format!(r#"{{"type":"GET_OPERATIONS","get_operations":{{"operations":[{list}]}}}}"#)
        };
        let pending = operations(
            r#"{"agent_id":{"value":"S0"},"info":{"type":"UNRESERVE"},"latest_status":{"state":"OPERATION_PENDING"}}"#,
        );
        let mut host = Script::default()
            .answer(200, recent(RESERVED))
            .answer(202, "")
            .answer(200, pending.clone())
            .answer(200, operations(""))
            .answer(200, recent(EMPTY))
            .answer(200, DELETED);
        run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(paths(&host), ["slaves", "unreserve", "v1", "v1", "slaves", "z"]);

        let mut host = Script::default().answer(200, recent(RESERVED)).answer(202, "");
        for _ in 0..6 {
            host = host.answer(200, pending.clone());
        }
        let failure = run(&mut host.answer(200, recent(EMPTY)), &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Failed);
        assert!(failure.message.contains("gone from: S0"), "{}", failure.message);
    }

    #[test]
    fn a_promise_that_is_not_kept_is_a_failure() {
        let mut host = Script::default().answer(200, VOLUME).answer(202, "");
        for _ in 0..10 {
            host = host.answer(200, VOLUME);
        }
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Failed);
        assert!(failure.message.contains("gone from: S0"), "{}", failure.message);
        assert_eq!(host.paused, Duration::from_secs(3));
        assert!(!paths(&host).contains(&"unreserve") && !paths(&host).contains(&"z"));
    }

    #[test]
    fn an_agent_that_vanishes_after_its_promise_is_not_clean() {
        let other = EMPTY.replace("S0", "S1");
        let mut host = Script::default().answer(200, RESERVED).answer(202, "");
        for _ in 0..10 {
            host = host.answer(200, other.clone());
        }
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert!(failure.message.contains("gone from: S0"), "{}", failure.message);
    }

    #[test]
    fn after_a_failed_volume_nothing_else_is_touched() {
        let mut host = Script::default().answer(200, VOLUME).answer(400, "no").answer(200, VOLUME);
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Failed);
        assert_eq!(paths(&host), ["slaves", "destroy-volumes", "slaves"]);
        let left = failure.report.left.unwrap();
        assert_eq!((left[0].volumes, left[0].resources), (1, 1));
        assert_eq!(
            host.lines()[5..],
            [
                "The volume(s) of role 'r' may be left on slave(s) S0.",
                "Deleting volumes failed, skipping other steps.",
                "",
                "Left on slave S0: 1 volume(s), 1 resource(s) for role 'r'",
                "Not deleted: znode 'z'",
            ]
        );
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for refusal in [409, 503, 0] {
            let mut host = Script::default().answer(200, RESERVED);
            for _ in 0..2 {
                host = match refusal {
                    0 => host.fails(Error::Reset),
                    status => host.answer(status, "race"),
                };
                host = host.answer(200, RESERVED);
            }
            host = host.answer(202, "").answer(200, EMPTY).answer(200, DELETED);
            let report = run(&mut host, &target("r", "z")).unwrap();
            assert_eq!(report.agents.len(), 2, "one for each phase");
            assert_eq!(host.paused, Duration::from_millis(300));
        }
    }

    #[test]
    fn patience_has_an_end() {
        let mut host = Script::default().answer(200, RESERVED);
        for _ in 0..4 {
            host = host.answer(409, "race").answer(200, RESERVED);
        }
        assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
        assert_eq!(host.paused, Duration::from_millis(700));
    }

    #[test]
    fn one_bad_entry_does_not_keep_the_rest() {
        let two = RESERVED.replace(r#"{}}]"#, r#"{}},{"name":"mem","role":"r","reservation":{}}]"#);
        let mut host = Script::default()
            .answer(200, two.clone())
            .answer(400, "all")
            .answer(200, two)
            .answer(400, "bad")
            .answer(202, "")
            .answer(200, RESERVED);
        assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
        assert_eq!(
            host.lines()[6..11],
            [
                "Found 2 resource(s) for role 'r' on slave S0, deleting...",
                "400 all",
                "Found 2 resource(s) for role 'r' on slave S0, deleting one by one...",
                "400 bad",
                "202 ",
            ]
        );
    }

    #[test]
    fn other_refusals_are_final() {
        for status in [401, 403, 500] {
            let mut host = Script::default().answer(200, RESERVED).answer(status, "no");
            host = host.answer(200, RESERVED);
            assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
            assert_eq!(paths(&host), ["slaves", "unreserve", "slaves"]);
        }
    }

    #[test]
    fn what_someone_else_removed_in_the_meantime_is_removed() {
        let mut host = Script::default()
            .answer(200, RESERVED)
            .answer(400, "gone")
            .answer(200, EMPTY)
            .answer(200, EMPTY)
            .answer(200, DELETED);
        let report = run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(report.confirmed, [Phase::Reservations]);
        assert_eq!(paths(&host), ["slaves", "unreserve", "slaves", "slaves", "z"]);
    }

    #[test]
    fn an_agent_that_comes_back_in_the_middle_is_not_clean() {
        let entry = |id: &str, active: bool, kind: &str| {
            let resources = match kind {
                "volume" => {
                    r#"{"r":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}"#
                }
                "reserved" => r#"{"r":[{"name":"cpus","role":"r","reservation":{}}]}"#,
                _ => "{}",
            };
            format!(
                r#"{{"id":"{id}","version":"1.4.3","active":{active},"reserved_resources_full":{resources}}}"#
            )
        };
        let list = |agents: [String; 2]| format!(r#"{{"slaves":[{}]}}"#, agents.join(","));
        let away = [entry("S1", false, "volume"), entry("S0", true, "reserved")];
        let back = [entry("S1", true, "volume"), entry("S0", true, "")];
        let mut host =
            Script::default().answer(200, list(away)).answer(202, "").answer(200, list(back));
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Incomplete);
        assert!(failure.message.contains("came back with slave(s) S1."), "{}", failure.message);
        assert_eq!(paths(&host), ["slaves", "unreserve", "slaves"]);
    }

    #[test]
    fn an_agent_that_is_listed_no_more_is_not_clean() {
        let other = r#"{"id":"S1","version":"1.4.3","reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}}"#;
        let both = |state: &str| {
            let agent = VOLUME.replace(r#""id""#, &format!(r#"{state}"id""#));
            agent.replace("]}}]}", &format!("]}}}},{other}]}}"))
        };
        let alone = format!(r#"{{"slaves":[{}]}}"#, other.replace("cpus", "mem"));
        let empty = EMPTY.replace("S0", "S1");
        // It was not connected, and nothing was sent to it.
        let mut host = Script::default()
            .answer(200, both(r#""active":false,"#))
            .answer(202, "")
            .answer(200, empty.clone());
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Incomplete);
        assert_eq!(failure.report.unreached[0].agent, "S0");
        assert_eq!(failure.report.unreached[0].reason, UnreachedReason::Gone);
        // It refused, and was gone when it was to be asked again.
        let mut host = Script::default()
            .answer(200, both(""))
            .answer(409, "race")
            .answer(200, alone)
            .answer(202, "")
            .answer(200, empty);
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Incomplete);
        assert_eq!(failure.report.unreached[0].agent, "S0");
    }

    #[test]
    fn an_agent_that_goes_away_after_its_promise_is_not_clean() {
        let away = EMPTY.replace(r#""id""#, r#""active":false,"id""#);
        let mut host = Script::default().answer(200, RESERVED).answer(202, "");
        for _ in 0..10 {
            host = host.answer(200, away.clone());
        }
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert!(failure.message.contains("gone from: S0"), "{}", failure.message);
        assert!(!paths(&host).contains(&"z"));
    }

    #[test]
    fn an_agent_that_cannot_be_reached_keeps_the_znode() {
        let recovering = EMPTY.replace("]}", r#"],"recovered_slaves":[{"id":"S9"}]}"#);
        let none_back = NO_AGENTS.replace("]}", r#"],"recovered_slaves":[{"id":"S9"}]}"#);
        let inactive = VOLUME.replace(r#""id""#, r#""active":false,"id""#);
        for body in [recovering, none_back, inactive] {
            let mut host = Script::default().answer(200, body);
            let failure = run(&mut host, &target("r", "z")).unwrap_err();
            assert_eq!(failure.reason, Reason::Incomplete);
            assert_eq!(failure.report.unreached.len(), 1);
            assert_eq!(paths(&host), ["slaves"]);
        }
    }

    #[test]
    fn an_empty_cluster_is_no_success() {
        let mut host = Script::default().answer(200, NO_AGENTS);
        assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
        assert_eq!(paths(&host), ["slaves"]);
    }

    #[test]
    fn a_refused_target_sends_nothing() {
        let mut host = Script::default();
        let refused = |host: &mut Script, znode| run(host, &target("r", znode)).unwrap_err().reason;
        assert_eq!(refused(&mut host, "/"), Reason::InvalidTarget);
        assert_eq!(refused(&mut host, "mesos"), Reason::SystemZnode);
        assert!(host.sent.is_empty());
    }

    #[test]
    fn a_role_that_is_in_use_is_left_alone_unless_forced() {
        let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":false,"roles":["r"]}]}"#;
        for (status, frameworks) in [(200, used), (403, ""), (404, "")] {
            let mut host = Script::default().answer(200, VOLUME).answer(status, frameworks);
            let expected = if status == 200 { Reason::InUse } else { Reason::InUseUnknown };
            let options = options(InUse::Refuse);
            let failure = clean(&mut host, &target("r", "z"), &options).unwrap_err();
            assert_eq!(failure.reason, expected);
            assert!(
                host.lines().contains(&"Left on slave S0: 1 volume(s), 1 resource(s) for role 'r'")
            );
            assert_eq!(paths(&host), ["slaves", "frameworks"]);
        }
    }

    #[test]
    fn a_framework_is_torn_down_on_wish() {
        let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
        let gone = r#"{"frameworks":[]}"#;
        let options = options(InUse::Teardown);
        let mut host = Script::default()
            .answer(200, EMPTY)
            .answer(200, used)
            .answer(200, "")
            .answer(200, used)
            .answer(200, gone)
            .answer(200, DELETED);
        clean(&mut host, &target("r", "z"), &options).unwrap();
        assert_eq!(
            paths(&host),
            ["slaves", "frameworks", "teardown", "frameworks", "frameworks", "z"]
        );
        assert_eq!(host.sent[2].content.as_ref().unwrap().bytes, b"frameworkId=F");
    }

    #[test]
    fn a_framework_that_stays_stops_the_run() {
        let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
        let options = Options { confirm_seconds: 0, ..options(InUse::Teardown) };
        for status in [200, 403] {
            let mut host = Script::default().answer(200, VOLUME).answer(200, used);
            host = host.answer(status, "").answer(200, used);
            let failure = clean(&mut host, &target("r", "z"), &options).unwrap_err();
            assert_eq!(failure.reason, Reason::Failed);
            assert!(!paths(&host).contains(&"destroy-volumes"));
        }
    }

    #[test]
    fn a_run_that_is_stopped_at_its_second_look_is_no_refusal() {
        let mut host = Script::default().answer(200, VOLUME).fails(Error::Stopped);
        let failure = clean(&mut host, &target("r", "z"), &options(InUse::Refuse)).unwrap_err();
        assert_eq!(failure.reason, Reason::Stopped);
        assert_eq!(paths(&host), ["slaves", "frameworks"]);
    }

    #[test]
    fn a_master_without_a_leader_is_waited_for() {
        let mut host = Script::default().answer(503, "No leader elected");
        host = host.answer(503, "No leader elected").answer(200, EMPTY).answer(200, DELETED);
        run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(host.paused, Duration::from_millis(300));
    }

    #[test]
    fn a_master_that_gets_no_leader_is_given_up() {
        let mut host = Script::default();
        for _ in 0..10 {
            host = host.answer(503, "No leader elected");
        }
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert!(failure.message.ends_with("answers 503 No leader elected"), "{}", failure.message);
        assert_eq!(host.paused, Duration::from_secs(3));
    }

    #[test]
    fn nothing_asked_is_nothing_done() {
        let mut host = Script::default();
        assert_eq!(run(&mut host, &target("", "")).unwrap_err().reason, Reason::NothingToDo);
        assert_eq!(host.lines(), ["", "Nothing to do!"]);
    }
}
