//! Plans that are stored and applied later, and the proposals of `discover`.

use std::fs;
use std::path::{Path, PathBuf};

use janitor_tests::{Cluster, State};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Run, changes, on, run, scenario};

const TARGET: &str = "-r cassandra_role -p cassandra_principal -z cassandra";

/// Writes a plan for a cluster to a file.
fn planned(state: State) -> (TempDir, PathBuf) {
    planned_with(state, TARGET)
}

/// Writes a plan with these options.
fn planned_with(state: State, options: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let cluster = Cluster::start(state);
    let run = run(on(&cluster, &format!("plan {options} --out")).arg(&file));
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(changes(&cluster), [""; 0], "a plan only looks");
    (folder, file)
}

fn apply(cluster: &Cluster, file: &Path) -> Run {
    apply_with(cluster, file, "")
}

/// Applies a plan with these options.
fn apply_with(cluster: &Cluster, file: &Path, options: &str) -> Run {
    let options = shell_words::split(options).unwrap();
    run(on(cluster, "apply").arg(file).args(options))
}

#[test]
fn a_plan_is_applied() {
    let (_folder, file) = planned(scenario("a-plan"));
    let applied = Cluster::start(scenario("a-plan"));
    let run_of_the_plan = apply(&applied, &file);
    let cleaned = Cluster::start(scenario("a-plan"));
    let run_without = run(&mut on(&cleaned, TARGET));
    assert_eq!((run_of_the_plan.exit, run_without.exit), (0, 0), "{}", run_of_the_plan.stdout);
    assert_eq!(run_of_the_plan.stdout, run_without.stdout);
    assert_eq!(changes(&applied), changes(&cleaned));
    assert_eq!(applied.state(), cleaned.state());
    // The list of agents proves that nothing of the plan is left.
    let again = apply(&applied, &file);
    assert_eq!(again.exit, 0, "{}", again.stdout);
    let words = "\nNothing is left to do: the plan is already carried out.\n";
    assert!(again.stdout.ends_with(words), "{}", again.stdout);
    assert_eq!(changes(&applied), changes(&cleaned));
    // A cluster without these agents proves nothing.
    let mut other = applied.state();
    other.agents.iter_mut().for_each(|agent| agent.id = format!("other-{}", agent.id));
    let other = Cluster::start(other);
    let refused = apply(&other, &file);
    assert_eq!((refused.exit, changes(&other)), (7, Vec::new()), "{}", refused.stdout);
    let next = format!("Next, make a new plan: janitor plan --out {} {TARGET}", file.display());
    assert!(refused.stdout.contains(&next), "{}", refused.stdout);
}

#[test]
fn a_plan_is_not_applied_to_something_else() {
    let (_folder, file) = planned(scenario("a-plan"));
    let (role, agent) = ("cassandra_role", "3ce447e3-2894-4c61-bd0f-be97e4d99ee9-S2");
    let mut state = scenario("a-plan");
    let entries = state.agents[0].reserved_resources_full[role].as_array_mut().unwrap();
    assert_eq!(entries.remove(0)["name"], "cpus");
    entries[0]["scalar"]["value"] = 8192.0.into();
    let cluster = Cluster::start(state.clone());
    let run = apply(&cluster, &file);
    assert_eq!(run.exit, 7, "{}", run.stdout);
    for difference in ["now has: mem 8192", "no longer has: mem 4096", "no longer has: cpus 0.5"] {
        assert!(run.stdout.contains(&format!("Slave {agent} {difference}")), "{}", run.stdout);
    }
    assert_eq!((changes(&cluster), cluster.state()), (Vec::new(), state));
}

/// The run does what the plan promises: that agent receives no request.
#[test]
fn nothing_is_planned_on_an_ignored_agent_that_is_away() {
    let state = scenario("an-agent-that-is-not-active");
    let away = state.agents.iter().find(|agent| !agent.active).unwrap();
    let (id, options) = (away.id.clone(), format!("{TARGET} --ignore-agent {}", away.id));
    let reserved = away.reserved_resources_full.clone();
    let shown = run(&mut on(&Cluster::start(state.clone()), &format!("plan {options}"))).stdout;
    let (_, of_agent) = shown.split_once(&format!("  Slave {id}")).unwrap();
    let (_, entries) = of_agent.split_once('\n').unwrap();
    let entries: Vec<_> = entries.lines().take_while(|it| it.starts_with("    ")).collect();
    let stays = |line: &&str| {
        line.starts_with("    keep ") && line.ends_with("(the slave is not connected)")
    };
    assert!(!entries.is_empty() && entries.iter().all(stays), "{shown}");
    assert!(shown.contains("on 1 agent: ") && shown.contains(" resources stay"), "{shown}");
    let (_folder, file) = planned_with(state.clone(), &options);
    let cluster = Cluster::start(state);
    let applied = apply_with(&cluster, &file, &format!("--ignore-agent {id}"));
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
    let sent = cluster.requests().into_iter().filter(|request| request.method == "POST");
    assert!(!sent.map(|request| request.body).any(|body| body.contains(&id)));
    let after = cluster.state().agents.into_iter().find(|agent| agent.id == id).unwrap();
    assert_eq!(after.reserved_resources_full, reserved);
}

