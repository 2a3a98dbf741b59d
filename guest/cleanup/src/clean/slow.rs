//! Runs on a master whose answers take time: what was read at different times is not taken for what holds at
//! one moment, also where one of several targets has read it.

use std::time::Duration;

use super::{apply_all, clean, clean_all};
use crate::host::Host;
use crate::testing::{Script, Scripted};
use janitor_contract::types::{
    CleanupPlan, Entry, Error, InUse, Options, Reason, Request, Target, Warning,
};

/// A host whose requests take time, and that keeps all of them, also those for pages.
struct Slow<F> {
    script: Script,
    /// The requests, each with the time at which it was sent.
    all: Vec<(Duration, String)>,
    /// Returns the milliseconds that a request takes, which is sent for the nth time.
    time: F,
}

impl<F: FnMut(&str, usize) -> u64> Host for Slow<F> {
    type Exchange = Result<Scripted, Error>;
    type Response = Scripted;
    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error> {
        let content =
            request.content.as_ref().map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
        let words = format!(
            "{:?} {} {}",
            request.method,
            request.path.join("/"),
            content.unwrap_or_default()
        );
        self.all.push((self.script.paused, words.clone()));
        let n = self.all.iter().filter(|it| it.1 == words).count();
        let sent = self.script.send(request);
        self.script.paused += Duration::from_millis((self.time)(&words, n));
        sent
    }
    fn finish(&mut self, exchange: Self::Exchange) -> Result<Scripted, Error> {
        self.script.finish(exchange)
    }
    fn window(&mut self) -> usize {
        self.script.window()
    }
    fn pause(&mut self, duration: Duration) -> bool {
        self.script.pause(duration)
    }
    fn elapsed(&mut self) -> Duration {
        self.script.elapsed()
    }
    fn agents_per_request(&self) -> usize {
        self.script.agents_per_request()
    }
    fn log(&mut self, entry: Entry) {
        self.script.log(entry);
    }
}

fn slow<F: FnMut(&str, usize) -> u64>(script: Script, time: F) -> Slow<F> {
    Slow { script, all: Vec::new(), time }
}

impl<F> Slow<F> {
    /// Returns the number of requests whose words contain this.
    fn count(&self, part: &str) -> usize {
        self.all.iter().filter(|it| it.1.contains(part)).count()
    }
}

fn refusing() -> Options {
    Options { confirm_seconds: 20, in_use: InUse::Refuse, ..Options::DEFAULT }
}

fn target(role: &str, znode: Option<&str>) -> Target {
    Target { role: Some(role.into()), znode: znode.map(Into::into), ..Target::NOTHING }
}

fn node(name: &str) -> Target {
    Target { znode: Some(name.into()), ..Target::NOTHING }
}

/// A list of one agent that has cpus for these roles.
fn list(roles: &[&str]) -> String {
    list_of(roles, "")
}

/// The same, and the agent has other fields too.
fn list_of(roles: &[&str], more: &str) -> String {
    let cpus = |role: &&str| {
        format!(
            r#""{role}":[{{"name":"cpus","role":"{role}","scalar":{{"value":1.0}},"reservation":{{}}}}]"#
        )
    };
    let all = roles.iter().map(cpus).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"slaves":[{{"id":"O-S0","hostname":"h0","version":"1.11.0"{more},"reserved_resources_full":{{{all}}}}}]}}"#
    )
}

/// A list of one agent that has a volume for these roles.
fn volumes(roles: &[&str]) -> String {
    let disk = r#""reservation":{},"disk":{"persistence":{"id":"v"}}"#;
    list(roles).replace(r#""reservation":{}"#, disk).replace("cpus", "disk")
}

/// The list of no frameworks.
const NONE: &str = r#"{"frameworks":[]}"#;

/// The answer to the deletion of a node.
const DELETED: &str = r#"{"message":"OK","succeeded":true}"#;

/// The list of a framework that uses a role.
fn used(role: &str) -> String {
    format!(r#"{{"frameworks":[{{"id":"F","name":"{role}","roles":["{role}"]}}]}}"#)
}

/// A host on which no node exists.
fn calm() -> Script {
    let gone = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
    Script::default().page("exhibitor/v1/explorer/node-data", 200, gone)
}

/// Adds answers of a page.
fn pages(host: Script, path: &'static str, all: &[&str]) -> Script {
    all.iter().fold(host, |host, it| host.page(path, 200, *it))
}

/// Has the next removals accepted.
fn accepted(host: Script, count: usize) -> Script {
    (0..count).fold(host, |host, _| host.answer(202, ""))
}

/// Makes plans that nothing keeps from being made.
fn planned(host: &mut Script, targets: &[Target], options: &Options) -> Vec<CleanupPlan> {
    let plans = crate::plan::plan_all(host, targets, options);
    plans.into_iter().map(Result::unwrap).collect()
}

#[test]
fn what_says_since_when_a_master_leads_is_later_than_the_frameworks() {
    let master = |id: &str, elected: u32| {
        format!(
            r#"{{"get_master":{{"master_info":{{"id":"{id}"}},"start_time":1000,"elected_time":{elected}}}}}"#
        )
    };
    let metrics = |uptime: u32, count: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{count},"master/slaves_unreachable":0,"master/uptime_secs":{uptime}}}"#
        )
    };
    for is_several in [false, true] {
        let mut host = calm().answer(200, list_of(&["p", "q"], r#","reregistered_time":5000.0"#));
        // The old master O is 100000 s old, and has led for 99000 s. N, which is as old, is elected then.
        host = pages(host, "frameworks", &[NONE]);
        host = pages(host, "metrics/snapshot", &[&metrics(100_000, 1), &metrics(100_040, 0)]);
        host = pages(host, "api/v1", &[&master("O", 2000), &master("N", 101_035)]);
        host = accepted(host, 2).answer(200, list(&[]));
        let mut host = slow(host, |it, n| if it.contains("roles") && n == 1 { 31_000 } else { 0 });
        let targets = [target("p", None), target("q", None)];
        let results = match is_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        assert_eq!(host.count("unreserve"), 0, "{is_several}");
        assert!(
            results.iter().all(|it| it.as_ref().unwrap_err().message.contains("elected only 5 s"))
        );
    }
}

#[test]
fn what_a_later_target_is_shown_before_a_removal_counts_for_the_earlier_ones() {
    for waits in [false, true] {
        let mut host = calm().answer(200, volumes(&["p", "q"]));
        host = pages(host, "frameworks", &[NONE, NONE, &used("p")]);
        if waits {
            // p's second look waits for the roles, so that q looks anew even if it may use p's look.
            host = host.page("roles", 200, r#"{"roles":[]}"#).page("roles", 503, "").page(
                "roles",
                200,
                r#"{"roles":[]}"#,
            );
        }
        let after = list(&["p", "q"]);
        host = accepted(host, 2).answer(200, after);
        host = accepted(host, 2).answer(200, list(&[]));
        let mut host = slow(host, |it, n| if it.contains("roles") && n == 1 { 31_000 } else { 0 });
        let _ = clean_all(&mut host, &[target("p", None), target("q", None)], &refusing());
        let first = host.all.iter().position(|it| it.1.contains("destroy-volumes"));
        let before: Vec<_> =
            host.all[..first.unwrap()].iter().filter(|it| it.1.contains("frameworks")).collect();
        // The third list shows that p is in use.
        let of_p = host
            .all
            .iter()
            .filter(|it| it.1.contains("destroy-volumes") && it.1.contains("%22role%22%3A%22p%22"));
        assert!(
            before.len() < 3 || of_p.count() == 0,
            "{waits}: p is in use, and is destroyed: {:#?}",
            host.all
        );
    }
}

/// Each target's look has the next one read the pages again, so only the last one has the latest look.
#[test]
fn nothing_of_a_target_without_the_latest_look_is_removed() {
    let mut host = pages(calm().answer(200, volumes(&["p", "q"])), "frameworks", &[NONE]);
    for _ in 0..9 {
        host = host.page("roles", 503, "").page("roles", 200, r#"{"roles":[]}"#);
    }
    host = accepted(host, 1).answer(200, list(&["p", "q"])).answer(202, "");
    let mut host = slow(host.answer(200, list(&["p"])), |_, _| 0);
    let results = clean_all(&mut host, &[target("p", None), target("q", None)], &refusing());
    let message = &results[0].as_ref().unwrap_err().message;
    assert!(message.contains("does not list the frameworks reliably"), "{message}");
    assert!(results[1].is_ok(), "{:?}", results[1]);
    assert_eq!(host.count("destroy-volumes"), 1);
}

#[test]
fn no_node_is_deleted_without_the_latest_look() {
    let mut host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    for _ in 0..9 {
        host = host.page("roles", 503, "").page("roles", 200, r#"{"roles":[]}"#);
    }
    let mut host = slow(host.answer(200, DELETED), |_, _| 0);
    let results = clean_all(&mut host, &[node("x"), node("x/y")], &refusing());
    let message = &results[0].as_ref().unwrap_err().message;
    assert!(message.contains("does not list the frameworks reliably"), "{message}");
    assert_eq!(host.count("Delete"), 0);
}

#[test]
fn what_the_own_look_shows_of_a_node_below_counts() {
    let mut host = calm().answer(200, list(&[]));
    host = pages(host, "frameworks", &[NONE, NONE, &used("q-role")]);
    for _ in 0..3 {
        host = host.answer(200, DELETED);
    }
    let mut host =
        slow(host, |it, _| if it.contains("Delete") && it.contains("slow") { 31_000 } else { 0 });
    let targets = [node("slow"), node("x"), target("q-role", Some("x/y"))];
    let _ = clean_all(&mut host, &targets, &refusing());
    let deletion =
        host.all.iter().position(|it| it.1.contains("znode/x")).unwrap_or(host.all.len());
    let looks = host.all[..deletion].iter().filter(|it| it.1.contains("frameworks")).count();
    assert!(looks < 3 || deletion == host.all.len(), "{:#?}", host.all);
}

#[test]
fn a_page_that_is_kept_is_as_old_as_it_was_read() {
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE, &used("p")]);
    let host = host.answer(200, DELETED).answer(200, DELETED);
    let mut host = slow(host, |it, _| match () {
        () if it.contains("roles") => 29_000,
        () if it.contains("GET_OPERATIONS") => 15_000,
        () if it.contains("registry") => 14_000,
        () => 0,
    });
    let results = clean_all(&mut host, &[node("p"), target("q", None)], &refusing());
    assert!(results[0].is_err(), "deleted 58 s after the look: {:#?}", host.all);
}

#[test]
fn the_clock_is_read_before_the_node_is_deleted() {
    let host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE, &used("p")]);
    let host = host.answer(202, "").answer(200, list(&[])).answer(200, DELETED);
    let mut host =
        slow(
            host,
            |it, _| if it.contains("registry") || it.contains("maintenance") { 50_000 } else { 0 },
        );
    let result = clean(&mut host, &target("p", Some("p")), &refusing());
    assert!(result.is_err(), "deleted 100 s after the look: {:#?}", host.all);
}

