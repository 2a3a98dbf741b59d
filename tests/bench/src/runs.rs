//! Measures the memory of many async runs on one thread, each of which cleans up after another
//! service.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use clap::Args;
use futures_util::future::join_all;
use janitor_host::{AsyncSession, Endpoints, Janitor, Options as RunOptions, Target};
use janitor_nonblocking::Client;
use serde_json::{Value, json};

use crate::Result;

/// The number of services in a cluster. The stand-in simulates all of Mesos, so it is slow with many
/// agents.
const SERVICES: usize = 20;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    /// Number of runs
    #[arg(long, default_value_t = 200)]
    runs: usize,
    /// Response time of the servers
    #[arg(long, default_value_t = 200, value_name = "MILLISECONDS")]
    latency_ms: u64,
    /// The stand-in [default: the one in the folder `examples` beside this program]
    #[arg(long, value_name = "FILE")]
    stand_in: Option<PathBuf>,
}

/// Prints a table.
pub fn runs(options: &Options) -> Result<()> {
    let Options { runs, latency_ms, stand_in } = options;
    let beside = std::env::current_exe()?.with_file_name("examples/stand-in");
    let stand_in = stand_in.as_ref().unwrap_or(&beside);
    if !stand_in.exists() {
        let file = stand_in.display();
        return Err(format!(
            "no {file}: build it with cargo build --package janitor-tests --example stand-in"
        )
        .into());
    }
    let state = state(*latency_ms);
    let clusters = (0..=runs / SERVICES).map(|_| StandIn::start(stand_in, &state));
    let clusters = clusters.collect::<Result<Vec<_>>>()?;
    let janitor = Janitor::new()?;
    let clean = async |number: usize| -> Result<usize> {
        let endpoints = clusters[number / SERVICES].endpoints()?;
        let session = AsyncSession::new_async(Client::new(endpoints));
        let target = Target { role: Some(role(number % SERVICES)), ..Target::NOTHING };
        Ok(janitor.clean_async(&target, &RunOptions::DEFAULT, session).await?.confirmed.len())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The first run loads what all runs share.
    runtime.block_on(clean(0))?;
    let before = memory("VmRSS:")?;
    // The peak is reset to the memory of now.
    fs::write("/proc/self/clear_refs", "5")?;
    let start = Instant::now();
    let results = runtime.block_on(join_all((1..=*runs).map(clean)));
    let wall = start.elapsed().as_secs_f64();
    let peak = memory("VmHWM:")?;
    for result in results {
        if result? != 2 {
            return Err("a run has not confirmed both phases".into());
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "nobody starts that many runs")]
    let each = (peak - before) / *runs as f64;
    println!("{runs} runs on one thread, {latency_ms} ms per response, {wall:.1} s.\n");
    println!("| resident memory, MB | |\n| --- | --- |");
    println!("| before, after a first run | {before:.1} |");
    println!("| peak | {peak:.1} |");
    println!("| difference / runs | {each:.2} |");
    Ok(())
}

/// Returns the name of a service's role.
fn role(number: usize) -> String {
    format!("role-{number}")
}

/// Returns a cluster in which one agent holds a volume and more for each role.
fn state(latency_ms: u64) -> Value {
    let agents = (0..SERVICES).map(|number| {
        let role = role(number);
        let reservation = json!({"principal": "p"});
        let scalar = |name: &str, value: f64| {
            json!({
                "name": name, "type": "SCALAR", "scalar": {"value": value}, "role": role,
                "reservation": reservation,
            })
        };
        let mut volume = scalar("disk", 1024.0);
        volume["disk"] = json!({
            "persistence": {"id": format!("volume-{number}"), "principal": "p"},
            "volume": {"mode": "RW", "container_path": "data"},
        });
        let resources = [scalar("cpus", 0.5), scalar("mem", 4096.0), volume];
        json!({
            "id": format!("agent-S{number}"), "hostname": format!("agent-{number}"),
            "reserved_resources_full": {role: resources},
        })
    });
    let agents: Vec<_> = agents.collect();
    json!({"version": "0.28.1", "agents": agents, "latency_ms": latency_ms})
}

/// A stand-in cluster in a process of its own, which is killed when this is dropped.
struct StandIn {
    process: Child,
    /// The line that names its servers.
    line: String,
}

impl StandIn {
    fn start(program: &PathBuf, state: &Value) -> Result<Self> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&serde_json::to_vec(state)?)?;
        let mut command = Command::new(program);
        command.arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut it = Self { process: command.spawn()?, line: String::new() };
        let output = it.process.stdout.take().ok_or("the stand-in has no output")?;
        let mut output = BufReader::new(output);
        while !it.line.starts_with("# or: ") {
            it.line.clear();
            if output.read_line(&mut it.line)? == 0 {
                return Err("the stand-in ended".into());
            }
        }
        Ok(it)
    }

    fn endpoints(&self) -> Result<Endpoints> {
        let words: Vec<_> = self.line.split_whitespace().collect();
        match words[..] {
            ["#", "or:", "-m", master, "-e", exhibitor, "-n", marathon] => {
                Ok(Endpoints::new(master, exhibitor, marathon)?)
            }
            _ => Err(format!("the stand-in says: {}", self.line).into()),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Errors are ignored: it may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns an amount of memory in megabytes, as reported by Linux under this name.
fn memory(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let memory = status.lines().find_map(|line| line.strip_prefix(name));
    let memory = memory.and_then(|it| it.trim().strip_suffix(" kB"));
    Ok(memory.ok_or_else(|| format!("no {name} in /proc"))?.parse::<f64>()? * 1024.0 / 1e6)
}
