//! A ZooKeeper server in the test's own process that sends whatever the test requests. It keeps its
//! answers, so that a test can see what they did not contain.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// ZooKeeper's operations.
pub const DELETE: i32 = 2;
pub const EXISTS: i32 = 3;
pub const DATA: i32 = 4;
pub const CHILDREN: i32 = 8;
pub const MULTI: i32 = 14;
const PING: i32 = 11;
const AUTH: i32 = 100;
const CLOSE: i32 = -11;

const NO_NODE: i32 = -101;
const NO_AUTH: i32 = -102;
const NOT_EMPTY: i32 = -111;

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The operation; none for the request that opens a session.
    pub operation: Option<i32>,
    /// The number of the request.
    pub number: i32,
    /// The last transaction that the client of a new session has seen.
    pub last_seen: i64,
    /// The nodes that the request names.
    pub nodes: Vec<String>,
}

/// The fate of an answer.
pub enum Fate {
    /// Bytes that are sent in its place.
    Sent(Vec<u8>),
    /// Bytes that are sent in its place before the connection is closed.
    SentAndClosed(Vec<u8>),
    /// No more bytes arrive, and the connection stays open.
    Silence,
    /// No more bytes arrive on any connection, and all connections are closed.
    Death,
}

/// A function that returns the names of a node's children, if the node exists.
pub type Tree = Box<dyn FnMut(&str) -> Option<Vec<String>> + Send>;
/// A function that returns the data of a node, if the node exists.
pub type Data = Box<dyn FnMut(&str) -> Option<Vec<u8>> + Send>;
/// A function that gets each request and the right answer to it, as a frame.
pub type Lie = Box<dyn FnMut(&Asked, Vec<u8>) -> Fate + Send>;

/// A running server that lies.
pub struct Liar {
    address: String,
    shared: Shared,
}

type Shared = Arc<Mutex<Inner>>;

struct Inner {
    tree: Tree,
    data: Data,
    lie: Lie,
    /// The nodes that the server has deleted, whatever it said.
    deleted: HashSet<String>,
    dead: bool,
    /// The longest request that is read (`jute.maxbuffer`).
    largest: usize,
    /// The node that an ACL protects.
    kept: Option<String>,
    asked: usize,
    conversations: Vec<Conversation>,
}

/// The requests and answers on one connection.
#[derive(Default)]
struct Conversation {
    asked: Vec<Asked>,
    /// Every byte that was sent.
    said: Vec<u8>,
}

/// The statements of a server, as a client that believes them understands them.
#[derive(Default)]
pub struct Said {
    /// The number of nodes that are deleted.
    pub deleted: u64,
    /// True if the node in question is deleted, or does not exist.
    pub gone: bool,
}

