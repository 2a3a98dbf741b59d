//! Tests of the components for stock runtimes, on a stock wasmtime: the one that
//! `JANITOR_TEST_WASMTIME` names, or that `tests/embedders/wasmtime.sh` has installed.

mod service;
pub mod wasmtime;

use std::fs;
use std::process::Command;

use janitor_report::ExitCode;
use janitor_tests::{Answering, Cluster, State};
use serde_json::{Value, json};

use crate::command::{Run, changes, janitor, run, scenario, tests, timeless};
use crate::needs::needed;
use crate::real::master::{Master, cpus, reserved_for, with};
use crate::{forms, real};
use wasmtime::{MISBEHAVING, Wasmtime};

/// The scenarios on which the command's output equals the binary's.
const SCENARIOS: &[(&str, &str)] = &[
    ("the-sample-result", "-r cassandra_role -p cassandra_principal -z cassandra"),
    ("a-framework-that-still-uses-the-role", "-r cassandra_role -z cassandra"),
    ("a-framework-that-is-torn-down", "-r cassandra_role -z cassandra --teardown"),
    ("a-volume-in-use", "-r cassandra_role -p cassandra_principal -z cassandra -v"),
    ("an-agent-list-that-is-no-json", "-r cassandra_role -z cassandra"),
    ("an-agent-that-is-not-active", "-r cassandra_role -z cassandra"),
    ("a-znode-that-may-not-be-deleted", "-r cassandra_role -z cassandra"),
    ("what-is-not-ours-stays", "--role=cassandra_role --zk_path cassandra"),
    ("a-plan", "--dry-run -r cassandra_role -z cassandra"),
    ("without-the-token-that-is-wanted", "-r cassandra_role -z cassandra"),
    ("the-sample-result", "-z marathon/state"),
    ("the-sample-result", "--service cassandra --naming cassandra"),
];

cases! {
    /// The behaviour of each hostile guest behind the gate, and the words of the refusal.
    HOSTILE: &str => denied;

    a_guest_that_asks_for_what_is_not_its_business:
        "request not allowed: GET master/quota is not on the allow-list",
    a_guest_that_removes_what_is_not_its_business:
        "is not limited to the target's resources: a resource of role 'other', not \
         'removes what is not its business'",
    a_guest_that_ends_what_is_not_its_business:
        "would tear down framework 'ITS', which does not use the role in the master's list, and is \
         not named",
    a_guest_that_sends_without_end: "request not allowed: more than 32 exchanges in flight",
    a_guest_that_sends_and_forgets: "request not allowed: more than 32 exchanges in flight",
    a_guest_that_hoards_answers: "request not allowed: more than 32 exchanges in flight",
    a_guest_that_reads_nothing: "it read 0 bytes of a response",
}

tests! {
    // These guests send forms, all of which are denied.
    a_guest_that_claims_a_volume_of_another_principal:
        sends_none("claims a volume of another principal"),
    a_guest_that_claims_only_to_have_created_a_volume:
        sends_none("claims only to have created a volume"),
    a_guest_that_releases_an_empty_amount: sends_none("releases an empty amount"),
    a_guest_that_releases_an_empty_range: sends_none("releases an empty range"),
    a_guest_that_releases_another_amount: sends_none("releases another amount"),
    a_guest_that_forgets_a_label: sends_none("forgets a label"),
    a_guest_that_names_another_agent: sends_none("names another agent"),
    a_guest_that_hides_another_agent_in_a_form: sends_none("hides another agent in a form"),
    a_guest_that_writes_a_form_in_its_own_way: sends_none("writes a form in its own way"),
    a_guest_that_releases_what_has_another_label: sends_none("releases what has another label"),
    a_guest_that_releases_what_another_framework_reserved:
        sends_none("releases what another framework reserved"),
    a_guest_that_destroys_a_volume_without_the_label:
        sends_none("destroys a volume without the label"),

    // These tests need real masters.
    a_role_on_two_of_three_agents: on_each_master(two_of_three_agents),
    a_master_that_does_not_lead: on_each_master(does_not_lead),
    twenty_cleanups_at_once: on_each_master(service::twenty_on_a_real_master),
}

