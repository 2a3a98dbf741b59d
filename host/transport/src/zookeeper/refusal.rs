//! The reasons why an operation in ZooKeeper is not carried out, in Exhibitor's words.

use super::connection::{Fault, code};
use super::session::Session;
use janitor_contract::types::Error;

/// The reason why an operation is not carried out.
pub(super) enum Refusal {
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
    pub(super) fn words(&self) -> String {
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
    pub(super) fn explain(self, session: &mut Session) -> Result<String, Error> {
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
    pub(super) fn explain_deletion(
        self,
        root: &str,
        session: &mut Session,
    ) -> Result<String, Error> {
        let mut notes: Vec<String> = Vec::new();
        match &self {
            Self::Refused { code: code::NO_NODE, node } if node == root => {
                return self.explain(session);
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
        notes.extend(session.gone.words(root));
        // The knowledge so far must not get lost with the session.
        let first = match self {
            Self::NoSession(Error::Connect(why)) if !notes.is_empty() => why,
            refusal => refusal.explain(session)?,
        };
        Ok(match notes.is_empty() {
            true => first,
            false => format!("{first} ({})", notes.join("; ")),
        })
    }
}

/// Whether a code is about the node, and not about the session or the server: in
/// a new session, or with the next server, there may be another.
pub(super) fn is_of_the_node(code: i32) -> bool {
    let of_the_session =
        matches!(code, code::SESSION_EXPIRED | code::SESSION_MOVED | code::THROTTLED);
    !of_the_session && !is_lost(code)
}

/// Whether a code says that there is no answer.
fn is_lost(code: i32) -> bool {
    matches!(code, code::CONNECTION_LOSS | code::OPERATION_TIMEOUT | code::REQUEST_TIMEOUT)
}

/// Whether a server can have carried out a request without this answer.
pub(super) fn may_be_done(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(code) => is_lost(*code),
        Fault::NoAnswer(_) | Fault::Nonsense(_) => true,
    }
}

/// The name of a code in ZooKeeper's own client in Java, which Exhibitor uses.
pub(super) fn word(code: i32) -> String {
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

/// A path in ZooKeeper's form.
pub(super) fn absolute(node: &str) -> &str {
    if node.is_empty() { "/" } else { node }
}
