//! The base URLs of the servers, and the URLs of requests to them.

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::ensemble::{Ensemble, EnsembleError};
use crate::likely::likely;
use crate::master_group::MasterGroup;
use crate::request::Server;
use crate::types::{Endpoint, Options, Request};

/// The base URLs of the endpoints. Each ends with a slash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(try_from = "Urls", into = "Urls")]
pub struct Endpoints {
    masters: Vec<String>,
    /// The base URL of requests to the first master, or to the leader of a group.
    master: String,
    exhibitor: String,
    marathon: String,
    pods: String,
}

/// The base URLs in a document.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
struct Urls {
    /// The masters, separated by commas, or the URL of their group in ZooKeeper.
    master: String,
    /// Exhibitor.
    exhibitor: String,
    /// Marathon's apps.
    marathon: String,
}

/// The error about an invalid URL of an endpoint.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} URL {why}: {shown}")]
pub struct EndpointError {
    /// The name of the endpoint, for people.
    pub name: &'static str,
    /// The reason why it is invalid.
    pub why: UrlFault,
    /// The URL, unless it may contain a password.
    pub shown: String,
    /// The URL that was probably meant, if there is a good guess.
    pub likely: Option<String>,
}

/// The reason why a URL of an endpoint is invalid. Its text follows the name of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlFault {
    /// It is not a URL.
    #[error("is not a URL")]
    Syntax,
    /// Its scheme is neither `http` nor `https`.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// It contains credentials.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// It has no host.
    #[error("has no host")]
    NoHost,
    /// Its port is not a number from 0 to 65535.
    #[error("has an invalid port")]
    Port,
    /// It has a query or a fragment.
    #[error("must not have a query or a fragment")]
    Query,
    /// It is the URL of an ensemble, and invalid.
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
}

impl Endpoints {
    /// The URL of the master in DC/OS.
    pub const MASTER: &str = "http://leader.mesos:5050/master/";
    /// The URL of Exhibitor in DC/OS.
    pub const EXHIBITOR: &str = "http://leader.mesos:8181/";
    /// The URL of Marathon's apps in DC/OS.
    pub const MARATHON: &str = "http://marathon.mesos:8080/v2/apps/";

    /// Parses the base URLs of the master, of Exhibitor, and of Marathon's apps, and adds a missing
    /// slash at the end. `master` may contain several masters of a cluster, separated by commas, or
    /// the place in ZooKeeper where they elect their leader, `zk://host:port,host:port/mesos`
    /// ([`MasterGroup`]). The URL of Marathon's pods is derived from that of its apps. The ensemble
    /// itself, `zk://host:port,host:port/`, may replace Exhibitor.
    ///
    /// # Errors
    /// Fails if one of them is not an absolute `http` or `https` URL, or has a query, a fragment, a
    /// user name or a password.
    pub fn new(master: &str, exhibitor: &str, marathon: &str) -> Result<Self, EndpointError> {
        let masters = masters(master)?;
        let master = match &*masters {
            // Like a master itself, the leader of a group has its own pages below the root.
            [group] if MasterGroup::is_meant(group) => format!("{group}master/"),
            masters => masters.first().cloned().unwrap_or_default(),
        };
        let marathon = base(MARATHON, marathon)?;
        let pods = match marathon.strip_suffix("apps/") {
            Some(api) => format!("{api}pods/"),
            None => marathon.clone(),
        };
        Ok(Self { masters, master, exhibitor: exhibitor_base(exhibitor)?, marathon, pods })
    }

    /// Returns the base URLs of a cluster's servers behind its Admin Router: of the master, of
    /// Exhibitor, and of Marathon's apps (DC/OS documentation, "Admin Router").
    pub fn behind_admin_router(cluster: &str) -> [String; 3] {
        let cluster = cluster.trim_end_matches('/');
        ["mesos/master/", "exhibitor/", "service/marathon/v2/apps/"]
            .map(|path| format!("{cluster}/{path}"))
    }

    /// Returns the base URLs of the masters, or the URL of their group; there is at least one.
    pub fn masters(&self) -> &[String] {
        &self.masters
    }

    /// Returns the group of masters, if their leader is found in ZooKeeper.
    pub fn master_group(&self) -> Option<MasterGroup> {
        match &*self.masters {
            [group] => group.parse().ok(),
            _ => None,
        }
    }

    /// Returns the URL at which DC/OS logs users in: at the standard port of the master's host or,
    /// behind Admin Router (`/mesos/`), at its own port. The URL of a group of masters does not name
    /// that host.
    pub fn login(&self) -> Option<String> {
        self.login_at("/acs/api/v1/auth/login")
    }

