//! Stands in for Exhibitor: answers its one request, the deletion of a node with
//! everything below it, from a session with ZooKeeper itself. The answers have
//! Exhibitor's form and ZooKeeper's words, so nobody behind it can tell.

use std::io::Cursor;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::runtime;
use tokio::time::timeout;
use zookeeper_client::{Client, Error as KeeperError};

use super::live::InFlight;
use super::{Exchange, Request, Response, Transport};
use crate::bindings::http::{Error, Method};
use crate::ensemble::Ensemble;
use crate::{Digest, Limits};

/// The path of Exhibitor's request, up to the node's.
const EXPLORER: &str = "exhibitor/v1/explorer/znode/";

/// Answers the requests to an ensemble, and hands on all others.
pub struct ZooKeeper {
    base: String,
    session: Session,
    others: Box<dyn Transport>,
}

/// What it takes to open a session.
#[derive(Clone)]
struct Session {
    ensemble: Ensemble,
    digest: Option<Digest>,
    connect: Duration,
    answer: Duration,
}

impl ZooKeeper {
    /// A transport for what goes to `ensemble`, in front of the one for
    /// everything else. It keeps to the limits on connecting, and on the answer to
    /// each single operation; a deletion that goes on may take as long as it needs.
    pub fn new(
        ensemble: Ensemble,
        digest: Option<Digest>,
        limits: &Limits,
        others: Box<dyn Transport>,
    ) -> Self {
        let base = ensemble.to_string();
        let Limits { connect, answer, .. } = *limits;
        Self { base, session: Session { ensemble, digest, connect, answer }, others }
    }
}

impl Transport for ZooKeeper {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let Some(path) = request.url.strip_prefix(&self.base) else {
            return self.others.send(request);
        };
        let (method, path, session) = (request.method, path.to_owned(), self.session.clone());
        Box::new(InFlight::start(move || match (method, path.strip_prefix(EXPLORER)) {
            (Method::Delete, Some(node)) => answer(&session, node),
            _ => Ok(response(404, "text/plain", b"Not Found".into())),
        }))
    }

    fn pause(&mut self, duration: Duration) {
        self.others.pause(duration);
    }
}

fn response(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    Response { status, content_type: Some(content_type.into()), body: Box::new(Cursor::new(body)) }
}

/// Deletes the node that a URL's path names, and says so in Exhibitor's form.
fn answer(session: &Session, encoded: &str) -> Result<Response, Error> {
    let (message, succeeded) = match node(&session.ensemble.chroot, encoded) {
        Err(refusal) => (refusal, false),
        Ok(node) => {
            let runtime = runtime::Builder::new_current_thread().enable_time().build();
            let runtime =
                runtime.map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
            match runtime.block_on(delete(session, &node))? {
                Ok(()) => ("OK".to_owned(), true),
                Err(message) => (message, false),
            }
        }
    };
    let body = serde_json::json!({ "message": message, "succeeded": succeeded }).to_string();
    Ok(response(200, "application/json", body.into_bytes()))
}

/// The path below the chroot that a URL's path names, decoded once. The policy
/// has allowed it already; that it is neither the root nor ZooKeeper's own is too
/// dear to be looked at in one place only.
fn node(chroot: &str, encoded: &str) -> Result<String, String> {
    let mut path = String::new();
    for segment in encoded.split('/') {
        match percent_decode_str(segment).decode_utf8() {
            Ok(it) if !matches!(&*it, "" | "." | "..") && !it.contains('/') => {
                path = format!("{path}/{it}");
            }
            _ => return Err(format!("'{encoded}' is not the plain path of a node")),
        }
    }
    let whole = format!("{chroot}{path}");
    if whole.split('/').nth(1) == Some("zookeeper") {
        return Err(format!("{whole} is ZooKeeper's own"));
    }
    Ok(path)
}

/// Opens a session, and deletes a node and everything below it.
async fn delete(session: &Session, node: &str) -> Result<Result<(), String>, Error> {
    let client = session.open().await?;
    let mut subtree = Subtree { client: &client, root: node, answer: session.answer, deleted: 0 };
    let outcome = subtree.delete().await;
    // Where no server answers, none hears of an end either.
    let heard = !outcome.as_ref().is_err_and(Refusal::is_loss);
    let told = outcome.map_err(|refusal| refusal.told(&subtree));
    if heard {
        session.close(client).await;
    }
    Ok(told)
}

