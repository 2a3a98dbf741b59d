//! The result of a call.

use crate::types::{CleanupPlan, Failure, Inventory, Report};
use crate::violation::Violation;

/// The result of a successful call.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// The result of [`Call::Clean`](crate::call::Call::Clean) and
    /// [`Call::Apply`](crate::call::Call::Apply).
    Cleaned(Report),
    /// The result of [`Call::Plan`](crate::call::Call::Plan).
    Planned(CleanupPlan),
    /// The result of [`Call::Discover`](crate::call::Call::Discover).
    Discovered(Inventory),
}

/// The error of a run that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The component reported a failure. The log already contains it, in the component's own lines.
    #[error("{}", .0.message)]
    Failure(Box<Failure>),
    /// The component broke its contract.
    #[error(transparent)]
    Violation(#[from] Violation),
}

impl Report {
    /// The report of a run that found and did nothing yet.
    pub const NOTHING: Self = Self {
        mesos_version: None,
        agents: Vec::new(),
        confirmed: Vec::new(),
        unreached: Vec::new(),
        ignored: Vec::new(),
        elsewhere: Vec::new(),
        warnings: Vec::new(),
        left: None,
        znode: None,
        self_removal: None,
    };
}
