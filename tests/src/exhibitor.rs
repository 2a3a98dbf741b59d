//! Exhibitor's explorer. It always responds with 200, and reports success or failure in the body.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::message::{Delivery, Recorded, Reply};
use crate::state::{Deletion, Exhibitor, Late, LateAnswer};

const EXPLORER: &str = "/exhibitor/v1/explorer/";

/// Returns Exhibitor's response.
pub(crate) fn answer(exhibitor: &mut Exhibitor, request: &Recorded) -> Reply {
    let Some(path) = request.path_only().strip_prefix(EXPLORER) else {
        return Reply::empty(404);
    };
    let key = || request.parameter("key").unwrap_or_default();
    match (request.method.as_str(), path) {
        ("DELETE", _) if path.starts_with("znode/") => {
            let path = percent_decoded(&without_parameters(path.trim_start_matches("znode")));
            exhibitor.answer_delete(&path)
        }
        ("GET", "node") => Reply::json(200, &exhibitor.children(&key())),
        ("GET", "node-data") => Reply::json(200, &exhibitor.data(&key())),
        (_, "node" | "node-data") => Reply::empty(405),
        _ if path.starts_with("znode/") => Reply::empty(405),
        _ => Reply::empty(404),
    }
}

impl Exhibitor {
    /// Deletes a znode, or starts to.
    fn answer_delete(&mut self, path: &str) -> Reply {
        let Some(Late { answer, looks }) = self.late.clone() else {
            return Reply::json(200, &self.delete(path));
        };
        if let Some(looks) = looks {
            self.deletions.push(Deletion { path: path.to_owned(), looks });
            self.proceed(path, false);
        }
        match answer {
            LateAnswer::Never => Reply::lost(Delivery::Never),
            LateAnswer::Reset => Reply::lost(Delivery::Reset),
            LateAnswer::Page(502) => Reply::page(502, "502 Bad Gateway"),
            LateAnswer::Page(504) => Reply::page(504, "504 Gateway Time-out"),
            LateAnswer::Page(status) => Reply::page(status, &status.to_string()),
        }
    }

    /// Completes the deletions of a znode that have outlasted their clients, once their time has
    /// come.
    fn proceed(&mut self, path: &str, looked: bool) {
        let mut done = false;
        for deletion in self.deletions.iter_mut().filter(|deletion| deletion.path == path) {
            done |= deletion.looks == 0;
            deletion.looks = deletion.looks.saturating_sub(u32::from(looked));
        }
        if done {
            self.deletions.retain(|deletion| deletion.path != path);
            // A znode that cannot be deleted stays; no client is left to receive the error.
            let _ = self.try_delete(path);
        }
    }

