//! The agent list, `GET master/slaves`, read as a stream.
//!
//! Each agent is reduced to what the run needs as soon as it has been read, so that the list
//! never stands whole in memory. Of all endpoints of the master only this one has
//! `reserved_resources_full`, since Mesos 0.28.

mod amounts;
mod entry;
mod reserved;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use self::entry::{Listed, ListedSeed};
use self::reserved::Others;
use crate::host::{Host, count};
use crate::master::answer::{self, Unread};
use crate::master::json::Bad;
use crate::master::resource::Resource;
use crate::version;
use janitor_contract::types::{AgentLeft, Elsewhere, Unreached, UnreachedReason};

pub use self::entry::Agent;
pub use self::reserved::Wanted;

/// The agents of a cluster, in the master's order.
#[derive(Debug, Default)]
pub struct Listing {
    /// The version of Mesos that the first agent with one names.
    pub version: Option<String>,
    /// The newest version of Mesos that an agent names, as a number.
    pub newest: Option<u32>,
    /// All agents.
    pub agents: Vec<Agent>,
    /// The roles that have something reserved anywhere.
    pub roles: BTreeSet<String>,
    /// The resources of other roles that may belong to the same service.
    pub elsewhere: Vec<Elsewhere>,
    /// The number of resources of roles below the wanted one that refine its reservations, by
    /// role.
    pub above: BTreeMap<String, u32>,
    /// This is set when agents may have come, or may still come, from an earlier leading master:
    /// every agent that has registered again may be one of these.
    pub may_have_taken_over: bool,
    /// The agents that the master knows from before its own restart, and that have not come back
    /// yet. The list does not show their resources.
    pub recovered: Vec<Recovered>,
}

/// An agent that has not come back yet.
#[derive(Debug, Deserialize)]
pub struct Recovered {
    /// Its id.
    pub id: String,
    /// Its host name, or an empty text if the master does not name it.
    #[serde(default)]
    pub hostname: String,
}

impl Listing {
    /// Returns the agents that may hold something that a run cannot see or remove.
    pub fn unreached(&self) -> Vec<Unreached> {
        let listed = self.agents.iter().filter_map(|agent| {
            let reason = match agent {
                // A resource that was removed while its agent was away, and comes back with
                // the agent, is among the master's pending operations.
                Agent { connected: false, .. } if agent.is_concerned() => {
                    UnreachedReason::NotActive
                }
                Agent { hides: true, .. } => UnreachedReason::HiddenReservations,
                _ => return None,
            };
            let (agent, hostname) = (agent.id.clone(), agent.hostname.clone());
            Some(Unreached { agent, hostname, reason, since: None })
        });
        let recovered = self.recovered.iter().map(|agent| Unreached {
            agent: agent.id.clone(),
            hostname: agent.hostname.clone(),
            reason: UnreachedReason::Recovering,
            since: None,
        });
        listed.chain(recovered).collect()
    }

    /// Returns what the agents still hold of a target.
    pub fn left(&self, principal: Option<&str>) -> Vec<AgentLeft> {
        let holding = self.agents.iter().filter(|agent| !agent.resources.is_empty());
        let left = holding.map(|agent| {
            let each = agent.resources.iter().map(|resource| resource.targeted(principal));
            let (volumes, resources): (Vec<_>, Vec<_>) = each.unzip();
            let count = |these: Vec<bool>| count(these.into_iter().filter(|it| *it).count());
            AgentLeft {
                agent: agent.id.clone(),
                hostname: agent.hostname.clone(),
                volumes: count(volumes),
                resources: count(resources),
            }
        });
        left.filter(|left| left.volumes + left.resources > 0).collect()
    }

