//! Requests and replies, independent of any HTTP library.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A server of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// The leading Mesos master.
    Master,
    /// A non-leading Mesos master.
    Standby,
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
            Server::Standby => "standby",
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
    /// The body; invalid UTF-8 is replaced.
    pub body: String,
}

impl Recorded {
    /// Returns the path without the query.
    pub(crate) fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Returns the first value of a query parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        field(query, name)
    }

    /// Returns the refusal of a request that lacks a server's own `user:password`.
    pub(crate) fn refusal(&self, credentials: &str, realm: &str) -> Option<Reply> {
        let wanted = format!("Basic {}", STANDARD.encode(credentials));
        if self.authorization.as_deref() == Some(&wanted) {
            return None;
        }
        let challenge = format!("Basic realm=\"{realm}\"");
        let refusal = Reply::page(401, "401 Unauthorized");
        Some(refusal.header("WWW-Authenticate", &challenge))
    }

    /// Returns the first value of a form field, decoded.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        field(&self.body, name)
    }
}

fn field(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A server's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) delivery: Delivery,
}

/// The fate of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The response arrives.
    #[default]
    Arrives,
    /// The response never arrives.
    Never,
    /// The connection ends before the response arrives.
    Reset,
}

impl Reply {
    /// Creates a reply without body or content type.
    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: String::new(), delivery: Delivery::Arrives }
    }

    /// Creates a reply that does not arrive.
    pub(crate) fn lost(delivery: Delivery) -> Reply {
        Reply { delivery, ..Reply::empty(200) }
    }

    /// Creates an HTML page like a proxy's.
    pub(crate) fn page(status: u16, title: &str) -> Reply {
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n\
             <center><h1>{title}</h1></center>\r\n<hr><center>openresty</center>\r\n\
             </body>\r\n</html>\r\n"
        );
        Reply::empty(status).with("text/html", body)
    }

    /// Creates a plain-text reply.
    pub(crate) fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply::empty(status).with("text/plain; charset=utf-8", body.into())
    }

    /// Creates a JSON reply without white space.
    pub(crate) fn json(status: u16, body: &Value) -> Reply {
        Reply::empty(status).with("application/json", body.to_string())
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with(mut self, content_type: &str, body: String) -> Reply {
        self.body = body;
        self.header("Content-Type", content_type)
    }
}
