//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to everything it has understood, with
//! `{"message": ..., "succeeded": ...}`: only that body says whether the node
//! is gone.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::cleanup::ZnodeState;
use crate::bindings::http::{Endpoint, Error, Method, Request};
use crate::bindings::log::{Event, Level, ZnodeOutcome, ZnodeResult};
use crate::guard;
use crate::host::{Answer, Host, Passes, count, explain, request, short_pauses};

/// How many nodes are counted at most.
const COUNTED: u32 = 10_000;

/// Looks at what is at a node, and changes nothing.
pub fn look<H: Host>(host: &mut H, znode: &str) -> ZnodeState {
    let state = match exists(host, znode) {
        Ok(true) => count_below(host, znode),
        Ok(false) => Ok(ZnodeState::Absent),
        Err(why) => Err(why),
    };
    state.unwrap_or_else(ZnodeState::Unknown)
}

/// Whether there is a node: `GET exhibitor/v1/explorer/node-data`.
///
/// # Errors
/// One sentence.
pub fn exists<H: Host>(host: &mut H, znode: &str) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct NodeData {
        #[serde(default)]
        str: String,
        #[serde(default)]
        stat: String,
    }

    let sent = host.send(&explore("node-data", &format!("/{znode}")));
    let NodeData { str, stat } = understood(host, sent)?;
    if stat.is_empty() || str == "Exception" {
        return Err("Exhibitor cannot look at it".into());
    }
    Ok(!stat.contains("* not found *"))
}

/// The names of the nodes at the root.
///
/// # Errors
/// One sentence.
pub fn children_of_the_root<H: Host>(host: &mut H) -> Result<Vec<String>, String> {
    let sent = host.send(&explore("node", "/"));
    let keys = children("", understood(host, sent)?)?;
    Ok(keys.into_iter().map(|key| key.trim_start_matches('/').to_owned()).collect())
}

/// Counts the nodes below one, many at a time.
fn count_below<H: Host>(host: &mut H, znode: &str) -> Result<ZnodeState, String> {
    let window = host.window().max(1);
    let mut unsent = vec![format!("/{znode}")];
    let mut in_flight = VecDeque::new();
    let mut found = 0;
    loop {
        while in_flight.len() < window
            && let Some(key) = unsent.pop()
        {
            let sent = host.send(&explore("node", &key));
            in_flight.push_back((key, sent));
        }
        let Some((key, sent)) = in_flight.pop_front() else { return Ok(ZnodeState::There(found)) };
        let below = understood(host, sent).and_then(|nodes| children(&key, nodes))?;
        found += count(below.len());
        unsent.extend(below);
        if found >= COUNTED {
            return Ok(ZnodeState::MoreThan(found));
        }
    }
}

/// An entry of `GET exhibitor/v1/explorer/node`.
#[derive(Deserialize)]
struct Node {
    title: String,
    key: String,
}

/// The paths of a node's children, if they are a node's children.
fn children(parent: &str, nodes: Vec<Node>) -> Result<Vec<String>, String> {
    let child = |Node { title, key }: Node| {
        if key == "*" {
            // So it says that something went wrong, and no more than that.
            return Err(format!("Exhibitor cannot list what is below '{parent}/'"));
        }
        match key.strip_prefix(parent).and_then(|it| it.strip_prefix('/')) {
            Some(name) if !name.is_empty() && !name.contains('/') => Ok(key),
            _ => Err(format!("Exhibitor lists '{title}' below '{parent}/'")),
        }
    };
    nodes.into_iter().map(child).collect()
}

fn explore(what: &str, key: &str) -> Request {
    let path = ["exhibitor", "v1", "explorer", what].map(Into::into).into();
    let query = vec![("key".into(), key.into())];
    Request { query, ..request(Endpoint::Exhibitor, Method::Get, path) }
}

/// What Exhibitor answers to a look.
fn understood<H: Host, T: DeserializeOwned>(
    host: &mut H,
    sent: Result<H::Exchange, Error>,
) -> Result<T, String> {
    /// Room for a node with 100,000 children.
    const LIMIT: usize = 32 << 20;
    let answer = sent.and_then(|exchange| host.answer_within(exchange, LIMIT));
    let answer = answer.map_err(|error| explain(Endpoint::Exhibitor, &error))?;
    if let Some(error) = &answer.error {
        return Err(explain(Endpoint::Exhibitor, error));
    }
    if answer.status != 200 {
        return Err(format!("Exhibitor answers {}", answer.summary()));
    }
    serde_json::from_slice(&answer.body).map_err(|_| {
        format!("what answers is not Exhibitor (a login page or a proxy?): {}", answer.text())
    })
}

