//! Measures how much memory a recording of many long lists takes.

use std::fs;
use std::path::Path;

use clap::Args;
use janitor_contract::types::{Endpoint, Method};
use janitor_host::{Call, Endpoints, Options};
use janitor_transport::exchange::{Request, Transport};
use janitor_transport::recording::har::Run;
use janitor_transport::recording::write::Recording;

use crate::Result;
use crate::agents::{cluster, list};
use crate::memory::Memory;

/// The options of the measurement.
#[derive(Args)]
pub struct Recorded {
    /// Number of agents in a list, of about 2 kB each
    #[arg(long, default_value_t = 20_000)]
    agents: usize,
    /// Number of times that the list is read
    #[arg(long, default_value_t = 24)]
    lists: usize,
    /// File of the recording
    #[arg(long, value_name = "FILE", default_value = "recording.har")]
    file: std::path::PathBuf,
}

/// Prints a table.
pub fn recording(options: &Recorded) -> Result<()> {
    let Recorded { agents, lists, file } = options;
    let master = Memory::new(list(&cluster(*agents, agents / 20)));
    // The peak is reset, so that creating the list does not count.
    fs::write("/proc/self/clear_refs", "5")?;
    let (length, before) = (master.megabytes(), peak()?);
    let recording = Recording::begin(file, run())?;
    let mut transport = recording.through(Box::new(master));
    for _ in 0..*lists {
        read(&mut transport)?;
    }
    let before_the_end = peak()?;
    recording.finish(None)?;
    let whole = peak()?;
    println!("{lists} lists of {length:.1} MB.\n");
    println!("| increase of peak memory, MB | |\n| --- | --- |");
    println!("| during the run | {:.1} |", before_the_end - before);
    println!("| after writing the file of {:.1} MB | {:.1} |", size(file)?, whole - before);
    Ok(())
}

/// Reads the list as a component does.
fn read(transport: &mut dyn Transport) -> Result<()> {
    let (endpoint, method, path) = (Endpoint::Master, Method::Get, vec!["slaves".into()]);
    let request = Request { endpoint, method, path, query: vec![], content: None };
    let mut response = transport.send(request).finish()?;
    let mut buffer = vec![0; 64 << 10];
    while response.body.read(&mut buffer)? > 0 {}
    Ok(())
}

fn run() -> Run {
    Run {
        schema_version: Run::SCHEMA_VERSION,
        component: String::new(),
        endpoints: Endpoints::default(),
        call: Call::Discover,
        options: Options::DEFAULT,
        stopped_at: None,
        elapsed: None,
        window: 32,
    }
}

#[allow(clippy::cast_precision_loss, reason = "no file is that long")]
fn size(file: &Path) -> Result<f64> {
    Ok(fs::metadata(file)?.len() as f64 / 1e6)
}

/// Returns the peak resident memory so far in megabytes, as reported by Linux.
fn peak() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|it| it.trim().strip_suffix(" kB")).ok_or("no VmHWM in /proc")?;
    Ok(peak.parse::<f64>()? * 1024.0 / 1e6)
}
