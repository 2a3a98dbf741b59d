//! The components that are made of the guest, as they are published.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::command::tests;

/// All of them, made once for all tests.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut compose = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    compose.args(["run", "--quiet", "--locked", "--package", "janitor-compose", "--"]);
    let status = compose.current_dir(tests("..")).arg(folder.path()).status().unwrap();
    assert!(status.success(), "the components cannot be composed");
    folder
});

/// The file of one.
pub fn composed(name: &str) -> PathBuf {
    FOLDER.path().join(name)
}
