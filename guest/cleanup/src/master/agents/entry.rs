//! One agent of the list, and its entry there.

use std::ops::Deref;
use std::rc::Rc;

use super::amounts::Amounts;
use super::reserved::{self, Found, Wanted};
use crate::host::Response;
use crate::master::json::{Bad, Json};
use crate::master::pending;
use crate::master::resource::Resource;
use crate::owner::Owner;
use crate::version;
use janitor_contract::planned;
use janitor_contract::types::Elsewhere;

/// An agent, reduced to the facts that a run needs.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The facts that are the same for every target.
    facts: Rc<Facts>,
    /// The resources that are reserved there for the run's role, or for all roles.
    pub resources: Vec<Resource>,
    /// Its resources of other roles that may belong to the same service, by role and principal.
    pub elsewhere: Vec<Elsewhere>,
    /// This is not set when the list lacks the agent, and an earlier one has completed it.
    pub is_listed: bool,
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
    /// This is set when the master records the operations that it sends to the agent until it has carried
    /// them out: since Mesos 1.6, if the agent has the capability `RESOURCE_PROVIDER`. Of what it sends to
    /// others, it keeps nothing (`Master::apply` in `src/master/master.cpp`; measured with a master 1.11.0
    /// and an agent 1.4.3).
    pub is_recorded: bool,
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
    pub(super) fn new(
        facts: &Rc<Facts>,
        resources: Vec<Resource>,
        elsewhere: Vec<Elsewhere>,
    ) -> Self {
        Self { facts: Rc::clone(facts), resources, elsewhere, is_listed: true }
    }

    /// Returns whether it holds something of a target, and is not both disconnected and ignored.
    pub(super) fn shows(&self, owner: Owner, ignored: &[String]) -> bool {
        self.resources.iter().any(|it| it.is_targeted(owner))
            && (self.connected || !planned::is_named(ignored, &self.id, &self.hostname))
    }

    /// Returns the agent for a list that lacks it.
    pub(super) fn of_earlier_list(&self) -> Self {
        Self { is_listed: false, ..self.clone() }
    }

    /// Shows what it had in an earlier list.
    pub(super) fn show_again(&mut self, then: &Self) {
        (self.facts, self.resources) = (Rc::clone(&then.facts), then.resources.clone());
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

/// The capabilities of the last agent that was read: most agents have the same as another one.
#[derive(Default)]
pub(super) struct Capabilities {
    names: Vec<u8>,
    is_recorded: bool,
}

impl Capabilities {
    /// Takes a list of names, and returns whether the agent's operations are recorded. In another spelling,
    /// the name is not found, and the agent is given time in vain.
    fn take<R: Response>(&mut self, json: &mut Json<R>) -> Result<bool, Bad> {
        const RECORDED: &[u8] = br#""RESOURCE_PROVIDER""#;
        if !json.is_again(&mut self.names)? {
            self.is_recorded = self.names.windows(RECORDED.len()).any(|it| it == RECORDED);
        }
        Ok(self.is_recorded)
    }
}

/// The fields of an agent's entry.
enum Field {
    Id,
    Hostname,
    Active,
    Deactivated,
    ReregisteredTime,
    Version,
    Capabilities,
    Resources,
    UnreservedResources,
    ReservedResources,
    ReservedResourcesFull,
    Other,
}

impl From<&str> for Field {
    fn from(name: &str) -> Self {
        match name {
            "id" => Self::Id,
            "hostname" => Self::Hostname,
            "active" => Self::Active,
            "deactivated" => Self::Deactivated,
            "reregistered_time" => Self::ReregisteredTime,
            "version" => Self::Version,
            "capabilities" => Self::Capabilities,
            "resources" => Self::Resources,
            "unreserved_resources" => Self::UnreservedResources,
            "reserved_resources" => Self::ReservedResources,
            "reserved_resources_full" => Self::ReservedResourcesFull,
            _ => Self::Other,
        }
    }
}

impl Listed {
    /// Takes an agent's entry, for a list that is read for these roles and services.
    pub(super) fn take<R: Response>(
        json: &mut Json<R>,
        wanted: &[Wanted],
        capabilities: &mut Capabilities,
    ) -> Result<Self, Bad> {
        let (mut id, mut version, mut reserved) = (None::<String>, None, None);
        let (mut hostname, mut active) = (String::new(), true);
        let mut deactivated = None;
        let mut reregistered = None::<f64>;
        let mut is_recorded = None;
        let mut hidden = Amounts::default();
        json.fields(|json, field| {
            match field {
                Field::Id => id = Some(json.value()?),
                Field::Hostname => hostname = json.value()?,
                Field::Active => active = json.value()?,
                Field::Deactivated => deactivated = json.value()?,
                Field::ReregisteredTime => reregistered = json.value()?,
                Field::Version => version = json.value()?,
                Field::Capabilities => is_recorded = Some(capabilities.take(json)?),
                Field::Resources => hidden.add(json, 1.0)?,
                Field::UnreservedResources => hidden.add(json, -1.0)?,
                Field::ReservedResources => hidden.add_each_role(json, -1.0)?,
                Field::ReservedResourcesFull => reserved = Some(reserved::take(json, wanted)?),
                Field::Other => json.skip()?,
            }
            Ok(())
        })?;
        let id = id.ok_or_else(|| json.invalid("missing field `id`"))?;
        let (roles, each) = reserved.ok_or_else(|| {
            json.invalid(&format!(
                "agent {id} has no reserved_resources_full (Mesos lists it since 0.28)"
            ))
        })?;
        let hides = hidden.is_something();
        let connected = active || deactivated == Some(true);
        let has_some =
            |found: &Found| !found.resources.is_empty() || !found.others.elsewhere.is_empty();
        let may_be_named = || wanted.iter().any(|wanted| !wanted.agents.is_empty());
        if !(hides || !connected || each.iter().flatten().any(has_some) || may_be_named()) {
            hostname = String::new();
        }
        // An agent that names neither is as old as its master.
        let number = version.as_deref().and_then(version::number);
        let is_recorded =
            is_recorded.unwrap_or_else(|| number.is_none_or(|it| it >= pending::LISTED_SINCE));
        let facts = Facts { id, hostname, connected, hides, is_recorded, roles };
        Ok(Self { facts, version, each, came_back: reregistered.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents;
    use crate::testing::Script;

    #[test]
    fn what_is_wanted_is_checked_and_the_rest_has_an_end() {
        let wanted = Wanted { role: Some("r"), ..Wanted::default() };
        let list = |attributes: &str, own: &str, other: &str| {
            let body = format!(
                r#"{{"slaves":[{{"attributes":{attributes},"id":"S0","\u0069d":"S1","reserved_resources_full":{{"r":{own},"q":{other}}}}}]}}"#
            );
            agents::list(&mut Script::default().answer(200, body), wanted)
        };
        let own = r#" [ {"role" : "r", "reservation":{}, "x":"]\\\"\/"} ] "#;
        let listing = list("[1 2,]", own, "[tru]").unwrap();
        let [agent] = &listing.agents[..] else { panic!("{listing:?}") };
        assert_eq!(agent.id, "S1", "the last one counts, however it is written");
        let raw = agent.resources[0].raw.get();
        assert_eq!(raw, own.trim_matches([' ', '[', ']']));
        for (attributes, own, other) in [
            ("[}", own, "[]"),
            ("[", own, "[]"),
            ("{", own, "[]"),
            ("\"", own, "[]"),
            ("{\"a\":\"}", own, "[]"),
            ("[]]", own, "[]"),
            ("tru", own, "[]"),
            ("", own, "[]"),
            ("[]", "[1 2]", "[]"),
            ("[]", "[{\"role\":\"r\",}]", "[]"),
            ("[]", "[tru]", "[]"),
            ("[]", "null", "[]"),
            ("[]", "[", "[]"),
            ("[]", own, "["),
            ("[]", own, "nul"),
        ] {
            let listing = list(attributes, own, other);
            assert!(listing.is_err(), "{attributes} {own} {other}: {listing:?}");
        }
    }
}
