//! `janitor replay`: a recording is run again, or all in a folder are, or one is
//! made anew.

use std::fs;
use std::path::Path;

use janitor_contract::planned;
use janitor_host::{Call, Janitor, Limits, Session, Stop};
use janitor_report::ExitCode;
use janitor_report::output::Output;
use janitor_transport::recording::har::Run;
use janitor_transport::recording::read::Replay;

use crate::args::{self, Connection};
use crate::component::Component;
use crate::screen::{Console, complain};
use crate::files;
use crate::cluster::{Change, Cluster, Look, Unconnected};
use crate::run::{carry_out, conclude};
use janitor_report::next::Asked;
use janitor_report::plan;

/// Does what the command line says.
pub fn replay(args: args::Replay) -> Result<ExitCode, String> {
    let console = Console { format: args.output, verbose: args.verbose };
    if args.update {
        return match args.place.is_dir() {
            true => Err("one recording at a time can be made anew".into()),
            false => update(args),
        };
    }
    let janitor = match args.component.load_or_tell(console) {
        Ok(janitor) => janitor,
        Err(code) => return Ok(code),
    };
    match args.place.is_dir() {
        true => all(&janitor, &args.place, console),
        false => one(&janitor, &args.component, &open(&args.place)?, console),
    }
}

fn open(file: &Path) -> Result<Replay, String> {
    Replay::open(file).map_err(|error| format!("cannot replay {}: {error}", file.display()))
}

/// Runs a recording again, with all it told.
fn one(
    janitor: &Janitor,
    component: &Component,
    replay: &Replay,
    console: Console,
) -> Result<ExitCode, String> {
    let Run { endpoints, call, options, stopped_at, window, .. } = replay.run();
    let limits = Limits { window, ..Limits::default() };
    console.line(plan::header(&endpoints, call.target()));
    let asked = Asked { call, options, endpoints, component: component.options() };
    let stop = Stop::at(stopped_at);
    let ran = carry_out(janitor, &asked, console, replay.transport(), limits, stop);
    let code = conclude(&ran, &asked, console);
    let differences = differences(janitor, replay);
    if differences.is_empty() {
        return Ok(code);
    }
    complain("this run is not the recorded one:");
    differences.iter().for_each(|difference| complain(difference));
    Ok(ExitCode::Failed)
}

/// How the run that was played differs from the recorded one, and what may be why.
fn differences(janitor: &Janitor, replay: &Replay) -> Vec<String> {
    let mut differences = replay.deviations();
    let component = replay.run().component;
    let ours = janitor.digest();
    if !differences.is_empty() && component != ours {
        differences.push(format!("it was recorded with component {component}, and this is {ours}"));
    }
    differences
}

/// Runs every recording in a folder again, and tells only which differ.
fn all(janitor: &Janitor, folder: &Path, console: Console) -> Result<ExitCode, String> {
    let unreadable = |why| format!("cannot read {}: {why}", folder.display());
    let mut files = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "har"));
    files.sort();
    if files.is_empty() {
        return Err(format!("there is no recording (*.har) in {}", folder.display()));
    }
    let mut different = 0_usize;
    for file in &files {
        let differences = silently(janitor, file);
        let verdict = if differences.is_empty() { "the same" } else { "different" };
        console.line(format!("{}: {verdict}", file.display()));
        differences.iter().for_each(|difference| console.line(format!("  {difference}")));
        different += usize::from(!differences.is_empty());
    }
    let message = format!("{different} of {} recordings differ.", files.len());
    console.line(&message);
    let code = if different == 0 { ExitCode::Clean } else { ExitCode::Failed };
    console.document(&Output::failed(code, Some(message)));
    Ok(code)
}

/// Runs a recording again; how it differs from the recorded run.
fn silently(janitor: &Janitor, file: &Path) -> Vec<String> {
    let replay = match Replay::open(file) {
        Ok(replay) => replay,
        Err(error) => return vec![error.to_string()],
    };
    let Run { endpoints, call, options, stopped_at, window, .. } = replay.run();
    let session = Session::new(replay.transport())
        .with_endpoints(endpoints)
        .with_limits(Limits { window, ..Limits::default() })
        .with_stop(Stop::at(stopped_at));
    // A run may fail, if the recorded one did.
    let _ = janitor.run(&call, &options, session);
    differences(janitor, &replay)
}

/// Makes a recording anew, on the cluster that it names unless the command line
/// names another one.
fn update(args: args::Replay) -> Result<ExitCode, String> {
    let Run { endpoints, call, options, .. } = open(&args.place)?.run();
    if let Call::Apply(plan) = &call
        && let Some(what) = planned::contradiction(plan)
    {
        let place = args.place.display();
        return Err(format!("cannot make {place} anew: its plan contradicts itself: {what}"));
    }
    let wished = args.checks.documented(options);
    let console = Console { format: args.output, verbose: args.verbose };
    if matches!(call, Call::Clean(_) | Call::Apply(_))
        && let Some(code) = crate::refuse_unasked(&wished, args.yes, console)
    {
        return Ok(code);
    }
    let connection = Connection {
        auth: args.auth,
        component: args.component,
        verbose: args.verbose,
        output: args.output,
        record: Some(args.place.clone()),
    };
    files::check(&connection, None, None)?;
    let servers = args.urls.servers(&endpoints);
    let cluster = Cluster::connect(&connection, servers, call.target()).map(Cluster::replacing);
    let look = |cluster: Result<Cluster, Unconnected>, look| match cluster {
        Ok(cluster) => cluster.look(look, &wished.options),
        Err(why) => why.end(),
    };
    let change = |cluster, change| crate::change(cluster, &connection, args.yes, change, &wished);
    Ok(match call {
        Call::Clean(target) => change(cluster, Change::Clean(target)),
        Call::Apply(plan) => change(cluster, Change::Apply(plan)),
        Call::Plan(target) => look(cluster, Look::Plan(target)),
        Call::Discover => look(cluster, Look::Discover),
    })
}
