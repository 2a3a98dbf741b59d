//! Runs of janitor.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::cluster::send;
use crate::log::Log;
use crate::service::Target;

/// The time after which a run hangs.
const PATIENCE: Duration = Duration::from_secs(900);

/// The options and the servers that all runs of an episode have in common.
pub struct Cleaner {
    /// The program.
    pub janitor: PathBuf,
    /// The URL of the master.
    pub master: String,
    /// The URL of Exhibitor.
    pub exhibitor: String,
    /// The ids that no agent has any more.
    pub lost: Vec<String>,
}

/// An option of a run, or the way in which it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// With the default options, to its end.
    Plain,
    /// With `--wait`.
    Waiting,
    /// Killed by SIGKILL after this time.
    Killed(Duration),
    /// Stopped by SIGTERM after this time.
    Stopped(Duration),
}

/// A run that has ended.
pub struct Run {
    /// The name of its files.
    pub name: String,
    /// The exit code, unless a signal has ended it.
    pub exit: Option<i32>,
    /// Whether it was sent a signal.
    pub is_stopped: bool,
    /// Its document; null if it printed none.
    pub document: Value,
}

impl Cleaner {
    /// Cleans up a target.
    pub fn run(&self, target: &Target, way: Way, force: bool, log: &Log) -> Result<Run> {
        let name = log.next_run();
        let file = |extension: &str| log.folder.join(format!("{name}.{extension}"));
        let mut command = Command::new(&self.janitor);
        command
            .env_clear()
            .args(["clean", "--yes", "--output", "json", "--master-url", &self.master])
            .args(["--exhibitor-url", &self.exhibitor])
            .args(target.options())
            .args(self.lost.iter().flat_map(|id| ["--ignore-agent", id]))
            .args(force.then_some("--force"))
            .arg("--record")
            .arg(file("har"))
            .stdin(Stdio::null())
            .stdout(File::create(file("json"))?)
            .stderr(File::create(file("events"))?);
        if way == Way::Waiting {
            command.args(["--wait", "15s"]);
        }
        log.note(&format!("{name} {way:?} {}", target.options().join(" ")));
        let mut process = command.spawn().map_err(|why| format!("cannot run janitor: {why}"))?;
        let (start, mut is_stopped) = (Instant::now(), false);
        let status = loop {
            if let Some(status) = process.try_wait()? {
                break status;
            }
            match way {
                Way::Killed(after) if start.elapsed() > after && !is_stopped => {
                    process.kill()?;
                    is_stopped = true;
                }
                Way::Stopped(after) if start.elapsed() > after && !is_stopped => {
                    send("-TERM", &process);
                    is_stopped = true;
                }
                _ if start.elapsed() > PATIENCE => {
                    process.kill()?;
                    process.wait()?;
                    return Err(format!("{name} hangs").into());
                }
                _ => sleep(Duration::from_millis(20)),
            }
        };
        let document = serde_json::from_slice(&fs::read(file("json"))?).unwrap_or_default();
        let run = Run { name, exit: status.code(), is_stopped, document };
        log.note(&format!("{} ends: {} {}", run.name, run.kind(), run.message()));
        Ok(run)
    }
}

impl Run {
    /// Returns the kind of the verdict.
    pub fn kind(&self) -> &'static str {
        match self.exit {
            Some(0) => "clean",
            Some(6) => "incomplete",
            Some(7) => "refused",
            _ if self.is_stopped => "stopped",
            Some(5) => "failed",
            _ => "other",
        }
    }

    /// Returns why the run did not complete.
    pub fn reason(&self) -> &str {
        self.document["reason"].as_str().unwrap_or_default()
    }

    /// Returns the sentence for people.
    pub fn message(&self) -> &str {
        self.document["message"].as_str().unwrap_or_default()
    }

    /// Explains what is wrong with the run in itself: an exit code that is not documented for it, or
    /// a document that contradicts it.
    pub fn fault(&self) -> Option<String> {
        let is_documented = match self.exit {
            Some(0 | 5 | 6 | 7) => true,
            None | Some(143) => self.is_stopped,
            _ => false,
        };
        if !is_documented {
            return Some(format!("{}: exit code {:?}: {}", self.name, self.exit, self.message()));
        }
        let agrees = match self.exit {
            Some(code @ (0 | 5..=7)) if !self.is_stopped || !self.document.is_null() => {
                self.document["exit_code"] == code
            }
            _ => true,
        };
        (!agrees).then(|| format!("{}: the document has another exit code", self.name))
    }
}
