//! The components that are made of a guest, as they are published: folders of them, each
//! made once for all tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use libtest_mimic::Trial;

use crate::command::{run, tests};
use crate::trial;

/// Those of janitor's own guest.
pub static JANITOR: LazyLock<PathBuf> = LazyLock::new(|| compose("janitor", None));

/// Those of a hostile guest.
pub static MISBEHAVING: LazyLock<PathBuf> = LazyLock::new(|| {
    let guest = "target/component/janitor-misbehaving.wasm";
    compose("misbehaving", Some(guest))
});

/// What a guest of `hostile/` would do with what a runtime has, were it composed, and why
/// it is not.
const REFUSED: &[(&str, &str)] = &[
    ("reads the environment", "wasi:cli/environment 0.2.0 (unknown)"),
    ("ends the process", "wasi:cli/exit 0.2.0 (unknown)"),
    (
        "floods standard error",
        "wasi:io/error 0.2.0 (unknown); wasi:io/streams 0.2.0 (unknown); \
         wasi:cli/stderr 0.2.0 (unknown)",
    ),
    ("asks for a socket", "wasi:sockets/tcp 0.2.6 (unknown)"),
    ("wants another contract", "janitor:cleanup/http 0.9.0 (expected 0.1.0)"),
    ("offers another contract", "janitor:cleanup/cleanup 0.1.0 (unknown)"),
];

fn name(deed: &str) -> String {
    format!("composed::a_guest_that_{}", deed.replace(' ', "_"))
}

/// Each refused guest's test, the exit code of what composes, and the words.
pub fn rows() -> impl Iterator<Item = (String, u8, &'static str)> {
    REFUSED.iter().map(|(deed, words)| (name(deed), 1, *words))
}

pub fn trials() -> Vec<Trial> {
    REFUSED.iter().map(|(deed, words)| trial(name(deed), || is_refused(deed, words))).collect()
}

fn is_refused(deed: &str, words: &str) {
    let guest = format!("{}/{}.wasm", janitor_tests::HOSTILE, deed.replace(' ', "-"));
    let folder = tempfile::tempdir().unwrap();
    let run = run(composer(folder.path()).arg(guest));
    assert_eq!(run.exit, 1, "{run:?}");
    let why = format!(
        "janitor-compose: it imports interfaces that a guest behind the gate does not get: {words}"
    );
    assert!(run.stderr.contains(&why), "{}", run.stderr);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "nothing is written");
}

/// What composes, into a folder.
fn composer(folder: &Path) -> Command {
    let mut compose = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
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
