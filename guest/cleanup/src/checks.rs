//! The checks that can end a run before it changes anything: the target must not be cleaned,
//! it is probably a mistake, or frameworks still use it.
//!
//! A plan makes the same checks, and shows the first one that would end a run.

mod known;
mod teardown;
mod users;

use std::rc::Rc;
use std::time::Duration;

use crate::context::{Abort, Context};
use crate::guard::{self, Refusal};
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::owner::Owner;
use janitor_contract::types::{Event, InUse, Level, Reason, Target};

pub use self::known::{
    probably_meant, require_known_role, require_listed_agents, require_own_resources,
};
pub use self::users::{Users, unknown};

/// The number of times that a run looks at the frameworks until the look is not out of date, and the same for all
/// targets; and at the agents until nothing more disappears.
pub const LOOKS: usize = 3;

/// The message if these looks are not enough.
pub const UNSTEADY: &str = "Other steps are skipped, because the Mesos master does not list the frameworks \
    reliably: each time, the run had to wait for some page. Run the same command again.";

/// The state of a cluster that decides whether a target may be cleaned.
struct Checked {
    /// The list of agents, or the reason why there is none; nothing if no list is needed.
    listing: Option<Result<Rc<Listing>, String>>,
    /// The frameworks that use the target, if they have been read.
    users: Option<Users>,
}

