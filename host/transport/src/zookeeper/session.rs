//! Stands in for Exhibitor: answers its requests, to look at nodes and to delete
//! one with everything below it, from a session with ZooKeeper itself. The answers
//! have Exhibitor's form and ZooKeeper's words, so nobody behind it can tell.




use std::collections::VecDeque;
use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use super::connection::{Connection, Fault, Opening, addresses, aside, code};
use super::jute::Names;
use crate::Digest;
use crate::exchange::{Exchange, Request, Response, Transport};
use crate::timeouts::NetworkLimits;
use crate::cancellation::Stop;
use janitor_contract::ensemble::Ensemble;
use janitor_contract::types::{Error, Method};

/// The path of Exhibitor's requests, up to what is asked for.
const EXPLORER: &str = "exhibitor/v1/explorer/";

/// Answers the requests to an ensemble in one session, and hands on all others. A
/// request is carried out when its answer is waited for, one after the other.
pub struct ZooKeeper {
    base: String,
    session: Arc<Mutex<Session>>,
    others: Box<dyn Transport>,
}

impl ZooKeeper {
    /// A transport for what goes to `ensemble`, in front of the one for everything else.
    /// It keeps to the limits on connecting, on the answer to each single operation, and
    /// on what a deletion may find; and to that on a run, which begins now.
    pub fn new(
        ensemble: Ensemble,
        digest: Option<Digest>,
        limits: &NetworkLimits,
        others: Box<dyn Transport>,
    ) -> Self {
        let base = ensemble.to_string();
        let session = Session::new(ensemble, digest, limits);
        Self { base, session: Arc::new(Mutex::new(session)), others }
    }

    /// The same; a deletion ends between two operations when the run is to end.
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).stop = stop;
        self
    }
}

impl Transport for ZooKeeper {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        match request.url.strip_prefix(&self.base) {
            Some(path) => Box::new(Asking {
                method: request.method,
                path: path.to_owned(),
                session: self.session.clone(),
            }),
            None => self.others.send(request),
        }
    }

    fn pause(&mut self, duration: Duration) {
        self.others.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.others.elapsed(real)
    }
}

/// A request that nobody has been asked yet.
struct Asking {
    method: Method,
    path: String,
    session: Arc<Mutex<Session>>,
}

impl Exchange for Asking {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        // A session that broke down has no connection any more, and gets another one.
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match Asked::read(self.method, &self.path, &session.ensemble.chroot) {
            Ok(asked) => asked.answer(&mut session).map(json_response),
            Err(refusal) => Ok(refusal),
        }
    }
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
        let refused = |why: String| {
            let body = json!({ "message": why, "succeeded": false });
            json_response(body.to_string().into_bytes())
        };
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

    /// The answer, in JSON.
    ///
    /// # Errors
    /// When there is no session with ZooKeeper to be had, or no chroot below which a
    /// node could be missing; or when it is not known what became of a deletion.
    fn answer(&self, session: &mut Session) -> Result<Vec<u8>, Error> {
        let body = match self {
            Self::Delete(root) => {
                session.in_doubt = 0;
                match Subtree::new(session, root).delete() {
                    Ok(()) => json!({ "message": "OK", "succeeded": true }),
                    Err(refusal) => match refusal.told_of(root, session) {
                        Err(Error::Internal(why)) | Ok(why) if session.in_doubt == 0 => {
                            json!({ "message": why, "succeeded": false })
                        }
                        told => return Err(Error::Internal(told?)),
                    },
                }
            }
            Self::Children(node, key) => match session.children(node) {
                Ok(names) => return listed(key, names, session.limits.znode_bytes),
                Err(refusal) => {
                    refusal.told(session)?;
                    let title = "* Exception *";
                    json!([{ "title": title, "key": "*", "isLazy": false }])
                }
            },
            Self::Data(node) => match session.version(node) {
                Ok(Some(version)) => {
                    json!({ "bytes": "", "str": "", "stat": format!("version: {version}") })
                }
                Ok(None) => {
                    session.require_chroot()?;
                    json!({ "bytes": "", "str": "", "stat": "* not found * " })
                }
                Err(refusal) => {
                    let why = refusal.told(session)?;
                    json!({ "bytes": "", "str": "Exception", "stat": why })
                }
            },
        };
        Ok(Value::to_string(&body).into_bytes())
    }
}

