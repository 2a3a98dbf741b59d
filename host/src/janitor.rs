//! The component's export `cleanup`: one run, from instantiation to its result.

use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::bindings::exports::janitor::cleanup::cleanup::Guest;
use crate::bindings::{Cleaner, CleanerPre};
#[cfg(feature = "async")]
use crate::nonblocking::AsyncForm;
use crate::run::{RUN, Run, no_thread, require_addresses, unstarted};
use crate::session::Session;
use crate::state::State;
use crate::{component, engine, wasi};
use janitor_contract::call::Call;
use janitor_contract::imports;
use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{
    CleanupPlan, Failure, Inventory, Options, ReadFailure, Report, Target,
};
use janitor_contract::violation::Violation;
use janitor_policy::policy::Policy;

/// The loaded component. It can clean any number of targets, also concurrently; clones share it.
///
/// Each call starts one run of the component on a thread of its own, and blocks until it is over.
/// With the feature `async`, the functions whose names end with `_async` run it without a thread;
/// otherwise, within an async runtime, call where blocking is allowed (tokio's `spawn_blocking`).
/// The session's endpoints determine the options about ZooKeeper (`znode_root` and `zookeeper`),
/// whatever the options say. If a transport or a log panics, the call panics too, with the same
/// payload.
#[derive(Clone)]
pub struct Janitor {
    pub(crate) engine: Engine,
    component: CleanerPre<State>,
    #[cfg(feature = "async")]
    pub(crate) form: AsyncForm,
    digest: String,
}

impl fmt::Debug for Janitor {
    /// Shows the digest, which identifies the component.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Janitor").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// The reason why a component cannot be loaded. None of its code has run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The component imports interfaces that this host does not provide.
    #[error("The component cannot be loaded: {0}")]
    Imports(String),
    /// The component, or the machine code compiled from it, does not fit this host.
    #[error("The component cannot be loaded: {0}")]
    Component(#[source] Box<dyn Error + Send + Sync>),
    /// The process has less address space than the component needs.
    #[error("The component cannot be loaded: {0}")]
    AddressSpace(String),
}

impl Janitor {
    /// Loads the embedded component.
    ///
    /// # Errors
    /// Fails if this processor lacks a feature that the embedded machine code needs, or if the
    /// process has too little address space.
    pub fn new() -> Result<Self, LoadError> {
        let (engine, component) = component::embedded().map_err(misfit)?;
        Self::load(engine, &component, component::DIGEST)
    }

    /// Loads a component that was precompiled elsewhere: by `Janitor::precompile` (with the feature
    /// `jit`) of the same version of this crate, or by the same version of wasmtime with the engine
    /// configuration of this crate. `digest` is shown in place of the component's own.
    ///
    /// # Errors
    /// Fails if the component was compiled for another configuration, version or processor, or
    /// imports interfaces that this host does not provide.
    ///
    /// # Safety
    /// `code` must be unchanged output of that compiler: it is machine code, and is executed
    /// unchecked.
    #[allow(unsafe_code)]
    pub unsafe fn from_precompiled(code: &[u8], digest: &str) -> Result<Self, LoadError> {
        let engine = Engine::new(&engine::config()).map_err(misfit)?;
        // SAFETY: the caller guarantees it.
        let component = unsafe { Component::deserialize(&engine, code) }.map_err(misfit)?;
        Self::load(engine, &component, digest)
    }

    /// Compiles a component to machine code, which [`Janitor::from_precompiled`] loads, also in a
    /// program without a compiler. The code may use all features of this machine's processor.
    ///
    /// # Errors
    /// Fails if the bytes are not a component.
    #[cfg(feature = "jit")]
    pub fn precompile(wasm: &[u8]) -> Result<Vec<u8>, LoadError> {
        let engine = Engine::new(&engine::config()).map_err(misfit)?;
        engine.precompile_component(wasm).map_err(misfit)
    }