impl<H: Host> Context<'_, H> {
    /// Refuses a target that names nothing, or that must not be cleaned.
    pub fn admit(&mut self, target: &Target) -> Result<(), Abort> {
        if *target == Target::NOTHING {
            self.say("");
            return Err(self.abort(Reason::NothingToDo, "Nothing to do!"));
        }
        guard::check(target, self.options).map_err(|refusal| self.refuse(refusal))
    }

    /// Aborts the run unless the target may be cleaned; frameworks that use it are torn down, or
    /// waited for, if the options say so. It returns the list of agents if there is a role.
    pub fn as_allowed(
        &mut self,
        target: &Target,
    ) -> Result<Option<Result<Rc<Listing>, String>>, Abort> {
        loop {
            let checked = self.checked(target);
            let refusal = match &checked {
                Ok(checked) => checked.users.as_ref().and_then(|users| users.refusal.as_ref()),
                Err(refusal) => Some(refusal),
            };
            let may_pass =
                |it: &&Refusal| matches!(it.reason, Reason::InUse | Reason::InUseUnknown);
            let condition = refusal.filter(may_pass).map(|refusal| refusal.why.clone());
            if let Some(condition) = condition {
                if self.wait_for(&condition) {
                    continue;
                }
                if self.options.wait_seconds > 0 && self.host.stopped {
                    let message = format!("Stopped while waiting: {condition}.");
                    return Err(self.abort(Reason::Stopped, message));
                }
            }
            let Checked { listing, users } = checked.map_err(|refusal| self.refuse(refusal))?;
            if let (Some(users), Some(Ok(listing))) = (users, &listing) {
                self.require_unused(users, listing, target)?;
            }
            // The frameworks have just been read.
            self.has_waited = false;
            return Ok(listing.filter(|_| target.role.is_some()));
        }
    }

    /// Aborts a run that has waited if a framework uses the target now, or may: a service may have been
    /// installed again meanwhile. Something may have been changed by now, so the run fails and is not
    /// refused.
    pub fn require_still_unused(&mut self, listing: &Listing) -> Result<(), Abort> {
        let has_waited = std::mem::take(&mut self.has_waited);
        let Some(target) = self.target.filter(|_| has_waited) else { return Ok(()) };
        if self.options.in_use == InUse::Force {
            return Ok(());
        }
        let all = self.frameworks(listing).map_err(|why| self.abort(Reason::Failed, why))?;
        let Users { all, doubt, .. } = self.users(&all, target);
        for user in &all {
            let line = self.user_words(user, target);
            self.host.say(Level::Warn, line, Some(Event::Framework(user.clone())));
        }
        let why = match (all.len(), doubt) {
            (0, None) => return Ok(()),
            (0, Some(doubt)) => unknown(target, &doubt).why,
            (count, _) => format!("{count} framework(s) use the target now"),
        };
        let message = format!("Other steps are skipped, because the run has waited, and {why}.");
        Err(self.abort(Reason::Failed, message))
    }

    /// Aborts a run that has waited if a framework uses the target now. Without a list of agents, nothing of the
    /// target was left, and nothing may be back either.
    pub fn still_unused(&mut self, listing: Option<&Rc<Listing>>) -> Result<(), Abort> {
        if !self.has_waited || self.options.in_use == InUse::Force {
            return Ok(());
        }
        if let Some(listing) = listing {
            return self.require_still_unused(listing);
        }
        let owner = self.target.and_then(Owner::of);
        let listing = self.list(owner.map_or(Wanted::NOTHING, Wanted::of_owner));
        let listing = listing.map_err(|why| self.abort(Reason::Failed, why))?;
        // A service that is installed again has both.
        self.require_still_unused(&listing)?;
        owner.map_or(Ok(()), |owner| self.require_still_clean(listing, owner))
    }

    /// Aborts a run that last looked at the frameworks long before a time on the host's clock if one uses the
    /// target now.
    pub fn unused_since(&mut self, now: Duration) -> Result<(), Abort> {
        self.outdate_frameworks(now);
        self.still_unused(None)
    }

    /// The same, with a list of agents if there is one. A look that has taken long itself, because the master
    /// had to be asked again, is repeated.
    pub fn unused_at(
        &mut self,
        mut now: Duration,
        listing: Option<&Rc<Listing>>,
    ) -> Result<(), Abort> {
        if self.options.in_use == InUse::Force {
            return Ok(());
        }
        for _ in 0..LOOKS {
            self.outdate_frameworks(now);
            if !self.has_waited {
                return Ok(());
            }
            self.still_unused(listing)?;
            now = self.host.elapsed();
        }
        match self.is_unsteady(now) {
            true => Err(self.abort(Reason::Failed, UNSTEADY)),
            false => Ok(()),
        }
    }

    /// Reads what decides whether a target may be cleaned, and makes the checks in their order.
    fn checked(&mut self, target: &Target) -> Result<Checked, Refusal> {
        let is_forced = self.options.in_use == InUse::Force;
        let owner = Owner::of(target);
        self.owning_frameworks = None;
        let listing = match owner {
            Some(owner) => self.look(owner),
            None if target.znode.is_none() || is_forced => {
                return Ok(Checked { listing: None, users: None });
            }
            None => {
                let listing = self.list(Wanted::NOTHING);
                Ok(listing.map_err(|why| unknown(target, &why))?)
            }
        };
        let Ok(agents) = &listing else {
            return Ok(Checked { listing: Some(listing), users: None });
        };
        if let Some(owner) = owner {
            require_listed_agents(agents, self.options)?;
            if let Err(refusal) = require_own_resources(agents, owner) {
                self.report.elsewhere = probably_meant(agents, owner);
                return Err(refusal);
            }
        }
        let frameworks = match is_forced {
            true => None,
            false => Some(self.frameworks(agents).map_err(|why| unknown(target, &why))?),
        };
        if owner.is_some() {
            require_known_role(agents, frameworks.as_ref(), target, self.options)?;
        }
        if let (Some(owner), true) = (owner, frameworks.is_some()) {
            self.owning_frameworks = agents.frameworks(owner);
        }
        let users = frameworks.map(|frameworks| self.users(&frameworks, target));
        Ok(Checked { listing: Some(listing), users })
    }

    /// Aborts the run, and logs why it is refused.
    pub fn refuse(&mut self, Refusal { reason, why }: Refusal) -> Abort {
        self.abort(reason, format!("Refused: {why}."))
    }

    /// Logs the frameworks that still use the target. If there are some, it tears them down or
    /// aborts the run.
    pub fn require_unused(
        &mut self,
        Users { all, refusal, .. }: Users,
        listing: &Listing,
        target: &Target,
    ) -> Result<(), Abort> {
        if self.options.in_use != InUse::Force {
            for user in &all {
                let line = self.user_words(user, target);
                self.host.say(Level::Warn, line, Some(Event::Framework(user.clone())));
            }
        }
        match refusal {
            Some(refusal) => Err(self.refuse(refusal)),
            None if self.options.in_use == InUse::Teardown && !all.is_empty() => {
                self.teardown(all, listing, target)
            }
            None => Ok(()),
        }
    }
}
