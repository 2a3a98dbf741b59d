//! One component in several hosts: in each of them, a recorded cleanup ends in the same report,
//! byte for byte. The hosts in Node, Python and Rust are the examples in `tests/embedders`;
//! `tests/embedders/setup.sh` installs what they need.

mod hosts;
mod library;
mod npm;
mod pypi;
mod recorded;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use janitor_host::{
    AsyncSession, Call, Endpoints, Janitor, Options, Report, RunError, Session, Target,
};
use janitor_tests::{Agent, Cluster, State};
use janitor_transport::recording::har::Run;
use janitor_transport::recording::read::Replay;
use ring::digest::{SHA256, digest};
use socket2::{Domain, Socket, Type};

use crate::command::{changes, network, recordings, replay, run, scenario, tests};
use crate::needs::{needed, say};
use crate::nonblocking::block_on;
use crate::viewer;
use hosts::{
    JANITOR, JSPI, NODE, NPM, NPM_WITH_JSPI, PYTHON, Place, Program, RUST, WASMTIME, field, script,
};
use janitor_nonblocking::Client;
use pypi::{PYPI, PYPI_TRANSPORT};
use recorded::Recorded;

tests! {
    node: cleans_the_stand_in(&NODE),
    node_without_a_server: fails_without_a_server(&NODE),
    jspi: cleans_the_stand_in(&JSPI),
    jspi_without_a_server: fails_without_a_server(&JSPI),
    npm: cleans_the_stand_in(&NPM),
    npm_without_a_server: fails_without_a_server(&NPM),
    npm_with_jspi: cleans_the_stand_in(&NPM_WITH_JSPI),
    npm_with_jspi_without_a_server: fails_without_a_server(&NPM_WITH_JSPI),
    python: cleans_the_stand_in(&PYTHON),
    python_without_a_server: fails_without_a_server(&PYTHON),
    pypi: cleans_the_stand_in(&PYPI),
    pypi_without_a_server: fails_without_a_server(&PYPI),
    pypi_transport: cleans_the_stand_in(&PYPI_TRANSPORT),
    pypi_transport_without_a_server: fails_without_a_server(&PYPI_TRANSPORT),
    rust: cleans_the_stand_in(&RUST),
    rust_without_a_server: fails_without_a_server(&RUST),
}

/// Returns the recorded cleanups: the file, the options, and the target.
fn cleanups() -> impl Iterator<Item = (PathBuf, Options, Target)> {
    let mut files: Vec<_> = recordings().collect();
    files.sort();
    files.into_iter().filter_map(|file| match Replay::open(&file).unwrap().run() {
        Run { call: Call::Clean(target), options, .. } => Some((file, options, target)),
        _ => None,
    })
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().display().to_string()
}

/// Prints each host's report, and fails if two differ.
#[test]
fn one_report() {
    let mut table = row(["recording", "host", "answers", "bytes", "report"]);
    let mut differences = String::new();
    let files: Vec<_> = cleanups().map(|(file, ..)| file).collect();
    let mut pages = viewer::is_installed().ok().map(|()| viewer::reports(&files).into_iter());
    for (file, options, target) in cleanups() {
        let replayed = run(replay(&file).args(["--output", "json"]));
        let expected = field(&replayed.stdout);
        let programs = [
            &JANITOR,
            &NODE,
            &NPM,
            &NPM_WITH_JSPI,
            &PYTHON,
            &PYPI,
            &PYPI_TRANSPORT,
            &RUST,
            &WASMTIME,
        ];
        let live = thread::scope(|scope| {
            let live = programs.map(|program| {
                scope.spawn(|| {
                    (program.is_installed)().ok().map(|()| live(program, &file, &target, &options))
                })
            });
            live.map(|report| report.join().unwrap())
        });
        let mut hosts = vec![
            ("library", "replay", Some(replayed_in_the_library(&file, &target, &options))),
            ("library", "HTTP", Some(live_in_the_library(&file, &target, &options))),
            ("component", "HTTP", Some(live_in_the_component(&file, &target, &options))),
            ("browser page", "replay", pages.as_mut().and_then(Iterator::next)),
            ("library, async", "replay", Some(replayed_in_async(&file, &target, &options))),
            ("library, async", "HTTP", Some(live_in_async(&file, &target, &options))),
        ];
        hosts.extend(programs.iter().zip(live).map(|(it, report)| (it.name, "HTTP", report)));

        let name = stem(&file);
        let bytes = expected.len().to_string();
        table += &row([&name, "janitor", "replay", &bytes, &sha256(&expected)]);
        for (host, answers, report) in hosts {
            let what = match &report {
                None => "not here: run cargo xtask tests",
                Some(report) if *report == expected => "same",
                Some(_) => "DIFFERENT",
            };
            let report = report.unwrap_or_default();
            if what == "DIFFERENT" {
                differences += &format!("{name}, {host}:\n{report}\ninstead of\n{expected}\n");
            }
            table += &row([&name, host, answers, &report.len().to_string(), what]);
        }
    }
    say(&format!("\n{table}"));
    assert_eq!(differences, "");
}

