//! The component without a thread: it runs on a stack of its own, and gives up the caller's thread
//! whenever it waits.

mod calls;
mod either;
mod stream;
mod threads;
mod ticker;
mod transport;

use wasmtime::Result as Trappable;
use wasmtime::component::Resource;

use crate::bindings::nonblocking::cluster::{Host, HostExchange, HostResponse};
use crate::held;
use crate::session::Session;
use crate::state;
use janitor_contract::types::{Error, Request};
use janitor_transport::Turns;

pub use calls::AsyncForm;
pub use either::EitherTransport;
use either::{Incoming, Waiting};
pub use transport::{AsyncResponse, AsyncTransport};

/// A session of an async run: one with an async transport, or any other session
/// (`AsyncSession::from`).
pub type AsyncSession = Session<EitherTransport>;

/// The state of an async run.
pub type State = state::State<EitherTransport>;

/// A request in flight, held by the component.
pub type HeldExchange = held::HeldExchange<Waiting>;

/// A response, held by the component.
pub type HeldResponse = held::HeldResponse<Incoming>;

impl AsyncSession {
    /// Creates a session that sends its requests over an async transport, and discards the log. The
    /// servers are the ones that the transport names, or else those of DC/OS at their usual
    /// addresses.
    pub fn new_async(transport: impl AsyncTransport + 'static) -> Self {
        let endpoints = transport.endpoints().cloned();
        Self::over(EitherTransport::of_async(transport, None), endpoints)
    }

    /// Creates a session like [`new_async`](Self::new_async), whose exchanges are limited together
    /// with those of all others that share these turns.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    ///
    /// use janitor_host::{AsyncSession, AsyncTransport, Janitor, Options, RunError, Target, Turns};
    ///
    /// /// Cleans up after all services of a cluster at once, with at most 16 exchanges in progress.
    /// async fn clean_all(
    ///     janitor: &Janitor,
    ///     client: impl AsyncTransport + Clone + 'static,
    ///     targets: &[Target],
    /// ) -> Vec<Result<(), RunError>> {
    ///     let turns = Turns::new(const { NonZeroU32::new(16).unwrap() });
    ///     let runs = targets.iter().map(|target| {
    ///         let session = AsyncSession::in_turns(client.clone(), &turns);
    ///         async { janitor.clean_async(target, &Options::DEFAULT, session).await.map(drop) }
    ///     });
    ///     futures_util::future::join_all(runs).await
    /// }
    /// ```
    pub fn in_turns(transport: impl AsyncTransport + 'static, turns: &Turns) -> Self {
        let endpoints = transport.endpoints().cloned();
        Self::over(EitherTransport::of_async(transport, Some(turns.clone())), endpoints)
    }
}

impl From<Session> for AsyncSession {
    /// Each wait for the session's transport takes a thread, because it blocks. A run waits for one
    /// response at a time.
    fn from(session: Session) -> Self {
        let Session { endpoints, transport, log, limits, cancellation } = session;
        let transport = EitherTransport::of_blocking(transport);
        Self { endpoints, transport, log, limits, cancellation }
    }
}

impl Host for State {
    fn send(&mut self, request: Request) -> Trappable<Result<Resource<HeldExchange>, Error>> {
        self.start(request)
    }

    fn window(&mut self) -> Trappable<u32> {
        Ok(self.limits.window)
    }

    async fn pause(&mut self, milliseconds: u32) -> Trappable<bool> {
        let Some(duration) = self.pausing(milliseconds) else { return Ok(false) };
        self.transport.pause(duration).await?;
        Ok(true)
    }

    fn elapsed(&mut self) -> Trappable<u64> {
        self.read_clock()
    }
}

impl HostExchange for State {
    async fn finish(
        &mut self,
        exchange: Resource<HeldExchange>,
    ) -> Trappable<Result<Resource<HeldResponse>, Error>> {
        let HeldExchange { exchange, watch } = self.finishing(exchange)?;
        let arrived = exchange.finish().await;
        self.finished(arrived, watch)
    }

    fn drop(&mut self, exchange: Resource<HeldExchange>) -> Trappable<()> {
        self.forget(exchange)
    }
}

impl HostResponse for State {
    fn status(&mut self, response: Resource<HeldResponse>) -> Trappable<u16> {
        self.status_of(&response)
    }

    async fn read(
        &mut self,
        response: Resource<HeldResponse>,
        limit: u32,
    ) -> Trappable<Result<Vec<u8>, Error>> {
        match self.reading(&response, limit)? {
            Err(error) => Ok(Err(error)),
            Ok((body, limit)) => {
                let read = body.read(limit).await;
                self.was_read(&response, read)
            }
        }
    }

    fn drop(&mut self, response: Resource<HeldResponse>) -> Trappable<()> {
        self.discard(response)
    }
}