/// Runs a test that needs a master too.
fn on_each_master(test: fn(Wasmtime, &str)) {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    real::on_each_master(|command| test(wasmtime, command));
}

/// Returns each hostile guest's test, the exit code that is reported, and the words.
pub fn rows() -> impl Iterator<Item = (String, u8, &'static str)> {
    let name = |behaviour: &str| format!("a_guest_that_{}", behaviour.replace(' ', "_"));
    // The command line does not allow the form of this one, which is in a znode, with agents.
    let is_possible = |behaviour: &str| !forms::part(behaviour).contains(&"--agent");
    let forms = forms::CASES.iter().filter(move |(behaviour, ..)| is_possible(behaviour));
    let forms = forms.map(move |(behaviour, _, words)| (name(behaviour), *words));
    let all = HOSTILE.iter().map(|(name, words)| ((*name).to_owned(), *words)).chain(forms);
    all.map(|(name, words)| (format!("stock::{name}"), ExitCode::Failed as u8, words))
}

/// Returns the options with the URLs of a cluster's servers, without the gateway.
fn urls(cluster: &Cluster) -> [String; 6] {
    let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
    let options = ["-m", &master, "-e", &exhibitor, "-n", &cluster.marathon_url()];
    options.map(Into::into)
}

/// Replaces the URLs of the servers in a text by their usual names.
fn named(cluster: &Cluster, text: &str) -> String {
    let master = cluster.master_url();
    text.replace(&master, "http://leader.mesos:5050/master/")
        .replace(master.trim_end_matches("master/"), "http://leader.mesos:5050/")
        .replace(&cluster.exhibitor_url(), "http://leader.mesos:8181/")
        .replace(&cluster.marathon_url(), "http://marathon.mesos:8080/v2/apps/")
}

#[test]
fn the_sample_result() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let mut command = wasmtime.command(&[("MARATHON_APP_ID", "/janitor")]);
    command.args(urls(&cluster));
    let run = run(command
        .args(["-r", "cassandra_role", "-p", "cassandra_principal", "-z"])
        .arg("cassandra"));
    let folder = tests("scenarios/the-sample-result");
    let golden = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    assert_eq!(named(&cluster, &run.stdout), golden("stdout"));
    assert_eq!((run.exit, run.stderr), (0, golden("stderr")));
    let after: State = serde_json::from_str(&golden("after.json")).unwrap();
    assert_eq!(cluster.state(), after);
}

/// The oldest and the newest version that the guide names run the command, and the service.
#[test]
fn both_ends_of_the_range_of_versions() {
    let Some(ends) = needed(Wasmtime::ends()) else { return };
    for wasmtime in ends {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let mut command = wasmtime.command_file();
        let line = ["-r", "cassandra_role", "-p", "cassandra_principal", "-z", "cassandra"];
        let run = run(command.args(urls(&cluster)).args(line));
        assert_eq!(run.exit, 0, "{run:?}");
        service::cleans_on(wasmtime);
    }
}

#[test]
fn what_the_command_says_is_what_the_binary_says() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    for (name, line) in SCENARIOS {
        for format in ["text", "json"] {
            let on = |mut command: std::process::Command| {
                let cluster = Cluster::start(scenario(name));
                let words = shell_words::split(line).unwrap();
                let run = run(command.args(words).args(urls(&cluster)).args(["-o", format]));
                let Run { stdout, stderr, exit } = run;
                let run = Run {
                    stdout: named(&cluster, &stdout),
                    stderr: named(&cluster, &stderr),
                    exit,
                };
                (run, cluster.state())
            };
            let (mut theirs, state) = on(janitor());
            // The command lacks the options that this line names.
            let is_of_both =
                |line: &&str| !line.contains(" requires valid credentials (401): a token");
            theirs.stdout = theirs.stdout.split_inclusive('\n').filter(is_of_both).collect();
            let (mut ours, our_state) = on(wasmtime.command(&[]));
            assert_eq!(our_state, state, "{name}: {line}");
            assert_eq!(ours.exit, i32::from(theirs.exit != 0), "{name}: {line}");
            if format == "text" && theirs.exit != 0 {
                let code = format!("janitor: exit code {}: ", theirs.exit);
                let last = ours.stderr.lines().next_back().unwrap_or_default().to_owned();
                assert!(last.starts_with(&code), "{last}");
                ours.stderr = ours.stderr.replace(&format!("{last}\n"), "");
            }
            assert_eq!(timeless(&ours.stdout), timeless(&theirs.stdout), "{name}: {line}");
            assert_eq!(ours.stderr, timeless(&theirs.stderr), "{name}: {line}");
        }
    }
}

