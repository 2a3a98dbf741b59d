//! A cleaner that is killed at each request of a run in turn: the next run finishes what it began.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::{Cluster, Stall};

use crate::command::{janitor, run, scenario, tests};

cases! {
    STALLS: Stall => killed;

    before_0: Stall::Before(0),
    after_0: Stall::After(0),
    before_1: Stall::Before(1),
    after_1: Stall::After(1),
    before_2: Stall::Before(2),
    after_2: Stall::After(2),
    before_3: Stall::Before(3),
    after_3: Stall::After(3),
    before_4: Stall::Before(4),
    after_4: Stall::After(4),
    before_5: Stall::Before(5),
    after_5: Stall::After(5),
    before_6: Stall::Before(6),
    after_6: Stall::After(6),
    before_7: Stall::Before(7),
    after_7: Stall::After(7),
    before_8: Stall::Before(8),
    after_8: Stall::After(8),
    before_9: Stall::Before(9),
    after_9: Stall::After(9),
    before_10: Stall::Before(10),
    after_10: Stall::After(10),
    before_11: Stall::Before(11),
    after_11: Stall::After(11),
    before_12: Stall::Before(12),
    after_12: Stall::After(12),
    before_13: Stall::Before(13),
    after_13: Stall::After(13),
    before_14: Stall::Before(14),
    after_14: Stall::After(14),
    before_15: Stall::Before(15),
    after_15: Stall::After(15),
    before_16: Stall::Before(16),
    after_16: Stall::After(16),
    before_17: Stall::Before(17),
    after_17: Stall::After(17),
    before_18: Stall::Before(18),
    after_18: Stall::After(18),
    before_19: Stall::Before(19),
    after_19: Stall::After(19),
    before_20: Stall::Before(20),
    after_20: Stall::After(20),
    before_21: Stall::Before(21),
    after_21: Stall::After(21),
    before_22: Stall::Before(22),
    after_22: Stall::After(22),
    before_23: Stall::Before(23),
    after_23: Stall::After(23),
    before_24: Stall::Before(24),
    after_24: Stall::After(24),
}

fn cluster() -> Cluster {
    Cluster::start(scenario("the-sample-result"))
}

/// Creates the sample's command. Each run behaves as one that Marathon has just started.
fn command(cluster: &Cluster) -> Command {
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url()).env("MARATHON_APP_ID", "/janitor");
    command.args(["-r", "cassandra_role", "-p", "cassandra_principal", "-z", "cassandra"]);
    command
}

/// The run has no more requests at which it could be killed.
#[test]
fn the_requests_are_those_of_the_sample() {
    let cluster = cluster();
    assert_eq!(run(&mut command(&cluster)).exit, 0);
    let requests = fs::read_to_string(tests("scenarios/the-sample-result/requests")).unwrap();
    assert_eq!(cluster.requests().len(), requests.lines().count());
    assert_eq!(STALLS.len(), 2 * requests.lines().count());
}

fn killed(_: &str, stall: Stall) {
    let uninterrupted = cluster();
    assert_eq!(run(&mut command(&uninterrupted)).exit, 0);

    let cluster = cluster();
    cluster.stall(Some(stall));
    let mut first = command(&cluster).stdout(Stdio::null()).spawn().unwrap();
    let (Stall::Before(number) | Stall::After(number)) = stall else { panic!("{stall:?}") };
    let patience = Instant::now();
    while cluster.requests().len() <= number {
        assert!(patience.elapsed() < Duration::from_secs(60), "request {number} does not come");
        sleep(Duration::from_millis(1));
    }
    first.kill().unwrap();
    assert!(!first.wait().unwrap().success());

    cluster.stall(None);
    let second = run(&mut command(&cluster));
    assert_eq!(second.exit, 0, "{}", second.stdout);
    assert_eq!(cluster.state(), uninterrupted.state());
}
