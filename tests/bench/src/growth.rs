//! Measures how time and memory grow with the size of the cluster and the share of matching agents.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::Result;
use crate::measure::{Cost, Janitor, median};
use crate::plot::{Curve, svg};
use crate::serve::Cluster;

/// The options of the measurement.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    janitor: Janitor,
    /// Response time of the master
    #[arg(long, default_value_t = 10, value_name = "MILLISECONDS")]
    latency_ms: u64,
    /// Skip larger clusters
    #[arg(long, default_value_t = 100_000, value_name = "AGENTS")]
    largest: usize,
    /// Also draw plots into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// One kind of cluster, and the costs of each run.
struct Row {
    cluster: Cluster,
    costs: Vec<Cost>,
}

/// Prints a table, and draws plots if a file is given.
pub fn growth(Options { janitor, latency_ms, largest, svg: file }: &Options) -> Result<()> {
    let row = |agents, matching| {
        let cluster = Cluster { agents, matching, latency_ms: *latency_ms, old: false };
        Row { cluster, costs: Vec::new() }
    };
    let sizes = [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|it| it <= largest);
    let mut by_size: Vec<_> = sizes.map(|agents| row(agents, 1.0)).collect();
    let mut by_share = [1.0, 5.0, 25.0, 100.0].map(|matching| row(10_000, matching));
    for _ in 0..janitor.runs {
        for Row { cluster, costs } in by_size.iter_mut().chain(&mut by_share) {
            costs.push(janitor.clean(*cluster)?);
        }
    }
    println!("{latency_ms} ms per response; medians of {} alternating runs.\n", janitor.runs);
    println!(
        "| agents | matching | wall, s | to the row above | peak memory, MB | to the row above | requests |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for rows in [&by_size[..], &by_share] {
        for (number, row) in rows.iter().enumerate() {
            row.print(number.checked_sub(1).and_then(|above| rows.get(above)));
        }
    }
    let Some(file) = file else { return Ok(()) };
    let curve = |title, x, y, rows: &[Row], point: fn(&Row) -> (f64, f64)| Curve {
        title,
        axes: [x, y],
        points: rows.iter().map(point).collect(),
    };
    let (agents, share) = ("agents, 1 % of them matching", "% of 10,000 agents that match");
    Ok(fs::write(
        file,
        svg(&[
            curve("Time by size", agents, "seconds", &by_size, |it| (it.agents(), it.wall())),
            curve("Memory by size", agents, "megabytes", &by_size, |it| (it.agents(), it.peak())),
            curve("Time by share", share, "seconds", &by_share, |it| (it.share(), it.wall())),
            curve("Memory by share", share, "megabytes", &by_share, |it| (it.share(), it.peak())),
        ]),
    )?)
}

#[allow(clippy::cast_precision_loss, reason = "no cluster is that large")]
impl Row {
    fn agents(&self) -> f64 {
        self.cluster.agents as f64
    }

    fn share(&self) -> f64 {
        self.cluster.matching
    }

    fn wall(&self) -> f64 {
        median(&self.costs, |it| it.wall)
    }

    fn peak(&self) -> f64 {
        median(&self.costs, |it| it.peak)
    }

    fn print(&self, above: Option<&Self>) {
        let Cluster { agents, matching, .. } = self.cluster;
        let times = |of: fn(&Self) -> f64| {
            above.map_or(String::new(), |above| format!("{:.1}", of(self) / of(above)))
        };
        println!(
            "| {agents} | {matching} % | {:.3} | {} | {:.1} | {} | {} |",
            self.wall(),
            times(Self::wall),
            self.peak(),
            times(Self::peak),
            self.costs.last().map_or(0, |it| it.requests)
        );
    }
}
