//! The component's import `log`: bounds what comes in, makes it safe for a
//! terminal, and hands it on.

use wasmtime::Result;

use crate::bindings::log::{Entry, Host, Level};
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

/// Replaces what could steer a terminal, or change the direction of writing on
/// it, by its escaped form.
pub fn printable(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        if c.is_control() || is_bidirectional(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
        safe
    })
}

/// The format characters of the Unicode Bidirectional Algorithm.
fn is_bidirectional(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_steer_a_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}ü"), "a\\u{1b}[2Jb\\u{a}c\\u{9b}ü");
        assert_eq!(printable("\u{202e}cba"), "\\u{202e}cba");
    }
}
