//! A run on a cluster: the servers, the credentials, the consent.

mod ask;
mod corrections;
mod find;
mod keep;

use std::cell::Cell;
use std::time::{Duration, Instant};

use janitor_contract::request::Server;
use janitor_contract::types::{Endpoint, ReadFailure, Reason};
use janitor_contract::{Call, Done, Endpoints, RunError};
use janitor_host::{CancellationToken, Credential, Credentials, Janitor, Limits, Network};
use janitor_report::ExitCode;
use janitor_report::closing::closing;
use janitor_report::command_line::parse::UrlError;
use janitor_report::command_line::print::{Caller, Invocation};
use janitor_report::command_line::time;
use janitor_report::extent::{changes_anything, why_unknown};
use janitor_report::next::Ran;
use janitor_report::summary;
use janitor_transport::exchange::Transport;

use crate::call::carry_out;
use crate::consent::{Consent, ConsentPolicy};
use crate::credentials::{AuthError, Recipient};
use crate::error::CommandError;
use crate::finished::Finished;
use crate::program;
use crate::progress::SignsOfLife;
use crate::recipients::{Objection, consider};
use crate::request::{OnCluster, Servers};
use crate::screen::Screen;
use crate::signals::Stage;
use crate::unconnected::{Unconnected, refusal, silent};
use corrections::{correction, hint};
use find::Found;

/// Carries out a request on its cluster.
///
/// # Errors
/// Fails if no run could be started, or if there is no consent to it.
pub fn run(request: &OnCluster, screen: &Screen, stage: &Stage) -> Result<Finished, CommandError> {
    if let ConsentPolicy::Ask = request.consent {
        stage.set_last_words(CommandError::NOTHING_CHANGED);
    }
    let cluster = match Cluster::connect(request, screen, stage) {
        Ok(cluster) => cluster,
        Err(unconnected) => return unconnected.end(request, screen),
    };
    let mut finished = cluster.run()?;
    let digest = cluster.janitor.digest();
    finished.change(|output| output.versions.component = Some(digest.into()));
    Ok(finished)
}

/// A cluster that is ready for a run.
struct Cluster<'a> {
    request: &'a OnCluster,
    screen: &'a Screen,
    stage: &'a Stage,
    janitor: Janitor,
    network: Network,
    limits: Limits,
    cancellation: CancellationToken,
    /// The time that the command's runs have taken so far, without questions to the user.
    spent: Cell<Duration>,
}

impl<'a> Cluster<'a> {
    /// Loads the component, prints the first line, and logs in if the credentials require it.
    ///
    /// # Errors
    /// Fails if no run can be started.
    #[allow(clippy::result_large_err, reason = "there is one for each command")]
    fn connect(
        request: &'a OnCluster,
        screen: &'a Screen,
        stage: &'a Stage,
    ) -> Result<Self, Unconnected> {
        let janitor = request.component.load()?;
        let endpoints = match &request.servers.endpoints {
            Ok(endpoints) => endpoints,
            Err(UrlError { error, known }) => {
                let marathon = known
                    .clone()
                    .ok_or_else(|| format!("the {} URL is invalid", error.name))
                    .and_then(|known| to_marathon(request, known, screen));
                let marathon = Some(marathon.map(|network| (janitor, network)));
                let error = refusal(ExitCode::Url, error.to_string(), &correction(error));
                return Err(Unconnected { error, marathon });
            }
        };
        let network = Network::builder(endpoints.clone())
            .tls(request.auth.tls()?)
            .build()
            .map_err(|why| silent(ExitCode::Url, why.to_string(), "correct the variable"))?;
        screen.line(summary::header(endpoints, &request.call.targets()));
        if let Some(why) = &request.protection {
            screen.warn(&format!("a cleanup would be refused: {why}"));
        }
        if request.auth.insecure {
            screen.warn(
                "certificates are not verified: anyone on the network path can read and forge \
                 everything",
            );
        }
        let secrets = request.auth.secrets(endpoints).map_err(|error| match error {
            AuthError::Unreadable(why) => why.into(),
            AuthError::Malformed(why) => silent(ExitCode::Login, why, "correct the credentials"),
        })?;
        let targets = request.call.targets();
        let is_asked = |server| match server {
            // Without a target, everything is listed.
            Server::Exhibitor => {
                targets.is_empty() || targets.iter().any(|target| target.znode.is_some())
            }
            Server::Marathon => request.own_app.is_some(),
            Server::Master => true,
        };
        allow(request, &secrets.recipients(endpoints, is_asked), endpoints, screen)
            .map_err(|Objection { why, hint }| silent(ExitCode::Refused, why, &hint))?;
        let network = network.with_credentials(secrets.credentials());
        show_proxy(&network, is_asked, screen);
        let signs = SignsOfLife::begin(screen, "Logging in");
        let logged_in = network.log_in();
        drop(signs);
        if let Err(error) = logged_in {
            let network = for_marathon(network, secrets.after_login());
            let error = refusal(ExitCode::Login, error.to_string(), &hint(&error));
            return Err(Unconnected { error, marathon: Some(Ok((janitor, network))) });
        }
        let (limits, cancellation) = (Limits::default(), CancellationToken::new());
        let spent = Cell::default();
        Ok(Self { request, screen, stage, janitor, network, limits, cancellation, spent })
    }

