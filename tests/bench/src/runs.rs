//! Measures a thousand cleanups at once, each of another service, in one process: their memory, their
//! threads, their connections and their times. The process is one of the hosts in `tests/embedders`:
//! one that uses the library, and one that was written from `wit/` alone.

use std::fs;
use std::io::Write as _;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::Result;
use crate::agents::role;
use crate::measure::{Cost, Master, median};
use crate::serve::Cluster;

/// The most memory of a run, in megabytes.
const MEMORY: f64 = 1.5;

/// The most threads of a process.
const THREADS: u32 = 64;

/// The most time that a run may take, relative to the time that it takes alone for each of the runs
/// with which it shares its master's connections.
const FACTOR: f64 = 1.5;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    /// Number of services, and so of runs
    #[arg(long, default_value = "1000")]
    runs: NonZeroUsize,
    /// Number of masters, which have as many services each
    #[arg(long, default_value = "20")]
    masters: NonZeroUsize,
    /// Number of agents of each service
    #[arg(long, default_value_t = 20)]
    agents: usize,
    /// Response time of the masters
    #[arg(long, default_value_t = 20, value_name = "MILLISECONDS")]
    latency_ms: u64,
    /// Number of connections to each master, over all runs
    #[arg(long, default_value = "2")]
    connections: NonZeroU32,
    /// Also measure the host that was written from `wit/` alone, with this component: `janitor.wasm`
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// A process that cleans up after services, and its masters.
struct Fleet {
    /// The peak resident memory, in megabytes.
    peak: f64,
    threads: u32,
    /// The time of each run.
    times: Vec<f64>,
    /// The counts of each master.
    masters: Vec<Cost>,
}

