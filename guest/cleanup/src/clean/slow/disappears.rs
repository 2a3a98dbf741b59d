//! Resources that disappear from lists although the run has not removed them, and plans of a whole service.

use super::later::{agents, cpus, two};
use super::*;
use crate::clean::apply;

fn of_service(role: &str, principal: &str, znode: Option<&str>) -> Target {
    Target { principal: Some(principal.into()), ..target(role, znode) }
}

fn whole_service() -> Options {
    Options { whole_service: true, ..refusing() }
}

const NOTHING_PENDING: &str = r#"{"get_operations":{}}"#;

/// An UNRESERVE of cpus of a role, that a principal made, is pending on an agent.
fn pending(agent: u8, role: &str, principal: &str) -> String {
    format!(
        r#"{{"get_operations":{{"operations":[{{"agent_id":{{"value":"O-S{agent}"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{{"name":"cpus","role":"{role}","reservation":{{"principal":"{principal}"}}}}]}}}},"latest_status":{{"state":"OPERATION_PENDING"}}}}]}}}}"#
    )
}

/// Has a list show an agent disconnected.
fn away(list: &str, agent: u8) -> String {
    let name = format!(r#""hostname":"h{agent}","#);
    list.replace(&name, &format!(r#"{name}"active":false,"#))
}

/// A dynamically reserved disk with a volume, or without.
fn disk(role: &str, principal: &str, has_volume: bool) -> String {
    let volume =
        if has_volume { r#","disk":{"persistence":{"id":"v","principal":"x"}}"# } else { "" };
    format!(
        r#""{role}":[{{"name":"disk","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"{principal}"}}{volume}}}]"#
    )
}

/// A statically reserved disk with a volume, or without.
fn static_disk(role: &str, has_volume: bool) -> String {
    let volume =
        if has_volume { r#","disk":{"persistence":{"id":"w","principal":"y"}}"# } else { "" };
    format!(
        r#""{role}":[{{"name":"disk","role":"{role}","scalar":{{"value":1.0}},"reservations":[{{"type":"STATIC","role":"{role}"}}]{volume}}}]"#
    )
}

/// The requests in their order, to explain a failure.
fn story<F>(host: &Slow<F>) -> String {
    host.all.iter().map(|(at, it)| format!("\n  {at:?} {it}")).collect()
}

/// Nothing is pending; then another program has beta removed on an agent that is slow to carry it out; then the list lacks
/// beta. The operations that were read before that list do not say why.
#[test]
fn pending_operations_that_are_kept_say_nothing_of_a_later_list() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&alpha), &beta));
    let host = host.answer(202, "").answer(200, two(Some(""), "")).answer(200, DELETED);
    let stuck = pending(1, "beta", "x");
    let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING, &stuck]), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let results = clean_all(&mut host, &targets, &whole_service());
    let (asked, all) = (host.count("GET_OPERATIONS"), story(&host));
    assert!(
        results[0].is_err() && host.count("Delete") == 0,
        "asked for operations {asked} time(s): {results:?}{all}"
    );
}

/// The same if the list without beta is that after the wait for another target.
#[test]
fn nor_if_another_target_waits_in_between() {
    let beta = cpus("beta", &["x"]);
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    let of_c = two(Some(&cpus("c", &["y"])), &beta);
    let host =
        accepted(calm().page("frameworks", 200, NONE).answer(200, two(Some(&all), &beta)), 2);
    let host = host.answer(200, &of_c).answer(200, two(Some(""), "")).answer(200, DELETED);
    let (of_y, stuck) = (pending(0, "c", "y"), pending(1, "beta", "x"));
    let host = pages(host, "api/v1", &[&of_y, NOTHING_PENDING, &stuck]);
    let mut host = slow(host, |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}{}", story(&host));
}

