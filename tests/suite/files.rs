//! The files that janitor writes (recordings and plans), and the escaping of misleading characters
//! in names, in them and in the output.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use janitor_contract::printable::is_hidden;
use janitor_report::plan_file::PlanFile;
use janitor_tests::{Answer, Cluster, Server};
use janitor_transport::recording::read::Replay;
use serde_json::{Value, json};

use crate::command::{complaints, janitor, on, program, run, scenario, tests};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

/// The commands that write a file, up to its name, and the message if they cannot.
const WRITING: [(&str, &str); 2] =
    [("--record", "cannot record to "), ("--out", "cannot write the plan ")];

fn writing(cluster: &Cluster, option: &str, file: &Path) -> Command {
    let mut command = on(cluster, &format!("plan {TARGET} {option}"));
    command.arg(file);
    command
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let cluster = Cluster::start(scenario("a-plan"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("/dev/null", at("to-a-device")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    assert!(program("mkfifo").arg(at("fifo")).status().unwrap().success());
    let before = names(folder.path());
    for name in &before {
        let kind = fs::symlink_metadata(at(name)).unwrap().file_type();
        for (option, words) in WRITING {
            let run = run(&mut writing(&cluster, option, &at(name)));
            assert_eq!(run.exit, 1, "{option} {name}: {run:?}");
            assert!(run.stderr.contains(words), "{option} {name}: {run:?}");
        }
        assert_eq!(fs::symlink_metadata(at(name)).unwrap().file_type(), kind, "{name}");
    }
    assert_eq!(names(folder.path()), before);
    assert_eq!(cluster.requests().len(), 0, "it is found out before anything is sent");
}

/// A pipe is read if a program writes to it; otherwise the command does not wait for a writer.
#[test]
fn a_pipe_is_read_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe").display().to_string();
    assert!(program("mkfifo").arg(&pipe).status().unwrap().success());
    for line in [
        format!("apply {pipe}"),
        format!("replay {pipe}"),
        format!("discover --auth-token-file {pipe}"),
        format!("discover --ca-cert {pipe}"),
    ] {
        let run = run(janitor().args(line.split(' ')));
        assert_eq!(run.exit, 1, "{line}: {run:?}");
        let words = format!("{pipe}: it is a pipe, and no program writes to it");
        assert!(run.stderr.contains(&words), "{line}: {run:?}");
    }
    let recording = tests("recordings/cassandra-0.28.1.har");
    let script = r#"cat "$1" | "$0" replay /dev/stdin"#;
    let args = [janitor().get_program(), recording.as_os_str()].map(ToOwned::to_owned);
    let piped = run(program("sh").args(["-c", script]).args(args));
    assert_eq!((piped.exit, complaints(&piped)), (0, vec![]), "{piped:?}");
}

/// A shell reads the printed command as the same name.
#[test]
fn a_file_whose_name_is_not_text_is_written_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(scenario("a-plan"));
    let name = OsStr::from_bytes(b"plan\xff.json");
    let mut command = writing(&cluster, "--out", Path::new(name));
    let run = run(command.current_dir(folder.path()));
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stderr.contains(r"janitor apply $'plan\377.json'"), "{run:?}");
    assert!(folder.path().join(name).is_file());
}