    /// Compiles and loads another component. None of its code runs before a run starts.
    ///
    /// # Errors
    /// Fails if the bytes are not a component, or if it imports interfaces that this host does not
    /// provide.
    #[cfg(feature = "jit")]
    pub fn from_component(wasm: &[u8]) -> Result<Self, LoadError> {
        let engine = Engine::new(&engine::config()).map_err(misfit)?;
        let component = Component::from_binary(&engine, wasm).map_err(misfit)?;
        Self::load(engine, &component, &component::digest(wasm))
    }

    fn load(engine: Engine, component: &Component, digest: &str) -> Result<Self, LoadError> {
        imports::check(&component::imports(&engine, component)).map_err(LoadError::Imports)?;
        require_addresses(&engine, LOGIN + RUN).map_err(LoadError::AddressSpace)?;
        #[cfg(feature = "async")]
        let form = AsyncForm::link(&engine, component).map_err(misfit)?;
        let component = Self::link(&engine, component).map_err(misfit)?;
        Ok(Self {
            engine,
            component,
            #[cfg(feature = "async")]
            form,
            digest: digest.into(),
        })
    }

    /// Connects the component's imports to this host.
    fn link(engine: &Engine, component: &Component) -> wasmtime::Result<CleanerPre<State>> {
        let mut linker = Linker::new(engine);
        wasi::add_to_linker(&mut linker)?;
        Cleaner::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        CleanerPre::new(linker.instantiate_pre(component)?)
    }

    /// Returns the component's digest: `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Lists the names of the interfaces that the component imports.
    pub fn imports(&self) -> Vec<String> {
        component::imports(&self.engine, self.component.instance_pre().component())
    }

    /// Cleans a target.
    ///
    /// # Errors
    /// Fails if the target is not clean afterwards, or if a safety check refuses the run.
    pub fn clean(
        &self,
        target: &Target,
        options: &Options,
        session: Session,
    ) -> Result<Report, RunError> {
        self.call(
            options,
            session,
            |options| Policy::clean(target, options),
            |it, store, options| it.call_clean(store, target, options),
        )
    }

    /// Reports what cleaning a target would do, without changing anything.
    ///
    /// # Errors
    /// Fails if that cannot be determined.
    pub fn plan(
        &self,
        target: &Target,
        options: &Options,
        session: Session,
    ) -> Result<CleanupPlan, RunError> {
        self.call(
            options,
            session,
            |options| Policy::plan(target, options),
            |it, store, options| it.call_plan(store, target, options),
        )
    }

    /// Carries out a plan, provided that the cluster still matches it.
    ///
    /// # Errors
    /// Fails if the cluster no longer matches the plan, or for the reasons of [`Janitor::clean`].
    pub fn apply(
        &self,
        plan: &CleanupPlan,
        options: &Options,
        session: Session,
    ) -> Result<Report, RunError> {
        self.call(
            options,
            session,
            |options| Policy::apply(plan, options),
            |it, store, options| it.call_apply(store, plan, options),
        )
    }

    /// Lists everything that is reserved in the cluster, without changing anything.
    ///
    /// # Errors
    /// Fails if that cannot be determined.
    pub fn discover(&self, options: &Options, session: Session) -> Result<Inventory, RunError> {
        self.call(options, session, Policy::discover, |it, store, options| {
            it.call_discover(store, options)
        })
    }

    /// Cleans several targets. The number of lists that are read does not depend on their number, and
    /// one that fails keeps no other. Returns a result for each target, in their order.
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub fn clean_all(
        &self,
        targets: &[Target],
        options: &Options,
        session: Session,
    ) -> Result<Vec<Result<Report, Failure>>, RunError> {
        self.call_all(
            options,
            session,
            |options| Policy::clean_all(targets, options),
            |it, store, options| it.call_clean_all(store, targets, options),
        )
    }

    /// Reports what cleaning several targets would do, without changing anything. Returns a result
    /// for each target, in their order.
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub fn plan_all(
        &self,
        targets: &[Target],
        options: &Options,
        session: Session,
    ) -> Result<Vec<Result<CleanupPlan, ReadFailure>>, RunError> {
        self.call_all(
            options,
            session,
            |options| Policy::plan_all(targets, options),
            |it, store, options| it.call_plan_all(store, targets, options),
        )
    }

