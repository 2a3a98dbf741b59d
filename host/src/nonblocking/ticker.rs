//! The engine's clock while there are async runs.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// The time after which a component that computes lets other futures of its thread run.
const TICK: Duration = Duration::from_millis(10);

/// Advances an engine's clock, on one thread for all runs.
#[derive(Clone, Default)]
pub struct Ticker(Arc<Mutex<Weak<Ticks>>>);

/// The right to a clock that advances. The thread ends with the last one.
pub struct Ticks {
    _over: Sender<()>,
}

impl Ticker {
    /// Sees that the engine's clock advances until the result is dropped.
    ///
    /// # Errors
    /// Fails if no thread can be started.
    pub fn start(&self, engine: &Engine) -> io::Result<Arc<Ticks>> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticks) = current.upgrade() {
            return Ok(ticks);
        }
        let engine = engine.clone();
        let (over, is_over) = mpsc::channel();
        thread::Builder::new().name("ticks".into()).spawn(move || {
            while is_over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        })?;
        let ticks = Arc::new(Ticks { _over: over });
        *current = Arc::downgrade(&ticks);
        Ok(ticks)
    }
}
