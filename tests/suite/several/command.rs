//! The command for several targets: everything that is orphaned, or what a file lists.

use std::fs;
use std::path::PathBuf;

use janitor_tests::{Cluster, State};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{holds, lists, state};
use crate::command::{Run, changes, on, replay, run};
use crate::terminal::{Terminal, plain};

/// A cluster of which two roles and a znode are orphaned, and two roles are not.
fn orphans() -> Cluster {
    started(orphaned())
}

/// The state of such a cluster.
fn orphaned() -> Value {
    let mut json = state(&["a-role", "b-role", "used"]);
    let reservation = json!([{
        "name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}, "role": "maintenance",
        "reservation": {"principal": "ops"},
        "reservations": [{"type": "DYNAMIC", "role": "maintenance", "principal": "ops"}],
    }]);
    json["agents"][0]["reserved_resources_full"]["maintenance"] = reservation;
    json["exhibitor"]["znodes"] = json!(["/a", "/dcos-service-b", "/dcos-service-old", "/other"]);
    json
}

fn started(json: Value) -> Cluster {
    Cluster::start(serde_json::from_value::<State>(json).unwrap())
}

fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|why| panic!("{why}: {run:?}"))
}

/// Writes a list of services.
fn listed(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn everything_orphaned_is_cleaned_and_nothing_else() {
    let cluster = orphans();
    let run = run(&mut on(&cluster, "clean --all-orphaned --yes -o json"));
    let output = document(&run);
    assert_eq!((run.exit, &output["exit_code"]), (0, &json!(0)), "{run:?}");
    let parts = output["parts"].as_array().unwrap();
    let names: Vec<_> =
        parts.iter().map(|it| [&it["target"]["role"], &it["target"]["znode"]]).collect();
    let expected = [
        [json!("a-role"), json!(null)],
        [json!("b-role"), json!("dcos-service-b")],
        [json!(null), json!("dcos-service-old")],
    ];
    assert_eq!(names, expected.each_ref().map(|it| it.each_ref()), "{output}");
    assert_eq!(
        output["counts"],
        json!({"volumes": 4, "resources": 4, "agents": 2, "kept": null, "roles": null})
    );
    assert!(!holds(&cluster, "a-role") && !holds(&cluster, "b-role"));
    assert!(holds(&cluster, "used") && holds(&cluster, "maintenance"));
    // Only its name suggests that node 'a' belongs to the role.
    assert_eq!(cluster.state().exhibitor.unwrap().znodes, ["/a", "/other"]);
    let warnings = output["warnings"].to_string();
    assert!(
        warnings.contains("an operator may have reserved it: role 'maintenance'"),
        "{warnings}"
    );
    // One list to find them, and three to clean them up.
    assert_eq!(lists(&cluster), 4);
    let again = crate::command::run(&mut on(&cluster, "clean --all-orphaned --yes"));
    assert!(again.stdout.contains("There is nothing orphaned to clean up."), "{again:?}");
    assert_eq!(again.exit, 0);
}

#[test]
fn what_is_excluded_or_protected_stays() {
    let cluster = orphans();
    let (_folder, config) = listed("config.toml", "protected = ['b-role']");
    let line = "--all-orphaned --exclude a-role --exclude no-such --yes --config";
    let run = run(on(&cluster, line).arg(&config));
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(holds(&cluster, "a-role") && holds(&cluster, "b-role"));
    for words in ["the configuration protects it: role 'b-role'", "--exclude no-such had no effect"]
    {
        assert!(run.stderr.contains(words), "{words}: {run:?}");
    }
    assert!(run.stdout.contains("In total: 1 target: 1 clean\n"), "{run:?}");
    // A list of services names the role, so this is a contradiction.
    let (_folder, services) = listed("s.toml", "services = [{ role = 'b-role' }]");
    let line = "clean --yes --config";
    let run = crate::command::run(on(&cluster, line).arg(&config).arg("--services").arg(services));
    assert_eq!((run.exit, holds(&cluster, "b-role")), (7, true), "{run:?}");
}

/// The names of roles may be alike: those that exist are not misspelt.
#[test]
fn a_role_in_use_may_be_protected_or_excluded() {
    let (_folder, config) = listed("config.toml", "protected = ['c-role']");
    let mut json = orphaned();
    let held = json["agents"][0]["reserved_resources_full"]["used"].to_string();
    json["agents"][0]["reserved_resources_full"]["c-role"] =
        serde_json::from_str(&held.replace("used", "c-role")).unwrap();
    let framework = json!({"id": "C", "name": "c", "roles": ["c-role"]});
    json["frameworks"].as_array_mut().unwrap().push(framework);
    let cluster = started(json);
    let line = "--all-orphaned --exclude c-role --yes --config";
    let run = run(on(&cluster, line).arg(&config));
    assert_eq!((run.exit, holds(&cluster, "a-role")), (0, false), "{run:?}");
    assert!(holds(&cluster, "c-role"), "{run:?}");
}

/// A service may have a node, but no reservations.
#[test]
fn the_node_of_a_role_that_is_excluded_or_protected_stays() {
    let (_folder, config) = listed("config.toml", "protected = ['old-role']");
    let cluster = orphans();
    let mut protecting = on(&cluster, "--all-orphaned --yes --config");
    let mut excluding = on(&cluster, "--all-orphaned --exclude old-role --yes");
    for command in [protecting.arg(&config), &mut excluding] {
        let run = run(command);
        assert_eq!(run.exit, 0, "{run:?}");
        let left = cluster.state().exhibitor.unwrap().znodes;
        assert!(left.contains(&"/dcos-service-old".to_owned()), "{run:?}");
    }
    let named = run(on(&cluster, "-z dcos-service-old --yes --config").arg(&config));
    assert_eq!((named.exit, cluster.state().exhibitor.unwrap().znodes.len()), (7, 3), "{named:?}");
    let why = "znode 'dcos-service-old' may belong to role 'old-role', which is protected by ";
    assert!(named.stdout.contains(why), "{named:?}");
}

#[test]
fn nothing_is_orphaned_while_the_frameworks_are_not_known() {
    let mut json = state(&["a-role", "used"]);
    json["frameworks"][0]["hidden"] = json!(true);
    let cluster = started(json);
    for line in ["clean --all-orphaned --yes", "plan --all-orphaned"] {
        let run = run(&mut on(&cluster, line));
        assert_eq!(run.exit, 7, "{run:?}");
        assert!(run.stderr.contains("nothing can be called orphaned"), "{run:?}");
    }
    assert_eq!(changes(&cluster), [""; 0]);
}

const SERVICES: &str = r#"services = [
    { role = "a-role", znode = "a" },
    { role = "used", principal = "p" },
    { role = "b-role" },
]"#;

