//! The composed components, as they are published: each folder of them is composed once for all
//! tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::{program, run, tests};

/// The folder of the components with janitor's own guest.
pub static JANITOR: LazyLock<PathBuf> = LazyLock::new(|| compose("janitor", None));

/// The folder of the components with a hostile guest.
pub static MISBEHAVING: LazyLock<PathBuf> = LazyLock::new(|| {
    let guest = "target/component/wasm32-unknown-unknown/component/janitor_misbehaving.wasm";
    compose("misbehaving", Some(guest))
});

cases! {
    /// Each guest of `hostile/` would misuse an import of the runtime. It is not composed because
    /// of that import.
    REFUSED: &str => is_refused;

    a_guest_that_reads_the_environment: "wasi:cli/environment 0.2.0 (unknown)",
    a_guest_that_ends_the_process: "wasi:cli/exit 0.2.0 (unknown)",
    a_guest_that_floods_standard_error:
        "wasi:io/error 0.2.0 (unknown); wasi:io/streams 0.2.0 (unknown); \
         wasi:cli/stderr 0.2.0 (unknown)",
    a_guest_that_asks_for_a_socket: "wasi:sockets/tcp 0.2.6 (unknown)",
    a_guest_that_wants_another_contract: "janitor:cleanup/cluster 0.9.0 (expected 0.1.0)",
    a_guest_that_offers_another_contract: "janitor:cleanup/cleanup 0.1.0 (unknown)",
}

/// Returns each refused guest's test, the exit code of the composer, and the words.
pub fn rows() -> impl Iterator<Item = (String, u8, &'static str)> {
    REFUSED.iter().map(|(name, words)| (format!("composed::{name}"), 1, *words))
}

fn is_refused(name: &str, words: &str) {
    let fault = name.trim_start_matches("a_guest_that_").replace('_', "-");
    let guest = format!("{}/{fault}.wasm", janitor_tests::HOSTILE);
    let folder = tempfile::tempdir().unwrap();
    let run = run(composer(folder.path()).arg(guest));
    assert_eq!(run.exit, 1, "{run:?}");
    let why = format!(
        "janitor-compose: it imports interfaces that a guest behind the gate does not get: {words}"
    );
    assert!(run.stderr.contains(&why), "{}", run.stderr);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is written");
}

/// Creates the command that composes into a folder.
fn composer(folder: &Path) -> Command {
    let mut compose = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    compose.args(["run", "--quiet", "--locked", "--package", "janitor-compose"]);
    compose.current_dir(tests("..")).arg("--").arg(folder);
    compose
}

fn compose(name: &str, guest: Option<&str>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("composed").join(name);
    assert!(
        composer(&folder).args(guest).status().unwrap().success(),
        "the components cannot be composed"
    );
    folder
}
