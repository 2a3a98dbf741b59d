//! The transport over the network.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::credentials::Credentials;
use crate::exchange::{Exchange, Permit, Request, Response, RunStart, Transport};
use crate::live::Live;
#[cfg(feature = "login")]
use crate::login::LoginError;
use crate::proxy::{ProxyError, ProxySettings};
use crate::timeouts::Timeouts;
use crate::tls::Tls;
use crate::turns::{RunTurns, Turns};
#[cfg(feature = "zookeeper")]
use crate::zookeeper::{Detector, ZooKeeper, ZooKeeperLimits};
use janitor_contract::Endpoints;
#[cfg(feature = "zookeeper")]
use janitor_contract::types::Endpoint;
use janitor_contract::types::Error;

/// Sends requests to the servers of one cluster over HTTP and HTTPS, and to ZooKeeper itself if an
/// ensemble replaces Exhibitor, or if the leading master is found there. Connections are kept alive, every wait has a time limit, and
/// certificates are verified. Every server except the exceptions is reached with `CONNECT` through
/// the proxy that the environment names.
///
/// Clones share connections, credentials, and the knowledge of the leading master. A session with
/// ZooKeeper belongs to one run.
#[derive(Clone, Debug)]
pub struct Network {
    endpoints: Arc<Endpoints>,
    live: Live,
    #[cfg(feature = "zookeeper")]
    zookeeper: Option<ZooKeeper>,
    /// The reason why nothing is sent, unless a run has begun.
    blocked: Option<&'static str>,
    turns: Option<Turns>,
    /// The permission and the turns of the run that has begun.
    permit: Permit,
    own_turns: Arc<RunTurns>,
}

/// The reason why a network cannot be built from its settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The proxy cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// An ensemble replaces Exhibitor, or knows the leading master, and this library is built without
    /// support for ZooKeeper.
    #[error("a zk:// URL needs the feature `zookeeper` of this library")]
    NoZooKeeper,
}

/// The settings of a [`Network`].
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    endpoints: Endpoints,
    timeouts: Timeouts,
    tls: Tls,
    credentials: Credentials,
    /// The proxy, if it is not the one of the environment.
    proxy: Option<ProxySettings>,
    turns: Option<Turns>,
    #[cfg(feature = "zookeeper")]
    zookeeper: ZooKeeperLimits,
}

impl Network {
    /// Returns settings for a network with these servers: no credentials, the public certificate
    /// authorities, timeouts for a slow cluster, and the proxy of the environment.
    pub fn builder(endpoints: Endpoints) -> NetworkBuilder {
        NetworkBuilder {
            endpoints,
            timeouts: Timeouts::default(),
            tls: Tls::default(),
            credentials: Credentials::default(),
            proxy: None,
            turns: None,
            #[cfg(feature = "zookeeper")]
            zookeeper: ZooKeeperLimits::default(),
        }
    }

    /// Returns the servers.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Replaces the credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        #[cfg(feature = "zookeeper")]
        let zookeeper = self.zookeeper.map(|it| it.with_login(credentials.zookeeper.clone()));
        Self {
            live: self.live.with_credentials(credentials),
            #[cfg(feature = "zookeeper")]
            zookeeper,
            ..self
        }
    }

    /// Describes the proxy through which the server at a URL is reached, without its credentials, or
    /// returns nothing if the server is reached directly. ZooKeeper always is.
    pub fn proxy_on_the_way_to(&self, url: &str) -> Option<String> {
        self.live.proxy().on_the_way_to(&url.parse().ok()?)
    }

    /// Returns the base URL of the leading master that was found last in ZooKeeper, if the masters
    /// are named by their group. Nothing is sent.
    pub fn detected_master(&self) -> Option<String> {
        self.live.detected_master()
    }

    /// Performs those logins among the credentials that have no token yet. Without this call, the
    /// first request that a server refuses triggers the login.
    ///
    /// # Errors
    /// Fails if one of the logins returns no token.
    #[cfg(feature = "login")]
    pub fn log_in(&self) -> Result<(), LoginError> {
        self.live.log_in()
    }
}

