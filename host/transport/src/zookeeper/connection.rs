//! A session with one ZooKeeper server. It has the few operations that a cleanup needs, which are
//! carried out one at a time over a socket, with a time limit for every wait.
//!
//! This module replaces the existing library, which reads from the socket itself and trusts the
//! server. A false count makes that library allocate more memory than there is, which ends the
//! program before the response could be checked. A filter between the two would have to parse every
//! frame as well, and this module does no more than that.
//!
//! It sends no pings, so an unused session expires. No node belongs to a session, so a new one
//! replaces it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::fault::{Fault, broken, code};
use super::jute::{Frame, Names, Reader};
use super::patience::wait;
use crate::secret::ZooKeeperLogin;

/// The codes of ZooKeeper's operations.
mod operation {
    pub const DELETE: i32 = 2;
    pub const EXISTS: i32 = 3;
    pub const DATA: i32 = 4;
    pub const CHILDREN: i32 = 8;
    pub const MULTI: i32 = 14;
    pub const AUTH: i32 = 100;
    pub const CLOSE: i32 = -11;
    /// The end of the list of operations in a `MULTI`.
    pub const NONE: i32 = -1;
}

/// The number of the login request. A response repeats the number of its request.
const AUTH_NUMBER: i32 = -4;
/// The description of a server that closes the connection.
const CLOSED: &str = "it closed the connection";
/// The version in a deletion that matches any version of a node.
const ANY_VERSION: i32 = -1;
/// The size of the state of a node, in bytes. The version follows four long numbers.
const STAT: usize = 68;
/// The place of the session that an ephemeral node belongs to, in the state of the node.
const OWNER: usize = 44;

/// The parameters of a new session.
#[derive(Clone)]
pub struct Opening {
    /// The user to log in as, if there is one.
    pub login: Option<ZooKeeperLogin>,
    /// The time for which the server should keep an unused session.
    pub session: Duration,
    /// The longest time to wait for a server to send or accept bytes.
    pub silence: Duration,
    /// The largest response that is accepted, in bytes.
    pub largest: usize,
    /// The last transaction that was seen. A server that has not applied it yet does not open a
    /// session, so a client never sees an older state after a newer one.
    pub last_seen: i64,
}

/// A session.
pub struct Connection {
    socket: TcpStream,
    silence: Duration,
    largest: usize,
    last_seen: i64,
    /// The number of the last request.
    number: i32,
    /// The time for which the server keeps the session while it is unused.
    kept: Duration,
    used: Instant,
}

impl Connection {
    /// Opens a session with the server at an address.
    ///
    /// # Errors
    /// Fails if there is no session by `end`, or if the login is refused.
    pub fn open(address: &SocketAddr, opening: &Opening, end: Instant) -> Result<Self, Fault> {
        let socket =
            TcpStream::connect_timeout(address, wait(Duration::MAX, end)?).map_err(broken)?;
        // Without this, a request waits for the acknowledgement of the previous one.
        socket.set_nodelay(true).map_err(broken)?;
        let Opening { login, session, silence, largest, last_seen } = opening;
        let (silence, largest, last_seen) = (*silence, *largest, *last_seen);
        let (kept, used) = (Duration::ZERO, Instant::now());
        let mut connection = Self { socket, silence, largest, last_seen, number: 0, kept, used };
        let (version, no_session, password) = (0, 0, [0; 16]);
        let session = i32::try_from(session.as_millis()).unwrap_or(i32::MAX);
        let hello = Frame::new().int(version).long(last_seen).int(session).long(no_session);
        connection.send(&hello.buffer(&password).boolean(false).finish(), end)?;
        let answer = connection.receive(end).map_err(|fault| match fault {
            // A server that opens no session sends no other message.
            Fault::NoAnswer(why) if why == CLOSED => Fault::NoAnswer(format!(
                "{CLOSED} instead of opening a session: it may have no quorum, be read-only, or \
                 be behind the other servers"
            )),
            fault => fault,
        })?;
        let opened =
            opened(&answer).ok_or_else(|| malformed("an invalid response to a new client"))?;
        connection.kept = opened.map_err(|why| Fault::NoAnswer(why.into()))?;
        if let Some(user) = login {
            let login = Frame::new().int(AUTH_NUMBER).int(operation::AUTH);
            let login = login.int(0).buffer(b"digest").buffer(user.bytes());
            connection.send(&login.finish(), end)?;
            connection.answer(AUTH_NUMBER, end)?;
        }
        connection.used = Instant::now();
        Ok(connection)
    }

