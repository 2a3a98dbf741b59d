//! Stands in for Exhibitor: answers its requests, to look at nodes and to delete
//! one with everything below it, from a session with ZooKeeper itself. The answers
//! have Exhibitor's form and ZooKeeper's words, so nobody behind it can tell.

use std::io::{self, Cursor};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;
use zookeeper_client::{Client, Error as KeeperError};

use super::{Exchange, Request, Response, Transport};
use crate::bindings::http::{Error, Method};
use crate::ensemble::Ensemble;
use crate::{Digest, Limits};

/// The path of Exhibitor's requests, up to what is asked for.
const EXPLORER: &str = "exhibitor/v1/explorer/";

/// Answers the requests to an ensemble, one after the other in one session, and
/// hands on all others.
pub struct ZooKeeper {
    base: String,
    access: Access,
    worker: Option<Worker>,
    others: Box<dyn Transport>,
}

/// What it takes to open a session.
#[derive(Clone)]
struct Access {
    ensemble: Ensemble,
    digest: Option<Digest>,
    connect: Duration,
    answer: Duration,
}

/// The thread that has the session.
struct Worker {
    jobs: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

/// A request, and where its answer goes.
struct Job {
    method: Method,
    path: String,
    answer: mpsc::SyncSender<Result<Response, Error>>,
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
        Self { base, access: Access { ensemble, digest, connect, answer }, worker: None, others }
    }

    /// The thread that has the session; started when there is a first request.
    fn worker(&mut self) -> io::Result<&Worker> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(self.access.clone())?,
        };
        Ok(self.worker.insert(worker))
    }
}

impl Transport for ZooKeeper {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let Some(path) = request.url.strip_prefix(&self.base) else {
            return self.others.send(request);
        };
        let (answer, receiver) = mpsc::sync_channel(1);
        let job = Job { method: request.method, path: path.to_owned(), answer };
        let sent = self.worker().map(|worker| {
            // A worker that is gone gives no answer, which is noticed then.
            let _ = worker.jobs.send(job);
            receiver
        });
        Box::new(Queued(sent))
    }

    fn pause(&mut self, duration: Duration) {
        self.others.pause(duration);
    }
}

impl Drop for ZooKeeper {
    /// Ends the session, so that the server need not keep it until it expires.
    fn drop(&mut self) {
        if let Some(Worker { jobs, thread }) = self.worker.take() {
            drop(jobs);
            // A worker that broke down has no session to end.
            let _ = thread.join();
        }
    }
}

/// A request that waits for its turn, if there is a thread to take it.
struct Queued(io::Result<mpsc::Receiver<Result<Response, Error>>>);

impl Exchange for Queued {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let answer = self.0.map_err(|error| Error::Internal(format!("no thread: {error}")))?;
        answer.recv().map_err(|_| Error::Internal("the session's thread broke down".into()))?
    }
}

impl Worker {
    fn start(access: Access) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = thread::Builder::new().name("zookeeper".into());
        let thread = thread.spawn(move || work(&access, &runtime, &queue))?;
        Ok(Self { jobs, thread })
    }
}

/// Answers requests until there are no more, in one session as long as it lives.
fn work(access: &Access, runtime: &Runtime, queue: &mpsc::Receiver<Job>) {
    let mut session = None;
    for Job { method, path, answer } in queue {
        let told = match Asked::read(method, &path, &access.ensemble.chroot) {
            Ok(asked) => runtime.block_on(async {
                let client = match session.take() {
                    Some(client) => client,
                    None => access.open().await?,
                };
                let (body, lives) = asked.answer(&client, access.answer).await;
                // Where no server answers, none hears of an end either.
                session = lives.then_some(client);
                Ok(json_response(&body))
            }),
            Err(refusal) => Ok(refusal),
        };
        // When nobody waits any more, nobody needs the answer.
        let _ = answer.send(told);
    }
    if let Some(client) = session {
        runtime.block_on(access.close(client));
    }
}

/// What a request asks for; each with a path below the chroot, empty for the root.
enum Asked {
    Delete(String),
    Children(String),
    Data(String),
}

impl Asked {
    /// Reads a request as Exhibitor's.
    ///
    /// # Errors
    /// The answer to one that is none.
    fn read(method: Method, path: &str, chroot: &str) -> Result<Self, Response> {
        let not_found = || response(404, "text/plain", b"Not Found".into());
        let asked = path.strip_prefix(EXPLORER).ok_or_else(not_found)?;
        let refused = |why: String| json_response(&json!({ "message": why, "succeeded": false }));
        if let (Method::Delete, Some(encoded)) = (method, asked.strip_prefix("znode/")) {
            return deletable(chroot, encoded).map(Self::Delete).map_err(refused);
        }
        let (what, key) = asked.split_once("?key=").ok_or_else(not_found)?;
        let key = percent_decode_str(key).decode_utf8().map_err(|_| not_found())?;
        let node = match &*key {
            "/" => String::new(),
            key => plain(key.split('/').skip(1)).ok_or_else(not_found)?,
        };
        match (method, what) {
            (Method::Get, "node") => Ok(Self::Children(node)),
            (Method::Get, "node-data") => Ok(Self::Data(node)),
            _ => Err(not_found()),
        }
    }

