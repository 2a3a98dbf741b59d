//! Servers that misbehave: each run ends in time, with a message for the operator, and no run
//! reports success that has left something.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use janitor_host::{
    Endpoints, Entry, Janitor, Limits, Network, Options, Session, Target, Timeouts,
};
use janitor_report::ExitCode;
use janitor_tests::Cluster;
use janitor_transport::exchange::{Exchange, Request, RunStart, Transport};
use socket2::SockRef;

use crate::command::{self, scenario};
use crate::front::{Asked, Connection, Front};

/// A way to answer.
type Respond = fn(&Asked, &mut dyn Connection) -> io::Result<()>;

/// A server's fault, with the exit code and the words of janitor if the server repeats it for ever.
struct Fault {
    respond: Respond,
    /// True if the time limits end the run.
    slow: bool,
    exit: ExitCode,
    words: &'static str,
}

cases! {
    FAULTS: &Fault => holds;

    a_server_that_takes_its_time:
        &fault(takes_its_time, ExitCode::Clean, "Cleanup completed successfully."),
    a_server_that_says_nothing: &slow(says_nothing, "the Mesos master did not answer in time"),
    a_server_that_drips_the_head: &slow(drips_the_head, "the Mesos master did not answer in time"),
    a_server_that_drips_the_body: &slow(drips_the_body, "the Mesos master did not answer in time"),
    a_server_that_hangs_up: &failing(hangs_up, "the connection to the Mesos master broke"),
    a_server_that_resets_in_the_middle:
        &failing(resets_in_the_middle, "the connection to the Mesos master broke"),
    a_server_that_ends_in_the_middle:
        &failing(ends_in_the_middle, "the connection to the Mesos master broke"),
    a_server_that_breaks_its_chunks:
        &failing(breaks_its_chunks, "the answer of the Mesos master is not valid HTTP"),
    a_server_that_is_broken: &failing(is_broken, "500"),
    a_server_that_is_overloaded: &failing(is_overloaded, "503"),
    a_server_that_answers_twice:
        &fault(answers_twice, ExitCode::Clean, "Cleanup completed successfully."),
    a_server_that_adds_garbage:
        &fault(adds_garbage, ExitCode::Clean, "Cleanup completed successfully."),
    a_server_that_names_another_type:
        &fault(names_another_type, ExitCode::Clean, "Cleanup completed successfully."),
    a_server_that_packs_what_nobody_unpacks:
        &failing(packs, "Bad slaves response: expected an object"),
    a_server_that_shows_a_login_page: &failing(shows_a_login_page, "It begins: (a page: Sign in)"),
    a_server_that_sends_half_a_list:
        &failing(sends_half_a_list, "Bad slaves response: EOF while parsing a value"),
    a_server_that_sends_nothing:
        &failing(sends_nothing, "Bad slaves response: EOF while parsing a value"),
    a_server_that_sends_without_end: &failing(sends_without_end, "is larger than 1048576 bytes"),
    a_server_that_sends_headers_without_end:
        &failing(headers_without_end, "the answer of the Mesos master is not valid HTTP"),
}

const fn fault(respond: Respond, exit: ExitCode, words: &'static str) -> Fault {
    Fault { respond, slow: false, exit, words }
}

const fn failing(respond: Respond, words: &'static str) -> Fault {
    fault(respond, ExitCode::Failed, words)
}

const fn slow(respond: Respond, words: &'static str) -> Fault {
    Fault { slow: true, ..failing(respond, words) }
}

/// Returns the rows of the table in docs/security.md: the test, the exit code, the words.
pub fn rows() -> impl Iterator<Item = (String, u8, &'static str)> {
    FAULTS.iter().map(|(name, fault)| (format!("faults::{name}"), fault.exit as u8, fault.words))
}

/// Repeats each fault two or five times in a row, starting at each of the first ten requests.
#[test]
fn bursts_of_errors() {
    for (_, fault) in FAULTS.iter().filter(|(name, _)| name.contains("_that_is_")) {
        for (start, length) in (0..10).flat_map(|start| [(start, 2), (start, 5)]) {
            Run::on(fault, move |number| (start..start + length).contains(&number)).is_honest();
        }
    }
}

