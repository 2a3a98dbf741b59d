//! Plans of clusters that answer from a script, and what applying them does.

use std::collections::BTreeSet;

use super::*;
use crate::clean;
use crate::testing::Script;
use janitor_contract::changes::words;
use janitor_contract::types::{Error, ZnodeState};

const OPTIONS: Options = Options::DEFAULT;
const CPUS: &str =
    r#"{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}}"#;
const FOREIGN: &str =
    r#"{"name":"mem","role":"r","scalar":{"value":8.0},"reservation":{"principal":"q"}}"#;
const STATIC: &str =
    r#"{"name":"cpus","scalar":{"value":2.0},"reservations":[{"type":"STATIC","role":"r"}]}"#;
const VOLUME: &str = r#"{"name":"disk","role":"r","scalar":{"value":64.0},"reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"p"}}}"#;
const NO_FRAMEWORKS: &str = r#"{"frameworks":[]}"#;

fn slaves(entries: &[&str]) -> String {
    let entries = entries.join(",");
    format!(
        r#"{{"slaves":[{{"id":"S0","hostname":"h","version":"1.11.0","reserved_resources_full":{{"r":[{entries}]}}}}]}}"#
    )
}

fn target(znode: Option<&str>) -> Target {
    Target {
        role: Some("r".into()),
        principal: Some("p".into()),
        znode: znode.map(Into::into),
        ..Target::NOTHING
    }
}