/// The removal of c is confirmed. Meanwhile another program has alpha unreserved, which is pending, and the list that confirms
/// c lacks alpha.
#[test]
fn nor_for_a_target_that_disappears_from_a_list_for_another_one() {
    let begin = two(Some(&static_disk("c", true)), &cpus("alpha", &["x"]));
    let end = two(Some(&static_disk("c", false)), "");
    let host = calm().page("frameworks", 200, NONE).answer(200, begin).answer(202, "");
    let host = host.answer(200, end).answer(200, DELETED);
    let stuck = pending(1, "alpha", "x");
    let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING, &stuck]), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}{}", story(&host));
}

/// Another program unreserves everything between the two requests that confirm the volumes, so that this run has nothing left
/// to unreserve.
#[test]
fn what_another_program_unreserves_after_the_volumes_is_asked_for() {
    let begin = two(Some(&disk("alpha", "x", true)), &cpus("alpha", &["x"]));
    let host = calm().page("frameworks", 200, NONE).answer(200, begin).answer(202, "");
    let host = host.answer(200, two(Some(""), "")).answer(200, DELETED);
    let stuck = pending(1, "alpha", "x");
    let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING, &stuck]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &refusing());
    assert!(result.is_err() && host.count("Delete") == 0, "{result:?}{}", story(&host));
}

/// The volumes of alpha are confirmed, and those of c are waited for. The operations that are read for c show that another
/// program has alpha unreserved, before the list lacks alpha.
#[test]
fn also_while_another_target_waits_for_its_volumes() {
    let of = |role: &str, has_volume| disk(role, "x", has_volume);
    let begin = two(Some(&of("alpha", true)), &of("c", true));
    let first = two(Some(&of("alpha", false)), &of("c", true));
    let later = two(Some(""), &of("c", false));
    let destroyed = pending(1, "c", "x")
        .replace("UNRESERVE", "DESTROY")
        .replace(r#""unreserve":{"resources""#, r#""destroy":{"volumes""#)
        .replace(
            r#"{"name":"cpus","role":"c","reservation":{"principal":"x"}}"#,
            r#"{"name":"disk","role":"c","reservation":{"principal":"x"},"disk":{"persistence":{"id":"v","principal":"x"}}}"#,
        );
    let host = accepted(calm().page("frameworks", 200, NONE).answer(200, begin), 2);
    let host = host.answer(200, first).answer(200, later).answer(202, "");
    let host = host.answer(200, two(Some(""), "")).answer(200, DELETED);
    let stuck = pending(0, "alpha", "x");
    let mut host = slow(pages(host, "api/v1", &[&destroyed, &stuck]), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("c", "x", None)];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}{}", story(&host));
}

/// Nothing says what is pending. While the run waits until an agent that hears nothing would be unreachable, another program
/// has beta removed.
#[test]
fn before_mesos_1_6_a_removal_elsewhere_is_waited_for_as_long_as_the_own() {
    let old = |list: String| list.replace("1.11.0", "1.4.3");
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    for is_shared in [false, true] {
        let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
        let host = host.page("frameworks", 200, NONE);
        let host = host.answer(200, old(two(Some(&alpha), &beta))).answer(202, "");
        let host = host.answer(200, old(two(Some(""), &beta))).answer(200, old(two(Some(""), "")));
        let mut host = slow(host.answer(200, DELETED), |_, _| 0);
        let own = of_service("alpha", "x", Some("alpha"));
        let result = match is_shared {
            false => clean(&mut host, &own, &whole_service()),
            true => clean_all(&mut host, &[own], &whole_service()).remove(0),
        };
        let lists: Vec<_> = host.all.iter().filter(|it| it.1.contains("Get slaves")).collect();
        // The third list is the first one without beta.
        let since = host.script.paused.saturating_sub(lists[2].0);
        assert!(result.is_ok(), "{result:?}{}", story(&host));
        assert!(since >= Duration::from_secs(75), "{since:?}{}", story(&host));
    }
}

