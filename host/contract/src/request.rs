//! The written form of a component's request: the names of its endpoint and method, its path
//! and its query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::types::{Endpoint, Method};

impl Endpoint {
    /// The endpoint's name in `wit/http.wit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::MasterRoot => "master-root",
            Self::Exhibitor => "exhibitor",
            Self::Marathon => "marathon",
            Self::MarathonPods => "marathon-pods",
        }
    }
}

impl Method {
    /// The method's name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// A path and query below an endpoint, percent-encoded.
pub fn relative(path: &[String], query: &[(String, String)]) -> String {
    /// Everything but what RFC 3986 calls unreserved, and parentheses.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'(')
        .remove(b')');
    let encode = |text| utf8_percent_encode(text, ENCODED).to_string();
    let path = path.iter().map(|segment| encode(segment)).collect::<Vec<_>>().join("/");
    let query = query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&");
    if query.is_empty() { path } else { format!("{path}?{query}") }
}
