//! Tests of a leading master that is found in ZooKeeper: with a ZooKeeper in the test's own process,
//! and with a real one if there is any.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use janitor_contract::types::{Endpoint, Method};
use janitor_host::{Credential, Credentials, Endpoints, Token};
use janitor_tests::{Answering, Cluster};
use serde_json::{Value, json};
use zookeeper_client::CreateMode;

use crate::command::{Run, client, complaints, janitor, replay, run, scenario};
use crate::needs::needed;
use crate::transport::{ask, network, response, running, standby};
use crate::zookeeper::liar::{Fate, Liar};
use crate::zookeeper::server::{self, Server};

/// The masters that are registered, by the name of the node, with its data.
type Members = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A ZooKeeper in which masters are registered below `/mesos`.
pub struct Registry {
    liar: Liar,
    members: Members,
}

impl Registry {
    /// Starts a ZooKeeper in which these masters are registered, the leading one first.
    pub fn start(masters: &[&str]) -> Self {
        let members = Members::default();
        let (names, data) = (members.clone(), members.clone());
        let tree = move |node: &str| match node {
            "/" => Some(vec!["marathon".into(), "mesos".into()]),
            "/mesos" => {
                let log = "log_replicas".to_owned();
                // ZooKeeper lists children in any order.
                Some([log].into_iter().chain(names_of(&names).into_iter().rev()).collect())
            }
            _ => None,
        };
        let data = move |node: &str| {
            let members = data.lock().unwrap_or_else(PoisonError::into_inner);
            let found = members.iter().find(|(name, _)| format!("/mesos/{name}") == node);
            found.map(|(_, data)| data.clone())
        };
        let lie = Box::new(|_: &_, answer| Fate::Sent(answer));
        let liar = Liar::start(Box::new(tree), lie).with_data(Box::new(data));
        let registry = Self { liar, members };
        registry.elect(masters);
        registry
    }

    /// Replaces the masters that are registered.
    pub fn elect(&self, masters: &[&str]) {
        let members = (7..).zip(masters).map(|(number, master)| {
            (format!("json.info_{number:010}"), info(master).to_string().into_bytes())
        });
        *self.members.lock().unwrap() = members.collect();
    }

    /// Returns the host and the port.
    pub fn address(&self) -> &str {
        self.liar.address()
    }

    /// Returns the URL for `-m`.
    pub fn url(&self) -> String {
        format!("{}mesos", self.liar.url())
    }
}

fn names_of(members: &Members) -> Vec<String> {
    let members = members.lock().unwrap_or_else(PoisonError::into_inner);
    members.iter().map(|(name, _)| name.clone()).collect()
}

/// Returns the data of the master at a URL, with the fields of a real one. A host that is not an
/// address is a name only.
pub fn info(url: &str) -> Value {
    let place = url.trim_start_matches("http://").trim_end_matches("/master/");
    let (host, port) = place.rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    let mut address = json!({"hostname": host, "port": port});
    if host.parse::<std::net::IpAddr>().is_ok() {
        address["ip"] = host.into();
    }
    json!({
        "address": address, "capabilities": [{"type": "AGENT_UPDATE"}], "hostname": host,
        "id": "6b7c", "ip": 16_777_343, "pid": format!("master@{place}"), "port": port,
        "version": "1.11.0",
    })
}

/// Starts a master that leads, and says so with this name.
fn leading(name: &'static str) -> (Answering, String) {
    let master = Answering::start(move |_| response(200, name, None));
    let url = format!("{}/master/", master.origin());
    (master, url)
}

#[test]
fn the_lowest_number_leads() {
    let ([_first, _second], [first, second]) = both(leading("first"), leading("second"));
    let registry = Registry::start(&[&first, &second]);
    let mut network = running(network(&registry.url()));
    for (endpoint, path) in [(Endpoint::Master, "slaves"), (Endpoint::MasterRoot, "version")] {
        let answer = ask(&mut network, endpoint, Method::Get, path);
        assert_eq!(answer, (200, "first".into()));
    }
    assert_eq!(network.detected_master(), Some(first));
    assert_eq!(registry.liar.asked(), 3, "a session, the names, the data");
}

fn both(one: (Answering, String), other: (Answering, String)) -> ([Answering; 2], [String; 2]) {
    ([one.0, other.0], [one.1, other.1])
}