/// Each list shows beta on another agent, and no longer on the one before. The run is incomplete in any case.
#[test]
fn a_rest_that_moves_from_agent_to_agent_does_not_keep_the_run_from_ending() {
    let beta = cpus("beta", &["x"]);
    let at = |n: usize, own: &str| {
        let all: Vec<_> = (0..4u8)
            .map(|id| match id {
                0 => (id, own),
                _ if usize::from(id) == n % 3 + 1 => (id, beta.as_str()),
                _ => (id, ""),
            })
            .collect();
        agents(&all)
    };
    let host = calm().page("frameworks", 200, NONE).answer(200, at(0, &cpus("alpha", &["x"])));
    let mut host = host.answer(202, "");
    for n in 1..300 {
        host = host.answer(200, at(n, ""));
    }
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
    let lists = host.count("Get slaves");
    assert!(result.is_err(), "{result:?}");
    assert!(lists < 50, "{lists} lists in {:?}", host.script.paused);
}

/// Two targets that differ only in their labels share the record of the rest. Only the first reads the operations after beta
/// has disappeared, because the master answers 503 once.
#[test]
fn operations_that_one_target_has_read_are_asked_for_by_another_too() {
    let labelled = |key: &str| {
        format!(
            r#"{{"name":"cpus","role":"alpha","scalar":{{"value":1.0}},"reservation":{{"principal":"x","labels":{{"labels":[{{"key":"k","value":"{key}"}}]}}}}}}"#
        )
    };
    let own = format!(r#""alpha":[{},{}]"#, labelled("1"), labelled("2"));
    let beta = cpus("beta", &["x"]);
    let c = cpus("c", &["y"]);
    let begin = two(Some(&format!("{own},{c}")), &beta);
    let first = two(Some(&c), &beta);
    let host = calm().page("frameworks", 200, NONE).page("frameworks", 503, "");
    let host = accepted(host.page("frameworks", 200, NONE).answer(200, begin), 3);
    let host = host.answer(200, first).answer(200, two(Some(""), "")).answer(200, DELETED);
    let host =
        pages(host, "api/v1", &[&pending(0, "c", "y"), NOTHING_PENDING, &pending(1, "beta", "x")]);
    let mut host = slow(host, |_, _| 0);
    let by = |value: &str, znode: Option<&str>| Target {
        labels: vec![janitor_contract::types::LabelSelector {
            key: "k".into(),
            value: Some(value.into()),
        }],
        ..of_service("alpha", "x", znode)
    };
    let targets = [by("1", Some("alpha")), by("2", None), target("c", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    let verdicts: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(verdicts[..2], [false, false], "{results:?}{}", story(&host));
}

/// A plan waits for agents that are away. Of what a list has shown elsewhere before that, it shows only what the last one
/// shows.
#[test]
fn a_plan_that_has_waited_shows_what_there_is_after_that() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S1"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let away2 =
        |it: String| it.replace(r#""hostname":"h2","#, r#""hostname":"h2","active":false,"#);
    let first = away2(agents(&[(0, &alpha), (1, &beta), (2, &alpha)]));
    let second = agents(&[(0, &alpha), (2, &alpha)]);
    let options = whole_service();
    let waiting = Options { wait_seconds: 5, ..options.clone() };
    let host =
        calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 200, r#"{"master":{}}"#);
    let host = host.page("registrar(1)/registry", 200, registry);
    let mut host = slow(host.answer(200, first).answer(200, &second), |_, _| 0);
    let own = of_service("alpha", "x", Some("alpha"));
    let plan = crate::plan::plan(&mut host, &own, &waiting).unwrap();
    let host = calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 200, registry);
    let host = accepted(host.answer(200, &second), 2).answer(200, agents(&[(0, ""), (2, "")]));
    let mut host = slow(host, |_, _| 0);
    let result = apply(&mut host, &plan, &options);
    let failure = result.unwrap_err();
    assert_eq!(
        failure.reason,
        Reason::Incomplete,
        "{failure:?} {plan:?} {:?}",
        host.script.lines()
    );
}

/// The agent, which is disconnected, has beta.
#[test]
fn an_agent_that_is_ignored_only_when_a_plan_is_applied_is_no_difference() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let then = away(&two(Some(&alpha), &beta), 1);
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let plans = planned(&mut begun().answer(200, &then), &targets, &whole_service());
    let now = away(&two(Some(""), &beta), 1);
    let host = begun().answer(200, &then).answer(202, "").answer(200, now).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let result = apply(&mut host, &plans[0], &options);
    assert!(result.is_ok(), "{result:?} {:?}", host.script.lines());
}

/// The machine of the agent that had beta is shut down for maintenance, and the agent is not listed any more.
#[test]
fn an_ignored_agent_on_a_machine_that_is_down_is_named_once() {
    let status = r#"{"down_machines":[{"hostname":"h1","ip":"10.0.0.1"}]}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE).page("maintenance/status", 200, status);
    let host = host.answer(200, two(Some(&alpha), &beta)).answer(202, "");
    let host = host.answer(200, agents(&[(0, "")])).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let options = Options { ignored_agents: vec!["h1".into()], ..whole_service() };
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
    let report = result.unwrap();
    assert_eq!(report.ignored.len(), 1, "{report:?}");
}

/// Beta is on an agent that is disconnected and ignored.
#[test]
fn a_plan_warns_of_other_roles_only_if_it_shows_them() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let then = away(&two(Some(&alpha), &beta), 1);
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let plans =
        planned(&mut calm().page("frameworks", 200, NONE).answer(200, &then), &targets, &options);
    let warns = plans[0].warnings.contains(&Warning::PrincipalElsewhere);
    assert_eq!(warns, !plans[0].elsewhere.is_empty(), "{plans:?}");
}

