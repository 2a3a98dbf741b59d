//! Runs the binary that is tested.

use std::env;
use std::ffi::{OsStr, c_int};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use janitor_host::{Endpoints, Network, NetworkBuilder};
use janitor_tests::{Cluster, Recorded, State};

/// The output and the exit code of the binary.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
    /// The exit code.
    pub exit: i32,
}

/// Creates a command that does not inherit how the tests were started: neither a proxy, through
/// which it would look for the tests' servers, nor an ignored signal, such as SIGINT in a process
/// that a script runs in the background, and SIGHUP under `nohup`.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    LazyLock::force(&NO_SIGNAL_IS_IGNORED);
    let mut command = Command::new(name);
    for (variable, _) in env::vars_os() {
        if variable.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(variable);
        }
    }
    command
}

/// Has the tests handle the signals that they ignored before, by doing nothing. A program that is started ignores
/// the same signals, but inherits no handler. To set that in the program itself, before it is executed, would take
/// a copy of the tests' memory map for each one.
#[allow(unsafe_code)]
static NO_SIGNAL_IS_IGNORED: LazyLock<()> = LazyLock::new(|| {
    extern "C" fn do_nothing(_: c_int) {}
    let handler: extern "C" fn(c_int) = do_nothing;
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        // SAFETY: a handler that does nothing can interrupt anything, and what replaces it was there before.
        unsafe {
            let before = libc::signal(signal, handler as libc::sighandler_t);
            if before != libc::SIG_IGN {
                libc::signal(signal, before);
            }
        }
    }
});

/// Creates a command that runs the binary, in an environment of its own.
pub fn janitor() -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_janitor"));
    command.env_clear();
    command
}

/// Creates the library's network with these servers, without a proxy.
pub fn network(endpoints: Endpoints) -> NetworkBuilder {
    Network::builder(endpoints).no_proxy()
}

/// Creates a client for the tests, which accepts every status as an answer, and uses no proxy.
pub fn client() -> ureq::Agent {
    ureq::config::Config::builder().http_status_as_error(false).proxy(None).build().into()
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    Run {
        stdout: String::from_utf8(stdout).expect("output is UTF-8"),
        stderr: String::from_utf8(stderr).expect("output is UTF-8"),
        exit: status.code().expect("the command exits by itself"),
    }
}

/// Leaves out the lines that show the way to each server: other runs, and replays, take another one.
pub fn without_ways(run: Run) -> Run {
    let is_kept = |line: &&str| !line.contains(" is reached through the proxy ");
    let stderr = run.stderr.split_inclusive('\n').filter(is_kept).collect();
    Run { stderr, ..run }
}

/// Creates a command that replays a recording.
pub fn replay(recording: &Path) -> Command {
    let mut command = janitor();
    command.arg("replay").arg(recording);
    command
}

/// Reads the initial state of the cluster of a scenario folder.
pub fn scenario(name: &str) -> State {
    let file = tests(&format!("scenarios/{name}/cluster.json"));
    let json = std::fs::read(&file).expect("a scenario");
    serde_json::from_slice(&json).expect("a cluster")
}

/// Creates a command that runs on a cluster.
pub fn on(cluster: &Cluster, line: &str) -> Command {
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url());
    command.args(shell_words::split(line).expect("a command line"));
    command
}

/// Removes what differs each time from the documents and events of a run: when it ran, how long it
/// took, and the versions.
pub fn timeless(text: &str) -> String {
    let varies =
        [r#"  "start": "#, r#"  "seconds": "#, r#"    "janitor": "#, r#"    "component": "#];
    let lines =
        text.split_inclusive('\n').filter(|line| !varies.iter().any(|it| line.starts_with(it)));
    let without_time = |line: &str| match line.rsplit_once(r#","time":""#) {
        Some((event, _)) if line.starts_with('{') => format!("{event}}}\n"),
        _ => line.to_owned(),
    };
    lines.map(without_time).collect()
}

/// Returns the requests so far that should change something.
pub fn changes(cluster: &Cluster) -> Vec<String> {
    let requests = cluster.requests().into_iter();
    // Calls that only read the master's v1 API are sent by POST as well.
    let looks = |it: &Recorded| it.method == "GET" || it.body.starts_with(r#"{"type":"GET_"#);
    let changes = requests.filter(|request| !looks(request));
    changes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// Returns a run's complaints, except that Mesos before 1.0 keeps the files.
pub fn complaints(run: &Run) -> Vec<&str> {
    run.stderr.lines().filter(|line| !line.contains("Mesos before 1.0 does not delete")).collect()
}

/// Returns the path of a file or folder in `tests/`.
pub fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(path)
}

/// Returns the files in `tests/recordings`.
pub fn recordings() -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(tests("recordings"))
        .expect("there are recordings")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "har"))
}
