//! Measures whole processes: one that replays a cleanup, others that stop at earlier stages, and an
//! interpreter that starts and does nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::measure::{Cost, Janitor, median, run};

/// Prints a table.
pub fn process(janitor: &Janitor) -> Result<()> {
    let recording =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../recordings/cassandra-0.28.1.har");
    let program = python()?;
    let mut all = Vec::new();
    for _ in 0..janitor.runs {
        let [mut version, mut inspect, mut replay] =
            [janitor.command()?, janitor.command()?, janitor.command()?];
        version.arg("--version");
        inspect.arg("inspect");
        replay.arg("replay").arg(&recording);
        let mut python = Command::new("python3");
        python.args(["-c", program]);
        let commands = [Command::new("true"), version, inspect, replay, python];
        all.push(commands.into_iter().map(run).collect::<Result<Vec<_>>>()?);
    }
    println!("Medians of {} alternating runs.\n", janitor.runs);
    println!("| | wall, ms | peak memory, MB |\n| --- | --- | --- |");
    let names = ["true", "janitor --version", "janitor inspect"].map(Into::into);
    let compared =
        ["janitor replay cassandra-0.28.1.har".into(), format!("python3 -c \"{program}\"")];
    for (nth, name) in names.into_iter().chain(compared).enumerate() {
        let median = |of: fn(&Cost) -> f64| median(&all, |costs| of(&costs[nth]));
        println!("| `{name}` | {:.2} | {:.1} |", median(|it| it.wall) * 1e3, median(|it| it.peak));
    }
    let ratio = |of: fn(&Cost) -> f64| median(&all, |costs| of(&costs[4]) / of(&costs[3]));
    println!("| python3 / replay | {:.1} | {:.1} |", ratio(|it| it.wall), ratio(|it| it.peak));
    Ok(())
}

/// Returns a program that imports what the predecessor did, or the nearest equivalent that is
/// installed.
fn python() -> Result<&'static str> {
    let requests = "import requests";
    let has_requests =
        Command::new("python3").args(["-c", requests]).stderr(Stdio::null()).status();
    if has_requests.map_err(|why| format!("cannot run python3: {why}"))?.success() {
        println!("PYTHON HAS requests: the comparison uses what the predecessor imported.\n");
        return Ok(requests);
    }
    println!("PYTHON LACKS requests: the comparison uses the standard library alone.\n");
    Ok("import http.client, json, ssl")
}
