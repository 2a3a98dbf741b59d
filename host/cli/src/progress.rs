//! How far a run is, for those who watch it on a terminal.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use janitor_contract::types::{Event, Phase, PhaseStart};
use janitor_host::Entry;
use janitor_host::log::Log;

use crate::screen::{Console, Format};

/// The bar on the screen, if there is one. There is one screen, so there is one
/// of this.
static ON_SCREEN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes something while no bar is in the way.
pub fn beside<T>(write: impl FnOnce() -> T) -> T {
    let bar = ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Shows a bar while a phase goes from agent to agent, and hands everything on.
/// The bar is on standard error, and only where the lines go to a terminal too.
pub struct Progress {
    console: Console,
    is_watched: bool,
    bar: ProgressBar,
}

impl Progress {
    /// No phase yet.
    pub fn new(console: Console) -> Self {
        let is_watched = console.format == Format::Text
            && io::stdout().is_terminal()
            && io::stderr().is_terminal();
        Self { console, is_watched, bar: ProgressBar::hidden() }
    }

    fn begin(&mut self, PhaseStart { phase, total }: &PhaseStart) {
        self.bar.finish_and_clear();
        let what = match phase {
            Phase::Volumes => "Volumes",
            Phase::Reservations => "Reservations",
            // They are done before a bar is looked at.
            Phase::Znode | Phase::SelfRemoval => return,
        };
        if self.is_watched && *total > 1 {
            // The template is ours; were it wrong, the bar would look otherwise.
            let style = ProgressStyle::with_template("{msg} {pos}/{len} [{wide_bar}] {elapsed}");
            let style = style.unwrap_or(ProgressStyle::default_bar()).progress_chars("=> ");
            let stderr = ProgressDrawTarget::stderr();
            self.bar = ProgressBar::with_draw_target(Some((*total).into()), stderr)
                .with_style(style)
                .with_message(what)
                .with_finish(ProgressFinish::AndClear);
            self.bar.tick();
            self.bar.enable_steady_tick(Duration::from_secs(1));
            *ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.bar.clone());
        }
    }

    /// One agent more. After the last one the master has to show that it is true.
    fn next(&self) {
        self.bar.inc(1);
        if Some(self.bar.position()) == self.bar.length() {
            self.bar.set_message(format!("{}, to be confirmed", self.bar.message()));
            self.bar.force_draw();
        }
    }
}

impl Log for Progress {
    fn entry(&mut self, entry: &Entry) {
        self.console.entry(entry);
        match &entry.event {
            Some(Event::PhaseStarted(start)) => self.begin(start),
            Some(Event::Agent(_)) => self.next(),
            Some(Event::Confirmed(_)) => self.bar.finish_and_clear(),
            _ => {}
        }
    }

    fn flush(&mut self) {
        self.console.flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
