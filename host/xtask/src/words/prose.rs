//! Extracts the prose of a file in passages. Each is searched as a whole, so that a phrase is found
//! even if it spans several lines.

use std::iter;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// The kinds of prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Comments in sources of any language, including the documentation of Rust items.
    Comments,
    /// String literals in the shipped Rust sources: help, messages, errors.
    Strings,
    /// Markdown, except for code blocks.
    Documents,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Comments, Self::Strings, Self::Documents];

    /// Returns the kind's name in the word list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comments => "comments",
            Self::Strings => "strings",
            Self::Documents => "documents",
        }
    }
}

/// A paragraph of a comment or a document, or a string literal.
#[derive(Debug, PartialEq, Eq)]
pub struct Passage {
    pub file: String,
    pub kind: Kind,
    /// The lines of the passage, joined by spaces. Code within it is blanked.
    pub text: String,
    /// The offset in `text` at which each line starts, and that line's number in the file.
    lines: Vec<(usize, usize)>,
}

impl Passage {
    /// Returns the file's line number for an offset in the text.
    pub fn line(&self, at: usize) -> usize {
        let line = self.lines.iter().rev().find(|(begin, _)| *begin <= at);
        line.map_or(1, |(_, number)| *number)
    }
}

/// A line of prose, and its number in the file.
type Line<'a> = (usize, &'a str);

/// A function that extracts the passages of a file.
type Reader = fn(file: &str, text: &str) -> Vec<Passage>;

/// Selects the reader for a file; `None` if it contains no prose of this project.
pub fn reader(file: &str) -> Option<Reader> {
    // Published versions of the contract never change, and the word list has to name the words.
    if file.starts_with("tests/wit/") || file == super::LIST {
        return None;
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    match name.rsplit_once('.').map_or(name, |(_, extension)| extension) {
        "rs" => Some(rust),
        "md" => Some(markdown),
        "wit" | "mjs" => Some(|file, text| comments(file, text, &["///", "//!", "//"])),
        "toml" | "sh" | "py" | "yml" | "yaml" | "dict" | "Dockerfile" => Some(hashes),
        "wat" => Some(|file, text| comments(file, text, &[";;"])),
        _ if file.starts_with(".ci/") || file == "host/component/build/rustc" => Some(hashes),
        _ => None,
    }
}

fn hashes(file: &str, text: &str) -> Vec<Passage> {
    // The first line may name an interpreter.
    comments(file, text.strip_prefix("#!").unwrap_or(text), &["#"])
}

fn markdown(file: &str, text: &str) -> Vec<Passage> {
    passages(file, Kind::Documents, (1..).zip(text.lines()))
}

/// Extracts comments that end with their line, without parsing the language: any code before a
/// comment must end with a space.
fn comments(file: &str, text: &str, markers: &[&str]) -> Vec<Passage> {
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let comment = markers.iter().find_map(|marker| {
            let parts = line.match_indices(marker);
            let mut parts = parts.map(|(at, _)| (&line[..at], &line[at + marker.len()..]));
            parts.find(|(code, _)| code.trim().is_empty() || code.ends_with(' '))
        });
        // A comment after code starts a new passage, and so does one on a line after code.
        if comment.is_none_or(|(code, _)| !code.trim().is_empty()) {
            all.extend(passages(file, Kind::Comments, lines.drain(..)));
        }
        lines.extend(comment.map(|(_, comment)| (number, comment)));
    }
    all.extend(passages(file, Kind::Comments, lines.into_iter()));
    all
}

