//! The runtime's facilities for the program itself. They are imported explicitly, because the
//! standard library for this target has no system: its environment is empty, and its output is
//! discarded.

use std::io::Write;

use wasip2::cli::{environment, stderr};
use wasip2::io::streams::OutputStream;

use janitor_contract::printable::printable;

/// Returns a variable of the environment, unless it is empty.
pub fn variable(name: &str) -> Option<String> {
    let variables = environment::get_environment();
    let value = variables.into_iter().find_map(|(key, value)| (key == name).then_some(value));
    value.filter(|value| !value.is_empty())
}

/// Writes a line to standard error. It is not part of the run's log.
pub fn complain(line: &str) {
    print(stderr::get_stderr(), &format!("janitor: {}\n", printable(line)));
}

/// Writes a text to a stream.
pub fn print(mut stream: OutputStream, text: &str) {
    // Errors are ignored: the stream may be closed, and the exit status reports the outcome too.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| Write::flush(&mut stream));
}

/// Writes the messages of panics to standard error.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| complain(&panic.to_string())));
}
