//! Cuts the objects out of a JSON answer while it passes in pieces: those in the lists
//! of its outermost object, such as one agent of a list of agents.
//!
//! Only strings and braces are looked at, 64 bytes at a time, because every answer that is
//! watched passes here before the component reads it. Whether the text is JSON at all is
//! for whoever reads an object to find out.

/// The number of bytes that are looked at together: as many as a word has bits.
const BLOCK: usize = 64;

/// Cuts out one object after the other. It keeps no more than the part of one that is
/// still to be continued.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    /// The number of open braces.
    depth: usize,
    is_in_string: bool,
    /// Whether the next byte means itself, because a backslash stands before it.
    is_escaped: bool,
    /// The beginning of an object.
    begun: Vec<u8>,
    /// Whether the object is larger than [`Self::LARGEST`], and so left out.
    is_too_large: bool,
}

impl Objects {
    /// The largest object that is cut out, in bytes. An agent is a few thousand.
    const LARGEST: usize = 16 << 20;

    /// The number of open braces inside of an object that is cut out.
    const OBJECT: usize = 2;

    /// Reads on; `take` gets every object that ends.
    pub(crate) fn read(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) {
        // The object that is being read begins here.
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

    /// Hands over the object that ends with these bytes.
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

    /// Keeps a part of the object that is being read.
    fn keep(&mut self, part: &[u8]) {
        self.is_too_large |= self.begun.len() + part.len() > Self::LARGEST;
        match self.is_too_large {
            true => self.begun = Vec::new(),
            false => self.begun.extend_from_slice(part),
        }
    }

    /// The braces of a block that are outside of strings: a bit for each byte.
    fn braces(&mut self, block: &[u8]) -> u64 {
        match <&[u8; BLOCK]>::try_from(block) {
            Ok(block) if !self.is_escaped && equal(block, 0, b'\\') == 0 => {
                // All bytes after an odd number of quotation marks are in a string.
                let before = if self.is_in_string { u64::MAX } else { 0 };
                let strings = parity(equal(block, 0, b'"')) ^ before;
                self.is_in_string = strings >> (BLOCK - 1) == 1;
                // `{` and `}` differ in two bits; what else differs from them only there
                // stands in strings.
                equal(block, b'{' ^ b'}', b'{' | b'}') & !strings
            }
            _ => self.braces_one_by_one(block),
        }
    }

    /// The same, also where there are backslashes.
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

/// The bytes of a block that, with these bits set, are this one: a bit for each byte.
fn equal(block: &[u8; BLOCK], set: u8, byte: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let (set, byte) = (u64::from_ne_bytes([set; 8]), u64::from_ne_bytes([byte; 8]));
    let (words, _) = block.as_chunks::<8>();
    words.iter().rev().fold(0, |bits, word| {
        let differs = (u64::from_le_bytes(*word) | set) ^ byte;
        // The highest bit of each byte that is the same, and no other.
        let same = !(((differs & LOW) + LOW) | differs | LOW);
        // The multiplication brings the eight bits together in the highest byte.
        (bits << 8) | ((same >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56)
    })
}

/// For each bit, whether an odd number of bits is set up to it.
fn parity(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].into_iter().fold(bits, |bits, shift| bits ^ (bits << shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The objects of a text that comes in pieces of this size.
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
        for before in 0..70 {
            let head = format!(r#"{{"{}":[1,"#, &padding[..before]);
            let text = format!(r#"{head}{first},{second}],"more":[{first}],"x":"}}{{"}}"#);
            for size in [1, 2, 3, 63, 64, 65, 1000] {
                assert_eq!(objects(&text, size), [first, second, first], "{before} {size}");
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
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(Objects::LARGEST));
        let text = format!(r#"{{"list":[{{}},{large},{{"b":1}}]}}"#);
        assert_eq!(objects(&text, 1 << 16), ["{}", r#"{"b":1}"#]);
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
