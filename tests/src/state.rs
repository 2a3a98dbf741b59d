//! What a cluster consists of, as scenarios write it down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Server;

/// A cluster: what its servers know, and how they answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The Mesos version of the master; it decides how the master behaves.
    pub version: String,
    /// Seconds since the master was elected; thirty days by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_seconds: Option<u64>,
    /// Whether it has taken over from another master: then its agents have come back to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub took_over: bool,
    /// Whether there is a second master, which does not lead (`standby.mesos:5050`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub standby: bool,
    /// The agents, in the order in which they are listed.
    pub agents: Vec<Agent>,
    /// The frameworks that are registered with the master.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<Framework>,
    /// The frameworks that have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completed_frameworks: Vec<CompletedFramework>,
    /// The machines that are down for maintenance. The agents on them are not listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub down_machines: Vec<Machine>,
    /// The machines that will be. The agents on them are listed like any other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining_machines: Vec<Machine>,
    /// The agents that have not come back since the master restarted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered_agents: Vec<RecoveredAgent>,
    /// The roles that the asking principal may not view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_roles: Vec<String>,
    /// Exhibitor; without it, there is none in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhibitor: Option<Exhibitor>,
    /// Marathon; without it, there is none in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marathon: Option<Marathon>,
    /// The login of DC/OS; without it, nobody has to log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<Iam>,
    /// Operations that agents have not carried out yet. The agents are listed as if they had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Scripted answers; the first that fits a request is given instead of the server's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// How long every answer takes, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub latency_ms: u64,
}

/// A Mesos agent and what is reserved on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The agent's id.
    pub id: String,
    /// The agent's host name.
    pub hostname: String,
    /// Whether the agent is connected; the master lists and accepts either.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether an operator has drained it. It is listed as not active, and carries out
    /// operations.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deactivated: bool,
    /// Whether its process has ended. It is listed as not active; its operations stay
    /// pending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dead: bool,
    /// The time at which the master gave up on it, in seconds since 1970. From then on the
    /// agent is not listed, and keeps its resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<u64>,
    /// The number of listings after which it becomes unreachable; it never does by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listings: Option<u32>,
    /// The seconds between its registration and its return from a lost connection, if it
    /// lost one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reregistered_after: Option<u32>,
    /// The answer with which the master refuses its operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuses: Option<Refusal>,
    /// The agent's version, if it is not the master's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Role => resources, exactly as `/slaves` is to list them.
    pub reserved_resources_full: Map<String, Value>,
    /// How often the master tells that an operation is pending here before it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_looks: Option<u32>,
    /// All the agent offers, reserved or not; a large machine by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_resources: Option<Vec<Value>>,
}

impl Agent {
    /// A large machine that is connected, and on which nothing is reserved.
    #[must_use]
    pub fn new(id: &str, hostname: &str) -> Agent {
        Agent {
            id: id.to_owned(),
            hostname: hostname.to_owned(),
            active: true,
            deactivated: false,
            dead: false,
            unreachable: None,
            listings: None,
            reregistered_after: None,
            refuses: None,
            version: None,
            reserved_resources_full: Map::new(),
            pending_looks: None,
            total_resources: None,
        }
    }
}

/// The answer to an operation that is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The master's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// A machine, as the maintenance schedule names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The host name.
    pub hostname: String,
    /// The address.
    pub ip: String,
}

/// An operation that the master has accepted, and the agent has not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The agent's id.
    pub agent: String,
    /// `DESTROY`, `UNRESERVE`, `CREATE` or `RESERVE`.
    pub kind: String,
    /// The volumes or resources, as the master shows them: with `reservations`
    /// alone, without `role` and `reservation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Value>,
    /// How often it is shown until it is done; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
}

/// A framework that is registered with the master.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// The framework's id.
    pub id: String,
    /// The framework's name.
    pub name: String,
    /// Whether it is connected and gets offers.
    #[serde(default = "yes")]
    pub active: bool,
    /// The roles it uses.
    pub roles: Vec<String>,
    /// Whether it is of the kind that has one role, which is shown as `role`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub single_role: bool,
    /// The number of its tasks.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub tasks: u32,
    /// Whether the master knows it only from its tasks, since it took over.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recovered: bool,
    /// Whether the asking principal may not view it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
}

/// A framework that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletedFramework {
    /// The framework's id.
    pub id: String,
    /// The framework's name.
    pub name: String,
    /// The roles it used.
    pub roles: Vec<String>,
    /// The number of its completed tasks; each takes about 1 KiB.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub tasks: u32,
}

/// An agent that has not come back since the master restarted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveredAgent {
    /// The agent's id.
    pub id: String,
    /// The agent's host name.
    pub hostname: String,
}

/// Exhibitor and the ZooKeeper tree behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibitor {
    /// Absolute paths of znodes; their parents exist too.
    pub znodes: Vec<String>,
    /// Znodes that cannot be deleted, with the message Exhibitor gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undeletable: BTreeMap<String, String>,
    /// Znodes that cannot be looked at, with the words that stand for their state, if any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<String, Option<String>>,
    /// Znodes with so many children that they can neither be listed nor deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crowded: Vec<String>,
    /// Makes every deletion outlast its client; without it, each has a proper answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// The deletions that have outlasted their clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deletions: Vec<Deletion>,
    /// The `user:password` that it wants by HTTP Basic; without it, it wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// A deletion that takes longer than its client waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The answer that its client gets.
    pub answer: LateAnswer,
    /// The number of looks at the znode's data that still find it; all do by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
}

/// The answer to a deletion that takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LateAnswer {
    /// Nothing.
    Never,
    /// The end of its connection.
    Reset,
    /// The page of a proxy with this status.
    #[serde(untagged)]
    Page(u16),
}

/// A deletion that has outlasted its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// The znode.
    pub path: String,
    /// The number of looks at its data that still find it.
    pub looks: u32,
}

/// Marathon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marathon {
    /// Absolute app ids, such as `/janitor`.
    pub apps: Vec<String>,
    /// Absolute pod ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// The `user:password` that it wants by HTTP Basic; without it, it wants none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// The login of DC/OS. Where there is one, the other servers want its token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iam {
    /// The passwords of the users.
    pub users: BTreeMap<String, String>,
    /// The token that everyone gets.
    pub token: String,
    /// The public keys of the service accounts: RSA, DER, base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, String>,
    /// How many requests each token is good for, the first one's first. The next one is
    /// longer by a `+`; the last is good for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good_for: Vec<u32>,
}

/// A scripted answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The server that gives it.
    pub server: Server,
    /// The method it answers to.
    pub method: String,
    /// The path it answers to; the query counts only if one is written here.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The content type, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Further headers, such as `Location`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// How often it is given before the server answers by itself again; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

fn yes() -> bool {
    true
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_zero_u32(number: &u32) -> bool {
    *number == 0
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