fn rust(file: &str, text: &str) -> Vec<Passage> {
    let is_shipped = ["guest/", "host/"].iter().any(|folder| file.starts_with(folder))
        && !file.starts_with("host/xtask/");
    let mut all = Vec::new();
    // The lines of the current comment, and their common marker.
    let (mut lines, mut marker) = (Vec::new(), "");
    let (mut at, mut number, mut is_behind_code) = (0, 1, false);
    for token in tokenize(text, FrontmatterAllowed::No) {
        let begin = at;
        at += token.len as usize;
        let Some(token_text) = text.get(begin..at) else { break };
        let breaks = token_text.matches('\n').count();
        match token.kind {
            TokenKind::LineComment { .. } => {
                let its_marker =
                    ["///", "//!", "//"].into_iter().find(|it| token_text.starts_with(it));
                let its_marker = its_marker.unwrap_or_default();
                if its_marker != marker {
                    all.extend(passages(file, Kind::Comments, lines.drain(..)));
                    marker = its_marker;
                }
                lines.push((number, &token_text[its_marker.len()..]));
                if is_behind_code {
                    all.extend(passages(file, Kind::Comments, lines.drain(..)));
                }
            }
            TokenKind::Whitespace if breaks < 2 => {}
            kind => {
                is_behind_code = true;
                all.extend(passages(file, Kind::Comments, lines.drain(..)));
                match kind {
                    TokenKind::BlockComment { .. } => {
                        let inner = token_text.trim_matches(['/', '*', '!']);
                        all.extend(passages(file, Kind::Comments, (number..).zip(inner.lines())));
                    }
                    TokenKind::Literal {
                        kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. },
                        ..
                    } if is_shipped => all.extend(string(file, number, token_text)),
                    _ => {}
                }
            }
        }
        number += breaks;
        is_behind_code &= breaks == 0;
    }
    all.extend(passages(file, Kind::Comments, lines.drain(..)));
    all
}

/// Extracts a string literal. One without a space is a key or an identifier, not prose.
fn string(file: &str, number: usize, literal: &str) -> Option<Passage> {
    let is_raw = literal.starts_with('r');
    let inner = literal.trim_start_matches('r').trim_matches('#');
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains(' ') {
        return None;
    }
    let (mut text, mut lines) = (String::new(), Vec::new());
    let mut is_continued = true;
    for (number, mut line) in (number..).zip(inner.split('\n')) {
        if !lines.is_empty() {
            line = line.trim_start();
        }
        // After a `\`, the line break is not part of the text.
        if !is_continued {
            text.push(' ');
        }
        lines.push((text.len(), number));
        is_continued = !is_raw && line.ends_with('\\');
        match is_raw {
            true => text += line,
            false => text += &line.trim_end_matches('\\').replace("\\n", " ").replace("\\\"", "\""),
        }
    }
    Some(Passage { file: file.into(), kind: Kind::Strings, text: blanked(&text, '{', '}'), lines })
}

/// Splits lines into passages: at empty lines, and at each heading, list item or table row. Code
/// blocks are skipped.
fn passages<'a>(file: &str, kind: Kind, lines: impl Iterator<Item = Line<'a>>) -> Vec<Passage> {
    let mut all: Vec<Passage> = Vec::new();
    let mut open: Option<Passage> = None;
    let mut fence = None;
    let mut after_code = true;
    for (number, line) in lines.chain(iter::once((0, ""))) {
        let trimmed = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|it| trimmed.starts_with(it));
        let ends_block = fence.is_some() && mark == fence;
        let begins_block = fence.is_none() && mark.is_some();
        let is_code = kind == Kind::Documents && open.is_none() && line.starts_with("    ");
        let is_new = ["#", "- ", "* ", "|", "> "].iter().any(|it| trimmed.starts_with(it))
            || trimmed.split_once(". ").is_some_and(|(it, _)| it.parse::<u8>().is_ok());
        if trimmed.is_empty() || begins_block || is_new || fence.is_some() {
            all.extend(open.take());
        }
        if begins_block {
            fence = mark;
        } else if ends_block {
            fence = None;
        } else if fence.is_none() && !trimmed.is_empty() && !(is_code && after_code) {
            let passage = open.get_or_insert_with(|| Passage {
                file: file.into(),
                kind,
                text: String::new(),
                lines: Vec::new(),
            });
            if !passage.text.is_empty() {
                passage.text.push(' ');
            }
            passage.lines.push((passage.text.len(), number));
            passage.text += trimmed.trim_start_matches(['#', '-', '*', '|', '>']).trim();
        }
        after_code = trimmed.is_empty() || is_code && after_code;
    }
    for passage in &mut all {
        passage.text = blanked(&passage.text, '`', '`');
    }
    all
}

