//! The component's export `cleanup`: one run, from instantiation to its end.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Memory, MemoryType, Store, Trap, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::bindings::{Cleaner, CleanerPre};
use crate::limits::Limits;
use crate::log::Log;
use crate::state::State;
use crate::{component, engine, wasi};
use janitor_contract::call::Call;
use janitor_contract::outcome::{Done, RunError};
use janitor_contract::types::{CleanupPlan, Entry, Inventory, Level, Options, Report, Target};
use janitor_contract::violation::Violation;
use janitor_contract::{Endpoints, imports};
use janitor_policy::policy::Policy;
use janitor_transport::cancellation::CancellationToken;
use janitor_transport::exchange::{RunStart, Transport};

/// The loaded component. One can clean any number of targets, also at a time; clones
/// share it.
#[derive(Clone)]
pub struct Janitor {
    engine: Engine,
    component: CleanerPre<State>,
    digest: String,
}

/// What a host brings along for one run: how requests travel, and what may be left as it
/// is.
pub struct Session {
    endpoints: Endpoints,
    transport: Box<dyn Transport>,
    log: Box<dyn Log>,
    limits: Limits,
    cancellation: CancellationToken,
}

impl Session {
    /// Requests travel like this, to where DC/OS has its servers; nobody hears what
    /// happens.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self {
            endpoints: Endpoints::default(),
            transport: Box::new(transport),
            log: Box::new(|_: &Entry| {}),
            limits: Limits::default(),
            cancellation: CancellationToken::new(),
        }
    }

    /// Where the servers are: for a [`Network`](janitor_transport::Network), the same as its own.
    #[must_use]
    pub fn with_endpoints(self, endpoints: Endpoints) -> Self {
        Self { endpoints, ..self }
    }

    /// Who hears what happens: a closure that takes entries, or a [`Log`].
    #[must_use]
    pub fn with_log(self, log: impl Log + 'static) -> Self {
        Self { log: Box::new(log), ..self }
    }

    /// How much the run may use.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The token that cancels the run.
    #[must_use]
    pub fn with_cancellation(self, cancellation: CancellationToken) -> Self {
        Self { cancellation, ..self }
    }
}

impl Janitor {
    /// Loads the embedded component.
    ///
    /// # Errors
    /// When this processor lacks something that the embedded machine code
    /// needs.
    pub fn new() -> Result<Self, Violation> {
        let start = |error: wasmtime::Error| Violation::Start(format!("{error:#}"));
        let (engine, component) = component::embedded().map_err(start)?;
        Self::load(engine, &component, component::DIGEST).map_err(start)
    }

    /// Loads a component that was precompiled elsewhere, with this crate's
    /// engine configuration and this version of wasmtime.
    ///
    /// # Errors
    /// When it was made for another configuration, version or processor, or
    /// asks for imports that this host does not have.
    ///
    /// # Safety
    /// `code` must come from `wasmtime::Engine::precompile_component`: it is
    /// machine code, and is run as it is.
    #[allow(unsafe_code)]
    pub unsafe fn from_precompiled(code: &[u8], digest: &str) -> Result<Self, Violation> {
        let start = |error: wasmtime::Error| Violation::Start(format!("{error:#}"));
        let engine = Engine::new(&engine::config()).map_err(start)?;
        // SAFETY: the caller's promise.
        let component = unsafe { Component::deserialize(&engine, code) }.map_err(start)?;
        Self::load(engine, &component, digest).map_err(start)
    }

    /// Compiles and loads another component. Nothing of it runs before there is a run.
    ///
    /// # Errors
    /// When it is no component, or asks for imports that this host does not have.
    #[cfg(feature = "jit")]
    pub fn from_component(wasm: &[u8]) -> Result<Self, Violation> {
        let start = |error: wasmtime::Error| Violation::Start(format!("{error:#}"));
        let engine = Engine::new(&engine::config()).map_err(start)?;
        let component = Component::from_binary(&engine, wasm).map_err(start)?;
        Self::load(engine, &component, &component::digest(wasm)).map_err(start)
    }

