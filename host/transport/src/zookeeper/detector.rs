//! Finds the leading master in ZooKeeper, as Mesos's own clients do. Each master registers below the
//! node of its group as an ephemeral node with a sequence number, and the lowest number leads. The
//! node contains the master's address as JSON (`MasterInfo` of Mesos).

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::ZooKeeperLimits;
use super::fault::code;
use super::refusal::{Refusal, absolute};
use super::session::{Session, Settings};
use crate::exchange::{Permit, RunStart};
use crate::secret::ZooKeeperLogin;
use crate::timeouts::Timeouts;
use janitor_contract::MasterGroup;
use janitor_contract::types::Error;

/// Finds the leading master of a group, in one session for each run, and remembers it until there is
/// a doubt about it.
#[derive(Clone)]
pub(crate) struct Detector {
    group: MasterGroup,
    settings: Settings,
    detection: Arc<Mutex<Detection>>,
    /// The leader that was found last in any run.
    last: Arc<Mutex<Option<String>>>,
}

/// The state of a run's detection.
struct Detection {
    session: Session,
    /// The base URL of the leader.
    leader: Option<String>,
    /// The last failure, which those who waited for it share.
    failure: Option<(Instant, Error)>,
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { group, settings, detection: _, last: _ } = self;
        let mut debug = f.debug_struct("Detector");
        debug.field("group", group).field("settings", settings).finish_non_exhaustive()
    }
}

impl Detector {
    /// Keeps the settings of sessions with the ensemble of a group. Nothing is sent before a run
    /// begins.
    pub(crate) fn new(group: MasterGroup, timeouts: Timeouts, limits: ZooKeeperLimits) -> Self {
        /// The most bytes of one response: of the names of a group, or of the data of a master. A
        /// server of ZooKeeper has this limit too, by default.
        const MOST_BYTES: usize = 1 << 20;
        let znode_bytes = limits.znode_bytes.min(MOST_BYTES);
        let limits = ZooKeeperLimits { znode_bytes, ..limits };
        let ensemble = group.ensemble().clone();
        Self::with_settings(group, Settings { ensemble, login: None, timeouts, limits })
    }

    /// Replaces the login to ZooKeeper.
    pub(crate) fn with_login(self, login: Option<ZooKeeperLogin>) -> Self {
        Self::with_settings(self.group, Settings { login, ..self.settings })
    }

    fn with_settings(group: MasterGroup, settings: Settings) -> Self {
        let session = Session::new(settings.clone(), Duration::ZERO, Permit::default());
        let detection = Detection { session, leader: None, failure: None };
        Self { group, settings, detection: Arc::new(Mutex::new(detection)), last: Arc::default() }
    }

    /// Starts a session for a run.
    pub(crate) fn begin(&mut self, run: &RunStart) {
        let session = Session::new(self.settings.clone(), run.time, run.permit());
        let detection = Detection { session, leader: None, failure: None };
        self.detection = Arc::new(Mutex::new(detection));
    }

    /// Returns the base URL of the leading master, or nothing if no master is registered.
    ///
    /// # Errors
    /// Fails if ZooKeeper cannot be asked, or does not name a master.
    pub(crate) fn leader(&self) -> Result<Option<String>, Error> {
        let asked = Instant::now();
        let mut detection = locked(&self.detection);
        if let Some(leader) = &detection.leader {
            return Ok(Some(leader.clone()));
        }
        if let Some((at, error)) = &detection.failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        let found = detection.session.leader(&self.group);
        match &found {
            Ok(leader) => {
                detection.leader.clone_from(leader);
                locked(&self.last).clone_from(leader);
            }
            Err(error) => detection.failure = Some((Instant::now(), error.clone())),
        }
        found
    }

    /// Forgets the leader if it is this one, so that the next request asks ZooKeeper again.
    pub(crate) fn doubt(&self, leader: &str) {
        let mut detection = locked(&self.detection);
        if detection.leader.as_deref() == Some(leader) {
            detection.leader = None;
        }
    }

