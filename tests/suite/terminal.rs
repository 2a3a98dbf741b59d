//! The output and the prompts on a real terminal of the kernel.

mod sessions;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::{Cluster, State};
use rustix::io::Errno;
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::stdio::stdout;
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;

use crate::command::{changes, on, program, run, scenario};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";
const QUESTION: &str = "Permanently remove all of this? [y/N]";

/// The sequence that erases a line that moves.
const ERASE: &str = "\r\x1b[2K";

/// The beginning of every other question.
const OTHER_QUESTION: &str = "To permanently remove all of this, type";

/// The question of a command line that disables a safety check.
const QUESTION_FOR_NAME: &str = "To permanently remove all of this, type the role's name";

/// Reads what has been written to a terminal, unless no process has it open any more. Linux may say so once
/// although something that was written last is not read yet.
fn read(terminal: &mut File, piece: &mut [u8]) -> Option<usize> {
    for _ in 0..2 {
        match terminal.read(piece) {
            Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {}
            count => return Some(count.unwrap()),
        }
    }
    None
}

/// A terminal, and the input that is typed at the prompt.
pub struct Terminal<'a> {
    /// The cluster for the commands on it.
    pub cluster: &'a Cluster,
    /// The width of the terminal.
    pub columns: u16,
    /// The input that is typed.
    pub typed: &'a str,
    /// Assignments before the command.
    pub environment: &'a str,
}

impl<'a> Terminal<'a> {
    /// Creates a wide terminal without input.
    pub fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, columns: 200, typed: "", environment: "" }
    }

    /// Runs a command line of janitor, which may contain more shell syntax; returns the
    /// terminal's output, and the exit code.
    pub fn shows(&self, line: &str) -> (String, i32) {
        self.shows_after(line, "")
    }

    /// Runs a command line with input that is typed before the prompt.
    fn shows_after(&self, line: &str, early: &str) -> (String, i32) {
        let (mut terminal, mut shell) = self.begin(line);
        terminal.write_all(early.as_bytes()).unwrap();
        let (mut shown, mut piece, mut is_typed) = (Vec::new(), [0; 4096], false);
        while let Some(count) = read(&mut terminal, &mut piece) {
            shown.extend_from_slice(&piece[..count]);
            let so_far = String::from_utf8_lossy(&shown);
            if !is_typed && [QUESTION, OTHER_QUESTION].iter().any(|it| so_far.contains(it)) {
                // Ctrl-D ends the input.
                terminal.write_all(format!("{}\x04", self.typed).as_bytes()).unwrap();
                is_typed = true;
            }
        }
        let status = shell.wait().unwrap();
        // Shells report 128 plus the signal.
        let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap();
        (String::from_utf8(shown).unwrap().replace("\r\n", "\n"), code)
    }

    /// Starts a shell on the terminal, which runs the line; returns it with the terminal's other
    /// end.
    fn begin(&self, line: &str) -> (File, Child) {
        let Self { cluster, columns, environment, .. } = self;
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        tcsetwinsize(&ours, size(*columns)).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs =
            File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name).unwrap();

        let binary = shell_words::quote(env!("CARGO_BIN_EXE_janitor"));
        let mut shell = program("/bin/sh");
        // When the leader of its session ends, a terminal forgets what has not been read. So the shell
        // outlives the command, and any signal to it, until someone waits for the shell.
        shell.arg("-c").arg(format!(
            "exec 3<&0 <&1\ntrap : INT QUIT\n{{ {environment} {binary} {line}\n}} 3<&-\n\
             code=$?\nexec <&- >&- 2>&-\nread _ <&3\nexit $code"
        ));
        shell.env_clear().env("http_proxy", cluster.proxy_url()).env("TERM", "xterm");
        shell.env("PATH", std::env::var_os("PATH").unwrap());
        shell.stdin(Stdio::piped()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
        on_its_terminal(&mut shell);
        (File::from(ours), shell.spawn().unwrap())
    }
}

