//! Whole sessions on a terminal: what remains on it, and what a person does in the middle.

use std::fs::File;
use std::io::Write;
use std::num::NonZero;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use janitor_tests::{Cluster, Stall};
use rustix::termios::tcsetwinsize;
use serde_json::json;

use super::{QUESTION, TARGET, Terminal, printed, read, size, slow};
use crate::command::{changes, scenario};

/// The rows of the terminal: enough for every session, so that nothing scrolls away.
const ROWS: NonZero<u16> = NonZero::new(500).unwrap();

/// The widths at which the sessions are tested.
const WIDTHS: [u16; 3] = [60, 80, 200];

/// A session on a terminal.
struct Session {
    terminal: File,
    shell: Child,
    /// The terminal as a person sees it.
    screen: vt100::Parser,
    /// Everything that was written to it.
    shown: String,
}

impl Session {
    fn begin(terminal: &Terminal, line: &str) -> Self {
        let columns = terminal.columns;
        let (terminal, shell) = terminal.begin(line);
        let screen = vt100::Parser::new(ROWS, columns.try_into().unwrap(), 0);
        Self { terminal, shell, screen, shown: String::new() }
    }

    /// Reads more of what is written, unless the session has ended.
    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        let Some(count) = read(&mut self.terminal, &mut piece) else { return false };
        let piece = &piece[..count];
        self.screen.process(piece);
        self.shown += &String::from_utf8_lossy(piece);
        true
    }

    /// Waits until these words are written.
    fn until(&mut self, words: &str) {
        while !self.shown.contains(words) {
            assert!(self.read(), "{words}: {:?}", self.shown);
        }
    }

    fn types(&mut self, typed: &str) {
        self.terminal.write_all(typed.as_bytes()).unwrap();
    }

    fn resize(&mut self, columns: u16) {
        tcsetwinsize(&self.terminal, size(columns)).unwrap();
        self.screen.screen_mut().set_size(ROWS, columns.try_into().unwrap());
    }

    /// Waits until the session ends; returns what is left on the terminal, and the exit code.
    fn end(mut self) -> (String, i32) {
        while self.read() {}
        let status = self.shell.wait().unwrap();
        // Shells report 128 plus the signal.
        let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap();
        let left = self.screen.screen().contents();
        // On a dumb terminal, the signs of life are lines that stay.
        let signs = ["Reading the", "Waiting for", "Waiting until", "Volumes ", "Reservations "];
        let is_sign = |line: &str| signs.iter().any(|sign| line.contains(sign));
        let dead = left.lines().find(|line| is_sign(line) && !line.starts_with("janitor: "));
        assert!(dead.is_none(), "a dead line: {dead:?} in {left}");
        (left, code)
    }
}

/// Asserts that all lines of a run without a terminal are left on a terminal.
fn has_lines(left: &str, lines: &str) {
    for line in lines.lines() {
        assert!(left.contains(line), "{line}: {left}");
    }
}

#[test]
fn a_session_leaves_its_lines_and_nothing_else() {
    let lines = printed(TARGET, slow()).0;
    let end =
        "janitor: removed 3 volumes and 12 reservations on 3 agents, deleted znode 'cassandra'; ";
    for columns in WIDTHS {
        for environment in ["", "NO_COLOR=1", "TERM=dumb"] {
            let cluster = Cluster::start(slow());
            let terminal = Terminal { columns, environment, ..Terminal::new(&cluster) };
            let mut session = Session::begin(&terminal, TARGET);
            session.until(QUESTION);
            session.types("y\n");
            session.until(end);
            if environment == "TERM=dumb" {
                assert!(!session.shown.contains('\x1b'), "{:?}", session.shown);
            }
            if environment == "NO_COLOR=1" {
                assert!(!session.shown.contains("\x1b[3"), "{:?}", session.shown);
            }
            let (left, code) = session.end();
            has_lines(&left, &lines);
            assert_eq!(code, 0, "{left}");
        }
    }
}

