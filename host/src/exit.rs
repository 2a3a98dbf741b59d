//! The exit codes of the binary. Together with machine-readable output they
//! are a promise; the human text is not.

use crate::bindings::cleanup::Reason;
use crate::cleanup::CleanError;

/// How the binary ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was asked for is confirmed gone.
    Clean = 0,
    /// The command line cannot be understood.
    Usage = 1,
    /// A URL cannot be one.
    Url = 3,
    /// The login failed.
    Login = 4,
    /// The cleanup failed, or there was nothing to do.
    Failed = 5,
    /// Something is left that this run could not reach.
    Incomplete = 6,
    /// A guard stopped the run before it changed anything.
    Refused = 7,
    /// The component broke its contract or met a limit.
    Violation = 8,
}

impl<T> From<&Result<T, CleanError>> for ExitCode {
    fn from(result: &Result<T, CleanError>) -> Self {
        match result {
            Ok(_) => Self::Clean,
            Err(CleanError::Failure(failure)) => match failure.reason {
                Reason::NothingToDo | Reason::Failed => Self::Failed,
                Reason::Refused => Self::Refused,
            },
            Err(CleanError::Violation(_)) => Self::Violation,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
