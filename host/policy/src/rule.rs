//! One rule of the allow-list.

use std::fmt;

use crate::scope::Scope;
use janitor_contract::request::{EXPLORER, relative};
use janitor_contract::types::{Endpoint, Method, Request};

/// One request that may be sent, any number of times.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Query,
    pub(crate) media_type: Option<&'static str>,
    /// The only content that is allowed, if there is just one.
    pub(crate) content: Option<&'static str>,
    /// The resources that the request may remove.
    pub(crate) scope: Option<Scope>,
}

/// The query of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    /// Exactly this query.
    Exactly(Vec<(String, String)>),
    /// The parameter `key` with a ZooKeeper node: this one or one below it.
    Within(String),
    /// The parameter `slave_id` with the id of any agent.
    Agent,
}

impl Rule {
    pub(crate) fn new<'a>(
        endpoint: Endpoint,
        method: Method,
        path: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let path = path.into_iter().map(Into::into).collect();
        let query = Query::Exactly(Vec::new());
        Self { endpoint, method, path, query, media_type: None, content: None, scope: None }
    }

    pub(crate) fn get<'a>(endpoint: Endpoint, path: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(endpoint, Method::Get, path)
    }

    /// A read-only call of the master's v1 API.
    pub(crate) fn v1(call: &'static str) -> Self {
        Self {
            media_type: Some("application/json"),
            content: Some(call),
            ..Self::new(Endpoint::Master, Method::Post, ["api", "v1"])
        }
    }

    pub(crate) fn exploring(what: &str, query: Query) -> Self {
        let path = EXPLORER.into_iter().chain([what]);
        Self { query, ..Self::new(Endpoint::Exhibitor, Method::Get, path) }
    }

    /// Returns whether a name in the rule contains a `;`. DC/OS's proxy decodes it, and Exhibitor
    /// and Marathon end the name there, so that they would delete something else. Reading such a
    /// name would be harmless, but useless, because nothing could be removed.
    pub(crate) fn has_semicolon(&self) -> bool {
        let in_query = match &self.query {
            Query::Exactly(query) => query.iter().any(|(_, value)| value.contains(';')),
            Query::Within(node) => node.contains(';'),
            Query::Agent => false,
        };
        in_query || self.path.iter().any(|segment| segment.contains(';'))
    }
}

impl Query {
    pub(crate) fn allows(&self, query: &[(String, String)]) -> bool {
        match self {
            Self::Exactly(expected) => expected == query,
            Self::Within(node) => match query {
                [(name, value)] if name == "key" => match value.strip_prefix(node.as_str()) {
                    Some(below) => {
                        below.is_empty()
                            || below.strip_prefix('/').is_some_and(|it| it.split('/').all(is_plain))
                    }
                    None => false,
                },
                _ => false,
            },
            Self::Agent => asked_agent(query).is_some(),
        }
    }
}

/// Returns the id of the only agent that a query asks for, if there is just one.
pub(crate) fn asked_agent(query: &[(String, String)]) -> Option<&str> {
    match query {
        [(name, id)] if name == "slave_id" && !id.is_empty() => Some(id),
        _ => None,
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.query {
            Query::Exactly(query) => {
                show(f, self.method, self.endpoint, &self.path, query, self.media_type)?;
                self.content.map_or(Ok(()), |content| write!(f, " {content}"))
            }
            Query::Within(node) => {
                show(f, self.method, self.endpoint, &self.path, &[key(node)], self.media_type)?;
                f.write_str(" and below")
            }
            Query::Agent => {
                let query = [("slave_id".into(), "ID".into())];
                show(f, self.method, self.endpoint, &self.path, &query, self.media_type)
            }
        }
    }
}

/// Displays a request in the format of a rule.
pub(crate) struct Asked<'a>(pub &'a Request);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Request { endpoint, method, path, query, content } = self.0;
        let media_type = content.as_ref().map(|content| content.media_type.as_str());
        show(f, *method, *endpoint, path, query, media_type)
    }
}

fn show(
    f: &mut fmt::Formatter,
    method: Method,
    endpoint: Endpoint,
    path: &[String],
    query: &[(String, String)],
    media_type: Option<&str>,
) -> fmt::Result {
    write!(f, "{} {}/{}", method.name(), endpoint.name(), relative(path, query))?;
    match media_type {
        Some(media_type) => write!(f, " ({media_type})"),
        None => Ok(()),
    }
}

pub(crate) fn key(node: &str) -> (String, String) {
    ("key".into(), node.into())
}

/// Returns whether proxies and servers all interpret a segment in the same way.
pub(crate) fn is_plain(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c == '/' || c.is_control())
}
