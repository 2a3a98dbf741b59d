//! A transport that sends no change, for a run to which nobody has given consent.

use std::time::Duration;

use janitor_contract::types::{Endpoint, Error, Method};
use janitor_host::Endpoints;
use janitor_transport::exchange::{Exchange, Request, Response, RunStart, Transport};

/// A transport that sends only requests that change nothing.
pub struct ReadOnly(pub Box<dyn Transport>);

/// Returns whether a request changes nothing. The calls of the master's operator API that a run may
/// send only read, although they are sent with POST.
fn is_read(request: &Request) -> bool {
    match request.method {
        Method::Get => true,
        Method::Post => request.endpoint == Endpoint::Master && request.path == ["api", "v1"],
        Method::Delete => false,
    }
}

impl Transport for ReadOnly {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.0.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.0.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        match is_read(&request) {
            true => self.0.send(request),
            false => Box::new(Unsent),
        }
    }

    fn pause(&mut self, duration: Duration) {
        self.0.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.0.elapsed(real)
    }
}

/// A request that was not sent.
struct Unsent;

impl Exchange for Unsent {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Err(Error::Internal("it was not sent, because nobody has given consent to a change".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reads_pass() {
        let request = |method, endpoint, path: &[&str]| Request {
            method,
            endpoint,
            path: path.iter().map(ToString::to_string).collect(),
            query: vec![],
            content: None,
        };
        for (method, endpoint, path, passes) in [
            (Method::Get, Endpoint::Master, &["slaves"][..], true),
            (Method::Get, Endpoint::Exhibitor, &["exhibitor", "v1"], true),
            (Method::Post, Endpoint::Master, &["api", "v1"], true),
            (Method::Post, Endpoint::MasterRoot, &["api", "v1"], false),
            (Method::Post, Endpoint::Master, &["teardown"], false),
            (Method::Post, Endpoint::Master, &["unreserve"], false),
            (Method::Post, Endpoint::Master, &["destroy-volumes"], false),
            (Method::Delete, Endpoint::Exhibitor, &["exhibitor"], false),
            (Method::Delete, Endpoint::Marathon, &["janitor"], false),
        ] {
            assert_eq!(is_read(&request(method, endpoint, path)), passes, "{path:?}");
        }
    }
}