#[test]
fn each_service_of_a_list_has_its_own_result() {
    let cluster = orphans();
    let (_folder, file) = listed("services.toml", SERVICES);
    let run = run(on(&cluster, "clean --yes -o json --services").arg(&file));
    let output = document(&run);
    assert_eq!((run.exit, &output["exit_code"]), (7, &json!(7)), "{run:?}");
    let parts = output["parts"].as_array().unwrap();
    let reasons: Vec<_> = parts.iter().map(|it| (&it["exit_code"], &it["reason"])).collect();
    let clean = (&json!(0), &json!(null));
    assert_eq!(reasons, [clean, (&json!(7), &json!("InUse")), clean]);
    assert!(output["next"].to_string().contains("janitor -r used -p p --teardown F"), "{output}");
    assert!(!holds(&cluster, "a-role") && !holds(&cluster, "b-role") && holds(&cluster, "used"));
    assert_eq!(lists(&cluster), 3);
    let again = crate::command::run(on(&cluster, "clean --exclude used --services").arg(&file));
    assert!(again.stdout.contains("In total: 2 targets: 2 clean\n"), "{again:?}");
    assert_eq!(again.exit, 0);
}

#[test]
fn plans_are_kept_in_one_file_and_applied_in_one_run() {
    let cluster = orphans();
    let (folder, file) = listed("services.toml", SERVICES);
    let plan = folder.path().join("plan.json");
    let mut command = on(&cluster, "plan --exclude used --detailed-exitcode --services");
    let run = run(command.arg(&file).arg("--out").arg(&plan));
    assert_eq!((run.exit, changes(&cluster)), (2, vec![]), "{run:?}");
    let total = "Everything in total: 2 targets: 4 volumes and 4 resources on 2 agents";
    assert!(run.stdout.contains(total), "{run:?}");
    let shown = crate::command::run(crate::command::janitor().arg("show").arg(&plan));
    assert!(
        shown.stdout.contains(total) && shown.stdout.contains("To apply this plan"),
        "{shown:?}"
    );
    let apply = || crate::command::run(on(&cluster, "apply --yes").arg(&plan));
    let first = apply();
    assert!(
        first.exit == 0 && first.stdout.contains("In total: 2 targets: 2 clean\n"),
        "{first:?}"
    );
    assert!(!holds(&cluster, "a-role") && !holds(&cluster, "b-role"));
    let sent = changes(&cluster);
    let second = apply();
    assert!(second.exit == 0 && second.stdout.contains("already carried out"), "{second:?}");
    assert_eq!(changes(&cluster), sent);
}

