//! How the host authenticates. Nothing in here ever reaches the component, a
//! recording or a log.

use std::fmt;

use ::http::Uri;
use serde::Deserialize;

use crate::bindings::http::{Content, Endpoint, Error, Method};
use crate::log::printable;
use crate::transport::{Request, Transport};
use crate::{Endpoints, Limits, Live};

/// A DC/OS authentication token, as the cluster's login hands it out.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token as it is.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The value of the `Authorization` header, in the form that DC/OS reads.
    pub(crate) fn authorization(&self) -> String {
        format!("token={}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// A user of ZooKeeper and the password, `user:password`, for its scheme `digest`.
#[derive(Clone)]
pub struct Digest(String);

impl Digest {
    /// Takes what is in a file or a variable; space around it means nothing.
    ///
    /// # Errors
    /// When it is not `user:password`; it is not shown.
    pub fn new(text: &[u8]) -> Result<Self, DigestError> {
        let text = std::str::from_utf8(text).unwrap_or_default().trim();
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Ok(Self(text.into()))
            }
            _ => Err(DigestError),
        }
    }

    /// What goes to the server.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}

/// Something that is no user of ZooKeeper.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("it does not hold user:password")]
pub struct DigestError;

/// A login that brought no token.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("Token retrieval failed: {0}")]
pub struct LoginError(String);

/// Logs in to DC/OS with a user's name and password. The login service is on
/// the master's host, at the standard port (DC/OS documentation, "IAM API").
///
/// # Errors
/// When the service cannot be reached, refuses, or hands out no token.
pub fn login(
    limits: &Limits,
    endpoints: &Endpoints,
    username: &str,
    password: &str,
) -> Result<Token, LoginError> {
    #[derive(Deserialize)]
    struct Granted {
        token: String,
    }

    let master: Uri =
        endpoints.base(Endpoint::Master).parse().map_err(|error| LoginError(format!("{error}")))?;
    let (scheme, host) =
        (master.scheme_str().unwrap_or_default(), master.host().unwrap_or_default());
    let bytes = serde_json::json!({ "uid": username, "password": password }).to_string();
    let request = Request {
        method: Method::Post,
        url: format!("{scheme}://{host}/acs/api/v1/auth/login"),
        content: Some(Content { media_type: "application/json".into(), bytes: bytes.into_bytes() }),
    };
    let url = request.url.clone();
    let failed = |error: Error| LoginError(format!("{url}: {}", explain(&error)));
    let mut response = Live::new(limits, None).send(request).finish().map_err(failed)?;
    let mut body = vec![0; 64 << 10];
    let mut length = 0;
    while let Some(rest) = body.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match response.body.read(rest).map_err(failed)? {
            0 => break,
            count => length += count,
        }
    }
    body.truncate(length);
    match (response.status, serde_json::from_slice(&body)) {
        (200..300, Ok(Granted { token })) => Ok(Token(token)),
        (status, Ok(Granted { .. })) => Err(LoginError(status.to_string())),
        (status, Err(_)) => {
            let text = String::from_utf8_lossy(&body);
            let start: String = text.chars().take(500).collect();
            Err(LoginError(format!("{status} {}", printable(&start))))
        }
    }
}

fn explain(error: &Error) -> String {
    match error {
        Error::Dns => "the name has no address".into(),
        Error::Timeout => "no answer in time".into(),
        Error::Reset => "the connection broke".into(),
        Error::Stopped => "the run ends".into(),
        Error::Denied(why)
        | Error::Connect(why)
        | Error::Tls(why)
        | Error::Protocol(why)
        | Error::Internal(why) => why.clone(),
        Error::TooLarge(limit) => format!("an answer of more than {limit} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_user_and_password_and_never_shown() {
        let digest = Digest::new(b"user:pass:word\n").unwrap();
        assert_eq!(digest.bytes(), b"user:pass:word");
        assert_eq!(format!("{digest:?}"), "Digest(redacted)");
        for text in [&b""[..], b"user", b":password", b"user:", b"\n", b"u:\xff"] {
            assert_eq!(Digest::new(text).err(), Some(DigestError), "{text:?}");
        }
    }
}