/// The children of a node, as Exhibitor lists them.
///
/// # Errors
/// When that takes more bytes than it may.
fn listed(key: &str, mut names: Names, most: usize) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Child<'a> {
        expand: bool,
        #[serde(rename = "isLazy")]
        is_lazy: bool,
        key: String,
        title: &'a str,
    }

    let mut body = vec![b'['];
    while let Some(title) = names.next_name() {
        let key = format!("{key}/{title}");
        let child = Child { expand: false, is_lazy: true, key, title };
        let child = serde_json::to_vec(&child).map_err(|why| Error::Internal(why.to_string()))?;
        if body.len() + child.len() > most {
            return Err(Error::Internal(format!("the list of its nodes exceeds {most} bytes")));
        }
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend(child);
    }
    body.push(b']');
    Ok(body)
}

fn json_response(body: Vec<u8>) -> Response {
    response(200, "application/json", body)
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

/// The time that this far ahead of now.
fn after(time: Duration) -> Instant {
    /// What a clock can count to on every system.
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + time.min(LONGEST)
}

/// A session with ZooKeeper, opened when it is needed. No node belongs to it, so a new
/// one does as well when it is lost.
struct Session {
    ensemble: Ensemble,
    digest: Option<Digest>,
    limits: NetworkLimits,
    /// When the run's time is over.
    end: Instant,
    stop: Stop,
    connection: Option<Connection>,
    /// With whom the next session is looked for. When nobody is left, it is all servers
    /// in the URL again.
    next: VecDeque<Server>,
    /// The last transaction that a server has shown.
    last_seen: i64,
    /// Of how many nodes a deletion was sent of which it is not known what became.
    in_doubt: usize,
    gone: Gone,
}

/// Who may give a session.
enum Server {
    /// `host:port`, as it is in the URL.
    Named(String),
    /// One address of it, and how long it has to give one.
    At(SocketAddr, Duration),
}

/// What is gone of a subtree.
#[derive(Clone, Copy, Default)]
struct Gone {
    /// How many nodes are deleted, as a server has said.
    deleted: u64,
    /// How many more are not there any more whose deletion no server has answered.
    unanswered: u64,
}

impl Gone {
    /// The same for people, if anything is gone.
    fn told(self, root: &str) -> Option<String> {
        let Self { deleted, unanswered } = self;
        let what = match (deleted, unanswered) {
            (0, 0) => return None,
            (_, 0) => format!("{deleted} node(s) were deleted before that"),
            (0, _) => {
                format!("{unanswered} node(s) are gone whose deletion no server has answered")
            }
            _ => format!(
                "at least {deleted} node(s) were deleted before that, and {unanswered} more are \
                 gone whose deletion no server has answered"
            ),
        };
        Some(format!("{root} is deleted in part: {what}"))
    }
}

impl Drop for Session {
    /// Ends the session, so that the server need not keep it until it expires.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }
}

impl Session {
    fn new(ensemble: Ensemble, digest: Option<Digest>, limits: &NetworkLimits) -> Self {
        Self {
            end: after(limits.session),
            limits: limits.clone(),
            stop: Stop::new(),
            ensemble,
            digest,
            connection: None,
            next: VecDeque::new(),
            last_seen: 0,
            in_doubt: 0,
            gone: Gone::default(),
        }
    }

    /// Takes the addresses of the server whose turn it is. Each is a server of its own, and
    /// has its share of the time of one, so that none keeps the others waiting.
    fn take_addresses(&mut self, found: &[SocketAddr]) {
        let share = self.limits.connect / u32::try_from(found.len()).unwrap_or(u32::MAX).max(1);
        let servers = found.iter().rev().map(|address| Server::At(*address, share));
        servers.for_each(|server| self.next.push_front(server));
    }

    /// A connection to the first server that gives a session, from the one after the last
    /// on; each address of a server's name is a server of its own. Servers that start or
    /// elect their leader just then are waited for. When the run is to end nobody is asked
    /// any more, unless it is to be seen what became of a deletion: then each gets one more
    /// chance.
    fn open(&mut self) -> Result<Connection, Error> {
        let count = self.ensemble.servers.len();
        let connect = self.limits.connect;
        let session = connect.saturating_mul(u32::try_from(count).unwrap_or(1).saturating_add(1));
        let opening = Opening {
            digest: self.digest.clone(),
            session,
            silence: connect,
            largest: self.limits.znode_bytes,
            last_seen: self.last_seen,
        };
        let (begin, end) = (Instant::now(), after(session).min(self.end));
        let (stop, in_doubt) = (self.stop.clone(), self.in_doubt > 0);
        let is_over = || stop.is_requested() && !in_doubt;
        let mut rounds = 0;
        let mut last = String::new();
        while !is_over() {
            if self.next.is_empty() {
                if rounds > 0 && stop.is_requested() {
                    break;
                }
                rounds += 1;
                self.next.extend(self.ensemble.servers.iter().cloned().map(Server::Named));
            }
            let fault = match self.next.pop_front() {
                Some(Server::Named(server)) => {
                    match addresses(&server, after(connect).min(end), is_over) {
                        Ok(found) => {
                            self.take_addresses(&found);
                            continue;
                        }
                        Err(fault) => fault,
                    }
                }
                Some(Server::At(address, share)) => {
                    let (opening, end) = (opening.clone(), after(share).min(end));
                    let open = move || Connection::open(&address, &opening, end);
                    match aside(end, is_over, open) {
                        Ok(connection) => return Ok(connection),
                        Err(fault) => fault,
                    }
                }
                None => break,
            };
            match fault {
                Fault::Refused(code::AUTH_FAILED | code::AUTH_REQUIRED) => {
                    return Err(Error::Internal("ZooKeeper does not let this user in".into()));
                }
                Fault::Refused(code) => last = word(code),
                Fault::NoAnswer(why) | Fault::Nonsense(why) => last = why,
            }
            if Instant::now() + PAUSE > end {
                break;
            }
            thread::sleep(PAUSE);
        }
        if self.stop.is_requested() {
            return Err(Error::Connect(format!(
                "the run is to end, and none of the {count} ZooKeeper server(s) in its URL has \
                 opened a session by now"
            )));
        }
        Err(Error::Connect(format!(
            "none of the {count} ZooKeeper server(s) in its URL has opened a session in {} s \
             (are they up, and are these their client ports? Of the last one: {last})",
            begin.elapsed().as_secs()
        )))
    }

    /// Carries out an operation on a node. When the connection breaks, the server falls
    /// silent or the session expires, it is repeated in a new session, with the next
    /// server that gives one, for as long as an answer may take; not when the run is to
    /// end. A server that does not speak as ZooKeeper does is not waited for: each gets
    /// one more chance.
    fn perform<T>(
        &mut self,
        node: &str,
        mut operation: impl FnMut(&mut Connection, Instant) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        let end = after(self.limits.answer).min(self.end);
        let mut lost = None;
        let mut nonsense = 0;
        loop {
            let kept = self.connection.take().filter(|connection| !connection.is_stale());
            let mut connection = match kept.map_or_else(|| self.open(), Ok) {
                Ok(connection) => connection,
                Err(error) => return Err(lost.unwrap_or(Refusal::NoSession(error))),
            };
            let result = operation(&mut connection, end);
            self.last_seen = self.last_seen.max(connection.last_seen());
            let fault = match result {
                Err(Fault::Refused(code)) if is_of_the_node(code) => {
                    self.connection = Some(connection);
                    return Err(Refusal::Refused { code, node: node.to_owned() });
                }
                Err(fault) => fault,
                Ok(result) => {
                    self.connection = Some(connection);
                    return Ok(result);
                }
            };
            nonsense += usize::from(matches!(fault, Fault::Nonsense(_)));
            let refusal = Refusal::Lost { fault, node: node.to_owned() };
            let is_over = Instant::now() + PAUSE > end || self.stop.is_requested();
            if is_over || nonsense > self.ensemble.servers.len() {
                return Err(refusal);
            }
            lost = Some(refusal);
            thread::sleep(PAUSE);
        }
    }

    /// The names of a node's children.
    fn children(&mut self, node: &str) -> Result<Names, Refusal> {
        self.perform(node, |connection, end| connection.children(absolute(node), end))
    }

    /// The version of a node's data; none if there is no node.
    fn version(&mut self, node: &str) -> Result<Option<i32>, Refusal> {
        self.perform(node, |connection, end| connection.version(absolute(node), end))
    }

    /// Sees that the chroot exists: nothing can be said to be missing in a place that
    /// is not there.
    fn require_chroot(&mut self) -> Result<(), Error> {
        let chroot = self.ensemble.chroot.clone();
        match self.version(&chroot) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Error::Internal(format!(
                "{chroot}, the path in its URL, does not exist in ZooKeeper"
            ))),
            Err(Refusal::NoSession(error)) => Err(error),
            Err(refusal) => Err(Error::Internal(refusal.words())),
        }
    }

    /// Why nothing more is to be changed, if so.
    fn is_over(&self) -> Option<&'static str> {
        if self.stop.is_requested() {
            Some("the deletion was stopped")
        } else if Instant::now() >= self.end {
            Some("the run's time is over")
        } else {
            None
        }
    }
}

