//! The requests that Exhibitor would answer, to ZooKeeper itself.

mod connection;
pub mod jute;
mod session;

pub use session::ZooKeeper;