    /// Returns whether the server may have ended the session because it was unused.
    pub fn is_stale(&self) -> bool {
        self.used.elapsed() > self.kept / 3
    }

    /// Returns the last transaction that the server has shown.
    pub fn last_seen(&self) -> i64 {
        self.last_seen
    }

    /// Returns the names of a node's children.
    ///
    /// # Errors
    /// Fails, like every operation, if `end` comes first, if the server refuses, or if its response
    /// is invalid.
    pub fn children(&mut self, node: &str, end: Instant) -> Result<Names, Fault> {
        let answer =
            self.ask(operation::CHILDREN, |it| it.buffer(node.as_bytes()).boolean(false), end)?;
        Names::new(answer).map_err(|why| Fault::Malformed(why.to_string()))
    }

    /// Returns the version of a node's data, or nothing if the node does not exist.
    ///
    /// # Errors
    /// Fails like every operation.
    pub fn version(&mut self, node: &str, end: Instant) -> Result<Option<i32>, Fault> {
        let asked =
            self.ask(operation::EXISTS, |it| it.buffer(node.as_bytes()).boolean(false), end);
        let stat = match asked {
            Err(Fault::Refused(code::NO_NODE)) => return Ok(None),
            stat => stat?,
        };
        let version = stat.get(32..).filter(|_| stat.len() == STAT);
        let version = version.and_then(|rest| Reader(rest).int());
        version.map(Some).ok_or_else(|| malformed("an invalid state of a node"))
    }

    /// Returns the data of a node, and whether the node is ephemeral; or nothing if it does not
    /// exist.
    ///
    /// # Errors
    /// Fails like every operation.
    pub fn data(&mut self, node: &str, end: Instant) -> Result<Option<(Vec<u8>, bool)>, Fault> {
        let asked = self.ask(operation::DATA, |it| it.buffer(node.as_bytes()).boolean(false), end);
        let answer = match asked {
            Err(Fault::Refused(code::NO_NODE)) => return Ok(None),
            answer => answer?,
        };
        let data = data_and_owner(&answer).ok_or_else(|| malformed("invalid data of a node"))?;
        Ok(Some(data))
    }

    /// Deletes a node without children.
    ///
    /// # Errors
    /// Fails like every operation.
    pub fn delete(&mut self, node: &str, end: Instant) -> Result<(), Fault> {
        let fields = |it: Frame| it.buffer(node.as_bytes()).int(ANY_VERSION);
        let answer = self.ask(operation::DELETE, fields, end)?;
        Reader(&answer).end().ok_or_else(|| malformed("an invalid response to a deletion"))
    }

    /// Deletes all of these nodes, in this order, or none.
    ///
    /// # Errors
    /// Fails like every operation.
    pub fn delete_all(&mut self, nodes: &[String], end: Instant) -> Result<(), Fault> {
        let fields = |mut it: Frame| {
            for node in nodes {
                it = it.int(operation::DELETE).boolean(false).int(-1);
                it = it.buffer(node.as_bytes()).int(ANY_VERSION);
            }
            it.int(operation::NONE).boolean(true).int(-1)
        };
        let answer = self.ask(operation::MULTI, fields, end)?;
        match all_deleted(&mut Reader(&answer), nodes.len()) {
            Some(0) => Ok(()),
            Some(code) => Err(Fault::Refused(code)),
            None => Err(malformed("an invalid response to deletions")),
        }
    }

    /// Ends the session, so that the server need not keep it until it expires. If that fails, the
    /// session expires.
    pub fn close(mut self) {
        /// The time limit is short because the response contains no information.
        const PATIENCE: Duration = Duration::from_secs(1);
        self.silence = self.silence.min(PATIENCE);
        let _ = self.ask(operation::CLOSE, |it| it, Instant::now() + PATIENCE);
    }

