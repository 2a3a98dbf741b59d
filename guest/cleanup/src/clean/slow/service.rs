//! Resources of other roles that may belong to the service of a target keep the node of a whole service.

use super::later::{PENDING, agents, alpha_then, cpus, two};
use super::*;
use crate::clean::apply;

fn of_service(role: &str, principal: &str, znode: Option<&str>) -> Target {
    Target { principal: Some(principal.into()), ..target(role, znode) }
}

fn whole_service() -> Options {
    Options { whole_service: true, ..refusing() }
}

/// A removal for beta, that principal x made, is pending on the second agent.
const BETA_PENDING: &str = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S1"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"beta","reservation":{"principal":"x"}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;

const NOTHING_PENDING: &str = r#"{"get_operations":{}}"#;

fn away(list: &str) -> String {
    list.replace(r#""hostname":"h1","#, r#""hostname":"h1","active":false,"#)
}

/// The same command is run again, after the run in `the_node_of_a_whole_service_stays_if_another_of_its_targets_fails`:
/// the agent of beta is still disconnected, its removal is still pending.
#[test]
fn the_same_command_again_keeps_the_node_too() {
    for rest in [String::new(), cpus("alpha", &["x"])] {
        let begin = away(&two(Some(&rest), ""));
        let mut host = calm().page("frameworks", 200, NONE).answer(200, begin);
        if !rest.is_empty() {
            host = host.answer(202, "");
        }
        let host = host.answer(200, away(&two(Some(""), ""))).answer(200, DELETED);
        let mut host = slow(pages(host, "api/v1", &[BETA_PENDING]), |_, _| 0);
        let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
        let results = clean_all(&mut host, &targets, &whole_service());
        assert!(results[1].is_err(), "{results:?}");
        assert!(results[0].is_err(), "{results:?}");
        assert_eq!(host.count("Delete"), 0, "{results:?}");
    }
}

/// The removal for beta is pending while alpha alone is cleaned.
#[test]
fn a_removal_that_is_pending_elsewhere_counts_for_a_single_target() {
    let begin = away(&two(Some(&cpus("alpha", &["x"])), ""));
    let host = calm().page("frameworks", 200, NONE).answer(200, begin).answer(202, "");
    let host = host.answer(200, away(&two(Some(""), ""))).answer(200, DELETED);
    let mut host = slow(pages(host, "api/v1", &[BETA_PENDING]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
    assert!(result.is_err(), "{result:?}");
    assert_eq!(host.count("Delete"), 0, "{result:?}");
}

/// The list that confirms alpha shows beta elsewhere; later ones, read while c waits, lack its agent, or show it
/// disconnected.
#[test]
fn what_the_confirming_list_shows_elsewhere_counts_while_another_target_waits() {
    let beta = cpus("beta", &["x"]);
    let (of_c, all) =
        (cpus("c", &["y"]), format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"])));
    for last in [away(&two(Some(""), "")), agents(&[(0, "")])] {
        let host =
            accepted(calm().page("frameworks", 200, NONE).answer(200, two(Some(&all), &beta)), 2);
        let host = host.answer(200, two(Some(&of_c), &beta)).answer(200, &last);
        let host =
            pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
        let mut host = slow(host, |_, _| 0);
        let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
        let results = clean_all(&mut host, &targets, &whole_service());
        assert!(results[0].is_err(), "{last} {results:?}");
        assert_eq!(host.count("Delete"), 0, "{last} {results:?}");
    }
}

/// One target: the first list shows beta elsewhere, the last one shows its agent disconnected, without it.
#[test]
fn what_an_earlier_list_shows_elsewhere_counts_for_a_single_target() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    for last in [away(&two(Some(""), "")), agents(&[(0, "")])] {
        let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&alpha), &beta));
        let host = host.answer(202, "").answer(200, &last).answer(200, DELETED);
        let mut host = slow(host, |_, _| 0);
        let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
        assert!(result.is_err(), "{last} {result:?}");
        assert_eq!(host.count("Delete"), 0, "{last} {result:?}");
    }
}

