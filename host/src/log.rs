//! The component's import `log`: bounds what comes in, makes it safe for a
//! terminal, and hands it on.

use wasmtime::Result;

use crate::bindings::log::{Entry, Host, Level};
pub use crate::printable::printable;
use crate::state::State;
use crate::violation::Violation;

/// Takes the entries of a run's log, in order.
pub trait Log: Send {
    /// One entry. Its message is one line without control characters; the
    /// texts in its event are as the component sent them.
    fn entry(&mut self, entry: &Entry);

    /// The run is about to send something, or to wait. Who keeps entries back, to write
    /// many at a time, writes them now.
    fn flush(&mut self) {}
}

impl<F: FnMut(&Entry) + Send> Log for F {
    fn entry(&mut self, entry: &Entry) {
        self(entry);
    }
}

impl Host for State {
    fn write(&mut self, entry: Entry) -> Result<()> {
        self.log_entries += 1;
        if self.log_entries > self.limits.log_entries {
            return Err(Violation::LogEntries(self.limits.log_entries).into());
        }
        self.tell(entry);
        Ok(())
    }
}

impl State {
    /// Logs an entry of the component.
    fn tell(&mut self, mut entry: Entry) {
        let length = entry.message.floor_char_boundary(self.limits.message_bytes);
        entry.message.truncate(length);
        entry.message = printable(&entry.message);
        self.log.entry(&entry);
    }

    /// Logs a line of the host's own.
    pub(crate) fn say(&mut self, level: Level, message: String) {
        self.tell(Entry { level, message, event: None });
    }
}
