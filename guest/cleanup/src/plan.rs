//! What a cleanup would do: a look at the cluster that changes nothing, and the
//! comparison of two such looks.

use std::collections::BTreeSet;

use crate::checks::{self, Users};
use crate::context::{Run, Stop};
use crate::guard::Refusal;
use crate::host::Host;
use crate::master::agents::{Listing, Wanted};
use crate::master::frameworks::Words;
use crate::master::resource::{self, Resource};
use crate::operation::round::Owner;
use crate::words::unreached_words;
use crate::znode::Tree;
use janitor_contract::describe::{entry_words, volume_words};
use janitor_contract::types::{
    AgentPlan, CleanupPlan, Failure, Fate, Framework, InUse, Options, Phase, Planned, Reason,
    SkipReason, Target, Unreached, UnreachedReason, ZnodeState,
};

/// Looks at what cleaning a target would do, as `wit/cleanup.wit` promises.
///
/// # Errors
/// The failure; nothing was changed.
pub fn plan<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
) -> Result<CleanupPlan, Failure> {
    let mut run = Run::new(host, options);
    match run.plan(target) {
        Ok(plan) => Ok(plan),
        Err(stop) => Err(run.fail(stop)),
    }
}

impl<H: Host> Run<'_, H> {
    fn plan(&mut self, target: &Target) -> Result<CleanupPlan, Stop> {
        self.admit(target)?;
        // The plan tells it all.
        self.is_quiet = true;
        let (mut plan, listing) = self.survey(target)?;
        if let (Some(listing), Some(owner)) = (&listing, Owner::of(target)) {
            self.tell_what_stands_above(listing, owner);
            self.tell_what_is_elsewhere(listing);
        }
        plan.znode = self.znode_state(target);
        plan.warnings = std::mem::take(&mut self.report.warnings);
        Ok(plan)
    }

    /// Looks at everything that a plan of a target shows, but for the znode and the
    /// warnings; and gives the list of agents, if there is one to go by.
    pub fn survey(&mut self, target: &Target) -> Result<(CleanupPlan, Option<Listing>), Stop> {
        let mut plan = CleanupPlan {
            target: target.clone(),
            mesos_version: None,
            agents: Vec::new(),
            unreached: Vec::new(),
            ignored: Vec::new(),
            elsewhere: Vec::new(),
            warnings: Vec::new(),
            frameworks: Vec::new(),
            frameworks_unknown: None,
            znode: None,
            refusal: None,
            why_refused: None,
        };
        let owner = Owner::of(target);
        let listing = match owner {
            Some(owner) => Some(self.plan_resources(owner, &mut plan)?),
            None if target.znode.is_some() => match self.list(Wanted::NOTHING) {
                Ok(listing) => Some(listing),
                Err(why) => {
                    self.is_not_known(why, &mut plan);
                    None
                }
            },
            None => None,
        };
        if let Some(listing) = &listing {
            self.plan_checks(listing, owner, &mut plan);
        }
        Ok((plan, listing))
    }

    /// What is at a target's ZooKeeper node, if it names one.
    pub fn znode_state(&mut self, target: &Target) -> Option<ZnodeState> {
        let tree = Tree::new(self.options, target.znode.as_deref()?);
        let mut retries = self.retries();
        Some(tree.look(&mut self.host, &mut retries))
    }

    fn plan_resources(&mut self, owner: Owner, plan: &mut CleanupPlan) -> Result<Listing, Stop> {
        let Owner { role, principal } = owner;
        let listing = self.look(owner);
        let listing = self.usable(listing)?;
        plan.mesos_version.clone_from(&listing.version);
        plan.agents = agents(&listing, owner).map_err(|why| self.stop(Reason::Failed, why))?;
        let pending = self.pending(&listing, Some(role), principal);
        let (mut unreached, _) = self.unreached(&listing, pending);
        plan.ignored = self.ignore(&mut unreached);
        plan.unreached = unreached;
        plan.elsewhere.clone_from(&listing.elsewhere);
        Ok(listing)
    }

    /// What would end a cleanup, in the order in which it would.
    fn plan_checks(&mut self, listing: &Listing, owner: Option<Owner>, plan: &mut CleanupPlan) {
        if let Some(owner) = owner {
            self.refuses(checks::require_own_resources(listing, owner), plan);
        }
        let frameworks = self.frameworks(listing);
        if owner.is_some() {
            let known = frameworks.as_ref().ok();
            let target = plan.target.clone();
            let checked = checks::require_known_role(listing, known, &target, self.options);
            self.refuses(checked, plan);
        }
        match frameworks {
            Ok(frameworks) => {
                let Users { all, refusal } = checks::users(&frameworks, &plan.target, self.options);
                plan.frameworks = all;
                let role = plan.target.role.as_deref().filter(|_| plan.target.znode.is_none());
                plan.frameworks_unknown = frameworks.doubt(role);
                self.refuses(refusal.map_or(Ok(()), Err), plan);
            }
            Err(why) => self.is_not_known(why, plan),
        }
    }

    /// Keeps why it is not known which frameworks there are, which refuses a cleanup that
    /// is not forced.
    fn is_not_known(&self, why: String, plan: &mut CleanupPlan) {
        if self.options.in_use != InUse::Force {
            self.refuses(Err(checks::unknown(&plan.target, &why)), plan);
        }
        plan.frameworks_unknown = Some(why);
    }

    /// Keeps the first reason why a cleanup would be refused.
    fn refuses(&self, checked: Result<(), Refusal>, plan: &mut CleanupPlan) {
        if let (None, Err(Refusal { reason, why })) = (plan.refusal, checked) {
            (plan.refusal, plan.why_refused) = (Some(reason), Some(format!("{why}.")));
        }
    }
}