/// Why an operation is not carried out.
enum Refusal {
    /// It failed on this node.
    Refused { code: i32, node: String },
    /// It was sent for this node, and there is no answer.
    Lost { fault: Fault, node: String },
    /// There is no session to carry it out in.
    NoSession(Error),
    /// Nothing more is carried out, for this reason.
    Over(String),
}

impl Refusal {
    /// ZooKeeper's words, if they are its words.
    fn words(&self) -> String {
        let (word, node) = match self {
            Self::Refused { code, node } => (word(*code), node),
            Self::Lost { fault: Fault::Refused(code), node } => (word(*code), node),
            Self::Lost { fault: Fault::NoAnswer(_), node } => ("ConnectionLoss".into(), node),
            Self::Lost { fault: Fault::Nonsense(why), node } => {
                let node = absolute(node);
                return format!("what answers for {node} does not speak as ZooKeeper does: {why}");
            }
            Self::NoSession(_) => return "there is no session with ZooKeeper".into(),
            Self::Over(why) => return why.clone(),
        };
        format!("KeeperErrorCode = {word} for {}", absolute(node))
    }

    /// The same, unless it is the lack of a session or of the chroot that they would be
    /// about.
    fn told(self, session: &mut Session) -> Result<String, Error> {
        match self {
            Self::NoSession(error) => Err(error),
            refusal => {
                if matches!(refusal, Self::Refused { code: code::NO_NODE, .. }) {
                    session.require_chroot()?;
                }
                Ok(refusal.words())
            }
        }
    }

