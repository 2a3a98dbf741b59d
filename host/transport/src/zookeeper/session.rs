//! A session with ZooKeeper, on any of its servers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use super::ZooKeeperLimits;
use super::connection::{Connection, Opening};
use super::fault::{Fault, code};
use super::jute::Names;
use super::patience::{addresses, aside};
use super::refusal::{Refusal, absolute, code_name, is_of_the_node};
use super::removed::Removed;
use crate::exchange::Permit;
use crate::secret::ZooKeeperLogin;
use crate::timeouts::Timeouts;
use janitor_contract::ensemble::Ensemble;
use janitor_contract::request::DELETION_STOPPED;
use janitor_contract::types::Error;

/// The pause before another attempt, so that a server which closes every connection is not
/// contacted continuously.
const PAUSE: Duration = Duration::from_millis(100);

/// Returns the time at this distance from now.
fn after(time: Duration) -> Instant {
    /// Every clock can represent a time at this distance.
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + time.min(LONGEST)
}

/// The servers of a session, the user, and the limits.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) ensemble: Ensemble,
    pub(super) login: Option<ZooKeeperLogin>,
    /// The time in which a server must open a session, and answer one operation.
    pub(super) timeouts: Timeouts,
    pub(super) limits: ZooKeeperLimits,
}

/// A session with ZooKeeper, which is opened when it is needed. No node belongs to it, so a new one
/// replaces it if it is lost.
pub(super) struct Session {
    settings: Settings,
    /// The end of the run's time.
    end: Instant,
    permit: Permit,
    connection: Option<Connection>,
    /// The servers that are tried for the next session. If none is left, all servers in the URL are
    /// tried again.
    next: VecDeque<Server>,
    /// The last transaction that was seen.
    last_seen: i64,
    /// The number of nodes whose deletion was sent, and whose state is unknown.
    pub(super) in_doubt: usize,
    /// The nodes that no longer exist.
    pub(super) removed: Removed,
}

/// A server that may open a session.
enum Server {
    /// A server in the URL, as `host:port`.
    Named(String),
    /// One address of a server, and the time in which it must open a session.
    At(SocketAddr, Duration),
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
    /// Creates a session for a run that has this much time left.
    pub(super) fn new(settings: Settings, time: Duration, permit: Permit) -> Self {
        Self {
            end: after(time),
            settings,
            permit,
            connection: None,
            next: VecDeque::new(),
            last_seen: 0,
            in_doubt: 0,
            removed: Removed::default(),
        }
    }

    /// Returns the node that stands for the root.
    pub(super) fn chroot(&self) -> &str {
        self.settings.ensemble.chroot()
    }

    /// Returns the limits of deletions.
    pub(super) fn limits(&self) -> ZooKeeperLimits {
        self.settings.limits
    }

    /// Adds the addresses of the next server to the front. Each address is tried separately, with
    /// its share of the time for one server, so that none delays the others.
    fn take_addresses(&mut self, found: &[SocketAddr]) {
        let share =
            self.settings.timeouts.connect / u32::try_from(found.len()).unwrap_or(u32::MAX).max(1);
        let servers = found.iter().rev().map(|address| Server::At(*address, share));
        servers.for_each(|server| self.next.push_front(server));
    }

