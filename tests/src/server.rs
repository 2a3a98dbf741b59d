//! One server of the cluster on its socket: it records requests, waits, and responds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, header};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::message::{Delivery, Recorded, Reply, Server};
use crate::state::{Answer, State};
use crate::{exhibitor, iam, marathon, master};

/// The data that the servers share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Live>>);

/// The current state, and the requests so far.
pub(crate) struct Live {
    pub(crate) state: State,
    pub(crate) requests: Vec<Recorded>,
    pub(crate) load: Load,
    pub(crate) stall: Option<Stall>,
}

/// The point from which on no request gets a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// The request with this number, counted from 0, is never carried out.
    Before(usize),
    /// The request with this number is carried out, but never gets a response.
    After(usize),
    /// Requests that change something are carried out when the stall ends.
    Changes,
}

/// The interval at which a change that waits looks whether the stall has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Statistics of concurrent requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// The connections that were made.
    pub connections: usize,
    /// The maximum number of requests that waited for their responses at the same time.
    pub most_at_once: usize,
    /// The number of requests that are waiting now.
    waiting: usize,
}

impl Shared {
    pub(crate) fn new(state: State) -> Shared {
        let (requests, load) = (Vec::new(), Load::default());
        Shared(Arc::new(Mutex::new(Live { state, requests, load, stall: None })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until the runtime ends.
pub(crate) async fn serve(server: Server, listener: TcpListener, shared: Shared) {
    let counter = shared.clone();
    let app = Router::new().fallback(move |request| handle(server, shared.clone(), request));
    let listener = listener.tap_io(move |connection| {
        counter.lock().load.connections += 1;
        // Without this option, a response may wait for an acknowledgement. If the call fails, that
        // is the only effect.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, app).await.expect("a listening socket");
}

async fn handle(server: Server, shared: Shared, request: Request) -> Response<Body> {
    let request = recorded(server, request).await;
    let (latency, stalled) = {
        let mut live = shared.lock();
        let number = live.requests.len();
        live.requests.push(request.clone());
        live.load.waiting += 1;
        live.load.most_at_once = live.load.most_at_once.max(live.load.waiting);
        let stalled = match live.stall {
            Some(Stall::Before(at)) => number >= at,
            Some(Stall::After(at)) if number == at => {
                answer(&mut live.state, &request);
                true
            }
            Some(Stall::After(at)) => number > at,
            Some(Stall::Changes) | None => false,
        };
        (live.state.latency_ms, stalled)
    };
    if stalled {
        std::future::pending::<()>().await;
    }
    while request.method != "GET" && shared.lock().stall == Some(Stall::Changes) {
        tokio::time::sleep(LOOK).await;
    }
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let reply = {
        let mut live = shared.lock();
        live.load.waiting -= 1;
        answer(&mut live.state, &request)
    };
    match reply.delivery {
        Delivery::Arrives => {}
        Delivery::Never => std::future::pending().await,
        // This ends only the connection.
        Delivery::Reset => std::panic::resume_unwind(Box::new("reset")),
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(reply.body.into()).expect("a valid answer")
}

async fn recorded(server: Server, request: Request) -> Recorded {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = |headers: &HeaderMap, name| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Recorded {
        server,
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        content_type: text(&head.headers, header::CONTENT_TYPE),
        authorization: text(&head.headers, header::AUTHORIZATION),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn answer(state: &mut State, request: &Recorded) -> Reply {
    if let Some(reply) = scripted(&mut state.answers, request) {
        return reply;
    }
    if let Some(refusal) = refusal(state, request) {
        return refusal;
    }
    let State { exhibitor, marathon, iam, .. } = state;
    let reply = match request.server {
        Server::Master => return master::answer(state, request),
        Server::Standby => return master::standby(state, request),
        Server::Exhibitor => exhibitor.as_mut().map(|it| exhibitor::answer(it, request)),
        Server::Marathon => marathon.as_mut().map(|it| marathon::answer(it, request)),
        Server::Iam => iam.as_ref().map(|it| iam::answer(it, request)),
    };
    reply.expect("a server that is absent is not started")
}

/// Returns the refusal of a request without the server's own credentials or the login's token.
fn refusal(state: &mut State, request: &Recorded) -> Option<Reply> {
    let own = match request.server {
        Server::Exhibitor => state.exhibitor.as_ref().map(|it| (&it.credentials, "DCOS")),
        Server::Marathon => state.marathon.as_ref().map(|it| (&it.credentials, "Mesosphere")),
        Server::Master | Server::Standby | Server::Iam => None,
    };
    match own {
        Some((Some(credentials), realm)) => request.refusal(credentials, realm),
        _ => iam::refusal(state.iam.as_mut()?, request),
    }
}

/// Returns the first matching scripted response, and counts it as used.
fn scripted(answers: &mut [Answer], request: &Recorded) -> Option<Reply> {
    let fits = |answer: &Answer| {
        let path = match answer.path.contains('?') {
            true => request.path.as_str(),
            false => request.path_only(),
        };
        answer.server == request.server && answer.method == request.method && answer.path == path
    };
    let index = answers.iter().position(|answer| fits(answer) && answer.times != Some(0))?;
    let answer = &mut answers[index];
    let mut reply = Reply::empty(answer.status);
    reply.body.clone_from(&answer.body);
    if let Some(content_type) = &answer.content_type {
        reply = reply.header("Content-Type", content_type);
    }
    for (name, value) in &answer.headers {
        reply = reply.header(name, value);
    }
    if let Some(times) = &mut answer.times {
        *times -= 1;
    }
    Some(reply)
}
