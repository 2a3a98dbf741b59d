//! The cancellation of a run by a signal.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::{Cluster, Stall, State};

use crate::command::{changes, on, program, replay, run, scenario};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

/// The number of requests of a run up to those that destroy volumes.
const LOOKS: usize = 2;

/// Starts a command, and waits until a cluster has received this many requests.
fn after(requests: usize, cluster: &Cluster, command: &mut Command) -> Child {
    after_all(requests, || cluster.requests().len(), command)
}

/// Starts a command, and waits until the number of its requests is this one.
fn after_all(requests: usize, count: impl Fn() -> usize, command: &mut Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let patience = Instant::now();
    while count() < requests {
        assert!(patience.elapsed() < Duration::from_secs(60), "{requests} requests do not come");
        sleep(Duration::from_millis(1));
    }
    child
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(program("sh").arg("-c").arg(kill).status().unwrap().success());
}

/// Waits until a signal has been understood.
fn understood(child: &mut Child) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let words = "janitor: finishing in-flight requests; press Ctrl-C again to quit now\n";
    assert_eq!(line, words);
    stderr
}

fn finished(cluster: &Cluster) -> State {
    let cluster = Cluster::start(cluster.state());
    let run = run(&mut on(&cluster, TARGET));
    assert_eq!(run.exit, 0, "{}", run.stdout);
    cluster.state()
}

#[test]
fn what_is_on_its_way_is_waited_for() {
    ends_well("INT");
}

#[test]
fn a_sigterm_is_the_same_wish() {
    ends_well("TERM");
}

#[test]
fn a_sighup_is_the_same_wish() {
    ends_well("HUP");
}

#[test]
fn a_second_one_ends_the_run_at_once() {
    ends_at_once("INT", 130);
}

#[test]
fn a_second_sigterm_does_too() {
    ends_at_once("TERM", 143);
}

#[test]
fn a_second_sighup_does_too() {
    ends_at_once("HUP", 129);
}

fn ends_well(signal: &str) {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let cluster = Cluster::start(scenario("the-sample-result"));
    cluster.stall(Some(Stall::Changes));
    let agents = ["S5", "S4", "S1"];
    let sent = || changes(&cluster).len();
    let mut command = on(&cluster, TARGET);
    let mut child = after_all(agents.len(), sent, command.arg("--record").arg(&recording));
    send(signal, &child);
    let mut stderr = understood(&mut child);
    cluster.stall(None);
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut complaints = String::new();
    stderr.read_to_string(&mut complaints).unwrap();
    assert_eq!((output.status.code(), complaints.as_str()), (Some(5), ""), "{stdout}");

    // The requests in flight have arrived, and no others.
    assert_eq!(changes(&cluster), ["POST /master/destroy-volumes"; 3]);
    for agent in agents {
        let left = format!("Left on slave 3ce447e3-2894-4c61-bd0f-be97e4d99ee9-{agent} ");
        let left = stdout.lines().find(|line| line.starts_with(&left)).unwrap_or_default();
        assert!(left.contains(": 0 volume(s), 4 resource(s)"), "{stdout}");
    }
    for line in ["Not deleted: znode 'cassandra'", &format!("Next, to continue: janitor {TARGET}")]
    {
        assert!(stdout.lines().any(|it| it == line), "{line}: {stdout}");
    }

    let again = run(&mut replay(&recording));
    assert_eq!((again.exit, again.stdout, again.stderr), (5, stdout, String::new()));
    assert_eq!(finished(&cluster), finished(&Cluster::start(scenario("the-sample-result"))));
}

/// Signals that are ignored at the start (`nohup`, `&` in a script) stay ignored.
#[test]
fn what_is_ignored_stays_ignored() {
    for signal in ["HUP", "INT", "TERM"] {
        let cluster = Cluster::start(State { latency_ms: 300, ..scenario("the-sample-result") });
        let janitor = on(&cluster, TARGET);
        let mut command = program("env");
        command.env_clear().env("http_proxy", cluster.proxy_url());
        command.arg(format!("--ignore-signal={signal}")).arg(janitor.get_program());
        let child = after(LOOKS + 1, &cluster, command.args(janitor.get_args()));
        send(signal, &child);
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {stdout}");
        assert!(stdout.contains("Cleanup completed successfully."), "{signal}: {stdout}");
    }
}

fn ends_at_once(signal: &str, code: i32) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    cluster.stall(Some(Stall::After(LOOKS)));
    let mut child = after(LOOKS + 1, &cluster, &mut on(&cluster, TARGET));
    send(signal, &child);
    let _stderr = understood(&mut child);
    assert_eq!(child.try_wait().unwrap(), None, "it waits");
    send(signal, &child);
    assert_eq!(child.wait().unwrap().code(), Some(code));
    assert_eq!(finished(&cluster), finished(&Cluster::start(scenario("the-sample-result"))));
}

#[test]
fn a_look_ends_like_any_program() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    cluster.stall(Some(Stall::Before(0)));
    for look in [format!("plan {TARGET}"), "discover".into()] {
        let before = cluster.requests().len();
        let mut child = after(before + 1, &cluster, &mut on(&cluster, &look));
        send("INT", &child);
        assert_eq!(child.wait().unwrap().signal(), Some(2), "{look}");
    }
}
