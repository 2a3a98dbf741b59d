//! The state of one run, on the host's side of the sandbox.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use crate::carrier::Carrier;
use crate::limits::{Limiter, Limits};
use crate::session::Log;
use janitor_contract::Endpoints;
use janitor_policy::policy::Policy;
use janitor_transport::cancellation::CancellationToken;
use janitor_transport::exchange::{Running, Transport};

/// The state of one run, with a blocking or an async transport.
pub struct State<T: Carrier = Box<dyn Transport>> {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter,
    pub(crate) policy: Policy,
    pub(crate) endpoints: Endpoints,
    pub(crate) transport: T,
    pub(crate) log: Box<dyn Log>,
    /// The transport learns from it that the run is over, when it is dropped.
    pub(crate) _running: Running,
    pub(crate) started: Instant,
    /// The elapsed time that the component was last given.
    pub(crate) clock: Duration,
    /// The number of times that the component has read the clock.
    pub(crate) clock_reads: u64,
    pub(crate) cancellation: CancellationToken,
    /// The number of requests and pauses that the component has requested.
    pub(crate) steps: u64,
    pub(crate) requests: u64,
    pub(crate) in_flight: u32,
    pub(crate) log_entries: u64,
    pub(crate) denied: Option<String>,
}

/// An interface that contains only types requires no functions of a host.
impl<T: Carrier> janitor_contract::types::Host for State<T> {}

impl<T: Carrier> State<T> {
    /// Returns whether the run is cancelled, and counts a step.
    pub(crate) fn is_cancelled(&mut self) -> bool {
        self.steps += 1;
        self.cancellation.is_cancelled_at(self.steps)
    }

    /// Returns the time that the run has left.
    pub(crate) fn remaining(&self) -> Duration {
        self.limits.run.saturating_sub(self.started.elapsed())
    }
}