/// Each plan shows the other role as the rest of the service, and both together remove all of it.
#[test]
fn the_plans_of_two_roles_of_a_service_delete_the_node() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let options = whole_service();
    let list = two(Some(&alpha), &beta);
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
    let page = "exhibitor/v1/explorer/node-data";
    let there = || {
        let host = Script::default().page(page, 200, r#"{"bytes":"","str":"","stat":"1"}"#);
        host.page("exhibitor/v1/explorer/node", 200, "[]").page("frameworks", 200, NONE)
    };
    let plans = planned(&mut there().answer(200, &list), &targets, &options);
    let host = there().page(page, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
    let host = accepted(host.answer(200, &list), 2).answer(200, two(Some(""), ""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    assert!(plans.iter().all(|plan| plan.elsewhere.len() == 1), "{plans:?}");
    assert!(results.iter().all(Result::is_ok) && host.count("Delete") == 1, "{results:?}");
}

/// While c is waited for, another program has alpha removed on an agent that is disconnected: the master accepts that, and no
/// longer lists it, but it is back when the agent is.
#[test]
fn what_disappears_from_a_disconnected_agent_is_asked_for() {
    let alpha = cpus("alpha", &["x"]);
    let all = format!("{alpha},{}", cpus("c", &["y"]));
    let host = calm().page("frameworks", 200, NONE);
    let host = accepted(host.answer(200, away(&two(Some(&all), &alpha), 1)), 2);
    let host = host.answer(200, away(&two(Some(&cpus("c", &["y"])), &alpha), 1));
    let host = host.answer(200, away(&two(Some(""), ""), 1)).answer(200, DELETED);
    let stuck = pending(1, "alpha", "x");
    let host = pages(host, "api/v1", &[&pending(0, "c", "y"), &stuck]);
    let mut host = slow(host, |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}{}", story(&host));
}

/// The other program is heard between the operations and the list.
#[test]
fn what_disappears_from_a_disconnected_agent_before_the_list_is_asked_for() {
    let alpha = cpus("alpha", &["x"]);
    let host = calm().page("frameworks", 200, NONE);
    let host = host.answer(200, away(&two(Some(&alpha), &alpha), 1)).answer(202, "");
    let host = host.answer(200, away(&two(Some(""), ""), 1)).answer(200, DELETED);
    let stuck = pending(1, "alpha", "x");
    let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING, &stuck]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &refusing());
    assert!(result.is_err() && host.count("Delete") == 0, "{result:?}{}", story(&host));
}

/// Both roles are targets of one run.
#[test]
fn a_clean_service_of_two_roles_ends_clean() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&alpha), &beta));
    let host = accepted(host, 2).answer(200, two(Some(""), ""));
    let host = accepted(host.answer(200, DELETED), 0);
    let mut host = slow(host, |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(host.count("Get slaves") <= 4, "{}", story(&host));
}

