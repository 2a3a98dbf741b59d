//! The owner of what a run removes, and the part of it to which a target limits the run.

use janitor_contract::types::{LabelSelector, Target};

/// The owner of the resources that a run removes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owner<'a> {
    /// The role for which they are reserved.
    pub role: &'a str,
    /// The principal that made them, or none for any.
    pub principal: Option<&'a str>,
    /// The conditions that the labels of their reservations satisfy.
    pub labels: &'a [LabelSelector],
    /// The framework that the labels of their reservations name, or none for any.
    pub framework_id: Option<&'a str>,
    /// The agents that hold them, by id or host name; all agents if there are none.
    pub agents: &'a [String],
}

impl<'a> Owner<'a> {
    /// This accepts the resources of anybody, of whichever role they are.
    pub const ANYBODY: Owner<'static> = Owner::of_role("");

    /// Returns the owner of everything of a role.
    pub const fn of_role(role: &'a str) -> Self {
        Self { role, principal: None, labels: &[], framework_id: None, agents: &[] }
    }

    /// Returns the owner that a target names, if it names a role.
    pub fn of(target: &'a Target) -> Option<Self> {
        Some(Self {
            role: target.role.as_deref()?,
            principal: target.principal.as_deref(),
            labels: &target.labels,
            framework_id: target.framework_id.as_deref(),
            agents: &target.agents,
        })
    }

    /// Returns whether the labels of a reservation decide whether it is the owner's.
    pub fn selects_by_label(&self) -> bool {
        !self.labels.is_empty() || self.framework_id.is_some()
    }

    /// Describes the labels and the framework for people.
    pub fn label_words(&self) -> String {
        let labels = self.labels.iter().map(|it| format!("label '{}'", it.words()));
        let framework = self.framework_id.map(|it| format!("framework ID '{it}'"));
        labels.chain(framework).collect::<Vec<_>>().join(" and ")
    }
}
