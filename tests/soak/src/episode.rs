//! An episode: services are created, the cluster is disturbed while they are removed, everything is
//! brought back, and what janitor has said is compared with the truth.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use fastrand::Rng;
use janitor_tests::State;
use serde_json::json;

use crate::Result;
use crate::cleaner::{Cleaner, Run, Way};
use crate::cluster::{AGENTS, Cluster};
use crate::counts::Counts;
use crate::disturbance::Disturbance;
use crate::log::Log;
use crate::service::{Framework, Service, Target};
use crate::truth::{Held, Truth, array, listed, settle};

/// The role that nobody cleans up.
const CONTROL: &str = "control";

/// The beginning of the roles that other people reserve for and release in the meantime.
const OTHERS: &str = "others";

/// The time that a framework has to register with a new master.
const PATIENCE: Duration = Duration::from_secs(60);

/// The roles, and the numbers of the agents, of which other people have reserved something.
type Others = Vec<(String, usize)>;

/// One target, with the services that share its role.
struct Case {
    target: Target,
    framework: Option<Framework>,
    is_in_use: bool,
    runs: Vec<Run>,
}

/// One episode.
pub struct Episode<'a> {
    /// Its number, which is part of the names of its roles.
    pub number: usize,
    /// Draws everything.
    pub chance: Rng,
    /// Whether the master may be restarted.
    pub with_failovers: bool,
    /// The program.
    pub janitor: &'a Path,
    /// The ids that no agent has any more.
    pub lost: &'a mut Vec<String>,
    /// The numbers so far.
    pub counts: &'a mut Counts,
}