    /// Returns the URL at which DC/OS logs users in, with another path.
    pub fn login_at(&self, path: &str) -> Option<String> {
        if self.master_group().is_some() {
            return None;
        }
        let master: Uri = self.base(Endpoint::Master).parse().unwrap_or_default();
        let scheme = master.scheme_str().unwrap_or_default();
        let place = match master.path().starts_with("/mesos/") {
            true => master.authority().map_or("", |authority| authority.as_str()),
            false => master.host().unwrap_or_default(),
        };
        Some(format!("{scheme}://{place}{path}"))
    }

    /// Returns the base URL of an endpoint. If there are several masters, this is that of the first
    /// one; that of a group of masters stands for whichever leads.
    pub fn base(&self, endpoint: Endpoint) -> &str {
        match endpoint {
            Endpoint::Master => &self.master,
            Endpoint::MasterRoot => root(self.base(Endpoint::Master)),
            Endpoint::Exhibitor => &self.exhibitor,
            Endpoint::Marathon => &self.marathon,
            Endpoint::MarathonPods => &self.pods,
        }
    }

    /// Returns the ensemble that replaces Exhibitor, if one does.
    pub fn ensemble(&self) -> Option<Ensemble> {
        self.exhibitor.parse().ok()
    }

    /// Sets the options that depend on these endpoints: those about ZooKeeper.
    pub fn inform(&self, options: Options) -> Options {
        let ensemble = self.ensemble();
        let zookeeper = ensemble.is_some();
        let chroot = ensemble.as_ref().map_or("", Ensemble::chroot);
        let znode_root = chroot.strip_prefix('/').map(Into::into);
        Options { znode_root, zookeeper, ..options }
    }

    /// Returns the URL of a request, for people and for recordings. Of an ensemble, it names the first
    /// server only, because a URL has one host.
    pub fn url(&self, request: &Request) -> String {
        let base = self.base(request.endpoint);
        match base.split_once(',').filter(|_| base.starts_with("zk")) {
            Some((first, others)) => {
                let path = others.find('/').and_then(|at| others.get(at..)).unwrap_or_default();
                request.url(&format!("{first}{path}"))
            }
            None => request.url(base),
        }
    }
}

impl Default for Endpoints {
    /// Returns the URLs of the servers in DC/OS.
    fn default() -> Self {
        Self {
            masters: vec![Self::MASTER.into()],
            master: Self::MASTER.into(),
            exhibitor: Self::EXHIBITOR.into(),
            marathon: Self::MARATHON.into(),
            pods: "http://marathon.mesos:8080/v2/pods/".into(),
        }
    }
}

impl From<Endpoints> for Urls {
    fn from(endpoints: Endpoints) -> Self {
        let Endpoints { masters, master: _, exhibitor, marathon, pods: _ } = endpoints;
        Self { master: masters.join(","), exhibitor, marathon }
    }
}

impl TryFrom<Urls> for Endpoints {
    type Error = EndpointError;

    fn try_from(urls: Urls) -> Result<Self, EndpointError> {
        Self::new(&urls.master, &urls.exhibitor, &urls.marathon)
    }
}

/// Returns the root of a master's server. The master's own pages are below it at `master/`.
pub fn root(master: &str) -> &str {
    master.strip_suffix("master/").unwrap_or(master)
}

/// The names of the servers in errors.
const MASTER: (&str, Server) = ("Master", Server::Master);
const EXHIBITOR: (&str, Server) = ("Exhibitor", Server::Exhibitor);
const MARATHON: (&str, Server) = ("Marathon", Server::Marathon);

/// Parses the base URLs of the masters, or the URL of their group.
fn masters(urls: &str) -> Result<Vec<String>, EndpointError> {
    if MasterGroup::is_meant(urls) {
        return match urls.trim().parse::<MasterGroup>() {
            Ok(group) => Ok(vec![group.to_string()]),
            Err(why) => Err(error(MASTER, urls, why.into())),
        };
    }
    urls.split(',').map(|url| base(MASTER, url)).collect()
}

/// Parses the base URL of Exhibitor, or of the ensemble that replaces it.
fn exhibitor_base(url: &str) -> Result<String, EndpointError> {
    if !url.trim().starts_with(Ensemble::SCHEME) {
        return base(EXHIBITOR, url);
    }
    match url.trim().parse::<Ensemble>() {
        Ok(ensemble) => Ok(ensemble.to_string()),
        Err(why) => Err(error(EXHIBITOR, url, why.into())),
    }
}

