//! Checks all prose against `docs/words.toml`, which lists words to avoid and their replacements.

mod list;
mod prose;

use std::fs;

use crate::program::{Program, Result};
use crate::report::Skips;
use list::{LIST, Pattern, State};
use prose::Passage;

/// Fails if an enforced pattern has hits, and counts the hits of pending ones.
pub fn check(_: &mut Skips) -> Result {
    let patterns = list::read(&fs::read_to_string(LIST)?)?;
    let passages = passages()?;
    let (mut found, mut pending) = (0, 0);
    for (pattern, hits) in all_hits(&patterns, &passages) {
        match pattern.state {
            State::Enforced => {
                hits.iter().for_each(|hit| say!("{hit}: write {}", pattern.instead));
                found += hits.len();
            }
            State::Pending => {
                say!("pending {:>5}  {}: write {}", hits.len(), pattern.text, pattern.instead);
                pending += hits.len();
            }
        }
    }
    say!(
        "{} passages, {} patterns; {pending} pending hits (cargo xtask words --pending)",
        passages.len(),
        patterns.len(),
    );
    match found {
        0 => Ok(()),
        _ => Err(format!("{found} hits of patterns in {LIST}, shown above").into()),
    }
}

/// Shows the hits of patterns that are not enforced yet.
pub fn show_pending() -> Result {
    let patterns = list::read(&fs::read_to_string(LIST)?)?;
    let passages = passages()?;
    for (pattern, hits) in all_hits(&patterns, &passages) {
        if pattern.state == State::Pending {
            hits.iter().for_each(|hit| say!("{hit}: write {}", pattern.instead));
        }
    }
    Ok(())
}

/// Pairs each pattern with its hits in the form `file:line: "words"`.
fn all_hits<'a>(
    patterns: &'a [Pattern],
    passages: &'a [Passage],
) -> impl Iterator<Item = (&'a Pattern, Vec<String>)> {
    patterns.iter().map(|pattern| (pattern, hits(pattern, passages)))
}

fn hits(pattern: &Pattern, passages: &[Passage]) -> Vec<String> {
    let applies = |passage: &&Passage| pattern.applies_to.contains(&passage.kind);
    let mut hits = Vec::new();
    for passage in passages.iter().filter(applies) {
        for (at, words) in pattern.find(&passage.text) {
            hits.push(format!("{}:{}: \"{words}\"", passage.file, passage.line(at)));
        }
    }
    hits
}

/// Collects all prose of the repository, including files that are not committed yet.
fn passages() -> Result<Vec<Passage>> {
    let files = "ls-files -z --cached --others --exclude-standard";
    let files = Program::new("git").words(files).stdout()?;
    let mut passages = Vec::new();
    for file in files.split_terminator('\0') {
        let Some(read) = prose::reader(file) else { continue };
        // The target of a link is listed by itself.
        if fs::symlink_metadata(file).is_ok_and(|it| it.is_symlink()) {
            continue;
        }
        match fs::read_to_string(file) {
            Ok(text) => passages.extend(read(file, &text)),
            // The file was removed, but the removal is not committed yet.
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            Err(why) => return Err(format!("{file}: {why}").into()),
        }
    }
    Ok(passages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERNS: &str = r"
        [[pattern]]
        text = '\bwish(es|ed)?\b'
        instead = 'request'
        applies_to = ['comments', 'strings', 'documents']

        [[pattern]]
        text = '^(What|Who)\b'
        instead = 'a sentence with a subject and a verb'
        applies_to = ['comments']
        state = 'pending'

        [[pattern]]
        text = '\bgoes\b'
        instead = 'is removed'
        applies_to = ['strings', 'documents']
        except = ['as time goes by']
    ";

    fn found(file: &str, text: &str) -> Result<Vec<String>> {
        let read = prose::reader(file).ok_or("no prose")?;
        let passages = read(file, text);
        let patterns = list::read(PATTERNS)?;
        Ok(all_hits(&patterns, &passages).flat_map(|(_, hits)| hits).collect())
    }

    #[test]
    fn a_phrase_is_found_where_it_applies_and_nowhere_else() -> Result {
        let source = r#"
//! A wish.
/// What the wishes are. Goes.
fn wish(goes: &str) -> char {
    let wished = "the wish \"goes\""; // It goes.
    'w'
}
"#;
        assert_eq!(
            found("host/src/lib.rs", source)?,
            [
                "host/src/lib.rs:2: \"wish\"",
                "host/src/lib.rs:3: \"wishes\"",
                "host/src/lib.rs:5: \"wish\"",
                "host/src/lib.rs:3: \"What\"",
                "host/src/lib.rs:5: \"goes\"",
            ]
        );
        Ok(())
    }

    #[test]
    fn an_exception_covers_its_own_words_only() -> Result {
        let document = "It goes on as time goes\nby, and goes.\n";
        assert_eq!(
            found("README.md", document)?,
            ["README.md:1: \"goes\"", "README.md:2: \"goes\""]
        );
        Ok(())
    }

    /// The list is valid, and contains each pattern once.
    #[test]
    fn the_list_is_in_order() -> Result {
        let patterns = list::read(&fs::read_to_string(crate::root().join(LIST))?)?;
        assert!(!patterns.is_empty());
        for pattern in &patterns {
            let same = patterns.iter().filter(|it| it.text == pattern.text).count();
            assert_eq!(same, 1, "{}", pattern.text);
        }
        Ok(())
    }
}