/// What a cleanup would do on the agents that have something for the role.
///
/// # Errors
/// One sentence, when an entry is not what Mesos documents.
pub fn agents(listing: &Listing, owner: Owner) -> Result<Vec<AgentPlan>, String> {
    let agents = listing.agents.iter().filter(|agent| !agent.resources.is_empty());
    agents
        .map(|agent| {
            let entries = agent.resources.iter().map(|resource| planned(resource, owner.principal));
            let entries = entries.collect::<Result<_, _>>();
            Ok(AgentPlan {
                agent: agent.id.clone(),
                hostname: agent.hostname.clone(),
                entries: entries.map_err(|why| {
                    format!("Slave {} lists something that is no resource: {why}", agent.id)
                })?,
            })
        })
        .collect()
}

fn planned(resource: &Resource, principal: Option<&str>) -> serde_json::Result<Planned> {
    let fate = |fate| match fate {
        resource::Fate::Take => Some(Fate::Removed),
        resource::Fate::Skip(reason) => Some(Fate::Stays(reason)),
        resource::Fate::Ignore => None,
    };
    let volume = fate(resource.fate(Phase::Volumes, principal));
    let stays = || fate(resource.fate(Phase::Reservations, principal));
    let reservation = match (&volume, resource.targeted(principal)) {
        (Some(Fate::Stays(_)), _) => Some(Fate::Stays(SkipReason::VolumeLeft)),
        (_, (_, true)) => Some(Fate::Removed),
        (Some(Fate::Removed), (_, false)) if !resource.is_dynamic() => {
            Some(Fate::Stays(SkipReason::StaticReservation))
        }
        (Some(Fate::Removed), (_, false)) => Some(Fate::Stays(SkipReason::OtherPrincipal)),
        (None, _) => stays(),
    };
    Ok(Planned {
        entry: resource.describe()?.reserved,
        volume,
        // Of every reservation it is known whether it goes.
        reservation: reservation.unwrap_or(Fate::Stays(SkipReason::StaticReservation)),
    })
}

/// What is not as a plan says, one sentence each. What is only told (versions, warnings, and
/// how many tasks fewer there are) may differ.
pub fn differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let mut sentences = agent_differences(&then.agents, &now.agents);
    sentences.extend(reach_differences(&then.unreached, &now.unreached, ""));
    sentences.extend(reach_differences(&then.ignored, &now.ignored, " (ignored)"));
    if options.whole_service && then.elsewhere != now.elsewhere {
        // It decides whether the znode goes.
        sentences.push("What the service may have elsewhere is not as the plan says".into());
    }
    sentences.extend(framework_differences(then, now, options));
    sentences.extend(znode_difference(then, now));
    if let (Some(_), None) = (then.refusal, now.refusal) {
        let why = then.why_refused.as_deref().unwrap_or_default();
        sentences.push(format!("The plan is refused, and now nothing refuses it: {why}"));
    }
    sentences
}

/// What agents hold that the plan does not show, or hold no more.
fn agent_differences(then: &[AgentPlan], now: &[AgentPlan]) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "now has"), (then, now, "no longer has")];
    for (these, others, verb) in changes {
        for agent in these {
            let other = others.iter().find(|other| other.agent == agent.agent);
            let mut known: Vec<_> = other.into_iter().flat_map(|other| &other.entries).collect();
            for planned in &agent.entries {
                match known.iter().position(|other| *other == planned) {
                    Some(index) => drop(known.swap_remove(index)),
                    None => {
                        sentences.push(format!("Slave {} {verb}: {}", agent.agent, words(planned)))
                    }
                }
            }
        }
    }
    sentences
}