/// The request that releases these resources is longer than one write to a WASI stream may be.
#[test]
fn a_request_that_no_buffer_takes() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let owner = reserved_for("r", "p");
    let label = json!({"reservation": {"principal": "p", "labels": {"labels": [
        {"key": "k", "value": "x".repeat(3 << 20)},
    ]}}});
    let reserved = json!({"r": [with(&with(&cpus(1.0), &owner), &label)]});
    let agent = json!({"id": "S0", "hostname": "h", "reserved_resources_full": reserved});
    let state = json!({"version": "1.11.0", "agents": [agent]});
    let cluster = Cluster::start(serde_json::from_value(state).unwrap());
    let run = run(wasmtime.command(&[]).args(["-r", "r", "-m", &cluster.master_url()]));
    assert_eq!(run.exit, 0, "{run:?}");
    let unreserve = cluster.requests().into_iter().find(|it| it.path.ends_with("/unreserve"));
    assert!(unreserve.unwrap().body.len() > 3 << 20);
}

#[test]
fn a_token_goes_to_the_servers() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("with-a-token"));
    let token = cluster.state().iam.unwrap().token;
    let mut command = wasmtime.command(&[("DCOS_ACS_TOKEN", &token)]);
    let run = run(command.args(urls(&cluster)).args(["-r", "cassandra_role", "-z", "cassandra"]));
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(!run.stdout.contains(&token));
    let expected = Some(format!("token={token}"));
    assert!(cluster.requests().iter().all(|request| request.authorization == expected));
}

/// The help of the command names these variables, as that of the binary does.
#[test]
fn the_environment_names_the_servers() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("with-a-token"));
    let token = cluster.state().iam.unwrap().token;
    let variables = [
        ("JANITOR_AUTH_TOKEN", token.as_str()),
        ("JANITOR_MASTER_URL", &cluster.master_url()),
        ("JANITOR_EXHIBITOR_URL", &cluster.exhibitor_url()),
    ];
    let mut command = wasmtime.command(&variables);
    let run = run(command.args(["-r", "cassandra_role", "-z", "cassandra"]));
    assert_eq!(run.exit, 0, "{run:?}");
    let mut other = wasmtime.command(&variables);
    let other = crate::command::run(other.args(["-r", "r", "-m", "http://127.0.0.1:1/master/"]));
    assert!(other.stdout.starts_with("Master: http://127.0.0.1:1/master/ "), "{other:?}");
}

/// The command accepts the same tokens as the binary, and refuses others in the same words.
#[test]
fn a_token_is_what_the_binary_takes_for_one() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let token = Cluster::start(scenario("with-a-token")).state().iam.unwrap().token;
    let lines = ["\n", "\r\n", " "].map(|end| format!("{token}{end}"));
    let none = ["canary canary", "canary\r\nHost: canary", "canary\u{1}", "c\u{f6}canary", " "];
    for token in lines.iter().map(String::as_str).chain(none) {
        for by_option in [false, true] {
            let on = |command: &mut Command, cluster: &Cluster| {
                let line = ["--dry-run", "-r", "cassandra_role"];
                command.args(urls(cluster)).args(line);
                match by_option {
                    true => run(command.args(["-a", token])),
                    false => run(command.env("DCOS_ACS_TOKEN", token)),
                }
            };
            let theirs = Cluster::start(scenario("with-a-token"));
            let mut said = on(&mut janitor(), &theirs);
            let ours = Cluster::start(scenario("with-a-token"));
            let our_run = on(&mut wasmtime.command(&[]), &ours);
            // The command lacks the options that this line names.
            let is_of_both =
                |line: &&str| !line.contains(" requires valid credentials (401): a token");
            said.stdout = said.stdout.split_inclusive('\n').filter(is_of_both).collect();
            assert_eq!(named(&ours, &our_run.stdout), named(&theirs, &said.stdout), "{token:?}");
            assert!(!our_run.stdout.contains("canary"), "{our_run:?}");
            let code = format!("exit code {}: ", said.exit);
            assert_eq!(our_run.stderr.contains(&code), said.exit != 0, "{token:?}: {our_run:?}");
            let sent = |cluster: &Cluster| cluster.requests().len();
            assert_eq!(sent(&ours) == 0, sent(&theirs) == 0, "{token:?}");
        }
    }
}

