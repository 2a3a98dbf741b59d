//! The interface of async transports.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream, StreamExt};

use janitor_contract::Endpoints;
use janitor_contract::types::{Error, Request};
use janitor_transport::exchange::RunStart;

/// Sends requests without blocking. Implement this trait to send them with an async HTTP client,
/// on whatever runtime.
///
/// A transport that sends through another one must forward all of these functions to it, including
/// those with defaults.
pub trait AsyncTransport: Send {
    /// Returns the servers to which this transport sends, if it has servers of its own.
    fn endpoints(&self) -> Option<&Endpoints> {
        None
    }

    /// Announces a run, before its first request. The default does nothing.
    fn begin(&mut self, run: &RunStart) {
        let _ = run;
    }

    /// Returns a future that sends a request, and waits for the status and the headers of the
    /// response. It becomes part of a task, which is passed to [`spawn`](Self::spawn); nothing is
    /// sent before that. The errors `Denied`, `Stopped` and `TooLarge` are the host's own: a
    /// component gets `Internal` in their place.
    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>>;

    /// Runs a task to its end, without waiting for it: one exchange. With tokio, this is
    /// `tokio::spawn(task);`. A task that is aborted, when a run ends early, can leave a server with
    /// half a request.
    fn spawn(&mut self, task: BoxFuture<'static, ()>);

    /// Waits for this time, unless this transport has a clock of its own.
    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Returns the time since the run began. That is `real`, unless this transport has a clock of
    /// its own.
    fn elapsed(&mut self, real: Duration) -> Duration {
        real
    }
}

impl<T: AsyncTransport + ?Sized> AsyncTransport for Box<T> {
    fn endpoints(&self) -> Option<&Endpoints> {
        (**self).endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        (**self).begin(run);
    }

    fn send(&mut self, request: Request) -> BoxFuture<'static, Result<AsyncResponse, Error>> {
        (**self).send(request)
    }

    fn spawn(&mut self, task: BoxFuture<'static, ()>) {
        (**self).spawn(task);
    }

    fn pause(&mut self, duration: Duration) -> BoxFuture<'static, ()> {
        (**self).pause(duration)
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        (**self).elapsed(real)
    }
}

/// The response of an async transport.
pub struct AsyncResponse {
    pub(super) status: u16,
    pub(super) body: BoxStream<'static, Result<Bytes, Error>>,
}

impl AsyncResponse {
    /// Creates a response from its HTTP status and the pieces of its body. A response with a status
    /// below 200 or above 599 does not reach a component.
    pub fn new(
        status: u16,
        body: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) -> Self {
        Self { status, body: body.boxed() }
    }
}

impl fmt::Debug for AsyncResponse {
    /// Shows everything but the body.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("AsyncResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
