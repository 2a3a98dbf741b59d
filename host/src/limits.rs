//! The limits of a run.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Result};

use crate::engine;
use janitor_contract::types::Options;
use janitor_contract::violation::Violation;

/// The limits of a run. Of these, the component can only see `window`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The size of each linear memory, in bytes.
    pub memory: usize,
    /// The number of linear memories.
    pub memories: usize,
    /// The number of elements of each table.
    pub table_elements: usize,
    /// The number of tables.
    pub tables: usize,
    /// The number of core module instances that the component may consist of.
    pub instances: usize,
    /// The duration of the run, besides what [`Options::wait_seconds`] lets it wait. A run whose time
    /// expires while it waits for a response ends when that wait does.
    pub run: Duration,
    /// The number of requests in one run.
    pub requests: u64,
    /// The number of concurrent exchanges. An exchange lasts from its request until its response is
    /// dropped.
    pub window: u32,
    /// The size of one request's body, in bytes.
    pub request_bytes: usize,
    /// The size of one response's body, in bytes.
    pub response_bytes: u64,
    /// The number of times that the run's clock may be read.
    pub clock_reads: u64,
    /// The number of log entries.
    pub log_entries: u64,
    /// The length of one log message, in bytes; longer messages are truncated.
    pub message_bytes: usize,
    /// The size of one log event, in bytes of JSON.
    pub event_bytes: usize,
    /// The bytes that one call may copy out of the sandbox: a report or a plan at the end of a run,
    /// a request or a log entry during it.
    pub call_bytes: usize,
    /// The bytes that the component may write to standard error.
    pub stderr_bytes: usize,
}

impl Limits {
    /// The component's stack, in bytes. It is the same for all runs, because the engine is
    /// configured with it.
    pub const STACK: usize = engine::STACK;
}

/// The limits as the engine asks for them, before it grows a component's memory or a table. A
/// component that exceeds a limit is stopped: if the growth merely failed, the result would be a
/// crash without a reason.
pub struct Limiter(pub Limits);

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _: usize, desired: usize, own: Option<usize>) -> Result<bool> {
        match desired > self.0.memory {
            true => Err(Violation::Memory(self.0.memory).into()),
            false => Ok(own.is_none_or(|own| desired <= own)),
        }
    }

    fn table_growing(&mut self, _: usize, desired: usize, own: Option<usize>) -> Result<bool> {
        match desired > self.0.table_elements {
            true => Err(Violation::Table(self.0.table_elements).into()),
            false => Ok(own.is_none_or(|own| desired <= own)),
        }
    }

    fn instances(&self) -> usize {
        self.0.instances
    }

    fn tables(&self) -> usize {
        self.0.tables
    }

    fn memories(&self) -> usize {
        self.0.memories
    }
}

impl Limits {
    /// Returns the longest duration of a run with these options.
    pub(crate) fn duration(&self, options: &Options) -> Duration {
        self.run.saturating_add(Duration::from_secs(options.wait_seconds.into()))
    }
}

impl Default for Limits {
    /// Allows 100,000 agents, and stops a component that runs away.
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            memories: 1,
            table_elements: 10_000,
            tables: 4,
            instances: 16,
            run: Duration::from_secs(4 * 60 * 60),
            requests: 1_000_000,
            window: 32,
            // A resource in a form may be three times as long as in the list.
            request_bytes: 64 << 20,
            response_bytes: 1 << 30,
            clock_reads: 1_000_000,
            log_entries: 1_000_000,
            message_bytes: 64 << 10,
            event_bytes: 256 << 10,
            call_bytes: 512 << 20,
            stderr_bytes: 64 << 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_may_wait_as_long_as_its_options_say() {
        let limits = Limits::default();
        let options = Options { wait_seconds: 60, ..Options::DEFAULT };
        assert_eq!(limits.duration(&options), limits.run + Duration::from_secs(60));
        let limits = Limits { run: Duration::MAX, ..limits };
        assert_eq!(limits.duration(&options), Duration::MAX);
    }
}
