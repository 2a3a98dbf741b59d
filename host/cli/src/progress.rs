//! Shows the progress of a run on a terminal: a bar on standard error for each phase that works
//! through the agents. Standard output must be a terminal too.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use janitor_contract::types::{Entry, Event, Phase, PhaseStart};
use janitor_host::Log;

use crate::screen::Screen;

impl Log for Screen {
    fn entry(&mut self, entry: &Entry) {
        self.log(entry);
        match &entry.event {
            Some(Event::PhaseStarted(start)) => self.begin_phase(start),
            Some(Event::Agent(_)) => self.with_bar(|bar| bar.iter().for_each(advance)),
            Some(Event::Confirmed(_)) => self.end_phase(),
            _ => {}
        }
    }

    fn flush(&mut self) {
        Self::flush(self);
    }
}

impl Screen {
    fn begin_phase(&self, PhaseStart { phase, total }: &PhaseStart) {
        self.end_phase();
        let name = match phase {
            Phase::Volumes => "Volumes",
            Phase::Reservations => "Reservations",
            // These phases are too short for a bar.
            Phase::Znode | Phase::SelfRemoval => return,
        };
        if self.is_watched() && !self.is_quiet() && *total > 1 {
            self.with_bar(|bar| *bar = Some(begin(name, (*total).into())));
        }
    }

    /// Removes the bar.
    pub fn end_phase(&self) {
        if let Some(bar) = self.with_bar(Option::take) {
            bar.finish_and_clear();
        }
    }
}

fn begin(name: &'static str, total: u64) -> ProgressBar {
    // The template is a constant. If it were invalid, the bar would only look different.
    let style = ProgressStyle::with_template("{msg} {pos}/{len} [{wide_bar}] {elapsed}");
    let style = style.unwrap_or(ProgressStyle::default_bar()).progress_chars("=> ");
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
        .with_style(style)
        .with_message(name)
        .with_finish(ProgressFinish::AndClear);
    bar.tick();
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// Counts one more agent. After the last one, the master still has to confirm the phase.
fn advance(bar: &ProgressBar) {
    bar.inc(1);
    if Some(bar.position()) == bar.length() {
        bar.set_message(format!("{}, to be confirmed", bar.message()));
        bar.force_draw();
    }
}