    /// Returns the ids and host names of the agents that hold something for the role, or may.
    pub fn concerned(&self) -> impl Iterator<Item = (String, String)> {
        let listed = self.agents.iter().filter(|agent| agent.is_concerned() || !agent.connected);
        let listed = listed.map(|agent| (agent.id.clone(), agent.hostname.clone()));
        let recovered = self.recovered.iter();
        listed.chain(recovered.map(|agent| (agent.id.clone(), agent.hostname.clone())))
    }

    /// Returns those of the agents, given by id and host name, that are not listed.
    pub fn vanished(&self, agents: &BTreeMap<String, String>) -> Vec<Unreached> {
        if agents.is_empty() {
            return Vec::new();
        }
        let listed = self.agents.iter().map(|agent| &agent.id);
        let known: BTreeSet<_> =
            listed.chain(self.recovered.iter().map(|agent| &agent.id)).collect();
        let vanished = agents.iter().filter(|(id, _)| !known.contains(id));
        let unreached = vanished.map(|(agent, hostname)| Unreached {
            agent: agent.clone(),
            hostname: hostname.clone(),
            reason: UnreachedReason::Gone,
            since: None,
        });
        unreached.collect()
    }

    /// Returns the roles to which resources of a target return when they are released, each with
    /// the number of resources.
    pub fn parents(&self, principal: Option<&str>) -> Vec<(String, u32)> {
        let mut parents = BTreeMap::<&str, u32>::new();
        for resource in self.agents.iter().flat_map(|agent| &agent.resources) {
            if let (true, Some(parent)) = (resource.targeted(principal).1, resource.parent()) {
                *parents.entry(parent).or_default() += 1;
            }
        }
        parents.into_iter().map(|(role, count)| (role.to_owned(), count)).collect()
    }

    /// Returns the host name of an agent, or nothing when it is not known.
    pub fn hostname(&self, id: &str) -> &str {
        self.agents.iter().find(|agent| agent.id == id).map_or("", |agent| &agent.hostname)
    }

    /// Returns the principals that made the role's resources, each once.
    pub fn principals(&self) -> BTreeSet<&str> {
        let resources = self.agents.iter().flat_map(|agent| &agent.resources);
        resources.flat_map(Resource::principals).collect()
    }

    /// Returns whether the role has resources, but none that this principal made: then the name
    /// of the principal is probably wrong.
    pub fn is_others_alone(&self, principal: &str) -> bool {
        let principals = self.principals();
        !principals.is_empty() && !principals.contains(principal)
    }

    /// Returns whether all agents got their ids from the master with this id, and none is
    /// expected back from an earlier master.
    pub fn is_of_master(&self, id: &str) -> bool {
        let is_own = |agent: &Agent| {
            agent.id.strip_prefix(id).is_some_and(|number| number.starts_with("-S"))
        };
        !id.is_empty()
            && !self.agents.is_empty()
            && self.recovered.is_empty()
            && self.agents.iter().all(is_own)
    }

    /// Returns whether an agent has something for the role.
    pub fn has_role(&self) -> bool {
        self.agents.iter().any(|agent| !agent.resources.is_empty())
    }
}