impl Episode<'_> {
    /// Runs the episode, and returns everything that is wrong.
    pub fn run(&mut self, cluster: &mut Cluster, log: &Log) -> Result<Vec<String>> {
        let url = cluster.url();
        let mut cases = self.create(cluster)?;
        let znodes: Vec<_> = cases.iter().filter_map(|it| it.target.znode.clone()).collect();
        let nodes: Vec<_> = znodes.iter().map(|znode| format!("/{znode}")).collect();
        let state = json!({"version": "1.11.0", "agents": [], "exhibitor": {"znodes": nodes}});
        let zookeeper = janitor_tests::Cluster::start(serde_json::from_value::<State>(state)?);
        let has_node = |target: &Target| {
            let node = target.znode.as_ref().map(|znode| format!("/{znode}"));
            let exhibitor = zookeeper.state().exhibitor;
            node.is_some_and(|node| exhibitor.is_some_and(|it| it.znodes.contains(&node)))
        };
        let mut cleaner = Cleaner {
            janitor: self.janitor.into(),
            master: url.clone(),
            exhibitor: zookeeper.exhibitor_url(),
            lost: self.lost.clone(),
        };
        let before = settle(cluster)?;
        log.list("before.txt", &before.held)?;

        let disturbance = Disturbance::by_chance(&mut self.chance, self.with_failovers);
        disturbance.kinds.iter().for_each(|kind| self.counts.add(kind));
        let (mut wrong, others) =
            self.disturb(&disturbance, &mut cases, &cleaner, &before.ids, cluster, log)?;

        log.note("everything is brought back");
        cluster.restore()?;
        if disturbance.kinds.contains(&"failover") {
            for framework in cases.iter_mut().filter_map(|case| case.framework.as_mut()) {
                let start = Instant::now();
                while let Err(why) = framework.register_again(&url) {
                    if start.elapsed() > PATIENCE {
                        return Err(why);
                    }
                    sleep(Duration::from_millis(500));
                }
            }
        }
        let after = settle(cluster)?;
        log.list("after.txt", &after.held)?;
        log.note("the truth is known");
        let kept = |held: &&Held| !disturbance.lost.contains(&held.agent);
        for case in &cases {
            for run in &case.runs {
                self.counts.add(run.kind());
                wrong.extend(run.fault());
            }
            wrong.extend(case.judge(before.held.iter().filter(kept), &after));
            if !has_node(&case.target)
                && case.target.znode.is_some()
                && let Some(left) = after.held.iter().find(|held| case.target.has(held))
            {
                wrong.push(format!("the node is deleted, and this is left: {left}"));
            }
        }
        wrong.extend(judge_the_rest(&cases, &disturbance, &before, &after, &others));

        wrong.extend(self.finish(&mut cases, &mut cleaner, &after.ids, cluster, log)?);
        for case in &cases {
            if has_node(&case.target) {
                wrong.push(format!("the node of {} is left", case.target.role));
            }
        }
        let last = settle(cluster)?;
        log.list("last.txt", &last.held)?;
        let mut left = last.held.iter().filter(|it| !it.principal.is_empty() && it.role != CONTROL);
        wrong.extend(left.next().map(|held| format!("this is left at the end: {held}")));
        let mut control = before.held.iter().filter(kept).filter(|held| held.role == CONTROL);
        let missing = control.find(|held| !last.held.contains(held));
        wrong.extend(missing.map(|held| format!("this is missing at the end: {held}")));
        Ok(wrong)
    }

    /// Cleans up the targets while the cluster is disturbed, and other people use it. Returns what is
    /// wrong with that immediately, and the roles and agents that the others have reserved.
    fn disturb(
        &mut self,
        disturbance: &Disturbance,
        cases: &mut [Case],
        cleaner: &Cleaner,
        ids: &[String],
        cluster: &mut Cluster,
        log: &Log,
    ) -> Result<(Vec<String>, Others)> {
        thread::scope(|scope| {
            let disturbed = scope.spawn(|| disturbance.happen(cluster, log));
            let (number, mut chance) = (self.number, self.chance.fork());
            let url = &cleaner.master;
            let others =
                scope.spawn(move || reserve_for_others(number, &mut chance, url, ids, log));
            let cleaned: Vec<_> = cases
                .iter_mut()
                .map(|case| {
                    let mut chance = self.chance.fork();
                    let force = self.with_failovers;
                    let first = disturbance.moment(&mut chance);
                    scope.spawn(move || case.clean(&mut chance, cleaner, first, force, log))
                })
                .collect();
            let mut wrong = Vec::new();
            for thread in cleaned {
                wrong.extend(thread.join().map_err(|_| "a thread panicked")??);
            }
            disturbed.join().map_err(|_| "a thread panicked")??;
            Result::Ok((wrong, others.join().map_err(|_| "a thread panicked")?))
        })
    }

    /// Ends the frameworks, and cleans up everything that is left of the episode. Returns what is
    /// wrong with that.
    fn finish(
        &mut self,
        cases: &mut [Case],
        cleaner: &mut Cleaner,
        ids: &[String],
        cluster: &mut Cluster,
        log: &Log,
    ) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for case in &mut *cases {
            if let Some(framework) = case.framework.take() {
                framework.tear_down(&cleaner.master)?;
            }
        }
        log.note("the frameworks are torn down");
        for case in &*cases {
            wrong.extend(self.clean_undisturbed(cleaner, &case.target, ids, cluster, log)?);
        }
        // Only what shares a role with a target is left, and what others have reserved.
        let left: BTreeSet<_> = settle(cluster)?.held.into_iter().map(|held| held.role).collect();
        let roles = cases.iter().map(|case| case.target.role.as_str());
        let roles: BTreeSet<_> = roles.collect();
        for role in left.iter().filter(|it| roles.contains(&***it) || it.starts_with(OTHERS)) {
            let target = Target { role: role.clone(), principal: None, label: None, znode: None };
            wrong.extend(self.clean_undisturbed(cleaner, &target, ids, cluster, log)?);
        }
        Ok(wrong)
    }

    /// Creates the services of the episode, and what is missing of those that nobody cleans up.
    fn create(&mut self, cluster: &mut Cluster) -> Result<Vec<Case>> {
        let (url, truth) = (cluster.url(), settle(cluster)?);
        let control = Service::new(CONTROL, "control-principal", None);
        for (agent, id) in truth.ids.iter().enumerate() {
            if !truth.held.iter().any(|held| held.role == CONTROL && held.agent == agent) {
                control.create(&url, id, false)?;
            }
        }
        let mut cases = Vec::new();
        for index in 0..self.chance.usize(2..=5) {
            let role = format!("role-{}-{index}", self.number);
            let kind = self.chance.u8(0..10);
            let services = match kind {
                4..6 => [Some(("one", None)), Some(("two", None))],
                6..8 => [Some(("one", Some("one"))), Some(("one", Some("two")))],
                _ => [Some(("one", None)), self.chance.bool().then_some(("two", Some("two")))],
            };
            for (principal, label) in services.into_iter().flatten() {
                let service = Service::new(&role, principal, label);
                let first = self.chance.usize(0..AGENTS);
                for (agent, id) in truth.ids.iter().enumerate() {
                    if agent == first || self.chance.bool() {
                        service.create(&url, id, self.chance.bool())?;
                    }
                }
            }
            let is_in_use = kind >= 8;
            let framework = is_in_use.then(|| Framework::register(&url, &role)).transpose()?;
            let target = Target {
                principal: matches!(kind, 4..6).then(|| "one".into()),
                label: matches!(kind, 6..8).then(|| "one".into()),
                znode: (!matches!(kind, 4..8) && self.chance.bool())
                    .then(|| format!("dcos-service-{role}")),
                role,
            };
            self.counts.add(if is_in_use { "target in use" } else { "target" });
            cases.push(Case { target, framework, is_in_use, runs: Vec::new() });
        }
        Ok(cases)
    }

    /// Cleans up a target when nothing disturbs it, and returns what is wrong with that. The agents have these ids.
    fn clean_undisturbed(
        &mut self,
        cleaner: &mut Cleaner,
        target: &Target,
        ids: &[String],
        cluster: &mut Cluster,
        log: &Log,
    ) -> Result<Vec<String>> {
        let force = cluster.has_new_master();
        let mut run = cleaner.run(target, Way::Plain, force, log)?;
        let unreached = array(&run.document["report"]["unreached"]);
        let named: Vec<_> = unreached.iter().filter_map(|it| it["agent"].as_str()).collect();
        let is_lost = |id: &&str| !ids.iter().any(|own| own == id);
        if run.exit == Some(6) && named.len() == unreached.len() && named.iter().all(is_lost) {
            // An agent that has lost its state, or had not written its id down when it was killed, has another id, and
            // nobody else knows that.
            self.counts.add("lost agent that is named");
            self.lost.extend(named.into_iter().map(str::to_owned));
            cleaner.lost.clone_from(self.lost);
            run = cleaner.run(target, Way::Plain, force, log)?;
        }
        self.counts.add(&format!("undisturbed, {}", run.kind()));
        let mut wrong: Vec<_> = run.fault().into_iter().collect();
        // If somebody else's part of the role is all that is left, the run says so.
        let is_done = matches!(run.reason(), "OtherPrincipals" | "OtherLabels");
        if run.exit != Some(0) && !is_done {
            wrong.push(format!(
                "{}: an undisturbed run ends with {:?}: {}",
                run.name,
                run.exit,
                run.message()
            ));
        }
        if let Some(held) = settle(cluster)?.held.iter().find(|held| target.has(held)) {
            wrong.push(format!("{}: this is left by an undisturbed run: {held}", run.name));
        }
        Ok(wrong)
    }
}