/// Replaces the text between two characters, such as code between `` ` ``, by underscores.
fn blanked(text: &str, from: char, to: char) -> String {
    let mut within = false;
    let mut blanked = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let ends = within && letter == to;
        let begins = !within && letter == from && text[at + from.len_utf8()..].contains(to);
        match within && !ends {
            true => (0..letter.len_utf8()).for_each(|_| blanked.push('_')),
            false => blanked.push(letter),
        }
        within = within && !ends || begins;
    }
    blanked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &str, text: &str) -> Vec<(Kind, usize, String)> {
        let read = reader(file).map_or(Vec::new(), |read| read(file, text));
        read.into_iter().map(|it| (it.kind, it.line(0), it.text)).collect()
    }

    fn is(kind: Kind, expected: &[(usize, &str)]) -> Vec<(Kind, usize, String)> {
        expected.iter().map(|(line, text)| (kind, *line, (*text).to_owned())).collect()
    }

    #[test]
    fn a_comment_is_read_in_paragraphs() {
        let source = "\
//! The first
//! paragraph, `of_code`.
//!
//! - one
//!   item
//! ```
//! not(this);
//! ```
/// Another.
fn it() {} // Behind code.
// On its own.

// Not the same.
/* A block
   of two. */
";
        assert_eq!(
            texts("tests/src/lib.rs", source),
            is(
                Kind::Comments,
                &[
                    (1, "The first paragraph, `_______`."),
                    (4, "one item"),
                    (9, "Another."),
                    (10, "Behind code."),
                    (11, "On its own."),
                    (13, "Not the same."),
                    (14, "A block of two."),
                ]
            )
        );
    }

    #[test]
    fn a_text_is_read_as_it_is_printed_and_a_comment_in_it_is_none() {
        let source = "fn it() {\n    print(\"no {role}: \\\n          // none\");\n    x('\"', \"key\", \
                      r#\"a \"raw\" one\"#, b\"no text\", 'a');\n}\n";
        assert_eq!(
            texts("host/src/lib.rs", source),
            is(Kind::Strings, &[(2, "no {____}: // none"), (4, "a \"raw\" one")])
        );
        assert_eq!(texts("tests/suite/main.rs", source), []);
    }

    #[test]
    fn a_document_is_read_without_its_code() {
        let document = "\
# Title

A paragraph with `code`
that goes on
    although it is indented.

    cargo test

    cargo run
Text.

1. One
   line.
2. Two

| cell | `cell` |
| --- | --- |

```console
$ janitor
```
";
        assert_eq!(
            texts("docs/it.md", document),
            is(
                Kind::Documents,
                &[
                    (1, "Title"),
                    (3, "A paragraph with `____` that goes on although it is indented."),
                    (10, "Text."),
                    (12, "1. One line."),
                    (14, "2. Two"),
                    (16, "cell | `____` |"),
                    (17, "--- | --- |"),
                ]
            )
        );
    }

    #[test]
    fn a_line_is_found_again() {
        let passages = markdown("README.md", "\n\nOne\ntwo\nthree.\n");
        let found = passages.first().and_then(|it| Some(it.line(it.text.find("three")?)));
        assert_eq!(found, Some(5));
        let source = "const IT: &str =\n    \"one \\\n    two\n three\";\n";
        let passages = rust("guest/cleanup/src/lib.rs", source);
        assert_eq!(passages.first().map(|it| it.text.as_str()), Some("one two three"));
        for (word, line) in [("one", 2), ("two", 3), ("three", 4)] {
            let found = passages.first().and_then(|it| Some(it.line(it.text.find(word)?)));
            assert_eq!(found, Some(line), "{word}");
        }
    }

    #[test]
    fn comments_of_other_languages_are_read_too() {
        let shell = "#!/bin/sh\n# One\n# two.\nx=${y#z} # Behind.\n";
        let expected = [(2, "One two."), (4, "Behind.")];
        assert_eq!(texts(".ci/run", shell), is(Kind::Comments, &expected));
        assert_eq!(texts("tests/x.sh", shell), is(Kind::Comments, &expected));
        let wit = "/// A record\n/// of two.\nrecord it { } // Behind.\n";
        let expected = [(1, "A record of two."), (3, "Behind.")];
        assert_eq!(texts("wit/types.wit", wit), is(Kind::Comments, &expected));
        assert_eq!(texts("tests/wit/0.1.0/cluster.wit", wit), []);
        assert_eq!(texts("tests/recordings/x.stdout", "# no\n"), []);
    }
}
