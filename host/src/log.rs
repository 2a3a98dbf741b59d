//! The component's import `log`: limits the entries, makes them safe for a terminal, and forwards
//! them.

use std::io::{self, Write};

use wasmtime::Result;

use crate::bindings::log::Host;
use crate::carrier::Carrier;
use crate::state::State;
use janitor_contract::printable::printable;
use janitor_contract::types::{Entry, Event, Level};
use janitor_contract::violation::Violation;

impl<T: Carrier> Host for State<T> {
    fn write(&mut self, entry: Entry) -> Result<()> {
        self.log_entries += 1;
        if self.log_entries > self.limits.log_entries {
            return Err(Violation::LogEntries(self.limits.log_entries).into());
        }
        let most = self.limits.event_bytes;
        if entry.event.as_ref().is_some_and(|event| !fits(event, most)) {
            return Err(Violation::Event(most).into());
        }
        self.forward(entry);
        Ok(())
    }
}

/// Returns whether an event takes at most `most` bytes as JSON.
fn fits(event: &Event, most: usize) -> bool {
    struct Room(usize);

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    serde_json::to_writer(Room(most), event).is_ok()
}

impl<T: Carrier> State<T> {
    /// Forwards an entry to the log.
    fn forward(&mut self, mut entry: Entry) {
        let length = entry.message.floor_char_boundary(self.limits.message_bytes);
        entry.message.truncate(length);
        entry.message = printable(&entry.message);
        self.log.entry(&entry);
    }

    /// Logs a line that the host itself has to say.
    pub(crate) fn say(&mut self, level: Level, message: String) {
        self.forward(Entry { level, message, event: None });
    }
}
