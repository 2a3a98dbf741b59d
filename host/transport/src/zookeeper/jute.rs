//! ZooKeeper's format of numbers, texts and lists. A server's claims about lengths and counts
//! are compared with the bytes that are there before anything is made of them.

use std::str;

/// Writes a frame: its length, then what is added.
pub(super) struct Frame(Vec<u8>);

impl Frame {
    /// One without content.
    pub fn new() -> Self {
        Self(vec![0; 4])
    }

    /// Adds a number.
    pub fn int(mut self, number: i32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Adds a long number.
    pub fn long(mut self, number: i64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// Adds a Boolean.
    pub fn boolean(mut self, yes: bool) -> Self {
        self.0.push(yes.into());
        self
    }

    /// Adds bytes, or the bytes of a text. They are this program's own: a text too
    /// long for a number is too long for any server, and gets a length that none accepts.
    pub fn buffer(self, bytes: &[u8]) -> Self {
        let mut frame = self.int(length(bytes));
        frame.0.extend(bytes);
        frame
    }

    /// The whole frame.
    pub fn finish(mut self) -> Vec<u8> {
        let content = self.0.split_off(4);
        let mut frame = length(&content).to_be_bytes().to_vec();
        frame.extend(content);
        frame
    }
}

fn length(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}

/// The rest of a frame's content. Nothing is read beyond its end.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// Reads a number.
    pub fn int(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// Reads a long number.
    pub fn long(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// Reads a Boolean.
    pub fn boolean(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// Reads bytes, or the bytes of a text.
    pub fn buffer(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Returns a value, if nothing is left to read.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

/// The names of a node's children, as the server sent them, and all checked: there are
/// as many as it says, and each is a name. They take no more memory than they did in
/// the frame, however many there are.
#[derive(Debug)]
pub struct Names {
    bytes: Vec<u8>,
    read: usize,
}

/// An answer is no list of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// It ends before its length.
    #[error("a list without a length")]
    NoLength,
    /// It claims to have more names than it has room for.
    #[error("a list of {count} names in {bytes} bytes")]
    Count {
        /// The number of names that it claims.
        count: i32,
        /// The bytes that there are.
        bytes: usize,
    },
    /// One of its names claims to be longer than the rest of it.
    #[error("a name that is longer than the list")]
    Length,
    /// One of its names, as far as it is shown, could name no node, or another one.
    #[error("a node named '{0}'")]
    Name(String),
    /// It has more bytes after its last name.
    #[error("a list with something behind it")]
    Rest,
}

impl Names {
    /// Takes the content of an answer.
    ///
    /// # Errors
    /// When it is no list of names.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NamesError> {
        let mut reader = Reader(&bytes);
        let count = reader.int().ok_or(NamesError::NoLength)?;
        // Each name has a length of its own, which takes four bytes.
        let most = reader.0.len() / 4;
        let count = match usize::try_from(count) {
            Ok(count) if count <= most => count,
            _ => return Err(NamesError::Count { count, bytes: reader.0.len() }),
        };
        for _ in 0..count {
            let name = reader.buffer().ok_or(NamesError::Length)?;
            if !is_name(name) {
                /// The length up to which such a name is shown.
                const SHOWN: usize = 100;
                let shown = name.get(..SHOWN).unwrap_or(name);
                return Err(NamesError::Name(String::from_utf8_lossy(shown).into()));
            }
        }
        reader.end().ok_or(NamesError::Rest)?;
        Ok(Self { bytes, read: 4 })
    }

    /// The next name.
    pub fn next_name(&mut self) -> Option<&str> {
        let mut reader = Reader(self.bytes.get(self.read..)?);
        let name = str::from_utf8(reader.buffer()?).ok()?;
        self.read = self.bytes.len() - reader.0.len();
        Some(name)
    }

    /// The memory that they take, together with their owner.
    pub fn size(&self) -> usize {
        /// Each allocation has a header and is rounded up, and the owner of the names adds
        /// a few numbers.
        const EACH: usize = 64;
        self.bytes.len() + EACH
    }
}

/// Whether these bytes can name one node below another, and that one only.
fn is_name(bytes: &[u8]) -> bool {
    let is_plain = !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/');
    is_plain && !bytes.contains(&0) && str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list's bytes; the count and the lengths are what they claim to be.
    fn list(count: i32, names: &[(i32, &[u8])]) -> Vec<u8> {
        let mut bytes = count.to_be_bytes().to_vec();
        for (length, name) in names {
            bytes.extend(length.to_be_bytes());
            bytes.extend(*name);
        }
        bytes
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let frame = Frame::new().int(-2).long(i64::MIN).boolean(true).buffer(b"ab").finish();
        let mut reader = Reader(&frame);
        assert_eq!(reader.int(), Some(19));
        assert_eq!((reader.int(), reader.long()), (Some(-2), Some(i64::MIN)));
        assert_eq!((reader.boolean(), reader.end()), (Some(true), None));
        assert_eq!((reader.buffer(), reader.end()), (Some(&b"ab"[..]), Some(())));
        assert_eq!((reader.int(), reader.buffer(), reader.boolean()), (None, None, None));
    }

    #[test]
    fn names_are_read_one_by_one() {
        let mut names = Names::new(list(2, &[(1, b"a"), (3, b"b;c")])).unwrap();
        assert_eq!(names.next_name(), Some("a"));
        assert_eq!(names.next_name(), Some("b;c"));
        assert_eq!(names.next_name(), None);
        assert_eq!(Names::new(list(0, &[])).unwrap().next_name(), None);
    }

    #[test]
    fn a_list_that_lies_is_none() {
        for bytes in [
            vec![],
            vec![0; 3],
            list(1, &[]),
            list(i32::MIN, &[]),
            list(i32::MAX, &[(1, b"a")]),
            list(-1, &[(1, b"a")]),
            list(2, &[(1, b"a")]),
            list(0, &[(1, b"a")]),
            list(1, &[(2, b"a")]),
            list(1, &[(-1, b"a")]),
            list(1, &[(i32::MAX, b"a")]),
            list(1, &[(0, b"")]),
            list(1, &[(1, b".")]),
            list(1, &[(2, b"..")]),
            list(1, &[(3, b"a/b")]),
            list(1, &[(1, b"\0")]),
            list(1, &[(1, b"\xff")]),
        ] {
            assert!(Names::new(bytes.clone()).is_err(), "{bytes:?}");
        }
    }
}