fn error((name, server): (&'static str, Server), url: &str, why: UrlFault) -> EndpointError {
    EndpointError { name, why, shown: shown(url), likely: likely(server, url) }
}

/// Returns an invalid URL as far as it may be shown. Anything before an `@` may be a password, even
/// in a place where no URL has one.
pub fn shown(url: &str) -> String {
    if url.contains('@') { "(not shown)" } else { url }.into()
}

/// Returns a URL without the parts that may contain a secret: user, password, query and fragment.
pub fn without_secrets(uri: &Uri) -> String {
    let (host, path) = (uri.host().unwrap_or_default(), uri.path());
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    match uri.scheme_str() {
        Some(scheme) => format!("{scheme}://{host}{port}{path}"),
        None => path.to_owned(),
    }
}

/// Returns the target of a redirect without the parts that may contain a secret, or nothing if the
/// `Location` is not a URL.
pub fn location_without_secrets(location: &[u8]) -> Option<String> {
    let location = str::from_utf8(location).ok()?;
    match location.strip_prefix("//") {
        Some(rest) => {
            let whole = without_secrets(&format!("http://{rest}").parse().ok()?);
            whole.strip_prefix("http:").map(Into::into)
        }
        None => Some(without_secrets(&location.parse().ok()?)),
    }
}

fn base(server: (&'static str, Server), url: &str) -> Result<String, EndpointError> {
    let error = |why| error(server, url, why);
    let uri: Uri = url.trim().parse().map_err(|_| error(UrlFault::Syntax))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(error(UrlFault::Scheme));
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            return Err(error(UrlFault::Credentials));
        }
        Some(authority) if authority.host().is_empty() => return Err(error(UrlFault::NoHost)),
        Some(authority)
            if authority.as_str() != authority.host() && authority.port_u16().is_none() =>
        {
            return Err(error(UrlFault::Port));
        }
        Some(_) => {}
        None => return Err(error(UrlFault::NoHost)),
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(error(UrlFault::Query));
    }
    let url = uri.to_string();
    Ok(if url.ends_with('/') { url } else { url + "/" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Method;

    #[test]
    fn the_login_is_at_the_standard_port_or_behind_admin_router() {
        for (master, login) in [
            ("http://leader.mesos:5050/master/", "http://leader.mesos/acs/api/v1/auth/login"),
            (
                "https://c.example:8443/mesos/master/",
                "https://c.example:8443/acs/api/v1/auth/login",
            ),
        ] {
            let endpoints =
                Endpoints::new(master, Endpoints::EXHIBITOR, Endpoints::MARATHON).unwrap();
            assert_eq!(endpoints.login().as_deref(), Some(login));
        }
        let group = Endpoints::new("zk://h/mesos", Endpoints::EXHIBITOR, Endpoints::MARATHON);
        assert_eq!(group.unwrap().login(), None);
    }

    #[test]
    fn a_group_of_masters_is_kept_as_its_url() {
        for (url, whole) in [
            (" zk://h,[::1]:99/mesos", "zk://h:2181,[::1]:99/mesos/"),
            ("zk+https://h/mesos/", "zk+https://h:2181/mesos/"),
        ] {
            let endpoints = Endpoints::new(url, "http://h/", "http://h/").unwrap();
            assert_eq!(endpoints.masters(), [whole]);
            assert_eq!(endpoints.master_group(), whole.parse().ok());
            assert_eq!(endpoints.base(Endpoint::Master), format!("{whole}master/"));
            assert_eq!(endpoints.base(Endpoint::MasterRoot), whole);
            let json = serde_json::to_string(&endpoints).unwrap();
            assert_eq!(serde_json::from_str::<Endpoints>(&json).unwrap(), endpoints);
        }
        assert_eq!(Endpoints::default().master_group(), None);
        for (url, words) in [
            ("zk://h", "Master URL must name the path of the masters, as in zk://host:2181/mesos"),
            ("zk://u:secret@h/mesos", "Master URL must not contain a user name or a password"),
            ("http://h/,zk://h/mesos", "Master URL must begin with http:// or https://"),
        ] {
            let error = Endpoints::new(url, "http://h/", "http://h/").unwrap_err().to_string();
            assert!(error.starts_with(words) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn an_invalid_url_has_a_likely_one() {
        for (url, likely) in [
            ("leader.mesos:5050", Some("http://leader.mesos:5050/master/")),
            ("http://m:5050/?a=b", Some("http://m:5050/master/")),
            ("zk://h", None),
            ("u:secret@h:5050", None),
        ] {
            let error = Endpoints::new(url, "http://h/", "http://h/").unwrap_err();
            assert_eq!(error.likely.as_deref(), likely, "{url}");
        }
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in [
            "",
            "banana",
            "/master/",
            "leader.mesos:5050",
            "ftp://leader.mesos/",
            "http://",
            "http:///master/",
            "http://leader.mesos:99999/",
            "http://leader.mesos/?a=b",
            "http://leader.mesos/#a",
            "http://leader mesos/",
        ] {
            let error = Endpoints::new(url, Endpoints::EXHIBITOR, Endpoints::MARATHON);
            assert_eq!(error.map_err(|error| error.name), Err("Master"), "{url:?}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        for url in
            ["http://u:secret@h/", "u:secret@h:1", "ftp://u:secret@h/", "http://u:secr et@h/"]
        {
            let error = Endpoints::new(url, "http://h/", "http://h/").unwrap_err();
            assert!(!error.to_string().contains("secr"), "{error}");
        }
    }

    #[test]
    fn a_location_is_shown_without_secrets() {
        for (location, shown) in [
            ("https://u:canary@h:1/login?token=canary", Some("https://h:1/login")),
            ("//u:canary@h/x?token=canary#canary", Some("//h/x")),
            ("/login?token=canary", Some("/login")),
            ("login page canary", None),
            ("", None),
        ] {
            let target = location_without_secrets(location.as_bytes());
            assert_eq!(target.as_deref(), shown, "{location}");
        }
        assert_eq!(location_without_secrets(b"http://h/\xff"), None);
    }

    #[test]
    fn exhibitor_may_be_an_ensemble() {
        let zk = " zk://h,[::1]:99/chroot";
        let endpoints = Endpoints::new("http://h/", zk, "http://h/").unwrap();
        assert_eq!(endpoints.base(Endpoint::Exhibitor), "zk://h:2181,[::1]:99/chroot/");
        assert_eq!(endpoints.ensemble(), zk.trim().parse().ok());
        assert_eq!(Endpoints::default().ensemble(), None);
        let json = serde_json::to_string(&endpoints).unwrap();
        assert_eq!(serde_json::from_str::<Endpoints>(&json).unwrap(), endpoints);
        assert!(Endpoints::new("http://h/", "http://h/", zk).is_err());
        assert!(Endpoints::new("http://h/", "zk+https://h/", "http://h/").is_err());
        let error = Endpoints::new("http://h/", "zk://h:0/", "http://h/").unwrap_err();
        assert_eq!(error.to_string(), "Exhibitor URL has an invalid port: zk://h:0/");
        let error = Endpoints::new("http://h/", "zk://u:secret@h/", "http://h/").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn only_the_endpoints_determine_the_place_of_znodes() {
        let options =
            || Options { znode_root: Some("x".into()), zookeeper: true, ..Options::DEFAULT };
        for (exhibitor, root, zookeeper) in [
            ("http://h/marathon/", None, false),
            ("zk://h", None, true),
            ("zk://h/marathon/", Some("marathon"), true),
            ("zk://h/a/b", Some("a/b"), true),
        ] {
            let endpoints = Endpoints::new("http://h/", exhibitor, "http://h/").unwrap();
            let Options { znode_root, zookeeper: is, .. } = endpoints.inform(options());
            assert_eq!((znode_root.as_deref(), is), (root, zookeeper), "{exhibitor}");
        }
    }

    #[test]
    fn a_request_to_an_ensemble_has_a_url() {
        let (master, exhibitor) = ("zk://h:1,[::1]:2,j/mesos", "zk://h:1,i:2/a/b");
        let endpoints = Endpoints::new(master, exhibitor, "http://h/a,b/").unwrap();
        for (endpoint, url) in [
            (Endpoint::Master, "zk://h:1/mesos/master/x"),
            (Endpoint::MasterRoot, "zk://h:1/mesos/x"),
            (Endpoint::Exhibitor, "zk://h:1/a/b/x"),
            (Endpoint::Marathon, "http://h/a,b/x"),
        ] {
            let (method, path) = (Method::Get, vec!["x".into()]);
            let request = Request { endpoint, method, path, query: vec![], content: None };
            assert_eq!(endpoints.url(&request), url);
        }
    }

    #[test]
    fn segments_are_encoded_and_joined_below_the_base() {
        let endpoints =
            Endpoints::new("https://h/mesos", "http://[::1]:8181/", "http://h/v2/apps/").unwrap();
        let mut request = Request {
            endpoint: Endpoint::Exhibitor,
            method: Method::Delete,
            path: ["znode", "a b", "c?d#e%f", "ü"].map(Into::into).into(),
            query: vec![],
            content: None,
        };
        assert_eq!(endpoints.url(&request), "http://[::1]:8181/znode/a%20b/c%3Fd%23e%25f/%C3%BC");
        request.endpoint = Endpoint::Master;
        request.path = vec!["slaves".into()];
        request.query = vec![("a&b".into(), "c=d".into())];
        assert_eq!(endpoints.url(&request), "https://h/mesos/slaves?a%26b=c%3Dd");
    }
}
