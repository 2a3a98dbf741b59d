//! Reads a node, and counts the nodes below it.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Tree, explorer, may_pass};
use crate::host::{Host, count, request};
use crate::retry::{Retries, Retry};
use janitor_contract::types::{Endpoint, Error, Method, Request, ZnodeState};

/// The number of nodes that are counted. If there are more, the state says only that.
pub(super) const COUNTED: u32 = 10_000;

/// The requests in flight, each with the path of its node.
type InFlight<E> = VecDeque<(String, Result<E, Error>)>;

/// An answer that could not be read.
pub(super) struct Unread {
    why: String,
    retry: Retry,
}

impl Tree {
    /// Finds the state of the node, and changes nothing.
    pub fn look<H: Host>(&self, host: &mut H, retries: &mut Retries) -> ZnodeState {
        match self.exists(host, retries) {
            Ok(true) => self.count_below(host).unwrap_or_else(ZnodeState::Uncounted),
            Ok(false) => ZnodeState::Absent,
            Err(why) => ZnodeState::Unknown(why),
        }
    }

    /// Returns whether the node exists: `GET exhibitor/v1/explorer/node-data`. The error is one
    /// sentence.
    pub(super) fn exists<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
    ) -> Result<bool, String> {
        loop {
            match self.data(host) {
                Ok(is_there) => return Ok(is_there),
                Err(Unread { retry, .. }) if retries.wait(host, retry) => {}
                Err(Unread { why, .. }) => return Err(why),
            }
        }
    }

    /// Asks once whether the node exists.
    pub(super) fn data<H: Host>(&self, host: &mut H) -> Result<bool, Unread> {
        #[derive(Deserialize)]
        struct NodeData {
            #[serde(default)]
            str: String,
            stat: Option<String>,
        }

        let sent = host.send(&explore("node-data", &format!("/{}", self.path)));
        let NodeData { str, stat } = self.understood(host, sent)?;
        let stat = stat.unwrap_or_default();
        if stat.is_empty() || str == "Exception" {
            // If the server says nothing more, an ACL is the likeliest reason.
            let words = match stat.trim() {
                "" => format!(
                    "it says only '{str}' (it may lack the permission, or ZooKeeper may not \
                     answer)"
                ),
                words => format!("it says: {words}"),
            };
            let why = format!("{} cannot read '{}': {words}", self.server, self.whole);
            let retry = if may_pass(&stat) { Retry::WhenReady } else { Retry::Never };
            return Err(Unread { why, retry });
        }
        Ok(!stat.contains("* not found *"))
    }

    /// Returns the names of the nodes below it.
    ///
    /// # Errors
    /// Fails if they cannot be listed; the error is one sentence.
    pub fn children<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
    ) -> Result<Vec<String>, String> {
        let key = format!("/{}", self.path);
        let keys = loop {
            let sent = host.send(&explore("node", &key));
            match self.understood(host, sent) {
                Ok(nodes) => break self.below(key.trim_end_matches('/'), nodes)?,
                Err(Unread { retry, .. }) if retries.wait(host, retry) => {}
                Err(Unread { why, .. }) => return Err(why),
            }
        };
        let name = |key: &String| key.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(keys.iter().map(name).collect())
    }

    /// Counts the nodes below it, with many requests in flight.
    fn count_below<H: Host>(&self, host: &mut H) -> Result<ZnodeState, String> {
        let mut in_flight = VecDeque::new();
        let state = self.count(host, &mut in_flight);
        // Otherwise, the other requests would have less room in the window.
        for exchange in in_flight.into_iter().filter_map(|(_, sent)| sent.ok()) {
            drop(host.finish(exchange));
        }
        state
    }

    /// Counts the nodes below it, and leaves the requests that are in flight at the end.
    fn count<H: Host>(
        &self,
        host: &mut H,
        in_flight: &mut InFlight<H::Exchange>,
    ) -> Result<ZnodeState, String> {
        let window = host.window().max(1);
        let mut unsent = vec![format!("/{}", self.path)];
        let mut found = 0;
        loop {
            while in_flight.len() < window
                && let Some(key) = unsent.pop()
            {
                let sent = host.send(&explore("node", &key));
                in_flight.push_back((key, sent));
            }
            let Some((key, sent)) = in_flight.pop_front() else {
                return Ok(ZnodeState::There(found));
            };
            let nodes = self.understood(host, sent).map_err(|unread| unread.why);
            let below = nodes.and_then(|nodes| self.below(&key, nodes))?;
            found += count(below.len());
            unsent.extend(below);
            if found > COUNTED {
                return Ok(ZnodeState::MoreThan(COUNTED));
            }
        }
    }

    /// Returns the paths of a node's children, if they really are its children.
    fn below(&self, parent: &str, nodes: Vec<Node>) -> Result<Vec<String>, String> {
        let server = self.server;
        let child = |Node { title, key }: Node| {
            if key == "*" {
                // The server reports a failure in this way, without a reason.
                return Err(format!("{server} cannot list the nodes below '{parent}/'"));
            }
            match key.strip_prefix(parent).and_then(|it| it.strip_prefix('/')) {
                Some(name) if !name.is_empty() && !name.contains('/') => Ok(key),
                _ => Err(format!("{server} lists '{title}' below '{parent}/'")),
            }
        };
        nodes.into_iter().map(child).collect()
    }

    /// Reads the answer to a request that changes nothing.
    fn understood<H: Host, T: DeserializeOwned>(
        &self,
        host: &mut H,
        sent: Result<H::Exchange, Error>,
    ) -> Result<T, Unread> {
        /// The limit of an answer, in bytes: enough for a node with 100,000 children.
        const LIMIT: usize = 32 << 20;
        let network =
            |error: &Error| Unread { why: error.of(self.server), retry: self.retry_of(error) };
        // With one byte more, an answer that is too long differs from one that makes no sense.
        let answer = sent.and_then(|exchange| host.answer_within(exchange, LIMIT + 1));
        let answer = answer.map_err(|error| network(&error))?;
        if answer.body.len() > LIMIT {
            return Err(network(&Error::TooLarge(LIMIT as u64)));
        }
        if let Some(error) = &answer.error {
            return Err(network(error));
        }
        let retry = Retry::of_status(answer.status);
        if answer.status != 200 {
            return Err(Unread { why: self.refusal(&answer), retry });
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| Unread { why: self.stranger(&answer), retry })
    }
}

/// An entry of `GET exhibitor/v1/explorer/node`.
#[derive(Deserialize)]
struct Node {
    title: String,
    key: String,
}

/// Makes a request to Exhibitor's explorer about a node.
fn explore(what: &str, key: &str) -> Request {
    let query = vec![("key".into(), key.into())];
    Request { query, ..request(Endpoint::Exhibitor, Method::Get, explorer(what)) }
}
