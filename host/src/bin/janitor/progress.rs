//! How far a run is, for those who watch it on a terminal.

use std::io::{self, IsTerminal};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use janitor_host::Entry;
use janitor_host::bindings::log::{Event, Phase, PhaseStart};
use janitor_host::log::Log;

use crate::console::{Console, Format};

/// The bars on the screen. They are on standard error, and only where the lines
/// go to a terminal too. There is one screen, so there is one of this.
static SCREEN: LazyLock<MultiProgress> = LazyLock::new(|| {
    let is_watched = io::stdout().is_terminal() && io::stderr().is_terminal();
    MultiProgress::with_draw_target(match is_watched {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    })
});

/// Writes something while no bar is in the way.
pub fn beside<T>(write: impl FnOnce() -> T) -> T {
    SCREEN.suspend(write)
}

/// Shows a bar while a phase goes from agent to agent, and hands everything on.
pub struct Progress {
    console: Console,
    bar: ProgressBar,
}

impl Progress {
    /// No phase yet.
    pub fn new(console: Console) -> Self {
        Self { console, bar: ProgressBar::hidden() }
    }

    fn begin(&mut self, PhaseStart { phase, total }: &PhaseStart) {
        self.bar.finish_and_clear();
        let what = match phase {
            Phase::Volumes => "Volumes",
            Phase::Reservations => "Reservations",
            // They are done before a bar is looked at.
            Phase::Znode | Phase::SelfRemoval => return,
        };
        if self.console.format == Format::Text && *total > 1 {
            let bar = ProgressBar::new((*total).into());
            let bar = bar.with_message(what).with_finish(ProgressFinish::AndClear);
            // The template is ours; were it wrong, the bar would look otherwise.
            let style = ProgressStyle::with_template("{msg} {pos}/{len} [{wide_bar}] {elapsed}");
            let style = style.unwrap_or(ProgressStyle::default_bar()).progress_chars("=> ");
            self.bar = SCREEN.add(bar.with_style(style));
            self.bar.tick();
            self.bar.enable_steady_tick(Duration::from_secs(1));
        }
    }

    /// One agent more. After the last one the master has to show that it is true.
    fn next(&self) {
        self.bar.inc(1);
        if Some(self.bar.position()) == self.bar.length() {
            self.bar.set_message(format!("{}, to be confirmed", self.bar.message()));
            // Draws it at once, however short ago the last time was.
            beside(|| {});
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
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