#[test]
fn the_clock_is_read_before_a_further_round() {
    let host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE, &used("p")]);
    let host =
        host.answer(503, "").answer(200, list(&["p"])).answer(202, "").answer(200, list(&[]));
    let mut host = slow(host, |it, n| if it.contains("slaves") && n == 2 { 50_000 } else { 0 });
    let result = clean(&mut host, &target("p", None), &refusing());
    assert!(result.is_err(), "released 50 s after the look: {:#?}", host.all);
}

#[test]
fn a_list_that_is_waited_for_is_not_much_later_than_the_frameworks() {
    let mut host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE, &used("p")]);
    host = host.page("roles", 503, "").page("roles", 200, r#"{"roles":[]}"#);
    for _ in 0..24 {
        host = host.answer(503, list(&["p"]));
    }
    host = host.answer(200, volumes(&["p"])).answer(202, "").answer(200, list(&[]));
    let mut host = slow(host, |_, _| 0);
    let options = Options { confirm_seconds: 60, ..refusing() };
    let _ = clean_all(&mut host, &[target("p", None)], &options);
    assert_eq!(host.count("destroy-volumes"), 0, "41 s after the look: {:#?}", host.all);
}

#[test]
fn a_plan_that_is_carried_out_is_not_clean_if_its_role_gets_something_back() {
    let of_a = r#"{"type":"DYNAMIC","role":"a"}"#;
    let of_b = r#",{"type":"DYNAMIC","role":"a/b"}"#;
    let one = |role: &str, refined: &str| {
        format!(
            r#""{role}":[{{"name":"cpus","scalar":{{"value":1.0}},"reservations":[{of_a}{refined}]}}]"#
        )
    };
    let list = |all: &[String]| {
        format!(
            r#"{{"slaves":[{{"id":"S0","version":"1.11.0","reserved_resources_full":{{{}}}}}]}}"#,
            all.join(",")
        )
    };
    let targets = ["a", "a/b"].map(|it| target(it, None));
    let begun = || calm().page("frameworks", 200, NONE);
    let both = list(&[one("a", ""), one("a/b", of_b)]);
    let plans = planned(&mut begun().answer(200, &both), &targets, &refusing());
    for pauses in [false, true] {
        // An earlier run has removed what a had.
        let mut host = begun()
            .answer(200, list(&[one("a/b", of_b)]))
            .answer(202, "")
            .answer(200, list(&[one("a", "")]));
        if pauses {
            let page = "maintenance/status";
            host = host.page(page, 200, "{}").page(page, 503, "").page(page, 200, "{}");
        }
        let results = apply_all(&mut slow(host, |_, _| 0), &plans, &refusing());
        assert!(results[0].is_err(), "{pauses}: the last list shows resources of a: {results:?}");
    }
}

#[test]
fn what_a_later_list_shows_of_a_target_counts() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"q","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    let host = pages(host, "api/v1", &[pending, r#"{"get_operations":{}}"#]);
    // The second list is for p, and the third one, which shows something of p, for q.
    let host = host.answer(200, list(&[])).answer(200, list(&["p"])).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &[target("p", Some("p")), target("q", None)], &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{:#?}", host.all);
}

