//! Looks at eight bytes of JSON at a time. In the sandbox, each turn of a loop is also a check for an
//! interruption, so this saves more than it does natively.

use std::str;

/// The highest bit of each byte of a word: a byte is marked by it.
const MARKS: u64 = 0x8080_8080_8080_8080;

/// One in each byte of a word.
const ONES: u64 = MARKS >> 7;

/// Eight bytes, the first of which is the lowest.
#[derive(Clone, Copy)]
pub struct Word(u64);

impl Word {
    /// The number of bytes in a word.
    pub const LENGTH: usize = 8;

    /// Reads a word.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    /// Marks the bytes that are equal to one, as far as the bits of `mask` are concerned.
    fn equal(self, mask: u8, byte: u8) -> u64 {
        let difference = (self.0 & (ONES * u64::from(mask))) ^ (ONES * u64::from(byte));
        // The sum has the mark of each byte whose lower bits are not all 0, and carries nothing.
        !(((difference & !MARKS) + !MARKS) | difference) & MARKS
    }

    /// Returns whether there is a backslash.
    pub fn has_backslash(self) -> bool {
        self.equal(0xff, b'\\') != 0
    }

    /// Marks the bytes between quotation marks, with the first mark and without the last. `text` says
    /// whether the word begins in a text, and afterwards whether it ends in one.
    pub fn texts(self, text: &mut bool) -> u64 {
        let quotes = self.equal(0xff, b'"') >> 7;
        // Each byte of this product is the number of quotation marks up to there.
        let counts = quotes.wrapping_mul(ONES).wrapping_add(ONES * u64::from(*text));
        let texts = (counts << 7) & MARKS;
        *text = texts >> 63 == 1;
        texts
    }

    /// Marks all brackets of objects and lists, and possibly other bytes that JSON has only in texts.
    pub fn brackets(self) -> u64 {
        // The four brackets differ in these bits alone.
        const KIND: u8 = (b'[' ^ b'{') | (b'{' ^ b'}');
        self.equal(!KIND, b'[' & !KIND)
    }

    /// Marks the first byte that is no ordinary ASCII character of a text, and possibly others after it.
    fn special(self) -> u64 {
        let control = self.0.wrapping_sub(ONES * u64::from(b' '));
        (control | self.0) & MARKS | self.equal(0xff, b'"') | self.equal(0xff, b'\\')
    }
}

/// Returns the places of marks, the first of which is the first.
pub fn places(mut marks: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (marks != 0).then(|| marks.trailing_zeros() as usize / 8);
        marks &= marks.wrapping_sub(1);
        place
    })
}

/// Returns the text at the beginning, if it is complete and consists of ordinary ASCII characters.
pub fn plain_text(bytes: &[u8]) -> Option<&str> {
    let text = bytes.strip_prefix(b"\"")?;
    let (words, _) = text.as_chunks();
    let special = words.iter().zip((0..).step_by(Word::LENGTH)).find_map(|(word, start)| {
        places(Word::new(*word).special()).next().map(|place| start + place)
    });
    let (text, rest) = text.split_at_checked(special?)?;
    rest.starts_with(b"\"").then(|| str::from_utf8(text).ok()).flatten()
}

/// Returns whether two texts are equal, by eight bytes a turn: WebAssembly has no instruction for that.
pub fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    let are_equal =
        |(one, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*one) == u64::from_ne_bytes(*other);
    one.len() == other.len() && words.iter().zip(others).all(are_equal) && rest == other_rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chance;

    /// Returns the places of the bytes of which something is true.
    fn those(bytes: [u8; Word::LENGTH], is_one: impl Fn(u8) -> bool) -> Vec<usize> {
        (0..Word::LENGTH).filter(|place| is_one(bytes[*place])).collect()
    }

    #[test]
    fn texts_of_any_length_are_equal_or_not() {
        for length in 0..20_usize {
            let one: Vec<_> = (0_u8..).take(length).collect();
            assert!(are_equal(&one, &one.clone()));
            for place in 0..length {
                let mut other = one.clone();
                other[place] ^= 1;
                assert!(!are_equal(&one, &other) && !are_equal(&one, &one[..place]));
            }
        }
    }

    #[test]
    fn a_word_marks_what_its_bytes_are() {
        const LIKELY: &[u8] = b"{}[]\"\\\x00\x1f !#Z\\y|~\x7f\x80\xa2\xdb\xff";
        let mut chance = Chance::new(0);
        for byte in 0..=u8::MAX {
            for _ in 0..200 {
                let mut bytes = [(); Word::LENGTH].map(|()| LIKELY[chance.below(LIKELY.len())]);
                bytes[chance.below(Word::LENGTH)] = byte;
                let word = Word::new(bytes);
                assert_eq!(word.has_backslash(), bytes.contains(&b'\\'), "{bytes:?}");
                let special = places(word.special()).next();
                let is_special = |it| !(b' '..0x80).contains(&it) || it == b'"' || it == b'\\';
                assert_eq!(special, those(bytes, is_special).first().copied(), "{bytes:?}");
                let brackets = places(word.brackets()).collect::<Vec<_>>();
                let may_be = |it| b"{}[]Yy_\x7f".contains(&it);
                assert_eq!(brackets, those(bytes, may_be), "{bytes:?}");
                for starts_in_text in [false, true] {
                    let (mut ends_in_text, mut in_text) = (starts_in_text, starts_in_text);
                    let texts = places(word.texts(&mut ends_in_text)).collect::<Vec<_>>();
                    let mut expected = Vec::new();
                    for (place, byte) in bytes.into_iter().enumerate() {
                        in_text ^= byte == b'"';
                        expected.extend(in_text.then_some(place));
                    }
                    assert_eq!((texts, ends_in_text), (expected, in_text), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn only_ordinary_texts_are_plain() {
        for (json, expected) in [
            ("\"id\":1234567", Some("id")),
            ("\"\":123456789", Some("")),
            ("\"reserved_resources\":{}   ", Some("reserved_resources")),
            ("\"i\\u0064\":12345", None),
            ("\"\u{e9}\":1234567", None),
            ("\"a\nb\":1234567", None),
            ("\"truncated", None),
            ("12345678\"", None),
            ("", None),
        ] {
            assert_eq!(plain_text(json.as_bytes()), expected, "{json}");
        }
    }
}
