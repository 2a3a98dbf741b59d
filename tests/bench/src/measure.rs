//! Measures the time and memory of a program, and its requests to a master.

use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde_json::Value;
use wait4::Wait4 as _;

use crate::Result;
use crate::agents::ROLE;
use crate::http::ask;
use crate::serve::Cluster;

/// The janitor to measure, and the number of runs.
#[derive(Args)]
pub struct Janitor {
    /// The janitor to measure [default: the one in this program's folder]
    #[arg(long, value_name = "FILE")]
    janitor: Option<PathBuf>,
    /// Number of measurements of each kind; the result is their median
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
}

/// The cost of one run of a program.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// The duration in seconds.
    pub wall: f64,
    /// The peak resident memory, in megabytes.
    pub peak: f64,
    /// The requests that the master counted.
    pub requests: u64,
    pub list_reads: u64,
    /// The bytes of the lists of agents, whole ones and those of one agent.
    pub list_bytes: u64,
    pub connections: u64,
    pub most_at_once: u64,
}

impl Janitor {
    /// Returns the same measurement of another janitor, if one is named.
    pub fn or(&self, other: Option<&Path>) -> Self {
        let janitor = other.or(self.janitor.as_deref()).map(Path::to_owned);
        Self { janitor, runs: self.runs }
    }

    /// Creates a command that runs janitor.
    pub fn command(&self) -> Result<Command> {
        let beside = std::env::current_exe()?.with_file_name("janitor");
        let file = self.janitor.as_deref().unwrap_or(&beside);
        if !file.exists() {
            let file = file.display();
            return Err(format!(
                "no {file}: build it with cargo build --release, or use --janitor"
            )
            .into());
        }
        Ok(Command::new(file))
    }

    /// Cleans a fresh cluster.
    pub fn clean(&self, cluster: Cluster) -> Result<Cost> {
        on_master(cluster, |url| {
            let mut command = self.command()?;
            command.args(["--role", ROLE, "--master-url"]).arg(format!("{url}/master/"));
            Ok(command)
        })
    }
}

/// Creates a command that runs this program with another subcommand.
pub fn own(command: &str) -> Result<Command> {
    let mut own = Command::new(std::env::current_exe()?);
    own.arg(command);
    Ok(own)
}

/// Starts a master, and runs a program against it.
pub fn on_master(cluster: Cluster, command: impl FnOnce(&str) -> Result<Command>) -> Result<Cost> {
    let master = Master::start(cluster, NonZeroUsize::MIN)?;
    let Cost { wall, peak, .. } = run(command(&master.url)?)?;
    Ok(Cost { wall, peak, ..master.counts()? })
}

/// Runs a program, which must succeed; its output is discarded.
///
/// Linux counts towards a process's memory what it used before it executed its program. A fork of
/// this process uses little, because masters are separate processes.
#[allow(unsafe_code)]
pub fn run(mut command: Command) -> Result<Cost> {
    // SAFETY: the closure does nothing. It forces a fork: otherwise the new process could start
    // with the memory of this one.
    unsafe { command.pre_exec(|| Ok(())) };
    let start = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let name = |command: &Command| Path::new(command.get_program()).display().to_string();
    let child = child.map_err(|why| format!("cannot run {}: {why}", name(&command)))?;
    let used = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(format!("{}: {}", name(&command), used.status).into());
    }
    #[allow(clippy::cast_precision_loss, reason = "no process is that large")]
    let peak = used.rusage.maxrss as f64 / 1e6;
    Ok(Cost { wall, peak, ..Cost::default() })
}

/// A master in a separate process, which is killed when this is dropped.
pub struct Master {
    process: Child,
    /// The URL of its server.
    pub url: String,
}

impl Master {
    /// Starts a master whose agents have resources of one of these many roles each.
    pub fn start(cluster: Cluster, roles: NonZeroUsize) -> Result<Self> {
        Self::serve(cluster, roles, &[])
    }

    /// Starts a master whose agents have resources of all of these many roles.
    pub fn with_all_roles(cluster: Cluster, roles: NonZeroUsize) -> Result<Self> {
        Self::serve(cluster, roles, &["--everywhere"])
    }

    fn serve(cluster: Cluster, roles: NonZeroUsize, more: &[&str]) -> Result<Self> {
        let Cluster { agents, matching, latency_ms, old } = cluster;
        let mut command = own("serve")?;
        command.arg(format!("--agents={agents}"));
        command.arg(format!("--matching={matching}"));
        command.arg(format!("--roles={roles}"));
        command.arg(format!("--latency-ms={latency_ms}")).args(more);
        if old {
            command.arg("--old");
        }
        let process = command.stdout(Stdio::piped()).spawn()?;
        let mut master = Self { process, url: String::new() };
        let output = master.process.stdout.take().ok_or("the master has no output")?;
        BufReader::new(output).read_line(&mut master.url)?;
        master.url.truncate(master.url.trim_end().len());
        Ok(master)
    }

    /// Returns the requests so far.
    pub fn counts(&self) -> Result<Cost> {
        let stats: Value = serde_json::from_slice(&ask(&format!("{}/stats", self.url), None)?)?;
        let count =
            |name: &str| stats[name].as_u64().ok_or_else(|| format!("no {name} in {stats}"));
        Ok(Cost {
            requests: count("requests")?,
            list_reads: count("list_reads")?,
            list_bytes: count("list_bytes")?,
            connections: count("connections")?,
            most_at_once: count("most_at_once")?,
            ..Cost::default()
        })
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // Errors are ignored: the master may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Computes the median of a property of all items.
pub fn median<T>(all: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<_> = all.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => values[n / 2 - 1].midpoint(values[n / 2]),
    }
}
