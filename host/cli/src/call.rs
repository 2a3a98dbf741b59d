//! One call of the component: its log is printed, and what the servers' responses say about
//! credentials and certificates is kept for the proposals that follow.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use janitor_contract::request::Server;
use janitor_contract::types::{Endpoint, Error, Event, Framework};
use janitor_host::{CancellationToken, Done, Endpoints, Entry, Janitor, Limits, Log, Session};
use janitor_report::command_line::print::Invocation;
use janitor_report::next::{Denial, Ran};
use janitor_transport::TrustFault;
use janitor_transport::exchange::{Exchange, Request, Response, RunStart, Transport};

use crate::screen::Screen;

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
    let denials = Denials::default();
    let session = Session::new(Attentive { transport, denials: denials.clone() })
        .with_log(Collecting { screen: screen.clone(), found })
        .with_limits(limits)
        .with_cancellation(cancellation);
    let result = janitor.run(&run.call, &run.options, session);
    screen.end_phase();
    let frameworks = match &result {
        Ok(Done::Planned(plan)) => plan.frameworks.clone(),
        _ => frameworks.try_iter().collect(),
    };
    Ran { result, frameworks, denials: denials.all() }
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

/// The servers that denied access, each once for each denial.
#[derive(Clone, Default)]
struct Denials(Arc<Mutex<Vec<(Server, Denial)>>>);

impl Denials {
    fn note(&self, server: Server, denial: Denial) {
        let mut denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !denials.contains(&(server, denial)) {
            denials.push((server, denial));
        }
    }

    fn all(&self) -> Vec<(Server, Denial)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A transport that notes which servers deny access.
struct Attentive {
    transport: Box<dyn Transport>,
    denials: Denials,
}

impl Transport for Attentive {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.transport.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.transport.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let (server, denials) = (request.endpoint.server(), self.denials.clone());
        let always_exists = always_exists(&request);
        let exchange = self.transport.send(request);
        Box::new(Noted { exchange, server, always_exists, denials })
    }

    fn pause(&mut self, duration: Duration) {
        self.transport.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.transport.elapsed(real)
    }
}

/// Returns whether each server of this kind has the page of a request, unless its URL is wrong.
/// Marathon answers 404 for an app that does not exist as well, so its URL itself must be odd too.
fn always_exists(request: &Request) -> bool {
    match request.endpoint {
        Endpoint::Master => request.path == ["slaves"],
        Endpoint::Exhibitor | Endpoint::Marathon => true,
        Endpoint::MasterRoot | Endpoint::MarathonPods => false,
    }
}

/// Returns the denial that an error is, if it is one.
pub fn untrusted(error: &Error) -> Option<Denial> {
    match (TrustFault::of(error), error) {
        (Some(TrustFault::Expired), _) => Some(Denial::Expired),
        (Some(TrustFault::NotYetValid), _) => Some(Denial::NotYetValid),
        (Some(TrustFault::OtherName), _) => Some(Denial::OtherName),
        (Some(TrustFault::ClientCertificate), _) => Some(Denial::ClientCertificate),
        // The error itself says all that can be done.
        (Some(TrustFault::NoTls), _) => None,
        (_, Error::Tls(_)) => Some(Denial::Untrusted),
        _ => None,
    }
}

struct Noted {
    exchange: Box<dyn Exchange>,
    server: Server,
    /// The server always has the page.
    always_exists: bool,
    denials: Denials,
}

impl Exchange for Noted {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { exchange, server, always_exists, denials } = *self;
        let answer = exchange.finish();
        match &answer {
            Ok(Response { status: 401, .. }) => denials.note(server, Denial::Unauthorized),
            Ok(Response { status: 404, .. }) if always_exists => {
                denials.note(server, Denial::WrongPath);
            }
            Err(error) => untrusted(error).into_iter().for_each(|it| denials.note(server, it)),
            Ok(_) => {}
        }
        answer
    }
}
