//! What a component can be asked to do.

use serde::{Deserialize, Serialize};

use crate::types::{CleanupPlan, InUse, Options, Target};

/// What a component is asked to do: one function of `wit/cleanup.wit`, with its
/// arguments but for the options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[allow(clippy::large_enum_variant, reason = "there is one for each run")]
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

impl Target {
    /// Nothing is cleaned: what to begin with.
    pub const NOTHING: Self = Self { role: None, principal: None, znode: None, marathon_app: None };
}

impl Options {
    /// How a run goes about it unless somebody wishes otherwise. The default of an
    /// option is what was done before it existed, so that older documents still
    /// mean what they meant.
    pub const DEFAULT: Self = Self {
        confirm_seconds: 30,
        in_use: InUse::Refuse,
        system_znode: false,
        teardown: Vec::new(),
        strict: false,
        whole_service: false,
        ignored_agents: Vec::new(),
        znode_root: None,
        zookeeper: false,
    };
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
