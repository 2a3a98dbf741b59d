//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to everything it has understood, with
//! `{"message": ..., "succeeded": ...}`: only that body says whether the node
//! is gone.

use serde::Deserialize;

use crate::bindings::http::{Endpoint, Method};
use crate::bindings::log::{Event, Level, ZnodeOutcome, ZnodeResult};
use crate::guard;
use crate::host::{Answer, Host, explain, request};

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    message: String,
    succeeded: bool,
}

/// Deletes the node and everything below it, and logs what became of it.
pub fn delete<H: Host>(host: &mut H, znode: &str) -> ZnodeResult {
    let mut path: Vec<String> = ["exhibitor", "v1", "explorer", "znode"].map(Into::into).into();
    path.extend(guard::segments(znode).map(Into::into));
    let outcome = match host.ask(&request(Endpoint::Exhibitor, Method::Delete, path)) {
        Ok(answer) => judge(znode, &answer),
        Err(error) => ZnodeOutcome::Failed(explain(Endpoint::Exhibitor, &error)),
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

fn judge(znode: &str, answer: &Answer) -> ZnodeOutcome {
    if let Some(error) = &answer.error {
        return ZnodeOutcome::Failed(explain(Endpoint::Exhibitor, error));
    }
    match (answer.status, serde_json::from_slice(&answer.body)) {
        (200, Ok(Verdict { succeeded: true, .. })) => ZnodeOutcome::Deleted(200),
        (200, Ok(Verdict { message, .. })) if is_no_node(&message, znode) => ZnodeOutcome::Absent,
        (200, Ok(Verdict { message, .. })) => {
            ZnodeOutcome::Failed(format!("Exhibitor says: {message}"))
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
    }
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
        let result = delete(&mut host, "a/b");
        assert_eq!(host.sent[0].path, ["exhibitor", "v1", "explorer", "znode", "a", "b"]);
        result.outcome
    }

    #[test]
    fn a_verdict_that_breaks_off_is_a_network_error() {
        let mut host = Script::default().broken(r#"{"message":"OK""#, Error::Reset);
        let why = "the connection to Exhibitor broke".to_owned();
        assert_eq!(delete(&mut host, "a").outcome, ZnodeOutcome::Failed(why));
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
