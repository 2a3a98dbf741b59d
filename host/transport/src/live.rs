//! Exchanges with Mesos, Exhibitor and Marathon over HTTP.

#[cfg(feature = "zookeeper")]
mod detected;
mod masters;

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;

use http::uri::Scheme;
use http::{StatusCode, Uri};

use self::masters::Masters;
use crate::client::{Answer, Client};
use crate::credentials::{Credential, Credentials};
use crate::exchange::{Exchange, Permit, Request, Response, over};
#[cfg(feature = "login")]
use crate::login::LoginError;
use crate::proxy::ProxySettings;
use crate::turns::Ticket;
#[cfg(feature = "zookeeper")]
use crate::zookeeper::Detector;
use janitor_contract::Endpoints;
use janitor_contract::endpoint::without_secrets;
#[cfg(feature = "zookeeper")]
use janitor_contract::request::Server;
use janitor_contract::types::{Endpoint, Error};

/// Sends requests over HTTP and HTTPS, with the credentials of their servers. A redirect from a
/// master that does not lead is followed to the leading one; a credential, or a client certificate,
/// is sent there only if its URL was given too. If several masters are given, one that cannot be
/// reached, or cannot forward a request to the leader, is skipped. A request to the root of the
/// master is sent to the one that answered last.
///
/// If the masters are named by their group, all their requests are sent to the one that ZooKeeper
/// names.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    client: Client,
    #[cfg(feature = "zookeeper")]
    detector: Option<Detector>,
    credentials: Arc<Credentials>,
    masters: Arc<Masters>,
}

impl Live {
    /// Creates a transport to these servers, without credentials.
    pub(crate) fn new(client: Client, endpoints: Arc<Endpoints>) -> Self {
        let masters = Masters::new(endpoints).into();
        Self {
            client,
            #[cfg(feature = "zookeeper")]
            detector: None,
            credentials: Arc::default(),
            masters,
        }
    }

    /// Replaces the credentials.
    pub(crate) fn with_credentials(self, credentials: Credentials) -> Self {
        #[cfg(feature = "zookeeper")]
        let detector = self.detector.map(|it| it.with_login(credentials.zookeeper.clone()));
        Self {
            credentials: credentials.into(),
            #[cfg(feature = "zookeeper")]
            detector,
            ..self
        }
    }

    /// Returns the settings of the proxy.
    pub(crate) fn proxy(&self) -> &ProxySettings {
        self.client.proxy()
    }

    /// Returns the leading master that ZooKeeper has named, if it was asked.
    pub(crate) fn detected_master(&self) -> Option<String> {
        #[cfg(feature = "zookeeper")]
        return self.detector.as_ref()?.found();
        #[cfg(not(feature = "zookeeper"))]
        None
    }

    /// Performs those logins that have no token yet.
    ///
    /// # Errors
    /// Fails if one of the logins returns no token.
    #[cfg(feature = "login")]
    pub(crate) fn log_in(&self) -> Result<(), LoginError> {
        let mut logins = self.credentials.logins().filter(|login| login.authorization().is_none());
        logins.try_for_each(|login| login.log_in(&self.client, self.masters.endpoints()))
    }

    /// Starts an exchange on a thread of its own; the window of a run limits their number. A run
    /// that is cancelled or fails does not wait for them. A request that still waits for its turn
    /// then is not sent, and one that a server has not accepted is not sent to another.
    pub(crate) fn start(&self, request: Request, permit: Permit, ticket: Ticket) -> InFlight {
        let live = self.clone();
        InFlight::start(move || {
            let place = ticket.wait(&permit, request.method);
            match place.filter(|_| permit.covers(request.method)) {
                Some(place) => live.exchange(&request, &permit).map(|it| place.keep(it)),
                None => Err(over()),
            }
        })
    }

    /// Sends a request to its server, or to the first master that answers.
    fn exchange(&self, request: &Request, permit: &Permit) -> Result<Response, Error> {
        #[cfg(feature = "zookeeper")]
        if let (Server::Master, Some(detector)) = (request.endpoint.server(), &self.detector) {
            return self.at_the_detected(detector, request, permit);
        }
        let places = self.masters.places(request);
        let last = places.len().saturating_sub(1);
        let mut result = Err(Error::Internal("there is no master".into()));
        for (turn, url) in places.into_iter().enumerate() {
            result = self.follow(&url, request, permit);
            let is_skipped = match &result {
                Ok(response) => lacks_a_leader(response.status),
                // The leader has not received the request in either case.
                Err(error) => matches!(error, Error::Dns | Error::Connect(_)),
            };
            if !is_skipped || turn == last || !permit.covers(request.method) {
                break;
            }
        }
        result
    }

