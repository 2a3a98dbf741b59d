//! A JSON answer of the master, read as a stream, so that it never stands whole
//! in memory.

use std::io::{self, Read};

use serde::de::DeserializeSeed;

use crate::bindings::http::{Endpoint, Error, Method, Request};
use crate::host::{CHUNK, Host, Passes, Response, excerpt, explain, request, summary};

/// An answer that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// Whether it is worth asking again.
    pub passes: Passes,
    /// One sentence for the person who runs the cleanup.
    pub message: String,
}

/// Asks the master for what it has at `path`.
///
/// # Errors
/// When the master cannot be reached, refuses, or answers with something else.
pub fn get<'de, H, S>(host: &mut H, path: &str, seed: S) -> Result<S::Value, Unread>
where
    H: Host,
    S: DeserializeSeed<'de>,
{
    read(host, &request(Endpoint::Master, Method::Get, vec![path.into()]), seed)
}

/// Sends a request to the master and reads the answer.
///
/// # Errors
/// As [`get`].
pub fn read<'de, H, S>(host: &mut H, request: &Request, seed: S) -> Result<S::Value, Unread>
where
    H: Host,
    S: DeserializeSeed<'de>,
{
    let path = request.path.join("/");
    let network = |error: &Error| Unread {
        passes: Passes::of_error(error),
        message: format!("Network error: {}.", explain(Endpoint::Master, error)),
    };
    let exchange = host.send(request).map_err(|error| network(&error))?;
    let mut response = host.finish(exchange).map_err(|error| network(&error))?;
    let status = response.status();
    let passes = Passes::of_status(status);
    let bad = |why| Unread { passes, message: format!("Bad {path} response: {why}") };
    let mut body = Body { response: &mut response, chunk: Vec::new(), at: 0, error: None };
    if status != 200 {
        let mut start = Vec::new();
        // A body that breaks off still says as much as has arrived.
        let _ = body.by_ref().take(CHUNK.into()).read_to_end(&mut start);
        let hint = match status {
            401 => ": it wants valid credentials",
            403 => ": the token's owner may not see this",
            300..=399 => ": it sends elsewhere; give the URL of the leading master",
            _ => "",
        };
        let answer = summary(status, &start);
        return Err(bad(format!("the Mesos master answers {answer}{hint}")));
    }
    let start = body.peek().map(|chunk| chunk[..chunk.len().min(500)].to_vec());
    let mut json = serde_json::Deserializer::from_reader(&mut body);
    let value = seed.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    match (value, body.error) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(error)) => Err(network(&error)),
        (Err(error), None) => {
            let start = excerpt(&start.unwrap_or_default());
            // What is JSON may hold a secret of somebody's; what is not is a page.
            if start.starts_with(['{', '[']) {
                return Err(bad(error.to_string()));
            }
            Err(bad(format!("{error}. It begins: {start}")))
        }
    }
}

/// A response's body as a reader; a transport error is kept for the message.
struct Body<'a, R> {
    response: &'a mut R,
    chunk: Vec<u8>,
    at: usize,
    error: Option<Error>,
}

impl<R: Response> Body<'_, R> {
    /// What has arrived and is not read yet; empty at the end of the body.
    fn peek(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() && self.error.is_none() {
            match self.response.read(CHUNK) {
                Ok(chunk) => (self.chunk, self.at) = (chunk, 0),
                Err(error) => self.error = Some(error),
            }
        }
        if self.error.is_some() {
            return Err(io::Error::other("the body broke off"));
        }
        Ok(&self.chunk[self.at..])
    }
}

impl<R: Response> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.peek()?.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
