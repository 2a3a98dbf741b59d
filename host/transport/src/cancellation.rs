//! The wish to end a run before its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The wish to end a run, from whoever may have it: a signal, another thread.
/// What is on its way is waited for; nothing more is sent that changes
/// something. Clones share the wish.
#[derive(Clone, Debug)]
pub struct Stop {
    wished: Arc<AtomicBool>,
    /// The step of a run at which a replay is to end.
    at: u64,
    /// The step at which the run noticed.
    noticed: Arc<AtomicU64>,
}

/// No step of a run.
const NEVER: u64 = u64::MAX;

impl Stop {
    /// No wish yet.
    pub fn new() -> Self {
        Self::at(None)
    }

    /// The wish that a recorded run noticed at a step, if it did.
    pub fn at(step: Option<u64>) -> Self {
        Self {
            wished: Arc::default(),
            at: step.unwrap_or(NEVER),
            noticed: Arc::new(AtomicU64::new(NEVER)),
        }
    }

    /// Wishes it.
    pub fn request(&self) {
        self.wished.store(true, Relaxed);
    }

    /// The wish as a flag, for a signal handler to set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wished)
    }

    /// The step at which the run noticed: how many requests and pauses the
    /// component had asked for before.
    pub fn noticed(&self) -> Option<u64> {
        Some(self.noticed.load(Relaxed)).filter(|step| *step != NEVER)
    }

    /// Whether somebody wishes it. In a replay, nobody does.
    pub fn is_requested(&self) -> bool {
        self.wished.load(Relaxed)
    }

    /// Whether a run is to end at this step.
    pub fn is_wished(&self, step: u64) -> bool {
        let wished = self.is_requested() || step >= self.at;
        if wished {
            self.noticed.fetch_min(step, Relaxed);
        }
        wished
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_ends_where_the_recorded_run_did() {
        let stop = Stop::new();
        assert!(!stop.is_wished(1));
        stop.request();
        assert!(stop.is_wished(3) && stop.is_wished(5));
        assert_eq!(stop.noticed(), Some(3));
        let again = Stop::at(stop.noticed());
        assert!(!again.is_wished(2) && again.is_wished(3));
    }
}