#[test]
fn a_plan_is_not_applied_when_the_znode_has_gone() {
    let (_folder, file) = planned(scenario("a-plan"));
    let mut state = scenario("a-plan");
    state.exhibitor.as_mut().unwrap().znodes.retain(|znode| !znode.starts_with("/cassandra"));
    let cluster = Cluster::start(state);
    let run = apply(&cluster, &file);
    assert_eq!(run.exit, 7, "{}", run.stdout);
    assert!(run.stdout.contains("znode 'cassandra' no longer exists"), "{}", run.stdout);
    assert_eq!(changes(&cluster), [""; 0]);
}

/// Returns the state of the scenario, and the id of its framework.
fn used() -> (State, String) {
    let state = scenario("a-plan-with-a-teardown");
    let id = state.frameworks[0].id.clone();
    (state, id)
}

#[test]
fn only_the_frameworks_of_a_plan_end() {
    let (state, id) = used();
    for options in ["--teardown", "--force"] {
        let (_folder, file) = planned_with(state.clone(), &format!("{TARGET} {options}"));
        let mut more = state.clone();
        let frameworks = &mut more.frameworks;
        let newcomer = json!({"id": "G", "name": "n", "active": true, "roles": ["cassandra_role"]});
        frameworks.push(serde_json::from_value(newcomer).unwrap());
        let mut other_roles = state.clone();
        other_roles.frameworks[0].roles.push("cassandra_role/sub".into());
        let newcomer = "Framework 'n' (G, active) now uses the target".to_owned();
        let changed = format!("Framework 'cassandra' ({id}, not active) differs from the plan");
        for (state, words) in [(more, newcomer), (other_roles, changed)] {
            let cluster = Cluster::start(state);
            let run = apply_with(&cluster, &file, options);
            assert_eq!((run.exit, changes(&cluster)), (7, Vec::new()), "{}", run.stdout);
            assert!(run.stdout.contains(&words), "{}", run.stdout);
        }
    }
}

#[test]
fn a_plan_that_only_ends_a_framework_is_carried_out() {
    let (mut state, _) = used();
    for agent in &mut state.agents {
        agent.reserved_resources_full.clear();
    }
    let line = "-r cassandra_role --teardown";
    let planned = run(&mut on(&Cluster::start(state.clone()), &format!("plan {line}")));
    assert_eq!(planned.exit, 0, "{planned:?}");
    for words in
        ["  tear down  framework 'cassandra'", "To carry out this plan: janitor -r cassandra_role"]
    {
        assert!(planned.stdout.contains(words), "{}", planned.stdout);
    }
    assert!(!planned.stdout.contains("nothing to do"), "{}", planned.stdout);
    let (_folder, file) = planned_with(state.clone(), line);
    let cluster = Cluster::start(state);
    let applied = apply_with(&cluster, &file, "--teardown");
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
    assert_eq!(changes(&cluster), ["POST /master/teardown"]);
}

#[test]
fn what_is_not_known_is_shown_where_it_is_forced() {
    let cluster = Cluster::start(scenario("a-plan-without-frameworks"));
    let planned = run(&mut on(&cluster, &format!("plan {TARGET} --force")));
    let words = "It is not known whether other frameworks use it. Bad frameworks response";
    assert!(planned.exit == 0 && planned.stdout.contains(words), "{planned:?}");
    assert!(!planned.stdout.contains("It would be refused"), "{planned:?}");
}

#[test]
fn more_below_the_znode_is_another_cluster() {
    let (_folder, file) = planned(scenario("a-plan"));
    let mut state = scenario("a-plan");
    state.exhibitor.as_mut().unwrap().znodes.push("/cassandra/new".into());
    let cluster = Cluster::start(state);
    let run = apply(&cluster, &file);
    assert_eq!((run.exit, changes(&cluster)), (7, Vec::new()), "{}", run.stdout);
    assert!(run.stdout.contains("The znode 'cassandra' now has "), "{}", run.stdout);
}

