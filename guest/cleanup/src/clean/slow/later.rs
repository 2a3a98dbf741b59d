//! Lists that are read for other targets show something of a target of which nothing was left.

use super::*;
use janitor_contract::types::{Failure, Report};

/// A list of agents, by number, with what is reserved on them.
pub(super) fn agents(each: &[(u8, &str)]) -> String {
    let agent = |(id, reserved): &(u8, &str)| {
        format!(
            r#"{{"id":"O-S{id}","hostname":"h{id}","version":"1.11.0","reserved_resources_full":{{{reserved}}}}}"#
        )
    };
    let all: Vec<_> = each.iter().map(agent).collect();
    format!(r#"{{"slaves":[{}],"recovered_slaves":[]}}"#, all.join(","))
}

/// A list of two agents. The first one may not be listed.
pub(super) fn two(first: Option<&str>, second: &str) -> String {
    match first {
        Some(first) => agents(&[(0, first), (1, second)]),
        None => agents(&[(1, second)]),
    }
}

/// The cpus of a role that these principals have reserved.
pub(super) fn cpus(role: &str, principals: &[&str]) -> String {
    let one = |principal: &&str| {
        format!(
            r#"{{"name":"cpus","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"{principal}"}}}}"#
        )
    };
    let all: Vec<_> = principals.iter().map(one).collect();
    format!(r#""{role}":[{}]"#, all.join(","))
}

/// The disk of a role, which may have a volume.
fn disk(role: &str, principal: &str, has_volume: bool) -> String {
    let volume = if has_volume { r#","disk":{"persistence":{"id":"v"}}"# } else { "" };
    format!(
        r#""{role}":[{{"name":"disk","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"{principal}"}}{volume}}}]"#
    )
}

/// Principal x has cpus of the role alpha on the first agent; the second one has `other`. These cpus are removed. Then
/// the list that is read for the next target is `first`, and after a pause the one for the third target is `last`. It
/// returns the result for alpha, and the number of nodes that were deleted.
pub(super) fn alpha_then(
    znode: Option<&str>,
    other: &str,
    [first, last]: [&str; 2],
    options: &Options,
) -> (Result<Report, Failure>, usize) {
    let [begin, removed] = [&cpus("alpha", &["x"]), ""].map(|it| two(Some(it), other));
    lists_of_alpha(znode, [&begin, &removed, first, last], options)
}

/// The same with these lists.
fn lists_of_alpha(
    znode: Option<&str>,
    [begin, removed, first, last]: [&str; 4],
    options: &Options,
) -> (Result<Report, Failure>, usize) {
    let alpha = Target { principal: Some("x".into()), ..target("alpha", znode) };
    let host = calm().answer(200, begin).answer(202, "").answer(200, removed);
    let mut host = slow(then(host, first).answer(200, last).answer(200, DELETED), |_, _| 0);
    let targets = [alpha, target("queue-one", None), target("third", None)];
    let mut results = clean_all(&mut host, &targets, options);
    (results.swap_remove(0), host.count("Delete"))
}

/// A removal for queue-one is pending, so this list is read for it; before the third target, the run pauses.
fn then(host: Script, list: &str) -> Script {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"queue-one","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let host = pages(host.answer(200, list), "frameworks", &[NONE]);
    let host = pages(host, "api/v1", &[pending, r#"{"get_operations":{}}"#]);
    let page = "maintenance/status";
    host.page(page, 200, "{}").page(page, 503, "").page(page, 200, "{}")
}

/// The second agent is out of reach and ignored, and has cpus of alpha.
#[test]
fn an_ignored_agent_hides_no_other() {
    let alpha = cpus("alpha", &["x"]);
    let list = |first: Option<&str>, second: &str| {
        two(first, second).replace(r#""hostname":"h1","#, r#""hostname":"h1","active":false,"#)
    };
    let (all, calm) = (list(Some(&alpha), &alpha), list(Some(""), &alpha));
    let unreadable = list(Some(r#""alpha":[{"role":"q"}]"#), &alpha);
    let options = Options { ignored_agents: vec!["H1".into()], ..refusing() };
    for (first, last, is_clean) in [
        (&calm, &calm, true),
        (&calm, &all, false),
        (&all, &calm, false),
        (&all, &list(None, &alpha), false),
        (&all, &list(Some(""), ""), false),
        (&unreadable, &calm, false),
        (&calm, &unreadable, false),
    ] {
        for znode in [None, Some("alpha")] {
            let (result, deletions) = lists_of_alpha(znode, [&all, &calm, first, last], &options);
            let expected = (is_clean, usize::from(is_clean && znode.is_some()));
            assert_eq!((result.is_ok(), deletions), expected, "{first} {last} {result:?}");
        }
    }
}

/// The second agent is connected and ignored, and may hide what is reserved for another role. It has cpus of alpha.
#[test]
fn an_ignored_agent_that_is_connected_counts() {
    let alpha = cpus("alpha", &["x"]);
    let options = Options { ignored_agents: vec!["h1".into()], ..refusing() };
    for hidden in ["", r#""resources":{"gpus":4.0},"#] {
        let list = |second: &str| {
            two(Some(""), second)
                .replace(r#""hostname":"h1","#, &format!(r#""hostname":"h1",{hidden}"#))
        };
        let (back, empty, without) = (list(&alpha), list(""), agents(&[(0, "")]));
        for (first, last, is_clean) in [
            (&empty, &empty, true),
            (&back, &back, false),
            (&empty, &back, false),
            (&back, &empty, false),
            (&back, &without, false),
        ] {
            for znode in [None, Some("alpha")] {
                let lists = [&*back, &empty, first, last];
                let (result, deletions) = lists_of_alpha(znode, lists, &options);
                let expected = (is_clean, usize::from(is_clean && znode.is_some()));
                assert_eq!((result.is_ok(), deletions), expected, "{first} {last} {result:?}");
            }
        }
    }
}

/// The second agent is out of reach; it is ignored by its id, or not at all.
#[test]
fn an_agent_out_of_reach_is_ignored_by_its_id_or_counts() {
    let alpha = cpus("alpha", &["x"]);
    let list = |first: &str, second: &str| {
        two(Some(first), second)
            .replace(r#""hostname":"h1","#, r#""hostname":"h1","active":false,"#)
    };
    let (begin, calm, all) = (list(&alpha, ""), list("", ""), list(&alpha, &alpha));
    let away = list("", &alpha);
    for (name, first, last, is_clean) in [
        ("O-S9", &away, &calm, false),
        ("O-S9", &calm, &away, false),
        ("O-S1", &away, &calm, true),
        ("O-S1", &away, &away, true),
        ("O-S1", &all, &away, false),
    ] {
        let options = Options { ignored_agents: vec![name.into()], ..refusing() };
        let (result, _) = lists_of_alpha(None, [&begin, &calm, first, last], &options);
        assert_eq!(result.is_ok(), is_clean, "{name} {first} {last} {result:?}");
    }
}

#[test]
fn a_later_list_without_agents_proves_nothing() {
    let none = r#"{"slaves":[],"recovered_slaves":[]}"#;
    for in_use in [InUse::Refuse, InUse::Force] {
        let options = Options { in_use, ..refusing() };
        let (result, deletions) =
            alpha_then(Some("alpha"), "", [&two(Some(""), ""), none], &options);
        assert_eq!((result.is_err(), deletions), (true, 0), "{result:?}");
    }
}

/// The list that is read for the third target shows something of the second framework.
#[test]
fn two_frameworks_of_a_role_are_both_watched() {
    let of = |ids: &[&str]| {
        let one = |id: &&str| {
            format!(
                r#"{{"name":"cpus","role":"alpha","scalar":{{"value":1.0}},"reservation":{{"principal":"x","labels":{{"labels":[{{"key":"framework_id","value":"{id}"}}]}}}}}}"#
            )
        };
        format!(r#""alpha":[{}]"#, ids.iter().map(one).collect::<Vec<_>>().join(","))
    };
    for (back, is_back) in [(String::new(), false), (of(&["F2"]), true)] {
        let host = calm().answer(200, agents(&[(0, &of(&["F1", "F2"]))])).answer(202, "");
        let host = host.answer(202, "").answer(200, agents(&[(0, "")]));
        let host = then(host, &agents(&[(0, &back)])).answer(200, agents(&[(0, "")]));
        let mut host = slow(host, |_, _| 0);
        let alpha = |id: &str| Target { framework_id: Some(id.into()), ..target("alpha", None) };
        let targets = [alpha("F1"), alpha("F2"), target("queue-one", None), target("third", None)];
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results[0].is_ok(), "{results:?}");
        assert_eq!(results[1].is_err(), is_back, "{results:?}");
    }
}

#[test]
fn a_list_that_shows_the_target_counts_whatever_later_ones_show() {
    let recovered = r#"{"slaves":[],"recovered_slaves":[{"id":"O-S0","hostname":"h0"},{"id":"O-S1","hostname":"h1"}]}"#;
    let others = cpus("alpha", &["z"]);
    for (other, last) in [
        ("", two(None, "")),
        (&others, two(None, &others)),
        ("", two(None, &cpus("beta", &["x"]))),
        ("", recovered.to_owned()),
    ] {
        for znode in [None, Some("alpha")] {
            let first = two(Some(&cpus("alpha", &["x"])), other);
            let (result, deletions) = alpha_then(znode, other, [&first, &last], &refusing());
            assert_eq!((result.is_err(), deletions), (true, 0), "{last} {result:?}");
        }
    }
}

#[test]
fn a_later_list_counts_where_an_earlier_one_shows_others() {
    let others = cpus("alpha", &["z"]);
    let first = two(Some(""), &others);
    let (result, _) = alpha_then(None, &others, [&first, &first], &refusing());
    assert!(result.is_ok(), "{result:?}");
    let last = two(Some(""), &cpus("alpha", &["z", "x"]));
    let (result, _) = alpha_then(None, &others, [&first, &last], &refusing());
    assert!(result.is_err(), "{result:?}");
}

#[test]
fn what_later_lists_show_elsewhere_counts_for_a_whole_service() {
    let options = Options { whole_service: true, ..refusing() };
    let (first, last) = (two(Some(""), ""), two(Some(""), &cpus("beta", &["x"])));
    let (result, _) = alpha_then(None, "", [&first, &last], &options);
    assert!(result.is_err(), "{result:?}");
}

/// The list after the next plan's volumes shows its disk, which is removed then.
#[test]
fn what_the_run_removes_is_not_reported_elsewhere() {
    let of = |role: &str| Target { principal: Some("x".into()), ..target(role, None) };
    let begun = || calm().page("frameworks", 200, NONE);
    let lists = [true, false].map(|it| two(Some(&disk("q", "x", it)), ""));
    let [volumes, disks] = lists;
    let both = format!("{},{}", cpus("p", &["x"]), disk("q", "x", true));
    let plans =
        planned(&mut begun().answer(200, two(Some(&both), "")), &[of("p"), of("q")], &refusing());
    let host = begun().answer(200, volumes).answer(202, "").answer(200, disks);
    let mut host = slow(host.answer(202, "").answer(200, two(Some(""), "")), |_, _| 0);
    let results = apply_all(&mut host, &plans, &refusing());
    assert!(results[1].is_ok(), "{:?}", results[1]);
    let report = results[0].as_ref().unwrap();
    assert!(report.elsewhere.is_empty() && report.warnings.is_empty(), "{report:?}");
}

/// The plan for p is carried out. A list that is read for q shows p again, and the agent is not in the next one. Only
/// the agent concerned is read, or all.
#[test]
fn a_list_counts_for_a_plan_that_is_carried_out() {
    let [volume, disk] = [true, false].map(|it| disk("q", "y", it));
    let [planned_list, back] = [&volume, &disk].map(|it| format!("{},{it}", cpus("p", &["x"])));
    for cost in [1, 50] {
        let begun = || calm().page("frameworks", 200, NONE).with_agents_per_request(cost);
        let targets = [target("p", None), target("q", None)];
        let plans =
            planned(&mut begun().answer(200, two(Some(&planned_list), "")), &targets, &refusing());
        let host = begun().answer(200, two(Some(&volume), "")).answer(202, "");
        let host = match cost {
            1 => host.answer(200, agents(&[(0, &back)])),
            _ => host.answer(200, two(Some(&back), "")),
        };
        let mut host = slow(host.answer(202, "").answer(200, two(None, "")), |_, _| 0);
        let results = apply_all(&mut host, &plans, &refusing());
        assert!(results[0].is_err(), "{cost} {:?}", results[0]);
        let is_of_one = |it: &Request| it.query.iter().any(|(name, _)| name == "slave_id");
        assert_eq!(host.script.sent.iter().any(is_of_one), cost == 1);
    }
}

/// A removal for c is pending.
pub(super) const PENDING: &str = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"c","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;

/// After the list in which nothing of b is left, the run waits for c, and the list after that shows b again. Then a page
/// that a needs, or one about b, has to be asked for twice, and lists are read anew after the pause between.
#[test]
fn a_list_counts_from_the_confirmation_on() {
    let all = format!("{},{},{}", cpus("a", &["x"]), cpus("b", &["x"]), cpus("c", &["x"]));
    let back = two(Some(&cpus("b", &["x"])), "");
    for paused in ["", "maintenance/status", "frameworks"] {
        for znode in [None, Some("b")] {
            for last in [&back, &two(None, ""), &two(Some(""), "")] {
                let host = accepted(calm().answer(200, two(Some(&all), "")), 3);
                let host = host.answer(200, two(Some(""), "")).answer(200, &back);
                let host = host.answer(200, last).answer(200, DELETED);
                let host = pages(host, "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
                let mut host = host.page("frameworks", 200, NONE);
                if !paused.is_empty() {
                    host = host.page(paused, 503, "");
                }
                let host = pages(host, "maintenance/status", &["{}"]);
                let mut host = slow(pages(host, "frameworks", &[NONE]), |_, _| 0);
                let targets = [target("a", None), target("b", znode), target("c", None)];
                let results = clean_all(&mut host, &targets, &refusing());
                let why = results[1].as_ref().err().map(|failure| failure.reason);
                assert_eq!(why, Some(Reason::Incomplete), "{paused} {znode:?} {last}");
                assert_eq!(host.count("Delete"), 0, "{paused} {znode:?} {last}");
            }
        }
    }
}

/// A list that is read after the target is settled shows that the whole service has something in another role. The last
/// one shows it too, lacks its agent, or does not show it: its removal may be pending since.
#[test]
fn what_is_elsewhere_once_the_target_is_settled_counts() {
    let options = Options { whole_service: true, ..refusing() };
    let recovered = r#"{"slaves":[],"recovered_slaves":[{"id":"O-S0","hostname":"h0"},{"id":"O-S1","hostname":"h1"}]}"#;
    let elsewhere = two(Some(""), &cpus("beta", &["x"]));
    let empty = two(Some(""), "");
    for (first, last, is_complete) in [
        (&elsewhere, elsewhere.as_str(), false),
        (&elsewhere, &agents(&[(0, "")]), false),
        (&elsewhere, recovered, false),
        (&elsewhere, &empty, false),
        (&empty, &empty, true),
    ] {
        for znode in [None, Some("alpha")] {
            let (result, deletions) = alpha_then(znode, "", [first, last], &options);
            assert_eq!(result.is_ok(), is_complete, "{last}");
            assert_eq!(deletions, usize::from(is_complete && znode.is_some()), "{last}");
        }
    }
}

/// The answer to the removal is lost, the agents cannot be listed for 19 s, and then the agent needs 3 s.
#[test]
fn a_removal_whose_answer_is_lost_has_its_time() {
    let pending = PENDING.replace(r#""c""#, r#""p""#);
    let operations = [&*pending; 5].into_iter().chain([r#"{"get_operations":{}}"#]);
    let operations: Vec<_> = operations.collect();
    for are_several in [false, true] {
        let host = pages(calm().page("slaves", 200, list(&["p"])), "frameworks", &[NONE]);
        let mut host = pages(host.answer(504, ""), "api/v1", &operations);
        for _ in 0..13 {
            host = host.page("slaves", 503, "");
        }
        let mut host = slow(host.page("slaves", 200, list(&[])), |_, _| 0);
        let targets = [target("p", None)];
        let results = match are_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        assert!(results[0].is_ok(), "{are_several} {results:?}");
    }
}

/// The removal for beta, another role of the same service, is refused once, so that the list after alpha's removal shows it.
/// The last list lacks an agent that has never had anything.
#[test]
fn what_the_run_removes_elsewhere_does_not_count_although_another_agent_leaves() {
    let of = |role: &str| Target { principal: Some("x".into()), ..target(role, None) };
    let both = format!("{},{}", cpus("alpha", &["x"]), cpus("beta", &["x"]));
    let beta = two(Some(&cpus("beta", &["x"])), "");
    for whole_service in [false, true] {
        for last in [two(Some(""), ""), agents(&[(0, "")])] {
            let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&both), ""));
            let host = host.answer(202, "").answer(503, "").answer(200, &beta);
            let host = host.answer(200, &beta).answer(202, "").answer(200, &last);
            let mut host = slow(host, |_, _| 0);
            let options = Options { whole_service, ..refusing() };
            let results = clean_all(&mut host, &[of("alpha"), of("beta")], &options);
            let elsewhere: Vec<_> = results.iter().flatten().map(|it| it.elsewhere.len()).collect();
            assert_eq!(elsewhere, [0, 0], "{last} {results:?}");
        }
    }
}

/// The answers to all removals are lost, and all of them stay pending.
#[test]
fn lost_answers_do_not_add_up_the_waits() {
    let roles: Vec<_> = (0..8).map(|n| format!("r{n}")).collect();
    let names: Vec<_> = roles.iter().map(String::as_str).collect();
    let pending: Vec<_> =
        names.iter().map(|role| PENDING.replace(r#""c""#, &format!(r#""{role}""#))).collect();
    let of_one = r#"{"get_operations":{"operations":["#;
    let inner = pending.iter().map(|it| it.trim_start_matches(of_one).trim_end_matches("]}}"));
    let pending = format!("{of_one}{}]}}}}", inner.collect::<Vec<_>>().join(","));
    let waits = [202, 504].map(|status| {
        let mut host = calm().page("frameworks", 200, NONE).answer(200, list(&names));
        for _ in 0..8 {
            host = host.answer(status, "");
        }
        let host = pages(host.answer(200, list(&[])), "api/v1", &[&pending]);
        let mut host = slow(host, |_, _| 0);
        let targets: Vec<_> = names.iter().map(|it| target(it, None)).collect();
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results.iter().all(Result::is_err), "{results:?}");
        host.script.paused
    });
    assert!(waits[1] < waits[0] * 2, "{waits:?}");
}

/// A list shows b again, the next one cannot be read for b, and the last one lacks its agent.
#[test]
fn a_list_that_cannot_be_read_hides_none_that_shows_the_target() {
    let all = format!("{},{},{}", cpus("a", &["x"]), cpus("b", &["x"]), cpus("c", &["x"]));
    let of_c = cpus("c", &["x"]);
    let back = two(Some(&of_c), &cpus("b", &["x"]));
    let unreadable = two(Some(&of_c), r#""b":[{"role":"q"}]"#);
    for znode in [None, Some("b")] {
        let host = accepted(calm().answer(200, two(Some(&all), "")), 3);
        let host = host.answer(200, two(Some(&of_c), "")).answer(200, &back);
        let host = host.answer(200, &unreadable).answer(200, agents(&[(0, "")]));
        let host =
            pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
        let mut host = slow(host.page("frameworks", 200, NONE), |_, _| 0);
        let targets = [target("a", None), target("b", znode), target("c", None)];
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results[1].is_err(), "{results:?}");
        assert_eq!(host.count("Delete"), 0, "{results:?}");
    }
}

/// While c is pending, a list shows something elsewhere, which is only reported. In the last one, a new master expects
/// all agents back, also one that no list has named. No page says which ones are missing.
#[test]
fn agents_that_are_expected_back_count_whatever_is_elsewhere() {
    let recovered = r#"{"slaves":[],"recovered_slaves":[{"id":"O-S0","hostname":"h0"},{"id":"O-S1","hostname":"h1"},{"id":"O-S7","hostname":"h7"}]}"#;
    let metrics = |registrations: u32, uptime: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{registrations},"master/slaves_unreachable":0,"master/uptime_secs":{uptime}}}"#
        )
    };
    let of = |role: &str, znode| Target { principal: Some("x".into()), ..target(role, znode) };
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    for znode in [None, Some("alpha")] {
        for elsewhere in [String::new(), cpus("beta", &["x"])] {
            let of_c = two(Some(&cpus("c", &["y"])), &elsewhere);
            let host = calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 404, "");
            let host = pages(host, "metrics/snapshot", &[&metrics(9, 99_999), &metrics(0, 5)]);
            let host = accepted(host.answer(200, two(Some(&all), &elsewhere)), 2);
            let host = host.answer(200, &of_c).answer(200, &of_c).answer(200, recovered);
            let host =
                pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
            let mut host = slow(host, |_, _| 0);
            let options = Options { in_use: InUse::Force, ..refusing() };
            let targets = [of("alpha", znode), target("c", None)];
            let results = clean_all(&mut host, &targets, &options);
            assert!(results[0].is_err(), "{elsewhere} {results:?}");
            assert_eq!(host.count("Delete"), 0, "{elsewhere} {results:?}");
        }
    }
}

/// While c is pending, lists show something of the whole service elsewhere, and the last one lacks that agent.
#[test]
fn what_is_elsewhere_counts_also_while_another_target_is_cleaned() {
    let of = |role: &str, znode| Target { principal: Some("x".into()), ..target(role, znode) };
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    let of_c = two(Some(&cpus("c", &["y"])), &cpus("beta", &["x"]));
    for (last, is_complete) in [(agents(&[(0, "")]), false), (two(Some(""), ""), true)] {
        let host =
            accepted(calm().page("frameworks", 200, NONE).answer(200, two(Some(&all), "")), 2);
        let host = host.answer(200, &of_c).answer(200, &of_c).answer(200, &last);
        let host =
            pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
        let mut host = slow(host, |_, _| 0);
        let options = Options { whole_service: true, ..refusing() };
        let targets = [of("alpha", Some("alpha")), target("c", None)];
        let results = clean_all(&mut host, &targets, &options);
        assert_eq!(results[0].is_ok(), is_complete, "{last} {results:?}");
        assert_eq!(host.count("Delete"), usize::from(is_complete), "{last} {results:?}");
    }
}

/// Alpha is confirmed; while c is pending, these lists are read. Returns alpha's result and the number of deletions.
fn while_c_waits(
    lists: &[&str],
    znode: Option<&str>,
    options: &Options,
) -> (Result<Report, Failure>, usize) {
    let of = |role: &str, znode| Target { principal: Some("x".into()), ..target(role, znode) };
    let all = format!("{},{}", cpus("alpha", &["x"]), cpus("c", &["y"]));
    let of_c = two(Some(&cpus("c", &["y"])), "");
    let mut host =
        accepted(calm().page("frameworks", 200, NONE).answer(200, two(Some(&all), "")), 2);
    host = host.answer(200, &of_c);
    for list in lists {
        host = host.answer(200, *list);
    }
    let host = pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
    let mut host = slow(host, |_, _| 0);
    let targets = [of("alpha", znode), target("c", None)];
    let mut results = clean_all(&mut host, &targets, options);
    (results.swap_remove(0), host.count("Delete"))
}

/// A list shows something of the whole service elsewhere, or cannot be read; the last one lacks that agent.
#[test]
fn a_list_that_cannot_be_read_hides_nothing_that_is_elsewhere() {
    let of_c = cpus("c", &["y"]);
    let elsewhere = two(Some(&of_c), &cpus("beta", &["x"]));
    let unreadable = two(Some(&of_c), r#""alpha":[{"role":"q"}]"#);
    let options = Options { whole_service: true, ..refusing() };
    for lists in [vec![&*elsewhere], vec![&*elsewhere, &unreadable], vec![&*unreadable, &elsewhere]]
    {
        let last = agents(&[(0, "")]);
        let lists: Vec<_> = lists.into_iter().chain([&*last]).collect();
        let (result, deletions) = while_c_waits(&lists, Some("alpha"), &options);
        assert_eq!((result.is_err(), deletions), (true, 0), "{} {result:?}", lists.len());
    }
}

/// Something of alpha cannot be read. The last list lacks its agent, or shows nothing of it.
#[test]
fn no_later_list_says_what_is_in_one_that_cannot_be_read() {
    let unreadable = two(Some(&cpus("c", &["y"])), r#""alpha":[{"role":"q"}]"#);
    for last in [agents(&[(0, "")]), two(Some(""), "")] {
        let (result, deletions) = while_c_waits(&[&unreadable, &last], Some("alpha"), &refusing());
        assert_eq!((result.is_err(), deletions), (true, 0), "{last} {result:?}");
    }
}

/// A list shows something elsewhere, which is only reported, and the last list has no agents.
#[test]
fn a_list_without_agents_proves_nothing_whatever_is_elsewhere() {
    let none = r#"{"slaves":[],"recovered_slaves":[]}"#;
    for in_use in [InUse::Refuse, InUse::Force] {
        for elsewhere in [String::new(), cpus("beta", &["x"])] {
            let options = Options { in_use, ..refusing() };
            let lists = [&*two(Some(""), &elsewhere), none];
            let (result, deletions) = alpha_then(Some("alpha"), "", lists, &options);
            assert_eq!((result.is_err(), deletions), (true, 0), "{elsewhere} {result:?}");
        }
    }
}

/// The plan for p is carried out. A list that is read for q shows the service elsewhere, and the agent is not in the next
/// one. Only the agent concerned is read, or all.
#[test]
fn agents_that_are_read_again_count_for_what_is_elsewhere() {
    let of = |role: &str, of: &str| Target { principal: Some(of.into()), ..target(role, None) };
    let [volume, disk] = [true, false].map(|it| disk("q", "y", it));
    let planned_list = format!("{volume},{}", cpus("p", &["x"]));
    let back = format!("{disk},{}", cpus("beta", &["x"]));
    let options = Options { whole_service: true, ..refusing() };
    for cost in [50, 1] {
        let begun = || calm().page("frameworks", 200, NONE).with_agents_per_request(cost);
        let targets = [of("p", "x"), of("q", "y")];
        let plans =
            planned(&mut begun().answer(200, two(Some(&planned_list), "")), &targets, &options);
        let host = begun().answer(200, two(Some(&volume), "")).answer(202, "");
        let host = match cost {
            1 => host.answer(200, agents(&[(0, &back)])),
            _ => host.answer(200, two(Some(&back), "")),
        };
        let mut host = slow(host.answer(202, "").answer(200, two(None, "")), |_, _| 0);
        let results = apply_all(&mut host, &plans, &options);
        assert!(results[0].is_err(), "{cost} {:?}", results);
    }
}

/// A list shows that a whole service has something in another role; in the last one, that agent is disconnected, or
/// hides something, and seems to have nothing.
#[test]
fn what_is_elsewhere_counts_until_its_agent_is_connected_and_hides_nothing() {
    let options = Options { whole_service: true, ..refusing() };
    let elsewhere = two(Some(""), &cpus("beta", &["x"]));
    for field in [r#""active":false,"#, r#""resources":{"gpus":4.0},"#] {
        let last = two(Some(""), "")
            .replace(r#""hostname":"h1","#, &format!(r#""hostname":"h1",{field}"#));
        let (result, deletions) = alpha_then(Some("alpha"), "", [&elsewhere, &last], &options);
        assert_eq!((result.is_err(), deletions), (true, 0), "{last} {result:?}");
    }
}

/// A list shows beta elsewhere, and the last one lacks that agent and shows gamma on another.
#[test]
fn all_that_is_elsewhere_is_reported() {
    let first = two(Some(""), &cpus("beta", &["x"]));
    let last = agents(&[(0, &cpus("gamma", &["x"]))]);
    let (result, _) = alpha_then(None, "", [&first, &last], &refusing());
    let elsewhere = result.unwrap().elsewhere;
    assert!(elsewhere.iter().any(|it| it.role == "gamma"), "{elsewhere:?}");
}

/// The master confirms nothing of r0. It refuses the removal of r1 once, and accepts it when it is asked again, after
/// that; the agent needs a moment.
#[test]
fn a_removal_that_is_sent_again_has_its_time() {
    for is_first in [true, false] {
        let both = list(&["r0", "r1"]);
        let host = calm().page("frameworks", 200, NONE).answer(200, &both);
        let host = match is_first {
            true => host.answer(503, "").answer(202, ""),
            false => host.answer(202, "").answer(503, ""),
        };
        let host = host.answer(200, &both).answer(202, "");
        let host = host.answer(200, &both).answer(200, list(&["r0"]));
        let mut host = slow(host, |_, _| 0);
        let mut targets = [target("r0", None), target("r1", None)];
        if is_first {
            targets.reverse();
        }
        let results = clean_all(&mut host, &targets, &refusing());
        let r1 = if is_first { &results[0] } else { &results[1] };
        assert!(r1.is_ok(), "{is_first} {:?} {r1:?}", host.script.paused);
    }
}

/// Two agents have something elsewhere; each is empty in a later list, but no list has both.
#[test]
fn agents_may_be_found_empty_one_after_the_other() {
    let (c, beta) = (cpus("c", &["y"]), cpus("beta", &["x"]));
    let first = agents(&[(0, &c), (1, &beta), (2, &beta)]);
    let lists = [&*first, &agents(&[(0, &c), (1, "")]), &agents(&[(0, ""), (2, "")])];
    let options = Options { whole_service: true, ..refusing() };
    let (result, deletions) = while_c_waits(&lists, Some("alpha"), &options);
    assert_eq!((result.is_ok(), deletions), (true, 1), "{result:?}");
}

/// The whole service is cleaned. The agent of beta disconnects just before its removal is accepted, and comes back with
/// it. The removal is refused once, or not; or beta is another service's.
#[test]
fn the_node_of_a_whole_service_stays_if_another_of_its_targets_fails() {
    let of = |role: &str, principal: &str, znode| Target {
        principal: Some(principal.into()),
        ..target(role, znode)
    };
    let alpha = cpus("alpha", &["x"]);
    let gone =
        two(Some(""), "").replace(r#""hostname":"h1","#, r#""hostname":"h1","active":false,"#);
    for (is_refused, principal) in [(true, "x"), (false, "x"), (false, "y")] {
        let beta = cpus("beta", &[principal]);
        let host = calm().page("frameworks", 200, NONE).answer(200, two(Some(&alpha), &beta));
        let host = host.answer(202, "");
        let host = match is_refused {
            true => {
                let host = host.answer(503, "").answer(200, two(Some(""), &beta));
                host.answer(200, two(Some(""), &beta)).answer(202, "")
            }
            false => host.answer(202, ""),
        };
        let mut host = slow(host.answer(200, &gone).answer(200, DELETED), |_, _| 0);
        let options = Options { whole_service: true, ..refusing() };
        let targets = [of("alpha", "x", Some("alpha")), of("beta", principal, None)];
        let results = clean_all(&mut host, &targets, &options);
        assert!(results[1].is_err(), "{is_refused} {results:?}");
        let is_its = principal == "x";
        assert_eq!(host.count("Delete"), usize::from(!is_its), "{is_refused} {results:?}");
        assert_eq!(results[0].is_err(), is_its, "{is_refused} {results:?}");
    }
}

/// The first list shows something elsewhere or not; in the last one, an ignored agent has something of alpha.
#[test]
fn the_latest_list_is_reported_whatever_is_elsewhere() {
    let alpha = cpus("alpha", &["x"]);
    let options = Options { ignored_agents: vec!["h2".into()], ..refusing() };
    let away =
        |list: String| list.replace(r#""hostname":"h2","#, r#""hostname":"h2","active":false,"#);
    for elsewhere in [String::new(), cpus("beta", &["x"])] {
        let begin = agents(&[(0, &alpha), (1, ""), (2, "")]);
        let removed = agents(&[(0, ""), (1, ""), (2, "")]);
        let first = agents(&[(0, ""), (1, &elsewhere), (2, "")]);
        let last = away(agents(&[(0, ""), (2, &alpha)]));
        let (result, _) = lists_of_alpha(None, [&begin, &removed, &first, &last], &options);
        let report = result.unwrap();
        let left = report.left.unwrap_or_default();
        assert_eq!((left.len(), report.ignored.len()), (1, 1), "{elsewhere} {left:?}");
    }
}

/// Others have something for alpha, or not. The run pauses while it settles a; nothing of alpha is back.
#[test]
fn what_others_have_costs_no_list() {
    let of = |role: &str| Target { principal: Some("x".into()), ..target(role, None) };
    let all = [cpus("a", &["x"]), cpus("alpha", &["x"]), cpus("c", &["x"])].join(",");
    let counts = ["", &*cpus("alpha", &["z"])].map(|others| {
        let of_c = two(Some(&cpus("c", &["x"])), others);
        let host = accepted(calm().answer(200, two(Some(&all), others)), 3);
        let host = host.answer(200, &of_c).answer(200, &of_c).answer(200, two(Some(""), others));
        let host = pages(host, "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
        let host = host.page("frameworks", 200, NONE).page("maintenance/status", 503, "");
        let mut host = slow(pages(host, "maintenance/status", &["{}"]), |_, _| 0);
        let results = clean_all(&mut host, &[of("a"), of("alpha"), of("c")], &refusing());
        assert!(results[1].is_ok(), "{results:?}");
        host.count("Get slaves")
    });
    assert_eq!(counts[0], counts[1]);
}

/// As `agents_that_are_expected_back_count_whatever_is_elsewhere`; besides, an ignored agent that is away has something.
#[test]
fn an_ignored_agent_hides_none_that_is_expected_back() {
    let recovered = r#"{"slaves":[],"recovered_slaves":[{"id":"O-S0","hostname":"h0"},{"id":"O-S1","hostname":"h1"},{"id":"O-S2","hostname":"h2"},{"id":"O-S7","hostname":"h7"}]}"#;
    let metrics = |registrations: u32, uptime: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{registrations},"master/slaves_unreachable":0,"master/uptime_secs":{uptime}}}"#
        )
    };
    let of = |role: &str, znode| Target { principal: Some("x".into()), ..target(role, znode) };
    let alpha = cpus("alpha", &["x"]);
    let list = |first: &str| {
        let all = agents(&[(0, first), (1, &cpus("beta", &["x"])), (2, &alpha)]);
        all.replace(r#""hostname":"h2","#, r#""hostname":"h2","active":false,"#)
    };
    let of_c = list(&cpus("c", &["y"]));
    let host = calm().page("frameworks", 200, NONE).page("registrar(1)/registry", 404, "");
    let host = pages(host, "metrics/snapshot", &[&metrics(9, 99_999), &metrics(0, 5)]);
    let host = accepted(host.answer(200, list(&format!("{alpha},{}", cpus("c", &["y"])))), 2);
    let host = host.answer(200, &of_c).answer(200, &of_c).answer(200, recovered);
    let host = pages(host.answer(200, DELETED), "api/v1", &[PENDING, r#"{"get_operations":{}}"#]);
    let mut host = slow(host, |_, _| 0);
    let options = Options { in_use: InUse::Force, ignored_agents: vec!["h2".into()], ..refusing() };
    let targets = [of("alpha", Some("alpha")), target("c", None)];
    let results = clean_all(&mut host, &targets, &options);
    assert!(results[0].is_err(), "{results:?}");
    assert_eq!(host.count("Delete"), 0, "{results:?}");
}
