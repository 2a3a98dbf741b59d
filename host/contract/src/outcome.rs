//! The result of a call.

use crate::types::{CleanupPlan, Failure, Inventory, ReadFailure, Reason, Report};
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
    /// The results of [`Call::CleanAll`](crate::call::Call::CleanAll) and
    /// [`Call::ApplyAll`](crate::call::Call::ApplyAll), one for each target.
    CleanedAll(Vec<Result<Report, Failure>>),
    /// The results of [`Call::PlanAll`](crate::call::Call::PlanAll), one for each target.
    PlannedAll(Vec<Result<CleanupPlan, ReadFailure>>),
}

impl Done {
    /// Returns the result for each target of a call for several of them; there are none for a
    /// call of any other kind.
    pub fn parts(&self) -> Vec<Result<Self, RunError>> {
        match self {
            Self::CleanedAll(results) => results
                .iter()
                .cloned()
                .map(|result| result.map(Self::Cleaned).map_err(RunError::from))
                .collect(),
            Self::PlannedAll(results) => results
                .iter()
                .cloned()
                .map(|result| result.map(Self::Planned).map_err(RunError::from))
                .collect(),
            Self::Cleaned(_) | Self::Planned(_) | Self::Discovered(_) => Vec::new(),
        }
    }
}

/// The error of a run that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A cleanup did not complete. The log already contains the failure, in the component's own
    /// lines.
    #[error("{}", .0.message)]
    Failure(Box<Failure>),
    /// A plan or an inventory could not be made; nothing was changed. The log already contains the
    /// failure, in the component's own lines.
    #[error("{}", .0.message)]
    Read(ReadFailure),
    /// The component broke its contract.
    #[error(transparent)]
    Violation(#[from] Violation),
}

impl RunError {
    /// Returns the component's reason, unless it broke its contract.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failure(failure) => Some(failure.reason),
            Self::Read(failure) => Some(failure.reason),
            Self::Violation(_) => None,
        }
    }

    /// Returns the report of a cleanup that did not complete.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Failure(failure) => Some(&failure.report),
            Self::Read(_) | Self::Violation(_) => None,
        }
    }
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure.into())
    }
}

impl From<ReadFailure> for RunError {
    fn from(failure: ReadFailure) -> Self {
        Self::Read(failure)
    }
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
