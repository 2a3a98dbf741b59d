//! What the environment says.

use janitor_contract::types::Target;
use janitor_report::command_line::parse::{OWN_APP, with_app};

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The app that runs this command, if Marathon does.
pub fn own_app() -> Option<String> {
    variable(OWN_APP)
}

/// A target with that app.
pub fn with_own_app(target: Target) -> Target {
    with_app(target, own_app())
}
