//! Tests of the service, under `wasmtime serve`.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use janitor_tests::{Cluster, Stall, State};
use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

use super::named;
use super::wasmtime::Wasmtime;
use crate::command::{changes, client, janitor, run, scenario, tests, timeless};
use crate::composed;
use crate::needs::needed;
use crate::real::master::{Master, cpus, disk, reserved_for, until, volume, with};

/// The token that the service requires of its clients.
const TOKEN: &str = "those who may ask";

/// The request to clean up the sample cluster.
const SAMPLE: &str = r#"{
    "target": {"role": "cassandra_role", "principal": "cassandra_principal", "znode": "cassandra"},
    "options": {"confirm_seconds": 30, "in_use": "Refuse", "system_znode": false}
}"#;

/// A running service, which is killed when it is dropped.
struct Service {
    process: Child,
    url: String,
    /// The service's output on standard error.
    said: Arc<Mutex<String>>,
}

impl Service {
    /// Starts the service for clients with the token.
    fn start(wasmtime: Wasmtime, master: &str, exhibitor: &str) -> Self {
        Self::start_with(wasmtime, &[], &environment(master, exhibitor))
    }

    /// Starts the service on a cluster of the stand-in.
    fn on(wasmtime: Wasmtime, cluster: &Cluster) -> Self {
        Self::start(wasmtime, &cluster.master_url(), &cluster.exhibitor_url())
    }

    /// Starts the service with additional options of the runtime, and additional settings.
    fn on_with(
        wasmtime: Wasmtime,
        cluster: &Cluster,
        options: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
        let environment = [&environment(&master, &exhibitor)[..], settings].concat();
        Self::start_with(wasmtime, options, &environment)
    }

    fn start_with(wasmtime: Wasmtime, options: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of(wasmtime.serve(options, environment))
    }

    fn of(mut serve: Command) -> Self {
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Serving HTTP on ").map(ToOwned::to_owned));
        let said = Arc::<Mutex<String>>::default();
        let heard = said.clone();
        thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| *heard.lock().unwrap() += &(line + "\n"));
        });
        Self { process, url: url.expect("it serves"), said }
    }

    /// Sends a request with the token.
    fn ask(&self, path: &str, body: &str) -> Response<Body> {
        self.ask_with(path, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
    }

    fn ask_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let mut request = client().post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body).unwrap()
    }

    /// Requests the events, and disconnects after the first one.
    fn ask_and_leave(&self, body: &str) {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("Authorization", &*bearer), ("Accept", "application/x-ndjson")];
        let response = self.ask_with("clean", &headers, body);
        let mut first = String::new();
        BufReader::new(response.into_body().into_reader()).read_line(&mut first).unwrap();
    }
}

/// Returns the environment variables that a service needs.
fn environment<'a>(master: &'a str, exhibitor: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("JANITOR_SERVICE_TOKEN", TOKEN),
        ("JANITOR_MASTER_URL", master),
        ("JANITOR_EXHIBITOR_URL", exhibitor),
    ]
}

impl Drop for Service {
    fn drop(&mut self) {
        // The process may already have ended, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads the status and the object of an answer.
fn read(mut response: Response<Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    let object = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    (response.status().as_u16(), object)
}

#[test]
fn a_cleanup() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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
    let ours = response.body_mut().read_to_string().unwrap();
    let without_servers = |text: &str| {
        let text = timeless(text);
        let (before, rest) = text.split_once("  \"servers\": {").expect("the servers");
        let (_, after) = rest.split_once("  },\n").expect("the end of the servers");
        format!("{before}{after}")
    };
    assert_eq!(without_servers(&ours), without_servers(&theirs.stdout));
    let left = serde_json::to_string(&cluster.state().agents).unwrap();
    assert!(!left.contains("cassandra_role"));
    let (status, _) = read(service.ask("clean", SAMPLE));
    assert_eq!(status, 200, "a second request is another run");
}

#[test]
fn a_cleanup_of_several() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("what-is-orphaned"));
    let service = Service::on(wasmtime, &cluster);
    let (status, object) = read(service.ask("discover", "{}"));
    assert_eq!(status, 200, "{object}");
    let orphans = &object["inventory"]["orphans"];
    assert_eq!(orphans.as_array().unwrap().len(), 2, "{object}");
    let (status, object) = read(service.ask("clean", &json!({"targets": orphans}).to_string()));
    assert_eq!((status, object["parts"].as_array().unwrap().len()), (200, 2), "{object}");
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
    let used = json!({"targets": [orphans[0], {"role": "kafka-role"}]});
    let (status, object) = read(service.ask("clean", &used.to_string()));
    assert_eq!((status, &object["exit_code"]), (409, &json!(7)), "{object}");
    let codes: Vec<_> =
        object["parts"].as_array().unwrap().iter().map(|it| &it["exit_code"]).collect();
    assert_eq!(codes, [0, 7], "{object}");
}

