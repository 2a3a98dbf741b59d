//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to every valid request, with `{"message": ..., "succeeded": ...}`: only
//! the body says whether the node is deleted. Even then, another node may have been deleted
//! instead, because a proxy can have changed the path. Therefore, reading the node itself
//! (`node-data`) decides. A deletion that was sent but not answered continues without its
//! client, and is watched in the same way.

mod delete;
mod look;
mod verdict;

pub use self::verdict::Verdict;
use crate::guard;
use crate::host::Answer;
use crate::retry::Retry;
use janitor_contract::request::{DELETION_STOPPED, EXPLORER};
use janitor_contract::types::{Error, Options};

/// The names of the servers that may answer.
const EXHIBITOR: &str = "Exhibitor";
const ZOOKEEPER: &str = "ZooKeeper";

/// A node of ZooKeeper, as the endpoint `exhibitor` shows it.
pub struct Tree {
    /// Its path for the endpoint, without slashes at its ends; empty for the root.
    path: String,
    /// Its whole path in ZooKeeper, without slashes at its ends.
    whole: String,
    /// The name of the server that answers: Exhibitor, or ZooKeeper itself.
    server: &'static str,
}

impl Tree {
    /// Creates the value for a target's node.
    pub fn new(options: &Options, znode: &str) -> Self {
        let path = guard::segments(znode).collect::<Vec<_>>().join("/");
        Self { path, whole: guard::whole_path(options, znode), ..Self::root(options) }
    }

    /// Creates the value for the root.
    pub fn root(options: &Options) -> Self {
        let server = if options.zookeeper { ZOOKEEPER } else { EXHIBITOR };
        Self { path: String::new(), whole: String::new(), server }
    }

    /// Decides whether another try may help after an error. If the host itself connects to
    /// ZooKeeper, it has already tried all servers for long enough.
    fn retry_of(&self, error: &Error) -> Retry {
        if self.server == ZOOKEEPER { Retry::Never } else { Retry::of_error(error) }
    }

    /// Describes an answer whose status is not one of Exhibitor's explorer.
    fn refusal(&self, answer: &Answer) -> String {
        let server = self.server;
        let hint = match answer.status {
            401 => ": it requires valid credentials",
            403 => {
                ": Exhibitor is configured to allow no changes, or the permission \
                 dcos:adminrouter:ops:exhibitor is missing"
            }
            404 => ": there is no Exhibitor at this URL",
            _ => "",
        };
        format!("{server} answers {}{hint}", answer.summary())
    }

    /// Describes an answer that is not Exhibitor's.
    fn stranger(&self, answer: &Answer) -> String {
        let text = answer.text();
        format!("the answer is not {}'s (a login page or a proxy?): {text}", self.server)
    }
}

/// Returns the path of one of the explorer's endpoints.
fn explorer(endpoint: &str) -> Vec<String> {
    EXPLORER.into_iter().chain([endpoint]).map(Into::into).collect()
}

/// Returns whether ZooKeeper's message names a cause that may disappear: nodes that are created
/// or deleted at the same time, or a server that is not serving at the moment. A deletion that the
/// host has stopped could be continued as well, if the run continued.
fn may_pass(message: &str) -> bool {
    [
        "NoNode",
        "NotEmpty",
        "Directory not empty",
        "ConnectionLoss",
        "SessionExpired",
        DELETION_STOPPED,
    ]
    .into_iter()
    .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests;
