//! What a cluster consists of, as scenarios write it down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Server;

/// A cluster: what its servers know, and how they answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The Mesos version of the master; it decides how the master behaves.
    pub version: String,
    /// The agents, in the order in which they are listed.
    pub agents: Vec<Agent>,
    /// The frameworks that are registered with the master.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<Framework>,
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
    /// What agents have not carried out yet.
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

/// An operation that the master has accepted, and the agent has not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The agent's id.
    pub agent: String,
    /// `DESTROY` or `UNRESERVE`.
    pub kind: String,
    /// How often it will be told until it is done.
    pub looks: u32,
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

fn is_zero(number: &u64) -> bool {
    *number == 0
}
