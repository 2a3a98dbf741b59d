//! The output of `janitor inspect`.

use janitor_host::{DIGEST, Janitor, Limits, PACKAGE, Timeouts, ZooKeeperLimits};
use serde_json::Value;

use crate::command::{janitor, run};
use crate::validation;

fn lines(args: &[&str]) -> Vec<String> {
    let run = run(janitor().arg("inspect").args(args));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    run.stdout.lines().map(Into::into).collect()
}

#[test]
fn the_component_and_its_limits_are_shown() {
    let lines = lines(&[]);
    for line in [
        &format!("Component: {DIGEST}"),
        &format!("Contract: {PACKAGE}"),
        "  janitor:cleanup/cluster@0.1.0",
        "  memory: 536870912 bytes",
        "  run: 14400 seconds",
        "  window: 32 exchanges",
        "  request: 67108864 bytes",
        "  stack: 524288 bytes",
        "  znodes: 1000000",
        "  znode names: 67108864 bytes",
        "  nothing, because no target is given",
        "  GET exhibitor/exhibitor/v1/explorer/node?key=%2F",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:#?}");
    }
}

/// The limits are the library's fields and the stack, which is a limit of the engine.
#[test]
fn no_limit_is_forgotten() {
    let (timeouts, zookeeper) = (Timeouts::default(), ZooKeeperLimits::default());
    let limits = format!("{:#?}\n{timeouts:#?}\n{zookeeper:#?}", Limits::default());
    let fields = limits.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
    let fields = fields.map(|(name, _)| name).filter(|name| !name.starts_with(' '));
    let shown_as = |name: &str| match name {
        "znode_bytes" => "znode_names".to_owned(),
        _ => name.strip_suffix("_bytes").unwrap_or(name).to_owned(),
    };
    let mut expected: Vec<_> = fields.map(shown_as).collect();
    assert!(expected.len() > 15, "{limits}");
    expected.push("stack".into());
    expected.sort();
    let run = run(janitor().args(["inspect", "--output", "json"]));
    let object: Value = serde_json::from_str(&run.stdout).unwrap();
    let shown = object["limits"].as_array().unwrap();
    let mut shown: Vec<_> =
        shown.iter().map(|limit| limit["name"].as_str().unwrap().to_owned()).collect();
    shown.sort();
    assert_eq!(shown, expected);
}

#[test]
fn the_policy_table_is_the_targets() {
    let table = |args: &[&str]| -> Vec<String> {
        let lines =
            lines(args).into_iter().skip_while(|line| line != "As janitor, it may request:");
        lines.skip(1).take_while(|line| !line.is_empty()).collect()
    };
    let znode = ["  DELETE exhibitor/exhibitor/v1/explorer/znode/a/b"];
    let of_exhibitor = |args: &[&str]| -> Vec<String> {
        table(args).into_iter().filter(|line| line.contains(" exhibitor/")).collect()
    };
    let look = "  GET exhibitor/exhibitor/v1/explorer/node-data?key=%2Fa%2Fb";
    assert_eq!(of_exhibitor(&["-z", "a/b"]), [look, znode[0]]);
    let teardown = "  POST master/teardown (application/x-www-form-urlencoded)".to_owned();
    assert!(!table(&["-r", "r"]).contains(&teardown));
    assert!(table(&["-r", "r", "--teardown"]).contains(&teardown));
    assert_eq!(
        table(&["--service", "/a/b"]).last().unwrap(),
        &znode[0].replace("a/b", "dcos-service-a__b")
    );
}

#[test]
fn programs_get_an_object() {
    let run = run(janitor().args(["inspect", "-r", "r", "--output", "json"]));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    let object: Value = serde_json::from_str(&run.stdout).unwrap();
    validation::require("inspection", &run.stdout);
    assert_eq!((&object["schema_version"], &object["exit_code"]), (&1.into(), &0.into()));
    assert_eq!(object["refusal"], Value::Null);
    assert_eq!(object["component"]["digest"], DIGEST);
    let [clean, plan, discover] = &object["policy"].as_array().unwrap()[..] else {
        panic!("{object}")
    };
    assert_eq!(clean["requests"].as_array().unwrap().len(), 14);
    for look in [plan, discover] {
        for request in look["requests"].as_array().unwrap() {
            // The allow-list contains only these calls of the v1 API, with POST.
            let request = request.as_str().unwrap();
            let is_question = request.ends_with(r#"{"type":"GET_OPERATIONS"}"#)
                || request.ends_with(r#"{"type":"GET_MASTER"}"#);
            assert!(request.starts_with("GET ") || is_question, "{request}");
        }
    }
}

/// The component refuses these targets before its first request, whatever resources the cluster
/// has.
#[test]
fn a_target_that_is_always_refused_is_shown_as_that() {
    for (target, reason, words) in [
        (&["-r", "*"][..], "InvalidTarget", "Refused: '*' is not a valid role"),
        (&["-z", "/"], "InvalidTarget", "Refused: znode '/' is the root"),
        (&["-z", "mesos"], "SystemZnode", "Refused: "),
    ] {
        let last = lines(target).pop().unwrap();
        let begin = format!("A run on this target ends without any change. {words}");
        assert!(last.starts_with(&begin), "{last}");
        let json = run(janitor().arg("inspect").args(target).args(["-o", "json"]));
        validation::require("inspection", &json.stdout);
        let object: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(object["refusal"]["reason"], reason, "{object}");
        assert!(object["refusal"]["message"].as_str().unwrap().starts_with(words), "{object}");
    }
    for target in [&["-r", "kafka-role"][..], &["-z", "mesos", "--system-znode"], &[]] {
        assert!(!lines(target).iter().any(|line| line.contains("Refused")), "{target:?}");
    }
}

#[test]
fn the_contract_is_what_is_imported() {
    let (name, version) = PACKAGE.split_once('@').unwrap();
    let imports = Janitor::new().unwrap().imports();
    assert!(imports.contains(&format!("{name}/cluster@{version}")), "{imports:?}");
}
