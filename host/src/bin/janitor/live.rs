//! A run on a cluster: the servers, the credentials, the recording, the signals.

use std::thread;

use janitor_host::endpoint::EndpointError;
use janitor_host::output::Output;
use janitor_host::transport::Transport;
use janitor_host::transport::har::Run;
use janitor_host::transport::live::Live;
use janitor_host::transport::recording::Recording;
use janitor_host::{
    Call, Credentials, Digest, Done, Endpoints, ExitCode, InUse, Janitor, Limits, LoginError,
    Options, Reason, RunError, Stop, Target, Tls, ZooKeeper,
};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::args::Connection;
use crate::auth::AuthError;
use crate::console::{Console, Format, complain};
use crate::next::Asked;
use crate::run::{carry_out, conclude};
use crate::selection::{own_app, with_own_app};
use crate::{OPTIONS, ask, show};

/// A cluster that may be talked to.
pub struct Cluster<'a> {
    args: &'a Connection,
    console: Console,
    janitor: Janitor,
    endpoints: Endpoints,
    live: Live,
    digest: Option<Digest>,
    limits: Limits,
    stop: Stop,
    replaces: bool,
}

impl<'a> Cluster<'a> {
    /// Loads the component, tells what will be done where, and logs in if that is wanted.
    ///
    /// # Errors
    /// The exit code; it has been told why.
    pub fn connect(
        args: &'a Connection,
        endpoints: Result<Endpoints, EndpointError>,
        call: &Call,
    ) -> Result<Self, ExitCode> {
        let console = Console { format: args.output, verbose: args.verbose };
        let janitor = args.component.load(console)?;
        let limits = Limits::default();
        let endpoints = endpoints.map_err(|error| {
            give_up(console, ExitCode::Url, &error.to_string(), "correct the URL");
            if error.name != "Marathon" {
                leave_marathon(&janitor, console, Endpoints::default(), &Tls::default());
            }
            ExitCode::Url
        })?;
        let wrong = |why: String| {
            complain(&why);
            console.document(&Output::failed(ExitCode::Usage, Some(why)));
            ExitCode::Usage
        };
        let tls = args.auth.tls().map_err(wrong)?;
        let digest = args.auth.digest(&endpoints).map_err(wrong)?;
        console.line(show::header(&endpoints, call));
        if args.auth.insecure {
            console
                .line("Certificates are not checked: whoever is on the way can read and answer.");
        }
        let credentials = args.auth.credentials(&limits, &tls, &endpoints);
        let credentials = credentials.map_err(|error| match error {
            AuthError::Wrong(why) => wrong(why),
            AuthError::Login(error) => {
                give_up(console, ExitCode::Login, &error.to_string(), hint(&error));
                leave_marathon(&janitor, console, endpoints.clone(), &tls);
                ExitCode::Login
            }
        })?;
        let live = Live::new(&limits, &tls, credentials).with_masters(endpoints.masters());
        let stop = Stop::new();
        Ok(Self { args, console, janitor, endpoints, live, digest, limits, stop, replaces: false })
    }

    /// The same, for a recording that takes the place of one that is there: only a
    /// complete one does.
    pub fn replacing(self) -> Self {
        Self { replaces: true, ..self }
    }

    /// Removes a target, or does what a plan says; asks before, if somebody is
    /// there to be asked and does not wish otherwise.
    pub fn clean(&self, call: Call, options: Options, ask: bool) -> ExitCode {
        let call = with_own_app(call);
        if !ask || !ask::somebody_is_there(self.console) {
            return self.run(call, options);
        }
        let plan = match call {
            Call::Apply(plan) => plan,
            Call::Clean(target) | Call::Plan(target) => {
                let asked = self.asked(Call::Plan(target), options);
                match self.carry_out(&asked, self.transport()) {
                    Ok(Done::Planned(plan)) => plan,
                    result => return conclude(&result, &asked, self.console),
                }
            }
            Call::Discover => return self.run(call, options),
        };
        let lines = show::plan(&plan, options.in_use);
        lines.into_iter().for_each(|line| self.console.line(line));
        if plan.refusal.is_some_and(|reason| still_refused(reason, options)) {
            // The run says why. Nobody has agreed to anything, so nothing may be sent
            // that changes something, whatever has become of the reason since.
            self.stop.request();
        } else if !ask::remove_all_of_this() {
            self.console.line("Nothing was changed.");
            return ExitCode::Refused;
        }
        self.run(Call::Apply(plan), options)
    }

