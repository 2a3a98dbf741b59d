//! Measures the cleanup of a few agents in a large cluster: on a master that lists single agents too, and
//! on one that does not, alternately.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::Result;
use crate::http::ask;
use crate::measure::{Cost, Janitor, Master, median};
use crate::serve::Cluster;

/// The most that may be read, in whole lists.
const LISTS: f64 = 2.05;
/// The longest that a run may take, relative to an earlier version that reads three whole lists.
const TIME: f64 = 0.72;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    /// Number of agents
    #[arg(long, default_value_t = 20_000)]
    agents: usize,
    /// Percentage of agents that have resources of the role
    #[arg(long, default_value_t = 0.025, value_name = "PERCENT")]
    matching: f64,
    /// Response time of the master
    #[arg(long, default_value_t = 1, value_name = "MILLISECONDS")]
    latency_ms: u64,
    /// An earlier version, with which the wall time is compared
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    #[command(flatten)]
    janitor: Janitor,
}

/// Prints a table. It fails if more is read than required, or if a run takes longer relative to an earlier version.
pub fn few(Options { agents, matching, latency_ms, before, janitor }: &Options) -> Result<()> {
    let earlier = janitor.or(before.as_deref());
    let cluster =
        |old| Cluster { agents: *agents, matching: *matching, latency_ms: *latency_ms, old };
    let master = Master::start(cluster(false), NonZeroUsize::MIN)?;
    let list = ask(&format!("{}/master/slaves", master.url), None)?.len();
    drop(master);
    let pair = |_| Ok([janitor.clean(cluster(false))?, earlier.clean(cluster(true))?]);
    let pairs = (0..janitor.runs).map(pair).collect::<Result<Vec<[Cost; 2]>>>()?;
    println!(
        "{} of {agents} agents match, a list has {list} bytes; medians of {} alternating runs.\n",
        cluster(false).matching(),
        janitor.runs
    );
    println!("| | wall, s | whole lists | read, in lists | requests |");
    println!("| --- | --- | --- | --- | --- |");
    #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
    let read = |cost: &Cost| cost.list_bytes as f64 / list as f64;
    for (kind, name) in ["lists of single agents too", "only whole lists"].into_iter().enumerate() {
        let Some(last) = pairs.last() else { continue };
        let wall = median(&pairs, |pair| pair[kind].wall);
        let Cost { list_reads, requests, .. } = last[kind];
        println!(
            "| {name} | {wall:.3} | {list_reads} | {:.3} | {requests} |",
            median(&pairs, |pair| read(&pair[kind]))
        );
    }
    let time = median(&pairs, |[few, whole]| few.wall / whole.wall);
    println!("| relative to each other | {time:.2} | | | |");
    let most = pairs.iter().map(|[few, _]| read(few)).fold(0.0, f64::max);
    if most > LISTS {
        return Err(format!("a run reads {most:.3} lists, more than {LISTS}").into());
    }
    if before.is_some() && time > TIME {
        return Err(format!("a run takes {time:.2} of the time, more than {TIME}").into());
    }
    Ok(())
}