/// The oldest and the newest version that the guide names run the service, precompiled.
pub fn cleans_on(wasmtime: Wasmtime) {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
    let folder = tempfile::tempdir().unwrap();
    let service = wasmtime.compiled(super::wasmtime::SERVICE_FILE, folder.path());
    let service = wasmtime.serve_file(&service, &environment(&master, &exhibitor));
    let (status, object) = read(Service::of(service).ask("clean", SAMPLE));
    assert_eq!(status, 200, "{object}");
}

#[test]
fn a_plan_and_a_look_around() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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

#[test]
fn a_cleanup_that_does_not_come_to_its_end() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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

#[test]
fn events_as_they_happen() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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

    // The events arrive while the master has not answered yet.
    cluster.stall(Some(Stall::Before(0)));
    let first = ask().next().unwrap();
    assert!(named(&cluster, first["message"].as_str().unwrap()).ends_with("/master/slaves"));
}

/// A client that disconnects does not interrupt the cleanup.
#[test]
fn a_client_that_goes() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let state = State { latency_ms: 100, ..scenario("the-sample-result") };
    let cluster = Cluster::start(state);
    let service = Service::on(wasmtime, &cluster);
    service.ask_and_leave(SAMPLE);
    until("the run does not go on", || {
        let requests = cluster.requests();
        requests.iter().any(|request| request.path.ends_with("/explorer/znode/cassandra"))
    });
}

/// The runtime has room for one run, and accepts no other client until that run ends.
#[test]
fn a_run_without_a_client_ends() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = all_promises();
    let one = ["-O", "pooling-allocator,pooling-total-component-instances=1"];
    let service = Service::on_with(wasmtime, &cluster, &one, &[("JANITOR_RUN_SECONDS", "1")]);
    service.ask_and_leave(PATIENT);
    until("the run does not end", || {
        let answer = service.ask("clean", "");
        let is_page = answer.headers()["content-type"] != "application/json";
        assert_eq!(answer.status(), if is_page { 500 } else { 400 });
        !is_page
    });
}

/// Starts a cluster whose master accepts every request, and carries out none.
fn all_promises() -> Cluster {
    let mut state = scenario("an-agent-that-takes-its-time");
    for agent in &mut state.agents {
        agent.pending_looks = Some(u32::MAX);
    }
    Cluster::start(state)
}

/// The request of a patient client to clean up that cluster.
const PATIENT: &str = r#"{
    "target": {"role": "cassandra_role", "principal": "cassandra_principal", "znode": "cassandra"},
    "options": {"confirm_seconds": 600}
}"#;

#[test]
fn a_run_ends_in_good_order() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = all_promises();
    let service = Service::on_with(wasmtime, &cluster, &[], &[("JANITOR_RUN_SECONDS", "1")]);
    let (status, object) = read(service.ask("clean", PATIENT));
    assert_eq!((status, &object["reason"]), (503, &json!("Stopped")), "{object}");
    let is_promise = |change: &String| change.ends_with("/destroy-volumes");
    assert!(changes(&cluster).iter().all(is_promise), "{:?}", changes(&cluster));
}

/// The runtime itself answers a client for whose run it has no room.
#[test]
fn more_than_there_is_room_for() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    cluster.stall(Some(Stall::Before(0)));
    let two = ["-O", "pooling-allocator,pooling-total-component-instances=2"];
    let service = Service::on_with(wasmtime, &cluster, &two, &[]);
    service.ask_and_leave(SAMPLE);
    service.ask_and_leave(SAMPLE);
    let mut answer = service.ask("clean", SAMPLE);
    assert_eq!(answer.status(), 500);
    assert!(answer.body_mut().read_to_string().unwrap().contains("500 Internal Server Error"));
}