/// Prints a table.
pub fn runs(options: &Options) -> Result<()> {
    let Options { runs, masters, agents, latency_ms, connections, component } = options;
    println!(
        "{runs} runs at once, each for a service on {agents} agents; {masters} masters, with \
         {connections} connections each and {latency_ms} ms per response.\n"
    );
    println!(
        "| host | peak memory of a run alone, MB | of all runs | more for each | threads \
         | requests at once, for each master | connections | a run alone, s | for each that shares its \
         master | shortest run | median | longest | longest / requests alone |"
    );
    println!("|{}", " --- |".repeat(13));
    let folder = std::env::current_exe()?;
    let mut library = Command::new(folder.with_file_name("janitor-nonblocking"));
    library.arg(connections.to_string());
    let broken = options.measure("the library", library)?;
    if let Some(component) = component {
        let program = folder.with_file_name("examples").join("janitor-embedder");
        let compiled = tempfile::NamedTempFile::new()?.into_temp_path();
        let mut compile = Command::new(&program);
        compile.arg("--component").arg(component).arg("--compile").arg(&compiled);
        if !compile.status().map_err(|why| missing(&compile, &why))?.success() {
            return Err("the component could not be compiled".into());
        }
        let mut guide = Command::new(&program);
        guide.arg("--component").arg(&compiled).arg(format!("--fleet={connections}"));
        // It is measured for comparison only.
        options.measure("from `wit/` alone", guide)?;
    }
    match broken {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

impl Options {
    /// Measures a host, and prints a row. Returns the bound that it breaks, if any.
    #[allow(clippy::cast_precision_loss, reason = "nobody starts that many runs")]
    fn measure(&self, name: &str, host: Command) -> Result<Option<String>> {
        let one = NonZeroUsize::MIN;
        let services = NonZeroUsize::new(self.runs.get().div_ceil(self.masters.get()));
        let services = services.unwrap_or(one);
        let (alone, host) = self.fleet(host, one, services, 1)?;
        let (all, _) = self.fleet(host, self.masters, services, services.get())?;
        let each = (all.peak - alone.peak) / (all.times.len() - 1) as f64;
        let most = |of: fn(&Cost) -> u64| all.masters.iter().map(of).max().unwrap_or_default();
        let (at_once, connections) = (most(|it| it.most_at_once), most(|it| it.connections));
        let requests = alone.masters.first().map_or(0, |it| it.requests);
        let limit = f64::from(self.connections.get());
        let response = self.latency_ms as f64 / 1000.0;
        let formula = services.get() as f64 * requests as f64 * response / limit;
        let alone_time = median(&alone.times, |time| *time);
        let share = services.get() as f64 * alone_time;
        let [shortest, longest] =
            [f64::min, f64::max].map(|of| all.times.iter().copied().reduce(of).unwrap_or_default());
        let relative = |time: f64| format!("{time:.1} s, {:.2} x", time / share);
        println!(
            "| {name} | {:.1} | {:.1} | {each:.2} | {} | {at_once} | {connections} | {alone_time:.2} \
             | {share:.1} | {} | {} | {} | {:.2} x |",
            alone.peak,
            all.peak,
            all.threads,
            relative(shortest),
            relative(median(&all.times, |time| *time)),
            relative(longest),
            longest / formula,
        );
        let bounds = [
            (each, MEMORY, "MB of memory for each run"),
            (all.threads.into(), THREADS.into(), "threads"),
            (at_once as f64, limit, "requests at once at a master"),
            (connections as f64, limit, "connections to a master"),
            (longest / share, FACTOR, "times its share of the master for the longest run"),
        ];
        let broken = bounds.into_iter().find(|(value, bound, _)| value > bound);
        Ok(broken.map(|(value, bound, unit)| format!("{value:.2} {unit}, more than {bound}")))
    }

    /// Lets a host clean up after the first `cleaned` services of each new master, all at once.
    /// Returns it for another measurement.
    fn fleet(
        &self,
        mut host: Command,
        masters: NonZeroUsize,
        services: NonZeroUsize,
        cleaned: usize,
    ) -> Result<(Fleet, Command)> {
        let (agents, latency_ms) = (self.agents, self.latency_ms);
        let cluster = Cluster { agents, matching: 100.0, latency_ms, old: false };
        let masters = (0..masters.get()).map(|_| Master::with_all_roles(cluster, services));
        let masters = masters.collect::<Result<Vec<_>>>()?;
        let (mut input, output) = (tempfile::tempfile()?, tempfile::NamedTempFile::new()?);
        // The services of a master do not follow each other.
        for service in 0..cleaned {
            for Master { url, .. } in &masters {
                writeln!(input, "{url}/master/ {url}/ {}", role(service))?;
            }
        }
        std::io::Seek::rewind(&mut input)?;
        host.stdin(input).stdout(output.reopen()?).stderr(Stdio::null());
        let process = host.spawn().map_err(|why| missing(&host, &why))?;
        let (peak, threads) = watch(&mut Running(process))?;
        let mut times = Vec::new();
        for line in fs::read_to_string(output.path())?.lines() {
            let time = line
                .split_once(": 2 phases confirmed, ")
                .and_then(|(_, time)| time.strip_suffix(" s")?.parse().ok());
            times.push(time.ok_or_else(|| format!("a run failed: {line}"))?);
        }
        if times.len() != masters.len() * cleaned {
            return Err(format!("{} runs have ended", times.len()).into());
        }
        let masters = masters.iter().map(Master::counts).collect::<Result<_>>()?;
        Ok((Fleet { peak, threads, times, masters }, host))
    }
}

/// Returns the error of a program that cannot be started.
fn missing(program: &Command, why: &std::io::Error) -> String {
    let program = Path::new(program.get_program()).display();
    format!("{program}: {why}; docs/performance.md shows how to build it")
}

/// A process, which is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Errors are ignored: it may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a process to succeed. Returns its peak resident memory in megabytes, and the most
/// threads that it had, as Linux reports them.
fn watch(Running(process): &mut Running) -> Result<(f64, u32)> {
    /// The time between two looks.
    const LOOK: Duration = Duration::from_millis(5);
    let file = format!("/proc/{}/status", process.id());
    let (mut peak, mut threads) = (0.0_f64, 0);
    loop {
        let status = fs::read_to_string(&file)?;
        let value = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<u32>().ok()
        };
        // A process that has ended has no memory any more.
        peak = peak.max(f64::from(value("VmHWM:").unwrap_or_default()) * 1024.0 / 1e6);
        threads = threads.max(value("Threads:").unwrap_or_default());
        match process.try_wait()? {
            Some(status) if status.success() => return Ok((peak, threads)),
            Some(status) => return Err(format!("the host ended: {status}").into()),
            None => thread::sleep(LOOK),
        }
    }
}
