//! Whole runs on a master that answers from a script.

use std::time::Duration;

use super::*;
use crate::plan;
use crate::testing::Script;
use janitor_contract::types::{Error, Fate, InUse, Method, SkipReason, UnreachedReason, Warning};

const EMPTY: &str = r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{}}]}"#;
const RESERVED: &str = r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}}]}"#;
const VOLUME: &str = r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{"r":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}}]}"#;
const NO_AGENTS: &str = r#"{"slaves":[]}"#;
const DELETED: &str = r#"{"message":"OK","succeeded":true}"#;

/// Scripts a cluster that no longer lists anything that is deleted.
fn calm() -> Script {
    let gone = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
    Script::default().page("exhibitor/v1/explorer/node-data", 200, gone)
}

fn target(role: &str, znode: &str) -> Target {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Target { role: some(role), znode: some(znode), ..Target::NOTHING }
}

fn run(host: &mut Script, target: &Target) -> Result<Report, Failure> {
    clean(host, target, &options(InUse::Force))
}

fn options(in_use: InUse) -> Options {
    Options { confirm_seconds: 3, in_use, ..Options::DEFAULT }
}

fn paths(host: &Script) -> Vec<&str> {
    host.sent.iter().filter_map(|request| request.path.last()).map(String::as_str).collect()
}

#[test]
fn each_phase_waits_for_the_one_before_it_to_be_confirmed() {
    let mut host = calm()
        .answer(200, VOLUME)
        .answer(202, "")
        .answer(200, VOLUME)
        .answer(200, RESERVED)
        .answer(202, "")
        .answer(200, EMPTY)
        .answer(200, DELETED);
    let report = run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(
        paths(&host),
        ["slaves", "destroy-volumes", "slaves", "slaves", "unreserve", "slaves", "z"]
    );
    assert_eq!(report.confirmed, [Phase::Volumes, Phase::Reservations]);
    assert_eq!(report.agents.len(), 2);
    assert_eq!(host.paused, Duration::from_millis(100));
}

#[test]
fn what_an_agent_has_not_heard_of_is_not_gone() {
    let operations = |list: &str| format!(r#"{{"get_operations":{{"operations":[{list}]}}}}"#);
    let pending = |role: &str| {
        operations(&format!(
            r#"{{"agent_id":{{"value":"S0"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{{"name":"cpus","role":"{role}","reservation":{{}}}}]}}}},"latest_status":{{"state":"OPERATION_PENDING"}}}}"#
        ))
    };
    let start = || calm().answer(200, RESERVED).answer(202, "").answer(200, EMPTY);
    let mut host = start().answer(200, DELETED);
    for body in [pending("r"), operations("")] {
        host = host.page("api/v1", 200, body);
    }
    run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(host.paused, Duration::from_millis(100));

    // The pending operations of another role are no reason to wait.
    let mut host = start().page("api/v1", 200, pending("q")).answer(200, DELETED);
    run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(host.paused, Duration::ZERO);

    let mut host = start().page("api/v1", 200, pending("r"));
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert!(failure.message.contains("have not carried it out yet: S0"), "{}", failure.message);
    assert_eq!(failure.report.unreached[0].reason, UnreachedReason::OperationPending);

    // An operation of an earlier run is part of the cluster's state, too.
    let mut host = calm().answer(200, EMPTY).answer(200, EMPTY).page("api/v1", 200, pending("r"));
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert_eq!(failure.report.unreached[0].reason, UnreachedReason::OperationPending);
    assert_eq!(host.paused, Duration::from_secs(3));
    let ignoring = Options { ignored_agents: vec!["S0".into()], ..options(InUse::Force) };
    let mut host = calm().answer(200, EMPTY).page("api/v1", 200, pending("r")).answer(200, DELETED);
    let report = clean(&mut host, &target("r", "z"), &ignoring).unwrap();
    assert_eq!(report.ignored[0].agent, "S0");
    assert_eq!(host.paused, Duration::ZERO);
}

#[test]
fn files_that_an_old_version_leaves_are_mentioned() {
    for (version, first, are_left) in
        [("0.28.1", VOLUME, true), ("1.0.0", VOLUME, false), ("0.28.1", RESERVED, false)]
    {
        let of = |list: &str| list.replace("1.11.0", version);
        let mut host = calm().answer(200, of(first)).answer(202, "");
        if first == VOLUME {
            host = host.answer(200, of(RESERVED)).answer(202, "");
        }
        let report = run(&mut host.answer(200, of(EMPTY)), &target("r", "")).unwrap();
        assert_eq!(report.warnings.contains(&Warning::FilesStay), are_left, "{version} {first}");
    }
}

#[test]
fn a_role_of_which_nothing_is_found_is_mentioned() {
    for (agents, words) in [
        (vec![], "No agent has anything reserved for role 'r'"),
        (vec!["S0".to_owned()], "None of the selected agents has anything reserved for role 'r'"),
    ] {
        let mut host = calm().answer(200, EMPTY);
        let report = run(&mut host, &Target { agents, ..target("r", "") }).unwrap();
        assert_eq!(report.warnings, [Warning::RoleNotFound]);
        assert!(host.lines().iter().any(|line| line.starts_with(words)), "{:?}", host.lines());
    }
}

#[test]
fn a_promise_that_is_not_kept_is_a_failure() {
    let mut host = calm().answer(200, VOLUME).answer(202, "");
    for _ in 0..10 {
        host = host.answer(200, VOLUME);
    }
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Failed);
    assert!(failure.message.contains("removed from slave(s) S0"), "{}", failure.message);
    assert_eq!(host.paused, Duration::from_secs(3));
    assert!(!paths(&host).contains(&"unreserve") && !paths(&host).contains(&"z"));
}

#[test]
fn an_agent_that_vanishes_after_its_promise_is_not_clean() {
    let other = EMPTY.replace("S0", "S1");
    let mut host = calm().answer(200, RESERVED).answer(202, "");
    for _ in 0..10 {
        host = host.answer(200, other.clone());
    }
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert!(failure.message.contains("removed from slave(s) S0"), "{}", failure.message);
}

#[test]
fn after_a_failed_volume_nothing_else_is_touched() {
    let mut host = calm().answer(200, VOLUME).answer(400, "no").answer(200, VOLUME);
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Failed);
    assert_eq!(paths(&host), ["slaves", "destroy-volumes", "slaves"]);
    let left = failure.report.left.unwrap();
    assert_eq!((left[0].volumes, left[0].resources), (1, 1));
    assert_eq!(
        host.lines()[5..],
        [
            "Some volume(s) of role 'r' may be left on slave(s) S0.",
            "Deleting volumes failed, skipping other steps.",
            "",
            "Left on slave S0: 1 volume(s), 1 resource(s) for role 'r'",
            "Not deleted: znode 'z'",
        ]
    );
}

#[test]
fn what_may_pass_is_tried_again() {
    for refusal in [409, 503, 0] {
        let mut host = calm().answer(200, RESERVED);
        for _ in 0..2 {
            host = match refusal {
                0 => host.fails(Error::Reset),
                status => host.answer(status, "race"),
            };
            host = host.answer(200, RESERVED);
        }
        host = host.answer(202, "").answer(200, EMPTY).answer(200, DELETED);
        let report = run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(report.agents.len(), 2, "one for each phase");
        assert_eq!(host.paused, Duration::from_millis(300));
    }
}

#[test]
fn patience_has_an_end() {
    let mut host = calm().answer(200, RESERVED);
    for _ in 0..4 {
        host = host.answer(409, "race").answer(200, RESERVED);
    }
    assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
    assert_eq!(host.paused, Duration::from_millis(700));
}

