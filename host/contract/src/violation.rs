//! How a run ends when the component misbehaves.

use std::time::Duration;

/// How a component broke its contract or met a limit. What it did before that
/// is in the log.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It asked for a request that is not allowed. Nothing was sent.
    #[error("The component was stopped, because it asked for more than it may: {0}")]
    Denied(String),
    /// It took longer than a run may.
    #[error("The component was stopped, because the run took longer than {} s", .0.as_secs())]
    Time(Duration),
    /// It wanted a larger linear memory than it may have.
    #[error("The component was stopped, because it wanted more than {0} bytes of memory")]
    Memory(usize),
    /// It wanted a larger table than it may have.
    #[error("The component was stopped, because it wanted a table of more than {0} elements")]
    Table(usize),
    /// It logged more than a run may.
    #[error("The component was stopped, because it logged more than {0} entries")]
    LogEntries(u64),
    /// It logged an event that is too large.
    #[error("The component was stopped, because it logged an event of more than {0} bytes")]
    Event(usize),
    /// It read the run's clock more often than a run may.
    #[error("The component was stopped, because it read the clock more than {0} times")]
    ClockReads(u64),
    /// It asked for none of a body's bytes.
    #[error("The component was stopped, because it read 0 bytes of a response")]
    EmptyRead,
    /// It trapped: it panicked, or ran out of stack.
    #[error("The component broke down: {0}")]
    Trap(String),
    /// It is not the component that was wanted.
    #[error("The component was not started, because its digest is {found}, not {wanted}")]
    Digest {
        /// What was wanted.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// It could not be started.
    #[error("The component cannot be started: {0}")]
    Start(String),
}

impl Violation {
    /// Whether the component ran, so that something may have changed.
    pub fn has_run(&self) -> bool {
        !matches!(self, Self::Start(_) | Self::Digest { .. })
    }
}
