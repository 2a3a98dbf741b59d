//! Benchmarks janitor against formulas, its predecessor, and itself.
//!
//! Machines and their load vary, so the results are ratios of two measurements that alternated in
//! one run. `docs/performance.md` shows them.

mod agents;
mod baseline;
mod bindings;
mod cluster;
mod few;
mod growth;
mod guard;
mod http;
mod measure;
mod memory;
mod micro;
mod pages;
mod plot;
mod process;
mod real;
mod recording;
mod runs;
mod serve;
mod several;

use std::process::ExitCode;

use clap::Parser;

/// The result of every benchmark: the error is for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Benchmarks janitor
#[derive(Parser)]
enum Command {
    /// Serve a Mesos master on loopback, and print its URL
    Serve(serve::Options),
    /// Clean a master like janitor's predecessor
    Baseline {
        /// The master, such as http://127.0.0.1:5050/master
        url: String,
    },
    /// Clean a cluster with janitor and with its predecessor
    Cluster(cluster::Options),
    /// Clean a few agents of a large cluster, with and without lists of single agents
    Few(few::Options),
    /// Run the component without a network, sandboxed and natively
    Micro(micro::Options),
    /// Compare the component's fuel with the recorded counts
    Guard(guard::Options),
    /// Clean clusters of many sizes
    Growth(growth::Options),
    /// Clean real agents, and compare that with the speed of their master
    Real(real::Options),
    /// Record long lists
    Recording(recording::Recorded),
    /// Run a thousand cleanups at once, and measure their memory and time
    Runs(runs::Options),
    /// Clean several roles in one run, and in a run for each
    Several(several::Options),
    /// Run the whole program, and an interpreter that does nothing
    Process(measure::Janitor),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Serve(options) => serve::serve(&options),
        Command::Baseline { url } => baseline::clean(&url),
        Command::Cluster(options) => cluster::cluster(&options),
        Command::Few(options) => few::few(&options),
        Command::Micro(options) => micro::micro(&options),
        Command::Guard(options) => guard::guard(&options),
        Command::Growth(options) => growth::growth(&options),
        Command::Real(options) => real::real(&options),
        Command::Recording(options) => recording::recording(&options),
        Command::Runs(options) => runs::runs(&options),
        Command::Several(options) => several::several(&options),
        Command::Process(janitor) => process::process(&janitor),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("janitor-bench: {why}");
            ExitCode::FAILURE
        }
    }
}
