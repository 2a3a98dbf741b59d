//! The cases of a part of a role: by labels, by a framework, and by agents.

use serde_json::{Value, json};

use super::framework::Framework;
use super::master::{Master, cpus, disk, reserved_for, volume, with};
use crate::command::{janitor, run};

const KEYS: [&str; 2] = ["framework_id", "marathon_framework_id"];

/// Returns the fields of a resource that a framework has reserved for a role.
fn reserved_by(framework: &str, key: &str) -> Value {
    let mut owner = reserved_for("dev", "a-principal");
    owner["reservation"]["labels"] = json!({"labels": [
        {"key": key, "value": framework}, {"key": "service", "value": format!("of {framework}")},
    ]});
    owner
}

/// Reserves something for a framework on an agent, and creates a volume on it.
fn fill(master: &Master, agent: &str, framework: &str, key: &str) {
    let owner = reserved_by(framework, key);
    master.reserve(agent, &[with(&cpus(0.25), &owner), with(&disk(64.0), &owner)]);
    master.create_volumes(agent, &[with(&volume(&disk(64.0), framework), &owner)]);
}

/// Starts a master on which a live framework and a dead one share a role, on two agents. It returns
/// also the dead one's id, and what will be reserved when everything of it is removed.
fn shared(command: &str, key: &str) -> (Master, Framework, String, Vec<Value>) {
    let master = Master::start(command, 2, &[]);
    let live = Framework::register(&master, "kafka", "dev");
    let dead = Framework::register(&master, "cassandra", "dev");
    master.teardown(&dead);
    let agents = master.agents();
    agents.iter().for_each(|agent| fill(&master, agent, live.id(), key));
    let expected = master.reserved().into_values().collect();
    agents.iter().for_each(|agent| fill(&master, agent, dead.id(), key));
    (master, live, dead.id().to_owned(), expected)
}

pub fn two_services_in_one_role(command: &str) {
    for key in KEYS {
        let (master, live, dead, expected) = shared(command, key);
        let before = master.reserved();
        // The whole role is in use, and so is what the live framework has reserved.
        for selected in [
            String::new(),
            format!("--framework-id {}", live.id()),
            format!("--label service='of {}'", live.id()),
            "--label service".into(),
        ] {
            let words = shell_words::split(&format!("-r dev {selected}")).unwrap();
            let run = run(janitor().args(["-m", &master.url()]).args(words));
            assert_eq!(run.exit, 7, "{selected}: {}", run.stdout);
            assert!(run.stdout.contains("still use role 'dev'"), "{selected}: {}", run.stdout);
        }
        assert_eq!(master.reserved(), before);
        let found = run(janitor().args(["discover", "dev", "-m", &master.url()]));
        let states =
            [format!("framework {} (registered)", live.id()), format!("{dead} (completed)")];
        for state in &states {
            assert!(found.stdout.contains(state), "{state}: {}", found.stdout);
        }
        let prefix = format!("To remove what framework {dead} reserved: ");
        let proposed = found.stdout.lines().find_map(|line| line.trim().strip_prefix(&prefix));
        let words = shell_words::split(proposed.unwrap()).unwrap();
        let cleaned = run(janitor().args(&words[1..]));
        assert_eq!(cleaned.exit, 0, "{}", cleaned.stdout);
        let after: Vec<_> = master.reserved().into_values().collect();
        assert_eq!(after, expected, "only the live framework's resources are left");
        let again = run(janitor().args(&words[1..]));
        assert_eq!(again.exit, 7, "{}", again.stdout);
    }
}

pub fn two_services_with_labels_of_their_own(command: &str) {
    let (master, _live, dead, expected) = shared(command, KEYS[0]);
    let url = master.url();
    let label = format!("service=of {dead}");
    let target = ["-r", "dev", "-m", &url, "--label", &label];
    let plan = run(janitor().arg("plan").args(target));
    assert!(plan.stdout.contains("(with other labels)"), "{}", plan.stdout);
    assert!(plan.stdout.contains("In total: 2 volumes and 4 resources on 2 agents"));
    assert_eq!(run(janitor().args(target)).exit, 0);
    let after: Vec<_> = master.reserved().into_values().collect();
    assert_eq!(after, expected, "only the live framework's resources are left");
}

pub fn one_of_two_agents(command: &str) {
    let master = Master::start(command, 2, &[]);
    let agents = master.agents();
    for agent in &agents {
        master.fill(agent, "kafka-role", "kafka-principal");
    }
    let before = master.reserved();
    let clean = |agent: &str| master.clean(&format!("-r kafka-role --agent {agent}"));
    let wrong = clean("no-such-agent");
    assert_eq!(wrong.exit, 7);
    assert!(wrong.stdout.contains("'no-such-agent'"), "{}", wrong.stdout);
    assert_eq!(master.reserved(), before);
    // The second run finds nothing more to do.
    for _ in 0..2 {
        let run = clean(&agents[0]);
        assert_eq!(run.exit, 0, "{}", run.stdout);
        let after = master.reserved();
        assert!(after[&agents[0]].get("kafka-role").is_none());
        assert_eq!(after[&agents[1]], before[&agents[1]]);
    }
    assert_eq!(clean(&agents[1]).exit, 0);
    assert!(!master.has("kafka-role"));
}
