//! The way in which this command was started, which the commands that it proposes repeat.

use std::env;
use std::path::Path;

use janitor_report::command_line::print::Program;

use crate::settings::{SECRETS, is_set, needed_variables};

/// The variable in which the image gives its own name.
const IMAGE: &str = "JANITOR_IMAGE";

/// Returns the way in which this command was started.
pub fn started() -> Program {
    let Some(name) = env::var(IMAGE).ok().filter(|name| !name.trim().is_empty()) else {
        return Program::Own;
    };
    let folder = env::current_dir().ok().filter(|folder| folder != Path::new("/"));
    // A container has only the variables that its command line gives it.
    let plain = needed_variables().filter_map(|name| {
        let value = env::var_os(name).filter(|value| !value.is_empty())?;
        Some(value.to_str().map_or_else(|| name.to_owned(), |value| format!("{name}={value}")))
    });
    let secret = SECRETS.into_iter().filter(|name| is_set(name)).map(str::to_owned);
    Program::Image { name, folder, environment: plain.chain(secret).collect() }
}