#[test]
fn a_url_that_is_none() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    for (url, why) in [
        ("banana", "Master URL must begin with http:// or https://: banana"),
        ("http://m1/,http://m2/", "Master URL must be a single URL here"),
        ("zk://127.0.0.1:1/mesos", "Master URL must begin with http:// or https:// here"),
    ] {
        let run = run(wasmtime.command(&[]).args(["-r", "r", "-m", url]));
        assert_eq!(run.exit, 1);
        assert!(run.stdout.starts_with(why), "{run:?}");
        assert!(run.stderr.ends_with("exit code 3: invalid URL\n"), "{run:?}");
    }
    let run = run(wasmtime.command(&[]).args(["-z", "a", "-e", "zk://127.0.0.1:1/"]));
    assert!(run.stdout.starts_with("Exhibitor URL must begin with http"), "{run:?}");
}

#[test]
fn a_master_that_is_not_there() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let run = run(wasmtime.command(&[]).args(["-r", "r", "-m", "http://127.0.0.1:1/master/"]));
    assert_eq!(run.exit, 1);
    assert!(
        run.stdout.contains("cannot connect to the Mesos master: connection refused"),
        "{run:?}"
    );
    assert!(run.stderr.contains("exit code 5"), "{run:?}");
}

/// The runtime may pass on a status that is not final; the component must reject it.
#[test]
fn only_a_final_status_is_an_answer() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    for status in [600, 999] {
        let master = Answering::start(move |_| {
            let list = r#"{"slaves":[],"recovered_slaves":[]}"#;
            http::Response::builder().status(status).body(list.into()).unwrap()
        });
        let url = format!("{}/master/", master.origin());
        let run = run(wasmtime.command(&[]).args(["-r", "r", "-m", &url]));
        assert_eq!(run.exit, 1);
        let words = "the answer of the Mesos master is not valid HTTP: ";
        assert!(run.stdout.contains(words), "{status}: {run:?}");
    }
}

/// Asserts that the gate denies the forbidden requests of a hostile guest.
fn denied(name: &str, words: &str) {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let role = name.trim_start_matches("a_guest_that_").replace('_', " ");
    let frameworks = json!([
        {"id": "OWN", "name": "own", "roles": [role]},
        {"id": "ITS", "name": "its", "roles": ["other"]},
    ]);
    let frameworks = serde_json::from_value(frameworks).unwrap();
    let cluster = Cluster::start(State { frameworks, ..scenario("the-sample-result") });
    let mut command = wasmtime.run(&MISBEHAVING, &[]);
    let run = run(command.args(urls(&cluster)).args(["-r", &role, "--teardown"]));
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stderr.contains("exit code 5: "), "{run:?}");
    assert!(run.stdout.contains("The component was stopped: "), "{run:?}");
    assert!(run.stdout.contains(words), "{run:?}");
    let ends_its_own = role.starts_with("ends");
    let changed = if ends_its_own { &["POST /master/teardown"][..] } else { &[] };
    assert_eq!(changes(&cluster), changed);
    let left = cluster.state().frameworks.into_iter().map(|it| it.id);
    assert_eq!(left.collect::<Vec<_>>(), if ends_its_own { &["ITS"][..] } else { &["OWN", "ITS"] });
    let quota = |request: &janitor_tests::Recorded| request.path.contains("quota");
    assert!(!cluster.requests().iter().any(quota));
}

