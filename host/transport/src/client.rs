//! The HTTP client: connections, TLS, proxy and timeouts. It sends each request once, to one URL,
//! and follows no redirect.

use std::fmt;
use std::io::{self, Cursor, ErrorKind, Read};
use std::time::Duration;

use http::Uri;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::uri::Scheme;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, AsSendBody};

use crate::connect::{Step, Unconnected, connector, unmarked};
use crate::exchange::{Body, Response};
use crate::proxy::ProxySettings;
use crate::timeouts::Timeouts;
use crate::tls::{self, Tls, TrustFault};
use janitor_contract::endpoint::without_secrets;
use janitor_contract::types::{Content, Error, Method};

/// An HTTP client. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    proxy: ProxySettings,
    has_identity: bool,
    timeouts: Timeouts,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { agent: _, proxy, has_identity, timeouts } = self;
        let mut debug = f.debug_struct("Client");
        debug.field("proxy", proxy).field("has_identity", has_identity);
        debug.field("timeouts", timeouts).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client without connections.
    pub(crate) fn new(timeouts: Timeouts, tls: &Tls, proxy: ProxySettings) -> Self {
        /// The number of idle connections that are kept, which is the number of exchanges that a
        /// run may have in flight.
        const CONNECTIONS: usize = 32;
        let Timeouts { connect, answer, body, late: _ } = timeouts;
        let config = Agent::config_builder()
            // Every status is a response, and only the caller knows its meaning.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(CONNECTIONS)
            .max_idle_connections_per_host(CONNECTIONS)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_send_request(Some(answer))
            .timeout_send_body(Some(answer))
            .timeout_recv_response(Some(answer))
            .timeout_recv_body(Some(body))
            .timeout_per_read(Some(answer))
            .tls_config(tls.config())
            .proxy(proxy.proxy().cloned())
            .user_agent(concat!("janitor/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(config, connector(), DefaultResolver::default());
        Self { agent, proxy, has_identity: tls.has_identity(), timeouts }
    }

    /// Returns whether the client presents a certificate over HTTPS.
    pub(crate) fn has_identity(&self) -> bool {
        self.has_identity
    }

    /// Returns the settings of the proxy.
    pub(crate) fn proxy(&self) -> &ProxySettings {
        &self.proxy
    }

    /// Sends a request once, and waits for the status and the headers of the response. If the run has
    /// only some time left, the whole response must arrive soon after it.
    pub(crate) fn send(
        &self,
        method: Method,
        uri: &Uri,
        authorization: Option<&str>,
        content: Option<&Content>,
        left: Option<Duration>,
    ) -> Result<Answer, Error> {
        let limit = left.map(|left| left.saturating_add(self.late(method)));
        let mut builder = http::Request::builder().method(method.name()).uri(uri);
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        let response = match content {
            Some(content) => builder
                .header(CONTENT_TYPE, &content.media_type)
                .body(content.bytes.as_slice())
                .map_err(ureq::Error::from)
                .and_then(|request| self.run(request, limit)),
            None => builder
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| self.run(request, limit)),
        };
        response.map(Answer).map_err(|error| match unmarked(error) {
            Ok(Unconnected { step: Step::Proxy, error }) => self.proxy_fault(error),
            Ok(Unconnected { step, error }) => not_sent(error, step, uri),
            Err(error) => match classify(error) {
                // A server that expects TLS answers plain HTTP with an alert, which is not HTTP.
                Error::Protocol(why) if uri.scheme() == Some(&Scheme::HTTP) => {
                    Error::Protocol(format!("{why} (does its URL need https://?)"))
                }
                error => error,
            },
        })
    }

    /// Describes an error on the way to the proxy, or the proxy's refusal.
    fn proxy_fault(&self, error: ureq::Error) -> Error {
        let name = self.proxy.name();
        Error::Connect(match error {
            ureq::Error::ConnectProxyFailed(why) => {
                // The reason has the form `proxy server responded 502/502`.
                let why = why.strip_prefix("proxy server ").unwrap_or(&why);
                let why = why.split('/').next().unwrap_or_default();
                format!("{name} {why}")
            }
            error => match unopened(error) {
                Error::Protocol(why) => format!("{name} does not answer as an HTTP proxy: {why}"),
                error => error.of(&name),
            },
        })
    }

    /// Returns the time that an exchange has once the time limit of its run is over.
    fn late(&self, method: Method) -> Duration {
        let Timeouts { answer, late, .. } = self.timeouts;
        if method == Method::Get { late } else { answer }
    }

    /// Sends a request through the proxy, if there is one and the server is not reached directly.
    fn run<S: AsSendBody>(
        &self,
        request: http::Request<S>,
        limit: Option<Duration>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let is_direct = self.proxy.is_direct(request.uri());
        let request = self.agent.configure_request(request).timeout_global(limit);
        self.agent.run(if is_direct { request.proxy(None).build() } else { request.build() })
    }
}

/// A response whose body has not been read yet.
pub(crate) struct Answer(http::Response<ureq::Body>);

impl Answer {
    /// Returns the status.
    pub(crate) fn status(&self) -> http::StatusCode {
        self.0.status()
    }

    /// Returns the URL in the `Location` header, if it is absolute or lacks only its scheme.
    pub(crate) fn location(&self, uri: &Uri) -> Option<Uri> {
        location_of(uri, &self.0)
    }

