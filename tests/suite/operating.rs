//! Every command in `docs/operating.md` is run, and its output is compared with the text below
//! it.
//!
//! A comment before a block names the scenario whose cluster is started for it. A block without
//! such a comment uses the cluster of the block before. There are these kinds of blocks:
//!
//! | block | test |
//! | --- | --- |
//! | `console` | a shell runs each `$` line, and must print the text below it, where `...` stands for any number of lines |
//! | `text` | the `$` line is run on a terminal, where `typed` is typed |
//! | `json` | the `cmd` of the Marathon app is run as Marathon would run it, or that of the Metronome job |
//! | `toml` | the file that a comment names is written |
//! | `sh` | the script is run unchanged |
//!
//! A command whose exit code is not 0 has `$ echo $?` below it. With `BLESS=1` in the environment,
//! the output is written instead of compared, unless it is abridged.
//!
//! `docker run` is replaced by a script that runs the command in the current folder, which must be
//! the one that is mounted.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{env, fs};

use janitor_tests::{Cluster, State};
use tempfile::TempDir;

use crate::command::{Run, program, run, scenario, tests};
use crate::detection::Registry;
use crate::golden::blessing;
use crate::terminal::{Terminal, plain};

const DOCUMENT: &str = "../docs/operating.md";

/// The ZooKeeper servers, and the proxy, in the document.
const ZOOKEEPER: &str = "zk-1.mesos:2181,zk-2.mesos:2181";
const PROXY: &str = "proxy.example:3128";

/// A part of the document.
enum Part {
    /// Lines that are not used.
    Prose(String),
    /// A fenced block.
    Block {
        kind: String,
        cluster: Option<String>,
        typed: String,
        file: Option<String>,
        text: String,
    },
}

fn document() -> String {
    fs::read_to_string(tests(DOCUMENT)).unwrap()
}

fn parts(document: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut prose, mut cluster, mut typed) = (String::new(), None, String::new());
    let mut file = None;
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        writeln!(prose, "{line}").unwrap();
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|it| it.strip_suffix(" -->")) {
            for (name, value) in comment.split(", ").map(|it| it.split_once(": ").unwrap()) {
                match name {
                    "cluster" => cluster = Some(value.to_owned()),
                    "file" => file = Some(value.to_owned()),
                    "typed" => typed = format!("{value}\n"),
                    _ => panic!("nobody knows what {name} means"),
                }
            }
        }
        let Some(kind) = line.strip_prefix("```").map(str::to_owned) else { continue };
        parts.push(Part::Prose(std::mem::take(&mut prose)));
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            writeln!(text, "{line}").unwrap();
        }
        let (cluster, typed, file) = (cluster.take(), std::mem::take(&mut typed), file.take());
        parts.push(Part::Block { kind, cluster, typed, file, text });
        prose = "```\n".into();
    }
    parts.push(Part::Prose(prose));
    parts
}

/// A cluster, the ZooKeeper that knows its leader, and a folder to work in.
struct Place {
    cluster: Cluster,
    registry: Registry,
    folder: TempDir,
    /// The folder of the script that replaces `docker`.
    programs: TempDir,
}

/// The script that replaces `docker`: it checks the image, and runs the command.
const DOCKER: &str = r#"#!/bin/sh
[ "$1" = run ] || exit 125
shift
while :; do
  case "$1" in
    --volume) [ "$2" = "$PWD:/work" ] || exit 125; shift 2 ;;
    --workdir) [ "$2" = /work ] || exit 125; shift 2 ;;
    --user) [ "$2" = "$(id -u)" ] || exit 125; shift 2 ;;
    --rm) shift ;;
    *) break ;;
  esac
done
[ "$1" = registry.example.com/mesosphere/janitor ] || exit 125
shift
exec "$@"
"#;

