//! `janitor show`, and the commands that janitor proposes.

use std::fs;
use std::path::Path;

use janitor_tests::Cluster;
use serde_json::Value;

use crate::command::{Run, changes, janitor, on, recordings, run, scenario, tests};
use crate::credentials::Secrets;
use crate::terminal::{Terminal, plain};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";
const PLAN: &str = "scenarios/a-plan-that-is-applied/plan.json";

fn show(file: &Path) -> Run {
    run(janitor().arg("show").arg(file))
}

#[test]
fn a_plan_file_is_shown_as_the_plan_was() {
    let cluster = Cluster::start(scenario("a-plan"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let line = format!("plan {TARGET} --ignore-agent S9 -a the-token --out");
    let planned = run(on(&cluster, &line).arg(&file).env("DCOS_PASSWORD", "the-password"));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let sent = cluster.requests().len();
    let shown = show(&file);
    assert_eq!((shown.exit, shown.stderr.as_str()), (0, ""), "{shown:?}");
    let (_, plan) = planned.stdout.split_once("\n\nPlan: ").unwrap();
    let (plan, _) = plan.split_once("\nTo ").unwrap_or((plan, ""));
    assert!(shown.stdout.contains(plan.trim_end()), "{plan}\n{}", shown.stdout);
    let named = file.display();
    for words in [
        format!("Plan file: {named}\n"),
        format!(
            " by janitor {}: janitor plan --out {named} {TARGET} --ignore-agent S9\n",
            env!("CARGO_PKG_VERSION")
        ),
        "This plan disables safety checks: --ignore-agent S9\n".into(),
        format!("To apply this plan: janitor apply {named} --ignore-agent S9\n"),
    ] {
        assert!(shown.stdout.contains(&words), "{words}: {}", shown.stdout);
    }
    assert_eq!(cluster.requests().len(), sent, "nothing is sent");
    let written = fs::read_to_string(&file).unwrap();
    for secret in ["the-token", "the-password"] {
        assert!(!written.contains(secret) && !shown.stdout.contains(secret), "{secret}");
    }
    let json = run(janitor().arg("show").arg(&file).args(["-o", "json"]));
    let output: Value = serde_json::from_str(&json.stdout).unwrap();
    let plan: Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&output["plan"], &output["exit_code"]), (&plan["plan"], &0.into()));
    // The file names them.
    assert_eq!(output["target"], plan["plan"]["target"]);
    assert_eq!(output["servers"], plan["endpoints"]);
}

#[test]
fn a_plan_file_without_its_origin_is_shown_and_applied() {
    let shown = show(&tests(PLAN));
    assert_eq!(shown.exit, 0, "{shown:?}");
    let words = "Made: by a version that did not record the time\n";
    assert!(shown.stdout.contains(words), "{}", shown.stdout);
    assert!(shown.stdout.contains("\nPlan: remove "), "{}", shown.stdout);
}

#[test]
fn every_recording_is_shown() {
    for file in recordings() {
        let shown = show(&file);
        assert_eq!((shown.exit, shown.stderr.as_str()), (0, ""), "{shown:?}");
        let replayed = fs::read(file.with_extension("json")).unwrap();
        let replayed: Value = serde_json::from_slice(&replayed).unwrap();
        let parts = replayed["parts"].as_array().cloned();
        let has_parts = parts.is_some();
        for result in parts.unwrap_or_else(|| vec![replayed.clone()]) {
            let end = match result["message"].as_str() {
                Some(message) => format!("The run did not complete: {message}"),
                None => "The run completed.".into(),
            };
            assert!(shown.stdout.contains(&end), "{end}: {}", shown.stdout);
        }
        let made = "Made: 20";
        assert!(shown.stdout.contains(made), "{}", shown.stdout);
        let is_listing = !replayed["inventory"].is_null();
        let has_plan = shown.stdout.contains("\nPlan: remove ");
        assert_eq!(has_plan, !is_listing && !has_parts, "{}", shown.stdout);
    }
}

#[test]
fn what_is_no_document_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for text in
        ["", "{}", "<html>", "[]", r#"{"log":{}}"#, r#"{"plan":{}}"#, r#"{"plan":1,"plan":2}"#]
    {
        fs::write(&file, text).unwrap();
        let shown = show(&file);
        assert_eq!((shown.exit, shown.stdout.as_str()), (1, ""), "{text}: {shown:?}");
        assert!(shown.stderr.contains(&file.display().to_string()), "{shown:?}");
    }
    assert_eq!(show(Path::new("/nowhere")).exit, 1);
}

