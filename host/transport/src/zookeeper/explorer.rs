//! The requests of Exhibitor's explorer, which read nodes or delete one with everything below it,
//! and the responses to them. The responses have Exhibitor's form and ZooKeeper's error texts, so
//! that the component cannot see which of the two has answered.

use std::io::Cursor;

use serde::Serialize;
use serde_json::{Value, json};

use super::fault::{Fault, code};
use super::jute::Names;
use super::refusal::Refusal;
use super::session::Session;
use super::subtree::Subtree;
use crate::exchange::{Request, Response};
use janitor_contract::request::EXPLORER;
use janitor_contract::types::{Error, Method};

/// A request of the explorer. The path of a node contains the chroot; that of the root is empty.
pub(super) enum Question {
    Delete(String),
    /// The node, and the requested path below the chroot.
    Children(String, String),
    Data(String),
}

impl Question {
    /// Parses a request as one to Exhibitor.
    ///
    /// # Errors
    /// Fails with the response to a request that Exhibitor does not know, or that is not allowed.
    pub(super) fn read(request: &Request, chroot: &str) -> Result<Self, Response> {
        let not_found = || response(404, "text/plain", b"Not Found".into());
        let path: Vec<_> = request.path.iter().map(String::as_str).collect();
        let question = path.strip_prefix(EXPLORER.as_slice()).ok_or_else(not_found)?;
        let refused = |why: String| {
            let body = json!({ "message": why, "succeeded": false });
            json_response(body.to_string().into_bytes())
        };
        match (request.method, question, &*request.query) {
            (Method::Delete, ["znode", node @ ..], []) => {
                deletable(chroot, node).map(Self::Delete).map_err(refused)
            }
            (Method::Get, [page], [(name, key)]) if name == "key" => {
                let key = match key.as_str() {
                    "/" => String::new(),
                    key => node_path(key.split('/').skip(1)).ok_or_else(not_found)?,
                };
                let node = format!("{chroot}{key}");
                match *page {
                    "node" => Ok(Self::Children(node, key)),
                    "node-data" => Ok(Self::Data(node)),
                    _ => Err(not_found()),
                }
            }
            _ => Err(not_found()),
        }
    }

    /// Carries out the request, and returns the response in JSON.
    ///
    /// # Errors
    /// Fails if no session with ZooKeeper can be opened, if the chroot does not exist, or if the
    /// result of a deletion is unknown.
    pub(super) fn answer(&self, session: &mut Session) -> Result<Response, Error> {
        let body = match self {
            Self::Delete(root) => {
                session.in_doubt = 0;
                match Subtree::new(session, root).delete() {
                    Ok(()) => json!({ "message": "OK", "succeeded": true }),
                    Err(refusal) => match refusal.explain_deletion(root, session) {
                        Err(Error::Internal(why)) | Ok(why) if session.in_doubt == 0 => {
                            json!({ "message": why, "succeeded": false })
                        }
                        unknown => return Err(Error::Internal(unknown?)),
                    },
                }
            }
            Self::Children(node, key) => match session.children(node) {
                Ok(names) => {
                    return listed(key, names, session.limits().znode_bytes).map(json_response);
                }
                Err(refusal) => {
                    refusal.explain(session)?;
                    let title = "* Exception *";
                    json!([{ "title": title, "key": "*", "isLazy": false }])
                }
            },
            Self::Data(node) => match session.version(node) {
                Ok(Some(version)) => {
                    json!({ "bytes": "", "str": "", "stat": format!("version: {version}") })
                }
                Ok(None) => {
                    session.require_chroot()?;
                    json!({ "bytes": "", "str": "", "stat": "* not found * " })
                }
                Err(refusal) => {
                    let why = refusal.explain(session)?;
                    json!({ "bytes": "", "str": "Exception", "stat": why })
                }
            },
        };
        Ok(json_response(Value::to_string(&body).into_bytes()))
    }
}

/// Lists the children of a node in the format of Exhibitor.
///
/// # Errors
/// Fails if the list is longer than `most` bytes.
fn listed(key: &str, mut names: Names, most: usize) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Child<'a> {
        expand: bool,
        #[serde(rename = "isLazy")]
        is_lazy: bool,
        key: String,
        title: &'a str,
    }

    let mut body = vec![b'['];
    while let Some(title) = names.next_name() {
        let key = format!("{key}/{title}");
        let child = Child { expand: false, is_lazy: true, key, title };
        let child = serde_json::to_vec(&child).map_err(|why| Error::Internal(why.to_string()))?;
        if body.len() + child.len() > most {
            return Err(Error::Internal(format!("the list of its nodes exceeds {most} bytes")));
        }
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend(child);
    }
    body.push(b']');
    Ok(body)
}

fn json_response(body: Vec<u8>) -> Response {
    response(200, "application/json", body)
}

fn response(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    Response { status, content_type: Some(content_type.into()), body: Box::new(Cursor::new(body)) }
}

