//! Tests of runs that wait for real masters.

use std::sync::Arc;
use std::thread;

use super::cases::exhibitor;
use super::framework::Framework;
use super::gate::Gate;
use super::master::{Master, clean, free_port, is_since, until};

pub fn an_agent_that_is_waited_for(command: &str) {
    let leader = Master::start(command, 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let environment = [("LAB_LEADER", leader.address()), ("LAB_DIR", folder), ("LAB_KEEP", "1")];
    let port = free_port();
    let other = Master::start_at(port, command, 1, &environment);
    leader.wait_for_agents(2, 0);
    for agent in leader.agents() {
        leader.fill_for_good(&agent, "kafka-role", "kafka-principal");
    }
    drop(other);
    leader.wait_for_agents(1, 1);
    let (exhibitor, arguments) = exhibitor();
    let holding = || leader.reserved().values().filter(|it| it["kafka-role"].is_array()).count();
    let (run, _other) = thread::scope(|scope| {
        let run = scope.spawn(|| leader.clean(&format!("{arguments} --wait 5m")));
        until("the connected agent is not cleaned", || holding() == 1);
        let other = Master::start_at(port, command, 1, &environment);
        (run.join().unwrap(), other)
    });
    assert_eq!(run.exit, 0, "{}", run.stdout);
    // Before 1.6, the agent may come back while the run waits for its next ping in any case.
    let is_waiting = run.stdout.contains("Waiting up to 300 s in all: 1 agent(s)");
    assert!(is_waiting || !is_since(command, 6), "{}", run.stdout);
    assert!(run.stdout.contains("Repeating the phases: slave(s)"), "{}", run.stdout);
    assert!(!leader.has("kafka-role"));
    assert!(!exhibitor.requests().is_empty());
}

pub fn a_framework_that_is_waited_for(command: &str) {
    let master = Arc::new(Master::start(command, 1, &[]));
    master.fill(&master.agents()[0], "kafka-role", "kafka-principal");
    let framework = Framework::register(&master, "kafka", "kafka-role");
    // The list that has the framework was read before.
    let gate = Gate::before("GET /master/roles", &master, {
        let master = master.clone();
        move || master.teardown(&framework)
    });
    let run = clean(gate.url(), "-r kafka-role --wait 5m");
    assert_eq!(run.exit, 0, "{}", run.stdout);
    assert!(run.stdout.contains("1 framework(s) still use role 'kafka-role'"), "{}", run.stdout);
    assert!(!master.has("kafka-role"));
}