#[test]
fn what_is_new_is_its_owners_alone() {
    let cluster = Cluster::start(scenario("a-plan"));
    let folder = tempfile::tempdir().unwrap();
    for (option, _) in WRITING {
        let file = folder.path().join(option);
        assert_eq!(run(&mut writing(&cluster, option, &file)).exit, 0);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{option}");
    }
    assert_eq!(names(folder.path()), ["--out", "--record"]);
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_its_link() {
    let cluster = Cluster::start(scenario("a-plan"));
    for (option, _) in WRITING {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        symlink("file", &link).unwrap();
        assert_eq!(run(&mut writing(&cluster, option, &link)).exit, 0);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{option}");
        let (text, mode) = (fs::read_to_string(&file).unwrap(), fs::metadata(&file).unwrap());
        assert!(text.starts_with('{') && text.ends_with("}\n"), "{option}: {text}");
        assert_eq!(mode.permissions().mode() & 0o7777, 0o664, "{option}");
        assert_eq!(names(folder.path()), ["file", "link"]);
    }
}

/// For a program, a limit on the size of files has the effect of a full disk. The sandbox's
/// own memory counts as a file too, so the limit includes it.
#[test]
fn a_full_disk_loses_the_recording_alone() {
    let mut state = scenario("the-sample-result");
    state.answers.push(Answer {
        server: Server::Master,
        method: "GET".into(),
        path: "/master/frameworks".into(),
        status: 200,
        content_type: None,
        headers: BTreeMap::new(),
        body: json!({"frameworks": [], "padding": vec!["x".repeat(1 << 20); 12]}).to_string(),
        times: None,
    });
    let cluster = Cluster::start(state);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.har");
    fs::write(&file, "old").unwrap();
    let script = format!("ulimit -f 8192; exec \"$0\" {TARGET} --record \"$1\"");
    let mut command = program("sh");
    command.env_clear().env("http_proxy", cluster.proxy_url());
    command.args(["-c", &script]).arg(janitor().get_program()).arg(&file);
    let run = run(&mut command);
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stdout.contains("Cleanup completed successfully."), "{run:?}");
    let words = format!("the recording {} is lost: ", file.display());
    assert!(run.stderr.contains(&words), "{run:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(names(folder.path()), ["run.har"]);
}

/// A role that looks like another one is shown with the difference, and the output can be copied.
#[test]
fn what_does_not_show_is_escaped() {
    let role = "cassandra\u{200b}_\u{ad}role";
    let mut state = scenario("a-plan");
    for agent in &mut state.agents {
        let text = serde_json::to_string(&agent.reserved_resources_full).unwrap();
        let text = text.replace("cassandra_role", role);
        agent.reserved_resources_full = serde_json::from_str(&text).unwrap();
    }
    let cluster = Cluster::start(state);
    let folder = tempfile::tempdir().unwrap();
    let (har, plan) = (folder.path().join("run.har"), folder.path().join("plan.json"));
    let mut command = on(&cluster, "plan -z cassandra -r");
    let text = run(command.args([role, "--out"]).arg(&plan).arg("--record").arg(&har));
    assert_eq!(text.exit, 0, "{text:?}");
    let json = run(on(&cluster, "plan -o json -z cassandra -r").arg(role));
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    for text in [&text.stdout, &text.stderr, &json.stdout, &json.stderr, &read(&har), &read(&plan)]
    {
        assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)), "{text}");
    }
    let shown = r"remove everything of role 'cassandra\u{200b}_\u{ad}role'";
    assert!(text.stdout.contains(shown), "{}", text.stdout);
    let command =
        r"To carry out this plan: janitor -r $'cassandra\342\200\213_\302\255role' -z cassandra";
    let proposed: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(proposed["next"][0], command);
    let wrong = run(janitor().arg("plan\u{202e}\u{1b}[2J"));
    assert_eq!(wrong.exit, 1);
    assert!(wrong.stderr.contains(r"plan\u{202e}\u{1b}[2J"), "{wrong:?}");
    assert!(wrong.stderr.chars().all(|c| c == '\n' || !is_hidden(c)), "{wrong:?}");
    let output: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(output["plan"]["target"]["role"], role);
    for (file, path) in [(&har, "/log/_janitor/call/Plan/role"), (&plan, "/plan/target/role")] {
        let json: Value = serde_json::from_str(&read(file)).unwrap();
        assert_eq!(json.pointer(path).unwrap(), role, "{}", file.display());
    }
}

