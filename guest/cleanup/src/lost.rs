//! The resources of a target that lists of agents do not show any more, although this run has not removed them.
//!
//! The master lists nothing of which it has accepted the removal, for whichever program, also while the agent has not
//! carried that out. So it is only known that they do not come back once the pending operations have been read after
//! the list that lacks them.

use std::collections::BTreeSet;
use std::mem;

use crate::master::agents::Listing;
use janitor_contract::planned;
use janitor_contract::types::{AgentLeft, Phase};

/// The record of one target.
#[derive(Default)]
pub struct Lost {
    volumes: InPhase,
    reservations: InPhase,
    /// Something has disappeared since the pending operations were read.
    is_unasked: bool,
}

/// The agents that have something to remove in one phase.
#[derive(Default)]
struct InPhase {
    /// The ids of those of which the latest list that counts for them shows something.
    shown: BTreeSet<String>,
    /// Those of which the master has accepted the removal, for this run and before the operations were read.
    accepted: BTreeSet<String>,
}

impl Lost {
    /// Takes what agents have left in a list. One that lacks an agent says nothing of it, and what it says of one that is
    /// disconnected and ignored does not count.
    pub fn keep(&mut self, listing: &Listing, left: &[AgentLeft], ignored: &[String]) {
        for (phase, count) in [
            (&mut self.volumes, (|it| it.volumes) as fn(&AgentLeft) -> u32),
            (&mut self.reservations, |it| it.resources),
        ] {
            let shown = left.iter().filter(|it| count(it) > 0).map(|it| it.agent.clone()).collect();
            self.is_unasked |= phase.keep(listing, shown, ignored);
        }
    }

    /// Takes note that the master has accepted what this run removes from these agents in a phase.
    pub fn accepted(&mut self, phase: Phase, agents: &[String]) {
        let phase = match phase {
            Phase::Volumes => &mut self.volumes,
            _ => &mut self.reservations,
        };
        phase.accepted.extend(agents.iter().cloned());
    }

    /// Takes note that the pending operations have been read after all lists.
    pub fn asked(&mut self) {
        self.is_unasked = false;
    }

    /// Returns whether the pending operations are to be read again.
    pub fn is_unasked(&self) -> bool {
        self.is_unasked
    }
}

impl InPhase {
    /// Takes the agents of which a list shows something, and returns whether others have lost it.
    fn keep(&mut self, listing: &Listing, shown: BTreeSet<String>, ignored: &[String]) -> bool {
        // The earlier removal does not cover the resources that are listed again.
        self.accepted.retain(|id| !shown.contains(id));
        let mut is_lost = false;
        for id in mem::replace(&mut self.shown, shown) {
            if self.shown.contains(&id) || self.accepted.contains(&id) {
                continue;
            }
            let agent = listing.agent(&id);
            let counts = agent
                .is_some_and(|it| it.connected || !planned::is_named(ignored, &id, &it.hostname));
            is_lost |= counts;
            if !counts {
                self.shown.insert(id);
            }
        }
        is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents::{self, Wanted};
    use crate::owner::Owner;
    use crate::testing::Script;

    /// A list of one agent that has cpus reserved for the role, or nothing.
    fn list(facts: &str, has_cpus: bool) -> Listing {
        let cpus = r#""r":[{"name":"cpus","role":"r","reservation":{}}]"#;
        let body = format!(
            r#"{{"slaves":[{{"id":"S0","hostname":"h"{facts},"reserved_resources_full":{{{}}}}}]}}"#,
            if has_cpus { cpus } else { "" }
        );
        let wanted = Wanted::of_owner(Owner::of_role("r"));
        agents::list(&mut Script::default().answer(200, body), wanted).unwrap()
    }

    const AWAY: &str = r#","active":false"#;

    /// Returns whether operations are to be asked for after these lists.
    fn is_unasked(lists: &[Listing], accepted: &[String], ignored: &[String]) -> bool {
        let mut lost = Lost::default();
        for list in lists {
            lost.keep(list, &list.left(Owner::of_role("r")), ignored);
            lost.accepted(Phase::Reservations, accepted);
        }
        lost.is_unasked()
    }

    #[test]
    fn only_a_list_that_counts_for_an_agent_shows_that_something_has_disappeared() {
        let there = || list("", true);
        let nobody = Listing::default;
        for (lists, is_lost) in [
            (vec![there(), there()], false),
            (vec![list("", false), list("", false)], false),
            (vec![there(), list("", false)], true),
            (vec![there(), list(AWAY, false)], true),
            (vec![there(), nobody()], false),
            (vec![there(), nobody(), list("", false)], true),
        ] {
            assert_eq!(is_unasked(&lists, &[], &[]), is_lost, "{lists:?}");
        }
        let away = [there(), list(AWAY, false)];
        let back = [there(), list(AWAY, false), list("", false)];
        for name in ["S0", "h"] {
            assert!(!is_unasked(&away, &[], &[name.into()]));
            assert!(is_unasked(&back, &[], &[name.into()]));
        }
    }

    #[test]
    fn an_accepted_removal_covers_what_is_listed_before_it() {
        let accepted = ["S0".to_owned()];
        assert!(!is_unasked(&[list("", true), list("", false)], &accepted, &[]));
        let mut lost = Lost::default();
        lost.accepted(Phase::Volumes, &accepted);
        for has_cpus in [true, false] {
            let list = list("", has_cpus);
            lost.keep(&list, &list.left(Owner::of_role("r")), &[]);
        }
        assert!(lost.is_unasked());
        lost.asked();
        assert!(!lost.is_unasked());
    }
}
