//! The errors of a component that breaks its contract.

use std::time::Duration;

/// A breach of contract, or a limit that the component exceeded. The log contains what it did
/// before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The component made a request that is not allowed. It was not sent.
    #[error("The component was stopped: request not allowed: {0}")]
    Denied(String),
    /// The run took longer than its limit.
    #[error("The component was stopped: the run took longer than {} s", .0.as_secs())]
    Time(Duration),
    /// The component requested a larger linear memory than its limit.
    #[error("The component was stopped: it requested more than {0} bytes of memory")]
    Memory(usize),
    /// The component requested a larger table than its limit.
    #[error("The component was stopped: it requested a table of more than {0} elements")]
    Table(usize),
    /// The component logged more entries than its limit.
    #[error("The component was stopped: it logged more than {0} entries")]
    LogEntries(u64),
    /// The component logged an event that is too large.
    #[error("The component was stopped: it logged an event of more than {0} bytes")]
    Event(usize),
    /// The component read the run's clock more often than its limit.
    #[error("The component was stopped: it read the clock more than {0} times")]
    ClockReads(u64),
    /// The component requested zero bytes of a body.
    #[error("The component was stopped: it read 0 bytes of a response")]
    EmptyRead,
    /// The component trapped: it panicked or ran out of stack, for example.
    #[error("The component crashed: {0}")]
    Trap(String),
    /// The component could not be started.
    #[error("The component cannot be started: {0}")]
    Start(String),
}

impl Violation {
    /// Returns whether the component ran, so that something may have changed.
    pub fn has_run(&self) -> bool {
        !matches!(self, Self::Start(_))
    }
}
