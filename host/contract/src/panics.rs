//! The last words of a component that panics.

use crate::types::{Entry, Level};

/// Sends the text of a panic to the log, because all that a host sees of a
/// panic by itself is that the component has trapped.
pub fn report(write: impl Fn(&Entry) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        write(&Entry {
            level: Level::Critical,
            message: panic.to_string().replace('\n', " "),
            event: None,
        });
    }));
}
