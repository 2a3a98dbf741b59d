//! A stock wasmtime, and the components that run on it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::{program, tests};
use crate::composed;

/// The variable that names the wasmtime.
const VARIABLE: &str = "JANITOR_TEST_WASMTIME";

/// The path of wasmtime: the variable's value, or the one that `wasmtime.sh` installs.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os(VARIABLE) {
    Some(program) => program.into(),
    None => tests("../target/embedders/wasmtime"),
});

/// A component, compiled once for all tests.
pub type Compiled = LazyLock<PathBuf>;

/// The compiled command.
pub static COMMAND: Compiled = LazyLock::new(|| compile(&composed::JANITOR, "janitor-command"));

/// The compiled service.
pub static SERVICE: Compiled = LazyLock::new(|| compile(&composed::JANITOR, "janitor-service"));

/// The compiled command with a hostile guest.
pub static MISBEHAVING: Compiled =
    LazyLock::new(|| compile(&composed::MISBEHAVING, "janitor-command"));

/// An installed stock wasmtime.
#[derive(Clone, Copy)]
pub struct Wasmtime(());

impl Wasmtime {
    /// Finds an installed wasmtime.
    ///
    /// # Errors
    /// Fails, with the reason, if none is installed.
    pub fn find() -> Result<Self, String> {
        match PROGRAM.exists() {
            true => Ok(Self(())),
            false => Err(format!(
                "there is no stock wasmtime: tests/embedders/wasmtime.sh installs one, or \
                 {VARIABLE} names one"
            )),
        }
    }

    /// Creates a command that runs wasmtime itself, in an empty environment.
    pub fn plain(self) -> Command {
        wasmtime()
    }

    /// Creates a command that runs the janitor command, with just this environment.
    pub fn command(self, environment: &[(&str, &str)]) -> Command {
        self.run(&COMMAND, environment)
    }

    /// Creates a command that runs a component, with just this environment.
    pub fn run(self, component: &Compiled, environment: &[(&str, &str)]) -> Command {
        let mut command = started(&["run", "-S", "http", "-S", "inherit-env"], component);
        command.envs(environment.iter().copied());
        command
    }

    /// Creates a command that runs the service on a free port of loopback, with these additional
    /// options and with just this environment.
    pub fn serve(self, options: &[&str], environment: &[(&str, &str)]) -> Command {
        let how = ["serve", "-S", "cli", "-S", "inherit-env", "--addr", "127.0.0.1:0"];
        let mut command = started(&[&how, options].concat(), &SERVICE);
        command.envs(environment.iter().copied());
        command
    }
}

fn started(how: &[&str], component: &Compiled) -> Command {
    let mut command = wasmtime();
    command.args(how).arg("--allow-precompiled").arg(&**component);
    command
}

fn wasmtime() -> Command {
    let mut command = program(&*PROGRAM);
    command.env_clear();
    command
}

fn compile(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name).with_extension("wasm");
    let compiled = file.with_extension("cwasm");
    let mut command = wasmtime();
    let status = command.arg("compile").arg(&file).arg("-o").arg(&compiled).status().unwrap();
    assert!(status.success(), "{name} does not compile");
    compiled
}
