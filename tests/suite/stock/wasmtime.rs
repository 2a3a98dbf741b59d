//! A stock wasmtime, and the components that run on it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::tests;

/// Which wasmtime it is.
const VARIABLE: &str = "JANITOR_TEST_WASMTIME";

/// Where it is otherwise.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os(VARIABLE) {
    Some(program) => program.into(),
    None => tests("../target/embedders/wasmtime"),
});

/// The components.
static JANITOR: LazyLock<PathBuf> = LazyLock::new(|| compose("janitor", None));

/// The same of a hostile guest.
static HOSTILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let guest = "target/component/wasm32-wasip2/component/janitor_misbehaving.wasm";
    compose("misbehaving", Some(guest))
});

/// A component, compiled once for all tests.
pub type Compiled = LazyLock<PathBuf>;

/// The command.
pub static COMMAND: Compiled = LazyLock::new(|| compile(&JANITOR, "janitor-command"));

/// The service.
pub static SERVICE: Compiled = LazyLock::new(|| compile(&JANITOR, "janitor-service"));

/// The command with a hostile guest.
pub static MISBEHAVING: Compiled = LazyLock::new(|| compile(&HOSTILE, "janitor-command"));

/// A stock wasmtime that is there.
#[derive(Clone, Copy)]
pub struct Wasmtime(());

impl Wasmtime {
    /// Looks for it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find() -> Result<Self, String> {
        match PROGRAM.exists() {
            true => Ok(Self(())),
            false => Err(format!(
                "there is no stock wasmtime: tests/embedders/wasmtime.sh installs one, or \
                 {VARIABLE} names one"
            )),
        }
    }

    /// The janitor command in a stock runtime, with just this environment.
    pub fn command(self, environment: &[(&str, &str)]) -> Command {
        self.run(&COMMAND, environment)
    }

    /// A command in a stock runtime, with just this environment.
    pub fn run(self, component: &Compiled, environment: &[(&str, &str)]) -> Command {
        started(&["run", "-S", "http"], component, environment)
    }

    /// The service in a stock runtime, on a free port of loopback, with just this
    /// environment.
    pub fn serve(self, environment: &[(&str, &str)]) -> Command {
        started(&["serve", "-S", "cli", "--addr", "127.0.0.1:0"], &SERVICE, environment)
    }
}

fn started(how: &[&str], component: &Compiled, environment: &[(&str, &str)]) -> Command {
    let mut command = wasmtime();
    command.args(how).arg("--allow-precompiled");
    command.args(environment.iter().map(|(name, value)| format!("--env={name}={value}")));
    command.arg(&**component);
    command
}

fn wasmtime() -> Command {
    let mut command = Command::new(&*PROGRAM);
    command.env_clear();
    command
}

/// Composes the components, of another guest if there is one; returns their folder.
fn compose(name: &str, guest: Option<&str>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stock").join(name);
    let mut compose = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    compose.args(["run", "--quiet", "--locked", "--package", "janitor-compose"]);
    compose.current_dir(tests("..")).arg("--").arg(&folder).args(guest);
    assert!(compose.status().unwrap().success(), "the components cannot be composed");
    folder
}

fn compile(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name).with_extension("wasm");
    let compiled = file.with_extension("cwasm");
    let mut command = wasmtime();
    let status = command.arg("compile").arg(&file).arg("-o").arg(&compiled).status().unwrap();
    assert!(status.success(), "{name} does not compile");
    compiled
}
