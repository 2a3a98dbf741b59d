//! Tests of the live transport, through the library: its limits, its connections, and the number of
//! its requests in flight.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use janitor_contract::types::{Content, Endpoint, Method};
use janitor_host::{
    CancellationToken, Credential, Credentials, Endpoints, Entry, InUse, Janitor, Limits, Network,
    NetworkBuilder, Options, Report, RunError, Session, Target, Timeouts, Token,
};
use janitor_tests::{Answering, Cluster, State};
use janitor_transport::exchange::{Request, RunStart, Transport};

use crate::command::{self, Run, janitor, replay, run, tests};

/// Starts the sample cluster: three of six agents hold something.
fn cluster(latency_ms: u64) -> Cluster {
    let json = fs::read(tests("scenarios/the-sample-result/cluster.json")).unwrap();
    let state: State = serde_json::from_slice(&json).unwrap();
    Cluster::start(State { latency_ms, ..state })
}

#[test]
fn the_window_is_on_the_wire() {
    for window in [1, 2, 32] {
        let cluster = cluster(100);
        let limits = Limits { window, ..Limits::default() };
        clean(&cluster.master_url(), limits, Timeouts::default()).0.unwrap();
        assert_eq!(cluster.load().most_at_once, window.min(3) as usize);
    }
}

#[test]
fn connections_are_kept() {
    let cluster = cluster(0);
    let limits = Limits { window: 1, ..Limits::default() };
    clean(&cluster.master_url(), limits, Timeouts::default()).0.unwrap();
    assert_eq!(cluster.requests().len(), 19);
    assert_eq!(cluster.load().connections, 1);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let timeouts = Timeouts { answer: Duration::from_millis(50), ..Timeouts::default() };
    let log = clean(&answering(b""), Limits::default(), timeouts).1;
    assert!(log.contains("Network error: the Mesos master did not answer in time."), "{log}");
}