impl Liar {
    /// Starts a server with this tree.
    pub fn start(tree: Tree, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Mutex::new(Inner {
            tree,
            data: Box::new(|_| None),
            lie,
            deleted: HashSet::new(),
            dead: false,
            largest: usize::MAX,
            kept: None,
            asked: 0,
            conversations: Vec::new(),
        }));
        let own = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if lock(&own).dead {
                    break;
                }
                let shared = own.clone();
                // The client has to notice a connection that fails.
                thread::spawn(move || talk(client, &shared));
            }
        });
        Self { address, shared }
    }

    /// Gives the nodes data. Each belongs to a session.
    pub fn with_data(self, data: Data) -> Self {
        lock(&self.shared).data = data;
        self
    }

    /// Has the server close a connection on which a longer request arrives.
    pub fn reading(self, largest: usize) -> Self {
        lock(&self.shared).largest = largest;
        self
    }

    /// Has the server refuse to delete this node.
    pub fn keeping(self, node: &str) -> Self {
        lock(&self.shared).kept = Some(node.to_owned());
        self
    }

    /// Returns the URL for `-e`.
    pub fn url(&self) -> String {
        format!("zk://{}/", self.address)
    }

    /// Returns the host and the port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the number of requests that have arrived.
    pub fn asked(&self) -> usize {
        lock(&self.shared).asked
    }

    /// Returns the number of requests of this operation that have arrived.
    pub fn asked_for(&self, operation: i32) -> usize {
        let conversations = &lock(&self.shared).conversations;
        let asked = conversations.iter().flat_map(|conversation| &conversation.asked);
        asked.filter(|asked| asked.operation == Some(operation)).count()
    }

    /// Returns what the server has said about this node and the nodes below it, as it was on the
    /// wire. An answer counts only if it is correct to the byte, except for the number of the
    /// transaction, which means nothing.
    pub fn said(&self, root: &str) -> Said {
        let mut said = Said::default();
        for conversation in &lock(&self.shared).conversations {
            let mut frames = Frames(&conversation.said);
            frames.next();
            for frame in frames {
                let header = frame.get(..4).zip(frame.get(12..16)).zip(frame.get(16..));
                let Some(((number, code), content)) = header else { break };
                let number = i32::from_be_bytes(number.try_into().unwrap());
                let code = i32::from_be_bytes(code.try_into().unwrap());
                let asked = conversation.asked.iter().find(|asked| asked.number == number);
                let Some(asked) = asked else { continue };
                let has_root = asked.nodes.iter().any(|node| node == root);
                if code == NO_NODE && has_root {
                    said.gone = true;
                }
                if code != 0 || content != done(asked) {
                    continue;
                }
                if let Some(DELETE | MULTI) = asked.operation {
                    said.deleted += asked.nodes.len() as u64;
                    said.gone |= has_root;
                }
            }
        }
        said
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        lock(&self.shared).dead = true;
        // One more client wakes the server.
        let _ = TcpStream::connect(&self.address);
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Inner> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The frames of the bytes that were sent, without their lengths, up to the first invalid one.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (frame, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        self.0 = rest;
        Some(frame)
    }
}

/// Talks to one client.
fn talk(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    let place = {
        let conversations = &mut lock(shared).conversations;
        conversations.push(Conversation::default());
        conversations.len() - 1
    };
    let mut first = true;
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        if request.len() > lock(shared).largest {
            return Ok(());
        }
        client.read_exact(&mut request)?;
        let asked = read(&request, first);
        first = false;
        let fate = {
            let mut inner = lock(shared);
            inner.asked += 1;
            let answer = inner.answer(&asked);
            let fate = match inner.dead {
                true => Fate::Death,
                false => (inner.lie)(&asked, answer),
            };
            inner.dead |= matches!(fate, Fate::Death);
            let conversation = &mut inner.conversations[place];
            conversation.asked.push(asked.clone());
            if let Fate::Sent(bytes) | Fate::SentAndClosed(bytes) = &fate {
                conversation.said.extend(bytes);
            }
            fate
        };
        match fate {
            Fate::Sent(bytes) => client.write_all(&bytes)?,
            Fate::SentAndClosed(bytes) => {
                client.write_all(&bytes)?;
                return client.shutdown(Shutdown::Both);
            }
            Fate::Silence => return io::copy(&mut client, &mut io::sink()).map(|_| ()),
            Fate::Death => return Ok(()),
        }
        if asked.operation == Some(CLOSE) {
            return Ok(());
        }
    }
}

impl Inner {
    /// Returns the right answer, as a frame. Deletions are carried out.
    fn answer(&mut self, asked: &Asked) -> Vec<u8> {
        let (code, content) = match asked.operation {
            // The fields are the version, the time, the session, the password, and the flag for
            // read-only.
            None => {
                let session = [&numbers(&[0, 10_000, 0, 7, 16])[..], &[7; 16], &[0]].concat();
                return frame(&session);
            }
            Some(CHILDREN) => match self.children(&asked.nodes[0]) {
                Some(names) => (0, list(&names)),
                None => (NO_NODE, vec![]),
            },
            Some(EXISTS) => match self.children(&asked.nodes[0]) {
                Some(_) => (0, vec![0; 68]),
                None => (NO_NODE, vec![]),
            },
            Some(DATA) => match (self.data)(&asked.nodes[0]) {
                Some(data) => {
                    // The owner of the node follows other fields of its state.
                    let state = [&[0; 44][..], &7_i64.to_be_bytes(), &[0; 16]].concat();
                    (0, [&numbers(&[length(data.len())])[..], &data, &state].concat())
                }
                None => (NO_NODE, vec![]),
            },
            Some(DELETE | MULTI) => {
                let codes: Vec<_> = asked.nodes.iter().map(|node| self.delete(node)).collect();
                let failed = codes.iter().copied().find(|code| *code != 0);
                // A transaction deletes all of its nodes, or none.
                let deleted = asked.nodes.iter().zip(&codes).filter(|(_, code)| **code == 0);
                for (node, _) in deleted.filter(|_| failed.is_some()) {
                    self.deleted.remove(node);
                }
                match (failed, asked.operation) {
                    (None, _) => (0, done(asked)),
                    (Some(_), Some(MULTI)) => (0, failures(&codes)),
                    (Some(code), _) => (code, vec![]),
                }
            }
            _ => (0, vec![]),
        };
        let header = [&asked.number.to_be_bytes()[..], &[0; 8], &code.to_be_bytes()].concat();
        frame(&[header, content].concat())
    }

