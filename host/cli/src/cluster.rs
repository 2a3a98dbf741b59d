//! A run on a cluster: the servers, the credentials, the recording, the signals.

use std::{fs, thread};

use janitor_contract::planned;
use janitor_contract::types::Endpoint;
use janitor_host::{
    Call, CleanupPlan, Credential, Credentials, Digest, Done, Endpoints, Failure, Janitor, Limits,
    LoginError, NetworkLimits, Options, Reason, Report, RunError, Stop, Target, Tls, ZooKeeper,
};
use janitor_report::ExitCode;
use janitor_report::output::Output;
use janitor_transport::exchange::Transport;
use janitor_transport::live::Live;
use janitor_transport::proxy;
use janitor_transport::recording::har::Run;
use janitor_transport::recording::write::Recording;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::args::Connection;
use crate::ask::Consent;
use crate::credentials::{AuthError, Recipient};
use crate::screen::{Console, Format, complain};
use crate::environment::{own_app, with_own_app};
use crate::recipients::{Objection, consider};
use crate::run::{carry_out, conclude};
use crate::servers::Servers;
use janitor_report::line::{Line, Tone};
use janitor_report::next::Asked;
use janitor_report::next::Ran;
use janitor_report::command_line::parse::UrlError;
use janitor_report::plan;

/// A run that changes nothing.
pub enum Look {
    /// Shows what cleaning a target would do.
    Plan(Target),
    /// Shows everything there is.
    Discover,
}

/// A run that changes something.
#[allow(clippy::large_enum_variant, reason = "there is one for each run")]
pub enum Change {
    /// Removes a target.
    Clean(Target),
    /// Does what a plan says.
    Apply(CleanupPlan),
}

impl Look {
    /// The call, with the app that runs this command.
    pub fn call(self) -> Call {
        match self {
            Self::Plan(target) => Call::Plan(with_own_app(target)),
            Self::Discover => Call::Discover,
        }
    }
}

impl Change {
    /// The call, with the app that runs this command.
    pub fn call(self) -> Call {
        match self {
            Self::Clean(target) => Call::Clean(with_own_app(target)),
            Self::Apply(plan) => {
                Call::Apply(CleanupPlan { target: with_own_app(plan.target), ..plan })
            }
        }
    }
}

/// A cluster that may be talked to.
pub struct Cluster<'a> {
    args: &'a Connection,
    console: Console,
    janitor: Janitor,
    endpoints: Endpoints,
    live: Live,
    digest: Option<Digest>,
    limits: Limits,
    network: NetworkLimits,
    stop: Stop,
    replaces: bool,
}

/// A cluster that cannot be talked to. It has been told why.
pub struct Unconnected {
    console: Console,
    output: Output,
    code: ExitCode,
    /// The way to Marathon, or why there is none; where Marathon would only start this
    /// command again.
    marathon: Option<Result<Marathon, String>>,
}

/// The way to Marathon, as far as the command line gives it.
struct Marathon {
    janitor: Janitor,
    endpoints: Endpoints,
    live: Live,
}

