//! Tests of a ZooKeeper that lies, or is broken: it cannot crash the program, block it for ever,
//! fill its memory, or have it report a deletion that has not happened.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use janitor_contract::types::{Endpoint, Error, Method, ZnodeOutcome};
use janitor_host::{
    CancellationToken, Endpoints, Janitor, Limits, Network, Options, RunError, Session, Target,
    Timeouts, Violation, ZooKeeperLimits,
};
use janitor_transport::exchange::{Request, Response, RunStart, Transport};
use serde_json::Value;
use tempfile::TempDir;

use super::liar::{
    Asked, CHILDREN, DELETE, EXISTS, Fate, Liar, Lie, MULTI, Tree, frame, list, numbers,
};
use super::{MASTER, clean};
use crate::command::{self, janitor, program, replay, run};
use janitor_guest::simulated::Chance;

/// The memory that a test run may use: far less than the lies would need.
const MEMORY: u64 = 256 << 20;

/// Returns a tree of few nodes, which one request deletes.
fn small() -> Tree {
    tree(12)
}

/// Returns a tree with this many leaves.
fn tree(leaves: u32) -> Tree {
    let nodes: BTreeMap<&str, Vec<String>> = [
        ("/", vec!["service".to_owned()]),
        ("/service", vec!["a".into(), "b".into()]),
        ("/service/a", (0..leaves).map(|number| format!("node-{number}")).collect()),
        ("/service/b", vec!["c".into()]),
        ("/service/b/c", vec![]),
    ]
    .into();
    Box::new(move |node| match node.starts_with("/service/a/node-") {
        true => Some(vec![]),
        false => nodes.get(node).cloned(),
    })
}

/// Returns an endless tree: each node of this name has a child of the same name, and a leaf.
fn endless() -> Tree {
    Box::new(|node| match node.ends_with("leaf") {
        true => Some(vec![]),
        false => Some(vec!["leaf".into(), "service".into()]),
    })
}

/// Returns a lie that sends this instead of the children of a node.
fn about_children(mut lie: impl FnMut(&Asked) -> Vec<u8> + Send + 'static) -> Lie {
    Box::new(move |asked, answer| match asked.operation {
        Some(CHILDREN) => Fate::Sent(lie(asked)),
        _ => Fate::Sent(answer),
    })
}

/// Makes a frame with the number of a request, and this content.
fn answer(asked: &Asked, content: &[u8]) -> Vec<u8> {
    frame(&[&numbers(&[asked.number, 0, 0, 0])[..], content].concat())
}

pub fn a_count_of_two_to_the_31() {
    for count in [i32::MIN, i32::MAX, -1] {
        let liar =
            Liar::start(small(), about_children(move |asked| answer(asked, &numbers(&[count]))));
        let run = clean(&liar.url(), "service", None);
        assert_eq!(run.exit, 5);
        let words =
            format!("is not valid in ZooKeeper's protocol: a list of {count} names in 0 bytes");
        assert!(run.stdout.contains(&words), "{}", run.stdout);
        assert!(run.stdout.contains("ERROR: znode 'service' is not deleted"), "{}", run.stdout);
        assert!(!liar.said("/service").gone);
    }
}

pub fn a_frame_of_two_gigabytes() {
    for length in [i32::MAX, i32::MIN, -1, (64 << 20) + 1] {
        let liar = Liar::start(small(), about_children(move |_| numbers(&[length])));
        let run = clean(&liar.url(), "service", None);
        assert_eq!(run.exit, 5);
        let words = format!(
            "a response of {} bytes, more than the 67108864 that are accepted",
            length.cast_unsigned()
        );
        assert!(run.stdout.contains(&words), "{}", run.stdout);
        assert!(!run.stdout.contains("may have been"), "nothing was requested: {}", run.stdout);
    }
}

/// This answer is no lie: a real cluster had as many names.
pub fn ten_megabytes_of_names() {
    let tree: Tree = Box::new(|node| match node.len() {
        ..20 => Some((0..30_000).map(|number| format!("{number:0350}")).collect()),
        _ => Some(vec![]),
    });
    let liar = Liar::start(tree, Box::new(|_, answer| Fate::Sent(answer)));
    let servers = ["-e", &liar.url(), "-m", &MASTER.master_url()];
    let planned = run(janitor().args(["plan", "-z", "service"]).args(servers));
    assert!(planned.stdout.contains("znode 'service', with"), "{}", planned.stdout);
    let run = run(janitor().args(["-z", "service"]).args(servers));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let said = liar.said("/service");
    assert_eq!((said.deleted, said.gone), (30_001, true));
}

