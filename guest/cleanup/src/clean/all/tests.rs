//! Runs for several targets and plans.

use super::*;
use crate::host::{Watched, request};
use crate::testing::Script;
use janitor_contract::types::{
    AgentOutcome, AgentResult, Endpoint, Error, Event, InUse, Method, Phase,
};

fn options() -> Options {
    Options { confirm_seconds: 0, in_use: InUse::Force, ..Options::DEFAULT }
}

fn target(role: &str, znode: Option<&str>) -> Target {
    Target { role: Some(role.into()), znode: znode.map(Into::into), ..Target::NOTHING }
}

/// A list of two agents, on which these roles have a volume or only a reservation.
fn list(volumes: &[&str], reservations: &[&str]) -> String {
    let volume = |role: &&str| {
        format!(
            r#""{role}":[{{"name":"disk","role":"{role}","reservation":{{}},"disk":{{"persistence":{{}}}}}}]"#
        )
    };
    let cpus =
        |role: &&str| format!(r#""{role}":[{{"name":"cpus","role":"{role}","reservation":{{}}}}]"#);
    let roles: Vec<_> = volumes.iter().map(volume).chain(reservations.iter().map(cpus)).collect();
    let agent = |id: &str| {
        format!(
            r#"{{"id":"{id}","version":"1.11.0","reserved_resources_full":{{{}}}}}"#,
            roles.join(",")
        )
    };
    format!(r#"{{"slaves":[{},{}]}}"#, agent("S0"), agent("S1"))
}

fn paths(host: &Script) -> Vec<&str> {
    host.sent.iter().filter_map(|request| request.path.last()).map(String::as_str).collect()
}

fn calm() -> Script {
    let gone = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
    Script::default().page("exhibitor/v1/explorer/node-data", 200, gone)
}

#[test]
fn three_lists_are_enough_for_any_number_of_targets() {
    let deleted = r#"{"message":"OK","succeeded":true}"#;
    let roles: Vec<_> = (0..9).map(|n| format!("r{n}")).collect();
    let names: Vec<_> = roles.iter().map(String::as_str).collect();
    let targets: Vec<_> = names.iter().map(|role| target(role, Some(role))).collect();
    let mut host = calm().answer(200, list(&names, &[]));
    for _ in 0..18 {
        host = host.answer(202, "");
    }
    host = host.answer(200, list(&[], &names));
    for _ in 0..18 {
        host = host.answer(202, "");
    }
    host = host.answer(200, list(&[], &[]));
    for _ in 0..9 {
        host = host.answer(200, deleted);
    }
    let results = clean_all(&mut host, &targets, &options());
    for result in &results {
        let report = result.as_ref().unwrap();
        assert_eq!(report.confirmed, [Phase::Volumes, Phase::Reservations]);
        assert_eq!(report.agents.len(), 4);
    }
    assert_eq!(results.len(), 9);
    assert_eq!(paths(&host).iter().filter(|it| **it == "slaves").count(), 3);
    assert_eq!(host.most_in_flight, host.window);
    assert_eq!(host.lines().iter().filter(|it| **it == "Destroying volumes...").count(), 1);
    let started = host.log.iter().filter_map(|entry| match entry.event {
        Some(Event::PhaseStarted(start)) if start.phase != Phase::Znode => Some(start.total),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), [18, 18]);
}

/// Returns a list as a whole, and as the master answers if it is asked for each agent alone.
fn of_each_agent(list: &str) -> (String, [String; 2]) {
    let body: serde_json::Value = serde_json::from_str(list).unwrap();
    let only = |slaves| serde_json::json!({"slaves": slaves, "recovered_slaves": []}).to_string();
    let alone = ["S0", "S1"].map(|id| {
        let slaves = body["slaves"].as_array().unwrap();
        only(slaves.iter().filter(|it| it["id"] == id).cloned().collect())
    });
    (only(body["slaves"].clone()), alone)
}

#[test]
fn where_few_agents_are_concerned_two_lists_are_enough() {
    let roles = ["a", "b"];
    let [before, between, after] = [
        of_each_agent(&list(&roles, &[])),
        of_each_agent(&list(&[], &roles)),
        of_each_agent(&list(&[], &[])),
    ];
    for has_reservations in [true, false] {
        let before = match has_reservations {
            true => before.0.clone(),
            // The volumes are on disks that are statically reserved.
            false => before.0.replace(r#""reservation":{},"#, ""),
        };
        let mut host = calm().with_agents_per_request(0).answer(200, &before);
        (0..4).for_each(|_| host = mem::take(&mut host).answer(202, ""));
        let removed = if has_reservations { &between.1 } else { &after.1 };
        for body in removed {
            host = host.answer(200, body);
        }
        if has_reservations {
            (0..4).for_each(|_| host = mem::take(&mut host).answer(202, ""));
        }
        host = host.answer(200, &after.0);
        let targets = roles.map(|role| target(role, None));
        let results = clean_all(&mut host, &targets, &options());
        for result in &results {
            let confirmed = &result.as_ref().unwrap().confirmed;
            assert_eq!(confirmed.contains(&Phase::Reservations), has_reservations);
        }
        let lists = host.sent.iter().filter(|it| it.path == ["slaves"]);
        let of_one: Vec<_> = lists.map(|it| !it.query.is_empty()).collect();
        assert_eq!(of_one, [false, true, true, false]);
    }
}

/// Agents that are read again alone show to each target what it has, and not what others have.
#[test]
fn only_the_target_that_still_has_its_volumes_fails() {
    let mut host = calm().with_agents_per_request(0);
    host = host.answer(200, of_each_agent(&list(&["a", "b"], &[])).0);
    (0..4).for_each(|_| host = mem::take(&mut host).answer(202, ""));
    for body in of_each_agent(&list(&["a"], &["b"])).1 {
        host = host.answer(200, body);
    }
    host = host.answer(202, "").answer(202, "").answer(200, list(&["a"], &[]));
    let targets = ["a", "b"].map(|role| target(role, None));
    let results = clean_all(&mut host, &targets, &options());
    let failure = results[0].as_ref().unwrap_err();
    assert!(failure.message.contains("does not confirm that the volume(s)"), "{failure:?}");
    assert_eq!(results[1].as_ref().unwrap().confirmed, [Phase::Volumes, Phase::Reservations]);
}

#[test]
fn what_the_list_for_another_target_shows_counts() {
    let mut host = calm().answer(200, list(&["a"], &["b"])).answer(202, "").answer(202, "");
    // While the removal of the volumes is confirmed, somebody else removes what `b` has.
    host = host.answer(200, list(&[], &["a"])).answer(202, "").answer(202, "");
    host = host.answer(200, list(&[], &[]));
    let results = clean_all(&mut host, &["a", "b"].map(|it| target(it, None)), &options());
    assert!(results.iter().all(Result::is_ok));
    // The host would have stopped the run at the removal of what is not listed any more.
    assert_eq!(paths(&host).iter().filter(|it| **it == "unreserve").count(), 2);
    let removed = results.iter().flatten().map(|report| {
        let accepted = |it: &&AgentResult| matches!(it.outcome, AgentOutcome::Accepted(_));
        report.agents.iter().filter(accepted).map(|it| it.phase).collect::<Vec<_>>()
    });
    let [volumes, reservations] = [Phase::Volumes, Phase::Reservations].map(|it| [it; 2]);
    assert_eq!(removed.collect::<Vec<_>>(), [[volumes, reservations].concat(), vec![]]);
}

#[test]
fn an_invalid_resource_of_one_target_keeps_no_other() {
    let valid = list(&[], &["q", "r"]);
    let invalid = valid.replace(r#""role":"r""#, r#""role":"x""#);
    let mut host = calm().answer(200, &invalid).answer(202, "").answer(202, "");
    host = host.answer(200, list(&[], &["r"]));
    let targets = [target("r", None), target("q", None)];
    let results = clean_all(&mut host, &targets, &options());
    let why = &results[0].as_ref().unwrap_err().message;
    assert!(why.contains("listed under role 'r' is reserved for another role"), "{why}");
    assert_eq!(results[1].as_ref().unwrap().confirmed, [Phase::Reservations]);
    assert_eq!(paths(&host).iter().filter(|it| **it == "slaves").count(), 2);
}

#[test]
fn one_target_that_fails_keeps_no_other() {
    let both = || list(&[], &["r", "q"]);
    let mut host = calm()
        .answer(200, both())
        .answer(403, "no")
        .answer(403, "no")
        .answer(202, "")
        .answer(202, "")
        .answer(200, list(&[], &["r"]));
    let targets = [target("r", Some("r")), target("q", None), target("q", None)];
    let results = clean_all(&mut host, &targets, &options());
    let [failed, clean, twice] = &results[..] else { panic!() };
    assert_eq!(failed.as_ref().unwrap_err().reason, Reason::Failed);
    assert_eq!(clean.as_ref().unwrap().confirmed, [Phase::Reservations]);
    assert_eq!(twice.as_ref().unwrap_err().reason, Reason::InvalidTarget);
    let lines = host.lines();
    assert!(lines.contains(&"Left on slave S0: 0 volume(s), 1 resource(s) for role 'r'"));
    assert!(lines.contains(&"Not deleted: znode 'r'"));
    assert!(lines.contains(&"Cleanup of role 'q' completed successfully."), "{lines:?}");
}

#[test]
fn a_znode_that_a_failed_target_names_too_stays() {
    let mut host = calm().answer(200, list(&[], &["r", "q"]));
    host = host.answer(403, "no").answer(403, "no").answer(202, "").answer(202, "");
    host = host.answer(200, list(&[], &["r"])).answer(200, r#"{"message":"OK","succeeded":true}"#);
    let other = Target { znode: Some("other".into()), ..Target::NOTHING };
    let targets = [target("r", Some("/z")), target("q", Some("z/")), other];
    let results = clean_all(&mut host, &targets, &options());
    assert_eq!(results[0].as_ref().unwrap_err().reason, Reason::Failed);
    let failure = results[1].as_ref().unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert!(failure.message.contains("another target, which names it"), "{}", failure.message);
    assert_eq!(failure.report.confirmed, [Phase::Reservations]);
    assert!(results[2].is_ok(), "{results:?}");
}

#[test]
fn several_plans_are_applied_or_are_carried_out_already() {
    let targets = ["r", "q"].map(|role| target(role, None));
    let none = r#"{"frameworks":[]}"#;
    let mut host = calm().answer(200, list(&[], &["r", "q"])).answer(200, none);
    let plans = crate::plan_all(&mut host, &targets, &options());
    let plans: Vec<_> = plans.into_iter().map(Result::unwrap).collect();
    let mut host = calm().answer(200, list(&[], &["q"])).answer(200, none);
    host = host.answer(202, "").answer(202, "").answer(200, list(&[], &[]));
    let results = apply_all(&mut host, &plans, &options());
    let [carried_out, applied] = &results[..] else { panic!("{results:?}") };
    assert_eq!(carried_out.as_ref().unwrap().agents, []);
    assert_eq!(applied.as_ref().unwrap().confirmed, [Phase::Reservations]);
    let lines = host.lines();
    assert!(lines.contains(&"The plan for role 'r' is already carried out."), "{lines:?}");
    assert!(lines.contains(&"Cleanup of role 'q' completed successfully."), "{lines:?}");
}

/// The checks of the other targets would be out of date afterwards.
#[test]
fn no_target_is_waited_for_long() {
    let used = r#"{"frameworks":[{"id":"F","name":"n","roles":["r"]}]}"#;
    let mut host = calm().answer(200, list(&[], &[])).answer(200, used);
    let options = Options { in_use: InUse::Refuse, wait_seconds: 60, ..options() };
    let results = clean_all(&mut host, &[target("r", None), target("q", None)], &options);
    assert_eq!(results[0].as_ref().unwrap_err().reason, Reason::InUse);
    assert!(results[1].is_ok());
    assert_eq!(host.paused, Duration::ZERO);
}

#[test]
fn the_app_is_removed_last_and_only_if_all_is_clean() {
    let own = |target: Target| Target { marathon_app: Some("/janitor".into()), ..target };
    let first = [own(target("kafka", None)), target("hdfs", None)];
    let mut host = calm().answer(200, list(&[], &[]));
    let results = clean_all(&mut host, &first, &options());
    assert_eq!(results[0].as_ref().unwrap_err().reason, Reason::InvalidTarget);
    let last = [target("kafka", None), own(target("hdfs", None))];
    let mut host = calm().answer(200, list(&[], &["hdfs"])).answer(202, "").answer(202, "");
    host = host.answer(200, list(&[], &[])).answer(200, "{}");
    let results = clean_all(&mut host, &last, &options());
    assert!(results[1].as_ref().unwrap().self_removal.is_some());
    let mut host = calm().answer(200, list(&[], &["kafka", "hdfs"]));
    host = host.answer(403, "").answer(403, "").answer(202, "").answer(202, "");
    host = host.answer(200, list(&[], &["kafka"]));
    let results = clean_all(&mut host, &last, &options());
    assert!(results[0].is_err() && results[1].as_ref().unwrap().self_removal.is_none());
}

/// The servers work for all targets at the same time, so the waits for them do not add up.
#[test]
fn all_targets_wait_together() {
    let of_role = |role: &str| {
        format!(
            r#"{{"agent_id":{{"value":"S0"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{{"name":"cpus","role":"{role}","reservation":{{}}}}]}}}},"latest_status":{{"state":"OPERATION_PENDING"}}}}"#
        )
    };
    let pending =
        format!(r#"{{"get_operations":{{"operations":[{},{}]}}}}"#, of_role("r"), of_role("q"));
    let mut host = calm().answer(200, list(&[], &["r", "q"])).page("api/v1", 200, pending);
    for _ in 0..4 {
        host = host.answer(202, "");
    }
    host = host.answer(200, list(&[], &[]));
    let options = Options { confirm_seconds: 30, ..options() };
    let results = clean_all(&mut host, &[target("r", None), target("q", None)], &options);
    for result in results {
        assert_eq!(result.unwrap_err().reason, Reason::Incomplete);
    }
    assert_eq!(host.paused, Duration::from_secs(30));
}

/// A removal of an earlier run is pending, and comes to nothing when its agent registers again.
#[test]
fn what_comes_back_is_listed_after_the_pending_operations() {
    let none = r#"{"get_operations":{"operations":[]}}"#;
    let back = list(&["r"], &[]);
    let mut host = calm().answer(200, list(&[], &[])).page("api/v1", 200, none);
    host = host.answer(200, back);
    let results = clean_all(&mut host, &[target("r", Some("r")), target("q", None)], &options());
    let why = &results[0].as_ref().unwrap_err().message;
    assert!(why.contains("came back with resources of role 'r'"), "{why}");
    assert!(results[1].is_ok());
}

/// A server that is not ready is waited for once, and not by each target anew.
#[test]
fn a_server_that_is_not_ready_is_waited_for_together() {
    let targets: Vec<_> = ["a", "b", "c", "d"].map(|role| target(role, None)).into();
    let options = Options { confirm_seconds: 30, ..options() };
    for call in [true, false] {
        let mut host = calm().page("registrar(1)/registry", 503, "");
        // The run begins later than the host's clock.
        let start = Duration::from_secs(100);
        host.paused = start;
        for _ in 0..20 {
            host = host.answer(200, list(&[], &[]));
        }
        match call {
            true => {
                let results = clean_all(&mut host, &targets, &options);
                assert!(results.iter().all(Result::is_err));
            }
            false => {
                let plans = crate::plan_all(&mut host, &targets, &options);
                assert!(plans.iter().all(Result::is_ok));
            }
        }
        let seconds = (host.paused - start).as_secs();
        assert!((30..=34).contains(&seconds), "{seconds}");
    }
}

/// Pages that do not agree are read again, also if another target has read them.
#[test]
fn a_framework_that_registers_in_the_middle_is_looked_for_again() {
    let counted = r#"{"master/frameworks_active":1.0}"#;
    let none = r#"{"frameworks":[]}"#;
    let other = r#"{"frameworks":[{"id":"F","name":"n","roles":["other"]}]}"#;
    let mut host = calm()
        .answer(200, list(&[], &["r", "q"]))
        .answer(200, none)
        .page("metrics/snapshot", 200, counted)
        .answer(200, other)
        .page("metrics/snapshot", 200, counted);
    for _ in 0..4 {
        host = host.answer(202, "");
    }
    host = host.answer(200, list(&[], &[]));
    let options = Options { in_use: InUse::Refuse, ..options() };
    let results = clean_all(&mut host, &[target("r", None), target("q", None)], &options);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(paths(&host).iter().filter(|it| **it == "frameworks").count(), 2);
}

#[test]
fn a_service_that_is_installed_again_keeps_its_node() {
    let none = r#"{"frameworks":[]}"#;
    let again = r#"{"frameworks":[{"id":"F","name":"n","roles":["r"]}]}"#;
    let mut host = calm()
        .answer(200, list(&[], &["r"]))
        .answer(200, none)
        .answer(202, "")
        .answer(202, "")
        .answer(200, list(&[], &[]))
        .answer(200, again);
    let options = Options { in_use: InUse::Refuse, ..options() };
    let results = clean_all(&mut host, &[target("r", Some("r"))], &options);
    let failure = results[0].as_ref().unwrap_err();
    assert!(failure.message.contains("1 framework(s) use the target now"), "{failure:?}");
    assert!(!host.sent.iter().any(|it| it.method == Method::Delete));
}

/// A wait for another target has made the first list too old, and no later one is known.
#[test]
fn an_old_list_is_not_used_for_the_next_operation() {
    let mut host = calm().answer(200, list(&["r"], &["q"])).answer(202, "").answer(202, "");
    host = host.fails(Error::Timeout).answer(200, list(&["r"], &[]));
    let targets = [target("r", None), target("q", None)];
    let results = clean_all(&mut host, &targets, &options());
    assert!(results[0].is_err());
    assert!(results[1].is_ok(), "{:?}", results[1]);
    let released = host.sent.iter().filter(|it| it.path == ["unreserve"]);
    assert_eq!(released.count(), 0);
}

/// Whoever answers another target with 404 then is not the master.
#[test]
fn all_targets_know_the_pages_that_one_of_them_has_read() {
    let mut host = Script::default();
    let memo = RefCell::new(Memo::new(&mut host, [].into_iter()));
    let (mut one, mut other) = (Handle(&memo), Handle(&memo));
    let page = request(Endpoint::Master, Method::Get, vec!["roles".into()]);
    assert!(!Watched::new(&mut other).knows(&page));
    Watched::new(&mut one).know(&page);
    assert!(Watched::new(&mut other).knows(&page));
}

/// The deletion of the first node takes long, and a service is installed again meanwhile.
#[test]
fn a_service_that_is_installed_while_nodes_are_deleted_keeps_its_node() {
    let none = r#"{"frameworks":[]}"#;
    let again = r#"{"frameworks":[{"id":"F","name":"q","roles":["q"]}]}"#;
    let node = |name: &str| Target { znode: Some(name.into()), ..Target::NOTHING };
    let host = |last: &str| {
        let mut host = calm().answer(200, list(&[], &[]));
        host = host.page("frameworks", 200, none).page("frameworks", 200, last);
        for _ in 0..20 {
            host = host.answer(503, "");
        }
        host.answer(200, r#"{"message":"OK","succeeded":true}"#)
    };
    let options = Options { in_use: InUse::Refuse, confirm_seconds: 40, ..options() };
    let targets = [node("p"), node("q")];
    let results = clean_all(&mut host(again), &targets, &options);
    assert!(results[0].is_ok(), "{:?}", results[0]);
    let failure = results[1].as_ref().unwrap_err();
    assert!(failure.message.contains("1 framework(s) use the target now"), "{failure:?}");
}

/// The deletion of the first node takes so long that the second target is in use then.
#[test]
fn a_node_above_that_of_a_target_in_use_stays() {
    let none = r#"{"frameworks":[]}"#;
    let again = r#"{"frameworks":[{"id":"F","name":"n","roles":["q-role"]}]}"#;
    let node = |name: &str| Target { znode: Some(name.into()), ..Target::NOTHING };
    let both = [target("q-role", Some("x/y")), node("x")];
    let reversed = [node("x"), target("q-role", Some("x/y"))];
    for (is_slow, [one, other]) in
        [(true, both.clone()), (false, both), (true, reversed.clone()), (false, reversed)]
    {
        let mut host = calm().answer(200, list(&[], &[]));
        host = host.page("frameworks", 200, none).page("frameworks", 200, again);
        for _ in 0..if is_slow { 20 } else { 1 } {
            host = host.answer(503, "");
        }
        for _ in 0..3 {
            host = host.answer(200, r#"{"message":"OK","succeeded":true}"#);
        }
        let options = Options { in_use: InUse::Refuse, confirm_seconds: 40, ..options() };
        let targets = [node("slow"), one, other];
        let results = clean_all(&mut host, &targets, &options);
        let are_clean: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(are_clean, [true, !is_slow, !is_slow], "{results:?}");
    }
}

/// Another target has waited for long before the first node is deleted.
#[test]
fn no_node_is_deleted_before_all_targets_are_looked_at() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"r","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let again = r#"{"frameworks":[{"id":"F","name":"n","roles":["q-role"]}]}"#;
    let node = Target { znode: Some("x".into()), ..Target::NOTHING };
    for (looks, is_clean) in [(1, true), (24, false)] {
        let mut host = calm().answer(200, list(&[], &[]));
        host = host.page("frameworks", 200, r#"{"frameworks":[]}"#);
        host = host.page("frameworks", 200, again);
        for _ in 0..looks {
            host = host.page("api/v1", 200, pending);
        }
        host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
        for _ in 0..2 {
            host = host.answer(200, r#"{"message":"OK","succeeded":true}"#);
        }
        let options = Options { in_use: InUse::Refuse, confirm_seconds: 60, ..options() };
        let targets = [node.clone(), target("q-role", Some("x/y")), target("r", None)];
        let results = clean_all(&mut host, &targets, &options);
        let are_clean: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(are_clean, [is_clean, is_clean, true], "{results:?}");
    }
}

/// One target's check waits, so that another list is read for the next one: all have that one.
#[test]
fn all_targets_have_the_same_list() {
    let mut host = calm().page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.page("roles", 503, "").page("roles", 200, r#"{"roles":[]}"#);
    // Another cleaner has removed what r had.
    host = host.answer(200, list(&["r", "q"], &[])).answer(200, list(&["q"], &[]));
    for after in [list(&[], &["q"]), list(&[], &[])] {
        host = host.answer(202, "").answer(202, "").answer(200, after);
    }
    let options = Options { in_use: InUse::Refuse, confirm_seconds: 40, ..options() };
    let results = clean_all(&mut host, &[target("r", None), target("q", None)], &options);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let forms = host.sent.iter().filter_map(|it| it.content.as_ref());
    let mut forms = forms.map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
    assert!(forms.all(|it| !it.contains("%22role%22%3A%22r%22")));
}

/// The check of the first target waits for a page, so that the second one looks at the frameworks anew.
#[test]
fn what_one_target_is_shown_counts_for_the_others() {
    let again = r#"{"frameworks":[{"id":"F","name":"p","roles":["p"]}]}"#;
    let none = r#"{"frameworks":[]}"#;
    for (last, is_clean) in [(none, true), (again, false)] {
        let mut host = calm().answer(200, list(&[], &[]));
        host = host.page("maintenance/status", 503, "").page("maintenance/status", 200, "{}");
        for page in [none, last] {
            host = host.page("frameworks", 200, page);
        }
        for _ in 0..2 {
            host = host.answer(200, r#"{"message":"OK","succeeded":true}"#);
        }
        let options = Options { in_use: InUse::Refuse, confirm_seconds: 20, ..options() };
        let targets = [target("p", Some("p")), target("q", Some("q"))];
        let results = clean_all(&mut host, &targets, &options);
        assert_eq!(results[0].is_ok(), is_clean, "{:?}", results[0]);
        assert!(results[1].is_ok(), "{:?}", results[1]);
    }
}

/// Another master takes over after the first target's check, which has waited for the metrics.
#[test]
fn what_confirms_the_frameworks_is_later_than_their_list() {
    let metrics = |registrations: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{registrations},"master/slaves_unreachable":0}}"#
        )
    };
    let mut host = calm().page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.answer(200, list(&["p", "q"], &[])).page("metrics/snapshot", 503, "");
    host = host.page("metrics/snapshot", 200, metrics(2));
    host = host.page("metrics/snapshot", 200, metrics(0));
    let options = Options { in_use: InUse::Refuse, confirm_seconds: 20, ..options() };
    let results = clean_all(&mut host, &[target("p", None), target("q", None)], &options);
    for result in results {
        let message = result.unwrap_err().message;
        assert!(message.contains("another master has probably taken over"), "{message}");
    }
    assert!(host.sent.iter().all(|it| it.method == Method::Get));
}

/// The deletion of a node above takes so long that the target below is in use then.
#[test]
fn a_further_attempt_looks_at_all_targets_with_nodes_below() {
    let again = r#"{"frameworks":[{"id":"F","name":"n","roles":["q-role"]}]}"#;
    let mut host = calm().answer(200, list(&[], &[]));
    host = host.page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.page("frameworks", 200, again);
    for _ in 0..24 {
        host = host.answer(503, "");
    }
    host = host.answer(200, r#"{"message":"OK","succeeded":true}"#);
    let options = Options { in_use: InUse::Refuse, confirm_seconds: 60, ..options() };
    let node = Target { znode: Some("x".into()), ..Target::NOTHING };
    let results = clean_all(&mut host, &[node, target("q-role", Some("x/y"))], &options);
    let messages: Vec<_> = results.iter().map(|it| &it.as_ref().unwrap_err().message).collect();
    assert!(
        messages[0].contains("names it, or a node above or below it, is not clean"),
        "{messages:?}"
    );
    assert!(messages[1].contains("1 framework(s) use the target now"), "{messages:?}");
}

#[test]
fn plans_that_are_carried_out_already_share_the_time_of_silent_agents() {
    let none = r#"{"frameworks":[]}"#;
    let host = || {
        let host = calm().page("api/v1", 400, "").page("frameworks", 200, none);
        host.page("version", 200, r#"{"version":"1.4.3"}"#)
    };
    let roles = ["p", "q", "r"];
    let old = |all: &[&str]| list(&[], all).replace("1.11.0", "1.4.3");
    let targets = roles.map(|it| target(it, None));
    let options = Options { in_use: InUse::Refuse, ..options() };
    let plans = crate::plan::plan_all(&mut host().answer(200, old(&roles)), &targets, &options);
    let plans: Vec<_> = plans.into_iter().map(Result::unwrap).collect();
    let mut host = host().answer(200, old(&[]));
    let results = apply_all(&mut host, &plans, &options);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(host.paused, Duration::from_secs(105));
}

/// A volume of one principal is on the reservation of another.
#[test]
fn a_plan_frees_what_another_plan_of_the_run_releases() {
    let disk = |volume: &str| {
        format!(
            r#"{{"slaves":[{{"id":"S0","version":"1.11.0","reserved_resources_full":{{"r":[{{"name":"disk","role":"r","scalar":{{"value":8.0}},"reservation":{{"principal":"q"}}{volume}}}]}}}}]}}"#
        )
    };
    let volume = disk(r#","disk":{"persistence":{"id":"v","principal":"p"}}"#);
    let empty = r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{}}]}"#;
    let of = |principal: &str| Target { principal: Some(principal.into()), ..target("r", None) };
    let begun = || calm().page("frameworks", 200, r#"{"frameworks":[]}"#).answer(200, &volume);
    let plans = crate::plan::plan_all(&mut begun(), &["p", "q"].map(of), &options());
    let plans: Vec<_> = plans.into_iter().map(Result::unwrap).collect();
    let removed = planned_volumes(plans[..1].iter());
    assert_eq!(removed, [("S0".into(), "v".into())]);
    assert!(planned_volumes(plans[1..].iter()).is_empty());
    let mut host = begun().answer(202, "").answer(200, disk(""));
    host = host.answer(202, "").answer(200, empty);
    let results = apply_all(&mut host, &plans, &options());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // Without the first plan, somebody else has destroyed the volume.
    let mut host = begun().answer(200, disk("")).answer(202, "");
    let failure = apply_all(&mut host, &plans[1..], &options()).pop().unwrap().unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete, "{failure:?}");
    assert!(host.lines().contains(&"Mesos version: 1.11.0 => 111"));
}

#[test]
fn what_a_role_below_has_refined_is_removed_too() {
    let of_a = r#"{"type":"DYNAMIC","role":"a"}"#;
    let of_b = r#",{"type":"DYNAMIC","role":"a/b"}"#;
    let list = |role: &str, refined: &str| {
        format!(
            r#"{{"slaves":[{{"id":"S0","version":"1.11.0","reserved_resources_full":{{"{role}":[{{"name":"cpus","scalar":{{"value":1.0}},"reservations":[{of_a}{refined}]}}]}}}}]}}"#
        )
    };
    for targets in [["a", "a/b"], ["a/b", "a"]] {
        let mut host = calm().answer(200, list("a/b", of_b)).answer(202, "");
        host = host.answer(200, list("a", "")).answer(202, "");
        host = host.answer(
            200,
            r#"{"slaves":[{"id":"S0","version":"1.11.0","reserved_resources_full":{}}]}"#,
        );
        let results = clean_all(&mut host, &targets.map(|it| target(it, None)), &options());
        for result in results {
            let report = result.unwrap();
            let accepted = |it: &&AgentResult| it.outcome == AgentOutcome::Accepted(202);
            assert_eq!(report.agents.iter().filter(accepted).count(), 1, "{report:?}");
        }
    }
}

#[test]
fn each_teardown_has_its_time() {
    let one = |id: &str, role: &str| {
        format!(r#"{{"id":"{id}","name":"{role}","active":false,"roles":["{role}"]}}"#)
    };
    let (r, q) = (one("F1", "r"), one("F2", "q"));
    let both = format!(r#"{{"frameworks":[{r},{q}]}}"#);
    let second = format!(r#"{{"frameworks":[{q}]}}"#);
    let mut host = calm().answer(200, list(&[], &[]));
    for _ in 0..18 {
        host = host.page("frameworks", 200, both.clone());
    }
    for _ in 0..8 {
        host = host.page("frameworks", 200, second.clone());
    }
    host = host.page("frameworks", 200, r#"{"frameworks":[]}"#);
    host = host.answer(202, "").answer(202, "");
    let options = Options { in_use: InUse::Teardown, confirm_seconds: 30, ..options() };
    let results = clean_all(&mut host, &[target("r", None), target("q", None)], &options);
    assert!(host.paused > Duration::from_secs(30), "{:?}", host.paused);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn forced_deletions_of_nodes_need_no_list() {
    let node = |name: &str| Target { znode: Some(name.into()), ..Target::NOTHING };
    let deleted = r#"{"message":"OK","succeeded":true}"#;
    let mut host = calm().answer(200, deleted).answer(200, deleted);
    let results = clean_all(&mut host, &[node("p"), node("q")], &options());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

/// A node above or below that of a target that is not clean may be a part of it.
#[test]
fn a_node_that_overlaps_that_of_a_failed_target_stays() {
    for (failed, other, stays) in
        [("x/y", "x", true), ("x", "/x/y", true), ("x/y", "x/z", false), ("xy", "x", false)]
    {
        let mut host = calm().answer(200, list(&[], &["r"])).answer(403, "").answer(403, "");
        host = host.answer(200, r#"{"message":"OK","succeeded":true}"#);
        let node = Target { znode: Some(other.into()), ..Target::NOTHING };
        let targets = [target("r", Some(failed)), node];
        let results = clean_all(&mut host, &targets, &options());
        assert!(results[0].is_err());
        assert_eq!(results[1].is_err(), stays, "{failed} {other} {:?}", results[1]);
    }
}