/// The service refuses more runs than the operator allows, and counts also those whose client
/// has disconnected.
#[test]
fn as_many_as_the_operator_allows() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let taken = || fs::read_dir(folder.path()).unwrap().count();
    let mount = format!("{}::/runs", folder.path().display());
    let cluster = Cluster::start(scenario("the-sample-result"));
    let limited = [("JANITOR_MAX_RUNS", "2"), ("JANITOR_RUN_SECONDS", "600")];
    let service = Service::on_with(wasmtime, &cluster, &["--dir", &mount], &limited);
    // A run that was killed long ago has not released its place.
    let long_ago = SystemTime::now() - Duration::from_secs(600 + 121);
    File::create(folder.path().join("run-0")).unwrap().set_modified(long_ago).unwrap();
    cluster.stall(Some(Stall::Changes));
    service.ask_and_leave(SAMPLE);
    service.ask_and_leave(SAMPLE);
    until("there are never two runs", || taken() == 2);
    let answer = service.ask("clean", SAMPLE);
    assert_eq!(answer.headers()["retry-after"], "10");
    let (status, object) = read(answer);
    assert_eq!((status, &object["exit_code"]), (429, &json!(7)), "{object}");
    let message = object["message"].as_str().unwrap();
    assert!(message.contains("2 run(s) are active"), "{message}");
    cluster.stall(None);
    until("the runs never end", || taken() == 0);
    assert_eq!(read(service.ask("clean", SAMPLE)).0, 200);
    let service = Service::on_with(wasmtime, &cluster, &[], &limited);
    let (status, object) = read(service.ask("clean", SAMPLE));
    assert_eq!(status, 500);
    let message = object["message"].as_str().unwrap();
    assert!(message.contains("--dir FOLDER::/runs"), "{message}");
}

/// The most requests that fit into the defaults of wasmtime, which are also those of wasmCloud.
const AT_ONCE: usize = 120;

/// Every run is under way before the master answers the first one.
#[test]
fn a_hundred_and_twenty_at_once() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let limits = ["core-instances", "component-instances", "memories", "tables", "stacks"];
    let limits = limits.map(|limit| format!("pooling-total-{limit}=1000")).join(",");
    // wasmCloud sets the limits that wasmtime has by default.
    for options in [&[][..], &["-O", &format!("pooling-allocator,{limits}")]] {
        let master = together(&cluster, AT_ONCE);
        let environment = environment(&master, "http://127.0.0.1:1/");
        let service = Service::start_with(wasmtime, options, &environment);
        for (status, object, _) in all_at_once(&service) {
            assert_eq!(status, 200, "{object}");
            assert_eq!(object["plan"]["agents"].as_array().unwrap().len(), 3);
        }
    }
}

/// If the runtime has room for more runs than the operator allows, the service itself refuses them.
#[test]
fn more_at_once_than_the_operator_allows() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("{}::/runs", folder.path().display());
    let cluster = Cluster::start(scenario("the-sample-result"));
    let most = 100;
    let master = together(&cluster, most);
    let environment = environment(&master, "http://127.0.0.1:1/");
    let service = Service::start_with(wasmtime, &["--dir", &mount], &environment);
    let answers = all_at_once(&service);
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.0 == 200);
    assert_eq!((served.len(), refused.len()), (most, AT_ONCE - most));
    for (status, object, retry_after) in refused {
        assert_eq!((*status, retry_after.as_deref()), (429, Some("10")), "{object}");
        assert!(object["message"].as_str().unwrap().contains("100 run(s) are active"), "{object}");
    }
}