/// Each answer of a master that does not lead any more has ZooKeeper asked again, and the request
/// reaches the new leader.
#[test]
fn a_new_leader_is_followed() {
    let (_next, next) = leading("next");
    let redirects = standby(next.trim_end_matches("/master/"));
    let knows_none = Answering::start(|_| response(503, "No leader elected", None));
    let gone = Answering::start(|_| response(200, "", None));
    let addresses = [redirects.origin(), knows_none.origin(), gone.origin()];
    drop(gone);
    for address in addresses {
        let last = format!("{address}/master/");
        for path in ["slaves", "api/v1"] {
            let registry = Registry::start(&[&last, &next]);
            let mut network = running(network(&registry.url()));
            let before = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
            assert!(matches!(before.0, 307 | 503), "ZooKeeper still names it: {before:?}");
            registry.elect(&[&next]);
            let method = if path == "slaves" { Method::Get } else { Method::Post };
            let after = ask(&mut network, Endpoint::Master, method, path);
            assert_eq!(after, (200, "next".into()), "{address}");
        }
    }
}

/// A redirect is only a claim, and a token is sent only to the leader that ZooKeeper names.
#[test]
fn a_redirect_is_not_followed() {
    let (_other, other) = leading("other");
    let redirects = standby(other.trim_end_matches("/master/"));
    let registry = Registry::start(&[&format!("{}/master/", redirects.origin())]);
    let token = Credentials::everywhere(Credential::Token(Token::new("canary").unwrap()));
    let mut network = running(network(&registry.url()).credentials(token));
    let (status, body) = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
    assert_eq!((status, body), (307, format!("redirects to {other}slaves")));
}

#[test]
fn a_leader_that_cannot_be_named_is_explained() {
    let dead = "http://127.0.0.1:1/master/";
    let said = |registry: &Registry, url: &str| {
        let mut network = running(network(url));
        let answer = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
        assert_eq!(registry.liar.asked_for(crate::zookeeper::liar::DELETE), 0);
        answer
    };
    let registry = Registry::start(&[]);
    let (status, why) = said(&registry, &registry.url());
    assert_eq!(status, 503, "the component waits for an election");
    assert!(why.contains("No master is registered in ZooKeeper"), "{why}");

    registry.elect(&[dead]);
    let (status, why) = said(&registry, &registry.url());
    assert_eq!(status, 503, "the component waits until its session expires");
    let words = format!("cannot connect to {dead}, which leads in ZooKeeper");
    assert!(why.contains(&words), "{why}");

    let other = registry.url().replace("/mesos", "/meso");
    let (status, why) = said(&registry, &other);
    let words = "/meso, the path of the masters in its URL, does not exist in ZooKeeper; / has \
                 /marathon, /mesos";
    assert!(status == 0 && why.contains(words), "{why}");

    for (name, data, words) in [
        ("info_0000000001", "\x08\x01", "form of Mesos before 0.24"),
        ("json.info_0000000001", "{", "it is not a MasterInfo"),
        ("json.info_0000000001", "{}", "it has no address"),
    ] {
        *registry.members.lock().unwrap() = vec![(name.into(), data.into())];
        let (status, why) = said(&registry, &registry.url());
        assert!(status == 0 && why.contains(words), "{why}");
        assert!(why.contains(&format!("/mesos/{name} in ZooKeeper names no master")), "{why}");
    }
}

/// Runs a command on a cluster whose master is found in ZooKeeper, and checks its replay.
fn clean(url: &str, cluster: &Cluster, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.har");
    let mut command = janitor();
    command.args(["-r", "cassandra_role", "-z", "cassandra", "-m", url]);
    command.args(["-e", &cluster.exhibitor_url(), "--record"]).arg(&file).args(more);
    let live = run(&mut command);
    println!("{}{}", live.stdout, live.stderr);
    let replayed = run(&mut replay(&file));
    assert_eq!((replayed.stdout, replayed.exit), (live.stdout.clone(), live.exit), "the replay");
    let text = fs::read_to_string(file).unwrap();
    assert!(!text.contains("canary"), "{text}");
    live
}

#[test]
fn a_whole_cleanup() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let registry = Registry::start(&[&cluster.master_url(), "http://127.0.0.1:1/master/"]);
    let run = clean(&registry.url(), &cluster, &["-a", "canary"]);
    assert_eq!(run.exit, 0, "{}", run.stdout);
    let whole = format!("{}/", registry.url());
    assert!(run.stdout.starts_with(&format!("Master: {whole} Exhibitor: ")), "{}", run.stdout);
    let warning = format!(
        "janitor: sending credentials to the master that ZooKeeper names, and whoever can write to \
         ZooKeeper can name another one: the Mesos master {whole}"
    );
    assert_eq!(complaints(&run), [warning]);
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
}

