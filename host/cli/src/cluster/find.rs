//! Finds the targets that nobody has named: everything that is orphaned.

use janitor_contract::describe::unreached_words;
use janitor_contract::names::concerns;
use janitor_contract::planned::is_ignored;
use janitor_contract::types::{Inventory, ReadFailure, Reason, Target, Unreached};
use janitor_contract::{Call, Done};
use janitor_report::next::Ran;
use janitor_report::orphans::State;
use janitor_report::words::target_words;

use super::Cluster;
use crate::error::CommandError;
use crate::finished::Finished;
use crate::select::{own_app, require_no_slip, with_last_app, without};

/// The orphans that were found.
pub struct Found {
    /// The call that cleans them up, or plans that.
    pub call: Call,
    /// Why something orphaned stays even if the call succeeds.
    pub doubt: Option<String>,
}

impl Cluster<'_> {
    /// Lists the orphans, and returns the call for those that are neither excluded nor protected;
    /// or the end of the command, if there are none.
    ///
    /// # Errors
    /// Fails if the recording cannot be started, or if the name of a role that is to stay is
    /// probably misspelt. In both cases nothing was changed.
    pub fn find(&self) -> Result<Result<Found, Finished>, CommandError> {
        let run = self.invocation(Call::Discover);
        let (mut ran, recording) = self.record(&run)?;
        let mut is_clean = false;
        if let Ok(Done::Discovered(inventory)) = &ran.result {
            let targets = match &inventory.frameworks_unknown {
                None => self.chosen(inventory)?,
                Some(_) => vec![],
            };
            if !targets.is_empty() {
                let doubt = inventory.znodes_unknown.as_ref().map(|why| {
                    format!("Incomplete: the znodes are not known, so those of orphans stay: {why}")
                });
                let call = self.call_for(targets, doubt.is_none());
                return Ok(Ok(Found { call, doubt }));
            }
            let options = &self.request.options;
            let is_ignored = |it: &Unreached| is_ignored(&it.agent, &it.hostname, options);
            let unreached: Vec<_> =
                inventory.unreached.iter().filter(|it| !is_ignored(it)).collect();
            let why = match (
                &inventory.frameworks_unknown,
                &unreached[..],
                inventory
                    .agents_unknown
                    .as_ref()
                    .map(|why| ("other agents", why))
                    .or(inventory.znodes_unknown.as_ref().map(|why| ("the znodes", why))),
            ) {
                (Some(why), ..) => Some((
                    Reason::InUseUnknown,
                    format!(
                        "Refused: the registered frameworks are not known, so nothing can be called \
                         orphaned. {why}"
                    ),
                )),
                (None, [first, ..], _) => Some((
                    Reason::Incomplete,
                    format!(
                        "Incomplete: {} agent(s) may hold resources that cannot be seen, so not all \
                         that is orphaned is known: {}",
                        unreached.len(),
                        unreached_words(first)
                    ),
                )),
                (None, [], Some((what, why))) => Some((
                    Reason::Incomplete,
                    format!(
                        "Incomplete: {what} are not known, so not all that is orphaned is: {why}"
                    ),
                )),
                (None, [], None) => None,
            };
            is_clean = why.is_none();
            if let Some((reason, message)) = why {
                self.screen.complain(&message);
                ran = Ran { result: Err(ReadFailure { reason, message }.into()), ..ran };
            }
        }
        if is_clean {
            self.screen.line("");
            self.screen.line(match self.request.excluded.is_empty() {
                true => "There is nothing orphaned to clean up.",
                false => "There is nothing orphaned to clean up, except for what is excluded.",
            });
            if let (Some(app), true) = (&self.request.own_app, self.request.call.is_change()) {
                // Otherwise, Marathon would start it again.
                let marathon_app = Some(app.clone());
                let call = Call::Clean(Target { marathon_app, ..Target::NOTHING });
                return Ok(Ok(Found { call, doubt: None }));
            }
        }
        let mut finished = self.finished(&ran, &run);
        if is_clean {
            finished.lines.clear();
            // The proposals are about what is left out.
            finished.change(|output| output.next.clear());
            if let Some(file) = &self.request.plan_file {
                self.screen.warn(&format!("no plan is written to {}", file.display()));
            }
        }
        Ok(Err(self.end(finished, Some((ran, recording)))))
    }

    /// Returns the call for these targets. The app that runs the command stays if they are not all that is
    /// orphaned, because it has to be started again.
    fn call_for(&self, targets: Vec<Target>, are_all: bool) -> Call {
        let targets = with_last_app(targets, own_app().filter(|_| are_all));
        match self.request.call.is_change() {
            true => Call::CleanAll(targets),
            false => Call::PlanAll(targets),
        }
    }

    /// Returns the orphans to clean up, and says which roles are left out.
    ///
    /// # Errors
    /// Fails if the name of a role that is to stay is probably misspelt.
    fn chosen(&self, inventory: &Inventory) -> Result<Vec<Target>, CommandError> {
        let unclaimed: Vec<_> = inventory
            .roles
            .iter()
            .filter(|it| State::of(it, inventory) == State::Unclaimed)
            .filter(|it| !inventory.orphans.iter().any(|target| concerns(target, &it.role)))
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
        // A role that exists is not misspelt, whatever its state.
        let unknown = |names: &[String]| -> Vec<String> {
            let is_known = |name: &&String| inventory.roles.iter().any(|it| it.role == **name);
            names.iter().filter(|name| !is_known(name)).cloned().collect()
        };
        require_no_slip(&orphans, &unknown(&self.request.protected), "the protected role")?;
        require_no_slip(&orphans, &unknown(&self.request.excluded), "--exclude")?;
        let (protected, free): (Vec<_>, Vec<_>) = orphans.into_iter().partition(is_protected);
        if !protected.is_empty() {
            let protected: Vec<_> = protected.iter().map(target_words).collect();
            self.screen.warn(&format!(
                "left out, because the configuration protects it: {}",
                protected.join(", ")
            ));
        }
        Ok(without(free, &self.request.excluded, self.screen))
    }
}