impl<'a> Cluster<'a> {
    /// Loads the component, tells what will be done where, and logs in if that is wanted.
    ///
    /// # Errors
    /// When there can be no run.
    #[allow(clippy::result_large_err, reason = "there is one for each run")]
    pub fn connect(
        args: &'a Connection,
        servers: Servers,
        target: Option<&Target>,
    ) -> Result<Self, Unconnected> {
        let Servers { endpoints, only_in_file } = servers;
        let console = args.console();
        let janitor = args.component.load().map_err(|(code, why)| {
            complain(&why);
            let next = "Nothing was changed, and nothing was sent.";
            console.line(next);
            Unconnected::new(console, code, why, vec![next.into()])
        })?;
        let (limits, network) = (Limits::default(), NetworkLimits::default());
        let wrong = |why: String| {
            complain(&why);
            Unconnected::new(console, ExitCode::Usage, why, vec![])
        };
        let allowed = |recipients: &[Recipient], endpoints: &Endpoints| {
            let plain_http = args.auth.allow_plain_http;
            let notes = consider(recipients, endpoints, &only_in_file, plain_http)?;
            if console.format == Format::Text {
                notes.iter().for_each(|note| complain(note));
            }
            Ok(())
        };
        let endpoints = match endpoints {
            Ok(endpoints) => endpoints,
            Err(UrlError { error, known }) => {
                let no_run = give_up(console, ExitCode::Url, &error.to_string(), "correct the URL");
                let known = known.ok_or_else(|| format!("the {} URL is invalid", error.name));
                let marathon = known.and_then(|endpoints| {
                    let tls = args.auth.tls()?;
                    proxy::check(&tls).map_err(|why| why.to_string())?;
                    let secrets =
                        args.auth.secrets_for_marathon().map_err(|why| why.to_string())?;
                    let marathon = secrets.without_login()?;
                    let is_marathon = |server| server == Endpoint::Marathon;
                    allowed(&secrets.recipients(&endpoints, is_marathon), &endpoints)
                        .map_err(|Objection { why, .. }| why)?;
                    Ok(Marathon::new(janitor, endpoints, &network, &tls, marathon))
                });
                return Err(Unconnected { marathon: Some(marathon), ..no_run });
            }
        };
        // Nothing is sent, to Marathon either.
        let silent = |code, why: &str, hint: &str| {
            let no_run = give_up(console, code, why, hint);
            Unconnected { marathon: Some(Err(why.into())), ..no_run }
        };
        let tls = args.auth.tls().map_err(wrong)?;
        if let Err(why) = proxy::check(&tls) {
            return Err(silent(ExitCode::Url, &why.to_string(), "correct the variable"));
        }
        console.line(plan::header(&endpoints, target));
        if args.auth.insecure {
            console
                .line("Certificates are not checked: whoever is on the way can read and answer.");
        }
        let secrets = match args.auth.secrets(&endpoints) {
            Ok(secrets) => secrets,
            Err(AuthError::Wrong(why)) => return Err(wrong(why)),
            Err(AuthError::Token(why)) => {
                return Err(silent(ExitCode::Login, &why.to_string(), "correct the token"));
            }
        };
        let is_asked = |server| match server {
            Endpoint::Exhibitor => target.is_none_or(|target| target.znode.is_some()),
            Endpoint::Marathon | Endpoint::MarathonPods => own_app().is_some(),
            Endpoint::Master | Endpoint::MasterRoot => true,
        };
        if let Err(Objection { why, hint }) =
            allowed(&secrets.recipients(&endpoints, is_asked), &endpoints)
        {
            return Err(silent(ExitCode::Refused, &why, &hint));
        }
        let credentials = match secrets.credentials(&network, &tls, &endpoints) {
            Ok(credentials) => credentials,
            Err(LoginError::Account(why)) => return Err(wrong(why)),
            Err(error) => {
                let no_run = give_up(console, ExitCode::Login, &error.to_string(), hint(&error));
                let marathon =
                    Marathon::new(janitor, endpoints, &network, &tls, secrets.after_login());
                return Err(Unconnected { marathon: Some(Ok(marathon)), ..no_run });
            }
        };
        let digest = secrets.digest();
        let live = Live::new(&network, &tls, credentials).with_masters(endpoints.masters());
        let stop = Stop::new();
        Ok(Self {
            args,
            console,
            janitor,
            endpoints,
            live,
            digest,
            limits,
            network,
            stop,
            replaces: false,
        })
    }

    /// The same, for a recording that takes the place of one that is there: only a
    /// complete one does.
    pub fn replacing(self) -> Self {
        Self { replaces: true, ..self }
    }

    /// Where its servers are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Looks, and tells what came of it.
    pub fn look(&self, look: Look, options: &Options) -> ExitCode {
        self.look_and(look, options, |_| {})
    }

    /// The same; what came of it is used before it is told.
    pub fn look_and(
        &self,
        look: Look,
        options: &Options,
        using: impl FnOnce(&Result<Done, RunError>),
    ) -> ExitCode {
        let asked = self.asked(look.call(), options);
        self.recorded(&asked, using)
    }

    /// Removes a target, or does what a plan says; asks before, unless there is consent.
    /// The question names what a document has the run `lifting`.
    pub fn change(
        &self,
        change: Change,
        options: &Options,
        lifting: &[String],
        consent: Option<Consent>,
    ) -> ExitCode {
        match consent {
            Some(consent) => self.agreed(change, options, consent),
            None => match self.ask(change, options, lifting) {
                Ok((plan, consent)) => self.agreed(Change::Apply(plan), options, consent),
                Err(code) => code,
            },
        }
    }

