//! A whole process that replays a cleanup, beside what an interpreter takes before it
//! has done anything.

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
        let mut ours = janitor.command()?;
        ours.arg("replay").arg(&recording);
        let mut theirs = Command::new("python3");
        theirs.args(["-c", program]);
        all.push((run(ours)?, run(theirs)?));
    }
    println!("Medians of {} runs, by turns.\n", janitor.runs);
    println!("| | wall, ms | peak memory, MB |\n| --- | --- | --- |");
    row("janitor replay cassandra-0.28.1.har", |of| median(&all, |it| of(&it.0)));
    row(&format!("python3 -c \"{program}\""), |of| median(&all, |it| of(&it.1)));
    let ratio = |of: fn(&Cost) -> f64| median(&all, |(ours, theirs)| of(theirs) / of(ours));
    println!("| python3 / janitor | {:.1} | {:.1} |", ratio(|it| it.wall), ratio(|it| it.peak));
    Ok(())
}

fn row(name: &str, median: impl Fn(fn(&Cost) -> f64) -> f64) {
    println!("| `{name}` | {:.1} | {:.1} |", median(|it| it.wall) * 1e3, median(|it| it.peak));
}

/// What the predecessor began with, or the nearest to it that is installed.
fn python() -> Result<&'static str> {
    let requests = "import requests";
    let has_requests =
        Command::new("python3").args(["-c", requests]).stderr(Stdio::null()).status();
    if has_requests.map_err(|why| format!("cannot run python3: {why}"))?.success() {
        println!("PYTHON HAS requests: it is compared with what the predecessor imported.\n");
        return Ok(requests);
    }
    println!("PYTHON LACKS requests: it is compared with the standard library alone.\n");
    Ok("import http.client, json, ssl")
}
