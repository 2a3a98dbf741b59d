//! How much of everything a run may use.

use std::time::Duration;

/// The limits of a run. The component cannot see them, except `window`; it
/// meets them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The component's linear memory, in bytes.
    pub memory: usize,
    /// The elements of each of the component's tables.
    pub table_elements: usize,
    /// The time from the run's beginning to its end.
    pub run: Duration,
    /// Requests in one run.
    pub requests: u64,
    /// Exchanges in flight at a time.
    pub window: u32,
    /// The body of one response, in bytes.
    pub response_bytes: u64,
    /// Entries in the log.
    pub log_entries: u64,
    /// One message of the log, in bytes; what is longer is cut.
    pub message_bytes: usize,
    /// What the component may print on standard error, in bytes.
    pub stderr_bytes: usize,
    /// From the first byte of a request to the headers of its answer.
    pub answer: Duration,
    /// Looking up a name, or making a connection.
    pub connect: Duration,
    /// Reading the body of one response.
    pub body: Duration,
}

impl Default for Limits {
    /// Room for 100,000 agents, and a stop for what runs away.
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            table_elements: 10_000,
            run: Duration::from_secs(4 * 60 * 60),
            requests: 1_000_000,
            window: 32,
            response_bytes: 1 << 30,
            log_entries: 1_000_000,
            message_bytes: 64 << 10,
            stderr_bytes: 64 << 10,
            answer: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            body: Duration::from_secs(10 * 60),
        }
    }
}