    /// Changes something, which needs consent.
    fn agreed(&self, change: Change, options: &Options, _: Consent) -> ExitCode {
        watch_signals(&self.stop, self.console);
        self.recorded(&self.asked(change.call(), options), |_| {})
    }

    /// Shows what would be removed, and asks for it.
    ///
    /// # Errors
    /// The exit code, when there is no consent; it has been told why, and nothing was sent
    /// that changes something.
    fn ask(
        &self,
        change: Change,
        options: &Options,
        lifting: &[String],
    ) -> Result<(CleanupPlan, Consent), ExitCode> {
        let plan = match change {
            Change::Apply(plan) => {
                let plan = planned::under(&plan, options);
                CleanupPlan { target: with_own_app(plan.target), ..plan }
            }
            Change::Clean(target) => {
                let asked = self.asked(Look::Plan(target).call(), options);
                let ran = self.carry_out(&asked, self.transport());
                let Ok(Done::Planned(plan)) = ran.result else {
                    return Err(conclude(&ran, &asked, self.console));
                };
                plan
            }
        };
        plan::plan(&plan, options).into_iter().for_each(|line| self.console.show(line));
        if !lifting.is_empty() {
            let line = format!("This plan lifts: {}", lifting.join(", "));
            self.console.show(Line::tone(Tone::Warn, line));
        }
        if let Some(reason) = plan.refusal {
            let ran = refused(&plan, reason);
            return Err(conclude(&ran, &self.asked(Call::Apply(plan), options), self.console));
        }
        match Consent::asked(self.console) {
            Some(consent) => Ok((plan, consent)),
            None => {
                const WHY: &str = "Nothing was changed.";
                self.console.show(WHY);
                let output = Output::failed(ExitCode::Refused, Some(WHY.into()));
                self.console.document(&Output { plan: Some(plan), ..output });
                Err(ExitCode::Refused)
            }
        }
    }

    /// Carries out a call, records it if that is wanted, and tells what came of it.
    fn recorded(&self, asked: &Asked, using: impl FnOnce(&Result<Done, RunError>)) -> ExitCode {
        let ran = match &self.args.record {
            None => self.carry_out(asked, self.transport()),
            Some(file) => {
                let run = Run {
                    schema_version: Run::SCHEMA_VERSION,
                    component: self.janitor.digest().into(),
                    endpoints: asked.endpoints.clone(),
                    call: asked.call.clone(),
                    options: asked.options.clone(),
                    stopped_at: None,
                    elapsed: None,
                    window: self.limits.window,
                };
                let recording = match Recording::begin(file, run) {
                    Ok(recording) => recording,
                    Err(error) => {
                        complain(&format!("cannot record to {}: {error}", file.display()));
                        return ExitCode::Usage;
                    }
                };
                let ran = self.carry_out(asked, recording.through(self.transport()));
                let broken = matches!(ran.result, Err(RunError::Violation(_)));
                let complete = recording.is_complete() && self.stop.noticed().is_none() && !broken;
                if self.replaces && !complete {
                    complain(&format!(
                        "the recording {} stays as it was: this run is not complete",
                        file.display()
                    ));
                } else if let Err(error) = recording.finish(self.stop.noticed()) {
                    complain(&format!("the recording {} is lost: {error}", file.display()));
                }
                ran
            }
        };
        using(&ran.result);
        conclude(&ran, asked, self.console)
    }

    fn asked(&self, call: Call, options: &Options) -> Asked {
        let component = self.args.component.options();
        Asked { call, options: options.clone(), endpoints: self.endpoints.clone(), component }
    }

    fn carry_out(&self, asked: &Asked, transport: Box<dyn Transport>) -> Ran {
        let (limits, stop) = (self.limits.clone(), self.stop.clone());
        carry_out(&self.janitor, asked, self.console, transport, limits, stop)
    }

    fn transport(&self) -> Box<dyn Transport> {
        let live = Box::new(self.live.clone());
        match self.endpoints.ensemble() {
            Some(ensemble) => {
                let digest = self.digest.clone();
                let zookeeper = ZooKeeper::new(ensemble, digest, &self.network, live);
                Box::new(zookeeper.with_stop(self.stop.clone()))
            }
            None => live,
        }
    }
}

