//! Measures the cleanup of a whole cluster: janitor and its predecessor alternate, each on a fresh
//! master.

use clap::Args;

use crate::Result;
use crate::measure::{self, Cost, Janitor, median};
use crate::serve::Cluster;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    janitor: Janitor,
    /// Measure janitor alone
    #[arg(long)]
    no_baseline: bool,
}

/// Prints a table.
pub fn cluster(options: &Options) -> Result<()> {
    let Options { cluster, janitor, no_baseline } = options;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..janitor.runs {
        ours.push(janitor.clean(*cluster)?);
        if !no_baseline {
            theirs.push(measure::on_master(*cluster, |url| {
                let mut command = measure::own("baseline")?;
                command.arg(format!("{url}/master"));
                Ok(command)
            })?);
        }
    }
    let Cluster { agents, matching, latency_ms, .. } = cluster;
    let formula = cluster.formula();
    println!(
        "{agents} agents, {matching} % of them matching, {latency_ms} ms per response; medians of {} \
         runs. 2 n t / w = {formula:.3} s.\n",
        janitor.runs
    );
    println!(
        "| | wall, s | to 2 n t / w | peak memory, MB | requests | list reads | connections | \
         most at once |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    row("janitor", &ours, formula);
    if theirs.is_empty() {
        return Ok(());
    }
    row("baseline", &theirs, formula);
    let times = |of: fn(&Cost) -> f64| {
        let pairs: Vec<_> = ours.iter().zip(&theirs).collect();
        median(&pairs, |(ours, theirs)| of(theirs) / of(ours))
    };
    println!(
        "| baseline / janitor | {:.1} | | {:.1} | | | | |",
        times(|it| it.wall),
        times(|it| it.peak)
    );
    Ok(())
}

fn row(name: &str, costs: &[Cost], formula: f64) {
    let wall = median(costs, |it| it.wall);
    let peak = median(costs, |it| it.peak);
    let Some(Cost { requests, list_reads, connections, most_at_once, .. }) = costs.last() else {
        return;
    };
    println!(
        "| {name} | {wall:.2} | {:.1} | {peak:.1} | {requests} | {list_reads} | {connections} | \
         {most_at_once} |",
        wall / formula
    );
}
