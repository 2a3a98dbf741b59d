//! The deletion of a node.

use super::verdict::Verdict;
use super::{Tree, explorer};
use crate::host::{Host, request};
use crate::retry::{Backoff, Retries};
use janitor_contract::types::{Endpoint, Event, Level, Method, ZnodeOutcome, ZnodeResult};

/// The end of one attempt to delete a node.
pub enum Deletion {
    /// There is nothing more to do.
    Over(ZnodeOutcome),
    /// It has failed for this reason, and is worth another attempt now.
    Again(String),
}

impl Tree {
    /// Deletes the node and everything below it. Where another attempt may help, it waits until it is time
    /// for that. It watches a deletion that was sent and not answered until `backoff` ends.
    pub fn delete<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
        backoff: &mut Backoff,
    ) -> Deletion {
        let mut path = explorer("znode");
        path.extend(self.path.split('/').map(Into::into));
        let request = request(Endpoint::Exhibitor, Method::Delete, path);
        let verdict = match host.ask(&request) {
            Ok(answer) => self.judge(&answer),
            Err(error) => self.judge_error(&error),
        };
        Deletion::Over(match verdict {
            Verdict::Gone(outcome) => self.verified(host, outcome, retries),
            Verdict::Failed(why, retry) => {
                host.say(Level::Debug, &why, None);
                if retries.wait(host, retry) {
                    return Deletion::Again(why);
                }
                ZnodeOutcome::Failed(why)
            }
            Verdict::Unknown(why) => self.watched(host, why, backoff),
        })
    }

    /// Logs the outcome of a deletion.
    pub fn report<H: Host>(&self, host: &mut H, outcome: ZnodeOutcome) -> ZnodeResult {
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
                format!("ERROR: it is unknown whether znode '{path}' is deleted: {why}"),
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
                "{server} answers that it does not exist, but still shows it: a proxy may have \
                 changed its name"
            )),
            Ok(true) => ZnodeOutcome::Failed(format!(
                "{server} answers that it is deleted, but still shows it: another node may have \
                 been deleted"
            )),
            Err(why) => {
                ZnodeOutcome::Unknown(format!("{server} answers that it is deleted, but {why}"))
            }
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
                    "{why}. It may still be deleted later: check it before you install the \
                     service again"
                ));
            }
        }
    }
}
