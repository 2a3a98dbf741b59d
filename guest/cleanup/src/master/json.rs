//! A pull reader for JSON: it reads the body of an answer piece by piece, so that the body
//! never stands whole in memory.
//!
//! A caller takes objects and lists apart down to values that are small enough to be read at
//! once, such as one field of an agent. This is as fast as reading from a slice, and much faster
//! than reading a stream byte by byte. Everything that is not wanted is skipped, eight bytes at a
//! time.

mod open;
mod words;

use std::fmt::Display;
use std::str;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use self::open::{Misplaced, Open};
use crate::host::{CHUNK, Response};
use janitor_contract::types::Error;

/// The largest value that is read at once, in bytes. An agent has a few thousand.
const LARGEST: usize = 16 << 20;

/// The character that replaces a byte that is not UTF-8. A master lists the bytes of names
/// and labels as it got them, from anybody who may register or reserve (seen on Mesos 1.4.3
/// and 1.11.0), and one such byte must not keep everybody from reading the rest. The master
/// itself writes this character as `\u007f`.
pub const STRAY: u8 = 0x7f;

/// The length of a body's beginning, in bytes.
pub const START: usize = 4 << 10;

/// The reason why an answer is not what it should be.
#[derive(Debug)]
pub struct Bad(pub(super) String);

impl Bad {
    /// Rejects an answer that lacks a field.
    pub fn missing(field: &str) -> Self {
        Self(format!("missing field `{field}`"))
    }

    /// Ends the reading of a body early, because the rest is not needed.
    pub fn enough() -> Self {
        Self("the rest is not needed".into())
    }
}

/// The body of an answer, which has been read up to some place.
pub struct Json<R> {
    response: R,
    /// The bytes that have arrived and are still needed.
    buffer: Vec<u8>,
    /// The place in the buffer up to which they have been read.
    at: usize,
    /// The length of the body before the buffer.
    before: usize,
    ended: bool,
    /// The reason why the body is truncated; the [`Bad`] that is then returned is empty.
    error: Option<Error>,
}

impl<R: Response> Json<R> {
    /// Starts with the whole body unread.
    pub fn new(response: R) -> Self {
        Self { response, buffer: Vec::new(), at: 0, before: 0, ended: false, error: None }
    }

    /// Returns the beginning of the body, without taking anything of it. It must be called
    /// first.
    pub fn start(&mut self) -> &[u8] {
        // The part of a truncated body that has arrived is still useful.
        while self.buffer.len() < START && !self.ended && self.more().is_ok() {}
        &self.buffer[..self.buffer.len().min(START)]
    }

    /// Returns the reason why the body is truncated, if it is.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Takes an object apart: it calls `take` with each name, and `take` must take the value.
    ///
    /// # Errors
    /// Fails if the value is not an object, or if `take` fails.
    pub fn object(
        &mut self,
        mut take: impl FnMut(&mut Self, &str) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        self.fields(|json, name: String| take(json, &name))
    }

    /// Takes an object apart as [`Json::object`] does, with names that are read from their texts.
    ///
    /// # Errors
    /// Fails as [`Json::object`] does.
    pub fn fields<N: for<'n> From<&'n str>>(
        &mut self,
        mut take: impl FnMut(&mut Self, N) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        self.each([b'{', b'}'], "an object", &mut |json| {
            let name = json.name()?;
            take(json, name)
        })
    }

