//! The times of the cluster. They do not depend on the real time, so the same requests always get
//! the same responses.

use crate::state::{Agent, State};

/// The registration time of every agent and framework, in seconds since 1970.
pub(crate) const TIME: f64 = 1_465_257_600.0;

/// The default time since the master's election: thirty days.
const LONG: u64 = 30 * 24 * 60 * 60;

/// The times that the master shows.
pub(crate) struct Times {
    /// The start of the master.
    pub(crate) start: f64,
    /// The master's election.
    pub(crate) elected: f64,
    /// The seconds since the master's start.
    pub(crate) uptime: f64,
    /// The present, in whole seconds.
    pub(crate) now: u64,
    took_over: bool,
}

impl Times {
    pub(crate) fn of(state: &State) -> Times {
        // A master that takes over has waited for its election.
        let waited = if state.took_over { 3600.0 } else { 0.004 };
        let elected = TIME - 0.25;
        let start = elected - waited;
        let led = state.led_seconds.unwrap_or(LONG);
        let led = u32::try_from(led).unwrap_or(u32::MAX);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it is after 1970
        let now = elected as u64 + u64::from(led);
        let uptime = waited + f64::from(led);
        Times { start, elected, uptime, now, took_over: state.took_over }
    }

    /// Returns the time at which an agent reregistered, if it did.
    pub(crate) fn reregistered(&self, agent: &Agent) -> Option<f64> {
        match agent.reregistered_after {
            Some(seconds) => Some(TIME + f64::from(seconds)),
            // An agent that is new to its master registers twice in quick succession.
            None => self.took_over.then_some(TIME + 0.000_037),
        }
    }
}
