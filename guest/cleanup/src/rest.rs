//! The rest of a service: what lists of agents show of other roles that may belong to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::master::agents::{Agent, Listing};
use janitor_contract::planned;
use janitor_contract::types::{Elsewhere, Unreached, UnreachedReason};

/// The rest of a service. It counts from the first list that shows it until one proves that it is not there any more,
/// also if its agent is then disconnected or not listed.
#[derive(Default)]
pub struct Rest {
    /// The agents that have some of it, by their ids.
    agents: BTreeMap<String, OnAgent>,
    /// All of it, by role and principal, unless it is to be added up again.
    all: Option<Vec<Elsewhere>>,
    /// How often some of it was not listed any more: another program may have had it removed, and the agent may not
    /// have carried that out.
    losses: u32,
}

/// The same record for several cleanups of one run: the list that one of them reads counts for all.
pub type Shared = Rc<RefCell<Rest>>;

/// The part on one agent.
struct OnAgent {
    elsewhere: Vec<Elsewhere>,
    /// The agent's host name, if a list has named it.
    hostname: String,
    /// The latest list shows the agent.
    is_listed: bool,
    /// The latest list lacks the agent, or shows it disconnected.
    is_away: bool,
    /// The agent also hid something when a list showed this.
    hid: bool,
}

impl Rest {
    /// Takes a list as it was read, and returns whether some of it has disappeared.
    pub fn keep(&mut self, listing: &Listing) -> bool {
        let before = self.losses;
        let is_empty = self.agents.is_empty();
        for then in self.agents.values_mut() {
            (then.is_listed, then.is_away) = (false, true);
        }
        let agents = listing.agents.iter();
        for agent in agents.filter(|agent| !is_empty || !agent.elsewhere.is_empty()) {
            self.all = None;
            let mut now = OnAgent::of(agent);
            match self.agents.remove(&agent.id) {
                Some(then) if then.is_refuted(agent) => {
                    self.losses = self.losses.saturating_add(u32::from(!now.has_all(&then)));
                }
                Some(then) => now.add(then),
                None => {}
            }
            if !now.elsewhere.is_empty() {
                self.agents.insert(agent.id.clone(), now);
            }
        }
        self.losses > before
    }

    /// Returns how often some of it has disappeared. If it is more than when the pending operations were read, these are
    /// to be read again before it is known that nothing of it is left.
    pub fn losses(&self) -> u32 {
        self.losses
    }

    /// Returns all of it, by role and principal.
    pub fn all(&mut self) -> &[Elsewhere] {
        let Self { agents, all, .. } = self;
        all.get_or_insert_with(|| sum(agents.values().flat_map(|it| &it.elsewhere)))
    }

    /// Returns all of it except that on agents which are away and ignored, by id or host name.
    pub fn without(&self, ignored: &[String]) -> Vec<Elsewhere> {
        let is_ignored =
            |id: &str, it: &OnAgent| it.is_away && planned::is_named(ignored, id, &it.hostname);
        let agents = self.agents.iter().filter(|(id, it)| !is_ignored(id, it));
        sum(agents.flat_map(|(_, it)| &it.elsewhere))
    }

    /// Returns all of it that is on agents which can be reached.
    pub fn within_reach(&self) -> Vec<Elsewhere> {
        sum(self.agents.values().filter(|it| !it.is_away).flat_map(|it| &it.elsewhere))
    }

    /// Returns the agents that have some of it, and are away.
    pub fn away(&self) -> Vec<Unreached> {
        let away = self.agents.iter().filter(|(_, it)| it.is_away);
        let unreached = away.map(|(id, it)| Unreached {
            agent: id.clone(),
            hostname: it.hostname.clone(),
            reason: if it.is_listed { UnreachedReason::NotActive } else { UnreachedReason::Gone },
            since: None,
        });
        unreached.collect()
    }
}

impl OnAgent {
    /// Takes what a list shows of an agent.
    fn of(agent: &Agent) -> Self {
        Self {
            elsewhere: agent.elsewhere.clone(),
            hostname: agent.hostname.clone(),
            is_listed: agent.is_listed,
            is_away: !agent.connected,
            hid: agent.hides,
        }
    }

    /// Returns whether what a list does not show of the agent is not there: a disconnected agent may come back with
    /// more, and one that has begun to hide something may hide this.
    fn is_refuted(&self, agent: &Agent) -> bool {
        agent.connected && (!agent.hides || self.hid)
    }

    fn has(&self, it: &Elsewhere) -> bool {
        self.elsewhere.iter().any(|own| own.role == it.role && own.principal == it.principal)
    }

    /// Returns whether this list shows everything that an earlier one showed.
    fn has_all(&self, then: &Self) -> bool {
        then.elsewhere.iter().all(|it| self.has(it))
    }

