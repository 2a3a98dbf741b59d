//! What belongs to one run, on the host's side of the sandbox.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use crate::limits::Limits;
use crate::log::Log;
use janitor_contract::Endpoints;
use janitor_policy::policy::Policy;
use janitor_transport::cancellation::CancellationToken;
use janitor_transport::exchange::Transport;

/// What belongs to one run.
pub struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    pub(crate) endpoints: Endpoints,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) log: Box<dyn Log>,
    pub(crate) started: Instant,
    /// What the component has last been given as the time that the run has taken.
    pub(crate) clock: Duration,
    /// How often it has asked for that.
    pub(crate) clock_reads: u64,
    pub(crate) cancellation: CancellationToken,
    /// The number of requests and pauses that the component has asked for.
    pub(crate) steps: u64,
    pub(crate) requests: u64,
    pub(crate) in_flight: u32,
    pub(crate) log_entries: u64,
    pub(crate) denied: Option<String>,
}

/// An interface that has only types asks nothing of a host.
impl janitor_contract::types::Host for State {}

impl State {
    /// Whether the run is cancelled at the next step.
    pub(crate) fn is_cancelled(&mut self) -> bool {
        self.steps += 1;
        self.cancellation.is_cancelled_at(self.steps)
    }

    /// What is left of the run's time.
    pub(crate) fn remaining(&self) -> Duration {
        self.limits.run.saturating_sub(self.started.elapsed())
    }
}
