//! The outcome of a command: its exit code says what happened, its document has the same one, and
//! nothing is lost without a message.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use janitor_tests::{Cluster, State};
use serde_json::Value;

use crate::command::{Run, janitor, on, replay, run, scenario, tests};
use crate::needs::needed;
use crate::terminal::Terminal;
use crate::validation;

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

/// Returns the document of a run, and checks that it has the exit code of the process.
fn document(run: &Run) -> Value {
    validation::require("output", &run.stdout);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["exit_code"], run.exit, "{run:?}");
    document
}

/// Fails if no device exists on which every write fails.
fn full_device() -> Result<(), String> {
    fs::metadata("/dev/full").map(drop).map_err(|_| "there is no /dev/full".into())
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// Every failure has a document, for every command, once the command line is understood.
#[test]
fn every_failure_has_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(at("empty")).unwrap();
    let plan = tests("scenarios/a-plan-that-is-applied/plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(at("lifting"), text.replacen("\"Refuse\"", "\"Force\"", 1)).unwrap();
    fs::write(at("app"), text.replacen("\"marathon_app\": null", "\"marathon_app\": \"/a\"", 1))
        .unwrap();
    let cluster = Cluster::start(scenario("a-login-that-fails"));
    for (line, exit, words) in [
        (format!("plan {TARGET} --out /nonexistent/p"), 1, "cannot write the plan /nonexistent/p"),
        (format!("plan {TARGET} --out p --record p"), 1, "are the same file"),
        (format!("{TARGET} --record /nonexistent/r"), 1, "cannot record to /nonexistent/r"),
        ("discover --record /nonexistent/r".into(), 1, "cannot record to /nonexistent/r"),
        ("discover --events /nonexistent/e".into(), 1, "cannot write the events /nonexistent/e"),
        (
            "discover --config /nonexistent/c".into(),
            1,
            "cannot use the configuration /nonexistent/c",
        ),
        ("inspect --cluster lab".into(), 1, "there is no configuration file with cluster 'lab'"),
        ("apply /nonexistent/p".into(), 1, "cannot use the plan /nonexistent/p"),
        (format!("apply {}", at("app")), 1, "`target.marathon_app` is '/a'"),
        (format!("apply {}", at("lifting")), 7, "disables safety checks"),
        ("replay /nonexistent/r".into(), 1, "cannot replay /nonexistent/r"),
        (format!("replay {}", at("empty")), 1, "there is no recording"),
        (format!("replay --update {}", at("empty")), 1, "single recording"),
        ("replay --update /nonexistent/r".into(), 1, "cannot replay /nonexistent/r"),
        ("--service a//b".into(), 1, "a//b"),
        ("plan --service a//b".into(), 1, "a//b"),
        ("inspect --service a//b".into(), 1, "a//b"),
        (format!("{TARGET} --auth-token-file /nonexistent/t"), 1, "cannot use /nonexistent/t"),
        ("discover --ca-cert /nonexistent/c".into(), 1, "cannot use /nonexistent/c"),
        (format!("{TARGET} -m banana"), 3, "Master URL"),
        ("discover --dcos-url banana".into(), 3, "DC/OS URL"),
        (format!("{TARGET} --username admin --password wrong"), 4, "Token retrieval failed"),
    ] {
        let mut command = on(&cluster, &format!("{line} -o json"));
        let run = run(command.current_dir(folder.path()));
        assert_eq!(run.exit, exit, "{line}: {run:?}");
        let document = document(&run);
        assert!(document["message"].as_str().unwrap().contains(words), "{line}: {document}");
    }
}

/// Runs a command, and removes a folder as soon as it has sent something.
fn without(folder: &str, state: State, command: impl FnOnce(&Cluster) -> Command) -> Run {
    let cluster = Cluster::start(State { latency_ms: 300, ..state });
    let mut command = command(&cluster);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let patience = Instant::now();
    while cluster.requests().is_empty() {
        assert!(patience.elapsed() < Duration::from_secs(60), "nothing is sent");
        sleep(Duration::from_millis(1));
    }
    fs::remove_dir(folder).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap(),
    }
}

