//! What the recordings' file format needs of `host/src/transport.rs`.

use crate::bindings::http::{Content, Endpoint, Method};

#[path = "../../host/src/transport/har.rs"]
pub mod har;

/// A request that the policy has allowed.
pub struct Request {
    /// The endpoint.
    pub endpoint: Option<Endpoint>,
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The content, if it has any.
    pub content: Option<Content>,
}