#[test]
fn what_a_teardown_shows_counts_for_the_next_one() {
    let one = |id: &str, role: &str, more: &str| {
        format!(r#"{{"id":"{id}","name":"{role}","active":false,"roles":["{role}"{more}]}}"#)
    };
    let both = format!(r#"{{"frameworks":[{},{}]}}"#, one("FP", "p", ""), one("FQ", "q", ""));
    let later = format!(r#"{{"frameworks":[{}]}}"#, one("FQ", "q", r#","other""#));
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = [target("p", None), target("q", None)];
    let mut first = pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[&both]);
    let plans = planned(&mut first, &targets, &options);
    let host = pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[&both, &later, NONE]);
    let mut host = slow(accepted(host, 4).answer(200, list(&[])), |_, _| 0);
    let _ = apply_all(&mut host, &plans, &options);
    assert_eq!(host.count("teardown frameworkId=FQ"), 0);
}

#[test]
fn no_teardown_by_what_was_read_before_a_long_wait() {
    let one = |tasks: &str| {
        format!(
            r#"{{"frameworks":[{{"id":"FQ","name":"q","active":false,"roles":["q"],"tasks":[{tasks}]}}]}}"#
        )
    };
    let old = |roles: &[&str]| list(roles).replace("1.11.0", "1.4.3");
    let begun = || calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = [target("p", None), target("q", None)];
    let mut first = pages(begun().answer(200, old(&["p", "q"])), "frameworks", &[&one("")]);
    let plans = planned(&mut first, &targets, &options);
    let host =
        pages(begun().answer(200, old(&["q"])), "frameworks", &[&one(""), &one("{},{},{}"), NONE]);
    let mut host = slow(accepted(host, 2).answer(200, old(&[])), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    // It has tasks now.
    assert!(results[0].is_ok() && results[1].is_err(), "{results:?}");
    assert_eq!(host.count("teardown"), 0);
}

#[test]
fn many_targets_read_few_pages() {
    let n = 50;
    let mut all = Vec::new();
    let cases = [
        "calm",
        "one framework may not be viewed",
        "a master before 1.6",
        "the checks take 31 s",
        "a deletion takes 31 s",
    ];
    for name in cases {
        let [is_unlisted, is_old, is_slow] =
            ["one framework may not be viewed", "a master before 1.6", "the checks take 31 s"]
                .map(|it| it == name);
        let deletes_slowly = name == "a deletion takes 31 s";
        let roles: Vec<String> = (0..n).map(|it| format!("r{it}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let version = |it: String| if is_old { it.replace("1.11.0", "1.4.3") } else { it };
        let mut host = calm().answer(200, version(list(&roles))).page("frameworks", 200, NONE);
        if is_unlisted {
            host = host.page("roles", 200, r#"{"roles":[{"name":"other","frameworks":["G"]}]}"#);
            host = host.page("metrics/snapshot", 200, r#"{"master/frameworks_active":1.0,"master/slave_registrations":9.0,"master/slaves_unreachable":0.0}"#);
        }
        if is_old {
            host = host.page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
        }
        host = accepted(host, n).answer(200, version(list(&[])));
        for _ in 0..n {
            host = host.answer(200, DELETED);
        }
        let targets: Vec<_> =
            roles.iter().map(|it| target(it, (!is_unlisted).then_some(*it))).collect();
        let mut host = slow(host, |it, n| match () {
            () if is_slow && it.contains("roles") && n == 1 => 31_000,
            () if deletes_slowly && it.ends_with("znode/r0 ") => 31_000,
            () => 2,
        });
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results.iter().all(Result::is_ok));
        all.push((name, host.count("slaves "), host.count("frameworks "), host.all.len()));
    }
    assert!(
        all.iter().all(|it| it.1 <= 4 && it.2 <= 4),
        "(case, lists, frameworks, requests): {all:?}"
    );
}

#[test]
fn plans_that_share_a_framework_are_both_carried_out() {
    let by = |roles: &str| {
        format!(
            r#"{{"slaves":[{{"id":"O-S0","hostname":"h0","version":"1.11.0","reserved_resources_full":{{{roles}}}}}]}}"#
        )
    };
    let both = by(
        r#""p":[{"name":"cpus","role":"p","scalar":{"value":1.0},"reservation":{"principal":"x"}},{"name":"mem","role":"p","scalar":{"value":1.0},"reservation":{"principal":"y"}}]"#,
    );
    let one = r#"{"frameworks":[{"id":"FP","name":"p","active":false,"roles":["p"]}]}"#;
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = ["x", "y"].map(|it| Target { principal: Some(it.into()), ..target("p", None) });
    let mut first = pages(calm().answer(200, &both), "frameworks", &[one]);
    let plans = planned(&mut first, &targets, &options);
    let host = pages(calm().answer(200, &both), "frameworks", &[one, NONE]);
    // One teardown, and two removals.
    let mut host = slow(accepted(host, 3).answer(200, by("")), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn plans_that_are_carried_out_wait_together_also_with_teardown() {
    let roles = ["r0", "r1", "r2", "r3"];
    let old = |roles: &[&str]| list(roles).replace("1.11.0", "1.4.3");
    let begun = || calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = roles.map(|it| target(it, None));
    let mut first = pages(begun().answer(200, old(&roles)), "frameworks", &[NONE]);
    let plans = planned(&mut first, &targets, &options);
    let host = pages(begun().answer(200, old(&[])), "frameworks", &[NONE]);
    let mut host = slow(host, |_, _| 1);
    let results = apply_all(&mut host, &plans, &options);
    assert!(results.iter().all(Result::is_ok));
    assert!(host.script.paused.as_secs() < 200, "{}", host.script.paused.as_secs());
}

#[test]
fn a_target_whose_list_is_invalid_does_not_stop_the_others() {
    let with_bad = |roles: &[&str]| {
        let bad =
            r#""zbad":[{"name":"cpus","role":"other","scalar":{"value":1.0},"reservation":{}}]"#;
        let sep = if roles.is_empty() { "" } else { "," };
        list(roles).replace(
            r#""reserved_resources_full":{"#,
            &format!(r#""reserved_resources_full":{{{bad}{sep}"#),
        )
    };
    let mut host = calm().answer(200, with_bad(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, with_bad(&[])).answer(200, DELETED).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("zbad", None), target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err() && results[1].is_ok() && results[2].is_ok(), "{results:?}");
}

#[test]
fn pages_that_take_longer_than_they_are_fresh_are_no_obstacle() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED).answer(200, DELETED);
    let is_slow =
        |it: &str| ["frameworks", "roles", "metrics"].iter().any(|page| it.contains(page));
    let mut host = slow(host, |it, _| if is_slow(it) { 11_000 } else { 0 });
    let results =
        clean_all(&mut host, &[target("p", Some("p")), target("q", Some("q"))], &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn the_agents_are_those_of_the_master_that_lists_the_frameworks() {
    let re = r#","reregistered_time":5000.0"#;
    let host = pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[NONE]);
    let host = accepted(host, 2).answer(200, list(&[])).answer(200, list_of(&[], re));
    let mut host = host.page("metrics/snapshot", 404, "");
    for _ in 0..2 {
        host = host.answer(200, DELETED);
    }
    // Another master takes over while the registry is read, and does not say when.
    let mut host = slow(host, |it, _| if it.contains("registry") { 50_000 } else { 0 });
    let _ = clean_all(&mut host, &[target("p", Some("p")), target("q", Some("q"))], &refusing());
    assert_eq!(host.count("Delete"), 0, "{:#?}", host.all);
}

#[test]
fn a_plan_that_is_carried_out_and_in_use_again_keeps_the_node_above() {
    let role = target("q", Some("x/y"));
    for targets in [[role.clone(), node("x")], [node("x"), role]] {
        let mut first = pages(calm().answer(200, list(&["q"])), "frameworks", &[NONE]);
        let plans = planned(&mut first, &targets, &refusing());
        // An earlier run has removed what q had; now its service is installed again.
        let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE, &used("q")]);
        let host = host.answer(200, DELETED);
        let mut host = slow(host, |it, n| if it.contains("slaves") && n == 2 { 31_000 } else { 0 });
        let results = apply_all(&mut host, &plans, &refusing());
        assert_eq!(host.count("frameworks "), 2);
        assert_eq!(host.count("Delete"), 0, "{:?} {results:?}", targets[0]);
    }
}

#[test]
fn what_a_later_list_shows_of_a_target_counts_also_after_a_pause() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"q","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    let host = pages(host, "api/v1", &[pending, r#"{"get_operations":{}}"#]);
    let host = host.answer(200, list(&[])).answer(200, list(&["p"])).answer(200, DELETED);
    let host = host.page("maintenance/status", 200, "{}").page("maintenance/status", 503, "");
    let host = host.page("maintenance/status", 200, "{}");
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &[target("p", Some("p")), target("q", None)], &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?} {:#?}", host.all);
}

#[test]
fn an_agent_that_registers_meanwhile_is_no_other_master() {
    let metrics = |count: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{count},"master/slaves_unreachable":0}}"#
        )
    };
    let two = list(&[]).replace(
        "}]}",
        r#"},{"id":"O-S1","hostname":"h1","version":"1.11.0","reserved_resources_full":{}}]}"#,
    );
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    let host = pages(host, "metrics/snapshot", &[&metrics(1), &metrics(2)]);
    let host = host.answer(200, two).answer(200, DELETED);
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &[target("p", None), node("x")], &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?} {:#?}", host.all);
}

/// Each of the targets has the frameworks of another master than the agents, and reads no more of them.
#[test]
fn after_a_failover_many_targets_read_few_pages() {
    let n = 50;
    let metrics = |count: u32| {
        format!(
            r#"{{"master/frameworks_active":0,"master/slave_registrations":{count},"master/slaves_unreachable":0}}"#
        )
    };
    let roles: Vec<String> = (0..n).map(|it| format!("r{it}")).collect();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let host = pages(calm().answer(200, list(&roles)), "frameworks", &[NONE]);
    let host = pages(host, "metrics/snapshot", &[&metrics(1), &metrics(0)]);
    let mut host = slow(host, |it, n| if it.contains("roles") && n == 1 { 31_000 } else { 0 });
    let targets: Vec<_> = roles.iter().map(|it| target(it, None)).collect();
    let results = clean_all(&mut host, &targets, &refusing());
    let words = "another master has probably taken over";
    assert!(results.iter().all(|it| it.as_ref().unwrap_err().message.contains(words)));
    assert!(host.count("frameworks ") <= 3, "{}", host.count("frameworks "));
}

