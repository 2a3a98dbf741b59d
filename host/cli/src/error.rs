//! The errors that end a command before, or instead of, a run.

use janitor_contract::Done;
use janitor_report::ExitCode;
use janitor_report::output::Output;

/// The reason why a command ended without doing its work, although its command line was
/// understood.
#[derive(Debug)]
pub enum CommandError {
    /// The command line, the environment, or a file that one of them names cannot be used.
    Usage(String),
    /// There is no component that may be run.
    Component(ExitCode, String),
    /// The servers cannot, or must not, be reached, or the target is protected.
    Connection {
        /// The exit code for this kind of error.
        code: ExitCode,
        /// The reason.
        why: String,
        /// The correction to make.
        hint: String,
        /// The app that runs this command, if it is removed from Marathon now.
        leaves: Option<String>,
    },
    /// A file disables safety checks that the command line does not disable, and there is no
    /// prompt. These are the options that disable them.
    Unconfirmed(Vec<String>),
    /// The prompt was declined for this plan, or for several.
    Declined(Box<Done>),
}

impl CommandError {
    /// The last words of a command that was to change something, and did not.
    pub const NOTHING_CHANGED: &str = "Nothing was changed.";

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::Component(code, _) | Self::Connection { code, .. } => *code,
            Self::Unconfirmed(_) | Self::Declined(_) => ExitCode::Refused,
        }
    }

    /// Describes the error, in one sentence.
    pub fn message(&self) -> &str {
        match self {
            Self::Usage(why) | Self::Component(_, why) | Self::Connection { why, .. } => why,
            Self::Unconfirmed(_) => {
                "Refused: the file disables safety checks that this command line does not \
                 disable, and there is no prompt to confirm that."
            }
            Self::Declined(_) => Self::NOTHING_CHANGED,
        }
    }

    /// Lists what to do next, one line each.
    pub fn next(&self) -> Vec<String> {
        match self {
            Self::Usage(_) | Self::Declined(_) => vec![],
            Self::Component(..) => vec!["Nothing was changed, and nothing was sent.".into()],
            Self::Connection { hint, leaves: None, .. } => {
                vec![format!("Nothing was changed; {hint} and run the same command again.")]
            }
            Self::Connection { hint, leaves: Some(app), .. } => vec![format!(
                "No volume, reservation or znode was changed; {hint} and start app {app} again."
            )],
            Self::Unconfirmed(missing) => {
                let missing = missing.join(" ");
                vec![format!(
                    "Nothing was changed. If this is intended, add at the end of the command: {missing}"
                )]
            }
        }
    }

    /// The document for programs.
    pub fn document(&self) -> Output {
        let output = Output::without_run(self.code(), Some(self.message().into()));
        let next = self.next();
        match self {
            Self::Declined(planned) => {
                let Output { plan, parts, .. } = Output::new(&Ok((**planned).clone()), vec![]);
                Output { plan, parts, next, ..output }
            }
            _ => Output { next, ..output },
        }
    }
}

impl From<String> for CommandError {
    fn from(why: String) -> Self {
        Self::Usage(why)
    }
}
