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
use tokio::time::{Instant, sleep, timeout, timeout_at};
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

/// Answers requests until there are no more.
fn work(access: &Access, runtime: &Runtime, queue: &mpsc::Receiver<Job>) {
    let mut session = Session { access, client: None, place: 0 };
    for Job { method, path, answer } in queue {
        let told = match Asked::read(method, &path, &access.ensemble.chroot) {
            Ok(asked) => {
                runtime.block_on(asked.answer(&mut session)).map(|body| json_response(&body))
            }
            Err(refusal) => Ok(refusal),
        };
        // When nobody waits any more, nobody needs the answer.
        let _ = answer.send(told);
    }
    runtime.block_on(session.close());
}

/// What a request asks for, each with the whole path of a node; of the root, the path
/// is empty.
enum Asked {
    Delete(String),
    /// The second is the path as it was asked for: below the chroot.
    Children(String, String),
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
        let key = match &*key {
            "/" => String::new(),
            key => plain(key.split('/').skip(1)).ok_or_else(not_found)?,
        };
        let node = format!("{chroot}{key}");
        match (method, what) {
            (Method::Get, "node") => Ok(Self::Children(node, key)),
            (Method::Get, "node-data") => Ok(Self::Data(node)),
            _ => Err(not_found()),
        }
    }

    /// The answer.
    ///
    /// # Errors
    /// When there is no session with ZooKeeper to be had, or no chroot below which a
    /// node could be missing.
    async fn answer(&self, session: &mut Session<'_>) -> Result<Value, Error> {
        Ok(match self {
            Self::Delete(root) => {
                let mut subtree = Subtree { session, root, deleted: 0 };
                match subtree.delete().await {
                    Ok(()) => json!({ "message": "OK", "succeeded": true }),
                    Err(refusal) => {
                        let deleted = subtree.deleted;
                        // No operation is in flight any more, so it is known that this failed.
                        let why = match refusal.told_of(root, deleted, session).await {
                            Err(Error::Internal(why)) => why,
                            told => told?,
                        };
                        json!({ "message": why, "succeeded": false })
                    }
                }
            }
            Self::Children(node, key) => match session.children(node).await {
                Ok(names) => {
                    let child = |name| {
                        let key = format!("{key}/{name}");
                        json!({ "title": name, "key": key, "isLazy": true, "expand": false })
                    };
                    names.into_iter().map(child).collect()
                }
                Err(refusal) => {
                    refusal.told(session).await?;
                    let title = "* Exception *";
                    json!([{ "title": title, "key": "*", "isLazy": false }])
                }
            },
            Self::Data(node) => match session.version(node).await {
                Ok(Some(version)) => {
                    json!({ "bytes": "", "str": "", "stat": format!("version: {version}") })
                }
                Ok(None) => {
                    session.require_chroot().await?;
                    json!({ "bytes": "", "str": "", "stat": "* not found * " })
                }
                Err(refusal) => {
                    let why = refusal.told(session).await?;
                    json!({ "bytes": "", "str": "Exception", "stat": why })
                }
            },
        })
    }
}

fn json_response(body: &Value) -> Response {
    response(200, "application/json", body.to_string().into_bytes())
}

fn response(status: u16, content_type: &str, body: Vec<u8>) -> Response {
    Response { status, content_type: Some(content_type.into()), body: Box::new(Cursor::new(body)) }
}

/// The whole path of the node that a URL's path names, decoded once, if it may be
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
    Ok(whole)
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

/// How long to wait before a server is asked again, so that one which ends every
/// connection is not asked without a break.
const PAUSE: Duration = Duration::from_millis(100);

