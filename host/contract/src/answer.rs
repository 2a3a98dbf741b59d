//! Checks statuses of responses, and describes why a response is missing.

use crate::types::Error;

/// Accepts only final HTTP statuses, as the contract guarantees.
///
/// # Errors
/// Fails if a server, or a transport that replaces one, returned another status.
pub fn final_status(status: u16) -> Result<(), Error> {
    match status {
        200..=599 => Ok(()),
        _ => Err(Error::Protocol(format!("its status is {status}, not one of 200 to 599"))),
    }
}

impl Error {
    /// Describes why there was no response from the server with this name.
    pub fn of(&self, server: &str) -> String {
        match self {
            Self::Denied(rule) => format!("a request to {server} was denied: {rule}"),
            Self::Dns => format!("the name of {server} has no address"),
            Self::Connect(why) => format!("cannot connect to {server}: {why}"),
            Self::Tls(why) => format!("no trusted connection to {server}: {why}"),
            Self::Timeout => format!("{server} did not answer in time"),
            Self::Reset => format!("the connection to {server} broke"),
            Self::Protocol(why) => format!("the answer of {server} is not valid HTTP: {why}"),
            Self::Stopped => format!("nothing more is sent to {server}: the run was cancelled"),
            Self::TooLarge(limit) => {
                format!("the answer of {server} is larger than {limit} bytes")
            }
            Self::Internal(why) => format!("no answer from {server}: {why}"),
        }
    }
}

// wit-bindgen generates these two implementations itself.
#[cfg(feature = "wasmtime")]
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.of("the server"))
    }
}

#[cfg(feature = "wasmtime")]
impl std::error::Error for Error {}
