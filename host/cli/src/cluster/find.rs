//! Finds the targets that nobody has named: everything that is orphaned.

use janitor_contract::names::concerns;
use janitor_contract::types::{Inventory, ReadFailure, Reason, Target};
use janitor_contract::{Call, Done};
use janitor_report::next::Ran;
use janitor_report::orphans::State;
use janitor_report::words::target_words;

use super::Cluster;
use crate::error::CommandError;
use crate::finished::Finished;
use crate::select::{own_app, with_last_app, without};

impl Cluster<'_> {
    /// Lists the orphans, and returns the call for those that are neither excluded nor protected;
    /// or the end of the command, if there are none.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    pub fn find(&self) -> Result<Result<Call, Finished>, CommandError> {
        let run = self.invocation(Call::Discover);
        let (mut ran, recording) = self.record(&run)?;
        if let Ok(Done::Discovered(inventory)) = &ran.result {
            match &inventory.frameworks_unknown {
                None => {
                    let targets = self.chosen(inventory);
                    if !targets.is_empty() {
                        let targets = with_last_app(targets, own_app());
                        return Ok(Ok(match self.request.call.is_change() {
                            true => Call::CleanAll(targets),
                            false => Call::PlanAll(targets),
                        }));
                    }
                }
                Some(why) => {
                    let message = format!(
                        "Refused: the registered frameworks are not known, so nothing can be \
                         called orphaned. {why}"
                    );
                    self.screen.complain(&message);
                    let failure = ReadFailure { reason: Reason::InUseUnknown, message };
                    ran = Ran { result: Err(failure.into()), ..ran };
                }
            }
        }
        let mut finished = self.finished(&ran, &run);
        if ran.result.is_ok() {
            finished.lines = vec!["".into(), "There is nothing orphaned to clean up.".into()];
            if let Some(file) = &self.request.plan_file {
                self.screen.warn(&format!("no plan is written to {}", file.display()));
            }
        }
        Ok(Err(self.end(finished, Some((ran, recording)))))
    }

    /// Returns the orphans to clean up, and says which roles are left out.
    fn chosen(&self, inventory: &Inventory) -> Vec<Target> {
        let unclaimed: Vec<_> = inventory
            .roles
            .iter()
            .filter(|it| State::of(it, inventory) == State::Unclaimed)
            .map(|it| format!("'{}'", it.role))
            .collect();
        if !unclaimed.is_empty() {
            self.screen.warn(&format!(
                "left out, because an operator may have reserved it: role {}",
                unclaimed.join(", ")
            ));
        }
        let is_protected =
            |target: &Target| self.request.protected.iter().any(|role| concerns(target, role));
        let orphans = inventory.orphans.clone();
        let (protected, free): (Vec<_>, Vec<_>) = orphans.into_iter().partition(is_protected);
        if !protected.is_empty() {
            let protected: Vec<_> = protected.iter().map(target_words).collect();
            self.screen.warn(&format!(
                "left out, because the configuration protects it: {}",
                protected.join(", ")
            ));
        }
        without(free, &self.request.excluded, self.screen)
    }
}
