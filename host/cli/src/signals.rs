//! Ends a command, or cancels its run, when the program receives a signal, so that nothing is left
//! half done, and no progress bar is left on the terminal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, process, thread};

use janitor_host::CancellationToken;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::screen::Screen;

/// The stage of a command, which decides what a signal does.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<Kind>>);

enum Kind {
    /// Nothing has been changed. The first signal ends the program, like a program that handles no
    /// signals, after these last words.
    Unchanged(Option<&'static str>),
    /// The run changes something. The first signal cancels it, and the second one ends the program
    /// immediately.
    Changing { cancellation: CancellationToken, is_cancelled: bool },
}

impl Stage {
    /// Handles SIGHUP, SIGINT and SIGTERM from now on. A signal that the program was started to
    /// ignore (`nohup`, a shell's `&`) is still ignored.
    pub fn watch(screen: &Screen) -> Self {
        let stage = Self(Arc::new(Mutex::new(Kind::Unchanged(None))));
        let signals = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|it| !is_ignored(*it));
        let watched = Signals::new(signals).map(|mut signals| {
            let (stage, screen) = (stage.clone(), screen.clone());
            thread::Builder::new()
                .name("signals".into())
                .spawn(move || signals.forever().for_each(|signal| stage.handle(signal, &screen)))
        });
        if let Err(why) = watched.and_then(|thread| thread) {
            screen.complain(&format!(
                "signals cannot be handled, so a signal ends the run immediately: {why}"
            ));
        }
        stage
    }

    /// Sets the last words of a command that a signal ends before it changes anything.
    pub fn set_last_words(&self, words: &'static str) {
        *self.kind() = Kind::Unchanged(Some(words));
    }

    /// Begins the part of a command that changes something.
    pub fn change(&self, cancellation: &CancellationToken) {
        let cancellation = cancellation.clone();
        *self.kind() = Kind::Changing { cancellation, is_cancelled: false };
    }

    fn kind(&self) -> MutexGuard<'_, Kind> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handles one signal. While it ends the program, no change can begin.
    fn handle(&self, signal: i32, screen: &Screen) {
        match &mut *self.kind() {
            Kind::Unchanged(last_words) => {
                screen.leave(*last_words);
                end_by(signal);
            }
            Kind::Changing { is_cancelled: true, .. } => {
                screen.leave(None);
                low_level::exit(128 + signal);
            }
            Kind::Changing { cancellation, is_cancelled } => {
                *is_cancelled = true;
                cancellation.cancel();
                screen.interject("finishing in-flight requests; press Ctrl-C again to quit now");
            }
        }
    }
}

/// Ends the program by a signal, so that a shell sees that it was interrupted.
fn end_by(signal: i32) {
    // The first process of a container does not end by a signal that it sends to itself.
    if process::id() != 1 {
        // If it fails, the next line ends the program.
        let _ = low_level::emulate_default_handler(signal);
    }
    low_level::exit(128 + signal);
}

/// Returns whether this program ignores a signal, as far as the system reports it.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
