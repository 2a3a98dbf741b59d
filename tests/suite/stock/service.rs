//! The service, under `wasmtime serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;

use janitor_tests::{Cluster, Stall, State};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

use super::named;
use super::wasmtime::Wasmtime;
use crate::command::{changes, janitor, run, scenario};
use crate::real::master::{Master, cpus, disk, reserved_for, until, volume, with};
use crate::trial;

/// Who may ask.
const TOKEN: &str = "those who may ask";

/// What is asked of the sample cluster.
const SAMPLE: &str = r#"{
    "target": {"role": "cassandra_role", "principal": "cassandra_principal", "znode": "cassandra"},
    "options": {"confirm_seconds": 30, "in_use": "Refuse", "system_znode": false}
}"#;

pub fn trials(wasmtime: Wasmtime) -> Vec<Trial> {
    let case = |name: &str, test: fn(Wasmtime)| {
        trial(format!("stock::service::{name}"), move || test(wasmtime))
    };
    vec![
        case("a_cleanup", a_cleanup),
        case("a_plan_and_a_look_around", a_plan_and_a_look_around),
        case("a_cleanup_that_does_not_come_to_its_end", a_cleanup_that_does_not_come_to_its_end),
        case("events_as_they_happen", events_as_they_happen),
        case("a_client_that_goes", a_client_that_goes),
        case("nobody_may_ask_without_the_token", nobody_may_ask_without_the_token),
        case("the_operator_must_choose_a_token", the_operator_must_choose_a_token),
        case("what_is_not_asked_for_is_named", what_is_not_asked_for_is_named),
        case("twenty_cleanups_at_once", twenty_cleanups_at_once),
    ]
}

/// A running service; killed when dropped.
struct Service {
    process: Child,
    url: String,
}

impl Service {
    /// Starts it, for those who have the token.
    fn start(wasmtime: Wasmtime, master: &str, exhibitor: &str) -> Self {
        Self::start_with(
            wasmtime,
            &[
                ("JANITOR_SERVICE_TOKEN", TOKEN),
                ("JANITOR_MASTER_URL", master),
                ("JANITOR_EXHIBITOR_URL", exhibitor),
            ],
        )
    }

    /// The same on a cluster of the stand-in's.
    fn on(wasmtime: Wasmtime, cluster: &Cluster) -> Self {
        Self::start(wasmtime, &cluster.master_url(), &cluster.exhibitor_url())
    }

    fn start_with(wasmtime: Wasmtime, environment: &[(&str, &str)]) -> Self {
        let mut process = wasmtime.serve(environment).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Serving HTTP on ").map(ToOwned::to_owned));
        // Nobody reads its log, but somebody must.
        thread::spawn(move || lines.for_each(drop));
        Self { process, url: url.expect("it serves") }
    }