#[test]
fn everything_that_is_removed_or_stays_is_shown() {
    let mut host = Script::default()
        .answer(200, slaves(&[CPUS, FOREIGN, STATIC, VOLUME]))
        .answer(200, NO_FRAMEWORKS)
        .answer(200, r#"{"stat":"* not found * "}"#);
    let plan = plan(&mut host, &target(Some("z")), &OPTIONS).unwrap();
    let fates: Vec<_> =
        plan.agents[0].entries.iter().map(|it| (&it.volume, &it.reservation)).collect();
    assert_eq!(
        fates,
        [
            (&None, &Fate::Removed),
            (&None, &Fate::Stays(SkipReason::OtherPrincipal)),
            (&None, &Fate::Stays(SkipReason::StaticReservation)),
            (&Some(Fate::Removed), &Fate::Removed),
        ]
    );
    assert_eq!((plan.znode, plan.refusal), (Some(ZnodeState::Absent), None));
    let wrote = |request: &janitor_contract::types::Request| request.content.is_some();
    assert!(!host.sent.iter().any(wrote));
}

#[test]
fn the_reservation_below_a_volume_may_stay() {
    let with = |from: &str, to: &str| VOLUME.replacen(from, to, 1);
    let reserved = r#""reservation":{"principal":"p"}"#;
    let of_another = with(reserved, r#""reservation":{"principal":"q"}"#);
    let fixed = with(reserved, r#""reservations":[{"type":"STATIC","role":"r"}]"#);
    let volume_left = with(r#""id":"v","principal":"p""#, r#""id":"v","principal":"q""#);
    let mut host = Script::default()
        .answer(200, slaves(&[&of_another, &fixed, &volume_left]))
        .answer(200, NO_FRAMEWORKS);
    let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
    let fates = plan.agents[0].entries.iter().map(|it| (it.volume, it.reservation));
    let stays = Fate::Stays;
    assert_eq!(
        fates.collect::<Vec<_>>(),
        [
            (Some(Fate::Removed), stays(SkipReason::OtherPrincipal)),
            (Some(Fate::Removed), stays(SkipReason::StaticReservation)),
            (Some(stays(SkipReason::OtherPrincipal)), stays(SkipReason::VolumeLeft)),
        ]
    );
}

#[test]
fn a_plan_of_an_app_needs_no_request() {
    let target = Target { marathon_app: Some("/a".into()), ..Target::NOTHING };
    let mut host = Script::default();
    let plan = plan(&mut host, &target, &OPTIONS).unwrap();
    assert_eq!((plan.refusal, plan.agents.len(), host.sent.len()), (None, 0, 0));
}

#[test]
fn what_would_be_refused_is_shown() {
    let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
    for (entry, (status, frameworks), expected) in [
        (FOREIGN, (200, NO_FRAMEWORKS), Reason::OtherPrincipals),
        (CPUS, (200, used), Reason::InUse),
        (CPUS, (403, ""), Reason::InUseUnknown),
    ] {
        let mut host = Script::default().answer(200, slaves(&[entry]));
        host = host.answer(status, frameworks);
        let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
        assert_eq!(plan.refusal, Some(expected));
    }
}

#[test]
fn a_forced_plan_of_a_znode_needs_no_agents() {
    let target = Target { role: None, principal: None, ..target(Some("z")) };
    for (in_use, expected) in [(InUse::Force, None), (InUse::Teardown, Some(Reason::InUseUnknown))]
    {
        let mut host = Script::default().answer(403, "").answer(200, r#"{"stat":"czxid: 1"}"#);
        host = host.answer(200, "[]");
        let plan = plan(&mut host, &target, &Options { in_use, ..OPTIONS }).unwrap();
        assert_eq!((plan.refusal, plan.znode), (expected, Some(ZnodeState::There(0))));
    }
}

#[test]
fn a_plan_is_applied_only_to_what_it_was_made_for() {
    let mut host =
        Script::default().answer(200, slaves(&[CPUS, VOLUME])).answer(200, NO_FRAMEWORKS);
    let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
    for (entries, sentence) in [
        (vec![CPUS, VOLUME, CPUS], "Slave S0 now has: cpus 1, reserved by p"),
        (
            vec![CPUS],
            "Slave S0 no longer has: disk 64 MiB, reserved by p, with volume v, created by p",
        ),
    ] {
        let mut host = Script::default().answer(200, slaves(&entries));
        host = host.answer(200, NO_FRAMEWORKS);
        let failure = clean::apply(&mut host, &plan, &OPTIONS).unwrap_err();
        assert_eq!(failure.reason, Reason::Changed);
        assert!(host.lines().contains(&sentence), "{:?}", host.lines());
        assert_eq!(host.sent.len(), 2);
    }
    let mut host = Script::default()
        .answer(200, slaves(&[VOLUME, CPUS]))
        .answer(200, NO_FRAMEWORKS)
        .answer(202, "")
        .answer(200, slaves(&[CPUS]))
        .answer(202, "")
        .answer(200, slaves(&[]));
    clean::apply(&mut host, &plan, &OPTIONS).unwrap();
}

#[test]
fn a_difference_says_what_differs() {
    let with = |from: &str, to: &str| {
        assert!(VOLUME.contains(from));
        VOLUME.replacen(from, to, 1)
    };
    let labelled = |value: &str| {
        let label = format!(r#"{{"principal":"p","labels":{{"labels":[{{"key":"k"{value}}}]}}}}"#);
        with(r#"{"principal":"p"}"#, &label)
    };
    let disk = |more: &str| with(r#""disk":{"#, &format!(r#""disk":{{{more},"#));
    let others = [
        with("64.0", "65.0"),
        with("\"v\"", "\"w\""),
        labelled(""),
        labelled(r#","value":"1""#),
        labelled(r#","value":"2""#),
        disk(r#""volume":{"container_path":"data"}"#),
        disk(r#""volume":{"container_path":"logs"}"#),
        disk(r#""source":{"type":"MOUNT","mount":{"root":"/mnt/a"}}"#),
        disk(r#""source":{"type":"MOUNT","mount":{"root":"/mnt/b"}}"#),
        with(r#""id":"v","principal":"p""#, r#""id":"v","principal":"q""#),
        with(r#""id":"v","principal":"p""#, r#""id":"v""#),
        with(r#""reservation":{"principal":"p"}"#, r#""reservation":{"principal":"q"}"#),
        with(
            r#""reservation":{"principal":"p"}"#,
            r#""reservations":[{"type":"STATIC","role":"r"}]"#,
        ),
    ];
    let look = |entry: &str| {
        let mut host = Script::default().answer(200, slaves(&[entry])).answer(200, NO_FRAMEWORKS);
        plan(&mut host, &target(None), &OPTIONS).unwrap()
    };
    let mut said = BTreeSet::new();
    for entry in others.iter().map(String::as_str).chain([VOLUME]) {
        said.insert(words(&look(entry).agents[0].entries[0]));
    }
    assert_eq!(said.len(), others.len() + 1, "{said:?}");
    let mut host = Script::default().answer(200, slaves(&[&disk(
        r#""volume":{"container_path":"data"},"source":{"type":"MOUNT","mount":{"root":"/mnt/a"}}"#,
    )]));
    host = host.answer(200, NO_FRAMEWORKS);
    clean::apply(&mut host, &look(&labelled(r#","value":"1""#)), &OPTIONS).unwrap_err();
    for line in [
        "Slave S0 now has: disk 64 MiB on MOUNT /mnt/a, reserved by p, with volume v at 'data', \
         created by p",
        "Slave S0 no longer has: disk 64 MiB, reserved by p [k=1], with volume v, created by p",
    ] {
        assert!(host.lines().contains(&line), "{:?}", host.lines());
    }
}

/// A plan that expects nothing of an ignored agent can be carried out while the agent is away.
#[test]
fn a_plan_that_ignores_an_agent_that_is_away_is_applied() {
    let both = |first: &str| {
        let agent = |id: &str, active: bool, entries: &str| {
            format!(
                r#"{{"id":"{id}","hostname":"h","version":"1.11.0","active":{active},"reserved_resources_full":{{"r":[{entries}]}}}}"#
            )
        };
        format!(r#"{{"slaves":[{},{}]}}"#, agent("S0", true, first), agent("S1", false, CPUS))
    };
    let ignoring = Options { ignored_agents: vec!["S1".into()], ..OPTIONS };
    let mut host = Script::default().answer(200, both(CPUS)).answer(200, NO_FRAMEWORKS);
    let plan = plan(&mut host, &target(None), &ignoring).unwrap();
    assert_eq!((plan.unreached.len(), plan.ignored[0].agent.as_str()), (0, "S1"));
    let mut host = Script::default()
        .answer(200, both(CPUS))
        .answer(200, NO_FRAMEWORKS)
        .answer(202, "")
        .answer(200, both(""));
    clean::apply(&mut host, &plan, &ignoring).unwrap();
    let sent = host.sent.iter().filter_map(|it| it.content.as_ref());
    let sent: Vec<_> = sent.map(|it| String::from_utf8_lossy(&it.bytes)).collect();
    assert!(sent.iter().all(|it| !it.contains("S1")), "{sent:?}");
}

/// A cluster, as far as it differs from a quiet one that has the target's node.
struct There {
    agent: &'static str,
    elsewhere: &'static str,
    frameworks: &'static str,
    /// The answer to a look at the node itself.
    node: &'static str,
    /// The answers to looks at the nodes below it.
    below: &'static [&'static str],
    pages: &'static [(&'static str, &'static str)],
}

const QUIET: There = There {
    agent: "",
    elsewhere: "",
    frameworks: "",
    node: r#"{"stat":"czxid: 1"}"#,
    below: &["[]"],
    pages: &[],
};
const F: &str = r#"{"id":"F","name":"kafka","active":true,"roles":["r"],"tasks":[{}]}"#;
const REGISTRY: &str = "registrar(1)/registry";
const AWAY: (&str, &str) = (
    REGISTRY,
    r#"{"master":{},"unreachable":{"slaves":[{"id":{"value":"S9"},"timestamp":{"nanoseconds":1000000000}}]}}"#,
);

impl There {
    fn script(&self) -> Script {
        let Self { agent, elsewhere, frameworks, node, below, pages } = self;
        let slaves = slaves(&[CPUS])
            .replacen(r#"{"id""#, &format!(r#"{{{agent}"id""#), 1)
            .replacen(r#"{"r""#, &format!(r#"{{{elsewhere}"r""#), 1);
        let mut host = Script::default()
            .answer(200, slaves)
            .answer(200, format!(r#"{{"frameworks":[{frameworks}]}}"#))
            .page("exhibitor/v1/explorer/node-data", 200, *node);
        for list in *below {
            host = host.page("exhibitor/v1/explorer/node", 200, *list);
        }
        pages.iter().fold(host, |host, (path, body)| host.page(path, 200, *body))
    }
}

/// Applies a plan of one cluster to another one, in which no change succeeds, and returns the
/// reason for the failure and the log.
fn applied_elsewhere(
    then: &There,
    now: &There,
    planned_under: &Options,
    options: &Options,
) -> (Option<Reason>, Vec<String>) {
    let target = Target { principal: None, ..target(Some("z")) };
    let plan = plan(&mut then.script(), &target, planned_under).unwrap();
    let mut host = now.script().answer(400, "stop").answer(400, "stop").answer(400, "stop");
    let failure = clean::apply(&mut host, &plan, options).unwrap_err();
    let writes = host.sent.iter().any(|request| {
        let is_look = |it: &janitor_contract::types::Content| it.bytes.starts_with(b"{\"type\"");
        request.content.as_ref().is_some_and(|it| !is_look(it))
    });
    assert!(!writes || failure.reason == Reason::Failed, "{}", failure.message);
    (Some(failure.reason), host.lines().into_iter().map(Into::into).collect())
}

#[test]
fn everything_that_a_plan_shows_is_compared() {
    let with = |in_use| Options { in_use, ..OPTIONS };
    let (teardown, forced) = (with(InUse::Teardown), with(InUse::Force));
    let ignoring = Options { ignored_agents: vec!["S9".into(), "h".into()], ..OPTIONS };
    let whole = Options { whole_service: true, ..OPTIONS };
    let users = |frameworks| There { frameworks, ..QUIET };
    let below = |below| There { below, ..QUIET };
    let node = |node| There { node, ..QUIET };
    let pages = |pages| There { pages, ..QUIET };
    let agent = |agent| There { agent, ..QUIET };
    let elsewhere = There {
        elsewhere: r#""x/r":[{"name":"cpus","role":"x/r","scalar":{"value":1.0},"reservation":{}}],"#,
        ..QUIET
    };
    let inactive = agent(r#""active":false,"#);
    let absent = node(r#"{"stat":"* not found * "}"#);
    let refused = node(r#"{"str":"Exception","stat":"NoAuth"}"#);
    let one = below(&[r#"[{"title":"a","key":"/z/a"}]"#, "[]"]);
    let two = below(&[r#"[{"title":"a","key":"/z/a"},{"title":"b","key":"/z/b"}]"#, "[]"]);
    let broken = below(&["<html>"]);
    let more_roles = r#"{"id":"F","name":"kafka","active":true,"roles":["r","r/s"],"tasks":[{}]}"#;
    let more_tasks = r#"{"id":"F","name":"kafka","active":true,"roles":["r"],"tasks":[{},{}]}"#;
    let less = r#"{"id":"F","name":"kafka","active":false,"roles":["r"]}"#;
    let other = r#"{"id":"G","name":"kafka","active":true,"roles":["r"]}"#;
    let changed = Some(Reason::Changed);
    for (then, now, options, reason, line) in [
        (&QUIET, &absent, &OPTIONS, changed, "The znode 'z' no longer exists"),
        (&absent, &QUIET, &OPTIONS, changed, "The znode 'z' exists now"),
        (&refused, &QUIET, &OPTIONS, changed, "The znode 'z' exists now, but could not"),
        (&refused, &refused, &OPTIONS, Some(Reason::Failed), "It is unknown whether znode"),
        (&one, &two, &OPTIONS, changed, "The znode 'z' now has 2 node(s) below it, and 1"),
        (&two, &one, &OPTIONS, changed, "The znode 'z' now has 1 node(s) below it, and 2"),
        (&one, &broken, &OPTIONS, changed, "The znode 'z' has nodes below it that can no"),
        (&QUIET, &users(F), &teardown, changed, "Framework 'kafka' (F, active) now uses"),
        (&QUIET, &users(F), &forced, changed, "Framework 'kafka' (F, active) now uses the target"),
        (&QUIET, &users(F), &OPTIONS, changed, "Framework 'kafka' (F, active) now us"),
        (&users(F), &QUIET, &teardown, changed, "Framework 'kafka' (F, active) no longer uses"),
        (&users(F), &users(other), &teardown, changed, "Framework 'kafka' (G, active) now uses"),
        (&users(F), &users(more_roles), &forced, changed, "Framework 'kafka' (F, active) di"),
        (&users(F), &users(more_tasks), &teardown, changed, "Framework 'kafka' (F, active) n"),
        // The plan was refused, so it does not show what a cleanup would have done.
        (&users(F), &QUIET, &OPTIONS, changed, "The plan was refused, but no longer is: "),
        (&pages(&[AWAY]), &QUIET, &OPTIONS, changed, "No longer true: Slave S9 is unreacha"),
        (&QUIET, &pages(&[AWAY]), &OPTIONS, changed, "Not in the plan: Slave S9 is unreach"),
        (&pages(&[AWAY]), &QUIET, &ignoring, changed, "No longer true: Slave S9 is unreach"),
        (&QUIET, &pages(&[AWAY]), &ignoring, changed, "Not in the plan: Slave S9 is unreach"),
        (&inactive, &QUIET, &OPTIONS, changed, "No longer true: Slave S0 (h) is not connect"),
        (&inactive, &QUIET, &ignoring, changed, "No longer true: Slave S0 (h) is not conne"),
        (&elsewhere, &QUIET, &whole, changed, "The service's resources under other roles"),
    ] {
        let (ended, lines) = applied_elsewhere(then, now, options, options);
        let is_shown = lines.iter().any(|it| it.starts_with(line));
        assert!(ended == reason && is_shown, "{line}: {ended:?} {lines:?}");
    }
    // In these cases nothing has changed that matters.
    for (then, now, options) in [
        (&one, &one, &OPTIONS),
        (&broken, &two, &OPTIONS),
        (&elsewhere, &QUIET, &OPTIONS),
        (&users(F), &users(less), &forced),
        (&users(F), &users(less), &teardown),
    ] {
        let (ended, lines) = applied_elsewhere(then, now, options, options);
        assert_eq!(ended, Some(Reason::Failed), "{lines:?}");
    }
}

#[test]
fn a_look_that_is_stopped_shows_no_other_cluster() {
    let target = Target { principal: None, ..target(Some("z")) };
    let forced = Options { in_use: InUse::Force, ..OPTIONS };
    let plan = plan(&mut QUIET.script(), &target, &forced).unwrap();
    let mut host = Script::default()
        .page("exhibitor/v1/explorer/node-data", 200, QUIET.node)
        .page("exhibitor/v1/explorer/node", 200, "[]")
        .answer(200, slaves(&[CPUS]))
        .fails(Error::Stopped);
    let failure = clean::apply(&mut host, &plan, &forced).unwrap_err();
    assert_eq!(failure.reason, Reason::Stopped, "{}", failure.message);
}

#[test]
fn what_is_given_with_a_plan_lifts_what_refuses_it() {
    let with = |in_use| Options { in_use, ..OPTIONS };
    let ignoring = Options { ignored_agents: vec!["S9".into()], ..OPTIONS };
    let used = There { frameworks: F, ..QUIET };
    let away = There { pages: &[AWAY], ..QUIET };
    for (there, options, reason) in [
        (&used, with(InUse::Refuse), Reason::InUse),
        (&used, with(InUse::Force), Reason::Failed),
        (&used, with(InUse::Teardown), Reason::Failed),
        (&away, ignoring, Reason::Failed),
    ] {
        let (ended, lines) = applied_elsewhere(there, there, &OPTIONS, &options);
        assert_eq!(ended, Some(reason), "{lines:?}");
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let target = Target { principal: None, ..target(Some("z")) };
    let made = plan(&mut QUIET.script(), &target, &OPTIONS).unwrap();
    let changed = |change: fn(&mut CleanupPlan)| {
        let mut plan = made.clone();
        change(&mut plan);
        plan
    };
    for (field, plan) in [
        ("`znode`", changed(|it| it.znode = None)),
        ("`znode`", changed(|it| it.target.znode = None)),
        ("`agents`", changed(|it| it.target.role = None)),
        ("`why_refused`", changed(|it| it.why_refused = Some("no".into()))),
        (
            "`frameworks`",
            changed(|it| {
                (it.refusal, it.why_refused) = (Some(Reason::InUse), Some(String::new()));
            }),
        ),
        ("`agents.1`", changed(|it| it.agents.push(it.agents[0].clone()))),
        (
            "`agents.0.entries.0`",
            changed(|it| it.agents[0].entries[0].volume = Some(Fate::Removed)),
        ),
    ] {
        let mut host = Script::default();
        let failure = clean::apply(&mut host, &plan, &OPTIONS).unwrap_err();
        assert_eq!(failure.reason, Reason::InvalidTarget);
        let words = format!("Refused: the plan contradicts itself: {field} ");
        assert!(failure.message.starts_with(&words), "{}", failure.message);
        assert_eq!(host.sent.len(), 0);
    }
}

/// Only the listing proves that a plan is carried out already.
#[test]
fn a_plan_that_is_carried_out_already_needs_no_second_run() {
    let made = |options: &Options| {
        let target = Target { principal: Some("p".into()), ..target(Some("z")) };
        let mut host = Script::default()
            .answer(200, slaves(&[CPUS, FOREIGN, STATIC, VOLUME]))
            .answer(200, NO_FRAMEWORKS)
            .page("exhibitor/v1/explorer/node-data", 200, QUIET.node)
            .page("exhibitor/v1/explorer/node", 200, "[]");
        plan(&mut host, &target, options).unwrap()
    };
    let absent = r#"{"stat":"* not found * "}"#;
    let apply =
        |plan: &CleanupPlan, slaves: String, frameworks: &str, znode: &str, options: &Options| {
            let mut host = Script::default().answer(200, slaves).answer(200, frameworks);
            host = host.page("exhibitor/v1/explorer/node-data", 200, znode);
            host = host.page("exhibitor/v1/explorer/node", 200, "[]");
            let result = clean::apply(&mut host, plan, options);
            let changes = host
                .sent
                .iter()
                .filter(|it| it.path[0] == "destroy-volumes" || it.path[0] == "unreserve");
            assert_eq!(changes.count(), 0);
            (result, host.lines().into_iter().map(String::from).collect::<Vec<_>>())
        };
    let kept = slaves(&[FOREIGN, STATIC]);
    let (result, lines) = apply(&made(&OPTIONS), kept.clone(), NO_FRAMEWORKS, absent, &OPTIONS);
    assert_eq!(result.map(|it| it.agents.len()), Ok(0));
    assert_eq!(lines, ["", "Nothing is left to do: the plan is already carried out."]);
    let whole = Options { whole_service: true, ..OPTIONS };
    let other = kept.replace("\"S0\"", "\"S1\"");
    let away = kept.replace(r#""hostname""#, r#""active":false,"hostname""#);
    let used = format!(r#"{{"frameworks":[{F}]}}"#);
    let elsewhere = kept.replacen(r#"{"r""#, r#"{"x/r":[{"name":"cpus","role":"x/r","scalar":{"value":1.0},"reservation":{"principal":"p"}}],"r""#, 1);
    for (slaves, frameworks, znode, options) in [
        // Something is left, or is there again.
        (slaves(&[FOREIGN, STATIC, CPUS]), NO_FRAMEWORKS, absent, &OPTIONS),
        (slaves(&[CPUS, FOREIGN, STATIC]), NO_FRAMEWORKS, absent, &OPTIONS),
        (kept.clone(), NO_FRAMEWORKS, QUIET.node, &OPTIONS),
        (kept.clone(), &used, absent, &OPTIONS),
        (elsewhere, NO_FRAMEWORKS, absent, &whole),
        // Somebody else has changed the rest.
        (slaves(&[FOREIGN]), NO_FRAMEWORKS, absent, &OPTIONS),
        // The list does not show the plan's agent, so it may be another cluster.
        (other, NO_FRAMEWORKS, absent, &OPTIONS),
        (slaves(&[]).replace("\"S0\"", "\"S1\""), NO_FRAMEWORKS, absent, &OPTIONS),
        (away, NO_FRAMEWORKS, absent, &OPTIONS),
    ] {
        let (result, lines) = apply(&made(options), slaves, frameworks, znode, options);
        let reason = result.map_err(|it| it.reason);
        assert_eq!(reason, Err(Reason::Changed), "{lines:?}");
    }
}

/// Another cluster shows nothing of the plan's agents, and what an agent brings back is there again.
#[test]
fn a_resource_that_cannot_be_described_is_named_with_its_agent() {
    let nameless = CPUS.replace(r#""name":"cpus","#, "");
    let mut host = Script::default().answer(200, slaves(&[&nameless])).answer(200, NO_FRAMEWORKS);
    let failure = plan(&mut host, &target(None), &OPTIONS).unwrap_err();
    assert!(failure.message.starts_with("Slave S0 lists an invalid resource: "), "{failure:?}");
}

/// Somebody reserves or creates more while the plan is carried out.
#[test]
fn only_what_a_plan_shows_is_removed() {
    let mut host =
        Script::default().answer(200, slaves(&[VOLUME, CPUS])).answer(200, NO_FRAMEWORKS);
    let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
    // Where a volume was, its disk is reserved, and may be shown together with what is reserved like it.
    let disk =
        r#"{"name":"disk","role":"r","scalar":{"value":64.0},"reservation":{"principal":"p"}}"#;
    let memory = CPUS.replace("cpus", "mem");
    let of_other =
        CPUS.replace(r#""principal":"p""#, r#""principal":"p","labels":{"labels":[{"key":"k"}]}"#);
    let more = CPUS.replace("1.0", "1.001");
    for (now, is_shown) in [
        (vec![disk, CPUS], true),
        (vec![CPUS], true),
        (vec![disk, &more], false),
        (vec![disk, CPUS, CPUS], false),
        (vec![disk, CPUS, &memory], false),
        (vec![disk, CPUS, &of_other], false),
        (vec![disk, disk, CPUS], false),
    ] {
        let mut host = Script::default().answer(200, slaves(&[VOLUME, CPUS]));
        host = host.answer(200, NO_FRAMEWORKS).answer(202, "").answer(200, slaves(&now));
        host = host.answer(202, "").answer(200, slaves(&[]));
        let result = clean::apply(&mut host, &plan, &OPTIONS);
        assert_eq!(result.is_ok(), is_shown, "{now:?} {result:?}");
        if let Err(failure) = result {
            assert_eq!(failure.reason, Reason::Incomplete);
            assert!(failure.message.contains("which the plan does not show"), "{failure:?}");
        }
    }
    // The same number of ports or items are others.
    let ports = |ranges: &str| {
        format!(
            r#"{{"name":"ports","role":"r","ranges":{{"range":[{ranges}]}},"reservation":{{"principal":"p"}}}}"#
        )
    };
    let items = |items: &str| {
        format!(
            r#"{{"name":"x","role":"r","set":{{"item":[{items}]}},"reservation":{{"principal":"p"}}}}"#
        )
    };
    let (one, two) = (r#"{"begin":1,"end":2}"#, r#"{"begin":3,"end":4}"#);
    let (then, apart) = (ports(&format!("{one},{two}")), ports(one));
    let both = items(r#""a","b""#);
    let planned = [&then, &both].map(String::as_str);
    let mut host = Script::default().answer(200, slaves(&planned)).answer(200, NO_FRAMEWORKS);
    let of_both = super::plan(&mut host, &target(None), &OPTIONS).unwrap();
    for (now, is_shown) in [
        (vec![ports(r#"{"begin":1,"end":4}"#), items(r#""b""#)], true),
        (vec![apart.clone(), ports(two)], true),
        (vec![ports(r#"{"begin":2,"end":5}"#)], false),
        (vec![ports(r#"{"begin":0,"end":1}"#)], false),
        (vec![items(r#""a","c""#)], false),
    ] {
        let now: Vec<_> = now.iter().map(String::as_str).collect();
        let mut host = Script::default().answer(200, slaves(&planned)).answer(200, NO_FRAMEWORKS);
        host = host.answer(409, "").answer(200, slaves(&now)).answer(202, "");
        host = host.answer(200, slaves(&[]));
        let result = clean::apply(&mut host, &of_both, &OPTIONS);
        assert_eq!(result.is_ok(), is_shown, "{now:?} {result:?}");
    }
    // A volume has another id.
    let other = VOLUME.replace(r#""id":"v""#, r#""id":"w""#);
    let mut host = Script::default().answer(200, slaves(&[VOLUME, CPUS]));
    host = host.answer(200, NO_FRAMEWORKS).answer(409, "").answer(200, slaves(&[&other, CPUS]));
    let failure = clean::apply(&mut host, &plan, &OPTIONS).unwrap_err();
    assert!(failure.message.contains("which the plan does not show"), "{failure:?}");
}

#[test]
fn only_the_cluster_of_a_plan_shows_that_it_is_carried_out() {
    let mut host = Script::default().answer(200, slaves(&[CPUS])).answer(200, NO_FRAMEWORKS);
    let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
    let (empty, back) = (slaves(&[]), slaves(&[CPUS]));
    let other = empty.replace("\"S0\"", "\"S1\"");
    let host = |first: &str, last: &str| {
        Script::default().answer(200, first).answer(200, NO_FRAMEWORKS).answer(200, last)
    };
    for (first, last, expected) in [
        (&empty, &empty, None),
        (&other, &other, Some(Reason::Changed)),
        (&empty, &back, Some(Reason::Changed)),
        (&empty, &other, Some(Reason::Changed)),
    ] {
        let result = clean::apply(&mut host(first, last), &plan, &OPTIONS);
        assert_eq!(result.err().map(|it| it.reason), expected, "{first} {last}");
    }
    // Agents that the master does not list may hold something.
    for (page, status) in [("registrar(1)/registry", 403), ("api/v1", 403)] {
        let mut host = host(&empty, &empty).page(page, status, "");
        let result = clean::apply(&mut host, &plan, &OPTIONS);
        assert_eq!(result.err().map(|it| it.reason), Some(Reason::Incomplete), "{page}");
    }
    // An agent may not have received what was removed, and nobody lists that.
    let mut host = host(&empty, &empty).page("api/v1", 400, "");
    host = host.page("version", 200, r#"{"version":"1.4.3"}"#);
    assert!(clean::apply(&mut host, &plan, &OPTIONS).is_ok());
    assert_eq!(host.paused, Duration::from_secs(105));
}