    /// The same, and what it means for a subtree that was to be deleted.
    fn told_of(self, root: &str, session: &mut Session) -> Result<String, Error> {
        let mut notes: Vec<String> = Vec::new();
        match &self {
            Self::Refused { code: code::NO_NODE, node } if node == root => {
                return self.told(session);
            }
            Self::Refused { code: code::NO_AUTH, .. } => {
                notes.push("the ACL of this node or its parent does not let this user".into());
            }
            Self::Refused { code: code::NOT_EMPTY, .. } => {
                notes.push("something still creates nodes in there".into());
            }
            Self::Lost { fault: Fault::NoAnswer(why), .. } => {
                notes.push(format!("no server answers any more; of the last one: {why}"));
            }
            _ => {}
        }
        if session.in_doubt > 0 {
            let count = session.in_doubt;
            notes.push(format!(
                "what was asked for last, the deletion of {count} node(s), may be done"
            ));
        }
        notes.extend(session.gone.told(root));
        // What is known by now must not get lost with the session.
        let first = match self {
            Self::NoSession(Error::Connect(why)) if !notes.is_empty() => why,
            refusal => refusal.told(session)?,
        };
        Ok(match notes.is_empty() {
            true => first,
            false => format!("{first} ({})", notes.join("; ")),
        })
    }
}

/// Whether a code is about the node, and not about the session or the server: in
/// a new session, or with the next server, there may be another.
fn is_of_the_node(code: i32) -> bool {
    let of_the_session =
        matches!(code, code::SESSION_EXPIRED | code::SESSION_MOVED | code::THROTTLED);
    !of_the_session && !is_lost(code)
}

/// Whether a code says that there is no answer.
fn is_lost(code: i32) -> bool {
    matches!(code, code::CONNECTION_LOSS | code::OPERATION_TIMEOUT | code::REQUEST_TIMEOUT)
}

/// Whether a server can have carried out what it did not answer like this.
fn may_be_done(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(code) => is_lost(*code),
        Fault::NoAnswer(_) | Fault::Nonsense(_) => true,
    }
}

