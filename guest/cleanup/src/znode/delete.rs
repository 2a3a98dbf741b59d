//! The deletion of a node.

use std::time::Duration;

use super::{Tree, Verdict, explorer};
use crate::host::{Host, request};
use crate::retry::{Backoff, Retries, Retry};
use janitor_contract::types::{Endpoint, Event, Level, Method, ZnodeOutcome, ZnodeResult};

impl Tree {
    /// Asks the server to delete the node and everything below it.
    pub fn delete<H: Host>(&self, host: &mut H) -> Verdict {
        let mut path = explorer("znode");
        path.extend(self.path.split('/').map(Into::into));
        let request = request(Endpoint::Exhibitor, Method::Delete, path);
        match host.ask(&request) {
            Ok(answer) => self.judge(&answer),
            Err(error) => self.judge_error(&error),
        }
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
    pub fn verified<H: Host>(
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

    /// Watches a deletion that was sent and not answered until the node is deleted. A node that is still there has
    /// this long, and a server that does not show it has the time of `retries`.
    pub fn watched<H: Host>(
        &self,
        host: &mut H,
        why: String,
        limit: Duration,
        retries: &mut Retries,
    ) -> ZnodeOutcome {
        host.say(Level::Debug, format!("{why}: checking whether the node is deleted"), None);
        let mut backoff = Backoff::new(host, limit);
        loop {
            let looks_again = match self.data(host) {
                Ok(false) => return ZnodeOutcome::Deleted(200),
                Ok(true) => backoff.wait(host),
                Err(_) => retries.wait(host, Retry::WhenReady),
            };
            if !looks_again {
                return ZnodeOutcome::Unknown(format!(
                    "{why}. It may still be deleted later: check it before you install the \
                     service again"
                ));
            }
        }
    }
}