#[test]
fn a_table_fits_the_terminal_and_stays_the_same_in_a_pipe() {
    let piped = printed("discover", scenario("what-is-reserved")).0;
    for columns in WIDTHS {
        let cluster = Cluster::start(scenario("what-is-reserved"));
        let terminal = Terminal { columns, ..Terminal::new(&cluster) };
        let (left, code) = Session::begin(&terminal, "discover").end();
        assert_eq!(code, 0, "{left}");
        let table = |text: &str| -> Vec<String> {
            let lines = text.lines().skip_while(|line| !line.starts_with("ROLE"));
            lines.take_while(|line| !line.starts_with("In total")).map(str::to_owned).collect()
        };
        let (shown, whole) = (table(&left), table(&piped));
        assert_eq!(shown.len(), whole.len(), "{left}");
        assert!(shown.iter().all(|line| line.chars().count() <= columns.into()), "{left}");
        assert_eq!(shown == whole, columns == 200, "{left}");
        let (shown, _) = Terminal { columns, ..Terminal::new(&cluster) }.shows("discover | cat");
        assert_eq!(shown, piped);
    }
}

/// The lists are not answered, so the run would wait for long.
#[test]
fn a_wait_has_a_sign_of_life() {
    for (environment, erases) in [("", true), ("TERM=dumb", false)] {
        for line in ["discover".to_owned(), format!("plan {TARGET}"), TARGET.to_owned()] {
            let cluster = Cluster::start(scenario("a-plan"));
            cluster.stall(Some(Stall::Before(0)));
            let terminal = Terminal { environment, ..Terminal::new(&cluster) };
            let mut session = Session::begin(&terminal, &line);
            session.until("Reading the agents");
            assert_eq!(session.shown.contains('\x1b'), erases, "{:?}", session.shown);
            session.types("\x03");
            while session.read() {}
            assert_eq!(changes(&cluster), [""; 0]);
        }
    }
}

/// The master is not available at first, so the run waits before it asks again.
#[test]
fn a_pause_has_a_sign_of_life() {
    let mut state = scenario("a-plan");
    let answer = json!({"server": "master", "method": "GET", "path": "/master/slaves",
        "status": 503, "content_type": "text/plain", "body": "no leader", "times": 5});
    state.answers.push(serde_json::from_value(answer).unwrap());
    let cluster = Cluster::start(state);
    let mut session = Session::begin(&Terminal::new(&cluster), &format!("{TARGET} --yes"));
    session.until("Waiting until the Mesos master is available");
    let (left, code) = session.end();
    assert_eq!(code, 0, "{left}");
}

#[test]
fn ctrl_c_while_the_lists_are_read_changes_nothing() {
    for (line, words) in
        [(TARGET.to_owned(), true), (format!("plan {TARGET}"), false), ("discover".into(), false)]
    {
        let cluster = Cluster::start(scenario("a-plan"));
        cluster.stall(Some(Stall::Before(0)));
        let mut session = Session::begin(&Terminal::new(&cluster), &line);
        session.until("Reading the agents");
        session.types("\x03");
        let (left, code) = session.end();
        assert_eq!((code, left.contains("\nNothing was changed.")), (130, words), "{line}: {left}");
        assert_eq!(changes(&cluster), [""; 0]);
    }
}

#[test]
fn ctrl_c_at_the_question_changes_nothing() {
    for (line, question) in [
        (TARGET.to_owned(), QUESTION),
        (format!("{TARGET} --force"), "type the role's name (cassandra_role):"),
    ] {
        for columns in WIDTHS {
            let cluster = Cluster::start(scenario("a-plan"));
            let terminal = Terminal { columns, ..Terminal::new(&cluster) };
            let mut session = Session::begin(&terminal, &line);
            session.until(question);
            session.types("\x03");
            let (left, code) = session.end();
            assert!(left.ends_with("\nNothing was changed."), "{left}");
            assert_eq!((code, changes(&cluster)), (130, Vec::new()), "{left}");
            assert_eq!(cluster.state(), scenario("a-plan"));
        }
    }
}

#[test]
fn ctrl_c_in_a_cleanup_finishes_what_is_on_its_way() {
    for columns in WIDTHS {
        for (presses, expected) in [(1, 5), (2, 130)] {
            let cluster = Cluster::start(scenario("the-sample-result"));
            cluster.stall(Some(Stall::Changes));
            let terminal = Terminal { columns, ..Terminal::new(&cluster) };
            let mut session = Session::begin(&terminal, &format!("{TARGET} --yes"));
            session.until("Volumes 0/6");
            for _ in 0..presses {
                // A terminal discards what it has not shown yet, so nothing is written meanwhile.
                session.types("\x03");
                session.until("janitor: finishing in-flight requests");
            }
            if presses == 1 {
                cluster.stall(None);
            }
            let (left, code) = session.end();
            assert_eq!(code, expected, "{left}");
            assert_eq!(left.contains("Not deleted: znode 'cassandra'"), presses == 1, "{left}");
        }
    }
}

