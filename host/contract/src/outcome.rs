//! What came of a call.

use crate::types::{CleanupPlan, Failure, Inventory, Report};
use crate::violation::Violation;

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// Of [`Call::Clean`](crate::call::Call::Clean) and [`Call::Apply`](crate::call::Call::Apply).
    Cleaned(Report),
    /// Of [`Call::Plan`](crate::call::Call::Plan).
    Planned(CleanupPlan),
    /// Of [`Call::Discover`](crate::call::Call::Discover).
    Discovered(Inventory),
}

/// A run that did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The component says why; the log has told it, in its own lines.
    #[error("{}", .0.message)]
    Failure(Box<Failure>),
    /// The component broke its contract.
    #[error(transparent)]
    Violation(#[from] Violation),
}
