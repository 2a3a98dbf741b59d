//! The timeouts of a transport.

use std::time::Duration;

/// The longest times that a transport waits for a server. None of them bounds a whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time to look up a name, and the time to connect; ten seconds by default.
    pub connect: Duration,
    /// The time to send a request, to receive the headers of its response, and for each read of its
    /// body; 60 seconds by default.
    pub answer: Duration,
    /// The time to receive the body of one response; ten minutes by default.
    pub body: Duration,
}

impl Default for Timeouts {
    /// Suits a slow cluster.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            body: Duration::from_secs(10 * 60),
        }
    }
}
