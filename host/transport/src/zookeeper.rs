//! Carries out the requests for Exhibitor in ZooKeeper itself, and finds the leading master there.

mod connection;
mod detector;
mod explorer;
mod fault;
#[doc(hidden)]
pub mod jute;
mod patience;
mod refusal;
mod removed;
mod session;
mod subtree;
mod transport;

pub(crate) use detector::Detector;
pub(crate) use transport::ZooKeeper;

/// The limits of a deletion in ZooKeeper itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZooKeeperLimits {
    /// The most nodes that one deletion visits.
    pub znodes: u64,
    /// The most bytes of one response of ZooKeeper, of one list of children, and of all names that
    /// a deletion has not visited yet.
    pub znode_bytes: usize,
}

impl Default for ZooKeeperLimits {
    /// Suits a large service.
    fn default() -> Self {
        Self { znodes: 1_000_000, znode_bytes: 64 << 20 }
    }
}