/// Each run ends, whether the tree is deep, wide, or both, and deletes the nodes it has found.
pub fn a_tree_without_end() {
    let numbered = |count| move || (0..count).map(|number: u32| number.to_string()).collect();
    let wide = || -> Tree { Box::new(move |_| Some(numbered(100)())) };
    let flat = || -> Tree {
        Box::new(move |node| Some(if node == "/service" { numbered(5000)() } else { vec![] }))
    };
    let long = || -> Tree { Box::new(|_| Some(vec!["x".repeat(400_000)])) };
    let limits = ZooKeeperLimits { znodes: 1000, ..ZooKeeperLimits::default() };
    let narrow = ZooKeeperLimits { znode_bytes: 10 << 10, ..ZooKeeperLimits::default() };
    let nodes = "it has more than 1000 nodes, which are not deleted in one run";
    let bytes = "the names of its nodes take more than 10240 bytes at a time";
    let frame = "bytes, more than the 10240 that are accepted";
    let path = "a node's path is longer than 1000000 bytes";
    for (tree, limits, words, deleted) in [
        (endless(), limits, nodes, "500 node(s) were deleted"),
        (wide(), limits, nodes, ""),
        (flat(), limits, nodes, "999 node(s) were deleted"),
        (endless(), narrow, bytes, "node(s) were deleted"),
        (wide(), narrow, bytes, ""),
        (flat(), narrow, frame, ""),
        (long(), limits, path, ""),
    ] {
        let liar = Liar::start(tree, Box::new(|_, answer| Fate::Sent(answer)));
        let message = refused(&liar, limits);
        assert!(message.contains(words) && message.contains(deleted), "{message}");
        assert!(!liar.said("/service").gone, "{message}");
    }
}

/// Children with these names would lead to nodes elsewhere in the tree.
pub fn names_that_lead_elsewhere() {
    for name in ["..", ".", "", "../other", "/other", "a/b", "a\0"] {
        let lie = about_children(|asked| answer(asked, &list(&[name.to_owned()])));
        let liar = Liar::start(small(), lie);
        let message = refused(&liar, ZooKeeperLimits::default());
        assert!(
            message.contains("is not valid in ZooKeeper's protocol: a node named"),
            "{message}"
        );
        assert_eq!(liar.said("/service").deleted, 0);
    }
}

/// A new node appears for each node that is deleted.
pub fn a_tree_that_grows_without_end() {
    let mut come = 0;
    let tree: Tree = Box::new(move |node| {
        come += 1;
        Some(if node == "/service" { vec![format!("new-{come}")] } else { vec![] })
    });
    let liar = Liar::start(tree, Box::new(|_, answer| Fate::Sent(answer)));
    let message = refused(&liar, ZooKeeperLimits::default());
    assert!(message.contains("another client still creates nodes in there"), "{message}");
    assert!(message.contains("10 node(s) were deleted before that"), "{message}");
}

/// Fails to delete a node, and returns the message.
fn refused(liar: &Liar, limits: ZooKeeperLimits) -> String {
    let mut network = network(liar, Timeouts::default(), limits);
    begin(&mut network, Limits::default().run, CancellationToken::new());
    let (status, body) = delete(&mut network).unwrap();
    assert_eq!((status, &body["succeeded"]), (200, &Value::Bool(false)), "{body}");
    body["message"].as_str().unwrap().to_owned()
}

fn network(liar: &Liar, timeouts: Timeouts, limits: ZooKeeperLimits) -> Network {
    let endpoints = Endpoints::new(&MASTER.master_url(), &liar.url(), "http://n/").unwrap();
    let network = command::network(endpoints).timeouts(timeouts).zookeeper_limits(limits);
    network.build().unwrap()
}

/// Begins a run with this time limit.
fn begin(network: &mut Network, time: Duration, cancellation: CancellationToken) {
    let endpoints = network.endpoints().clone();
    network.begin(&RunStart::new(endpoints, time, cancellation));
}

