//! The resources of a target that lists of agents do not show any more, although this run has not removed them.
//!
//! The master lists nothing of which it has accepted the removal, for whichever program, also while the agent has not
//! carried that out. So it is only known that they do not come back once the pending operations have been read after
//! the list that lacks them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::mem;
use std::rc::Rc;

use crate::master::agents::Listing;
use crate::owner::Owner;
use janitor_contract::planned;
use janitor_contract::types::{AgentLeft, Phase};

/// The record of one target.
#[derive(Default)]
pub struct Lost {
    volumes: InPhase,
    reservations: InPhase,
    /// How often an agent has lost something.
    losses: u32,
}

/// The same record for several cleanups of one run: the list that one of them reads counts for all.
pub type Shared = Rc<RefCell<Lost>>;

/// The agents that have something to remove in one phase.
#[derive(Default)]
struct InPhase {
    /// The ids of those of which the latest list that counts for them shows something.
    shown: BTreeSet<String>,
    /// The ids of those of which the master has accepted this run's removal since a list last showed something.
    accepted: BTreeSet<String>,
}

impl Lost {
    /// Takes a list as it was read, and returns whether something has disappeared. A list that lacks an agent says
    /// nothing of it, and what it says of one that is disconnected and ignored does not count.
    pub fn keep(&mut self, listing: &Listing, owner: Owner, ignored: &[String]) -> bool {
        let before = self.losses;
        let left = listing.left(owner);
        for (phase, count) in [
            (&mut self.volumes, (|it| it.volumes) as fn(&AgentLeft) -> u32),
            (&mut self.reservations, |it| it.resources),
        ] {
            let shown = left.iter().filter(|it| count(it) > 0).map(|it| it.agent.clone()).collect();
            self.losses = self.losses.saturating_add(phase.keep(listing, shown, ignored));
        }
        self.losses > before
    }

    /// Takes note that the master has accepted what this run removes from these agents in a phase.
    pub fn accepted(&mut self, phase: Phase, agents: impl Iterator<Item = String>) {
        let phase = match phase {
            Phase::Volumes => &mut self.volumes,
            _ => &mut self.reservations,
        };
        phase.accepted.extend(agents);
    }

    /// Returns how often an agent has lost something. If it is more than when the pending operations were read, these
    /// are to be read again before it is known that the target is empty.
    pub fn losses(&self) -> u32 {
        self.losses
    }
}

impl InPhase {
    /// Takes the agents of which a list shows something, and returns how many others have lost it.
    fn keep(&mut self, listing: &Listing, shown: BTreeSet<String>, ignored: &[String]) -> u32 {
        // The earlier removal does not cover the resources that are listed again.
        self.accepted.retain(|id| !shown.contains(id));
        let mut missing = mem::replace(&mut self.shown, shown);
        missing.retain(|id| !self.shown.contains(id) && !self.accepted.contains(id));
        let mut losses = 0;
        let agents = if missing.is_empty() { &[] } else { &listing.agents[..] };
        for agent in agents {
            let counts = agent.connected || !planned::is_named(ignored, &agent.id, &agent.hostname);
            losses += u32::from(counts && missing.remove(&agent.id));
        }
        self.shown.append(&mut missing);
        losses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents::{self, Wanted};
    use crate::owner::Owner;
    use crate::testing::Script;

    const OWNER: Owner = Owner::of_role("r");
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    const VOLUME: &str = r#"{"name":"disk","role":"r","disk":{"persistence":{"id":"v"}}}"#;
    const AWAY: &str = r#","active":false"#;

    /// A list of one agent with these facts and resources.
    fn list_of(facts: &str, resources: &str) -> Listing {
        let body = format!(
            r#"{{"slaves":[{{"id":"S0","hostname":"h"{facts},"reserved_resources_full":{{"r":[{resources}]}}}}]}}"#
        );
        agents::list(&mut Script::default().answer(200, body), Wanted::of_owner(OWNER)).unwrap()
    }

    fn list(facts: &str, has_cpus: bool) -> Listing {
        list_of(facts, if has_cpus { CPUS } else { "" })
    }

    /// Counts the losses after these lists. The master has accepted a removal from the agent before the last one.
    fn losses(lists: &[Listing], accepted: Option<Phase>, ignored: &[String]) -> u32 {
        let mut lost = Lost::default();
        for (index, list) in lists.iter().enumerate() {
            if let Some(phase) = accepted.filter(|_| index + 1 == lists.len()) {
                lost.accepted(phase, ["S0".to_owned()].into_iter());
            }
            let before = lost.losses();
            assert_eq!(lost.keep(list, OWNER, ignored), lost.losses() > before);
        }
        lost.losses()
    }

    #[test]
    fn only_a_list_that_counts_for_an_agent_shows_that_something_has_disappeared() {
        let there = || list("", true);
        let nobody = Listing::default;
        for (lists, lost) in [
            (vec![there(), there()], 0),
            (vec![list("", false), list("", false)], 0),
            (vec![there(), list("", false)], 1),
            (vec![there(), list("", false), there(), list("", false)], 2),
            (vec![there(), list(AWAY, false)], 1),
            (vec![there(), nobody()], 0),
            (vec![there(), nobody(), list("", false)], 1),
        ] {
            assert_eq!(losses(&lists, None, &[]), lost, "{lists:?}");
        }
        let away = [there(), list(AWAY, false)];
        let back = [there(), list(AWAY, false), list("", false)];
        for name in ["S0", "h"] {
            assert_eq!(losses(&away, None, &[name.into()]), 0);
            assert_eq!(losses(&back, None, &[name.into()]), 1);
        }
    }

    #[test]
    fn an_accepted_removal_covers_what_is_listed_before_it() {
        let both = || list_of("", &format!("{CPUS},{VOLUME}"));
        let (no_cpus, no_volume) = (list_of("", VOLUME), list("", true));
        for (lists, phase, lost) in [
            ([both(), no_cpus.clone()], Phase::Reservations, 0),
            ([both(), no_cpus], Phase::Volumes, 1),
            ([both(), no_volume.clone()], Phase::Volumes, 0),
            ([both(), no_volume], Phase::Reservations, 1),
            ([both(), list("", false)], Phase::Volumes, 1),
        ] {
            assert_eq!(losses(&lists, Some(phase), &[]), lost, "{lists:?}");
        }
        let mut lost = Lost::default();
        lost.accepted(Phase::Reservations, ["S0".to_owned()].into_iter());
        lost.keep(&list("", true), OWNER, &[]);
        assert!(lost.keep(&list("", false), OWNER, &[]));
    }
}
