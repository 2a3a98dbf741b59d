//! The resources that the master itself has listed. Only these may be sent back, byte for byte and
//! to the same agent. Ownership alone is not enough, because a master identifies a resource by
//! other parts than those that name its owner: a volume, for example, by its id alone (measured on
//! Mesos 1.4 to 1.11).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The target's resources in one list of the master, stored as digests.
#[derive(Clone, Default)]
pub struct Listed {
    /// These are kept by agent, because an agent may be listed again alone.
    resources: BTreeMap<String, BTreeSet<Digest>>,
    count: usize,
    /// The agents that are not the target's, if it names some.
    others: BTreeSet<String>,
    /// The frameworks that the labels of the target's resources name, if the target has labels.
    frameworks: BTreeSet<String>,
}

/// A digest that identifies one resource in one kind of request.
type Digest = [u8; 32];

/// The agent and the resources in the form of a request that removes some.
pub(crate) struct Removal {
    agent: String,
    resources: Vec<Digest>,
}

impl Removal {
    /// Reads a form, unless it is of another kind.
    pub(crate) fn read(form: &[u8]) -> Option<Self> {
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        let [(_, agent), (field, list)] = &fields[..] else { return None };
        let resources: Vec<&RawValue> = serde_json::from_str(list).ok()?;
        let resources = resources.iter().map(|it| digest(field, it.get())).collect();
        Some(Self { agent: agent.to_string(), resources })
    }
}

impl Listed {
    /// The most resources of one list that are kept, about 50 MB. Any resource beyond them may not
    /// be removed.
    const MOST: usize = 1_000_000;

    /// Keeps a resource that may be sent in this field of a form.
    pub(crate) fn keep(&mut self, field: &str, agent: &str, resource: &str) {
        if self.count < Self::MOST {
            let of_agent = self.resources.entry(agent.to_owned()).or_default();
            self.count += usize::from(of_agent.insert(digest(field, resource)));
        }
    }

    /// Replaces everything of one agent by what a later list of this agent alone shows.
    pub(crate) fn replace(&mut self, agent: &str, later: Self) {
        let earlier = self.resources.remove(agent).unwrap_or_default();
        self.count = self.count - earlier.len() + later.count;
        self.resources.extend(later.resources);
        self.others.extend(later.others);
        self.frameworks.extend(later.frameworks);
    }

    /// Returns the number of resources that are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Keeps the id of an agent that is not one of the target's.
    pub(crate) fn keep_other(&mut self, agent: &str) {
        if self.others.len() < Self::MOST {
            self.others.insert(agent.to_owned());
        }
    }

    /// Keeps the frameworks that the labels of one of the target's resources name.
    pub(crate) fn keep_frameworks(&mut self, ids: Vec<String>) {
        if self.frameworks.len() < Self::MOST {
            self.frameworks.extend(ids);
        }
    }

    /// Returns whether the labels of one of the target's resources name this framework.
    pub(crate) fn names_framework(&self, id: &str) -> bool {
        self.frameworks.contains(id)
    }

    /// Returns whether an agent is known not to be one of the target's. Nothing is kept of it, so
    /// this only explains why its resources may not be removed.
    pub(crate) fn is_other_agent(&self, agent: &str) -> bool {
        self.others.contains(agent)
    }

    /// Returns whether the master has listed everything that a form would remove.
    pub(crate) fn has_all(&self, removal: &Removal) -> bool {
        let of_agent = self.resources.get(&removal.agent);
        removal.resources.iter().all(|it| of_agent.is_some_and(|all| all.contains(it)))
    }

    /// Returns whether the master has listed this text for this agent, as a resource that may be
    /// sent in this field of a form.
    pub fn has(&self, field: &str, agent: &str, resource: &str) -> bool {
        self.resources.get(agent).is_some_and(|all| all.contains(&digest(field, resource)))
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Listed({})", self.count)
    }
}

fn digest(field: &str, resource: &str) -> Digest {
    let mut digest = Sha256::new();
    // The length prefix makes different pairs different inputs.
    digest.update((field.len() as u64).to_le_bytes());
    digest.update(field);
    digest.update(resource);
    digest.finalize().into()
}
