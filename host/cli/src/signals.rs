//! Cancels a run when the program receives a signal, so that nothing is left half done.

use std::{fs, thread};

use janitor_host::CancellationToken;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::screen::Screen;

/// Handles signals from now on: the first SIGHUP, SIGINT or SIGTERM cancels the run, and the
/// second one ends the program immediately. Before this call, and in a run that changes nothing,
/// the first signal ends the program. A signal that the program was started to ignore (`nohup`,
/// a shell's `&`) is still ignored.
pub fn watch(cancellation: &CancellationToken, screen: &Screen) {
    let signals = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|it| !is_ignored(*it));
    let watched = Signals::new(signals).map(|mut signals| {
        let (cancellation, screen) = (cancellation.clone(), screen.clone());
        thread::Builder::new().name("signals".into()).spawn(move || {
            let mut again = false;
            for signal in signals.forever() {
                if again {
                    low_level::exit(128 + signal);
                }
                again = true;
                cancellation.cancel();
                screen.note("finishing in-flight requests; press Ctrl-C again to quit now");
            }
        })
    });
    if let Err(why) = watched.and_then(|thread| thread) {
        screen.complain(&format!(
            "signals cannot be handled, so a signal ends the run immediately: {why}"
        ));
    }
}

/// Returns whether this program ignores a signal, as far as the system reports it.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