/// What cannot be reached and the plan does not show, or can be reached by now: then more
/// would go than the plan shows, the znode above all.
fn reach_differences(then: &[Unreached], now: &[Unreached], note: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "Not in the plan"), (then, now, "Not so any more")];
    for (these, others, what) in changes {
        for it in these.iter().filter(|it| !others.iter().any(|other| is_as_far(it, other))) {
            sentences.push(format!("{what}: {}{note}", unreached_words(it)));
        }
    }
    sentences
}

/// Whether the two are the same agent or machine, and the same is sent for it. Why it is
/// out of reach, and since when, may have become clearer.
fn is_as_far(one: &Unreached, other: &Unreached) -> bool {
    let is_away = |it: &Unreached| it.reason == UnreachedReason::NotActive;
    let is_same = match one.agent.is_empty() {
        true => other.agent.is_empty() && one.hostname == other.hostname,
        false => one.agent == other.agent,
    };
    is_same && is_away(one) == is_away(other)
}

/// Frameworks that the plan does not show as they are: all of them end in a teardown, or
/// lose their data.
fn framework_differences(then: &CleanupPlan, now: &CleanupPlan, options: &Options) -> Vec<String> {
    let mut sentences = Vec::new();
    let roles = |it: &Framework| it.roles.iter().cloned().collect::<BTreeSet<_>>();
    for framework in &now.frameworks {
        let name = Words(framework);
        match then.frameworks.iter().find(|it| it.id == framework.id) {
            None => sentences.push(format!("Framework {name} uses the target now")),
            Some(it) if it.name != framework.name || roles(it) != roles(framework) => {
                let has = framework.roles.join(", ");
                sentences.push(format!(
                    "Framework {name} is not as the plan says; now it has the roles: {has}"
                ));
            }
            Some(it) if options.in_use == InUse::Teardown && framework.tasks > it.tasks => {
                sentences.push(format!(
                    "Framework {name} runs {} task(s) now, and {} in the plan",
                    framework.tasks, it.tasks
                ));
            }
            Some(_) => {}
        }
    }
    let is_gone = |it: &&Framework| !now.frameworks.iter().any(|other| other.id == it.id);
    for framework in then.frameworks.iter().filter(is_gone) {
        sentences.push(format!("Framework {} uses the target no more", Words(framework)));
    }
    if let (None, Some(why)) = (&then.frameworks_unknown, &now.frameworks_unknown) {
        sentences.push(format!("It is not known any more which frameworks there are: {why}"));
    }
    sentences
}

fn znode_difference(then: &CleanupPlan, now: &CleanupPlan) -> Option<String> {
    use ZnodeState::{Absent, MoreThan, There, Uncounted, Unknown};

    let znode = then.target.znode.as_deref()?;
    let what = match (then.znode.as_ref()?, now.znode.as_ref()?) {
        (_, Unknown(why)) => format!("cannot be looked at now: {why}"),
        // Nobody could say more about it then.
        (Absent | Unknown(_), Absent) | (MoreThan(_), MoreThan(_)) => return None,
        (Uncounted(_), There(_) | MoreThan(_) | Uncounted(_)) => return None,
        (There(then), There(now)) if then == now => return None,
        (_, Absent) => "is gone".into(),
        (Absent, _) => "is there now".into(),
        (Unknown(_), _) => "is there now, and could not be looked at for the plan".into(),
        (There(then), There(now)) => {
            format!("has {now} node(s) below it now, and {then} in the plan")
        }
        (There(then), MoreThan(now)) => {
            format!("has more than {now} nodes below it now, and {then} in the plan")
        }
        (MoreThan(then), There(now)) => {
            format!("has {now} node(s) below it now, and more than {then} in the plan")
        }
        (_, Uncounted(why)) => format!("has nodes below it that could not be counted: {why}"),
    };
    Some(format!("The znode '{znode}' {what}"))
}

