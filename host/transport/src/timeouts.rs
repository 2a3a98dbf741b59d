//! The timeouts of a transport.

use std::time::Duration;

/// The longest times that a transport waits for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Looking up a name, or making a connection.
    pub connect: Duration,
    /// From the first byte of a request to the headers of its answer.
    pub answer: Duration,
    /// Reading the body of one response.
    pub body: Duration,
}

impl Default for Timeouts {
    /// Time for a slow cluster.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            body: Duration::from_secs(10 * 60),
        }
    }
}