    /// Returns the leader that was found last in any run, without asking.
    pub(crate) fn found(&self) -> Option<String> {
        locked(&self.last).clone()
    }
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // A session that failed has no connection any more, and opens another one.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Looks up the leader of a group.
    fn leader(&mut self, group: &MasterGroup) -> Result<Option<String>, Error> {
        /// The most times that the leader may change between the two requests.
        const ATTEMPTS: usize = 3;
        let node = group.ensemble().chroot();
        for _ in 0..ATTEMPTS {
            let mut names = match self.children(node) {
                Ok(names) => names,
                Err(refusal) => return Err(self.explain_group(refusal, node)),
            };
            let Some(member) = lowest(std::iter::from_fn(|| names.next_name().map(Into::into)))
            else {
                return Ok(None);
            };
            let path = format!("{node}/{member}");
            match self.data(&path) {
                Ok(Some((data, is_ephemeral))) => {
                    let leader = read(&member, &data, is_ephemeral, group.is_https());
                    let unusable = |why| {
                        Error::Internal(format!("{path} in ZooKeeper names no master: {why}"))
                    };
                    return leader.map(Some).map_err(unusable);
                }
                // This master has just lost the lead.
                Ok(None) => {}
                Err(refusal) => return Err(self.explain_group(refusal, node)),
            }
        }
        Ok(None)
    }

    /// Explains why the members of a group cannot be read.
    fn explain_group(&mut self, refusal: Refusal, node: &str) -> Error {
        Error::Internal(match refusal {
            Refusal::NoSession(error) => return error,
            Refusal::Refused { code: code::NO_NODE, .. } => {
                let parent = node.rsplit_once('/').map_or("", |(parent, _)| parent);
                let mut why = format!(
                    "{node}, the path of the masters in its URL, does not exist in ZooKeeper"
                );
                if let Ok(mut names) = self.children(parent) {
                    /// The most names that are shown.
                    const SHOWN: usize = 10;
                    let next = || names.next_name().map(|name| format!("{parent}/{name}"));
                    let shown: Vec<_> = std::iter::from_fn(next).take(SHOWN).collect();
                    why += &format!("; {} has {}", absolute(parent), shown.join(", "));
                }
                why
            }
            Refusal::Refused { code: code::NO_AUTH, .. } => {
                format!("the ACL of {node} in ZooKeeper does not let this user read it")
            }
            refusal => format!("ZooKeeper does not name a master: {}", refusal.message()),
        })
    }
}

/// Returns the member with the lowest sequence number. Nodes without a number, like those of a
/// replicated log (`log_replicas`), are not members.
fn lowest(names: impl Iterator<Item = String>) -> Option<String> {
    let numbered = names.filter_map(|name| {
        let number: i32 = name.rsplit('_').next()?.parse().ok()?;
        Some((number, name))
    });
    numbered.min().map(|(_, name)| name)
}

/// The data of a master's node, as far as it is used.
#[derive(Deserialize)]
struct MasterInfo {
    address: Option<Address>,
}

#[derive(Deserialize)]
struct Address {
    hostname: Option<String>,
    ip: Option<String>,
    port: Option<u16>,
}

