//! The export `log`: writes to the configured stream.

use std::io::Write;

use wasip2::cli::stderr::get_stderr;

use crate::Adapter;
use crate::bindings::log::Guest;
use crate::bindings::settings::Format;
use crate::settings;
use janitor_contract::json;
use janitor_contract::printable::printable;
use janitor_contract::types::{Entry, Event, Level};

impl Guest for Adapter {
    fn write(entry: Entry) {
        let message = printable(&entry.message);
        let entry = Entry { message, ..entry };
        settings::with(|settings| {
            if let Some(Event::Framework(framework)) = &entry.event {
                settings.frameworks.borrow_mut().push(framework.clone());
            }
            let line = match settings.format {
                Format::Lines if entry.is_for_standard_error() => {
                    // Errors are ignored: the stream may be closed.
                    let line = format!("janitor: {}\n", entry.message);
                    let mut stderr = get_stderr();
                    let _ =
                        stderr.write_all(line.as_bytes()).and_then(|()| Write::flush(&mut stderr));
                    return;
                }
                Format::Lines if settings.verbose || entry.level != Level::Debug => {
                    (entry.message + "\n").into_bytes()
                }
                Format::Lines => return,
                Format::Events => match json::line(&entry) {
                    Ok(json) => json,
                    Err(_) => return,
                },
            };
            if let Some(log) = settings.log.borrow_mut().as_mut() {
                // If the reader has disappeared, the run continues: half a cleanup would be worse.
                let _ = log.write_all(&line).and_then(|()| log.flush());
            }
        });
    }
}

/// Logs a line of the adapter's own.
pub fn say(level: Level, message: String) {
    Adapter::write(Entry { level, message, event: None });
}
