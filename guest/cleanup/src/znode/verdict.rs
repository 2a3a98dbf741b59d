//! The meaning of the answer to a deletion.

use serde::Deserialize;

use super::{EXHIBITOR, Tree, ZOOKEEPER, may_pass};
use crate::host::Answer;
use crate::retry::Retry;
use janitor_contract::types::{Error, ZnodeOutcome};

/// Exhibitor's answer to a deletion.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    message: String,
    succeeded: bool,
}

/// The meaning of an answer to a deletion.
pub enum Verdict {
    /// The server says that the node is deleted.
    Gone(ZnodeOutcome),
    /// The node is not deleted for this reason; another try may be worthwhile.
    Failed(String, Retry),
    /// The node may be deleted, or still be deleted later.
    Unknown(String),
}

impl Tree {
    /// Judges a deletion without an answer.
    pub(super) fn judge_error(&self, error: &Error) -> Verdict {
        let why = error.of(self.server);
        match error {
            // The server may have deleted the node all the same.
            Error::Timeout | Error::Reset | Error::Protocol(_) | Error::Internal(_) => {
                Verdict::Unknown(why)
            }
            error => Verdict::Failed(why, self.retry_of(error)),
        }
    }

    /// Judges a deletion by its answer.
    pub(super) fn judge(&self, answer: &Answer) -> Verdict {
        if let Some(error) = &answer.error {
            return self.judge_error(error);
        }
        match (answer.status, serde_json::from_slice(&answer.body)) {
            (200, Ok(Answered { succeeded: true, .. })) => {
                Verdict::Gone(ZnodeOutcome::Deleted(200))
            }
            (200, Ok(Answered { message, .. })) if self.is_missing(&message) => {
                Verdict::Gone(ZnodeOutcome::Absent)
            }
            (200, Ok(Answered { message, .. })) => self.judge_message(&message),
            (200, Err(_)) => Verdict::Failed(self.stranger(answer), Retry::Never),
            // The deletion may continue behind a proxy, or in a server that stopped answering.
            (408 | 500 | 502 | 504, _) => Verdict::Unknown(self.refusal(answer)),
            (status, _) => Verdict::Failed(self.refusal(answer), Retry::of_status(status)),
        }
    }

    /// Judges a failure by its message. This quotes ZooKeeper; or, if the host itself connects to
    /// ZooKeeper, it may be the host's own, and is not attributed to the server.
    fn judge_message(&self, message: &str) -> Verdict {
        let mut why = match self.server == ZOOKEEPER && !message.starts_with("KeeperErrorCode") {
            true => message.to_owned(),
            false => format!("{} says: {message}", self.server),
        };
        let below = format!("/{}/", self.whole);
        if message.contains(&below) {
            why += " (some of the nodes below it may be deleted)";
        }
        if message.contains("ConnectionLoss") && self.server == EXHIBITOR {
            why += " (Exhibitor cannot delete a node if the names of its children exceed about \
                    1 MiB in total; ZooKeeper itself can: use an Exhibitor URL that begins with \
                    zk://)";
        }
        Verdict::Failed(why, if may_pass(message) { Retry::WhenReady } else { Retry::Never })
    }

    /// Returns whether ZooKeeper says that the node itself does not exist. The same message about
    /// a node below it means that somebody else was deleting nodes at the same time.
    fn is_missing(&self, message: &str) -> bool {
        let missing = message.split_once("NoNode for /").map(|(_, path)| path);
        missing.is_some_and(|it| it == self.whole || it.trim() == self.whole)
    }
}
