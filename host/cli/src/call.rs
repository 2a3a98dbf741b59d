//! One call of the component: its log is printed, a terminal shows what it waits for, and what the
//! servers' responses say about credentials and certificates is kept for the proposals that follow.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use janitor_contract::request::Server;
use janitor_contract::types::{Endpoint, Error, Event, Framework, Level, Method, Options};
use janitor_host::{CancellationToken, Done, Endpoints, Entry, Janitor, Limits, Log, Session};
use janitor_report::command_line::print::Invocation;
use janitor_report::next::{Denial, Ran};
use janitor_transport::TrustFault;
use janitor_transport::exchange::{Exchange, Request, Response, RunStart, Transport};

use crate::progress::{SignsOfLife, Waiting};
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
    let (doubted, doubts) = mpsc::sync_channel(MOST_DOUBTS);
    let denials = Denials::default();
    let signs = SignsOfLife::begin(screen, "Reading the cluster");
    let waits = Waits::new(signs.waiting(), &run.options);
    let attentive = Attentive { transport, denials: denials.clone(), waits };
    let session = Session::new(attentive)
        .with_log(Collecting { screen: screen.clone(), found, doubted })
        .with_limits(limits)
        .with_cancellation(cancellation);
    let result = janitor.run(&run.call, &run.options, session);
    drop(signs);
    if matches!(result, Ok(Done::Planned(_) | Done::Discovered(_))) {
        doubts.try_iter().for_each(|line| screen.warned(line));
    }
    let frameworks = match &result {
        Ok(Done::Planned(plan)) => plan.frameworks.clone(),
        _ => frameworks.try_iter().collect(),
    };
    Ran { result, frameworks, denials: denials.all() }
}

/// The most frameworks that are kept of those in a run's log.
const MOST_FRAMEWORKS: usize = 1000;

/// The most warnings that are kept of those in a run's log.
const MOST_DOUBTS: usize = 1000;

/// Prints a run's log, and keeps the frameworks and the warnings in it.
struct Collecting {
    screen: Screen,
    found: mpsc::SyncSender<Framework>,
    doubted: mpsc::SyncSender<String>,
}

impl Log for Collecting {
    fn entry(&mut self, entry: &Entry) {
        self.screen.entry(entry);
        if let Some(Event::Framework(framework)) = &entry.event {
            // There may be more of them than are kept.
            let _ = self.found.try_send(framework.clone());
        } else if matches!(entry.level, Level::Warn | Level::Error) {
            let _ = self.doubted.try_send(entry.message.clone());
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

/// The wait that a terminal shows, according to the requests and responses. Clones share it.
#[derive(Clone)]
struct Waits {
    waiting: Waiting,
    /// The run also waits for agents, operations and frameworks; its log says for which.
    is_patient: bool,
    /// The server of the last response, and whether it could not serve the request.
    last: Arc<Mutex<(Server, bool)>>,
}

impl Waits {
    fn new(waiting: Waiting, options: &Options) -> Self {
        let last = Arc::new(Mutex::new((Server::Master, false)));
        Self { waiting, is_patient: options.wait_seconds > 0, last }
    }

    fn for_answer(&self, kind: Kind) {
        self.waiting.set(kind.words());
    }

    fn note(&self, server: Server, is_unavailable: bool) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (server, is_unavailable);
    }

    /// The component pauses: it waits until a server is available again, or confirms a change.
    fn for_change(&self) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.set(match last {
            (Server::Master, false) if self.is_patient => "Waiting until the cluster has changed",
            (Server::Master, false) => "Waiting for the Mesos master to confirm it",
            (Server::Master, true) => "Waiting until the Mesos master is available",
            (Server::Exhibitor, false) => "Waiting for ZooKeeper to confirm it",
            (Server::Exhibitor, true) => "Waiting until ZooKeeper is available",
            (Server::Marathon, false) => "Waiting for Marathon to confirm it",
            (Server::Marathon, true) => "Waiting until Marathon is available",
        });
    }
}

/// A kind of request, as far as it matters to somebody who waits for the response.
#[derive(Clone, Copy)]
enum Kind {
    Agents,
    Frameworks,
    Cluster,
    Volumes,
    Reservations,
    Teardown,
    ZooKeeper,
    Znode,
    Marathon,
}

impl Kind {
    fn of(request: &Request) -> Self {
        let page = request.path.first().map(String::as_str);
        match (request.endpoint.server(), request.method, page) {
            (Server::Master, _, Some("slaves")) => Self::Agents,
            (Server::Master, _, Some("frameworks")) => Self::Frameworks,
            (Server::Master, _, Some("destroy-volumes")) => Self::Volumes,
            (Server::Master, _, Some("unreserve")) => Self::Reservations,
            (Server::Master, _, Some("teardown")) => Self::Teardown,
            (Server::Master, ..) => Self::Cluster,
            (Server::Exhibitor, Method::Delete, _) => Self::Znode,
            (Server::Exhibitor, ..) => Self::ZooKeeper,
            (Server::Marathon, ..) => Self::Marathon,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Agents => "Reading the agents",
            Self::Frameworks => "Reading the frameworks",
            Self::Cluster => "Reading the cluster",
            Self::Volumes => "Destroying volumes",
            Self::Reservations => "Releasing reservations",
            Self::Teardown => "Tearing down frameworks",
            Self::ZooKeeper => "Reading ZooKeeper",
            Self::Znode => "Deleting the znode",
            Self::Marathon => "Waiting for Marathon",
        }
    }
}

/// A transport that notes which servers deny access, and what the run waits for.
struct Attentive {
    transport: Box<dyn Transport>,
    denials: Denials,
    waits: Waits,
}

impl Transport for Attentive {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.transport.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.transport.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let (server, kind) = (request.endpoint.server(), Kind::of(&request));
        let always_exists = always_exists(&request);
        let (denials, waits) = (self.denials.clone(), self.waits.clone());
        let exchange = self.transport.send(request);
        Box::new(Noted { exchange, server, kind, always_exists, denials, waits })
    }

    fn pause(&mut self, duration: Duration) {
        self.waits.for_change();
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
    kind: Kind,
    /// The server always has the page.
    always_exists: bool,
    denials: Denials,
    waits: Waits,
}

impl Exchange for Noted {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let Self { exchange, server, kind, always_exists, denials, waits } = *self;
        waits.for_answer(kind);
        let answer = exchange.finish();
        let is_unavailable = answer.as_ref().map_or(true, |answer| answer.status >= 500);
        waits.note(server, is_unavailable);
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
