//! A line for people.

use janitor_contract::types::Level;

/// A line for people. On a terminal its head is coloured.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The meaning of the head, which gives it its colour.
    pub tone: Tone,
    /// The words in colour.
    pub head: String,
    /// The words without colour.
    pub rest: String,
}

/// The meaning of some words, which gives them their colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// It is destroyed, with its data.
    Destroyed,
    /// It is released, and loses no data.
    Released,
    /// It stays.
    Kept,
    /// It needs attention.
    Warn,
    /// Something failed, or is refused.
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
