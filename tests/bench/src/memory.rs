//! A master in memory, which lists the same agents again and again: behind the sandbox a
//! [`Transport`], without it the component's own [`Host`](janitor_guest::Host).

use std::sync::Arc;
use std::time::Duration;

use janitor_contract::types::{self, Error};
use janitor_transport::exchange::{Body, Exchange, Request, Response, Transport};

use crate::pages;

/// The master.
#[derive(Clone)]
pub struct Memory {
    list: Text,
}

/// An answer, read up to some place.
#[derive(Clone)]
pub struct Text {
    bytes: Arc<[u8]>,
    at: usize,
}

impl Memory {
    /// A master with this list of agents, and no frameworks.
    pub fn new(list: Vec<u8>) -> Self {
        Self { list: Text::new(list) }
    }

    /// The length of the list.
    #[allow(clippy::cast_precision_loss, reason = "no list is that long")]
    pub fn megabytes(&self) -> f64 {
        self.list.bytes.len() as f64 / 1e6
    }

    fn says(&self, path: &str, content: Option<&[u8]>) -> Text {
        let page = content.map(pages::v1).or_else(|| pages::page(path));
        page.map_or_else(|| self.list.clone(), |page| Text::new(page.into()))
    }
}

impl Text {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), at: 0 }
    }

    fn next(&mut self, limit: usize) -> &[u8] {
        let rest = &self.bytes[self.at..];
        let next = &rest[..limit.min(rest.len())];
        self.at += next.len();
        next
    }
}

impl Transport for Memory {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        Box::new(
            self.says(&request.path.join("/"), request.content.as_ref().map(|it| &it.bytes[..])),
        )
    }

    fn pause(&mut self, _: Duration) {}
}

impl Exchange for Text {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Ok(Response { status: 200, content_type: None, body: self })
    }
}

impl Body for Text {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let next = self.next(buffer.len());
        buffer[..next.len()].copy_from_slice(next);
        Ok(next.len())
    }
}

impl janitor_guest::Host for Memory {
    type Exchange = Text;
    type Response = Text;

    fn send(&mut self, request: &types::Request) -> Result<Text, Error> {
        let content = request.content.as_ref().map(|it| &it.bytes[..]);
        Ok(self.says(&request.path.join("/"), content))
    }

    fn finish(&mut self, answer: Text) -> Result<Text, Error> {
        Ok(answer)
    }

    fn window(&mut self) -> usize {
        32
    }

    fn pause(&mut self, _: Duration) -> bool {
        true
    }

    fn elapsed(&mut self) -> Duration {
        Duration::ZERO
    }

    fn log(&mut self, _: types::Entry) {}
}

impl janitor_guest::host::Response for Text {
    fn status(&self) -> u16 {
        200
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        Ok(self.next(limit as usize).to_vec())
    }
}
