//! The reasons why an operation in ZooKeeper is not carried out, with the texts of Exhibitor.

use super::fault::{Fault, code};
use janitor_contract::types::Error;

/// The reason why an operation is not carried out.
pub(super) enum Refusal {
    /// The operation failed on this node.
    Refused { code: i32, node: String },
    /// The operation was sent for this node, and there is no response.
    Lost { fault: Fault, node: String },
    /// There is no session in which it could be carried out.
    NoSession(Error),
    /// No further operation is carried out, for this reason.
    Over(String),
}

impl Refusal {
    /// Returns the error text of ZooKeeper or, if there is none, a description.
    pub(super) fn message(&self) -> String {
        let (name, node) = match self {
            Self::Refused { code, node } => (code_name(*code), node),
            Self::Lost { fault: Fault::Refused(code), node } => (code_name(*code), node),
            Self::Lost { fault: Fault::NoAnswer(_), node } => ("ConnectionLoss".into(), node),
            Self::Lost { fault: Fault::Malformed(why), node } => {
                let node = absolute(node);
                return format!(
                    "the response for {node} is not valid in ZooKeeper's protocol: {why}"
                );
            }
            Self::NoSession(_) => return "there is no session with ZooKeeper".into(),
            Self::Over(why) => return why.clone(),
        };
        format!("KeeperErrorCode = {name} for {}", absolute(node))
    }
}

/// Returns whether a code is about the node, rather than about the session or the server. In a new
/// session, or with the next server, the result may differ.
pub(super) fn is_of_the_node(code: i32) -> bool {
    let is_of_the_session =
        matches!(code, code::SESSION_EXPIRED | code::SESSION_MOVED | code::THROTTLED);
    !is_of_the_session && !is_lost(code)
}

/// Returns whether a code means that there is no response.
fn is_lost(code: i32) -> bool {
    matches!(code, code::CONNECTION_LOSS | code::OPERATION_TIMEOUT | code::REQUEST_TIMEOUT)
}

/// Returns whether a server may have carried out a request despite this fault.
pub(super) fn may_be_done(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(code) => is_lost(*code),
        Fault::NoAnswer(_) | Fault::Malformed(_) => true,
    }
}

/// Returns the name of a code in ZooKeeper's own Java client, which Exhibitor uses.
pub(super) fn code_name(code: i32) -> String {
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

/// Returns a path in ZooKeeper's form, in which the root is `/`.
pub(super) fn absolute(node: &str) -> &str {
    if node.is_empty() { "/" } else { node }
}