    /// Carries out several plans, like [`Janitor::clean_all`].
    ///
    /// # Errors
    /// Fails if the component breaks its contract.
    pub fn apply_all(
        &self,
        plans: &[CleanupPlan],
        options: &Options,
        session: Session,
    ) -> Result<Vec<Result<Report, Failure>>, RunError> {
        self.call_all(
            options,
            session,
            |options| Policy::apply_all(plans, options),
            |it, store, options| it.call_apply_all(store, plans, options),
        )
    }

    /// Makes one call to the component, for a caller that learns at run time which one.
    ///
    /// # Errors
    /// Fails as the function for the call does.
    pub fn run(&self, call: &Call, options: &Options, session: Session) -> Result<Done, RunError> {
        match call {
            Call::Clean(target) => self.clean(target, options, session).map(Done::Cleaned),
            Call::Plan(target) => self.plan(target, options, session).map(Done::Planned),
            Call::Apply(plan) => self.apply(plan, options, session).map(Done::Cleaned),
            Call::Discover => self.discover(options, session).map(Done::Discovered),
            Call::CleanAll(targets) => {
                self.clean_all(targets, options, session).map(Done::CleanedAll)
            }
            Call::PlanAll(targets) => {
                self.plan_all(targets, options, session).map(Done::PlannedAll)
            }
            Call::ApplyAll(plans) => self.apply_all(plans, options, session).map(Done::CleanedAll),
        }
    }

    /// Calls a function for several targets, which returns a list of results.
    fn call_all<T: Send>(
        &self,
        options: &Options,
        session: Session,
        policy: impl FnOnce(&Options) -> Policy,
        function: impl FnOnce(&Guest, &mut Store<State>, &Options) -> wasmtime::Result<T> + Send,
    ) -> Result<T, RunError> {
        self.call(options, session, policy, |it, store, options| {
            function(it, store, options).map(Ok::<T, Violation>)
        })
    }

    /// Calls one function of the component. A panic of the session's transport or log continues in
    /// the caller.
    fn call<T: Send, E: Into<RunError> + Send>(
        &self,
        options: &Options,
        session: Session,
        policy: impl FnOnce(&Options) -> Policy,
        function: impl FnOnce(&Guest, &mut Store<State>, &Options) -> wasmtime::Result<Result<T, E>>
        + Send,
    ) -> Result<T, RunError> {
        let limit = session.limits.duration(options);
        // A run of the same engine that exceeded its time may wake this one.
        let next = || UpdateDeadline::Continue(1);
        let mut run = Run::prepare(&self.engine, options, session, policy, next);
        let (store, options) = (&mut run.store, &run.options);
        let (over, is_over) = mpsc::channel::<()>();
        let result = thread::scope(|scope| {
            // Interrupts the component once its time is up, whatever loop it is in.
            let watch = move || {
                if is_over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    self.engine.increment_epoch();
                }
            };
            let run = || {
                let cleaner = require_addresses(&self.engine, RUN)
                    .map_err(wasmtime::Error::msg)
                    .and_then(|()| self.component.instantiate(&mut *store))
                    .map_err(unstarted)?;
                function(cleaner.janitor_cleanup_cleanup(), store, options)
            };
            let begin = |name: &str| thread::Builder::new().name(name.into());
            let run = begin("limit")
                .spawn_scoped(scope, watch)
                .and_then(|_| begin("run").spawn_scoped(scope, run));
            let result = match run {
                Ok(run) => run.join(),
                Err(why) => Ok(Err(no_thread(&why).into())),
            };
            drop(over);
            result
        });
        match result {
            Ok(result) => run.end(result),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// The address space, in bytes, that a login leaves occupied: the allocator keeps what its threads
/// used.
const LOGIN: usize = 256 << 20;

/// Wraps the engine's reason why it does not load a component.
fn misfit(why: wasmtime::Error) -> LoadError {
    LoadError::Component(format!("{why:#}").into())
}