/// The volumes of alpha are confirmed, and alpha has nothing to unreserve. While those of c are
/// waited for, the agent O-S1 registers, and a list that only c takes shows cpus of alpha there. Another cleaner has them
/// removed, and the agent does not carry that out: the next list lacks them, and the operations after it would say so.
#[test]
fn what_only_a_list_for_another_target_has_shown_is_asked_for() {
    let disks = |alpha, c| format!("{},{}", static_disk("alpha", alpha), static_disk("c", c));
    let (both, of_c, none) = (disks(true, true), disks(false, true), disks(false, false));
    let host = calm().page("frameworks", 200, NONE).answer(200, agents(&[(0, &both)]));
    let host = accepted(host, 2).answer(200, agents(&[(0, &of_c)]));
    let host = host.answer(200, two(Some(&of_c), &cpus("alpha", &["x"])));
    let host = host.answer(200, two(Some(&none), "")).answer(200, DELETED);
    let stuck = pending(1, "alpha", "x");
    let host = pages(host, "api/v1", &[NOTHING_PENDING, NOTHING_PENDING, NOTHING_PENDING, &stuck]);
    let mut host = slow(host, |_, _| 0);
    let targets = [target("alpha", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}{}", story(&host));
}

/// Nine roles are one service, and nothing disturbs the run. The list after their removal lacks all of them, and the
/// operations that are read after it are the same for all.
#[test]
fn the_number_of_lists_does_not_depend_on_the_number_of_roles_of_a_service() {
    let roles: Vec<_> = (0..9).map(|n| format!("alpha{n}")).collect();
    let all: Vec<_> = roles.iter().map(|role| cpus(role, &["x"])).collect();
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&all.join(",")), ""));
    let host = accepted(host, roles.len()).answer(200, two(Some(""), ""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let of = |(n, role): (usize, &String)| of_service(role, "x", (n == 0).then_some("alpha0"));
    let targets: Vec<_> = roles.iter().enumerate().map(of).collect();
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let counts = (host.count("Get slaves"), host.count("GET_OPERATIONS"));
    assert!(counts.0 <= 4 && counts.1 <= 4, "{counts:?}{}", story(&host));
}

/// Two agents are ignored; in each list, one of them is disconnected and has alpha, and the
/// other is connected and has nothing.
#[test]
fn ignored_agents_that_take_turns_do_not_keep_the_run_from_ending() {
    let alpha = cpus("alpha", &["x"]);
    let at = |n: usize, own: &str| match n % 2 {
        0 => away(&agents(&[(0, own), (1, ""), (2, &alpha)]), 2),
        _ => away(&agents(&[(0, own), (1, &alpha), (2, "")]), 1),
    };
    let host = calm().page("frameworks", 200, NONE).answer(200, at(0, &alpha));
    let mut host = host.answer(202, "");
    for n in 1..300 {
        host = host.answer(200, at(n, ""));
    }
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let options = Options { ignored_agents: vec!["h1".into(), "h2".into()], ..refusing() };
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
    assert!(result.is_err(), "{result:?}");
    let lists = host.count("Get slaves");
    assert!(lists < 50, "{lists} lists in {:?}", host.script.paused);
}

/// The plan ignores O-S1, which has beta; the run ignores also O-S2, which has gamma. Both are
/// disconnected.
#[test]
fn an_agent_that_is_ignored_too_when_a_plan_is_applied_is_no_difference() {
    let list = |own: &str| {
        let (beta, gamma) = (cpus("beta", &["x"]), cpus("gamma", &["x"]));
        away(&away(&agents(&[(0, own), (1, &beta), (2, &gamma)]), 1), 2)
    };
    let begun = || calm().page("frameworks", 200, NONE).answer(200, list(&cpus("alpha", &["x"])));
    let ignoring = |names: &[&str]| Options {
        ignored_agents: names.iter().map(|it| (*it).into()).collect(),
        ..whole_service()
    };
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let plans = planned(&mut begun(), &targets, &ignoring(&["O-S1"]));
    let host = begun().answer(202, "").answer(200, list("")).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let result = apply(&mut host, &plans[0], &ignoring(&["O-S1", "O-S2"]));
    assert!(result.is_ok(), "{result:?} {:?}", host.script.lines());
}

/// Since the plans were made, beta has grown on another agent. The plan for alpha shows what there was of beta.
#[test]
fn a_service_that_has_grown_in_another_role_is_not_removed_in_part() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
    let begun = || calm().page("frameworks", 200, NONE);
    let then = two(Some(&alpha), &beta);
    let plans = planned(&mut begun().answer(200, then), &targets, &whole_service());
    let now = two(Some(&format!("{alpha},{beta}")), &beta);
    let host = begun().answer(200, now).answer(202, "").answer(200, two(Some(&beta), &beta));
    let mut host = slow(host, |_, _| 0);
    let results = apply_all(&mut host, &plans, &whole_service());
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert_eq!(host.count("unreserve"), 0, "{results:?}{}", story(&host));
}