    /// Adds what an earlier list showed, unless this one shows it too.
    fn add(&mut self, then: Self) {
        self.hid &= then.hid;
        if self.hostname.is_empty() {
            self.hostname = then.hostname;
        }
        for it in then.elsewhere {
            if !self.has(&it) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents::{self, Wanted};
    use crate::testing::Script;

    const WANTED: Wanted = Wanted { role: Some("alpha"), principal: Some("x"), agents: &[] };

    /// A list of one agent, with these resources for other roles by principal x.
    fn list(facts: &str, roles: &[&str]) -> Listing {
        let of = |role: &&str| {
            format!(
                r#""{role}":[{{"name":"cpus","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"x"}}}}]"#
            )
        };
        let roles: Vec<_> = roles.iter().map(of).collect();
        let body = format!(
            r#"{{"slaves":[{{"id":"S0","hostname":"h"{facts},"reserved_resources_full":{{{}}}}}]}}"#,
            roles.join(",")
        );
        agents::list(&mut Script::default().answer(200, body), WANTED).unwrap()
    }

    const AWAY: &str = r#","active":false"#;
    const HIDES: &str = r#","resources":{"gpus":4.0}"#;

    /// Returns the roles of which something counts after these lists, with the number of resources.
    fn after(lists: &[Listing]) -> Vec<(String, u32)> {
        let mut rest = Rest::default();
        for it in lists {
            rest.keep(it);
        }
        rest.all().iter().map(|it| (it.role.clone(), it.resources)).collect()
    }

    #[test]
    fn all_that_lists_have_shown_counts_once_until_one_refutes_it() {
        let shown = || list("", &["a", "b"]);
        let (a, b, c) = (("a".to_owned(), 1), ("b".to_owned(), 1), ("c".to_owned(), 1));
        for (later, left) in [
            (list("", &[]), vec![]),
            (list("", &["a"]), vec![a.clone()]),
            (list(AWAY, &[]), vec![a.clone(), b.clone()]),
            (list(AWAY, &["a"]), vec![a.clone(), b.clone()]),
            (list(AWAY, &["c"]), vec![a.clone(), b.clone(), c]),
            (list(HIDES, &[]), vec![a.clone(), b.clone()]),
        ] {
            assert_eq!(after(&[shown(), later.clone()]), left, "{later:?}");
            assert_eq!(after(&[shown(), later.clone(), later]), left);
        }
    }

    /// An agent that hid something before may hide the same now.
    #[test]
    fn an_agent_that_has_begun_to_hide_something_may_hide_this() {
        let (a, b) = (("a".to_owned(), 1), ("b".to_owned(), 1));
        assert_eq!(after(&[list(HIDES, &["a"]), list(HIDES, &[])]), []);
        let lists = [list("", &["a"]), list(HIDES, &["b"]), list(HIDES, &["b"])];
        assert_eq!(after(&lists), [a, b]);
    }

    /// Only what disappears from an agent that is connected may have been removed by another program.
    #[test]
    fn what_disappears_is_counted() {
        let shown = || list("", &["a", "b"]);
        for (later, is_lost) in [
            (list("", &["a", "b", "c"]), false),
            (list("", &["a"]), true),
            (list("", &[]), true),
            (list(AWAY, &[]), false),
            (list(HIDES, &[]), false),
            (Listing::default(), false),
        ] {
            let mut rest = Rest::default();
            rest.keep(&shown());
            assert_eq!(rest.losses(), 0);
            rest.keep(&later);
            assert_eq!(rest.losses(), u32::from(is_lost), "{later:?}");
            rest.keep(&later);
            assert_eq!(rest.losses(), u32::from(is_lost), "{later:?}");
        }
    }

    #[test]
    fn an_agent_is_ignored_while_it_is_away() {
        let nobody = Listing::default();
        for (lists, counts) in [
            (vec![list("", &["a"])], true),
            (vec![list(AWAY, &["a"])], false),
            (vec![list("", &["a"]), list(AWAY, &[])], false),
            (vec![list("", &["a"]), nobody.clone()], false),
            (vec![list("", &["a"]), nobody, list("", &["a"])], true),
        ] {
            let mut rest = Rest::default();
            for it in &lists {
                rest.keep(it);
            }
            for name in ["S0", "h"] {
                assert_eq!(!rest.without(&[name.into()]).is_empty(), counts, "{name} {lists:?}");
            }
            assert_eq!(rest.away().is_empty(), counts, "{lists:?}");
            assert_eq!(!rest.within_reach().is_empty(), counts, "{lists:?}");
            assert_eq!(rest.without(&["other".into()]).len(), 1, "{lists:?}");
            assert_eq!(rest.all().len(), 1, "{lists:?}");
        }
    }
}
