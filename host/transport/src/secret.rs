//! Secrets, which are never shown, and the credentials that contain one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use janitor_contract::token;
pub use janitor_contract::token::TokenError;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// A DC/OS authentication token, as returned by the cluster's login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Secret);

impl Token {
    /// Wraps a token unchanged.
    ///
    /// # Errors
    /// Fails if no header can contain the token. The error does not contain it either.
    pub fn new(token: impl Into<String>) -> Result<Self, TokenError> {
        let token = token.into();
        token::check(&token).map(|()| Self(Secret(token)))
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> String {
        format!("token={}", self.0.0)
    }
}

/// A user with a password, for HTTP Basic; for a Mesos master, a principal with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basic(Secret);

impl Basic {
    /// Parses the content of a file or a variable, `user:password`. Surrounding white space is
    /// ignored.
    ///
    /// # Errors
    /// Fails if the text has another form. The error does not contain it.
    pub fn new(text: &[u8]) -> Result<Self, UserError> {
        user_and_password(text).map(Self)
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(&self.0.0))
    }
}

/// A user of ZooKeeper with a password, for its authentication scheme `digest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZooKeeperLogin(Secret);

impl ZooKeeperLogin {
    /// Parses the content of a file or a variable, `user:password`. Surrounding white space is
    /// ignored.
    ///
    /// # Errors
    /// Fails if the text has another form. The error does not contain it.
    pub fn new(text: &[u8]) -> Result<Self, UserError> {
        user_and_password(text).map(Self)
    }

    /// Returns the bytes that are sent to the server.
    #[cfg(feature = "zookeeper")]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.0.as_bytes()
    }
}

/// The error about a text that is not a user with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not user:password on one line")]
pub struct UserError;

fn user_and_password(text: &[u8]) -> Result<Secret, UserError> {
    let text = std::str::from_utf8(text).unwrap_or_default().trim();
    match text.split_once(':') {
        Some((user, password))
            if !user.is_empty() && !password.is_empty() && !text.contains(char::is_control) =>
        {
            Ok(Secret(text.into()))
        }
        _ => Err(UserError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_to_zookeeper_is_user_and_password_and_never_shown() {
        let login = ZooKeeperLogin::new(b"user:pass:word\n").unwrap();
        assert_eq!(login.0.0, "user:pass:word");
        #[cfg(feature = "zookeeper")]
        assert_eq!(login.bytes(), b"user:pass:word");
        assert_eq!(format!("{login:?}"), "ZooKeeperLogin(redacted)");
        for text in
            [&b""[..], b"user", b":password", b"user:", b"\n", b"u:\xff", b"u:p\nq", b"u:\0"]
        {
            assert_eq!(ZooKeeperLogin::new(text).err(), Some(UserError), "{text:?}");
        }
    }
}
