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
