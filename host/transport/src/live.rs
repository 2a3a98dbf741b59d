//! Requests over the network, with ureq.

use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use http::Uri;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::uri::{Authority, Scheme};
use ureq::{Agent, AsSendBody};

use crate::login::{Credential, Credentials};
use crate::exchange::{Body, Exchange, Request, Response, Transport};
use crate::timeouts::NetworkLimits;
use crate::proxy::{ProxyError, Way};
use crate::tls;
use crate::tls::Tls;
use janitor_contract::endpoint;
use janitor_contract::types::{Endpoint, Error};

/// Sends requests over HTTP and HTTPS. A master that does not lead is followed to
/// the one that does; a token, or a client certificate, is taken there only if that one
/// was named too. Where
/// several masters are named, one that cannot be reached, or that cannot pass a
/// request on to the leader, is passed over. A request to the root of the master is for
/// the one that answered last. Connections are kept alive and shared; every wait has an end;
/// certificates are verified. The first proxy that the
/// environment names (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, in capitals or
/// not) is asked by `CONNECT` to reach every server but those in `NO_PROXY`. Where such a
/// setting cannot be honoured, nothing is sent ([`proxy::check`](crate::proxy::check)).
#[derive(Clone)]
pub struct Live {
    agent: Agent,
    way: Result<Way, ProxyError>,
    /// Whether a client certificate is shown over HTTPS.
    has_identity: bool,
    credentials: Arc<Credentials>,
    masters: Arc<Masters>,
}

/// The masters of a cluster, if several are named.
#[derive(Default)]
struct Masters {
    /// Their base URLs; requests are made for the first.
    bases: Vec<String>,
    /// The one that answered last as the leader does, named or not.
    answering: Mutex<Option<Authority>>,
}

impl Live {
    /// A transport that keeps to `limits`, and trusts and authenticates as it is
    /// told.
    pub fn new(limits: &NetworkLimits, tls: &Tls, credentials: Credentials) -> Self {
        let connections = limits.connections;
        let way = Way::from_environment(tls);
        let proxy = way.as_ref().ok().and_then(|way| way.proxy.clone());
        let config = Agent::config_builder()
            // Every status is an answer, and what it means is not known here.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_send_request(Some(limits.answer))
            .timeout_send_body(Some(limits.answer))
            .timeout_recv_response(Some(limits.answer))
            .timeout_recv_body(Some(limits.body))
            .timeout_per_read(Some(limits.answer))
            .tls_config(tls.config())
            .proxy(proxy)
            .user_agent(concat!("janitor/", env!("CARGO_PKG_VERSION")))
            .build();
        let (agent, credentials) = (config.into(), credentials.into());
        let has_identity = tls.has_identity();
        Self { agent, way, has_identity, credentials, masters: Arc::default() }
    }

    /// The same for a cluster whose masters are named: requests to the first one
    /// go to whichever of them answers.
    #[must_use]
    pub fn with_masters(self, bases: &[String]) -> Self {
        let masters = Masters { bases: bases.into(), ..Masters::default() };
        Self { masters: masters.into(), ..self }
    }
}

impl Transport for Live {
    /// One thread an exchange: the run's window bounds their number. A run that
    /// ends early does not wait for them.
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let live = self.clone();
        Box::new(InFlight::start(move || live.exchange(&request)))
    }

    fn pause(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// An exchange on a thread of its own, if there was one to be had.
struct InFlight(io::Result<mpsc::Receiver<Result<Response, Error>>>);

impl InFlight {
    fn start(exchange: impl FnOnce() -> Result<Response, Error> + Send + 'static) -> Self {
        let (answer, receiver) = mpsc::sync_channel(1);
        let spawned = thread::Builder::new().name("exchange".into()).spawn(move || {
            // When nobody waits any more, nobody needs the answer.
            let _ = answer.send(exchange());
        });
        Self(spawned.map(|_| receiver))
    }
}

impl Exchange for InFlight {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let exchange = self.0.map_err(|error| Error::Internal(format!("no thread: {error}")))?;
        exchange.recv().map_err(|_| Error::Internal("the exchange's thread broke down".into()))?
    }
}

