//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to everything that it has understood, with
//! `{"message": ..., "succeeded": ...}`: only that body says whether the node is deleted. And
//! even then another node may be deleted, because a proxy in between can have changed the path.
//! So a look at the node itself (`node-data`) has the last word. A deletion that was sent and
//! not answered continues without its client, and is watched in the same way.

mod look;
mod verdict;

use self::verdict::Verdict;
use crate::guard;
use crate::host::{Answer, Host, request};
use crate::retry::{Backoff, Retries, Retry};
use janitor_contract::types::{
    Endpoint, Error, Event, Level, Method, Options, ZnodeOutcome, ZnodeResult,
};

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
    /// Names a target's node.
    pub fn new(options: &Options, znode: &str) -> Self {
        let path = guard::segments(znode).collect::<Vec<_>>().join("/");
        Self { path, whole: guard::whole_path(options, znode), ..Self::root(options) }
    }

    /// Names the root.
    pub fn root(options: &Options) -> Self {
        let server = if options.zookeeper { ZOOKEEPER } else { EXHIBITOR };
        Self { path: String::new(), whole: String::new(), server }
    }

    /// Deletes the node and everything below it, and logs the outcome. It tries again where that
    /// may help, and watches a deletion that was sent and not answered until `backoff` ends.
    pub fn delete<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
        backoff: &mut Backoff,
    ) -> ZnodeResult {
        let mut path: Vec<String> = ["exhibitor", "v1", "explorer", "znode"].map(Into::into).into();
        path.extend(self.path.split('/').map(Into::into));
        let request = request(Endpoint::Exhibitor, Method::Delete, path);
        let outcome = loop {
            let verdict = match host.ask(&request) {
                Ok(answer) => self.judge(&answer),
                Err(error) => self.judge_error(&error),
            };
            match verdict {
                Verdict::Gone(outcome) => break self.verified(host, outcome, retries),
                Verdict::Failed(why, retry) => {
                    host.say(Level::Debug, &why, None);
                    if !retries.wait(host, retry) {
                        break ZnodeOutcome::Failed(why);
                    }
                }
                Verdict::Unknown(why) => break self.watched(host, why, backoff),
            }
        };
        let path = &self.whole;
        let (level, line) = match &outcome {
            // The original has one line for both: "if znode existed".
            ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent => (
                Level::Info,
                format!("Successfully deleted znode '{path}' (code=200), if znode existed."),
            ),
            ZnodeOutcome::Failed(why) => {
                (Level::Error, format!("ERROR: znode '{path}' is not deleted: {why}"))
            }
            ZnodeOutcome::Unknown(why) => (
                Level::Error,
                format!("ERROR: it is not known whether znode '{path}' is deleted: {why}"),
            ),
        };
        let result = ZnodeResult { path: path.clone(), outcome };
        host.say(level, line, Some(Event::Znode(result.clone())));
        result
    }

    /// Checks that a node is deleted after the server has said so.
    fn verified<H: Host>(
        &self,
        host: &mut H,
        outcome: ZnodeOutcome,
        retries: &mut Retries,
    ) -> ZnodeOutcome {
        let server = self.server;
        match self.exists(host, retries) {
            Ok(false) => outcome,
            Ok(true) if outcome == ZnodeOutcome::Absent => ZnodeOutcome::Failed(format!(
                "{server} says that it is not there, and shows it all the same: something on the \
                 way changes its name"
            )),
            Ok(true) => ZnodeOutcome::Failed(format!(
                "{server} says that it is, and still shows it: something else may have been deleted"
            )),
            Err(why) => ZnodeOutcome::Unknown(format!("{server} says that it is, but {why}")),
        }
    }

    /// Watches a deletion that was sent and not answered until the node is deleted.
    fn watched<H: Host>(&self, host: &mut H, why: String, backoff: &mut Backoff) -> ZnodeOutcome {
        host.say(Level::Debug, format!("{why}: checking whether the node is deleted"), None);
        loop {
            if let Ok(false) = self.data(host) {
                return ZnodeOutcome::Deleted(200);
            }
            if !backoff.wait(host) {
                return ZnodeOutcome::Unknown(format!(
                    "{why}. It may still be deleted: do not install the service again before you \
                     have looked at it"
                ));
            }
        }
    }

    /// Decides whether another try may help after an error. Where the host itself speaks with
    /// ZooKeeper, it has already tried all servers for long enough.
    fn retry_of(&self, error: &Error) -> Retry {
        if self.server == ZOOKEEPER { Retry::Never } else { Retry::of_error(error) }
    }

    /// Describes an answer whose status is not one of Exhibitor's explorer.
    fn refusal(&self, answer: &Answer) -> String {
        let server = self.server;
        let hint = match answer.status {
            401 => ": it wants valid credentials",
            403 => {
                ": changes are switched off in Exhibitor, or the permission \
                 dcos:adminrouter:ops:exhibitor is missing"
            }
            404 => ": there is no Exhibitor at its URL",
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

/// Returns whether ZooKeeper's words are about a cause that may disappear: nodes that are made or
/// deleted at the same time, or a server that is not serving at the moment. A deletion that the
/// host has stopped could be continued as well, if the run continued.
fn may_pass(message: &str) -> bool {
    [
        "NoNode",
        "NotEmpty",
        "Directory not empty",
        "ConnectionLoss",
        "SessionExpired",
        "the deletion was stopped",
    ]
    .into_iter()
    .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests;
