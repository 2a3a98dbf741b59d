//! The servers of a recorded cleanup: they answer from the recording.

use std::path::Path;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use janitor_contract::Endpoints;
use janitor_contract::types::{Content, Endpoint, Error, Method};
use janitor_tests::Answering;
use janitor_transport::exchange::Request;
use janitor_transport::recording::har::Run;
use janitor_transport::recording::read::Replay;
use percent_encoding::percent_decode_str;

use super::hosts::Place;

/// A recording that servers on loopback play.
pub struct Recorded {
    replay: Replay,
    servers: [(Answering, String); 3],
}

impl Recorded {
    pub fn start(recording: &Path) -> Self {
        let replay = Replay::open(recording).unwrap();
        let Run { endpoints, elapsed, .. } = replay.run();
        // The client of these servers has a clock of its own, so the recorded times are skipped.
        for _ in elapsed.into_iter().flatten() {
            replay.transport().elapsed(Duration::ZERO);
        }
        let servers = [Endpoint::Master, Endpoint::Exhibitor, Endpoint::Marathon].map(|endpoint| {
            let base = endpoints.base(endpoint);
            let path = base.splitn(4, '/').nth(3).unwrap();
            let origin = base.strip_suffix(&format!("/{path}")).unwrap().to_owned();
            let replay = replay.clone();
            let server = Answering::start(move |request| {
                let url = format!("{origin}{}", request.uri());
                answer(&replay, &url, request).unwrap_or_else(|why| {
                    let body = format!("{why:?}").into_bytes();
                    http::Response::builder().status(500).body(body).unwrap()
                })
            });
            let url = format!("{}/{path}", server.origin());
            (server, url)
        });
        Self { replay, servers }
    }

    /// Returns the URLs of the servers.
    pub fn place(&self) -> Place {
        let [master, exhibitor, marathon] = self.servers.each_ref().map(|(_, url)| url.clone());
        Place { master, exhibitor, marathon }
    }

    /// Returns the requests that are not in the recording, and the recorded ones that were not
    /// repeated.
    pub fn deviations(&self) -> Vec<String> {
        self.replay.deviations()
    }
}

/// Returns the recorded answer to a request.
fn answer(
    replay: &Replay,
    url: &str,
    request: &http::Request<Vec<u8>>,
) -> Result<http::Response<Vec<u8>>, Error> {
    let content = request.headers().get(CONTENT_TYPE).map(|media_type| Content {
        media_type: media_type.to_str().unwrap().into(),
        bytes: request.body().clone(),
    });
    let methods = [Method::Get, Method::Post, Method::Delete];
    let method = methods.into_iter().find(|method| method.name() == request.method().as_str());
    let method = method.unwrap();
    let endpoints = replay.run().endpoints;
    let (endpoint, path, query) = located(&endpoints, url);
    let request = Request { endpoint, method, path, query, content };
    assert_eq!(endpoints.url(&request), url, "a host encodes as the contract says");
    let mut recorded = replay.transport().send(request).finish()?;
    let mut body = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        match recorded.body.read(&mut buffer)? {
            0 => break,
            count => body.extend_from_slice(&buffer[..count]),
        }
    }
    let mut response = http::Response::builder().status(recorded.status);
    if let Some(content_type) = recorded.content_type {
        response = response.header(CONTENT_TYPE, content_type);
    }
    Ok(response.body(body).unwrap())
}

/// Returns the endpoint of a URL, and the path and query below it.
fn located(endpoints: &Endpoints, url: &str) -> (Endpoint, Vec<String>, Vec<(String, String)>) {
    let all = [
        Endpoint::Master,
        Endpoint::MasterRoot,
        Endpoint::Exhibitor,
        Endpoint::Marathon,
        Endpoint::MarathonPods,
    ];
    let below = all.map(|endpoint| Some((endpoint, url.strip_prefix(endpoints.base(endpoint))?)));
    let (endpoint, rest) =
        below.into_iter().flatten().min_by_key(|(_, rest)| rest.len()).expect("an endpoint");
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let query = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    (endpoint, path.split('/').map(decoded).collect(), query)
}
