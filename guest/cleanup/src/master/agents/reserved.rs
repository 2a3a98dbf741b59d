//! The reserved resources of one agent, and those of other roles that concern the wanted
//! one.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::Facts;
use crate::master::resource::Resource;
use crate::owner::Owner;
use janitor_contract::planned;
use janitor_contract::types::{Elsewhere, Target};

/// The role and the service for which a list of agents is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanted<'a> {
    /// The role, or none for all roles.
    pub role: Option<&'a str>,
    /// The principal, whose resources for other roles are of interest too.
    pub principal: Option<&'a str>,
    /// The agents, by id or host name; all agents if there are none.
    pub agents: &'a [String],
}

impl<'a> Wanted<'a> {
    /// This reads nothing but the agents themselves: no role has an empty name.
    pub const NOTHING: Self = Self { role: Some(""), principal: None, agents: &[] };

    /// Reads what a target concerns.
    pub fn of(target: &'a Target) -> Self {
        Owner::of(target).map_or(Self::NOTHING, Self::of_owner)
    }

    /// Reads what an owner may have.
    pub fn of_owner(Owner { role, principal, agents, .. }: Owner<'a>) -> Self {
        Self { role: Some(role), principal, agents }
    }

    /// Returns whether the resources of an agent are wanted.
    pub(super) fn is_on(&self, agent: &Facts) -> bool {
        self.agents.is_empty() || planned::is_named(self.agents, &agent.id, &agent.hostname)
    }
}

/// The seed of `reserved_resources_full`: it reads the names of all roles and, for each target, the
/// resources of one role or of all, and those of the other roles that concern the one.
pub(super) struct ReservedSeed<'a> {
    pub(super) wanted: &'a [Wanted<'a>],
}

/// The resources on one agent that concern a target.
#[derive(Default)]
pub(super) struct Found {
    /// The resources of the wanted role, or of all roles.
    pub(super) resources: Vec<Resource>,
    /// The resources of other roles that concern the wanted one.
    pub(super) others: Others,
}

impl Found {
    /// Adds the resources of a role. The error is one clause about a resource that must not be sent
    /// back, or is not what Mesos documents.
    fn add(&mut self, wanted: Wanted, role: &str, raw: &RawValue) -> Result<(), String> {
        let invalid = |why: serde_json::Error| why.to_string();
        if wanted.role.is_some_and(|wanted| wanted != role) {
            return self.look_at(wanted, role, raw).map_err(invalid);
        }
        let list: Vec<Box<RawValue>> = serde_json::from_str(raw.get()).map_err(invalid)?;
        for entry in list {
            let resource = Resource::new(entry).map_err(invalid)?;
            if !resource.is_of(role) {
                return Err(format!(
                    "a resource listed under role '{role}' is reserved for another role"
                ));
            }
            // A run for all roles only reads, and sends nothing back.
            if let Some(why) = wanted.role.and_then(|_| resource.why_not_sent()) {
                return Err(format!("a resource of role '{role}' {why}"));
            }
            self.resources.push(resource);
        }
        Ok(())
    }

    /// Keeps the resources of another role if they concern the wanted one.
    fn look_at(&mut self, wanted: Wanted, role: &str, raw: &RawValue) -> serde_json::Result<()> {
        let Wanted { role: Some(wanted), principal, .. } = wanted else { return Ok(()) };
        let others = &mut self.others;
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
            if !resource.is_targeted(Owner::ANYBODY) {
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

/// Returns whether a text of JSON may name a principal of the same service. This is a quick
/// check: it is true unless that can be excluded.
fn may_name(json: &str, principal: &str) -> bool {
    // This part is the same in all spellings, and where JSON has `\/`.
    let part = principal.rsplit('/').next().unwrap_or_default();
    let part = part.rsplit("__").next().unwrap_or_default();
    let is_plain = part.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\".contains(&it));
    !is_plain || json.contains(part)
}

impl<'de> DeserializeSeed<'de> for ReservedSeed<'_> {
    type Value = (Rc<[String]>, Vec<Result<Found, String>>);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReservedSeed<'_> {
    type Value = (Rc<[String]>, Vec<Result<Found, String>>);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("reserved resources by role")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut roles = Vec::new();
        let mut each: Vec<_> = self.wanted.iter().map(|_| Ok(Found::default())).collect();
        while let Some(role) = map.next_key::<String>()? {
            let raw: &RawValue = map.next_value()?;
            for (wanted, found) in self.wanted.iter().zip(&mut each) {
                if let Ok(it) = found
                    && let Err(why) = it.add(*wanted, &role, raw)
                {
                    *found = Err(why);
                }
            }
            roles.push(role);
        }
        Ok((roles.into(), each))
    }
}

/// Returns whether two principals belong to the same service: the DC/OS SDK writes the
/// folder of a service with `/`, with or without one at its beginning, or with `__`.
fn is_same_service(one: &str, other: &str) -> bool {
    let flat = |principal: &str| principal.trim_start_matches('/').replace('/', "__");
    one == other || flat(one) == flat(other)
}

/// The resources of other roles that concern the wanted one.
#[derive(Default)]
pub(super) struct Others {
    /// The resources that may belong to the same service, by role and by the principal that
    /// made them, in the spelling that it has there.
    pub(super) elsewhere: BTreeMap<(String, Option<String>), Elsewhere>,
    /// The number of resources that refine reservations of the wanted role, by role.
    pub(super) above: BTreeMap<String, u32>,
}

impl Others {
    /// Adds those of another agent.
    pub(super) fn add(&mut self, others: Self) {
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