impl Case {
    /// Cleans up the target until it is clean, in up to four attempts, from a time on. Returns what
    /// is wrong with that immediately.
    fn clean(
        &mut self,
        chance: &mut Rng,
        cleaner: &Cleaner,
        first: Duration,
        force: bool,
        log: &Log,
    ) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for attempt in 0..4 {
            sleep(match attempt {
                0 => first,
                _ => Duration::from_millis(chance.u64(0..7_000)),
            });
            if let Some(framework) = self.framework.as_mut().filter(|_| chance.bool()) {
                // Nothing is wrong with a master that does not answer.
                let _ = framework.register_again(&cleaner.master);
            }
            let at_once = 1 + usize::from(chance.u8(0..4) == 0);
            let ways: Vec<_> = (0..at_once)
                .map(|_| match chance.u8(0..10) {
                    0 => Way::Killed(Duration::from_millis(chance.u64(5..800))),
                    1 => Way::Stopped(Duration::from_millis(chance.u64(5..800))),
                    2 | 3 => Way::Waiting,
                    _ => Way::Plain,
                })
                .collect();
            let force = force && !self.is_in_use && chance.u8(0..8) > 0;
            let runs: Vec<_> = thread::scope(|scope| {
                let target = &self.target;
                let threads = ways
                    .iter()
                    .map(|way| scope.spawn(move || cleaner.run(target, *way, force, log)));
                let threads: Vec<_> = threads.collect();
                threads
                    .into_iter()
                    .map(|it| it.join().map_err(|_| "a thread panicked")?)
                    .collect::<Result<_>>()
            })?;
            let clean = runs.iter().find(|run| run.exit == Some(0)).map(|run| run.name.clone());
            self.runs.extend(runs);
            if let Some(clean) = clean {
                let held = listed(&cleaner.master).unwrap_or_default();
                if let Some(held) = held.into_iter().find(|held| self.target.has(held)) {
                    let Held { role, what, .. } = held;
                    wrong.push(format!("{clean} is clean, and the master lists {what} of {role}"));
                }
                break;
            }
        }
        Ok(wrong)
    }

    /// Compares what the runs have said with the truth. `before` is without what agents have lost.
    fn judge<'a>(&self, mut before: impl Iterator<Item = &'a Held>, after: &Truth) -> Vec<String> {
        let Self { target, is_in_use, runs, .. } = self;
        let mut wrong = Vec::new();
        let left = after.held.iter().find(|held| target.has(held));
        for run in runs.iter().filter(|run| run.exit == Some(0)) {
            if let Some(left) = left {
                wrong.push(format!("{} is clean, and this is left: {left}", run.name));
            }
        }
        if *is_in_use || runs.iter().all(|run| run.exit == Some(7)) {
            let missing = before.find(|held| target.has(held) && !after.held.contains(held));
            wrong.extend(
                missing.map(|it| format!("this is in use or refused, and is missing: {it}")),
            );
        }
        wrong
    }
}

