//! The export `log`: the stream that somebody has handed over.

use wasip2::io::streams::OutputStream;

use crate::Adapter;
use crate::bindings::log::{Entry, Guest, Level};
use crate::bindings::settings::Format;
use crate::printable::printable;
use crate::settings;

impl Guest for Adapter {
    fn write(entry: Entry) {
        let message = printable(&entry.message);
        let entry = Entry { message, ..entry };
        settings::with(|settings| {
            let line = match settings.format {
                Format::Lines if settings.verbose || entry.level != Level::Debug => entry.message,
                Format::Lines => return,
                Format::Events => match serde_json::to_string(&entry) {
                    Ok(json) => json,
                    Err(_) => return,
                },
            };
            write(&settings.log, (line + "\n").as_bytes());
        });
    }
}

/// Logs a line of the adapter's own.
pub fn say(level: Level, message: String) {
    Adapter::write(Entry { level, message, event: None });
}

/// Writes bytes. When nobody reads any more, the run goes on all the same: half a
/// cleanup would be worse.
fn write(stream: &OutputStream, bytes: &[u8]) {
    /// What WASI takes at a time.
    const MOST: usize = 4096;
    for chunk in bytes.chunks(MOST) {
        if stream.blocking_write_and_flush(chunk).is_err() {
            return;
        }
    }
}