/// Runs with an option that writes a file, whose folder is removed during the run.
fn lost(line: &str, option: &str, scenario_name: &str, json: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let inner = inner.display().to_string();
    let format = if json { "json" } else { "text" };
    let line = format!("{line} {option} {inner}/file -o {format}");
    without(&inner, scenario(scenario_name), |cluster| on(cluster, &line))
}

#[test]
fn a_plan_that_is_lost_is_an_error() {
    let line = format!("plan {TARGET}");
    let text = lost(&line, "--out", "a-plan", false);
    assert_eq!(text.exit, 1, "{text:?}");
    assert!(text.stdout.contains("In total: 3 volumes"), "the plan is shown: {text:?}");
    assert!(text.stderr.contains("cannot write the plan ") && !text.stderr.contains("apply"));
    let json = lost(&line, "--out", "a-plan", true);
    let document = document(&json);
    assert_eq!(json.exit, 1, "{json:?}");
    assert!(document["message"].as_str().unwrap().contains("cannot write the plan "), "{document}");
    assert!(document["plan"].is_object(), "{document}");
}

#[test]
fn a_recording_that_is_lost_is_an_error() {
    for (scenario, exit) in [("the-sample-result", 1), ("a-volume-in-use", 5)] {
        let text = lost(TARGET, "--record", scenario, false);
        assert_eq!(text.exit, exit, "{text:?}");
        assert!(text.stderr.contains(" is lost: "), "{text:?}");
        let json = lost(TARGET, "--record", scenario, true);
        let document = document(&json);
        assert_eq!(json.exit, exit, "{json:?}");
        assert!(document["message"].as_str().unwrap().contains(" is lost: "), "{document}");
        assert!(document["report"].is_object(), "{document}");
    }
}

#[test]
fn a_replay_that_differs_says_so_in_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.har");
    let cluster = Cluster::start(scenario("a-plan"));
    assert_eq!(run(on(&cluster, &format!("plan {TARGET} --record")).arg(&file)).exit, 0);
    let same = run(replay(&file).args(["-o", "json"]));
    assert_eq!((same.exit, &document(&same)["message"]), (0, &Value::Null));
    let mut har: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    har["log"]["_janitor"]["call"]["Plan"]["znode"] = "other".into();
    fs::write(&file, har.to_string()).unwrap();
    let text = run(&mut replay(&file));
    assert_eq!(text.exit, 5, "{text:?}");
    assert!(text.stderr.contains("this run differs from the recorded one"), "{text:?}");
    let json = run(replay(&file).args(["-o", "json"]));
    assert_eq!(json.exit, 5, "{json:?}");
    let document = document(&json);
    let message = document["message"].as_str().unwrap();
    assert!(message.contains("this run differs from the recorded one"), "{document}");
}

#[test]
fn a_full_disk_behind_standard_output_is_noticed() {
    let Some(()) = needed(full_device()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har").display().to_string();
    let cluster = Cluster::start(scenario("a-plan"));
    assert_eq!(run(&mut on(&cluster, &format!("plan {TARGET} --record {recording}"))).exit, 0);
    let in_folder = folder.path().display();
    for line in [
        "--help".into(),
        "--version".into(),
        "-h".into(),
        "help".into(),
        "help plan".into(),
        "discover --help".into(),
        "man plan".into(),
        "man".into(),
        "completions bash".into(),
        "inspect".into(),
        "inspect -o json".into(),
        format!("replay {recording}"),
        format!("replay {in_folder}"),
        format!("replay {in_folder} -o json"),
        "discover".into(),
        "discover -o json".into(),
        format!("plan {TARGET}"),
        format!("plan {TARGET} -o json"),
        TARGET.into(),
        format!("clean {TARGET}"),
        format!("{TARGET} -o json"),
    ] {
        let cluster = Cluster::start(scenario("a-plan"));
        let run = run(on(&cluster, &line).stdout(full()));
        assert_eq!(run.exit, 1, "{line}: {run:?}");
        let words = "janitor: cannot write to standard output: ";
        assert_eq!(run.stderr.matches(words).count(), 1, "{line}: {run:?}");
    }
}

/// The document contains the command that applies the plan, as standard error does for people.
#[test]
fn a_plan_in_a_file_is_followed_by_its_application() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let cluster = Cluster::start(scenario("a-plan"));
    let run = run(&mut on(&cluster, &format!("plan {TARGET} --out {file} -o json")));
    let document = document(&run);
    let command = format!("to apply the plan: janitor apply {file}");
    assert_eq!(document["next"].as_array().unwrap().last().unwrap(), &command, "{document}");
}