/// Requests many plans at once, and returns the status, the object and `Retry-After` of each answer.
fn all_at_once(service: &Service) -> Vec<(u16, Value, Option<String>)> {
    let body = r#"{"target": {"role": "cassandra_role"}}"#;
    thread::scope(|scope| {
        let ask = || {
            let response = service.ask("plan", body);
            let header = response.headers().get("retry-after");
            let retry_after = header.map(|value| value.to_str().unwrap().to_owned());
            let (status, object) = read(response);
            (status, object, retry_after)
        };
        let asked: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Returns the URL of a master that is the cluster's, but answers nobody before this many
/// connections are open.
fn together(cluster: &Cluster, many: usize) -> String {
    let url = cluster.master_url();
    let (_, rest) = url.split_once("://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let server: SocketAddr = address.parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{path}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut waiting = Vec::new();
        let mut is_open = false;
        for client in listener.incoming() {
            waiting.push(client?);
            is_open |= waiting.len() == many;
            if is_open {
                waiting
                    .drain(..)
                    .for_each(|client| drop(thread::spawn(move || pass(client, server))));
            }
        }
        io::Result::Ok(())
    });
    url
}

/// Passes on everything between a client and a server.
fn pass(mut client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)
}

/// The documented command lines compile the service, and run it with limits.
#[test]
fn the_limits_that_are_recommended() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let docs = fs::read_to_string(tests("../docs/stock-runtimes.md")).unwrap().replace("\\\n", "");
    let documented = |command: &str| {
        let line = docs.lines().find_map(|line| line.trim().strip_prefix(command)).unwrap();
        shell_words::split(line).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let component = composed::JANITOR.join("janitor-service.wasm");
    let mut compile = wasmtime.plain();
    compile.arg("compile").args(documented("wasmtime compile ")).current_dir(folder.path());
    fs::copy(&component, folder.path().join("janitor-service.wasm")).unwrap();
    assert_eq!(run(&mut compile).exit, 0);
    let mut words = documented("wasmtime serve ");
    let address = words.iter().position(|word| word == "--addr").unwrap();
    words[address + 1] = "127.0.0.1:0".into();
    let file = words.pop().unwrap().replace(".wasm", ".cwasm");
    let cluster = Cluster::start(scenario("the-sample-result"));
    let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
    let mut serve = wasmtime.plain();
    serve.arg("serve").args(words).arg("--allow-precompiled").arg(folder.path().join(file));
    serve.envs(environment(&master, &exhibitor));
    assert_eq!(read(Service::of(serve).ask("clean", SAMPLE)).0, 200);
}

/// The operator limits how long a client may have a run wait.
#[test]
fn no_longer_than_the_operator_wants() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let body = |seconds: u32| {
        json!({"target": {"role": "r"}, "options": {"confirm_seconds": seconds}}).to_string()
    };
    for (settings, most) in [(&[][..], 600), (&[("JANITOR_MAX_CONFIRM_SECONDS", "5")], 5)] {
        let service = Service::on_with(wasmtime, &cluster, &[], settings);
        let (status, object) = read(service.ask("plan", &body(most + 1)));
        let words =
            format!("confirm_seconds must be at most {most} (JANITOR_MAX_CONFIRM_SECONDS of the");
        let message = object["message"].as_str().unwrap();
        assert!(status == 400 && message.starts_with(&words), "{message}");
        for body in [body(most), r#"{"target": {"role": "r"}}"#.into()] {
            assert_eq!(read(service.ask("plan", &body)).0, 200, "{body}");
        }
    }
    for (name, value) in [
        ("JANITOR_RUN_SECONDS", "soon"),
        ("JANITOR_RUN_SECONDS", "0"),
        ("JANITOR_RUN_SECONDS", "99999999999"),
        ("JANITOR_MAX_CONFIRM_SECONDS", "-1"),
        ("JANITOR_MAX_CONFIRM_SECONDS", "4294967296"),
    ] {
        let service = Service::on_with(wasmtime, &cluster, &[], &[(name, value)]);
        let (status, object) = read(service.ask("plan", &body(1)));
        let message = object["message"].as_str().unwrap();
        assert_eq!(status, 500, "{message}");
        let words = format!("{name} must be a number of seconds, from 1 to 4294967295: {value}");
        assert!(message.ends_with(&words), "{message}");
    }
}

#[test]
fn nobody_may_ask_without_the_token() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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

/// A client without the token gets the same answer to every request, with every configuration.
#[test]
fn without_the_token_nothing_is_learned() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let good = Service::on(wasmtime, &cluster);
    let broken = [("JANITOR_SERVICE_TOKEN", TOKEN), ("JANITOR_MASTER_URL", "banana")];
    let broken = Service::start_with(wasmtime, &[], &broken);
    let (_, expected) = read(good.ask_with("clean", &[], SAMPLE));
    for service in [good, broken, Service::start_with(wasmtime, &[], &[])] {
        for (method, path) in
            [("POST", "clean"), ("POST", "no-such"), ("GET", "clean"), ("DELETE", ""), ("GET", "")]
        {
            for body in ["", "no JSON", SAMPLE] {
                let request = ureq::http::Request::builder().method(method);
                let request = request.uri(format!("{}{path}", service.url)).body(body).unwrap();
                let config = client().configure_request(request).allow_non_standard_methods(true);
                let response = client().run(config.build()).unwrap();
                assert!(!response.headers().contains_key("allow"));
                let (status, object) = read(response);
                assert_eq!((status, &object), (401, &expected), "{method} {path} {body}");
            }
        }
    }
    assert_eq!(cluster.requests().len(), 0);
}

