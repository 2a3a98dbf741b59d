//! Measures the component without a network: its start, and reading a list of agents and planning
//! with it, in the sandbox and natively.

use std::hint::black_box;
use std::time::Instant;

use clap::Args;
use janitor_host::{Call, Janitor, Options as RunOptions, Session, Target};

use crate::Result;
use crate::agents::{ROLE, cluster, list};
use crate::measure::median;
use crate::memory::Memory;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    /// Number of listed agents
    #[arg(long, default_value_t = 10_000)]
    agents: usize,
    /// Number of measurements of each kind; the result is their median
    #[arg(long, default_value_t = 15)]
    runs: usize,
}

/// Prints a table.
pub fn micro(Options { agents, runs }: &Options) -> Result<()> {
    let janitor = Janitor::new()?;
    println!("Medians of {runs} alternating runs.\n");
    println!(
        "| | native, ms | sandboxed, ms | native, MB/s | sandboxed, MB/s | sandboxed / native |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    let plan = Call::Plan(target());
    compare(
        "start it, and plan nothing",
        &plan,
        &janitor,
        Memory::new(list(&cluster(1, 0))),
        20 * runs,
    )?;
    for matching in [0, 5, 100] {
        let name = format!("plan {agents} agents, {matching} % matching");
        compare(
            &name,
            &plan,
            &janitor,
            Memory::new(list(&cluster(*agents, agents * matching / 100))),
            *runs,
        )?;
    }
    // In a cleanup the host also parses the agents, because they determine what may be removed.
    let name = format!("clean {agents} agents, none matching");
    let call = Call::Clean(target());
    compare(&name, &call, &janitor, Memory::new(list(&cluster(*agents, 0))), *runs)
}

fn compare(name: &str, call: &Call, janitor: &Janitor, master: Memory, runs: usize) -> Result<()> {
    let once = |_| {
        let native = timed(|| natively(call, master.clone()))?;
        let sandboxed = timed(|| sandboxed(call, janitor, master.clone()))?;
        Ok((native, sandboxed))
    };
    let all = (0..runs).map(once).collect::<Result<Vec<_>>>()?;
    let (native, sandboxed) = (median(&all, |it| it.0), median(&all, |it| it.1));
    let ratio = median(&all, |(native, sandboxed)| sandboxed / native);
    let megabytes = master.megabytes();
    println!(
        "| {name} | {:.3} | {:.3} | {:.0} | {:.0} | {ratio:.2} |",
        native * 1e3,
        sandboxed * 1e3,
        megabytes / native,
        megabytes / sandboxed
    );
    Ok(())
}

/// Measures the seconds that a function takes.
pub fn timed<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    work: impl FnOnce() -> std::result::Result<T, E>,
) -> Result<f64> {
    let start = Instant::now();
    let done = work().map_err(Into::into)?;
    let seconds = start.elapsed().as_secs_f64();
    black_box(done);
    Ok(seconds)
}

fn sandboxed(call: &Call, janitor: &Janitor, master: Memory) -> Result<()> {
    let session = Session::new(master);
    black_box(janitor.run(call, &RunOptions::DEFAULT, session)?);
    Ok(())
}

/// Returns the target of all measurements.
pub fn target() -> Target {
    Target { role: Some(ROLE.into()), ..Target::NOTHING }
}

fn natively(call: &Call, mut master: Memory) -> Result<()> {
    match call {
        Call::Clean(_) => {
            janitor_guest::clean(&mut master, &target(), &RunOptions::DEFAULT)
                .map_err(|failure| failure.message)?;
        }
        _ => {
            janitor_guest::plan(&mut master, &target(), &RunOptions::DEFAULT)
                .map_err(|failure| failure.message)?;
        }
    }
    Ok(())
}
