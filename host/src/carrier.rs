//! A transport in the form that a run uses: blocking, or async.

use std::time::Duration;

use janitor_contract::types::Request;
use janitor_transport::exchange::{Body, Exchange, RunStart, Transport};

/// A transport, in one of its two forms. Everything that does not wait is the same for both.
pub trait Carrier: Send + 'static {
    /// A request in flight.
    type Exchange: Send + 'static;
    /// The body of a response.
    type Body: Send + 'static;

    /// Announces a run, before its first request.
    fn begin(&mut self, run: &RunStart);

    /// Starts an exchange without waiting for the network.
    fn send(&mut self, request: Request) -> Self::Exchange;

    /// Returns the time since the run began, if it really is `real`.
    fn elapsed(&mut self, real: Duration) -> Duration;
}

impl Carrier for Box<dyn Transport> {
    type Exchange = Box<dyn Exchange>;
    type Body = Box<dyn Body>;

    fn begin(&mut self, run: &RunStart) {
        (**self).begin(run);
    }

    fn send(&mut self, request: Request) -> Self::Exchange {
        (**self).send(request)
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        (**self).elapsed(real)
    }
}