/// The plan for each role shows the other one.
#[test]
fn the_plans_of_a_service_are_carried_out_once() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let options = whole_service();
    let begun = || calm().page("frameworks", 200, NONE);
    let targets = [of_service("alpha", "x", None), of_service("beta", "x", None)];
    let list = two(Some(&alpha), &beta);
    let plans = planned(&mut begun().answer(200, &list), &targets, &options);
    let host = accepted(begun().answer(200, &list), 2).answer(200, two(Some(""), ""));
    let first = apply_all(&mut slow(host, |_, _| 0), &plans, &options);
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    let mut host = slow(begun().answer(200, two(Some(""), "")), |_, _| 0);
    let again = apply_all(&mut host, &plans, &options);
    assert!(again.iter().all(Result::is_ok), "{again:?} {:?}", host.script.lines());
}

/// Of two targets with one owner, one finds that the other's request has removed everything.
#[test]
fn targets_with_one_owner_have_one_record() {
    let alpha = cpus("alpha", &["x"]);
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&alpha), ""));
    let host = host.answer(202, "").answer(400, "").answer(200, two(Some(""), ""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("alpha", "x", None)];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let counts = (host.count("GET_OPERATIONS"), host.count("Get slaves"));
    assert_eq!(counts, (1, 2), "{}", story(&host));
}

/// Nobody else does anything. The role above is released after those below it, so that only the list after it lacks it.
#[test]
fn before_mesos_1_6_the_targets_of_a_service_wait_for_silent_agents_together() {
    let old = |list: String| list.replace("1.11.0", "1.4.3");
    let roles = ["alpha", "alpha/a", "alpha/b"];
    let all = roles.map(|it| cpus(it, &["x"])).join(",");
    let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    let host = host.page("frameworks", 200, NONE).answer(200, old(two(Some(&all), "")));
    let host = accepted(host, 2).answer(200, old(two(Some(&cpus("alpha", &["x"])), "")));
    let host = accepted(host, 1).answer(200, old(two(Some(""), "")));
    let mut host = slow(host, |_, _| 0);
    let targets = roles.map(|it| of_service(it, "x", None));
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results.iter().all(Result::is_ok), "{results:?}{}", story(&host));
    // Each of them alone waits for 105 s.
    assert!(host.script.paused < Duration::from_secs(2 * 105), "{:?}", host.script.paused);
}