/// Runs with the fault at every request, then at one request at a time.
fn holds(_: &str, fault: &'static Fault) {
    let run = Run::on(fault, |_| true);
    assert!(run.log.contains(fault.words), "{}", run.log);
    assert_eq!(run.exit, fault.exit, "{}", run.log);
    run.is_honest();
    if fault.exit != ExitCode::Clean {
        assert!(run.left && run.znode, "nothing has changed: {}", run.log);
    }
    for at in 0.. {
        let run = Run::on(fault, move |number| number == at);
        run.is_honest();
        if fault.exit == ExitCode::Clean {
            assert_eq!(run.exit, ExitCode::Clean, "request {at}: {}", run.log);
        }
        if run.requests <= at {
            break;
        }
        assert!(at < 30, "the run has an end");
    }
}

/// The result of a run, and the state after it.
struct Run {
    exit: ExitCode,
    log: String,
    requests: usize,
    left: bool,
    znode: bool,
}

impl Run {
    /// Cleans the sample's role; the fault is at the requests with these numbers.
    fn on(fault: &'static Fault, applies: impl Fn(usize) -> bool + Send + Sync + 'static) -> Self {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let front = Front::start(
            &cluster,
            |socket| Ok(Box::new(socket)),
            move |asked, connection| match applies(asked.number) {
                true => (fault.respond)(asked, connection),
                false => connection.write_all(&asked.answer()),
            },
        );
        let patience = Duration::from_millis(if fault.slow { 300 } else { 10_000 });
        let timeouts = Timeouts { answer: patience, body: patience, ..Timeouts::default() };
        let limits = Limits { response_bytes: 1 << 20, ..Limits::default() };
        let log = Arc::<Mutex<String>>::default();
        let lines = log.clone();
        let [master, exhibitor, marathon] = Endpoints::behind_admin_router(&front.url("http"));
        let endpoints = Endpoints::new(&master, &exhibitor, &marathon).unwrap();
        let network = command::network(endpoints).timeouts(timeouts).build().unwrap();
        let session = Session::new(Hasty { network, paused: Duration::ZERO })
            .with_log(move |entry: &Entry| {
                *lines.lock().unwrap() += &(entry.message.clone() + "\n");
            })
            .with_limits(limits);
        let target = Target {
            role: Some("cassandra_role".into()),
            principal: None,
            znode: Some("cassandra".into()),
            ..Target::NOTHING
        };
        let options = Options { confirm_seconds: 3, ..Options::DEFAULT };
        let result = Janitor::new().unwrap().clean(&target, &options, session);
        let state = cluster.state();
        let agents = serde_json::to_string(&state.agents).unwrap();
        let log = log.lock().unwrap().clone();
        Self {
            exit: result.as_ref().err().map_or(ExitCode::Clean, ExitCode::from),
            log,
            requests: front.requests().len(),
            left: agents.contains(r#""role":"cassandra_role""#),
            znode: state.exhibitor.unwrap().znodes.iter().any(|znode| znode == "/cassandra"),
        }
    }

    /// Asserts that a run which leaves something does not report success, and keeps the znode. It
    /// names a znode that is left, or may be left, unless it is refused, because it then changes
    /// nothing.
    fn is_honest(&self) {
        let Self { exit, log, left, znode, .. } = self;
        assert!(!left || *znode, "the znode went before the rest: {log}");
        match exit {
            ExitCode::Clean => assert!(!left && !znode, "that is not clean: {log}"),
            ExitCode::Refused => {
                let names = ["Left on", "Not deleted"].map(|words| log.contains(words));
                assert!(*left && *znode && names == [false; 2], "that is no refusal: {log}");
            }
            _ => assert!(log.contains("znode 'cassandra'"), "the znode is not mentioned: {log}"),
        }
    }
}

/// The network with a clock on which each pause has passed at once.
struct Hasty {
    network: Network,
    paused: Duration,
}

impl Transport for Hasty {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(self.network.endpoints())
    }

