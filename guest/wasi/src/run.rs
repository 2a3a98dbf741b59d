//! The current run: its clock, and the exchanges that it has in flight.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasip2::clocks::monotonic_clock::{self, Instant};
use wasip2::http::types::FutureIncomingResponse;

use crate::settings::{self, Settings};

/// A second in the units of WASI's clocks.
pub const SECOND: u64 = 1_000_000_000;
/// The time after its time limit in which a run may still send reads, in seconds.
const LOOKS: u32 = 60;

/// The state of a run. A response that outlives its run keeps the run's state, and so does not
/// change that of the next one.
pub struct Run {
    /// The settings at the start of the run.
    pub settings: Rc<Settings>,
    /// The start of the run, by the runtime's clock.
    pub begin: Instant,
    /// The end of the time for requests that change something.
    pub end: Instant,
    /// The end of the time for all requests.
    pub last: Instant,
    /// The number of exchanges in flight.
    pub in_flight: Cell<u32>,
    /// The requests that were dropped unfinished, and continue until the end of the run.
    pub forgotten: RefCell<Vec<FutureIncomingResponse>>,
}

thread_local! {
    static RUN: RefCell<Option<Rc<Run>>> = const { RefCell::new(None) };
}

/// Starts a run.
///
/// # Errors
/// Fails with one sentence if the servers are not configured.
pub fn begin() -> Result<(), String> {
    let settings = settings::get().ok_or(
        "Nothing was changed: the servers are not configured; call janitor:wasi/settings first",
    )?;
    let begin = monotonic_clock::now();
    let run_seconds = settings.run_seconds;
    let end = begin.saturating_add(u64::from(run_seconds) * SECOND);
    let last = end.saturating_add(u64::from(run_seconds.min(LOOKS)) * SECOND);
    let (in_flight, forgotten) = Default::default();
    RUN.set(Some(Rc::new(Run { settings, begin, end, last, in_flight, forgotten })));
    Ok(())
}

/// Ends the run.
pub fn end() {
    RUN.set(None);
}

/// Returns the run, if there is one.
pub fn current() -> Option<Rc<Run>> {
    RUN.with_borrow(Clone::clone)
}

impl Run {
    /// Frees a slot in the window.
    pub fn free(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
    }
}
