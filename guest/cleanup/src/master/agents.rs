//! The agent list, `GET master/slaves`, read as a stream.
//!
//! Each agent is reduced to what the run needs as soon as it has been read, so that the list
//! never stands whole in memory. Of all endpoints of the master only this one has
//! `reserved_resources_full`, since Mesos 0.28.

mod amounts;
mod entry;
mod refresh;
mod reserved;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Deserialize;

use self::entry::{Capabilities, Facts, Listed};
use self::reserved::{Found, Others};
use crate::host::{Host, Response, count};
use crate::master::answer::{self, Unread};
use crate::master::json::{Bad, Json};
use crate::master::resource::Resource;
use crate::owner::Owner;
use crate::rest;
use crate::version;
use janitor_contract::planned;
use janitor_contract::types::{AgentLeft, Elsewhere, Unreached, UnreachedReason};

pub use self::entry::Agent;
pub use self::refresh::{refresh, refresh_all, worth_it};
pub use self::reserved::Wanted;

/// The agents of a cluster, in the master's order.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The version of Mesos that the first agent with one names.
    pub version: Option<String>,
    /// The newest version of Mesos that an agent names, as a number.
    pub newest: Option<u32>,
    /// The agents on which a run may remove something: all, unless its target names agents.
    pub agents: Vec<Agent>,
    /// The ids of the other agents.
    pub others: Vec<String>,
    /// The names of the target's agents, by id or host name.
    pub names: Vec<String>,
    /// The roles that have something reserved anywhere.
    pub roles: Rc<BTreeSet<String>>,
    /// The number of resources of roles below the wanted one that refine its reservations, by
    /// role.
    pub above: BTreeMap<String, u32>,
    /// This is set when agents may have come, or may still come, from an earlier leading master:
    /// every agent that has registered again may be one of these.
    pub may_have_taken_over: bool,
    /// The agents that the master knows from before its own restart, and that have not come back
    /// yet. The list does not show their resources.
    pub recovered: Rc<Vec<Recovered>>,
    /// This is set when the master answers a request for one agent alone.
    pub can_refresh: bool,
    /// This is set when some agents were read again after the others, so that the list does not show
    /// the cluster at one time.
    pub is_refreshed: bool,
    /// The master lists no agents at all, which proves nothing.
    pub is_empty: bool,
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
            let reason = match (agent.connected, agent.hides) {
                // A resource that was removed without its agent's knowledge, and comes back with
                // the agent, is among the master's pending operations; or else, before Mesos 1.6,
                // the agent is not listed any more.
                (false, _) if agent.is_concerned() => UnreachedReason::NotActive,
                (_, true) => UnreachedReason::HiddenReservations,
                _ => return None,
            };
            let (agent, hostname) = (agent.id.clone(), agent.hostname.clone());
            Some(Unreached { agent, hostname, reason, since: None })
        });
        let recovered = self.recovered().map(|agent| Unreached {
            agent: agent.id.clone(),
            hostname: agent.hostname.clone(),
            reason: UnreachedReason::Recovering,
            since: None,
        });
        listed.chain(recovered).collect()
    }

    /// Returns what the agents still hold of a target.
    pub fn left(&self, owner: Owner) -> Vec<AgentLeft> {
        let holding = self.agents.iter().filter(|agent| !agent.resources.is_empty());
        let left = holding.map(|agent| {
            let each = agent.resources.iter().map(|resource| resource.targeted(owner));
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

    /// Returns whether agents still hold something of a target, other than those that are disconnected and ignored.
    pub fn shows(&self, owner: Owner, ignored: &[String]) -> bool {
        self.agents.iter().any(|agent| agent.shows(owner, ignored))
    }

    /// Returns the resources of other roles that may belong to the same service, by role and principal.
    pub fn elsewhere(&self) -> Vec<Elsewhere> {
        rest::sum(self.agents.iter().flat_map(|agent| &agent.elsewhere))
    }

    /// Returns whether the list may show something of its role. A list without agents proves nothing.
    pub fn may_show_something(&self) -> bool {
        self.agents.iter().any(|agent| !agent.resources.is_empty()) || self.is_empty
    }

    /// Completes the list by what an earlier one shows of a target ([`Self::shows`]), agent by agent.
    pub fn completed(self: Rc<Self>, earlier: &Self, owner: Owner, ignored: &[String]) -> Rc<Self> {
        let older = earlier.agents.iter().filter(|then| then.shows(owner, ignored));
        let mut older: BTreeMap<&str, &Agent> = older.map(|it| (it.id.as_str(), it)).collect();
        if older.is_empty() {
            return self;
        }
        let mut all = Rc::unwrap_or_clone(self);
        for now in &mut all.agents {
            if let Some(then) = older.remove(now.id.as_str()) {
                now.show_again(then);
            }
        }
        let missing = older.into_values().map(Agent::of_earlier_list);
        all.agents.extend(missing);
        Rc::new(all)
    }

    /// Returns the ids and host names of the agents that hold something for the role, or may.
    pub fn concerned(&self) -> impl Iterator<Item = (String, String)> {
        let listed = self.agents.iter().filter(|agent| agent.is_concerned() || !agent.connected);
        let listed = listed.map(|agent| (agent.id.clone(), agent.hostname.clone()));
        listed.chain(self.recovered().map(|agent| (agent.id.clone(), agent.hostname.clone())))
    }

    /// Returns the ids and host names of the agents whose operations the master does not record.
    pub fn unrecorded(&self) -> impl Iterator<Item = (String, String)> {
        let unrecorded = self.agents.iter().filter(|agent| !agent.is_recorded);
        unrecorded.map(|agent| (agent.id.clone(), agent.hostname.clone()))
    }

    /// Returns those of the agents, given by id and host name, that are not listed.
    pub fn vanished(&self, agents: &BTreeMap<String, String>) -> Vec<Unreached> {
        if agents.is_empty() {
            return Vec::new();
        }
        let known: BTreeSet<_> = self.ids().collect();
        let vanished = agents.iter().filter(|(id, _)| !known.contains(id.as_str()));
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
    pub fn parents(&self, owner: Owner) -> Vec<(String, u32)> {
        let mut parents = BTreeMap::<&str, u32>::new();
        for resource in self.agents.iter().flat_map(|agent| &agent.resources) {
            if let (true, Some(parent)) = (resource.targeted(owner).1, resource.parent()) {
                *parents.entry(parent).or_default() += 1;
            }
        }
        parents.into_iter().map(|(role, count)| (role.to_owned(), count)).collect()
    }

    /// Returns an agent on which a run may remove something, if it is listed.
    pub fn agent(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    /// Returns the host name of an agent, or nothing when it is not known.
    pub fn hostname(&self, id: &str) -> &str {
        self.agent(id).map_or("", |agent| &agent.hostname)
    }

    /// Returns the principals that made the role's resources, each once.
    pub fn principals(&self) -> BTreeSet<&str> {
        let resources = self.agents.iter().flat_map(|agent| &agent.resources);
        resources.flat_map(Resource::principals).collect()
    }

    /// Counts the role's resources that a principal made.
    pub fn made_by(&self, principal: &str, role: &str) -> Elsewhere {
        let made = |agent: &Agent| {
            let resources = agent.resources.iter();
            resources.filter(|it| it.principals().any(|it| it == principal)).count()
        };
        let counts: Vec<_> = self.agents.iter().map(made).filter(|count| *count > 0).collect();
        Elsewhere {
            role: role.into(),
            principal: Some(principal.into()),
            resources: crate::host::count(counts.iter().sum()),
            agents: crate::host::count(counts.len()),
        }
    }

    /// Returns whether the role has resources, but none that this principal made: then the name
    /// of the principal is probably wrong.
    pub fn is_others_alone(&self, principal: &str) -> bool {
        let principals = self.principals();
        !principals.is_empty() && !principals.contains(principal)
    }

    /// Returns whether the role has something to remove, but nothing of it has an owner's labels, and
    /// was made by its principal if it has one.
    pub fn is_without_labels_of(&self, owner: Owner) -> bool {
        let resources = self.agents.iter().flat_map(|agent| &agent.resources);
        let mut removable = resources.filter(|it| it.is_targeted(Owner::ANYBODY)).peekable();
        let is_made = |it: &Resource| {
            owner.principal.is_none_or(|principal| it.principals().any(|maker| maker == principal))
        };
        removable.peek().is_some() && !removable.any(|it| it.has_labels_of(owner) && is_made(it))
    }

    /// Returns whether all agents got their ids from the master with this id, and none is
    /// expected back from an earlier master.
    pub fn is_of_master(&self, id: &str) -> bool {
        let is_own =
            |agent: &str| agent.strip_prefix(id).is_some_and(|number| number.starts_with("-S"));
        !id.is_empty() && !self.is_empty && self.recovered.is_empty() && self.ids().all(is_own)
    }

    /// Returns the ids of all agents, including those that have not come back yet.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let listed = self.agents.iter().filter(|agent| agent.is_listed).map(|agent| &agent.id);
        listed
            .chain(&self.others)
            .chain(self.recovered.iter().map(|agent| &agent.id))
            .map(String::as_str)
    }

    /// Returns the agents that have not come back yet, and on which a run may remove something.
    fn recovered(&self) -> impl Iterator<Item = &Recovered> {
        self.recovered.iter().filter(|agent| self.may_be_wanted(&agent.id, &agent.hostname))
    }

    /// Returns whether an agent may be one of the target's. Of an agent that is not listed, and
    /// whose id or host name is not known, that is excluded only if every name of the target is that
    /// of a listed agent, and so of another one.
    pub fn may_be_wanted(&self, agent: &str, hostname: &str) -> bool {
        if self.names.is_empty() || planned::is_named(&self.names, agent, hostname) {
            return true;
        }
        let is_known = !agent.is_empty() && !hostname.is_empty();
        if is_known || self.others.iter().any(|it| it == agent) {
            return false;
        }
        self.names.iter().any(|name| {
            let has_id = self.agents.iter().find(|it| it.id == *name);
            match has_id {
                // It is another agent, but may be on the same machine.
                Some(listed) if agent.is_empty() => {
                    listed.hostname.is_empty() || listed.hostname.eq_ignore_ascii_case(hostname)
                }
                Some(_) => false,
                // Several agents may have had the same host name, one after another.
                None if agent.is_empty() => {
                    !self.agents.iter().any(|it| it.hostname.eq_ignore_ascii_case(name))
                }
                None => true,
            }
        })
    }

    /// Returns the first name of the target's agents that is not that of an agent.
    pub fn unknown_name(&self) -> Option<&str> {
        let is_known = |name: &&String| {
            let name = std::slice::from_ref(*name);
            let listed = self.agents.iter().map(|it| (&it.id, &it.hostname));
            let recovered = self.recovered.iter().map(|it| (&it.id, &it.hostname));
            listed.chain(recovered).any(|(id, hostname)| planned::is_named(name, id, hostname))
        };
        self.names.iter().find(|name| !is_known(name)).map(String::as_str)
    }

    /// Returns the first of these names that is the id of one agent and the host name of another, with
    /// the id of the other.
    pub fn ambiguous_name<'a>(&'a self, names: &'a [String]) -> Option<(&'a str, &'a str)> {
        let listed = self.agents.iter().map(|it| (it.id.as_str(), it.hostname.as_str()));
        let recovered = self.recovered.iter().map(|it| (it.id.as_str(), it.hostname.as_str()));
        let agents = || listed.clone().chain(recovered.clone());
        names.iter().find_map(|name| {
            let is_other =
                |(id, host): &(&str, &str)| id != name && host.eq_ignore_ascii_case(name);
            let is_id = !name.is_empty() && self.ids().any(|id| id == name);
            let (other, _) = is_id.then(|| agents().find(is_other)).flatten()?;
            Some((name.as_str(), other))
        })
    }

    /// Returns the frameworks that own what a run would remove, if the labels prove whose it is:
    /// the target selects by labels, and each resource that the run would remove names a framework
    /// in its own.
    pub fn frameworks(&self, owner: Owner) -> Option<BTreeSet<String>> {
        if !owner.selects_by_label() {
            return None;
        }
        let mut all: BTreeSet<String> = owner.framework_id.into_iter().map(Into::into).collect();
        for resource in self.agents.iter().flat_map(|agent| &agent.resources) {
            if resource.is_targeted(owner) {
                let ids = resource.framework_ids();
                if ids.is_empty() {
                    return None;
                }
                all.extend(ids);
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// Returns the first agent that lists something for a run to remove that does not belong to
    /// these frameworks alone.
    pub fn stranger(&self, owner: Owner, frameworks: &BTreeSet<String>) -> Option<&str> {
        let is_strange = |resource: &Resource| {
            let ids = resource.framework_ids();
            resource.is_targeted(owner)
                && (ids.is_empty() || ids.iter().any(|id| !frameworks.contains(id)))
        };
        let agent = self.agents.iter().find(|agent| agent.resources.iter().any(is_strange));
        agent.map(|agent| agent.id.as_str())
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
    let mut all = list_all(host, &[wanted])?;
    all.pop().unwrap_or_else(|| Err(invalid(Bad::missing("slaves"))))
}

/// Asks the master once for its agents, and keeps the wanted resources of several targets. It
/// returns a list for each of them, unless a resource of its own is invalid.
///
/// # Errors
/// Fails as [`list`] does.
pub fn list_all<H: Host>(
    host: &mut H,
    wanted: &[Wanted],
) -> Result<Vec<Result<Listing, Unread>>, Unread> {
    let all = answer::get(host, PAGE, |json| read(json, wanted, usize::MAX))?;
    Ok(all.into_iter().map(|listing| listing.map_err(invalid)).collect())
}

/// Reads a list of agents for several targets, of at most this many agents.
fn read<R: Response>(
    json: &mut Json<R>,
    wanted: &[Wanted],
    most: usize,
) -> Result<Vec<Result<Listing, Bad>>, Bad> {
    let (mut version, mut newest) = (None, None);
    let (mut may_have_taken_over, mut can_refresh) = (false, false);
    let mut recovered = Vec::new();
    let mut each: Vec<_> = wanted.iter().map(|_| Ok(Part::default())).collect();
    let (mut is_there, mut count) = (false, 0);
    // Most agents have the same roles as some others.
    let mut known = BTreeSet::<Rc<[String]>>::new();
    let mut capabilities = Capabilities::default();
    json.object(|json, name| match name {
        "slaves" => {
            is_there = true;
            json.list(|json| {
                count += 1;
                if count > most {
                    return Err(Bad::enough());
                }
                let mut listed = Listed::take(json, wanted, &mut capabilities)?;
                match known.get(&listed.facts.roles) {
                    Some(roles) => listed.facts.roles = Rc::clone(roles),
                    None => drop(known.insert(Rc::clone(&listed.facts.roles))),
                }
                let number = listed.version.as_deref().and_then(version::number);
                newest = newest.max(number);
                version = version.take().or(listed.version);
                may_have_taken_over |= listed.came_back;
                let facts = Rc::new(listed.facts);
                for ((wanted, part), found) in wanted.iter().zip(&mut each).zip(listed.each) {
                    match (&mut *part, found) {
                        (Ok(it), Ok(found)) => it.add(*wanted, &facts, found),
                        (Ok(_), Err(why)) => *part = Err(json.invalid(&why)),
                        (Err(_), _) => {}
                    }
                }
                Ok(())
            })
        }
        "recovered_slaves" => {
            // Both came with Mesos 1.4.
            can_refresh = true;
            json.list(|json| {
                recovered.push(json.value()?);
                Ok(())
            })
        }
        _ => json.skip(),
    })?;
    if !is_there {
        return Err(Bad::missing("slaves"));
    }
    let roles = known.iter().flat_map(|roles| roles.iter().cloned()).collect();
    let (roles, recovered) = (Rc::new(roles), Rc::new(recovered));
    let listing = |wanted: &Wanted, part: Part| {
        let Part { agents, others, above } = part;
        let is_empty = agents.is_empty() && others.is_empty();
        Listing {
            version: version.clone(),
            newest,
            agents,
            others,
            names: wanted.agents.to_vec(),
            roles: Rc::clone(&roles),
            above,
            may_have_taken_over: may_have_taken_over || !recovered.is_empty() || is_empty,
            recovered: Rc::clone(&recovered),
            can_refresh,
            is_refreshed: false,
            is_empty,
        }
    };
    let each = wanted.iter().zip(each);
    Ok(each.map(|(wanted, part)| part.map(|part| listing(wanted, part))).collect())
}

/// The page that lists the agents.
const PAGE: &str = "slaves";

/// Describes a list with an invalid resource.
fn invalid(why: Bad) -> Unread {
    Unread::bad(PAGE, 200, why)
}

/// The part of a list of agents that concerns one target.
#[derive(Default)]
struct Part {
    agents: Vec<Agent>,
    /// The ids of the agents that are not the target's.
    others: Vec<String>,
    above: BTreeMap<String, u32>,
}

impl Part {
    fn add(&mut self, wanted: Wanted, facts: &Rc<Facts>, found: Found) {
        if wanted.is_on(facts) {
            let Others { elsewhere, above } = found.others;
            for (role, count) in above {
                *self.above.entry(role).or_default() += count;
            }
            let elsewhere = elsewhere.into_values().collect();
            self.agents.push(Agent::new(facts, found.resources, elsewhere));
        } else {
            self.others.push(facts.id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::json::START;
    use crate::testing::Script;
    use janitor_contract::types::{Error, LabelSelector, Target};

    const R: Wanted = Wanted { role: Some("r"), principal: None, agents: &[] };
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    const BODY: &str = r#"{"slaves":[
        {"id":"S1","version":null,"reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{}}],"other":[{"x":[{}]}]},"used":[1]},
        {"reserved_resources_full":{},"version":"1.11.0","id":"S0"}],"recovered_slaves":[]}"#;

    #[test]
    fn a_list_shows_something_if_it_has_resources_or_proves_nothing() {
        let wanted = Wanted { principal: Some("x"), ..R };
        let of = |role: &str, principal: &str| {
            format!(
                r#"{{"id":"S0","reserved_resources_full":{{"{role}":[{{"name":"cpus","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"{principal}"}}}}]}}}}"#
            )
        };
        for (agents, shows) in [
            (String::new(), true),
            (r#"{"id":"S0","reserved_resources_full":{}}"#.into(), false),
            (of("r", "x"), true),
            (of("other", "x"), false),
            (of("other", "y"), false),
        ] {
            let body = format!(r#"{{"slaves":[{agents}]}}"#);
            let listing = list(&mut Script::default().answer(200, &body), wanted).unwrap();
            assert_eq!(listing.may_show_something(), shows, "{body}");
        }
    }

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
            {{"id":"S3","hostname":"h3","active":false,"reserved_resources_full":{{}}}},
            {{"id":"S4","hostname":"h4","resources":{{"cpus":0.0005}},"reserved_resources_full":{{}}}},
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
        // Nobody needs to know the machines of most agents.
        let known = ["S2", "S3", "S4", "S9"].map(|id| listing.hostname(id));
        assert_eq!(known, ["h2", "h3", "", ""]);
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
    fn only_the_agents_of_a_target_count() {
        let names = ["S1".to_owned(), "H2".to_owned()];
        let body = format!(
            r#"{{"recovered_slaves":[{{"id":"S4","hostname":"h4"}},{{"id":"S5","hostname":"h2"}}],
            "slaves":[{{"id":"S0","hostname":"h0","reserved_resources_full":{{"q":[]}}}},
            {{"id":"S1","hostname":"h1","reserved_resources_full":{{"r":[{CPUS}]}}}},
            {{"id":"S2","hostname":"h2","active":false,"reserved_resources_full":{{"r":[{CPUS}]}}}},
            {{"id":"S3","hostname":"h3","active":false,"reserved_resources_full":{{"r":[{CPUS}]}}}}]}}"#
        );
        let wanted = Wanted { agents: &names, ..R };
        let listing = list(&mut Script::default().answer(200, body), wanted).unwrap();
        let listed: Vec<_> = listing.agents.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(
            (listed, &listing.others[..]),
            (vec!["S1", "S2"], &["S0".into(), "S3".into()][..])
        );
        let unreached = listing.unreached();
        let unreached: Vec<_> = unreached.iter().map(|it| it.agent.as_str()).collect();
        assert_eq!(unreached, ["S2", "S5"]);
        assert_eq!(listing.roles.iter().collect::<Vec<_>>(), ["q", "r"]);
        assert_eq!(listing.left(Owner::of_role("r")).len(), 2);
        assert_eq!(listing.unknown_name(), None);
        // An agent without a host name may be on the machine; a machine may have any agent.
        for (agent, hostname, may_be) in [
            ("S1", "", true),
            ("S9", "h2", true),
            ("S9", "h9", false),
            ("S9", "", true),
            ("", "h1", true),
            ("", "h2", true),
            ("", "h9", false),
        ] {
            assert_eq!(listing.may_be_wanted(agent, hostname), may_be, "{agent} {hostname}");
        }
        let by_id = Listing { names: vec!["S1".into()], ..listing };
        assert!(!by_id.may_be_wanted("S9", "") && by_id.may_be_wanted("", "h1"));
        let names = by_id.names.clone();
        let body = r#"{"slaves":[{"id":"S1","reserved_resources_full":{}}]}"#;
        let somewhere = Wanted { agents: &names, ..R };
        let somewhere = list(&mut Script::default().answer(200, body), somewhere).unwrap();
        assert!(!somewhere.may_be_wanted("S9", "") && somewhere.may_be_wanted("", "h9"));
        let unlisted = Listing { names: vec!["S9".into()], ..by_id };
        // That name may also be a host name.
        assert!(unlisted.may_be_wanted("", "h9") && unlisted.may_be_wanted("S8", ""));
        assert_eq!(unlisted.unknown_name(), Some("S9"));
    }

    /// Returns a list whose agents have these entries.
    fn listed(wanted: Wanted, agents: &[&str]) -> Listing {
        let agents = agents.iter().enumerate().map(|(index, reserved)| {
            format!(r#"{{"id":"S{index}","reserved_resources_full":{{{reserved}}}}}"#)
        });
        let body = format!(r#"{{"slaves":[{}]}}"#, agents.collect::<Vec<_>>().join(","));
        list(&mut Script::default().answer(200, body), wanted).unwrap()
    }

    /// Returns a reservation by a principal, with a label.
    fn cpus(role: &str, principal: &str, key: &str, value: &str) -> String {
        format!(
            r#"{{"name":"cpus","role":"{role}","reservation":{{"principal":"{principal}","labels":{{"labels":[{{"key":"{key}","value":"{value}"}}]}}}}}}"#
        )
    }

    #[test]
    fn what_principals_made_is_counted() {
        let (p, q) = (cpus("r", "p", "x", "1"), cpus("r", "q", "k", "1"));
        let listing =
            listed(R, &[&format!(r#""r":[{p},{q}]"#), &format!(r#""r":[{q}]"#), r#""r":[]"#]);
        let of_p = Target { principal: Some("p".into()), ..role_r() };
        let left = listing.left(Owner::of(&of_p).unwrap());
        assert_eq!(
            left.iter().map(|it| (&*it.agent, it.resources)).collect::<Vec<_>>(),
            [("S0", 1)]
        );
        for (principal, resources, agents) in [("p", 1, 1), ("q", 2, 2), ("x", 0, 0)] {
            let made = listing.made_by(principal, "r");
            assert_eq!((made.resources, made.agents), (resources, agents), "{principal}");
        }
        // Only the other principal has resources with the label.
        let label = |key: &str| vec![LabelSelector { key: key.into(), value: None }];
        for (key, is_without) in [("k", true), ("x", false)] {
            let target = Target { labels: label(key), ..of_p.clone() };
            let owner = Owner::of(&target).unwrap();
            assert_eq!(listing.is_without_labels_of(owner), is_without, "{key}");
        }
    }

    fn role_r() -> Target {
        Target { role: Some("r".into()), ..Target::NOTHING }
    }

    #[test]
    fn what_belongs_to_known_frameworks_is_not_strange() {
        let own = cpus("r", "p", "framework_id", "F");
        let listing = listed(R, &[&format!(r#""r":[{own}]"#)]);
        for (known, stranger) in [(&["F"][..], None), (&["F", "G"], None), (&["G"], Some("S0"))] {
            let known = known.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(listing.stranger(Owner::of_role("r"), &known), stranger);
        }
    }

    #[test]
    fn resources_of_other_roles_are_counted_over_all_agents() {
        let refined = r#"{"name":"cpus","reservations":[{"type":"DYNAMIC","role":"r"},{"type":"DYNAMIC","role":"r/s"}]}"#;
        let plain = r#"{"name":"mem","reservations":[{"type":"DYNAMIC","role":"r/s"}]}"#;
        let (named, odd) = (cpus("x/r", "q", "k", "1"), cpus("y", r#"p\"\u00e4"#, "k", "1"));
        let first =
            format!(r#""r/s":[{refined},{refined},{plain}],"x/r":[{named},{named}],"y":[{odd}]"#);
        let second = format!(r#""r/s":[{refined}],"x/r":[{named}]"#);
        let listing = listed(Wanted { principal: Some("p\"ä"), ..R }, &[&first, &second]);
        assert_eq!(listing.above, BTreeMap::from([("r/s".to_owned(), 3)]));
        let elsewhere = listing.elsewhere();
        let elsewhere: Vec<_> = elsewhere
            .iter()
            .map(|it| (it.role.as_str(), it.principal.as_deref(), it.resources, it.agents))
            .collect();
        assert_eq!(elsewhere, [("x/r", None, 3, 2), ("y", Some("p\"ä"), 1, 1)]);
    }

    #[test]
    fn one_list_serves_several_targets_as_well_as_each() {
        let body = format!(
            r#"{{"recovered_slaves":[{{"id":"S9"}}],"slaves":[
            {{"id":"S0","version":"1.11.0","reserved_resources_full":{{"r":[{CPUS}],"q":[
              {{"name":"mem","role":"q","reservation":{{"principal":"p"}}}}],"r/s":[
              {{"name":"mem","role":"r/s","reservation":{{"principal":"x"}}}}]}}}},
            {{"id":"S1","active":false,"reserved_resources_full":{{"q":[
              {{"name":"disk","role":"q","reservation":{{}},"disk":{{"persistence":{{}}}}}}]}}}},
            {{"id":"S2","reserved_resources_full":{{"bad":[{CPUS}]}}}}]}}"#
        );
        let names = ["S1".to_owned()];
        let q = Wanted { role: Some("q"), ..R };
        let bad = Wanted { role: Some("bad"), ..R };
        let by_principal = Wanted { principal: Some("p"), ..R };
        let all = [R, bad, q, by_principal, Wanted { agents: &names, ..q }, Wanted::NOTHING];
        let mut host = Script::default().answer(200, &body);
        let together = list_all(&mut host, &all).unwrap();
        assert_eq!(host.sent.len(), 1);
        for (wanted, listing) in all.into_iter().zip(together) {
            let alone = list(&mut Script::default().answer(200, &body), wanted);
            assert_eq!(format!("{listing:?}"), format!("{alone:?}"), "{wanted:?}");
            assert_eq!(listing.is_err(), wanted == bad);
        }
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
