//! What a token is, wherever it comes from.

/// Something that is no token.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the token cannot be one: it is empty, or holds more than printable ASCII without spaces")]
pub struct NoToken;

/// Whether a text is a token that a header can hold.
///
/// # Errors
/// When it is none; it is not shown.
pub fn check(token: &str) -> Result<(), NoToken> {
    let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one { Ok(()) } else { Err(NoToken) }
}