    /// Sends a request, and sends it again to the target of a redirect from a master that does not
    /// lead.
    fn follow(&self, url: &str, request: &Request, permit: &Permit) -> Result<Response, Error> {
        /// The most redirects that are followed, in case the leader changes meanwhile.
        const MOST_REDIRECTS: usize = 3;
        let mut uri: Uri = url.parse().map_err(|why| Error::Internal(format!("{why}")))?;
        let original = uri.authority().cloned();
        let mut answer = self.authenticated(&uri, request, permit)?;
        for _ in 0..MOST_REDIRECTS {
            if !permit.covers(request.method) {
                break;
            }
            let Some(next) = leader(&uri, answer.status(), answer.location(&uri)) else { break };
            let is_known = next.authority() == original.as_ref() || self.masters.is_named(&next);
            let has_credential = !matches!(self.credentials.of(request.endpoint), Credential::None);
            let shows_identity =
                self.client.has_identity() && next.scheme() == Some(&Scheme::HTTPS);
            if !is_known && (has_credential || shows_identity) {
                return Err(Error::Internal(format!(
                    "it redirects to {}, and credentials are sent only to servers that are \
                     named; give the URLs of all masters",
                    without_secrets(&next)
                )));
            }
            uri = next;
            answer = self.authenticated(&uri, request, permit)?;
        }
        if request.endpoint == Endpoint::Master && !lacks_a_leader(answer.status().as_u16()) {
            self.masters.answered(uri.authority());
        }
        Ok(answer.into_response(&uri))
    }

    /// Sends a request with the current credentials, and once more with new ones if they are
    /// refused.
    fn authenticated(
        &self,
        uri: &Uri,
        request: &Request,
        permit: &Permit,
    ) -> Result<Answer, Error> {
        let Request { endpoint, method, content, .. } = request;
        let credential = self.credentials.of(*endpoint);
        let send = |authorization: Option<&str>| {
            self.client.send(*method, uri, authorization, content.as_ref(), permit.time_left())
        };
        let authorization = credential.authorization();
        let answer = send(authorization.as_deref())?;
        let refused = authorization.as_deref();
        if answer.status() != StatusCode::UNAUTHORIZED
            || !permit.covers(*method)
            || !credential.renew(refused, &self.client, self.masters.endpoints())
            || !permit.covers(*method)
        {
            return Ok(answer);
        }
        send(credential.authorization().as_deref())
    }
}

/// An exchange on a thread of its own, if one could be started.
pub(crate) struct InFlight(io::Result<mpsc::Receiver<Result<Response, Error>>>);

impl InFlight {
    fn start(exchange: impl FnOnce() -> Result<Response, Error> + Send + 'static) -> Self {
        let (answer, receiver) = mpsc::sync_channel(1);
        let spawned = thread::Builder::new().name("exchange".into()).spawn(move || {
            // A caller that no longer waits does not need the response.
            let _ = answer.send(exchange());
        });
        Self(spawned.map(|_| receiver))
    }
}

impl Exchange for InFlight {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let exchange = self
            .0
            .map_err(|error| Error::Internal(format!("no thread could be started: {error}")))?;
        exchange.recv().map_err(|_| Error::Internal("the exchange's thread failed".into()))?
    }
}

/// Returns whether a master, or a router in front of it, answers with this status if it knows no
/// leader, or if that one does not answer or no longer leads.
fn lacks_a_leader(status: u16) -> bool {
    matches!(status, 307 | 502 | 503 | 504)
}

