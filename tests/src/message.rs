//! Requests and replies, apart from any HTTP library.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A server of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// The Mesos master.
    Master,
    /// Exhibitor, in front of ZooKeeper.
    Exhibitor,
    /// Marathon.
    Marathon,
    /// The login of DC/OS.
    Iam,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Server::Master => "master",
            Server::Exhibitor => "exhibitor",
            Server::Marathon => "marathon",
            Server::Iam => "iam",
        })
    }
}

/// A request that a server received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// The server that received it.
    pub server: Server,
    /// The method.
    pub method: String,
    /// The path with the query, as sent.
    pub path: String,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body; bytes that are no UTF-8 are replaced.
    pub body: String,
}

impl Recorded {
    /// The path without the query.
    pub(crate) fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The first value of a query parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        field(query, name)
    }

    /// The first value of a form field, decoded.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        field(&self.body, name)
    }
}

fn field(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// No body and no content type.
    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: String::new() }
    }

    /// Plain text.
    pub(crate) fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply::empty(status).with("text/plain; charset=utf-8", body.into())
    }

    /// JSON, without white space.
    pub(crate) fn json(status: u16, body: &Value) -> Reply {
        Reply::empty(status).with("application/json", body.to_string())
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with(mut self, content_type: &str, body: String) -> Reply {
        self.body = body;
        self.header("Content-Type", content_type)
    }
}
