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
            let credential = self.credentials.of(request.endpoint);
            if !is_known && shows_secret(&next, credential, self.client.has_identity()) {
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

/// Returns whether a request to this URL shows a secret to the server: a credential, or a client
/// certificate, which is presented over HTTPS.
fn shows_secret(uri: &Uri, credential: &Credential, has_identity: bool) -> bool {
    let shows_identity = has_identity && uri.scheme() == Some(&Scheme::HTTPS);
    shows_identity || !matches!(credential, Credential::None)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
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

    /// A server on loopback that keeps the heads of the requests that it receives.
    struct Master {
        address: SocketAddr,
        requests: Arc<Mutex<Vec<String>>>,
    }

    impl Master {
        /// Starts a server. It answers each request, of which it knows the head, with a status, a
        /// header, if it is not empty, and a body.
        fn start(answer: impl Fn(&str) -> (u16, String, &'static str) + Send + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let requests = Arc::<Mutex<Vec<String>>>::default();
            let received = Arc::clone(&requests);
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = BufReader::new(stream.unwrap());
                    let lines = stream.by_ref().lines().map_while(Result::ok);
                    let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                    let length = head.iter().find_map(|it| it.strip_prefix("content-length: "));
                    let mut content = vec![0; length.map_or(0, |it| it.parse().unwrap())];
                    stream.read_exact(&mut content).unwrap();
                    let head = head.join("\n");
                    let (status, header, body) = answer(&head);
                    received.lock().unwrap().push(head);
                    let header = if header.is_empty() { header } else { header + "\r\n" };
                    let answer = format!(
                        "HTTP/1.1 {status} Status\r\n{header}Content-Length: {}\r\nConnection: \
                         close\r\n\r\n{body}",
                        body.len()
                    );
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                }
            });
            Self { address, requests }
        }

        fn with_status(status: u16) -> Self {
            Self::start(move |_| (status, String::new(), ""))
        }

        /// Starts a master that redirects to a leader, or to itself.
        fn following(leader: Option<SocketAddr>) -> Self {
            Self::start(move |head| {
                let leader = leader.map(|it| it.to_string());
                let own = || head.lines().find_map(|it| it.strip_prefix("host: ")).map(Into::into);
                let leader = leader.or_else(own).unwrap();
                (307, format!("Location: //{leader}/master/slaves"), "")
            })
        }

        fn url(&self) -> String {
            format!("http://{}/master/", self.address)
        }

        /// Returns the requests since the last time.
        fn requests(&self) -> Vec<String> {
            std::mem::take(&mut self.requests.lock().unwrap())
        }
    }

    /// The URL of a master that does not run.
    const STOPPED: &str = "http://127.0.0.1:1/master/";

    /// Sends to these masters, with a credential.
    fn with(credential: Credential, masters: &[String]) -> Live {
        let (masters, others) = (masters.join(","), "http://127.0.0.1/");
        let endpoints = Endpoints::new(&masters, others, others).unwrap();
        let client = Client::new(Timeouts::default(), &Tls::default(), ProxySettings::none());
        Live::new(client, endpoints.into()).with_credentials(Credentials::everywhere(credential))
    }

    /// Sends to these masters, with a token or without.
    fn live(masters: &[String], has_token: bool) -> Live {
        let token = || Credential::Token(Token::new("canary").unwrap());
        with(if has_token { token() } else { Credential::None }, masters)
    }

    fn request(method: Method, endpoint: Endpoint, path: &str) -> Request {
        Request { endpoint, method, path: vec![path.into()], query: vec![], content: None }
    }

    fn status(live: &Live, endpoint: Endpoint, path: &str) -> Result<u16, Error> {
        let request = request(Method::Get, endpoint, path);
        live.exchange(&request, &Permit::default()).map(|response| response.status)
    }

    /// Returns the permission of a run that is cancelled.
    fn cancelled(live: &Live) -> Permit {
        let (endpoints, cancellation) =
            (live.masters.endpoints().clone(), CancellationToken::new());
        cancellation.cancel();
        RunStart::new(endpoints, Duration::from_secs(3600), cancellation).permit()
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
        // None of them is the leader.
        let (first, second) = (Master::with_status(503), Master::with_status(503));
        let both = live(&[first.url(), second.url()], false);
        assert_eq!(status(&both, Endpoint::Master, "slaves"), Ok(503));
        assert_eq!(status(&both, Endpoint::MasterRoot, "version"), Ok(503));
        assert_eq!((first.requests().len(), second.requests().len()), (2, 1));
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
            let live = live(&[STOPPED.into(), second.url()], false);
            let request = request(method, Endpoint::Master, "slaves");
            assert_eq!(live.exchange(&request, &cancelled(&live)).is_ok(), is_sent, "{method:?}");
            assert_eq!(second.requests().len(), usize::from(is_sent));
        }
    }

    #[test]
    fn a_certificate_is_shown_over_https_only() {
        let (http, https) = (Uri::from_static("http://m/"), Uri::from_static("https://m/"));
        let token = Credential::Token(Token::new("canary").unwrap());
        for (uri, credential, has_identity, is_secret) in [
            (&http, &Credential::None, false, false),
            (&https, &Credential::None, false, false),
            (&http, &Credential::None, true, false),
            (&https, &Credential::None, true, true),
            (&http, &token, false, true),
            (&https, &token, true, true),
        ] {
            let shows_secret = shows_secret(uri, credential, has_identity);
            assert_eq!(shows_secret, is_secret, "{uri} {credential:?} {has_identity}");
        }
    }

    #[cfg(feature = "login")]
    #[test]
    fn a_login_is_repeated_once_its_token_is_refused() {
        use crate::login::Login;
        use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

        /// Starts a server that grants these tokens, one after the other, and accepts only the last.
        fn start(tokens: &'static [&'static str]) -> Master {
            let logins = AtomicUsize::new(0);
            Master::start(move |head| {
                if head.starts_with("POST /acs/") {
                    let token = tokens.get(logins.fetch_add(1, Relaxed));
                    return token.map_or((401, String::new(), ""), |it| (200, String::new(), it));
                }
                let is_last = head.contains("authorization: token=second");
                (if is_last { 200 } else { 401 }, String::new(), "")
            })
        }

        let paths = |master: &Master| -> Vec<_> {
            let requests = master.requests();
            requests.iter().filter_map(|it| it.split(' ').nth(1)).map(String::from).collect()
        };
        const LOGIN: &str = "/acs/api/v1/auth/login";
        const SLAVES: &str = "/mesos/master/slaves";
        let both = &[r#"{"token":"first"}"#, r#"{"token":"second"}"#];
        let behind_router = |master: &Master| {
            let url = format!("http://{}/mesos/master/", master.address);
            with(Credential::Login(Login::user("user", "canary").into()), &[url])
        };

        let master = start(both);
        let live = behind_router(&master);
        live.log_in().unwrap();
        assert!(live.log_in().is_ok(), "there is a token already");
        assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(200));
        assert_eq!(paths(&master), [LOGIN, SLAVES, LOGIN, SLAVES]);
        assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(200));
        assert_eq!(paths(&master), [SLAVES]);

        // The login is refused, or the run is cancelled.
        let master = start(&[]);
        let live = behind_router(&master);
        assert!(live.log_in().is_err());
        assert_eq!(status(&live, Endpoint::Master, "slaves"), Ok(401));
        assert_eq!(paths(&master), [LOGIN, SLAVES, LOGIN]);
        let master = start(both);
        let live = behind_router(&master);
        let request = request(Method::Post, Endpoint::Master, "slaves");
        let answer = live.exchange(&request, &cancelled(&live));
        assert_eq!(answer.map(|response| response.status), Ok(401));
        assert_eq!(paths(&master), [SLAVES]);
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