    /// Deletes a znode and its descendants, children first. Nodes that were deleted before a
    /// failure stay deleted.
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
            if self.crowded.contains(&znode) {
                return Err(format!("KeeperErrorCode = ConnectionLoss for {znode}"));
            }
            // Implicit parents continue to exist when a child is deleted.
            let parent = znode.rsplit_once('/').map_or("", |(parent, _)| parent);
            if parent.len() > 1 && !self.znodes.iter().any(|one| one == parent) {
                self.znodes.push(parent.to_owned());
            }
            self.znodes.retain(|one| *one != znode);
        }
        Ok(())
    }

    /// Returns the children of a znode, as the nodes of a tree view.
    fn children(&self, path: &str) -> Value {
        let listed = self.exists(path)
            && !self.unreadable.contains_key(path)
            && !self.crowded.iter().any(|one| one == path);
        if check(path).is_err() || !listed {
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

    /// Returns a znode's data; every znode here is empty.
    fn data(&mut self, path: &str) -> Value {
        self.proceed(path, true);
        if let Some(stat) = self.unreadable.get(path) {
            return json!({"bytes": "", "str": "Exception", "stat": stat});
        }
        let stat = match self.exists(path) {
            true => "czxid: 1, mzxid: 1, version: 0, dataLength: 0",
            false => "* not found * ",
        };
        json!({"bytes": "", "str": "", "stat": stat})
    }

    fn exists(&self, path: &str) -> bool {
        path == "/" || !self.subtree(path).is_empty()
    }

    /// Returns the znode and its descendants, parents before children.
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

/// Returns the ancestors of a znode and the znode itself: for `/a/b`, these are `/a` and `/a/b`.
fn ancestry(znode: &str) -> impl Iterator<Item = &str> {
    let ends = znode.match_indices('/').map(|(at, _)| at).skip(1);
    ends.chain([znode.len()]).map(|end| &znode[..end])
}

/// Checks a path by the rules of the ZooKeeper client.
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

/// Removes the matrix parameters, which start at a literal `;`, from a path, as Jersey does.
fn without_parameters(path: &str) -> String {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

/// Decodes a text once; invalid escapes are kept.
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
    use crate::message::{Delivery, Recorded, Server};
    use crate::state::{Exhibitor, Late, LateAnswer};

    fn tree(znodes: &[&str]) -> Exhibitor {
        serde_json::from_value(json!({ "znodes": znodes })).unwrap()
    }

    fn request(method: &str, path: &str) -> Recorded {
        Recorded {
            server: Server::Exhibitor,
            method: method.to_owned(),
            path: format!("/exhibitor/v1/explorer/{path}"),
            content_type: None,
            authorization: None,
            body: String::new(),
        }
    }

    fn ask(exhibitor: &mut Exhibitor, method: &str, path: &str) -> Value {
        let reply = answer(exhibitor, &request(method, path));
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
        // The last attempt stopped at this point.
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

    #[test]
    fn a_semicolon_ends_a_name_unless_it_is_encoded() {
        for (path, left) in
            [("znode/a;b", vec!["/a;b"]), ("znode/a%3Bb", vec!["/a"]), ("znode/;x", vec![])]
        {
            let mut exhibitor = tree(&["/a", "/a;b"]);
            ask(&mut exhibitor, "DELETE", path);
            assert_eq!(exhibitor.znodes, left, "{path}");
        }
    }

    #[test]
    fn a_late_deletion_continues() {
        let mut exhibitor = tree(&["/a", "/a/b"]);
        exhibitor.late = Some(Late { answer: LateAnswer::Page(504), looks: Some(2) });
        let request = request("DELETE", "znode/a");
        assert_eq!(answer(&mut exhibitor, &request).status, 504);
        let mut found = || {
            let data = ask(&mut exhibitor, "GET", "node-data?key=/a");
            data["stat"] != "* not found * "
        };
        assert_eq!([found(), found(), found()], [true, true, false]);
    }

    #[test]
    fn a_late_deletion_may_never_end() {
        let mut exhibitor = tree(&["/a"]);
        exhibitor.late = Some(Late { answer: LateAnswer::Never, looks: None });
        let reply = answer(&mut exhibitor, &request("DELETE", "znode/a"));
        assert_eq!(reply.delivery, Delivery::Never);
        assert_eq!(exhibitor.znodes, ["/a"]);
    }

    #[test]
    fn a_node_may_be_out_of_reach() {
        let no_auth = "KeeperErrorCode = NoAuth for /a";
        let mut exhibitor: Exhibitor = serde_json::from_value(json!({
            "znodes": ["/a", "/b", "/c"],
            "unreadable": {"/a": no_auth, "/b": null},
            "crowded": ["/c"],
        }))
        .unwrap();
        let mut stat = |path: &str| {
            ask(&mut exhibitor, "GET", &format!("node-data?key={path}"))["stat"].clone()
        };
        assert_eq!(stat("/a"), no_auth);
        assert_eq!(stat("/b"), Value::Null);
        assert!(stat("/c").is_string());
        for path in ["/a", "/b", "/c"] {
            let children = ask(&mut exhibitor, "GET", &format!("node?key={path}"));
            assert_eq!(children[0]["title"], "* Exception *", "{path}");
        }
        let refused = ask(&mut exhibitor, "DELETE", "znode/c");
        assert_eq!(refused["message"], "KeeperErrorCode = ConnectionLoss for /c");
        assert_eq!(exhibitor.znodes, ["/a", "/b", "/c"]);
    }
}