    /// Sends a request, and returns the content of its response.
    fn ask(
        &mut self,
        operation: i32,
        fields: impl FnOnce(Frame) -> Frame,
        end: Instant,
    ) -> Result<Vec<u8>, Fault> {
        self.number = self.number.checked_add(1).unwrap_or(1);
        let request = fields(Frame::new().int(self.number).int(operation));
        self.send(&request.finish(), end)?;
        let content = self.answer(self.number, end)?;
        self.used = Instant::now();
        Ok(content)
    }

    /// Returns the content of the response to the request with this number. No other message is
    /// expected, because no node is watched.
    fn answer(&mut self, number: i32, end: Instant) -> Result<Vec<u8>, Fault> {
        /// The size of the number, the last transaction and the code.
        const HEADER: usize = 4 + 8 + 4;
        let mut answer = self.receive(end)?;
        let mut reader = Reader(&answer);
        let header = reader.int().zip(reader.long()).zip(reader.int());
        let Some(((answered, transaction), code)) = header else {
            return Err(malformed("an invalid response to a request"));
        };
        // A server that refuses a login reports that in its response to any request.
        let is_logged_in = !matches!(code, code::AUTH_FAILED | code::AUTH_REQUIRED);
        if is_logged_in && answered != number {
            return Err(Fault::Malformed(format!(
                "a response to request {answered} instead of {number}"
            )));
        }
        self.last_seen = self.last_seen.max(transaction);
        if code != 0 {
            return Err(Fault::Refused(code));
        }
        answer.drain(..HEADER);
        Ok(answer)
    }

