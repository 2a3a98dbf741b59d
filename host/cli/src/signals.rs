//! Signals end a run in order: nothing is left half done.

use std::{fs, thread};

use janitor_host::CancellationToken;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::screen::Screen;

/// From here on a first SIGHUP, SIGINT or SIGTERM stops the run in order; a second one ends
/// the program at once. Before that, and while a run changes nothing, a signal ends the
/// program as it ends any other. A signal that the program was started to ignore (`nohup`, a
/// shell's `&`) stays ignored.
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
        screen.complain(&format!("a signal will end the run at once: {why}"));
    }
}

/// Returns whether this program ignores a signal, as far as the system says so.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
