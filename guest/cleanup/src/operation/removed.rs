//! The resources whose removal the master has accepted, so that each counts once even if an agent is
//! asked again: for the rest of its resources, or because it has come back with some of them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::host::count;
use crate::master::resource::Resource;
use janitor_contract::types::Phase;

/// The accepted resources by agent and phase: for each digest, the number of equal resources.
#[derive(Debug, Default)]
pub struct Removed(BTreeMap<(String, u8), BTreeMap<u64, usize>>);

impl Removed {
    /// Adds what the master has accepted in one attempt, by its digests.
    pub fn add(&mut self, agent: &str, phase: Phase, accepted: &[u64]) {
        if !accepted.is_empty() {
            let all = self.0.entry((agent.to_owned(), phase as u8)).or_default();
            extend(all, accepted);
        }
    }

    /// Returns the number of resources that are accepted in all with those of one more attempt, if
    /// there was an earlier one.
    pub fn in_all(&self, agent: &str, phase: Phase, accepted: &[u64]) -> Option<u32> {
        let mut all = self.0.get(&(agent.to_owned(), phase as u8))?.clone();
        extend(&mut all, accepted);
        Some(count(all.values().sum()))
    }
}

/// Returns the digest of the master's own text.
pub fn digest(resource: &Resource) -> u64 {
    let mut hasher = DefaultHasher::new();
    resource.raw.get().hash(&mut hasher);
    hasher.finish()
}

/// Adds the resources of one attempt. Those that an earlier one has contained are the same.
fn extend(all: &mut BTreeMap<u64, usize>, accepted: &[u64]) {
    let mut together: BTreeMap<u64, usize> = BTreeMap::new();
    for digest in accepted {
        *together.entry(*digest).or_default() += 1;
    }
    for (digest, number) in together {
        let most = all.entry(digest).or_default();
        *most = number.max(*most);
    }
}
