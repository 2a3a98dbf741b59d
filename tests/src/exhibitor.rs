//! Exhibitor's explorer: it answers 200 whatever happens, and says in the body how it went.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::message::{Recorded, Reply};
use crate::state::Exhibitor;

const EXPLORER: &str = "/exhibitor/v1/explorer/";

/// Exhibitor's answer.
pub(crate) fn answer(exhibitor: &mut Exhibitor, request: &Recorded) -> Reply {
    let Some(path) = request.path_only().strip_prefix(EXPLORER) else {
        return Reply::empty(404);
    };
    let key = || request.parameter("key").unwrap_or_default();
    match (request.method.as_str(), path) {
        ("DELETE", _) if path.starts_with("znode/") => {
            let path = path.trim_start_matches("znode");
            Reply::json(200, &exhibitor.delete(&percent_decoded(path)))
        }
        ("GET", "node") => Reply::json(200, &exhibitor.children(&key())),
        ("GET", "node-data") => Reply::json(200, &exhibitor.data(&key())),
        (_, "node" | "node-data") => Reply::empty(405),
        _ if path.starts_with("znode/") => Reply::empty(405),
        _ => Reply::empty(404),
    }
}

impl Exhibitor {
    /// Deletes a znode and all below it, children first; what was deleted before a
    /// failure stays deleted.
    fn delete(&mut self, path: &str) -> Value {
        match self.try_delete(path) {
            Ok(()) => json!({"message": "OK", "succeeded": true}),
            Err(message) => json!({"message": message, "succeeded": false}),
        }
    }

    fn try_delete(&mut self, path: &str) -> Result<(), String> {
        check(path)?;
        if !self.exists(path) {
            return Err(format!("KeeperErrorCode = NoNode for {path}"));
        }
        for znode in self.subtree(path).into_iter().rev() {
            if let Some(message) = self.undeletable.get(&znode) {
                return Err(message.clone());
            }
            // Parents that are not written down still exist once a child is gone.
            let parent = znode.rsplit_once('/').map_or("", |(parent, _)| parent);
            if parent.len() > 1 && !self.znodes.iter().any(|one| one == parent) {
                self.znodes.push(parent.to_owned());
            }
            self.znodes.retain(|one| *one != znode);
        }
        Ok(())
    }

    /// The names below a znode, as the nodes of a tree view.
    fn children(&self, path: &str) -> Value {
        if check(path).is_err() || !self.exists(path) {
            return json!([node("* Exception *", "*", false)]);
        }
        let below = format!("{}/", path.trim_end_matches('/'));
        let names: BTreeSet<&str> = self
            .znodes
            .iter()
            .filter_map(|znode| znode.strip_prefix(&below)?.split('/').next())
            .filter(|name| !name.is_empty())
            .collect();
        let child = |name| node(name, &format!("{below}{name}"), true);
        names.into_iter().map(child).collect()
    }

    /// A znode's data; every znode here is empty.
    fn data(&self, path: &str) -> Value {
        let stat = match self.exists(path) {
            true => "czxid: 1, mzxid: 1, version: 0, dataLength: 0",
            false => "* not found * ",
        };
        json!({"bytes": "", "str": "", "stat": stat})
    }

    fn exists(&self, path: &str) -> bool {
        path == "/" || !self.subtree(path).is_empty()
    }

    /// The znode and all below it, parents before children.
    fn subtree(&self, path: &str) -> BTreeSet<String> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let inside = |znode: &&str| *znode == path || znode.starts_with(&below);
        self.znodes
            .iter()
            .flat_map(|znode| ancestry(znode))
            .filter(inside)
            .map(str::to_owned)
            .collect()
    }
}

fn node(title: &str, key: &str, lazy: bool) -> Value {
    json!({"title": title, "key": key, "isLazy": lazy, "expand": false})
}

/// `/a/b` => `/a`, `/a/b`.
fn ancestry(znode: &str) -> impl Iterator<Item = &str> {
    let ends = znode.match_indices('/').map(|(at, _)| at).skip(1);
    ends.chain([znode.len()]).map(|end| &znode[..end])
}

