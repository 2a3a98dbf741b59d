//! The reserved resources of one agent, and those of other roles that concern the wanted
//! one.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::entry::Facts;
use crate::host::Response;
use crate::master::json::{Bad, Json};
use crate::master::resource::Resource;
use crate::names::is_within;
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

    /// Returns whether resources of a role may be of interest.
    fn may_concern(&self, role: &str) -> bool {
        let is_related = |own: &str| own == role || is_below(role, own) || is_named(role, own);
        self.principal.is_some() || self.role.is_none_or(is_related)
    }

    /// Returns whether what a principal, or nobody in particular, has of another role may belong to the same service.
    pub fn may_be_elsewhere(&self, role: &str, principal: Option<&str>) -> bool {
        let is_made = || principal.is_some_and(|it| self.is_same_service(it));
        self.role.is_some_and(|own| is_named(role, own) || role != own && is_made())
    }

    /// Returns whether a principal, or nobody in particular, may have something of the same service under a role.
    pub fn may_be_of_service(&self, role: &str, principal: Option<&str>) -> bool {
        let is_made = || principal.is_none_or(|it| self.is_same_service(it));
        self.may_be_elsewhere(role, principal) || self.role == Some(role) && is_made()
    }

    /// Returns whether a principal may be of the same service.
    pub fn is_same_service(&self, principal: &str) -> bool {
        self.principal.is_some_and(|own| is_same_service(own, principal))
    }

    /// Returns whether the resources of an agent are wanted.
    pub(super) fn is_on(&self, agent: &Facts) -> bool {
        self.agents.is_empty() || planned::is_named(self.agents, &agent.id, &agent.hostname)
    }
}

/// The names of all roles on an agent, and the resources there for each target.
type Reserved = (Rc<[String]>, Vec<Result<Found, String>>);

/// Takes `reserved_resources_full`: the names of all roles and, for each target, the resources of
/// one role or of all, and those of the other roles that concern the one.
pub(super) fn take<R: Response>(json: &mut Json<R>, wanted: &[Wanted]) -> Result<Reserved, Bad> {
    let mut roles = Vec::new();
    let mut each: Vec<_> = wanted.iter().map(|_| Ok(Found::default())).collect();
    json.fields(|json, role: String| {
        if wanted.iter().any(|it| it.may_concern(&role)) {
            json.raw(|resources| {
                for (wanted, found) in wanted.iter().zip(&mut each) {
                    if let Ok(it) = found
                        && let Err(why) = it.add(*wanted, &role, resources)
                    {
                        *found = Err(why);
                    }
                }
            })?;
        } else {
            json.skip()?;
        }
        roles.push(role);
        Ok(())
    })?;
    Ok((roles.into(), each))
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
    fn add(&mut self, wanted: Wanted, role: &str, json: &str) -> Result<(), String> {
        let invalid = |why: serde_json::Error| why.to_string();
        if wanted.role.is_some_and(|wanted| wanted != role) {
            return self.look_at(wanted, role, json).map_err(invalid);
        }
        let list: Vec<Box<RawValue>> = serde_json::from_str(json).map_err(invalid)?;
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
    fn look_at(&mut self, wanted: Wanted, role: &str, json: &str) -> serde_json::Result<()> {
        let Wanted { role: Some(own), principal, .. } = wanted else { return Ok(()) };
        let others = &mut self.others;
        let (is_below, is_named) = (is_below(role, own), is_named(role, own));
        let may_be_made = principal.is_some_and(|it| may_name(json, it));
        if !is_below && !is_named && !may_be_made {
            return Ok(());
        }
        let list: Vec<Box<RawValue>> = serde_json::from_str(json)?;
        let mut found = BTreeMap::<Option<String>, u32>::new();
        for entry in list {
            let resource = Resource::new(entry)?;
            if is_below && resource.stands_on(own) {
                *others.above.entry(role.to_owned()).or_default() += 1;
            }
            if !resource.is_targeted(Owner::ANYBODY) {
                continue;
            }
            let maker = resource.principals().find(|it| wanted.is_same_service(it));
            let maker = maker.map(str::to_owned);
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

/// Returns whether a role is below another one.
fn is_below(role: &str, other: &str) -> bool {
    role != other && is_within(role, other)
}

/// Returns whether a role has the name of another one, in a folder.
fn is_named(role: &str, other: &str) -> bool {
    role.strip_suffix(other).is_some_and(|rest| rest.ends_with('/'))
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

/// Returns whether two principals belong to the same service: the DC/OS SDK writes the
/// folder of a service with `/`, with or without one at its beginning, or with `__`.
fn is_same_service(one: &str, other: &str) -> bool {
    let flat = |principal: &str| principal.trim_start_matches('/').replace('/', "__");
    one == other || flat(one) == flat(other)
}

/// An agent's resources of other roles that concern the wanted one.
#[derive(Default)]
pub(super) struct Others {
    /// The resources that may belong to the same service, by role and by the principal that
    /// made them, in the spelling that it has there.
    pub(super) elsewhere: BTreeMap<(String, Option<String>), Elsewhere>,
    /// The number of resources that refine reservations of the wanted role, by role.
    pub(super) above: BTreeMap<String, u32>,
}
