//! The reasons why an operation in ZooKeeper has no result.

use std::io::{self, ErrorKind};

/// The reason why an operation has no result.
#[derive(Debug)]
pub enum Fault {
    /// The server responds with this error code.
    Refused(i32),
    /// There is no response, for this reason.
    NoAnswer(String),
    /// The response is not valid in ZooKeeper's protocol, for this reason.
    Malformed(String),
}

/// The error codes of ZooKeeper that this module distinguishes.
pub mod code {
    pub const CONNECTION_LOSS: i32 = -4;
    pub const OPERATION_TIMEOUT: i32 = -7;
    pub const NO_NODE: i32 = -101;
    pub const NO_AUTH: i32 = -102;
    pub const NOT_EMPTY: i32 = -111;
    pub const SESSION_EXPIRED: i32 = -112;
    pub const AUTH_FAILED: i32 = -115;
    pub const SESSION_MOVED: i32 = -118;
    pub const REQUEST_TIMEOUT: i32 = -122;
    pub const AUTH_REQUIRED: i32 = -124;
    pub const THROTTLED: i32 = -127;
}

/// Converts the error of a connection that is lost or silent.
pub(super) fn broken(error: io::Error) -> Fault {
    Fault::NoAnswer(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "it does not answer in time".into(),
        _ => error.to_string(),
    })
}
