//! Follows an object or a list to its end by brackets and texts alone.

use super::words::{Word, places};

/// The deepest nesting of brackets, which is serde_json's limit too.
const DEEPEST: u32 = u128::BITS;

/// The brackets and the text that are open at some place of a value.
#[derive(Default)]
pub struct Open {
    /// A bit for each open bracket, which is set if it belongs to an object. That of the innermost
    /// is the lowest.
    kinds: u128,
    depth: u32,
    in_text: bool,
    /// This is set after the backslash of an escape sequence.
    escaped: bool,
}

/// A bracket that is not where it should be.
#[derive(Debug, PartialEq)]
pub struct Misplaced {
    /// Its place in the bytes.
    pub place: usize,
    /// The reason why it should not be there.
    pub why: &'static str,
}

impl Open {
    /// Follows a value, of which these are the next bytes. Returns the number of bytes up to its end, or
    /// nothing if they all belong to it.
    ///
    /// # Errors
    /// Fails if brackets do not match, or are nested too deeply.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<Option<usize>, Misplaced> {
        let (words, rest) = bytes.as_chunks();
        let mut at = 0;
        for bytes in words {
            let word = Word::new(*bytes);
            if self.escaped || word.has_backslash() {
                if let Some(length) = self.bytes(bytes, at)? {
                    return Ok(Some(length));
                }
            } else {
                let texts = word.texts(&mut self.in_text);
                for place in places(word.brackets() & !texts) {
                    if self.bracket(bytes[place], at + place)? {
                        return Ok(Some(at + place + 1));
                    }
                }
            }
            at += Word::LENGTH;
        }
        self.bytes(rest, at)
    }

    /// Follows bytes one by one, the first of which is at some place.
    fn bytes(&mut self, bytes: &[u8], at: usize) -> Result<Option<usize>, Misplaced> {
        for (&byte, place) in bytes.iter().zip(at..) {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_text,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                _ if self.bracket(byte, place)? => return Ok(Some(place + 1)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Follows a byte outside of texts, and returns whether it is the last bracket.
    #[inline]
    fn bracket(&mut self, byte: u8, place: usize) -> Result<bool, Misplaced> {
        match byte {
            b'{' | b'[' if self.depth == DEEPEST => {
                Err(Misplaced { place, why: "brackets are nested too deeply" })
            }
            b'{' | b'[' => {
                self.kinds = self.kinds << 1 | u128::from(byte == b'{');
                self.depth += 1;
                Ok(false)
            }
            b'}' | b']' if self.depth == 0 || (self.kinds & 1 == 1) != (byte == b'}') => {
                Err(Misplaced { place, why: "a closing bracket without an opening one" })
            }
            b'}' | b']' => {
                self.kinds >>= 1;
                self.depth -= 1;
                Ok(self.depth == 0)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chance;

    #[test]
    fn words_and_bytes_agree() {
        const PARTS: [&[u8]; 12] = [
            b"[",
            b"]",
            b"{",
            b"}",
            b"{}",
            b"\"",
            b"\\",
            b"_yY",
            b"\xff",
            b"\xc3\xa9",
            b"1,",
            b"long",
        ];
        let (mut ended, mut failed) = (0, 0);
        for seed in 0..20_000 {
            let mut chance = Chance::new(seed);
            let parts = (0..40).map(|_| PARTS[chance.below(PARTS.len())]);
            let json = [&b"["[..]].into_iter().chain(parts).collect::<Vec<_>>().concat();
            let expected = Open::default().bytes(&json, 0);
            match &expected {
                Ok(Some(_)) => ended += 1,
                Ok(None) => {}
                Err(_) => failed += 1,
            }
            for chunk in [1, 3, 8, 13, 1000] {
                let (mut open, mut at) = (Open::default(), 0);
                let followed = json.chunks(chunk).find_map(|bytes| {
                    let followed = open.follow(bytes);
                    let before = at;
                    at += bytes.len();
                    match followed {
                        Ok(length) => length.map(|length| Ok(before + length)),
                        Err(Misplaced { place, why }) => {
                            Some(Err(Misplaced { place: before + place, why }))
                        }
                    }
                });
                assert_eq!(followed.transpose(), expected, "seed {seed}, chunks of {chunk}");
            }
        }
        assert!(ended > 1000 && failed > 1000, "{ended} ended, {failed} failed");
    }
}