/// The size of a terminal with so many columns.
fn size(columns: u16) -> Winsize {
    Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Makes the terminal on a command's standard output its controlling terminal, which sends it
/// signals.
#[allow(unsafe_code)]
fn on_its_terminal(command: &mut Command) {
    // SAFETY: between fork and exec there are only two system calls.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            ioctl_tiocsctty(stdout())?;
            Ok(())
        })
    };
}

/// Removes the control sequences from a terminal's output.
pub fn plain(shown: &str) -> String {
    let mut parts = shown.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // A CSI sequence consists of parameters and one letter.
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        plain += &part[end..];
    }
    plain
}

/// Returns what is left on a terminal: the lines, without control sequences and what they erased.
fn left(shown: &str) -> String {
    let lines = shown.split_inclusive('\n').map(|line| line.rsplit(ERASE).next().unwrap_or(line));
    plain(&lines.collect::<String>())
}

/// Returns the output of a run without a terminal.
fn printed(line: &str, state: State) -> (String, State) {
    let cluster = Cluster::start(state);
    let run = run(&mut on(&cluster, line));
    (run.stdout, cluster.state())
}

#[test]
fn anything_but_yes_changes_nothing() {
    let cluster = Cluster::start(scenario("a-plan"));
    for typed in ["no\n", "\n", "", "yess\n", "j\n"] {
        let (shown, exit) = Terminal { typed, ..Terminal::new(&cluster) }.shows(TARGET);
        assert!(shown.contains(QUESTION) && shown.contains("\nNothing was changed.\n"), "{shown}");
        assert_eq!(exit, 7, "{typed:?}");
    }
    assert_eq!((changes(&cluster), cluster.state()), (Vec::new(), scenario("a-plan")));
}

/// Input that is typed while the cluster is read does not answer the prompt.
#[test]
fn an_answer_before_the_question_is_none() {
    let state = State { latency_ms: 300, ..scenario("a-plan") };
    let cluster = Cluster::start(state);
    let (shown, exit) = Terminal::new(&cluster).shows_after(TARGET, "yes\n");
    assert!(shown.contains(QUESTION) && shown.contains("\nNothing was changed.\n"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()));
}

