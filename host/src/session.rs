//! Everything that a host supplies for one run.

use std::fmt;

use crate::limits::Limits;
use janitor_contract::Endpoints;
use janitor_contract::types::Entry;
use janitor_transport::cancellation::CancellationToken;
use janitor_transport::exchange::Transport;
#[cfg(feature = "record")]
use janitor_transport::recording::{Replay, Run};

/// Receives the entries of a run's log, in order.
pub trait Log: Send {
    /// Receives one entry. Its message is one line without control characters. The texts in its
    /// event are limited in length, but otherwise unchanged from what the component sent.
    fn entry(&mut self, entry: &Entry);

    /// Announces that the run is about to send a request or to wait. An implementation that buffers
    /// entries writes them now.
    fn flush(&mut self) {}
}

impl<F: FnMut(&Entry) + Send> Log for F {
    fn entry(&mut self, entry: &Entry) {
        self(entry);
    }
}

/// Everything that a host supplies for one run. Only the transport is required; the rest has
/// defaults.
pub struct Session<T = Box<dyn Transport>> {
    pub(crate) endpoints: Endpoints,
    pub(crate) transport: T,
    pub(crate) log: Box<dyn Log>,
    pub(crate) limits: Limits,
    pub(crate) cancellation: CancellationToken,
}

impl<T> fmt::Debug for Session<T> {
    /// Shows everything but the transport and the log, which need not be able to show themselves.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { endpoints, transport: _, log: _, limits, cancellation } = self;
        f.debug_struct("Session")
            .field("endpoints", endpoints)
            .field("limits", limits)
            .field("cancellation", cancellation)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Creates a session that sends its requests over `transport`, and discards the log. The
    /// servers are the ones that the transport names, or else those of DC/OS at their usual
    /// addresses.
    pub fn new(transport: impl Transport + 'static) -> Self {
        let endpoints = transport.endpoints().cloned();
        Self::over(Box::new(transport), endpoints)
    }

    /// Creates a session that replays a recording: it has the responses of the recorded run, its
    /// window, and its cancellation.
    #[cfg(feature = "record")]
    pub fn replaying(replay: &Replay) -> Self {
        let Run { window, stopped_at, .. } = replay.run();
        Self::new(replay.transport())
            .with_limits(Limits { window, ..Limits::default() })
            .with_cancellation(CancellationToken::replaying(stopped_at))
    }
}

impl<T> Session<T> {
    /// Creates a session that sends its requests over `transport` to these servers.
    pub(crate) fn over(transport: T, endpoints: Option<Endpoints>) -> Self {
        Self {
            endpoints: endpoints.unwrap_or_default(),
            transport,
            log: Box::new(|_: &Entry| {}),
            limits: Limits::default(),
            cancellation: CancellationToken::new(),
        }
    }

    /// Sets the addresses of the servers, for a transport that names none.
    #[must_use]
    pub fn with_endpoints(self, endpoints: Endpoints) -> Self {
        Self { endpoints, ..self }
    }

    /// Sets the receiver of log entries: a closure, or a [`Log`].
    #[must_use]
    pub fn with_log(self, log: impl Log + 'static) -> Self {
        Self { log: Box::new(log), ..self }
    }

    /// Sets the limits of the run.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the token that cancels the run.
    #[must_use]
    pub fn with_cancellation(self, cancellation: CancellationToken) -> Self {
        Self { cancellation, ..self }
    }
}