/// Has Exhibitor's explorer delete the service's node; returns the status and the body.
fn delete(network: &mut Network) -> Result<(u16, Value), Error> {
    exchange(network, Method::Delete, &["znode", "service"], None)
}

/// Sends a request to Exhibitor's explorer; returns the status and the body.
fn exchange(
    network: &mut Network,
    method: Method,
    path: &[&str],
    key: Option<&str>,
) -> Result<(u16, Value), Error> {
    let path = ["exhibitor", "v1", "explorer"].iter().chain(path).map(|it| (*it).into()).collect();
    let query = key.map(|key| ("key".into(), key.into())).into_iter().collect();
    let request = Request { endpoint: Endpoint::Exhibitor, method, path, query, content: None };
    let Response { status, mut body, .. } = network.send(request).finish()?;
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let count @ 1.. = body.read(&mut piece)? {
        bytes.extend(&piece[..count]);
    }
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// Cleans with the library.
fn cleaned(liar: &Liar, run: Duration, timeouts: Timeouts) -> Result<(), RunError> {
    let network = network(liar, timeouts, ZooKeeperLimits::default());
    let session = Session::new(network).with_limits(Limits { run, ..Limits::default() });
    let target = Target { znode: Some("service".into()), ..Target::NOTHING };
    let options = Options { confirm_seconds: 1, ..Options::DEFAULT };
    Janitor::new().unwrap().clean(&target, &options, session).map(|_| ())
}

pub fn a_run_whose_time_is_over() {
    let silent: Lie = Box::new(|asked, answer| match asked.operation {
        Some(MULTI) => Fate::Silence,
        _ => Fate::Sent(answer),
    });
    for (tree, lie) in
        [(endless(), Box::new(|_: &_, answer| Fate::Sent(answer)) as Lie), (small(), silent)]
    {
        let liar = Liar::start(tree, lie);
        let run = Duration::from_secs(2);
        // The component may or may not have had the time to report the outcome.
        match cleaned(&liar, run, Timeouts::default()).unwrap_err() {
            RunError::Violation(Violation::Time(time)) => assert_eq!(time, run),
            RunError::Failure(failure) => {
                let words = ["the run's time is over", "it does not answer in time"];
                let message = &failure.message;
                assert!(words.iter().any(|words| message.contains(words)), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert!(!liar.said("/service").gone);
    }
}

/// Returns the outcome after all servers were lost at the first request of a kind.
fn after_a_loss(operation: i32, at: usize) -> ZnodeOutcome {
    let mut count = 0;
    let lie: Lie = Box::new(move |asked, answer| {
        count += usize::from(asked.operation == Some(operation));
        if count > at { Fate::Death } else { Fate::Sent(answer) }
    });
    let liar = Liar::start(tree(120), lie);
    let connect = Duration::from_millis(500);
    let timeouts = Timeouts { connect, answer: 4 * connect, ..Timeouts::default() };
    let Err(RunError::Failure(failure)) = cleaned(&liar, Limits::default().run, timeouts) else {
        panic!("a failure")
    };
    failure.report.znode.expect("an outcome").outcome
}

/// No deletion is in flight, so it is known that the node exists.
pub fn lost_before_a_deletion() {
    let outcome = after_a_loss(CHILDREN, 3);
    assert!(matches!(outcome, ZnodeOutcome::Failed(_)), "{outcome:?}");
}

pub fn lost_in_a_deletion() {
    let ZnodeOutcome::Unknown(why) = after_a_loss(MULTI, 1) else { panic!("unknown") };
    for words in [
        "ConnectionLoss for /service",
        "the last request, the deletion of 24 node(s), may have been carried out",
        "/service is deleted in part: 100 node(s) were deleted before that",
    ] {
        assert!(why.contains(words), "{why}");
    }
}

/// A running binary that walks through a tree, and the folder of its recording.
struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    fn start(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = janitor();
        command.args(["-z", "service", "-e", url, "-m", &MASTER.master_url()]);
        command.arg("--record").arg(folder.path().join("run.har"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, folder }
    }

    /// Ends the binary by a signal. Returns its output, which its replay repeats.
    fn terminated(self) -> String {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(program("sh").arg("-c").arg(kill).status().unwrap().success());
        let output = self.child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(5), "{stdout}");
        assert!(stdout.contains("Next, to continue: janitor -z service"), "{stdout}");
        let again = run(&mut replay(&self.folder.path().join("run.har")));
        assert_eq!((again.exit, &again.stdout), (5, &stdout), "the replay");
        stdout
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now();
    while !holds() {
        assert!(patience.elapsed() < Duration::from_secs(120), "{what} does not come");
        sleep(Duration::from_millis(1));
    }
}

pub fn a_signal_in_a_tree_without_end() {
    let liar = Liar::start(endless(), Box::new(|_, answer| Fate::Sent(answer)));
    let running = Running::start(&liar.url());
    wait_until("request 3000", || liar.asked() > 3000);
    let memory = peak(&format!("/proc/{}/status", running.child.id()));
    println!("{memory} bytes of memory at most");
    assert!(memory < MEMORY);
    let stdout = running.terminated();
    let words = "ERROR: znode 'service' is not deleted: the deletion was stopped \
                 (/service is deleted in part: ";
    assert!(stdout.contains(words), "{stdout}");
    let (_, rest) = stdout.split_once(words).unwrap();
    let (deleted, _) = rest.split_once(" node(s) were deleted before that)").unwrap();
    let said = liar.said("/service");
    assert_eq!((deleted.parse(), said.gone), (Ok(said.deleted), false));
}

pub fn a_signal_while_the_server_is_silent() {
    let mut deletions = 0;
    let lie: Lie = Box::new(move |asked, answer| {
        deletions += usize::from(asked.operation == Some(MULTI));
        if asked.operation == Some(MULTI) && deletions == 2 {
            Fate::Silence
        } else {
            Fate::Sent(answer)
        }
    });
    let liar = Liar::start(endless(), lie);
    let running = Running::start(&liar.url());
    wait_until("the second deletion", || liar.asked_for(MULTI) == 2);
    let stdout = running.terminated();
    for words in [
        "ERROR: it is unknown whether znode 'service' is deleted",
        "(no server answers any more; of the last one: it does not answer in time; the last \
         request, the deletion of 100 node(s), may have been carried out; /service is deleted in part: 100 node(s) were deleted before that)",
        "Possibly not deleted: znode 'service'",
    ] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
    // The deletion was not requested a second time.
    assert_eq!(liar.asked_for(MULTI), 2);
}

/// Four servers say nothing to a new client. No request is in flight, so the client does not
/// wait for the answers of the other three.
pub fn a_signal_while_no_session_is_open() {
    let silent = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = silent.each_ref().map(|it| it.local_addr().unwrap().to_string());
    let running = Running::start(&format!("zk://{}/", addresses.join(",")));
    let [first, others @ ..] = silent;
    let (_client, _) = first.accept().unwrap();
    let stdout = running.terminated();
    let words = "the run is cancelled, and none of the 4 ZooKeeper server(s) in its URL has opened a \
                 session yet";
    assert!(stdout.contains(words), "{stdout}");
    assert!(!stdout.contains("Retry command"), "{stdout}");
    for server in others {
        server.set_nonblocking(true).unwrap();
        assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody came");
    }
}

/// The first batch is carried out and its answer is lost; then a node blocks the deletion.
pub fn a_batch_whose_answer_is_lost() {
    for (leaves, blocked, words) in [
        (
            150,
            "/service/a/node-120",
            "at least 20 node(s) were deleted before that, and 100 more no longer exist, \
             and no server has confirmed their deletion",
        ),
        (
            100,
            "/service/a",
            "100 node(s) no longer exist, and no server has confirmed their deletion",
        ),
    ] {
        let mut batches = 0;
        let lie: Lie = Box::new(move |asked, answer| {
            batches += usize::from(asked.operation == Some(MULTI));
            match asked.operation {
                Some(MULTI) if batches == 1 => Fate::SentAndClosed(vec![]),
                _ => Fate::Sent(answer),
            }
        });
        let liar = Liar::start(tree(leaves), lie).keeping(blocked);
        let message = refused(&liar, ZooKeeperLimits::default());
        assert!(message.contains(&format!("NoAuth for {blocked} ")), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

/// The answer to the only batch, which is carried out, is lost, and no other answer shows its
/// result before the run has to end. So the result is unknown, and is never reported as not
/// deleted.
pub fn in_doubt_when_the_run_ends() {
    let cancellation = CancellationToken::new();
    let token = cancellation.clone();
    let mut batches = 0;
    let lie: Lie = Box::new(move |asked, answer| {
        if asked.operation != Some(MULTI) {
            return Fate::Sent(answer);
        }
        batches += 1;
        match batches {
            1 => Fate::SentAndClosed(vec![]),
            _ => {
                token.cancel();
                Fate::Sent(answer)
            }
        }
    });
    let liar = Liar::start(small(), lie);
    let mut network = network(&liar, Timeouts::default(), ZooKeeperLimits::default());
    begin(&mut network, Limits::default().run, cancellation);
    let told = delete(&mut network);
    let Err(Error::Internal(why)) = told else { panic!("{told:?}") };
    assert!(
        why.contains("the deletion was stopped (the last request, the deletion of 16 node(s), may"),
        "{why}"
    );
    let look = exchange(&mut network, Method::Get, &["node-data"], Some("/service"));
    let (_, body) = look.unwrap();
    assert!(body["stat"].as_str().unwrap().contains("not found"), "{body}");
}

/// A batch that is too long for the server (`jute.maxbuffer`) is not repeated for ever.
pub fn a_server_that_takes_short_requests() {
    let tree: Tree = Box::new(|node| match node.len() {
        ..20 => Some((0..350).map(|number| format!("{number:0700}")).collect()),
        _ => Some(vec![]),
    });
    let liar = Liar::start(tree, Box::new(|_, answer| Fate::Sent(answer))).reading(64 << 10);
    let timeouts = Timeouts { answer: Duration::from_secs(5), ..Timeouts::default() };
    let mut network = network(&liar, timeouts, ZooKeeperLimits::default());
    begin(&mut network, Limits::default().run, CancellationToken::new());
    let told = delete(&mut network);
    let (_, body) = told.unwrap();
    assert_eq!(body["succeeded"], true, "{body}");
    let said = liar.said("/service");
    assert_eq!((said.deleted, said.gone), (351, true));
    // The batches after one that is too long are shorter.
    assert!(liar.asked_for(MULTI) > 4 && liar.asked_for(DELETE) == 100);
}

/// The client reports the last transaction that it has seen, so that a server which is behind
/// the others does not show an old state.
pub fn last_seen_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = told.clone();
    let mut looks = 0;
    let lie: Lie = Box::new(move |asked, mut answer| {
        match asked.operation {
            None => own.lock().unwrap().push(asked.last_seen),
            // The transaction follows the length and the number.
            Some(MULTI) => answer[8..16].copy_from_slice(&77_i64.to_be_bytes()),
            Some(EXISTS) => {
                looks += 1;
                if looks == 1 {
                    return Fate::SentAndClosed(vec![]);
                }
            }
            _ => {}
        }
        Fate::Sent(answer)
    });
    let liar = Liar::start(small(), lie);
    let run = clean(&liar.url(), "service", None);
    assert_eq!(run.exit, 0, "{}", run.stdout);
    assert_eq!(*told.lock().unwrap(), [0, 77]);
}

/// A read-only server says so to a new client, or closes the connection.
pub fn a_server_that_is_read_only() {
    let only_reads = || Fate::Sent(frame(&[&numbers(&[0, 10_000, 0, 7, 0])[..], &[1]].concat()));
    let ends = || Fate::SentAndClosed(vec![]);
    for (hello, words) in [
        (Box::new(only_reads) as Box<dyn Fn() -> Fate + Send>, "it is read-only"),
        (Box::new(ends), "it may have no quorum, be read-only, or be behind the other servers"),
    ] {
        let liar = Liar::start(small(), Box::new(move |_, _| hello()));
        let why = why_none_opens(&liar, Duration::from_secs(2));
        assert!(why.contains(words), "{why}");
    }
}

/// The last try, which the end of the time interrupts, does not hide what the server has said.
pub fn a_server_that_says_why_and_falls_silent() {
    // The next try begins at the earliest 0.1 s after the last one has failed, so this many need more than half of
    // the time for all of them. One that begins then ends with that time.
    let mut tries = 6;
    let lie: Lie = Box::new(move |_, _| {
        if tries == 0 {
            return Fate::Silence;
        }
        tries -= 1;
        Fate::Sent(frame(&[&numbers(&[0, 10_000, 0, 7, 0])[..], &[1]].concat()))
    });
    let liar = Liar::start(small(), lie);
    assert!(why_none_opens(&liar, Duration::from_millis(500)).contains("it is read-only"));
}

/// Returns why no server opens a session.
fn why_none_opens(liar: &Liar, connect: Duration) -> String {
    let timeouts = Timeouts { connect, ..Timeouts::default() };
    let mut network = network(liar, timeouts, ZooKeeperLimits::default());
    begin(&mut network, Limits::default().run, CancellationToken::new());
    match delete(&mut network) {
        Err(Error::Connect(why)) => why,
        told => panic!("{told:?}"),
    }
}

/// Returns the peak memory of a process, in bytes.
fn peak(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// The variable in the environment of the process that runs the test's sessions, and whose memory
/// nothing else uses.
const ALONE: &str = "JANITOR_TEST_LYING_SESSIONS";

/// Runs sessions in which one answer after another is changed at random. A failure names its seed;
/// `JANITOR_TEST_SEED` in the environment runs that one.
pub fn a_thousand_sessions_of_lies() {
    const NAME: &str = "zookeeper::a_thousand_sessions_of_lies";
    if env::var_os(ALONE).is_none() {
        let mut alone = program(env::current_exe().unwrap());
        let output = alone.env(ALONE, "1").args(["--nocapture", "--exact", NAME]).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        println!("{stdout}");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(stdout.contains(" sessions, "), "{stdout}");
        return;
    }
    let requested = env::var("JANITOR_TEST_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = requested.map_or(0..1000, |seed: u64| seed..seed + 1);
    let next = AtomicU64::new(seeds.start);
    let outcomes = [const { AtomicUsize::new(0) }; 3];
    // Most sessions wait for a server that does not answer.
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        break;
                    }
                    outcomes[session(seed) as usize].fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let memory = peak("/proc/self/status");
    let [deleted, failed, unknown] = outcomes.map(AtomicUsize::into_inner);
    println!(
        "{} sessions, {deleted} deleted, {failed} not, {unknown} unknown; {memory} bytes of \
         memory at most",
        seeds.end - seeds.start
    );
    assert!(memory < MEMORY);
    let all = [deleted, failed, unknown];
    assert!(requested.is_some() || all.iter().all(|count| *count > 0), "{all:?}");
}

/// The possible outcomes of a session.
enum Outcome {
    Deleted,
    Failed,
    Unknown,
}

/// Runs one session, which reports no node as deleted unless the server has said so.
fn session(seed: u64) -> Outcome {
    let mut chance = Chance::new(seed);
    let has_end = chance.below(4) > 0;
    let tree = if has_end { small() } else { endless() };
    let honest = chance.below(20) == 0;
    // Some sessions lie only about deletions, and about each of them.
    let about_deletions = chance.below(6) == 0;
    let rate = 1 + chance.below(40);
    let liar = Liar::start(
        tree,
        Box::new(move |asked, answer| {
            let lies = match about_deletions {
                true => matches!(asked.operation, Some(DELETE | MULTI)),
                false => chance.below(rate) == 0,
            };
            match lies && !honest {
                true => lie(&mut chance, asked, answer),
                false => Fate::Sent(answer),
            }
        }),
    );
    let (run, timeouts, limits) = match honest {
        true => (Limits::default().run, Timeouts::default(), ZooKeeperLimits::default()),
        false => (
            Duration::from_secs(5),
            Timeouts {
                connect: Duration::from_millis(100),
                answer: Duration::from_millis(300),
                ..Timeouts::default()
            },
            ZooKeeperLimits { znode_bytes: 1 << 20, ..ZooKeeperLimits::default() },
        ),
    };
    let mut network = network(&liar, timeouts, ZooKeeperLimits { znodes: 500, ..limits });
    begin(&mut network, run, CancellationToken::new());
    let told = delete(&mut network);
    let said = liar.said("/service");
    let outcome = match &told {
        Ok((_, body)) if body["succeeded"] == true => {
            assert!(said.gone, "seed {seed}: {body}");
            Outcome::Deleted
        }
        Ok((status, body)) => {
            let message = body["message"].as_str().unwrap_or_default();
            assert!(*status == 200 && !message.is_empty(), "seed {seed}: {body}");
            if message.contains("NoNode for /service") && !message.contains("/service/") {
                assert!(said.gone, "seed {seed}: {message}");
            }
            assert!(claimed(message) <= said.deleted, "seed {seed}: {message}");
            Outcome::Failed
        }
        Err(Error::Internal(why)) => {
            assert!(claimed(why) <= said.deleted, "seed {seed}: {why}");
            Outcome::Unknown
        }
        Err(Error::Connect(_)) => Outcome::Failed,
        Err(error) => panic!("seed {seed}: {error:?}"),
    };
    assert!(!honest || has_end == matches!(outcome, Outcome::Deleted), "seed {seed}: {told:?}");
    let look = exchange(&mut network, Method::Get, &["node-data"], Some("/service"));
    if look.is_ok_and(|(_, body)| body["stat"].as_str().is_some_and(|it| it.contains("not found")))
    {
        assert!(liar.said("/service").gone, "seed {seed}");
    }
    let list = exchange(&mut network, Method::Get, &["node"], Some("/service"));
    if let Ok((_, Value::Array(nodes))) = list {
        let is_below = |key: &str| key == "*" || key.starts_with("/service/");
        let mut keys = nodes.iter().map(|node| node["key"].as_str().unwrap_or_default());
        assert!(keys.all(is_below), "seed {seed}: {nodes:?}");
    }
    outcome
}

/// Returns the number of nodes that a message reports as deleted.
fn claimed(message: &str) -> u64 {
    let before = message.split_once(" node(s) were deleted").map_or("0", |(before, _)| before);
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Changes the right answer.
fn lie(chance: &mut Chance, asked: &Asked, mut answer: Vec<u8>) -> Fate {
    const ODD: [i32; 12] =
        [0, 1, -1, 2, 5, 127, 255, 1 << 16, 1 << 20, 1 << 28, i32::MAX, i32::MIN];
    let odd = ODD[chance.below(ODD.len())];
    let place = chance.below(answer.len());
    match chance.below(14) {
        // Single bits are changed, anywhere.
        0 | 1 => {
            for _ in 0..=chance.below(4) {
                let place = chance.below(answer.len());
                answer[place] ^= 1 << chance.below(8);
            }
            Fate::Sent(answer)
        }
        // One number is replaced by another: a length, a count, a code, or a type.
        2..=4 => {
            let place = place / 4 * 4;
            for (byte, odd) in answer[place..].iter_mut().zip(odd.to_be_bytes()) {
                *byte = odd;
            }
            Fate::Sent(answer)
        }
        5 => {
            answer.truncate(place);
            Fate::SentAndClosed(answer)
        }
        // The rest of the frame never arrives.
        6 => {
            answer.truncate(place);
            Fate::Sent(answer)
        }
        // The frame is longer than its length, or is sent twice.
        7 => {
            answer.extend(answer.clone().iter().take(place));
            Fate::Sent(answer)
        }
        8 => Fate::Sent(frame(&numbers(&[asked.number, 0, 0, odd]))),
        9 => Fate::Sent(frame(&numbers(&[odd, 0, 0, 0]))),
        10 => {
            let names =
                (0..chance.below(3000)).map(|number| format!("{number}")).collect::<Vec<_>>();
            let header = numbers(&[asked.number, 0, 0, 0]);
            Fate::Sent(frame(&[header, list(&names)].concat()))
        }
        // A frame begins that is too large, and its content continues for a while.
        11 => {
            let mut bytes = numbers(&[[1 << 20, 64 << 20, i32::MAX][chance.below(3)]]);
            bytes.extend(vec![0; 600 << 10]);
            Fate::SentAndClosed(bytes)
        }
        12 => Fate::SentAndClosed(vec![]),
        _ if chance.below(4) == 0 => Fate::Death,
        _ => Fate::Silence,
    }
}
