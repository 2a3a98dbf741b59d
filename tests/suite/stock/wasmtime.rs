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

/// The paths of the oldest and of the newest wasmtime that the guide names.
static ENDS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    ["oldest", "newest"].map(|it| tests(&format!("../target/embedders/wasmtime-{it}")))
});

/// The file name of the service.
pub const SERVICE_FILE: &str = "janitor-service.wasm";

/// A component, compiled once for all tests.
pub type Compiled = LazyLock<PathBuf>;

/// The compiled command.
pub static COMMAND: Compiled =
    LazyLock::new(|| compile_for_all(&composed::JANITOR, "janitor-command"));

/// The compiled service.
pub static SERVICE: Compiled =
    LazyLock::new(|| compile_for_all(&composed::JANITOR, "janitor-service"));

/// The compiled command with a hostile guest.
pub static MISBEHAVING: Compiled =
    LazyLock::new(|| compile_for_all(&composed::MISBEHAVING, "janitor-command"));

/// An installed stock wasmtime.
#[derive(Clone, Copy)]
pub struct Wasmtime(&'static Path);

impl Wasmtime {
    /// Finds an installed wasmtime.
    ///
    /// # Errors
    /// Fails, with the reason, if none is installed.
    pub fn find() -> Result<Self, String> {
        Self::at(&PROGRAM)
    }

    /// Finds the oldest and the newest wasmtime that the guide names.
    ///
    /// # Errors
    /// Fails, with the reason, if one of them is not installed.
    pub fn ends() -> Result<[Self; 2], String> {
        let [oldest, newest] = &*ENDS;
        Ok([Self::at(oldest)?, Self::at(newest)?])
    }

    fn at(program: &'static Path) -> Result<Self, String> {
        match program.exists() {
            true => Ok(Self(program)),
            false => Err(format!(
                "there is no stock wasmtime at {}: tests/embedders/wasmtime.sh installs one, or \
                 {VARIABLE} names one",
                program.display()
            )),
        }
    }

    /// Creates a command that runs wasmtime itself, in an empty environment.
    pub fn plain(self) -> Command {
        wasmtime(self.0)
    }

    /// Creates a command that runs the janitor command, which this wasmtime compiles first.
    pub fn command_file(self) -> Command {
        let mut command = self.plain();
        command.args(["run", "-S", "http"]).arg(composed::JANITOR.join("janitor-command.wasm"));
        command
    }

    /// Compiles a component for this wasmtime into a folder.
    pub fn compiled(self, name: &str, folder: &Path) -> PathBuf {
        let compiled = folder.join(name).with_extension("cwasm");
        compile(self.0, &composed::JANITOR.join(name), &compiled);
        compiled
    }

    /// Creates a command that runs a compiled service on a free port of loopback.
    pub fn serve_file(self, compiled: &Path, environment: &[(&str, &str)]) -> Command {
        let mut command = self.plain();
        command.args(SERVE).arg("--allow-precompiled").arg(compiled);
        command.envs(environment.iter().copied());
        command
    }

    /// Creates a command that runs the janitor command, with just this environment.
    pub fn command(self, environment: &[(&str, &str)]) -> Command {
        self.run(&COMMAND, environment)
    }

    /// Creates a command that runs a component, with just this environment.
    pub fn run(self, component: &Compiled, environment: &[(&str, &str)]) -> Command {
        let mut command = self.started(&["run", "-S", "http", "-S", "inherit-env"], component);
        command.envs(environment.iter().copied());
        command
    }

    /// Creates a command that runs the service on a free port of loopback, with these additional
    /// options and with just this environment.
    pub fn serve(self, options: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = self.started(&[&SERVE, options].concat(), &SERVICE);
        command.envs(environment.iter().copied());
        command
    }

    fn started(self, how: &[&str], component: &Compiled) -> Command {
        let mut command = self.plain();
        command.args(how).arg("--allow-precompiled").arg(&**component);
        command
    }
}

/// The arguments with which the service runs on a free port of loopback.
const SERVE: [&str; 7] = ["serve", "-S", "cli", "-S", "inherit-env", "--addr", "127.0.0.1:0"];

fn wasmtime(path: &Path) -> Command {
    let mut command = program(path);
    command.env_clear();
    command
}

fn compile_for_all(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name).with_extension("wasm");
    let compiled = file.with_extension("cwasm");
    compile(&PROGRAM, &file, &compiled);
    compiled
}

fn compile(wasmtime_path: &Path, file: &Path, compiled: &Path) {
    let mut command = wasmtime(wasmtime_path);
    let status = command.arg("compile").arg(file).arg("-o").arg(compiled).status().unwrap();
    assert!(status.success(), "{} does not compile", file.display());
}
