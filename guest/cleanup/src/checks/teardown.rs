//! The teardown of the frameworks that use a target.

use super::Users;
use crate::context::{Abort, Context};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::Listing;
use crate::master::frameworks;
use crate::retry::Backoff;
use janitor_contract::describe::framework_words;
use janitor_contract::types::{Event, Framework, Level, Reason, Target};

impl<H: Host> Context<'_, H> {
    /// Tears frameworks down, and waits until nothing uses the target any more.
    pub(super) fn teardown(
        &mut self,
        frameworks: Vec<Framework>,
        listing: &Listing,
        target: &Target,
    ) -> Result<(), Abort> {
        for user in frameworks {
            if let Err(why) = frameworks::teardown(&mut self.host, &user.id) {
                let message =
                    format!("Framework {} could not be torn down: {why}", framework_words(&user));
                return Err(self.abort(Reason::Failed, message));
            }
            let line = format!("Tearing down framework {}", framework_words(&user));
            self.host.say(Level::Info, line, Some(Event::TornDown(user)));
        }
        // The teardowns of several targets follow one another, so each has this time.
        let limit = self.time_limit();
        let mut backoff = Backoff::new(&mut self.host, limit);
        loop {
            // Frameworks have been torn down by now, so the run fails and is not refused.
            let all = self.frameworks(listing).map_err(|why| self.abort(Reason::Failed, why))?;
            let Users { all: users, refusal, .. } = self.users(&all, target);
            if users.is_empty() {
                if let Some(Refusal { why, .. }) = refusal {
                    return Err(self.abort(Reason::Failed, why));
                }
                self.renew_waits(&backoff);
                return Ok(());
            }
            if !backoff.wait(&mut self.host) {
                let ids: Vec<_> = users.iter().map(framework_words).collect();
                let message = format!(
                    "Torn down, but still registered with the Mesos master: framework {}",
                    ids.join(", ")
                );
                return Err(self.abort(Reason::Failed, message));
            }
        }
    }
}
