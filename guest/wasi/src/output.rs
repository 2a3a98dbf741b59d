//! The export `log`, and `output`, which sets the stream that the log is written to.

use std::cell::RefCell;
use std::io::Write;

use wasip2::cli::stderr::get_stderr;
use wasip2::io::streams::OutputStream;

use crate::Adapter;
use crate::bindings::log;
use crate::bindings::output::{Format, Guest};
use janitor_contract::json;
use janitor_contract::printable::printable;
use janitor_contract::types::{Entry, Event, Framework, Level};

/// The destination and format of the log.
struct Log {
    stream: OutputStream,
    format: Format,
    /// This is set when debug lines are written too.
    verbose: bool,
}

thread_local! {
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
    static FRAMEWORKS: RefCell<Vec<Framework>> = const { RefCell::new(Vec::new()) };
}

/// Starts the log of a run.
pub fn begin() {
    FRAMEWORKS.take();
}

impl Guest for Adapter {
    fn write_to(stream: OutputStream, format: Format, verbose: bool) {
        LOG.set(Some(Log { stream, format, verbose }));
    }

    fn frameworks() -> Vec<Framework> {
        FRAMEWORKS.with_borrow(Clone::clone)
    }

    fn end_log() -> Option<OutputStream> {
        LOG.take().map(|log| log.stream)
    }
}

impl log::Guest for Adapter {
    fn write(entry: Entry) {
        let message = printable(&entry.message);
        let entry = Entry { message, ..entry };
        LOG.with_borrow_mut(|log| {
            if let Some(log) = log {
                log.write(entry);
            }
        });
    }
}

impl Log {
    fn write(&mut self, entry: Entry) {
        if let Some(Event::Framework(framework)) = &entry.event {
            FRAMEWORKS.with_borrow_mut(|frameworks| frameworks.push(framework.clone()));
        }
        let line = match self.format {
            Format::Lines if entry.is_for_standard_error() => {
                // Errors are ignored: the stream may be closed.
                let line = format!("janitor: {}\n", entry.message);
                let mut stderr = get_stderr();
                let _ = stderr.write_all(line.as_bytes()).and_then(|()| Write::flush(&mut stderr));
                return;
            }
            Format::Lines if self.verbose || entry.level != Level::Debug => {
                (entry.message + "\n").into_bytes()
            }
            Format::Lines => return,
            Format::Events => match json::line(&entry) {
                Ok(json) => json,
                Err(_) => return,
            },
        };
        // If the reader has disappeared, the run continues: half a cleanup would be worse.
        let _ = self.stream.write_all(&line).and_then(|()| Write::flush(&mut self.stream));
    }
}
