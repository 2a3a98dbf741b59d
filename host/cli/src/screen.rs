//! Standard output and standard error: lines for people, or documents for programs.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use janitor_contract::json;
use janitor_contract::printable::printable;
use janitor_contract::types::{Entry, Level};
use janitor_report::ExitCode;
use janitor_report::line::{Line, Tone};
use serde::Serialize;

use crate::args::Printing;
use crate::error::CommandError;
use crate::files;
use crate::finished::{Document, Finished};
use janitor_report::command_line::parse::{Format, Show};
use janitor_report::output::Event;

/// The screen of a command. Clones share it.
#[derive(Clone)]
pub struct Screen(Arc<Shared>);

struct Shared {
    show: Show,
    /// Standard error contains only errors.
    is_quiet: bool,
    /// Standard output shows colours.
    is_coloured: bool,
    /// Standard output is a terminal, so every line is written immediately.
    is_watched: bool,
    state: Mutex<State>,
}

struct State {
    /// Standard output. Lines are buffered until somebody has to see them: for an agent without
    /// resources of the target, writing its line takes longer than everything else.
    lines: BufWriter<Stdout>,
    /// The file of the events, if there is one.
    events: Option<File>,
    /// The time of an event is known; in a replay it is not.
    is_live: bool,
    /// The progress bar, if there is one.
    bar: Option<ProgressBar>,
    /// The first reason why something could not be written.
    lost: Option<String>,
    /// The warnings about the command itself.
    warnings: Vec<String>,
}

impl State {
    /// Writes something while the progress bar is hidden. If the reader has closed the stream, the
    /// command continues nevertheless, because half a cleanup would be worse; the first other
    /// error is kept until the end.
    fn write(&mut self, stream: &str, write: impl FnOnce(&mut Self) -> io::Result<()>) {
        let written = match self.bar.clone() {
            Some(bar) => bar.suspend(|| write(self)),
            None => write(self),
        };
        if let Err(why) = written
            && why.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.get_or_insert_with(|| format!("cannot write to {stream}: {why}"));
        }
    }
}

/// The names of the streams.
const STDOUT: &str = "standard output";
const STDERR: &str = "standard error";

impl Screen {
    /// The screen of a command with these output options.
    pub fn new(&Printing { show, quiet, .. }: &Printing) -> Self {
        let stdout = io::stdout();
        Self(Arc::new(Shared {
            show,
            is_quiet: quiet,
            is_coloured: AutoStream::choice(&stdout) != ColorChoice::Never,
            is_watched: stdout.is_terminal(),
            state: Mutex::new(State {
                lines: BufWriter::new(stdout),
                events: None,
                is_live: true,
                bar: None,
                lost: None,
                warnings: vec![],
            }),
        }))
    }

    /// The output format.
    pub fn format(&self) -> Format {
        self.0.show.output
    }

    /// Returns whether to show every request.
    pub fn verbose(&self) -> bool {
        self.0.show.verbose
    }

    /// Returns whether both streams are terminals on which lines for people appear.
    pub fn is_watched(&self) -> bool {
        self.format() == Format::Text && self.0.is_watched && io::stderr().is_terminal()
    }

    /// Returns whether standard error contains only errors.
    pub fn is_quiet(&self) -> bool {
        self.0.is_quiet
    }

    /// Writes the events to a file too.
    ///
    /// # Errors
    /// Fails if the file cannot be written, with one sentence for people.
    pub fn write_events(&self, file: &Path) -> Result<(), String> {
        self.state().events = Some(files::create_events(file)?);
        Ok(())
    }

