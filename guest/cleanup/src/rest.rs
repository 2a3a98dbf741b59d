//! The rest of a service: what lists of agents show of other roles that may belong to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::master::agents::{Agent, Listing};
use janitor_contract::types::Elsewhere;

/// The rest of a service, by the ids of the agents. It counts from the first list that shows it until one proves that
/// it is not there any more, also if the agent is then disconnected or not listed.
#[derive(Default)]
pub struct Rest(BTreeMap<String, OnAgent>);

/// The same record for several cleanups of one run: the list that one of them reads counts for all.
pub type Shared = Rc<RefCell<Rest>>;

/// The part on one agent.
struct OnAgent {
    elsewhere: Vec<Elsewhere>,
    /// The agent also hid something when a list showed this.
    hid: bool,
}

impl Rest {
    /// Takes a list as it was read.
    pub fn keep(&mut self, listing: &Listing) {
        let agents = listing.agents.iter();
        let is_empty = self.0.is_empty();
        for agent in agents.filter(|agent| !is_empty || !agent.elsewhere.is_empty()) {
            let mut now = OnAgent { elsewhere: agent.elsewhere.clone(), hid: agent.hides };
            if let Some(then) = self.0.remove(&agent.id).filter(|then| !then.is_refuted(agent)) {
                now.add(then);
            }
            if !now.elsewhere.is_empty() {
                self.0.insert(agent.id.clone(), now);
            }
        }
    }

    /// Returns all of it, by role and principal.
    pub fn all(&self) -> Vec<Elsewhere> {
        sum(self.0.values().flat_map(|it| &it.elsewhere))
    }
}

impl OnAgent {
    /// Returns whether what a list does not show of the agent is not there: a disconnected agent may come back with
    /// more, and one that has begun to hide something may hide this.
    fn is_refuted(&self, agent: &Agent) -> bool {
        agent.connected && (!agent.hides || self.hid)
    }

    /// Adds what an earlier list showed, unless this one shows it too.
    fn add(&mut self, then: Self) {
        self.hid &= then.hid;
        for it in then.elsewhere {
            let mut own = self.elsewhere.iter();
            if !own.any(|own| own.role == it.role && own.principal == it.principal) {
                self.elsewhere.push(it);
            }
        }
    }
}

/// Adds up what agents have elsewhere, by role and principal.
pub fn sum<'a>(each: impl Iterator<Item = &'a Elsewhere>) -> Vec<Elsewhere> {
    let mut all = BTreeMap::<_, Elsewhere>::new();
    for found in each {
        let key = (found.role.clone(), found.principal.clone());
        match all.get_mut(&key) {
            Some(known) => {
                known.resources = known.resources.saturating_add(found.resources);
                known.agents = known.agents.saturating_add(found.agents);
            }
            None => drop(all.insert(key, found.clone())),
        }
    }
    all.into_values().collect()
}
