//! Measures janitor: against formulas, against its predecessor, against itself.
//!
//! Machines and their moods differ, so what counts is the ratio of two things that were
//! measured by turns in one run; `docs/performance.md` shows what came of it.

mod agents;
mod baseline;
mod bindings;
mod cluster;
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
mod serve;

use std::process::ExitCode;

use clap::Parser;

/// What every part can return: the reason is for the person who measures.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures janitor
#[derive(Parser)]
enum Command {
    /// Be a Mesos master on loopback, and print its URL
    Serve(serve::Cluster),
    /// Clean a master as janitor's predecessor did
    Baseline {
        /// The master, such as http://127.0.0.1:5050/master
        url: String,
    },
    /// Clean a cluster: janitor beside its predecessor
    Cluster(cluster::Options),
    /// Run the component without a network: sandboxed beside native
    Micro(micro::Options),
    /// Compare the component's work, counted, with what was recorded
    Guard(guard::Options),
    /// Clean clusters of many sizes
    Growth(growth::Options),
    /// Clean real agents: beside what their master can do
    Real(real::Options),
    /// Record long lists
    Recording(recording::Recorded),
    /// Run the whole program: beside an interpreter that does nothing
    Process(measure::Janitor),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Serve(cluster) => serve::serve(cluster),
        Command::Baseline { url } => baseline::clean(&url),
        Command::Cluster(options) => cluster::cluster(&options),
        Command::Micro(options) => micro::micro(&options),
        Command::Guard(options) => guard::guard(&options),
        Command::Growth(options) => growth::growth(&options),
        Command::Real(options) => real::real(&options),
        Command::Recording(options) => recording::recording(&options),
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
