//! The operations that agents have not carried out yet: `POST master/api/v1`,
//! `GET_OPERATIONS`.
//!
//! The list of agents shows the master's assumptions: a volume disappears from it as soon as the
//! master has accepted the request. An agent that dies before the request reaches it comes back
//! with the volume (measured on Mesos 1.4 to 1.11). Since 1.6, the master lists the pending
//! operations, whoever requested them, but not those of agents from before 1.6 (measured with a master
//! 1.11.0 and an agent 1.4.3). Of these, only silence can show that they have not received a request
//! ([`super::pings`]).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::agents::Wanted;
use super::answer::{self, Page};
use super::json::Bad;
use super::resource::{Decision, Resource};
use super::v1;
use crate::host::{Host, request};
use crate::owner::Owner;
use crate::retry::Retries;
use crate::version;
use janitor_contract::types::{Endpoint, Method, Phase};

/// The first version of Mesos whose master lists its operations, as a number.
pub const LISTED_SINCE: u32 = 106;

/// A removal that an agent has not carried out yet.
#[derive(Debug)]
pub struct Pending {
    /// The agent's id.
    pub agent: String,
    /// The phase that makes such removals.
    pub phase: Phase,
    /// The resources, if they can be read.
    resources: Option<Vec<Resource>>,
}

impl Pending {
    /// Returns whether it removes something of an owner, or of any role. A resource that is shown
    /// without labels counts whatever labels the owner has, because it may have some.
    pub fn is_of(&self, owner: Option<Owner>) -> bool {
        let (Some(resources), Some(owner)) = (&self.resources, owner) else { return true };
        let of_any_labels = Owner { labels: &[], framework_id: None, ..owner };
        let is_own = |it: &Resource| {
            let is_unlabelled = owner.selects_by_label() && it.labels().is_empty();
            let owner = if is_unlabelled { of_any_labels } else { owner };
            it.is_of(owner.role) && it.decide(self.phase, owner) == Decision::Take
        };
        resources.iter().any(is_own)
    }

    /// Returns whether it removes something of another role that may belong to the service of an owner.
    pub fn may_be_elsewhere(&self, owner: Owner) -> bool {
        let wanted = Wanted::of_owner(owner);
        let may_be = |role: &str, it: &Resource| {
            let mut makers = it.principals().map(Some).chain([None]);
            makers.any(|maker| wanted.may_be_elsewhere(role, maker))
        };
        let mut resources = self.resources.iter().flatten();
        resources.any(|it| it.role().is_some_and(|role| may_be(role, it)))
    }
}

#[derive(Deserialize)]
struct Listed {
    agent_id: Option<AgentId>,
    info: Info,
    latest_status: Status,
}

#[derive(Deserialize)]
struct AgentId {
    value: String,
}

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "type")]
    kind: String,
    destroy: Option<Volumes>,
    unreserve: Option<Resources>,
}

#[derive(Deserialize)]
struct Volumes {
    volumes: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

impl Listed {
    /// Returns the operation if it is a removal and still pending.
    fn pending(self) -> Option<Pending> {
        let Info { kind, destroy, unreserve } = self.info;
        let (phase, list) = match kind.as_str() {
            "DESTROY" => (Phase::Volumes, destroy.map(|it| it.volumes)),
            "UNRESERVE" => (Phase::Reservations, unreserve.map(|it| it.resources)),
            _ => return None,
        };
        let agent = self.agent_id.filter(|_| !is_over(&self.latest_status.state))?.value;
        let read = |list: Vec<_>| list.into_iter().map(Resource::new).collect::<Result<_, _>>();
        Some(Pending { agent, phase, resources: list.and_then(|list| read(list).ok()) })
    }
}

/// Asks the master for the pending removals, and returns nothing if it is too old to list them.
/// `newest` is the newest version of Mesos that an agent names; it counts only where the master does
/// not say its own.
pub fn pending<H: Host>(
    host: &mut H,
    newest: Option<u32>,
    retries: &mut Retries,
) -> Result<Option<Vec<Pending>>, String> {
    let page = answer::page(host, &v1("GET_OPERATIONS"), retries, |json| {
        let mut pending = None;
        json.object(|json, name| match name {
            "get_operations" => {
                let pending = pending.insert(Vec::new());
                json.object(|json, name| match name {
                    "operations" => json.list(|json| {
                        let operation: Listed = json.value()?;
                        pending.extend(operation.pending());
                        Ok(())
                    }),
                    _ => json.skip(),
                })
            }
            _ => json.skip(),
        })?;
        pending.ok_or_else(|| Bad::missing("get_operations"))
    });
    let (is_understood, why) = match page {
        Page::Says(pending) => return Ok(Some(pending)),
        Page::Missing => (false, "Bad api/v1 response: the Mesos master answers 404".to_owned()),
        Page::Unknown(unread) => (unread.status != Some(400), unread.message),
    };
    // An older master does not understand the request. Masters are upgraded first, so this one
    // is at least as new as its agents.
    match master_version(host, retries).or(newest) {
        Some(version) if version >= LISTED_SINCE => Err(why),
        None if is_understood => Err(why),
        _ => Ok(None),
    }
}

/// Asks the master for its version: `GET master-root/version`.
fn master_version<H: Host>(host: &mut H, retries: &mut Retries) -> Option<u32> {
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }

