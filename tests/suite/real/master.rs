//! A real Mesos master with its agents.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

pub use janitor_tests::real::{cpus, disk, free_port, mem, reserved_for, volume, with};

use super::framework::Framework;
use crate::command::{Run, client, janitor, program, replay, run};

/// The credentials of `operator`, whose password is `secret`, for masters that require credentials.
/// The other masters ignore them.
const OPERATOR: &str = "Basic b3BlcmF0b3I6c2VjcmV0";

/// The flags of masters before 1.6: a run there takes longer than an agent may be silent, which is 75 s
/// by default.
const SHORT_PINGS: &[(&str, &str)] =
    &[("MESOS_AGENT_PING_TIMEOUT", "1secs"), ("MESOS_MAX_AGENT_PING_TIMEOUTS", "5")];

/// Returns whether a command starts this version of Mesos 1, or a later one.
pub fn is_since(command: &str, minor: u32) -> bool {
    let version = command.split_whitespace().next_back().unwrap();
    version.split('.').nth(1).unwrap().parse::<u32>().unwrap() >= minor
}

/// A running master, which is killed when it is dropped.
pub struct Master {
    process: Child,
    address: String,
    _complaints: NamedTempFile,
    _state: TempDir,
}

impl Master {
    /// Starts a master with agents, with `environment` on top of the test's own.
    pub fn start(command: &str, agents: u32, environment: &[(&str, &str)]) -> Self {
        Self::start_on(free_port, command, agents, environment)
    }

    /// Starts a master on a port that is known beforehand.
    pub fn start_at(port: u16, command: &str, agents: u32, environment: &[(&str, &str)]) -> Self {
        Self::start_on(|| port, command, agents, environment)
    }

    /// Starts a master, in up to three attempts, because another process may have taken the port.
    fn start_on(
        port: impl Fn() -> u16,
        command: &str,
        agents: u32,
        environment: &[(&str, &str)],
    ) -> Self {
        (0..3)
            .find_map(|_| Self::try_start(port(), command, agents, environment))
            .unwrap_or_else(|| panic!("{command}: no READY line"))
    }

