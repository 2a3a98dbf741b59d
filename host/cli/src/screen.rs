//! Standard output and standard error: lines for people, or documents for programs.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, SystemTime};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use console::Term;
use janitor_contract::json;
use janitor_contract::printable::printable;
use janitor_contract::types::{Entry, Level};
use janitor_report::ExitCode;
use janitor_report::line::{Line, Tone};
use janitor_report::view::View;
use serde::Serialize;

use crate::args::Printing;
use crate::error::CommandError;
use crate::files;
use crate::finished::{Document, Finished};
use crate::progress::{Moving, is_dumb};
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
    /// The run takes place now: its events have a time, and it shows signs of life. A replay does
    /// not, nor does a program that ends.
    is_live: bool,
    /// The last line, if it moves.
    moving: Option<Moving>,
    /// The first reason why something could not be written.
    lost: Option<String>,
    /// The warnings about the command itself.
    warnings: Vec<String>,
}

impl State {
    /// Writes something while the line that moves is erased. If the reader has closed the stream,
    /// the command continues nevertheless, because half a cleanup would be worse; the first other
    /// error is kept until the end.
    fn write(&mut self, stream: &str, write: impl FnOnce(&mut Self) -> io::Result<()>) {
        let moving = self.moving.take();
        if moving.is_some() {
            erase();
        }
        if let Err(why) = write(self)
            && why.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.get_or_insert_with(|| format!("cannot write to {stream}: {why}"));
        }
        self.moving = moving;
        self.draw();
    }

    /// Draws the line that moves, over itself.
    fn draw(&mut self) {
        if let Some(moving) = &mut self.moving {
            let columns = Term::stderr().size_checked().map_or(80, |(_, columns)| columns.into());
            let line = moving.line(columns);
            // A terminal that no longer exists needs no signs of life.
            let _ = io::stderr().write_all(format!("{ERASE}{line}").as_bytes());
        }
    }
}

/// Moves the cursor to the first column, and erases its line.
const ERASE: &str = "\r\x1b[2K";

/// Erases the line that moves.
fn erase() {
    // On a terminal that no longer exists, there is nothing to erase.
    let _ = io::stderr().write_all(ERASE.as_bytes());
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
                moving: None,
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

    /// Leaves out the times of events and the signs of life, which a replay does not have.
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
        self.warned(line.to_owned());
    }

    /// Keeps a warning for the document that people have seen in the log.
    pub fn warned(&self, line: String) {
        self.state().warnings.push(line);
    }

    /// Writes the buffered lines.
    pub fn flush(&self) {
        let mut state = self.state();
        if !state.lines.buffer().is_empty() {
            state.write(STDOUT, |state| state.lines.flush());
        }
    }

    /// Writes an entry of a run's log.
    pub fn log(&self, entry: &Entry) {
        let event = |time| json::line(&Event { entry, time }).map_err(io::Error::other);
        let mut state = self.state();
        let is_needed = state.events.is_some() || self.format() == Format::Json;
        let time = (is_needed && state.is_live).then(now);
        state.write("the file of the events", |state| match &mut state.events {
            Some(file) => file.write_all(&event(time.clone())?),
            None => Ok(()),
        });
        drop(state);
        match self.format() {
            Format::Text if entry.is_for_standard_error() => self.note(&entry.message),
            Format::Text if self.verbose() || entry.level != Level::Debug => {
                self.line(Line::tone(entry.level.into(), &entry.message));
            }
            Format::Text => {}
            Format::Json if self.is_quiet() => {}
            Format::Json => {
                self.state().write(STDERR, |_| io::stderr().write_all(&event(time)?));
            }
        }
    }

    /// Returns whether signs of life appear on a terminal. A replay waits for nothing.
    pub fn has_signs_of_life(&self) -> bool {
        self.is_watched() && !self.is_quiet() && self.state().is_live
    }

    /// Replaces the line that moves, on a terminal that can erase it. No such line appears elsewhere.
    pub fn move_on(&self, next: impl FnOnce(Option<Moving>) -> Option<Moving>) {
        if !self.is_watched() || self.is_quiet() || is_dumb() {
            return;
        }
        let mut state = self.state();
        if !state.is_live {
            return;
        }
        let last = state.moving.take();
        let had_one = last.is_some();
        state.moving = next(last);
        if had_one && state.moving.is_none() {
            erase();
        }
        state.draw();
    }

    /// Returns the state, unless somebody has been writing a line for a while: the reader of that
    /// line may have stopped reading.
    fn idle_state(&self) -> Option<MutexGuard<'_, State>> {
        const TRIES: u32 = 100;
        for _ in 0..TRIES {
            match self.0.state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
            }
        }
        None
    }

    /// Writes a line about the command itself on standard error, unless it is read by a program.
    /// It does not wait long for a line that is being written.
    pub fn interject(&self, line: &str) {
        if self.format() == Format::Text && !self.is_quiet() {
            let write = || writeln!(io::stderr(), "janitor: {}", printable(line));
            match self.idle_state() {
                Some(mut state) => state.write(STDERR, |_| write()),
                None => drop(write()),
            }
        }
    }

    /// Cleans the terminal of a program that ends immediately, and writes its last words. Nothing
    /// here waits long for a reader of the output.
    pub fn leave(&self, last_words: Option<&str>) {
        if let Some(mut state) = self.idle_state() {
            // No other thread may draw the line again before the program ends.
            state.is_live = false;
            if state.moving.take().is_some() {
                erase();
            }
        }
        if let Some(words) = last_words {
            // The cursor is behind a question, or behind the ^C of the terminal.
            let _ = writeln!(io::stderr(), "\n{words}");
        }
    }

    /// Returns the part of a result to show: one role, or all of them.
    pub fn view(&self, role: Option<String>) -> View {
        View { verbose: self.verbose(), role, width: self.width() }
    }

    /// Returns the width of the terminal on which the lines for people appear, if there is one.
    fn width(&self) -> Option<usize> {
        let size = Term::stdout().size_checked().filter(|_| self.0.is_watched);
        size.map(|(_, columns)| columns.into())
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
        if io::stderr().is_terminal() {
            finished.closing.take().iter().for_each(|line| self.note(line));
        }
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
        Tone::Destroyed | Tone::Error => AnsiColor::Red.on_default(),
        Tone::Released | Tone::Warn => AnsiColor::Yellow.on_default(),
        Tone::Kept => Style::new().dimmed(),
    }
}