#[test]
fn a_body_that_stops_is_given_up() {
    let timeouts = Timeouts { answer: Duration::from_millis(50), ..Timeouts::default() };
    let master = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{");
    let log = clean(&master, Limits::default(), timeouts).1;
    assert!(log.contains("Network error: the Mesos master did not answer in time."), "{log}");
}

#[test]
fn a_body_above_the_limit_is_given_up() {
    let limits = Limits { response_bytes: 100, ..Limits::default() };
    let log = clean(&cluster(0).master_url(), limits, Timeouts::default()).1;
    let words = "Network error: the answer of the Mesos master is larger than 100 bytes.";
    assert!(log.contains(words), "{log}");
}

#[test]
fn what_is_no_http_is_said_to_be_none() {
    let master = answering(b"220 smtp.example ESMTP\r\n");
    let log = clean(&master, Limits::default(), Timeouts::default()).1;
    assert!(
        log.contains("Network error: the answer of the Mesos master is not valid HTTP"),
        "{log}"
    );
}

/// The run and its replay both reject such a status, whatever the body contains.
#[test]
fn only_a_final_status_is_an_answer() {
    let list = r#"{"slaves":[],"recovered_slaves":[]}"#;
    for status in [101, 102, 150, 199, 600, 999] {
        let answer =
            format!("HTTP/1.1 {status} Odd\r\nContent-Length: {}\r\n\r\n{list}", list.len());
        let master = answering(answer.leak().as_bytes());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.har");
        let mut command = janitor();
        command.args(["-r", "cassandra_role", "-m", &master, "--record"]).arg(&file);
        let live = run(&mut command);
        assert_eq!(live.exit, 5, "{status}: {live:?}");
        let words = "Network error: the answer of the Mesos master is not valid HTTP: ";
        assert!(live.stdout.contains(words), "{status}: {}", live.stdout);
        assert_eq!(run(&mut replay(&file)), live, "{status}");
    }
}

/// Starts a master that leads, and says so in every answer.
fn leading() -> Answering {
    Answering::start(|_| response(200, "leading", None))
}

/// Starts a master that does not lead: it serves its own pages, and redirects the other requests.
pub fn standby(leader: &str) -> Answering {
    let leader = leader.trim_start_matches("http:").to_owned();
    Answering::start(move |request| match request.uri().path().strip_prefix("/master/") {
        Some(path) => response(307, "", Some(format!("{leader}/master/{path}"))),
        None => response(200, "standby", None),
    })
}

pub fn response(status: u16, body: &str, location: Option<String>) -> http::Response<Vec<u8>> {
    let mut response = http::Response::builder().status(status);
    if let Some(location) = location {
        response = response.header("Location", location);
    }
    response.body(body.into()).unwrap()
}

/// Sends one request as a run would; returns the status and the body.
pub fn ask(network: &mut Network, endpoint: Endpoint, method: Method, path: &str) -> (u16, String) {
    let content = (method == Method::Post)
        .then(|| Content { media_type: "application/json".into(), bytes: b"{}".into() });
    let path = path.split('/').map(Into::into).collect();
    let request = Request { endpoint, method, path, query: vec![], content };
    let mut response = match network.send(request).finish() {
        Ok(response) => response,
        Err(error) => return (0, error.to_string()),
    };
    let mut body = vec![0; 1000];
    let length = response.body.read(&mut body).unwrap();
    (response.status, String::from_utf8_lossy(&body[..length]).into_owned())
}

/// Creates a network with these comma-separated masters.
pub fn network(masters: &str) -> NetworkBuilder {
    let nobody = "http://127.0.0.1:1/";
    command::network(Endpoints::new(masters, nobody, nobody).unwrap())
}

/// Returns the network after it has begun a run.
pub fn running(network: NetworkBuilder) -> Network {
    let mut network = network.build().unwrap();
    let (endpoints, time) = (network.endpoints().clone(), Duration::from_secs(600));
    network.begin(&RunStart::new(endpoints, time, CancellationToken::new()));
    network
}

const ROOT: [&str; 3] = ["metrics/snapshot", "registrar(1)/registry", "version"];

/// A master that does not lead would answer these pages as if the cluster were empty.
#[test]
fn the_root_is_the_leaders() {
    let leader = leading();
    let standby = standby(&leader.origin());
    let mut network = running(network(&format!("{}/master/", standby.origin())));
    let before = ask(&mut network, Endpoint::MasterRoot, Method::Get, ROOT[0]);
    assert_eq!(before, (200, "standby".into()), "nobody else is known yet");
    let list = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
    assert_eq!(list, (200, "leading".into()));
    for path in ROOT {
        let page = ask(&mut network, Endpoint::MasterRoot, Method::Get, path);
        assert_eq!(page, (200, "leading".into()), "{path}");
    }
    let v1 = ask(&mut network, Endpoint::Master, Method::Post, "api/v1");
    assert_eq!(v1, (200, "leading".into()));
}

/// If several masters are named, each has its own root.
#[test]
fn the_root_of_a_named_master() {
    let router = Answering::start(|request| match request.uri().path() {
        "/mesos/master/slaves" | "/mesos/version" => response(200, "leading", None),
        _ => response(404, "", None),
    });
    let masters = format!("{NOWHERE}/master/,{}/mesos/master/", router.origin());
    let mut network = running(network(&masters));
    let list = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
    assert_eq!(list, (200, "leading".into()));
    let page = ask(&mut network, Endpoint::MasterRoot, Method::Get, "version");
    assert_eq!(page, (200, "leading".into()));
}

/// A URL at which no server listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// If one master knows no leader, or not yet the new one, another master may answer.
#[test]
fn masters_that_know_no_leader_are_passed_over() {
    let leader = leading();
    let mut others: Vec<_> = [502, 503, 504]
        .map(|status| Answering::start(move |_| response(status, "no leader", None)))
        .into();
    // One redirects to a master that no longer exists, and one redirects to itself.
    others.push(standby(NOWHERE));
    others.push(Answering::start(|request| {
        let host = request.headers()["host"].to_str().unwrap();
        response(307, "", Some(format!("//{host}{}", request.uri().path())))
    }));
    for other in &others {
        let masters = [other, &leader].map(|master| format!("{}/master/", master.origin()));
        let mut network = running(network(&masters.join(",")));
        let list = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
        assert_eq!(list, (200, "leading".into()));
    }
    // The root is not requested from a master that knows no leader.
    let [first, second] = ["first", "second"].map(|name| {
        Answering::start(move |request| match request.uri().path().starts_with("/master/") {
            true => response(503, "no leader", None),
            false => response(200, name, None),
        })
    });
    let masters = [first, second].map(|master| (format!("{}/master/", master.origin()), master));
    let mut network = running(network(&format!("{},{}", masters[0].0, masters[1].0)));
    let list = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
    assert_eq!(list, (503, "no leader".into()));
    let page = ask(&mut network, Endpoint::MasterRoot, Method::Get, "version");
    assert_eq!(page, (200, "first".into()));
}

#[test]
fn credentials_are_not_redirected() {
    let leader = leading();
    let standby = standby(&leader.origin());
    let token = Credentials::everywhere(Credential::Token(Token::new("canary").unwrap()));
    let master = format!("{}/master/", standby.origin());
    let mut network = running(network(&master).credentials(token));
    let (_, why) = ask(&mut network, Endpoint::Master, Method::Get, "slaves");
    let words = format!("it redirects to {}/master/slaves, and credentials", leader.origin());
    assert!(why.contains(&words), "{why}");
    // The root is not requested from a master that has redirected the request.
    let page = ask(&mut network, Endpoint::MasterRoot, Method::Get, "version");
    assert_eq!(page, (200, "standby".into()));
}

#[test]
fn a_redirect_says_where_it_points() {
    let elsewhere = Answering::start(|request| {
        let host = request.headers()["host"].to_str().unwrap();
        let location = format!("https://{host}{}?secret", request.uri().path());
        response(302, "<html>302 Found</html>", Some(location))
    });
    let origin = elsewhere.origin();
    let endpoints = Endpoints::new(&origin, &origin, &origin).unwrap();
    for endpoint in [Endpoint::Master, Endpoint::Exhibitor, Endpoint::Marathon] {
        let mut network = running(command::network(endpoints.clone()));
        let answer = ask(&mut network, endpoint, Method::Get, "x");
        let https = origin.replace("http://", "https://");
        assert_eq!(answer, (302, format!("redirects to {https}/x: use https:// in its URL")));
    }
}

/// Runs on a cluster at loopback, in an environment that names proxies.
fn among_proxies(cluster: &Cluster, environment: &[(&str, &OsStr)]) -> Run {
    let mut command = janitor();
    command.args(["-r", "cassandra_role", "-a", "canary", "-m", &cluster.master_url()]);
    run(command.args(["-n", &cluster.marathon_url()]).envs(environment.iter().copied()))
}

/// No request takes another route, and a password is not shown.
#[test]
fn a_proxy_that_cannot_be_used_is_an_error() {
    let good = "http://127.0.0.1:1";
    let binary = OsStr::from_bytes(b"http://127.0.0.1:1/\xff");
    for (variable, value) in [
        ("ALL_PROXY", OsStr::new("banana")),
        ("all_proxy", OsStr::new("socks5://127.0.0.1:1080")),
        ("HTTPS_PROXY", OsStr::new("socks://u:secret@127.0.0.1:1080")),
        ("https_proxy", OsStr::new("http://127.0.0.1:99999")),
        ("HTTP_PROXY", OsStr::new("http://u:secret%ff@127.0.0.1:1")),
        ("http_proxy", OsStr::new("ftp://127.0.0.1:1")),
        ("http_proxy", binary),
    ] {
        let cluster = cluster(0);
        // In the first of two runs, another variable names a usable proxy.
        for more in [&[("http_proxy", OsStr::new(good))][..], &[]] {
            let mut environment = more.to_vec();
            environment.retain(|(name, _)| *name != variable);
            environment.extend([(variable, value), ("MARATHON_APP_ID", OsStr::new("/janitor"))]);
            let run = among_proxies(&cluster, &environment);
            assert_eq!((run.exit, run.stderr.as_str()), (3, ""), "{variable}: {run:?}");
            let begin = format!("{variable} cannot be used: it ");
            assert!(run.stdout.starts_with(&begin), "{}", run.stdout);
            assert!(!run.stdout.contains("secret"), "{}", run.stdout);
            assert!(run.stdout.contains("/janitor stays in Marathon"), "{}", run.stdout);
        }
        assert_eq!(cluster.requests(), [], "{variable}");
    }
    // An empty value means no proxy, and a command without requests needs none.
    let run = among_proxies(&cluster(0), &[("ALL_PROXY", OsStr::new(" "))]);
    assert_eq!(run.exit, 0, "{run:?}");
    let recording = tests("recordings/cassandra-0.28.1.har");
    let replayed = crate::command::run(replay(&recording).env("ALL_PROXY", "banana"));
    assert_eq!(replayed.exit, 0, "{replayed:?}");
}

#[test]
fn an_exception_that_cannot_be_one_is_an_error() {
    for (variable, value) in [("NO_PROXY", "127.0.0.1:x"), ("no_proxy", "localhost,10.0.0.0/99")] {
        let cluster = cluster(0);
        let environment = [(variable, OsStr::new(value)), ("http_proxy", OsStr::new("p:1"))];
        let run = among_proxies(&cluster, &environment);
        assert_eq!((run.exit, run.stderr.as_str()), (3, ""), "{variable}: {run:?}");
        assert!(run.stdout.starts_with(&format!("{variable} cannot be used: it ")), "{run:?}");
        assert_eq!(cluster.requests(), []);
    }
}

/// Exceptions are reached without the proxy, which would receive the token.
#[test]
fn exceptions_are_reached_without_the_proxy() {
    for list in ["x, 127.0.0.1", ".example,127.0.0.0/8", "*", "127.0.0.1 localhost", "PORT"] {
        let proxy = Answering::start(|_| response(502, "", None));
        let (cluster, origin) = (cluster(0), proxy.origin());
        let master = cluster.master_url();
        let master = master.trim_start_matches("http://").trim_end_matches("/master/");
        let list = list.replace("PORT", master);
        let list = list.as_str();
        let environment = [("NO_PROXY", OsStr::new(list)), ("ALL_PROXY", OsStr::new(&origin))];
        let run = among_proxies(&cluster, &environment);
        assert_eq!(run.exit, 0, "{list}: {run:?}");
    }
}

/// The proxy is at fault, and is named with its variable and without its password.
#[test]
fn a_dead_proxy_is_the_proxys_fault() {
    let refusing = Answering::start(|_| response(407, "", None));
    let silent = answering(b"220 smtp.example ESMTP\r\n");
    for (variable, proxy, words) in [
        ("HTTPS_PROXY", "http://u:secret@127.0.0.1:1", "refused"),
        ("all_proxy", "http://u:secret@no-such-proxy.invalid:1", "has no address"),
        ("HTTP_PROXY", &refusing.origin(), "responded 407"),
        ("http_proxy", &silent, "does not answer as an http proxy"),
    ] {
        let cluster = cluster(0);
        let mut environment = vec![(variable, OsStr::new(proxy))];
        let run = among_proxies(&cluster, &environment);
        assert_eq!(run.exit, 5, "{run:?}");
        let place = proxy.trim_start_matches("http://").trim_start_matches("u:secret@");
        let name = format!("the proxy {} ({variable})", place.trim_end_matches('/'));
        let begin = "Network error: cannot connect to the Mesos master: ";
        let line = run.stdout.lines().find(|line| line.starts_with(begin));
        let line = line.unwrap_or_else(|| panic!("{}", run.stdout));
        assert!(line.contains(&name) && line.to_lowercase().contains(words), "{line}");
        assert!(!run.stdout.contains("secret"), "{}", run.stdout);
        environment.push(("NO_PROXY", OsStr::new("127.0.0.1")));
        assert_eq!(among_proxies(&cluster, &environment).exit, 0);
    }
}

/// With `-v`, the way to each server is shown.
#[test]
fn the_proxy_is_shown_on_request() {
    let cluster = cluster(0);
    let (master, proxy) = (cluster.master_url(), cluster.proxy_url());
    let shown = |more: &[&str]| {
        let mut command = janitor();
        command.args(["-r", "no-such-role", "-m", &master]).args(more);
        let run = run(command.env("http_proxy", "http://u:secret@127.0.0.1:1"));
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
        run.stderr
    };
    let line = format!("janitor: {master} is reached through the proxy 127.0.0.1:1 (http_proxy)\n");
    assert_eq!(shown(&["-v"]), line);
    assert_eq!(shown(&[]), "");
    let mut direct = janitor();
    direct.args(["-v", "-r", "no-such-role", "-m", &master]);
    direct.env("http_proxy", proxy).env("NO_PROXY", "127.0.0.1");
    assert_eq!(run(&mut direct).stderr, "");
}

/// A likely URL follows what is wrong with one.
#[test]
fn a_url_with_the_wrong_path_has_a_likely_one() {
    let cluster = cluster(0);
    let master = cluster.master_url();
    let exhibitor = cluster.exhibitor_url();
    for (arguments, likely) in [
        (format!("-r r -m {master}master/"), format!("but at: -m {master}")),
        (
            format!("-z kafka -m {master} -e {exhibitor}exhibitor/v1/ui/index.html"),
            format!("but at: -e {exhibitor}"),
        ),
    ] {
        let run = run(janitor().args(arguments.split_whitespace()));
        assert_eq!(run.exit, 5, "{}", run.stdout);
        let is_there = run.stdout.lines().any(|line| line.ends_with(&likely));
        assert!(is_there, "{}", run.stdout);
    }
    for (arguments, likely) in [
        ("-m 127.0.0.1:5050", "probably http://127.0.0.1:5050/master/,"),
        ("-e 127.0.0.1", "probably http://127.0.0.1:8181/,"),
        ("-n 127.0.0.1", "probably http://127.0.0.1:8080/v2/apps/,"),
        ("--dcos-url c.example", "probably https://c.example/,"),
        ("-m http://127.0.0.1:5050/#/agents", "probably http://127.0.0.1:5050/master/,"),
        ("-m zk://127.0.0.1", "zk://host:2181/mesos: zk://127.0.0.1"),
        ("-m zk://u:secret@127.0.0.1/mesos", "--zk-auth-file"),
    ] {
        let run = run(janitor().args(["-r", "r"]).args(arguments.split_whitespace()));
        assert_eq!(run.exit, 3, "{}", run.stdout);
        assert!(run.stdout.contains(likely), "{}", run.stdout);
        assert!(!run.stdout.contains("secret"), "{}", run.stdout);
    }
}

/// Starts a server that sends these bytes to every client, and keeps the connection open.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut connections = Vec::new();
        for mut connection in listener.incoming().flatten() {
            std::io::Write::write_all(&mut connection, bytes).unwrap();
            connections.push(connection);
        }
    });
    url
}

/// Cleans the sample's role; returns the log as well.
fn clean(master: &str, limits: Limits, timeouts: Timeouts) -> (Result<Report, RunError>, String) {
    let target = Target {
        role: Some("cassandra_role".into()),
        principal: None,
        znode: None,
        ..Target::NOTHING
    };
    let log = Arc::<Mutex<String>>::default();
    let lines = log.clone();
    let endpoints = Endpoints::new(master, Endpoints::EXHIBITOR, Endpoints::MARATHON).unwrap();
    let network = command::network(endpoints).timeouts(timeouts).build().unwrap();
    let session = Session::new(network)
        .with_log(move |entry: &Entry| *lines.lock().unwrap() += &(entry.message.clone() + "\n"))
        .with_limits(limits);
    let result = Janitor::new().unwrap().clean(
        &target,
        &Options { confirm_seconds: 3, in_use: InUse::Force, ..Options::DEFAULT },
        session,
    );
    let log = log.lock().unwrap().clone();
    (result, log)
}