/// Reads the base URL of a master from its node. Over HTTP this is its IP address, to which Mesos's
/// own clients connect; over HTTPS it is its host name, because that is in its certificate.
fn read(member: &str, data: &[u8], is_ephemeral: bool, is_https: bool) -> Result<String, String> {
    let label = member.rsplit_once('_').map_or("", |(label, _)| label);
    if label != "json.info" {
        return Err("it has the form of Mesos before 0.24, which is not supported here; give the \
                    URL of the master itself, http://host:5050/master/"
            .into());
    }
    if !is_ephemeral {
        return Err("it is not ephemeral, so no running master has registered it".into());
    }
    let info: MasterInfo =
        serde_json::from_slice(data).map_err(|why| format!("it is not a MasterInfo: {why}"))?;
    let Address { hostname, ip, port } = info.address.ok_or("it has no address")?;
    let port = port.filter(|port| *port != 0).ok_or("its address has no port")?;
    let ip = ip.and_then(|ip| ip.parse().ok()).map(|ip| match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    });
    let is_name = |name: &String| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    let hostname = hostname.filter(is_name);
    let (scheme, host) = match is_https {
        true => ("https", hostname.or(ip)),
        false => ("http", ip.or(hostname)),
    };
    let host = host.ok_or("its address has no valid host")?;
    Ok(format!("{scheme}://{host}:{port}/master/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of a real master of Mesos 1.11.0, shortened.
    const DATA: &str = r#"{"address":{"hostname":"m1.example","ip":"10.0.0.1","port":5050},
        "capabilities":[{"type":"AGENT_UPDATE"}],"hostname":"m1.example","id":"6b7c","ip":16777226,
        "pid":"master@10.0.0.1:5050","port":5050,"version":"1.11.0"}"#;

    #[test]
    fn the_lowest_number_leads() {
        for (names, leader) in [
            (&["json.info_0000000010", "json.info_0000000009"][..], Some("json.info_0000000009")),
            (&["log_replicas", "json.info_0000000003"], Some("json.info_0000000003")),
            (&["json.info_0000000004", "info_0000000002"], Some("info_0000000002")),
            // The number has overflowed.
            (&["json.info_2147483647", "json.info_-2147483648"], Some("json.info_-2147483648")),
            (&["log_replicas", "json.info_", "x"], None),
            (&[], None),
        ] {
            let names = names.iter().map(ToString::to_string);
            assert_eq!(lowest(names).as_deref(), leader);
        }
    }

    #[test]
    fn the_address_is_that_of_mesos_clients_or_of_the_certificate() {
        let read = |data: &str, is_https| read("json.info_1", data.as_bytes(), true, is_https);
        assert_eq!(read(DATA, false).unwrap(), "http://10.0.0.1:5050/master/");
        assert_eq!(read(DATA, true).unwrap(), "https://m1.example:5050/master/");
        let only = |address| format!(r#"{{"address":{{{address},"port":1}}}}"#);
        for (address, http, https) in [
            (r#""ip":"::1""#, "http://[::1]:1/master/", "https://[::1]:1/master/"),
            (r#""hostname":"h""#, "http://h:1/master/", "https://h:1/master/"),
            (
                r#""ip":"1.2.3.4","hostname":"""#,
                "http://1.2.3.4:1/master/",
                "https://1.2.3.4:1/master/",
            ),
        ] {
            let data = only(address);
            assert_eq!(
                (&*read(&data, false).unwrap(), &*read(&data, true).unwrap()),
                (http, https)
            );
        }
    }

    #[test]
    fn a_claim_that_is_no_address_is_refused() {
        let address = |address| format!(r#"{{"address":{{{address}}}}}"#);
        for data in [
            String::new(),
            "\x08\x01".into(),
            "[]".into(),
            "{}".into(),
            address(r#""ip":"10.0.0.1""#),
            address(r#""ip":"10.0.0.1","port":0"#),
            address(r#""ip":"10.0.0.1","port":65536"#),
            address(r#""ip":"10.0.0.1","port":-1"#),
            address(r#""port":1"#),
            address(r#""ip":"h/@x","port":1"#),
            address(r#""hostname":"u:p@h","port":1"#),
            address(r#""hostname":"h/x?","port":1"#),
            address(r#""ip":"10.0.0.1","ip":"10.0.0.2","port":1"#),
        ] {
            assert!(read("json.info_1", data.as_bytes(), true, false).is_err(), "{data}");
        }
        for (member, is_ephemeral) in
            [("info_1", true), ("0000000001", true), ("json.info_1", false)]
        {
            assert!(read(member, DATA.as_bytes(), is_ephemeral, false).is_err(), "{member}");
        }
    }
}