/// Returns what is wrong with everything that is no target.
fn judge_the_rest(
    cases: &[Case],
    disturbance: &Disturbance,
    before: &Truth,
    after: &Truth,
    others: &Others,
) -> Vec<String> {
    let is_lost = |agent: usize| disturbance.lost.contains(&agent);
    let is_cleaned = |held: &Held| cases.iter().any(|case| case.target.has(held));
    let mut kept = before.held.iter().filter(|held| !is_lost(held.agent) && !is_cleaned(held));
    let missing = kept.find(|held| !after.held.contains(held)).map(ToString::to_string);
    let other = others.iter().find(|(role, agent)| {
        let has = |held: &Held| held.role == *role && held.agent == *agent;
        !is_lost(*agent) && !after.held.iter().any(has)
    });
    let other = other.map(|(role, agent)| format!("agent {agent}: {role}"));
    let mut new = after.held.difference(&before.held);
    let back = new.find(|held| !is_cleaned(held) && !held.role.starts_with(OTHERS));
    let missing = missing.into_iter().chain(other);
    missing
        .map(|what| format!("this is not a target, and is missing: {what}"))
        .chain(back.map(|held| format!("this has come back: {held}")))
        .collect()
}

/// Reserves resources for other roles, and releases some of them. Returns the roles and agents of
/// those that must stay.
fn reserve_for_others(
    episode: usize,
    chance: &mut Rng,
    url: &str,
    ids: &[String],
    log: &Log,
) -> Others {
    let mut reserved = Vec::new();
    for index in 0..chance.usize(0..5) {
        sleep(Duration::from_millis(chance.u64(500..7_000)));
        let (role, agent) = (format!("{OTHERS}-{episode}-{index}"), chance.usize(0..AGENTS));
        let service = Service::new(&role, "others-principal", None);
        // Errors are expected, of an agent that is away: then it is not known what it has.
        match service.create(url, &ids[agent], false) {
            Ok(()) if chance.bool() => {
                let removed = service.remove(url, &ids[agent], false);
                log.note(&format!("{role} on {agent} is released: {removed:?}"));
            }
            created => {
                log.note(&format!("{role} on {agent} is reserved: {created:?}"));
                reserved.extend(created.is_ok().then_some((role, agent)));
            }
        }
    }
    reserved
}