    /// Takes a list apart: it calls `take` for each element, and `take` must take it.
    ///
    /// # Errors
    /// Fails if the value is not a list, or if `take` fails.
    pub fn list(&mut self, mut take: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<(), Bad> {
        self.each([b'[', b']'], "a list", &mut take)
    }

    /// Takes the elements between brackets. There is one copy of this code for all callers.
    fn each(
        &mut self,
        [open, close]: [u8; 2],
        what: &str,
        take: &mut dyn FnMut(&mut Self) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        self.must_be(open, what)?;
        if self.is_next(close)? {
            return Ok(());
        }
        loop {
            take(self)?;
            if self.is_next(close)? {
                return Ok(());
            }
            self.must_be(b',', format_args!("`,` or `{}`", char::from(close)))?;
        }
    }

    /// Takes the name of a field, and the colon after it.
    fn name<N: for<'n> From<&'n str>>(&mut self) -> Result<N, Bad> {
        self.peek()?;
        let name = match words::plain_text(&self.buffer[self.at..]) {
            Some(text) => {
                self.at += text.len() + 2;
                text.into()
            }
            None => N::from(&self.value::<String>()?),
        };
        self.must_be(b':', "`:`")?;
        Ok(name)
    }

    /// Takes a value that is small enough to be read at once.
    ///
    /// # Errors
    /// Fails if the value is not a `T`.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, Bad> {
        loop {
            let rest = &self.buffer[self.at..];
            let mut json = serde_json::Deserializer::from_slice(rest);
            let result = T::deserialize(&mut json);
            let used = json.into_iter::<IgnoredAny>().byte_offset();
            match result {
                // A value that reaches to the end of the buffer may be longer.
                _ if used == rest.len() && !self.ended => self.at_least_double()?,
                Ok(value) => {
                    self.at += used;
                    return Ok(value);
                }
                Err(_) if self.replace_strays() => {}
                Err(error) => {
                    let place = format!(" at line {} column {}", error.line(), error.column());
                    let words = error.to_string();
                    let words = words.strip_suffix(&place).unwrap_or(&words);
                    return Err(self.bad(words, used));
                }
            }
        }
    }

    /// Replaces every byte that has arrived and is not UTF-8 by [`STRAY`], and returns
    /// whether there was one.
    fn replace_strays(&mut self) -> bool {
        let mut found = false;
        let mut from = self.at;
        while let Some(rest) = self.buffer.get_mut(from..)
            && let Err(error) = str::from_utf8(rest)
        {
            // The rest of a truncated character may arrive next.
            let Some(length) = error.error_len() else { break };
            let place = error.valid_up_to();
            rest.iter_mut().skip(place).take(length).for_each(|byte| *byte = STRAY);
            from += place + length;
            found = true;
        }
        found
    }

    /// Takes a value and drops it. An object or a list may have any size: it is followed to
    /// its last bracket, and never stands whole in memory.
    ///
    /// # Errors
    /// Fails if the value has no end, or if its end cannot be found because it is not JSON.
    pub fn skip(&mut self) -> Result<(), Bad> {
        if !matches!(self.peek()?, Some(b'[' | b'{')) {
            return self.value().map(|IgnoredAny| ());
        }
        let mut open = Open::default();
        loop {
            if let Some(length) = self.length(&mut open)? {
                self.at += length;
                return Ok(());
            }
            self.at = self.buffer.len();
            self.more()?;
        }
    }

    /// Takes a value as the text that it is, without white space around it. An object or a list is
    /// only followed to its last bracket, as by [`Json::skip`].
    ///
    /// # Errors
    /// Fails as [`Json::skip`] does, or if the value is too large to be read at once.
    pub fn raw<T>(&mut self, read: impl FnOnce(&str) -> T) -> Result<T, Bad> {
        if !matches!(self.peek()?, Some(b'[' | b'{')) {
            let raw: Box<RawValue> = self.value()?;
            return Ok(read(raw.get()));
        }
        loop {
            let Some(length) = self.length(&mut Open::default())? else {
                self.at_least_double()?;
                continue;
            };
            let end = self.at + length;
            if let Ok(text) = str::from_utf8(&self.buffer[self.at..end]) {
                let value = read(text);
                self.at = end;
                return Ok(value);
            }
            if !self.replace_strays() {
                return Err(self.bad("a text that is not UTF-8", 0));
            }
        }
    }