    /// Where its servers are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Carries out a call and tells what came of it.
    pub fn run(&self, call: Call, options: Options) -> ExitCode {
        self.run_and(call, options, |_| {})
    }

    /// The same; what came of it is used before it is told.
    pub fn run_and(
        &self,
        call: Call,
        options: Options,
        using: impl FnOnce(&Result<Done, RunError>),
    ) -> ExitCode {
        let asked = self.asked(call, options);
        if matches!(asked.call, Call::Clean(_) | Call::Apply(_)) {
            watch_signals(&self.stop, self.console);
        }
        let result = match &self.args.record {
            None => self.carry_out(&asked, self.transport()),
            Some(file) => {
                let run = Run {
                    schema_version: Run::SCHEMA_VERSION,
                    component: self.janitor.digest().into(),
                    endpoints: asked.endpoints.clone(),
                    call: asked.call.clone(),
                    options,
                    stopped_at: None,
                    window: self.limits.window,
                };
                let recording = match Recording::begin(file, run) {
                    Ok(recording) => recording,
                    Err(error) => {
                        complain(&format!("cannot record to {}: {error}", file.display()));
                        return ExitCode::Usage;
                    }
                };
                let result = self.carry_out(&asked, recording.through(self.transport()));
                let broken = matches!(result, Err(RunError::Violation(_)));
                let complete = recording.is_complete() && self.stop.noticed().is_none() && !broken;
                if self.replaces && !complete {
                    complain(&format!(
                        "the recording {} stays as it was: this run is not complete",
                        file.display()
                    ));
                } else if let Err(error) = recording.finish(self.stop.noticed()) {
                    complain(&format!("the recording {} is lost: {error}", file.display()));
                }
                result
            }
        };
        using(&result);
        conclude(&result, &asked, self.console)
    }

    fn asked(&self, call: Call, options: Options) -> Asked {
        let component = self.args.component.options();
        Asked { call, options, endpoints: self.endpoints.clone(), component }
    }

    fn carry_out(&self, asked: &Asked, transport: Box<dyn Transport>) -> Result<Done, RunError> {
        let (limits, stop) = (self.limits.clone(), self.stop.clone());
        carry_out(&self.janitor, asked, self.console, transport, limits, stop)
    }

    fn transport(&self) -> Box<dyn Transport> {
        let live = Box::new(self.live.clone());
        match self.endpoints.ensemble() {
            Some(ensemble) => {
                Box::new(ZooKeeper::new(ensemble, self.digest.clone(), &self.limits, live))
            }
            None => live,
        }
    }
}

/// Whether the options leave a plan refused that was refused when it was made.
fn still_refused(reason: Reason, options: Options) -> bool {
    match reason {
        Reason::InUse => options.in_use == InUse::Refuse,
        Reason::InUseUnknown => options.in_use != InUse::Force,
        _ => true,
    }
}

/// From here on a first SIGINT or SIGTERM is the wish to end the run; a second one
/// ends the program at once. Before that, and while a run only looks, a signal does
/// what it does to any program: there is nothing that could be left half done.
fn watch_signals(stop: &Stop, console: Console) {
    let watched = Signals::new([SIGINT, SIGTERM]).map(|mut signals| {
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

/// What to do before the next login.
fn hint(error: &LoginError) -> &'static str {
    match error {
        LoginError::Credentials(_) => "correct the credentials",
        LoginError::Certificates(_) => {
            "correct the certificates (--ca-cert names the authorities to trust)"
        }
        LoginError::Unreachable(_) => "see that the server answers",
    }
}

/// Tells why there will be no run, and that nothing has changed.
fn give_up(console: Console, code: ExitCode, why: &str, hint: &str) {
    let next = format!("Nothing was changed; {hint} and run the same command again.");
    console.line(why);
    console.line(&next);
    console.document(&Output { next: vec![next], ..Output::failed(code, Some(why.into())) });
}

/// After a mistake that the next start would only repeat: keeps Marathon from
/// starting this command over and over.
fn leave_marathon(janitor: &Janitor, console: Console, endpoints: Endpoints, tls: &Tls) {
    if let Some(app) = own_app() {
        let target = Target { role: None, principal: None, znode: None, marathon_app: Some(app) };
        let limits = Limits::default();
        let live = Box::new(Live::new(&limits, tls, Credentials::None));
        let call = Call::Clean(target);
        let asked = Asked { call, options: OPTIONS, endpoints, component: vec![] };
        // What becomes of it is told; the exit code is that of the mistake.
        let _ = carry_out(janitor, &asked, console, live, limits, Stop::new());
    }
}