#[test]
fn one_bad_entry_does_not_keep_the_rest() {
    let two = RESERVED.replace(r#"{}}]"#, r#"{}},{"name":"mem","role":"r","reservation":{}}]"#);
    let mut host = calm()
        .answer(200, two.clone())
        .answer(400, "all")
        .answer(200, two)
        .answer(400, "bad")
        .answer(202, "")
        .answer(200, RESERVED);
    assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
    assert_eq!(
        host.lines()[6..11],
        [
            "Found 2 resource(s) for role 'r' on slave S0, deleting...",
            "400 all",
            "Found 2 resource(s) for role 'r' on slave S0, deleting one by one...",
            "400 bad",
            "202 ",
        ]
    );
}

#[test]
fn other_refusals_are_final() {
    for status in [401, 403, 500] {
        let mut host = calm().answer(200, RESERVED).answer(status, "no");
        host = host.answer(200, RESERVED);
        assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
        assert_eq!(paths(&host), ["slaves", "unreserve", "slaves"]);
    }
}

#[test]
fn what_someone_else_removed_in_the_meantime_is_removed() {
    let mut host = calm()
        .answer(200, RESERVED)
        .answer(400, "gone")
        .answer(200, EMPTY)
        .answer(200, EMPTY)
        .answer(200, DELETED);
    let report = run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(report.confirmed, [Phase::Reservations]);
    assert_eq!(paths(&host), ["slaves", "unreserve", "slaves", "slaves", "z"]);
}

#[test]
fn an_agent_that_comes_back_in_the_middle_is_not_clean() {
    let entry = |id: &str, active: bool, kind: &str| {
        let resources = match kind {
            "volume" => {
                r#"{"r":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}"#
            }
            "reserved" => r#"{"r":[{"name":"cpus","role":"r","reservation":{}}]}"#,
            _ => "{}",
        };
        format!(
            r#"{{"id":"{id}","version":"1.11.0","active":{active},"reserved_resources_full":{resources}}}"#
        )
    };
    let list = |agents: [String; 2]| format!(r#"{{"slaves":[{}]}}"#, agents.join(","));
    let away = [entry("S1", false, "volume"), entry("S0", true, "reserved")];
    let back = [entry("S1", true, "volume"), entry("S0", true, "")];
    let mut host = calm().answer(200, list(away)).answer(202, "").answer(200, list(back));
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert!(failure.message.contains("slave(s) S1 came back with"), "{}", failure.message);
    assert_eq!(paths(&host), ["slaves", "unreserve", "slaves"]);
}

#[test]
fn an_agent_that_is_listed_no_more_is_not_clean() {
    let other = r#"{"id":"S1","version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}}"#;
    let both = |state: &str| {
        let agent = VOLUME.replace(r#""id""#, &format!(r#"{state}"id""#));
        agent.replace("]}}]}", &format!("]}}}},{other}]}}"))
    };
    let alone = format!(r#"{{"slaves":[{}]}}"#, other.replace("cpus", "mem"));
    let empty = EMPTY.replace("S0", "S1");
    // It was not connected, and nothing was sent to it.
    let mut host =
        calm().answer(200, both(r#""active":false,"#)).answer(202, "").answer(200, empty.clone());
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert_eq!(failure.report.unreached[0].agent, "S0");
    assert_eq!(failure.report.unreached[0].reason, UnreachedReason::Gone);
    // The agent refused, and had disappeared before the request was repeated.
    let mut host = calm()
        .answer(200, both(""))
        .answer(409, "race")
        .answer(200, alone)
        .answer(202, "")
        .answer(200, empty);
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert_eq!(failure.report.unreached[0].agent, "S0");
}

#[test]
fn an_agent_that_disconnects_after_its_promise_is_not_clean() {
    let away = EMPTY.replace(r#""id""#, r#""active":false,"id""#);
    let mut host = calm().answer(200, RESERVED).answer(202, "");
    for _ in 0..10 {
        host = host.answer(200, away.clone());
    }
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert!(failure.message.contains("removed from slave(s) S0"), "{}", failure.message);
    assert!(!paths(&host).contains(&"z"));
}

#[test]
fn an_agent_that_cannot_be_reached_keeps_the_znode() {
    let recovering = EMPTY.replace("]}", r#"],"recovered_slaves":[{"id":"S9"}]}"#);
    let none_back = NO_AGENTS.replace("]}", r#"],"recovered_slaves":[{"id":"S9"}]}"#);
    let inactive = VOLUME.replace(r#""id""#, r#""active":false,"id""#);
    for body in [recovering, none_back, inactive] {
        let mut host = calm().answer(200, body);
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Incomplete);
        assert_eq!(failure.report.unreached.len(), 1);
        assert_eq!(paths(&host), ["slaves"]);
    }
}

#[test]
fn an_empty_cluster_is_no_success() {
    let mut host = calm().answer(200, NO_AGENTS);
    assert_eq!(run(&mut host, &target("r", "z")).unwrap_err().reason, Reason::Failed);
    assert_eq!(paths(&host), ["slaves"]);
}

#[test]
fn a_refused_target_sends_nothing() {
    let mut host = calm();
    let refused = |host: &mut Script, znode| run(host, &target("r", znode)).unwrap_err().reason;
    assert_eq!(refused(&mut host, "/"), Reason::InvalidTarget);
    assert_eq!(refused(&mut host, "mesos"), Reason::SystemZnode);
    assert!(host.sent.is_empty());
}

#[test]
fn a_role_that_is_in_use_is_left_alone_unless_forced() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":false,"roles":["r"]}]}"#;
    for (status, frameworks) in [(200, used), (403, ""), (404, "")] {
        let mut host = calm().answer(200, VOLUME).answer(status, frameworks);
        let expected = if status == 200 { Reason::InUse } else { Reason::InUseUnknown };
        let options = options(InUse::Refuse);
        let failure = clean(&mut host, &target("r", "z"), &options).unwrap_err();
        assert_eq!(failure.reason, expected);
        // Nothing was changed, so nothing is left behind; programs find it in the report.
        let lines = host.lines();
        let is_left = |line: &&str| line.starts_with("Left on") || line.starts_with("Not deleted");
        assert!(lines.last().is_some_and(|it| it.starts_with("Refused: ")), "{lines:?}");
        assert!(!lines.iter().any(is_left), "{lines:?}");
        assert_eq!(failure.report.left.map(|left| left.len()), Some(1));
        assert_eq!(paths(&host), ["slaves", "frameworks"]);
    }
}

#[test]
fn a_framework_is_torn_down_on_request() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let gone = r#"{"frameworks":[]}"#;
    let options = options(InUse::Teardown);
    let mut host = calm()
        .answer(200, EMPTY)
        .answer(200, used)
        .answer(200, "")
        .answer(200, used)
        .answer(200, gone)
        .answer(200, DELETED);
    clean(&mut host, &target("r", "z"), &options).unwrap();
    assert_eq!(paths(&host), ["slaves", "frameworks", "teardown", "frameworks", "frameworks", "z"]);
    assert_eq!(host.sent[2].content.as_ref().unwrap().bytes, b"frameworkId=F");
}

#[test]
fn a_framework_that_stays_stops_the_run() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let options = Options { confirm_seconds: 0, ..options(InUse::Teardown) };
    for status in [200, 403] {
        let mut host = calm().answer(200, VOLUME).answer(200, used);
        host = host.answer(status, "").answer(200, used);
        let failure = clean(&mut host, &target("r", "z"), &options).unwrap_err();
        assert_eq!(failure.reason, Reason::Failed);
        assert!(!paths(&host).contains(&"destroy-volumes"));
    }
}

#[test]
fn a_run_that_is_stopped_at_its_second_look_is_no_refusal() {
    let mut host = calm().answer(200, VOLUME).fails(Error::Stopped);
    let failure = clean(&mut host, &target("r", "z"), &options(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::Stopped);
    assert!(failure.message.starts_with("Refused: it is unknown whether"), "{}", failure.message);
    assert_eq!(paths(&host), ["slaves", "frameworks"]);
}

#[test]
fn a_run_that_is_stopped_while_it_waits_is_no_refusal() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let mut host = calm().answer(200, VOLUME).answer(200, used);
    host.continues = false;
    let patient = Options { wait_seconds: 60, ..options(InUse::Refuse) };
    let failure = clean(&mut host, &target("r", "z"), &patient).unwrap_err();
    assert_eq!(failure.reason, Reason::Stopped);
    assert!(failure.message.starts_with("Stopped while waiting: "), "{}", failure.message);
}

#[test]
fn nothing_is_torn_down_where_nothing_uses_the_target() {
    let none = r#"{"frameworks":[]}"#;
    let mut host =
        calm().answer(200, RESERVED).answer(200, none).answer(202, "").answer(200, EMPTY);
    clean(&mut host, &target("r", ""), &options(InUse::Teardown)).unwrap();
    assert_eq!(paths(&host), ["slaves", "frameworks", "unreserve", "slaves"]);
}

#[test]
fn a_deletion_that_the_host_stops_is_no_failure() {
    let stopped = r#"{"message":"the deletion was stopped (2 went)","succeeded":false}"#;
    let there = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;
    let host = || Script::default().page("exhibitor/v1/explorer/node-data", 200, there);
    for mut host in [host().answer(200, stopped), host().fails(Error::Timeout)] {
        host.continues = false;
        let failure = run(&mut host, &target("", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Stopped, "{}", failure.message);
        assert_eq!(host.sent.iter().filter(|it| it.method == Method::Delete).count(), 1);
    }
    // The run does not wait without time left either, or without a reason to wait.
    let impatient = Options { confirm_seconds: 0, ..options(InUse::Refuse) };
    let unreached = Error::Connect("the run is to end".into());
    for mut host in [host().answer(200, stopped), host().fails(unreached)] {
        host.continues = false;
        let failure = clean(&mut host, &target("", "z"), &impatient).unwrap_err();
        assert_eq!(failure.reason, Reason::Stopped, "{}", failure.message);
    }
}

#[test]
fn a_master_without_a_leader_is_waited_for() {
    let mut host = calm().answer(503, "No leader elected");
    host = host.answer(503, "No leader elected").answer(200, EMPTY).answer(200, DELETED);
    run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(host.paused, Duration::from_millis(300));
}

#[test]
fn a_master_that_gets_no_leader_is_given_up() {
    let mut host = calm();
    for _ in 0..10 {
        host = host.answer(503, "No leader elected");
    }
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert!(failure.message.ends_with("answers 503 No leader elected"), "{}", failure.message);
    assert_eq!(host.paused, Duration::from_secs(3));
}

#[test]
fn an_agent_that_is_not_listed_keeps_the_znode() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"},"timestamp":{"nanoseconds":1795637080000000000}}]}}"#;
    let down = r#"{"down_machines":[{"hostname":"b","ip":"10.0.0.9"}]}"#;
    for (page, body, line) in [
        ("registrar(1)/registry", registry, "Slave S9 is unreachable since 2026-11-25T20:04:40Z"),
        ("maintenance/status", down, "Machine b is down for maintenance"),
    ] {
        let mut host = calm().answer(200, EMPTY).page(page, 200, body);
        let failure = run(&mut host, &target("r", "z")).unwrap_err();
        assert_eq!(failure.reason, Reason::Incomplete);
        assert_eq!(failure.report.unreached.len(), 1);
        assert!(host.lines().contains(&line), "{:?}", host.lines());
        assert_eq!(paths(&host), ["slaves"]);
        let ignored_agents = vec![failure.report.unreached[0].hostname.clone(), "S9".into()];
        let options = Options { ignored_agents, ..options(InUse::Force) };
        let mut host = calm().answer(200, EMPTY).page(page, 200, body).answer(200, DELETED);
        let report = clean(&mut host, &target("r", "z"), &options).unwrap();
        assert_eq!((report.ignored.len(), report.unreached.len()), (1, 0));
    }
}

#[test]
fn a_page_that_cannot_be_read_is_no_proof() {
    for page in ["registrar(1)/registry", "maintenance/status", "api/v1"] {
        for (status, body) in [(403, ""), (500, ""), (200, "<html>")] {
            let mut host = calm().answer(200, EMPTY).page(page, status, body);
            let failure = run(&mut host, &target("r", "z")).unwrap_err();
            assert_eq!(failure.reason, Reason::Incomplete, "{page} {status}");
            assert_eq!(paths(&host), ["slaves"]);
        }
    }
    let mut host = calm().answer(200, EMPTY).answer(200, DELETED);
    for page in ["registrar(1)/registry", "metrics/snapshot", "maintenance/status"] {
        host = host.page(page, 404, "");
    }
    let report = run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(report.warnings, [Warning::RoleNotFound, Warning::PagesMissing]);
}

#[test]
fn a_drained_agent_is_cleaned() {
    let drained = |body: &str| body.replace(r#""id""#, r#""active":false,"deactivated":true,"id""#);
    let mut host = calm()
        .answer(200, drained(RESERVED))
        .answer(202, "")
        .answer(200, drained(EMPTY))
        .answer(200, DELETED);
    run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(paths(&host), ["slaves", "unreserve", "slaves", "z"]);
}

#[test]
fn an_agent_that_is_away_and_has_nothing_is_no_obstacle() {
    let away = EMPTY.replace(r#""id""#, r#""active":false,"id""#);
    let mut host = calm().answer(200, away).answer(200, DELETED);
    run(&mut host, &target("r", "z")).unwrap();
}

#[test]
fn agents_that_die_during_a_run_come_first() {
    let both = VOLUME.replace(
        "]}}]}",
        r#"]}},{"id":"S1","hostname":"b","reserved_resources_full":{"r":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}}]}"#,
    );
    let mut host = calm().answer(200, both).answer(400, "no").answer(400, "no");
    host = host.answer(200, VOLUME);
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Failed);
    let unreached = &failure.report.unreached[0];
    assert_eq!((unreached.agent.as_str(), unreached.hostname.as_str()), ("S1", "b"));
    let lines = host.lines();
    let at = |line: &str| lines.iter().position(|it| it.starts_with(line)).unwrap();
    assert!(at("Slave S1 (b) is not listed any more") < at("Left on slave S0"), "{lines:?}");
}

#[test]
fn a_role_that_is_more_likely_misspelt_is_refused() {
    let listing = |role: &str, principal: &str| {
        EMPTY.replace(
            "{}}]",
            &format!(
                r#"{{"{role}":[{{"name":"cpus","role":"{role}","reservation":{{"principal":"{principal}"}}}}]}}}}]"#
            ),
        )
    };
    let with = |role: &str, principal: Option<&str>| Target {
        principal: principal.map(Into::into),
        ..target(role, "z")
    };
    for (target, body, words) in [
        (with("hdsf-role", None), listing("hdfs-role", "p"), "Did you mean hdfs-role?"),
        (with("a,b", None), EMPTY.into(), "A run cleans up only one role."),
        (with("x-role", Some("p")), listing("other", "p"), "made resources for: other."),
    ] {
        let mut host = calm().answer(200, body);
        let failure = run(&mut host, &target).unwrap_err();
        assert_eq!(failure.reason, Reason::RoleNotFound);
        assert!(failure.message.contains(words), "{}", failure.message);
        assert_eq!(paths(&host), ["slaves"]);
    }
    let mut host = calm().answer(200, listing("hdfs-role", "hdfs-principal"));
    let failure = run(&mut host, &with("hdfs-role", Some("hdfs-principl"))).unwrap_err();
    assert_eq!(failure.reason, Reason::OtherPrincipals);
    let meant: Vec<_> = failure.report.elsewhere.iter().map(|it| it.principal.as_deref()).collect();
    assert_eq!(meant, [Some("hdfs-principal")]);
    let strict = Options { strict: true, ..options(InUse::Force) };
    let failure = clean(&mut calm().answer(200, EMPTY), &target("r", "z"), &strict).unwrap_err();
    assert_eq!(failure.reason, Reason::RoleNotFound);
    // A sibling is no misspelling; a second run must be able to finish.
    let mut host = calm().answer(200, listing("r2", "q")).answer(200, DELETED);
    let report = run(&mut host, &with("r", Some("p"))).unwrap();
    assert_eq!(report.warnings, [Warning::RoleNotFound]);
}

#[test]
fn a_role_and_a_znode_of_one_service_are_no_slips() {
    let listing = |role: &str| {
        let reserved =
            format!(r#"{{"{role}":[{{"name":"cpus","role":"{role}","reservation":{{}}}}]}}}}]"#);
        EMPTY.replace("{}}]", &reserved)
    };
    for (role, znode, there, is_refused) in [
        ("kafka", "dcos-service-kafka", "kafka-role", true),
        ("KAFKA-ROLE", "dcos-service-kafka", "kafka-role", true),
        ("kafka-role", "dcos-service-dev__kafka", "dev__kafka-role", true),
        ("kafka-role", "dcos-service-kafka1", "kafka1-role", true),
        ("kafka-role", "dcos-service-kafka", "kafka_role", true),
        ("kafka-a-role", "dcos-service-kafka-a", "kafka-b-role", false),
        ("kafka-role", "dcos-service-kafka", "slave_public/kafka-role", false),
    ] {
        let mut host = calm().answer(200, listing(there)).answer(200, DELETED);
        let result = run(&mut host, &target(role, znode));
        let reason = result.err().map(|failure| failure.reason);
        let expected = is_refused.then_some(Reason::RoleNotFound);
        assert_eq!(reason, expected, "{role} {znode} {there}");
    }
}

#[test]
fn a_last_look_follows_the_look_at_what_is_pending() {
    // The removal that an earlier run requested was dropped, and the agent is back.
    let mut host = calm().answer(200, EMPTY).answer(200, VOLUME);
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert!(failure.message.contains("slave(s) S0 came back with"), "{}", failure.message);
    assert!(!paths(&host).contains(&"z"));
}

#[test]
fn only_a_framework_that_a_plan_shows_is_torn_down() {
    let of = |id: &str| {
        format!(r#"{{"frameworks":[{{"id":"{id}","name":"k","active":true,"roles":["r"]}}]}}"#)
    };
    let options = options(InUse::Teardown);
    let gone = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
    let mut host = Script::default().answer(200, EMPTY).answer(200, of("F")).answer(200, gone);
    let plan = plan::plan(&mut host, &target("r", "z"), &options).unwrap();
    for (id, reason) in [("F", Reason::Failed), ("G", Reason::Changed)] {
        let mut host = calm().answer(200, EMPTY).answer(200, of(id)).answer(500, "");
        let failure = apply(&mut host, &plan, &options).unwrap_err();
        assert_eq!(failure.reason, reason, "{}", failure.message);
    }
}

/// The other agents show that the role's name is right.
#[test]
fn a_role_that_only_other_agents_have_is_known() {
    let list = |roles: &[&str]| {
        let entry = |role: &&str| {
            format!(r#""{role}":[{{"name":"cpus","role":"{role}","reservation":{{}}}}]"#)
        };
        let other = roles.iter().map(entry).collect::<Vec<_>>().join(",");
        EMPTY.replace(
            "]}",
            &format!(
                r#",{{"id":"S1","version":"1.11.0","reserved_resources_full":{{{other}}}}}]}}"#
            ),
        )
    };
    let target = Target { agents: vec!["S0".into()], ..target("hdfs-role", "") };
    for (roles, strict, reason) in [
        (&["hdfs-role", "hdsf-role"][..], false, None),
        (&["hdfs-role", "hdsf-role"], true, Some(Reason::RoleNotFound)),
        (&["hdsf-role"], false, Some(Reason::RoleNotFound)),
    ] {
        let options = Options { strict, ..options(InUse::Force) };
        let result = clean(&mut calm().answer(200, list(roles)), &target, &options);
        assert_eq!(result.err().map(|it| it.reason), reason, "{roles:?} {strict}");
    }
}

#[test]
fn all_of_a_service_is_also_what_it_has_elsewhere() {
    let body = EMPTY.replace(
        "{}}]",
        r#"{"dev":[{"name":"cpus","role":"dev","reservation":{"principal":"\/dev\/kafka-principal"}},
        {"name":"mem","role":"dev","reservation":{"principal":"q"}}],
        "slave_public/dev__kafka-role":[{"name":"mem","reservations":[{"type":"STATIC","role":"slave_public"},
        {"type":"DYNAMIC","role":"slave_public/dev__kafka-role","principal":"q"}]}]}}]"#,
    );
    let target =
        Target { principal: Some("dev__kafka-principal".into()), ..target("dev__kafka-role", "z") };
    let options = Options { whole_service: true, ..options(InUse::Force) };
    let mut host = calm().answer(200, body);
    let failure = clean(&mut host, &target, &options).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    let elsewhere = failure.report.elsewhere;
    let found: Vec<_> = elsewhere
        .iter()
        .map(|it| (it.role.as_str(), it.principal.as_deref(), it.resources))
        .collect();
    assert_eq!(
        found,
        [("dev", Some("/dev/kafka-principal"), 1), ("slave_public/dev__kafka-role", None, 1)]
    );
    let warnings = failure.report.warnings.iter();
    assert_eq!(warnings.filter(|it| **it == Warning::PrincipalElsewhere).count(), 1);
    let lines = host.lines();
    assert_eq!(lines.iter().filter(|it| it.ends_with("belong to the same service")).count(), 2);
    assert_eq!(paths(&host), ["slaves"]);
}

#[test]
fn a_framework_that_runs_more_is_torn_down_only_by_name() {
    let marathon = r#"{"frameworks":[{"id":"M","name":"marathon","active":true,"roles":["r","q"],"tasks":[{}]}]}"#;
    let own = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let below = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r/x"]}]}"#;
    let gone = r#"{"frameworks":[]}"#;
    let named = |ids: &[&str]| Options {
        teardown: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..options(InUse::Teardown)
    };
    for (frameworks, ids, is_torn) in [
        (marathon, &[][..], false),
        (marathon, &["M"], true),
        (marathon, &["F"], false),
        (own, &[], true),
        (own, &["M"], false),
        (below, &[], false),
        (below, &["F"], true),
    ] {
        let mut host = calm().answer(200, EMPTY).answer(200, frameworks);
        if is_torn {
            host = host.answer(200, "").answer(200, gone).answer(200, DELETED);
        }
        let result = clean(&mut host, &target("r", "z"), &named(ids));
        assert_eq!(paths(&host).contains(&"teardown"), is_torn, "{frameworks} {ids:?}");
        match result {
            Ok(_) => assert!(is_torn),
            Err(failure) => assert_eq!(failure.reason, Reason::InUse),
        }
    }
    let framework = |name: &str, roles: &str| {
        format!(
            r#"{{"frameworks":[{{"id":"F","name":"{name}","active":true,"roles":[{roles}]}}]}}"#
        )
    };
    let (uses, owns) = ("uses role 'r'", "owns znode 'elastic'");
    let others = "has roles other than the target's";
    for (roles, role, named_ids, used, extent, why) in [
        ("\"r\"", "r", &["G", "H"][..], uses, "0 tasks", ""),
        ("\"e\"", "", &["G"], owns, "0 tasks, role: e", ""),
        ("\"r\",\"q\"", "r", &[], uses, "0 tasks, other role: q", others),
        ("\"r\",\"r/s\"", "r", &[], uses, "0 tasks, other role: r/s", others),
        ("\"r/s\"", "r", &[], uses, "0 tasks, role: r/s", others),
        ("\"e\"", "", &[], owns, "0 tasks, role: e", others),
        ("\"e\"", "r", &[], owns, "0 tasks, role: e", others),
        ("", "", &[], owns, "0 tasks", "has no role that shows that it is the service's"),
    ] {
        let mut host = calm().answer(200, EMPTY).answer(200, framework("elastic", roles));
        let failure = clean(&mut host, &target(role, "elastic"), &named(named_ids));
        let why = match named_ids.is_empty() {
            true => format!(
                "{why}, and a teardown would end all of it ({extent}). Uninstall the service \
                 instead."
            ),
            false => format!(
                "{used}, but only {} may be torn down. Uninstall its service, or name it too.",
                named_ids.join(", ")
            ),
        };
        let why = format!("Refused: framework 'elastic' (F, active) {why}");
        assert_eq!(failure.unwrap_err().message, why);
        let used = format!("Framework 'elastic' (F, active) {used}: {extent}");
        assert!(host.lines().contains(&used.as_str()), "{used}: {:?}", host.lines());
    }
    let mut host = calm().answer(200, EMPTY).answer(200, framework("marathon-lb", "\"r\""));
    let failure = clean(&mut host, &target("r", "z"), &named(&[])).unwrap_err();
    let words = "(F, active) runs the apps or jobs of other services, and a teardown would end";
    assert!(failure.message.contains(words), "{}", failure.message);
    let mut host = calm().answer(200, EMPTY).answer(200, marathon);
    clean(&mut host, &target("r", "z"), &named(&[])).unwrap_err();
    let words = "Framework 'marathon' (M, active) uses role 'r': 1 task, other role: q";
    assert!(host.lines().contains(&words), "{:?}", host.lines());
}

#[test]
fn a_znode_whose_owner_is_registered_is_left_alone() {
    let elastic = r#"{"frameworks":[{"id":"F","name":"elastic","active":true,"roles":["e"]}]}"#;
    for role in ["", "r"] {
        let mut host = calm().answer(200, EMPTY).answer(200, elastic);
        let options = options(InUse::Refuse);
        let target = target(role, "dcos-service-elastic");
        let failure = clean(&mut host, &target, &options).unwrap_err();
        assert_eq!(failure.reason, Reason::InUse);
        assert_eq!(paths(&host), ["slaves", "frameworks"]);
    }
    let mut host = calm().answer(200, EMPTY).answer(403, "");
    let failure = clean(&mut host, &target("", "z"), &options(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::InUseUnknown);
}

#[test]
fn a_master_that_has_just_taken_over_does_not_know_all_frameworks() {
    let body = EMPTY
        .replace(r#""id""#, r#""registered_time":100.00001,"reregistered_time":100.00002,"id""#);
    let none = r#"{"frameworks":[]}"#;
    let metrics = |uptime: u32| format!(r#"{{"master/uptime_secs":{uptime}.5}}"#);
    let elected = r#"{"get_master":{"start_time":90.0,"elected_time":100.0}}"#;
    for (uptime, master, known) in
        [(50, elected, false), (609, elected, false), (611, elected, true), (5000, "{}", false)]
    {
        let mut host = calm()
            .answer(200, body.clone())
            .answer(200, none)
            .page("metrics/snapshot", 200, metrics(uptime))
            .page("api/v1", 200, master)
            .page("api/v1", 200, r#"{"get_operations":{}}"#);
        if known {
            host = host.answer(200, DELETED);
        }
        let result = clean(&mut host, &target("r", "z"), &options(InUse::Refuse));
        assert_eq!(result.is_ok(), known, "{uptime} {master}");
        if let Err(failure) = result {
            assert_eq!(failure.reason, Reason::InUseUnknown);
        }
    }
}

#[test]
fn refined_reservations_are_reported() {
    let stacked = r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{
        "r":[{"name":"mem","role":"r","reservation":{},"reservations":[{"type":"DYNAMIC","role":"r"}]}],
        "r/s":[{"name":"cpus","reservations":[{"type":"DYNAMIC","role":"r"},{"type":"DYNAMIC","role":"r/s"}]}]}}]}"#;
    let less = |from: &str, to: &str| stacked.replace(from, to);
    let left = less(
        r#"{"name":"mem","role":"r","reservation":{},"reservations":[{"type":"DYNAMIC","role":"r"}]}"#,
        "",
    );
    let mut host =
        calm().answer(200, stacked).answer(202, "").answer(200, left).answer(200, DELETED);
    let report = run(&mut host, &target("r", "z")).unwrap();
    assert_eq!(report.warnings, [Warning::StackedReservations]);
    let mut host =
        calm().answer(200, stacked).answer(202, "").answer(200, EMPTY).answer(200, DELETED);
    let report = run(&mut host, &target("r/s", "z")).unwrap();
    assert_eq!(report.warnings, [Warning::StackedReservations]);
    let line = "1 resource(s) of role 'r/s' return to role 'r'";
    assert!(host.lines().contains(&line), "{:?}", host.lines());
}

#[test]
fn without_a_target_there_is_nothing_to_do() {
    let mut host = calm();
    assert_eq!(run(&mut host, &target("", "")).unwrap_err().reason, Reason::NothingToDo);
    assert_eq!(host.lines(), ["", "Nothing to do!"]);
}

#[test]
fn only_a_role_or_a_znode_is_cleaned() {
    let app = Target { marathon_app: Some("/a".into()), ..Target::NOTHING };
    let removed = r#"{"deploymentId":"d"}"#;
    for (mut host, target, is_clean) in [
        (calm().answer(200, EMPTY), target("r", ""), true),
        (calm().answer(200, DELETED), target("", "z"), true),
        (calm().answer(200, removed), app, false),
    ] {
        run(&mut host, &target).unwrap();
        let is_said = host.lines().contains(&"Cleanup completed successfully.");
        assert_eq!(is_said, is_clean, "{target:?}");
    }
}

#[test]
fn a_znode_that_cannot_be_looked_at_is_possibly_not_deleted() {
    let node = "exhibitor/v1/explorer/node-data";
    let mut host = Script::default().page(node, 200, "<html>").answer(200, DELETED);
    let failure = run(&mut host, &target("", "z")).unwrap_err();
    assert!(failure.message.starts_with("it is unknown whether"), "{}", failure.message);
    assert_eq!(host.lines().last(), Some(&"Possibly not deleted: znode 'z'"));
}

/// The options of a run that waits.
fn patient(in_use: InUse) -> Options {
    Options { confirm_seconds: 0, wait_seconds: 60, ..options(in_use) }
}

#[test]
fn a_framework_that_ends_is_waited_for() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let gone = r#"{"frameworks":[]}"#;
    let host = || calm().answer(200, RESERVED).answer(200, used).answer(200, RESERVED);
    let mut ended = host()
        .answer(200, used)
        .answer(200, RESERVED)
        .answer(200, gone)
        .answer(202, "")
        .answer(200, EMPTY)
        .answer(200, DELETED);
    clean(&mut ended, &target("r", "z"), &patient(InUse::Refuse)).unwrap();
    assert_eq!(ended.paused, Duration::from_millis(300));
    let lines = ended.lines();
    let waits: Vec<_> = lines.iter().filter(|line| line.starts_with("Waiting")).collect();
    assert_eq!(waits.len(), 1, "{lines:?}");
    assert!(waits[0].starts_with("Waiting up to 60 s in all: 1 framework(s) still use role 'r'"));
    assert!(!lines.iter().any(|line| line.starts_with("Refused")), "{lines:?}");

    // It stays, and the time passes.
    let mut stays = calm();
    for _ in 0..20 {
        stays = stays.answer(200, RESERVED).answer(200, used);
    }
    let failure = clean(&mut stays, &target("r", "z"), &patient(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::InUse);
    assert_eq!(stays.paused, Duration::from_secs(60));
}

#[test]
fn an_agent_that_is_away_is_waited_for_and_cleaned() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"}}]}}"#;
    let back = VOLUME
        .replace("S0", "S9")
        .replace("]}}]}", r#"]}},{"id":"S0","reserved_resources_full":{}}]}"#);
    let reserved = RESERVED.replace("S0", "S9");
    let start = || {
        let page = "registrar(1)/registry";
        calm().page(page, 200, registry).page(page, 200, registry).page(
            page,
            200,
            r#"{"master":{}}"#,
        )
    };
    let mut host = start()
        .answer(200, EMPTY)
        .answer(200, EMPTY)
        .answer(200, EMPTY)
        .answer(200, back.clone())
        .answer(202, "")
        .answer(200, reserved)
        .answer(202, "")
        .answer(200, EMPTY.replace("S0", "S9"))
        .answer(200, DELETED);
    let report = clean(&mut host, &target("r", "z"), &patient(InUse::Force)).unwrap();
    assert_eq!(report.confirmed, [Phase::Volumes, Phase::Reservations]);
    assert_eq!(report.unreached, []);
    assert_eq!(host.lines().iter().filter(|it| **it == "Destroying volumes...").count(), 2);
    let waits: Vec<_> = host.lines().into_iter().filter(|it| it.starts_with("Waiting")).collect();
    assert!(waits[0].contains("1 agent(s) may still hold resources of role 'r': Slave S9"));
    let line = "Repeating the phases: slave(s) S9 came back with resources of role 'r'";
    assert!(host.lines().contains(&line), "{:?}", host.lines());

    // A plan does not show the agent's resources, so it is not cleaned.
    let options = options(InUse::Refuse);
    let none = r#"{"frameworks":[]}"#;
    let mut planned = start().answer(200, EMPTY).answer(200, none);
    let plan = plan::plan(&mut planned, &target("r", ""), &options).unwrap();
    let mut host = start()
        .answer(200, EMPTY)
        .answer(200, r#"{"frameworks":[]}"#)
        .answer(200, EMPTY)
        .answer(200, back);
    let failure = apply(&mut host, &plan, &patient(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert!(!paths(&host).contains(&"destroy-volumes"));
}

#[test]
fn an_agent_that_disconnects_after_its_promise_is_waited_for() {
    let away = EMPTY.replace(r#""id""#, r#""active":false,"id""#);
    let start = || calm().answer(200, RESERVED).answer(202, "").answer(200, away.clone());
    let mut host = start().answer(200, EMPTY).answer(200, DELETED);
    clean(&mut host, &target("r", "z"), &patient(InUse::Force)).unwrap();
    // It has brought the reservation back, so the request is sent again.
    let mut host =
        start().answer(200, RESERVED).answer(202, "").answer(200, EMPTY).answer(200, DELETED);
    clean(&mut host, &target("r", "z"), &patient(InUse::Force)).unwrap();
    assert_eq!(
        paths(&host),
        ["slaves", "unreserve", "slaves", "slaves", "unreserve", "slaves", "z"]
    );
}

#[test]
fn what_is_removed_again_or_later_counts_once() {
    let entry = |kind: &str, provider: &str| {
        format!(
            r#"{{"name":"{kind}","role":"r","reservation":{{}},"provider_id":{{"value":"{provider}"}}}}"#
        )
    };
    let (cpus, mem, disk) = (entry("cpus", "p"), entry("mem", "q"), entry("disk", "p"));
    let list = |active: bool, entries: &[&String]| {
        let entries: Vec<_> = entries.iter().map(|it| it.as_str()).collect();
        let reserved = format!(r#"{{"r":[{}]}}"#, entries.join(","));
        let reserved = if entries.is_empty() { "{}" } else { &reserved };
        format!(
            r#"{{"slaves":[{{"id":"S0","version":"1.11.0","active":{active},"reserved_resources_full":{reserved}}}]}}"#
        )
    };
    let run = |host: Script, options: &Options| {
        let mut host = host.answer(200, list(true, &[])).answer(200, DELETED);
        let report = clean(&mut host, &target("r", "z"), options).unwrap();
        assert_eq!(report.confirmed, [Phase::Reservations]);
        let found: Vec<_> = report.agents.iter().map(|it| it.found).collect();
        assert_eq!(found.len(), 2, "{:?}", report.agents);
        let last = host.log.iter().rev().find_map(|entry| match &entry.event {
            Some(Event::Agent(it)) if it.phase == Phase::Reservations => Some(it.found),
            _ => None,
        });
        assert_eq!(last, Some(found[1]), "the last event says the same as the report");
        found[1]
    };
    // The agent brings a part back, and another resource.
    let away = list(false, &[]);
    let host = calm()
        .answer(200, list(true, &[&cpus, &mem]))
        .answer(202, "")
        .answer(202, "")
        .answer(200, &away)
        .answer(200, list(true, &[&cpus, &disk]))
        .answer(202, "");
    assert_eq!(run(host, &patient(InUse::Force)), 3);
    // The master accepts one of two requests, and the other one later.
    let host = calm()
        .answer(200, list(true, &[&cpus, &mem]))
        .answer(202, "")
        .answer(503, "")
        .answer(200, list(true, &[&mem]))
        .answer(202, "");
    assert_eq!(run(host, &options(InUse::Force)), 2);
}

#[test]
fn a_phase_that_is_repeated_is_no_longer_confirmed() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"}}]}}"#;
    let page = "registrar(1)/registry";
    let back = VOLUME
        .replace("S0", "S9")
        .replace("]}}]}", r#"]}},{"id":"S0","reserved_resources_full":{}}]}"#);
    let mut host = calm()
        .page(page, 200, registry)
        .page(page, 200, r#"{"master":{}}"#)
        .answer(200, VOLUME)
        .answer(202, "")
        .answer(200, EMPTY)
        .answer(200, EMPTY)
        .answer(200, &back)
        .answer(403, "")
        .answer(200, &back);
    let failure = clean(&mut host, &target("r", "z"), &patient(InUse::Force)).unwrap_err();
    assert_eq!(failure.report.confirmed, [], "{}", failure.message);
    assert_eq!(failure.report.agents.len(), 2);
}

#[test]
fn a_phase_without_resources_is_not_repeated() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"}}]}}"#;
    let page = "registrar(1)/registry";
    let back = RESERVED.replace("S0", "S9");
    let mut host = calm()
        .page(page, 200, registry)
        .page(page, 200, r#"{"master":{}}"#)
        .answer(200, EMPTY)
        .answer(200, EMPTY)
        .answer(200, back)
        .answer(202, "")
        .answer(200, EMPTY.replace("S0", "S9"));
    clean(&mut host, &target("r", ""), &patient(InUse::Force)).unwrap();
    let begun = |line: &str| host.lines().iter().filter(|it| **it == line).count();
    assert_eq!((begun("Destroying volumes..."), begun("Unreserving resources...")), (1, 2));
}

#[test]
fn an_operation_that_is_pending_is_waited_for() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"r","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let mut host = calm().answer(200, RESERVED).answer(202, "");
    for _ in 0..5 {
        host = host.page("api/v1", 200, pending);
    }
    host = host
        .page("api/v1", 200, r#"{"get_operations":{}}"#)
        .answer(200, EMPTY)
        .answer(200, DELETED);
    clean(&mut host, &target("r", "z"), &patient(InUse::Force)).unwrap();
    let lines = host.lines();
    assert!(lines.contains(
        &"Waiting up to 60 s in all: the removal of resource(s) is pending on slave(s) S0"
    ));
}

#[test]
fn a_plan_waits_before_it_is_made() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let none = r#"{"frameworks":[]}"#;
    let mut host =
        calm().answer(200, RESERVED).answer(200, used).answer(200, RESERVED).answer(200, none);
    let plan = plan::plan(&mut host, &target("r", ""), &patient(InUse::Refuse)).unwrap();
    assert_eq!((plan.refusal, plan.agents.len()), (None, 1));
    assert_eq!(host.paused, Duration::from_millis(100));
}

/// Two services share a role: the labels of their reservations name their frameworks.
mod a_shared_role {
    use super::*;
    use janitor_contract::types::LabelSelector;

    fn resource(name: &str, labels: &[(&str, &str)]) -> String {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!(r#"{{"key":"{key}","value":"{value}"}}"#))
            .collect();
        let labels = format!(r#"{{"labels":[{}]}}"#, labels.join(","));
        format!(
            r#"{{"name":"{name}","role":"dev","scalar":{{"value":1}},"reservation":{{"labels":{labels}}},"reservations":[{{"type":"DYNAMIC","role":"dev","labels":{labels}}}]}}"#
        )
    }

    fn slaves(resources: &[String]) -> String {
        format!(
            r#"{{"slaves":[{{"id":"S0","version":"1.11.0","reserved_resources_full":{{"dev":[{}]}}}}]}}"#,
            resources.join(",")
        )
    }

    fn frameworks(ids: &[&str]) -> String {
        let each = ids.iter().map(|id| format!(r#"{{"id":"{id}","name":"{id}","roles":["dev"]}}"#));
        format!(r#"{{"frameworks":[{}]}}"#, each.collect::<Vec<_>>().join(","))
    }

    fn of(framework_id: Option<&str>, label: Option<&str>) -> Target {
        Target {
            role: Some("dev".into()),
            framework_id: framework_id.map(Into::into),
            labels: label.map(|it| LabelSelector::read(it).unwrap()).into_iter().collect(),
            ..Target::NOTHING
        }
    }

    fn dead() -> String {
        resource("cpus", &[("framework_id", "DEAD"), ("k", "v")])
    }

    fn alive() -> String {
        resource("mem", &[("framework_id", "ALIVE"), ("k", "w")])
    }

    #[test]
    fn a_dead_service_is_removed_beside_a_live_one() {
        for target in [of(Some("DEAD"), None), of(None, Some("k=v")), of(Some("DEAD"), Some("k"))] {
            let mut host = calm()
                .answer(200, slaves(&[dead(), alive()]))
                .answer(200, frameworks(&["ALIVE"]))
                .answer(202, "")
                .answer(200, slaves(&[alive()]));
            let report = clean(&mut host, &target, &options(InUse::Refuse)).unwrap();
            assert_eq!(report.confirmed, [Phase::Reservations]);
            let content = host.sent[2].content.as_ref().unwrap();
            let form: Vec<_> = form_urlencoded::parse(&content.bytes).into_owned().collect();
            assert_eq!(form[1].1, format!("[{}]", dead()));
        }
    }

    #[test]
    fn whose_it_is_must_be_proven() {
        let unlabelled = resource("disk", &[("k", "v")]);
        let both =
            resource("disk", &[("framework_id", "DEAD"), ("marathon_framework_id", "ALIVE")]);
        for (target, resources, reason) in [
            // It is the live one's.
            (of(Some("ALIVE"), None), vec![dead(), alive()], Reason::InUse),
            (of(None, Some("k=w")), vec![dead(), alive()], Reason::InUse),
            (of(None, Some("k")), vec![dead(), alive()], Reason::InUse),
            (of(Some("DEAD"), None), vec![both], Reason::InUse),
            // Without labels, each framework of the role uses all of it.
            (of(None, None), vec![dead()], Reason::InUse),
            // It names no framework, so it may be anybody's.
            (of(None, Some("k=v")), vec![dead(), unlabelled, alive()], Reason::InUse),
            // Nothing of the role has the labels.
            (of(Some("GONE"), None), vec![dead(), alive()], Reason::OtherLabels),
            (of(Some("DEAD"), Some("k=w")), vec![dead(), alive()], Reason::OtherLabels),
        ] {
            let mut host =
                calm().answer(200, slaves(&resources)).answer(200, frameworks(&["ALIVE"]));
            let failure = clean(&mut host, &target, &options(InUse::Refuse)).unwrap_err();
            assert_eq!(failure.reason, reason, "{}", failure.message);
            assert!(!paths(&host).contains(&"unreserve"));
            let lines = host.lines();
            let is_named = lines.iter().any(|it| it.contains("is named by the labels of"));
            let is_proven =
                reason == Reason::InUse && resources.len() < 3 && target != of(None, None);
            assert_eq!(is_named, is_proven, "{lines:?}");
            let is_explained = failure.message.contains("labels do not name the framework of");
            assert_eq!(is_explained, resources.len() == 3, "{}", failure.message);
        }
    }

    #[test]
    fn labels_that_nothing_has_are_named() {
        let mut host = calm().answer(200, slaves(&[dead(), alive()]));
        let target = of(Some("DEAD"), Some("k=w"));
        let failure = clean(&mut host, &target, &options(InUse::Refuse)).unwrap_err();
        let words = "has label 'k=w' and framework ID 'DEAD', but there are others";
        assert!(failure.message.contains(words), "{}", failure.message);
    }

    #[test]
    fn a_framework_that_may_not_be_viewed_is_another_only_if_its_id_is() {
        let roles = |id: &str| format!(r#"{{"roles":[{{"name":"dev","frameworks":["{id}"]}}]}}"#);
        let counted = r#"{"master/frameworks_active":1.0}"#;
        for (page, body, reason) in [
            ("roles", roles("OTHER"), None),
            ("roles", roles("DEAD"), Some(Reason::InUseUnknown)),
            ("metrics/snapshot", counted.to_owned(), Some(Reason::InUseUnknown)),
        ] {
            let list = slaves(&[dead(), alive()]);
            // Pages that do not agree are read again.
            let frameworks = frameworks(&[]);
            let mut host =
                calm().answer(200, list).answer(200, &frameworks).answer(200, &frameworks);
            if reason.is_none() {
                host = host.answer(202, "").answer(200, slaves(&[alive()]));
            }
            let mut host = host.page(page, 200, &body).page(page, 200, &body);
            let result = clean(&mut host, &of(Some("DEAD"), None), &options(InUse::Refuse));
            assert_eq!(result.err().map(|it| it.reason), reason, "{page}");
        }
    }

    #[test]
    fn what_appears_later_must_belong_to_the_same_framework() {
        let later = resource("ports", &[("framework_id", "ALIVE"), ("k", "v")]);
        let volume = dead().replace(r#""cpus""#, r#""disk""#).replacen(
            r#""reservation""#,
            r#""disk":{"persistence":{"id":"v"}},"reservation""#,
            1,
        );
        let mut host = calm()
            .answer(200, slaves(&[volume, alive()]))
            .answer(200, frameworks(&["ALIVE"]))
            .answer(202, "")
            .answer(200, slaves(&[dead(), later, alive()]));
        let target = of(None, Some("k=v"));
        let failure = clean(&mut host, &target, &options(InUse::Refuse)).unwrap_err();
        assert_eq!(failure.reason, Reason::Failed);
        assert!(failure.message.contains("name another framework"), "{}", failure.message);
        assert!(!paths(&host).contains(&"unreserve"));
    }

    #[test]
    fn only_the_framework_that_labels_name_is_torn_down() {
        let end = |target: &Target, resources: &[String]| {
            let mut host = calm()
                .answer(200, slaves(resources))
                .answer(200, frameworks(&["ALIVE", "DEAD"]))
                .answer(200, "")
                .answer(200, frameworks(&["ALIVE"]))
                .answer(202, "")
                .answer(200, slaves(&[alive()]));
            let result = clean(&mut host, target, &options(InUse::Teardown));
            let ended = host.sent.iter().filter(|it| it.path == ["teardown"]);
            let bytes = ended.map(|it| it.content.as_ref().unwrap().bytes.clone());
            let ended: Vec<_> = bytes.map(|it| String::from_utf8(it).unwrap()).collect();
            (result.err().map(|it| it.reason), ended)
        };
        let (reason, ended) = end(&of(Some("DEAD"), None), &[dead(), alive()]);
        assert_eq!((reason, &ended[..]), (None, &["frameworkId=DEAD".to_owned()][..]));
        let unlabelled = [resource("disk", &[("k", "v")]), alive()];
        let (reason, ended) = end(&of(None, Some("k=v")), &unlabelled);
        assert_eq!((reason, ended.len()), (Some(Reason::InUse), 0));
        // The target names the dead one alone.
        let both =
            [resource("disk", &[("framework_id", "DEAD"), ("marathon_framework_id", "ALIVE")])];
        let (reason, ended) = end(&of(Some("DEAD"), None), &both);
        assert_eq!((reason, ended.len()), (Some(Reason::InUse), 0));
    }

    #[test]
    fn a_plan_shows_what_stays_and_is_applied() {
        let target = of(Some("DEAD"), None);
        let list = slaves(&[dead(), alive()]);
        let mut host = calm().answer(200, &list).answer(200, frameworks(&["ALIVE"]));
        let plan = plan::plan(&mut host, &target, &options(InUse::Refuse)).unwrap();
        assert_eq!((plan.refusal, plan.frameworks.len()), (None, 0));
        let fates: Vec<_> = plan.agents[0].entries.iter().map(|it| it.reservation).collect();
        assert_eq!(fates, [Fate::Removed, Fate::Stays(SkipReason::OtherLabels)]);
        let mut host = calm()
            .answer(200, &list)
            .answer(200, frameworks(&["ALIVE"]))
            .answer(202, "")
            .answer(200, slaves(&[alive()]));
        assert!(apply(&mut host, &plan, &options(InUse::Refuse)).is_ok());
        let mut host = calm().answer(200, &list).answer(200, frameworks(&["DEAD"]));
        let failure = apply(&mut host, &plan, &options(InUse::Refuse)).unwrap_err();
        assert_eq!(failure.reason, Reason::Changed);
    }
}

#[test]
fn only_the_agents_of_the_target_are_cleaned() {
    let entry = |id: &str, list: &[&str]| {
        let list = list.join(",");
        format!(
            r#"{{"id":"{id}","hostname":"{}","reserved_resources_full":{{"r":[{list}]}}}}"#,
            id.to_lowercase()
        )
    };
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    let list = |first: &[&str]| {
        format!(r#"{{"slaves":[{},{}]}}"#, entry("H1", first), entry("H2", &[CPUS]))
    };
    let on = |agent: &str| Target { agents: vec![agent.into()], ..target("r", "") };
    for agent in ["H1", "h1"] {
        let mut host = calm().answer(200, list(&[CPUS])).answer(202, "").answer(200, list(&[]));
        let report = run(&mut host, &on(agent)).unwrap();
        assert_eq!(report.left, Some(vec![]));
        assert_eq!(paths(&host), ["slaves", "unreserve", "slaves"]);
    }
    // A second run has nothing to do, and the name of the role is known to be right.
    let mut host = calm().answer(200, list(&[]));
    let report = run(&mut host, &on("H1")).unwrap();
    assert_eq!(report.warnings, [Warning::VersionUnknown, Warning::RoleNotFound]);
    let failure = run(&mut calm().answer(200, list(&[])), &on("H3")).unwrap_err();
    assert_eq!(failure.reason, Reason::InvalidTarget);
    assert!(failure.message.contains("'H3'"), "{}", failure.message);
}

#[test]
fn what_a_new_service_reserves_during_a_wait_stays() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"}}]}}"#;
    let page = "registrar(1)/registry";
    let host = || calm().page(page, 200, registry).page(page, 200, r#"{"master":{}}"#);
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    let none = r#"{"frameworks":[]}"#;
    let back = RESERVED.replace("S0", "S9");
    let both = VOLUME.replace("]}}]}", &format!("]}}}},{}", &back[11..]));
    // A framework has registered, and has made a volume.
    for is_applied in [false, true] {
        let mut all = host().answer(200, EMPTY).answer(200, none).answer(200, EMPTY);
        all =
            all.answer(200, if is_applied { EMPTY.into() } else { both.clone() }).answer(200, used);
        let failure = match is_applied {
            false => clean(&mut all, &target("r", "z"), &patient(InUse::Refuse)).unwrap_err(),
            true => {
                let mut planned = host().answer(200, EMPTY).answer(200, none);
                let options = options(InUse::Refuse);
                let mut plan = plan::plan(&mut planned, &target("r", ""), &options).unwrap();
                plan.target.znode = Some("z".into());
                plan.znode = Some(janitor_contract::types::ZnodeState::Absent);
                let start = calm().page(page, 200, registry).page(page, 200, registry);
                let start = start.page(page, 200, r#"{"master":{}}"#);
                let mut all = start.answer(200, EMPTY).answer(200, none).answer(200, EMPTY);
                all = all.answer(200, EMPTY).answer(200, used);
                let failure = apply(&mut all, &plan, &patient(InUse::Refuse)).unwrap_err();
                assert!(!paths(&all).contains(&"z"), "{:?}", paths(&all));
                failure
            }
        };
        assert_eq!(failure.reason, Reason::Failed, "{}", failure.message);
        assert!(
            failure.message.contains("1 framework(s) use the target now"),
            "{}",
            failure.message
        );
        assert!(!paths(&all).iter().any(|it| ["destroy-volumes", "unreserve", "z"].contains(it)));
    }
    // No framework has, but the agent with the volume was never away.
    let mut all = host().answer(200, EMPTY).answer(200, none).answer(200, EMPTY).answer(200, both);
    let left = VOLUME.replace("]}}]}", r#"]}},{"id":"S9","reserved_resources_full":{}}]}"#);
    all = all.answer(200, none).answer(202, "").answer(200, left).answer(200, none);
    let failure = clean(&mut all, &target("r", "z"), &patient(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert!(failure.message.contains("slave(s) S0 came back"), "{}", failure.message);
    assert_eq!(paths(&all).iter().filter(|it| **it == "unreserve").count(), 1);
    assert!(!paths(&all).contains(&"destroy-volumes"));
}

#[test]
fn a_name_that_may_mean_either_of_two_agents_is_refused() {
    let entry = |id: &str, host: &str| {
        format!(
            r#"{{"id":"{id}","hostname":"{host}","version":"1.11.0","reserved_resources_full":{{"r":[{{"name":"cpus","role":"r","reservation":{{}}}}]}}}}"#
        )
    };
    let list = |agents: &[String]| format!(r#"{{"slaves":[{}]}}"#, agents.join(","));
    let both = list(&[entry("S1", "h1"), entry("S2", "s1")]);
    let named = Target { agents: vec!["S1".into()], ..target("r", "") };
    let ignoring = Options { ignored_agents: vec!["S1".into()], ..options(InUse::Force) };
    for (target, options) in [(named.clone(), options(InUse::Force)), (target("r", "z"), ignoring)]
    {
        let mut host = calm().answer(200, both.clone());
        let failure = clean(&mut host, &target, &options).unwrap_err();
        assert_eq!(failure.reason, Reason::InvalidTarget);
        assert!(failure.message.contains("the host name of agent S2"), "{}", failure.message);
        let mut host = calm().answer(200, both.clone()).answer(200, r#"{"frameworks":[]}"#);
        let plan = plan::plan(&mut host, &target, &options).unwrap();
        assert_eq!(plan.refusal, Some(Reason::InvalidTarget));
    }
    // An agent may have its own ID as its host name.
    let mut own = calm()
        .answer(200, list(&[entry("S1", "S1"), entry("S2", "h2")]))
        .answer(202, "")
        .answer(200, list(&[entry("S1", "S1").replace(r#"{"r":["#, r#"{"q":["#)]));
    run(&mut own, &named).unwrap();
}

#[test]
fn a_plan_touches_only_the_agents_that_it_shows() {
    let none = r#"{"frameworks":[]}"#;
    let mut planned = calm().answer(200, VOLUME).answer(200, none);
    let plan = plan::plan(&mut planned, &target("r", ""), &options(InUse::Refuse)).unwrap();
    let later = RESERVED
        .replace("]}}]}", &format!("]}}}},{}", RESERVED.replace("S0", "S9").split_at(11).1));
    let mut host = calm().answer(200, VOLUME).answer(200, none).answer(202, "").answer(200, later);
    let failure = apply(&mut host, &plan, &options(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert!(failure.message.contains("slave(s) S9 have resource(s)"), "{}", failure.message);
    assert_eq!(paths(&host), ["slaves", "frameworks", "destroy-volumes", "slaves"]);
}

/// The plan does not show what an agent holds that was away, so nothing of it is removed when it is back.
#[test]
fn a_plan_does_not_touch_agents_that_were_away() {
    let none = r#"{"frameworks":[]}"#;
    let list = |first: &str, is_active: bool| {
        let other = RESERVED.replace(r#""id":"S0""#, &format!(r#""active":{is_active},"id":"S9""#));
        first.replace("]}}]}", &format!("]}}}},{}", other.split_at(11).1))
    };
    let before = list(VOLUME, false);
    let mut planned = calm().answer(200, &before).answer(200, none);
    let plan = plan::plan(&mut planned, &target("r", ""), &options(InUse::Refuse)).unwrap();
    assert_eq!(plan.agents.len(), 2);
    let mut host = calm()
        .answer(200, before)
        .answer(200, none)
        .answer(202, "")
        .answer(200, list(RESERVED, true));
    let failure = apply(&mut host, &plan, &options(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert!(failure.message.contains("slave(s) S9 have resource(s)"), "{}", failure.message);
    assert_eq!(paths(&host), ["slaves", "frameworks", "destroy-volumes", "slaves"]);
}

/// A page that the master has shown before is not missing, whoever says so then.
#[test]
fn a_page_does_not_disappear() {
    let list = r#"{"frameworks":[]}"#;
    let roles = r#"{"roles":[{"name":"r","frameworks":["F"]}]}"#;
    let mut host = calm()
        .answer(200, RESERVED)
        .answer(200, list)
        .page("roles", 200, roles)
        .page("metrics/snapshot", 200, r#"{"master/frameworks_active":1.0}"#)
        .answer(200, list)
        .page("roles", 404, "")
        .page("metrics/snapshot", 404, "");
    let failure = clean(&mut host, &target("r", "z"), &options(InUse::Refuse)).unwrap_err();
    assert_eq!(failure.reason, Reason::InUseUnknown, "{}", failure.message);
}

/// The answer to a request is lost, and the agent is away before it has carried the request out. The
/// master lists its resources as if it had.
#[test]
fn a_master_that_lists_no_operations_is_given_time_to_miss_an_agent() {
    const OTHER: &str =
        r#"{"slaves":[{"id":"S1","version":"1.4.3","reserved_resources_full":{}}]}"#;
    // The removals are sent ten seconds after the run has begun.
    let host = || {
        let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
        let mut host = host.answer(200, RESERVED).answer(202, "").answer(200, EMPTY);
        host.paused = Duration::from_secs(10);
        host
    };
    let silence = Duration::from_secs(10 + 105);
    let mut silent = host().answer(200, OTHER);
    let failure = run(&mut silent, &target("r", "z")).unwrap_err();
    assert_eq!((failure.reason, silent.paused), (Reason::Incomplete, silence));
    let mut there = host().answer(200, EMPTY).answer(200, DELETED);
    run(&mut there, &target("r", "z")).unwrap();
    assert_eq!(there.paused, silence);
    assert!(there.lines().iter().any(|it| it.starts_with("Waiting until 105 s")));
    // A target without a node needs no further change that the host could deny.
    let target = Target { znode: None, ..target("r", "z") };
    let (mut stopped, mut limited) = (host(), host());
    stopped.continues = false;
    limited.limit = Duration::from_secs(30);
    for host in [stopped, limited] {
        let mut host = host.answer(200, EMPTY);
        assert_eq!(run(&mut host, &target).unwrap_err().reason, Reason::Stopped);
    }
}

#[test]
fn a_service_that_is_installed_while_agents_are_given_time_keeps_its_node() {
    let used = r#"{"frameworks":[{"id":"F","name":"n","roles":["r"]}]}"#;
    let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    let mut host = host.answer(200, RESERVED).answer(200, r#"{"frameworks":[]}"#).answer(202, "");
    host = host.answer(200, EMPTY).answer(200, EMPTY).answer(200, used);
    let failure = clean(&mut host, &target("r", "z"), &options(InUse::Refuse)).unwrap_err();
    assert!(failure.message.contains("1 framework(s) use the target now"), "{}", failure.message);
    assert!(host.sent.iter().all(|it| it.method != Method::Delete));
}

#[test]
fn an_agent_may_not_have_received_what_an_earlier_run_removed() {
    let host = || {
        let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
        host.answer(200, EMPTY).answer(200, DELETED)
    };
    let mut agents = host();
    run(&mut agents, &target("r", "z")).unwrap();
    assert_eq!(agents.paused, Duration::from_secs(105));
    let mut server = host().page("flags", 404, "");
    let report = run(&mut server, &target("r", "z")).unwrap();
    assert_eq!(server.paused, Duration::ZERO);
    assert!(report.warnings.contains(&Warning::PagesMissing));
}

#[test]
fn what_was_accepted_without_an_answer_is_looked_for() {
    let away = r#"{"slaves":[{"id":"S0","version":"1.11.0","active":false,"reserved_resources_full":{}}]}"#;
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"r","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let mut host = calm()
        .answer(200, VOLUME)
        .answer(202, "")
        .page("api/v1", 200, r#"{"get_operations":{}}"#)
        .answer(200, RESERVED)
        .fails(Error::Reset)
        .page("api/v1", 200, pending)
        .answer(200, away);
    let failure = clean(&mut host, &target("r", "z"), &options(InUse::Force)).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert!(failure.message.contains("1 agent(s) may still hold"), "{}", failure.message);
}

/// A master of today sends an old agent what it sent before 1.6, and keeps no operation of it.
#[test]
fn an_old_agent_of_a_new_master_is_given_time_too() {
    let capable = r#""capabilities":["MULTI_ROLE","RESOURCE_PROVIDER"],"id""#;
    let incapable = r#""capabilities":["MULTI_ROLE"],"id""#;
    let old = EMPTY.replace("1.11.0", "1.5.3");
    for (empty, seconds) in [
        (EMPTY.to_owned(), 0),
        (old.clone(), 105),
        (EMPTY.replace(r#""id""#, incapable), 105),
        (EMPTY.replace(r#""id""#, capable), 0),
        (old.replace(r#""id""#, capable), 0),
    ] {
        let reserved = empty.replace(
            r#""reserved_resources_full":{}"#,
            r#""reserved_resources_full":{"r":[{"name":"cpus","role":"r","reservation":{}}]}"#,
        );
        let mut host = calm().answer(200, reserved).answer(202, "").answer(200, empty.clone());
        host = host.answer(200, DELETED);
        run(&mut host, &target("r", "z")).unwrap();
        assert_eq!(host.paused, Duration::from_secs(seconds), "{empty}");
    }
}

/// The service has removed its resources itself while the run waited for it to end.
#[test]
fn an_agent_is_given_time_since_the_first_list_without_its_resources() {
    let used = r#"{"frameworks":[{"id":"F","name":"n","roles":["r"]}]}"#;
    let mut host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    for _ in 0..20 {
        host = host.answer(200, RESERVED).page("frameworks", 200, used);
    }
    host = host.answer(200, EMPTY).page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.answer(200, DELETED);
    let options = Options { wait_seconds: 3600, ..options(InUse::Refuse) };
    clean(&mut host, &target("r", "z"), &options).unwrap();
    let is_wait = |it: &&str| it.starts_with("Waiting until 105 s");
    assert!(host.lines().iter().any(is_wait), "{:#?}", host.lines());
    assert!(host.paused > Duration::from_secs(140 + 105), "{:?}", host.paused);
}

/// A master that keeps no record of unreachable agents just does not list it any more.
#[test]
fn an_agent_that_leaves_while_it_is_given_time_may_hold_something() {
    let other = EMPTY.replace("S0", "S1");
    let old = || calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"0.28.1"}"#);
    let list = |body: &str| body.replace("1.11.0", "0.28.1");
    let mut host = old().answer(200, list(EMPTY)).answer(200, list(&other));
    let failure = run(&mut host, &target("r", "z")).unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{}", failure.message);
    assert_eq!(failure.report.unreached[0].agent, "S0");
}

/// The first phase, or an attempt at it, takes so long that a service may have been installed again.
#[test]
fn the_frameworks_are_looked_at_again_after_a_long_time() {
    let again = r#"{"frameworks":[{"id":"F","name":"n","roles":["r"]}]}"#;
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"S0"},"info":{"type":"DESTROY","destroy":{"volumes":[{"name":"disk","role":"r","reservation":{},"disk":{"persistence":{}}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let clear = r#"{"get_operations":{}}"#;
    let options = Options { confirm_seconds: 60, ..options(InUse::Refuse) };
    for (looks, is_used) in [(1, false), (24, true)] {
        let begun = || {
            let host = calm().page("frameworks", 200, r#"{"frameworks":[]}"#);
            host.page("frameworks", 200, again).answer(200, VOLUME)
        };
        // The removal stays pending.
        let mut pends = begun().answer(202, "");
        for _ in 0..looks {
            pends = pends.page("api/v1", 200, pending);
        }
        pends = pends.page("api/v1", 200, clear).answer(200, RESERVED);
        pends = pends.answer(202, "").answer(200, EMPTY);
        // The master is not ready.
        let mut fails = begun();
        for _ in 0..looks {
            fails = fails.answer(503, "");
        }
        fails = fails.answer(202, "").answer(200, RESERVED).answer(202, "").answer(200, EMPTY);
        for (mut host, most) in [(pends, 1), (fails, looks)] {
            let result = clean(&mut host, &Target { znode: None, ..target("r", "z") }, &options);
            let changes = host.sent.iter().filter(|it| it.method == Method::Post).count();
            match result {
                Ok(_) => assert!(!is_used),
                Err(failure) => {
                    assert!(is_used && changes <= most, "{changes}: {}", failure.message);
                    assert!(failure.message.contains("1 framework(s) use the target now"));
                }
            }
        }
    }
}

#[test]
fn a_node_that_is_in_use_again_before_it_can_be_deleted_stays() {
    let again = r#"{"frameworks":[{"id":"F","name":"z","roles":["r"]}]}"#;
    let mut host = calm().answer(200, EMPTY).page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.page("frameworks", 200, again);
    for _ in 0..24 {
        host = host.answer(503, "");
    }
    host = host.answer(200, DELETED);
    let options = Options { confirm_seconds: 60, ..options(InUse::Refuse) };
    let failure = clean(&mut host, &target("", "z"), &options).unwrap_err();
    assert!(failure.message.contains("1 framework(s) use the target now"), "{}", failure.message);
    let outcome = failure.report.znode.map(|it| it.outcome);
    assert_eq!(outcome, Some(ZnodeOutcome::Failed("Exhibitor answers 503".into())));
}
