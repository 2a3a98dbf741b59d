//! The resources that the master itself has listed. Only these may be sent back, byte for byte and
//! to the same agent. Ownership alone is not enough, because a master identifies a resource by
//! other parts than those that name its owner: a volume, for example, by its id alone (measured on
//! Mesos 1.4 to 1.11).

use std::collections::BTreeSet;
use std::fmt;

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The target's resources in one list of the master, stored as digests.
#[derive(Clone, Default)]
pub struct Listed {
    resources: BTreeSet<Digest>,
    /// The agents that are not the target's, if it names some.
    others: BTreeSet<String>,
    /// The frameworks that the labels of the target's resources name, if the target has labels.
    frameworks: BTreeSet<String>,
}

/// A digest that identifies one resource of one agent in one kind of request.
type Digest = [u8; 32];

/// The resources in the form of a request that removes some.
pub(crate) struct Removal(Vec<Digest>);

impl Removal {
    /// Reads a form, unless it is of another kind.
    pub(crate) fn read(form: &[u8]) -> Option<Self> {
        let fields: Vec<_> = form_urlencoded::parse(form).collect();
        let [(_, agent), (field, list)] = &fields[..] else { return None };
        let resources: Vec<&RawValue> = serde_json::from_str(list).ok()?;
        Some(Self(resources.iter().map(|it| digest(field, agent, it.get())).collect()))
    }
}

impl Listed {
    /// The most resources of one list that are kept, about 50 MB. Any resource beyond them may not
    /// be removed.
    const MOST: usize = 1_000_000;

    /// Keeps a resource that may be sent in this field of a form.
    pub(crate) fn keep(&mut self, field: &str, agent: &str, resource: &str) {
        if self.resources.len() < Self::MOST {
            self.resources.insert(digest(field, agent, resource));
        }
    }

    /// Returns the number of resources that are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.resources.len()
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
        removal.0.iter().all(|digest| self.resources.contains(digest))
    }

    /// Returns whether the master has listed this text for this agent, as a resource that may be
    /// sent in this field of a form.
    pub fn has(&self, field: &str, agent: &str, resource: &str) -> bool {
        self.resources.contains(&digest(field, agent, resource))
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Listed({})", self.resources.len())
    }
}

fn digest(field: &str, agent: &str, resource: &str) -> Digest {
    let mut digest = Sha256::new();
    for part in [field, agent] {
        // The length prefix makes different lists of parts different inputs.
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.update(resource);
    digest.finalize().into()
}