impl Access {
    /// Opens a session with the first server that gives one, from the one at the place
    /// `first` in the URL on; says which one that is. Servers that start or elect their
    /// leader just then are waited for.
    ///
    /// The client is given one server at a time, because it would choose among them at
    /// random, and so go back to the one that has just fallen silent.
    async fn open(&self, first: usize) -> Result<(Client, usize), Error> {
        let servers = &self.ensemble.servers;
        let count = servers.len();
        let patience = self.connect * (1 + u32::try_from(count).unwrap_or(1));
        let end = Instant::now() + patience;
        for (place, server) in servers.iter().enumerate().cycle().skip(first) {
            let mut connector = Client::connector()
                .with_fail_eagerly()
                .with_connection_timeout(self.connect)
                .with_session_timeout(patience);
            if let Some(digest) = &self.digest {
                connector = connector.with_auth("digest", digest.bytes());
            }
            match connector.connect(server).await {
                Ok(client) => return Ok((client, place)),
                Err(KeeperError::AuthFailed) => {
                    return Err(Error::Internal("ZooKeeper does not let this user in".into()));
                }
                Err(KeeperError::NoHosts | KeeperError::Timeout) => {}
                Err(error) if is_lost(&error) => {}
                Err(error) => {
                    return Err(Error::Internal(format!("ZooKeeper opens no session: {error}")));
                }
            }
            if Instant::now() + PAUSE > end {
                break;
            }
            sleep(PAUSE).await;
        }
        Err(Error::Connect(format!(
            "none of the {count} ZooKeeper server(s) in its URL has opened a session in {} s \
             (are they up, and are these their client ports?)",
            patience.as_secs()
        )))
    }
}

/// A session with ZooKeeper, opened when it is needed. No node belongs to it, so a new
/// one does as well when it is lost.
struct Session<'a> {
    access: &'a Access,
    client: Option<Client>,
    /// The place in the URL of the server that the session is with, or that the next
    /// one is looked for from.
    place: usize,
}