/// Without anything to remove there is no prompt, and the run ends as it does without a terminal.
#[test]
fn nothing_to_remove_needs_no_consent() {
    let scenario_name = "a-znode-that-is-gone";
    let line = "-z cassandra";
    let (lines, state) = printed(line, scenario(scenario_name));
    let cluster = Cluster::start(scenario(scenario_name));
    let (shown, exit) = Terminal::new(&cluster).shows(line);
    let shown = plain(&shown);
    assert!(!shown.contains(QUESTION), "{shown}");
    assert!(shown.contains("znode 'cassandra' does not exist"), "{shown}");
    for line in lines.lines().skip(1) {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!((exit, cluster.state()), (0, state), "{shown}");
}

#[test]
fn yes_cleans_what_was_shown() {
    let (plan, _) = printed(&format!("plan {TARGET}"), scenario("a-plan"));
    let (lines, state) = printed(TARGET, slower(scenario("a-plan")));
    for typed in ["y\n", "YES\n"] {
        let cluster = Cluster::start(slower(scenario("a-plan")));
        let (shown, exit) = Terminal { typed, ..Terminal::new(&cluster) }.shows(TARGET);
        let shown = left(&shown);
        let (before, after) = shown.split_once(QUESTION).unwrap();
        let plan = plan.split_once("\nTo carry out this plan: ").unwrap().0;
        assert!(before.starts_with(plan), "the plan: {before}");
        for line in lines.lines().skip(1) {
            assert!(after.contains(line), "{line}: {after}");
        }
        assert_eq!((exit, cluster.state()), (0, state.clone()), "{shown}");
    }
}

#[test]
fn what_has_changed_since_is_not_cleaned() {
    let mut state = scenario("a-plan");
    let mut before = serde_json::to_value(&state).unwrap()["agents"].clone();
    before.as_array_mut().unwrap().truncate(1);
    let slaves = json!({"slaves": before.as_array().unwrap().iter().map(|agent| json!({
        "id": agent["id"], "hostname": agent["hostname"], "active": true, "version": "1.11.0",
        "reserved_resources_full": agent["reserved_resources_full"],
    })).collect::<Vec<_>>(), "recovered_slaves": []});
    let answer = json!({"server": "master", "method": "GET", "path": "/master/slaves",
        "status": 200, "content_type": "application/json", "body": slaves.to_string(), "times": 1});
    state.answers.push(serde_json::from_value(answer).unwrap());
    let cluster = Cluster::start(state);
    let (shown, exit) = Terminal { typed: "y\n", ..Terminal::new(&cluster) }.shows(TARGET);
    assert_eq!(exit, 7, "{shown}");
    assert!(shown.contains("now has: disk 2048") && shown.contains("has changed"), "{shown}");
    assert_eq!(changes(&cluster), [""; 0]);
}

#[test]
fn what_is_refused_is_not_asked_for() {
    let cluster = Cluster::start(scenario("a-plan-for-a-role-in-use"));
    let (shown, exit) = Terminal::new(&cluster).shows(TARGET);
    assert!(!shown.contains(QUESTION) && shown.contains("--teardown"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
}

/// A run that its plan refuses stays refused, even if the framework disappears afterwards.
#[test]
fn what_was_not_asked_for_is_not_done() {
    let mut state = scenario("a-plan");
    let frameworks = json!({"frameworks": [
        {"id": "F", "name": "cassandra", "active": true, "roles": ["cassandra_role"]}
    ]});
    let answer = json!({"server": "master", "method": "GET", "path": "/master/frameworks",
        "status": 200, "content_type": "application/json", "body": frameworks.to_string(),
        "times": 1});
    state.answers.push(serde_json::from_value(answer).unwrap());
    let cluster = Cluster::start(state);
    let (shown, exit) = Terminal::new(&cluster).shows(TARGET);
    assert!(!shown.contains(QUESTION), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
}

#[test]
fn a_plan_that_is_forced_is_asked_for() {
    let cluster = Cluster::start(scenario("a-plan-for-a-role-in-use"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let planned = run(on(&cluster, &format!("plan {TARGET} --out")).arg(&file));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let line = format!("apply {} --force", file.display());
    let (shown, exit) = Terminal { typed: "no\n", ..Terminal::new(&cluster) }.shows(&line);
    assert!(shown.contains(QUESTION_FOR_NAME), "{shown}");
    assert!(!shown.contains("It would be refused"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
}

#[test]
fn what_a_file_lifts_is_named() {
    let cluster = Cluster::start(scenario("a-plan-with-a-teardown"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let lifting = "--ignore-agent S9 --teardown";
    let planned = run(on(&cluster, &format!("plan {TARGET} {lifting} --out")).arg(&file));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let line = format!("apply {}", file.display());
    let (shown, exit) = Terminal { typed: "no\n", ..Terminal::new(&cluster) }.shows(&line);
    let shown = plain(&shown);
    let (before, _) = shown.split_once(QUESTION_FOR_NAME).unwrap();
    assert!(
        before.contains("\nThis plan disables safety checks: --ignore-agent S9, --teardown\n"),
        "{shown}"
    );
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
    let typed = "cassandra_role\n";
    let (shown, exit) = Terminal { typed, ..Terminal::new(&cluster) }.shows(&line);
    assert_eq!(exit, 0, "{shown}");
    // Without a prompt, the option has to be on the command line.
    let cluster = Cluster::start(scenario("a-plan-with-a-teardown"));
    let (shown, exit) = Terminal::new(&cluster).shows(&format!("{line} --yes"));
    assert!(shown.contains(&format!("add at the end of the command: {lifting}")), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
}

/// A framework that the plan did not show is not torn down.
#[test]
fn a_framework_that_was_not_shown_does_not_end() {
    let mut state = scenario("a-plan-with-a-teardown");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let cluster = Cluster::start(state.clone());
    let planned = run(on(&cluster, &format!("plan {TARGET} --teardown --out")).arg(&file));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let framework = json!({"id": "G", "name": "n", "active": true, "roles": ["cassandra_role"]});
    state.frameworks.push(serde_json::from_value(framework).unwrap());
    let cluster = Cluster::start(state);
    let line = format!("apply {}", file.display());
    let typed = "cassandra_role\n";
    let (shown, exit) = Terminal { typed, ..Terminal::new(&cluster) }.shows(&line);
    let shown = plain(&shown);
    // Nobody is asked about a plan that no longer fits.
    assert!(!shown.contains(QUESTION) && !shown.contains(QUESTION_FOR_NAME), "{shown}");
    assert!(shown.contains("Framework 'n' (G, active) now uses the target"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, Vec::new()), "{shown}");
}

#[test]
fn a_framework_is_all_that_ends() {
    let mut state = scenario("a-plan-with-a-teardown");
    for agent in &mut state.agents {
        agent.reserved_resources_full.clear();
    }
    let cluster = Cluster::start(state);
    let line = "-r cassandra_role --teardown";
    let typed = "cassandra_role\n";
    let (shown, exit) = Terminal { typed, ..Terminal::new(&cluster) }.shows(line);
    assert!(plain(&shown).contains("  tear down  framework 'cassandra'"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (0, vec!["POST /master/teardown".into()]), "{shown}");
}

#[test]
fn nobody_is_asked_without_need() {
    let (_, cleaned) = printed(TARGET, scenario("a-plan"));
    for line in ["--yes", "--yes -o json", "--yes | cat", "< /dev/null", "2> /dev/null | cat"] {
        let cluster = Cluster::start(scenario("a-plan"));
        let (shown, exit) = Terminal::new(&cluster).shows(&format!("{TARGET} {line}"));
        assert!(!shown.contains(QUESTION) && !shown.contains("Plan:"), "{shown}");
        assert_eq!((exit, cluster.state()), (0, cleaned.clone()), "{line}");
    }
}

#[test]
fn the_question_comes_wherever_the_output_goes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let into_file = |options: &str| format!("{TARGET} {options} > {}", file.display());
    for (line, is_json) in [
        (format!("{TARGET} | tee {}", file.display()), false),
        (into_file(""), false),
        (into_file("-o json"), true),
        (format!("{TARGET} -o json | tee {}", file.display()), true),
        (format!("{TARGET} -o json"), true),
        (format!("{TARGET} 2> {}", file.display()), false),
    ] {
        for (typed, is_agreed) in [("no\n", false), ("y\n", true)] {
            let cluster = Cluster::start(scenario("a-plan"));
            let (shown, _) = Terminal { typed, ..Terminal::new(&cluster) }.shows(&line);
            assert!(shown.contains(QUESTION), "{line}: {shown}");
            let (before, _) = shown.split_once(QUESTION).unwrap();
            assert!(before.contains("Plan: remove what principal"), "{line}: {shown}");
            assert_eq!(changes(&cluster).is_empty(), !is_agreed, "{line}: {shown}");
            if is_json && line.contains("out") {
                let text = std::fs::read_to_string(&file).unwrap();
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                let expected = if is_agreed { 0 } else { 7 };
                assert_eq!(document["exit_code"], expected, "{line}: {text}");
            }
        }
    }
}

/// Marathon's app is not deleted before the prompt is confirmed, whatever else fails.
#[test]
fn nothing_is_sent_before_the_answer() {
    let cluster = Cluster::start(scenario("a-login-that-fails"));
    let environment = "MARATHON_APP_ID=/janitor";
    let terminal = Terminal { environment, ..Terminal::new(&cluster) };
    for (line, code) in [("--username admin --password wrong", 4), ("-m banana", 3)] {
        let (shown, exit) = terminal.shows(&format!("{TARGET} {line}"));
        assert!(exit == code && !shown.contains(QUESTION), "{shown}");
    }
    let requests = cluster.requests();
    assert!(requests.iter().all(|request| request.method != "DELETE"), "{requests:?}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let (red, yellow) = ("\x1b[31m", "\x1b[33m");
    let state = State { latency_ms: 300, ..scenario("a-plan-for-a-role-in-use") };
    let cluster = Cluster::start(state);
    let terminal = Terminal::new(&cluster);
    let plan = format!("plan {TARGET}");
    let (shown, _) = terminal.shows(&plan);
    assert!(shown.contains(ERASE), "no sign of life: {shown}");
    assert!(shown.contains(&format!("{red}A run would be refused")), "{shown}");
    assert!(shown.contains(&format!("{red}    destroy")), "{shown}");
    assert!(shown.contains(&format!("{yellow}    unreserve")), "{shown}");
    let lines = printed(&plan, scenario("a-plan-for-a-role-in-use")).0;
    assert_eq!(left(&shown), lines);
    // A line that moves is not a colour.
    let (shown, _) = Terminal { environment: "NO_COLOR=1", ..Terminal::new(&cluster) }.shows(&plan);
    assert!(!shown.replace(ERASE, "").contains('\x1b'), "{shown}");
    assert_eq!(left(&shown), lines);
    for (environment, line) in [
        ("TERM=dumb", plan.clone()),
        ("", format!("{plan} | cat")),
        ("", format!("{plan} --output json")),
    ] {
        let (shown, _) = Terminal { environment, ..Terminal::new(&cluster) }.shows(&line);
        assert!(!shown.contains('\x1b'), "{environment} {line}: {shown}");
    }
}

/// Returns a cluster that is slow enough for its phases to be visible.
fn slow() -> State {
    slower(scenario("the-sample-result"))
}

/// Returns a cluster that is slow enough for signs of life to be visible.
fn slower(state: State) -> State {
    State { latency_ms: 100, ..state }
}

#[test]
fn a_bar_shows_how_far_a_phase_is() {
    let cluster = Cluster::start(slow());
    let (shown, exit) = Terminal::new(&cluster).shows(&format!("{TARGET} --yes"));
    for bar in ["Volumes 0/6", "Volumes, to be confirmed 6/6", "Reservations 0/6"] {
        assert!(exit == 0 && shown.contains(bar), "{bar}: {shown:?}");
    }
    let lines = printed(TARGET, slow()).0;
    let seen = plain(&shown);
    for line in lines.lines() {
        assert!(seen.contains(line), "{line}: {shown:?}");
    }
    for line in ["--yes 2> /dev/null", "--yes | cat", "--yes --output json"] {
        let cluster = Cluster::start(slow());
        let (shown, exit) = Terminal::new(&cluster).shows(&format!("{TARGET} {line}"));
        assert!(exit == 0 && !shown.contains("Volumes 0/6"), "{line}: {shown:?}");
    }
}

#[test]
fn a_terminal_that_goes_away_ends_no_run() {
    let cluster = Cluster::start(slow());
    let cleaned = printed(TARGET, slow()).1;
    // `nohup` starts a command with this signal ignored.
    let terminal = Terminal { environment: "trap '' HUP;", ..Terminal::new(&cluster) };
    let (terminal, mut shell) = terminal.begin(&format!("{TARGET} --yes"));
    let patience = Instant::now();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(patience.elapsed() < Duration::from_secs(60), "{what}");
            sleep(Duration::from_millis(5));
        }
    };
    until("the first change", &|| !changes(&cluster).is_empty());
    drop(terminal);
    until("the end", &|| cluster.state() == cleaned);
    shell.wait().unwrap();
}

#[test]
fn a_narrow_terminal_shows_the_same_lines() {
    let lines = printed(TARGET, slow()).0;
    for columns in [1, 8, 20] {
        let cluster = Cluster::start(slow());
        let terminal = Terminal { columns, ..Terminal::new(&cluster) };
        let (shown, exit) = terminal.shows(&format!("{TARGET} --yes"));
        assert_eq!(exit, 0, "{shown:?}");
        let seen = plain(&shown);
        for line in lines.lines() {
            assert!(seen.contains(line), "{columns}: {line}: {shown:?}");
        }
    }
}