impl Session {
    /// Opens a session with the first server that gives one. Servers that start or
    /// elect their leader just then are waited for.
    async fn open(&self) -> Result<Client, Error> {
        let servers = &self.ensemble.servers;
        let count = servers.len();
        // The client tries one server after the other for as long as the session
        // would live, so that must be enough for all of them.
        let patience = self.connect * (1 + u32::try_from(count).unwrap_or(1));
        let mut connector = Client::connector()
            .with_connection_timeout(self.connect)
            .with_session_timeout(patience);
        if let Some(digest) = &self.digest {
            connector = connector.with_auth("digest", digest.bytes());
        }
        let client = connector.connect(&servers.join(",")).await.map_err(|error| match error {
            KeeperError::Timeout => Error::Connect(format!(
                "none of the {count} ZooKeeper server(s) in its URL has opened a session in {} s \
                 (are they up, and are these their client ports?)",
                patience.as_secs()
            )),
            KeeperError::AuthFailed => Error::Connect("ZooKeeper does not let this user in".into()),
            error => Error::Connect(format!("ZooKeeper opens no session: {error}")),
        })?;
        let chroot = if self.ensemble.chroot.is_empty() { "/" } else { &self.ensemble.chroot };
        client
            .chroot(chroot)
            .map_err(|_| Error::Internal(format!("ZooKeeper takes no chroot {chroot}")))
    }

    /// Ends the session, so that the server need not keep it until it expires.
    async fn close(&self, client: Client) {
        let mut state = client.state_watcher();
        drop(client);
        // What has been done is done; when this fails, the server ends it.
        let _ = timeout(self.connect, state.changed()).await;
    }
}

/// A node and everything below it, on its way out.
struct Subtree<'a> {
    client: &'a Client,
    root: &'a str,
    /// How long one operation may take.
    answer: Duration,
    /// How many nodes are gone by now.
    deleted: u64,
}

/// An operation that keeps a subtree from being deleted.
struct Refusal {
    error: KeeperError,
    node: String,
}

impl Refusal {
    /// Whether it is not an answer, but the lack of one.
    fn is_loss(&self) -> bool {
        use KeeperError::{ConnectionLoss, SessionExpired, Timeout};
        matches!(self.error, ConnectionLoss | SessionExpired | Timeout)
    }

    /// What it means for the subtree, in ZooKeeper's words first.
    fn told(&self, subtree: &Subtree) -> String {
        let Self { error, node } = self;
        let (root, deleted) = (subtree.root, subtree.deleted);
        let first = format!("KeeperErrorCode = {} for {node}", code(error));
        let why = match error {
            KeeperError::NoNode if node == root => return first,
            KeeperError::NoAuth => "the ACL of this node or its parent does not let this user; ",
            KeeperError::NotEmpty => "something still creates nodes in there; ",
            KeeperError::SessionExpired => "no server could be reached any more; ",
            _ => "",
        };
        // A server that dies may have done what it has not answered.
        format!("{first} ({why}at least {deleted} node(s) of {root} are deleted, the rest is left)")
    }
}

/// The word that ZooKeeper's own client in Java has for an error, and so Exhibitor.
fn code(error: &KeeperError) -> String {
    match error {
        KeeperError::NoNode => "NoNode",
        KeeperError::NoAuth => "NoAuth",
        KeeperError::NotEmpty => "Directory not empty",
        KeeperError::ConnectionLoss => "ConnectionLoss",
        KeeperError::SessionExpired => "Session expired",
        KeeperError::AuthFailed => "AuthFailed",
        KeeperError::BadArguments(_) => "BadArguments",
        KeeperError::Timeout => "OperationTimeout",
        error => return error.to_string(),
    }
    .into()
}

/// A node on the stack of a walk.
enum Step {
    /// What is below it is not known.
    List(String),
    /// What is below it comes before it.
    Delete(String),
}

