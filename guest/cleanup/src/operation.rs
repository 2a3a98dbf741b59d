//! The operations that remove an agent's resources. They differ only in the master's endpoint,
//! and in their names in the log.

mod operate;
mod planned;
mod removed;
mod request;
mod round;

use std::collections::BTreeSet;

pub use self::operate::Begun;
pub use self::planned::planned_volumes;
pub use self::removed::Removed;
use self::request::{Lists, Removal};
pub use self::round::{Attempt, Job};
use crate::master::agents::{Agent, Listing};
use crate::master::resource::Decision;
use crate::owner::Owner;
use janitor_contract::types::{Phase, Skipped};

/// An operation that the master carries out on an agent's resources.
pub struct Operation {
    /// The phase of a run.
    pub phase: Phase,
    /// The operator endpoint of the master.
    path: &'static str,
    /// The form field that takes the list of resources.
    field: &'static str,
    /// The line with which the phase begins.
    pub begins: &'static str,
    /// The name of the resources in the log.
    noun: &'static str,
    /// The name of the phase in the line about its failure.
    pub failed: &'static str,
    /// The permission that it needs in DC/OS, without the principal that made the resources;
    /// its action is `delete`.
    permission: &'static str,
}

/// The work that an operation has on one agent.
struct Work<'a> {
    agent: &'a Agent,
    lists: Lists,
    found: usize,
    /// The requests to send: none when there is nothing to remove, or the agent is not
    /// connected.
    removals: Vec<Removal<'a>>,
    skipped: Vec<Skipped>,
}

impl Operation {
    /// The first phase destroys the role's persistent volumes with all data on them. Mesos
    /// releases no disk that still holds a volume, so this comes before the reservations.
    /// The endpoint exists since Mesos 0.27.
    pub const VOLUMES: Self = Self {
        phase: Phase::Volumes,
        path: "destroy-volumes",
        field: "volumes",
        begins: "Destroying volumes...",
        noun: "volume(s)",
        failed: "volumes",
        permission: "dcos:mesos:master:volume:principal",
    };

    /// The second phase releases the role's dynamic reservations. The endpoint exists since
    /// Mesos 0.25.
    pub const RESERVATIONS: Self = Self {
        phase: Phase::Reservations,
        path: "unreserve",
        field: "resources",
        begins: "Unreserving resources...",
        noun: "resource(s)",
        failed: "resources",
        permission: "dcos:mesos:master:reservation:principal",
    };

    /// Returns the ids of the connected agents that list something for this operation to
    /// remove.
    pub fn pending<'a>(&self, listing: &'a Listing, owner: Owner) -> Vec<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        works.filter(|work| !work.removals.is_empty()).map(|work| work.agent.id.as_str()).collect()
    }

    /// Returns the ids of the connected agents that list nothing more for this operation to
    /// remove.
    fn done<'a>(&self, listing: &'a Listing, owner: Owner) -> BTreeSet<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        let done = works.filter(|work| work.agent.connected && work.removals.is_empty());
        done.map(|work| work.agent.id.as_str()).collect()
    }

    /// Finds the work on one agent.
    fn work<'a>(&self, agent: &'a Agent, owner: Owner, lists: Lists) -> Work<'a> {
        let mut work = Work { agent, lists, found: 0, removals: Vec::new(), skipped: Vec::new() };
        for resource in &agent.resources {
            match resource.decide(self.phase, owner) {
                Decision::Take => {
                    work.found += 1;
                    if agent.connected {
                        Removal::add(&mut work.removals, &agent.id, resource, lists);
                    }
                }
                Decision::Skip(reason) => {
                    match work.skipped.iter_mut().find(|skipped| skipped.reason == reason) {
                        Some(skipped) => skipped.count += 1,
                        None => work.skipped.push(Skipped { reason, count: 1 }),
                    }
                }
                Decision::Ignore => {}
            }
        }
        work
    }
}
