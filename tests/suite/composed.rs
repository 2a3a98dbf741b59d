//! The components that are made of a guest, as they are published: folders of them, each
//! made once for all tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::tests;

/// Those of janitor's own guest.
pub static JANITOR: LazyLock<PathBuf> = LazyLock::new(|| compose("janitor", None));

/// Those of a hostile guest.
pub static MISBEHAVING: LazyLock<PathBuf> = LazyLock::new(|| {
    let guest = "target/component/wasm32-wasip2/component/janitor_misbehaving.wasm";
    compose("misbehaving", Some(guest))
});

fn compose(name: &str, guest: Option<&str>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("composed").join(name);
    let mut compose = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    compose.args(["run", "--quiet", "--locked", "--package", "janitor-compose"]);
    compose.current_dir(tests("..")).arg("--").arg(&folder).args(guest);
    assert!(compose.status().unwrap().success(), "the components cannot be composed");
    folder
}
