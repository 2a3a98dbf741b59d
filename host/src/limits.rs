//! How much of everything a run may use.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Result};

use crate::engine;
use janitor_contract::violation::Violation;

/// The limits of a run. The component cannot see them, except `window`; it
/// meets them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Each of the component's linear memories, in bytes.
    pub memory: usize,
    /// How many linear memories it may have.
    pub memories: usize,
    /// The elements of each of its tables.
    pub table_elements: usize,
    /// How many tables it may have.
    pub tables: usize,
    /// How many core modules it may consist of.
    pub instances: usize,
    /// The run. A run whose time is over while it waits for an answer ends when
    /// that wait does.
    pub run: Duration,
    /// Requests in one run.
    pub requests: u64,
    /// Exchanges at a time, from the request to the end of the response's use.
    pub window: u32,
    /// The body of one request, in bytes.
    pub request_bytes: usize,
    /// The body of one response, in bytes.
    pub response_bytes: u64,
    /// Readings of the run's clock.
    pub clock_reads: u64,
    /// Entries in the log.
    pub log_entries: u64,
    /// One message of the log, in bytes; what is longer is cut.
    pub message_bytes: usize,
    /// One event of the log, in bytes as JSON.
    pub event_bytes: usize,
    /// What one call copies out of the sandbox, in bytes: a report or a plan at the end,
    /// a request or an entry of the log on the way.
    pub call_bytes: usize,
    /// What the component may print on standard error, in bytes.
    pub stderr_bytes: usize,
}

impl Limits {
    /// The component's stack, in bytes: the same for all runs, because the engine is made
    /// for it.
    pub const STACK: usize = engine::STACK;
}

/// What the engine asks before it gives the component room. Who wants too much is
/// stopped, rather than told so: what came of that would only be a crash without a reason.
impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _: usize, wish: usize, own: Option<usize>) -> Result<bool> {
        match wish > self.memory {
            true => Err(Violation::Memory(self.memory).into()),
            false => Ok(own.is_none_or(|own| wish <= own)),
        }
    }

    fn table_growing(&mut self, _: usize, wish: usize, own: Option<usize>) -> Result<bool> {
        match wish > self.table_elements {
            true => Err(Violation::Table(self.table_elements).into()),
            false => Ok(own.is_none_or(|own| wish <= own)),
        }
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

impl Default for Limits {
    /// Room for 100,000 agents, and a stop for what runs away.
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
            // A resource may be three times as long in a form as it is in the list.
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