impl Masters {
    /// The URLs at which a request may be answered, the likeliest first.
    fn places(&self, endpoint: Option<Endpoint>, url: &str) -> Vec<String> {
        match endpoint {
            Some(Endpoint::MasterRoot) => vec![self.at_the_root(url)],
            Some(Endpoint::Master) => self.at_each(url),
            _ => vec![url.to_owned()],
        }
    }

    /// The places of a request to the masters.
    fn at_each(&self, url: &str) -> Vec<String> {
        let Some(path) = self.bases.first().and_then(|first| url.strip_prefix(first.as_str()))
        else {
            return vec![url.to_owned()];
        };
        let mut places: Vec<_> = self.bases.iter().map(|base| format!("{base}{path}")).collect();
        let answering = self.answering();
        places.rotate_left(answering.and_then(|master| self.named(&master)).unwrap_or_default());
        places
    }

    /// The place of a request to the root of the master: the one that answered last,
    /// because one that does not lead would answer such a request by itself.
    fn at_the_root(&self, url: &str) -> String {
        let moved = self.answering().and_then(|master| match self.named(&master) {
            Some(index) => {
                let path = url.strip_prefix(endpoint::root(self.bases.first()?))?;
                Some(format!("{}{path}", endpoint::root(self.bases.get(index)?)))
            }
            None => {
                let mut parts = url.parse::<Uri>().ok()?.into_parts();
                parts.authority = Some(master);
                Uri::from_parts(parts).ok().map(|uri| uri.to_string())
            }
        });
        moved.unwrap_or_else(|| url.to_owned())
    }

    /// Whether a URL is of a server that is named, with the scheme that is named: one that
    /// is named with `https` is not sent a credential over `http`.
    fn is_named(&self, uri: &Uri) -> bool {
        self.bases
            .iter()
            .filter_map(|base| base.parse::<Uri>().ok())
            .any(|base| base.authority() == uri.authority() && base.scheme() == uri.scheme())
    }

    /// Which of those that are named this is, if it is one.
    fn named(&self, authority: &Authority) -> Option<usize> {
        let is_there =
            |base: &String| base.parse::<Uri>().is_ok_and(|uri| uri.authority() == Some(authority));
        self.bases.iter().position(is_there)
    }

    fn answering(&self) -> Option<Authority> {
        self.answering.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers which one answered.
    fn answered(&self, authority: Option<&Authority>) {
        *self.answering.lock().unwrap_or_else(PoisonError::into_inner) = authority.cloned();
    }
}

impl Live {
    /// Sends a request to the server it is meant for; if that is a master, to the
    /// first one that answers.
    fn exchange(&self, request: &Request) -> Result<Response, Error> {
        let places = self.masters.places(request.endpoint, &request.url);
        let last = places.len().saturating_sub(1);
        let mut result = Err(Error::Internal("there is no master to ask".into()));
        for (turn, url) in places.into_iter().enumerate() {
            result = self.follow(&url, request);
            let passed_over = match &result {
                Ok(response) => lacks_a_leader(response.status),
                // Neither has seen the request.
                Err(error) => matches!(error, Error::Dns | Error::Connect(_)),
            };
            if !passed_over || turn == last {
                break;
            }
        }
        result
    }

