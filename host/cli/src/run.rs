//! One run, live or replayed: from what was asked to the exit code.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use janitor_contract::types::{Endpoint, Error, Event, Framework};
use janitor_host::log::Log;
use janitor_host::{Done, Entry, Janitor, Limits, Session, Stop};
use janitor_report::ExitCode;
use janitor_report::output::Output;
use janitor_transport::exchange::{Exchange, Request, Response, Transport};

use crate::args;
use crate::screen::Console;
use crate::progress::Progress;
use janitor_report::next::{self, Asked, Ran};
use janitor_report::plan;

/// Runs the component; what happens is told on the way.
pub fn carry_out(
    janitor: &Janitor,
    asked: &Asked,
    console: Console,
    transport: Box<dyn Transport>,
    limits: Limits,
    stop: Stop,
) -> Ran {
    let (found, frameworks) = mpsc::sync_channel(MOST_FRAMEWORKS);
    let unauthorized = Unauthorized::default();
    let session = Session::new(Attentive { transport, unauthorized: unauthorized.clone() })
        .with_endpoints(asked.endpoints.clone())
        .with_log(Collecting { progress: Progress::new(console), found })
        .with_limits(limits)
        .with_stop(stop);
    let result = janitor.run(&asked.call, &asked.options, session);
    let frameworks = match &result {
        Ok(Done::Planned(plan)) => plan.frameworks.clone(),
        _ => frameworks.try_iter().collect(),
    };
    Ran { result, frameworks, unauthorized: unauthorized.servers() }
}

/// Tells what came of a run, and what to do next.
pub fn conclude(ran: &Ran, asked: &Asked, console: Console) -> ExitCode {
    let next = next::after(ran, asked);
    let lines = plan::outcome(&ran.result, asked, &next, console.verbose, args::usage);
    lines.into_iter().for_each(|line| console.line(line));
    console.document(&Output::new(&ran.result, next));
    ExitCode::from(&ran.result)
}

/// How many frameworks are kept of those that a run tells of.
const MOST_FRAMEWORKS: usize = 1000;

/// Keeps the frameworks that a run tells of, and hands everything on.
struct Collecting {
    progress: Progress,
    found: mpsc::SyncSender<Framework>,
}

impl Log for Collecting {
    fn entry(&mut self, entry: &Entry) {
        self.progress.entry(entry);
        if let Some(Event::Framework(framework)) = &entry.event {
            // Nobody may want to know any more, or of so many.
            let _ = self.found.try_send(framework.clone());
        }
    }

    fn flush(&mut self) {
        self.progress.flush();
    }
}

/// The servers that answered 401, each once.
#[derive(Clone, Default)]
struct Unauthorized(Arc<Mutex<Vec<Endpoint>>>);

impl Unauthorized {
    fn note(&self, endpoint: Endpoint) {
        let server = match endpoint {
            Endpoint::Master | Endpoint::MasterRoot => Endpoint::Master,
            Endpoint::Exhibitor => Endpoint::Exhibitor,
            Endpoint::Marathon | Endpoint::MarathonPods => Endpoint::Marathon,
        };
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !servers.contains(&server) {
            servers.push(server);
        }
    }

    fn servers(&self) -> Vec<Endpoint> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A transport that notes which servers want other credentials.
struct Attentive {
    transport: Box<dyn Transport>,
    unauthorized: Unauthorized,
}

impl Transport for Attentive {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let (endpoint, unauthorized) = (request.endpoint, self.unauthorized.clone());
        Box::new(Noted { exchange: self.transport.send(request), endpoint, unauthorized })
    }

    fn pause(&mut self, duration: Duration) {
        self.transport.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.transport.elapsed(real)
    }
}

struct Noted {
    exchange: Box<dyn Exchange>,
    endpoint: Option<Endpoint>,
    unauthorized: Unauthorized,
}

impl Exchange for Noted {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { exchange, endpoint, unauthorized } = *self;
        let response = exchange.finish()?;
        if let (401, Some(endpoint)) = (response.status, endpoint) {
            unauthorized.note(endpoint);
        }
        Ok(response)
    }
}
