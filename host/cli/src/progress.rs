//! Shows on a terminal that a run is alive: a bar on standard error for each phase that works
//! through the agents, and between them a line that names what the run waits for. Standard output
//! must be a terminal too.

use std::env;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use janitor_contract::types::{Entry, Event, Phase, PhaseStart};
use janitor_host::Log;

use crate::screen::Screen;

/// The most columns of the line that moves. If a terminal becomes narrower than the line, it keeps
/// a piece of it.
const WIDEST: usize = 52;

/// The columns of the terminal to the right of the line: room for the `^C` that a terminal echoes
/// behind it. If the echo wrapped, the line would stay.
const ECHO: usize = 8;

/// The columns of a bar.
const BAR: usize = 16;

/// The last line of a terminal, which moves while a run is alive.
pub struct Moving {
    what: What,
    since: Instant,
    /// The number of times that the line was drawn.
    drawn: usize,
}

#[derive(Clone, Copy)]
enum What {
    /// The progress of a phase: its name, and how many of its agents are finished.
    Phase { name: &'static str, done: u32, total: u32 },
    /// A wait for a server.
    Wait(&'static str),
}

impl Moving {
    fn new(what: What) -> Self {
        Self { what, since: Instant::now(), drawn: 0 }
    }

    /// Returns the line, in so many columns of the terminal.
    pub fn line(&mut self, columns: usize) -> String {
        let room = columns.saturating_sub(ECHO).min(WIDEST);
        let seconds = self.since.elapsed().as_secs();
        let elapsed = match seconds / 60 {
            0 => format!("{seconds}s"),
            minutes => format!("{minutes}m{:02}s", seconds % 60),
        };
        let mut line = match self.what {
            What::Wait(words) => {
                let turn = ['|', '/', '-', '\\'].into_iter().cycle().nth(self.drawn % 4);
                format!("{} {words} {elapsed}", turn.unwrap_or('|'))
            }
            What::Phase { name, done, total } => {
                // After the last agent, the master still has to confirm the phase.
                let rest = if done < total { "" } else { ", to be confirmed" };
                let line = format!("{name}{rest} {done}/{total} {elapsed}");
                let bar = room.saturating_sub(line.len() + 3).min(BAR);
                let full = bar * done as usize / total.max(1) as usize;
                match bar {
                    0 => line,
                    _ => format!("{line} [{}{}]", "=".repeat(full), " ".repeat(bar - full)),
                }
            }
        };
        self.drawn = self.drawn.wrapping_add(1);
        line.truncate(room);
        line
    }
}

impl Log for Screen {
    fn entry(&mut self, entry: &Entry) {
        self.log(entry);
        match &entry.event {
            Some(Event::PhaseStarted(start)) => self.begin_phase(start),
            Some(Event::Agent(_)) => self.advance(),
            Some(Event::Confirmed(_)) => self.move_on(|_| None),
            _ => {}
        }
    }

    fn flush(&mut self) {
        Self::flush(self);
    }
}

impl Screen {
    fn begin_phase(&self, PhaseStart { phase, total }: &PhaseStart) {
        let name = match phase {
            Phase::Volumes => Some("Volumes"),
            Phase::Reservations => Some("Reservations"),
            // These phases are too short for a bar.
            Phase::Znode | Phase::SelfRemoval => None,
        };
        let name = name.filter(|_| *total > 1);
        let phase = name.map(|name| What::Phase { name, done: 0, total: *total });
        self.move_on(|_| phase.map(Moving::new));
    }

    /// Counts one more agent.
    fn advance(&self) {
        self.move_on(|moving| {
            moving.map(|moving| match moving.what {
                What::Phase { name, done, total } => {
                    let done = total.min(done.saturating_add(1));
                    Moving { what: What::Phase { name, done, total }, ..moving }
                }
                What::Wait(_) => moving,
            })
        });
    }

    /// Shows what the run waits for, unless the bar of a phase moves.
    fn show_wait(&self, words: &'static str) {
        self.move_on(|moving| match moving {
            Some(moving @ Moving { what: What::Phase { .. }, .. }) => Some(moving),
            Some(moving @ Moving { what: What::Wait(last), .. }) if last == words => Some(moving),
            _ => Some(Moving::new(What::Wait(words))),
        });
    }
}

/// Returns whether the terminal cannot erase a line.
pub fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|name| name == "dumb")
}

/// The time after which a command shows the first sign of life. Most commands are faster.
const FIRST_SIGN: Duration = Duration::from_millis(500);

/// The time between two looks at what the command waits for.
const NEXT_SIGN: Duration = Duration::from_millis(250);

/// The description of the present wait. Clones share it.
#[derive(Clone)]
pub struct Waiting(Arc<Mutex<&'static str>>);

impl Waiting {
    /// Changes what the command waits for.
    pub fn set(&self, words: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    fn words(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signs of life of a command, until they are dropped.
pub struct SignsOfLife {
    screen: Screen,
    waiting: Waiting,
    /// The thread ends when the sender is dropped.
    thread: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl SignsOfLife {
    /// Begins to show what a command waits for, on a terminal.
    pub fn begin(screen: &Screen, words: &'static str) -> Self {
        let waiting = Waiting(Arc::new(Mutex::new(words)));
        let thread =
            screen.has_signs_of_life().then(|| show_waits(screen.clone(), waiting.clone()));
        Self { screen: screen.clone(), waiting, thread: thread.flatten() }
    }

    /// Returns the description of the present wait, to be changed.
    pub fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }
}

impl Drop for SignsOfLife {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.thread.take() {
            drop(end);
            // If it panicked, there are only fewer signs.
            let _ = thread.join();
        }
        self.screen.move_on(|_| None);
    }
}

/// Shows on a thread of its own what a command waits for. Without a thread there are no signs.
fn show_waits(screen: Screen, waiting: Waiting) -> Option<(mpsc::Sender<()>, JoinHandle<()>)> {
    // A terminal that cannot erase a line gets a line for each wait.
    let is_dumb = is_dumb();
    let (end, ended) = mpsc::channel();
    let show = move || {
        let (mut time, mut last) = (FIRST_SIGN, "");
        while ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            let words = waiting.words();
            match is_dumb {
                true if last != words => screen.note(words),
                true => {}
                false => screen.show_wait(words),
            }
            (time, last) = (NEXT_SIGN, words);
        }
    };
    let thread = thread::Builder::new().name("signs of life".into()).spawn(show).ok()?;
    Some((end, thread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaves_room_for_an_echo() {
        let name = "Reservations";
        for what in [
            What::Phase { name, done: 0, total: 100_000 },
            What::Phase { name, done: 100_000, total: 100_000 },
            What::Phase { name, done: 0, total: 0 },
            What::Wait("Waiting until the Mesos master is available"),
        ] {
            let mut moving = Moving::new(what);
            for columns in 0..200 {
                let length = moving.line(columns).len();
                assert!(length <= WIDEST && (length == 0 || length + ECHO <= columns));
            }
        }
    }

    #[test]
    fn a_bar_grows() {
        let line = |done| Moving::new(What::Phase { name: "Volumes", done, total: 4 }).line(80);
        assert_eq!(line(1), "Volumes 1/4 0s [====            ]");
        assert_eq!(line(4), "Volumes, to be confirmed 4/4 0s [================]");
    }
}