#[test]
fn after_a_long_wait_of_one_plan_the_others_wait_for_the_master_too() {
    let old = |roles: &[&str]| list(roles).replace("1.11.0", "1.4.3");
    let begun = || calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
    let targets = [target("p", None), target("q", None)];
    let mut first = pages(begun().answer(200, old(&["p", "q"])), "frameworks", &[NONE]);
    let plans = planned(&mut first, &targets, &refusing());
    let mut host = begun().answer(200, old(&["q"])).page("frameworks", 200, NONE);
    for _ in 0..5 {
        host = host.page("frameworks", 503, "");
    }
    host = host.page("frameworks", 200, NONE).answer(202, "").answer(200, old(&[]));
    let mut host = slow(host, |_, _| 0);
    let results = apply_all(&mut host, &plans, &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn fewer_tasks_of_a_framework_are_no_change() {
    let one = |id: &str, role: &str, active: bool, tasks: &str| {
        format!(
            r#"{{"id":"{id}","name":"{role}","active":{active},"roles":["{role}"],"tasks":[{tasks}]}}"#
        )
    };
    let both = format!(
        r#"{{"frameworks":[{},{}]}}"#,
        one("FP", "p", true, "{}"),
        one("FQ", "q", true, "{},{}")
    );
    let later = format!(r#"{{"frameworks":[{}]}}"#, one("FQ", "q", true, "{}"));
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = [target("p", None), target("q", None)];
    let mut first = pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[&both]);
    let plans = planned(&mut first, &targets, &options);
    let host = pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[&both, &later, NONE]);
    let mut host = slow(accepted(host, 4).answer(200, list(&[])), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[test]
fn a_wait_within_the_look_is_a_wait() {
    let mut found = Vec::new();
    for (is_several, place) in [(false, "node"), (true, "node"), (false, "round")] {
        let roles = r#"{"roles":[]}"#;
        let mut host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE]);
        host = host.page("roles", 200, roles);
        if is_several {
            // It looks at them once more after the last phase.
            host = host.page("frameworks", 200, NONE).page("roles", 200, roles);
        }
        host = pages(host, "frameworks", &[NONE, &used("p")]);
        for _ in 0..24 {
            host = host.page("roles", 503, "");
        }
        host = host.page("roles", 200, roles);
        host = match place {
            "node" => host.answer(202, "").answer(200, list(&[])).answer(200, DELETED),
            _ => host
                .answer(503, "")
                .answer(200, list(&["p"]))
                .answer(202, "")
                .answer(200, list(&[])),
        };
        let mut host = slow(host, |it, n| match () {
            () if place == "node" && it.contains("registry") && n == 1 => 31_000,
            () if place != "node" && it.contains("slaves") && n == 2 => 31_000,
            () => 0,
        });
        let options = Options { confirm_seconds: 60, ..refusing() };
        let node = (place == "node").then_some("p");
        let result = match is_several {
            true => clean_all(&mut host, &[target("p", node)], &options).remove(0),
            false => clean(&mut host, &target("p", node), &options),
        };
        let at = host.all.iter().rfind(|it| it.1.contains("frameworks")).unwrap().0;
        let last =
            host.all.iter().rfind(|it| it.1.contains("Delete") || it.1.contains("unreserve"));
        let ago = last.unwrap().0.saturating_sub(at);
        if result.is_ok() {
            found.push((is_several, place, ago));
        }
    }
    assert!(found.is_empty(), "removed this long after the look: {found:?}");
}

#[test]
fn what_a_list_shows_before_the_node_is_deleted_counts() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    // The resources of q are back, and the run lists them before it deletes q's node.
    host = host.answer(200, list(&["q"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[1].is_err(), "{results:?} {:#?}", host.all);
}

/// A list that is read before one node is deleted shows a target that has no node: the deletion has it forgotten.
#[test]
fn a_list_before_a_deletion_counts_for_a_target_without_a_node() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list(&["p"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/slow ") { 31_000 } else { 0 });
    let targets = [target("p", None), node("slow"), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_err(), "{results:?} {:#?}", host.all);
}

/// A later list shows a target whose node is deleted already.
#[test]
fn a_target_that_is_back_after_its_node_was_deleted_is_not_clean() {
    let mut host = calm().answer(200, list(&["p"])).page("frameworks", 200, NONE);
    host = accepted(host, 1).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list(&["p"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let results = clean_all(&mut host, &[target("p", Some("p")), node("x")], &refusing());
    let failure = results[0].as_ref().unwrap_err();
    assert_eq!(failure.reason, Reason::Incomplete);
    assert_eq!(failure.report.left.as_ref().map(Vec::len), Some(1));
    assert!(results[1].is_ok(), "{results:?}");
    let lines = host.script.lines();
    assert!(!lines.iter().any(|it| it.contains("ot deleted: znode")), "{lines:?}");
}

/// The list that is read with the look shows q again, and x is above q's node.
#[test]
fn a_node_above_that_of_a_target_that_is_back_stays() {
    let mut found = Vec::new();
    let q = || target("q", Some("x/y"));
    let orders = [vec![node("slow"), node("x"), q()], vec![q(), node("slow"), node("x")]];
    for (index, targets) in orders.into_iter().enumerate() {
        let mut host = calm().answer(200, list(&["q"])).page("frameworks", 200, NONE);
        host = accepted(host, 1).answer(200, list(&[]));
        for _ in 0..=index {
            host = host.answer(200, DELETED);
        }
        host = host.answer(200, list(&["q"])).answer(200, DELETED).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.ends_with("znode/slow ") { 31_000 } else { 0 });
        let results = clean_all(&mut host, &targets, &refusing());
        if host.count("znode/x ") > 0 {
            found.push((index, format!("{results:?}")));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The same as `what_a_list_shows_before_the_node_is_deleted_counts`, and the look has to wait for the roles, which
/// has the list forgotten.
#[test]
fn what_a_list_shows_before_a_pause_of_the_look_counts() {
    let roles = r#"{"roles":[]}"#;
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = host.page("roles", 200, roles).page("roles", 200, roles);
    host = host.page("roles", 503, "").page("roles", 200, roles);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list(&["q"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[1].is_err(), "{results:?} {:#?}", host.all);
}

/// A target that is in use again keeps the first node near its own, and not the second one.
#[test]
fn a_target_in_use_again_keeps_every_node_near_its_own() {
    let mut found = Vec::new();
    let q = || target("q", Some("x"));
    for targets in [[q(), node("x/a"), node("x/b")], [node("x/a"), node("x/b"), q()]] {
        let mut first = pages(calm().answer(200, list(&["q"])), "frameworks", &[NONE]);
        let plans = planned(&mut first, &targets, &refusing());
        let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE, &used("q")]);
        let host = host.answer(200, DELETED).answer(200, DELETED);
        let mut host = slow(host, |it, n| if it.contains("slaves") && n == 2 { 31_000 } else { 0 });
        let results = apply_all(&mut host, &plans, &refusing());
        if host.count("Delete") > 0 {
            found.push(format!("{results:?} {:#?}", host.all));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_target_done_and_in_use_again_keeps_every_node_near_its_own() {
    let mut host = calm().answer(200, list(&["q"]));
    host = pages(host, "frameworks", &[NONE, NONE, &used("q")]);
    host = accepted(host, 1).answer(200, list(&[]));
    for _ in 0..4 {
        host = host.answer(200, DELETED);
    }
    let mut host = slow(host, |it, _| if it.ends_with("znode/slow ") { 31_000 } else { 0 });
    let targets = [target("q", Some("x")), node("slow"), node("x/a"), node("x/b")];
    let results = clean_all(&mut host, &targets, &refusing());
    assert_eq!(host.count("Delete"), 2, "{results:?} {:#?}", host.all);
}

/// The plan shows 3 tasks; one of them is being replaced while the plan is compared.
#[test]
fn no_more_tasks_than_the_plan_shows_are_no_change() {
    let one = |id: &str, role: &str, tasks: &str| {
        format!(
            r#"{{"id":"{id}","name":"{role}","active":true,"roles":["{role}"],"tasks":[{tasks}]}}"#
        )
    };
    let both = |tasks: &str| {
        format!(r#"{{"frameworks":[{},{}]}}"#, one("FP", "p", "{}"), one("FQ", "q", tasks))
    };
    let later = format!(r#"{{"frameworks":[{}]}}"#, one("FQ", "q", "{},{},{}"));
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = [target("p", None), target("q", None)];
    let mut first =
        pages(calm().answer(200, list(&["p", "q"])), "frameworks", &[&both("{},{},{}")]);
    let plans = planned(&mut first, &targets, &options);
    let host = calm().answer(200, list(&["p", "q"]));
    let host = pages(host, "frameworks", &[&both("{},{}"), &later, NONE]);
    let mut host = slow(accepted(host, 4).answer(200, list(&[])), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    let is_changed = matches!(&results[1], Err(it) if it.message.contains("have changed"));
    assert!(!is_changed, "{results:?}");
}

/// On a master without a list of operations, the run waits 75 s; a master that is not ready just then for 3 s is
/// waited for if there is one target, and not if there are several.
#[test]
fn after_the_long_wait_several_targets_wait_for_the_master_like_one() {
    let old = |roles: &[&str]| list(roles).replace("1.11.0", "1.4.3");
    let mut found = Vec::new();
    for is_several in [false, true] {
        let host = calm().page("api/v1", 400, "").page("version", 200, r#"{"version":"1.4.3"}"#);
        let host = host.page("frameworks", 200, NONE);
        let roles: &[&str] = if is_several { &["p", "q"] } else { &["p"] };
        let mut host = accepted(host.answer(200, old(roles)), roles.len()).answer(200, old(&[]));
        for _ in 0..5 {
            host = host.answer(503, old(&[]));
        }
        let mut host = slow(host.answer(200, old(&[])), |_, _| 0);
        let targets: Vec<_> = roles.iter().map(|it| target(it, None)).collect();
        let results = match is_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        let waited = host.script.paused;
        if results.iter().any(Result::is_err) {
            found.push(format!("{is_several} {waited:?} {results:?} {:#?}", host.all));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The list that is read with the look shows something of q on an agent that is not connected just now.
#[test]
fn what_a_later_list_shows_on_an_agent_that_is_away_counts() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list_of(&["q"], r#","active":false"#)).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[1].is_err(), "{results:?} {:#?}", host.all);
}

/// The same after a pause, before the nodes are deleted.
#[test]
fn what_a_list_after_a_pause_shows_on_an_agent_that_is_away_counts() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"q","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    let host = pages(host, "api/v1", &[pending, r#"{"get_operations":{}}"#]);
    let away = list_of(&["p"], r#","active":false"#);
    let host = host.answer(200, list(&[])).answer(200, away).answer(200, DELETED);
    let host = host.page("maintenance/status", 200, "{}").page("maintenance/status", 503, "");
    let host = host.page("maintenance/status", 200, "{}");
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &[target("p", Some("p")), target("q", None)], &refusing());
    assert!(results[0].is_err() && host.count("Delete") == 0, "{results:?} {:#?}", host.all);
}

/// The plan shows the framework as not active; its scheduler is back.
#[test]
fn a_framework_that_is_active_again_is_a_change() {
    let one = |active: bool| {
        format!(
            r#"{{"frameworks":[{{"id":"FP","name":"p","active":{active},"roles":["p"],"tasks":[]}}]}}"#
        )
    };
    let options = Options { in_use: InUse::Teardown, ..refusing() };
    let targets = [target("p", None)];
    let mut first = pages(calm().answer(200, list(&["p"])), "frameworks", &[&one(false)]);
    let plans = planned(&mut first, &targets, &options);
    let host = pages(calm().answer(200, list(&["p"])), "frameworks", &[&one(true), NONE]);
    let mut host = slow(accepted(host, 2).answer(200, list(&[])), |_, _| 0);
    let results = apply_all(&mut host, &plans, &options);
    assert_eq!(host.count("teardown"), 0, "{results:?}");
}

/// The list after the pause lacks the agent that had something of p, which has been found empty before; or it is that
/// of a new master, with which frameworks may not have registered again either.
#[test]
fn a_later_list_that_lacks_an_agent_says_nothing_of_it() {
    let recovered =
        r#"{"slaves":[],"recovered_slaves":[{"id":"O-S0","hostname":"h0"}]}"#.to_owned();
    let other = list(&[]).replace("O-S0", "O-S9");
    for (after, is_clean) in [(other, true), (recovered, false)] {
        let page = "maintenance/status";
        let host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
        let host = accepted(host, 2).answer(200, list(&[]));
        // The list that q reads after the pause.
        let host = host.answer(200, &after).answer(200, DELETED);
        let host = host.page(page, 503, "").page(page, 200, "{}");
        let mut host = slow(host, |_, _| 0);
        let targets = [target("p", Some("p")), target("q", None)];
        let results = clean_all(&mut host, &targets, &refusing());
        assert_eq!(results[0].is_ok(), is_clean, "{results:?}");
        let report = results[0].as_ref().unwrap_or_else(|failure| &failure.report);
        assert!(report.unreached.is_empty(), "{report:?}");
    }
}

/// A part of the service has been reserved for another role before its node is deleted.
#[test]
fn what_a_later_list_shows_of_the_service_elsewhere_counts() {
    let by = |roles: &[&str]| {
        list(roles).replace(r#""reservation":{}"#, r#""reservation":{"principal":"x"}"#)
    };
    for (last, is_clean) in [(by(&[]), true), (by(&["q"]), false)] {
        let mut host = calm().answer(200, by(&["p"])).page("frameworks", 200, NONE);
        host = accepted(host, 1).answer(200, by(&[])).answer(200, last).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.contains("registry") { 31_000 } else { 0 });
        let target = Target { principal: Some("x".into()), ..target("p", Some("p")) };
        let options = Options { whole_service: true, ..refusing() };
        let result = clean(&mut host, &target, &options);
        assert_eq!(result.is_ok(), is_clean, "{result:?}");
    }
}

/// The same as `what_a_list_shows_before_the_node_is_deleted_counts`, with a single target.
#[test]
fn what_the_list_before_the_node_shows_counts_for_a_single_target_too() {
    let mut found = Vec::new();
    for is_several in [true, false] {
        let mut host = calm().answer(200, list(&["p"])).page("frameworks", 200, NONE);
        host = accepted(host, 1).answer(200, list(&[]));
        host = host.answer(200, list(&["p"])).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.contains("registry") { 31_000 } else { 0 });
        let target = target("p", Some("p"));
        let result = match is_several {
            true => clean_all(&mut host, &[target], &refusing()).remove(0),
            false => clean(&mut host, &target, &refusing()),
        };
        if result.is_ok() {
            found.push(format!("{is_several} {result:?} {:#?}", host.all));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each of three looks has to wait for 40 s, so what is removed then was last looked at 40 s ago.
#[test]
fn after_three_looks_that_wait_nothing_is_removed() {
    let roles = r#"{"roles":[]}"#;
    let mut host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE]);
    host = host.page("roles", 200, roles);
    for _ in 0..3 {
        host = host.page("frameworks", 200, NONE);
        for _ in 0..24 {
            host = host.page("roles", 503, "");
        }
        host = host.page("roles", 200, roles);
    }
    host = pages(host, "frameworks", &[&used("p")]);
    host = host.answer(202, "").answer(200, list(&[])).answer(200, DELETED);
    let mut host = slow(host, |it, n| if it.contains("registry") && n == 1 { 31_000 } else { 0 });
    let options = Options { confirm_seconds: 60, ..refusing() };
    let result = clean(&mut host, &target("p", Some("p")), &options);
    let at = host.all.iter().rfind(|it| it.1.contains("frameworks")).unwrap().0;
    let last = host.all.iter().rfind(|it| it.1.contains("Delete"));
    let ago = last.map(|it| it.0.saturating_sub(at));
    assert!(result.is_err(), "{ago:?} {result:?}");
}

/// The list that is read with the look has an entry of q's that cannot be read, so what is left of q is not known.
#[test]
fn a_later_list_that_cannot_be_read_keeps_the_node() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    let bad = list(&["q"]).replace(r#""reservation":{}"#, r#""reservation":7"#);
    host = host.answer(200, bad).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[1].is_err(), "{results:?} {:#?}", host.all);
}

const REGISTRY: &str = "registrar(1)/registry";

/// The master does not answer any more after the first node has been deleted.
#[test]
fn a_dead_master_before_the_nodes_is_waited_for_once() {
    let n = 10;
    let host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    let host = host.page("frameworks", 503, "").answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/n0 ") { 31_000 } else { 0 });
    let targets: Vec<_> = (0..n).map(|it| node(&format!("n{it}"))).collect();
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results[0].is_ok() && results[1..].iter().all(Result::is_err), "{results:?}");
    let paused = host.script.paused.as_secs();
    assert!(paused < 31 + 20 + 2 * n, "{paused} s");
}

/// Exhibitor is not there.
#[test]
fn a_dead_exhibitor_is_waited_for_once() {
    let n = 10;
    let mut host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
    for _ in 0..400 {
        host = host.answer(503, "");
    }
    let mut host = slow(host, |_, _| 0);
    let targets: Vec<_> = (0..n).map(|it| node(&format!("n{it}"))).collect();
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results.iter().all(Result::is_err), "{results:?}");
    let paused = host.script.paused.as_secs();
    assert!(paused < 20 + 2 * n, "{paused} s");
}

/// q is back on an agent that is away, and is ignored: that is said, as if it had been away before.
#[test]
fn an_ignored_agent_that_a_later_list_shows_is_reported() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S9"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = pages(host, REGISTRY, &[registry]);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list_of(&["q"], r#","active":false"#)).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let ignored_agents = vec!["h0".into(), "O-S9".into()];
    let options = Options { ignored_agents, ..refusing() };
    let results = clean_all(&mut host, &targets, &options);
    let report = results[1].as_ref().unwrap();
    let ignored: Vec<_> = report.ignored.iter().map(|it| it.agent.as_str()).collect();
    assert_eq!(ignored, ["O-S9", "O-S0"]);
    let lines = host.script.lines();
    assert!(lines.iter().any(|it| it.contains("O-S0") && it.ends_with("(ignored)")), "{lines:?}");
}

/// An agent that only the registry names is ignored; then q is back.
#[test]
fn a_failure_keeps_the_ignored_agents() {
    let registry = r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"O-S9"},"timestamp":{"nanoseconds":1000000000}}]}}"#;
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = pages(host, REGISTRY, &[registry]);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list(&["q"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let options = Options { ignored_agents: vec!["O-S9".into()], ..refusing() };
    let results = clean_all(&mut host, &targets, &options);
    let report = results[0].as_ref().unwrap();
    assert_eq!(report.ignored.len(), 1);
    let failure = results[1].as_ref().unwrap_err();
    assert_eq!(failure.report.ignored.len(), 1, "{failure:?}");
}

/// Both roles are of one service. The removal of q needs a second request.
#[test]
fn the_order_of_the_targets_of_a_whole_service_does_not_matter() {
    let mut found = Vec::new();
    let by = |roles: &[&str]| {
        list(roles).replace(r#""reservation":{}"#, r#""reservation":{"principal":"x"}"#)
    };
    let of = |role: &str| Target { principal: Some("x".into()), ..target(role, None) };
    for is_reversed in [true, false] {
        let mut host = pages(calm().answer(200, by(&["p", "q"])), "frameworks", &[NONE]);
        host = match is_reversed {
            true => host.answer(409, "").answer(202, ""),
            false => host.answer(202, "").answer(409, "").answer(200, by(&["q"])),
        };
        host = host.answer(200, by(&["q"])).answer(202, "").answer(200, by(&[]));
        let mut host = slow(host, |_, _| 0);
        let options = Options { whole_service: true, ..refusing() };
        let targets = if is_reversed { ["q", "p"] } else { ["p", "q"] };
        let results = clean_all(&mut host, &targets.map(of), &options);
        if !results.iter().all(Result::is_ok) {
            found.push(format!("{targets:?} {results:?}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// One framework takes 19 s to end; then the master is not ready for 3 s.
#[test]
fn after_the_wait_for_a_teardown_the_others_wait_for_the_master_too() {
    let p = r#"{"frameworks":[{"id":"FP","name":"p","active":false,"roles":["p"]}]}"#;
    let mut found = Vec::new();
    for is_ready in [true, false] {
        let mut host = calm().answer(200, list(&["p", "q"]));
        for _ in 0..14 {
            host = host.page("frameworks", 200, p);
        }
        host = host.page("frameworks", 200, NONE).answer(200, "");
        for _ in 0..if is_ready { 0 } else { 5 } {
            host = host.answer(503, list(&[]));
        }
        host = accepted(host.answer(200, list(&["p", "q"])), 2).answer(200, list(&[]));
        let mut host = slow(host, |_, _| 0);
        let options = Options { in_use: InUse::Teardown, ..refusing() };
        let results = clean_all(&mut host, &[target("p", None), target("q", None)], &options);
        if let Some(Err(failure)) = results.last() {
            found.push((is_ready, failure.message.clone(), host.script.paused));
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

/// A removal of an earlier run is pending for 19 s; then the master is not ready for 3 s.
#[test]
fn after_the_wait_for_an_agent_several_targets_wait_for_the_master_like_one() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"p","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let mut found = Vec::new();
    for is_several in [false, true] {
        let mut host = pages(calm().answer(200, list(&[])), "frameworks", &[NONE]);
        for _ in 0..13 {
            host = host.page("api/v1", 200, pending);
        }
        host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
        for _ in 0..5 {
            host = host.answer(503, list(&[]));
        }
        let mut host = slow(host.answer(200, list(&[])), |_, _| 0);
        let targets = [target("p", None), target("q", None)];
        let results = match is_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        if results.iter().any(Result::is_err) {
            found.push(format!("{is_several} {results:?} {:?}", host.script.paused));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// An agent with resources of another principal restarts just before the node is deleted.
#[test]
fn an_agent_that_restarts_and_has_nothing_of_the_target_is_no_obstacle() {
    let with = |principals: &[&str], more: &str| {
        let cpus = |it: &&str| {
            format!(
                r#"{{"name":"cpus","role":"p","scalar":{{"value":1.0}},"reservation":{{"principal":"{it}"}}}}"#
            )
        };
        let all = principals.iter().map(cpus).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"slaves":[{{"id":"O-S0","hostname":"h0","version":"1.11.0"{more},"reserved_resources_full":{{"p":[{all}]}}}}]}}"#
        )
    };
    let mut host = calm().answer(200, with(&["x", "y"], "")).page("frameworks", 200, NONE);
    host = accepted(host, 1).answer(200, with(&["y"], ""));
    host = host.answer(200, with(&["y"], r#","active":false"#));
    host = host.answer(200, DELETED);
    let mut host =
        slow(host, |it, n| if it.contains("maintenance") && n == 1 { 31_000 } else { 0 });
    let target = Target { principal: Some("x".into()), ..target("p", Some("p")) };
    let report = clean(&mut host, &target, &refusing()).unwrap();
    assert!(report.unreached.is_empty(), "{report:?}");
}

/// A service that is installed again has a framework and resources: it is in use, and did not "come back".
#[test]
fn a_service_that_is_installed_again_is_in_use() {
    let mut found = Vec::new();
    for is_several in [true, false] {
        let host = calm().answer(200, list(&["p"]));
        let mut host = pages(host, "frameworks", &[NONE]);
        host = host.page("frameworks", 200, used("p"));
        host = accepted(host, 1).answer(200, list(&[]));
        host = host.answer(200, list(&["p"])).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.contains("maintenance") { 31_000 } else { 0 });
        let target = target("p", Some("p"));
        let result = match is_several {
            true => clean_all(&mut host, &[target], &refusing()).remove(0),
            false => clean(&mut host, &target, &refusing()),
        };
        let failure = result.unwrap_err();
        if failure.reason != Reason::Failed {
            found.push((is_several, failure.reason, failure.message));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The list shows q's resources again, so their removal is not confirmed.
#[test]
fn what_is_back_is_not_confirmed() {
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
    host = host.answer(200, list(&["q"])).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
    let targets = [target("p", Some("p")), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    let report = &results[1].as_ref().unwrap_err().report;
    assert_eq!(report.left.as_ref().unwrap()[0].resources, 1);
    assert!(report.confirmed.is_empty(), "{report:?}");
}

/// The warning is about what the report shows.
#[test]
fn a_warning_of_other_roles_is_about_what_is_there() {
    let by = |roles: &[&str]| {
        list(roles).replace(r#""reservation":{}"#, r#""reservation":{"principal":"x"}"#)
    };
    let of = |role: &str| Target { principal: Some("x".into()), ..target(role, None) };
    let mut host = pages(calm().answer(200, by(&["p", "q"])), "frameworks", &[NONE]);
    host = host.answer(202, "").answer(409, "").answer(200, by(&["q"]));
    host = host.answer(200, by(&["q"])).answer(202, "").answer(200, by(&[]));
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &["p", "q"].map(of), &refusing());
    for report in results.iter().map(|it| it.as_ref().unwrap()) {
        let warns = report.warnings.contains(&Warning::PrincipalElsewhere);
        assert_eq!(warns, !report.elsewhere.is_empty(), "{report:?} {:#?}", host.script.lines());
    }
}

/// The deletion of the first node takes 31 s; then Marathon has no leader for 3 s, as one target would wait for.
#[test]
fn marathon_is_waited_for_after_a_slow_node_of_another_target() {
    let mut found = Vec::new();
    let removed = r#"{"version":"2026","deploymentId":"d"}"#;
    for is_several in [false, true] {
        let mut host = calm().answer(200, list(&[])).page("frameworks", 200, NONE);
        if is_several {
            host = host.answer(200, DELETED);
        }
        for _ in 0..5 {
            host = host.answer(503, "");
        }
        let mut host =
            slow(
                host.answer(200, removed),
                |it, _| {
                    if it.ends_with("znode/slow ") { 31_000 } else { 0 }
                },
            );
        let last = Target { marathon_app: Some("/janitor".into()), ..target("p", None) };
        let result = match is_several {
            true => clean_all(&mut host, &[node("slow"), last], &refusing()).pop().unwrap(),
            false => clean(&mut host, &last, &refusing()),
        };
        let report = result.unwrap();
        let outcome = report.self_removal.unwrap().outcome;
        if !format!("{outcome:?}").contains("Removed") {
            found.push((is_several, outcome));
        }
    }
    assert!(found.is_empty(), "{found:?}");
}

/// The agent is ignored by its host name, and never carries out what the master has accepted. It keeps resources of
/// another principal, so its host name is known. Ten targets wait for it together, like one.
#[test]
fn a_removal_that_stays_pending_on_an_ignored_agent_is_waited_for_once() {
    let by = |principals: &[&str], roles: &[&str]| {
        let one = |role: &&str| {
            let cpus = |it: &&str| {
                format!(
                    r#"{{"name":"cpus","role":"{role}","scalar":{{"value":1.0}},"reservation":{{"principal":"{it}"}}}}"#
                )
            };
            let all = principals.iter().map(cpus).collect::<Vec<_>>().join(",");
            format!(r#""{role}":[{all}]"#)
        };
        let all = roles.iter().map(one).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"slaves":[{{"id":"O-S0","hostname":"h0","version":"1.11.0","reserved_resources_full":{{{all}}}}}]}}"#
        )
    };
    let mut found = Vec::new();
    for n in [1, 10] {
        let roles: Vec<String> = (0..n).map(|it| format!("r{it}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let one = |role: &&str| {
            format!(
                r#"{{"agent_id":{{"value":"O-S0"}},"info":{{"type":"UNRESERVE","unreserve":{{"resources":[{{"name":"cpus","role":"{role}","reservation":{{"principal":"x"}}}}]}}}},"latest_status":{{"state":"OPERATION_PENDING"}}}}"#
            )
        };
        let all = roles.iter().map(one).collect::<Vec<_>>().join(",");
        let pending = format!(r#"{{"get_operations":{{"operations":[{all}]}}}}"#);
        let host = pages(calm().answer(200, by(&["x", "y"], &roles)), "frameworks", &[NONE]);
        let host = pages(host, "api/v1", &[&pending]);
        let mut host = slow(accepted(host, n).answer(200, by(&["y"], &roles)), |_, _| 0);
        let options = Options { ignored_agents: vec!["h0".into()], ..refusing() };
        let of = |role: &&str| Target { principal: Some("x".into()), ..target(role, None) };
        let targets: Vec<_> = roles.iter().map(of).collect();
        let results = clean_all(&mut host, &targets, &options);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        found.push((n, host.script.paused.as_secs()));
    }
    assert!(found.iter().all(|it| it.1 <= 21), "(targets, seconds): {found:?}");
}

/// The deletion of a large node is not answered in time, nor over after 20 s; that of the next one takes 3 s more than
/// the proxy waits.
#[test]
fn a_deletion_without_an_answer_is_watched_also_after_another_one() {
    let mut found = Vec::new();
    for targets in [vec![node("b")], vec![node("a"), node("b")]] {
        let data = "exhibitor/v1/explorer/node-data";
        let mut host = Script::default().answer(200, list(&[])).page("frameworks", 200, NONE);
        let there = if targets.len() > 1 { 15 } else { 0 } + 5;
        for _ in 0..there {
            host = host.page(data, 200, r#"{"bytes":"","str":"x","stat":"1"}"#);
        }
        host = host.page(data, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
        for _ in &targets {
            host = host.fails(Error::Timeout);
        }
        let mut host = slow(host, |_, _| 0);
        let results = clean_all(&mut host, &targets, &refusing());
        if results.last().is_none_or(Result::is_err) {
            found.push(format!("{} {results:?} {:?}", targets.len(), host.script.paused));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A list that is read before x would be deleted shows what p had; then the frameworks cannot be read, so x stays, and
/// the pause has the list forgotten.
#[test]
fn a_list_of_a_look_that_fails_counts_for_the_others() {
    let mut found = Vec::new();
    for last in [(503, String::new()), (200, used("x"))] {
        let mut host = calm().answer(200, list(&["p"]));
        host = pages(host, "frameworks", &[NONE, NONE]);
        host = host.page("frameworks", 503, "").page("frameworks", last.0, last.1);
        host = accepted(host, 1).answer(200, list(&[])).answer(200, DELETED);
        host = host.answer(200, list(&["p"]));
        let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
        let targets = [target("p", Some("p")), node("x")];
        let results = clean_all(&mut host, &targets, &refusing());
        assert_eq!(host.count("znode/x "), 0);
        assert!(results[1].is_err());
        if results[0].is_ok() {
            found.push(format!("{results:?}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// q's own look pauses at its first page, which has the list forgotten. The list that the other target reads then
/// shows q again.
#[test]
fn a_list_that_another_target_reads_before_the_deletion_counts_for_its_own_target() {
    let mut found = Vec::new();
    for is_away in [false, true] {
        let mut host = calm().answer(200, list(&["p", "q"]));
        host = pages(host, "frameworks", &[NONE, NONE]);
        host = host.page("frameworks", 503, "").page("frameworks", 200, NONE);
        host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
        // The list for q's look; then that for p's.
        host = host.answer(200, list(&[]));
        let more = if is_away { r#","active":false"# } else { "" };
        host = host.answer(200, list_of(&["q"], more)).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.ends_with("znode/p ") { 31_000 } else { 0 });
        let targets = [target("p", Some("p")), target("q", Some("q"))];
        let results = clean_all(&mut host, &targets, &refusing());
        if results[1].is_ok() || host.count("znode/q ") > 0 {
            let last = host.all.iter().map(|it| format!("{:?} {}", it.0, it.1)).collect::<Vec<_>>();
            found.push(format!("{is_away} {results:?} {last:#?}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The proxy waits 60 s for Exhibitor, and the deletion takes 63 s.
#[test]
fn a_deletion_that_takes_longer_than_the_proxy_waits_is_watched() {
    let mut found = Vec::new();
    let data = "exhibitor/v1/explorer/node-data";
    for takes in [0, 60_000] {
        let mut host = Script::default().answer(200, list(&[])).page("frameworks", 200, NONE);
        for _ in 0..5 {
            host = host.page(data, 200, r#"{"bytes":"","str":"x","stat":"1"}"#);
        }
        host = host.page(data, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
        let host = host.answer(504, "<title>Gateway Timeout</title>");
        let mut host = slow(host, |it, _| if it.contains("Delete") { takes } else { 0 });
        let options = Options { confirm_seconds: 30, ..refusing() };
        let result = clean(&mut host, &node("b"), &options);
        if result.is_err() {
            found.push(format!("{takes} {result:?} {:#?}", host.all));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Before the deletion, the run waits 19 s for the frameworks. Then the answer is lost and the deletion takes 3 s, or
/// Exhibitor is not ready for 3 s.
#[test]
fn a_wait_for_the_master_leaves_time_for_the_deletion() {
    let mut found = Vec::new();
    let data = "exhibitor/v1/explorer/node-data";
    for waits in [0, 13] {
        for is_lost in [true, false] {
            let mut host = Script::default().answer(200, list(&[]));
            host = pages(host, "frameworks", &[NONE]);
            for _ in 0..waits {
                host = host.page("frameworks", 503, "");
            }
            host = host.page("frameworks", 200, NONE);
            if is_lost {
                for _ in 0..5 {
                    host = host.page(data, 200, r#"{"bytes":"","str":"x","stat":"1"}"#);
                }
                host = host.answer(504, "");
            } else {
                for _ in 0..5 {
                    host = host.answer(503, "");
                }
                host = host.answer(200, DELETED);
            }
            host = host.page(data, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
            let mut host = slow(host, |it, _| if it.contains("registry") { 31_000 } else { 0 });
            let result = clean(&mut host, &target("b", Some("b")), &refusing());
            if let Err(failure) = &result {
                let message = &failure.message;
                found.push(format!("{waits} {is_lost} {message} {:?}", host.script.paused));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// p's removal is refused once (409), and the agent takes 19 s for it then. q's is refused once too, and the master
/// is not ready for 3 s.
#[test]
fn after_a_second_round_the_others_wait_for_the_master_too() {
    let mut found = Vec::new();
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"p","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    for is_first in [true, false] {
        for waits in [0, 5] {
            let mut host = calm().answer(200, list(&["p", "q"]));
            host = pages(host, "frameworks", &[NONE]);
            for _ in 0..13 {
                host = host.page("api/v1", 200, pending);
            }
            host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
            host = match is_first {
                true => host.answer(202, "").answer(409, ""),
                false => host
                    .answer(409, "")
                    .answer(409, "")
                    .answer(200, list(&["p", "q"]))
                    .answer(202, ""),
            };
            host = host.answer(200, list(&["q"]));
            for _ in 0..waits {
                host = host.answer(503, list(&[]));
            }
            host = host.answer(200, list(&["q"])).answer(202, "").answer(200, list(&[]));
            let mut host = slow(host, |_, _| 0);
            let results =
                clean_all(&mut host, &[target("p", None), target("q", None)], &refusing());
            for failure in results.iter().filter_map(|it| it.as_ref().err()) {
                found.push(format!(
                    "{is_first} {waits} {:?} {} {:?}",
                    failure.reason, failure.message, host.script.paused
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Exhibitor is not there: the router in front of it answers 502 (504), and not 503.
#[test]
fn a_dead_exhibitor_behind_a_router_is_waited_for_once() {
    let mut found = Vec::new();
    for status in [502, 503, 504] {
        let n = 10;
        let mut host = pages(Script::default().answer(200, list(&[])), "frameworks", &[NONE]);
        host = host.page("exhibitor/v1/explorer/node-data", status, "");
        for _ in 0..400 {
            host = host.answer(status, "");
        }
        let mut host = slow(host, |_, _| 0);
        let targets: Vec<_> = (0..n).map(|it| node(&format!("n{it}"))).collect();
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results.iter().all(Result::is_err), "{results:?}");
        let paused = host.script.paused.as_secs();
        if paused >= 20 + 2 * n {
            found.push((status, paused));
        }
    }
    assert!(found.is_empty(), "(status, seconds): {found:?}");
}

/// The agent takes 19 s for p's removal. q's is refused once (409), and the master is not ready for 3 s.
#[test]
fn after_a_removal_that_takes_long_the_others_wait_for_the_master_too() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"p","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let mut host = calm().answer(200, list(&["p", "q"]));
    host = pages(host, "frameworks", &[NONE]);
    for _ in 0..13 {
        host = host.page("api/v1", 200, pending);
    }
    host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
    host = host.answer(202, "").answer(409, "").answer(200, list(&["q"]));
    for _ in 0..5 {
        host = host.answer(503, "");
    }
    host = host.answer(200, list(&["q"])).answer(202, "").answer(200, list(&[]));
    let mut host = slow(host, |_, _| 0);
    let results = clean_all(&mut host, &[target("p", None), target("q", None)], &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

/// The volumes take the agent 19 s; then the frameworks are looked at again, and the master is not ready for 3 s.
#[test]
fn the_targets_wait_for_the_master_before_the_next_operation() {
    let mut found = Vec::new();
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"DESTROY","destroy":{"volumes":[{"name":"disk","role":"q","reservation":{},"disk":{"persistence":{"id":"v"}}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    for is_several in [true, false] {
        let roles: &[&str] = if is_several { &["p", "q"] } else { &["q"] };
        let mut host = calm().answer(200, volumes(roles));
        host = pages(host, "frameworks", &[NONE]);
        for _ in 0..5 {
            host = host.page("frameworks", 503, "");
        }
        host = pages(host, "frameworks", &[NONE]);
        for _ in 0..13 {
            host = host.page("api/v1", 200, pending);
        }
        host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
        host = accepted(host, roles.len()).answer(200, list(roles));
        host = accepted(host, roles.len()).answer(200, list(&[]));
        let mut host =
            slow(host, |it, n| if it.contains("destroy") && n == 1 { 12_000 } else { 0 });
        let targets: Vec<_> = roles.iter().map(|it| target(it, None)).collect();
        let results = match is_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        for failure in results.iter().filter_map(|it| it.as_ref().err()) {
            found.push(format!("{is_several} {:?} {}", failure.reason, failure.message));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The list that q's second look reads has an entry of p's that cannot be read, and p has the latest look.
#[test]
fn a_later_list_that_cannot_be_read_counts_for_other_targets() {
    let roles = r#"{"roles":[]}"#;
    let mut found = Vec::new();
    for is_bad in [true, false] {
        let mut host = calm().answer(200, list(&["p", "q"]));
        host = pages(host, "frameworks", &[NONE, NONE, NONE]);
        host = host.page("frameworks", 503, "").page("frameworks", 200, NONE);
        host = host.page("roles", 200, roles).page("roles", 200, roles).page("roles", 503, "");
        host = host.page("roles", 200, roles);
        host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED);
        let last = list(&["p"]);
        let bad = last.replace(r#""reservation":{}"#, r#""reservation":7"#);
        host = host.answer(200, list(&[])).answer(200, list(&[]));
        host = host.answer(200, if is_bad { bad } else { last });
        host = host.answer(200, DELETED).answer(200, DELETED);
        let mut host = slow(host, |it, _| if it.ends_with("znode/slow ") { 31_000 } else { 0 });
        let targets = [target("p", None), node("slow"), target("q", Some("q"))];
        let results = clean_all(&mut host, &targets, &refusing());
        if results[0].is_ok() {
            let all: Vec<_> = host.all.iter().map(|it| format!("{:?} {}", it.0, it.1)).collect();
            found.push(format!("{is_bad} {:?} {all:#?}", results[0]));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Before the node is deleted, q's look waits for the roles, and then p's does for 3 s.
#[test]
fn a_target_without_a_node_waits_for_the_master_before_a_node_is_deleted() {
    let roles = r#"{"roles":[]}"#;
    let mut host = calm().answer(200, list(&["p", "q"])).page("frameworks", 200, NONE);
    host = host.page("roles", 200, roles).page("roles", 200, roles).page("roles", 503, "");
    host = host.page("roles", 200, roles);
    for _ in 0..5 {
        host = host.page("roles", 503, "");
    }
    host = host.page("roles", 200, roles);
    host = accepted(host, 2).answer(200, list(&[])).answer(200, DELETED).answer(200, DELETED);
    let mut host = slow(host, |it, _| if it.ends_with("znode/slow ") { 31_000 } else { 0 });
    let targets = [target("p", None), node("slow"), target("q", Some("q"))];
    let results = clean_all(&mut host, &targets, &refusing());
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

/// The master lists its agents, and answers 503 to every removal.
#[test]
fn removals_that_no_master_takes_are_waited_for_once() {
    for n in [1, 2, 4] {
        let roles: Vec<_> = (0..n).map(|it| format!("r{it}")).collect();
        let roles: Vec<_> = roles.iter().map(String::as_str).collect();
        let mut host = pages(calm().answer(200, list(&roles)), "frameworks", &[NONE]);
        for _ in 0..400 {
            host = host.answer(503, "");
        }
        let mut host = slow(host, |_, _| 0);
        let targets: Vec<_> = roles.iter().map(|it| target(it, None)).collect();
        let results = clean_all(&mut host, &targets, &refusing());
        assert!(results.iter().all(Result::is_err), "{results:?}");
        assert!(host.script.paused.as_secs() < 20 + 2 * n, "{n} {:?}", host.script.paused);
    }
}

/// The master takes no removal for 19 s; then the agent needs 3 s.
#[test]
fn a_removal_that_is_taken_late_has_its_time() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"p","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    for is_several in [false, true] {
        let mut host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE]);
        for _ in 0..13 {
            host = host.answer(503, "");
        }
        host = host.answer(202, "").answer(200, list(&[]));
        for _ in 0..5 {
            host = host.page("api/v1", 200, pending);
        }
        host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
        let mut host = slow(host, |_, _| 0);
        let targets = [target("p", None)];
        let results = match is_several {
            true => clean_all(&mut host, &targets, &refusing()),
            false => vec![clean(&mut host, &targets[0], &refusing())],
        };
        assert!(results[0].is_ok(), "{is_several} {results:?} {:?}", host.script.paused);
    }
}

/// The master takes 25 s for the second request; then the agent needs 3 s.
#[test]
fn a_removal_that_is_taken_slowly_has_its_time() {
    let pending = r#"{"get_operations":{"operations":[{"agent_id":{"value":"O-S0"},"info":{"type":"UNRESERVE","unreserve":{"resources":[{"name":"cpus","role":"p","reservation":{}}]}},"latest_status":{"state":"OPERATION_PENDING"}}]}}"#;
    let mut host = pages(calm().answer(200, list(&["p"])), "frameworks", &[NONE]);
    host = host.answer(409, "").answer(202, "").answer(200, list(&[]));
    for _ in 0..5 {
        host = host.page("api/v1", 200, pending);
    }
    host = host.page("api/v1", 200, r#"{"get_operations":{}}"#);
    let takes = |it: &str, n| if it.contains("unreserve") && n == 2 { 25_000 } else { 0 };
    let mut host = slow(host, takes);
    let results = clean_all(&mut host, &[target("p", None)], &refusing());
    assert!(results[0].is_ok(), "{results:?} {:?}", host.script.paused);
}

/// The deletion takes 31 s; then Exhibitor is not ready for 3 s.
#[test]
fn after_a_slow_deletion_exhibitor_is_waited_for() {
    let data = "exhibitor/v1/explorer/node-data";
    for (status, body) in [(200, DELETED), (504, "")] {
        let mut host = Script::default().answer(200, list(&[])).page("frameworks", 200, NONE);
        for _ in 0..5 {
            host = host.page(data, 503, "");
        }
        host = host.page(data, 200, r#"{"bytes":"","str":"","stat":"* not found * "}"#);
        let host = host.answer(status, body);
        let mut host = slow(host, |it, _| if it.contains("Delete") { 31_000 } else { 0 });
        let result = clean(&mut host, &node("b"), &refusing());
        assert!(result.is_ok(), "{status} {result:?}");
    }
}

mod disappears;
mod later;
mod service;