/// Returns the whole path of the node that these segments name, if it may be deleted. The policy
/// has already allowed the request, but the root and ZooKeeper's own nodes are too important to be
/// checked in one place only.
fn deletable(chroot: &str, segments: &[&str]) -> Result<String, String> {
    let path = node_path(segments.iter().copied());
    let path = path.ok_or_else(|| format!("'{}' is not the path of a node", segments.join("/")))?;
    let whole = format!("{chroot}{path}");
    if whole.split('/').nth(1) == Some("zookeeper") {
        return Err(format!("{whole} is ZooKeeper's own"));
    }
    Ok(whole)
}

/// Joins segments to a path, if each of them is the name of a node.
fn node_path<'a>(segments: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        if matches!(segment, "" | "." | "..") || segment.contains('/') {
            return None;
        }
        path = format!("{path}/{segment}");
    }
    (!path.is_empty()).then_some(path)
}

impl Refusal {
    /// Returns the message, unless the actual reason is that there is no session or no chroot. In
    /// that case, fails with that reason.
    pub(super) fn explain(self, session: &mut Session) -> Result<String, Error> {
        match self {
            Self::NoSession(error) => Err(error),
            refusal => {
                if matches!(refusal, Self::Refused { code: code::NO_NODE, .. }) {
                    session.require_chroot()?;
                }
                Ok(refusal.message())
            }
        }
    }

    /// Returns the message, with the consequences for a subtree that was being deleted.
    pub(super) fn explain_deletion(
        self,
        root: &str,
        session: &mut Session,
    ) -> Result<String, Error> {
        let mut notes: Vec<String> = Vec::new();
        match &self {
            Self::Refused { code: code::NO_NODE, node } if node == root => {
                return self.explain(session);
            }
            Self::Refused { code: code::NO_AUTH, .. } => {
                notes.push("the ACL of this node or its parent denies this user".into());
            }
            Self::Refused { code: code::NOT_EMPTY, .. } => {
                notes.push("another client still creates nodes in there".into());
            }
            Self::Lost { fault: Fault::NoAnswer(why), .. } => {
                notes.push(format!("no server answers any more; of the last one: {why}"));
            }
            _ => {}
        }
        if session.in_doubt > 0 {
            let count = session.in_doubt;
            notes.push(format!(
                "the last request, the deletion of {count} node(s), may have been carried out"
            ));
        }
        notes.extend(session.removed.describe(root));
        // The consequences must not be lost with the session.
        let first = match self {
            Self::NoSession(Error::Connect(why)) if !notes.is_empty() => why,
            refusal => refusal.explain(session)?,
        };
        Ok(match notes.is_empty() {
            true => first,
            false => format!("{first} ({})", notes.join("; ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::Endpoint;

    fn read(method: Method, path: &str, key: Option<&str>) -> String {
        let query = key.map(|key| ("key".into(), key.into())).into_iter().collect();
        let path = path.split('/').map(Into::into).collect();
        let request = Request { endpoint: Endpoint::Exhibitor, method, path, query, content: None };
        match Question::read(&request, "") {
            Ok(Question::Delete(node)) => format!("delete {node}"),
            Ok(Question::Children(node, _)) => format!("children {node}"),
            Ok(Question::Data(node)) => format!("data {node}"),
            Err(response) => response.status.to_string(),
        }
    }

    #[test]
    fn requests_are_distinguished() {
        for (method, path, key, expected) in [
            (Method::Get, "node", Some("/"), "children "),
            (Method::Get, "node", Some("/a/b%20"), "children /a/b%20"),
            (Method::Get, "node-data", Some("/a"), "data /a"),
            (Method::Get, "node-data", Some("a"), "404"),
            (Method::Get, "node-data", Some("/a/.."), "404"),
            (Method::Get, "node-data", Some("/a/"), "404"),
            (Method::Get, "node-data", None, "404"),
            (Method::Get, "node-data/a", Some("/a"), "404"),
            (Method::Get, "znode/a", None, "404"),
            (Method::Post, "node", Some("/"), "404"),
            (Method::Delete, "node", Some("/"), "404"),
            (Method::Delete, "znode/a", None, "delete /a"),
            (Method::Delete, "znode/a b/c%25?", None, "delete /a b/c%25?"),
            (Method::Delete, "znode/ü/zookeeper", None, "delete /ü/zookeeper"),
            (Method::Delete, "znode/a", Some("/a"), "404"),
            (Method::Delete, "znode/zookeeper", None, "200"),
        ] {
            let explorer = format!("exhibitor/v1/explorer/{path}");
            assert_eq!(read(method, &explorer, key), expected, "{path}");
        }
        assert_eq!(read(Method::Delete, "znode/a", None), "404");
    }

    #[test]
    fn the_root_and_nodes_of_zookeeper_itself_are_refused() {
        for (chroot, segments) in [
            ("", &[][..]),
            ("", &[""]),
            ("", &["", ""]),
            ("", &["a", ""]),
            ("", &["", "a"]),
            ("", &["a", "", "b"]),
            ("", &["."]),
            ("", &["a", ".."]),
            ("", &["a/b"]),
            ("", &["zookeeper"]),
            ("", &["zookeeper", "quota"]),
            ("/zookeeper", &["quota"]),
            ("/a", &[""]),
        ] {
            assert!(deletable(chroot, segments).is_err(), "{chroot} {segments:?}");
        }
        assert_eq!(deletable("/a", &["zookeeper"]).as_deref(), Ok("/a/zookeeper"));
    }
}