#[test]
fn a_terminal_that_becomes_narrower_keeps_no_dead_bar() {
    let lines = printed(TARGET, slow()).0;
    let cluster = Cluster::start(slow());
    let mut session = Session::begin(&Terminal::new(&cluster), &format!("{TARGET} --yes"));
    session.until("Volumes 0/6");
    session.resize(60);
    session.until("Reservations 0/6");
    session.resize(120);
    let (left, code) = session.end();
    assert_eq!(code, 0, "{left}");
    // Lines from before the change of the width may be cut.
    assert!(left.contains(lines.lines().last().unwrap()), "{left}");
}

/// The question names what is changed, where, and how much.
#[test]
fn a_question_says_what_is_asked() {
    for columns in WIDTHS {
        let cluster = Cluster::start(scenario("a-plan"));
        let terminal = Terminal { columns, ..Terminal::new(&cluster) };
        let mut session = Session::begin(&terminal, TARGET);
        session.until(QUESTION);
        session.types("n\n");
        let (left, code) = session.end();
        for words in [
            "At http://leader.mesos:5050/master/, this permanently",
            "destroys  3 volumes with all data: disk 12352 MiB",
            "releases  5 reservations of role 'cassandra_role' on 3 agents: cpus 0.5",
            "deletes   znode 'cassandra', with 2 nodes below it, at http://leader.mesos:8181/",
        ] {
            assert!(left.contains(words), "{words}: {left}");
        }
        assert_eq!((code, changes(&cluster)), (7, Vec::new()), "{left}");
    }
}

/// An option that disables the protection of what is in use requires more than `y`.
#[test]
fn a_protection_is_given_up_by_name() {
    let system = ("a-node-of-the-cluster-itself-forced", "-z mesos --system-znode", "mesos");
    let [force, teardown] = ["--force", "--teardown"].map(|option| format!("{TARGET} {option}"));
    for (name, line, answer) in [
        ("a-plan-for-a-role-in-use", force.as_str(), "cassandra_role"),
        ("a-plan-with-a-teardown", teardown.as_str(), "cassandra_role"),
        system,
    ] {
        for (typed, is_agreed) in [("y", false), ("yes", false), ("", false), (answer, true)] {
            let cluster = Cluster::start(scenario(name));
            let mut session = Session::begin(&Terminal::new(&cluster), line);
            session.until(&format!("({answer}): "));
            session.types(&format!("{typed}\n"));
            let (left, code) = session.end();
            assert_eq!(code, if is_agreed { 0 } else { 7 }, "{line} {typed}: {left}");
            assert_eq!(changes(&cluster).is_empty(), !is_agreed, "{line} {typed}: {left}");
            assert_eq!(left.contains("Nothing was changed."), !is_agreed, "{left}");
        }
    }
}

/// A refusal changes nothing, so it lists nothing that is left, and has no closing line.
#[test]
fn a_refusal_is_short() {
    for line in [TARGET.to_owned(), format!("{TARGET} --yes")] {
        let cluster = Cluster::start(scenario("a-plan-for-a-role-in-use"));
        let (left, code) = Session::begin(&Terminal::new(&cluster), &line).end();
        for words in ["Left on slave", "Not deleted", "janitor: "] {
            assert!(!left.contains(words), "{words}: {left}");
        }
        assert_eq!((code, changes(&cluster)), (7, Vec::new()), "{left}");
    }
}

/// The closing line is for a person: no file and no program gets it.
#[test]
fn a_closing_line_is_for_a_terminal() {
    let line = "janitor: removed ";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    for (end, is_closed) in [
        ("--yes".to_owned(), true),
        (format!("--yes > {}", file.display()), true),
        (format!("--yes 2> {}", file.display()), false),
        ("--yes -o json".into(), false),
    ] {
        let cluster = Cluster::start(scenario("a-plan"));
        let (shown, code) = Terminal::new(&cluster).shows(&format!("{TARGET} {end}"));
        assert_eq!((code, shown.contains(line)), (0, is_closed), "{end}: {shown}");
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(!written.contains(line), "{end}: {written}");
    }
}
