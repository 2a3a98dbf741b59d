//! Programs that some tests need on their machine, and the note if one is missing.

use std::io::{self, Write};
use std::process::Stdio;
use std::thread;

use crate::command::program;

/// Returns a thing that a test needs, if it is there. If it is not, the reason is printed, and
/// the test has nothing to do.
pub fn needed<T>(thing: Result<T, String>) -> Option<T> {
    let current = thread::current();
    // The harness runs each test on a thread of its name.
    thing.inspect_err(|why| skipped(current.name().unwrap_or("a test"), why)).ok()
}

/// Reports that a test does not run here, and why. The harness would hide the output of a test
/// that passes, so this bypasses it.
pub fn skipped(test: &str, reason: &str) {
    say(&format!("SKIPPED {test}: {reason}"));
}

/// Shows one line or several, even if the harness captures the output of a test.
pub fn say(text: &str) {
    // If nobody reads the text, it is lost.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Fails if a program is not installed.
///
/// # Errors
/// That it is not.
pub fn installed(name: &str) -> Result<(), String> {
    let mut version = program(name);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().map(drop).map_err(|_| format!("{name} is not installed"))
}
