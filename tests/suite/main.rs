//! The tests of the whole: the binary and the library, against the stand-in,
//! against recordings, against components that misbehave, and against real
//! servers where there are some.
//!
//! A test that cannot run here says why and counts as ignored.

// A failed assertion is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command;
mod real;
mod recordings;
mod sandbox;
mod scenarios;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = scenarios::trials();
    trials.extend(recordings::trials());
    trials.extend(sandbox::trials());
    trials.extend(real::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test.
fn trial(name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        test();
        Ok(())
    })
}

/// A test that cannot run here; the reason stands in its place.
fn skipped(name: &str, reason: &str) -> Trial {
    eprintln!("SKIPPED {name}: {reason}");
    trial(format!("{name} ({reason})"), || {}).with_ignored_flag(true)
}