#[test]
fn the_operator_must_choose_a_token() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    for token in [None, Some(""), Some(" "), Some("\n"), Some("a\nb")] {
        let environment = token.map(|token| ("JANITOR_SERVICE_TOKEN", token));
        let environment = environment.as_slice();
        let service = Service::start_with(wasmtime, &[], environment);
        for headers in [&[][..], &[("Authorization", "Bearer ")]] {
            let (status, object) = read(service.ask_with("clean", headers, SAMPLE));
            assert_eq!(status, 401);
            assert!(!object.to_string().contains("JANITOR_SERVICE_TOKEN"));
        }
        let words = "janitor: all requests are refused: set JANITOR_SERVICE_TOKEN";
        until("the operator is not told", || service.said.lock().unwrap().contains(words));
    }
    let service = Service::start(wasmtime, "banana", "http://127.0.0.1:1/");
    let (status, object) = read(service.ask("clean", SAMPLE));
    assert_eq!((status, &object["exit_code"]), (500, &json!(3)));
    assert!(object["message"].as_str().unwrap().contains("Master URL"));
    // A line end after the token is not part of it.
    let line = format!("{TOKEN}\n");
    let service = Service::start_with(wasmtime, &[], &[("JANITOR_SERVICE_TOKEN", &line)]);
    assert_eq!(read(service.ask("clean", "{}")).0, 400);
}

/// A token that fits into a header is sent to the servers unchanged; any other is not sent.
#[test]
fn the_token_that_the_servers_get() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("with-a-token"));
    let token = cluster.state().iam.unwrap().token;
    let line = format!("{token}\n");
    let with = |token| Service::on_with(wasmtime, &cluster, &[], &[("JANITOR_AUTH_TOKEN", token)]);
    let body = r#"{"target": {"role": "cassandra_role"}}"#;
    assert_eq!(read(with(&line).ask("plan", body)).0, 200);
    let expected = Some(format!("token={token}"));
    assert!(cluster.requests().iter().all(|request| request.authorization == expected));
    let before = cluster.requests().len();
    for token in ["canary canary", "canary\r\nHost: canary", "c\u{f6}canary"] {
        let (status, object) = read(with(token).ask("plan", body));
        assert_eq!((status, &object["exit_code"]), (500, &json!(4)), "{object}");
        let message = object["message"].as_str().unwrap();
        let words = "environment must be corrected: cannot use JANITOR_AUTH_TOKEN: invalid token";
        assert!(message.contains(words) && !message.contains("canary"), "{message}");
    }
    assert_eq!(cluster.requests().len(), before);
}

#[test]
fn what_is_not_asked_for_is_named() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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
        (
            "clean",
            r#"{"target": {"marathon_app": "/janitor"}}"#,
            400,
            "marathon_app names the Marathon app",
        ),
        ("plan", r#"{"target": {}, "options": {"znode_root": "a"}}"#, 400, "znode_root is for"),
        ("clean", r#"{"target": {}, "options": {"zookeeper": true}}"#, 400, "zookeeper is for"),
        ("discover", r#"{"target": {"role": "r"}}"#, 400, "`target`"),
        (
            "clean",
            r#"{"target": {"role": "r"}, "options": {"strict": true, "strict": false}}"#,
            400,
            "duplicate key `options.strict`",
        ),
        ("clean", r#"{"target": {"role": "r"}, "target": {}}"#, 400, "duplicate key `target`"),
        ("clean", "{}", 400, "either a `target` or `targets`"),
        ("clean", r#"{"targets": []}"#, 400, "either a `target` or `targets`"),
        ("plan", r#"{"target": {}, "targets": [{}]}"#, 400, "either a `target` or `targets`"),
        ("plan", r#"{"targets": [{"rolle": "r"}]}"#, 400, "unknown field `targets.0.rolle`"),
        ("clean", r#"{"targets": [{}, {"marathon_app": "/j"}]}"#, 400, "this is a service"),
        ("clean", "[]", 400, "invalid body: it must be an object"),
        ("plan", r#"[{"role": "r"}, {}]"#, 400, "invalid body: it must be an object"),
        ("discover", "null", 400, "invalid body: it must be an object"),
        ("clean", r#"{"target": []}"#, 400, "invalid body: `target` must be an object"),
        ("plan", r#"{"target": null}"#, 400, "invalid body: `target` must be an object"),
        ("discover", r#"{"options": "x"}"#, 400, "invalid body: `options` must be an object"),
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
    let get = client().get(format!("{}clean", service.url));
    let response = get.header("Authorization", format!("Bearer {TOKEN}")).call().unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"].to_str().unwrap()),
        (405, &"POST")
    );
    assert_eq!(cluster.requests().len(), 0);
}

/// Returns the names of twenty roles.
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

#[test]
fn twenty_cleanups_at_once() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
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