impl Session<'_> {
    /// Carries out an operation on a node. When the connection breaks, the server falls
    /// silent or the session expires, it is repeated in a new session, with the next
    /// server that gives one, for as long as an answer may take.
    async fn perform<T>(
        &mut self,
        node: &str,
        operation: impl AsyncFn(&Client) -> Result<T, KeeperError>,
    ) -> Result<T, Refusal> {
        let refused = |error| Refusal::Refused { error, node: node.to_owned() };
        let end = Instant::now() + self.access.answer;
        let mut lost = None;
        loop {
            let client = match self.client.take() {
                Some(client) => client,
                None => match (self.access.open(self.place).await, lost) {
                    (Ok((client, place)), _) => {
                        self.place = place;
                        client
                    }
                    (Err(_), Some(error)) => return Err(refused(error)),
                    (Err(error), None) => return Err(Refusal::NoSession(error)),
                },
            };
            let answer = timeout_at(end, operation(&client)).await;
            match answer.unwrap_or(Err(KeeperError::Timeout)) {
                Err(error) if is_lost(&error) => {
                    self.place += 1;
                    if Instant::now() + PAUSE > end {
                        return Err(refused(error));
                    }
                    lost = Some(error);
                }
                result => {
                    self.client = Some(client);
                    return result.map_err(refused);
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// The names of a node's children.
    async fn children(&mut self, node: &str) -> Result<Vec<String>, Refusal> {
        self.perform(node, async |client| client.list_children(absolute(node)).await).await
    }

    /// The version of a node's data; none if there is no node.
    async fn version(&mut self, node: &str) -> Result<Option<i32>, Refusal> {
        let stat = self.perform(node, async |client| client.check_stat(absolute(node)).await);
        Ok(stat.await?.map(|stat| stat.version))
    }

    /// Sees that the chroot exists: nothing can be said to be missing in a place that
    /// is not there.
    async fn require_chroot(&mut self) -> Result<(), Error> {
        let chroot = &self.access.ensemble.chroot;
        match self.version(chroot).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Error::Internal(format!(
                "{chroot}, the path in its URL, does not exist in ZooKeeper"
            ))),
            Err(Refusal::NoSession(error)) => Err(error),
            Err(Refusal::Refused { error, node }) => {
                Err(Error::Internal(format!("KeeperErrorCode = {} for {node}", code(&error))))
            }
        }
    }

    /// Ends the session, so that the server need not keep it until it expires.
    async fn close(self) {
        let Some(client) = self.client else { return };
        let mut state = client.state_watcher();
        drop(client);
        // What has been done is done; when this fails, the server ends it.
        let _ = timeout(self.access.connect, state.changed()).await;
    }
}

/// A node and everything below it, on its way out.
struct Subtree<'a, 'b> {
    session: &'a mut Session<'b>,
    root: &'a str,
    /// How many nodes are gone by now.
    deleted: u64,
}

/// Why an operation is not carried out.
enum Refusal {
    /// It failed on this node.
    Refused { error: KeeperError, node: String },
    /// There is no session to carry it out in.
    NoSession(Error),
}

impl Refusal {
    /// ZooKeeper's words, unless it is the lack of a session or of the chroot that they
    /// would be about.
    async fn told(self, session: &mut Session<'_>) -> Result<String, Error> {
        match self {
            Self::NoSession(error) => Err(error),
            Self::Refused { error, node } => {
                if error == KeeperError::NoNode {
                    session.require_chroot().await?;
                }
                Ok(format!("KeeperErrorCode = {} for {node}", code(&error)))
            }
        }
    }

    /// The same, and what it means for a subtree that was to be deleted.
    async fn told_of(
        self,
        root: &str,
        deleted: u64,
        session: &mut Session<'_>,
    ) -> Result<String, Error> {
        let mut notes: Vec<String> = Vec::new();
        if let Self::Refused { error, node } = &self {
            let why = match error {
                KeeperError::NoNode if node == root => return self.told(session).await,
                KeeperError::NoAuth => "the ACL of this node or its parent does not let this user",
                KeeperError::NotEmpty => "something still creates nodes in there",
                error if is_lost(error) => {
                    "no server answers any more, and what the last one was asked may be done"
                }
                _ => "",
            };
            notes.extend((!why.is_empty()).then(|| why.to_owned()));
        }
        if deleted > 0 {
            notes.push(format!(
                "{root} is deleted in part: {deleted} node(s) were deleted before that"
            ));
        }
        let first = self.told(session).await?;
        Ok(match notes.is_empty() {
            true => first,
            false => format!("{first} ({})", notes.join("; ")),
        })
    }
}

/// Whether an error is no answer, but the lack of one: the next server, or a new session,
/// may give it.
fn is_lost(error: &KeeperError) -> bool {
    use KeeperError::{
        ClientClosed, ConnectionLoss, Custom, SessionExpired, SessionMoved, Throttled, Timeout,
        UnexpectedError,
    };
    // The client calls custom what goes wrong on the connection itself: a reset, a
    // broken pipe, a server that does not answer its pings.
    matches!(
        error,
        ClientClosed
            | ConnectionLoss
            | Custom(_)
            | SessionExpired
            | SessionMoved
            | Throttled
            | Timeout
            | UnexpectedError(_)
    )
}

/// The word that ZooKeeper's own client in Java has for an error, and so Exhibitor.
fn code(error: &KeeperError) -> String {
    match error {
        KeeperError::NoNode => "NoNode",
        KeeperError::NoAuth => "NoAuth",
        KeeperError::NotEmpty => "Directory not empty",
        KeeperError::SessionExpired => "Session expired",
        KeeperError::AuthFailed => "AuthFailed",
        KeeperError::BadArguments(_) => "BadArguments",
        KeeperError::Timeout => "OperationTimeout",
        error if is_lost(error) => "ConnectionLoss",
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

impl Subtree<'_, '_> {
    /// How often the subtree is walked while someone puts new nodes into it.
    const WALKS: usize = 10;
    /// How many nodes one request deletes.
    const BATCH: usize = 100;
    /// How long their paths may be together: a server takes 1 MB (`jute.maxbuffer`).
    const BATCH_BYTES: usize = 256 << 10;

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
                Step::List(node) => match self.session.children(&node).await {
                    Err(Refusal::Refused { error: KeeperError::NoNode, node })
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
        match self.delete_at_once(nodes).await {
            Ok(()) => {
                self.deleted += nodes.len() as u64;
                return Ok(None);
            }
            Err(Refusal::Refused { error, .. }) if !is_lost(&error) => {}
            Err(refusal) => return Err(refusal),
        }
        let mut grown = None;
        for node in nodes {
            match self.session.perform(node, async |client| client.delete(node, None).await).await {
                Ok(()) => self.deleted += 1,
                // Someone else has deleted it, or a server that was lost before it said so.
                Err(Refusal::Refused { error: KeeperError::NoNode, .. }) => {}
                Err(refusal @ Refusal::Refused { error: KeeperError::NotEmpty, .. }) => {
                    grown = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(grown)
    }

    /// Deletes all of these nodes or none.
    async fn delete_at_once(&mut self, nodes: &[String]) -> Result<(), Refusal> {
        let delete = async |client: &Client| {
            let mut writer = client.new_multi_writer();
            for node in nodes {
                writer.add_delete(node, None)?;
            }
            writer.commit().await?;
            Ok(())
        };
        self.session.perform(self.root, delete).await
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
            Ok(Asked::Children(node, _)) => format!("children {node}"),
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