    fn send(&mut self, frame: &[u8], end: Instant) -> Result<(), Fault> {
        let mut rest = frame;
        while !rest.is_empty() {
            self.socket.set_write_timeout(Some(wait(self.silence, end)?)).map_err(broken)?;
            match self.socket.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(())
    }

    /// Reads one frame. The memory grows with the bytes that have arrived, not with the length that
    /// the server claims.
    fn receive(&mut self, end: Instant) -> Result<Vec<u8>, Fault> {
        const PIECE: usize = 64 << 10;
        let mut length = [0; 4];
        self.fill(&mut length, end)?;
        let length = u32::from_be_bytes(length);
        let length = match usize::try_from(length) {
            Ok(length) if length <= self.largest => length,
            _ => {
                let most = self.largest;
                return Err(Fault::Malformed(format!(
                    "a response of {length} bytes, more than the {most} that are accepted"
                )));
            }
        };
        let mut frame = Vec::new();
        while frame.len() < length {
            let begin = frame.len();
            frame.resize(length.min(begin + PIECE), 0);
            self.fill(frame.get_mut(begin..).unwrap_or_default(), end)?;
        }
        frame.shrink_to_fit();
        Ok(frame)
    }

    fn fill(&mut self, mut rest: &mut [u8], end: Instant) -> Result<(), Fault> {
        while !rest.is_empty() {
            self.socket.set_read_timeout(Some(wait(self.silence, end)?)).map_err(broken)?;
            match self.socket.read(rest) {
                Ok(0) => return Err(Fault::NoAnswer(CLOSED.into())),
                Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(())
    }
}

fn malformed(description: &str) -> Fault {
    Fault::Malformed(description.into())
}

/// Parses the response to a new client: the time for which its session is kept, or the reason why
/// there is no session.
fn opened(answer: &[u8]) -> Option<Result<Duration, &'static str>> {
    let mut reader = Reader(answer);
    let (_version, kept, session) = (reader.int()?, reader.int()?, reader.long()?);
    let _password = reader.buffer()?;
    // Servers before 3.4 do not report whether they are read-only.
    let only_reads = if reader.0.is_empty() { false } else { reader.boolean()? };
    reader.end()?;
    Some(match u64::try_from(kept) {
        _ if only_reads => Err("it is read-only, because it has no quorum"),
        Ok(kept @ 1..) if session != 0 => Ok(Duration::from_millis(kept)),
        _ => Err("it opens no session"),
    })
}

/// Parses the data of a node, and whether its state names a session as its owner.
fn data_and_owner(answer: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut reader = Reader(answer);
    let data = reader.buffer()?;
    let owner = reader.0.get(OWNER..).filter(|_| reader.0.len() == STAT);
    let owner = owner.and_then(|rest| Reader(rest).long())?;
    Some((data.to_vec(), owner != 0))
}

/// Returns the result of all of these deletions: 0, or the code of the first one that failed.
fn all_deleted(reader: &mut Reader, count: usize) -> Option<i32> {
    let (mut deleted, mut failed) = (0, None);
    for _ in 0..count {
        match (reader.int()?, reader.boolean()?, reader.int()?) {
            (operation::DELETE, false, 0) => deleted += 1,
            // If one deletion fails, all do. The codes before it are 0, and those after it are not.
            (operation::NONE, false, code) if reader.int()? == code => {
                failed = failed.or((code != 0).then_some(code));
            }
            _ => return None,
        }
    }
    let end = (reader.int()?, reader.boolean()?, reader.int()?);
    reader.end()?;
    match failed {
        _ if end != (operation::NONE, true, -1) => None,
        None => (deleted == count).then_some(0),
        failed => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &[i32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// Encodes the results of deletions: the operation, the code and, for a failed one, the code
    /// again.
    fn results(results: &[&[i32]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for result in results {
            bytes.extend(numbers(&result[..1]));
            bytes.push(0);
            bytes.extend(numbers(&result[1..]));
        }
        bytes.extend([255, 255, 255, 255, 1, 255, 255, 255, 255]);
        bytes
    }

    #[test]
    fn data_is_followed_by_the_state_of_its_node() {
        let answer = |owner: i64, size: usize| {
            let mut stat = vec![0; size];
            stat[OWNER..OWNER + 8].copy_from_slice(&owner.to_be_bytes());
            [&numbers(&[2])[..], b"ab", &stat].concat()
        };
        assert_eq!(data_and_owner(&answer(7, STAT)), Some((b"ab".to_vec(), true)));
        assert_eq!(data_and_owner(&answer(0, STAT)), Some((b"ab".to_vec(), false)));
        for odd in [answer(7, STAT - 1), answer(7, STAT + 1), numbers(&[-1]), vec![]] {
            assert_eq!(data_and_owner(&odd), None);
        }
    }

    #[test]
    fn deletions_succeed_if_each_of_them_does() {
        let read = |bytes: &[u8]| all_deleted(&mut Reader(bytes), 2);
        let both = results(&[&[2, 0], &[2, 0]]);
        assert_eq!(read(&both), Some(0));
        assert_eq!(read(&results(&[&[-1, 0, 0], &[-1, -101, -101]])), Some(-101));
        assert_eq!(read(&results(&[&[-1, -111, -111], &[-1, -2, -2]])), Some(-111));
        for odd in [
            vec![],
            results(&[]),
            results(&[&[2, 0]]),
            results(&[&[2, 0], &[2, 0], &[2, 0]]),
            results(&[&[2, 0], &[2, 1]]),
            results(&[&[2, 0], &[1, 0]]),
            results(&[&[-1, 0, 0], &[2, 0]]),
            results(&[&[-1, 0, 0], &[-1, 0, 0]]),
            results(&[&[-1, -101, 0], &[-1, -2, -2]]),
            both[..both.len() - 1].into(),
            [&both[..], &[0]].concat(),
        ] {
            assert_eq!(read(&odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_read_only_session_is_not_used() {
        let hello = |kept: i32, session: i64, rest: &[u8]| {
            let mut bytes = numbers(&[0, kept]);
            bytes.extend(session.to_be_bytes());
            bytes.extend(rest);
            opened(&bytes)
        };
        let password = numbers(&[2, 0])[..6].to_vec();
        let then = |more: &[u8]| [&password[..], more].concat();
        let kept = Some(Ok(Duration::from_secs(4)));
        assert_eq!(hello(4000, 1, &password), kept);
        assert_eq!(hello(4000, -1, &then(&[0])), kept);
        for (kept, session, only_reads, words) in [
            (4000, 0, 0, "it opens no session"),
            (0, 1, 0, "it opens no session"),
            (4000, 1, 1, "it is read-only, because it has no quorum"),
        ] {
            assert_eq!(hello(kept, session, &then(&[only_reads])), Some(Err(words)));
        }
        for rest in [vec![], then(&[2]), then(&[0, 0]), numbers(&[i32::MAX]), numbers(&[-1])] {
            assert_eq!(hello(4000, 1, &rest), None, "{rest:?}");
        }
    }
}
