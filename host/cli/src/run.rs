//! Carries out a request: all of its effects, except for the last lines and the document.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use janitor_contract::types::{Endpoint, Error, Event, Framework};
use janitor_host::Log;
use janitor_host::{CancellationToken, Done, Entry, Janitor, Limits, Session};
use janitor_report::ExitCode;
use janitor_report::command_line::print::Invocation;
use janitor_report::next::Ran;
use janitor_transport::exchange::{Exchange, Request as Sent, Response, RunStart, Transport};

use crate::error::CommandError;
use crate::finished::{Document, Finished};
use crate::inspect::Inspection;
use crate::request::Request;
use crate::screen::Screen;
use crate::{cluster, replay};

/// Carries out a request.
///
/// # Errors
/// The reason why its work could not begin.
pub fn run(request: &Request, screen: &Screen) -> Result<Finished, CommandError> {
    match request {
        Request::Cluster(request) => cluster::run(request, screen),
        Request::Replay(place, component) => replay::replay(place, component, screen),
        Request::Inspect(target, options, component) => {
            let inspection = Inspection::new(&component.load()?, target, options);
            let lines = inspection.lines().into_iter().map(Into::into).collect();
            let document = Document::Inspection(inspection.into());
            Ok(Finished { lines, ..Finished::new(ExitCode::Clean, document) })
        }
        Request::Print(file) => Ok(Finished::new(ExitCode::Clean, Document::File(file.clone()))),
    }
}

/// Runs the component, and prints its log meanwhile.
pub fn carry_out(
    janitor: &Janitor,
    run: &Invocation,
    screen: &Screen,
    transport: Box<dyn Transport>,
    limits: Limits,
    cancellation: CancellationToken,
) -> Ran {
    let (found, frameworks) = mpsc::sync_channel(MOST_FRAMEWORKS);
    let unauthorized = Unauthorized::default();
    let session = Session::new(Attentive { transport, unauthorized: unauthorized.clone() })
        .with_endpoints(run.endpoints.clone())
        .with_log(Collecting { screen: screen.clone(), found })
        .with_limits(limits)
        .with_cancellation(cancellation);
    let result = janitor.run(&run.call, &run.options, session);
    screen.end_phase();
    let frameworks = match &result {
        Ok(Done::Planned(plan)) => plan.frameworks.clone(),
        _ => frameworks.try_iter().collect(),
    };
    Ran { result, frameworks, unauthorized: unauthorized.servers() }
}

/// The most frameworks that are kept of those in a run's log.
const MOST_FRAMEWORKS: usize = 1000;

/// Prints a run's log, and keeps the frameworks in it.
struct Collecting {
    screen: Screen,
    found: mpsc::SyncSender<Framework>,
}

impl Log for Collecting {
    fn entry(&mut self, entry: &Entry) {
        self.screen.entry(entry);
        if let Some(Event::Framework(framework)) = &entry.event {
            // There may be more of them than are kept.
            let _ = self.found.try_send(framework.clone());
        }
    }

    fn flush(&mut self) {
        Log::flush(&mut self.screen);
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

/// A transport that notes which servers require other credentials.
struct Attentive {
    transport: Box<dyn Transport>,
    unauthorized: Unauthorized,
}

impl Transport for Attentive {
    fn begin(&mut self, run: &RunStart) {
        self.transport.begin(run);
    }

    fn send(&mut self, request: Sent) -> Box<dyn Exchange> {
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
    endpoint: Endpoint,
    unauthorized: Unauthorized,
}

impl Exchange for Noted {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { exchange, endpoint, unauthorized } = *self;
        let response = exchange.finish()?;
        if response.status == 401 {
            unauthorized.note(endpoint);
        }
        Ok(response)
    }
}
