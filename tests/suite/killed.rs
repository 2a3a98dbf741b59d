//! A cleaner that is killed, at every request of a run: the next run finishes
//! what it began.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, iter};

use janitor_tests::{Cluster, Stall};
use libtest_mimic::Trial;

use crate::command::{janitor, run, scenario, tests};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let requests = fs::read_to_string(tests("scenarios/the-sample-result/requests")).unwrap();
    let numbers = 0..requests.lines().count();
    let stalls = numbers.flat_map(|number| [Stall::Before(number), Stall::After(number)]);
    iter::once(trial("killed::the_requests_are_those_of_the_sample", the_requests_are_the_samples))
        .chain(stalls.map(|stall| {
            let name = format!("killed::{stall:?}").replace('(', "_").replace(')', "");
            trial(name.to_lowercase(), move || killed(stall))
        }))
        .collect()
}

fn cluster() -> Cluster {
    Cluster::start(scenario("the-sample-result"))
}

/// The sample's command. Each run is one that Marathon has just started.
fn command(cluster: &Cluster) -> Command {
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url()).env("MARATHON_APP_ID", "/janitor");
    command.args(["-r", "cassandra_role", "-p", "cassandra_principal", "-z", "cassandra"]);
    command
}

fn the_requests_are_the_samples() {
    let cluster = cluster();
    assert_eq!(run(&mut command(&cluster)).exit, 0);
    let requests = fs::read_to_string(tests("scenarios/the-sample-result/requests")).unwrap();
    assert_eq!(cluster.requests().len(), requests.lines().count());
}

fn killed(stall: Stall) {
    let uninterrupted = cluster();
    assert_eq!(run(&mut command(&uninterrupted)).exit, 0);

    let cluster = cluster();
    cluster.stall(Some(stall));
    let mut first = command(&cluster).stdout(Stdio::null()).spawn().unwrap();
    let (Stall::Before(number) | Stall::After(number)) = stall;
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