#[test]
fn a_recording_of_several_is_replayed() {
    let cluster = orphans();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.har");
    let recorded = run(on(&cluster, "--all-orphaned --yes --record").arg(&file));
    let replayed = run(&mut replay(&file));
    assert_eq!((recorded.exit, replayed.exit), (0, 0), "{replayed:?}");
    let lines = |run: &Run| run.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&recorded), lines(&replayed));
    let shown = run(crate::command::janitor().arg("show").arg(&file));
    assert!(shown.stdout.contains("of a cleanup of several targets\n"), "{shown:?}");
    assert!(shown.stdout.contains("For role 'b-role':\nThe run completed.\n"), "{shown:?}");
}

#[test]
fn orphans_are_counted_before_they_go() {
    let cluster = orphans();
    for typed in ["y\n", "yes\n", "2\n", "\n"] {
        let (shown, exit) =
            Terminal { typed, ..Terminal::new(&cluster) }.shows("clean --all-orphaned");
        assert!(shown.contains("type the number of services (3): "), "{shown}");
        assert!(shown.contains("\nNothing was changed.\n"), "{shown}");
        assert_eq!((exit, changes(&cluster)), (7, vec![]), "{typed:?}");
    }
    let (shown, exit) =
        Terminal { typed: "3\n", ..Terminal::new(&cluster) }.shows("clean --all-orphaned");
    let shown = plain(&shown);
    for words in [
        "destroys  4 volumes with all data",
        "releases  4 reservations of 2 roles on 2 agents",
        "deletes   znode 'dcos-service-b', with nothing below it",
        "deletes   znode 'dcos-service-old', with nothing below it",
        "removed 4 volumes, 4 reservations and 2 znodes on 2 agents; 3 of 3 targets clean",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!((exit, holds(&cluster, "a-role"), holds(&cluster, "used")), (0, false, true));
}

#[test]
fn nothing_is_orphaned_while_agents_are_not_known() {
    let mut state = orphaned();
    for agent in state["agents"].as_array_mut().unwrap() {
        agent["reserved_resources_full"] = json!({});
    }
    let run = |state: &Value| run(&mut on(&started(state.clone()), "clean --all-orphaned --yes"));
    assert_eq!(run(&state).exit, 0);
    let path = "/registrar(1)/registry";
    state["answers"] = json!([{"server": "master", "method": "GET", "path": path, "status": 403}]);
    let unknown = run(&state);
    assert_eq!(unknown.exit, 6, "{unknown:?}");
    let words = "other agents are not known, so not all that is orphaned is";
    assert!(unknown.stderr.contains(words), "{unknown:?}");
}

#[test]
fn a_list_of_services_needs_a_yes() {
    let (_folder, file) = listed("services.toml", SERVICES);
    let line = format!("clean --services {}", file.display());
    let cluster = orphans();
    let (shown, exit) = Terminal { typed: "n\n", ..Terminal::new(&cluster) }.shows(&line);
    assert!(shown.contains("Permanently remove all of this? [y/N]"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, vec![]), "{shown}");
    // One is refused, and the others are asked for and cleaned.
    let (shown, exit) = Terminal { typed: "y\n", ..Terminal::new(&cluster) }.shows(&line);
    assert!(plain(&shown).contains("A run would refuse 1 target."), "{shown}");
    assert_eq!((exit, holds(&cluster, "a-role"), holds(&cluster, "used")), (7, false, true));
    // With a disabled check, it is the number.
    let cluster = orphans();
    let forced = format!("{line} --force");
    let (shown, exit) = Terminal { typed: "y\n", ..Terminal::new(&cluster) }.shows(&forced);
    assert!(shown.contains("type the number of services (3): "), "{shown}");
    assert_eq!((exit, changes(&cluster)), (7, vec![]), "{shown}");
}

#[test]
fn a_plan_of_several_that_changed_is_not_asked_for() {
    let cluster = orphans();
    let (folder, file) = listed("services.toml", SERVICES);
    let plan = folder.path().join("plan.json");
    let mut command = on(&cluster, "plan --exclude used --services");
    assert_eq!(run(command.arg(&file).arg("--out").arg(&plan)).exit, 0);
    let line = format!("apply {}", plan.display());
    let (shown, exit) = Terminal { typed: "y\n", ..Terminal::new(&cluster) }.shows(&line);
    assert_eq!((exit, holds(&cluster, "a-role")), (0, false), "{shown}");
    let sent = changes(&cluster);
    let (shown, exit) = Terminal::new(&cluster).shows(&line);
    assert!(plain(&shown).contains("already carried out"), "{shown}");
    assert_eq!((exit, changes(&cluster)), (0, sent), "{shown}");
    let mut other = orphaned();
    other["agents"][0]["reserved_resources_full"].as_object_mut().unwrap().remove("a-role");
    let changed = started(other);
    let (shown, exit) = Terminal::new(&changed).shows(&line);
    assert!(plain(&shown).contains("the cluster has changed since the plan was made"), "{shown}");
    assert_eq!((exit, changes(&changed)), (7, vec![]), "{shown}");
}

#[test]
fn the_own_app_is_removed_when_everything_is_clean() {
    let (_folder, file) = listed("services.toml", SERVICES);
    for (exclude, is_removed) in [("--exclude used", true), ("", false)] {
        let mut state = orphaned();
        state["marathon"] = json!({"apps": ["/janitor"]});
        let cluster = started(state);
        let mut command = on(&cluster, &format!("clean --yes {exclude} --services"));
        run(command.arg(&file).env("MARATHON_APP_ID", "/janitor"));
        let removed = changes(&cluster).iter().any(|it| it.contains("/v2/apps/janitor"));
        assert_eq!(removed, is_removed, "{:?}", changes(&cluster));
    }
}

#[test]
fn a_contradictory_command_line_is_refused() {
    let cluster = orphans();
    for line in [
        "clean --all-orphaned -r a-role",
        "clean --all-orphaned --services x",
        "clean --all-orphaned --force",
        "clean --all-orphaned --teardown",
        "clean --all-orphaned --wait 1m",
        "clean --services x --service kafka",
        "clean --exclude a-role",
        "clean --all-orphaned --yes --exclude a_role",
        "clean --exclude a-role -r b-role",
        "clean --services no-such-file",
    ] {
        let run = run(&mut on(&cluster, line));
        assert_eq!((run.exit, changes(&cluster)), (1, vec![]), "{line}: {run:?}");
    }
}

/// Adds fields to the state of a cluster.
fn with(fields: Value) -> Cluster {
    let mut state = orphaned();
    for (name, value) in fields.as_object().unwrap() {
        state[name] = value.clone();
    }
    started(state)
}

#[test]
fn orphans_are_not_removed_without_consent() {
    let cluster = orphans();
    let run = run(&mut on(&cluster, "clean --all-orphaned"));
    assert_eq!((run.exit, changes(&cluster)), (7, vec![]), "{run:?}");
    assert!(run.stdout.contains("Nothing was changed; add --yes if that is intended"), "{run:?}");
}

#[test]
fn what_cannot_be_seen_may_be_orphaned_too() {
    let none = json!([]);
    let there = json!({"id": "S0", "hostname": "h0", "reserved_resources_full": {}});
    let lost = json!({"id": "S1", "hostname": "h", "unreachable": 1_700_000_000, "reserved_resources_full": {}});
    let cluster = with(json!({"agents": [there, lost], "exhibitor": {"znodes": none}}));
    let lost = run(&mut on(&cluster, "--all-orphaned --yes"));
    assert_eq!((lost.exit, changes(&cluster)), (6, vec![]), "{lost:?}");
    assert!(lost.stderr.contains("may hold resources that cannot be seen"), "{lost:?}");
    let cluster = with(json!({"exhibitor": null, "marathon": {"apps": ["/janitor"]}}));
    let mut command = on(&cluster, "--all-orphaned --yes");
    let without = run(command.env("MARATHON_APP_ID", "/janitor"));
    assert_eq!((without.exit, holds(&cluster, "a-role")), (6, false), "{without:?}");
    assert!(without.stderr.contains("the znodes are not known"), "{without:?}");
    assert_eq!(cluster.state().marathon.unwrap().apps, ["/janitor"]);
}

/// The command looks for what is orphaned, and cleans that up: two runs, neither of which takes as long.
#[test]
fn the_time_limit_is_that_of_the_command_and_not_of_each_of_its_runs() {
    let cluster = with(json!({"latency_ms": 100}));
    let late = run(&mut on(&cluster, "--all-orphaned --yes --timeout 2500ms"));
    assert_eq!(late.exit, 5, "{late:?}");
}

#[test]
fn the_own_app_is_removed_if_there_is_nothing_to_clean_up() {
    let cluster = with(json!({
        "agents": [{"id": "S0", "hostname": "h", "reserved_resources_full": {}}],
        "exhibitor": {"znodes": []},
        "marathon": {"apps": ["/janitor"]},
    }));
    let mut command = on(&cluster, "--all-orphaned --yes");
    let run = run(command.env("MARATHON_APP_ID", "/janitor"));
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(cluster.state().marathon.unwrap().apps.is_empty(), "{run:?}");
}

/// A framework that has left its role still runs the service.
#[test]
fn what_a_living_service_made_is_no_orphan() {
    let frameworks = json!([{"id": "F", "name": "used", "roles": ["used"]}, {"id": "K", "name": "a", "roles": ["dev"]}]);
    let cluster = with(json!({"frameworks": frameworks}));
    let run = run(&mut on(&cluster, "--all-orphaned --yes"));
    assert_eq!(
        (run.exit, holds(&cluster, "a-role"), holds(&cluster, "b-role")),
        (0, true, false),
        "{run:?}"
    );
}

#[test]
fn a_node_of_two_targets_goes_only_if_both_are_clean() {
    let cluster = orphans();
    let list =
        "services = [{ role = 'a-role', znode = 'other' }, { role = 'used', znode = '/other' }]";
    let (_folder, file) = listed("services.toml", list);
    let run = run(on(&cluster, "clean --yes --services").arg(&file));
    assert_eq!(run.exit, 6, "{run:?}");
    let words = "another target, which names it, or a node above or below it, is not clean";
    assert!(run.stdout.contains(words), "{run:?}");
    assert!(cluster.state().exhibitor.unwrap().znodes.contains(&"/other".to_owned()));
}
