//! The host's policy between a cleaner and the servers: it forwards only the requests that the
//! call allows. A component exports `Gated`, which gives it the interfaces `cluster` and `scope`;
//! the servers behind it are any `Cluster`.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

pub mod bindings;
mod call;
#[cfg(feature = "component")]
mod component;
mod gated;

use janitor_contract::types::{Entry, Error, Request};

pub use gated::Gated;

/// The servers and the log behind the gate, with the meaning of `janitor:cleanup/cluster` and
/// `janitor:cleanup/log`.
pub trait Cluster: 'static {
    /// A request in flight.
    type Exchange: 'static;
    /// A response.
    type Response: 'static;

    /// Starts a call.
    ///
    /// # Errors
    /// Fails with one sentence if no request can be sent.
    fn begin() -> Result<(), String>;

    /// Ends the call, with everything that it left behind.
    fn end();

    /// Starts an exchange.
    ///
    /// # Errors
    /// Fails as `send` does.
    fn send(request: &Request) -> Result<Self::Exchange, Error>;

    /// Waits for a response.
    ///
    /// # Errors
    /// Fails as `finish` does.
    fn finish(exchange: Self::Exchange) -> Result<Self::Response, Error>;

    /// Returns the status of a response.
    fn status(response: &Self::Response) -> u16;

    /// Reads from the body of a response.
    ///
    /// # Errors
    /// Fails as `read` does.
    fn read(response: &Self::Response, limit: u32) -> Result<Vec<u8>, Error>;

    /// Returns the maximum number of simultaneous exchanges.
    fn window() -> u32;

    /// Waits, and returns whether to continue.
    fn pause(milliseconds: u32) -> bool;

    /// Returns the milliseconds since the run started.
    fn elapsed() -> u64;

    /// Adds an entry to the log.
    fn log(entry: &Entry);
}
