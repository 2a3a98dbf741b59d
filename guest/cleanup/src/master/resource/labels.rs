//! The labels of a resource's reservation, by which frameworks of a shared role recognise their own.

use serde::Deserialize;

use super::{Labelled, Resource};
use crate::owner::Owner;
use janitor_contract::labels::framework_id;
use janitor_contract::types::Label;

impl Resource {
    /// Returns the labels of its innermost reservation. They are read from the text whenever they
    /// are needed, because few runs need them, and a listing has very many. Labels that are not
    /// what Mesos documents are none.
    pub fn labels(&self) -> Vec<Label> {
        let innermost = |entry: Reservations| match entry.reservations {
            Some(mut stack) => stack.pop(),
            None => entry.reservation,
        };
        let entry: Option<Reservations> = serde_json::from_str(self.raw.get()).ok();
        let labels = entry.and_then(innermost).and_then(|it| it.labels).unwrap_or_default();
        labels.labels.into_iter().map(Into::into).collect()
    }

    /// Returns the ids of the frameworks that its labels name.
    pub fn framework_ids(&self) -> Vec<String> {
        let labels = self.labels();
        let ids = labels.iter().filter_map(|it| framework_id(&it.key, it.value.as_deref()));
        ids.map(str::to_owned).collect()
    }

    /// Returns whether its labels are those of an owner.
    pub fn has_labels_of(&self, owner: Owner) -> bool {
        if !owner.selects_by_label() {
            return true;
        }
        let labels = self.labels();
        let has_all = owner
            .labels
            .iter()
            .all(|wanted| labels.iter().any(|it| wanted.accepts(&it.key, it.value.as_deref())));
        let names = |id: &str| {
            labels.iter().any(|it| framework_id(&it.key, it.value.as_deref()) == Some(id))
        };
        has_all && owner.framework_id.is_none_or(names)
    }
}

/// The reservations of an entry, as far as they have labels.
#[derive(Deserialize)]
struct Reservations {
    reservation: Option<Labelled>,
    reservations: Option<Vec<Labelled>>,
}