    /// Carries out the request.
    ///
    /// # Errors
    /// Fails if there is no consent, or the recording cannot be started.
    fn run(&self) -> Result<Finished, CommandError> {
        if !self.request.all_orphaned {
            return self.agree_and_carry_out(self.request.call.clone());
        }
        let Found { call, doubt } = match self.find()? {
            Ok(found) => found,
            Err(finished) => return Ok(finished),
        };
        let mut finished = self.agree_and_carry_out(call)?;
        match doubt {
            Some(why) if finished.code == ExitCode::Clean && self.request.call.is_change() => {
                finished.end_with(ExitCode::Incomplete, &why, vec![why.clone()]);
            }
            Some(why) => self.screen.warn(&why),
            None => {}
        }
        Ok(finished)
    }

    /// Carries out a call, with the consent that it needs.
    ///
    /// # Errors
    /// Fails if there is no consent, or the recording cannot be started.
    fn agree_and_carry_out(&self, call: Call) -> Result<Finished, CommandError> {
        match &self.request.consent {
            ConsentPolicy::Unneeded => self.carry_out(call),
            ConsentPolicy::Given(consent) => self.change(call, consent),
            ConsentPolicy::Ask => match self.ask(call)? {
                Ok((call, consent)) => self.change(call, &consent),
                Err(finished) => Ok(finished),
            },
        }
    }

    /// Carries out a call that changes something, with the operator's consent.
    fn change(&self, call: Call, _: &Consent) -> Result<Finished, CommandError> {
        self.stage.change(&self.cancellation);
        self.carry_out(call)
    }

    /// Carries out a call, and writes the recording and the plan.
    ///
    /// # Errors
    /// Fails if the recording cannot be started. In that case nothing was sent.
    fn carry_out(&self, call: Call) -> Result<Finished, CommandError> {
        let run = self.invocation(call);
        let began = Instant::now();
        let (ran, recording) = self.record(&run)?;
        let mut finished = self.finished(&ran, &run);
        finished.closing = closing(&ran.result, began.elapsed());
        if self.request.detailed_exitcode {
            self.detail(&ran, &mut finished);
        }
        self.keep_recording(recording, &ran).into_iter().for_each(|why| finished.lose(why));
        self.keep_plan(&ran, &run, &mut finished);
        Ok(finished)
    }

    /// Sets the exit code that says what the plans contain; of several, the worst one counts.
    fn detail(&self, ran: &Ran, finished: &mut Finished) {
        let mut code = ExitCode::from(&ran.result);
        let plans: Vec<_> = match &ran.result {
            Ok(Done::Planned(plan)) => vec![plan],
            Ok(Done::PlannedAll(results)) => results.iter().flatten().collect(),
            _ => return,
        };
        let options = &self.request.options;
        for plan in plans {
            let is_refused = plan.refusal.is_some() || self.request.protection.is_some();
            let unknown = why_unknown(plan, options).filter(|_| !is_refused);
            let changes = changes_anything(plan, options);
            code = code.or_worse(match (is_refused, &unknown, changes) {
                (true, ..) => ExitCode::Refused,
                (false, Some(_), _) => ExitCode::Failed,
                (false, None, true) => ExitCode::Changes,
                (false, None, false) => ExitCode::Clean,
            });
            if let Some(why) = unknown {
                finished.change(|output| output.reason = Some(Reason::Failed));
                finished.end_with(code, &why, vec![why.clone()]);
            }
        }
        finished.exit_with(code);
    }

