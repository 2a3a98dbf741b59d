//! The functions that a component exports, as calls.

use serde::{Deserialize, Serialize};

use crate::types::{CleanupPlan, InUse, Options, Target};

/// One call of a component: a function of `wit/cleanup.wit` with its arguments, except for the
/// options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[allow(clippy::large_enum_variant, reason = "there is one per run")]
pub enum Call {
    /// Removes a target.
    Clean(Target),
    /// Determines what removing a target would do.
    Plan(Target),
    /// Carries out a plan.
    Apply(CleanupPlan),
    /// Lists everything that is reserved.
    Discover,
    /// Removes several targets.
    CleanAll(Vec<Target>),
    /// Determines what removing several targets would do.
    PlanAll(Vec<Target>),
    /// Carries out several plans.
    ApplyAll(Vec<CleanupPlan>),
}

impl Target {
    /// A target that names nothing, as a base for others.
    pub const NOTHING: Self = Self {
        role: None,
        principal: None,
        znode: None,
        marathon_app: None,
        labels: Vec::new(),
        framework_id: None,
        agents: Vec::new(),
    };
}

impl Options {
    /// The default options. The default of each option preserves the behaviour from before the
    /// option existed, so that older documents keep their meaning.
    pub const DEFAULT: Self = Self {
        confirm_seconds: 30,
        wait_seconds: 0,
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

impl Default for Target {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Call {
    /// Returns the target that is or would be cleaned, if there is one only.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Clean(target) | Self::Plan(target) => Some(target),
            Self::Apply(plan) => Some(&plan.target),
            Self::Discover | Self::CleanAll(_) | Self::PlanAll(_) | Self::ApplyAll(_) => None,
        }
    }

    /// Returns the targets that are or would be cleaned.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Self::CleanAll(targets) | Self::PlanAll(targets) => targets.iter().collect(),
            Self::ApplyAll(plans) => plans.iter().map(|plan| &plan.target).collect(),
            one => one.target().into_iter().collect(),
        }
    }

    /// Returns the calls for one target each that a call for several of them stands for; there are
    /// none for a call of any other kind.
    pub fn parts(&self) -> Vec<Self> {
        match self {
            Self::CleanAll(targets) => targets.iter().cloned().map(Self::Clean).collect(),
            Self::PlanAll(targets) => targets.iter().cloned().map(Self::Plan).collect(),
            Self::ApplyAll(plans) => plans.iter().cloned().map(Self::Apply).collect(),
            Self::Clean(_) | Self::Plan(_) | Self::Apply(_) | Self::Discover => Vec::new(),
        }
    }

    /// Returns whether the call may change something.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Clean(_) | Self::Apply(_) | Self::CleanAll(_) | Self::ApplyAll(_) => true,
            Self::Plan(_) | Self::PlanAll(_) | Self::Discover => false,
        }
    }
}
