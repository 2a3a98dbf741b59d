//! The word list.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};
use toml_span::de_helpers::TableHelper;
use toml_span::{DeserError, Deserialize, Value};

use super::prose::Kind;
use crate::program::Result;

/// The path of the word list, relative to the root of the repository.
pub const LIST: &str = "docs/words.toml";

/// A pattern of words to avoid.
pub struct Pattern {
    /// The source of the regular expression.
    pub text: String,
    /// The words to write instead, or the reason.
    pub instead: String,
    /// The kinds of prose that the pattern applies to.
    pub applies_to: Vec<Kind>,
    pub state: State,
    expression: Regex,
    except: Vec<String>,
}

/// The effect of a pattern's hits: failures, or only a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Enforced,
    /// Hits are counted until the prose is rewritten.
    Pending,
}

/// Reads a word list. An unknown key or an invalid pattern is an error.
pub fn read(text: &str) -> Result<Vec<Pattern>> {
    let at_its_line = |errors: DeserError| {
        let lines = errors.errors.iter().map(|error| {
            let line = text.bytes().take(error.span.start).filter(|it| *it == b'\n').count() + 1;
            format!("{LIST}:{line}: {error}")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut list = toml_span::parse(text).map_err(|why| at_its_line(why.into()))?;
    let mut table = TableHelper::new(&mut list).map_err(at_its_line)?;
    // The helper collects the errors of the entries.
    let entries: Vec<Entry> = table.required("pattern").unwrap_or_default();
    table.finalize(None).map_err(at_its_line)?;
    let patterns = entries.into_iter().map(Pattern::new);
    Ok(patterns.collect::<std::result::Result<_, _>>().map_err(|why| format!("{LIST}: {why}"))?)
}

/// A pattern as it is written in the file.
struct Entry {
    text: String,
    instead: String,
    applies_to: Vec<String>,
    state: Option<String>,
    except: Vec<String>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize(value: &mut Value<'de>) -> std::result::Result<Self, DeserError> {
        let mut table = TableHelper::new(value)?;
        let entry = Self {
            text: table.required("text").unwrap_or_default(),
            instead: table.required("instead").unwrap_or_default(),
            applies_to: table.required("applies_to").unwrap_or_default(),
            state: table.optional("state"),
            except: table.optional("except").unwrap_or_default(),
        };
        // The helper collects the errors of missing keys.
        table.finalize(None)?;
        Ok(entry)
    }
}

impl Pattern {
    fn new(entry: Entry) -> std::result::Result<Self, String> {
        let Entry { text, instead, applies_to, state, except } = entry;
        let expression = RegexBuilder::new(&text).case_insensitive(true).build();
        let expression = expression.map_err(|why| format!("{text}: {why}"))?;
        if expression.is_match("") {
            return Err(format!("{text}: matches the empty text"));
        }
        let kinds = applies_to.iter().map(|name| {
            let kind = Kind::ALL.iter().find(|kind| kind.name() == name).copied();
            kind.ok_or_else(|| format!("{text}: unknown kind of prose '{name}'"))
        });
        let kinds = kinds.collect::<std::result::Result<Vec<_>, _>>()?;
        let state = match state.as_deref() {
            None => State::Enforced,
            Some("pending") => State::Pending,
            Some(other) => return Err(format!("{text}: unknown state '{other}'")),
        };
        Ok(Self { text, instead, applies_to: kinds, state, expression, except })
    }

    /// Finds the hits in a passage, except for those within an exception.
    pub fn find<'a>(&'a self, passage: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let excepted: Vec<Range<usize>> = self
            .except
            .iter()
            .flat_map(|words| passage.match_indices(words.as_str()))
            .map(|(at, words)| at..at + words.len())
            .collect();
        self.expression
            .find_iter(passage)
            .filter(move |it| {
                !excepted.iter().any(|words| words.start <= it.start() && it.end() <= words.end)
            })
            .map(|it| (it.start(), it.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        let pattern = |more: &str| format!("[[pattern]]\ntext = 'x'\ninstead = 'y'\n{more}\n");
        let applies = "applies_to = ['comments']\n";
        for (list, words) in [
            ("[[pattern]]\ntext = 'x'\n".to_owned(), "docs/words.toml:1: missing field 'instead'"),
            (pattern(""), "applies_to"),
            (pattern("applies_to = ['code']"), "unknown kind of prose 'code'"),
            (pattern(&format!("{applies}state = 'later'")), "unknown state 'later'"),
            (pattern(&format!("{applies}because = 'z'")), "because"),
            (pattern(applies).replace("'x'", "'('"), "(: "),
            (pattern(applies).replace("'x'", "'x*'"), "matches the empty text"),
            ("[[word]]\n".to_owned(), "pattern"),
            ("[[pattern".to_owned(), "docs/words.toml:1: "),
        ] {
            let why = read(&list).err().map(|why| why.to_string()).unwrap_or_default();
            assert!(why.contains(words), "{why:?} does not contain {words:?}");
        }
        assert_eq!(read(&pattern(applies)).map_or(0, |it| it.len()), 1);
    }
}
