//! ZooKeeper's encoding of numbers, texts and lists. Lengths and counts that a server claims are
//! compared with the bytes that are there before anything is allocated for them. The module is
//! public for the fuzz targets only.

use std::str;

/// A frame that is being written: its length, then the fields that are added.
pub(super) struct Frame(Vec<u8>);

impl Frame {
    /// Creates a frame without content.
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

    /// Adds bytes, or the bytes of a text. They come from this program. A text that is too long for
    /// a length field gets the largest length, which no server accepts.
    pub fn buffer(self, bytes: &[u8]) -> Self {
        let mut frame = self.int(length(bytes));
        frame.0.extend(bytes);
        frame
    }

    /// Returns the whole frame.
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

/// The unread rest of the content of a frame. Nothing is read beyond its end.
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

    /// Succeeds if nothing is left to read.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

/// The names of a node's children, in the server's encoding. All of them are checked: their number
/// is the claimed one, and each is a valid name. They take only the memory of the frame, however
/// many there are.
#[derive(Debug)]
pub struct Names {
    bytes: Vec<u8>,
    read: usize,
}

/// The reason why a response is not a list of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// It is too short for its count.
    #[error("a list without a length")]
    NoLength,
    /// It claims more names than fit into it.
    #[error("a list of {count} names in {bytes} bytes")]
    Count {
        /// The number of names that it claims.
        count: i32,
        /// The number of bytes after the count.
        bytes: usize,
    },
    /// One of its names claims to be longer than the rest of the list.
    #[error("a name that is longer than the list")]
    Length,
    /// One of its names, as far as it is shown, is not the name of a node.
    #[error("a node named '{0}'")]
    Name(String),
    /// It has more bytes after its last name.
    #[error("a list with more bytes after its end")]
    Rest,
}

impl Names {
    /// Checks the content of a response.
    ///
    /// # Errors
    /// Fails if it is not a list of names.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NamesError> {
        let mut reader = Reader(&bytes);
        let count = reader.int().ok_or(NamesError::NoLength)?;
        // Each name has a length field of four bytes.
        let most = reader.0.len() / 4;
        let count = match usize::try_from(count) {
            Ok(count) if count <= most => count,
            _ => return Err(NamesError::Count { count, bytes: reader.0.len() }),
        };
        for _ in 0..count {
            let name = reader.buffer().ok_or(NamesError::Length)?;
            if !is_name(name) {
                /// The number of bytes of an invalid name that are shown.
                const SHOWN: usize = 100;
                let shown = name.get(..SHOWN).unwrap_or(name);
                return Err(NamesError::Name(String::from_utf8_lossy(shown).into()));
            }
        }
        reader.end().ok_or(NamesError::Rest)?;
        Ok(Self { bytes, read: 4 })
    }

    /// Returns the next name.
    pub fn next_name(&mut self) -> Option<&str> {
        let mut reader = Reader(self.bytes.get(self.read..)?);
        let name = str::from_utf8(reader.buffer()?).ok()?;
        self.read = self.bytes.len() - reader.0.len();
        Some(name)
    }

    /// Returns the memory that the names and their owner take, in bytes.
    pub fn size(&self) -> usize {
        /// The estimated overhead: an allocation has a header and is rounded up, and the owner of
        /// the names stores a few numbers.
        const EACH: usize = 64;
        self.bytes.len() + EACH
    }
}

/// Returns whether these bytes name exactly one node below another one.
fn is_name(bytes: &[u8]) -> bool {
    let is_one_segment = !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/');
    is_one_segment && !bytes.contains(&0) && str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a list with the claimed count and the claimed lengths.
    fn list(count: i32, names: &[(i32, &[u8])]) -> Vec<u8> {
        let mut bytes = count.to_be_bytes().to_vec();
        for (length, name) in names {
            bytes.extend(length.to_be_bytes());
            bytes.extend(*name);
        }
        bytes
    }

    #[test]
    fn a_frame_is_read_back() {
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
    fn a_list_with_false_claims_is_refused() {
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
