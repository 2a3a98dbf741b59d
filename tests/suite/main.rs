//! The tests of the whole: the binary and the library, against the stand-in,
//! against recordings, against components that misbehave, and against real
//! servers where there are some.
//!
//! A test that cannot run here says why and counts as ignored.

// A failed assertion is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod canary;
mod command;
mod component;
mod composed;
mod contract;
mod credentials;
mod docs;
#[allow(dead_code)]
#[path = "../../host/examples/embedded.rs"]
mod embedded;
mod embedders;
mod faults;
mod files;
mod forms;
mod front;
mod golden;
mod help;
mod image;
mod inspect;
mod killed;
mod library;
mod nested;
mod operating;
mod outcome;
mod plans;
mod random;
mod real;
mod recordings;
mod router;
mod sandbox;
mod scenarios;
mod schemas;
mod signals;
// The unit tests of guest/ use the rest of it.
#[allow(dead_code)]
#[path = "../../guest/cleanup/src/testing/simulated.rs"]
mod simulated;
mod stock;
mod terminal;
mod tls;
mod transport;
mod zookeeper;

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = elsewhere() {
        return code;
    }
    let arguments = Arguments::from_args();
    let mut trials = scenarios::trials();
    trials.extend(canary::trials());
    trials.extend(component::trials());
    trials.extend(composed::trials());
    trials.extend(contract::trials());
    trials.extend(credentials::trials());
    trials.extend(embedders::trials());
    trials.extend(faults::trials());
    trials.extend(files::trials());
    trials.extend(forms::trials());
    trials.extend(tls::trials());
    trials.extend(help::trials());
    trials.extend(image::trials());
    trials.extend(inspect::trials());
    trials.extend(killed::trials());
    trials.extend(library::trials());
    trials.extend(nested::trials());
    trials.extend(operating::trials());
    trials.extend(outcome::trials());
    trials.extend(plans::trials());
    trials.extend(random::trials());
    trials.extend(signals::trials());
    trials.extend(terminal::trials());
    trials.extend(recordings::trials());
    trials.extend(schemas::trials());
    trials.extend(sandbox::trials());
    trials.extend(transport::trials());
    trials.extend(real::trials());
    trials.extend(stock::trials());
    trials.extend(router::trials());
    trials.extend(zookeeper::trials());
    let names = trials.iter().map(|trial| trial.name().to_owned()).collect();
    trials.extend(docs::trials(names));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs this program again where it would find what is not the tests' own: proxies in
/// the environment, behind which the library would look for the tests' servers, or a
/// signal that is ignored, as SIGINT is for what a script runs in the background, and
/// SIGHUP under `nohup`, and so by the programs that are tested.
fn elsewhere() -> Option<ExitCode> {
    let is_proxy = |name: &OsString| {
        name.to_str().is_some_and(|name| name.to_ascii_lowercase().ends_with("_proxy"))
    };
    let proxies: Vec<_> = env::vars_os().map(|(name, _)| name).filter(is_proxy).collect();
    let ignored = ignores_signals();
    if proxies.is_empty() && !ignored {
        return None;
    }
    let program = env::current_exe().expect("a program that runs");
    let mut again = match ignored {
        true => Command::new("env"),
        false => Command::new(&program),
    };
    if ignored {
        again.arg("--default-signal=HUP,INT,TERM").arg(&program);
    }
    again.args(env::args_os().skip(1));
    for name in proxies {
        again.env_remove(name);
    }
    let status = again.status().expect("a program that can run twice");
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether SIGHUP, SIGINT or SIGTERM is ignored, as Linux tells.
fn ignores_signals() -> bool {
    // Their numbers are 1, 2 and 15, and the first bit is that of 1.
    const SIGNALS: u64 = 0b11 | 1 << 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & SIGNALS != 0)
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