    fn try_start(
        port: u16,
        command: &str,
        agents: u32,
        environment: &[(&str, &str)],
    ) -> Option<Self> {
        let words = shell_words::split(command).expect("a command line");
        let complaints = NamedTempFile::new().expect("a place for its standard error");
        let state = tempfile::tempdir().expect("a place for its state");
        let mut process = program(&words[0])
            .args(&words[1..])
            .args([agents.to_string(), port.to_string()])
            .env("LAB_DIR", state.path())
            .envs(if is_since(command, 6) { &[][..] } else { SHORT_PINGS }.iter().copied())
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(complaints.reopen().expect("a file"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.starts_with("READY"));
        let Some(ready) = ready else {
            let text = fs::read_to_string(complaints.path()).unwrap_or_default();
            println!("{command}, port {port}, does not start:\n{text}");
            let _ = process.wait();
            return None;
        };
        println!("{ready}");
        let address = format!("127.0.0.1:{port}");
        Some(Self { process, address, _complaints: complaints, _state: state })
    }

    /// Returns the host and the port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the URL of the operator endpoints.
    pub fn url(&self) -> String {
        format!("http://{}/master/", self.address)
    }

    /// Returns the agents' ids.
    pub fn agents(&self) -> Vec<String> {
        self.reserved().into_keys().collect()
    }

    /// Waits until the master lists these numbers of connected and disconnected
    /// agents.
    pub fn wait_for_agents(&self, connected: usize, disconnected: usize) {
        let wanted = (connected, disconnected);
        until(&format!("never {wanted:?} agents"), || {
            let list = self.slaves();
            let agents = list["slaves"].as_array().unwrap();
            let active = agents.iter().filter(|agent| agent["active"] == true).count();
            (active, agents.len() - active) == wanted
        });
    }

    /// Returns the list of agents.
    pub fn slaves(&self) -> Value {
        json_at(&format!("{}slaves", self.url()))
    }

    /// Starts a master with three agents, two of which have `kafka-role`, and two `other-role`;
    /// returns also what will be reserved when the first role is removed.
    pub fn with_two_roles(command: &str) -> (Self, BTreeMap<String, Value>) {
        let master = Self::start(command, 3, &[]);
        let agents = master.agents();
        for agent in &agents[..2] {
            master.fill(agent, "kafka-role", "kafka-principal");
        }
        for agent in &agents[1..] {
            master.fill(agent, "other-role", "other-principal");
        }
        let mut expected = master.reserved();
        for roles in expected.values_mut() {
            roles.as_object_mut().unwrap().remove("kafka-role");
        }
        (master, expected)
    }

    /// Returns each agent's `reserved_resources_full`, by agent id. The order of a role's resources
    /// means nothing, and changes when another role's are released.
    pub fn reserved(&self) -> BTreeMap<String, Value> {
        self.resources("reserved_resources_full", |reserved| {
            reserved.as_object_mut().unwrap().values_mut().for_each(sort);
        })
    }

    /// Returns each agent's `unreserved_resources_full`, by agent id.
    pub fn unreserved(&self) -> BTreeMap<String, Value> {
        self.resources("unreserved_resources_full", sort)
    }

    fn resources(&self, field: &str, sort: fn(&mut Value)) -> BTreeMap<String, Value> {
        let mut list = self.slaves();
        let agents = list["slaves"].as_array_mut().unwrap().iter_mut();
        agents
            .map(|agent| {
                sort(&mut agent[field]);
                (agent["id"].as_str().unwrap().into(), agent[field].take())
            })
            .collect()
    }

    /// Returns whether an agent holds something for a role.
    pub fn has(&self, role: &str) -> bool {
        self.reserved().values().any(|roles| roles.get(role).is_some())
    }

    /// Reserves resources.
    pub fn reserve(&self, agent: &str, resources: &[Value]) {
        self.operate("reserve", agent, "resources", resources);
    }

    /// Creates volumes on reserved disks.
    pub fn create_volumes(&self, agent: &str, volumes: &[Value]) {
        self.operate("create-volumes", agent, "volumes", volumes);
    }

    /// Destroys volumes.
    pub fn destroy_volumes(&self, agent: &str, volumes: &[Value]) {
        self.operate("destroy-volumes", agent, "volumes", volumes);
    }

    /// Releases reservations.
    pub fn unreserve(&self, agent: &str, resources: &[Value]) {
        self.operate("unreserve", agent, "resources", resources);
    }

    /// Reserves cpus and a disk with a volume.
    pub fn fill(&self, agent: &str, role: &str, principal: &str) {
        let owner = reserved_for(role, principal);
        self.reserve(agent, &[with(&cpus(0.5), &owner), with(&disk(64.0), &owner)]);
        self.create_volumes(agent, &[with(&volume(&disk(64.0), role), &owner)]);
    }

    /// Reserves cpus and a disk with a volume, and waits until the agent itself has them: an agent
    /// that is killed earlier does not restore them.
    pub fn fill_for_good(&self, agent: &str, role: &str, principal: &str) {
        self.fill(agent, role, principal);
        let url = self.agent_url(agent);
        until("the agent never gets its volume", || {
            let state = json_at(&format!("{url}state"));
            let kept = state["reserved_resources_full"][role].as_array();
            let mut kept = kept.into_iter().flatten();
            kept.any(|resource| resource["disk"]["persistence"].is_object())
        });
    }

    /// Returns the URL of an agent's own endpoints.
    pub fn agent_url(&self, agent: &str) -> String {
        let list = self.slaves();
        let mut agents = list["slaves"].as_array().unwrap().iter();
        let entry = agents.find(|entry| entry["id"] == agent).unwrap();
        let (process, address) = entry["pid"].as_str().unwrap().split_once('@').unwrap();
        format!("http://{address}/{process}/")
    }

    /// Runs janitor on this master.
    pub fn clean(&self, arguments: &str) -> Run {
        clean(&self.url(), arguments)
    }

    /// Sets a quota for a role.
    pub fn set_quota(&self, role: &str, guarantee: &[Value]) {
        let quota = json!({"role": role, "guarantee": guarantee, "force": true});
        let url = format!("{}quota", self.url());
        assert_eq!(client().post(url).send(quota.to_string()).unwrap().status(), 200);
    }

    /// Returns the quotas of all roles.
    pub fn quota(&self) -> Value {
        json_at(&format!("{}quota", self.url()))
    }

    /// Suspends its agents, so that they receive nothing, while the master still considers them
    /// connected.
    pub fn freeze(&self) {
        let stop = program("kill").args(["-STOP", &self.process.id().to_string()]).status();
        assert!(stop.unwrap().success());
    }

    /// Tears down a framework.
    pub fn teardown(&self, framework: &Framework) {
        self.post("teardown", 200, &[("frameworkId", framework.id())]);
    }

    /// Sends JSON to one of the operator endpoints.
    pub fn post_json(&self, path: &str, body: &Value) {
        let url = format!("{}{path}", self.url());
        let response = client().post(url).header("Content-Type", "application/json");
        assert_eq!(response.send(body.to_string()).unwrap().status(), 200);
    }

    /// Sends a call of the v1 API, and returns the status.
    pub fn call(&self, call: &Value) -> u16 {
        let request = client().post(format!("{}api/v1", self.url()));
        let request = request.header("Content-Type", "application/json");
        request.send(call.to_string()).unwrap().status().as_u16()
    }

    /// Sends an operation. A master refuses one with 409 while its allocator has not got back yet what an offer or the
    /// operation before had taken, so it is sent again.
    fn operate(&self, path: &str, agent: &str, field: &str, list: &[Value]) {
        let list = Value::from(list).to_string();
        let fields = [("slaveId", agent), (field, list.as_str())];
        let mut answer = self.answer(path, &fields);
        for _ in 0..100 {
            if answer.0 != 409 {
                break;
            }
            sleep(Duration::from_millis(100));
            answer = self.answer(path, &fields);
        }
        assert_eq!(answer.0, 202, "{path}: {}", answer.1);
    }

    fn post(&self, path: &str, status: u16, fields: &[(&str, &str)]) {
        let answer = self.answer(path, fields);
        assert_eq!(answer.0, status, "{path}: {}", answer.1);
    }

    /// Sends a form, and returns the status and the body of the response.
    fn answer(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut response = client()
            .post(format!("{}{path}", self.url()))
            .header("Authorization", OPERATOR)
            .send_form(fields.iter().copied())
            .unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), body)
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // The process may already have ended, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs janitor on the master behind a URL, and checks that its recording replays to the same
/// output.
pub fn clean(url: &str, arguments: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let mut command = janitor();
    command.args(["-m", url]).args(arguments.split_whitespace());
    let live = run(command.arg("--record").arg(&recording));
    println!("{}", live.stdout);
    // The next command names the file of the credentials, of which a replay knows nothing.
    let words: Vec<_> = arguments.split_whitespace().collect();
    let files = words.windows(2).filter(|pair| pair[0].ends_with("-file"));
    let known = files
        .fold(live.stdout.clone(), |text, pair| text.replace(&format!(" {}", pair.join(" ")), ""));
    for again in [run(&mut replay(&recording)), run(&mut replay(&recording))] {
        let (stdout, stderr) = (known.clone(), live.stderr.clone());
        assert_eq!(again, Run { stdout, stderr, exit: live.exit }, "the replay");
    }
    live
}

/// Gets a JSON document from a server.
pub fn json_at(url: &str) -> Value {
    let body = client().get(url).call().unwrap().into_body();
    serde_json::from_reader(body.into_reader()).unwrap()
}

fn sort(resources: &mut Value) {
    resources.as_array_mut().unwrap().sort_by_key(Value::to_string);
}

/// Waits until a condition holds; `otherwise` describes the failure if it never does.
pub fn until(otherwise: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if done() {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{otherwise}");
}
