//! The checks that can end a run before it changes anything: the target must not be cleaned,
//! it is probably a mistake, or frameworks still use it.
//!
//! A plan makes the same checks, and shows the first one that would end a run.

mod known;
mod teardown;
mod users;

use crate::context::{Abort, Context};
use crate::guard::{self, Refusal};
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::master::frameworks::Frameworks;
use crate::owner::Owner;
use janitor_contract::types::{Event, InUse, Level, Reason, Target};

pub use self::known::{require_known_role, require_own_resources};
pub use self::users::{Users, unknown, users, words};

impl<H: Host> Context<'_, H> {
    /// Refuses a target that names nothing, or that must not be cleaned.
    pub fn admit(&mut self, target: &Target) -> Result<(), Abort> {
        let Target { role, principal, znode, marathon_app } = target;
        if [role, principal, znode, marathon_app].into_iter().all(Option::is_none) {
            self.say("");
            return Err(self.abort(Reason::NothingToDo, "Nothing to do!"));
        }
        guard::check(target, self.options).map_err(|refusal| self.refuse(refusal))
    }

    /// Aborts the run unless the target may be cleaned; frameworks that use it are torn down if
    /// the options say so. It returns the list of agents if there is a role.
    pub fn as_allowed(
        &mut self,
        target: &Target,
    ) -> Result<Option<Result<Listing, String>>, Abort> {
        let is_forced = self.options.in_use == InUse::Force;
        let Some(owner) = Owner::of(target) else {
            if target.znode.is_some() && !is_forced {
                let listing = self.list(Wanted::NOTHING);
                let listing = listing.map_err(|why| self.refuse(unknown(target, &why)))?;
                let frameworks = self.known_frameworks(&listing, target)?;
                let users = users(&frameworks, target, self.options);
                self.require_unused(users, &listing, target)?;
            }
            return Ok(None);
        };
        let listing = self.look(owner);
        if let Ok(listing) = &listing {
            let checked = require_own_resources(listing, owner);
            checked.map_err(|refusal| self.refuse(refusal))?;
            let frameworks = match is_forced {
                true => None,
                false => Some(self.known_frameworks(listing, target)?),
            };
            let (frameworks, options) = (frameworks.as_ref(), self.options);
            let checked = require_known_role(listing, frameworks, target, options);
            checked.map_err(|refusal| self.refuse(refusal))?;
            if let Some(frameworks) = frameworks {
                let users = users(frameworks, target, options);
                self.require_unused(users, listing, target)?;
            }
        }
        Ok(Some(listing))
    }

    /// Aborts the run, and logs why it is refused.
    pub fn refuse(&mut self, Refusal { reason, why }: Refusal) -> Abort {
        self.abort(reason, format!("Refused: {why}."))
    }

    /// Aborts the run unless the frameworks can be read.
    fn known_frameworks(
        &mut self,
        listing: &Listing,
        target: &Target,
    ) -> Result<Frameworks, Abort> {
        let all = self.frameworks(listing);
        all.map_err(|why| self.refuse(unknown(target, &why)))
    }

    /// Logs the frameworks that still use the target. If there are some, it tears them down or
    /// aborts the run.
    pub fn require_unused(
        &mut self,
        Users { all, refusal }: Users,
        listing: &Listing,
        target: &Target,
    ) -> Result<(), Abort> {
        if self.options.in_use != InUse::Force {
            for user in &all {
                let line = words(user, target, self.options);
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
