//! The parts of which the components are composed.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::component;

/// The name of each part, its package, and additional arguments for `cargo rustc`. A package that
/// other parts use as a library is compiled into a component by itself here.
const PARTS: [(&str, &str, &[&str]); 7] = [
    ("guest", "janitor-guest", &[]),
    ("gate", "janitor-gate", &["--crate-type", "cdylib"]),
    ("announce", "janitor-announce", &["--crate-type", "cdylib"]),
    ("wasi", "janitor-wasi", &[]),
    ("wasi-stream", "janitor-wasi", &["--features", "stream"]),
    ("command", "janitor-command", &[]),
    ("service", "janitor-service", &[]),
];

/// Builds the parts of the workspace at `root` into a folder.
///
/// # Errors
/// Fails if one of them does not build, or cannot be written.
pub fn build(root: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    for (part, package, args) in PARTS {
        let wasm = component::build(root, package, args)?;
        fs::write(folder.join(part).with_extension("wasm"), wasm)?;
    }
    Ok(())
}