/// Asks the master for its agents, and keeps the wanted resources.
///
/// # Errors
/// Fails if the master cannot be reached, refuses, or answers with something that is not a list of
/// agents.
pub fn list<H: Host>(host: &mut H, wanted: Wanted) -> Result<Listing, Unread> {
    answer::get(host, "slaves", |json| {
        let mut listing = Listing::default();
        let mut is_there = false;
        // Most agents have the same roles as some others.
        let mut known = BTreeSet::<Rc<[String]>>::new();
        let mut others = Others::default();
        json.object(|json, name| match name {
            "slaves" => {
                is_there = true;
                json.list(|json| {
                    let Listed { mut agent, version, others: of_others, came_back } =
                        json.seeded(ListedSeed { wanted })?;
                    match known.get(&agent.roles) {
                        Some(roles) => agent.roles = Rc::clone(roles),
                        None => drop(known.insert(Rc::clone(&agent.roles))),
                    }
                    let number = version.as_deref().and_then(version::number);
                    listing.newest = listing.newest.max(number);
                    listing.version = listing.version.take().or(version);
                    listing.may_have_taken_over |= came_back;
                    others.add(of_others);
                    listing.agents.push(agent);
                    Ok(())
                })
            }
            "recovered_slaves" => json.list(|json| {
                listing.recovered.push(json.value()?);
                Ok(())
            }),
            _ => json.skip(),
        })?;
        listing.roles = known.iter().flat_map(|roles| roles.iter().cloned()).collect();
        listing.above = others.above;
        listing.elsewhere = others.elsewhere.into_values().collect();
        listing.may_have_taken_over |= !listing.recovered.is_empty() || listing.agents.is_empty();
        if is_there { Ok(listing) } else { Err(Bad::missing("slaves")) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::json::START;
    use crate::testing::Script;
    use janitor_contract::types::Error;

    const R: Wanted = Wanted { role: Some("r"), principal: None };
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    const BODY: &str = r#"{"slaves":[
        {"id":"S1","version":null,"reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{}}],"other":[{"x":[{}]}]},"used":[1]},
        {"reserved_resources_full":{},"version":"1.11.0","id":"S0"}],"recovered_slaves":[]}"#;

    #[test]
    fn chunks_may_end_anywhere() {
        // The beginning of a body is read in another way, so it is filled with spaces.
        let body = " ".repeat(START) + BODY;
        for size in [1, 2, 3, 7, 64, body.len()] {
            let mut host = Script::default().answer(200, &body);
            host.chunk = size;
            let listing = list(&mut host, R).unwrap();
            assert_eq!(listing.version.as_deref(), Some("1.11.0"));
            let ids: Vec<_> = listing.agents.iter().map(|agent| agent.id.as_str()).collect();
            assert_eq!(ids, ["S1", "S0"]);
            assert_eq!(*listing.agents[0].roles, ["r", "other"]);
            let raw = listing.agents[0].resources[0].raw.get();
            assert_eq!(
                raw,
                r#"{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{}}"#
            );
        }
    }

    #[test]
    fn what_cannot_be_seen_or_reached_is_found() {
        let totals = |cpus: f64| {
            format!(
                r#""resources":{{"cpus":{cpus},"ports":"[1-1]"}},
                "unreserved_resources":{{"cpus":1.5,"ports":"[1-1]"}},
                "reserved_resources":{{"r":{{"cpus":0.3}},"q":{{"cpus":0.2}}}}"#
            )
        };
        let body = format!(
            r#"{{"recovered_slaves":[{{"id":"S9","hostname":"h9"}}],"slaves":[
            {{"id":"S1","hostname":"h1","active":true,{},"reserved_resources_full":{{}}}},
            {{"id":"S2","hostname":"h2","active":true,{},"reserved_resources_full":{{}}}},
            {{"id":"S3","active":false,"reserved_resources_full":{{}}}},
            {{"id":"S4","reserved_resources_full":{{}}}},
            {{"id":"S5","active":false,"reserved_resources_full":{{"r":[{CPUS}]}}}},
            {{"id":"S6","active":false,"deactivated":true,"reserved_resources_full":{{"r":[{CPUS}]}}}},
            {{"id":"S7","hostname":"h7","resources":{{"ports":"[1-4, 7-7]"}},
              "unreserved_resources":{{"ports":"[1-2]"}},
              "reserved_resources":{{"r":{{"ports":"[3-4]"}}}},"reserved_resources_full":{{}}}},
            {{"id":"S8","hostname":"h8","resources":{{"x":"{{a, b}}"}},
              "unreserved_resources":{{"x":"{{a}}"}},"reserved_resources_full":{{}}}}]}}"#,
            totals(2.0),
            totals(2.001)
        );
        let listing = list(&mut Script::default().answer(200, body), R).unwrap();
        assert!(listing.may_have_taken_over, "S9 is to come back from an earlier master");
        let unreached = listing.unreached();
        let found: Vec<_> = unreached
            .iter()
            .map(|it| (it.agent.as_str(), it.hostname.as_str(), it.reason))
            .collect();
        assert_eq!(
            found,
            [
                ("S2", "h2", UnreachedReason::HiddenReservations),
                ("S5", "", UnreachedReason::NotActive),
                ("S7", "h7", UnreachedReason::HiddenReservations),
                ("S8", "h8", UnreachedReason::HiddenReservations),
                ("S9", "h9", UnreachedReason::Recovering),
            ]
        );
    }

    #[test]
    fn what_is_no_agent_list_is_refused_with_its_beginning() {
        for (status, body, expected) in [
            (200, "<html>Please log in</html>", "It begins: <html>Please log in</html>"),
            (200, "null", "Bad slaves response: expected an object at byte 0. It begins: null"),
            (200, "{}", "missing field `slaves`"),
            (200, r#"{"slaves":null}"#, "expected a list at byte 10"),
            (200, r#"{"slaves":[{"reserved_resources_full":{}}]}"#, "missing field `id`"),
            (
                200,
                r#"{"slaves":[{"id":"S1","reserved_resources_full":{"r":[{"role":"q"}]}}]}"#,
                "a resource listed under role 'r' is reserved for another role",
            ),
            (
                200,
                r#"{"slaves":[{"id":"S1","reserved_resources_full":{"r":[{"role":"r","scalar":{"value":0}}]}}]}"#,
                "a resource of role 'r' has an empty amount",
            ),
            (200, r#"{"slaves":[{"id":"S1"}]}"#, "agent S1 has no reserved_resources_full"),
            (200, r#"{"slaves":[]} trailing"#, "trailing characters"),
            (200, "", "EOF while parsing"),
            (503, "No leader elected", "answers 503 No leader elected"),
        ] {
            let error = list(&mut Script::default().answer(status, body), R).unwrap_err().message;
            assert!(error.contains(expected), "{body:?} gave {error:?}");
        }
    }

    #[test]
    fn bytes_of_others_do_not_matter() {
        let list = |label: &[u8], role: &[u8]| {
            let parts: [&[u8]; 5] = [
                br#"{"slaves":[{"id":"S1","hostname":"caf\xe9","reserved_resources_full":{"r":[{"role":"r","reservation":{}}],""#,
                role,
                br#"":[{"role":"q","reservation":{"labels":{"labels":[{"key":"k","value":""#,
                label,
                br#""}]}}}]}}]}"#,
            ];
            let mut body = parts.concat();
            let place = body.windows(4).position(|it| it == br"\xe9").unwrap();
            body.splice(place..place + 4, [0xe9]);
            super::list(&mut Script::default().answer_bytes(200, &body), R)
        };
        let listing = list(b"caf\xe9", b"q\xff").unwrap();
        assert_eq!(listing.agents[0].resources.len(), 1);
        let why = list(b"caf\xe9", b"r").unwrap_err().message;
        assert!(why.contains("role 'r' is reserved for another role"), "{why}");
        let own =
            br#"{"slaves":[{"id":"S1","reserved_resources_full":{"r":[{"role":"r","x":"~"}]}}]}"#;
        let own: Vec<_> = own.iter().map(|it| if *it == b'~' { 0xff } else { *it }).collect();
        let why =
            super::list(&mut Script::default().answer_bytes(200, &own), R).unwrap_err().message;
        assert!(why.contains("is not valid UTF-8"), "{why}");
    }

    #[test]
    fn a_body_that_breaks_off_is_a_network_error() {
        let mut host = Script::default().broken(&BODY[..40], Error::Reset);
        let error = list(&mut host, R).unwrap_err().message;
        assert_eq!(error, "Network error: the connection to the Mesos master broke.");
    }
}