    /// Asks with the token.
    fn ask(&self, path: &str, body: &str) -> Response<Body> {
        self.ask_with(path, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
    }

    fn ask_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let config =
            ureq::config::Config::builder().http_status_as_error(false).proxy(None).build();
        let mut request = config.new_agent().post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The status and the object of an answer.
fn read(mut response: Response<Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    let object = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    (response.status().as_u16(), object)
}

fn a_cleanup(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let service = Service::on(wasmtime, &cluster);
    let mut response = service.ask("clean", SAMPLE);
    assert_eq!(response.status(), 200);
    let theirs = {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let line = "-r cassandra_role -p cassandra_principal -z cassandra -o json";
        let mut command = janitor();
        run(command.args(line.split(' ')).args(super::urls(&cluster)))
    };
    assert_eq!(response.body_mut().read_to_string().unwrap(), theirs.stdout);
    let left = serde_json::to_string(&cluster.state().agents).unwrap();
    assert!(!left.contains("cassandra_role"));
    let (status, _) = read(service.ask("clean", SAMPLE));
    assert_eq!(status, 200, "a second request is another run");
}

fn a_plan_and_a_look_around(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let service = Service::on(wasmtime, &cluster);
    let (status, object) = read(service.ask("plan", SAMPLE));
    assert_eq!(status, 200);
    assert_eq!(object["plan"]["agents"].as_array().unwrap().len(), 3);
    let (status, object) = read(service.ask("discover", "{}"));
    assert_eq!(status, 200);
    assert!(object["inventory"]["roles"].to_string().contains("cassandra_role"));
    assert_eq!(changes(&cluster), [""; 0]);
}

fn a_cleanup_that_does_not_come_to_its_end(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("a-framework-that-still-uses-the-role"));
    let service = Service::on(wasmtime, &cluster);
    for (target, status, reason, exit) in [
        (json!({"role": "cassandra_role"}), 409, "InUse", 7),
        (json!({"role": "*"}), 422, "InvalidTarget", 7),
        (json!({"znode": "marathon"}), 422, "SystemZnode", 7),
        (json!({}), 422, "NothingToDo", 5),
    ] {
        let answer = read(service.ask("clean", &json!({"target": target}).to_string()));
        assert_eq!((answer.0, &answer.1["reason"]), (status, &json!(reason)));
        assert_eq!(answer.1["exit_code"], exit);
    }
    let service = Service::start(wasmtime, "http://127.0.0.1:1/master/", "http://127.0.0.1:1/");
    let (status, object) = read(service.ask("clean", r#"{"target": {"role": "r"}}"#));
    assert_eq!((status, &object["reason"]), (502, &json!("Failed")));
    assert!(changes(&cluster).is_empty());
    let cluster = Cluster::start(scenario("an-agent-that-is-not-active"));
    let service = Service::on(wasmtime, &cluster);
    let (status, object) = read(service.ask("clean", SAMPLE));
    assert_eq!((status, &object["reason"]), (503, &json!("Incomplete")));
}

fn events_as_they_happen(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let service = Service::on(wasmtime, &cluster);
    let ask = || {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("Authorization", &*bearer), ("Accept", "application/x-ndjson")];
        let response = service.ask_with("clean", &headers, SAMPLE);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
    };
    let told: Vec<_> = ask().collect();
    let (object, events) = told.split_last().unwrap();
    assert_eq!((&object["schema_version"], &object["exit_code"]), (&json!(1), &json!(0)));
    assert!(events.iter().all(|event| event["message"].is_string() && event["level"].is_string()));
    assert!(events.iter().any(|event| event["event"]["Confirmed"] == "Volumes"));

    // While the master says nothing, the events are there.
    cluster.stall(Some(Stall::Before(0)));
    let first = ask().next().unwrap();
    assert!(named(&cluster, first["message"].as_str().unwrap()).ends_with("/master/slaves"));
}

/// Half a cleanup would be worse.
fn a_client_that_goes(wasmtime: Wasmtime) {
    let state = State { latency_ms: 100, ..scenario("the-sample-result") };
    let cluster = Cluster::start(state);
    let service = Service::on(wasmtime, &cluster);
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", &*bearer), ("Accept", "application/x-ndjson")];
    let response = service.ask_with("clean", &headers, SAMPLE);
    let mut first = String::new();
    BufReader::new(response.into_body().into_reader()).read_line(&mut first).unwrap();
    until("the run does not go on", || {
        let requests = cluster.requests();
        requests.iter().any(|request| request.path.ends_with("/explorer/znode/cassandra"))
    });
}

fn nobody_may_ask_without_the_token(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let service = Service::on(wasmtime, &cluster);
    let wrong = format!("Bearer {TOKEN}.");
    let short = format!("Bearer {}", &TOKEN[1..]);
    let basic = format!("Basic {TOKEN}");
    for headers in [
        &[][..],
        &[("Authorization", &*wrong)],
        &[("Authorization", &*short)],
        &[("Authorization", &*basic)],
        &[("Authorization", "Bearer ")],
        &[("Authorization", "")],
    ] {
        let response = service.ask_with("clean", headers, SAMPLE);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let (status, object) = read(response);
        assert_eq!(status, 401, "{headers:?}");
        assert!(!object.to_string().contains(TOKEN));
    }
    assert_eq!(cluster.requests().len(), 0);
}

fn the_operator_must_choose_a_token(wasmtime: Wasmtime) {
    for environment in [&[][..], &[("JANITOR_SERVICE_TOKEN", "")]] {
        let service = Service::start_with(wasmtime, environment);
        for headers in [&[][..], &[("Authorization", "Bearer ")]] {
            let (status, object) = read(service.ask_with("clean", headers, SAMPLE));
            assert_eq!(status, 503);
            assert!(object["message"].as_str().unwrap().contains("JANITOR_SERVICE_TOKEN"));
        }
    }
    let service = Service::start(wasmtime, "banana", "http://127.0.0.1:1/");
    let (status, object) = read(service.ask("clean", SAMPLE));
    assert_eq!((status, &object["exit_code"]), (500, &json!(3)));
    assert!(object["message"].as_str().unwrap().contains("Master URL"));
}

fn what_is_not_asked_for_is_named(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let service = Service::on(wasmtime, &cluster);
    let large = format!("{}{}", " ".repeat(1 << 20), SAMPLE);
    for (path, body, status, words) in [
        (
            "clean",
            r#"{"target": {"role": "r"}, "master_url": "http://127.0.0.1:1/"}"#,
            400,
            "`master_url`",
        ),
        (
            "clean",
            r#"{"target": {"role": "r", "master": "http://127.0.0.1:1/"}}"#,
            400,
            "`target.master`",
        ),
        ("clean", r#"{"target": {"role": "r"}, "endpoints": {"master": "x"}}"#, 400, "`endpoints`"),
        (
            "clean",
            r#"{"target": {"role": "r"}, "options": {"force": true}}"#,
            400,
            "`options.force`",
        ),
        ("clean", r#"{"target": {"marathon_app": "/janitor"}}"#, 400, "marathon_app is for"),
        ("plan", r#"{"target": {}, "options": {"znode_root": "a"}}"#, 400, "znode_root is for"),
        ("clean", r#"{"target": {}, "options": {"zookeeper": true}}"#, 400, "zookeeper is for"),
        ("discover", r#"{"target": {"role": "r"}}"#, 400, "`target`"),
        (
            "clean",
            r#"{"target": {"role": "r"}, "options": {"strict": true, "strict": false}}"#,
            400,
            "`options.strict` is there twice",
        ),
        ("clean", r#"{"target": {"role": "r"}, "target": {}}"#, 400, "`target` is there twice"),
        ("clean", "{}", 400, "missing field `target`"),
        ("clean", "[]", 400, "the body is not"),
        ("clean", "role=r", 400, "must be JSON"),
        ("clean", "", 400, "must be JSON"),
        ("clean", &large, 413, "larger than 1048576 bytes"),
        ("apply", SAMPLE, 404, "/clean"),
        ("clean?x=y", SAMPLE, 404, "/clean"),
    ] {
        let (answered, object) = read(service.ask(path, body));
        let message = object["message"].as_str().unwrap();
        assert_eq!(answered, status, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let get = ureq::config::Config::builder().http_status_as_error(false).proxy(None).build();
    let get = get.new_agent().get(format!("{}clean", service.url));
    let response = get.header("Authorization", format!("Bearer {TOKEN}")).call().unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"].to_str().unwrap()),
        (405, &"POST")
    );
    assert_eq!(cluster.requests().len(), 0);
}

/// The names of twenty roles.
fn roles() -> Vec<String> {
    (0..20).map(|number| format!("role-{number}")).collect()
}

/// Cleans twenty roles at once.
fn clean_all(service: &Service) {
    thread::scope(|scope| {
        let asked: Vec<_> = roles()
            .into_iter()
            .map(|role| {
                let body = json!({"target": {"role": role, "principal": "p"}}).to_string();
                scope.spawn(move || read(service.ask("clean", &body)))
            })
            .collect();
        for one in asked {
            let (status, object) = one.join().unwrap();
            assert_eq!(status, 200, "{object}");
            assert_eq!(object["report"]["confirmed"], json!(["Volumes", "Reservations"]));
        }
    });
}

fn twenty_cleanups_at_once(wasmtime: Wasmtime) {
    let agent = |agent: usize| {
        let held = |role: String| {
            let owner = reserved_for(&role, "p");
            let volume = with(&volume(&disk(64.0), &role), &owner);
            (role, json!([with(&cpus(0.5), &owner), volume]))
        };
        let reserved: serde_json::Map<_, _> = roles().into_iter().map(held).collect();
        json!({"id": format!("S{agent}"), "hostname": "h", "reserved_resources_full": reserved})
    };
    let agents: Vec<_> = (0..5).map(agent).collect();
    let state: State =
        serde_json::from_value(json!({"version": "1.11.0", "agents": agents, "latency_ms": 20}))
            .unwrap();
    let cluster = Cluster::start(state);
    clean_all(&Service::on(wasmtime, &cluster));
    let left = serde_json::to_string(&cluster.state().agents).unwrap();
    assert!(!left.contains("role-"), "{left}");
    assert!(cluster.load().most_at_once > 20, "they were at work together");
}

pub fn twenty_on_a_real_master(wasmtime: Wasmtime, command: &str) {
    let resources = "cpus:32;mem:4096;disk:16384";
    let master = Master::start(command, 3, &[("MESOS_RESOURCES", resources)]);
    for agent in master.agents() {
        for role in roles() {
            master.fill(&agent, &role, "p");
        }
    }
    clean_all(&Service::start(wasmtime, &master.url(), "http://127.0.0.1:1/"));
    assert!(!master.reserved().values().any(|roles| roles.to_string().contains("role-")));
}