/// What Exhibitor says.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    message: String,
    succeeded: bool,
}

/// Deletes the node and everything below it, and logs what became of it. What may
/// pass is waited for, as long as there are `pauses`.
pub fn delete<H: Host>(
    host: &mut H,
    znode: &str,
    mut pauses: impl Iterator<Item = Duration>,
) -> ZnodeResult {
    let mut path: Vec<String> = ["exhibitor", "v1", "explorer", "znode"].map(Into::into).into();
    path.extend(guard::segments(znode).map(Into::into));
    let request = request(Endpoint::Exhibitor, Method::Delete, path);
    let mut short_pauses = short_pauses();
    let outcome = loop {
        let (outcome, pause) = match host.ask(&request) {
            Ok(answer) => match judge(znode, &answer) {
                Verdict::Done(outcome) => break outcome,
                Verdict::Passing(why) => (ZnodeOutcome::Failed(why), pauses.next()),
            },
            Err(error) => {
                let passes = Passes::of_error(&error) == Passes::Soon;
                let pause = passes.then(|| short_pauses.next()).flatten();
                (ZnodeOutcome::Failed(explain(Endpoint::Exhibitor, &error)), pause)
            }
        };
        let Some(pause) = pause else { break outcome };
        if let ZnodeOutcome::Failed(why) = &outcome {
            host.say(Level::Debug, format!("{why}: trying again"), None);
        }
        if !host.pause(pause) {
            break outcome;
        }
    };
    let (level, line) = match &outcome {
        // One line for both, as the reference has it: "if znode existed".
        ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent => (
            Level::Info,
            format!("Successfully deleted znode '{znode}' (code=200), if znode existed."),
        ),
        ZnodeOutcome::Failed(why) => {
            (Level::Error, format!("ERROR: znode '{znode}' is not deleted: {why}"))
        }
    };
    let result = ZnodeResult { path: znode.into(), outcome };
    host.say(level, line, Some(Event::Znode(result.clone())));
    result
}

/// What an answer means.
enum Verdict {
    Done(ZnodeOutcome),
    /// A failure that may be none a moment later.
    Passing(String),
}

fn judge(znode: &str, answer: &Answer) -> Verdict {
    if let Some(error) = &answer.error {
        return Verdict::Done(ZnodeOutcome::Failed(explain(Endpoint::Exhibitor, error)));
    }
    Verdict::Done(match (answer.status, serde_json::from_slice(&answer.body)) {
        (200, Ok(Answered { succeeded: true, .. })) => ZnodeOutcome::Deleted(200),
        (200, Ok(Answered { message, .. })) if is_no_node(&message, znode) => ZnodeOutcome::Absent,
        (200, Ok(Answered { message, .. })) => {
            let why = format!("Exhibitor says: {message}");
            if may_pass(&message) {
                return Verdict::Passing(why);
            }
            ZnodeOutcome::Failed(why)
        }
        (200, Err(_)) => ZnodeOutcome::Failed(format!(
            "what answers is not Exhibitor (a login page or a proxy?): {}",
            answer.text()
        )),
        (403, _) => ZnodeOutcome::Failed(format!(
            "Exhibitor answers {}: changes are switched off in Exhibitor, \
             or the permission dcos:adminrouter:ops:exhibitor is missing",
            answer.summary()
        )),
        _ => ZnodeOutcome::Failed(format!("Exhibitor answers {}", answer.summary())),
    })
}

/// Whether ZooKeeper's words are about something that passes: nodes that come
/// and go while the tree is deleted, or a server that is just not serving.
fn may_pass(message: &str) -> bool {
    ["NoNode", "NotEmpty", "Directory not empty", "ConnectionLoss", "SessionExpired"]
        .into_iter()
        .any(|words| message.contains(words))
}

