//! One run of the component: the parts that its blocking and its async form share.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Memory, MemoryType, Store, Trap, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::carrier::Carrier;
use crate::limits::{Limiter, Limits};
use crate::session::Session;
use crate::state::State;
use crate::wasi;
use janitor_contract::outcome::RunError;
use janitor_contract::types::{Level, Options};
use janitor_contract::violation::Violation;
use janitor_policy::policy::Policy;
use janitor_transport::exchange::{RunStart, Running};

/// One run of the component.
pub struct Run<T: Carrier> {
    pub(crate) store: Store<State<T>>,
    pub(crate) options: Options,
    limit: Duration,
    stderr: MemoryOutputPipe,
}

impl<T: Carrier> Run<T> {
    /// Prepares a run, and announces it to its transport. While the component computes, `next` says
    /// at each tick of the engine's clock how it continues.
    pub(crate) fn prepare(
        engine: &Engine,
        options: &Options,
        session: Session<T>,
        policy: impl FnOnce(&Options) -> Policy,
        next: fn() -> UpdateDeadline,
    ) -> Self {
        let Session { endpoints, mut transport, log, limits, cancellation } = session;
        let options = endpoints.inform(options.clone());
        let stderr = MemoryOutputPipe::new(limits.stderr_bytes);
        let limit = limits.duration(&options);
        let limits = Limits { run: limit, ..limits };
        let started = Instant::now();
        let running = Running::default();
        let start = RunStart::new(endpoints.clone(), limit, cancellation.clone());
        transport.begin(&start.of(&running));
        let state = State {
            wasi: wasi::context(stderr.clone()),
            table: ResourceTable::new(),
            limiter: Limiter(limits.clone()),
            limits,
            policy: policy(&options),
            endpoints,
            transport,
            log,
            _running: running,
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
        let mut store = Store::new(engine, state);
        store.set_hostcall_fuel(call_bytes);
        store.limiter(|state| &mut state.limiter);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |context| {
            if context.data().remaining() == Duration::ZERO {
                Err(Trap::Interrupt.into())
            } else {
                Ok(next())
            }
        });
        Self { store, options, limit, stderr }
    }

    /// Ends the run with what the component returned, or with the error that stopped it.
    pub(crate) fn end<R, E: Into<RunError>>(
        mut self,
        result: wasmtime::Result<Result<R, E>>,
    ) -> Result<R, RunError> {
        let state = self.store.data_mut();
        for line in String::from_utf8_lossy(&self.stderr.contents()).lines() {
            state.say(Level::Critical, format!("component: {line}"));
        }
        let violation = match (state.denied.take(), result) {
            (Some(rule), _) => Violation::Denied(rule),
            (None, Ok(result)) => return result.map_err(Into::into),
            (None, Err(error)) => violation(&error, self.limit),
        };
        state.say(Level::Critical, format!("{violation}."));
        Err(violation.into())
    }
}

/// The address space, in bytes, for the stacks and allocations of one run.
pub const RUN: usize = 192 << 20;

/// Checks that there is enough address space for a component's memory and for `more` bytes besides.
/// It is called when the component is loaded, which is before any login, and again before it runs.
pub fn require_addresses(engine: &Engine, more: usize) -> Result<(), String> {
    let mut store = Store::new(engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(0, None));
    let rest = memory.and_then(|_| -> wasmtime::Result<()> {
        // Nothing is written here, so this takes address space but no memory. `black_box` keeps the
        // compiler from removing the unused allocation.
        let mut rest = Vec::<u8>::new();
        rest.try_reserve_exact(more)?;
        black_box(&rest);
        Ok(())
    });
    rest.map_err(|why| {
        format!(
            "it needs more than 4 GiB of address space (not of memory), and less is available \
             (check the limit, 'ulimit -v'): {why:#}"
        )
    })
}

/// Returns the violation of a run for which no thread could be started.
pub fn no_thread(why: &std::io::Error) -> Violation {
    Violation::Start(format!("cannot start a thread: {why}"))
}

/// Marks an error as a failure to start, unless it is a violation or a trap of a component that has
/// already started.
pub fn unstarted(error: wasmtime::Error) -> wasmtime::Error {
    match error.is::<Violation>() || error.is::<Trap>() {
        true => error,
        false => Violation::Start(format!("{error:#}")).into(),
    }
}

/// Maps an error that came out of the sandbox to a violation.
fn violation(error: &wasmtime::Error, limit: Duration) -> Violation {
    match (error.downcast_ref::<Violation>(), error.downcast_ref::<Trap>()) {
        (Some(violation), _) => violation.clone(),
        (None, Some(Trap::Interrupt)) => Violation::Time(limit),
        (None, Some(trap)) => Violation::Trap(trap.to_string()),
        (None, None) => Violation::Trap(format!("{error:#}")),
    }
}
