//! The exit codes of the binary. Together with machine-readable output they
//! are a promise; the human text is not.

use janitor_contract::outcome::RunError;
use janitor_contract::types::Reason;

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
    /// The cleanup failed or was stopped, or there was nothing to do.
    Failed = 5,
    /// Something is left that this run could not reach.
    Incomplete = 6,
    /// A guard stopped the run before it changed anything.
    Refused = 7,
    /// The component broke its contract or met a limit.
    Violation = 8,
}

impl ExitCode {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Clean,
        Self::Usage,
        Self::Url,
        Self::Login,
        Self::Failed,
        Self::Incomplete,
        Self::Refused,
        Self::Violation,
    ];

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "everything is confirmed gone, or shown as asked",
            Self::Usage => "the command line cannot be understood",
            Self::Url => "a URL cannot be one",
            Self::Login => "the login failed",
            Self::Failed => "the cleanup failed or was stopped, or there is nothing to do",
            Self::Incomplete => "something is left that this run could not reach",
            Self::Refused => {
                "refused: a guard, or who was asked, stopped the run before it changed anything"
            }
            Self::Violation => "the component broke its contract or met a limit",
        }
    }
}

impl<T> From<&Result<T, RunError>> for ExitCode {
    fn from(result: &Result<T, RunError>) -> Self {
        match result {
            Ok(_) => Self::Clean,
            Err(RunError::Failure(failure)) => match failure.reason {
                Reason::NothingToDo | Reason::Failed | Reason::Stopped => Self::Failed,
                Reason::Incomplete => Self::Incomplete,
                Reason::InvalidTarget
                | Reason::SystemZnode
                | Reason::OtherPrincipals
                | Reason::RoleNotFound
                | Reason::InUse
                | Reason::Changed
                | Reason::InUseUnknown => Self::Refused,
            },
            Err(_) => Self::Violation,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = include_str!("../../../README.md");
        for code in ExitCode::ALL {
            let row = format!("| {} | {} |", code as u8, code.meaning());
            assert!(readme.contains(&row), "{row}");
        }
    }
}