    /// Converts the response to a request to this URL into that of a transport. A description of a
    /// redirect replaces its body.
    pub(crate) fn into_response(self, uri: &Uri) -> Response {
        let Self(response) = self;
        let status = response.status().as_u16();
        if let Some(description) = redirection(uri, &response) {
            let content_type = Some("text/plain; charset=utf-8".into());
            return Response {
                status,
                content_type,
                body: Box::new(Cursor::new(description.into())),
            };
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type =
            content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
        Response {
            status,
            content_type,
            body: Box::new(Stream(response.into_body().into_reader())),
        }
    }
}

/// Returns the URL in the `Location` header of a response, if it is absolute or lacks only its
/// scheme.
pub(crate) fn location_of<B>(uri: &Uri, response: &http::Response<B>) -> Option<Uri> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    match location.strip_prefix("//") {
        Some(rest) => format!("{}://{rest}", uri.scheme_str()?).parse().ok(),
        None => location.parse().ok(),
    }
}

/// The beginning of the description of a redirect.
pub(crate) const REDIRECTION: &str = "redirects to ";

/// Describes a redirect that is not followed, for people.
fn redirection<B>(uri: &Uri, response: &http::Response<B>) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    let next = location_of(uri, response)?;
    let is_https = uri.scheme() == Some(&Scheme::HTTP) && next.scheme() == Some(&Scheme::HTTPS);
    let only_the_scheme = uri.host() == next.host() && uri.path() == next.path();
    Some(match is_https && only_the_scheme {
        true => format!("{REDIRECTION}{}: use https:// in its URL", without_secrets(&next)),
        false => format!("{REDIRECTION}{}", without_secrets(&next)),
    })
}

/// The body of a response on the network.
struct Stream(ureq::BodyReader<'static>);

impl Body for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.read(buffer).map_err(|error| classify(error.into()))
    }
}

/// Describes the error of a connection to a server that could not be opened, so that the server has
/// not seen the request.
fn not_sent(error: ureq::Error, step: Step, uri: &Uri) -> Error {
    let is_cut = |error: &io::Error| classify_io(error) == Error::Reset;
    let plain = || {
        let place = uri.authority().map_or("", |authority| authority.as_str());
        format!("does its URL begin with http://{place}/ instead?")
    };
    match error {
        ureq::Error::Io(why) if step == Step::Handshake && is_cut(&why) => {
            Error::Connect(format!("it ends the TLS handshake ({})", plain()))
        }
        error => match unopened(error) {
            Error::Tls(why) if why == TrustFault::NoTls.text() => {
                Error::Tls(format!("{why} ({})", plain()))
            }
            Error::Protocol(why) => Error::Connect(why),
            error => error,
        },
    }
}

/// Converts the error of a connection that could not be opened.
fn unopened(error: ureq::Error) -> Error {
    let is_io = |error: &Error| !matches!(error, Error::Tls(_) | Error::Dns | Error::Timeout);
    match error {
        ureq::Error::Io(why) => match classify_io(&why) {
            error if is_io(&error) => Error::Connect(why.to_string()),
            Error::Timeout => Error::Connect(NO_CONNECTION.into()),
            error => error,
        },
        ureq::Error::Timeout(_) => Error::Connect(NO_CONNECTION.into()),
        error => match classify(error) {
            Error::Internal(why) => Error::Connect(why),
            error => error,
        },
    }
}

/// The description of a connection that takes too long.
const NO_CONNECTION: &str = "no connection within the time limit";

/// Converts an error of ureq into one of the contract.
fn classify(error: ureq::Error) -> Error {
    use ureq::{Error as Ureq, Timeout};
    match error {
        Ureq::HostNotFound => Error::Dns,
        Ureq::Timeout(Timeout::Resolve | Timeout::Connect) => Error::Connect(NO_CONNECTION.into()),
        Ureq::Timeout(_) => Error::Timeout,
        Ureq::ConnectionFailed => Error::Connect("connection failed".into()),
        Ureq::Tls(why) => Error::Tls(why.into()),
        Ureq::Rustls(why) => Error::Tls(tls::explain(&why)),
        Ureq::Protocol(why) => Error::Protocol(why.to_string()),
        why @ Ureq::LargeResponseHeader(..) => Error::Protocol(why.to_string()),
        Ureq::Io(why) => classify_io(&why),
        why => Error::Internal(why.to_string()),
    }
}

/// Converts the error of an open connection: the server may have seen the request.
fn classify_io(error: &io::Error) -> Error {
    // rustls reports a rejected certificate in this way.
    if let Some(why) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Error::Tls(tls::explain(why));
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Error::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        // The network may fail while the connection is open.
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::NotConnected => Error::Reset,
        ErrorKind::InvalidData => Error::Tls(error.to_string()),
        // The standard library has no kind for a failed lookup of a name.
        _ if error.to_string().starts_with("failed to lookup address") => Error::Dns,
        _ => Error::Internal(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only an error of a step before the request proves that no server has seen it.
    #[test]
    fn a_network_that_fails_later_is_not_one_without_a_connection() {
        let uri = "http://h/".parse().unwrap();
        for kind in [
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::NetworkDown,
            ErrorKind::ConnectionReset,
        ] {
            let error = || ureq::Error::Io(kind.into());
            assert_eq!(classify(error()), Error::Reset, "{kind}");
            let not_sent = not_sent(error(), Step::Tcp, &uri);
            assert_eq!(not_sent, Error::Connect(kind.to_string()));
        }
        let late = || ureq::Error::Timeout(ureq::Timeout::RecvResponse);
        assert_eq!(classify(late()), Error::Timeout);
        assert!(matches!(not_sent(late(), Step::Handshake, &uri), Error::Connect(_)));
    }

    #[test]
    fn the_description_of_a_redirect_names_its_target() {
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
            assert_eq!(redirection(&from, &response(302)).as_deref(), words, "{location}");
            assert_eq!(redirection(&from, &response(200)), None);
        }
    }
}