    fn begin(&mut self, run: &RunStart) {
        self.network.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        self.network.send(request)
    }

    fn pause(&mut self, duration: Duration) {
        self.paused += duration;
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        real + self.paused
    }
}

/// Returns the error that ends a connection.
fn end() -> io::Result<()> {
    Err(io::Error::other("the end"))
}

fn takes_its_time(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    sleep(Duration::from_millis(20));
    connection.write_all(&asked.answer())
}

fn says_nothing(asked: &Asked, _: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    sleep(Duration::from_secs(10));
    end()
}

fn drip(bytes: &[u8], connection: &mut dyn Connection) -> io::Result<()> {
    for byte in bytes.iter().cycle() {
        connection.write_all(&[*byte])?;
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn drips_the_head(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    connection.write_all(b"HTTP/1.1 200 OK\r\n")?;
    drip(b"A: b\r\n", connection)
}

fn drips_the_body(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")?;
    drip(b" ", connection)
}

fn hangs_up(asked: &Asked, _: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    end()
}

fn half(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    let (head, body) = asked.parts();
    connection.write_all(head.as_bytes())?;
    connection.write_all(&body[..body.len() / 2])
}

fn resets_in_the_middle(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    half(asked, connection)?;
    // Without this pause, the reset may overtake the head.
    sleep(Duration::from_millis(20));
    SockRef::from(asked.socket).set_linger(Some(Duration::ZERO))?;
    end()
}

fn ends_in_the_middle(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    half(asked, connection)?;
    end()
}

fn breaks_its_chunks(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    let (_, body) = asked.parts();
    connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let half = &body[..body.len() / 2];
    write!(connection, "{:x}\r\n", half.len().max(1))?;
    connection.write_all(if half.is_empty() { b" " } else { half })?;
    connection.write_all(b"\r\nno number\r\n")?;
    end()
}

fn status(status: &str, connection: &mut dyn Connection) -> io::Result<()> {
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\noops")
}

fn is_broken(_: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    status("500 Internal Server Error", connection)
}

fn is_overloaded(_: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    status("503 Service Unavailable", connection)
}

fn answers_twice(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    connection.write_all(&asked.answer().repeat(2))
}

fn adds_garbage(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    connection.write_all(&[asked.answer(), b"\0garbage\r\n\r\n".into()].concat())
}

fn with_head(asked: &Asked, connection: &mut dyn Connection, line: &str) -> io::Result<()> {
    let (_, body) = asked.parts();
    write!(connection, "HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: {}\r\n\r\n", body.len())?;
    connection.write_all(&body)
}

fn names_another_type(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    with_head(asked, connection, "Content-Type: image/png")
}

fn body(asked: &Asked, connection: &mut dyn Connection, head: &str, body: &[u8]) -> io::Result<()> {
    asked.answer();
    write!(connection, "HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len())?;
    connection.write_all(body)
}

/// Sends a compressed body, although the request has no `Accept-Encoding`.
fn packs(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    let request = String::from_utf8_lossy(asked.request).to_ascii_lowercase();
    assert!(!request.contains("gzip"), "{request}");
    body(asked, connection, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\0\0")
}

fn shows_a_login_page(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    let page = b"<!DOCTYPE html><html><title>Sign in</title></html>";
    body(asked, connection, "Content-Type: text/html\r\n", page)
}

fn sends_half_a_list(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    let (_, whole) = asked.parts();
    let half = &whole[..whole.len() / 2];
    write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", half.len())?;
    connection.write_all(half)
}

fn sends_nothing(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    body(asked, connection, "", b"")
}

fn sends_without_end(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n{")?;
    loop {
        connection.write_all(&[b' '; 4096])?;
    }
}

fn headers_without_end(asked: &Asked, connection: &mut dyn Connection) -> io::Result<()> {
    asked.answer();
    connection.write_all(b"HTTP/1.1 200 OK\r\n")?;
    loop {
        connection.write_all(b"A: b\r\n")?;
    }
}