    /// Sends a request, and sends it again where a master that does not lead says.
    fn follow(&self, url: &str, request: &Request) -> Result<Response, Error> {
        /// A leader that changes while it is looked for is not chased for ever.
        const REDIRECTS: usize = 3;
        let mut uri: Uri = url.parse().map_err(|why| Error::Internal(format!("{why}")))?;
        let meant_for = uri.authority().cloned();
        let mut response = self.authenticated(&uri, request)?;
        for _ in 0..REDIRECTS {
            // A login is for the one server that it was meant for: its body is a secret.
            if request.endpoint.is_none() {
                break;
            }
            let Some(next) = redirected(&uri, &response) else { break };
            let known = next.authority() == meant_for.as_ref() || self.masters.is_named(&next);
            let has_credential = !matches!(self.credentials.of(request.endpoint), Credential::None);
            let shows_itself = self.has_identity && next.scheme() == Some(&Scheme::HTTPS);
            if !known && (has_credential || shows_itself) {
                return Err(Error::Internal(format!(
                    "it redirects to {}, and credentials are sent only to servers that are \
                     named; give the URLs of all masters",
                    place(&next)
                )));
            }
            uri = next;
            response = self.authenticated(&uri, request)?;
        }
        let status = response.status().as_u16();
        if request.endpoint == Some(Endpoint::Master) && !lacks_a_leader(status) {
            self.masters.answered(uri.authority());
        }
        if let Some(words) = elsewhere(&uri, &response) {
            let content_type = Some("text/plain; charset=utf-8".into());
            return Ok(Response {
                status,
                content_type,
                body: Box::new(Cursor::new(words.into())),
            });
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        Ok(Response {
            status,
            content_type: content_type
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into()),
            body: Box::new(Stream(response.into_body().into_reader())),
        })
    }
}

impl Live {
    /// Sends a request with the credentials there are, and once more with new ones
    /// when those are not valid any more.
    fn authenticated(
        &self,
        uri: &Uri,
        request: &Request,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let credential = self.credentials.of(request.endpoint);
        let authorization = credential.authorization();
        let response = self.send_to(uri, authorization.as_deref(), request)?;
        if response.status() != http::StatusCode::UNAUTHORIZED
            || !credential.renew(authorization.as_deref())
        {
            return Ok(response);
        }
        let authorization = credential.authorization();
        self.send_to(uri, authorization.as_deref(), request)
    }

    /// Sends a request once.
    fn send_to(
        &self,
        uri: &Uri,
        authorization: Option<&str>,
        request: &Request,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let way = self.way.as_ref().map_err(|why| Error::Connect(why.to_string()))?;
        let mut builder = http::Request::builder().method(request.method.name()).uri(uri);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        let is_direct = way.is_direct(uri);
        let response = match &request.content {
            Some(content) => builder
                .header(CONTENT_TYPE, &content.media_type)
                .body(content.bytes.as_slice())
                .map_err(ureq::Error::from)
                .and_then(|request| run(&self.agent, request, is_direct)),
            None => builder
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| run(&self.agent, request, is_direct)),
        };
        response.map_err(|error| match classify(error) {
            // TLS answers in plain HTTP with an alert, which is no HTTP.
            Error::Protocol(why) if uri.scheme() == Some(&Scheme::HTTP) => {
                Error::Protocol(format!("{why} (does its URL need https://?)"))
            }
            error => error,
        })
    }
}

/// Sends a request, through the proxy if there is one and the server is not reached
/// directly.
fn run<S: AsSendBody>(
    agent: &Agent,
    request: http::Request<S>,
    is_direct: bool,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    match is_direct {
        true => agent.run(agent.configure_request(request).proxy(None).build()),
        false => agent.run(request),
    }
}

/// Whether this is what a master, or a router before it, says when it knows no leader, or
/// one that does not answer or does not lead either.
fn lacks_a_leader(status: u16) -> bool {
    matches!(status, 307 | 502 | 503 | 504)
}

/// Where a master that does not lead sends a request: 307, with the scheme left
/// out (`//host:port/master/unreserve`) and `/master` in front of the path
/// (measured on Mesos 1.4 to 1.11). Anything that is not the same request to
/// another server is not followed.
fn redirected<B>(uri: &Uri, response: &http::Response<B>) -> Option<Uri> {
    if response.status() != http::StatusCode::TEMPORARY_REDIRECT {
        return None;
    }
    let next = location(uri, response)?;
    let (path, next_path) = (uri.path_and_query()?.as_str(), next.path_and_query()?.as_str());
    let same_path = next_path.strip_prefix("/master").unwrap_or(next_path)
        == path.strip_prefix("/master").unwrap_or(path);
    let plain = !next.authority()?.as_str().contains('@');
    (next.scheme() == uri.scheme() && same_path && plain).then_some(next)
}

