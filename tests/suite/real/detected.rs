//! The case of masters that are found in a real ZooKeeper.

use std::thread;
use std::time::Duration;

use super::master::{Master, clean};
use crate::detection::register;
use crate::needs::needed;
use crate::zookeeper::server::{self, Server};

/// A master that does not lead is registered first. While it redirects, the leading one takes its
/// place. The masters themselves cannot use ZooKeeper here, so the test registers them.
pub fn a_master_in_zookeeper(command: &str) {
    let Some(zookeeper) = &needed(crate::zookeeper::command()) else { return };
    let (leader, expected) = Master::with_two_roles(command);
    let other = Master::start(command, 1, &[("LAB_LEADER", leader.address())]);
    leader.wait_for_agents(4, 0);
    let mut expected = expected;
    for (agent, reserved) in leader.reserved() {
        // The agent of the other master has nothing.
        expected.entry(agent).or_insert(reserved);
    }
    let server = Server::start(zookeeper);
    server.create(&["/mesos"]);
    let url = format!("{}mesos", server.url());
    let first = register(&server, &other.url(), &server::anyone());
    let second = register(&server, &leader.url(), &server::anyone());
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(1));
            first.leave(&server);
        });
        clean(&url, "-r kafka-role -p kafka-principal")
    });
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert_eq!(leader.reserved(), expected, "the role is gone, the others are as they were");
    second.leave(&server);
}
