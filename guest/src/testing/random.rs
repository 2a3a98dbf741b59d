//! What must hold on every cluster, tried on many that are made by chance.
//!
//! A failure names its seed; `JANITOR_TEST_SEED` in the environment runs that one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::Scripted;
use super::simulated::{Answer, Chance, Cluster, PRINCIPAL, ROLE, Removal, ZNODE};
use crate::bindings::cleanup::{
    Amount, CleanupPlan, Failure, Fate, InUse, Options, Reason, Report, Target,
};
use crate::bindings::http::{Error, Method, Request};
use crate::bindings::log::Entry;
use crate::host::Host;
use crate::{clean, plan};

const OPTIONS: Options =
    Options { confirm_seconds: 30, in_use: InUse::Refuse, system_znode: false };

/// A cluster as the run's surroundings.
struct Surroundings<'a> {
    cluster: &'a mut Cluster,
    principal: Option<&'a str>,
    window: usize,
}

impl Host for Surroundings<'_> {
    type Exchange = Answer;
    type Response = Scripted;

    fn send(&mut self, request: &Request) -> Result<Answer, Error> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let form = request.content.iter().flat_map(|it| form_urlencoded::parse(&it.bytes));
        let form: Vec<_> = form.map(|(name, value)| (name.into(), value.into())).collect();
        Ok(self.cluster.answer(method, &request.path.join("/"), &form, self.principal))
    }

    fn finish(&mut self, answer: Answer) -> Result<Scripted, Error> {
        let (status, body) = answer.ok_or(Error::Reset)?;
        Ok(Scripted { status, body: body.into_bytes().into(), chunk: 1000, end: None })
    }

    fn window(&mut self) -> usize {
        self.window
    }

    fn pause(&mut self, _: Duration) -> bool {
        true
    }

    fn log(&mut self, _: Entry) {}
}

/// A cluster, and how it is cleaned.
struct Case {
    seed: u64,
    cluster: Cluster,
    principal: Option<&'static str>,
    window: usize,
}

impl Case {
    fn target(&self) -> Target {
        Target {
            role: Some(ROLE.into()),
            principal: self.principal.map(Into::into),
            znode: Some(ZNODE.into()),
            marathon_app: None,
        }
    }

    fn surroundings<'a>(&'a self, cluster: &'a mut Cluster) -> Surroundings<'a> {
        Surroundings { cluster, principal: self.principal, window: self.window }
    }

    fn clean(&self, cluster: &mut Cluster) -> Result<Report, Failure> {
        clean(&mut self.surroundings(cluster), &self.target(), &OPTIONS)
    }

    fn plan(&self, cluster: &mut Cluster) -> CleanupPlan {
        plan(&mut self.surroundings(cluster), &self.target(), &OPTIONS).unwrap()
    }

    fn apply(&self, cluster: &mut Cluster, plan: &CleanupPlan) -> Result<Report, Failure> {
        clean::apply(&mut self.surroundings(cluster), plan, &OPTIONS)
    }
}

/// Tries something on many clusters.
fn on_many(test: impl Fn(Case)) {
    let wished = std::env::var("JANITOR_TEST_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = wished.map_or(0..500, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let mut chance = Chance::new(seed);
        let principal = [None, Some(PRINCIPAL)][chance.below(2)];
        let window = 1 + chance.below(4);
        let cluster = Cluster::by_chance(&mut chance);
        let tried =
            std::panic::AssertUnwindSafe(|| test(Case { seed, cluster, principal, window }));
        if let Err(panic) = std::panic::catch_unwind(tried) {
            eprintln!("JANITOR_TEST_SEED={seed} shows it");
            std::panic::resume_unwind(panic);
        }
    }
}

