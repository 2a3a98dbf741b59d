//! What a program takes: its time, its memory, and what it asks of a master.

use std::io::{BufRead as _, BufReader};
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

/// Which janitor is measured, and how often.
#[derive(Args)]
pub struct Janitor {
    /// The janitor to measure; by default the one beside this program
    #[arg(long, value_name = "FILE")]
    janitor: Option<PathBuf>,
    /// How often each thing is measured; the median counts
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
}

/// What one run of a program took.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    /// Seconds.
    pub wall: f64,
    /// The most memory that was resident, in megabytes.
    pub peak: f64,
    /// What the master counted.
    pub requests: u64,
    pub list_reads: u64,
    pub connections: u64,
    pub most_at_once: u64,
}

impl Janitor {
    /// A command that runs it.
    pub fn command(&self) -> Result<Command> {
        let beside = std::env::current_exe()?.with_file_name("janitor");
        let file = self.janitor.as_deref().unwrap_or(&beside);
        if !file.exists() {
            let file = file.display();
            return Err(
                format!("no {file}; cargo build --release makes one, --janitor names one").into()
            );
        }
        Ok(Command::new(file))
    }

    /// Cleans a cluster of its own.
    pub fn clean(&self, cluster: Cluster) -> Result<Cost> {
        on_master(cluster, |url| {
            let mut command = self.command()?;
            command.args(["--role", ROLE, "--master-url"]).arg(format!("{url}/master/"));
            Ok(command)
        })
    }
}

/// This program again, as another command of it.
pub fn own(command: &str) -> Result<Command> {
    let mut own = Command::new(std::env::current_exe()?);
    own.arg(command);
    Ok(own)
}

/// Starts a master, and runs a program on it.
pub fn on_master(cluster: Cluster, command: impl FnOnce(&str) -> Result<Command>) -> Result<Cost> {
    let master = Master::start(cluster)?;
    let cost = run(command(&master.url)?)?;
    let stats: Value = serde_json::from_slice(&ask(&format!("{}/stats", master.url), None)?)?;
    let count = |name: &str| stats[name].as_u64().ok_or_else(|| format!("no {name} in {stats}"));
    Ok(Cost {
        requests: count("requests")?,
        list_reads: count("list_reads")?,
        connections: count("connections")?,
        most_at_once: count("most_at_once")?,
        ..cost
    })
}

/// Runs a program to its end, which must be a good one. What it prints is dropped.
///
/// Linux counts into a process's memory what it had before it became its own program. A
/// fork of this one has little, because masters are processes too.
#[allow(unsafe_code)]
pub fn run(mut command: Command) -> Result<Cost> {
    // SAFETY: it does nothing. It is there because without anything to do in between, the
    // new process is no fork, and begins with the memory of this one.
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
    #[allow(clippy::cast_precision_loss, reason = "no process has that much")]
    let peak = used.rusage.maxrss as f64 / 1e6;
    Ok(Cost { wall, peak, ..Cost::default() })
}

/// A master in a process of its own, which ends with this.
struct Master {
    process: Child,
    url: String,
}

impl Master {
    fn start(cluster: Cluster) -> Result<Self> {
        let Cluster { agents, matching, latency_ms } = cluster;
        let mut command = own("serve")?;
        command.arg(format!("--agents={agents}"));
        command.arg(format!("--matching={matching}"));
        command.arg(format!("--latency-ms={latency_ms}"));
        let process = command.stdout(Stdio::piped()).spawn()?;
        let mut master = Self { process, url: String::new() };
        let output = master.process.stdout.take().ok_or("a master without an output")?;
        BufReader::new(output).read_line(&mut master.url)?;
        master.url.truncate(master.url.trim_end().len());
        Ok(master)
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // One that has ended already is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The median of something that all have.
pub fn median<T>(all: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<_> = all.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => values[n / 2 - 1].midpoint(values[n / 2]),
    }
}