impl NetworkBuilder {
    /// Sets the trusted authorities and the client certificate.
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// Sets the credentials.
    #[must_use]
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Sets the proxy, and ignores the one of the environment.
    #[must_use]
    pub fn proxy(self, proxy: ProxySettings) -> Self {
        Self { proxy: Some(proxy), ..self }
    }

    /// Reaches every server directly, and ignores the proxy of the environment.
    #[must_use]
    pub fn no_proxy(self) -> Self {
        self.proxy(ProxySettings::none())
    }

    /// Limits the exchanges that are in progress at once, over all runs on this network and its
    /// clones, and all others that share these turns; the default is no limit.
    #[must_use]
    pub fn turns(self, turns: &Turns) -> Self {
        Self { turns: Some(turns.clone()), ..self }
    }

    /// Sets the limits of deletions in ZooKeeper itself.
    #[cfg(feature = "zookeeper")]
    #[must_use]
    pub fn zookeeper_limits(self, limits: ZooKeeperLimits) -> Self {
        Self { zookeeper: limits, ..self }
    }

    /// Builds the network, without sending anything.
    ///
    /// # Errors
    /// Fails if the proxy cannot be used, or if one of the servers needs ZooKeeper and this library
    /// is built without support for it.
    pub fn build(self) -> Result<Network, NetworkError> {
        let proxy = self.proxy.map_or_else(ProxySettings::from_environment, Ok)?;
        proxy.check(&self.tls)?;
        #[cfg(not(feature = "zookeeper"))]
        if self.endpoints.ensemble().is_some() || self.endpoints.master_group().is_some() {
            return Err(NetworkError::NoZooKeeper);
        }
        #[cfg(feature = "zookeeper")]
        let zookeeper = self.endpoints.ensemble();
        #[cfg(feature = "zookeeper")]
        let zookeeper = zookeeper.map(|it| ZooKeeper::new(it, self.timeouts, self.zookeeper));
        #[cfg(feature = "zookeeper")]
        let detector = self.endpoints.master_group();
        #[cfg(feature = "zookeeper")]
        let detector = detector.map(|it| Detector::new(it, self.timeouts, self.zookeeper));
        let endpoints = Arc::new(self.endpoints);
        let client = Client::new(self.timeouts, &self.tls, proxy);
        let live = Live::new(client, endpoints.clone());
        #[cfg(feature = "zookeeper")]
        let live = live.with_detector(detector);
        let network = Network {
            live,
            endpoints,
            #[cfg(feature = "zookeeper")]
            zookeeper,
            blocked: Some(NO_RUN),
            turns: self.turns,
            permit: Permit::default(),
            own_turns: Arc::default(),
        };
        Ok(network.with_credentials(self.credentials))
    }
}

/// The reason why nothing is sent before a run.
const NO_RUN: &str = "no run has begun on this network; a transport that sends through another one \
                      must forward `begin`";

/// The reason why nothing is sent to servers other than the run's.
const OTHER_SERVERS: &str = "the run and its network have different endpoints; a transport that \
                             sends through a network must forward `endpoints`";

impl Transport for Network {
    fn endpoints(&self) -> Option<&Endpoints> {
        Some(&self.endpoints)
    }

    fn begin(&mut self, run: &RunStart) {
        self.blocked = (run.endpoints != *self.endpoints).then_some(OTHER_SERVERS);
        self.permit = run.permit();
        self.own_turns = RunTurns::new(self.turns.as_ref(), run.permit()).into();
        #[cfg(feature = "zookeeper")]
        {
            self.live.begin(run);
            if let Some(zookeeper) = &mut self.zookeeper {
                zookeeper.begin(run);
            }
        }
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        if let Some(why) = self.blocked {
            return Box::new(Blocked(why));
        }
        let ticket = self.own_turns.ticket(request.method);
        #[cfg(feature = "zookeeper")]
        if let (Endpoint::Exhibitor, Some(zookeeper)) = (request.endpoint, &self.zookeeper) {
            return Box::new(zookeeper.start(request, ticket));
        }
        Box::new(self.live.start(request, self.permit.clone(), ticket))
    }