/// The end of a run that a plan shows to be refused.
fn refused(plan: &CleanupPlan, reason: Reason) -> Ran {
    let report = Report {
        mesos_version: plan.mesos_version.clone(),
        agents: vec![],
        confirmed: vec![],
        unreached: plan.unreached.clone(),
        ignored: plan.ignored.clone(),
        elsewhere: plan.elsewhere.clone(),
        warnings: plan.warnings.clone(),
        left: None,
        znode: None,
        self_removal: None,
    };
    let why = plan.why_refused.as_deref().unwrap_or("a safety check fails.");
    let message = format!("Refused: {why}");
    let failure = Failure { reason, message, report };
    Ran {
        result: Err(RunError::Failure(failure.into())),
        frameworks: plan.frameworks.clone(),
        unauthorized: vec![],
    }
}

/// From here on a first SIGHUP, SIGINT or SIGTERM is the wish to end the run; a second one
/// ends the program at once. Before that, and while a run only looks, a signal does
/// what it does to any program: there is nothing that could be left half done. One that
/// whoever started the program has it ignore (`nohup`, a shell's `&`) stays ignored.
fn watch_signals(stop: &Stop, console: Console) {
    let signals = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|it| !is_ignored(*it));
    let watched = Signals::new(signals).map(|mut signals| {
        let stop = stop.clone();
        thread::spawn(move || {
            let mut again = false;
            for signal in signals.forever() {
                if again {
                    low_level::exit(128 + signal);
                }
                again = true;
                stop.request();
                if console.format == Format::Text {
                    complain("what is on its way is waited for; a second signal ends this at once");
                }
            }
        });
    });
    if let Err(error) = watched {
        complain(&format!("a signal will end the run at once: {error}"));
    }
}

/// Whether this program ignores a signal, as Linux tells; elsewhere it does not.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// What to do before the next login.
fn hint(error: &LoginError) -> &'static str {
    match error {
        LoginError::Credentials(_) | LoginError::Account(_) => "correct the credentials",
        LoginError::Certificates(_) => {
            "correct the certificates (--ca-cert names the authorities to trust)"
        }
        LoginError::Unreachable(_) => "see that the server answers",
    }
}

/// Tells why there will be no run, and that nothing has changed.
fn give_up(console: Console, code: ExitCode, why: &str, hint: &str) -> Unconnected {
    let next = format!("Nothing was changed; {hint} and run the same command again.");
    console.line(why);
    console.line(&next);
    Unconnected::new(console, code, why.into(), vec![next])
}

impl Unconnected {
    fn new(console: Console, code: ExitCode, why: String, next: Vec<String>) -> Self {
        let output = Output { next, ..Output::failed(code, Some(why)) };
        Self { console, output, code, marathon: None }
    }

    /// Ends a command that only looks, or to which nobody has agreed yet.
    pub fn end(self) -> ExitCode {
        self.console.document(&self.output);
        self.code
    }

    /// Ends a command that was to change something: keeps Marathon from starting it over
    /// and over, only to make the same mistake. This is the only place that leaves Marathon
    /// without a cleanup.
    pub fn leave_marathon(mut self, _: Consent) -> ExitCode {
        if let (Some(app), Some(marathon)) = (own_app(), self.marathon.take()) {
            match marathon {
                // What becomes of it is told; the exit code is that of the mistake.
                Ok(marathon) => drop(marathon.leave(app, self.console)),
                Err(why) => {
                    let line = format!(
                        "App {app} stays in Marathon, which may start it again; nothing was sent: \
                         {why}"
                    );
                    self.console.line(&line);
                    self.output.next.push(line);
                }
            }
        }
        self.end()
    }
}

impl Marathon {
    fn new(
        janitor: Janitor,
        endpoints: Endpoints,
        network: &NetworkLimits,
        tls: &Tls,
        marathon: Credential,
    ) -> Self {
        let credentials = Credentials { marathon, ..Credentials::default() };
        Self { janitor, endpoints, live: Live::new(network, tls, credentials) }
    }

    fn leave(self, app: String, console: Console) -> Ran {
        let Self { janitor, endpoints, live } = self;
        let call = Call::Clean(Target { marathon_app: Some(app), ..Target::NOTHING });
        let asked = Asked { call, options: Options::DEFAULT, endpoints, component: vec![] };
        carry_out(&janitor, &asked, console, Box::new(live), Limits::default(), Stop::new())
    }
}
