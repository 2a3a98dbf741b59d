//! The agent list, `GET master/slaves`, read as a stream.
//!
//! Each agent is reduced to what the run needs while it passes, so that the
//! list never stands whole in memory. Of all endpoints of the master only this
//! one has `reserved_resources_full`, since Mesos 0.28.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::host::{Host, count};
use crate::master::json::{self, Bad, Unread};
use crate::master::resource::Resource;
use crate::version;
use janitor_contract::types::{AgentLeft, Elsewhere, Unreached, UnreachedReason};

/// The agents of a cluster, in the master's order.
#[derive(Debug, Default)]
pub struct Listing {
    /// The version of Mesos that the first agent with one names.
    pub version: Option<String>,
    /// The newest version of Mesos that an agent names, as a number.
    pub newest: Option<u32>,
    /// All agents.
    pub agents: Vec<Agent>,
    /// The roles for which something is reserved anywhere.
    pub roles: BTreeSet<String>,
    /// The resources of other roles that may belong to the same service.
    pub elsewhere: Vec<Elsewhere>,
    /// How many resources of roles below the wanted one stand on its reservations.
    pub above: BTreeMap<String, u32>,
    /// Whether agents may have come to this master from one that led before it, or are to
    /// come: each that registered again, on this master or another one, may.
    pub may_have_taken_over: bool,
    /// The agents that the master knows from before its own restart, and that
    /// have not come back yet. What they hold is not listed.
    pub recovered: Vec<Recovered>,
}

/// An agent that has not come back yet.
#[derive(Debug, Deserialize)]
pub struct Recovered {
    /// Its id.
    pub id: String,
    /// Its host name; empty when the master does not tell.
    #[serde(default)]
    pub hostname: String,
}

/// What the run needs to know of an agent.
#[derive(Debug)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its host name; empty when the master does not tell, or the run has nothing to do
    /// with the agent.
    pub hostname: String,
    /// Whether it is connected, so that it carries out what the master accepts for it.
    /// What the master shows of one that is not does not last (measured on Mesos 1.6 to
    /// 1.11). One that is drained or deactivated, since 1.9, is not active, but connected.
    pub connected: bool,
    /// Whether something is reserved there that is not listed: since Mesos 1.4
    /// the master lists the roles that the asking principal may view, but its
    /// totals count all of them.
    pub hides: bool,
    /// The roles for which something is reserved there.
    pub roles: Rc<[String]>,
    /// What is reserved there for the run's role, or for all roles.
    pub resources: Vec<Resource>,
}