fn row([recording, host, answers, bytes, report]: [&str; 5]) -> String {
    format!("{recording:<26} {host:<15} {answers:<7} {bytes:>5} {report}\n")
}

fn sha256(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the report of a program that gets recorded answers from servers.
fn live(program: &Program, recording: &Path, target: &Target, options: &Options) -> String {
    let recorded = Recorded::start(recording);
    let run = program.clean(target, options, &recorded.place());
    assert_eq!(recorded.deviations(), [""; 0], "{}: {run:?}", program.name);
    (program.report)(&run.stdout)
}

#[test]
fn what_was_not_recorded_is_noticed() {
    let recorded = Recorded::start(&tests("recordings/cassandra-0.28.1.har"));
    let target = Target { znode: Some("other".into()), ..sample() };
    let run = JANITOR.clean(&target, &Options::DEFAULT, &recorded.place());
    assert!(run.stdout.contains("the recording has no DELETE"), "{run:?}");
    let deviations = recorded.deviations().join("\n");
    for words in ["has no DELETE http://leader.mesos:8181/", "was not requested: DELETE"] {
        assert!(deviations.contains(words), "{deviations}");
    }
}

/// Returns the report of the library, which plays the recording itself.
fn replayed_in_the_library(recording: &Path, target: &Target, options: &Options) -> String {
    replayed_in(recording, |session| in_the_library(session, target, options))
}

/// Returns the report of the library's async form, which plays the recording itself.
fn replayed_in_async(recording: &Path, target: &Target, options: &Options) -> String {
    replayed_in(recording, |session| in_async(session.into(), target, options))
}

/// Returns the report of a host that plays the recording itself.
fn replayed_in(recording: &Path, clean: impl FnOnce(Session) -> String) -> String {
    let replay = Replay::open(recording).unwrap();
    let report = clean(Session::new(replay.transport()));
    assert_eq!(replay.deviations(), [""; 0]);
    report
}

/// Returns the report of the library, which gets recorded answers from servers.
fn live_in_the_library(recording: &Path, target: &Target, options: &Options) -> String {
    live_in(recording, |endpoints| {
        let session = Session::new(network(endpoints).build().unwrap());
        in_the_library(session, target, options)
    })
}

/// Returns the report of the library's async form, with an async client.
fn live_in_async(recording: &Path, target: &Target, options: &Options) -> String {
    live_in(recording, |endpoints| {
        in_async(AsyncSession::new_async(Client::new(endpoints)), target, options)
    })
}

/// Returns the report of a host that gets recorded answers from servers.
fn live_in(recording: &Path, clean: impl FnOnce(Endpoints) -> String) -> String {
    let recorded = Recorded::start(recording);
    let Place { master, exhibitor, marathon } = recorded.place();
    let report = clean(Endpoints::new(&master, &exhibitor, &marathon).unwrap());
    assert_eq!(recorded.deviations(), [""; 0]);
    report
}

/// Returns the report of the library component, which gets recorded answers from servers.
fn live_in_the_component(recording: &Path, target: &Target, options: &Options) -> String {
    let recorded = Recorded::start(recording);
    let mut instance = library::Instance::new();
    instance.configure(&recorded.place(), None).unwrap();
    let report = instance.clean(target, options).unwrap_or_else(|(_, report)| report);
    assert_eq!(recorded.deviations(), [""; 0]);
    report
}

fn in_the_library(session: Session, target: &Target, options: &Options) -> String {
    report(Janitor::new().unwrap().clean(target, options, session))
}

fn in_async(session: AsyncSession, target: &Target, options: &Options) -> String {
    report(block_on(Janitor::new().unwrap().clean_async(target, options, session)))
}

/// Returns the report of a cleanup, whether or not it completed.
fn report(result: Result<Report, RunError>) -> String {
    let report = match result {
        Ok(report) => report,
        Err(RunError::Failure(failure)) => failure.report,
        Err(error) => panic!("{error}"),
    };
    serde_json::to_string(&report).unwrap()
}

/// Returns the target of the sample.
fn sample() -> Target {
    Target {
        role: Some("cassandra_role".into()),
        principal: Some("cassandra_principal".into()),
        znode: Some("cassandra".into()),
        marathon_app: Some("/janitor".into()),
        ..Target::NOTHING
    }
}

/// Makes the cluster slow, and adds so many agents that the list of them is read in pieces.
fn larger(mut state: State) -> State {
    state.latency_ms = 200;
    let bystander = state.agents.last().cloned().unwrap();
    state.agents.extend((0..100).map(|number| {
        let id = format!("{}-{number}", bystander.id);
        Agent { id, ..bystander.clone() }
    }));
    state
}

fn cleans_the_stand_in(program: &Program) {
    if needed((program.is_installed)()).is_none() {
        return;
    }
    let cluster = Cluster::start(larger(scenario("the-sample-result")));
    let run = program.clean(&sample(), &Options::DEFAULT, &Place::of(&cluster));
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
    assert!(run.stderr.contains("Found 1 volume(s)"), "{run:?}");
    // Three agents hold something, and no request waits for another agent.
    assert_eq!(cluster.load().most_at_once, 3);
    assert_eq!(cluster.state(), larger(after()));
}

#[test]
fn newcomer() {
    if needed((PYTHON.is_installed)()).is_none() {
        return;
    }
    let cluster = Cluster::start(larger(scenario("the-sample-result")));
    let plan = run(&mut hosts::newcomer("plan", &sample(), &Place::of(&cluster)));
    assert_eq!(plan.exit, 0, "{plan:?}");
    assert!(plan.stdout.ends_with("-S1: 4 go, 0 stay\nznode: there 2\n"), "{plan:?}");
    assert_eq!(changes(&cluster), [""; 0]);
    let clean = run(&mut hosts::newcomer("clean", &sample(), &Place::of(&cluster)));
    assert_eq!(clean.exit, 0, "{clean:?}");
    assert!(clean.stdout.ends_with("\nconfirmed: volumes reservations\n"), "{clean:?}");
    assert_eq!(cluster.state(), larger(after()));
}

/// An instance may be used again, also after a failure: a call leaves nothing behind.
#[test]
fn an_instance_is_used_again() {
    let mut instance = library::Instance::new();
    let nothing_there = |instance: &mut library::Instance| {
        let (message, _) = instance.clean(&sample(), &Options::DEFAULT).unwrap_err();
        message
    };
    let unconfigured = nothing_there(&mut instance);
    assert!(unconfigured.contains("the servers are not configured"), "{unconfigured}");
    let first = Cluster::start(scenario("the-sample-result"));
    instance.configure(&Place::of(&first), None).unwrap();
    let report = instance.clean(&sample(), &Options::DEFAULT).unwrap();
    assert_eq!(first.state(), after());
    let found = |instance: &library::Instance| {
        instance.said().iter().filter(|line| line.starts_with("Found 1 volume(s)")).count()
    };
    let found_first = found(&instance);
    assert!(found_first > 0);
    // The servers remain, and so does what is wrong.
    let (_socket, place) = without_a_server();
    instance.configure(&place, None).unwrap();
    let unreachable = nothing_there(&mut instance);
    assert!(unreachable.contains("cannot connect to the Mesos master"), "{unreachable}");
    let second = Cluster::start(scenario("the-sample-result"));
    instance.configure(&Place::of(&second), None).unwrap();
    assert_eq!(instance.clean(&sample(), &Options::DEFAULT).unwrap(), report);
    assert_eq!(second.state(), after());
    assert_eq!(second.requests().len(), first.requests().len());
    assert_eq!(found(&instance), 2 * found_first);
}

/// The policy of a call learns nothing from a response that a guest kept from an earlier one.
#[test]
fn a_guest_that_keeps_an_answer() {
    let cluster = Cluster::start(scenario("the-sample-result"));
    let mut instance = library::Instance::misbehaving();
    instance.configure(&Place::of(&cluster), None).unwrap();
    let target = Target { role: Some("keeps an answer".into()), ..Target::NOTHING };
    instance.clean(&target, &Options::DEFAULT).unwrap();
    let (why, _) = instance.clean(&target, &Options::DEFAULT).unwrap_err();
    assert_eq!(why, "The component was stopped: it used a request of an earlier call");
}

/// A configuration that cannot be used is refused with the words of the command.
#[test]
fn a_configuration_that_is_none() {
    let mut instance = library::Instance::new();
    let url = "http://127.0.0.1:1/";
    for (master, exhibitor, token, words) in [
        ("banana", url, None, "Master URL must begin with http:// or https://: banana"),
        ("http://a/,http://b/", url, None, "Master URL must be a single URL here"),
        (
            "zk://127.0.0.1:1/mesos",
            url,
            None,
            "Master URL must begin with http:// or https:// here",
        ),
        (url, "zk://127.0.0.1:1/", None, "Exhibitor URL must begin with http"),
        (url, url, Some("canary canary"), "invalid token: it must be printable ASCII"),
    ] {
        let place =
            Place { master: master.into(), exhibitor: exhibitor.into(), marathon: url.into() };
        let why = instance.configure(&place, token).unwrap_err();
        assert!(why.starts_with(words) && !why.contains("canary"), "{why}");
    }
}

/// The instance of `janitor.wasm` may be used again too.
#[test]
fn an_instance_behind_the_gate_is_used_again() {
    if needed((PYTHON.is_installed)()).is_none() {
        return;
    }
    let run = run(&mut script(
        r#"
import sys
from types import SimpleNamespace
from clean import OPTIONS, Engine, Store, load

store = Store(Engine())
clean = load(store, sys.argv[1], *["http://127.0.0.1:1/"] * 3)
nothing = dict.fromkeys(["role", "principal", "znode", "marathon-app", "framework-id"])
nothing |= {"labels": [], "agents": []}
options = OPTIONS | {"confirm-seconds": 0}
for _ in range(2):
    print(clean(store, SimpleNamespace(**nothing), SimpleNamespace(**options)).payload.message)
"#,
    ));
    let messages: Vec<_> = run.stdout.lines().collect();
    assert_eq!(messages.len(), 2, "{run:?}");
    assert!(messages.iter().all(|message| message.starts_with("Nothing to do")), "{run:?}");
}

/// Returns the state of the sample result's cluster after the cleanup.
fn after() -> State {
    let after = fs::read(tests("scenarios/the-sample-result/after.json")).unwrap();
    serde_json::from_slice(&after).unwrap()
}

/// Returns URLs at which no server listens, for as long as the socket exists: its port is bound.
fn without_a_server() -> (Socket, Place) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let url = format!("http://{address}/");
    (socket, Place { master: url.clone(), exhibitor: url.clone(), marathon: url })
}

fn fails_without_a_server(program: &Program) {
    if needed((program.is_installed)()).is_none() {
        return;
    }
    let (_socket, place) = without_a_server();
    let run = program.clean(&sample(), &Options::DEFAULT, &place);
    assert_eq!(run.exit, 5, "{run:?}");
    assert!((program.report)(&run.stdout).starts_with(r#"{"mesos_version":null,"#), "{run:?}");
    let sentence = "Network error: cannot connect to the Mesos master: ";
    assert!(run.stderr.contains(sentence), "{run:?}");
    // A stack trace would contain this.
    assert!(!run.stderr.contains("clean."), "{run:?}");
}
