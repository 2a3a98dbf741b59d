//! The way in which this command was started, which the commands that it proposes repeat.

use std::env;
use std::path::Path;

use janitor_report::command_line::print::Program;

/// The variable in which the image gives its own name.
const IMAGE: &str = "JANITOR_IMAGE";

/// Returns the way in which this command was started.
pub fn started() -> Program {
    let Some(name) = env::var(IMAGE).ok().filter(|name| !name.trim().is_empty()) else {
        return Program::Own;
    };
    let folder = env::current_dir().ok().filter(|folder| folder != Path::new("/"));
    Program::Image { name, folder }
}