/// The word that ZooKeeper's own client in Java has for a code, and so Exhibitor.
fn word(code: i32) -> String {
    match code {
        code::NO_NODE => "NoNode",
        code::NO_AUTH => "NoAuth",
        code::NOT_EMPTY => "Directory not empty",
        code::SESSION_EXPIRED => "Session expired",
        code::SESSION_MOVED => "Session moved",
        code::AUTH_FAILED => "AuthFailed",
        code::AUTH_REQUIRED => "Session closed because client failed to authenticate",
        code::CONNECTION_LOSS => "ConnectionLoss",
        code::OPERATION_TIMEOUT => "OperationTimeout",
        code::REQUEST_TIMEOUT => "Request timeout",
        code::THROTTLED => "Op throttled due to high load",
        code => return code.to_string(),
    }
    .into()
}

/// A node and everything below it, on its way out.
struct Subtree<'a> {
    session: &'a mut Session,
    root: &'a str,
    /// How many nodes have been met by now, some of them more than once.
    met: u64,
    /// How long the entries of a batch may be together.
    most: usize,
}

/// A node on the way down from the root to the one that a walk is at.
struct Level {
    /// How long its path is.
    length: usize,
    /// Its children that the walk has not been at.
    names: Names,
}

impl<'a> Subtree<'a> {
    /// How often the subtree is walked while someone puts new nodes into it.
    const WALKS: usize = 10;
    /// How many nodes one request deletes.
    const BATCH: usize = 100;
    /// How long their entries may be together: a server takes 1 MB (`jute.maxbuffer`),
    /// unless it is told to take less.
    const BATCH_BYTES: usize = 256 << 10;
    /// What an entry has beside its path.
    const ENTRY: usize = 17;
    /// How often a batch is sent that is not answered.
    const SENT: u32 = 2;
    /// How long one path may be, for the same reason; that bounds how deep a tree is.
    const LONGEST_PATH: usize = 1_000_000;

    fn new(session: &'a mut Session, root: &'a str) -> Self {
        Self { session, root, met: 0, most: Self::BATCH_BYTES }
    }

    /// Deletes it, leaves first.
    fn delete(&mut self) -> Result<(), Refusal> {
        let mut grown = self.walk(true)?;
        for _ in 1..Self::WALKS {
            if grown.is_none() {
                return Ok(());
            }
            grown = self.walk(false)?;
        }
        grown.map_or(Ok(()), Err)
    }

    /// Goes through the subtree once, and deletes what it finds. Returns a node
    /// that has got children on the way, if there is one. Only the first walk finds
    /// that the root is not there; later, someone else has deleted it.
    fn walk(&mut self, first: bool) -> Result<Option<Refusal>, Refusal> {
        let mut batch = Batch::default();
        let mut levels: Vec<Level> = Vec::new();
        let mut path = self.root.to_owned();
        let mut held = 0;
        loop {
            if let Some(why) = self.too_much(&path, held) {
                // What is found by now goes, so that the next run gets further.
                self.delete_batch(&mut batch)?;
                return Err(Refusal::Over(why));
            }
            self.met += 1;
            self.go_on()?;
            match self.session.children(&path) {
                Ok(names) => {
                    held += names.size();
                    levels.push(Level { length: path.len(), names });
                }
                Err(Refusal::Refused { code: code::NO_NODE, .. })
                    if !first || path != self.root => {}
                Err(refusal) => return Err(refusal),
            }
            // What has no children left goes, up to where there are some.
            loop {
                let Some(level) = levels.last_mut() else {
                    self.delete_batch(&mut batch)?;
                    return Ok(batch.grown);
                };
                path.truncate(level.length);
                if let Some(name) = level.names.next_name() {
                    path.push('/');
                    path.push_str(name);
                    break;
                }
                held -= level.names.size();
                levels.pop();
                let entry = path.len() + Self::ENTRY;
                if batch.nodes.len() == Self::BATCH || batch.bytes + entry > self.most {
                    self.delete_batch(&mut batch)?;
                }
                batch.bytes += entry;
                batch.nodes.push(path.clone());
            }
        }
    }

    /// Why a walk goes no further than this node, with so many bytes of names on the way
    /// down to it: a tree without end must not take all memory, nor all time.
    fn too_much(&self, path: &str, held: usize) -> Option<String> {
        let NetworkLimits { znodes, znode_bytes, .. } = self.session.limits;
        if self.met >= znodes {
            Some(format!("it has more than {znodes} nodes, which are not deleted in one run"))
        } else if held > znode_bytes {
            Some(format!("the names of its nodes take more than {znode_bytes} bytes at a time"))
        } else if path.len() > Self::LONGEST_PATH {
            Some(format!("a node's path is longer than {} bytes", Self::LONGEST_PATH))
        } else {
            None
        }
    }