/// While c is pending, the second agent becomes unreachable, as the registry says. It had something elsewhere, or not.
#[test]
fn an_unreachable_agent_is_named_whatever_it_had_elsewhere() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S1"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    for elsewhere in [String::new(), cpus("beta", &["x"])] {
        let of_c = two(Some(&cpus("c", &["y"])), &elsewhere);
        let host =
            calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 200, registry);
        let host = accepted(host.answer(200, two(Some(&all), &elsewhere)), 2);
        let host = host.answer(200, &of_c).answer(200, &of_c).answer(200, agents(&[(0, "")]));
        let host =
            pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
        let mut host = slow(host, |_, _| 0);
        let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results[0].is_err(), "{elsewhere} {results:?}");
        assert_eq!(host.count("Delete"), 0, "{elsewhere} {results:?}");
    }
}

/// Two services x and y share the roles dev and pods. The pods of y are on an agent that fails; x is clean.
#[test]
fn another_service_of_the_same_role_keeps_no_node() {
    let first =
        |dev: &[&str], pods: &[&str]| format!("{},{}", cpus("dev", dev), cpus("pods", pods));
    let begin = two(Some(&first(&["x"], &["x"])), &cpus("pods", &["y"]));
    let gone = away(&two(Some(""), ""));
    let host = calm().page("frameworks", 200, NONE).answer(200, begin);
    let host = accepted(host, 3).answer(200, &gone).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let targets = [
        of_service("dev", "x", Some("x")),
        of_service("pods", "x", None),
        of_service("pods", "y", None),
    ];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[2].is_err(), "{results:?}");
    assert!(results[1].is_ok(), "{results:?}");
    assert!(results[0].is_ok(), "{results:?}");
    assert_eq!(host.count("Delete"), 1, "{results:?}");
}

/// An ignored agent hides what is reserved for a role that the user may not view. The removal of beta there is refused
/// once, then carried out.
#[test]
fn an_agent_that_always_hides_something_keeps_no_service() {
    let hiding = |list: String| {
        list.replace(r#""hostname":"h1","#, r#""hostname":"h1","resources":{"gpus":4.0},"#)
    };
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    for is_refused in [false, true] {
        let begin = hiding(two(Some(&alpha), &beta));
        let host = calm().page("frameworks", 200, NONE).answer(200, begin).answer(202, "");
        let host = match is_refused {
            true => host
                .answer(409, "")
                .answer(200, hiding(two(Some(""), &beta)))
                .answer(200, hiding(two(Some(""), &beta)))
                .answer(202, ""),
            false => host.answer(202, ""),
        };
        let host = host.answer(200, hiding(two(Some(""), ""))).answer(200, DELETED);
        let mut host = slow(host, |_, _| 0);
        let options = Options { ignored_agents: vec!["h1".into()], ..whole_service() };
        let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
        let results = clean_all(&mut host, &targets, &options);
        assert!(results.iter().all(Result::is_ok), "{is_refused} {results:?}");
    }
}

/// The plan for a whole service is carried out, and something of it is elsewhere.
#[test]
fn a_plan_that_is_carried_out_has_the_whole_service() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let options = whole_service();
    let targets = [of_service("alpha", "x", None)];
    let plans = planned(&mut begun().answer(200, two(Some(&alpha), &beta)), &targets, &options);
    let mut host = slow(
        begun()
            .answer(200, two(Some(&alpha), &beta))
            .answer(202, "")
            .answer(200, two(Some(""), &beta)),
        |_, _| 0,
    );
    let first = crate::clean::apply(&mut host, &plans[0], &options);
    assert!(first.is_err(), "{first:?}");
    let mut host = slow(begun().answer(200, two(Some(""), &beta)), |_, _| 0);
    let second = crate::clean::apply(&mut host, &plans[0], &options);
    assert!(second.is_err(), "{second:?}");
}

/// A list shows beta elsewhere, and the last one lacks that agent and shows gamma on another, or nothing.
#[test]
fn all_that_is_elsewhere_stays_reported() {
    let first = two(Some(""), &cpus("beta", &["x"]));
    for gamma in [String::new(), cpus("gamma", &["x"])] {
        let last = agents(&[(0, &gamma)]);
        for znode in [None, Some("alpha")] {
            let (result, _) = alpha_then(znode, "", [&first, &last], &refusing());
            let elsewhere = result.unwrap().elsewhere;
            assert!(
                elsewhere.iter().any(|it| it.role == "beta"),
                "{gamma} {znode:?} {elsewhere:?}"
            );
        }
    }
}