/// The plan names the group of masters, not the leader at that time.
#[test]
fn a_plan_names_the_group() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let registry = Registry::start(&["http://127.0.0.1:1/master/"]);
    registry.elect(&[&cluster.master_url()]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let mut plan = janitor();
    plan.args(["plan", "-v", "-r", "cassandra_role", "-m", &registry.url(), "--out"]).arg(&file);
    let planned = run(&mut plan);
    assert_eq!(planned.exit, 0, "{}", planned.stdout);
    let leader = format!("janitor: the leading master in ZooKeeper is {}\n", cluster.master_url());
    assert!(planned.stderr.contains(&leader), "{}", planned.stderr);
    let json: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(json["endpoints"]["master"], format!("{}/", registry.url()));
    // A token in the environment is not for a group that only the plan names.
    let unasked = run(janitor().arg("apply").arg(&file).env("DCOS_ACS_TOKEN", "canary"));
    assert_eq!(unasked.exit, 7, "{}", unasked.stdout);
    let applied = run(janitor().arg("apply").arg(&file));
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
}

/// A login has no server, a token is not sent in the clear beside HTTPS, and the file of a login to
/// ZooKeeper is for ZooKeeper only.
#[test]
fn what_does_not_suit_a_group_is_refused() {
    let registry = Registry::start(&["http://127.0.0.1:1/master/"]);
    let url = registry.url();
    for (arguments, exit, words) in [
        (&["-m", &url, "--username", "u", "--password", "p"][..], 4, "--auth-token-file"),
        (&["-m", &url, "-e", "https://127.0.0.1:1/", "-a", "canary"], 7, "--allow-plain-http"),
        (&["-m", "http://127.0.0.1:1/", "--zk-auth-file", "/nowhere"], 1, "begins with zk://"),
    ] {
        let run = run(janitor().args(["-r", "r"]).args(arguments));
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.exit, exit, "{shown}");
        assert!(shown.contains(words), "{shown}");
    }
    assert_eq!(registry.liar.asked(), 0);
}

/// Starts a master that passes the first requests on to a cluster, then calls a function, and then
/// answers that it knows no leader.
fn until(cluster: &Cluster, count: usize, then: impl FnOnce() + Send + 'static) -> Answering {
    let (seen, origin) = (Arc::new(AtomicUsize::new(0)), cluster.master_url());
    let origin = origin.trim_end_matches("/master/").to_owned();
    let then = Arc::new(Mutex::new(Some(then)));
    Answering::start(move |request| {
        if seen.fetch_add(1, Ordering::SeqCst) >= count {
            // The others wait for the first one.
            let mut then = then.lock().unwrap();
            if let Some(then) = then.take() {
                // Outside the runtime of this server, the function may use another one.
                thread::spawn(then).join().unwrap();
            }
            return response(503, "No leader elected", None);
        }
        let url = format!("{origin}{}", request.uri().path_and_query().unwrap());
        let mut passed = http::Request::builder().method(request.method()).uri(url);
        if let Some(kind) = request.headers().get("content-type") {
            passed = passed.header("content-type", kind);
        }
        let passed = passed.body(request.body().clone()).unwrap();
        let answer = client().run(passed).unwrap();
        let status = answer.status();
        let body = answer.into_body().read_to_vec().unwrap();
        http::Response::builder().status(status).body(body).unwrap()
    })
}

/// After each request, another master takes over.
#[test]
fn a_leader_that_changes_during_a_cleanup() {
    for count in [0, 1, 4, 7, 9] {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let registry = Arc::new(Registry::start(&[]));
        let (next, taken) = (cluster.master_url(), registry.clone());
        let first = until(&cluster, count, move || taken.elect(&[&next]));
        registry.elect(&[&format!("{}/master/", first.origin())]);
        let run = clean(&registry.url(), &cluster, &[]);
        assert_eq!((run.exit, complaints(&run)), (0, vec![]), "{count}: {}", run.stdout);
        assert!(
            !serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role")
        );
    }
}

/// The endpoints of a library name a group, too.
#[test]
fn a_group_is_one_endpoint() {
    let registry = Registry::start(&["http://127.0.0.1:1/master/"]);
    let endpoints =
        Endpoints::new(&registry.url(), Endpoints::EXHIBITOR, Endpoints::MARATHON).unwrap();
    assert_eq!(endpoints.masters(), [format!("{}/", registry.url())]);
    assert!(endpoints.master_group().is_some());
}

