//! What is written where: lines for people on standard output, or JSON for
//! programs.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use janitor_contract::json;
use janitor_contract::printable::printable;
use janitor_contract::types::{Event, Warning};
use janitor_host::log::Log;
use janitor_host::{Entry, Level};
use janitor_report::output::Output;
use serde::Serialize;

use crate::progress::beside;
use janitor_report::line::{Line, Tone};

/// Who reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines on standard output
    Text,
    /// One object on standard output; every event as a line on standard error
    Json,
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Gone => AnsiColor::Magenta.on_default(),
        Tone::Kept => AnsiColor::Green.on_default(),
        Tone::Warn => AnsiColor::Yellow.on_default(),
        Tone::Error => AnsiColor::Red.on_default(),
    }
}

/// Writes what a command has to say.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// Who reads it.
    pub format: Format,
    /// Whether to print what is only for finding out.
    pub verbose: bool,
}

impl Log for Console {
    fn entry(&mut self, entry: &Entry) {
        match self.format {
            // The lines of the original have no room for it.
            Format::Text if entry.event == Some(Event::Warning(Warning::FilesStay)) => {
                complain(&entry.message);
            }
            Format::Text if self.verbose || entry.level != Level::Debug => {
                self.line(Line::tone(entry.level.into(), &entry.message));
            }
            Format::Text => {}
            Format::Json => {
                if let Ok(json) = json::line(entry) {
                    // Nobody may be listening; the run goes on.
                    let _ = io::stderr().write_all(&json);
                }
            }
        }
    }

    fn flush(&mut self) {
        flush();
    }
}

/// Standard output, for lines.
struct Lines {
    /// Whether it takes colours.
    is_coloured: bool,
    /// Whether somebody watches every line as it comes.
    is_watched: bool,
    /// Lines that are not written yet. Writing each by itself takes longer than all else
    /// about an agent that a run has nothing to do with.
    kept: Mutex<BufWriter<Stdout>>,
}

static LINES: LazyLock<Lines> = LazyLock::new(|| Lines {
    is_coloured: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    is_watched: io::stdout().is_terminal(),
    kept: Mutex::new(BufWriter::new(io::stdout())),
});

impl Lines {
    fn kept(&self) -> MutexGuard<'_, BufWriter<Stdout>> {
        // Whatever broke off in there, what is written next is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one line.
fn write(to: &mut impl Write, is_coloured: bool, line: Line) -> io::Result<()> {
    let Line { tone, head, rest } = line;
    let (style, head, rest) = (style(tone), printable(&head), printable(&rest));
    match is_coloured {
        true => writeln!(to, "{style}{head}{style:#}{rest}"),
        false => writeln!(to, "{head}{rest}"),
    }
}

/// Writes the lines that are not written yet.
pub fn flush() {
    // Nobody may be listening.
    let _ = LINES.kept().flush();
}

impl Console {
    /// Writes a line for people, without anything in it that could steer a
    /// terminal but its own colour, which is for terminals only (and `NO_COLOR`
    /// is honoured). When nobody reads any more, the run goes on all the same:
    /// half a cleanup would be worse.
    pub fn line(self, line: impl Into<Line>) {
        if self.format == Format::Text {
            let _ = beside(|| {
                let mut kept = LINES.kept();
                write(&mut *kept, LINES.is_coloured, line.into())?;
                if LINES.is_watched { kept.flush() } else { Ok(()) }
            });
        }
    }

    /// Writes a line for somebody at a terminal, wherever standard output goes.
    pub fn show(self, line: impl Into<Line>) {
        if self.format == Format::Text && LINES.is_watched {
            return self.line(line);
        }
        let mut stderr = io::stderr();
        let is_coloured = AutoStream::choice(&stderr) != ColorChoice::Never;
        let _ = beside(|| write(&mut stderr, is_coloured, line.into()));
    }

    /// Writes the object for programs.
    pub fn document(self, output: &Output) {
        self.object(output);
    }

    /// Writes an object for programs that is not the outcome of a run.
    pub fn object(self, object: &impl Serialize) {
        if self.format == Format::Json
            && let Ok(json) = json::lines(object)
        {
            let _ = io::stdout().write_all(&json);
        }
    }
}

/// Writes a line that is no part of the run itself.
pub fn complain(line: &str) {
    flush();
    let _ = beside(|| writeln!(io::stderr(), "janitor: {}", printable(line)));
}
