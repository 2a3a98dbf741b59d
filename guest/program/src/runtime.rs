//! The runtime's own services for the program. They are called by name, because the standard
//! library of this target has no system: its environment is empty, and its output is lost.

use std::io::Write;

use wasip2::cli::{environment, stderr};
use wasip2::io::streams::OutputStream;

use janitor_contract::printable::printable;

/// A variable of the environment that is set to something.
pub fn variable(name: &str) -> Option<String> {
    let variables = environment::get_environment();
    let value = variables.into_iter().find_map(|(key, value)| (key == name).then_some(value));
    value.filter(|value| !value.is_empty())
}

/// Writes a line that is no part of the run itself.
pub fn complain(line: &str) {
    print(stderr::get_stderr(), &format!("janitor: {}\n", printable(line)));
}

/// Writes a text to a stream.
pub fn print(mut stream: OutputStream, text: &str) {
    // Nobody may be listening; whatever ends the program says it too.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| Write::flush(&mut stream));
}

/// Has a panic tell its last words.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| complain(&panic.to_string())));
}
