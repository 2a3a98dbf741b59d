//! How requests travel. A transport is the last step of a request before the
//! network, or what stands in for the network.

use std::io::Cursor;
use std::time::Duration;

use crate::bindings::http::{Content, Endpoint, Error, Method};

pub mod har;
pub mod live;
pub mod recording;
pub mod replay;
pub mod scrub;
pub mod zookeeper;

/// A request that the policy has allowed. It holds no credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The endpoint; none for what is no request of a component.
    pub endpoint: Option<Endpoint>,
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The content, if it has any.
    pub content: Option<Content>,
}

/// Sends requests. Implement this to give the component another way out.
pub trait Transport: Send {
    /// Starts an exchange. Must not wait for the network; a request that
    /// cannot be sent fails in [`Exchange::finish`].
    fn send(&mut self, request: Request) -> Box<dyn Exchange>;

    /// Waits. Where time does not pass, it need not.
    fn pause(&mut self, duration: Duration);

    /// How long the run has taken until now. `real` is the time that has passed since it
    /// began, and the answer unless this transport keeps a clock of its own.
    fn elapsed(&mut self, real: Duration) -> Duration {
        real
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        (**self).send(request)
    }

    fn pause(&mut self, duration: Duration) {
        (**self).pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        (**self).elapsed(real)
    }
}

/// A request on its way.
pub trait Exchange: Send {
    /// Waits for the status and the headers of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    fn finish(self: Box<Self>) -> Result<Response, Error>;
}

/// An answer.
pub struct Response {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// The body, not read yet.
    pub body: Box<dyn Body>,
}

/// A body that is read in pieces.
pub trait Body: Send {
    /// Reads on, as [`std::io::Read::read`] does: 0 means its end.
    ///
    /// # Errors
    /// When the body breaks off.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error>;
}

impl Body for Cursor<Vec<u8>> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        std::io::Read::read(self, buffer).map_err(|error| Error::Internal(error.to_string()))
    }
}