/// What a response's `Location` names, if it is a whole URL or one without a scheme.
fn location<B>(uri: &Uri, response: &http::Response<B>) -> Option<Uri> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    match location.strip_prefix("//") {
        Some(rest) => format!("{}://{rest}", uri.scheme_str()?).parse().ok(),
        None => location.parse().ok(),
    }
}

/// How the words about a redirect begin.
pub(crate) const REDIRECTS: &str = "redirects to ";

/// What a redirect that is not followed says, for people, in place of its body.
fn elsewhere<B>(uri: &Uri, response: &http::Response<B>) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let next = location(uri, response)?;
    let is_https = uri.scheme() == Some(&Scheme::HTTP) && next.scheme() == Some(&Scheme::HTTPS);
    let only_the_scheme = uri.host() == next.host() && uri.path() == next.path();
    Some(match is_https && only_the_scheme {
        true => format!("{REDIRECTS}{}: use https:// in its URL", place(&next)),
        false => format!("{REDIRECTS}{}", place(&next)),
    })
}

/// A URL without what may be a secret in it.
fn place(uri: &Uri) -> String {
    let (host, path) = (uri.host().unwrap_or_default(), uri.path());
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    match uri.scheme_str() {
        Some(scheme) => format!("{scheme}://{host}{port}{path}"),
        None => path.to_owned(),
    }
}

/// The body of a response on the network.
struct Stream(ureq::BodyReader<'static>);

impl Body for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.read(buffer).map_err(|error| classify(error.into()))
    }
}

/// What an error of ureq means in the contract's words.
fn classify(error: ureq::Error) -> Error {
    use ureq::{Error as Ureq, Timeout};
    match error {
        Ureq::HostNotFound => Error::Dns,
        Ureq::Timeout(Timeout::Resolve | Timeout::Connect) => {
            Error::Connect("no connection in time".into())
        }
        Ureq::Timeout(_) => Error::Timeout,
        Ureq::ConnectionFailed => Error::Connect("connection failed".into()),
        Ureq::ConnectProxyFailed(why) => Error::Connect(format!("the proxy refuses: {why}")),
        Ureq::Tls(why) => Error::Tls(why.into()),
        Ureq::Rustls(why) => Error::Tls(tls::explain(&why)),
        Ureq::Protocol(why) => Error::Protocol(why.to_string()),
        why @ Ureq::LargeResponseHeader(..) => Error::Protocol(why.to_string()),
        Ureq::Io(why) => classify_io(&why),
        why => Error::Internal(why.to_string()),
    }
}

