//! A JSON answer of the master, read piece by piece, so that it never stands whole
//! in memory.
//!
//! Who reads it takes objects and lists apart down to values that are small enough to
//! be read at once, such as one agent. That is as fast as reading from a slice, which
//! reading byte by byte from a stream is not.

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny};

use crate::host::{CHUNK, Host, Passes, Response, Retries, excerpt, explain, request, summary};
use janitor_contract::types::{Endpoint, Error, Method, Request};

/// The largest value that is read at once, in bytes. An agent is a few thousand.
const LARGEST: usize = 16 << 20;

/// How many brackets may stand inside of each other, as for serde_json.
const DEEPEST: usize = 128;

/// The character in the place of a byte that is no UTF-8. A master lists the bytes of names
/// and labels as it got them, from whoever may register or reserve (seen on Mesos 1.4.3 and
/// 1.11.0), and one of somebody's must not keep everybody from reading the rest. It writes
/// this character itself as `\u007f`.
pub(crate) const STRAY: u8 = 0x7f;

/// How much of a body there must be to say how it begins, in bytes.
pub(crate) const START: usize = 4 << 10;

/// An answer that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// Whether it is worth asking again.
    pub passes: Passes,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// One sentence for the person who runs the cleanup.
    pub message: String,
}

/// Why an answer is not what it should be.
#[derive(Debug)]
pub struct Bad(String);

impl Bad {
    /// One that lacks something that everything depends on.
    pub fn missing(field: &str) -> Self {
        Self(format!("missing field `{field}`"))
    }

    /// The end of reading a body of which nothing more is needed.
    pub fn enough() -> Self {
        Self("the rest is not needed".into())
    }
}

