//! A stand-in for a Mesos cluster, for tests: a master, Exhibitor and Marathon on
//! loopback HTTP, in this process, behind a gateway that answers to their default names.
//!
//! A test describes a cluster as a [`State`] (a scenario's `cluster.json`), starts it as a
//! [`Cluster`], runs a program against it, and examines the requests ([`Cluster::requests`]) and
//! the final state ([`Cluster::state`]).
//!
//! The master responds as real masters were observed to: `captures/` contains their responses, and
//! the tests of this crate replay them.

// In test support, a broken stand-in should stop the test where it broke.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agent;
mod amount;
mod answering;
mod cluster;
mod contradiction;
mod exhibitor;
mod gateway;
mod iam;
mod listing;
mod marathon;
mod master;
mod message;
mod operation;
mod pages;
mod pool;
mod print;
pub mod real;
mod registry;
mod resource;
mod server;
mod state;
mod times;
mod v1;
mod version;

#[cfg(test)]
mod captures;
#[cfg(test)]
mod client;

/// The machine code of a component that breaks its contract. It cleans nothing; the role in its
/// target selects what it does instead (see `tests/misbehaving`).
pub const MISBEHAVING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/misbehaving.cwasm"));

/// The machine code of a component built for another version of the contract.
pub const SKEWED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/skewed.cwasm"));

/// The folder of the components in `tests/hostile`: each as `.wasm`, and as machine code in a
/// `.cwasm`.
pub const HOSTILE: &str = concat!(env!("OUT_DIR"), "/hostile");

pub use answering::Answering;
pub use cluster::Cluster;
pub use message::{Recorded, Server};
pub use server::{Load, Stall};
pub use state::{
    Agent, Answer, CompletedFramework, Deletion, Exhibitor, Framework, Iam, Late, LateAnswer,
    Machine, Marathon, Pending, RecoveredAgent, Refusal, State,
};
