//! Validates tokens, whatever their source.

/// The error about a text that is not a valid token.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("invalid token: it must be printable ASCII without spaces, and not empty")]
pub struct TokenError;

/// Checks that a text is a token that a header can hold.
///
/// # Errors
/// Fails if it is not. The error does not contain the text.
pub fn check(token: &str) -> Result<(), TokenError> {
    let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one { Ok(()) } else { Err(TokenError) }
}
