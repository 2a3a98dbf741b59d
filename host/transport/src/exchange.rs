//! The interface of transports. A transport sends the requests of a run, or answers them itself.

use std::fmt;
use std::io::Cursor;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::cancellation::CancellationToken;
use janitor_contract::Endpoints;
use janitor_contract::answer::final_status;
/// A request of the component that the policy has allowed. It names its endpoint, and contains
/// neither a URL nor a credential.
pub use janitor_contract::types::Request;
use janitor_contract::types::{Error, Method};

/// Sends requests. Implement this trait to send them in another way.
///
/// A transport that sends through another one must forward all of these functions to it, including
/// those with defaults: a [`Network`](crate::Network) sends nothing before `begin`.
pub trait Transport: Send {
    /// Returns the servers to which this transport sends, if it has servers of its own.
    fn endpoints(&self) -> Option<&Endpoints> {
        None
    }

    /// Announces a run, before its first request. The default does nothing.
    fn begin(&mut self, run: &RunStart) {
        let _ = run;
    }

    /// Starts an exchange without waiting for the network. A request that cannot be sent fails in
    /// [`Exchange::finish`].
    fn send(&mut self, request: Request) -> Box<dyn Exchange>;

    /// Waits for this time, unless this transport has a clock of its own.
    fn pause(&mut self, duration: Duration);

    /// Returns the time since the run began. That is `real`, unless this transport has a clock of
    /// its own.
    fn elapsed(&mut self, real: Duration) -> Duration {
        real
    }
}

/// The data about a run that its transport gets when it begins.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunStart {
    /// The servers of the run.
    pub endpoints: Endpoints,
    /// The time that the run has left.
    pub time: Duration,
    /// The token that cancels the run.
    pub cancellation: CancellationToken,
    life: Life,
}

impl RunStart {
    /// Describes a run that starts now.
    pub fn new(endpoints: Endpoints, time: Duration, cancellation: CancellationToken) -> Self {
        Self { endpoints, time, cancellation, life: Life::default() }
    }

    /// Ties the description to a run that is over when `run` is dropped.
    #[must_use]
    pub fn of(self, run: &Running) -> Self {
        Self { life: run.life(), ..self }
    }

    /// Returns whether the run is over, so that nobody waits for its responses any more. A request
    /// that is still waiting to be sent is then discarded.
    pub fn is_over(&self) -> bool {
        self.life.is_over()
    }

    /// Returns the permission to send the run's requests.
    pub fn permit(&self) -> Permit {
        Permit {
            life: self.life.clone(),
            cancellation: self.cancellation.clone(),
            end: Instant::now().checked_add(self.time),
        }
    }
}

/// The permission to send the requests of one run. Whoever sends a request for it looks here before
/// each attempt, because the run may have ended since its component sent the request.
#[derive(Clone, Debug, Default)]
pub struct Permit {
    life: Life,
    cancellation: CancellationToken,
    end: Option<Instant>,
}

impl Permit {
    /// Returns whether a request with this method may be sent: none may after the end of the run or
    /// of its time, and after a cancellation only those that change nothing.
    pub fn covers(&self, method: Method) -> bool {
        let is_over = self.is_over() || self.end.is_some_and(|end| Instant::now() >= end);
        !is_over && (method == Method::Get || !self.cancellation.is_cancelled())
    }

    /// Returns the time that the run has left, if it has a time limit. No exchange may take much
    /// longer.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.cancellation.time_left()
    }

    /// Returns whether the run is over.
    pub(crate) fn is_over(&self) -> bool {
        self.life.is_over()
    }

    /// Returns whether nothing more may be changed, because the run is over or cancelled.
    #[cfg(feature = "zookeeper")]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_over() || self.cancellation.is_cancelled()
    }
}

/// A run that has not ended. The run owns it, and drops it at its end.
#[derive(Debug, Default)]
pub struct Running(Arc<()>);

impl Running {
    /// Returns what others need to notice the end of this run.
    fn life(&self) -> Life {
        Life(Some(Arc::downgrade(&self.0)))
    }
}

/// The knowledge whether a run is over.
#[derive(Clone, Debug, Default)]
struct Life(Option<Weak<()>>);

impl Life {
    /// Returns whether the run is over. A life that belongs to no run is never over.
    fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|run| run.strong_count() == 0)
    }
}

/// Returns the error of a request that was not sent because its run is over or cancelled.
pub fn over() -> Error {
    Error::Internal("it was not sent, because its run is over or cancelled".into())
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn endpoints(&self) -> Option<&Endpoints> {
        (**self).endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        (**self).begin(run);
    }

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

/// Converts a time into milliseconds, the unit of the contract.
pub fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// A request in flight.
pub trait Exchange: Send {
    /// Waits for the status and the headers of the response.
    ///
    /// # Errors
    /// Fails if there is no response. The errors `Denied`, `Stopped` and `TooLarge` are the host's
    /// own: a component gets `Internal` in their place.
    fn finish(self: Box<Self>) -> Result<Response, Error>;
}

/// Waits for a response that keeps the promises of the contract, whatever the transport: its status
/// is a final one, a body that has failed keeps failing, and no error claims to be the host's.
///
/// # Errors
/// Fails if there is no response, or if its status is not a final one.
pub fn finish(exchange: Box<dyn Exchange>) -> Result<Response, Error> {
    let response = exchange.finish().map_err(unclaimed)?;
    final_status(response.status)?;
    let body = Box::new(Steady { body: response.body, reads: Reads::default() });
    Ok(Response { body, ..response })
}

/// Returns the error of an exchange that had no response. An error that only the host may return is
/// replaced.
pub fn unclaimed(error: Error) -> Error {
    match error {
        Error::Denied(_) | Error::Stopped | Error::TooLarge(_) => misplaced(&error),
        error => error,
    }
}

/// A response.
pub struct Response {
    /// The HTTP status. A response with a status below 200 or above 599 does not reach a component.
    pub status: u16,
    /// The `Content-Type`, if the response has one.
    pub content_type: Option<String>,
    /// The body, which has not been read yet.
    pub body: Box<dyn Body>,
}

impl fmt::Debug for Response {
    /// Shows everything but the body.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { status, content_type, body: _ } = self;
        let mut debug = f.debug_struct("Response");
        debug.field("status", status).field("content_type", content_type).finish_non_exhaustive()
    }
}