/// The ZooKeeper client's rules for a path.
fn check(path: &str) -> Result<(), String> {
    if path != "/" && path.ends_with('/') {
        Err("Path must not end with / character".to_owned())
    } else if let Some(at) = path.find("//") {
        let at = at + 1;
        Err(format!("Invalid path string \"{path}\" caused by empty node name specified @{at}"))
    } else {
        Ok(())
    }
}

/// Decodes once; what is no valid escape stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::answer;
    use crate::message::{Recorded, Server};
    use crate::state::Exhibitor;

    fn tree(znodes: &[&str]) -> Exhibitor {
        serde_json::from_value(json!({ "znodes": znodes })).unwrap()
    }

    fn ask(exhibitor: &mut Exhibitor, method: &str, path: &str) -> Value {
        let request = Recorded {
            server: Server::Exhibitor,
            method: method.to_owned(),
            path: format!("/exhibitor/v1/explorer/{path}"),
            content_type: None,
            authorization: None,
            body: String::new(),
        };
        let reply = answer(exhibitor, &request);
        assert_eq!(reply.status, 200);
        serde_json::from_str(&reply.body).unwrap()
    }

    #[test]
    fn deletes_the_tree_and_nothing_else() {
        let mut exhibitor = tree(&["/a", "/a/b/c", "/ab", "/mesos"]);
        let ok = json!({"message": "OK", "succeeded": true});
        assert_eq!(ask(&mut exhibitor, "DELETE", "znode/a"), ok);
        assert_eq!(exhibitor.znodes, ["/ab", "/mesos"]);
    }

    #[test]
    fn a_child_alone_leaves_its_parent() {
        let mut exhibitor = tree(&["/a/b/c"]);
        ask(&mut exhibitor, "DELETE", "znode/a/b");
        assert_eq!(exhibitor.znodes, ["/a"]);
    }

    #[test]
    fn the_empty_path_is_all_of_zookeeper() {
        let mut exhibitor = tree(&["/a", "/mesos/log"]);
        ask(&mut exhibitor, "DELETE", "znode/");
        assert_eq!(exhibitor.znodes, [""; 0]);
    }

    #[test]
    fn failures_are_in_the_body() {
        let mut exhibitor = tree(&["/a", "/a/b", "/a/c"]);
        exhibitor
            .undeletable
            .insert("/a/b".to_owned(), "KeeperErrorCode = NoAuth for /a/b".to_owned());
        for (path, message) in [
            ("x", "KeeperErrorCode = NoNode for /x"),
            ("x%2Fy%2525", "KeeperErrorCode = NoNode for /x/y%25"),
            ("/a", "Invalid path string \"//a\" caused by empty node name specified @1"),
            ("a/", "Path must not end with / character"),
            ("a", "KeeperErrorCode = NoAuth for /a/b"),
        ] {
            let answer = ask(&mut exhibitor, "DELETE", &format!("znode/{path}"));
            assert_eq!(answer, json!({"message": message, "succeeded": false}));
        }
        // The last attempt got as far as this.
        assert_eq!(exhibitor.znodes, ["/a", "/a/b"]);
    }

    #[test]
    fn nodes_can_be_looked_at() {
        let mut exhibitor = tree(&["/a/b", "/a/b/c", "/a/d"]);
        let titles = |answer: Value| -> Vec<String> {
            let nodes = answer.as_array().unwrap().clone();
            nodes.iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(titles(ask(&mut exhibitor, "GET", "node?key=%2Fa")), ["b", "d"]);
        assert_eq!(titles(ask(&mut exhibitor, "GET", "node?key=/")), ["a"]);
        assert_eq!(titles(ask(&mut exhibitor, "GET", "node?key=/x")), ["* Exception *"]);
        let missing = json!({"bytes": "", "str": "", "stat": "* not found * "});
        assert_eq!(ask(&mut exhibitor, "GET", "node-data?key=/x"), missing);
        assert_ne!(ask(&mut exhibitor, "GET", "node-data?key=/a"), missing);
    }
}
