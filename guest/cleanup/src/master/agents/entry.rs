//! One agent of the list, and its entry there.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::amounts::{Amounts, EachRole};
use super::reserved::{Found, ReservedSeed, Wanted};
use crate::master::json::Text;
use crate::master::resource::Resource;

/// An agent, reduced to the facts that a run needs.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The facts that are the same for every target.
    facts: Rc<Facts>,
    /// The resources that are reserved there for the run's role, or for all roles.
    pub resources: Vec<Resource>,
}

/// The facts about an agent that are the same for every target.
#[derive(Debug)]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// Its host name, or an empty text if the master does not name it, or if the agent is of no
    /// concern to the run.
    pub hostname: String,
    /// This is set when it is connected, and so carries out the operations that the master
    /// accepts for it. Changes that the master shows for a disconnected agent do not last
    /// (measured on Mesos 1.6 to 1.11). A drained or deactivated agent, since 1.9, is not active,
    /// but connected.
    pub connected: bool,
    /// This is set when it has reserved resources that are not listed: since Mesos 1.4, the
    /// master lists only the roles that the request's principal may view, but its totals count
    /// all of them.
    pub hides: bool,
    /// The roles that have something reserved there.
    pub roles: Rc<[String]>,
}

impl Deref for Agent {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Agent {
    /// Adds what is reserved on an agent.
    pub(super) fn new(facts: &Rc<Facts>, resources: Vec<Resource>) -> Self {
        Self { facts: Rc::clone(facts), resources }
    }

    /// Explains that one of its resources is not what Mesos documents.
    pub fn invalid_resource(&self, why: &serde_json::Error) -> String {
        format!("Slave {} lists an invalid resource: {why}", self.id)
    }

    /// Returns whether it holds something for the role, or may.
    pub(super) fn is_concerned(&self) -> bool {
        self.hides || !self.resources.is_empty()
    }
}

/// One agent, and the other facts in its entry.
pub(super) struct Listed {
    /// The agent.
    pub(super) facts: Facts,
    /// The version of Mesos that it runs.
    pub(super) version: Option<String>,
    /// The reserved resources, for each target.
    pub(super) each: Vec<Result<Found, String>>,
    /// This is set when it registered again, with this master or after another one.
    pub(super) came_back: bool,
}

/// The seed of an agent's entry.
#[derive(Clone, Copy)]
pub(super) struct ListedSeed<'a> {
    /// The roles and the services for which the list is read.
    pub(super) wanted: &'a [Wanted<'a>],
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

impl<'de> DeserializeSeed<'de> for ListedSeed<'_> {
    type Value = Listed;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListedSeed<'_> {
    type Value = Listed;

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
                    reserved = Some(map.next_value_seed(ReservedSeed { wanted: self.wanted })?);
                }
                AgentField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let id: String = id.ok_or_else(|| M::Error::missing_field("id"))?;
        let (roles, each) = reserved.ok_or_else(|| {
            M::Error::custom(format!(
                "agent {id} has no reserved_resources_full (Mesos lists it since 0.28)"
            ))
        })?;
        let hides = hidden.is_something();
        let connected = active || deactivated == Some(true);
        let mut facts = Facts { id, hostname: String::new(), connected, hides, roles };
        let has_some = |found: &Result<Found, String>| {
            found.as_ref().is_ok_and(|found| !found.resources.is_empty())
        };
        let may_be_named = || self.wanted.iter().any(|wanted| !wanted.agents.is_empty());
        if hides || !connected || each.iter().any(has_some) || may_be_named() {
            facts.hostname = hostname.0.into_owned();
        }
        let came_back = reregistered.is_some();
        let version = version.map(|Text(version)| version.into_owned());
        Ok(Listed { facts, version, each, came_back })
    }
}
