//! The Rust target that components are compiled for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Ensures that the target is installed, and adds it through rustup if it is missing. Returns a
/// sentence that describes what was done, if anything was.
///
/// # Errors
/// Fails with one sentence that says what to do if the target is missing and cannot be added.
pub fn require() -> Result<Option<String>, String> {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    require_with(&rustc, OsStr::new("rustup"))
}

fn require_with(rustc: &OsStr, rustup: &OsStr) -> Result<Option<String>, String> {
    let libraries = libraries(rustc)?;
    if is_installed(&libraries) {
        return Ok(None);
    }
    let missing = format!("the component needs the Rust target {TARGET}, which is missing");
    let command = format!("rustup target add {TARGET}");
    let added = Command::new(rustup)
        .args(["target", "add", TARGET])
        .output()
        .map_err(|why| format!("{missing}, and rustup cannot be run ({why}); run: {command}"))?;
    if !added.status.success() {
        let words = String::from_utf8_lossy(&added.stderr);
        let words =
            words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        return Err(format!("{missing}, and rustup cannot add it ({words}); run: {command}"));
    }
    if !is_installed(&libraries) {
        return Err(format!(
            "{missing} in {}: rustup has added it to another toolchain; install it there",
            libraries.display()
        ));
    }
    Ok(Some(format!("the Rust target {TARGET} was missing, and was added: {command}")))
}

/// Returns the folder in which the compiler looks for the target's standard library.
fn libraries(rustc: &OsStr) -> Result<PathBuf, String> {
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|why| format!("{} cannot be run: {why}", rustc.display()))?;
    if !asked.status.success() {
        let words = String::from_utf8_lossy(&asked.stderr);
        return Err(format!("{} does not know the target {TARGET}: {words}", rustc.display()));
    }
    Ok(String::from_utf8_lossy(&asked.stdout).trim().into())
}

fn is_installed(libraries: &Path) -> bool {
    libraries.read_dir().is_ok_and(|mut files| files.next().is_some())
}
