//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to everything it has understood, with
//! `{"message": ..., "succeeded": ...}`: only that body says whether the node
//! is gone.

use std::time::Duration;

use serde::Deserialize;

use crate::bindings::http::{Endpoint, Method};
use crate::bindings::log::{Event, Level, ZnodeOutcome, ZnodeResult};
use crate::guard;
use crate::host::{Answer, Host, explain, is_transient, request, short_pauses};

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
                let pause = is_transient(&error).then(|| short_pauses.next()).flatten();
                (ZnodeOutcome::Failed(explain(Endpoint::Exhibitor, &error)), pause)
            }
        };
        let Some(pause) = pause else { break outcome };
        if let ZnodeOutcome::Failed(why) = &outcome {
            host.say(Level::Debug, format!("{why}: trying again"), None);
        }
        host.pause(pause);
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
    use crate::bindings::http::Error;
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