    fn children(&mut self, node: &str) -> Option<Vec<String>> {
        if self.deleted.contains(node) {
            return None;
        }
        let mut names = (self.tree)(node)?;
        names.retain(|name| !self.deleted.contains(&format!("{node}/{name}")));
        Some(names)
    }

    fn delete(&mut self, node: &str) -> i32 {
        match self.children(node) {
            None => NO_NODE,
            Some(_) if self.kept.as_deref() == Some(node) => NO_AUTH,
            Some(names) if !names.is_empty() => NOT_EMPTY,
            Some(_) => {
                self.deleted.insert(node.to_owned());
                0
            }
        }
    }
}

/// Returns the bytes after the header of an answer to successful deletions.
fn done(asked: &Asked) -> Vec<u8> {
    match asked.operation {
        Some(MULTI) => {
            let one = [&numbers(&[DELETE])[..], &[0], &numbers(&[0])].concat();
            [one.repeat(asked.nodes.len()), end_of_results()].concat()
        }
        _ => vec![],
    }
}

fn failures(codes: &[i32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for code in codes {
        bytes.extend(numbers(&[-1]));
        bytes.push(0);
        bytes.extend(numbers(&[*code, *code]));
    }
    bytes.extend(end_of_results());
    bytes
}

fn end_of_results() -> Vec<u8> {
    [&numbers(&[-1])[..], &[1], &numbers(&[-1])].concat()
}

/// Encodes a list of names as a frame does.
pub fn list(names: &[String]) -> Vec<u8> {
    let mut bytes = numbers(&[length(names.len())]);
    for name in names {
        bytes.extend(numbers(&[length(name.len())]));
        bytes.extend(name.as_bytes());
    }
    bytes
}

/// Makes a frame with this content.
pub fn frame(content: &[u8]) -> Vec<u8> {
    [&numbers(&[length(content.len())])[..], content].concat()
}

/// Encodes numbers as a frame does.
pub fn numbers(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn length(length: usize) -> i32 {
    length.try_into().unwrap()
}

/// Reads a request of a client, which does not lie.
fn read(request: &[u8], first: bool) -> Asked {
    if first {
        // The last transaction follows the protocol version.
        let last_seen = i64::from_be_bytes(request[4..12].try_into().unwrap());
        return Asked { operation: None, number: 0, last_seen, nodes: vec![] };
    }
    let mut rest = request;
    let number = int(&mut rest);
    let operation = int(&mut rest);
    let mut nodes = Vec::new();
    match operation {
        DELETE | EXISTS | DATA | CHILDREN => nodes.push(text(&mut rest)),
        MULTI => {
            while int(&mut rest) == DELETE {
                // A flag follows that marks the last operation, and then a code.
                rest = &rest[5..];
                nodes.push(text(&mut rest));
                assert_eq!(int(&mut rest), -1, "any version");
            }
        }
        PING | AUTH | CLOSE => {}
        other => panic!("operation {other}"),
    }
    Asked { operation: Some(operation), number, last_seen: 0, nodes }
}

fn int(rest: &mut &[u8]) -> i32 {
    let (number, after) = rest.split_first_chunk().unwrap();
    *rest = after;
    i32::from_be_bytes(*number)
}

fn text(rest: &mut &[u8]) -> String {
    let length = usize::try_from(int(rest)).unwrap();
    let (text, after) = rest.split_at(length);
    *rest = after;
    String::from_utf8(text.into()).unwrap()
}