impl Subtree<'_> {
    /// How often the subtree is walked while someone puts new nodes into it.
    const WALKS: usize = 10;
    /// How many nodes one request deletes.
    const BATCH: usize = 100;
    /// How long their paths may be together: a server takes 1 MB (`jute.maxbuffer`).
    const BATCH_BYTES: usize = 256 << 10;
    /// How often an operation is begun again when its connection breaks.
    const TRIES: usize = 3;

    /// Deletes it, leaves first.
    async fn delete(&mut self) -> Result<(), Refusal> {
        let mut grown = self.walk(true).await?;
        for _ in 1..Self::WALKS {
            if grown.is_none() {
                return Ok(());
            }
            grown = self.walk(false).await?;
        }
        grown.map_or(Ok(()), Err)
    }

    /// Goes through the subtree once, and deletes what it finds. Returns a node
    /// that has got children on the way, if there is one. Only the first walk finds
    /// that the root is not there; later, someone else has deleted it.
    async fn walk(&mut self, first: bool) -> Result<Option<Refusal>, Refusal> {
        let mut grown = None;
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut stack = vec![Step::List(self.root.to_owned())];
        while let Some(step) = stack.pop() {
            let node = match step {
                Step::Delete(node) => node,
                Step::List(node) => match self.children(&node).await {
                    Err(Refusal { error: KeeperError::NoNode, node })
                        if !first || node != self.root =>
                    {
                        continue;
                    }
                    Err(refusal) => return Err(refusal),
                    Ok(children) if children.is_empty() => node,
                    Ok(children) => {
                        let below = |child| Step::List(format!("{node}/{child}"));
                        let below: Vec<_> = children.into_iter().map(below).collect();
                        stack.push(Step::Delete(node));
                        stack.extend(below);
                        continue;
                    }
                },
            };
            bytes += node.len();
            batch.push(node);
            if batch.len() == Self::BATCH || bytes >= Self::BATCH_BYTES {
                grown = self.delete_batch(&batch).await?.or(grown);
                batch.clear();
                bytes = 0;
            }
        }
        Ok(self.delete_batch(&batch).await?.or(grown))
    }

    /// Deletes some nodes in this order: in one request, or one by one when that
    /// fails, because only then it is known which one is in the way. Returns one
    /// that has got children.
    async fn delete_batch(&mut self, nodes: &[String]) -> Result<Option<Refusal>, Refusal> {
        if self.delete_at_once(nodes).await.is_ok() {
            self.deleted += nodes.len() as u64;
            return Ok(None);
        }
        let mut grown = None;
        for node in nodes {
            match self.patiently(node, || self.client.delete(node, None)).await {
                Ok(()) => self.deleted += 1,
                Err(Refusal { error: KeeperError::NoNode, .. }) => {}
                Err(refusal @ Refusal { error: KeeperError::NotEmpty, .. }) => {
                    grown = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(grown)
    }

    /// Deletes all of these nodes or none.
    async fn delete_at_once(&self, nodes: &[String]) -> Result<(), ()> {
        let mut writer = self.client.new_multi_writer();
        for node in nodes {
            writer.add_delete(node, None).map_err(drop)?;
        }
        timeout(self.answer, writer.commit()).await.map_err(drop)?.map(drop).map_err(drop)
    }

    /// The names of a node's children.
    async fn children(&self, node: &str) -> Result<Vec<String>, Refusal> {
        self.patiently(node, || self.client.list_children(node)).await
    }

    /// Carries out an operation, and begins it again when its connection breaks:
    /// the client looks for another server meanwhile, as long as the session lives.
    async fn patiently<T, F>(&self, node: &str, operation: impl Fn() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, KeeperError>>,
    {
        let mut tries = 1;
        loop {
            let error = match timeout(self.answer, operation()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(KeeperError::ConnectionLoss)) if tries < Self::TRIES => {
                    tries += 1;
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => KeeperError::Timeout,
            };
            return Err(Refusal { error, node: node.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once() {
        for (encoded, path) in [
            ("a", "/a"),
            ("a/b", "/a/b"),
            ("a%20b/c%2525%3F", "/a b/c%25?"),
            ("%C3%BC/zookeeper", "/ü/zookeeper"),
            ("exhibitor/v1/explorer/znode/a", "/exhibitor/v1/explorer/znode/a"),
        ] {
            assert_eq!(node("", encoded).as_deref(), Ok(path), "{encoded}");
        }
    }

    #[test]
    fn what_must_not_be_deleted_is_refused() {
        for (chroot, encoded) in [
            ("", ""),
            ("", "/"),
            ("", "a/"),
            ("", "/a"),
            ("", "a//b"),
            ("", "."),
            ("", "a/%2E%2E"),
            ("", "a%2Fb"),
            ("", "%FF"),
            ("", "zookeeper"),
            ("", "zoo%6Beeper"),
            ("", "zookeeper/quota"),
            ("/zookeeper", "quota"),
            ("/a", ""),
        ] {
            assert!(node(chroot, encoded).is_err(), "{chroot} {encoded}");
        }
    }
}
