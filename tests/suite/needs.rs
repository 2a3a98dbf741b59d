//! Checks for programs that some tests need, and the note if one is missing.

use std::io::{self, Write};
use std::process::Stdio;
use std::thread;

use crate::command::program;

/// Returns a thing that a test needs, if it exists. Otherwise, it prints the reason, and the test
/// has nothing to do.
pub fn needed<T>(thing: Result<T, String>) -> Option<T> {
    let current = thread::current();
    // The harness names the thread of each test after the test.
    thing.inspect_err(|why| skipped(current.name().unwrap_or("a test"), why)).ok()
}

/// Reports that a test does not run, and why. The harness would hide the output of a test that
/// passes, so this bypasses it.
pub fn skipped(test: &str, reason: &str) {
    say(&format!("SKIPPED {test}: {reason}"));
}

/// Shows one line or several, even if the harness captures the output of a test.
pub fn say(text: &str) {
    // If nobody reads the text, it is lost.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Checks that a program is installed.
///
/// # Errors
/// Fails if the program is not installed.
pub fn installed(name: &str) -> Result<(), String> {
    let mut version = program(name);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().map(drop).map_err(|_| format!("{name} is not installed"))
}