/// A target without a principal whose removal is pending is a role of the service by its name.
#[test]
fn a_role_with_the_name_of_another_in_a_folder_is_of_its_service() {
    let pending = BETA_PENDING.replace(
        r#""role":"beta","reservation":{"principal":"x"}"#,
        r#""role":"slave_public/alpha","reservation":{}"#,
    );
    let begin = away(&two(Some(""), ""));
    let host = calm().page("frameworks", 200, NONE).answer(200, begin).answer(200, DELETED);
    let mut host = slow(pages(host, "api/v1", &[&pending]), |_, _| 0);
    let targets = [target("alpha", Some("alpha")), target("slave_public/alpha", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[1].is_err(), "{results:?}");
    assert!(results[0].is_err(), "{results:?}");
    assert_eq!(host.count("Delete"), 0, "{results:?}");
}

/// While the run makes sure that a plan is carried out, the agent of beta comes back.
#[test]
fn a_plan_is_not_carried_out_while_something_comes_back_elsewhere() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let options = whole_service();
    let begun = || calm().page("frameworks", 200, NONE);
    let targets = [of_service("alpha", "x", None)];
    let plans = planned(&mut begun().answer(200, away(&two(Some(&alpha), ""))), &targets, &options);
    let script = || {
        let host = begun().answer(200, away(&two(Some(""), "")));
        host.answer(200, two(Some(""), &beta)).answer(200, two(Some(""), &beta))
    };
    let mut host = slow(script(), |_, _| 0);
    let several = apply_all(&mut host, &plans, &options);
    assert!(several[0].is_err(), "several {several:?}");
    let mut host = slow(script(), |_, _| 0);
    let single = crate::clean::apply(&mut host, &plans[0], &options);
    assert!(single.is_err(), "single {single:?}");
}

/// The service has made reservations under both spellings of its principal. The removal of some is refused.
#[test]
fn another_target_of_the_same_role_and_service_keeps_the_node() {
    let (here, there) = (cpus("alpha", &["x"]), cpus("alpha", &["/x"]));
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&here), &there));
    let host = host.answer(202, "").answer(403, "").answer(200, two(Some(""), &there));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("alpha", "/x", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[1].is_err(), "{results:?}");
    assert!(results[0].is_err(), "{results:?}");
    assert_eq!(host.count("Delete"), 0, "{results:?}");
}

/// A removal for beta stays pending on the agent on which alpha has a volume: alpha's own resources are removed.
#[test]
fn a_removal_that_stays_pending_elsewhere_stops_no_phase() {
    let volume = r#""alpha":[{"name":"disk","role":"alpha","scalar":{"value":1.0},"reservation":{"principal":"x"},"disk":{"persistence":{"id":"v","principal":"x"}}}]"#;
    let plain = r#""alpha":[{"name":"disk","role":"alpha","scalar":{"value":1.0},"reservation":{"principal":"x"}}]"#;
    let stuck = BETA_PENDING.replace("O-S1", "O-S0");
    let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(volume), ""));
    let host = host.answer(202, "").answer(200, two(Some(plain), ""));
    let host = host.answer(202, "").answer(200, two(Some(""), ""));
    let mut host = slow(pages(host, "api/v1", &[&stuck]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
    let failure = result.unwrap_err();
    assert_eq!(host.count("unreserve"), 1, "{failure:?}");
    assert_eq!(failure.report.confirmed.len(), 2, "{failure:?}");
}

/// An ignored agent becomes unreachable after the removal for beta.
#[test]
fn the_rest_on_an_ignored_agent_that_is_away_keeps_no_node() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S1"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 200, registry);
    let host = host.answer(200, two(Some(&alpha), &beta));
    let host = accepted(host, 2).answer(200, agents(&[(0, "")])).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let targets = [of_service("alpha", "x", Some("alpha")), of_service("beta", "x", None)];
    let results = clean_all(&mut host, &targets, &options);
    assert!(results[1].is_ok(), "{results:?}");
    assert!(results[0].is_ok(), "{results:?}");
}