/// Asks the master for what it has at `path`.
///
/// # Errors
/// When the master cannot be reached, refuses, or answers with something else.
pub fn get<H: Host, T>(
    host: &mut H,
    path: &str,
    take: impl FnOnce(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Result<T, Unread> {
    read(host, &request(Endpoint::Master, Method::Get, vec![path.into()]), take)
}

/// What came of asking a master for one of the pages by which others are checked.
#[derive(Debug)]
pub enum Page<T> {
    /// The master says this.
    Says(T),
    /// It does not have the page: it is an old master, or a proxy does not pass it on.
    Missing,
    /// It is not known what it says.
    Unknown(Unread),
}

/// Asks a master for a page, again when that may help.
pub fn page<H: Host, T>(
    host: &mut H,
    request: &Request,
    retries: &mut Retries,
    mut take: impl FnMut(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Page<T> {
    loop {
        match read(host, request, &mut take) {
            Ok(value) => return Page::Says(value),
            Err(Unread { status: Some(404), .. }) => return Page::Missing,
            Err(unread) if retries.wait(host, unread.passes) => {}
            Err(unread) => return Page::Unknown(unread),
        }
    }
}

/// Sends a request to the master and reads the answer.
///
/// # Errors
/// As [`get`].
pub fn read<H: Host, T>(
    host: &mut H,
    request: &Request,
    take: impl FnOnce(&mut Json<H::Response>) -> Result<T, Bad>,
) -> Result<T, Unread> {
    let path = request.path.join("/");
    let network = |error: &Error| Unread {
        passes: Passes::of_error(error),
        status: None,
        message: format!("Network error: {}.", explain(Endpoint::Master, error)),
    };
    let exchange = host.send(request).map_err(|error| network(&error))?;
    let response = host.finish(exchange).map_err(|error| network(&error))?;
    let status = response.status();
    let passes = Passes::of_status(status);
    let bad = |why| Unread {
        passes,
        status: Some(status),
        message: format!("Bad {path} response: {why}"),
    };
    let mut json = Json::new(response);
    // A body that breaks off still says as much as has arrived.
    while json.buffer.len() < START && !json.ended && json.more().is_ok() {}
    let start = excerpt(&json.buffer[..json.buffer.len().min(START)]);
    if status != 200 {
        let hint = match status {
            401 => ": it wants valid credentials",
            403 => ": the token's owner may not see this",
            307 => ": it does not lead; give the URL of the leading master, or of all",
            _ => "",
        };
        let answer = summary(status, start.as_bytes());
        return Err(bad(format!("the Mesos master answers {answer}{hint}")));
    }
    let value = take(&mut json).and_then(|value| json.end().map(|()| value));
    match (value, json.error) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(network(&error)),
        // What is JSON may hold a secret of somebody's; what is not is a page.
        (Err(Bad(why)), None) if start.starts_with(['{', '[']) => Err(bad(why)),
        (Err(Bad(why)), None) => Err(bad(format!("{why}. It begins: {start}"))),
    }
}

/// The body of an answer, read up to some place.
pub struct Json<R> {
    response: R,
    /// What has arrived, from before `at`.
    buffer: Vec<u8>,
    at: usize,
    /// How much of the body came before the buffer.
    before: usize,
    ended: bool,
    /// Why the body broke off; the [`Bad`] that is then returned says nothing.
    error: Option<Error>,
}

impl<R: Response> Json<R> {
    fn new(response: R) -> Self {
        Self { response, buffer: Vec::new(), at: 0, before: 0, ended: false, error: None }
    }

    /// Takes an object apart: `take` is called with each name, and must take the value.
    ///
    /// # Errors
    /// When there is something else, and those of `take`.
    pub fn object(
        &mut self,
        mut take: impl FnMut(&mut Self, &str) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        self.each([b'{', b'}'], "an object", |json| {
            let name: String = json.value()?;
            json.must_be(b':', "`:`")?;
            take(json, &name)
        })
    }

    /// Takes a list apart: `take` is called for each element, and must take it.
    ///
    /// # Errors
    /// When there is something else, and those of `take`.
    pub fn list(&mut self, take: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<(), Bad> {
        self.each([b'[', b']'], "a list", take)
    }

    fn each(
        &mut self,
        [open, close]: [u8; 2],
        what: &str,
        mut take: impl FnMut(&mut Self) -> Result<(), Bad>,
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
            self.must_be(b',', &format!("`,` or `{}`", char::from(close)))?;
        }
    }

    /// Takes a value that is small enough to be read at once.
    ///
    /// # Errors
    /// When it is not what is wanted.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, Bad> {
        self.seeded(PhantomData)
    }

    /// The same, with a seed.
    ///
    /// # Errors
    /// When it is not what is wanted.
    pub fn seeded<T, S>(&mut self, seed: S) -> Result<T, Bad>
    where
        S: for<'de> DeserializeSeed<'de, Value = T> + Copy,
    {
        loop {
            let rest = &self.buffer[self.at..];
            let mut json = serde_json::Deserializer::from_slice(rest);
            let result = seed.deserialize(&mut json);
            let used = json.into_iter::<IgnoredAny>().byte_offset();
            match result {
                // What has been read to the end of what has arrived may go on.
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

    /// Puts [`STRAY`] in the place of every byte that has arrived and is no UTF-8. Says
    /// whether there was one.
    fn replace_strays(&mut self) -> bool {
        let mut found = false;
        let mut from = self.at;
        while let Some(rest) = self.buffer.get_mut(from..)
            && let Err(error) = std::str::from_utf8(rest)
        {
            // A character that is cut off may go on in what arrives next.
            let Some(length) = error.error_len() else { break };
            let place = error.valid_up_to();
            rest.iter_mut().skip(place).take(length).for_each(|byte| *byte = STRAY);
            from += place + length;
            found = true;
        }
        found
    }

    /// Takes a value and forgets it. An object or a list may be of any size: it is
    /// followed to its last bracket, and never stands whole in memory.
    ///
    /// # Errors
    /// When it has no end, or is no JSON that could be told from what follows.
    pub fn skip(&mut self) -> Result<(), Bad> {
        if !matches!(self.peek()?, Some(b'[' | b'{')) {
            return self.value().map(|IgnoredAny| ());
        }
        // The brackets that are open, a bit each: whether it is an object's.
        let mut open: Vec<bool> = Vec::new();
        let mut in_text = false;
        loop {
            let Some(&byte) = self.buffer.get(self.at) else {
                if self.ended {
                    return Err(self.bad("EOF while parsing a value", 0));
                }
                self.more()?;
                continue;
            };
            match byte {
                b'\\' if in_text => {
                    self.at += 1;
                    if self.buffer.get(self.at).is_none() {
                        self.more()?;
                    }
                }
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => open.push(byte == b'{'),
                b'}' | b']' if !in_text => {
                    if open.pop() != Some(byte == b'}') {
                        return Err(self.bad("a bracket that closes nothing", 0));
                    }
                    if open.is_empty() {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
            if open.len() > DEEPEST {
                return Err(self.bad("brackets inside of each other without end", 0));
            }
        }
    }

    fn end(&mut self) -> Result<(), Bad> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.bad("trailing characters", 0)),
        }
    }

    fn must_be(&mut self, byte: u8, what: &str) -> Result<(), Bad> {
        match self.peek()? {
            Some(next) if next == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.bad(&format!("expected {what}"), 0)),
            None => Err(self.bad("EOF while parsing a value", 0)),
        }
    }

    fn is_next(&mut self, byte: u8) -> Result<bool, Bad> {
        let is_next = self.peek()? == Some(byte);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Result<Option<u8>, Bad> {
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

    /// Reads on until twice as much is there to be read at once, so that a large value
    /// is not tried again for every piece of it.
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

    /// Reads on, and forgets what has been taken.
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

    fn bad(&self, why: &str, further: usize) -> Bad {
        Bad(format!("{why} at byte {}", self.before + self.at + further))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    /// The numbers of `{"a":[...]}`, and everything else skipped.
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
    fn a_number_goes_on_in_the_next_chunk() {
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
            (r#"{"a":[]}{"#, "trailing characters at byte 8"),
        ] {
            for chunk in [1, 2, 100] {
                let message = numbers(body, chunk).unwrap_err().message;
                assert_eq!(message, format!("Bad slaves response: {expected}"), "{body}");
            }
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