/// An entry, for people: everything in which two can differ.
fn words(Planned { entry, volume, reservation }: &Planned) -> String {
    let stays = |fate: &Fate| if *fate == Fate::Removed { "" } else { " (stays)" };
    let by = if entry.dynamic { "" } else { ", reserved in the agent's configuration" };
    let of = entry.volume.as_ref().map(|it| format!(", with {}", volume_words(it, None)));
    let of = of.unwrap_or_default();
    let goes = volume.as_ref().map_or("", stays);
    format!("{}{by}{}{of}{goes}", entry_words(entry, None), stays(reservation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean;
    use crate::testing::Script;
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
            r#"{{"slaves":[{{"id":"S0","hostname":"h","version":"1.4.3","reserved_resources_full":{{"r":[{entries}]}}}}]}}"#
        )
    }

    fn target(znode: Option<&str>) -> Target {
        Target {
            role: Some("r".into()),
            principal: Some("p".into()),
            znode: znode.map(Into::into),
            marathon_app: None,
        }
    }

    #[test]
    fn everything_that_goes_or_stays_is_told() {
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
    fn what_would_be_refused_is_told() {
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
        for (in_use, expected) in
            [(InUse::Force, None), (InUse::Teardown, Some(Reason::InUseUnknown))]
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
            let label =
                format!(r#"{{"principal":"p","labels":{{"labels":[{{"key":"k"{value}}}]}}}}"#);
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
            let mut host =
                Script::default().answer(200, slaves(&[entry])).answer(200, NO_FRAMEWORKS);
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

    /// The plan counts on nothing there, and is carried out all the same.
    #[test]
    fn a_plan_that_ignores_an_agent_that_is_away_is_applied() {
        let both = |first: &str| {
            let agent = |id: &str, active: bool, entries: &str| {
                format!(
                    r#"{{"id":"{id}","hostname":"h","version":"1.4.3","active":{active},"reserved_resources_full":{{"r":[{entries}]}}}}"#
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

    /// A cluster, and what differs from the quiet one in which there is a node of its own.
    struct There {
        agent: &'static str,
        elsewhere: &'static str,
        frameworks: &'static str,
        /// The answers to looks at the node itself, and at what is below it.
        node: &'static str,
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

    /// What applying a plan of one cluster to another one says, without anything being sent
    /// that changes something.
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
            let is_look =
                |it: &janitor_contract::types::Content| it.bytes.starts_with(b"{\"type\"");
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
        let more_roles =
            r#"{"id":"F","name":"kafka","active":true,"roles":["r","r/s"],"tasks":[{}]}"#;
        let more_tasks = r#"{"id":"F","name":"kafka","active":true,"roles":["r"],"tasks":[{},{}]}"#;
        let less = r#"{"id":"F","name":"kafka","active":false,"roles":["r"]}"#;
        let other = r#"{"id":"G","name":"kafka","active":true,"roles":["r"]}"#;
        let changed = Some(Reason::Changed);
        for (then, now, options, reason, line) in [
            (&QUIET, &absent, &OPTIONS, changed, "The znode 'z' is gone"),
            (&absent, &QUIET, &OPTIONS, changed, "The znode 'z' is there now"),
            (&refused, &QUIET, &OPTIONS, changed, "The znode 'z' is there now, and could not"),
            (&refused, &refused, &OPTIONS, Some(Reason::Failed), "It is not known whether znode"),
            (&one, &two, &OPTIONS, changed, "The znode 'z' has 2 node(s) below it now, and 1"),
            (&two, &one, &OPTIONS, changed, "The znode 'z' has 1 node(s) below it now, and 2"),
            (&one, &broken, &OPTIONS, changed, "The znode 'z' has nodes below it that could not"),
            (&QUIET, &users(F), &teardown, changed, "Framework 'kafka' (F, active) uses the"),
            (&QUIET, &users(F), &forced, changed, "Framework 'kafka' (F, active) uses the target"),
            (&QUIET, &users(F), &OPTIONS, changed, "Framework 'kafka' (F, active) us"),
            (&users(F), &QUIET, &teardown, changed, "Framework 'kafka' (F, active) uses the targ"),
            (&users(F), &users(other), &teardown, changed, "Framework 'kafka' (G, active) uses"),
            (&users(F), &users(more_roles), &forced, changed, "Framework 'kafka' (F, active) is"),
            (&users(F), &users(more_tasks), &teardown, changed, "Framework 'kafka' (F, active) r"),
            // It was refused, and nothing is known of what would have become of it.
            (&users(F), &QUIET, &OPTIONS, changed, "The plan is refused, and now nothing refuses"),
            (&pages(&[AWAY]), &QUIET, &OPTIONS, changed, "Not so any more: Slave S9 is unreacha"),
            (&QUIET, &pages(&[AWAY]), &OPTIONS, changed, "Not in the plan: Slave S9 is unreach"),
            (&pages(&[AWAY]), &QUIET, &ignoring, changed, "Not so any more: Slave S9 is unreach"),
            (&QUIET, &pages(&[AWAY]), &ignoring, changed, "Not in the plan: Slave S9 is unreach"),
            (&inactive, &QUIET, &OPTIONS, changed, "Not so any more: Slave S0 (h) is not connect"),
            (&inactive, &QUIET, &ignoring, changed, "Not so any more: Slave S0 (h) is not conne"),
            (&elsewhere, &QUIET, &whole, changed, "What the service may have elsewhere is not"),
        ] {
            let (ended, lines) = applied_elsewhere(then, now, options, options);
            let is_told = lines.iter().any(|it| it.starts_with(line));
            assert!(ended == reason && is_told, "{line}: {ended:?} {lines:?}");
        }
        // These are as they were.
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
}
