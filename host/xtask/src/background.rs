//! Steps that run in the background, one after the other, beside the others: they link, or compile one
//! package at a time, which keeps one core busy for minutes and leaves the rest idle. They compile in
//! folders of their own, because Cargo locks a folder while it compiles. The output of each is printed
//! as a whole when all have ended.

use std::env;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::install;
use crate::program::Result;

/// The steps that run in the background if others run too.
pub const STEPS: [&str; 3] = ["release", "reproducible", "mutants"];

/// The step before which they must have ended. The tests need what `release` builds, and this one before them removes
/// what Cargo remembers of the compiler.
pub const NEEDED_BY: &str = "bare-toolchain";

/// Steps in the background, of which the first has been started.
pub struct Background(JoinHandle<Vec<Ended>>);

/// A step that has ended.
pub struct Ended {
    /// Its name.
    pub step: &'static str,
    /// How long it took.
    pub time: Duration,
    /// Everything that it printed.
    pub output: String,
    /// Whether it succeeded.
    pub result: std::result::Result<(), String>,
}

impl Background {
    /// Starts the steps, each as a process of its own. The target that other steps need too is installed before, and
    /// not by two of them at once.
    pub fn start(steps: Vec<&'static str>) -> Result<Self> {
        install::components_target()?;
        fs::create_dir_all("target")?;
        Ok(Self(thread::spawn(move || {
            let mut ended: Vec<Ended> = Vec::new();
            for step in steps {
                ended.push(run(step));
                if ended.last().is_some_and(|it| it.result.is_err()) {
                    break;
                }
            }
            ended
        })))
    }

    /// Waits until the steps have ended, or one of them has failed.
    pub fn wait(self) -> Result<Vec<Ended>> {
        self.0.join().map_err(|_| "the thread of the steps in the background panicked".into())
    }
}

/// Returns the file that a step's output is written to.
pub fn output(step: &str) -> String {
    format!("target/{step}.log")
}

/// Runs one step.
fn run(step: &'static str) -> Ended {
    let start = Instant::now();
    let result = process(step).map_err(|why| why.to_string());
    let output = fs::read_to_string(output(step)).unwrap_or_default();
    Ended { step, time: start.elapsed(), output, result }
}

fn process(step: &str) -> Result {
    let output = File::create(output(step))?;
    // The steps beside it have precedence: four compilers in turn on two cores would slow each other down.
    let status = Command::new("nice")
        .args(["-n", "19"])
        .arg(env::current_exe()?)
        .arg(step)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("its process ended with {status}").into()),
    }
}