    /// The answer, and whether the session lives on.
    async fn answer(&self, client: &Client, answer: Duration) -> (Value, bool) {
        let reader = |root| Subtree { client, root, answer, deleted: 0 };
        match self {
            Self::Delete(node) => {
                let mut subtree = reader(node);
                let outcome = subtree.delete().await;
                let lives = !outcome.as_ref().is_err_and(Refusal::is_loss);
                let body = match outcome {
                    Ok(()) => json!({ "message": "OK", "succeeded": true }),
                    Err(refusal) => {
                        json!({ "message": refusal.told(&subtree), "succeeded": false })
                    }
                };
                (body, lives)
            }
            Self::Children(node) => match reader(node).children(node).await {
                Ok(names) => {
                    let child = |name| {
                        let key = format!("{node}/{name}");
                        json!({ "title": name, "key": key, "isLazy": true, "expand": false })
                    };
                    (names.into_iter().map(child).collect(), true)
                }
                Err(refusal) => {
                    let title = "* Exception *";
                    let none = json!({ "title": title, "key": "*", "isLazy": false });
                    (json!([none]), !refusal.is_loss())
                }
            },
            Self::Data(node) => match reader(node).stat(node).await {
                Ok(Some(version)) => {
                    (json!({ "bytes": "", "str": "", "stat": format!("version: {version}") }), true)
                }
                Ok(None) => (json!({ "bytes": "", "str": "", "stat": "* not found * " }), true),
                Err(refusal) => {
                    let why = format!("KeeperErrorCode = {}", code(&refusal.error));
                    (json!({ "bytes": "", "str": "Exception", "error": why }), !refusal.is_loss())
                }
            },
        }
    }
}

fn json_response(body: &Value) -> Response {
    response(200, "application/json", body.to_string().into_bytes())
}

fn response(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    Response { status, content_type: Some(content_type.into()), body: Box::new(Cursor::new(body)) }
}

/// The path below the chroot that a URL's path names, decoded once, if it may be
/// deleted. The policy has allowed it already; that it is neither the root nor
/// ZooKeeper's own is too dear to be looked at in one place only.
fn deletable(chroot: &str, encoded: &str) -> Result<String, String> {
    let segments = encoded.split('/').map(|segment| percent_decode_str(segment).decode_utf8());
    let segments = segments.collect::<Result<Vec<_>, _>>().ok();
    let path = segments.and_then(|segments| plain(segments.iter().map(|it| &**it)));
    let path = path.ok_or_else(|| format!("'{encoded}' is not the plain path of a node"))?;
    let whole = format!("{chroot}{path}");
    if whole.split('/').nth(1) == Some("zookeeper") {
        return Err(format!("{whole} is ZooKeeper's own"));
    }
    Ok(path)
}

/// The path of these segments, if each is a node's name.
fn plain<'a>(segments: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        if matches!(segment, "" | "." | "..") || segment.contains('/') {
            return None;
        }
        path = format!("{path}/{segment}");
    }
    (!path.is_empty()).then_some(path)
}

impl Access {
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
            KeeperError::Timeout => Error::Internal(format!(
                "none of the {count} ZooKeeper server(s) in its URL has opened a session in {} s \
                 (are they up, and are these their client ports?)",
                patience.as_secs()
            )),
            KeeperError::AuthFailed => {
                Error::Internal("ZooKeeper does not let this user in".into())
            }
            error => Error::Internal(format!("ZooKeeper opens no session: {error}")),
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
        self.patiently(node, || self.client.list_children(absolute(node))).await
    }

    /// The version of a node's data; none if there is no node.
    async fn stat(&self, node: &str) -> Result<Option<i32>, Refusal> {
        let stat = self.patiently(node, || self.client.check_stat(absolute(node))).await?;
        Ok(stat.map(|stat| stat.version))
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

/// A path as ZooKeeper wants it.
fn absolute(node: &str) -> &str {
    if node.is_empty() { "/" } else { node }
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
            assert_eq!(deletable("", encoded).as_deref(), Ok(path), "{encoded}");
        }
    }

    #[test]
    fn looks_are_told_from_deletions() {
        let read = |method, path: &str| match Asked::read(method, path, "") {
            Ok(Asked::Delete(node)) => format!("delete {node}"),
            Ok(Asked::Children(node)) => format!("children {node}"),
            Ok(Asked::Data(node)) => format!("data {node}"),
            Err(response) => response.status.to_string(),
        };
        for (method, path, expected) in [
            (Method::Get, "node?key=%2F", "children "),
            (Method::Get, "node?key=%2Fa%2Fb%2520", "children /a/b%20"),
            (Method::Get, "node-data?key=%2Fa", "data /a"),
            (Method::Get, "node-data?key=a", "404"),
            (Method::Get, "node-data?key=%2Fa%2F..", "404"),
            (Method::Get, "node-data", "404"),
            (Method::Get, "znode/a", "404"),
            (Method::Post, "node?key=%2F", "404"),
            (Method::Delete, "node?key=%2F", "404"),
            (Method::Delete, "znode/a", "delete /a"),
            (Method::Delete, "znode/zookeeper", "200"),
        ] {
            assert_eq!(read(method, &format!("{EXPLORER}{path}")), expected, "{path}");
        }
        assert_eq!(read(Method::Delete, "znode/a"), "404");
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
            assert!(deletable(chroot, encoded).is_err(), "{chroot} {encoded}");
        }
    }
}
