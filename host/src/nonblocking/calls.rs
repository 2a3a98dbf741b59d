//! The calls of the component as futures.

use futures_util::future::BoxFuture;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use super::ticker::Ticker;
use super::{AsyncSession, State};
use crate::bindings::nonblocking::exports::janitor::cleanup::cleanup::Guest;
use crate::bindings::nonblocking::{Cleaner, CleanerPre};
use crate::janitor::Janitor;
use crate::run::{RUN, Run, no_thread, require_addresses, unstarted};
use crate::wasi;
use janitor_contract::call::Call;
use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{
    CleanupPlan, Failure, Inventory, Options, ReadFailure, Report, Target,
};
use janitor_contract::violation::Violation;
use janitor_policy::policy::Policy;

/// The component, with imports that do not block.
#[derive(Clone)]
pub struct AsyncForm {
    component: CleanerPre<State>,
    ticker: Ticker,
}

impl AsyncForm {
    /// Connects the component's imports to this host.
    pub(crate) fn link(engine: &Engine, component: &Component) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(engine);
        wasi::add_to_linker_async(&mut linker)?;
        Cleaner::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let component = CleanerPre::new(linker.instantiate_pre(component)?)?;
        Ok(Self { component, ticker: Ticker::default() })
    }
}

/// The calls as futures, with the feature `async`. Any number of them can share a thread: each gives
/// it up while it waits for a server, and at least every ten milliseconds while it computes. They
/// need no particular runtime, unless the session's transport does.
///
/// Dropping such a future stops its run: requests that have been sent are left to complete, and no
/// other is sent. To stop a run and learn its result, cancel it with the session's
/// [`CancellationToken`](crate::CancellationToken) instead.
impl Janitor {
    /// Cleans a target, like [`clean`](Self::clean).
    ///
    /// # Errors
    /// Fails if the target is not clean afterwards, or if a safety check refuses the run.
    pub async fn clean_async(
        &self,
        target: &Target,
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Report, RunError> {
        let policy = |options: &Options| Policy::clean(target, options);
        let target = target.clone();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move { it.call_clean(store, &target, options).await })
        })
        .await
    }

    /// Reports what cleaning a target would do, like [`plan`](Self::plan).
    ///
    /// # Errors
    /// Fails if that cannot be determined.
    pub async fn plan_async(
        &self,
        target: &Target,
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<CleanupPlan, RunError> {
        let policy = |options: &Options| Policy::plan(target, options);
        let target = target.clone();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move { it.call_plan(store, &target, options).await })
        })
        .await
    }

    /// Carries out a plan, like [`apply`](Self::apply).
    ///
    /// # Errors
    /// Fails if the cluster no longer matches the plan, or for the reasons of
    /// [`clean`](Self::clean).
    pub async fn apply_async(
        &self,
        plan: &CleanupPlan,
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Report, RunError> {
        let policy = |options: &Options| Policy::apply(plan, options);
        let plan = plan.clone();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move { it.call_apply(store, &plan, options).await })
        })
        .await
    }

    /// Lists everything that is reserved in the cluster, like [`discover`](Self::discover).
    ///
    /// # Errors
    /// Fails if that cannot be determined.
    pub async fn discover_async(
        &self,
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Inventory, RunError> {
        self.call_async(options, session.into(), Policy::discover, |it, store, options| {
            Box::pin(it.call_discover(store, options))
        })
        .await
    }

    /// Cleans several targets, like [`clean_all`](Self::clean_all).
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub async fn clean_all_async(
        &self,
        targets: &[Target],
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Vec<Result<Report, Failure>>, RunError> {
        let policy = |options: &Options| Policy::clean_all(targets, options);
        let targets = targets.to_vec();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move {
                it.call_clean_all(store, &targets, options).await.map(Ok::<_, Violation>)
            })
        })
        .await
    }

    /// Reports what cleaning several targets would do, like [`plan_all`](Self::plan_all).
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub async fn plan_all_async(
        &self,
        targets: &[Target],
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Vec<Result<CleanupPlan, ReadFailure>>, RunError> {
        let policy = |options: &Options| Policy::plan_all(targets, options);
        let targets = targets.to_vec();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move {
                it.call_plan_all(store, &targets, options).await.map(Ok::<_, Violation>)
            })
        })
        .await
    }

    /// Carries out several plans, like [`apply_all`](Self::apply_all).
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub async fn apply_all_async(
        &self,
        plans: &[CleanupPlan],
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Vec<Result<Report, Failure>>, RunError> {
        let policy = |options: &Options| Policy::apply_all(plans, options);
        let plans = plans.to_vec();
        self.call_async(options, session.into(), policy, move |it, store, options| {
            Box::pin(async move {
                it.call_apply_all(store, &plans, options).await.map(Ok::<_, Violation>)
            })
        })
        .await
    }

    /// Makes one call to the component, for a caller that learns at run time which one.
    ///
    /// # Errors
    /// Fails as the function for the call does.
    pub async fn run_async(
        &self,
        call: &Call,
        options: &Options,
        session: impl Into<AsyncSession>,
    ) -> Result<Done, RunError> {
        let session = session.into();
        match call {
            Call::Clean(target) => {
                self.clean_async(target, options, session).await.map(Done::Cleaned)
            }
            Call::Plan(target) => {
                self.plan_async(target, options, session).await.map(Done::Planned)
            }
            Call::Apply(plan) => self.apply_async(plan, options, session).await.map(Done::Cleaned),
            Call::Discover => self.discover_async(options, session).await.map(Done::Discovered),
            Call::CleanAll(targets) => {
                self.clean_all_async(targets, options, session).await.map(Done::CleanedAll)
            }
            Call::PlanAll(targets) => {
                self.plan_all_async(targets, options, session).await.map(Done::PlannedAll)
            }
            Call::ApplyAll(plans) => {
                self.apply_all_async(plans, options, session).await.map(Done::CleanedAll)
            }
        }
    }

    /// Calls one function of the component. A panic of the session's transport or log continues in
    /// the caller.
    async fn call_async<T, E: Into<RunError>>(
        &self,
        options: &Options,
        session: AsyncSession,
        policy: impl FnOnce(&Options) -> Policy,
        function: impl for<'a> FnOnce(
            &'a Guest,
            &'a mut Store<State>,
            &'a Options,
        ) -> BoxFuture<'a, wasmtime::Result<Result<T, E>>>,
    ) -> Result<T, RunError> {
        let next = || UpdateDeadline::Yield(1);
        let mut run = Run::prepare(&self.engine, options, session, policy, next);
        let result = async {
            let _ticks = self.form.ticker.start(&self.engine).map_err(|why| no_thread(&why))?;
            require_addresses(&self.engine, RUN)
                .map_err(wasmtime::Error::msg)
                .map_err(unstarted)?;
            let cleaner = self.form.component.instantiate_async(&mut run.store).await;
            let cleaner = cleaner.map_err(unstarted)?;
            function(cleaner.janitor_cleanup_cleanup(), &mut run.store, &run.options).await
        };
        let result = result.await;
        run.end(result)
    }
}