/// Asserts that the gate denies the form that a hostile guest sends.
fn sends_none(behaviour: &str) {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let (form, words) = forms::case(behaviour);
    let held: Vec<Value> =
        forms::HELD.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let agents = json!([
        {"id": "S1", "hostname": "h", "reserved_resources_full": {}},
        {"id": "S0", "hostname": "h", "reserved_resources_full": {forms::ROLE: held}},
    ]);
    let state = json!({"version": "1.11.0", "agents": agents});
    let cluster = Cluster::start(serde_json::from_value(state).unwrap());
    let mut command = wasmtime.run(&MISBEHAVING, &[]);
    command.args(["-m", &cluster.master_url(), "-r", forms::ROLE, "-p", forms::PRINCIPAL]);
    let run = run(command.args(["-z", &form]).args(forms::part(behaviour)));
    assert!(run.stderr.contains("exit code 5: "), "{run:?}");
    assert!(run.stdout.contains("is not limited to the target's resources: "), "{run:?}");
    assert!(run.stdout.contains(words), "{run:?}");
    assert_eq!(changes(&cluster), [""; 0]);
}

/// A guest's entry stays one line of text, whatever the guest logs, and in whatever form.
#[test]
fn no_guest_steers_a_terminal() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let run = |format: &str| {
        let mut command = wasmtime.run(&MISBEHAVING, &[]);
        command.args(urls(&cluster)).args(["-r", "steers the terminal", "-o", format]);
        let run = run(&mut command);
        assert_eq!(run.exit, 0, "{run:?}");
        for c in ['\x1b', '\u{9b}', '\u{202e}'] {
            assert!(!run.stdout.contains(c) && !run.stderr.contains(c), "{run:?}");
        }
        run
    };
    let words = r"\u{1b}[2J \u{9b}2J \u{202e}sdrawkcab\u{a}and more";
    assert!(run("text").stdout.lines().any(|line| line == words));
    let events = run("json").stderr;
    let event: serde_json::Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert_eq!(event["message"], words);
}

/// The gated guest uses the runtime's clock, which advances while the guest waits.
#[test]
fn the_clock_goes_on() {
    let Some(wasmtime) = needed(Wasmtime::find()) else { return };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let mut command = wasmtime.run(&MISBEHAVING, &[]);
    let run = run(command.args(urls(&cluster)).args(["-r", "tells the time"]));
    assert_eq!(run.exit, 0, "{run:?}");
    let told = run.stdout.lines().filter_map(|line| line.strip_suffix(" ms"));
    let told: Vec<u64> = told.map(|it| it.parse().unwrap()).collect();
    assert_eq!(told.len(), 3, "{run:?}");
    assert!(told.is_sorted_by(|earlier, later| earlier < later), "{told:?}");
}

fn two_of_three_agents(wasmtime: Wasmtime, command: &str) {
    let (master, expected) = Master::with_two_roles(command);
    let mut command = wasmtime.command(&[]);
    let run = run(command.args(["-m", &master.url(), "-r", "kafka-role", "-p", "kafka-principal"]));
    println!("{}", run.stdout);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_eq!(master.reserved(), expected, "the role is gone, the others are as they were");
}

fn does_not_lead(wasmtime: Wasmtime, command: &str) {
    let leader = Master::start(command, 1, &[]);
    let other = Master::start(command, 0, &[("LAB_LEADER", leader.address())]);
    let run = run(wasmtime.command(&[]).args(["-m", &other.url(), "-r", "kafka-role"]));
    println!("{}", run.stdout);
    assert_eq!(run.exit, 1, "{run:?}");
    let (_, port) = leader.address().split_once(':').unwrap();
    assert!(run.stdout.contains(&format!(":{port}/master/slaves was not followed")));
    assert!(run.stdout.contains("name the URL of the leading master"));
}
