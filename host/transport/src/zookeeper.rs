//! The requests that Exhibitor would answer, to ZooKeeper itself.

mod connection;
mod explorer;
pub mod jute;
mod patience;
mod refusal;
mod session;
mod subtree;
mod transport;

pub(crate) use transport::ZooKeeper;

/// The limits of a deletion in ZooKeeper itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZooKeeperLimits {
    /// Nodes that one deletion walks through.
    pub znodes: u64,
    /// The most that ZooKeeper may list at a time, in bytes: the children of one node, and
    /// all nodes that a deletion has not reached.
    pub znode_bytes: usize,
}

impl Default for ZooKeeperLimits {
    /// Room for a large service.
    fn default() -> Self {
        Self { znodes: 1_000_000, znode_bytes: 64 << 20 }
    }
}