    /// Takes an object or a list, and returns whether it is written as the last one was. Otherwise, it keeps
    /// the text as the last one.
    ///
    /// # Errors
    /// Fails as [`Json::raw`] does.
    pub fn is_again(&mut self, last: &mut Vec<u8>) -> Result<bool, Bad> {
        if !matches!(self.peek()?, Some(b'[' | b'{')) {
            return self.raw(|text| {
                let is_again = text.as_bytes() == *last;
                text.as_bytes().clone_into(last);
                is_again
            });
        }
        let length = loop {
            match self.length(&mut Open::default())? {
                Some(length) => break length,
                None => self.at_least_double()?,
            }
        };
        let text = &self.buffer[self.at..self.at + length];
        let is_again = words::are_equal(text, last);
        if !is_again {
            text.clone_into(last);
        }
        self.at += length;
        Ok(is_again)
    }

    /// Returns the length of the rest of an object or a list, if its end has arrived.
    fn length(&self, open: &mut Open) -> Result<Option<usize>, Bad> {
        let rest = &self.buffer[self.at..];
        match open.follow(rest) {
            Ok(None) if self.ended => Err(self.bad("EOF while parsing a value", rest.len())),
            Ok(length) => Ok(length),
            Err(Misplaced { place, why }) => Err(self.bad(why, place)),
        }
    }

    /// Takes the end of the body.
    ///
    /// # Errors
    /// Fails if something else follows.
    pub fn end(&mut self) -> Result<(), Bad> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.bad("trailing characters", 0)),
        }
    }

    #[inline]
    fn must_be(&mut self, byte: u8, what: impl Display) -> Result<(), Bad> {
        if self.is_next(byte)? { Ok(()) } else { Err(self.is_not(what)) }
    }

    /// Rejects the next byte, or the end, because something else must be there.
    #[cold]
    fn is_not(&self, what: impl Display) -> Bad {
        match self.buffer.get(self.at) {
            Some(_) => self.bad(&format!("expected {what}"), 0),
            None => self.bad("EOF while parsing a value", 0),
        }
    }

    /// Takes the next byte that is not white space if it is this one.
    #[inline]
    fn is_next(&mut self, byte: u8) -> Result<bool, Bad> {
        let is_next = self.peek()? == Some(byte);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// Returns the next byte that is not white space, without taking it.
    #[inline]
    fn peek(&mut self) -> Result<Option<u8>, Bad> {
        match self.buffer.get(self.at) {
            Some(&byte) if byte > b' ' => Ok(Some(byte)),
            _ => self.peek_further(),
        }
    }

    /// Does the same where there may be white space, or the end of a chunk.
    #[cold]
    fn peek_further(&mut self) -> Result<Option<u8>, Bad> {
        loop {
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
            match self.buffer[self.at..].iter().position(|byte| !is_space(byte)) {
                Some(spaces) => {
                    self.at += spaces;
                    return Ok(self.buffer.get(self.at).copied());
                }
                None if self.ended => return Ok(None),
                None => {
                    self.at = self.buffer.len();
                    self.more()?;
                }
            }
        }
    }

    /// Waits for twice as many bytes as there are, so that a large value is not tried again
    /// for every piece of it.
    fn at_least_double(&mut self) -> Result<(), Bad> {
        let goal = (self.buffer.len() - self.at) * 2;
        if goal > LARGEST {
            return Err(self.bad(&format!("a value of more than {LARGEST} bytes"), 0));
        }
        self.more()?;
        while !self.ended && self.buffer.len() < goal {
            self.more()?;
        }
        Ok(())
    }

    /// Waits for the next bytes, and drops those that have been taken.
    fn more(&mut self) -> Result<(), Bad> {
        match self.response.read(CHUNK) {
            Ok(chunk) => {
                self.ended = chunk.is_empty();
                self.before += self.at;
                if self.at == self.buffer.len() {
                    self.buffer = chunk;
                } else {
                    self.buffer.drain(..self.at);
                    self.buffer.extend(chunk);
                }
                self.at = 0;
                Ok(())
            }
            Err(error) => {
                self.error = Some(error);
                Err(Bad(String::new()))
            }
        }
    }

    /// Rejects a value that has just been taken.
    pub fn invalid(&self, why: &str) -> Bad {
        self.bad(why, 0)
    }

    fn bad(&self, why: &str, further: usize) -> Bad {
        Bad(format!("{why} at byte {}", self.before + self.at + further))
    }
}

