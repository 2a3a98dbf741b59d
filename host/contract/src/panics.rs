//! Logs the panics of a component.

use crate::types::{Entry, Level};

/// Sends the message of a panic to the log. Without it, a host would only see that the component
/// trapped.
pub fn report(write: impl Fn(&Entry) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        write(&Entry {
            level: Level::Critical,
            message: panic.to_string().replace('\n', " "),
            event: None,
        });
    }));
}