/// A command that applies a plan without a prompt names every check that the plan disables.
#[test]
fn what_a_file_lifts_is_lifted_on_the_command_line_too() {
    let (state, id) = used();
    let (_folder, file) = planned(state.clone());
    let text = fs::read_to_string(&file).unwrap();
    let mut wide: Value = serde_json::from_str(&text).unwrap();
    wide["options"]["system_znode"] = true.into();
    wide["options"]["ignored_agents"] = json!(["S 9"]);
    let one = format!("--teardown {id}");
    for (in_use, teardown, given, missing) in [
        ("Refuse", json!([]), "", "--ignore-agent 'S 9' --system-znode"),
        ("Force", json!([]), "--system-znode", "--ignore-agent 'S 9' --force"),
        ("Teardown", json!([]), "--system-znode --ignore-agent 'S 9'", "--teardown"),
        ("Teardown", json!([id]), "--system-znode --ignore-agent 'S 9' --teardown", &one),
    ] {
        wide["options"]["in_use"] = in_use.into();
        wide["options"]["teardown"] = teardown;
        fs::write(&file, wide.to_string()).unwrap();
        for format in ["", "--yes", "--output json"] {
            let cluster = Cluster::start(state.clone());
            let refused = apply_with(&cluster, &file, &format!("{given} {format}"));
            assert_eq!((refused.exit, cluster.requests().len()), (7, 0), "{refused:?}");
            let hint = format!("If this is intended, add at the end of the command: {missing}");
            assert!(refused.stdout.contains(&hint), "{missing}: {refused:?}");
            let named = apply_with(&cluster, &file, &format!("{given} {missing}"));
            assert!(!named.stdout.contains("add at the end of the command:"), "{named:?}");
            assert!(!cluster.requests().is_empty(), "{named:?}");
        }
    }
    let (_folder, file) = planned_with(state.clone(), &format!("{TARGET} --teardown"));
    let proposed = run(on(&Cluster::start(state), &format!("plan {TARGET} --teardown --out x"))
        .current_dir(file.parent().unwrap()));
    assert!(proposed.stderr.ends_with("janitor apply x --teardown\n"), "{proposed:?}");
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let (_folder, file) = planned(scenario("a-plan"));
    let plan: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let cluster = Cluster::start(scenario("a-plan"));
    for (pointer, value, field) in [
        ("/plan/znode", Value::Null, "`znode` is missing"),
        ("/plan/target/znode", Value::Null, "`znode` is present"),
        ("/plan/target/role", Value::Null, "`target.principal` is present"),
        ("/plan/refusal", "InUse".into(), "`frameworks` are missing"),
        ("/plan/why_refused", "no".into(), "`why_refused` and `refusal`"),
    ] {
        let mut plan = plan.clone();
        *plan.pointer_mut(pointer).unwrap() = value;
        fs::write(&file, plan.to_string()).unwrap();
        let run = apply(&cluster, &file);
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{pointer}: {}", run.stderr);
        let words = format!("it contradicts itself: {field}");
        assert!(run.stderr.contains(&words), "{words}: {}", run.stderr);
    }
    assert_eq!(cluster.requests().len(), 0);
}

#[test]
fn another_process_is_not_removed_from_marathon() {
    let (_folder, file) = planned(scenario("a-plan"));
    let mut plan: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    plan["plan"]["target"]["marathon_app"] = "/other".into();
    fs::write(&file, plan.to_string()).unwrap();
    let cluster = Cluster::start(scenario("a-plan"));
    let run = run(on(&cluster, "apply").arg(&file).env("MARATHON_APP_ID", "/own"));
    assert_eq!((run.exit, cluster.requests().len()), (1, 0), "{run:?}");
    assert!(run.stderr.contains("`target.marathon_app` is '/other'"), "{}", run.stderr);
}