    let page = request(Endpoint::MasterRoot, Method::Get, vec!["version".into()]);
    match answer::page(host, &page, retries, |json| json.value::<Version>()) {
        Page::Says(Version { version }) => version::number(&version),
        Page::Missing | Page::Unknown(_) => None,
    }
}

fn is_over(state: &str) -> bool {
    ["FINISHED", "FAILED", "ERROR", "DROPPED", "GONE_BY_OPERATOR"]
        .into_iter()
        .any(|it| state.strip_prefix("OPERATION_") == Some(it))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Script;
    use janitor_contract::types::LabelSelector;

    fn ask(mut host: Script, newest: Option<u32>) -> Result<Option<Vec<Pending>>, String> {
        let mut retries = Retries::new(&mut host, Duration::ZERO);
        pending(&mut host, newest, &mut retries)
    }

    #[test]
    fn only_what_is_not_done_yet_is_pending() {
        let cpus = |role: &str| {
            format!(
                r#"{{"name":"cpus","reservations":[{{"type":"DYNAMIC","role":"{role}","principal":"p"}}]}}"#
            )
        };
        let unreserve = |agent: &str, role: &str, state: &str| {
            let resource = cpus(role);
            format!(
                r#"{{"agent_id":{{"value":"{agent}"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{resource}]}}}},"latest_status":{{"state":"{state}"}}}}"#
            )
        };
        let operations = [
            unreserve("S0", "r", "OPERATION_PENDING"),
            unreserve("S1", "q", "OPERATION_UNREACHABLE"),
            unreserve("S2", "r", "OPERATION_FINISHED"),
            r#"{"agent_id":{"value":"S3"},"info":{"type":"RESERVE"},"latest_status":{"state":"OPERATION_PENDING"}}"#.into(),
            r#"{"agent_id":{"value":"S4"},"info":{"type":"DESTROY"},"latest_status":{"state":"OPERATION_PENDING"}}"#.into(),
            r#"{"info":{"type":"UNRESERVE"},"latest_status":{"state":"OPERATION_PENDING"}}"#.into(),
        ];
        let body = format!(r#"{{"get_operations":{{"operations":[{}]}}}}"#, operations.join(","));
        let found = ask(Script::default().page("api/v1", 200, body), None).unwrap().unwrap();
        let of = |owner| -> Vec<_> {
            let own = found.iter().filter(|it| it.is_of(owner));
            own.map(|it| it.agent.as_str()).collect()
        };
        let by = |role, principal| Some(Owner { principal, ..Owner::of_role(role) });
        assert_eq!(of(None), ["S0", "S1", "S4"]);
        assert_eq!(of(by("r", Some("p"))), ["S0", "S4"], "the last one says nothing");
        assert_eq!(of(by("r", Some("q"))), ["S4"]);
        assert_eq!(of(by("q", None)), ["S1", "S4"]);
        let labels = [LabelSelector { key: "k".into(), value: None }];
        for (labels, framework_id) in [(&[][..], Some("F")), (&labels, None)] {
            let owner = Owner { labels, framework_id, ..Owner::of_role("r") };
            assert_eq!(of(Some(owner)), ["S0", "S4"], "labels that are not shown may be its");
        }
    }

    #[test]
    fn a_removal_with_other_labels_is_anothers() {
        let resource = r#"{"name":"cpus","reservations":[{"type":"DYNAMIC","role":"r","labels":{"labels":[{"key":"framework_id","value":"F"}]}}]}"#;
        let body = format!(
            r#"{{"get_operations":{{"operations":[{{"agent_id":{{"value":"S0"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{resource}]}}}},"latest_status":{{"state":"OPERATION_PENDING"}}}}]}}}}"#
        );
        let found = ask(Script::default().page("api/v1", 200, body), None).unwrap().unwrap();
        for (framework_id, is_own) in [(Some("F"), true), (Some("G"), false), (None, true)] {
            let owner = Owner { framework_id, ..Owner::of_role("r") };
            assert_eq!(found[0].is_of(Some(owner)), is_own, "{framework_id:?}");
        }
    }

    #[test]
    fn the_masters_version_says_whether_it_must_tell() {
        for (status, version, newest, is_fine) in [
            (400, Some("1.4.3"), Some(111), true),
            (400, Some("1.11.0"), Some(104), false),
            (400, None, Some(104), true),
            (400, None, Some(111), false),
            (400, None, None, true),
            (403, Some("1.11.0"), None, false),
            (404, Some("0.28.1"), None, true),
            (500, None, None, false),
        ] {
            let mut host = Script::default().page("api/v1", status, "");
            host = match version {
                Some(version) => host.page("version", 200, format!(r#"{{"version":"{version}"}}"#)),
                None => host.page("version", 404, ""),
            };
            let listed = ask(host, newest).map(|it| it.is_some());
            assert_eq!(listed.ok(), is_fine.then_some(false), "{status} {version:?} {newest:?}");
        }
    }
}