    fn load(engine: Engine, component: &Component, digest: &str) -> wasmtime::Result<Self> {
        imports::check(&component::imports(&engine, component)).map_err(wasmtime::Error::msg)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        Cleaner::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let component = CleanerPre::new(linker.instantiate_pre(component)?)?;
        require_addresses(&engine, LOGIN + RUN)?;
        Ok(Self { engine, component, digest: digest.into() })
    }

    /// The component's digest, `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The names of the interfaces that the component imports.
    pub fn imports(&self) -> Vec<String> {
        component::imports(&self.engine, self.component.instance_pre().component())
    }

    /// Cleans a target.
    ///
    /// # Errors
    /// When the target is not clean, or may not be.
    pub fn clean(
        &self,
        target: Target,
        options: &Options,
        session: Session,
    ) -> Result<Report, RunError> {
        let Done::Cleaned(it) = self.run(&Call::Clean(target), options, session)? else {
            return Err(bug().into());
        };
        Ok(it)
    }

    /// Looks at what cleaning a target would do, and changes nothing.
    ///
    /// # Errors
    /// When it cannot be known.
    pub fn plan(
        &self,
        target: Target,
        options: &Options,
        session: Session,
    ) -> Result<CleanupPlan, RunError> {
        let Done::Planned(it) = self.run(&Call::Plan(target), options, session)? else {
            return Err(bug().into());
        };
        Ok(it)
    }

    /// Does what a plan says, if the cluster is still as it says.
    ///
    /// # Errors
    /// When the cluster is another one now, or as for [`Janitor::clean`].
    pub fn apply(
        &self,
        plan: CleanupPlan,
        options: &Options,
        session: Session,
    ) -> Result<Report, RunError> {
        let Done::Cleaned(it) = self.run(&Call::Apply(plan), options, session)? else {
            return Err(bug().into());
        };
        Ok(it)
    }

    /// Looks at everything that is reserved in the cluster, and changes nothing.
    ///
    /// # Errors
    /// When it cannot be known.
    pub fn discover(&self, options: &Options, session: Session) -> Result<Inventory, RunError> {
        let Done::Discovered(it) = self.run(&Call::Discover, options, session)? else {
            return Err(bug().into());
        };
        Ok(it)
    }

