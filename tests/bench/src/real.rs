//! Measures the cleanup of real agents, compared with the speed of their master.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use crate::Result;
use crate::agents::ROLE;
use crate::http::ask;
use crate::measure::{self, Janitor, median};

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    /// A command that starts a Mesos master on 127.0.0.1: its arguments are the number of agents
    /// and the port, and it prints a line that begins with READY
    #[arg(long, value_name = "COMMAND")]
    mesos: String,
    /// Number of agents; each gets reservations and a volume
    #[arg(long, default_value_t = 1500)]
    agents: usize,
    /// Port of the master
    #[arg(long, default_value_t = 5250)]
    port: u16,
    #[command(flatten)]
    janitor: Janitor,
}

/// The number of concurrent requests that fill the agents. More requests do not speed up a master.
const AT_ONCE: usize = 16;

/// Prints a table.
pub fn real(options: &Options) -> Result<()> {
    let Options { mesos, agents, port, janitor } = options;
    let master = Master::start(mesos, *agents, *port)?;
    let url = format!("http://127.0.0.1:{port}/master");
    let list: Value = serde_json::from_slice(&ask(&format!("{url}/slaves"), None)?)?;
    let ids: Vec<_> = list["slaves"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["id"].as_str())
        .collect();
    if ids.len() != *agents {
        return Err(format!("only {} of {agents} agents are registered", ids.len()).into());
    }
    let mut rounds = Vec::new();
    for _ in 0..janitor.runs {
        let filled = fill(&url, &ids)?;
        let mut command = janitor.command()?;
        command.args(["--role", ROLE, "--master-url"]).arg(format!("{url}/"));
        let cost = measure::run(command)?;
        let left = String::from_utf8_lossy(&ask(&format!("{url}/slaves"), None)?).contains(ROLE);
        if left {
            return Err(format!("{ROLE} still has reserved resources").into());
        }
        rounds.push((filled, cost));
    }
    drop(master);
    #[allow(clippy::cast_precision_loss, reason = "no machine runs that many")]
    let operations = 2.0 * *agents as f64;
    let filled = median(&rounds, |(filled, _)| *filled);
    let wall = median(&rounds, |(_, cost)| cost.wall);
    let peak = median(&rounds, |(_, cost)| cost.peak);
    let ratio = median(&rounds, |(filled, cost)| cost.wall / filled);
    println!(
        "{agents} real agents, each with reservations and a volume; medians of {} runs.\n\n\
         | | wall, s | operations/s | peak memory, MB |\n| --- | --- | --- | --- |\n\
         | reserve and create, {AT_ONCE} at once | {filled:.2} | {:.0} | |\n\
         | janitor: destroy and unreserve, three listings | {wall:.2} | {:.0} | {peak:.1} |\n\
         | janitor / the master's own | {ratio:.2} | | |",
        janitor.runs,
        operations / filled,
        operations / wall,
    );
    Ok(())
}

/// Gives every agent reservations and a volume, with as many operations as it takes to remove them.
/// Returns how long it took.
fn fill(url: &str, ids: &[&str]) -> Result<f64> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(id) = ids.get(next.fetch_add(1, Relaxed)) {
                    if let Err(why) = fill_one(url, id)
                        && let Ok(mut failed) = failed.lock()
                    {
                        *failed = Some(why);
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Ok(None) => Ok(start.elapsed().as_secs_f64()),
        Ok(Some(why)) => Err(why),
        Err(_) => Err("a thread panicked".into()),
    }
}

fn fill_one(url: &str, id: &str) -> Result<()> {
    let resource = |name: &str, value: f64| {
        json!({
            "name": name, "type": "SCALAR", "scalar": {"value": value}, "role": ROLE,
            "reservation": {"principal": "kafka-principal"},
        })
    };
    let mut volume = resource("disk", 64.0);
    volume["disk"] = json!({
        "persistence": {"id": format!("volume-{id}"), "principal": "kafka-principal"},
        "volume": {"mode": "RW", "container_path": "data"},
    });
    let reserved = json!([resource("cpus", 0.5), resource("disk", 64.0)]);
    for (path, field, list) in
        [("reserve", "resources", reserved), ("create-volumes", "volumes", json!([volume]))]
    {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("slaveId", id)
            .append_pair(field, &list.to_string())
            .finish();
        ask(&format!("{url}/{path}"), Some(&form))?;
    }
    Ok(())
}

/// A real master, which is killed when this is dropped.
struct Master(Child);

impl Master {
    fn start(command: &str, agents: usize, port: u16) -> Result<Self> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("the command that starts a master is empty")?;
        let mut process = Command::new(program)
            .args(words)
            .args([agents.to_string(), port.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|why| format!("cannot run {program}: {why}"))?;
        let output = process.stdout.take().ok_or("the master has no output")?;
        let master = Self(process);
        let mut lines = BufReader::new(output).lines().map_while(std::io::Result::ok);
        match lines.find(|line| line.starts_with("READY")) {
            Some(_) => Ok(master),
            None => Err(format!("{command} ended without printing READY").into()),
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // Errors are ignored: the master may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
