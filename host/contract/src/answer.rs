//! What an answer of a server is, and why there is none.

use crate::types::Error;

/// Lets only final statuses of HTTP through, as the contract promises them.
///
/// # Errors
/// When a server, or what stands in for one, has answered with another one.
pub fn final_status(status: u16) -> Result<(), Error> {
    match status {
        200..=599 => Ok(()),
        _ => Err(Error::Protocol(format!("its status is {status}, not one of 200 to 599"))),
    }
}

impl Error {
    /// Why there was no answer, with a name for the server.
    pub fn of(&self, server: &str) -> String {
        match self {
            Self::Denied(rule) => format!("a request to {server} was denied: {rule}"),
            Self::Dns => format!("the name of {server} has no address"),
            Self::Connect(why) => format!("cannot connect to {server}: {why}"),
            Self::Tls(why) => format!("no trusted connection to {server}: {why}"),
            Self::Timeout => format!("{server} did not answer in time"),
            Self::Reset => format!("the connection to {server} broke"),
            Self::Protocol(why) => format!("the answer of {server} is no HTTP: {why}"),
            Self::Stopped => format!("nothing is sent to {server} any more, because the run ends"),
            Self::TooLarge(limit) => {
                format!("the answer of {server} is larger than {limit} bytes")
            }
            Self::Internal(why) => format!("no answer of {server}: {why}"),
        }
    }
}

// wit-bindgen makes these two by itself.
#[cfg(feature = "wasmtime")]
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.of("the server"))
    }
}

#[cfg(feature = "wasmtime")]
impl std::error::Error for Error {}
