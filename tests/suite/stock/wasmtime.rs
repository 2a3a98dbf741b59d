//! A stock wasmtime, and the components that run on it.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::command::tests;

/// Which wasmtime it is.
const VARIABLE: &str = "JANITOR_TEST_WASMTIME";

/// Where it is otherwise.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os(VARIABLE) {
    Some(program) => program.into(),
    None => tests("../target/embedders/wasmtime"),
});

/// Components, compiled once for all tests.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A compiled component.
pub type Compiled = LazyLock<PathBuf>;

/// The command.
pub static COMMAND: Compiled = LazyLock::new(|| compile("janitor-command", None));

/// The same with a hostile guest.
pub static MISBEHAVING: Compiled = LazyLock::new(|| {
    let guest = "target/component/wasm32-wasip2/component/janitor_misbehaving.wasm";
    compile("janitor-command", Some(guest))
});

/// The service.
pub static SERVICE: Compiled = LazyLock::new(|| compile("janitor-service", None));

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
                "no stock wasmtime: neither {VARIABLE} nor tests/embedders/wasmtime.sh has put one there"
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

/// Composes a component, of another guest if there is one, and compiles it.
fn compile(name: &str, guest: Option<&str>) -> PathBuf {
    let folder = FOLDER.path().join(if guest.is_some() { "misbehaving" } else { "janitor" });
    let mut compose = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    compose.args(["run", "--quiet", "--locked", "--package", "janitor-compose"]);
    compose.current_dir(tests("..")).arg("--").arg(&folder).args(guest);
    assert!(compose.status().unwrap().success(), "the components cannot be composed");
    let file = folder.join(name).with_extension("wasm");
    let compiled = file.with_extension("cwasm");
    let mut command = wasmtime();
    let status = command.arg("compile").arg(&file).arg("-o").arg(&compiled).status().unwrap();
    assert!(status.success(), "{name} does not compile");
    compiled
}
