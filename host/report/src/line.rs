//! A line for people.

use janitor_contract::types::Level;

/// A line for people. On a terminal its head is coloured.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What the head says about something.
    pub tone: Tone,
    /// The words that are coloured.
    pub head: String,
    /// Those that are not.
    pub rest: String,
}

/// What words say about something, and so their colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// It goes.
    Gone,
    /// It stays.
    Kept,
    /// Someone should know it.
    Warn,
    /// Something did not happen, or will not.
    Error,
}

impl From<Level> for Tone {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug | Level::Info => Self::Plain,
            Level::Warn => Self::Warn,
            Level::Error | Level::Critical => Self::Error,
        }
    }
}

impl Line {
    /// A line of one colour.
    pub fn tone(tone: Tone, line: impl Into<String>) -> Self {
        Self { tone, head: line.into(), rest: String::new() }
    }
}

impl<T: Into<String>> From<T> for Line {
    fn from(line: T) -> Self {
        Self::tone(Tone::Plain, line)
    }
}