fn classify_io(error: &io::Error) -> Error {
    // rustls reports a refused certificate this way.
    if let Some(why) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Error::Tls(tls::explain(why));
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Error::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Error::Reset,
        ErrorKind::InvalidData => Error::Tls(error.to_string()),
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Error::Connect(error.to_string()),
        // The standard library has no kind of its own for a failed look-up.
        _ if error.to_string().starts_with("failed to lookup address") => Error::Dns,
        _ => Error::Internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, status: u16, location: &str) -> Option<String> {
        let response =
            http::Response::builder().status(status).header(LOCATION, location).body(()).unwrap();
        redirected(&from.parse().unwrap(), &response).map(|uri| uri.to_string())
    }

    fn masters(bases: &[&str], answering: &'static str) -> Masters {
        let masters = Masters {
            bases: bases.iter().map(|base| (*base).into()).collect(),
            ..Masters::default()
        };
        masters.answered(Some(&Authority::from_static(answering)));
        masters
    }

    #[test]
    fn the_master_that_answers_is_asked_first() {
        let masters =
            masters(&["http://m1/master/", "http://m2/master/", "http://m3/master/"], "m2");
        let places = |endpoint, url| masters.places(Some(endpoint), url);
        assert_eq!(
            places(Endpoint::Master, "http://m1/master/slaves"),
            ["http://m2/master/slaves", "http://m3/master/slaves", "http://m1/master/slaves"]
        );
        for url in ["http://exhibitor/slaves", "http://m1/master/slaves"] {
            assert_eq!(places(Endpoint::Exhibitor, url), [url]);
        }
        assert_eq!(masters.named(&Authority::from_static("m3")), Some(2));
        assert_eq!(masters.named(&Authority::from_static("m4")), None);
        for (url, is_named) in
            [("http://m3/x", true), ("https://m3/x", false), ("http://m4/x", false)]
        {
            assert_eq!(masters.is_named(&url.parse().unwrap()), is_named, "{url}");
        }
    }

    #[test]
    fn the_root_is_that_of_the_master_that_answered() {
        let two = &["http://m1:5050/master/", "http://router/mesos/master/"][..];
        for (bases, answering, place) in [
            (two, "m1:5050", "http://m1:5050/version"),
            (two, "router", "http://router/mesos/version"),
            (two, "m3:5050", "http://m3:5050/version"),
            (&[], "m3:5050", "http://m3:5050/version"),
            (&[], "m1:5050", "http://m1:5050/version"),
        ] {
            let places = masters(bases, answering)
                .places(Some(Endpoint::MasterRoot), "http://m1:5050/version");
            assert_eq!(places, [place], "{answering}");
        }
        let nobody = Masters::default();
        let url = "http://m1:5050/version";
        assert_eq!(nobody.places(Some(Endpoint::MasterRoot), url), [url]);
    }

    #[test]
    fn a_redirect_names_where_it_points() {
        for (from, location, words) in [
            (
                "http://m/mesos/slaves",
                "https://m/mesos/slaves",
                Some("redirects to https://m/mesos/slaves: use https:// in its URL"),
            ),
            (
                "http://m:80/x?key=a",
                "https://m/x?key=a",
                Some("redirects to https://m/x: use https:// in its URL"),
            ),
            ("https://m/x", "https://m/login?token=canary", Some("redirects to https://m/login")),
            ("https://m/x", "https://u:canary@m/x#canary", Some("redirects to https://m/x")),
            ("http://m/x", "//n:5050/x", Some("redirects to http://n:5050/x")),
            ("http://m/x", "/login", Some("redirects to /login")),
            ("http://m/x", "", None),
        ] {
            let response = |status: u16| {
                let builder = http::Response::builder().status(status);
                builder.header(LOCATION, location).body(()).unwrap()
            };
            let from = from.parse().unwrap();
            assert_eq!(elsewhere(&from, &response(302)).as_deref(), words, "{location}");
            assert_eq!(elsewhere(&from, &response(200)), None);
        }
    }

    #[test]
    fn the_leading_master_is_followed() {
        for from in ["http://m1:5050/master/unreserve", "http://m1:5050/unreserve"] {
            for location in [
                "//m2:5050/master/unreserve",
                "http://m2:5050/master/unreserve",
                "//m2:5050/unreserve",
            ] {
                assert!(follow(from, 307, location).unwrap().starts_with("http://m2:5050/"));
            }
        }
    }

    #[test]
    fn nothing_else_is_followed() {
        let from = "https://m1:5050/master/unreserve";
        for (status, location) in [
            (302, "//m2:5050/master/unreserve"),
            (200, "//m2:5050/master/unreserve"),
            (307, "http://m2:5050/master/unreserve"),
            (307, "//m2:5050/master/teardown"),
            (307, "//m2:5050/master/unreserve?x=y"),
            (307, "//u:p@m2:5050/master/unreserve"),
            (307, "/master/unreserve"),
            (307, "//"),
            (307, ""),
        ] {
            assert_eq!(follow(from, status, location), None, "{status} {location}");
        }
    }
}
