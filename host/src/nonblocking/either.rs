//! A transport of an async run, which may be a blocking one.

use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::stream::poll_fn;
use futures_util::{FutureExt, StreamExt};

use super::stream::Pieces;
use super::threads::wait_for;
use super::transport::{AsyncResponse, AsyncTransport};
use crate::carrier::Carrier;
use crate::cluster::{Arrived, read};
use crate::run::no_thread;
use janitor_contract::answer::final_status;
use janitor_contract::types::{Error, Request};
use janitor_contract::violation::Violation;
use janitor_transport::exchange::{self, Body, Exchange, Permit, RunStart, Transport};
use janitor_transport::turns::{Place, RunTurns, Turns};

/// A blocking or an async transport.
pub struct EitherTransport {
    form: Form,
    turns: Option<Turns>,
    /// The permission and the turns of the run that has begun.
    permit: Permit,
    own_turns: RunTurns,
}

enum Form {
    /// Its functions that do not wait are called where the run is, and the others on threads. The
    /// lock is never waited for, because a run calls one function at a time.
    Blocking(Arc<Mutex<Box<dyn Transport>>>),
    Async(Box<dyn AsyncTransport>),
}

impl fmt::Debug for EitherTransport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self.form {
            Form::Blocking(_) => "EitherTransport::Blocking",
            Form::Async(_) => "EitherTransport::Async",
        })
    }
}

impl EitherTransport {
    pub(super) fn of_async(transport: impl AsyncTransport + 'static, turns: Option<Turns>) -> Self {
        Self::new(Form::Async(Box::new(transport)), turns)
    }

    pub(super) fn of_blocking(transport: Box<dyn Transport>) -> Self {
        Self::new(Form::Blocking(Arc::new(Mutex::new(transport))), None)
    }

    fn new(form: Form, turns: Option<Turns>) -> Self {
        Self { form, turns, permit: Permit::default(), own_turns: RunTurns::default() }
    }

    /// Waits for this time.
    pub(super) async fn pause(&mut self, duration: Duration) -> Result<(), Violation> {
        match &mut self.form {
            Form::Async(transport) => {
                transport.pause(duration).await;
                Ok(())
            }
            Form::Blocking(transport) => {
                let transport = transport.clone();
                let pause = move || with(&transport, |transport| transport.pause(duration));
                wait_for(pause).await.map_err(|why| no_thread(&why))
            }
        }
    }
}

/// Calls a function of a blocking transport.
fn with<T>(transport: &Mutex<Box<dyn Transport>>, call: impl FnOnce(&mut dyn Transport) -> T) -> T {
    call(&mut **transport.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Carrier for EitherTransport {
    type Exchange = Waiting;
    type Body = Incoming;

    fn begin(&mut self, run: &RunStart) {
        self.permit = run.permit();
        self.own_turns = RunTurns::new(self.turns.as_ref(), run.permit());
        match &mut self.form {
            Form::Blocking(transport) => with(transport, |transport| transport.begin(run)),
            Form::Async(transport) => transport.begin(run),
        }
    }

    fn send(&mut self, request: Request) -> Waiting {
        match &mut self.form {
            Form::Blocking(transport) => {
                Waiting::Blocking(with(transport, |transport| transport.send(request)))
            }
            Form::Async(transport) => {
                let method = request.method;
                let sent = AssertUnwindSafe(transport.send(request)).catch_unwind();
                let (response, receiver) = oneshot::channel();
                let permit = self.permit.clone();
                let ticket = self.own_turns.ticket(method);
                transport.spawn(Box::pin(async move {
                    // A task may begin late.
                    let result = match ticket.await.filter(|_| permit.covers(method)) {
                        Some(place) => sent.await.map(|it| it.map(|it| keep(place, it))),
                        None => Ok(Err(exchange::over())),
                    };
                    let _ = response.send(result);
                }));
                Waiting::Task(receiver)
            }
        }
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        match &mut self.form {
            Form::Blocking(transport) => with(transport, |transport| transport.elapsed(real)),
            Form::Async(transport) => transport.elapsed(real),
        }
    }
}

/// Keeps a place until the body of the response has ended or is dropped.
fn keep(place: Place, response: AsyncResponse) -> AsyncResponse {
    let mut place = Some(place);
    let end = poll_fn(move |_| {
        drop(place.take());
        Poll::Ready(None)
    });
    AsyncResponse { body: response.body.chain(end).boxed(), ..response }
}

/// An exchange that an async run waits for.
pub enum Waiting {
    /// It continues in the background by itself. Only the wait for it blocks.
    Blocking(Box<dyn Exchange>),
    /// It is a task.
    Task(oneshot::Receiver<thread::Result<Result<AsyncResponse, Error>>>),
}

impl Waiting {
    /// Waits for the status and the headers of the response. A panic of the transport continues
    /// here.
    pub(super) async fn finish(self) -> Arrived<Incoming> {
        match self {
            Self::Blocking(exchange) => {
                let finish = move || exchange::finish(exchange);
                let response = wait_for(finish).await.map_err(unwaited)??;
                Ok((response.status, Incoming::Blocking(Some(response.body))))
            }
            Self::Task(receiver) => {
                let response = match receiver.await {
                    Ok(Ok(response)) => response.map_err(exchange::unclaimed)?,
                    Ok(Err(panic)) => resume_unwind(panic),
                    Err(oneshot::Canceled) => return Err(Error::Internal(ABORTED.into())),
                };
                final_status(response.status)?;
                Ok((response.status, Incoming::Pieces(Pieces::new(response.body))))
            }
        }
    }
}

/// The error of an exchange whose task did not run to its end.
const ABORTED: &str = "the exchange's task was aborted";

/// The body of a response in an async run.
pub enum Incoming {
    /// It is on the thread that reads it while that is in progress.
    Blocking(Option<Box<dyn Body>>),
    Pieces(Pieces),
}

impl Incoming {
    /// Reads at most `limit` bytes.
    pub(super) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        match self {
            Self::Pieces(pieces) => pieces.read(limit).await,
            Self::Blocking(place) => {
                let mut body =
                    place.take().ok_or_else(|| Error::Internal("its body is lost".into()))?;
                let read = move || (read(&mut *body, limit), body);
                let (read, body) = wait_for(read).await.map_err(unwaited)?;
                *place = Some(body);
                read
            }
        }
    }
}

/// Returns the error of an exchange for which no thread could be started.
fn unwaited(why: std::io::Error) -> Error {
    Error::Internal(format!("no thread could be started: {why}"))
}