    /// Connects to the first server that opens a session, starting after the last one. Each address
    /// of a name is a separate server. This waits for servers that are starting or electing a
    /// leader. After a cancellation, no server is contacted, unless the result of a deletion is
    /// unknown: then each gets one more chance.
    fn open(&mut self) -> Result<Connection, Error> {
        let count = self.settings.ensemble.servers().len();
        let connect = self.settings.timeouts.connect;
        let session = connect.saturating_mul(u32::try_from(count).unwrap_or(1).saturating_add(1));
        let opening = Opening {
            login: self.settings.login.clone(),
            session,
            silence: connect,
            largest: self.settings.limits.znode_bytes,
            last_seen: self.last_seen,
        };
        let (begin, end) = (Instant::now(), after(session).min(self.end));
        let (permit, in_doubt) = (self.permit.clone(), self.in_doubt > 0);
        let is_over = || permit.is_cancelled() && !in_doubt;
        let mut rounds = 0;
        let mut last = String::new();
        while !is_over() {
            if self.next.is_empty() {
                if rounds > 0 && permit.is_cancelled() {
                    break;
                }
                rounds += 1;
                self.next
                    .extend(self.settings.ensemble.servers().iter().cloned().map(Server::Named));
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
            // A try that the end interrupts does not show why the ones before it failed.
            if Instant::now() >= end && !last.is_empty() {
                break;
            }
            match fault {
                Fault::Refused(code::AUTH_FAILED | code::AUTH_REQUIRED) => {
                    return Err(Error::Internal("ZooKeeper refuses the login of this user".into()));
                }
                Fault::Refused(code) => last = code_name(code),
                Fault::NoAnswer(why) | Fault::Malformed(why) => last = why,
            }
            if Instant::now() + PAUSE > end {
                break;
            }
            thread::sleep(PAUSE);
        }
        if self.permit.is_cancelled() {
            return Err(Error::Connect(format!(
                "the run is cancelled, and none of the {count} ZooKeeper server(s) in its URL has \
                 opened a session yet"
            )));
        }
        Err(Error::Connect(format!(
            "none of the {count} ZooKeeper server(s) in its URL has opened a session in {} s \
             (are they up, and are these their client ports? Of the last one: {last})",
            begin.elapsed().as_secs()
        )))
    }

    /// Carries out an operation on a node. If the connection is lost, the server falls silent or
    /// the session expires, the operation is repeated in a new session, with the next server that
    /// opens one, until the time for a response is over or the run is cancelled. Servers that send
    /// malformed responses get only one more chance each.
    pub(super) fn perform<T>(
        &mut self,
        node: &str,
        mut operation: impl FnMut(&mut Connection, Instant) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        let end = after(self.settings.timeouts.answer).min(self.end);
        let mut lost = None;
        let mut malformed = 0;
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
            malformed += usize::from(matches!(fault, Fault::Malformed(_)));
            let refusal = Refusal::Lost { fault, node: node.to_owned() };
            let is_over = Instant::now() + PAUSE > end || self.permit.is_cancelled();
            if is_over || malformed > self.settings.ensemble.servers().len() {
                return Err(refusal);
            }
            lost = Some(refusal);
            thread::sleep(PAUSE);
        }
    }

    /// Returns the names of a node's children.
    pub(super) fn children(&mut self, node: &str) -> Result<Names, Refusal> {
        self.perform(node, |connection, end| connection.children(absolute(node), end))
    }

    /// Returns the version of a node's data, or nothing if the node does not exist.
    pub(super) fn version(&mut self, node: &str) -> Result<Option<i32>, Refusal> {
        self.perform(node, |connection, end| connection.version(absolute(node), end))
    }

    /// Returns the data of a node, and whether the node is ephemeral; or nothing if it does not
    /// exist.
    pub(super) fn data(&mut self, node: &str) -> Result<Option<(Vec<u8>, bool)>, Refusal> {
        self.perform(node, |connection, end| connection.data(absolute(node), end))
    }

    /// Checks that the chroot exists. Below a missing chroot, every node would seem to be missing.
    pub(super) fn require_chroot(&mut self) -> Result<(), Error> {
        let chroot = self.chroot().to_owned();
        match self.version(&chroot) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Error::Internal(format!(
                "{chroot}, the path in its URL, does not exist in ZooKeeper"
            ))),
            Err(Refusal::NoSession(error)) => Err(error),
            Err(refusal) => Err(Error::Internal(refusal.message())),
        }
    }

    /// Returns the reason why nothing more may be changed, if there is one.
    pub(super) fn is_over(&self) -> Option<&'static str> {
        if self.permit.is_cancelled() {
            Some(DELETION_STOPPED)
        } else if Instant::now() >= self.end {
            Some("the run's time is over")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::super::jute::Frame;
    use super::*;
    use crate::cancellation::CancellationToken;
    use crate::exchange::{RunStart, Running};
    use janitor_contract::Endpoints;

    fn settings(ensemble: &str) -> Settings {
        Settings {
            ensemble: ensemble.parse().unwrap(),
            login: None,
            timeouts: Timeouts { connect: Duration::from_secs(3), ..Timeouts::default() },
            limits: ZooKeeperLimits::default(),
        }
    }

    /// Nobody waits for the deletions of a run that was dropped.
    #[test]
    fn nothing_is_changed_after_the_run() {
        let (running, endpoints) = (Running::default(), Endpoints::default());
        let start = RunStart::new(endpoints, Duration::from_secs(60), CancellationToken::new());
        let permit = start.clone().of(&running).permit();
        let session = Session::new(settings("zk://h"), start.time, permit);
        assert_eq!(session.is_over(), None);
        drop(running);
        assert_eq!(session.is_over(), Some(DELETION_STOPPED));
    }

    /// A name has three addresses: one is silent, one closes each connection, and the last one
    /// opens a session.
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
        let time = Duration::from_secs(60);
        let mut session = Session::new(settings("zk://three-addresses"), time, Permit::default());
        session.take_addresses(&found);
        assert!(session.open().is_ok());
        assert!(session.next.is_empty());
    }
}
