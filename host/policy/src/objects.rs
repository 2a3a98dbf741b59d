//! Extracts the objects from a JSON response as it passes in pieces: those in the lists of its
//! outermost object, such as the agents in a list of agents.
//!
//! It examines only strings and braces, 64 bytes at a time, because every watched response passes
//! through it before the component reads it. Whether the text is valid JSON is for the reader of an
//! object to determine.

/// The number of bytes that are examined together: the number of bits in a word.
const BLOCK: usize = 64;

/// Extracts one object after another. It keeps no more than the incomplete part of one object.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The number of open braces.
    depth: usize,
    is_in_string: bool,
    /// True if a backslash makes the next byte literal.
    is_escaped: bool,
    /// The beginning of an incomplete object.
    begun: Vec<u8>,
    /// True if the object is larger than [`Self::LARGEST`] and is therefore skipped.
    is_too_large: bool,
}

impl Objects {
    /// The largest object that is extracted, in bytes. An agent takes a few thousand.
    const LARGEST: usize = 16 << 20;

    /// The number of open braces inside an object that is extracted.
    const OBJECT: usize = 2;

    /// Reads the next piece, and calls `take` with every object that ends in it.
    pub(crate) fn read(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) {
        // The start of the current object within this piece.
        let mut start = 0;
        for (index, block) in bytes.chunks(BLOCK).enumerate() {
            let mut braces = self.braces(block);
            while braces != 0 {
                let place = index * BLOCK + braces.trailing_zeros() as usize;
                braces &= braces - 1;
                let is_open = bytes.get(place) == Some(&b'{');
                if is_open {
                    self.depth += 1;
                    if self.depth == Self::OBJECT {
                        start = place;
                    }
                    continue;
                }
                if self.depth == Self::OBJECT {
                    let rest = bytes.get(start..=place).unwrap_or_default();
                    self.end(rest, &mut take);
                }
                self.depth = self.depth.saturating_sub(1);
            }
        }
        if self.depth >= Self::OBJECT {
            self.keep(bytes.get(start..).unwrap_or_default());
        }
    }

    /// Completes the current object with these bytes, and passes it to `take`.
    fn end(&mut self, rest: &[u8], take: &mut impl FnMut(&[u8])) {
        if self.begun.is_empty() && !self.is_too_large {
            return take(rest);
        }
        self.keep(rest);
        if !std::mem::take(&mut self.is_too_large) {
            take(&self.begun);
        }
        self.begun.clear();
    }

    /// Keeps a part of the current object.
    fn keep(&mut self, part: &[u8]) {
        self.is_too_large |= self.begun.len() + part.len() > Self::LARGEST;
        match self.is_too_large {
            true => self.begun = Vec::new(),
            false => self.begun.extend_from_slice(part),
        }
    }

    /// Finds the braces of a block outside strings: one bit per byte.
    fn braces(&mut self, block: &[u8]) -> u64 {
        match <&[u8; BLOCK]>::try_from(block) {
            Ok(block) if !self.is_escaped && equal(block, 0, b'\\') == 0 => {
                // All bytes after an odd number of quotation marks are in a string.
                let before = if self.is_in_string { u64::MAX } else { 0 };
                let strings = parity(equal(block, 0, b'"')) ^ before;
                self.is_in_string = strings >> (BLOCK - 1) == 1;
                // `{` and `}` differ in two bits. Other bytes that match when these bits are
                // ignored only occur in strings.
                equal(block, b'{' ^ b'}', b'{' | b'}') & !strings
            }
            _ => self.braces_one_by_one(block),
        }
    }

    /// Finds the same braces byte by byte, which also handles backslashes.
    fn braces_one_by_one(&mut self, block: &[u8]) -> u64 {
        let mut braces = 0;
        for (place, byte) in block.iter().enumerate() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'"' => self.is_in_string = !self.is_in_string,
                b'\\' => self.is_escaped = self.is_in_string,
                b'{' | b'}' if !self.is_in_string => braces |= 1 << place,
                _ => {}
            }
        }
        braces
    }
}

/// Finds the bytes of a block that equal `byte` after the bits in `set` are set: one bit per byte.
fn equal(block: &[u8; BLOCK], set: u8, byte: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let (set, byte) = (u64::from_ne_bytes([set; 8]), u64::from_ne_bytes([byte; 8]));
    let (words, _) = block.as_chunks::<8>();
    words.iter().rev().fold(0, |bits, word| {
        let differs = (u64::from_le_bytes(*word) | set) ^ byte;
        // The highest bit of each equal byte, and no other bit.
        let same = !(((differs & LOW) + LOW) | differs | LOW);
        // The multiplication gathers the eight bits in the highest byte.
        (bits << 8) + ((same >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56)
    })
}

/// For each bit, computes whether the number of bits set up to and including it is odd.
fn parity(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ (bits << shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Extracts the objects of a text that arrives in pieces of this size.
    fn objects(text: &str, size: usize) -> Vec<String> {
        let (mut objects, mut found) = (Objects::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            objects.read(piece, |object| found.push(String::from_utf8(object.to_vec()).unwrap()));
        }
        found
    }

    #[test]
    fn pieces_and_blocks_may_end_anywhere() {
        let first = r#"{"id":"a{","b":{"c":[{},{"d":"}\"}\\"}]},"e":"\\\"{"}"#;
        let second = r#"{ "y|z~{" : "\\" }"#;
        let padding = "x".repeat(200);
        // A whole block follows the escape.
        let third = format!(r#"{{"\"{{":"{padding}"}}"#);
        for before in 0..70 {
            let head = format!(r#"{{"{}":[1,"#, &padding[..before]);
            let text = format!(r#"{head}{first},{second}],"more":[{third}],"x":"}}{{"}}"#);
            for size in [1, 2, 3, 63, 64, 65, 1000] {
                assert_eq!(objects(&text, size), [first, second, &third], "{before} {size}");
            }
        }
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        for text in ["", "}}}}", "{\"", "{{{{", "[{\"a\":1}]", "\\{\\", "{\"a\":[{\"b\""] {
            assert_eq!(objects(text, 3), [""; 0], "{text}");
        }
        assert_eq!(objects(r#"}}{"a":{}}"#, 4), ["{}"]);
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        const PIECE: usize = 1 << 16;
        let of_size = |size: usize| format!(r#"{{"{}"}}"#, "x".repeat(size - 4));
        let largest = of_size(Objects::LARGEST);
        for beyond in [1, 2 * PIECE] {
            let large = of_size(Objects::LARGEST + beyond);
            let text = format!(r#"{{"list":[{{}},{large},{{"b":1}},{largest}]}}"#);
            let found = objects(&text, PIECE);
            assert!(found == ["{}", r#"{"b":1}"#, &largest], "{beyond}");
        }
    }

    #[test]
    fn every_byte_is_found_where_it_is() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut block = [byte.wrapping_add(1); BLOCK];
                block[place] = byte;
                assert_eq!(equal(&block, 0, byte), 1 << place, "{byte} {place}");
            }
        }
    }
}