/// A file of that name may be there already, with another plan.
#[test]
fn a_plan_that_could_not_be_made_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    fs::write(&file, "old").unwrap();
    let cluster = Cluster::start(scenario("no-agents"));
    let run = run(&mut on(&cluster, &format!("plan {TARGET} --out {file}")));
    let words = format!("janitor: there is no plan to write to {file}\n");
    assert_eq!((run.exit, run.stderr.contains(&words)), (5, true), "{run:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}

/// A plan that would be refused, or that does nothing, need not be applied.
#[test]
fn no_refused_plan_is_proposed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let cluster = Cluster::start(scenario("a-framework-that-still-uses-the-role"));
    let run = run(&mut on(&cluster, &format!("plan {TARGET} --out {file} -o json")));
    assert!(!document(&run)["next"].to_string().contains("apply"), "{run:?}");
    assert!(fs::exists(file).unwrap());
}

/// An ID that fits nothing is probably a typing error.
#[test]
fn a_name_without_effect_is_reported() {
    let line = format!("plan {TARGET} --ignore-agent nobody --teardown F-0");
    let expected = [
        "--ignore-agent nobody had no effect: no agent with this ID or host name had to be ignored",
        "--teardown F-0 had no effect: no registered framework with this ID uses the target",
    ];
    let cluster = Cluster::start(scenario("a-plan"));
    let text = run(&mut on(&cluster, &line));
    let lines = expected.map(|line| format!("janitor: {line}\n")).concat();
    assert_eq!((text.exit, text.stderr), (0, lines), "{}", text.stdout);
    let json = run(&mut on(&cluster, &format!("{line} -o json")));
    assert_eq!(document(&json)["warnings"], serde_json::json!(expected));
    // This agent is unreachable.
    let agent = "3ce447e3-2894-4c61-bd0f-be97e4d99ee9-S2";
    let cluster = Cluster::start(scenario("an-unreachable-agent"));
    let run = run(&mut on(&cluster, &format!("{TARGET} --ignore-agent {agent}")));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{}", run.stdout);
}

/// A run that is limited to certain agents removes only a part of a service.
#[test]
fn what_an_agent_leaves_out_is_said() {
    let expected = [
        "the znode of service 'cassandra' stays, because --agent limits this run to certain agents",
        "app '/janitor', which runs this janitor, stays, because --agent limits this run to certain \
         agents",
    ];
    let line = "--service cassandra --naming cassandra --agent 10.0.3.12";
    for format in ["text", "json"] {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let before = cluster.state();
        let mut command = on(&cluster, &format!("{line} -o {format}"));
        let run = run(command.env("MARATHON_APP_ID", "/janitor"));
        assert_eq!(run.exit, 0, "{run:?}");
        match format {
            "text" => {
                let lines = expected.map(|line| format!("janitor: {line}\n")).concat();
                assert_eq!(run.stderr, lines);
            }
            _ => assert_eq!(document(&run)["warnings"], serde_json::json!(expected)),
        }
        let znodes = |state: State| state.exhibitor.map(|it| it.znodes);
        assert_eq!(znodes(cluster.state()), znodes(before));
        let touched = |path: &str| path.contains("/v2/") || path.contains("/exhibitor/");
        assert!(!cluster.requests().iter().any(|it| touched(&it.path)));
    }
    let cluster = Cluster::start(scenario("the-sample-result"));
    let both = run(&mut on(&cluster, "-r cassandra_role -z cassandra --agent 10.0.3.12"));
    assert_eq!((both.exit, cluster.requests().len()), (1, 0), "{both:?}");
    assert!(both.stderr.contains("cannot be used with"), "{both:?}");
}

