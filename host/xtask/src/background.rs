//! Steps that run in the background, one after the other, beside the others: they link, or compile one
//! package at a time, which keeps one core busy for minutes and leaves the rest idle. They compile in
//! folders of their own, because Cargo locks a folder while it compiles. The output of each is printed
//! as a whole when it is needed, or at the end.

use std::env;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::install;
use crate::program::Result;

/// The steps that run in the background if others run too.
pub const STEPS: [&str; 3] = ["release", "reproducible", "mutants"];

/// The step that needs what one of them makes, and this one.
pub const NEEDS: (&str, &str) = ("image", "release");

/// Steps in the background, of which the first has been started.
pub struct Background {
    /// Receives each step that has ended.
    ended: Receiver<Ended>,
    /// The steps that have not been received yet, and will be unless one fails.
    left: Vec<&'static str>,
}

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
        let left = steps.clone();
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            for step in steps {
                let ended = run(step);
                let is_failed = ended.result.is_err();
                if sender.send(ended).is_err() || is_failed {
                    break;
                }
            }
        });
        Ok(Self { ended, left })
    }

    /// Waits until a step has ended, or all of them if none is named, or until one has failed. It returns those that have
    /// ended since the last time.
    pub fn wait(&mut self, step: Option<&str>) -> Vec<Ended> {
        let mut all = Vec::new();
        while let Some(next) = self.left.first().copied() {
            let ended = self.ended.recv().unwrap_or_else(|_| Ended::early(next));
            match ended.result {
                Ok(()) => self.left.retain(|it| *it != ended.step),
                Err(_) => self.left.clear(),
            }
            let is_last = step == Some(ended.step);
            all.push(ended);
            if is_last {
                break;
            }
        }
        all
    }
}

impl Ended {
    /// The thread of the steps ended before this one did.
    fn early(step: &'static str) -> Self {
        let result = Err("the thread that runs it has ended".to_owned());
        Self { step, time: Duration::ZERO, output: String::new(), result }
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
    let output = fs::read(output(step)).unwrap_or_else(|why| why.to_string().into());
    let output = String::from_utf8_lossy(&output).into_owned();
    Ended { step, time: start.elapsed(), output, result }
}

fn process(step: &str) -> Result {
    let output = File::create(output(step))?;
    // It has the same priority as the steps beside it: what keeps one processor busy must end before the tests do,
    // which keep all of them busy.
    let status = Command::new(env::current_exe()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(step: &'static str, result: std::result::Result<(), String>) -> Ended {
        Ended { result, ..Ended::early(step) }
    }

    #[test]
    fn steps_are_waited_for_until_the_named_one_or_until_one_fails() {
        let (sender, receiver) = mpsc::channel();
        let mut background = Background { ended: receiver, left: vec!["a", "b", "c", "d"] };
        for (step, result) in [("a", Ok(())), ("b", Ok(())), ("c", Err("it is bad".into()))] {
            assert!(sender.send(ended(step, result)).is_ok());
        }
        let names = |all: Vec<Ended>| all.iter().map(|it| it.step).collect::<Vec<_>>();
        assert_eq!(names(background.wait(Some("b"))), ["a", "b"]);
        assert_eq!(names(background.wait(None)), ["c"]);
        assert_eq!(names(background.wait(None)), [""; 0]);
    }

    #[test]
    fn a_step_that_never_ends_is_a_failure() {
        let mut background = Background { ended: mpsc::channel().1, left: vec!["a", "b"] };
        let all = background.wait(Some("b"));
        assert!(matches!(&all[..], [Ended { step: "a", result: Err(_), .. }]));
    }
}