/// Another program has beta removed after this run has read the pending operations, and before it lists the agents. That
/// removal stays pending.
#[test]
fn a_removal_elsewhere_between_the_operations_and_the_list_is_asked_for() {
    let beta = cpus("beta", &["x"]);
    for own in [cpus("alpha", &["x"]), String::new()] {
        let mut host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&own), &beta));
        if !own.is_empty() {
            host = host.answer(202, "");
        }
        let host = host.answer(200, two(Some(""), "")).answer(200, DELETED);
        let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING, BETA_PENDING]), |_, _| 0);
        let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
        assert!(result.is_err() && host.count("Delete") == 0, "'{own}' {result:?}");
    }
    // If nothing is pending then, the run is clean.
    let host =
        calm().page("frameworks", 200, NONE).answer(200, two(Some(&cpus("alpha", &["x"])), &beta));
    let host = host.answer(202, "").answer(200, two(Some(""), "")).answer(200, two(Some(""), ""));
    let host = host.answer(200, DELETED);
    let mut host = slow(pages(host, "api/v1", &[NOTHING_PENDING]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
    assert!(result.is_ok() && host.count("Delete") == 1, "{result:?}");
}

/// A removal is pending on an ignored agent. Another program has beta removed on another agent after this run has read the
/// pending operations, and before it lists the agents.
#[test]
fn a_removal_elsewhere_is_asked_for_whatever_an_ignored_agent_has_pending() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let three = |all: [&str; 3]| agents(&[(0, all[0]), (1, all[1]), (2, all[2])]);
    let ignored = BETA_PENDING.replace("O-S1", "O-S2");
    let host = calm()
        .page("frameworks", 200, NONE)
        .answer(200, three([&alpha, &beta, ""]))
        .answer(202, "");
    let host = host
        .answer(200, three(["", &beta, ""]))
        .answer(200, three(["", "", ""]))
        .answer(200, DELETED);
    let mut host = slow(pages(host, "api/v1", &[&ignored, &ignored, BETA_PENDING]), |_, _| 0);
    let options = Options { ignored_agents: vec!["O-S2".into()], ..whole_service() };
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
    assert!(result.is_err() && host.count("Delete") == 0, "{result:?}");
}

/// Alpha is confirmed while the list shows beta elsewhere. While c waits, another program has beta removed, and that
/// removal stays pending.
#[test]
fn a_removal_elsewhere_while_another_target_waits_is_asked_for() {
    let beta = cpus("beta", &["x"]);
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    let of_c = two(Some(&cpus("c", &["y"])), &beta);
    let host =
        accepted(calm().page("frameworks", 200, NONE).answer(200, two(Some(&all), &beta)), 2);
    let host = host.answer(200, &of_c).answer(200, two(Some(""), "")).answer(200, DELETED);
    let mut host = slow(pages(host, "api/v1", &[PENDING, BETA_PENDING]), |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}");
}

/// The agent of beta, which is back, is listed only after alpha's volume is destroyed. The target beta names no principal. Its
/// removal is refused once, then accepted, and stays pending, after alpha was confirmed.
#[test]
fn a_target_of_the_service_that_only_a_later_list_shows_keeps_the_node() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let volume = r#""alpha":[{"name":"disk","role":"alpha","scalar":{"value":1.0},"reservation":{"principal":"x"},"disk":{"persistence":{"id":"v","principal":"x"}}}]"#;
    let host = calm().page("frameworks", 200, NONE).answer(200, agents(&[(0, volume)]));
    let host = host.answer(202, "").answer(200, two(Some(&alpha), &beta));
    let host = host.answer(202, "").answer(409, "");
    let host = host.answer(200, two(Some(""), &beta)).answer(200, two(Some(""), &beta));
    let host = host.answer(202, "").answer(200, two(Some(""), "")).answer(200, DELETED);
    let host = pages(host, "api/v1", &[NOTHING_PENDING, NOTHING_PENDING, BETA_PENDING]);
    let mut host = slow(host, |_, _| 0);
    let targets = [of_service("alpha", "x", Some("alpha")), target("beta", None)];
    let results = clean_all(&mut host, &targets, &whole_service());
    assert!(results[1].is_err(), "{results:?}");
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?}");
}

