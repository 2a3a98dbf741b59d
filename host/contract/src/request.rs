//! The parts of a component's request: its server, and the written forms of its endpoint, method,
//! path and query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::types::{Endpoint, Method, Request};

/// The path of Exhibitor's explorer, which reads and deletes znodes.
pub const EXPLORER: [&str; 3] = ["exhibitor", "v1", "explorer"];

/// The message about a deletion that a run's cancellation has stopped, where a host deletes znodes in
/// the place of Exhibitor.
pub const DELETION_STOPPED: &str = "the deletion was stopped";

/// The media type of the forms that Mesos's operator endpoints take.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A server of the cluster. All of its endpoints share its URL and its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The Mesos masters, of which one leads.
    Master,
    /// Exhibitor, or the ZooKeeper ensemble that replaces it.
    Exhibitor,
    /// Marathon.
    Marathon,
}

impl Endpoint {
    /// Returns the server that the endpoint belongs to.
    pub fn server(self) -> Server {
        match self {
            Self::Master | Self::MasterRoot => Server::Master,
            Self::Exhibitor => Server::Exhibitor,
            Self::Marathon | Self::MarathonPods => Server::Marathon,
        }
    }

    /// Returns the endpoint's name in `wit/types.wit`.
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
    /// Returns the method's name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl Request {
    /// Returns the URL of the request below the base URL of its endpoint, which ends with a slash.
    pub fn url(&self, base: &str) -> String {
        format!("{base}{}", relative(&self.path, &self.query))
    }
}

/// Percent-encodes a path and a query below an endpoint.
pub fn relative(path: &[String], query: &[(String, String)]) -> String {
    /// All characters except parentheses and those that RFC 3986 calls unreserved.
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
