//! The checks after the two phases that concern the agents: everything must really be removed.
//!
//! This must be known of every agent. An agent that is not listed, or has not yet carried out
//! the operations that the master accepted for it, can come back with all its resources.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use crate::checks::LOOKS;
use crate::context::{Abort, Context, Reach};
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::master::pings;
use crate::operation::Operation;
use crate::owner::Owner;
use crate::retry::Backoff;
use crate::version;
use janitor_contract::describe::{elsewhere_words, unreached_words};
use janitor_contract::types::{
    Elsewhere, Event, Level, Options, Phase, Reason, Unreached, Warning,
};

/// The agents on which removals are pending, or the reason why these are not known.
type Pending = Result<Vec<Unreached>, String>;

impl<H: Host> Context<'_, H> {
    /// Aborts the run unless everything of the target is permanently removed. `parents` are the
    /// roles that got a part of it back.
    ///
    /// Where the options say so, it waits for agents that are away. If one of these comes back with
    /// resources of the target, it returns the list of agents that shows them, so that the phases
    /// are repeated.
    pub fn settle(
        &mut self,
        listing: Rc<Listing>,
        owner: Owner,
        parents: &[(String, u32)],
    ) -> Result<Option<Rc<Listing>>, Abort> {
        let (mut listing, mut pending) = self.wait_for_pending(listing, owner)?;
        let reach = loop {
            let mut back = came_back(&listing, owner);
            back.retain(|id| self.was_away(id, listing.hostname(id)));
            let again = || format!("Repeating the phases: {}", back_words(&back, owner));
            if !back.is_empty() && self.planned.is_none() && self.wait(again()) {
                self.is_settled = false;
                return Ok(Some(listing));
            }
            let reach = self.unreached(&listing, pending);
            let unreached = reach.unreached.iter();
            let awaited: Vec<_> = unreached.filter(|it| !self.ignores(it)).cloned().collect();
            let condition = away_words(&awaited, owner.role, self.options);
            if awaited.is_empty() || !self.wait_for(&condition) {
                break reach;
            }
            self.away.extend(awaited);
            self.is_settled = false;
            (listing, pending) = self.wait_for_pending(listing, owner)?;
        };
        self.warn_of_rest(&listing, owner, parents);
        if self.options.whole_service {
            self.warn_of_service();
        }
        self.require_all_agents(owner, reach)?;
        self.require_nothing_back(&listing, owner)?;
        self.require_nothing_elsewhere()?;
        self.require_still_unused(&listing)?;
        Ok(None)
    }

    /// Aborts the run if agents list something of the target again.
    pub fn require_nothing_back(&mut self, listing: &Listing, owner: Owner) -> Result<(), Abort> {
        let back = came_back(listing, owner);
        if back.is_empty() {
            return Ok(());
        }
        for operation in [&Operation::VOLUMES, &Operation::RESERVATIONS] {
            if !operation.pending(listing, owner).is_empty() {
                self.report.confirmed.retain(|phase| *phase != operation.phase);
            }
        }
        let message = format!(
            "Incomplete: {}. Other steps are skipped; run the same command again.",
            back_words(&back, owner)
        );
        Err(self.abort(Reason::Incomplete, message))
    }

    /// Aborts the run if a list of agents shows something of the target that was read after nothing of it was left.
    /// An agent of which such a list shows nothing, or that it lacks, has been found empty before.
    pub fn require_still_clean(&mut self, listing: Rc<Listing>, owner: Owner) -> Result<(), Abort> {
        let known = (self.report.unreached.clone(), self.report.ignored.clone());
        let listing = self.seen(Ok(listing), owner);
        (self.report.unreached, self.report.ignored) = known;
        let listing = self.usable(listing)?;
        let left = listing.left(owner);
        let mut away = listing.unreached();
        away.retain(|it| left.iter().any(|left| left.agent == it.agent));
        let mut ignored = self.ignore(&mut away);
        ignored.retain(|it| !self.report.ignored.iter().any(|known| known.agent == it.agent));
        self.say_ignored(&ignored);
        self.report.ignored.append(&mut ignored);
        self.require_nothing_back(&listing, owner)?;
        if !away.is_empty() {
            let words = away_words(&away, owner.role, self.options);
            let message = format!(
                "Incomplete: {words}. Other steps are skipped; run the same command again."
            );
            self.report.unreached = away;
            return Err(self.abort(Reason::Incomplete, message));
        }
        self.require_nothing_elsewhere()
    }

    /// Watches out for lists that show something of the target, of which nothing is left.
    pub fn watch(&mut self) {
        if let Some(owner) = self.target.and_then(Owner::of) {
            self.shown = self.host.watch(owner);
        }
    }

    /// Returns the list to settle the target with, given the one in which nothing of it was left: what the ones say
    /// that were read since, for whichever target, if they show anything, or else the latest one.
    pub fn latest_shown(
        &mut self,
        listing: Rc<Listing>,
        owner: Owner,
    ) -> Result<Rc<Listing>, Abort> {
        let shown = self.shown.borrow().clone();
        match shown {
            Some(Ok(shown)) => {
                let shown = self.seen(Ok(shown), owner);
                self.usable(shown)
            }
            Some(Err(unread)) => Err(self.abort(Reason::Failed, unread.message)),
            None if self.host.latest(Wanted::of_owner(owner)).is_none() => Ok(listing),
            _ => self.latest(listing, owner),
        }
    }

    /// Aborts the run if a list that was read since, for whichever target, shows something of its target again, or
    /// cannot be read.
    pub fn require_nothing_shown(&mut self) -> Result<(), Abort> {
        match (self.shown.take(), self.target.and_then(Owner::of)) {
            (Some(Ok(listing)), Some(owner)) => self.require_still_clean(listing, owner),
            (Some(Err(unread)), _) => Err(self.abort(Reason::Failed, unread.message)),
            _ => self.require_nothing_elsewhere(),
        }
    }

    /// Waits for removals that were accepted earlier, for this run or for another program, until nothing more disappears,
    /// but not for ever. It returns the agents on which some are still pending.
    fn wait_for_pending(
        &mut self,
        mut listing: Rc<Listing>,
        owner: Owner,
    ) -> Result<(Rc<Listing>, Pending), Abort> {
        let mut pending = Ok(Vec::new());
        let mut is_known = self.is_settled;
        for _ in 0..LOOKS {
            if is_known && !self.has_lost() {
                break;
            }
            (listing, pending) = self.look_at_pending(listing, owner)?;
            is_known = true;
            // The run is incomplete then.
            if !pending.as_ref().is_ok_and(|it| it.iter().all(|it| self.ignores(it))) {
                break;
            }
        }
        Ok((listing, pending))
    }

    /// Returns how often something of the target, or of the rest of the service if that counts, has disappeared.
    pub fn losses(&self) -> u32 {
        let of_rest = if self.options.whole_service { self.rest.borrow().losses() } else { 0 };
        self.lost.borrow().losses().saturating_add(of_rest)
    }

    /// Returns whether something has disappeared since the pending operations were read.
    pub fn has_lost(&self) -> bool {
        self.losses() > self.asked
    }

    /// Waits for the pending removals once, and lists the agents after that.
    fn look_at_pending(
        &mut self,
        listing: Rc<Listing>,
        owner: Owner,
    ) -> Result<(Rc<Listing>, Pending), Abort> {
        let mut backoff = self.backoff();
        let pending = loop {
            let pending = self.pending(&listing, Some(owner));
            // A list that cannot be read is reported at the end.
            let is_worth_it =
                pending.as_ref().is_ok_and(|it| it.iter().any(|it| !self.ignores(it)));
            if !is_worth_it {
                self.renew_waits(&backoff);
                break pending;
            }
            if !backoff.wait(&mut self.host) {
                break pending;
            }
        };
        if self.lists_no_operations {
            self.outlast_silence(&listing)?;
        }
        // The order matters: a removal that is not pending any more has either been carried
        // out, or its resources are listed again.
        drop(listing);
        Ok((self.look_after_pending(owner)?, pending))
    }

    /// Waits until an agent that has not received a removal is no longer listed as active, because
    /// it has not answered a ping since. This run may have sent the removal, or an earlier one.
    pub fn outlast_silence(&mut self, listing: &Listing) -> Result<(), Abort> {
        let mut retries = self.retries();
        let Some(longest) = pings::longest_silence(&mut self.host, &mut retries) else {
            self.lacks(&["flags"]);
            return Ok(());
        };
        let mut backoff = Backoff::since(self.confirmed_at, longest);
        // The wait for another target may have been nearly long enough.
        let is_long = backoff.rest(&mut self.host) >= Duration::from_secs(1);
        if is_long {
            let line = format!(
                "Waiting until {} s have passed since the last removal: before Mesos 1.6, nothing says \
                 whether an agent has carried it out, but one that has not received it is \
                 unreachable by then",
                longest.as_secs_f64()
            );
            self.say(line);
            // A service that is installed meanwhile may own the node.
            if self.target.is_some_and(|target| target.znode.is_some()) {
                self.has_waited = true;
            }
        }
        self.away.extend(listing.unreached());
        self.expect_unrecorded(listing);
        // In one long pause, the host could not stop the run.
        while backoff.wait(&mut self.host) {}
        if !backoff.is_over(&mut self.host) {
            return Err(self.abort(Reason::Stopped, "The run was stopped while it waited."));
        }
        if is_long {
            self.renew_waits(&backoff);
        }
        Ok(())
    }

    /// Lists the agents after the pending operations were listed.
    pub fn look_after_pending(&mut self, owner: Owner) -> Result<Rc<Listing>, Abort> {
        self.host.forget_old_list();
        let listing = self.look(owner);
        self.usable(listing)
    }

    /// Warns of everything that stays even if the run is complete.
    fn warn_of_rest(&mut self, listing: &Listing, owner: Owner, parents: &[(String, u32)]) {
        let role = owner.role;
        if self.report.agents.is_empty() {
            let who = match owner.agents {
                [] => "No agent has",
                _ => "None of the selected agents has",
            };
            let line = format!(
                "{who} anything reserved for role '{role}'. If you expected something, check the \
                 role's name, and that this user is allowed to view the role."
            );
            self.warn(Warning::RoleNotFound, line);
        } else if listing.has_role() {
            let line = format!("The skipped resources of role '{role}' stay.");
            self.warn(Warning::ResourcesLeft, line);
        }
        for (parent, resources) in parents {
            let line =
                format!("{resources} resource(s) of role '{role}' return to role '{parent}'");
            self.warn(Warning::StackedReservations, line);
        }
        self.warn_of_stacked(listing, owner);
        let destroyed = self.report.confirmed.contains(&Phase::Volumes);
        let version = listing.version.as_deref().and_then(version::number);
        if destroyed && version.is_some_and(|version| version < 100) {
            let line = format!(
                "Mesos before 1.0 does not delete the files of a destroyed volume: they stay on \
                 the agent's disk, in volumes/roles/{role}/ below its work directory"
            );
            self.warn(Warning::FilesStay, line);
        }
    }

    /// Warns of roles below the target's whose reservations refine the target's.
    pub fn warn_of_stacked(&mut self, listing: &Listing, owner: Owner) {
        for (above, resources) in &listing.above {
            let line = format!(
                "{resources} resource(s) of role '{above}' refine reservations of role '{}', \
                 which therefore stay",
                owner.role
            );
            self.warn(Warning::StackedReservations, line);
        }
    }

    /// Aborts the run when there are agents that it could not see or reach.
    pub fn require_all_agents(&mut self, owner: Owner, reach: Reach) -> Result<(), Abort> {
        let role = owner.role;
        let (unreached, unknown) = self.say_unknown(reach);
        self.report_unreached(unreached);
        self.say_ignored(&self.report.ignored.clone());
        if self.report.unreached.is_empty() && unknown.is_none() {
            return Ok(());
        }
        self.say("");
        for unreached in self.report.unreached.clone() {
            let line = unreached_words(&unreached);
            self.host.say(Level::Error, line, Some(Event::Unreached(unreached)));
        }
        let which = match self.report.unreached.len() {
            0 => "agents that the master does not list".to_owned(),
            count => format!("{count} agent(s)"),
        };
        let held = held_words(role, self.options);
        let message = format!(
            "Incomplete: {which} {held}. Other steps are skipped; run the same command again when \
             that has changed."
        );
        Err(self.abort(Reason::Incomplete, message))
    }

    /// Logs agents that the options ignore.
    fn say_ignored(&mut self, ignored: &[Unreached]) {
        for ignored in ignored {
            let line = format!("{} (ignored)", unreached_words(ignored));
            self.host.say(Level::Warn, line, Some(Event::Ignored(ignored.clone())));
        }
    }

    /// Warns of resources of other roles that may belong to the same service, unless the report has all of them already.
    fn warn_of_service(&mut self) {
        let all = self.rest.borrow_mut().all().to_vec();
        if all != self.report.elsewhere {
            self.warn_of_elsewhere(all);
        }
    }

    /// Warns of resources of other roles that may belong to the same service, and aborts the run
    /// if the whole service is to be cleaned.
    pub fn require_nothing_elsewhere(&mut self) -> Result<(), Abort> {
        self.warn_of_service();
        let counts = self.rest_that_counts();
        if counts.is_empty() {
            return self.require_nothing_lost();
        }
        let roles: Vec<_> = counts.iter().map(|it| it.role.as_str()).collect();
        let message = format!(
            "Incomplete: the service may still hold resources of role(s) {}. Other steps are \
             skipped; clean up these roles first.",
            roles.join(", ")
        );
        Err(self.abort(Reason::Incomplete, message))
    }

    /// Aborts the run if something has disappeared that may come back, because its removal may be pending.
    fn require_nothing_lost(&mut self) -> Result<(), Abort> {
        if self.has_lost() {
            let message = "Incomplete: some resources are not listed any more, but their removal may be pending, so \
                that they may come back. Other steps are skipped; run the same command again.";
            return Err(self.abort(Reason::Incomplete, message));
        }
        Ok(())
    }

    /// Returns the resources of other roles that must not be left if the whole service is to be cleaned.
    fn rest_that_counts(&self) -> Vec<Elsewhere> {
        match self.options.whole_service {
            true => self.rest.borrow().without(&self.options.ignored_agents),
            false => Vec::new(),
        }
    }

    /// Warns of resources of other roles that may belong to the same service, and keeps them for
    /// the report.
    pub fn warn_of_elsewhere(&mut self, elsewhere: Vec<Elsewhere>) {
        self.report.elsewhere = elsewhere;
        self.report.warnings.retain(|it| *it != Warning::PrincipalElsewhere);
        for elsewhere in self.report.elsewhere.clone() {
            let line = elsewhere_words(&elsewhere);
            if !self.report.warnings.contains(&Warning::PrincipalElsewhere) {
                self.report.warnings.push(Warning::PrincipalElsewhere);
            }
            if !self.is_quiet {
                self.host.say(Level::Warn, line, Some(Event::Elsewhere(elsewhere)));
            }
        }
    }
}

/// Finds the agents that were away in an earlier phase, and are back with something that the phase
/// should have removed.
pub fn came_back<'a>(listing: &'a Listing, owner: Owner) -> BTreeSet<&'a str> {
    let operations = [&Operation::VOLUMES, &Operation::RESERVATIONS];
    operations.into_iter().flat_map(|operation| operation.pending(listing, owner)).collect()
}

/// Describes these agents.
fn back_words(agents: &BTreeSet<&str>, owner: Owner) -> String {
    let agents = agents.iter().copied().collect::<Vec<_>>().join(", ");
    format!("slave(s) {agents} came back with resources of role '{}'", owner.role)
}

/// Describes agents that are away; a long list is cut.
pub fn away_words(agents: &[Unreached], role: &str, options: &Options) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = agents.iter().take(SHOWN).map(unreached_words).collect();
    let more = match agents.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let count = agents.len();
    let shown = shown.join(", ");
    format!("{count} agent(s) {}: {shown}{more}", held_words(role, options))
}

/// Says what agents that are away may have.
fn held_words(role: &str, options: &Options) -> String {
    let rest = if options.whole_service { " or of its service" } else { "" };
    format!("may still hold resources of role '{role}'{rest}")
}
