//! The state of a cluster, in the format of scenarios.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Server;

/// A cluster: the data of its servers, and their behaviour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The Mesos version of the master, which determines its behaviour.
    pub version: String,
    /// Seconds since the master was elected; thirty days by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_seconds: Option<u64>,
    /// True if the master has taken over from another one, so that its agents have reregistered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub took_over: bool,
    /// True if there is a second, non-leading master (`standby.mesos:5050`).
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
    /// The machines with planned maintenance. The agents on them are listed like any other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining_machines: Vec<Machine>,
    /// The agents that have not reregistered since the master restarted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered_agents: Vec<RecoveredAgent>,
    /// The roles that the requesting principal may not view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden_roles: Vec<String>,
    /// Exhibitor, if the cluster has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhibitor: Option<Exhibitor>,
    /// Marathon, if the cluster has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marathon: Option<Marathon>,
    /// DC/OS's login, if the cluster requires one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam: Option<Iam>,
    /// Operations that agents have not carried out yet. The agents are listed as if they had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Scripted responses; the first that matches a request replaces the server's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The delay of every response, in milliseconds.
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
    /// True if the agent is connected. The master lists it and accepts operations in either case.
    #[serde(default = "yes")]
    pub active: bool,
    /// True if an operator has drained the agent. It is listed as not active, but carries out
    /// operations.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deactivated: bool,
    /// True if the agent's process has ended. It is listed as not active, and its operations stay
    /// pending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dead: bool,
    /// The time at which the master marked the agent unreachable, in seconds since 1970. From then
    /// on it is not listed, but keeps its resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<u64>,
    /// The number of listings after which the agent becomes unreachable; by default, it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listings: Option<u32>,
    /// The number of listings after which an unreachable agent comes back; by default, it never
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_after: Option<u32>,
    /// The seconds between the agent's registration and its reregistration after a lost connection,
    /// if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reregistered_after: Option<u32>,
    /// The response with which the master refuses the agent's operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuses: Option<Refusal>,
    /// The agent's version, if it differs from the master's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The resources of each role, exactly as `/slaves` lists them.
    pub reserved_resources_full: Map<String, Value>,
    /// The number of times that the master reports an operation of this agent as pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_looks: Option<u32>,
    /// All the agent's resources, reserved or not; by default, those of a large machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_resources: Option<Vec<Value>>,
}

impl Agent {
    /// Creates a large machine that is connected and has no reserved resources.
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
            returns_after: None,
            reregistered_after: None,
            refuses: None,
            version: None,
            reserved_resources_full: Map::new(),
            pending_looks: None,
            total_resources: None,
        }
    }
}

/// The response to an operation that is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// A machine in the maintenance schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The host name.
    pub hostname: String,
    /// The address.
    pub ip: String,
}

/// An operation that the master has accepted, but the agent has not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The agent's id.
    pub agent: String,
    /// `DESTROY`, `UNRESERVE`, `CREATE` or `RESERVE`.
    pub kind: String,
    /// The volumes or resources in the master's format: with `reservations`, but without `role` and
    /// `reservation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Value>,
    /// The number of times that the operation is shown; by default, it stays pending for ever.
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
    /// True if the framework is connected and receives offers.
    #[serde(default = "yes")]
    pub active: bool,
    /// The framework's roles.
    pub roles: Vec<String>,
    /// True if the framework is of the kind with a single role, which is shown as `role`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub single_role: bool,
    /// The number of the framework's tasks.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub tasks: u32,
    /// True if the master has taken over and knows the framework only from its tasks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recovered: bool,
    /// True if the requesting principal may not view the framework.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// The number of listings of the agents after which the framework ends; by default, it never
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listings: Option<u32>,
}

/// A framework that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletedFramework {
    /// The framework's id.
    pub id: String,
    /// The framework's name.
    pub name: String,
    /// The framework's roles.
    pub roles: Vec<String>,
    /// The number of completed tasks; each takes about 1 KiB.
    #[serde(default, skip_serializing_if = "is_zero_u32")]
    pub tasks: u32,
}

/// An agent that has not reregistered since the master restarted.
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
    /// Znodes that cannot be deleted, with Exhibitor's message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undeletable: BTreeMap<String, String>,
    /// Znodes that cannot be read, with the text in place of their state, if any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<String, Option<String>>,
    /// Znodes with so many children that they can neither be listed nor deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crowded: Vec<String>,
    /// The reason why every deletion outlasts its client; by default, each gets a proper response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// The deletions that have outlasted their clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deletions: Vec<Deletion>,
    /// The `user:password` that is required through HTTP Basic, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// A deletion that takes longer than its client waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The response that the client receives.
    pub answer: LateAnswer,
    /// The number of reads of the znode's data that still find it; by default, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
}

/// The response to a deletion that takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LateAnswer {
    /// There is no response.
    Never,
    /// The connection ends.
    Reset,
    /// A proxy sends an error page with this status.
    #[serde(untagged)]
    Page(u16),
}

/// A deletion that has outlasted its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// The znode.
    pub path: String,
    /// The number of reads of the znode's data that still find it.
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
    /// The `user:password` that is required through HTTP Basic, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// DC/OS's login. If there is one, the other servers require its token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iam {
    /// The passwords of the users.
    pub users: BTreeMap<String, String>,
    /// The token that every login returns.
    pub token: String,
    /// The public keys of the service accounts: RSA, DER, base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, String>,
    /// The number of requests that each token is valid for, in order. Each further token is longer
    /// by a `+`; the last one is valid for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good_for: Vec<u32>,
}

/// A scripted response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The server that sends it.
    pub server: Server,
    /// The method of the request.
    pub method: String,
    /// The path of the request; the query is only compared if it is included here.
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
    /// The number of times that it is sent before the server responds itself again; by default, it
    /// is always sent.
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