    fn send(&self, run: &Invocation, transport: Box<dyn Transport>) -> Ran {
        let limits = self.limits.clone();
        let cancellation = match self.request.timeout {
            Some(timeout) => self.cancellation.within(timeout.saturating_sub(self.spent.get())),
            None => self.cancellation.clone(),
        };
        let begun = Instant::now();
        let mut ran =
            carry_out(&self.janitor, run, self.screen, transport, limits, cancellation.clone());
        self.spent.set(self.spent.get() + begun.elapsed());
        if !run.call.is_change() && cancellation.is_late() && cancellation.noticed().is_some() {
            // The result may be incomplete.
            let message = "the time limit was reached before everything was read".into();
            ran.result = Err(ReadFailure { reason: Reason::Stopped, message }.into());
        }
        let reason = ran.result.as_ref().err().and_then(RunError::reason);
        if let (Some(timeout), Some(Reason::Stopped)) = (self.request.timeout, reason)
            && cancellation.is_late()
        {
            let timeout = time::words(timeout);
            self.screen.warn(&format!("the run was cancelled after {timeout} (--timeout)"));
        }
        if let Some(leader) = self.network.detected_master().filter(|_| self.screen.verbose()) {
            let proxy = self.network.proxy_on_the_way_to(&leader);
            let way = proxy.map(|proxy| format!(", through {proxy}")).unwrap_or_default();
            self.screen.note(&format!("the leading master in ZooKeeper is {leader}{way}"));
        }
        ran
    }

    fn finished(&self, ran: &Ran, run: &Invocation) -> Finished {
        Finished::run(ran, run, &self.screen.view(self.request.role.clone()))
    }

    fn invocation(&self, call: Call) -> Invocation {
        let (options, endpoints) = (self.request.options.clone(), self.network.endpoints().clone());
        let component = self.request.repeated.clone();
        let caller = Caller {
            program: program::started(),
            timeout: self.request.timeout,
            access: self.request.access.clone(),
            plan: self.request.plan_file.as_ref().or(self.request.applied.as_ref()).cloned(),
            several: self.request.several.clone(),
            protected: self.request.protected.clone(),
        };
        Invocation { call, options, endpoints, component, caller }
    }
}

/// Checks the recipients of credentials, and prints notes about them.
fn allow(
    request: &OnCluster,
    recipients: &[Recipient],
    endpoints: &Endpoints,
    screen: &Screen,
) -> Result<(), Objection> {
    let Servers { only_in_file, cluster, .. } = &request.servers;
    let allowed = request.auth.allow_plain_http;
    let notes = consider(recipients, endpoints, only_in_file, cluster.as_ref(), allowed)?;
    notes.iter().for_each(|note| screen.warn(note));
    Ok(())
}

/// Makes the network for Marathon when another server's URL is invalid.
fn to_marathon(
    request: &OnCluster,
    endpoints: Endpoints,
    screen: &Screen,
) -> Result<Network, String> {
    let network = Network::builder(endpoints.clone()).tls(request.auth.tls()?);
    let network = network.build().map_err(|why| why.to_string())?;
    let secrets = request.auth.secrets_for_marathon().map_err(|why| why.to_string())?;
    let credential = secrets.without_login()?;
    let recipients = secrets.recipients(&endpoints, |server| server == Server::Marathon);
    allow(request, &recipients, &endpoints, screen).map_err(|Objection { why, .. }| why)?;
    Ok(for_marathon(network, credential))
}

/// Gives a network a credential for Marathon, and no other one.
fn for_marathon(network: Network, marathon: Credential) -> Network {
    network.with_credentials(Credentials { marathon, ..Credentials::default() })
}

/// Shows the proxy on the way to each server that is asked, if every request is shown.
fn show_proxy(network: &Network, is_asked: impl Fn(Server) -> bool, screen: &Screen) {
    let endpoints = network.endpoints();
    let masters = endpoints.masters().iter().map(|url| (Server::Master, url.as_str()));
    let others = [Endpoint::Exhibitor, Endpoint::Marathon]
        .map(|endpoint| (endpoint.server(), endpoints.base(endpoint)));
    for (_, url) in masters.chain(others).filter(|(server, _)| is_asked(*server)) {
        if let Some(proxy) = network.proxy_on_the_way_to(url).filter(|_| screen.verbose()) {
            screen.note(&format!("{url} is reached through {proxy}"));
        }
    }
}