impl Place {
    fn new(name: &str) -> Self {
        let (folder, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let docker = programs.path().join("docker");
        fs::write(&docker, DOCKER).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        let registry = Registry::start(&["http://leader.mesos:5050/master/"]);
        Self { cluster: Cluster::start(scenario(name)), registry, folder, programs }
    }

    /// Runs a script in a shell.
    fn sh(&self, script: &str, app: Option<&str>) -> Run {
        let binaries = Path::new(env!("CARGO_BIN_EXE_janitor")).parent().unwrap().to_owned();
        let path = env::var_os("PATH").unwrap();
        let ours = [binaries, self.programs.path().to_owned()];
        let path = env::join_paths(ours.into_iter().chain(env::split_paths(&path))).unwrap();
        let mut shell = program("sh");
        let (zookeeper, proxy) = (self.registry.address(), self.cluster.proxy_url());
        let script = script.replace(ZOOKEEPER, zookeeper);
        shell.arg("-c").arg(script).current_dir(self.folder.path()).env_clear();
        shell.env("PATH", path).env("http_proxy", &proxy);
        let run = run(shell.envs(app.map(|app| ("MARATHON_APP_ID", app))));
        let stdout = run.stdout.replace(proxy.trim_start_matches("http://"), PROXY);
        Run { stdout: stdout.replace(zookeeper, ZOOKEEPER), ..run }
    }
}

#[test]
fn every_command_is_run() {
    let (mut place, mut now) = (None, String::new());
    for part in parts(&document()) {
        let (kind, cluster, file, text) = match part {
            Part::Prose(prose) => {
                now += &prose;
                continue;
            }
            Part::Block { kind, cluster, file, text, .. } => (kind, cluster, file, text),
        };
        if let Some(cluster) = cluster {
            place = Some(Place::new(&cluster));
        }
        let place = place.as_ref().expect("a cluster");
        match kind.as_str() {
            "console" => now += &console(place, &text),
            "json" => {
                let app: serde_json::Value = serde_json::from_str(&text).unwrap();
                let marathon = scenario("the-sample-result").marathon;
                // A job of Metronome is not an app.
                let (command, id) = match app["run"]["cmd"].as_str() {
                    Some(command) => (command, None),
                    None => (app["cmd"].as_str().unwrap(), app["id"].as_str()),
                };
                let run = place.sh(command, id);
                assert_eq!(run.exit, 0, "{text}{run:?}");
                assert_eq!(place.cluster.state().marathon == marathon, id.is_none(), "{text}");
                now += &text;
            }
            "sh" => {
                let run = place.sh(&text, None);
                let said = "cassandra_role: gone\nkafka-role: see kafka-role.json\n";
                assert_eq!((run.stdout.as_str(), run.stderr.as_str(), run.exit), (said, "", 0));
                now += &text;
            }
            "toml" => {
                fs::write(place.folder.path().join(file.expect("a file")), &text).unwrap();
                now += &text;
            }
            "text" => now += &text,
            _ => panic!("nobody knows what to do with {kind:?}"),
        }
    }
    if blessing() {
        fs::write(tests(DOCUMENT), &now).unwrap();
    }
    let written = document();
    for (written, now) in written.lines().zip(now.lines()) {
        assert_eq!(written, now, "docs/operating.md (left), and what it should be");
    }
    assert_eq!(written, now);
}

/// Runs the commands of a block, and returns the block with their real output.
fn console(place: &Place, block: &str) -> String {
    let mut shown = String::new();
    let (mut variables, mut code) = (String::new(), 0);
    assert!(block.starts_with("$ "), "{block}");
    for command in format!("\n{}", block.trim_end()).split("\n$ ").skip(1) {
        let (line, expected) = command.split_once('\n').unwrap_or((command, ""));
        let expected = if expected.is_empty() { "" } else { &format!("{expected}\n") };
        writeln!(shown, "$ {line}").unwrap();
        if line.starts_with("export ") {
            writeln!(variables, "{line}").unwrap();
            continue;
        }
        let asks_for_the_code = line == "echo $?";
        assert!(code == 0 || asks_for_the_code, "exit code {code} before: {line}");
        let run = place.sh(&format!("exec 2>&1; {variables}(exit {code}); {line}"), None);
        code = run.exit;
        let tidy: String =
            run.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        shown += match expected {
            "" => "",
            _ if expected.lines().any(|line| line == "...") => {
                assert!(is_abridged(expected, &tidy), "{line}: {tidy}");
                expected
            }
            _ => &tidy,
        };
    }
    assert_eq!(code, 0, "the last command of: {block}");
    shown
}

/// Returns whether a text is an abridged form of another one, with `...` for the missing parts.
fn is_abridged(expected: &str, text: &str) -> bool {
    let mut rest = text;
    let pieces: Vec<_> = format!("\n{expected}").split("\n...").map(str::to_owned).collect();
    pieces.iter().enumerate().all(|(index, piece)| {
        let piece = piece.strip_prefix('\n').unwrap_or(piece);
        let found = rest.find(piece).filter(|at| index > 0 || *at == 0);
        found.is_some_and(|at| {
            rest = &rest[at + piece.len()..];
            true
        })
    })
}

#[test]
fn every_screen_is_what_a_terminal_shows() {
    let mut screens = 0;
    for part in parts(&document()) {
        let Part::Block { kind, cluster, typed, text, .. } = part else { continue };
        if kind != "text" {
            continue;
        }
        // The cluster is slow enough for the progress to be visible.
        let state = State { latency_ms: 100, ..scenario(&cluster.expect("a cluster")) };
        let cluster = Cluster::start(state);
        let (command, screen) = text.split_once('\n').unwrap();
        let line = command.strip_prefix("$ janitor ").expect("a command");
        let shown = Terminal { typed: &typed, ..Terminal::new(&cluster) }.shows(line).0;
        let shown = plain(&shown);
        let mut rest = shown.as_str();
        for line in screen.lines() {
            if line == "..." {
                continue;
            }
            let line = steady(line);
            let at = rest.find(line);
            rest = &rest[at.unwrap_or_else(|| panic!("{line}: {shown}")) + line.len()..];
        }
        screens += 1;
    }
    assert!(screens > 0);
}

/// Returns the part of a line that is the same in every run: the width of a bar and the duration at
/// the end vary.
fn steady(line: &str) -> &str {
    let line = line.split_once(" [=").map_or(line, |(begin, _)| begin);
    let number = line.strip_suffix('s').unwrap_or_default().trim_end();
    match number.trim_end_matches(|c: char| c.is_ascii_digit()) {
        begin if begin.len() < number.len() => begin,
        _ => line,
    }
}

/// For every command that the text names, a block runs a command that begins with it.
#[test]
fn every_command_is_in_a_block_that_is_run() {
    let parts = parts(&document());
    let run: String = parts
        .iter()
        .map(|part| match part {
            Part::Block { text, .. } => text.as_str(),
            Part::Prose(_) => "",
        })
        .collect();
    let mut checked = 0;
    for part in &parts {
        let Part::Prose(prose) = part else { continue };
        assert!(!prose.lines().any(|line| line.starts_with("    ") || line.starts_with("$ ")));
        // The fence of the block before would shift the spans.
        let spans = prose.trim_start_matches('`').split('`').skip(1).step_by(2);
        for span in spans.filter(|span| span.starts_with("janitor ")) {
            checked += 1;
            assert!(run.contains(span) || run.contains(&span.replace(' ', " --yes ")), "{span}");
        }
    }
    assert!(checked > 5, "{checked} commands found");
}

/// The other documents show the same image, app and job.
#[test]
fn one_image_one_app_one_job() {
    const IMAGE: &str = "registry.example.com/mesosphere/janitor";
    let guide = document();
    let readme = fs::read_to_string(tests("../README.md")).unwrap();
    let examples = |text: &str| -> Vec<String> {
        let blocks = text.split("```json\n").skip(1);
        blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
    };
    let (ours, theirs) = (examples(&guide), examples(&readme));
    assert_eq!((ours.len(), theirs.is_empty()), (2, false));
    for example in &theirs {
        assert!(ours.contains(example), "{example}");
    }
    for example in &ours {
        assert!(example.contains(&format!("\"image\": \"{IMAGE}\"")), "{example}");
    }
    let dockerfile = fs::read_to_string(tests("../Dockerfile")).unwrap();
    for text in [&guide, &readme, &dockerfile] {
        for line in text.lines().filter(|line| line.contains("docker ")) {
            let names = line.contains("docker run ") || line.contains(" --tag ");
            assert!(!names || line.contains(IMAGE), "{line}");
        }
    }
}