/// A plan is applied where its servers have other names, and the servers that it names get nothing.
#[test]
fn the_command_line_replaces_the_servers_of_a_plan() {
    let there = Cluster::start(scenario("a-plan"));
    let urls = |it: &Cluster| {
        [("-m", it.master_url()), ("-e", it.exhibitor_url()), ("-n", it.marathon_url())]
            .map(|(option, url)| format!("{option} {url}"))
            .join(" ")
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let line = format!("plan {TARGET} {} --out {}", urls(&there), file.display());
    let planned = run(janitor().args(line.split(' ')));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let sent = there.requests().len();
    let here = Cluster::start(scenario("a-plan"));
    let line = format!("apply {} {}", file.display(), urls(&here));
    let applied = run(janitor().args(line.split(' ')).env("DCOS_ACS_TOKEN", "token"));
    assert_eq!((applied.exit, there.requests().len()), (0, sent), "{applied:?}");
    assert!(!changes(&here).is_empty());
}

/// On a terminal, the cluster is compared before anybody is asked.
#[test]
fn a_plan_that_no_longer_fits_is_refused_before_the_prompt() {
    let cluster = Cluster::start(scenario("a-plan"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let named = file.display().to_string();
    assert_eq!(run(on(&cluster, &format!("plan {TARGET} --out {named}")).env("X", "")).exit, 0);
    let apply = |cluster: &Cluster, typed: &str| {
        let terminal = Terminal { typed, ..Terminal::new(cluster) };
        let (shown, exit) = terminal.shows(&format!("apply {named}"));
        (plain(&shown), exit)
    };
    let mut state = scenario("a-plan");
    state.exhibitor.as_mut().unwrap().znodes.push("/cassandra/new".into());
    let other = Cluster::start(state);
    let (shown, exit) = apply(&other, "y\n");
    assert_eq!((exit, changes(&other)), (7, Vec::new()), "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
    assert!(shown.contains("The znode 'cassandra' now has "), "{shown}");
    let next = format!("Next, make a new plan: janitor plan --out {named} {TARGET}");
    assert!(shown.contains(&next), "{shown}");
    // The same plan twice: the second time, there is nothing to ask.
    let (shown, exit) = apply(&cluster, "y\n");
    assert!(exit == 0 && shown.contains("[y/N]"), "{shown}");
    let done = changes(&cluster);
    let (shown, exit) = apply(&cluster, "");
    assert_eq!((exit, changes(&cluster)), (0, done), "{shown}");
    assert!(!shown.contains("[y/N]") && shown.contains("already carried out"), "{shown}");
}

/// Starts a cluster in which an agent that is disconnected has something of the service in another role, and plans the
/// cleanup of the service, in this file.
fn planned_with_an_agent_away(file: &str) -> Cluster {
    let mut state = scenario("a-plan");
    let mut away = state.agents[0].clone();
    (away.id, away.hostname, away.active) = ("O-S9".into(), "10.0.3.19".into(), false);
    let dynamic = serde_json::json!({
        "type": "DYNAMIC", "role": "pods-role", "principal": "cassandra_principal",
    });
    let cpus = serde_json::json!({
        "name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, "role": "pods-role",
        "reservation": {"principal": "cassandra_principal"}, "reservations": [dynamic],
    });
    away.reserved_resources_full.clear();
    away.reserved_resources_full.insert("pods-role".into(), serde_json::json!([cpus]));
    state.agents.push(away);
    let cluster = Cluster::start(state);
    let line = format!("plan --service cassandra --naming cassandra --out {file}");
    let planned = run(&mut on(&cluster, &line));
    assert_eq!(planned.exit, 0, "{planned:?}");
    cluster
}

#[test]
fn a_plan_is_asked_for_if_the_rest_of_its_service_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let cluster = planned_with_an_agent_away(&file);
    let terminal = Terminal { typed: "y\n", ..Terminal::new(&cluster) };
    let (shown, exit) = terminal.shows(&format!("apply {file} --ignore-agent O-S9"));
    let shown = plain(&shown);
    assert!(exit == 0 && shown.contains("[y/N]"), "{exit} {shown}");
}

/// The run waits for the agent at its end; what is shown before the prompt is the plan, whether the agent comes back or
/// not.
#[test]
fn a_plan_that_shows_an_agent_away_is_asked_for_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json").display().to_string();
    let cluster = planned_with_an_agent_away(&file);
    let terminal = Terminal { typed: "y\n", ..Terminal::new(&cluster) };
    let (shown, exit) = terminal.shows(&format!("apply {file} --wait 1s"));
    let shown = plain(&shown);
    let (before, after) = shown.split_once("[y/N]").unwrap();
    assert!(exit == 6 && after.contains("Waiting up to 1 s in all"), "{exit} {shown}");
    assert!(!before.contains("Waiting up to 1 s in all"), "{shown}");
}

#[test]
fn the_next_command_keeps_the_files_of_credentials() {
    let secrets = Secrets::new();
    let (token, marathon) = (secrets.file("my token", "the-token"), secrets.file("m", "u:the-pw"));
    let cluster = Cluster::start(scenario("a-plan-for-another-principal"));
    let line = "-r cassandra_role -p casandra_principal -z cassandra";
    let mut command = on(&cluster, line);
    command.arg("--auth-token-file").arg(&token).arg("--marathon-auth-file").arg(&marathon);
    let refused = run(command.env("MESOS_BASIC_AUTH", "u:the-secret"));
    assert_eq!(refused.exit, 7, "{refused:?}");
    let kept = format!(
        "--auth-token-file '{}' --marathon-auth-file {}",
        token.display(),
        marathon.display()
    );
    let next = refused.stdout.lines().filter(|it| it.contains("janitor -")).collect::<Vec<_>>();
    assert_eq!(
        next,
        [
            format!("Next, if you mean principal 'cassandra_principal': janitor {TARGET} {kept}"),
            format!("Or, if only the znode is left to delete: janitor -z cassandra {kept}"),
        ]
    );
    for secret in ["the-token", "the-pw", "the-secret"] {
        assert!(!refused.stdout.contains(secret), "{}", refused.stdout);
    }
    // A plan says the same.
    let planned = run(&mut on(&cluster, &format!("plan {line}")));
    let first = "Next, if you mean principal 'cassandra_principal': janitor -r cassandra_role";
    assert!(planned.stdout.contains(first), "{}", planned.stdout);
}

/// In the image, a proposed command is `docker run`.
#[test]
fn the_next_command_of_the_image_runs_the_image() {
    let cluster = Cluster::start(scenario("a-plan"));
    let folder = tempfile::tempdir().unwrap();
    let in_image = |line: &str| {
        let mut command = on(&cluster, line);
        command.env("JANITOR_IMAGE", "registry.example.com/janitor").current_dir(folder.path());
        command.env_remove("DCOS_ACS_TOKEN");
        command
    };
    let image = "registry.example.com/janitor janitor";
    let planned = run(&mut in_image(&format!("plan {TARGET}")));
    let next = format!("To carry out this plan: docker run --rm -it {image} {TARGET}\n");
    assert!(planned.stdout.contains(&next), "{}", planned.stdout);
    let planned = run(&mut in_image(&format!("plan {TARGET} --out plan.json")));
    let at = fs::canonicalize(folder.path()).unwrap().display().to_string();
    let mount = format!("--user \"$(id -u)\" --volume \"$PWD\":{at} --workdir {at}");
    let next = format!("to apply the plan: docker run --rm -it {mount} {image} apply plan.json\n");
    assert!(planned.stderr.contains(&next), "{}", planned.stderr);
    assert!(!planned.stdout.contains("To carry out"), "one way is proposed: {}", planned.stdout);
    // A secret in the environment is passed on by its name alone.
    let mut with_a_token = in_image(&format!("plan {TARGET}"));
    let planned = run(with_a_token.env("JANITOR_AUTH_TOKEN", "hunter2"));
    let next = format!("docker run --rm -it --env JANITOR_AUTH_TOKEN {image} {TARGET}\n");
    assert!(planned.stdout.contains(&next), "{}", planned.stdout);
    assert!(!planned.stdout.contains("hunter2"), "{}", planned.stdout);
    let dockerfile = fs::read_to_string(tests("../Dockerfile")).unwrap();
    assert!(dockerfile.contains("ENV JANITOR_IMAGE="));
}
