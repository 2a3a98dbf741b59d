//! Reads and writes plan files.

use std::io;
use std::path::Path;

use janitor_contract::json;
use janitor_report::plan_file::PlanFile;
use janitor_transport::file;

/// Checks that a plan could be written there, before the run rather than after it.
///
/// # Errors
/// One sentence.
pub fn check(path: &Path) -> Result<(), String> {
    file::beside(path).map(drop).map_err(|why| unwritten(path, &why))
}

/// Writes a plan file: all of it, or nothing.
///
/// # Errors
/// One sentence.
pub fn write(path: &Path, plan: &PlanFile) -> Result<(), String> {
    file::write(path, |writer| Ok(json::write_lines(writer, plan)?))
        .map_err(|why| unwritten(path, &why))
}

/// Reads a plan file.
///
/// # Errors
/// One sentence, when it cannot be read, is no plan, has another version, or contradicts
/// itself.
pub fn open(path: &Path) -> Result<PlanFile, String> {
    let json = file::read(path, PlanFile::MOST_BYTES).map_err(|why| why.to_string());
    json.and_then(|json| PlanFile::read(&json))
        .map_err(|why| format!("cannot use the plan {}: {why}", path.display()))
}

fn unwritten(path: &Path, why: &io::Error) -> String {
    format!("cannot write the plan {}: {why}", path.display())
}
