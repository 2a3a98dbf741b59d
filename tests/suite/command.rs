//! Runs the binary that is tested.

use std::path::Path;
use std::process::{Command, Output};

use janitor_tests::{Cluster, Recorded, State};

/// What a run of the binary left behind.
#[derive(Debug, PartialEq)]
pub struct Run {
    /// Everything it printed for the person in front of it.
    pub stdout: String,
    /// Everything it complained about.
    pub stderr: String,
    /// Its exit code.
    pub exit: i32,
}

/// The binary, in an environment of its own.
pub fn janitor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janitor"));
    command.env_clear();
    command
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

/// The binary, about to replay a recording.
pub fn replay(recording: &Path) -> Command {
    let mut command = janitor();
    command.arg("replay").arg(recording);
    command
}

/// The cluster of a scenario folder, as it is at the beginning.
pub fn scenario(name: &str) -> State {
    let file = tests(&format!("scenarios/{name}/cluster.json"));
    let json = std::fs::read(&file).expect("a scenario");
    serde_json::from_slice(&json).expect("a cluster")
}

/// The binary, about to run on a cluster.
pub fn on(cluster: &Cluster, line: &str) -> Command {
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url());
    command.args(shell_words::split(line).expect("a command line"));
    command
}

/// Which of the requests so far were to change something.
pub fn changes(cluster: &Cluster) -> Vec<String> {
    let requests = cluster.requests().into_iter();
    // The master's v1 API is asked by POST.
    let looks = |it: &Recorded| it.method == "GET" || it.body.starts_with(r#"{"type":"GET_"#);
    let changes = requests.filter(|request| !looks(request));
    changes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// What a run complains about, but that files stay where Mesos is older than 1.0.
pub fn complaints(run: &Run) -> Vec<&str> {
    run.stderr.lines().filter(|line| !line.contains("Mesos before 1.0 only forgets")).collect()
}

/// A file or folder of `tests/`.
pub fn tests(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(path)
}