/// A body that is read in chunks.
pub trait Body: Send {
    /// Reads the next bytes into the buffer, like [`std::io::Read::read`]; 0 marks the end of the
    /// body.
    ///
    /// # Errors
    /// Fails if the body is truncated.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error>;
}

/// A body that is not read again once it has ended or failed.
struct Steady {
    body: Box<dyn Body>,
    reads: Reads,
}

impl Body for Steady {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        match self.reads.over() {
            Some(over) => over,
            None => {
                let read = self.body.read(buffer);
                self.reads.settle(read, buffer.len())
            }
        }
    }
}

/// The rules for the reads of one body, whatever reads it.
#[derive(Debug, Default)]
pub struct Reads {
    /// The last result, once the body has ended or failed.
    over: Option<Result<usize, Error>>,
}

impl Reads {
    /// Returns the result of every further read, if the body has ended or failed.
    pub fn over(&self) -> Option<Result<usize, Error>> {
        self.over.clone()
    }

    /// Returns the result that a read into a buffer of this length has for the component.
    ///
    /// # Errors
    /// Fails if the read failed, or claims more bytes than the buffer can hold.
    pub fn settle(&mut self, read: Result<usize, Error>, length: usize) -> Result<usize, Error> {
        let read = match read {
            Err(error @ (Error::Denied(_) | Error::Stopped)) => Err(misplaced(&error)),
            Ok(count) if count > length => {
                Err(Error::Internal(format!("{count} bytes were read into a buffer of {length}")))
            }
            read => read,
        };
        // Zero bytes mean the end only if the buffer has room for some.
        if read.is_err() || (read == Ok(0) && length > 0) {
            self.over = Some(read.clone());
        }
        read
    }
}

/// Replaces an error that only the host may return.
fn misplaced(error: &Error) -> Error {
    Error::Internal(format!(
        "the transport returned an error that only the host may return: {}",
        error.of("the server")
    ))
}

impl Body for Cursor<Vec<u8>> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        std::io::Read::read(self, buffer).map_err(|error| Error::Internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exchange with this status, and with a body that continues after its end and after a
    /// failure.
    struct Loose(u16, Vec<Result<usize, Error>>);

    impl Exchange for Loose {
        fn finish(self: Box<Self>) -> Result<Response, Error> {
            Ok(Response { status: self.0, content_type: None, body: Box::new(Pieces(self.1)) })
        }
    }

    struct Pieces(Vec<Result<usize, Error>>);

    impl Body for Pieces {
        fn read(&mut self, _: &mut [u8]) -> Result<usize, Error> {
            self.0.remove(0)
        }
    }

    fn reads(pieces: Vec<Result<usize, Error>>) -> Vec<Result<usize, Error>> {
        let mut response = finish(Box::new(Loose(200, pieces))).unwrap();
        (0..3).map(|_| response.body.read(&mut [0; 4])).collect()
    }

    #[test]
    fn a_body_that_has_ended_or_failed_is_not_read_again() {
        let broken = || Err(Error::Reset);
        assert_eq!(reads(vec![Ok(4), broken(), Ok(0)]), [Ok(4), broken(), broken()]);
        assert_eq!(reads(vec![broken(), Ok(1), Ok(1)]), [broken(), broken(), broken()]);
        assert_eq!(reads(vec![Ok(1), Ok(0), Ok(1)]), [Ok(1), Ok(0), Ok(0)]);
        assert!(matches!(reads(vec![Ok(5)])[..], [Err(_), Err(_), Err(_)]));
    }

    #[test]
    fn only_the_host_denies_and_stops() {
        /// An exchange that ends like this.
        struct Ends(Error);

        impl Exchange for Ends {
            fn finish(self: Box<Self>) -> Result<Response, Error> {
                Err(self.0)
            }
        }

        for error in [Error::Denied("it".into()), Error::Stopped, Error::TooLarge(1)] {
            let end = finish(Box::new(Ends(error)));
            assert!(matches!(end, Err(Error::Internal(_))), "{end:?}");
        }
        assert_eq!(finish(Box::new(Ends(Error::Reset))).err(), Some(Error::Reset));
        let stopped = Loose(200, vec![Err(Error::Stopped)]);
        let mut response = finish(Box::new(stopped)).unwrap();
        let read = response.body.read(&mut [0; 4]);
        assert!(matches!(read, Err(Error::Internal(_))), "{read:?}");
    }

    #[test]
    fn only_a_final_status_is_an_answer() {
        for status in [0, 100, 199, 600, 999, u16::MAX] {
            let answer = finish(Box::new(Loose(status, vec![])));
            assert!(matches!(answer.err(), Some(Error::Protocol(_))), "{status}");
        }
        for status in [200, 204, 307, 404, 599] {
            assert!(finish(Box::new(Loose(status, vec![]))).is_ok(), "{status}");
        }
    }
}
