//! What every run does, whether it changes something or only looks: it reads the
//! agents and the frameworks, waits, and says why it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::agents::{self, Listing};
use crate::bindings::cleanup::{Failure, Options, Reason, Report, Target};
use crate::bindings::log::{Event, Level, Warning};
use crate::frameworks::{self, Frameworks};
use crate::guard;
use crate::host::{Host, Passes, Watched, one_line, short_pauses};

/// A run.
pub struct Run<'a, H> {
    /// Its surroundings.
    pub host: Watched<'a, H>,
    /// How to go about it.
    pub options: &'a Options,
    /// What was found and done until now.
    pub report: Report,
    /// Whether the last look at the agents failed.
    pub is_blind: bool,
    /// The agents that a look has shown to hold something for the role, or to be
    /// out of reach: their ids, and their host names.
    pub concerned: BTreeMap<String, String>,
}

/// Why a run ends early. The log has told it, in its own lines.
pub struct Stop {
    /// The kind.
    pub reason: Reason,
    /// One sentence.
    pub message: String,
}

impl<'a, H: Host> Run<'a, H> {
    /// Begins a run.
    pub fn new(host: &'a mut H, options: &'a Options) -> Self {
        let report = Report {
            mesos_version: None,
            agents: Vec::new(),
            confirmed: Vec::new(),
            unreached: Vec::new(),
            left: None,
            znode: None,
            self_removal: None,
        };
        let host = Watched::new(host);
        Self { host, options, report, is_blind: false, concerned: BTreeMap::new() }
    }

    /// Ends a run early.
    pub fn fail(self, stop: Stop) -> Failure {
        let Stop { reason, message } = stop;
        Failure { reason, message: one_line(&message), report: self.report }
    }

    /// Refuses a target that names nothing, or that must not be cleaned.
    pub fn admit(&mut self, target: &Target) -> Result<(), Stop> {
        let Target { role, principal, znode, marathon_app } = target;
        if [role, principal, znode, marathon_app].into_iter().all(Option::is_none) {
            self.say("");
            return Err(self.stop(Reason::NothingToDo, "Nothing to do!"));
        }
        guard::check(target, self.options)
            .map_err(|guard::Refusal { reason, why }| self.stop(reason, format!("Refused: {why}.")))
    }

    /// Reads the agents; waits for a master while none leads, and for a short
    /// while when there is no answer.
    pub fn list(&mut self, role: Option<&str>) -> Result<Listing, String> {
        let mut pauses = self.pauses();
        let mut short_pauses = short_pauses();
        loop {
            let unread = match agents::list(&mut self.host, role) {
                Ok(listing) => return Ok(listing),
                Err(unread) => unread,
            };
            let pause = match unread.passes {
                Passes::No => None,
                Passes::Soon => short_pauses.next(),
                Passes::WithALeader => pauses.next(),
            };
            let Some(pause) = pause else { return Err(unread.message) };
            self.host.say(Level::Debug, format!("{}: trying again", unread.message), None);
            if !self.host.pause(pause) {
                return Err(unread.message);
            }
        }
    }

    /// A list of agents that a run can go by.
    pub fn usable(&mut self, listing: Result<Listing, String>) -> Result<Listing, Stop> {
        let listing = listing.map_err(|why| self.stop(Reason::Failed, why))?;
        if listing.agents.is_empty() && listing.recovered.is_empty() {
            let message = "The Mesos master lists no agents, so nothing can be said about what \
                they hold. Is this the leading master, and have its agents registered?";
            return Err(self.stop(Reason::Failed, message));
        }
        Ok(listing)
    }

    /// Reads the frameworks.
    pub fn frameworks(&mut self) -> Result<Frameworks, String> {
        frameworks::all(&mut self.host)
    }

    /// Tells the version of Mesos, as the reference does.
    pub fn tell_version(&mut self, listing: &Listing) {
        let number = listing.version.as_deref().and_then(version_number);
        match (&listing.version, number) {
            (Some(version), Some(number)) => {
                self.say(format!("Mesos version: {version} => {number}"));
            }
            (version, _) => {
                let line = match version {
                    Some(version) => format!("Bad version string: {version}"),
                    None => "No version found in slaves list".into(),
                };
                self.host.say(Level::Warn, line, Some(Event::Warning(Warning::VersionUnknown)));
            }
        }
        self.report.mesos_version.clone_from(&listing.version);
    }

    /// How long to pause in one phase, for what takes time or may pass.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.options.confirm_seconds.into())
    }

    /// Longer and longer pauses, until the patience is over.
    pub fn pauses(&self) -> impl Iterator<Item = Duration> + use<H> {
        let longest = Duration::from_secs(2);
        let mut next = Duration::from_millis(100);
        let mut rest = self.patience();
        std::iter::from_fn(move || {
            let pause = next.min(rest);
            rest -= pause;
            next = (next * 2).min(longest);
            (pause > Duration::ZERO).then_some(pause)
        })
    }

    /// Logs a line of the normal course.
    pub fn say(&mut self, message: impl AsRef<str>) {
        self.host.say(Level::Info, message, None);
    }

    /// Logs why the run ends.
    pub fn stop(&mut self, reason: Reason, message: impl Into<String>) -> Stop {
        let message = message.into();
        self.host.say(Level::Error, &message, None);
        // What fails after the wish to end the run fails because of it.
        let reason = match reason {
            Reason::Failed | Reason::Incomplete | Reason::InUseUnknown if self.host.stopped => {
                Reason::Stopped
            }
            reason => reason,
        };
        Stop { reason, message }
    }
}

/// Whether a master of this version tells which operations are pending, as far
/// as is known.
pub fn tells_operations(listing: &Listing) -> bool {
    listing.version.as_deref().and_then(version_number).is_none_or(|number| number >= 106)
}

/// The reference's number for a version of Mesos: 0.28.1 is 28, 1.11.0 is 111.
fn version_number(version: &str) -> Option<u32> {
    let mut parts = version.split(['.', '-']).map(str::parse);
    let (major, minor): (u32, u32) = (parts.next()?.ok()?, parts.next()?.ok()?);
    major.checked_mul(100)?.checked_add(minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_as_the_reference_does() {
        assert_eq!(version_number("0.28.1"), Some(28));
        assert_eq!(version_number("1.2.0"), Some(102));
        assert_eq!(version_number("1.11.0-dev"), Some(111));
        assert_eq!(version_number("1"), None);
        assert_eq!(version_number("banana"), None);
    }
}