impl Listing {
    /// The agents that may hold something that a run cannot see or remove.
    pub fn unreached(&self) -> Vec<Unreached> {
        let listed = self.agents.iter().filter_map(|agent| {
            let reason = match agent {
                // Something that was removed while it was away, and comes back with it, is
                // pending with the master.
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

    /// What the agents still hold of a target.
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

    /// The agents that hold something for the role, or may: ids and host names.
    pub fn concerned(&self) -> impl Iterator<Item = (String, String)> {
        let listed = self.agents.iter().filter(|agent| agent.is_concerned() || !agent.connected);
        let listed = listed.map(|agent| (agent.id.clone(), agent.hostname.clone()));
        let recovered = self.recovered.iter();
        listed.chain(recovered.map(|agent| (agent.id.clone(), agent.hostname.clone())))
    }

    /// Those of the agents, by id and host name, that are not listed.
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

    /// The roles that get a part of a target back when it is released, and how many of its
    /// resources.
    pub fn parents(&self, principal: Option<&str>) -> Vec<(String, u32)> {
        let mut parents = BTreeMap::<&str, u32>::new();
        for resource in self.agents.iter().flat_map(|agent| &agent.resources) {
            if let (true, Some(parent)) = (resource.targeted(principal).1, resource.parent()) {
                *parents.entry(parent).or_default() += 1;
            }
        }
        parents.into_iter().map(|(role, count)| (role.to_owned(), count)).collect()
    }

    /// The host name of an agent, as far as it is known.
    pub fn hostname(&self, id: &str) -> &str {
        self.agents.iter().find(|agent| agent.id == id).map_or("", |agent| &agent.hostname)
    }

    /// The principals that made what the role has, each once.
    pub fn principals(&self) -> BTreeSet<&str> {
        let resources = self.agents.iter().flat_map(|agent| &agent.resources);
        resources.flat_map(Resource::principals).collect()
    }

    /// Whether the role has something, but nothing that this principal made: more
    /// likely its name is wrong than that everything is others'.
    pub fn is_others_alone(&self, principal: &str) -> bool {
        let principals = self.principals();
        !principals.is_empty() && !principals.contains(principal)
    }

    /// Whether all agents got their ids from the master with this one, and none is to come
    /// back from an earlier master.
    pub fn is_of_master(&self, id: &str) -> bool {
        let is_own = |agent: &Agent| {
            agent.id.strip_prefix(id).is_some_and(|number| number.starts_with("-S"))
        };
        !id.is_empty()
            && !self.agents.is_empty()
            && self.recovered.is_empty()
            && self.agents.iter().all(is_own)
    }

    /// Whether an agent has something for the role.
    pub fn has_role(&self) -> bool {
        self.agents.iter().any(|agent| !agent.resources.is_empty())
    }
}

impl Agent {
    /// Whether it holds something for the role, or may.
    fn is_concerned(&self) -> bool {
        self.hides || !self.resources.is_empty()
    }
}

/// The role and the service that a list of agents is read for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The role; without one, all roles.
    pub role: Option<&'a str>,
    /// The principal, for what it made for other roles.
    pub principal: Option<&'a str>,
}

impl Wanted<'_> {
    /// Nothing but the agents themselves: no role has an empty name.
    pub const NOTHING: Self = Self { role: Some(""), principal: None };
}

/// Whether two principals are the same service's: the DC/OS SDK writes the folder of a
/// service with `/`, with and without one at its beginning, or with `__`.
pub fn is_same_service(one: &str, other: &str) -> bool {
    let flat = |principal: &str| principal.trim_start_matches('/').replace('/', "__");
    one == other || flat(one) == flat(other)
}

/// Asks the master for its agents and keeps what is wanted.
///
/// # Errors
/// The master cannot be reached, refuses, or answers with something that is no
/// agent list.
pub fn list<H: Host>(host: &mut H, wanted: Wanted) -> Result<Listing, Unread> {
    json::get(host, "slaves", |json| {
        let mut listing = Listing::default();
        let mut is_there = false;
        // Most agents have the same roles as some others.
        let mut known = BTreeSet::<Rc<[String]>>::new();
        let mut others = Others::default();
        json.object(|json, name| match name {
            "slaves" => {
                is_there = true;
                json.list(|json| {
                    let Entry { mut agent, version, others: of_others, came_back } =
                        json.seeded(AgentEntry { wanted })?;
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

/// The resources of other roles that concern the wanted one.
#[derive(Default)]
struct Others {
    /// By role, and by the principal that made it, in the spelling that it has there.
    elsewhere: BTreeMap<(String, Option<String>), Elsewhere>,
    above: BTreeMap<String, u32>,
}

impl Others {
    /// Adds those of an agent.
    fn add(&mut self, others: Self) {
        for (key, found) in others.elsewhere {
            match self.elsewhere.get_mut(&key) {
                Some(known) => {
                    known.resources += found.resources;
                    known.agents += found.agents;
                }
                None => drop(self.elsewhere.insert(key, found)),
            }
        }
        for (role, count) in others.above {
            *self.above.entry(role).or_default() += count;
        }
    }
}

/// One agent, and what else its entry says.
struct Entry {
    agent: Agent,
    /// The version of Mesos that it runs.
    version: Option<String>,
    others: Others,
    /// Whether it registered again, with this master or after another one.
    came_back: bool,
}

#[derive(Clone, Copy)]
struct AgentEntry<'a> {
    wanted: Wanted<'a>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum AgentField {
    Id,
    Hostname,
    Active,
    Deactivated,
    ReregisteredTime,
    Version,
    Resources,
    UnreservedResources,
    ReservedResources,
    ReservedResourcesFull,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for AgentEntry<'_> {
    type Value = Entry;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for AgentEntry<'_> {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an agent")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut id, mut version, mut reserved) = (None, None, None);
        let (mut hostname, mut active) = (Text(Cow::Borrowed("")), true);
        let mut deactivated = None;
        let mut reregistered = None::<f64>;
        let mut hidden = Amounts::default();
        while let Some(field) = map.next_key()? {
            match field {
                AgentField::Id => id = Some(map.next_value()?),
                AgentField::Hostname => hostname = map.next_value()?,
                AgentField::Active => active = map.next_value()?,
                AgentField::Deactivated => deactivated = map.next_value()?,
                AgentField::ReregisteredTime => reregistered = map.next_value()?,
                AgentField::Version => version = map.next_value()?,
                AgentField::Resources => map.next_value_seed(hidden.add(1.0))?,
                AgentField::UnreservedResources => map.next_value_seed(hidden.add(-1.0))?,
                AgentField::ReservedResources => map.next_value_seed(EachRole(hidden.add(-1.0)))?,
                AgentField::ReservedResourcesFull => {
                    reserved = Some(map.next_value_seed(Reserved { wanted: self.wanted })?);
                }
                AgentField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let id: String = id.ok_or_else(|| M::Error::missing_field("id"))?;
        let (roles, resources, others) = reserved.ok_or_else(|| {
            M::Error::custom(format!(
                "agent {id} has no reserved_resources_full (Mesos lists it since 0.28)"
            ))
        })?;
        let hides = hidden.is_something();
        let connected = active || deactivated == Some(true);
        let mut agent = Agent { id, hostname: String::new(), connected, hides, roles, resources };
        if agent.is_concerned() || !connected {
            agent.hostname = hostname.0.into_owned();
        }
        let came_back = reregistered.is_some();
        let version = version.map(|Text(version)| version.into_owned());
        Ok(Entry { agent, version, others, came_back })
    }
}

/// A text that is copied only when it has to be.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Amounts of resources by name, as they add up.
#[derive(Default)]
struct Amounts<'a>(Vec<(Cow<'a, str>, f64)>);

impl<'a> Amounts<'a> {
    /// What adds an object of amounts, so many times.
    fn add(&mut self, times: f64) -> Add<'_, 'a> {
        Add { amounts: self, times }
    }

    /// Whether there is more than is listed.
    fn is_something(&self) -> bool {
        // Mesos counts in thousandths.
        const LEAST: f64 = 0.0005;
        self.0.iter().any(|(_, amount)| *amount > LEAST)
    }
}

/// The sums of an agent's resources, by name.
struct Add<'s, 'a> {
    amounts: &'s mut Amounts<'a>,
    times: f64,
}

impl<'de> DeserializeSeed<'de> for Add<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Add<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("amounts of resources by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let amounts = &mut self.amounts.0;
        while let Some(Text(name)) = map.next_key()? {
            let Amount(amount) = map.next_value()?;
            let amount = amount * self.times;
            match amounts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += amount,
                None => amounts.push((name, amount)),
            }
        }
        Ok(())
    }
}

/// The same for each role.
struct EachRole<'s, 'a>(Add<'s, 'a>);

impl<'de> DeserializeSeed<'de> for EachRole<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EachRole<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("amounts of resources by role")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Add { amounts, times } = self.0;
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(amounts.add(times))?;
        }
        Ok(())
    }
}

/// A number; of ranges and sets, which are texts, how many there are.
struct Amount(f64);

impl Amount {
    /// Counts what is in `[31000-32000, 33000-33000]`, or in `{a, b}`.
    #[allow(clippy::cast_precision_loss, reason = "a port is a small number")]
    fn count(text: &str) -> f64 {
        let inside = |open, close| text.trim().strip_prefix(open)?.strip_suffix(close);
        let items = |text: &str| text.split(',').filter(|it| !it.trim().is_empty()).count() as f64;
        if let Some(ranges) = inside('[', ']') {
            let size = |range: &str| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let bounds = first.trim().parse::<u64>().ok().zip(last.trim().parse::<u64>().ok());
                bounds.map_or(0, |(first, last)| last.saturating_add(1).saturating_sub(first))
            };
            ranges.split(',').map(|range| size(range) as f64).sum()
        } else {
            inside('{', '}').map_or(0.0, items)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an amount")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Amount, E> {
        Ok(Amount(number))
    }

    #[allow(clippy::cast_precision_loss, reason = "no cluster has that many")]
    fn visit_u64<E>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "no cluster has that many")]
    fn visit_i64<E>(self, number: i64) -> Result<Amount, E> {
        Ok(Amount(number as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount(Amount::count(text)))
    }
}

/// `reserved_resources_full`: the names of all roles, the resources of one or all, and
/// what the other roles have that concerns that one.
struct Reserved<'a> {
    wanted: Wanted<'a>,
}

impl Reserved<'_> {
    /// A resource of another role that concerns the wanted one.
    fn look_at(&self, role: &str, raw: &RawValue, others: &mut Others) -> serde_json::Result<()> {
        let Wanted { role: Some(wanted), principal } = self.wanted else { return Ok(()) };
        let is_below = role.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'));
        let is_named = role.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('/'));
        let may_be_made = principal.is_some_and(|it| may_name(raw.get(), it));
        if !is_below && !is_named && !may_be_made {
            return Ok(());
        }
        let list: Vec<Box<RawValue>> = serde_json::from_str(raw.get())?;
        let mut found = BTreeMap::<Option<String>, u32>::new();
        for entry in list {
            let resource = Resource::new(entry)?;
            if is_below && resource.stands_on(wanted) {
                *others.above.entry(role.to_owned()).or_default() += 1;
            }
            if resource.targeted(None) == (false, false) {
                continue;
            }
            let is_same = |it: &&str| principal.is_some_and(|own| is_same_service(it, own));
            let maker = resource.principals().find(is_same).map(str::to_owned);
            if maker.is_some() || is_named {
                *found.entry(maker).or_default() += 1;
            }
        }
        for (principal, resources) in found {
            let key = (role.to_owned(), principal.clone());
            let role = role.to_owned();
            others.elsewhere.insert(key, Elsewhere { role, principal, resources, agents: 1 });
        }
        Ok(())
    }
}