/// A plan shows that the node is deleted although an ignored agent that is away has the rest; a run says that it ignores the
/// agent, and the same plan again is carried out already.
#[test]
fn a_plan_ignores_the_rest_on_an_ignored_agent_that_is_away() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let begun = || calm().page("frameworks", 200, NONE);
    let options = Options { ignored_agents: vec!["O-S1".into()], ..whole_service() };
    let targets = [of_service("alpha", "x", Some("alpha"))];
    let (then, now) = (away(&two(Some(&alpha), &beta)), away(&two(Some(""), &beta)));
    let plans = planned(&mut begun().answer(200, &then), &targets, &options);
    assert!(janitor_contract::changes::afterwards(&plans[0], &options).is_some(), "{plans:?}");
    assert_eq!(plans[0].ignored.len(), 1, "{plans:?}");
    let host = begun().answer(200, &then).answer(202, "").answer(200, &now).answer(200, DELETED);
    let report = apply(&mut slow(host, |_, _| 0), &plans[0], &options).unwrap();
    assert_eq!((report.ignored.len(), &*report.ignored[0].agent), (1, "O-S1"), "{report:?}");
    let mut host = slow(begun().answer(200, &now), |_, _| 0);
    let again = apply(&mut host, &plans[0], &options);
    assert!(again.is_ok(), "{again:?}");
    // Without the option, the plan shows that the agent is away, and the run keeps the node.
    let plans = planned(&mut begun().answer(200, &then), &targets, &whole_service());
    assert_eq!((plans[0].ignored.len(), plans[0].unreached.len()), (0, 1), "{plans:?}");
}

/// Beta is on an agent that is away. It comes back while the run waits, and has lost its state.
#[test]
fn an_agent_with_the_rest_is_waited_for() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    for wait_seconds in [0, 60] {
        let host = calm().page("frameworks", 200, NONE);
        let host = host.answer(200, away(&two(Some(&alpha), &beta))).answer(202, "");
        let host = host.answer(200, away(&two(Some(""), &beta)));
        let host = host.answer(200, two(Some(""), "")).answer(200, two(Some(""), ""));
        let mut host = slow(host.answer(200, DELETED), |_, _| 0);
        let options = Options { wait_seconds, ..whole_service() };
        let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
        let Err(failure) = result else {
            assert!(wait_seconds > 0 && host.count("Delete") == 1);
            continue;
        };
        let unreached: Vec<_> = failure.report.unreached.iter().map(|it| &*it.agent).collect();
        let roles: Vec<_> = failure.report.elsewhere.iter().map(|it| &*it.role).collect();
        assert_eq!((wait_seconds, unreached, roles), (0, vec!["O-S1"], vec!["beta"]));
        assert_eq!(failure.reason, Reason::Incomplete);
    }
}

/// The agent that is waited for has something of the service, and nothing of the target.
#[test]
fn what_the_run_waits_for_is_true() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE);
    let host = host.answer(200, away(&two(Some(&alpha), &beta))).answer(202, "");
    let host = host.answer(200, away(&two(Some(""), &beta)));
    let host = host.answer(200, two(Some(""), "")).answer(200, two(Some(""), ""));
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let options = Options { wait_seconds: 60, ..whole_service() };
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
    let lines = host.script.lines();
    let mut waits = lines.iter().filter(|it| it.starts_with("Waiting up to ")).peekable();
    assert!(result.is_ok() && waits.peek().is_some(), "{result:?} {lines:?}");
    assert!(waits.all(|it| it.contains("or of its service")), "{lines:?}");
}

/// A removal for beta was accepted before its agent lost its connection. The agent has more of beta.
#[test]
fn an_agent_that_is_away_is_not_only_behind() {
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let host = calm().page("frameworks", 200, NONE);
    let host = host.answer(200, away(&two(Some(&alpha), &beta))).answer(202, "");
    let host = host.answer(200, away(&two(Some(""), &beta)));
    let mut host = slow(pages(host, "api/v1", &[BETA_PENDING]), |_, _| 0);
    let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &whole_service());
    let unreached = result.unwrap_err().report.unreached;
    let reasons: Vec<_> = unreached.iter().map(|it| it.reason).collect();
    assert_eq!(reasons, [janitor_contract::types::UnreachedReason::NotActive], "{unreached:?}");
}

/// An agent with beta becomes unreachable during the run. The registry names it without its host name.
#[test]
fn an_agent_with_the_rest_is_ignored_by_its_host_name_too() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S1"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let (alpha, beta) = (cpus("alpha", &["x"]), cpus("beta", &["x"]));
    for name in ["O-S1", "h1"] {
        let host = calm().page("frameworks", 200, NONE);
        let host = host.page("registrar(1)/registry", 200, registry);
        let host = host.answer(200, two(Some(&alpha), &beta)).answer(202, "");
        let mut host = slow(host.answer(200, agents(&[(0, "")])).answer(200, DELETED), |_, _| 0);
        let options = Options { ignored_agents: vec![name.into()], ..whole_service() };
        let result = clean(&mut host, &of_service("alpha", "x", Some("alpha")), &options);
        assert!(result.is_ok(), "{name} {result:?}");
    }
}