    /// Leaves out the times of events, which a replay does not have.
    pub fn replay(&self) {
        self.state().is_live = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Even if a thread panicked while it held the lock, the next line is written completely.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line for people on standard output, unless a document is written there. Only a
    /// terminal gets its colour (`NO_COLOR` is honoured), and nothing else in it controls one.
    pub fn line(&self, line: impl Into<Line>) {
        if self.format() == Format::Text {
            self.state().write(STDOUT, |state| {
                write_line(&mut state.lines, self.0.is_coloured, line.into())?;
                if self.0.is_watched { state.lines.flush() } else { Ok(()) }
            });
        }
    }

    /// Writes a line for somebody at a terminal, even if standard output is redirected.
    pub fn show(&self, line: impl Into<Line>) {
        if self.format() == Format::Text && self.0.is_watched {
            return self.line(line);
        }
        let mut stderr = io::stderr();
        let is_coloured = AutoStream::choice(&stderr) != ColorChoice::Never;
        self.state().write(STDERR, |_| write_line(&mut stderr, is_coloured, line.into()));
    }

    /// Writes a line about the command itself on standard error.
    pub fn complain(&self, line: &str) {
        self.flush();
        self.state().write(STDERR, |_| writeln!(io::stderr(), "janitor: {}", printable(line)));
    }

    /// Writes a line about the command itself on standard error, unless it is read by a program.
    pub fn note(&self, line: &str) {
        if self.format() == Format::Text && !self.is_quiet() {
            self.complain(line);
        }
    }

    /// Writes a warning about the command itself. The document contains it too.
    pub fn warn(&self, line: &str) {
        self.note(line);
        self.state().warnings.push(line.to_owned());
    }

    /// Writes the buffered lines.
    pub fn flush(&self) {
        self.state().write(STDOUT, |state| state.lines.flush());
    }

    /// Writes an entry of a run's log.
    pub fn log(&self, entry: &Entry) {
        let time = self.state().is_live.then(now);
        let event = || json::line(&Event { entry, time: time.clone() }).map_err(io::Error::other);
        self.state().write("the file of the events", |state| match &mut state.events {
            Some(file) => file.write_all(&event()?),
            None => Ok(()),
        });
        match self.format() {
            Format::Text if entry.is_for_standard_error() => self.note(&entry.message),
            Format::Text if self.verbose() || entry.level != Level::Debug => {
                self.line(Line::tone(entry.level.into(), &entry.message));
            }
            Format::Text => {}
            Format::Json if self.is_quiet() => {}
            Format::Json => {
                self.state().write(STDERR, |_| io::stderr().write_all(&event()?));
            }
        }
    }

    /// Changes or removes the progress bar.
    pub fn with_bar<T>(&self, change: impl FnOnce(&mut Option<ProgressBar>) -> T) -> T {
        change(&mut self.state().bar)
    }

    /// Explains to people why a command did not do its work.
    pub fn explain(&self, error: &CommandError) {
        match error {
            CommandError::Declined(_) => self.show(error.message()),
            CommandError::Usage(_) | CommandError::Component(..) => self.complain(error.message()),
            _ => self.line(error.message()),
        }
        error.next().into_iter().for_each(|line| self.line(line));
    }

    /// Prints the last lines and the document of a command, and returns its exit code, which the
    /// document contains too. If the document cannot be written, only the exit code and standard
    /// error show it. `complete` adds to the document what is known only at the end.
    pub fn end(
        &self,
        result: Result<Finished, CommandError>,
        complete: impl FnOnce(&mut Finished),
    ) -> ExitCode {
        let mut finished = result.unwrap_or_else(|error| {
            self.explain(&error);
            Finished::explained(&error)
        });
        std::mem::take(&mut finished.lines).into_iter().for_each(|line| self.line(line));
        std::mem::take(&mut finished.notes).iter().for_each(|note| self.complain(note));
        finished.hints.iter().for_each(|hint| self.note(hint));
        self.flush();
        if let Some(why) = self.state().lost.take() {
            finished.lose(why);
        }
        finished.warn(std::mem::take(&mut self.state().warnings));
        complete(&mut finished);
        match (&finished.document, self.format()) {
            (Document::File(file), _) => self.document(|| Ok(file.clone())),
            (Document::Output(output), Format::Json) => self.document(|| lines(output)),
            (Document::Inspection(inspection), Format::Json) => {
                self.document(|| lines(inspection));
            }
            (_, Format::Text) => {}
        }
        if let Some(why) = self.state().lost.take() {
            finished.lose(why);
        }
        finished.notes.iter().for_each(|note| self.complain(note));
        finished.code
    }

    fn document(&self, content: impl FnOnce() -> io::Result<Vec<u8>>) {
        self.state().write(STDOUT, |state| {
            state.lines.write_all(&content()?)?;
            state.lines.flush()
        });
    }
}

/// The current time, as RFC 3339.
pub fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

fn lines(document: &impl Serialize) -> io::Result<Vec<u8>> {
    json::lines(document).map_err(io::Error::other)
}

/// Writes one line.
fn write_line(to: &mut impl Write, is_coloured: bool, line: Line) -> io::Result<()> {
    let Line { tone, head, rest } = line;
    let (style, head, rest) = (style(tone), printable(&head), printable(&rest));
    match is_coloured {
        true => writeln!(to, "{style}{head}{style:#}{rest}"),
        false => writeln!(to, "{head}{rest}"),
    }
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
