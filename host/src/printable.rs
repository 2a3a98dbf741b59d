//! What keeps a text from doing anything to a terminal but to stand there.

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