/// Whether a text of JSON may have a principal of the same service in it. Where that
/// cannot be excluded at a glance, it may.
fn may_name(json: &str, principal: &str) -> bool {
    // The part that is the same in all ways to write it, also where JSON has `\/`.
    let part = principal.rsplit('/').next().unwrap_or_default();
    let part = part.rsplit("__").next().unwrap_or_default();
    let is_plain = part.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\".contains(&it));
    !is_plain || json.contains(part)
}

impl<'de> DeserializeSeed<'de> for Reserved<'_> {
    type Value = (Rc<[String]>, Vec<Resource>, Others);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reserved<'_> {
    type Value = (Rc<[String]>, Vec<Resource>, Others);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("reserved resources by role")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut roles, mut resources) = (Vec::new(), Vec::new());
        let mut others = Others::default();
        while let Some(role) = map.next_key::<String>()? {
            if self.wanted.role.is_none_or(|wanted| wanted == role) {
                let raw: Vec<Box<RawValue>> = map.next_value()?;
                for entry in raw {
                    let resource = Resource::new(entry).map_err(M::Error::custom)?;
                    if !resource.is_of(&role) {
                        let why = format!("what is listed under role '{role}' is not that role's");
                        return Err(M::Error::custom(why));
                    }
                    // A run for all roles only looks, and sends nothing back.
                    let why_not = self.wanted.role.and_then(|_| resource.why_not_sent());
                    if let Some(why) = why_not {
                        let why = format!("what is listed under role '{role}' {why}");
                        return Err(M::Error::custom(why));
                    }
                    resources.push(resource);
                }
            } else {
                let raw: &RawValue = map.next_value()?;
                self.look_at(&role, raw, &mut others).map_err(M::Error::custom)?;
            }
            roles.push(role);
        }
        Ok((roles.into(), resources, others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use janitor_contract::types::Error;

    const R: Wanted = Wanted { role: Some("r"), principal: None };
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    const BODY: &str = r#"{"slaves":[
        {"id":"S1","version":null,"reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{}}],"other":[{"x":[{}]}]},"used":[1]},
        {"reserved_resources_full":{},"version":"1.11.0","id":"S0"}],"recovered_slaves":[]}"#;

    #[test]
    fn chunks_may_end_anywhere() {
        // What is read before anything else is not in the way.
        let body = " ".repeat(json::START) + BODY;
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
                "what is listed under role 'r' is not that role's",
            ),
            (
                200,
                r#"{"slaves":[{"id":"S1","reserved_resources_full":{"r":[{"role":"r","scalar":{"value":0}}]}}]}"#,
                "what is listed under role 'r' has an empty amount",
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
        assert!(why.contains("role 'r' is not that role's"), "{why}");
        let own =
            br#"{"slaves":[{"id":"S1","reserved_resources_full":{"r":[{"role":"r","x":"~"}]}}]}"#;
        let own: Vec<_> = own.iter().map(|it| if *it == b'~' { 0xff } else { *it }).collect();
        let why =
            super::list(&mut Script::default().answer_bytes(200, &own), R).unwrap_err().message;
        assert!(why.contains("is not all UTF-8"), "{why}");
    }

    #[test]
    fn a_body_that_breaks_off_is_a_network_error() {
        let mut host = Script::default().broken(&BODY[..40], Error::Reset);
        let error = list(&mut host, R).unwrap_err().message;
        assert_eq!(error, "Network error: the connection to the Mesos master broke.");
    }
}
