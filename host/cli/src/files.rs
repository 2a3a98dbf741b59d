//! Checks the files that a command line names, before anything is sent: a run can write its files,
//! and no file has two purposes. This module also reads and writes plan files.

use std::fs::File;
use std::io;
use std::path::Path;

use janitor_contract::json;
use janitor_file::Identity;
use janitor_report::plan_file::PlanFile;
use janitor_transport::recording::write::Recording;

use crate::args::auth::Auth;
use crate::args::{Connection, Printing};
use crate::component::ComponentArgs;

/// A file, by its name on the command line.
pub type Named<'a> = (&'static str, &'a Path);

/// Checks the files of a run: its recording, its plan, and the file that it reads in addition to
/// those of the connection.
///
/// # Errors
/// Fails if a file cannot be written, or is named twice, with one sentence for people.
pub fn check(
    connection: &Connection,
    out: Option<&Path>,
    read: Option<Named>,
) -> Result<(), String> {
    let record = connection.record.as_deref();
    if let Some(plan) = out {
        janitor_file::beside(plan).map(drop).map_err(|why| unwritten(plan, &why))?;
    }
    if let Some(file) = record {
        Recording::check(file)
            .map_err(|why| format!("cannot record to {}: {why}", file.display()))?;
    }
    let out = out.map(|file| ("the plan", file));
    let record = record.map(|file| ("the recording", file));
    let events = events(&connection.printing);
    let written: Vec<Named> = out.into_iter().chain(record).chain(events).collect();
    let read = read.into_iter().chain(connection.auth.files()).chain(connection.component.file());
    distinct(&written, &read.collect::<Vec<_>>())
}

/// Checks that nothing is written over a file that the settings name.
///
/// # Errors
/// Fails if a file is named twice, with one sentence for people.
pub fn check_settings<'a>(
    written: impl IntoIterator<Item = Named<'a>>,
    auth: &Auth,
    config: Option<&Path>,
) -> Result<(), String> {
    let read = auth.files().chain(config.map(|file| ("the configuration", file)));
    distinct(&written.into_iter().collect::<Vec<_>>(), &read.collect::<Vec<_>>())
}

/// Checks the files of a replay: that of its events, and the recording that it reads.
///
/// # Errors
/// Fails if a file is named twice, with one sentence for people.
pub fn check_replay(printing: &Printing, recording: &Path) -> Result<(), String> {
    let written: Vec<Named> = events(printing).into_iter().collect();
    distinct(&written, &[("the recording", recording)])
}

/// Returns the file of the events, if there is one.
pub fn events(printing: &Printing) -> Option<Named<'_>> {
    Some(("the file of the events", printing.events.as_deref()?))
}

/// Creates the file of the events.
///
/// # Errors
/// Fails if it cannot be written, with one sentence for people.
pub fn create_events(path: &Path) -> Result<File, String> {
    janitor_file::stream(path)
        .map_err(|why| format!("cannot write the events {}: {why}", path.display()))
}

/// Checks the files of a page: the page itself, and the file that it shows.
///
/// # Errors
/// Fails if the page cannot be written, or is the other file, with one sentence for people.
pub fn check_page(page: &Path, file: &Path, component: &ComponentArgs) -> Result<(), String> {
    janitor_file::beside(page)
        .map(drop)
        .map_err(|why| format!("cannot write the page {}: {why}", page.display()))?;
    let read = [("the file", file)].into_iter().chain(component.file());
    distinct(&[("the page", page)], &read.collect::<Vec<_>>())
}

/// Checks that no file which is written is also one of the others, or an output stream: only the
/// content that is written last would remain.
fn distinct(written: &[Named], read: &[Named]) -> Result<(), String> {
    let streams = [
        ("standard output", Identity::of_open(io::stdout())),
        ("standard error", Identity::of_open(io::stderr())),
    ];
    let streams = streams.map(|(name, identity)| (name.to_owned(), identity));
    let called = |(name, file): &Named| format!("{name} {}", file.display());
    let named = |file: &Named| (called(file), Identity::of(file.1));
    for (index, file) in written.iter().enumerate() {
        let identity = Identity::of(file.1);
        let later = written.iter().skip(index + 1).chain(read).map(named);
        let same = later
            .chain(streams.clone())
            .find(|(_, other)| identity.is_some() && *other == identity);
        if let Some((other, _)) = same {
            return Err(format!(
                "{} and {other} are the same file, and one would overwrite the other: name another file",
                called(file)
            ));
        }
    }
    Ok(())
}

/// Writes a plan file: all of it, or nothing.
///
/// # Errors
/// Fails if it cannot be written, with one sentence for people.
pub fn write_plan(path: &Path, plan: &PlanFile) -> Result<(), String> {
    janitor_file::write(path, |writer| Ok(json::write_lines(writer, plan)?))
        .map_err(|why| unwritten(path, &why))
}

/// Reads a plan file.
///
/// # Errors
/// Fails if it cannot be read, is not a plan file, has another version, or contradicts itself, with
/// one sentence for people.
pub fn read_plan(path: &Path) -> Result<PlanFile, String> {
    let json = janitor_file::read(path, PlanFile::MOST_BYTES).map_err(|why| why.to_string());
    json.and_then(|json| PlanFile::read(&json))
        .map_err(|why| format!("cannot use the plan {}: {why}", path.display()))
}

fn unwritten(path: &Path, why: &io::Error) -> String {
    format!("cannot write the plan {}: {why}", path.display())
}
