//! The live transport, through the library: its limits, its connections, and how
//! many requests it has on the wire.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use janitor_host::{
    Credentials, Endpoints, Entry, InUse, Janitor, Limits, Live, Options, Report, RunError,
    Session, Target, Tls,
};
use janitor_tests::{Cluster, State};
use libtest_mimic::Trial;

use crate::command::tests;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("transport::the_window_is_on_the_wire", the_window_is_on_the_wire),
        trial("transport::connections_are_kept", connections_are_kept),
        trial("transport::a_server_that_says_nothing_is_given_up", a_silent_server),
        trial("transport::a_body_that_stops_is_given_up", a_body_that_stops),
        trial("transport::a_body_above_the_limit_is_given_up", a_large_body),
        trial("transport::what_is_no_http_is_said_to_be_none", no_http),
    ]
}

/// The sample cluster: three of six agents have something.
fn cluster(latency_ms: u64) -> Cluster {
    let json = fs::read(tests("scenarios/the-sample-result/cluster.json")).unwrap();
    let state: State = serde_json::from_slice(&json).unwrap();
    Cluster::start(State { latency_ms, ..state })
}

fn the_window_is_on_the_wire() {
    for window in [1, 2, 32] {
        let cluster = cluster(100);
        let limits = Limits { window, ..Limits::default() };
        clean(&cluster.master_url(), limits).0.unwrap();
        assert_eq!(cluster.load().most_at_once, window.min(3) as usize);
    }
}

fn connections_are_kept() {
    let cluster = cluster(0);
    clean(&cluster.master_url(), Limits { window: 1, ..Limits::default() }).0.unwrap();
    assert_eq!(cluster.requests().len(), 9);
    assert_eq!(cluster.load().connections, 1);
}

fn a_silent_server() {
    let limits = Limits { answer: Duration::from_millis(50), ..Limits::default() };
    let log = clean(&answering(b""), limits).1;
    assert!(log.contains("Network error: the Mesos master did not answer in time."), "{log}");
}

fn a_body_that_stops() {
    let limits = Limits { answer: Duration::from_millis(50), ..Limits::default() };
    let log = clean(&answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), limits).1;
    assert!(log.contains("Network error: the Mesos master did not answer in time."), "{log}");
}

fn a_large_body() {
    let limits = Limits { response_bytes: 100, ..Limits::default() };
    let log = clean(&cluster(0).master_url(), limits).1;
    let words = "Network error: the answer of the Mesos master is larger than 100 bytes.";
    assert!(log.contains(words), "{log}");
}

fn no_http() {
    let log = clean(&answering(b"220 smtp.example ESMTP\r\n"), Limits::default()).1;
    assert!(log.contains("Network error: the answer of the Mesos master is no HTTP"), "{log}");
}

/// A server that sends these bytes to everyone, and keeps the connection open.
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
fn clean(master: &str, limits: Limits) -> (Result<Report, RunError>, String) {
    let target = Target {
        role: Some("cassandra_role".into()),
        principal: None,
        znode: None,
        marathon_app: None,
    };
    let log = Arc::<Mutex<String>>::default();
    let lines = log.clone();
    let session = Session::new(Live::new(&limits, &Tls::default(), Credentials::None))
        .with_endpoints(Endpoints::new(master, Endpoints::EXHIBITOR, Endpoints::MARATHON).unwrap())
        .with_log(move |entry: &Entry| *lines.lock().unwrap() += &(entry.message.clone() + "\n"))
        .with_limits(limits);
    let result = Janitor::new().unwrap().clean(
        target,
        Options { confirm_seconds: 3, in_use: InUse::Force, system_znode: false },
        session,
    );
    let log = log.lock().unwrap().clone();
    (result, log)
}