/// Registers a master in a real ZooKeeper, in a session that belongs to the test.
pub fn register(server: &Server, master: &str, acl: &zookeeper_client::Acls<'_>) -> Registered {
    let client = server.client();
    let data = info(master).to_string();
    let options = CreateMode::EphemeralSequential.with_acls(*acl);
    let (_, number) = server.run(async {
        client.auth("digest", crate::zookeeper::DIGEST.as_bytes()).await.unwrap();
        client.create("/mesos/json.info_", data.as_bytes(), &options).await.unwrap()
    });
    let node = format!("/mesos/json.info_{number}");
    Registered { client, node }
}

/// A master that is registered in a real ZooKeeper.
pub struct Registered {
    client: zookeeper_client::Client,
    /// Its node.
    pub node: String,
}

impl Registered {
    /// Ends the registration, as the end of the master's session does.
    pub fn leave(&self, server: &Server) {
        server.run(self.client.delete(&self.node, None)).unwrap();
    }
}

#[test]
fn a_real_zookeeper() {
    let Some(command) = &needed(crate::zookeeper::command()) else { return };
    let server = Server::start(command);
    let url = format!("{}mesos", server.url());
    let cluster = Cluster::start(scenario("the-sample-result"));
    let plan = |more: &[&str]| {
        run(janitor().args(["plan", "-v", "-r", "cassandra_role", "-m", &url]).args(more))
    };
    let missing = plan(&[]);
    let words = "/mesos, the path of the masters in its URL, does not exist in ZooKeeper; / has \
                 /zookeeper";
    assert!(missing.stdout.contains(words), "{}", missing.stdout);

    server.create(&["/mesos", "/mesos/log_replicas"]);
    let first = register(&server, &cluster.master_url(), &server::anyone());
    let second = register(&server, "http://127.0.0.1:1/master/", &server::anyone());
    let planned = plan(&[]);
    assert_eq!(planned.exit, 0, "{}", planned.stdout);
    assert!(planned.stderr.contains(&cluster.master_url()), "{}", planned.stderr);

    // The second one leads, and only the test's user may read the third one.
    first.leave(&server);
    let third = register(&server, &cluster.master_url(), &server::creator());
    let dead = plan(&[]).stdout;
    assert!(dead.contains("http://127.0.0.1:1/master/, which leads in ZooKeeper"), "{dead}");
    second.leave(&server);
    let denied = plan(&[]);
    let words = "the ACL of /mesos in ZooKeeper does not let this user read it";
    assert!(denied.stdout.contains(words), "{}", denied.stdout);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("digest");
    fs::write(&file, crate::zookeeper::DIGEST).unwrap();
    let allowed = plan(&["--zk-auth-file", file.to_str().unwrap()]);
    assert_eq!(allowed.exit, 0, "{}", allowed.stdout);
    third.leave(&server);
}

/// The ensemble loses its leading server, and the run its leading master.
#[test]
fn a_real_ensemble_that_loses_a_server() {
    let Some(command) = &needed(crate::zookeeper::command()) else { return };
    let servers = Server::ensemble(command);
    let url = servers.each_ref().map(Server::address).join(",");
    let url = format!("zk://{url}/mesos");
    let other = servers.iter().find(|server| !server.leads()).unwrap();
    other.create(&["/mesos"]);
    let cluster = Cluster::start(scenario("the-sample-result"));
    let next = cluster.master_url();
    let registered: Arc<Mutex<Vec<Registered>>> = Arc::default();
    // The master, which nobody ends, must not keep the servers alive.
    let running = servers.each_ref().map(Server::unless_ended);
    let (taken, keeper) = (registered.clone(), other.unless_ended());
    let first = until(&cluster, 5, move || {
        let mut servers = running.iter().filter_map(|running| running());
        servers.find(Server::leads).unwrap().kill();
        crate::real::master::until("no server leads the ensemble again", || {
            running.iter().filter_map(|running| running()).any(|server| server.leads())
        });
        let keeper = keeper().unwrap();
        let mut registered = taken.lock().unwrap();
        registered.push(register(&keeper, &next, &server::anyone()));
        registered[0].leave(&keeper);
    });
    let master = format!("{}/master/", first.origin());
    registered.lock().unwrap().push(register(other, &master, &server::anyone()));
    let run = clean(&url, &cluster, &[]);
    assert_eq!((run.exit, complaints(&run)), (0, vec![]), "{}", run.stdout);
}
