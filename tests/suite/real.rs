//! Against real Mesos masters. `JANITOR_TEST_MESOS` holds the commands that start
//! them, with `;` between them. Each gets two more arguments, the number of agents
//! and the port, serves on 127.0.0.1 in the foreground, and prints a line that
//! begins with `READY` when it does. The last word of a command names its tests:
//! the version.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::command::{janitor, replay, run};
use crate::{skipped, trial};

const VARIABLE: &str = "JANITOR_TEST_MESOS";

pub fn trials() -> Vec<Trial> {
    let name = "real::a_role_on_two_of_three_agents";
    let Ok(commands) = std::env::var(VARIABLE) else {
        return vec![skipped(name, &format!("{VARIABLE} is not set"))];
    };
    let commands = commands.split(';').map(str::trim).map(str::to_owned);
    commands
        .map(|command| {
            let version = command.split_whitespace().next_back().unwrap_or_default().to_owned();
            let name = format!("{name}_of_{version}");
            trial(name, move || a_role_on_two_of_three_agents(&command, &version))
        })
        .collect()
}

fn a_role_on_two_of_three_agents(command: &str, version: &str) {
    let master = Master::start(command, 3);
    let ids: Vec<_> = master.reserved().into_keys().collect();
    for id in &ids[..2] {
        master.reserve(id, "janitor-role", "janitor-principal");
        master.create_volume(id, "janitor-role", "janitor-principal");
    }
    for id in &ids[1..] {
        master.reserve(id, "other-role", "other-principal");
        master.create_volume(id, "other-role", "other-principal");
    }
    let before = master.reserved();
    assert!(before[&ids[0]]["janitor-role"].is_array(), "{before:#?}");
    assert!(before[&ids[1]]["janitor-role"].is_array(), "{before:#?}");

    // It stays there, to be looked at.
    let recording = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mesos-{version}.har"));
    let mut command = janitor();
    command.args(["-r", "janitor-role", "-p", "janitor-principal", "-m", &master.url]);
    let live = run(command.arg("--record").arg(&recording));
    println!("{}", live.stdout);
    assert_eq!((live.exit, live.stderr.as_str()), (0, ""), "{}", live.stdout);

    let mut expected = before;
    for roles in expected.values_mut() {
        roles.as_object_mut().unwrap().remove("janitor-role");
    }
    assert_eq!(master.reserved(), expected, "the role is gone, the others are as they were");

    drop(master);
    for again in [run(&mut replay(&recording)), run(&mut replay(&recording))] {
        assert_eq!(again, live);
    }
    let again = run(janitor().args(["-r", "janitor-role", "-m", "http://127.0.0.1:1/"]));
    assert_eq!(again.exit, 5, "the master is gone, and a replay does not need it");
}

/// A real master with its agents; killed when dropped.
struct Master {
    process: Child,
    url: String,
}

impl Master {
    fn start(command: &str, agents: u32) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let words = shell_words::split(command).expect("a command line");
        let mut process = Command::new(&words[0])
            .args(&words[1..])
            .args([agents.to_string(), free.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.starts_with("READY"));
        println!("{}", ready.unwrap_or_else(|| panic!("{command}: no READY line")));
        Self { process, url: format!("http://127.0.0.1:{free}/master/") }
    }

    /// Each agent's `reserved_resources_full`, by agent id. The order of a role's
    /// resources means nothing, and changes when another role's are released.
    fn reserved(&self) -> BTreeMap<String, Value> {
        let mut body = ureq::get(format!("{}slaves", self.url)).call().unwrap().into_body();
        let list: Value = serde_json::from_str(&body.read_to_string().unwrap()).unwrap();
        let agents = list["slaves"].as_array().unwrap().iter();
        agents
            .map(|agent| {
                let mut reserved = agent["reserved_resources_full"].clone();
                for resources in reserved.as_object_mut().unwrap().values_mut() {
                    resources.as_array_mut().unwrap().sort_by_key(Value::to_string);
                }
                (agent["id"].as_str().unwrap().into(), reserved)
            })
            .collect()
    }

    fn reserve(&self, agent: &str, role: &str, principal: &str) {
        let reservation = json!({ "principal": principal });
        let scalar = |name: &str, value: f64| {
            json!({ "name": name, "type": "SCALAR", "scalar": { "value": value },
                "role": role, "reservation": reservation })
        };
        let resources = json!([scalar("cpus", 1.0), scalar("mem", 128.0), scalar("disk", 256.0)]);
        self.post("reserve", agent, "resources", &resources);
    }

    fn create_volume(&self, agent: &str, role: &str, principal: &str) {
        let volume = json!([{
            "name": "disk", "type": "SCALAR", "scalar": { "value": 64.0 },
            "role": role, "reservation": { "principal": principal },
            "disk": {
                "persistence": { "id": format!("{role}-volume"), "principal": principal },
                "volume": { "mode": "RW", "container_path": "data" },
            },
        }]);
        self.post("create-volumes", agent, "volumes", &volume);
    }

    fn post(&self, path: &str, agent: &str, field: &str, list: &Value) {
        let list = list.to_string();
        let response = ureq::post(format!("{}{path}", self.url))
            .send_form([("slaveId", agent), (field, list.as_str())]);
        assert_eq!(response.unwrap().status(), 202, "{path}");
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
