//! The requests to the leading master that ZooKeeper names.

use std::io::Cursor;

use super::{Live, lacks_a_leader};
use crate::exchange::{Permit, Request, Response, RunStart};
use crate::zookeeper::Detector;
use janitor_contract::endpoint::root;
use janitor_contract::types::{Endpoint, Error};

impl Live {
    /// Sends the requests to the masters to the one that ZooKeeper names.
    pub(crate) fn with_detector(self, detector: Option<Detector>) -> Self {
        Self { detector, ..self }
    }

    /// Starts a session with ZooKeeper for a run, if the masters are found there.
    pub(crate) fn begin(&mut self, run: &RunStart) {
        if let Some(detector) = &mut self.detector {
            detector.begin(run);
        }
    }

    /// Sends a request to the leading master, and to its successor if it has not accepted the
    /// request. A redirect is not followed, because only ZooKeeper names the leader. A leader that
    /// does not answer is looked up again for the next request.
    pub(super) fn at_the_detected(
        &self,
        detector: &Detector,
        request: &Request,
        permit: &Permit,
    ) -> Result<Response, Error> {
        /// The most changes of the leader during one request.
        const MOST_CHANGES: usize = 3;
        const NONE: &str = "No master is registered in ZooKeeper, so none is elected yet";
        let mut last: Option<String> = None;
        let mut result = Ok(unavailable(NONE.into()));
        for _ in 0..=MOST_CHANGES {
            let Some(leader) = detector.leader()?.filter(|it| last.as_ref() != Some(it)) else {
                break;
            };
            let base = match request.endpoint {
                Endpoint::MasterRoot => root(&leader),
                _ => &leader,
            };
            let uri = request.url(base).parse();
            let uri = uri.map_err(|why| Error::Internal(format!("{why}")))?;
            let answer = self.authenticated(&uri, request, permit);
            result = match answer.map(|answer| answer.into_response(&uri)) {
                Ok(response) if !lacks_a_leader(response.status) => return Ok(response),
                // A dead master stays registered until its session with ZooKeeper expires.
                Err(error @ (Error::Dns | Error::Connect(_))) => {
                    Ok(unavailable(error.of(&format!("{leader}, which leads in ZooKeeper"))))
                }
                result => result,
            };
            detector.doubt(&leader);
            last = Some(leader);
            if result.is_err() || !permit.covers(request.method) {
                break;
            }
        }
        result
    }
}

/// The response in the place of a leader that does not answer, or while none is registered. A master
/// that knows no leader answers with the same status, and the component waits for an election.
fn unavailable(why: String) -> Response {
    let content_type = Some("text/plain; charset=utf-8".into());
    Response { status: 503, content_type, body: Box::new(Cursor::new(why.into_bytes())) }
}