/// The first run has removed alpha, and not beta.
#[test]
fn plans_of_which_one_is_carried_out_are_out_of_date() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let targets = [of_service("alpha", "x", None), of_service("beta", "x", None)];
    let then = two(Some(&alpha), &beta);
    let plans = planned(&mut begun().answer(200, then), &targets, &whole_service());
    let mut host = slow(begun().answer(200, two(Some(""), &beta)), |_, _| 0);
    let results = apply_all(&mut host, &plans, &whole_service());
    let reasons: Vec<_> = results.iter().map(|it| it.as_ref().unwrap_err().reason).collect();
    assert_eq!(reasons, [Reason::Changed, Reason::Changed], "{results:?}");
}

/// O-S1 has beta, of which the other target concerns only what O-S2 has. The master has forgotten O-S1.
#[test]
fn a_target_on_certain_agents_concerns_nothing_on_others() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let part = Target { agents: vec!["h2".into()], ..of_service("beta", "x", None) };
    let targets = [of_service("alpha", "x", None), part];
    let then = agents(&[(0, &alpha), (1, &beta), (2, &beta)]);
    let plans = planned(&mut begun().answer(200, then), &targets, &whole_service());
    assert_eq!(plans[0].elsewhere[0].resources, 2, "{plans:?}");
    let mut host = slow(begun().answer(200, agents(&[(0, ""), (2, "")])), |_, _| 0);
    let results = apply_all(&mut host, &plans, &whole_service());
    assert!(results[0].is_err(), "{results:?}");
}

