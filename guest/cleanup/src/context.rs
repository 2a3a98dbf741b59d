//! What every run does, whether it changes something or only looks: it reads the
//! agents and the frameworks, waits, and says why it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::host::{Host, Patience, Retries, Watched, one_line};
use crate::master::agents::{self, Listing, Wanted};
use crate::master::frameworks::{self, Frameworks};
use crate::master::{absent, pending};
use crate::{guard, version};
use janitor_contract::planned;
use janitor_contract::types::{
    Event, Failure, Level, Options, Reason, Report, Target, Unreached, UnreachedReason, Warning,
};

/// A run.
pub struct Run<'a, H> {
    /// Its surroundings.
    pub host: Watched<'a, H>,
    /// How to go about it.
    pub options: &'a Options,
    /// What was found and done until now.
    pub report: Report,
    /// Whether warnings are only kept for the result.
    pub is_quiet: bool,
    /// Whether nothing of the target was pending just before the last look at the agents.
    pub is_settled: bool,
    /// Whether the last look at the agents failed.
    pub is_blind: bool,
    /// The agents that a look has shown to hold something for the role, or to be
    /// out of reach: their ids, and their host names.
    pub concerned: BTreeMap<String, String>,
    /// Those of them that the last look did not show any more.
    pub vanished: Vec<Unreached>,
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
            ignored: Vec::new(),
            elsewhere: Vec::new(),
            warnings: Vec::new(),
            left: None,
            znode: None,
            self_removal: None,
        };
        let host = Watched::new(host);
        Self {
            host,
            options,
            report,
            is_quiet: false,
            is_settled: false,
            is_blind: false,
            concerned: BTreeMap::new(),
            vanished: Vec::new(),
        }
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

    /// Reads the agents, again when that may help.
    pub fn list(&mut self, wanted: Wanted) -> Result<Listing, String> {
        let mut retries = self.retries();
        loop {
            let unread = match agents::list(&mut self.host, wanted) {
                Ok(listing) => return Ok(listing),
                Err(unread) => unread,
            };
            self.host.say(Level::Debug, &unread.message, None);
            if !retries.wait(&mut self.host, unread.passes) {
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

    /// Reads the frameworks of a cluster with these agents, and whether these are all.
    pub fn frameworks(&mut self, listing: &Listing) -> Result<Frameworks, String> {
        let mut retries = self.retries();
        let all = frameworks::all(&mut self.host, listing, &mut retries)?;
        self.lacks(&all.missing);
        Ok(all)
    }

    /// The agents that may hold something that a run cannot see or remove: those that are
    /// listed, those that are not, and those on which something is still `pending`. Those
    /// that vanished since an earlier listing come first. What is not known is told; the
    /// number of such sentences.
    pub fn unreached(
        &mut self,
        listing: &Listing,
        pending: Result<Vec<Unreached>, String>,
    ) -> (Vec<Unreached>, usize) {
        let mut retries = self.retries();
        let absent = absent::absent(&mut self.host, listing, &mut retries);
        self.lacks(&absent.missing);
        let mut unknown = absent.doubts;
        let mut unreached = self.vanished.clone();
        for agent in &mut unreached {
            // The registry knows more.
            if let Some(it) = absent.agents.iter().find(|it| it.agent == agent.agent) {
                (agent.reason, agent.since) = (it.reason, it.since);
            }
        }
        let pending = pending.unwrap_or_else(|why| {
            unknown.push(why);
            Vec::new()
        });
        for agent in listing.unreached().into_iter().chain(absent.agents).chain(pending) {
            let is_known = |it: &Unreached| it.agent == agent.agent && !agent.agent.is_empty();
            if !unreached.iter().any(is_known) {
                unreached.push(agent);
            }
        }
        for why in &unknown {
            let line = format!("It is not known whether other slaves hold something: {why}");
            self.host.say(Level::Error, line, None);
        }
        (unreached, unknown.len())
    }

    /// The agents on which something of a target, or of any role, is still to be removed.
    pub fn pending(
        &mut self,
        listing: &Listing,
        role: Option<&str>,
        principal: Option<&str>,
    ) -> Result<Vec<Unreached>, String> {
        let ids = self.pending_ids(listing.newest, role, principal)?;
        let unreached = ids.into_iter().map(|agent| Unreached {
            hostname: listing.hostname(&agent).to_owned(),
            agent,
            reason: UnreachedReason::OperationPending,
            since: None,
        });
        Ok(unreached.collect())
    }

    /// The ids of these agents; `newest` is the newest version of Mesos that one names.
    pub fn pending_ids(
        &mut self,
        newest: Option<u32>,
        role: Option<&str>,
        principal: Option<&str>,
    ) -> Result<BTreeSet<String>, String> {
        let mut retries = self.retries();
        let pending = pending::pending(&mut self.host, newest, &mut retries)?;
        let own = pending.into_iter().filter(|it| it.is_of(role, principal));
        Ok(own.map(|it| it.agent).collect())
    }

    /// Takes those that the options say to ignore out of a list.
    pub fn ignore(&self, unreached: &mut Vec<Unreached>) -> Vec<Unreached> {
        unreached.extract_if(.., |it| self.is_ignored(&it.agent, &it.hostname)).collect()
    }

    /// Whether the options say to ignore an agent.
    pub fn is_ignored(&self, agent: &str, hostname: &str) -> bool {
        planned::is_ignored(agent, hostname, self.options)
    }

    /// Tells which pages the server lacks, by which its answers could be checked.
    fn lacks(&mut self, pages: &[&str]) {
        if !pages.is_empty() {
            let line = format!(
                "The Mesos master's server does not have {}, so this run is not checked against it \
                 (an old master, or a proxy that does not pass it on?)",
                pages.join(", ")
            );
            self.warn(Warning::PagesMissing, line);
        }
    }

    /// Logs something that someone should know.
    pub fn warn(&mut self, warning: Warning, line: impl AsRef<str>) {
        if !self.report.warnings.contains(&warning) {
            self.report.warnings.push(warning);
        }
        if !self.is_quiet {
            self.host.say(Level::Warn, line, Some(Event::Warning(warning)));
        }
    }

    /// Tells the version of Mesos, as the reference does.
    pub fn tell_version(&mut self, listing: &Listing) {
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

    /// How long to wait in one phase, for what takes time or may pass.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.options.confirm_seconds.into())
    }

    /// The time to wait for what takes time.
    pub fn wait(&mut self) -> Patience {
        let patience = self.patience();
        Patience::new(&mut self.host, patience)
    }

    /// The time to try again what may pass.
    pub fn retries(&mut self) -> Retries {
        let patience = self.patience();
        Retries::new(&mut self.host, patience)
    }

    /// Logs a line of the normal course.
    pub fn say(&mut self, message: impl AsRef<str>) {
        self.host.say(Level::Info, message, None);
    }

    /// Logs why the run ends.
    pub fn stop(&mut self, reason: Reason, message: impl Into<String>) -> Stop {
        let message = message.into();
        self.host.say(Level::Error, &message, None);
        Stop { reason: self.reason(reason), message }
    }

    /// Why a run ends that ends for this reason, at first sight: what fails after the wish
    /// to end it fails because of that.
    pub fn reason(&mut self, reason: Reason) -> Reason {
        match reason {
            // A pause that takes no time asks for the wish, of which nothing else may have
            // told: what failed may have been all that there was time for.
            Reason::Failed | Reason::Incomplete | Reason::InUseUnknown | Reason::Changed
                if self.host.stopped || !self.host.pause(Duration::ZERO) =>
            {
                Reason::Stopped
            }
            reason => reason,
        }
    }
}
