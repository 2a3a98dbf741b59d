//! The reserved resources of one agent, and those of other roles that concern the wanted
//! one.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::Agent;
use crate::master::resource::Resource;
use crate::owner::Owner;
use janitor_contract::planned;
use janitor_contract::types::Elsewhere;

/// The role and the service for which a list of agents is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The role, or none for all roles.
    pub role: Option<&'a str>,
    /// The principal, whose resources for other roles are of interest too.
    pub principal: Option<&'a str>,
    /// The agents, by id or host name; all agents if there are none.
    pub agents: &'a [String],
}

impl Wanted<'_> {
    /// This reads nothing but the agents themselves: no role has an empty name.
    pub const NOTHING: Self = Self { role: Some(""), principal: None, agents: &[] };

    /// Returns whether the resources of an agent are wanted.
    pub(super) fn is_on(&self, agent: &Agent) -> bool {
        self.agents.is_empty() || planned::is_named(self.agents, &agent.id, &agent.hostname)
    }
}

/// The seed of `reserved_resources_full`: it reads the names of all roles, the resources
/// of one role or of all, and those of the other roles that concern the one.
pub(super) struct ReservedSeed<'a> {
    pub(super) wanted: Wanted<'a>,
}

impl ReservedSeed<'_> {
    /// Keeps the resources of another role if they concern the wanted one.
    fn look_at(&self, role: &str, raw: &RawValue, others: &mut Others) -> serde_json::Result<()> {
        let Wanted { role: Some(wanted), principal, .. } = self.wanted else { return Ok(()) };
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
    type Value = (Rc<[String]>, Vec<Resource>, Others);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReservedSeed<'_> {
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
                        let why = format!(
                            "a resource listed under role '{role}' is reserved for another role"
                        );
                        return Err(M::Error::custom(why));
                    }
                    // A run for all roles only reads, and sends nothing back.
                    let why_not = self.wanted.role.and_then(|_| resource.why_not_sent());
                    if let Some(why) = why_not {
                        let why = format!("a resource of role '{role}' {why}");
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
