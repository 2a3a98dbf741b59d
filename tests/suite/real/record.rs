//! Makes the recordings of real masters in `tests/recordings` again when the component sends other
//! requests than before: `cargo test --test suite -- --ignored is_recorded`, with the commands that
//! start the masters in the environment. `BLESS=1` then writes the files beside them; review all of
//! it before you commit it.

use super::framework::Framework;
use super::master::Master;
use super::version;
use crate::command::{janitor, run, tests};

/// The version for which a plan and an inventory are recorded too.
const NEWEST: &str = "1.11.0";

pub fn record(command: &str) {
    const TARGET: [&str; 4] = ["-r", "kafka-role", "-p", "kafka-principal"];
    let version = version(command);
    let (master, _) = Master::with_two_roles(command);
    let into = |name: &str, arguments: &[&str]| {
        let file = tests("recordings").join(format!("mesos-{version}-{name}.har"));
        let mut command = janitor();
        command.args(arguments).args(["-m", &master.url(), "--record"]);
        run(command.arg(file)).exit
    };
    let framework = Framework::register(&master, "kafka", "kafka-role");
    assert_eq!(into("role-in-use", &TARGET), 7);
    master.teardown(&framework);
    drop(framework);
    if version == NEWEST {
        // No server listens at this address.
        let exhibitor = ["-e", "http://127.0.0.1:9/"];
        let plan = [&["plan"], &TARGET[..], &["-z", "dcos-service-kafka"], &exhibitor].concat();
        assert_eq!(into("plan", &plan), 0);
        assert_eq!(into("discover", &[&["discover"], &exhibitor[..]].concat()), 0);
    }
    if version == NEWEST {
        several(command);
    }
    let agent = &master.agents()[0];
    let mut framework = Framework::register(&master, "kafka", "kafka-role");
    let holder =
        master.agents().into_iter().find(|it| master.reserved()[it].get("kafka-role").is_some());
    let holder = holder.unwrap_or_else(|| agent.clone());
    let task = framework.run_task(&holder, &master.agent_url(&holder));
    assert_eq!(into("volume-in-use", &[&TARGET[..], &["--force"]].concat()), 5);
    drop(task);
    master.teardown(&framework);
    drop(framework);
    let (master, _) = Master::with_two_roles(command);
    let file = tests("recordings").join(format!("mesos-{version}-clean.har"));
    let mut command = janitor();
    command.args(TARGET).args(["-m", &master.url(), "--record"]);
    assert_eq!(run(command.arg(file)).exit, 0);
}

/// Records a cleanup of two roles of which one is in use.
fn several(command: &str) {
    let (master, _) = Master::with_two_roles(command);
    let _framework = Framework::register(&master, "other", "other-role");
    let folder = tempfile::tempdir().unwrap();
    let services = folder.path().join("services.toml");
    let list = "services = [{ role = 'kafka-role' }, { role = 'other-role' }]";
    std::fs::write(&services, list).unwrap();
    let file = tests("recordings").join(format!("mesos-{}-several.har", version(command)));
    let mut clean = janitor();
    clean.arg("--services").arg(services).args(["-m", &master.url(), "--record"]);
    assert_eq!(run(clean.arg(file)).exit, 7);
}
