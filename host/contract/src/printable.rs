//! Prevents texts from controlling a terminal.

/// Escapes every character that could control a terminal, change the direction of writing, or hide
/// in a name so that it looks like another one.
pub fn printable(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        if is_hidden(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
        safe
    })
}

/// Returns whether a text contains only printable ASCII, as most texts do. This check is fast.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns whether a character does something other than appear, or does not appear at all. These
/// are control characters, spaces other than the plain one, Unicode's
/// `Default_Ignorable_Code_Point` (which includes the format characters of the bidirectional
/// algorithm), other format characters and fillers without a glyph, and noncharacters.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{16fe4}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
        // The last two code points of every plane are noncharacters.
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_steer_a_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{9b}ü"), "a\\u{1b}[2Jb\\u{a}c\\u{9b}ü");
        assert_eq!(printable("\u{202e}cba"), "\\u{202e}cba");
    }

    #[test]
    fn nothing_looks_like_something_else() {
        for hidden in "\u{ad}\u{200b}\u{200d}\u{fe0f}\u{e0061}\u{3164}\u{2800}\u{a0}\u{2028}\
             \u{13430}\u{1343f}\u{16fe4}\u{1d159}\u{fdd0}\u{fdef}\u{fffe}\u{1ffff}\u{10fffe}"
            .chars()
        {
            let escaped = format!("kafka{}-role", hidden.escape_unicode());
            assert_eq!(printable(&format!("kafka{hidden}-role")), escaped);
        }
        for shown in ["a b", "Größe", "数据", "קפקא", "кафка", "🦀", "\u{fffd}"] {
            assert_eq!(printable(shown), shown);
        }
    }
}