    /// Has the component do something. What the options say of ZooKeeper (`znode_root`
    /// and `zookeeper`) is replaced by what the session's endpoints say. The component
    /// runs on a thread of its own, so this may be called from anywhere; it returns when
    /// the run is over. An async runtime should have it called where it may block (tokio's
    /// `spawn_blocking`).
    ///
    /// # Errors
    /// When the component fails, or breaks its contract.
    pub fn run(&self, call: &Call, options: &Options, session: Session) -> Result<Done, RunError> {
        let limit = session.limits.run;
        let stderr = MemoryOutputPipe::new(session.limits.stderr_bytes);
        let options = &session.endpoints.inform(options.clone());
        let policy = Policy::new(call, options);
        let mut store = self.store(session, policy, &stderr);
        let (over, is_over) = mpsc::channel::<()>();
        let result = thread::scope(|scope| {
            // Wakes the component when its time is over, in whatever loop it is.
            let watch = move || {
                if is_over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    self.engine.increment_epoch();
                }
            };
            let run = || {
                let cleaner = require_addresses(&self.engine, RUN)
                    .and_then(|()| self.component.instantiate(&mut store))
                    .map_err(unstarted)?;
                let cleanup = cleaner.janitor_cleanup_cleanup();
                let store = &mut store;
                Ok(match call {
                    Call::Clean(target) => {
                        cleanup.call_clean(store, target, options)?.map(Done::Cleaned)
                    }
                    Call::Plan(target) => {
                        cleanup.call_plan(store, target, options)?.map(Done::Planned)
                    }
                    Call::Apply(plan) => {
                        cleanup.call_apply(store, plan, options)?.map(Done::Cleaned)
                    }
                    Call::Discover => cleanup.call_discover(store, options)?.map(Done::Discovered),
                })
            };
            let begin = |name: &str| thread::Builder::new().name(name.into());
            let run = begin("limit")
                .spawn_scoped(scope, watch)
                .and_then(|_| begin("run").spawn_scoped(scope, run));
            let result = match run {
                Ok(run) => run.join(),
                Err(why) => Ok(Err(Violation::Start(format!("there is no thread: {why}")).into())),
            };
            drop(over);
            result
        });
        let state = store.data_mut();
        for line in String::from_utf8_lossy(&stderr.contents()).lines() {
            state.say(Level::Critical, format!("component: {line}"));
        }
        let violation = match (state.denied.take(), result) {
            (Some(rule), _) => Violation::Denied(rule),
            (None, Ok(Ok(Ok(done)))) => return Ok(done),
            (None, Ok(Ok(Err(failure)))) => return Err(RunError::Failure(failure.into())),
            (None, Ok(Err(error))) => violation(&error, limit),
            (None, Err(_)) => bug(),
        };
        state.say(Level::Critical, format!("{violation}."));
        Err(violation.into())
    }

    fn store(&self, session: Session, policy: Policy, stderr: &MemoryOutputPipe) -> Store<State> {
        let Session { endpoints, mut transport, log, limits, cancellation } = session;
        let started = Instant::now();
        transport.begin(&RunStart::new(endpoints.clone(), limits.run, cancellation.clone()));
        let state = State {
            wasi: wasi::context(stderr.clone()),
            table: ResourceTable::new(),
            limits,
            policy,
            endpoints,
            transport,
            log,
            started,
            clock: Duration::ZERO,
            clock_reads: 0,
            cancellation,
            steps: 0,
            requests: 0,
            in_flight: 0,
            log_entries: 0,
            denied: None,
        };
        let call_bytes = state.limits.call_bytes;
        let mut store = Store::new(&self.engine, state);
        store.set_hostcall_fuel(call_bytes);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1);
        // Another run of the same engine may have woken this one.
        store.epoch_deadline_callback(|context| {
            if context.data().remaining() == Duration::ZERO {
                Err(Trap::Interrupt.into())
            } else {
                Ok(UpdateDeadline::Continue(1))
            }
        });
        store
    }
}

/// As many addresses, in bytes, are for the stacks of a run's threads, and what it allocates.
const RUN: usize = 192 << 20;

/// As many are for what a login leaves behind: the allocator keeps what its threads had.
const LOGIN: usize = 256 << 20;

/// Finds out whether there are enough addresses for a component's memory and so many more:
/// as soon as it is loaded, which is before somebody logs in, and again when it is to run.
fn require_addresses(engine: &Engine, more: usize) -> wasmtime::Result<()> {
    let mut store = Store::new(engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(0, None));
    let rest = memory.and_then(|_| {
        // Nothing is written there, so only addresses are taken. The compiler must not find
        // that nobody needs them.
        let mut rest = Vec::<u8>::new();
        rest.try_reserve_exact(more)?;
        black_box(&rest);
        Ok(())
    });
    rest.map_err(|why| {
        wasmtime::Error::msg(format!(
            "its memory takes more than 4 GiB of addresses, though not of memory, and there are \
             fewer (is there a limit, 'ulimit -v'?): {why:#}"
        ))
    })
}

/// Why a component does not even get to its first instruction, if that is what an error
/// says.
fn unstarted(error: wasmtime::Error) -> wasmtime::Error {
    match error.is::<Violation>() || error.is::<Trap>() {
        true => error,
        false => Violation::Start(format!("{error:#}")).into(),
    }
}

/// What an error that came out of the sandbox means.
fn violation(error: &wasmtime::Error, limit: Duration) -> Violation {
    match (error.downcast_ref::<Violation>(), error.downcast_ref::<Trap>()) {
        (Some(violation), _) => violation.clone(),
        (None, Some(Trap::Interrupt)) => Violation::Time(limit),
        (None, Some(trap)) => Violation::Trap(trap.to_string()),
        (None, None) => Violation::Trap(format!("{error:#}")),
    }
}

/// What only a mistake in this crate, or a panic in the user's transport or log, can lead to.
fn bug() -> Violation {
    Violation::Trap("a bug in the host".into())
}
