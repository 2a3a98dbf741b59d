//! A [`Host`] that answers from a script, for unit tests.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bindings::http::{Error, Request};
use crate::bindings::log::Entry;
use crate::host::{Host, Response};

mod random;
mod simulated;

/// Answers in the order of the script, and keeps what was asked and logged.
pub struct Script {
    answers: VecDeque<Result<Scripted, Error>>,
    in_flight: usize,
    pub chunk: usize,
    pub window: usize,
    pub most_in_flight: usize,
    pub sent: Vec<Request>,
    pub log: Vec<Entry>,
    pub paused: Duration,
    /// What every pause answers.
    pub goes_on: bool,
}

pub struct Scripted {
    status: u16,
    body: VecDeque<u8>,
    chunk: usize,
    end: Option<Error>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            answers: VecDeque::new(),
            in_flight: 0,
            chunk: 1 << 16,
            window: 4,
            most_in_flight: 0,
            sent: Vec::new(),
            log: Vec::new(),
            paused: Duration::ZERO,
            goes_on: true,
        }
    }
}

impl Script {
    pub fn answer(self, status: u16, body: impl Into<String>) -> Self {
        self.push(Ok((status, body.into(), None)))
    }

    /// An answer whose body ends with an error.
    pub fn broken(self, body: &str, end: Error) -> Self {
        self.push(Ok((200, body.into(), Some(end))))
    }

    /// No answer at all.
    pub fn fails(self, error: Error) -> Self {
        self.push(Err(error))
    }

    fn push(mut self, answer: Result<(u16, String, Option<Error>), Error>) -> Self {
        self.answers.push_back(answer.map(|(status, body, end)| Scripted {
            status,
            body: body.into_bytes().into(),
            chunk: 0,
            end,
        }));
        self
    }

    pub fn lines(&self) -> Vec<&str> {
        self.log.iter().map(|entry| entry.message.as_str()).collect()
    }
}

impl Host for Script {
    type Exchange = Result<Scripted, Error>;
    type Response = Scripted;

    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error> {
        self.sent.push(request.clone());
        let answer = self.answers.pop_front().expect("the script has an answer for every request");
        if matches!(answer, Err(Error::Stopped)) {
            return Err(Error::Stopped);
        }
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        Ok(answer)
    }

    fn finish(&mut self, exchange: Self::Exchange) -> Result<Scripted, Error> {
        self.in_flight -= 1;
        exchange.map(|answer| Scripted { chunk: self.chunk, ..answer })
    }

    fn window(&mut self) -> usize {
        self.window
    }

    fn pause(&mut self, duration: Duration) -> bool {
        self.paused += duration;
        self.goes_on
    }

    fn log(&mut self, entry: Entry) {
        self.log.push(entry);
    }
}

impl Response for Scripted {
    fn status(&self) -> u16 {
        self.status
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        let size = self.chunk.min(limit as usize).min(self.body.len());
        match self.end.take_if(|_| size == 0) {
            Some(error) => Err(error),
            None => Ok(self.body.drain(..size).collect()),
        }
    }
}
