//! Properties that hold on every cluster, tried on many that are made by chance.
//!
//! A failure names its seed; `JANITOR_TEST_SEED` in the environment runs that one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::Host;
use crate::simulated::{Answer, Chance, Cluster, Part, Removal};
use crate::testing::Scripted;
use crate::{clean, plan};
use janitor_contract::types::{
    Amount, CleanupPlan, Entry, Error, Failure, Fate, Options, Reason, Report, Request,
};

const OPTIONS: Options = Options::DEFAULT;

/// A cluster as the run's surroundings.
struct Surroundings<'a> {
    cluster: &'a mut Cluster,
    part: Part,
    window: usize,
    elapsed: Duration,
}

impl Host for Surroundings<'_> {
    type Exchange = Answer;
    type Response = Scripted;

    fn send(&mut self, request: &Request) -> Result<Answer, Error> {
        Ok(self.cluster.answer_to(request, self.part))
    }

    fn finish(&mut self, answer: Answer) -> Result<Scripted, Error> {
        let (status, body) = answer.ok_or(Error::Reset)?;
        Ok(Scripted::new(status, body, 1000))
    }

    fn window(&mut self) -> usize {
        self.window
    }

    fn pause(&mut self, duration: Duration) -> bool {
        self.elapsed += duration;
        true
    }

    fn elapsed(&mut self) -> Duration {
        self.elapsed
    }

    /// Some runs read agents alone wherever they can.
    fn agents_per_request(&self) -> usize {
        self.window % 2 * 50
    }

    fn log(&mut self, _: Entry) {}
}

/// A cluster, and the way to clean it.
struct Case {
    seed: u64,
    cluster: Cluster,
    part: Part,
    window: usize,
}

impl Case {
    fn surroundings<'a>(&'a self, cluster: &'a mut Cluster) -> Surroundings<'a> {
        let elapsed = Duration::ZERO;
        Surroundings { cluster, part: self.part, window: self.window, elapsed }
    }

    fn clean(&self, cluster: &mut Cluster) -> Result<Report, Failure> {
        clean(&mut self.surroundings(cluster), &self.part.target(), &OPTIONS)
    }

    fn plan(&self, cluster: &mut Cluster) -> CleanupPlan {
        plan(&mut self.surroundings(cluster), &self.part.target(), &OPTIONS).unwrap()
    }

    fn apply(&self, cluster: &mut Cluster, plan: &CleanupPlan) -> Result<Report, Failure> {
        clean::apply(&mut self.surroundings(cluster), plan, &OPTIONS)
    }
}

