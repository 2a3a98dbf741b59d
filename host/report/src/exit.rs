//! The exit codes of the command. Like the documents for programs, they are stable; the text for
//! people is not.

use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::Reason;

/// The ways in which the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything that was to be removed is confirmed removed, or was shown as requested.
    Clean = 0,
    /// The command line is invalid, or a file cannot be read or written.
    Usage = 1,
    /// With `--detailed-exitcode`: a cleanup would remove something. No error of the command line
    /// has this code.
    Changes = 2,
    /// A URL is invalid.
    Url = 3,
    /// The login failed.
    Login = 4,
    /// The cleanup failed or was stopped, or there was nothing to do.
    Failed = 5,
    /// Something is left that this run could not reach.
    Incomplete = 6,
    /// A safety check failed, or the prompt was declined; nothing was changed.
    Refused = 7,
    /// The component broke its contract or met a limit.
    Violation = 8,
}

impl ExitCode {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Clean,
        Self::Usage,
        Self::Changes,
        Self::Url,
        Self::Login,
        Self::Failed,
        Self::Incomplete,
        Self::Refused,
        Self::Violation,
    ];

    /// Returns the code of a run with this code whose files or output are lost. Any other failure
    /// is more important.
    #[must_use]
    pub fn with_loss(self) -> Self {
        match self {
            Self::Clean | Self::Changes => Self::Usage,
            worse => worse,
        }
    }

    /// Returns the worse of two codes: of several targets, one that failed is worse than one that is
    /// incomplete, and a refusal, which changed nothing, is the least of errors.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let rank = |code| match code {
            Self::Clean => 0,
            Self::Changes => 1,
            Self::Refused => 2,
            Self::Incomplete => 3,
            Self::Url | Self::Login | Self::Usage => 4,
            Self::Failed => 5,
            Self::Violation => 6,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// Describes the code for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "everything is confirmed removed, or was shown as requested",
            Self::Usage => "invalid command line, or a file that cannot be read or written",
            Self::Changes => "with `plan --detailed-exitcode`: a cleanup would remove something",
            Self::Url => "invalid URL",
            Self::Login => "the login failed",
            Self::Failed => "the cleanup failed or was stopped, or there is nothing to do",
            Self::Incomplete => "something is left that this run could not reach",
            Self::Refused => {
                "refused: a safety check failed or the prompt was declined; nothing was changed"
            }
            Self::Violation => "the component broke its contract or met a limit",
        }
    }
}

impl From<&Result<Done, RunError>> for ExitCode {
    /// Of several targets, the worst code counts.
    fn from(result: &Result<Done, RunError>) -> Self {
        let worst = |reasons: &mut dyn Iterator<Item = Reason>| {
            reasons.map(Self::from).fold(Self::Clean, Self::or_worse)
        };
        match result {
            Ok(Done::CleanedAll(results)) => {
                worst(&mut results.iter().filter_map(|it| Some(it.as_ref().err()?.reason)))
            }
            Ok(Done::PlannedAll(results)) => {
                worst(&mut results.iter().filter_map(|it| Some(it.as_ref().err()?.reason)))
            }
            Ok(Done::Cleaned(_) | Done::Planned(_) | Done::Discovered(_)) => Self::Clean,
            Err(error) => Self::from(error),
        }
    }
}

impl From<&RunError> for ExitCode {
    fn from(error: &RunError) -> Self {
        error.reason().map_or(Self::Violation, Self::from)
    }
}

impl From<Reason> for ExitCode {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NothingToDo | Reason::Failed | Reason::Stopped => Self::Failed,
            Reason::Incomplete => Self::Incomplete,
            Reason::InvalidTarget
            | Reason::SystemZnode
            | Reason::OtherPrincipals
            | Reason::OtherLabels
            | Reason::RoleNotFound
            | Reason::InUse
            | Reason::Changed
            | Reason::InUseUnknown => Self::Refused,
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
    fn the_documents_have_the_same_table() {
        let readme = include_str!("../../../README.md");
        let guide = include_str!("../../../docs/operating.md");
        for code in ExitCode::ALL {
            let row = format!("| {} | {} |", code as u8, code.meaning());
            assert!(readme.contains(&row) && guide.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_failure_is_worse_than_a_refusal() {
        use ExitCode::{Changes, Clean, Failed, Incomplete, Refused, Violation};
        let order = [Clean, Changes, Refused, Incomplete, Failed, Violation];
        for (index, code) in order.into_iter().enumerate() {
            for other in &order[..=index] {
                assert_eq!((code.or_worse(*other), other.or_worse(code)), (code, code));
            }
        }
    }

    #[test]
    fn a_loss_hides_nothing_worse() {
        for code in ExitCode::ALL {
            let is_success = matches!(code, ExitCode::Clean | ExitCode::Changes);
            let expected = if is_success { ExitCode::Usage } else { code };
            assert_eq!(code.with_loss(), expected);
        }
    }
}