/// Two names of one file are refused, because one of the two documents would be lost.
#[test]
fn a_file_that_is_named_twice_is_not_overwritten() {
    let cluster = Cluster::start(scenario("a-plan-that-is-applied"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let plan = fs::read(tests("scenarios/a-plan-that-is-applied/plan.json")).unwrap();
    fs::write(at("plan"), &plan).unwrap();
    fs::write(at("token"), "token").unwrap();
    symlink("plan", at("link")).unwrap();
    fs::hard_link(at("plan"), at("hard")).unwrap();
    symlink(".", at("here")).unwrap();
    let before = names(folder.path());
    for (line, words) in [
        (format!("plan {TARGET} --out new --record ./new"), "the plan new and the recording ./new"),
        (format!("plan {TARGET} --out new --record here/new"), "the plan new and the recording"),
        ("apply plan --record plan".into(), "the recording plan and the plan plan"),
        ("apply plan --record link".into(), "the recording link and the plan plan"),
        ("apply link --record hard".into(), "the recording hard and the plan link"),
        (
            format!("{TARGET} --auth-token-file token --record token"),
            "the recording token and --auth-token-file token",
        ),
        (
            format!("plan {TARGET} --ca-cert token --out token"),
            "the plan token and --ca-cert token",
        ),
        ("discover --record token >> token".into(), "the recording token and standard output"),
        ("discover --record token 2>> token".into(), "the recording token and standard error"),
        ("discover --record new > new".into(), "the recording new and standard output"),
        ("discover --record /dev/stdout >> token".into(), "and standard output"),
    ] {
        let mut command = program("sh");
        command.env_clear().env("http_proxy", cluster.proxy_url()).current_dir(folder.path());
        let script = format!("exec \"$0\" {line}");
        let run = run(command.args(["-c", &script]).arg(janitor().get_program()));
        assert_eq!(run.exit, 1, "{line}: {run:?}");
        let said = match line.contains("2>>") {
            true => fs::read_to_string(at("token")).unwrap(),
            false => run.stderr,
        };
        assert!(said.contains(words) && said.contains("are the same file"), "{line}: {said}");
        assert_eq!(fs::read(at("plan")).unwrap(), plan, "{line}");
        assert!(fs::read_to_string(at("token")).unwrap().starts_with("token"), "{line}");
        // The shell creates the file for standard output.
        let _ = fs::remove_file(at("new"));
        assert_eq!(names(folder.path()), before, "{line}");
    }
    assert_eq!(cluster.requests(), []);
}

#[test]
fn what_is_open_is_no_place_for_a_recording() {
    let cluster = Cluster::start(scenario("a-plan"));
    for (option, words) in WRITING {
        let run = run(&mut writing(&cluster, option, Path::new("/dev/stdout")));
        let words = format!("{words}/dev/stdout: it is not a regular file");
        assert!(run.exit == 1 && run.stderr.contains(&words), "{option}: {run:?}");
    }
    assert_eq!(cluster.requests(), []);
}

/// The files are sparse, and take no space on the disk.
#[test]
fn what_is_larger_than_any_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    for (command, most, words) in [
        ("apply", PlanFile::MOST_BYTES, "cannot use the plan "),
        ("replay", Replay::MOST_BYTES, "cannot replay "),
        ("replay --update", Replay::MOST_BYTES, "cannot replay "),
    ] {
        let file = folder.path().join("file");
        fs::File::create(&file).unwrap().set_len(most + 1).unwrap();
        let run = run(janitor().args(command.split(' ')).arg(&file));
        let larger = format!("it is larger than {most} bytes");
        assert_eq!(run.exit, 1, "{command}: {run:?}");
        assert!(run.stderr.contains(words) && run.stderr.contains(&larger), "{command}: {run:?}");
    }
    let endless = run(janitor().args(["apply", "/dev/zero"]));
    assert!(endless.exit == 1 && endless.stderr.contains("it is larger than"), "{endless:?}");
}
