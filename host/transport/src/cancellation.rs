//! Cooperative cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Cancels a run cooperatively, from a signal handler or another thread: requests in flight are
/// finished, and no further request that changes something is sent. All clones of a token are
/// cancelled together.
#[derive(Clone, Debug)]
pub struct CancellationToken {
    cancelled: Arc<AtomicBool>,
    /// The time at which the token counts as cancelled.
    deadline: Option<Instant>,
    /// The step at which a replay is cancelled.
    at: u64,
    /// The step at which the run noticed the cancellation.
    noticed: Arc<AtomicU64>,
}

/// A number that is never a step of a run.
const NEVER: u64 = u64::MAX;

impl CancellationToken {
    /// Creates a token that is not cancelled.
    pub fn new() -> Self {
        Self::replaying(None)
    }

    /// Creates a token for a replay. It is cancelled at the step at which the recorded run noticed
    /// its own cancellation, if it was cancelled.
    pub fn replaying(step: Option<u64>) -> Self {
        Self {
            cancelled: Arc::default(),
            deadline: None,
            at: step.unwrap_or(NEVER),
            noticed: Arc::new(AtomicU64::new(NEVER)),
        }
    }

    /// Returns a clone that also counts as cancelled when this time has passed from now. It limits
    /// the time of a run without losing anything: what the run has done until then is reported.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(time), ..self.clone() }
    }

    /// Cancels the run.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Returns the flag behind the token, which a signal handler can set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Returns the step at which the run noticed the cancellation. A step is the number of requests
    /// and pauses that the component had started before.
    pub fn noticed(&self) -> Option<u64> {
        Some(self.noticed.load(Relaxed)).filter(|step| *step != NEVER)
    }

    /// Returns whether [`cancel`](Self::cancel) was called, or the time has passed. In a replay
    /// neither is ever the case.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed) || self.is_late()
    }

    /// Returns whether the time of [`within`](Self::within) has passed.
    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Returns the time until the token counts as cancelled, if [`within`](Self::within) limits it.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the run is cancelled at this step, and remembers the first step at which it
    /// is.
    pub fn is_cancelled_at(&self, step: u64) -> bool {
        let cancelled = self.is_cancelled() || step >= self.at;
        if cancelled {
            self.noticed.fetch_min(step, Relaxed);
        }
        cancelled
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_ends_where_the_recorded_run_did() {
        let token = CancellationToken::new();
        assert!(!token.is_cancelled_at(1));
        token.cancel();
        assert!(token.is_cancelled_at(3) && token.is_cancelled_at(5));
        assert_eq!(token.noticed(), Some(3));
        let late = CancellationToken::new().within(Duration::ZERO);
        assert_eq!((late.time_left(), token.time_left()), (Some(Duration::ZERO), None));
        assert!(late.is_cancelled_at(0) && !late.within(Duration::from_secs(3600)).is_cancelled());
        let again = CancellationToken::replaying(token.noticed());
        assert!(!again.is_cancelled_at(2) && again.is_cancelled_at(3));
    }
}