/// Runs a test on many clusters.
fn on_many(count: u64, test: impl Fn(Case)) {
    let chosen = std::env::var("JANITOR_TEST_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = chosen.map_or(0..count, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let mut chance = Chance::new(seed);
        let part = Part::by_chance(&mut chance);
        let window = 1 + chance.below(4);
        let cluster = Cluster::by_chance(&mut chance);
        let tried = std::panic::AssertUnwindSafe(|| test(Case { seed, cluster, part, window }));
        if let Err(panic) = std::panic::catch_unwind(tried) {
            eprintln!("JANITOR_TEST_SEED={seed} shows it");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Returns the removals that a plan promises, in the same form as the cluster's.
fn promised(plan: &CleanupPlan) -> BTreeMap<(String, bool), BTreeMap<String, f64>> {
    let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
    for agent in &plan.agents {
        for planned in &agent.entries {
            let Amount::Scalar(amount) = planned.entry.amount else { panic!("no scalar") };
            let fates = [(true, planned.volume.as_ref()), (false, Some(&planned.reservation))];
            for (volumes, fate) in fates {
                if fate == Some(&Fate::Removed) {
                    let amounts = all.entry((agent.agent.clone(), volumes)).or_default();
                    *amounts.entry(planned.entry.name.clone()).or_default() += amount;
                }
            }
        }
    }
    all
}

/// Sums up the removals of a cluster.
fn removed(removals: &[Removal]) -> BTreeMap<(String, bool), BTreeMap<String, f64>> {
    let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
    for Removal { agent, volumes, amounts } in removals {
        let sums = all.entry((agent.clone(), *volumes)).or_default();
        for (name, amount) in amounts {
            *sums.entry(name.clone()).or_default() += f64::from(*amount);
        }
    }
    all
}

/// Returns whether a run was refused before it changed anything.
fn is_refusal(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::InvalidTarget
            | Reason::OtherPrincipals
            | Reason::OtherLabels
            | Reason::RoleNotFound
            | Reason::InUse
            | Reason::InUseUnknown
    )
}

impl Case {
    /// Asserts what is true after every run: nothing but the target's has changed, and a target
    /// that is called clean is clean.
    fn is_honest(&self, cluster: &Cluster, result: &Result<Report, Failure>) {
        assert_eq!(cluster.violations, [""; 0]);
        assert_eq!(cluster.others(self.part), self.cluster.others(self.part));
        let is_left = cluster.is_left(self.part);
        match result {
            Ok(report) => {
                let has_znode = self.part.znode && cluster.has_znode(self.part);
                assert!(!is_left && !has_znode, "that is not clean");
                assert!(report.unreached.is_empty());
            }
            Err(failure) if is_refusal(failure.reason) => {
                assert_eq!((cluster.changes().len(), cluster.state()), (0, self.cluster.state()));
            }
            Err(_) => {}
        }
        let is_deleted = self.cluster.has_znode(self.part) && !cluster.has_znode(self.part);
        assert!(!is_left || !is_deleted, "the node was deleted before the rest");
    }
}

#[test]
fn all_of_the_target_is_removed_and_nothing_else() {
    let (removals, refusals) = (Cell::new(0), Cell::new(0));
    on_many(800, |case| {
        let mut cluster = case.cluster.clone();
        let result = case.clean(&mut cluster);
        case.is_honest(&cluster, &result);
        let refusal = result.as_ref().err().map(|failure| failure.reason);
        assert!(!case.cluster.is_used(case.part) || refusal.is_some_and(is_refusal), "{refusal:?}");
        if refusal.is_some_and(is_refusal) {
            refusals.set(refusals.get() + 1);
            return;
        }
        let expected = (!case.cluster.is_complete(case.part)).then_some(Reason::Incomplete);
        assert_eq!(refusal, expected);
        removals.set(removals.get() + cluster.removals.len());
    });
    let (removals, refusals) = (removals.get(), refusals.get());
    assert!(
        std::env::var_os("JANITOR_TEST_SEED").is_some() || (removals > 300 && refusals > 20),
        "the clusters are too dull: {removals} removals, {refusals} refusals"
    );
}

/// In a shared role, a registered framework keeps what its id is on, and nothing else.
#[test]
fn a_framework_of_the_role_keeps_only_what_labels_name_as_its_own() {
    let (removals, refusals) = (Cell::new(0), Cell::new(0));
    on_many(500, |case| {
        let part = Part::by_label(&mut Chance::new(case.seed));
        let case = Case { part, cluster: case.cluster.shared(), ..case };
        let mut cluster = case.cluster.clone();
        let result = case.clean(&mut cluster);
        case.is_honest(&cluster, &result);
        let reason = result.as_ref().err().map(|failure| failure.reason);
        let is_used = case.cluster.is_used(part);
        let is_refused = reason == Some(Reason::InUse);
        // A target that is probably a mistake is refused before that.
        let is_mistake = matches!(reason, Some(Reason::OtherLabels | Reason::RoleNotFound));
        assert!(is_mistake || is_refused == is_used, "{reason:?}");
        removals.set(removals.get() + usize::from(!cluster.removals.is_empty()));
        refusals.set(refusals.get() + usize::from(is_refused));
    });
    let (removals, refusals) = (removals.get(), refusals.get());
    assert!(
        std::env::var_os("JANITOR_TEST_SEED").is_some() || (removals > 40 && refusals > 40),
        "the clusters are too dull: {removals} removals, {refusals} refusals"
    );
}

#[test]
fn a_second_run_changes_nothing() {
    on_many(500, |case| {
        let mut cluster = case.cluster.clone();
        if case.clean(&mut cluster).is_err() {
            return;
        }
        let mut again = cluster.afresh();
        let second = case.clean(&mut again);
        // A second run deletes the node again, because only that shows whether it exists.
        let changes: Vec<_> =
            again.changes().into_iter().filter(|it| !it.starts_with("DELETE exhibitor/")).collect();
        assert_eq!(changes, [""; 0]);
        assert_eq!((&again.violations, again.state()), (&Vec::new(), cluster.state()));
        // The role may have nothing left but resources that others made.
        let reason = second.err().map(|failure| failure.reason);
        assert!(reason.is_none_or(is_refusal), "{reason:?}");
    });
}

#[test]
fn a_plan_says_what_is_done() {
    on_many(500, |case| {
        let mut looked = case.cluster.clone();
        let plan = case.plan(&mut looked);
        assert_eq!(looked.changes(), [""; 0]);
        assert_eq!(looked.state(), case.cluster.state());
        let (mut applied, mut cleaned) = (case.cluster.clone(), case.cluster.clone());
        let (one, other) = (case.apply(&mut applied, &plan), case.clean(&mut cleaned));
        let reason = |result: &Result<Report, Failure>| result.as_ref().err().map(|it| it.reason);
        assert_eq!(reason(&one), reason(&other));
        assert_eq!(applied.changes(), cleaned.changes());
        assert_eq!(applied.state(), cleaned.state());
        match (plan.refusal, other) {
            (Some(refusal), other) => assert_eq!(reason(&other), Some(refusal)),
            (None, Ok(_)) => {
                assert!(plan.unreached.is_empty(), "{:?}", plan.unreached);
                assert_eq!(removed(&cleaned.removals), promised(&plan));
            }
            (None, Err(failure)) => assert_eq!(failure.reason, Reason::Incomplete),
        }
    });
}

#[test]
fn whatever_fails_nothing_else_is_removed() {
    on_many(500, |case| {
        let mut cluster = case.cluster.clone().with_faults(6, case.seed);
        let first = case.clean(&mut cluster);
        case.is_honest(&cluster, &first);
        // A second run continues.
        let mut again = cluster.afresh();
        let second = case.clean(&mut again);
        assert_eq!(again.violations, [""; 0]);
        assert_eq!(again.others(case.part), case.cluster.others(case.part));
        match second {
            Ok(_) => assert!(!again.is_left(case.part)),
            Err(failure) => assert!(failure.reason != Reason::Failed, "{}", failure.message),
        }
    });
}

/// In each cluster, one request fails in one way.
#[test]
fn one_fault_makes_nothing_clean_that_is_not() {
    const CLUSTERS: u64 = 2000;
    let (clean, incomplete, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    on_many(CLUSTERS, |case| {
        let mut chance = Chance::new(case.seed ^ 0x5eed);
        let (request, kind) = (chance.below(24), chance.below(11));
        let mut cluster = case.cluster.clone().with_fault(request, kind);
        let result = case.clean(&mut cluster);
        case.is_honest(&cluster, &result);
        let count = match &result {
            Ok(_) => &clean,
            Err(failure) if is_refusal(failure.reason) => &refused,
            Err(_) => &incomplete,
        };
        count.set(count.get() + 1);
    });
    println!(
        "{CLUSTERS} clusters from seed 0 on, one fault each: {} clean, {} incomplete or failed, {} \
         refused",
        clean.get(),
        incomplete.get(),
        refused.get()
    );
}