/// The first of these agents has something of the target too. A machine of another agent is shut down.
#[test]
fn each_ignored_agent_that_has_the_rest_is_named_once() {
    let status = r#"{"down_machines":[{"hostname":"h3","ip":"10.0.0.3"}]}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let both = format!("{alpha},{beta}");
    let list = |own: &str| away(&away(&agents(&[(0, own), (1, &both), (2, &beta)]), 1), 2);
    let host = calm().page("frameworks", 200, NONE).page("maintenance/status", 200, status);
    let host = host.answer(200, list(&alpha)).answer(202, "").answer(200, list(""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let ignored_agents = ["h1", "h2", "h3"].map(str::to_owned).to_vec();
    let options = Options { ignored_agents, ..whole_service() };
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
    let report = result.unwrap();
    let mut ignored: Vec<_> = report.ignored.iter().map(|it| &*it.hostname).collect();
    ignored.sort_unstable();
    assert_eq!(ignored, ["h1", "h2", "h3"], "{report:?}");
}

/// The plan shows that the node stays because of beta. Another program has beta removed while the run waits.
#[test]
fn a_node_that_a_plan_keeps_stays() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let page = "exhibitor/v1/explorer/node-data";
    let there = || {
        let host = Script::default().page(page, 200, r#"{"bytes":"","str":"","stat":"1"}"#);
        host.page("exhibitor/v1/explorer/node", 200, "[]").page("frameworks", 200, NONE)
    };
    let list = two(Some(&alpha), &beta);
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let plans = planned(&mut there().answer(200, &list), &targets, &whole_service());
    let host = there().page(page, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
    let host = accepted(host.answer(200, &list), 1).answer(200, two(Some(""), ""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let result = apply(&mut host, &plans[0], &whole_service());
    assert!(result.is_err() && host.count("Delete") == 0, "{result:?}{}", story(&host));
}

/// The plan shows an agent that is disconnected. Later the agent is back, and has nothing any more.
#[test]
fn what_a_plan_keeps_until_agents_are_reached_is_deleted_then() {
    let alpha = cpus("alpha", &["x"]);
    for (znode, expected) in [(Some("alpha"), 1), (None, 0)] {
        let page = "exhibitor/v1/explorer/node-data";
        let host = || Script::default().page(page, 200, r#"{"bytes":"","str":"","stat":"1"}"#);
        let begun =
            || host().page("exhibitor/v1/explorer/node", 200, "[]").page("frameworks", 200, NONE);
        let then = away(&two(Some(&alpha), &alpha), 1);
        let targets = [of_service("alpha", "x", znode)];
        let plans = planned(&mut begun().answer(200, &then), &targets, &refusing());
        let gone = begun().page(page, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
        let host = gone.answer(200, &then).answer(202, "").answer(200, two(Some(""), ""));
        let mut host = slow(host.answer(200, DELETED), |_, _| 0);
        let results = apply_all(&mut host, &plans, &refusing());
        let (is_ok, deletions) = (results[0].is_ok(), host.count("Delete"));
        assert_eq!((is_ok, deletions), (true, expected), "{results:?}{}", story(&host));
    }
}

/// The plan ignores O-S1, which is connected and has beta, so it shows that the node stays. Somebody agrees to that plan. The
/// agent is disconnected before the run lists the agents.
#[test]
fn an_ignored_agent_that_goes_after_the_plan_costs_no_node_that_the_plan_keeps() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let page = "exhibitor/v1/explorer/node-data";
    let there = || {
        let host = Script::default().page(page, 200, r#"{"bytes":"","str":"","stat":"1"}"#);
        host.page("exhibitor/v1/explorer/node", 200, "[]").page("frameworks", 200, NONE)
    };
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let then = two(Some(&alpha), &beta);
    let plans = planned(&mut there().answer(200, &then), &targets, &options);
    assert_eq!((plans[0].elsewhere.len(), plans[0].ignored.len()), (1, 0), "{plans:?}");
    let now = away(&two(Some(""), &beta), 1);
    let host = there().page(page, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
    let host = host.answer(200, away(&then, 1)).answer(202, "").answer(200, now);
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let result = apply(&mut host, &plans[0], &options);
    assert!(result.is_err() && host.count("Delete") == 0, "{result:?}{}", story(&host));
}

/// The agent, which is disconnected, has alpha and beta. On a terminal, the command hands over the plan as it is under the
/// options of the run.
#[test]
fn a_plan_under_the_options_is_applied_like_the_plan_itself() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let both = format!("{alpha},{beta}");
    let begun = || calm().page("frameworks", 200, NONE);
    let then = away(&two(Some(&alpha), &both), 1);
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let plans = planned(&mut begun().answer(200, &then), &targets, &whole_service());
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let under = janitor_contract::planned::under(&plans[0], &options);
    for plan in [&plans[0], &under] {
        let now = away(&two(Some(""), &both), 1);
        let host = begun().answer(200, &then).answer(202, "").answer(200, now).answer(200, DELETED);
        let mut host = slow(host, |_, _| 0);
        let result = apply(&mut host, plan, &options);
        assert!(result.is_ok(), "{plan:?} {result:?} {:?}", host.script.lines());
    }
}

/// The plan and the run ignore O-S1, which has beta. It is disconnected when the plan is made, and the master has marked it
/// unreachable when the plan is carried out. Nothing is removed from it either way.
#[test]
fn an_ignored_agent_with_the_rest_that_becomes_unreachable_is_no_difference() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S1"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let then = away(&two(Some(&alpha), &beta), 1);
    let plans = planned(&mut begun().answer(200, then), &targets, &options);
    let host = begun().page("registrar(1)/registry", 200, registry);
    let host = host.answer(200, agents(&[(0, &alpha)])).answer(202, "");
    let mut host = slow(host.answer(200, agents(&[(0, "")])).answer(200, DELETED), |_, _| 0);
    let result = apply(&mut host, &plans[0], &options);
    assert!(result.is_ok(), "{result:?} {:?}", host.script.lines());
}