#[cfg(test)]
mod differential;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::answer::{Unread, get};
    use crate::testing::Script;

    /// Reads the numbers of `{"a":[...]}`, and skips everything else.
    fn numbers(body: &str, chunk: usize) -> Result<Vec<f64>, Unread> {
        let mut host = Script::default().answer(200, body);
        host.chunk = chunk;
        get(&mut host, "slaves", |json| {
            let mut numbers = Vec::new();
            json.object(|json, name| match name {
                "a" => json.list(|json| {
                    numbers.push(json.value()?);
                    Ok(())
                }),
                _ => json.skip(),
            })?;
            Ok(numbers)
        })
    }

    #[test]
    fn a_number_continues_in_the_next_chunk() {
        let filler = " ".repeat(START);
        let body = format!(
            r#"{filler}{{ "skipped" : [ [1], {{}}, "]" ] ,"a":[1, -2.5e3 ,30],"o":{{"b":[]}},"n":12.5}} "#
        );
        for chunk in 1..40 {
            assert_eq!(numbers(&body, chunk).unwrap(), [1.0, -2500.0, 30.0], "{chunk}");
        }
        assert!(numbers(r#"{"a":[]}"#, 3).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_placed() {
        for (body, expected) in [
            (r#"{"a":[1 2]}"#, "expected `,` or `]` at byte 8"),
            (r#"{"a":[1,]}"#, "expected value at byte 8"),
            (r#"{"a":[1}"#, "expected `,` or `]` at byte 7"),
            (r#"{"a"[1]}"#, "expected `:` at byte 4"),
            (r#"{a:[1]}"#, "expected value at byte 1"),
            (r#"{"a":[1."#, "EOF while parsing a value at byte 8"),
            (r#"{"a":[1"#, "EOF while parsing a value at byte 7"),
            (r#"{"b":[tru"#, "EOF while parsing a value at byte 9"),
            (r#"{"b":01}"#, "invalid number at byte 6"),
            (r#"{"b":[{"c":[]]}"#, "a closing bracket without an opening one at byte 13"),
            (r#"{"b":["]\"}"#, "EOF while parsing a value at byte 11"),
            (r#"{"a":[]}{"#, "trailing characters at byte 8"),
        ] {
            for chunk in [1, 2, 100] {
                let message = numbers(body, chunk).unwrap_err().message;
                assert_eq!(message, format!("Bad slaves response: {expected}"), "{body}");
            }
        }
    }

    #[test]
    fn brackets_are_nested_only_so_deeply() {
        let nested = |depth| format!(r#"{{"b":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        for chunk in [1, 7, 1000] {
            let deepest = numbers(&nested(128), chunk);
            assert!(deepest.is_ok(), "{deepest:?}");
            let message = numbers(&nested(129), chunk).unwrap_err().message;
            let expected = "brackets are nested too deeply at byte 133";
            assert_eq!(message, format!("Bad slaves response: {expected}"));
        }
    }

    #[test]
    fn one_stray_byte_does_not_spoil_the_rest() {
        let filler = " ".repeat(START);
        let body =
            [filler.as_bytes(), b"{\"a\":[\"\xff\xe9 \xc3\xa9\xf0\x9f\x92\", \"b\"]}"].concat();
        for chunk in 1..12 {
            let mut host = Script::default().answer_bytes(200, &body);
            host.chunk = chunk;
            let texts = get(&mut host, "slaves", |json| {
                let mut texts = Vec::<String>::new();
                json.object(|json, _| {
                    json.list(|json| {
                        texts.push(json.value()?);
                        Ok(())
                    })
                })?;
                Ok(texts)
            });
            assert_eq!(texts.unwrap(), ["\x7f\x7f é\x7f\x7f\x7f", "b"], "{chunk}");
        }
    }

    #[test]
    fn what_would_not_fit_is_given_up() {
        let body = format!(r#"{{"a":["{}"#, "x".repeat(LARGEST));
        let message = numbers(&body, 1 << 20).unwrap_err().message;
        assert!(message.contains("a value of more than 16777216 bytes"), "{message}");
    }
}
