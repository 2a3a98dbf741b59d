//! The Rust target that components are compiled for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Sees that the target is there: adds it through rustup if it is missing. Returns what
/// was done, in one sentence, if anything was.
///
/// # Errors
/// One sentence with what to do, when the target is missing and cannot be added.
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
        let words = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no words");
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

/// The folder in which the compiler looks for the target's standard library.
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

#[cfg(all(test, unix))]
mod tests {
    use std::error::Error;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What [`require`] returns.
    type Required = Result<Option<String>, String>;

    /// A program that does what a script says, in a folder of its own.
    fn program(folder: &Path, name: &str, script: &str) -> Result<PathBuf, Box<dyn Error>> {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(file)
    }

    /// What comes of a toolchain without the target, with a rustup that does what a script
    /// says, if there is one.
    fn required(name: &str, rustup: Option<&str>) -> Result<Required, Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("janitor-target-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let libraries = folder.join("lib");
        let rustc = program(&folder, "rustc", &format!("echo '{}'", libraries.display()))?;
        let rustup = match rustup {
            Some(script) => {
                let script = script.replace("LIBRARIES", &libraries.display().to_string());
                program(&folder, "rustup", &script)?
            }
            None => folder.join("rustup"),
        };
        let result = require_with(rustc.as_os_str(), rustup.as_os_str());
        fs::remove_dir_all(&folder)?;
        Ok(result)
    }

    /// One test, because no other thread may start a program while one is written: it would
    /// have the file open, and then the system does not run it.
    #[test]
    fn a_missing_target_is_added_or_told_with_the_command() -> Result<(), Box<dyn Error>> {
        let script = "[ \"$*\" = 'target add wasm32-unknown-unknown' ] && mkdir LIBRARIES && \
                      touch LIBRARIES/libstd.rlib";
        let words = "the Rust target wasm32-unknown-unknown was missing, and was added: rustup target add \
                     wasm32-unknown-unknown";
        assert_eq!(required("added", Some(script))?, Ok(Some(words.into())));
        for (name, rustup, words) in [
            ("absent", None, "rustup cannot be run (No such file or directory"),
            ("offline", Some("echo 'error: no network' >&2; exit 1"), "(error: no network)"),
            ("elsewhere", Some("exit 0"), "has added it to another toolchain"),
        ] {
            let why = required(name, rustup)?.err().unwrap_or_default();
            assert!(why.contains(words), "{why}");
            assert!(
                why.contains("install it there")
                    || why.ends_with("rustup target add wasm32-unknown-unknown")
            );
        }
        Ok(())
    }
}
