//! How much of everything a transport may use.

use std::time::Duration;

/// The limits of a transport over the network.
#[derive(Clone, Debug)]
pub struct NetworkLimits {
    /// From the first byte of a request to the headers of its answer.
    pub answer: Duration,
    /// Looking up a name, or making a connection.
    pub connect: Duration,
    /// Reading the body of one response.
    pub body: Duration,
    /// Connections that are kept for later, in all and to one server.
    pub connections: usize,
    /// All that is done in ZooKeeper itself.
    pub session: Duration,
    /// Nodes that one deletion in ZooKeeper itself goes through.
    pub znodes: u64,
    /// What ZooKeeper itself may list at a time, in bytes: the children of one node, and
    /// all that a deletion has not come to.
    pub znode_bytes: usize,
}

impl Default for NetworkLimits {
    /// Time for a slow cluster, and room for a large one.
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            body: Duration::from_secs(10 * 60),
            connections: 32,
            session: Duration::from_secs(4 * 60 * 60),
            znodes: 1_000_000,
            znode_bytes: 64 << 20,
        }
    }
}
