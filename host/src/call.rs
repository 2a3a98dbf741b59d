//! What a component can be asked to do.

use serde::{Deserialize, Serialize};

use crate::bindings::cleanup::{CleanupPlan, Target};

/// What a component is asked to do: one function of `wit/cleanup.wit`, with its
/// arguments but for the options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Call {
    /// Remove a target.
    Clean(Target),
    /// Look at what removing a target would do.
    Plan(Target),
    /// Do what a plan says.
    Apply(CleanupPlan),
    /// Look at everything there is.
    Discover,
}

impl Call {
    /// What is cleaned, or would be.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Clean(target) | Self::Plan(target) => Some(target),
            Self::Apply(plan) => Some(&plan.target),
            Self::Discover => None,
        }
    }
}
