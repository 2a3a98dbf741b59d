//! Which statuses an answer can have. The adapter for WASI runtimes includes this very
//! file.

use crate::bindings::http::Error;

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