/// Returns the URL at the leading master, from the status and the location in the response of a
/// master that does not lead. The status is 307, and the location lacks the scheme
/// (`//host:port/master/unreserve`) and has `/master` in front of the path (measured on Mesos 1.4
/// to 1.11). A redirect to anything but the same request on another server is not followed.
fn leader(uri: &Uri, status: StatusCode, location: Option<Uri>) -> Option<Uri> {
    let next = location.filter(|_| status == StatusCode::TEMPORARY_REDIRECT)?;
    let (path, next_path) = (uri.path_and_query()?.as_str(), next.path_and_query()?.as_str());
    let same_path = next_path.strip_prefix("/master").unwrap_or(next_path)
        == path.strip_prefix("/master").unwrap_or(path);
    let has_no_user = !next.authority()?.as_str().contains('@');
    (next.scheme() == uri.scheme() && same_path && has_no_user).then_some(next)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::cancellation::CancellationToken;
    use crate::exchange::RunStart;
    use crate::secret::Token;
    use crate::timeouts::Timeouts;
    use crate::tls::Tls;
    use janitor_contract::types::Method;

    /// A master on loopback that keeps the heads of the requests that it receives.
    struct Master {
        address: SocketAddr,
        requests: Arc<Mutex<Vec<String>>>,
    }

    impl Master {
        /// Starts a master with an answer for each request: the status and a location.
        fn start(answer: impl Fn(SocketAddr) -> (u16, String) + Send + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let requests = Arc::<Mutex<Vec<String>>>::default();
            let received = Arc::clone(&requests);
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                    received.lock().unwrap().push(head.join("\n"));
                    let (status, location) = answer(address);
                    let location = match location.as_str() {
                        "" => String::new(),
                        location => format!("Location: {location}\r\n"),
                    };
                    let answer = format!(
                        "HTTP/1.1 {status} Status\r\n{location}Content-Length: 0\r\nConnection: \
                         close\r\n\r\n"
                    );
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
            Self { address, requests }
        }

        fn with_status(status: u16) -> Self {
            Self::start(move |_| (status, String::new()))
        }

        /// Starts a master that names another leader, or itself.
        fn following(leader: Option<SocketAddr>) -> Self {
            Self::start(move |own| (307, format!("//{}/master/slaves", leader.unwrap_or(own))))
        }

        fn url(&self) -> String {
            format!("http://{}/master/", self.address)
        }

        /// Returns the requests so far.
        fn requests(&self) -> Vec<String> {
            std::mem::take(&mut self.requests.lock().unwrap())
        }
    }

    /// The URL of a master that does not run.
    const STOPPED: &str = "http://127.0.0.1:1/master/";

    /// Sends to these masters, with a token or without.
    fn live(masters: &[String], has_token: bool) -> Live {
        let (masters, others) = (masters.join(","), "http://127.0.0.1/");
        let endpoints = Endpoints::new(&masters, others, others).unwrap();
        let client = Client::new(Timeouts::default(), &Tls::default(), ProxySettings::none());
        let token = || Credential::Token(Token::new("canary").unwrap());
        let credential = if has_token { token() } else { Credential::None };
        Live::new(client, endpoints.into()).with_credentials(Credentials::everywhere(credential))
    }

    fn status(live: &Live, endpoint: Endpoint, path: &str) -> Result<u16, Error> {
        let (path, method) = (vec![path.into()], Method::Get);
        let request = Request { endpoint, method, path, query: vec![], content: None };
        live.exchange(&request, &Permit::default()).map(|response| response.status)
    }

    #[test]
    fn a_credential_follows_only_to_a_server_that_is_named() {
        let leader = Master::with_status(200);
        let follower = Master::following(Some(leader.address));
        let ask = |masters: &[String], has_token| {
            status(&live(masters, has_token), Endpoint::Master, "slaves")
        };
        let Err(Error::Internal(why)) = ask(&[follower.url()], true) else { panic!("followed") };
        assert!(why.contains("credentials are sent only to servers that are named"), "{why}");
        assert_eq!(leader.requests(), [""; 0]);
        for (masters, has_token) in
            [(vec![follower.url(), leader.url()], true), (vec![follower.url()], false)]
        {
            assert_eq!(ask(&masters, has_token), Ok(200));
            let requests = leader.requests();
            assert_eq!(requests.len(), 1);
            assert!(requests[0].starts_with("GET /master/slaves "), "{}", requests[0]);
            assert_eq!(requests[0].contains("authorization: token=canary"), has_token);
        }
    }

    #[test]
    fn redirects_come_to_an_end() {
        let master = Master::following(None);
        // A server may redirect to itself with the credential that it has received already.
        let answer = status(&live(&[master.url()], true), Endpoint::Master, "slaves");
        assert_eq!((answer, master.requests().len()), (Ok(307), 4));
    }

    #[test]
    fn a_master_that_cannot_answer_is_skipped() {
        for unusable in [307, 502, 503, 504] {
            let (first, second) = (Master::with_status(unusable), Master::with_status(200));
            let live = live(&[STOPPED.into(), first.url(), second.url()], true);
            assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(200));
            assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
            // The one that has answered is asked first the next time, for its own pages too.
            assert_eq!(status(&live, Endpoint::MasterRoot, "version"), Ok(200));
            assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(200));
            assert_eq!((first.requests().len(), second.requests().len()), (0, 2));
        }
        for refusal in [200, 400, 401, 403, 404, 409, 500] {
            let (first, second) = (Master::with_status(refusal), Master::with_status(200));
            let live = live(&[first.url(), second.url()], true);
            assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(refusal));
            // A token that is refused is not sent again.
            assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
        }
        let last = Master::with_status(503);
        let all = live(&[STOPPED.into(), last.url()], false);
        assert_eq!(status(&all, Endpoint::Master, "slaves"), Ok(503));
        let none = status(&live(&[STOPPED.into()], false), Endpoint::Master, "slaves");
        assert!(matches!(none, Err(Error::Connect(_))), "{none:?}");
    }

    #[test]
    fn a_run_that_is_cancelled_asks_no_other_master_to_change_something() {
        let second = Master::with_status(200);
        for (method, is_sent) in [(Method::Get, true), (Method::Post, false)] {
            let cancellation = CancellationToken::new();
            let masters = [STOPPED.into(), second.url()];
            let live = live(&masters, false);
            let time = Duration::from_secs(3600);
            let endpoints = live.masters.endpoints().clone();
            let permit = RunStart::new(endpoints, time, cancellation.clone()).permit();
            cancellation.cancel();
            let (endpoint, path) = (Endpoint::Master, vec!["slaves".into()]);
            let request = Request { endpoint, method, path, query: vec![], content: None };
            assert_eq!(live.exchange(&request, &permit).is_ok(), is_sent, "{method:?}");
            assert_eq!(second.requests().len(), usize::from(is_sent));
        }
    }

    fn follow(from: &str, status: u16, location: &str) -> Option<String> {
        let from = from.parse().unwrap();
        let response = http::Response::builder().status(status).header("Location", location);
        let response = response.body(()).unwrap();
        let location = crate::client::location_of(&from, &response);
        leader(&from, response.status(), location).map(|uri| uri.to_string())
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
