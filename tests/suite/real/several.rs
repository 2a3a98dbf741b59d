//! Several targets in one run on real masters.

use super::absence::zookeeper;
use super::framework::Framework;
use super::master::{Master, cpus, reserved_for, with};
use crate::command::{janitor, replay, run};
use crate::needs::needed;
use crate::zookeeper::server::Server;

pub fn everything_that_is_orphaned(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    for agent in &agents {
        master.fill(agent, "cassandra_role", "cassandra_principal");
        master.fill(agent, "hdfs-role", "hdfs-principal");
    }
    master.fill(&agents[0], "kafka-role", "kafka-principal");
    master.reserve(&agents[1], &[with(&cpus(0.25), &reserved_for("maintenance", "ops"))]);
    let _kafka = Framework::register(&master, "kafka", "kafka-role");
    let exhibitor = zookeeper(&[
        "/cassandra",
        "/dcos-service-hdfs",
        "/dcos-service-kafka",
        "/dcos-service-old",
        "/mesos",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let servers =
        ["-m", &master.url(), "-e", &exhibitor.exhibitor_url(), "-n", "http://127.0.0.1:1/"];
    let plan = run(janitor().args(["plan", "--all-orphaned"]).args(servers));
    println!("{}", plan.stdout);
    assert!(plan.stdout.contains("Everything in total: 3 targets: 4 volumes and "), "{plan:?}");
    let mut clean = janitor();
    clean.args(["clean", "--all-orphaned", "--yes", "--record"]).arg(&recording).args(servers);
    let cleaned = run(&mut clean);
    println!("{}", cleaned.stdout);
    assert_eq!(cleaned.exit, 0, "{cleaned:?}");
    assert!(cleaned.stdout.contains("In total: 3 targets: 3 clean\n"), "{cleaned:?}");
    assert!(!master.has("cassandra_role") && !master.has("hdfs-role"));
    assert!(master.has("kafka-role") && master.has("maintenance"));
    let left = exhibitor.state().exhibitor.unwrap().znodes;
    assert_eq!(left, ["/dcos-service-kafka", "/mesos"]);
    let replayed = run(&mut replay(&recording));
    assert_eq!(replayed.exit, 0, "{replayed:?}");
    let again = run(&mut clean);
    assert!(again.stdout.contains("There is nothing orphaned to clean up."), "{again:?}");
}

pub fn orphans_with_nodes_in_zookeeper(command: &str) {
    let Some(zookeeper) = &needed(crate::zookeeper::command()) else { return };
    let master = Master::start(command, 1, &[]);
    let agents = master.agents();
    master.fill(&agents[0], "hdfs-role", "hdfs-principal");
    master.fill(&agents[0], "kafka-role", "kafka-principal");
    let _kafka = Framework::register(&master, "kafka", "kafka-role");
    let server = Server::start(zookeeper);
    server.create(&[
        "/dcos-service-hdfs",
        "/dcos-service-hdfs/a",
        "/dcos-service-kafka",
        "/dcos-service-old",
    ]);
    let servers = ["-m", &master.url(), "-e", &server.url()];
    let cleaned = run(janitor().args(["clean", "--all-orphaned", "--yes"]).args(servers));
    println!("{}", cleaned.stdout);
    assert!(cleaned.stdout.contains("In total: 2 targets: 2 clean\n"), "{cleaned:?}");
    assert!(master.has("kafka-role") && !master.has("hdfs-role"));
    let found = run(janitor().args(["discover", "-v"]).args(servers));
    assert!(found.stdout.contains("  Possible znode: dcos-service-kafka\n"), "{found:?}");
    assert!(!found.stdout.contains("dcos-service-hdfs"), "{found:?}");
    assert!(!found.stdout.contains("dcos-service-old"), "{found:?}");
}

pub fn services_of_which_one_is_in_use(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    for role in ["kafka-role", "hdfs-role"] {
        master.fill(&agents[0], role, &role.replace("role", "principal"));
    }
    let _kafka = Framework::register(&master, "kafka", "kafka-role");
    let exhibitor = zookeeper(&["/dcos-service-hdfs", "/dcos-service-kafka"]);
    let folder = tempfile::tempdir().unwrap();
    let services = folder.path().join("services.toml");
    std::fs::write(&services, "services = ['kafka', 'hdfs']").unwrap();
    let servers = ["-m", &master.url(), "-e", &exhibitor.exhibitor_url()];
    let cleaned = run(janitor().args(["clean", "--services"]).arg(&services).args(servers));
    println!("{}", cleaned.stdout);
    assert_eq!(cleaned.exit, 7, "{cleaned:?}");
    assert!(cleaned.stdout.contains("In total: 2 targets: 1 clean, 1 refused\n"), "{cleaned:?}");
    assert!(master.has("kafka-role") && !master.has("hdfs-role"));
    let left = exhibitor.state().exhibitor.unwrap().znodes;
    assert_eq!(left, ["/dcos-service-kafka"]);
}