#[test]
fn what_is_no_plan_is_refused() {
    let (_folder, file) = planned(scenario("a-plan"));
    let text = fs::read_to_string(&file).unwrap();
    let version = "\"schema_version\": 1";
    assert!(text.contains(version) && text.contains("\"Removed\""));
    let cluster = Cluster::start(scenario("a-plan"));
    for (text, words) in [
        (String::new(), "it is not a plan file"),
        ("<html>".into(), "it is not a plan file"),
        (r#"{"log":{}}"#.into(), "it is not a plan file"),
        (text[..text.len() / 2].into(), "it is not a plan file"),
        (text.replacen("\"Removed\"", "\"Gone\"", 1), "it is not a plan file"),
        (text.replacen(version, "\"schema_version\": 2", 1), "its schema_version is 2"),
        (
            text.replacen(
                "\"in_use\": \"Refuse\"",
                "\"in_use\": \"Refuse\", \"in_use\": \"Force\"",
                1,
            ),
            "duplicate key `options.in_use`",
        ),
        (
            text.replacen("\"labels\": []", "\"labels\": [], \"labels\": []", 1),
            "duplicate key `plan.target.labels`",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let run = apply(&cluster, &file);
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{words}");
        let begin = format!("janitor: cannot use the plan {}: ", file.display());
        assert!(run.stderr.starts_with(&begin) && run.stderr.contains(words), "{}", run.stderr);
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(apply(&cluster, &file).exit, 1);
    assert_eq!(cluster.requests().len(), 0);
}

#[test]
fn a_plan_that_cannot_be_written_is_an_error() {
    let cluster = Cluster::start(scenario("a-plan"));
    let run = run(&mut on(&cluster, &format!("plan {TARGET} --out /nowhere/plan.json")));
    assert_eq!(run.exit, 1);
    assert!(run.stderr.contains("cannot write the plan /nowhere/plan.json"), "{}", run.stderr);
}

#[test]
fn a_plan_for_programs() {
    let cluster = Cluster::start(scenario("a-plan-for-a-role-in-use"));
    let run = run(&mut on(&cluster, &format!("plan {TARGET} --output json")));
    assert_eq!(run.exit, 0);
    let output: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&output["schema_version"], &output["exit_code"]), (&1.into(), &0.into()));
    let plan = &output["plan"];
    assert_eq!(plan["refusal"], "InUse");
    assert_eq!(plan["frameworks"][0]["name"], "cassandra");
    assert_eq!(plan["agents"][0]["entries"].as_array().unwrap().len(), 4);
    let id = plan["frameworks"][0]["id"].as_str().unwrap();
    let next = output["next"][0].as_str().unwrap();
    assert!(next.ends_with(&format!("--teardown {id}")), "{output}");
    for line in run.stderr.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn the_cleaners_own_app_is_in_a_plan_and_in_no_file() {
    let mut state = scenario("a-plan");
    state.marathon = serde_json::from_str(r#"{"apps": ["/planner", "/applier"]}"#).unwrap();
    let cluster = Cluster::start(state);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    for line in [format!("plan {TARGET} --out {}", file.display()), format!("{TARGET} --dry-run")] {
        let planned = run(on(&cluster, &line).env("MARATHON_APP_ID", "/planner"));
        let words = "remove     Marathon app '/planner', which runs this janitor";
        assert!(planned.exit == 0 && planned.stdout.contains(words), "{}", planned.stdout);
    }
    assert!(!fs::read_to_string(&file).unwrap().contains("planner"));
    assert_eq!(changes(&cluster), [""; 0]);
    let applied = run(on(&cluster, "apply").arg(&file).env("MARATHON_APP_ID", "/applier"));
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
    assert_eq!(cluster.state().marathon.unwrap().apps, ["/planner"]);
}

#[test]
fn a_plans_options_stay_where_more_are_added() {
    let (folder, file) = planned(scenario("a-plan"));
    let text = fs::read_to_string(&file).unwrap();
    let mut plan: Value = serde_json::from_str(&text).unwrap();
    plan["options"]["confirm_seconds"] = 7.into();
    plan["options"]["ignored_agents"] = serde_json::json!(["S9"]);
    fs::write(&file, plan.to_string()).unwrap();
    let recording = folder.path().join("run.har");
    let cluster = Cluster::start(scenario("a-plan"));
    let mut command = on(&cluster, "apply --force --strict --ignore-agent S9 --record");
    let applied = run(command.arg(&recording).arg(&file));
    assert_eq!(applied.exit, 0, "{applied:?}");
    let har: Value = serde_json::from_str(&fs::read_to_string(&recording).unwrap()).unwrap();
    let options = &har["log"]["_janitor"]["options"];
    assert_eq!(options["confirm_seconds"], 7, "{options}");
    assert_eq!(options["ignored_agents"], serde_json::json!(["S9"]), "{options}");
    assert_eq!((&options["in_use"], &options["strict"]), (&"Force".into(), &true.into()));
}

#[test]
fn what_is_orphaned_is_cleaned_as_proposed() {
    let cluster = Cluster::start(scenario("what-is-reserved"));
    let discovered = run(&mut on(&cluster, "discover -v"));
    let proposals: Vec<_> = discovered
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("To remove it: janitor "))
        .collect();
    let [proposal] = proposals[..] else { panic!("{}", discovered.stdout) };
    let cleaned = run(&mut on(&cluster, proposal));
    assert_eq!(cleaned.exit, 0, "{}", cleaned.stdout);
    let roles = |run: &Run| -> Vec<String> {
        let lines = run.stdout.lines().filter_map(|line| line.strip_prefix("Role '"));
        lines.filter_map(|line| Some(line.split_once('\'')?.0.into())).collect()
    };
    assert_eq!(roles(&discovered), ["cassandra_role", "kafka-role", "slave_public"]);
    assert_eq!(roles(&run(&mut on(&cluster, "discover -v"))), ["kafka-role", "slave_public"]);
}