/// Whether ZooKeeper says that the node itself is not there. The same words
/// about a node below it mean that someone else was deleting at the same time.
fn is_no_node(message: &str, znode: &str) -> bool {
    let missing = message.split_once("NoNode for /").map(|(_, path)| path.trim());
    missing == Some(znode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    fn outcome(status: u16, body: &str) -> ZnodeOutcome {
        let mut host = Script::default().answer(status, body);
        let result = delete(&mut host, "a/b", std::iter::empty());
        assert_eq!(host.sent[0].path, ["exhibitor", "v1", "explorer", "znode", "a", "b"]);
        result.outcome
    }

    #[test]
    fn a_verdict_that_breaks_off_is_a_network_error() {
        let mut host = Script::default().broken(r#"{"message":"OK""#, Error::Reset);
        let why = "the connection to Exhibitor broke".to_owned();
        let result = delete(&mut host, "a", std::iter::empty());
        assert_eq!(result.outcome, ZnodeOutcome::Failed(why));
    }

    #[test]
    fn the_nodes_below_are_counted() {
        let node = |key: &str| format!(r#"{{"title":"t","key":"{key}","isLazy":true}}"#);
        let there = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;
        let mut host = Script::default()
            .answer(200, there)
            .answer(200, format!("[{},{}]", node("/a/b"), node("/a/c")))
            .answer(200, format!("[{}]", node("/a/c/d")))
            .answer(200, "[]")
            .answer(200, "[]");
        assert_eq!(look(&mut host, "a"), ZnodeState::There(3));
        let keys: Vec<_> = host.sent.iter().map(|request| request.query[0].1.as_str()).collect();
        assert_eq!(keys, ["/a", "/a", "/a/c", "/a/b", "/a/c/d"]);
        let mut host = Script::default().answer(200, r#"{"stat":"* not found * "}"#);
        assert_eq!(look(&mut host, "a"), ZnodeState::Absent);
        for odd in [node("*"), node("/b"), node("/a/b/c"), node("/a/"), node("/ab")] {
            let mut host = Script::default().answer(200, there).answer(200, format!("[{odd}]"));
            assert!(matches!(look(&mut host, "a"), ZnodeState::Unknown(_)), "{odd}");
        }
        for (status, body) in [(200, "<html>"), (403, ""), (200, "[]")] {
            let mut host = Script::default().answer(status, body);
            assert!(matches!(look(&mut host, "a"), ZnodeState::Unknown(_)), "{body}");
        }
    }

    #[test]
    fn what_passes_is_waited_for() {
        let raced = |what: &str| {
            format!(r#"{{"message":"KeeperErrorCode = {what} for /a/c","succeeded":false}}"#)
        };
        let mut host = Script::default()
            .answer(200, raced("Directory not empty"))
            .answer(200, raced("ConnectionLoss"))
            .fails(Error::Reset)
            .answer(200, raced("NoNode"))
            .answer(200, r#"{"message":"OK","succeeded":true}"#);
        let result = delete(&mut host, "a", short_pauses());
        assert_eq!(result.outcome, ZnodeOutcome::Deleted(200));
        assert_eq!(host.sent.len(), 5);
        let mut host = Script::default();
        for _ in 0..4 {
            host = host.answer(200, raced("ConnectionLoss"));
        }
        let result = delete(&mut host, "a", short_pauses());
        assert!(matches!(result.outcome, ZnodeOutcome::Failed(_)));
        assert_eq!(host.sent.len(), 4);
    }

    #[test]
    fn only_the_body_says_whether_it_is_gone() {
        let no_node = r#"{"message":"KeeperErrorCode = NoNode for /a/b","succeeded":false}"#;
        let deleted = outcome(200, r#"{"message":"OK","succeeded":true}"#);
        assert_eq!(deleted, ZnodeOutcome::Deleted(200));
        assert_eq!(outcome(200, no_node), ZnodeOutcome::Absent);
        for (status, body) in [
            (200, r#"{"message":"KeeperErrorCode = NoNode for /a/b/c","succeeded":false}"#),
            (200, r#"{"message":"KeeperErrorCode = NoAuth for /a/b","succeeded":false}"#),
            (200, r#"{"succeeded":false}"#),
            (200, r#"{"message":"OK"}"#),
            (200, "<html>Log in</html>"),
            (200, ""),
            (202, r#"{"message":"OK","succeeded":true}"#),
            (403, ""),
            (404, "Not Found"),
            (500, r#"{"message":"OK","succeeded":true}"#),
        ] {
            assert!(matches!(outcome(status, body), ZnodeOutcome::Failed(_)), "{status} {body}");
        }
    }
}