    /// Ends the walk where it is when the run is to end.
    fn go_on(&self) -> Result<(), Refusal> {
        match self.session.is_over() {
            Some(why) => Err(Refusal::Over(why.into())),
            None => Ok(()),
        }
    }

    /// Deletes some nodes in this order: in one request, or one by one when that
    /// fails, because only then it is known which one is in the way. A request that stays
    /// without an answer may be too long for the servers, so the next ones are shorter.
    fn delete_batch(&mut self, batch: &mut Batch) -> Result<(), Refusal> {
        let nodes = std::mem::take(&mut batch.nodes);
        let bytes = std::mem::take(&mut batch.bytes);
        if nodes.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        let all = self.change(self.root, nodes.len(), |connection, end| {
            if sent == Self::SENT {
                return Ok(false);
            }
            sent += 1;
            connection.delete_all(&nodes, end).map(|()| true)
        });
        match all {
            // It deletes all or none, so one without an answer has deleted nothing before.
            Ok(true) => {
                self.session.gone.deleted += nodes.len() as u64;
                self.session.in_doubt = 0;
                return Ok(());
            }
            Ok(false) => self.most = bytes / 2,
            Err(Refusal::Refused { .. }) => {}
            Err(refusal) => return Err(refusal),
        }
        let all_in_doubt = self.session.in_doubt > 0;
        for (place, node) in nodes.iter().enumerate() {
            match self.change(node, 1, |connection, end| connection.delete(node, end)) {
                Ok(()) => self.session.gone.deleted += 1,
                // A server that was lost has deleted it, as it seems, or someone else has.
                Err(Refusal::Refused { code: code::NO_NODE, .. }) => {
                    self.session.gone.unanswered += u64::from(self.session.in_doubt > 0);
                }
                Err(refusal @ Refusal::Refused { code: code::NOT_EMPTY, .. }) => {
                    batch.grown = Some(refusal);
                }
                Err(refusal) => return Err(refusal),
            }
            self.session.in_doubt = if all_in_doubt { nodes.len() - place - 1 } else { 0 };
        }
        Ok(())
    }

    /// Carries out an operation that deletes so many nodes. They are in doubt when a request
    /// was not answered, whatever is said to the one that repeats it.
    fn change<T>(
        &mut self,
        node: &str,
        count: usize,
        mut operation: impl FnMut(&mut Connection, Instant) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        self.go_on()?;
        let mut unanswered = false;
        let changed = self.session.perform(node, |connection, end| {
            operation(connection, end).inspect_err(|fault| unanswered |= may_be_done(fault))
        });
        if unanswered {
            self.session.in_doubt = self.session.in_doubt.max(count);
        }
        changed
    }
}

/// Nodes that one request deletes.
#[derive(Default)]
struct Batch {
    nodes: Vec<String>,
    /// How long their paths are together.
    bytes: usize,
    /// One of an earlier request that has got children.
    grown: Option<Refusal>,
}

/// A path as ZooKeeper wants it.
fn absolute(node: &str) -> &str {
    if node.is_empty() { "/" } else { node }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::jute::Frame;
    use super::*;

    /// Of a name with three addresses, one says nothing, one ends each connection, and the
    /// last one gives a session.
    #[test]
    fn each_address_of_a_name_is_tried() {
        let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let found = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
        let [_silent, ends, serves] = listeners;
        thread::spawn(move || ends.incoming().for_each(drop));
        thread::spawn(move || {
            let (mut client, _) = serves.accept().unwrap();
            client.read_exact(&mut [0; 48]).unwrap();
            // Version, time, session, password.
            let hello = Frame::new().int(0).int(10_000).long(7).buffer(&[0; 16]);
            client.write_all(&hello.finish()).unwrap();
        });
        let limits = NetworkLimits { connect: Duration::from_secs(3), ..NetworkLimits::default() };
        let ensemble = Ensemble::parse("zk://three-addresses").unwrap();
        let mut session = Session::new(ensemble, None, &limits);
        session.take_addresses(&found);
        assert!(session.open().is_ok());
        assert!(session.next.is_empty());
    }

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
