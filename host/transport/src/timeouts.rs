//! The timeouts of a transport.

use std::time::Duration;

/// The longest times that a transport waits for a server. Only `late` bounds a whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time to look up a name, and the time to connect; ten seconds by default.
    pub connect: Duration,
    /// The time to send a request, to receive the headers of its response, and for each read of its
    /// body; 60 seconds by default.
    pub answer: Duration,
    /// The time to receive the body of one response; ten minutes by default.
    pub body: Duration,
    /// The time that an exchange has left once the time limit of its run is over
    /// ([`CancellationToken::within`](crate::CancellationToken::within)); ten seconds by default. A
    /// request that changes something has the time of `answer`, because its outcome matters.
    pub late: Duration,
}

impl Default for Timeouts {
    /// Suits a slow cluster.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            body: Duration::from_secs(10 * 60),
            late: Duration::from_secs(10),
        }
    }
}