/// What a plan says will be removed, as the master would tell it.
fn promised(plan: &CleanupPlan) -> BTreeMap<(String, bool), BTreeMap<String, f64>> {
    let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
    for agent in &plan.agents {
        if plan.unreached.iter().any(|it| it.agent == agent.agent) {
            continue;
        }
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

/// What was removed.
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

#[test]
fn only_the_targets_goes_and_all_of_it() {
    let (removals, refusals) = (Cell::new(0), Cell::new(0));
    on_many(|case| {
        let mut cluster = case.cluster.clone();
        let result = case.clean(&mut cluster);
        assert_eq!(cluster.violations, [""; 0]);
        let refusal = result.as_ref().err().map(|failure| failure.reason);
        if matches!(refusal, Some(Reason::OtherPrincipals | Reason::InUse)) {
            assert_eq!((cluster.changes().len(), cluster.state()), (0, case.cluster.state()));
            refusals.set(refusals.get() + 1);
            return;
        }
        let expected = (!cluster.is_complete()).then_some(Reason::Incomplete);
        assert_eq!(refusal, expected);
        assert_eq!(cluster.state(), case.cluster.state_when_cleaned(case.principal));
        removals.set(removals.get() + cluster.removals.len());
    });
    let (removals, refusals) = (removals.get(), refusals.get());
    assert!(
        std::env::var_os("JANITOR_TEST_SEED").is_some() || (removals > 400 && refusals > 20),
        "the clusters are too dull: {removals} removals, {refusals} refusals"
    );
}

#[test]
fn a_second_run_changes_nothing() {
    on_many(|case| {
        let mut cluster = case.cluster.clone();
        if case.clean(&mut cluster).is_err() {
            return;
        }
        let mut again = cluster.afresh();
        let second = case.clean(&mut again);
        // The node's removal is asked for again, because nothing else tells whether it
        // is there.
        let changes: Vec<_> =
            again.changes().into_iter().filter(|it| !it.starts_with("DELETE exhibitor/")).collect();
        assert_eq!(changes, [""; 0]);
        assert_eq!((&again.violations, again.state()), (&Vec::new(), cluster.state()));
        // What others made of the role may be all that is left of it.
        let reason = second.err().map(|failure| failure.reason);
        assert!(reason.is_none_or(|it| it == Reason::OtherPrincipals), "{reason:?}");
    });
}

#[test]
fn a_plan_says_what_is_done() {
    on_many(|case| {
        let mut looked = case.cluster.clone();
        let plan = case.plan(&mut looked);
        assert!(looked.requests.iter().all(|it| it.starts_with("GET ")), "{:?}", looked.requests);
        assert_eq!(looked.state(), case.cluster.state());
        let (mut applied, mut cleaned) = (case.cluster.clone(), case.cluster.clone());
        let (one, other) = (case.apply(&mut applied, &plan), case.clean(&mut cleaned));
        let reason = |result: &Result<Report, Failure>| result.as_ref().err().map(|it| it.reason);
        assert_eq!(reason(&one), reason(&other));
        assert_eq!(applied.changes(), cleaned.changes());
        assert_eq!(applied.state(), cleaned.state());
        match plan.refusal {
            Some(refusal) => assert_eq!(reason(&other), Some(refusal)),
            None => assert_eq!(removed(&cleaned.removals), promised(&plan)),
        }
    });
}

#[test]
fn whatever_goes_wrong_only_the_targets_goes() {
    on_many(|case| {
        let mut cluster = case.cluster.clone().with_faults(6, case.seed);
        let first = case.clean(&mut cluster);
        assert_eq!(cluster.violations, [""; 0]);
        let done = case.cluster.state_when_cleaned(case.principal);
        if first.is_ok() {
            assert_eq!(cluster.state(), done);
        }
        // A second run continues.
        let mut again = cluster.afresh();
        let second = case.clean(&mut again);
        assert_eq!(again.violations, [""; 0]);
        match second {
            Ok(_) => assert_eq!(again.state(), done),
            Err(failure) => assert!(failure.reason != Reason::Failed, "{}", failure.message),
        }
    });
}