/// The document's next step is to remove the app, because Marathon would run the command again.
#[test]
fn an_app_that_is_not_removed_is_left_to_do() {
    for format in ["text", "json"] {
        let cluster = Cluster::start(scenario("an-app-that-may-not-be-deleted"));
        let mut command = on(&cluster, &format!("-r cassandra_role -o {format}"));
        let run = run(command.env("MARATHON_APP_ID", "/janitor"));
        let words = "App '/janitor' is still in Marathon, which may start it again";
        assert_eq!(run.exit, 0, "{run:?}");
        match format {
            "text" => assert!(run.stderr.contains(words), "{run:?}"),
            _ => {
                let next = document(&run)["next"].to_string();
                assert!(next.contains(words), "{next}");
            }
        }
    }
}

#[test]
fn a_full_disk_behind_the_events_is_noticed() {
    let Some(()) = needed(full_device()) else { return };
    let cluster = Cluster::start(scenario("a-plan"));
    let run = run(on(&cluster, &format!("{TARGET} -o json")).stderr(full()));
    assert_eq!(run.exit, 1, "{run:?}");
    let document = document(&run);
    let message = document["message"].as_str().unwrap();
    assert!(message.contains("cannot write to standard error: "), "{document}");
    assert!(document["report"].is_object(), "{document}");
}

#[test]
fn a_failed_run_keeps_its_exit_code() {
    let Some(()) = needed(full_device()) else { return };
    let cluster = Cluster::start(scenario("a-volume-in-use"));
    for format in ["text", "json"] {
        let run = run(on(&cluster, &format!("{TARGET} -o {format}")).stdout(full()));
        assert_eq!(run.exit, 5, "{run:?}");
        assert!(run.stderr.contains("cannot write to standard output: "), "{run:?}");
    }
    let wrong = run(janitor().arg("--no-such").stderr(full()));
    assert_eq!(wrong.exit, 1);
}

/// A reader that closes its end changes neither the effects of a command nor its exit code.
#[test]
fn nobody_has_to_listen() {
    for line in ["discover", TARGET] {
        for format in ["text", "json"] {
            let cluster = Cluster::start(scenario("the-sample-result"));
            let mut command = on(&cluster, &format!("{line} -o {format}"));
            let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            drop((child.stdout.take(), child.stderr.take()));
            assert_eq!(child.wait().unwrap().code(), Some(0), "{line} {format}");
        }
    }
}

/// The same holds on a terminal, where the cluster is read before the prompt.
#[test]
fn a_run_that_ends_at_the_prompt_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    for (name, line, typed, exit) in [
        ("declined", TARGET, "n\n", 7),
        ("refused", "-r cassandra_role -p nobody", "", 7),
        ("failed", "-r cassandra_role -m http://127.0.0.1:1/", "", 5),
    ] {
        let file = folder.path().join(name);
        let cluster = Cluster::start(scenario("a-plan"));
        let terminal = Terminal { typed, ..Terminal::new(&cluster) };
        let (shown, code) = terminal.shows(&format!("{line} --record {}", file.display()));
        assert_eq!(code, exit, "{name}: {shown}");
        let recorded = run(&mut replay(&file));
        assert_eq!(recorded.stderr, "", "{name}: {recorded:?}");
    }
}

/// A command that could not run, and leaves its app in Marathon, says so in its document.
#[test]
fn an_app_that_is_removed_after_a_mistake_is_reported() {
    let cluster = Cluster::start(scenario("a-url-that-is-none-under-marathon"));
    let mut command = on(&cluster, &format!("{TARGET} -m nonsense -o json"));
    let run = run(command.env("MARATHON_APP_ID", "/janitor"));
    assert_eq!(run.exit, 3, "{run:?}");
    let document = document(&run);
    let removed = &document["report"]["self_removal"];
    assert_eq!(removed["app"], "/janitor", "{document}");
    let next = document["next"][0].as_str().unwrap();
    assert!(next.starts_with("No volume, reservation or znode was changed"), "{next}");
}

/// The verdict about each recording of a folder is in the document; one that cannot be read is
/// not called different.
#[test]
fn a_folder_of_recordings_has_a_verdict_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(tests("recordings/cassandra-0.28.1.har"), at("a.har")).unwrap();
    fs::write(at("b.har"), "{").unwrap();
    let unread = run(replay(folder.path()).args(["-o", "json"]));
    assert_eq!(unread.exit, 1, "{unread:?}");
    let message = document(&unread)["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("0 of 2 recordings differ, 1 cannot be read.\n"), "{message}");
    assert!(message.contains("b.har: cannot be read: "), "{message}");
}