    fn pause(&mut self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// A request that is not sent.
struct Blocked(&'static str);

impl Exchange for Blocked {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Err(Error::Internal(self.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::cancellation::CancellationToken;
    use janitor_contract::types::{Endpoint, Method};

    /// The URLs of no server: a request that is sent cannot connect.
    fn nowhere() -> Endpoints {
        let nowhere = "http://127.0.0.1:1/";
        Endpoints::new(nowhere, nowhere, nowhere).unwrap()
    }

    fn network() -> NetworkBuilder {
        Network::builder(nowhere()).no_proxy()
    }

    fn ask(network: &mut Network) -> Result<u16, Error> {
        let (endpoint, method, path) = (Endpoint::Exhibitor, Method::Get, vec!["x".into()]);
        let request = Request { endpoint, method, path, query: vec![], content: None };
        network.send(request).finish().map(|response| response.status)
    }

    fn begin(network: &mut Network, endpoints: Endpoints) {
        let time = Duration::from_secs(60);
        network.begin(&RunStart::new(endpoints, time, CancellationToken::new()));
    }

    #[test]
    fn nothing_is_sent_without_a_run_on_the_same_servers() {
        let mut network = network().build().unwrap();
        assert_eq!(ask(&mut network), Err(Error::Internal(NO_RUN.into())));
        begin(&mut network, Endpoints::default());
        assert_eq!(ask(&mut network), Err(Error::Internal(OTHER_SERVERS.into())));
        begin(&mut network, nowhere());
        assert!(matches!(ask(&mut network), Err(Error::Connect(_))));
    }

    /// A server that lets one request after the other arrive, and answers it with what the function
    /// returns. The receiver gets the first line of each.
    fn server(
        answer: impl Fn() -> String + Send + 'static,
    ) -> (String, std::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/master/", listener.local_addr().unwrap());
        let (arrived, requests) = std::sync::mpsc::channel();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut head = [0; 512];
                let count = client.read(&mut head).unwrap_or_default();
                let line = String::from_utf8_lossy(&head[..count]);
                arrived.send(line.lines().next().unwrap_or_default().into()).unwrap();
                client.write_all(answer().as_bytes()).unwrap();
            }
        });
        (url, requests)
    }

    fn change() -> Request {
        let (endpoint, path) = (Endpoint::Master, vec!["unreserve".into()]);
        Request { endpoint, method: Method::Post, path, query: vec![], content: None }
    }

    fn run(url: &str, token: &CancellationToken) -> RunStart {
        let endpoints = Endpoints::new(url, url, url).unwrap();
        RunStart::new(endpoints, Duration::from_secs(60), token.clone())
    }

    /// A request may wait for its turn while its run is cancelled.
    #[test]
    fn a_change_that_waits_for_its_turn_is_not_sent_after_a_cancellation() {
        let (release, released) = std::sync::mpsc::channel();
        let (url, requests) = server(move || {
            released.recv().unwrap();
            "HTTP/1.1 204 No Content\r\n\r\n".into()
        });
        let token = CancellationToken::new();
        let start = run(&url, &token);
        let builder = Network::builder(start.endpoints.clone()).no_proxy();
        let mut network = builder.turns(&Turns::new(std::num::NonZeroU32::MIN)).build().unwrap();
        network.begin(&start);
        let first = network.send(change());
        assert!(requests.recv().unwrap().starts_with("POST "));
        let second = network.send(change());
        token.cancel();
        assert_eq!(second.finish().map(|it| it.status), Err(crate::exchange::over()));
        release.send(()).unwrap();
        assert_eq!(first.finish().map(|it| it.status), Ok(204));
        assert!(requests.try_recv().is_err());
    }

    /// A master that does not lead has not accepted the request.
    #[test]
    fn a_change_is_not_sent_to_another_master_after_a_cancellation() {
        let (leader, requests) = server(|| "HTTP/1.1 202 Accepted\r\n\r\n".into());
        let place = leader.trim_start_matches("http:").to_owned();
        let token = CancellationToken::new();
        let cancelled = token.clone();
        let (url, _first) = server(move || {
            cancelled.cancel();
            format!(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {place}unreserve\r\n\
                 Content-Length: 0\r\n\r\n"
            )
        });
        let start = run(&url, &token);
        let mut network = Network::builder(start.endpoints.clone()).no_proxy().build().unwrap();
        network.begin(&start);
        assert_eq!(network.send(change()).finish().map(|it| it.status), Ok(307));
        assert!(requests.try_recv().is_err());
    }

    /// A change is awaited nevertheless, because its outcome matters.
    #[test]
    fn a_response_is_not_awaited_long_after_the_time_of_the_run() {
        let (url, requests) = server(|| {
            thread::sleep(Duration::from_secs(2));
            "HTTP/1.1 204 No Content\r\n\r\n".into()
        });
        let start = |time| run(&url, &CancellationToken::new().within(time));
        let timeouts = Timeouts { late: Duration::from_millis(100), ..Timeouts::default() };
        let read = Request { method: Method::Get, ..change() };
        for (request, time, expected) in [
            (read.clone(), Duration::ZERO, Err(Error::Timeout)),
            (read.clone(), Duration::from_millis(100), Err(Error::Timeout)),
            (read, Duration::from_secs(3600), Ok(204)),
            (change(), Duration::from_millis(100), Ok(204)),
        ] {
            let start = start(time);
            let builder = Network::builder(start.endpoints.clone()).no_proxy().timeouts(timeouts);
            let mut network = builder.build().unwrap();
            network.begin(&start);
            let sent = network.send(request);
            requests.recv().unwrap();
            assert_eq!(sent.finish().map(|it| it.status), expected);
        }
    }

    #[test]
    fn a_body_is_not_read_long_after_the_time_of_the_run() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 512]);
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").unwrap();
            thread::sleep(Duration::from_secs(3));
            let _ = client.write_all(b"late");
        });
        let start = run(&url, &CancellationToken::new().within(Duration::ZERO));
        let timeouts = Timeouts { late: Duration::from_secs(1), ..Timeouts::default() };
        let builder = Network::builder(start.endpoints.clone()).no_proxy().timeouts(timeouts);
        let mut network = builder.build().unwrap();
        network.begin(&start);
        let read = Request { method: Method::Get, ..change() };
        let mut response = network.send(read).finish().unwrap();
        assert_eq!(response.body.read(&mut [0; 4]), Err(Error::Timeout));
    }

    #[test]
    fn a_proxy_can_be_set_and_switched_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                client.read_exact(&mut [0; 16]).unwrap();
                client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        });
        let endpoints = Endpoints::new(&server, &server, &server).unwrap();
        let ask = |settings: ProxySettings| {
            let builder = Network::builder(endpoints.clone()).proxy(settings);
            let mut network = builder.build().unwrap();
            begin(&mut network, endpoints.clone());
            ask(&mut network)
        };
        let nowhere = |exceptions| ProxySettings::new("http://127.0.0.1:1", exceptions).unwrap();
        assert!(matches!(ask(nowhere("")), Err(Error::Connect(_))));
        assert_eq!(ask(nowhere("127.0.0.0/8")), Ok(204));
        assert_eq!(ask(ProxySettings::none()), Ok(204));
    }

    #[test]
    fn a_network_shows_no_secret() {
        let basic = crate::Basic::new(b"user:canary").unwrap();
        let credentials = Credentials::everywhere(crate::Credential::Basic(basic));
        let proxy = ProxySettings::new("http://u:canary@127.0.0.1:1", "*").unwrap();
        let builder = network().credentials(credentials).proxy(proxy);
        for shown in [format!("{builder:?}"), format!("{:?}", builder.build().unwrap())] {
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[cfg(not(feature = "zookeeper"))]
    #[test]
    fn zookeeper_needs_its_feature() {
        for (master, exhibitor) in [("http://h/", "zk://h/"), ("zk://h/mesos", "http://h/")] {
            let endpoints = Endpoints::new(master, exhibitor, "http://h/").unwrap();
            let network = Network::builder(endpoints).no_proxy().build();
            assert_eq!(network.err(), Some(NetworkError::NoZooKeeper));
        }
    }
}
