//! Replays recordings, without a network.

use std::fs;
use std::io;
use std::path::Path;

use janitor_host::{CancellationToken, Janitor, Limits, Session};
use janitor_report::ExitCode;
use janitor_report::command_line::print::{Caller, Invocation};
use janitor_report::output::Output;
use janitor_report::summary;
use janitor_transport::recording::har::Run;
use janitor_transport::recording::read::Replay;

use crate::call::carry_out;
use crate::component::ComponentArgs;
use crate::error::CommandError;
use crate::finished::{Document, Finished};
use crate::screen::Screen;

/// Replays a recording, or all recordings in a folder.
///
/// # Errors
/// Fails if no recording can be read, or there is no component to run.
pub fn replay(
    place: &Path,
    component: &ComponentArgs,
    screen: &Screen,
) -> Result<Finished, CommandError> {
    let janitor = component.load()?;
    screen.replay();
    match place.is_dir() {
        true => all(&janitor, place, screen),
        false => one(&janitor, component, &open(place)?, screen),
    }
}

/// Reads a recording.
///
/// # Errors
/// Fails if the file cannot be read, or is not a recording.
pub fn open(file: &Path) -> Result<Replay, CommandError> {
    Replay::open(file).map_err(|why| format!("cannot replay {}: {why}", file.display()).into())
}

/// Replays a recording, and prints its log.
fn one(
    janitor: &Janitor,
    component: &ComponentArgs,
    replay: &Replay,
    screen: &Screen,
) -> Result<Finished, CommandError> {
    let Run { endpoints, call, options, stopped_at, window, .. } = replay.run();
    let limits = Limits { window, ..Limits::default() };
    screen.line(summary::header(&endpoints, &call.targets()));
    let (component, caller) = (component.options(), Caller::default());
    let run = Invocation { call, options, endpoints, component, caller };
    let cancellation = CancellationToken::replaying(stopped_at);
    let ran = carry_out(janitor, &run, screen, replay.transport(), limits, cancellation);
    let mut finished = Finished::run(&ran, &run, &screen.view(None));
    finished.change(|output| {
        output.start = replay.start();
        output.versions.component = Some(janitor.digest().into());
    });
    let differences = differences(janitor, replay);
    if !differences.is_empty() {
        let why = format!("this run differs from the recorded one: {}", differences.join("; "));
        let notes =
            ["this run differs from the recorded one:".to_owned()].into_iter().chain(differences);
        let code = match finished.code {
            ExitCode::Violation => ExitCode::Violation,
            _ => ExitCode::Failed,
        };
        finished.end_with(code, &why, notes.collect());
    }
    Ok(finished)
}

/// Lists the differences between a replayed run and the recorded one, and a possible reason.
pub fn differences(janitor: &Janitor, replay: &Replay) -> Vec<String> {
    let mut differences = replay.deviations();
    let component = replay.run().component;
    let ours = janitor.digest();
    if !differences.is_empty() && component != ours {
        differences
            .push(format!("it was recorded with component {component}; this component is {ours}"));
    }
    differences
}

/// Replays every recording in a folder, and reports which ones differ.
fn all(janitor: &Janitor, folder: &Path, screen: &Screen) -> Result<Finished, CommandError> {
    let mut files = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "har"));
    files.sort();
    if files.is_empty() {
        return Err(format!("there is no recording (*.har) in {}", folder.display()).into());
    }
    let (mut different, mut unread, mut verdicts) = (0_usize, 0_usize, Vec::new());
    for file in &files {
        let name = file.display();
        match silently(janitor, file) {
            Ok(differences) if differences.is_empty() => screen.line(format!("{name}: the same")),
            Ok(differences) => {
                different += 1;
                screen.line(format!("{name}: different"));
                differences.iter().for_each(|difference| screen.line(format!("  {difference}")));
                verdicts.push(format!("{name}: {}", differences.join("; ")));
            }
            Err(why) => {
                unread += 1;
                let verdict = format!("{name}: cannot be read: {why}");
                screen.line(&verdict);
                verdicts.push(verdict);
            }
        }
    }
    let mut summary = format!("{different} of {} recordings differ.", files.len());
    if unread > 0 {
        summary =
            format!("{different} of {} recordings differ, {unread} cannot be read.", files.len());
    }
    let code = match (different, unread) {
        (0, 0) => ExitCode::Clean,
        (0, _) => ExitCode::Usage,
        _ => ExitCode::Failed,
    };
    let message = [&summary].into_iter().chain(&verdicts).cloned().collect::<Vec<_>>().join("\n");
    let document = Document::Output(Output::without_run(code, Some(message)).into());
    Ok(Finished { lines: vec![summary.into()], ..Finished::new(code, document) })
}

/// Replays a recording without its log, and lists the differences.
fn silently(janitor: &Janitor, file: &Path) -> io::Result<Vec<String>> {
    let replay = Replay::open(file)?;
    let Run { call, options, .. } = replay.run();
    let session = Session::replaying(&replay);
    let _ = janitor.run(&call, &options, session);
    Ok(differences(janitor, &replay))
}
