//! The proxy. A setting that cannot be honoured is an error, because whoever set it does not expect
//! requests, and the credentials in them, to take another path.

mod exception;

use std::{env, fmt};

use http::Uri;
use ureq::{Proxy, ProxyProtocol};

use self::exception::Exception;
use crate::tls::Tls;
use janitor_contract::endpoint::shown;

/// The variables that may name a proxy. The first one that is not empty applies.
const PROXY: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
/// The variables that may list the servers that are reached directly.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The name of the setting that is an argument of [`ProxySettings::new`].
const ARGUMENT: &str = "the proxy";

/// The error about a setting that cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} cannot be used: it {why}: {shown}")]
pub struct ProxyError {
    /// The setting: a variable of the environment, or an argument of [`ProxySettings::new`].
    pub setting: &'static str,
    /// The reason why it is invalid.
    pub why: ProxyFault,
    /// The value, unless it may contain a password.
    pub shown: String,
}

/// The reason why a setting cannot be honoured. Its text follows the word "it".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// The proxy is not a URL.
    #[error("is not a URL")]
    Syntax,
    /// The variable is not UTF-8.
    #[error("is not text")]
    NotText,
    /// The proxy has no host.
    #[error("has no host")]
    NoHost,
    /// The proxy's port is not a number from 0 to 65535.
    #[error("has an invalid port")]
    Port,
    /// The protocol of the proxy is unknown.
    #[error("has neither a scheme nor a port; use http://HOST:PORT")]
    Ambiguous,
    /// The proxy is a SOCKS proxy.
    #[error(
        "names a SOCKS proxy; only HTTP proxies with CONNECT are supported, as http://HOST:PORT"
    )]
    Socks,
    /// The proxy has another scheme.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// The proxy's URL has more than a host and a port.
    #[error("must not have a path or a query")]
    Path,
    /// The proxy's credentials cannot be sent.
    #[error("contains a user name or a password that cannot be sent to a proxy")]
    Credentials,
    /// An exception is of an unknown kind.
    #[error(
        "may contain only host names, .domains and addresses, each with or without a port, ranges \
         of addresses (10.0.0.0/8) and *"
    )]
    Exception,
    /// The proxy would receive the client certificate.
    #[error(
        "names a proxy that is reached over HTTPS and would receive the client certificate, which \
         is meant for the servers only; use a proxy with http://"
    )]
    SeesIdentity,
}

/// The path to servers: through a proxy that supports `CONNECT`, or directly.
#[derive(Clone, Default)]
pub struct ProxySettings {
    /// The setting that names the proxy, and its value as far as it may be shown.
    origin: Option<(&'static str, String)>,
    proxy: Option<Proxy>,
    /// The servers that are reached directly.
    direct: Vec<Exception>,
}

impl fmt::Debug for ProxySettings {
    /// Writes no password.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { origin: _, proxy, direct } = self;
        let place = proxy.as_ref().map(place);
        f.debug_struct("ProxySettings").field("proxy", &place).field("direct", direct).finish()
    }
}

impl ProxySettings {
    /// Returns settings without a proxy: every server is reached directly.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns settings with this proxy for all servers but the `exceptions`: host names, each with
    /// the names below it, `.domains`, addresses, ranges of addresses and `*`, separated by commas or
    /// spaces. All but a range may have a port.
    ///
    /// # Errors
    /// Fails if one of the two cannot be honoured.
    pub fn new(proxy: &str, exceptions: &str) -> Result<Self, ProxyError> {
        Self::read((ARGUMENT, proxy), ("the list of exceptions", exceptions))
    }

    /// Returns the settings of the environment. The first of `ALL_PROXY`, `HTTPS_PROXY` and
    /// `HTTP_PROXY` that is not empty names the proxy, and `NO_PROXY` lists the exceptions. Each
    /// variable may be in upper or lower case.
    ///
    /// # Errors
    /// Fails if one of the variables cannot be honoured.
    pub fn from_environment() -> Result<Self, ProxyError> {
        let Some((variable, proxy)) = first(&PROXY)? else { return Ok(Self::none()) };
        let (no_proxy, exceptions) = first(&NO_PROXY)?.unwrap_or_default();
        Self::read((variable, &proxy), (no_proxy, &exceptions))
    }

    /// Checks that the proxy does not receive the client certificate.
    pub(crate) fn check(&self, tls: &Tls) -> Result<(), ProxyError> {
        let is_https = |proxy: &Proxy| proxy.protocol() == ProxyProtocol::Https;
        match &self.origin {
            Some((setting, shown))
                if tls.has_identity() && self.proxy.as_ref().is_some_and(is_https) =>
            {
                let why = ProxyFault::SeesIdentity;
                Err(ProxyError { setting, why, shown: shown.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Returns the proxy, if there is one.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Parses the settings of the proxy and of the exceptions, each with its name.
    fn read(
        (setting, text): (&'static str, &str),
        (exceptions, list): (&'static str, &str),
    ) -> Result<Self, ProxyError> {
        let error = |why| ProxyError { setting, why, shown: shown(text) };
        let uri: Uri = text.trim().parse().map_err(|_| error(ProxyFault::Syntax))?;
        let authority = uri.authority().ok_or_else(|| error(ProxyFault::NoHost))?;
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        if authority.host().is_empty() {
            return Err(error(ProxyFault::NoHost));
        }
        if place != authority.host() && authority.port_u16().is_none() {
            return Err(error(ProxyFault::Port));
        }
        let scheme = uri.scheme_str().map(str::to_ascii_lowercase);
        let protocol = match scheme.as_deref() {
            Some("http") => ProxyProtocol::Http,
            Some("https") => ProxyProtocol::Https,
            None if authority.port_u16().is_some() => ProxyProtocol::Http,
            None => return Err(error(ProxyFault::Ambiguous)),
            Some(scheme) if scheme.starts_with("socks") => {
                return Err(error(ProxyFault::Socks));
            }
            Some(_) => return Err(error(ProxyFault::Scheme)),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(error(ProxyFault::Path));
        }
        let no_user = || error(ProxyFault::Credentials);
        let parsed = Proxy::new(text.trim()).map_err(|_| no_user())?;
        let mut builder = Proxy::builder(protocol).host(parsed.host()).port(parsed.port());
        if let Some(user) = parsed.username() {
            let password = parsed.password().unwrap_or_default();
            if user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) {
                return Err(no_user());
            }
            builder = builder.username(user).password(password);
        }
        let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        let direct = entries
            .map(|entry| {
                let why = ProxyFault::Exception;
                let error = || ProxyError { setting: exceptions, why, shown: shown(entry) };
                Exception::read(entry).ok_or_else(error)
            })
            .collect::<Result<_, _>>()?;
        let proxy = Some(builder.build().map_err(|_| error(ProxyFault::Syntax))?);
        Ok(Self { origin: Some((setting, shown(text))), proxy, direct })
    }

    /// Describes the proxy: its host and port, and the setting that names it.
    pub(crate) fn name(&self) -> String {
        match (&self.proxy, &self.origin) {
            (Some(proxy), Some((setting, _))) if *setting != ARGUMENT => {
                format!("the proxy {} ({setting})", place(proxy))
            }
            (Some(proxy), _) => format!("the proxy {}", place(proxy)),
            (None, _) => "the proxy".into(),
        }
    }

    /// Returns the name of the proxy through which this server is reached, or nothing if it is
    /// reached directly.
    pub fn on_the_way_to(&self, uri: &Uri) -> Option<String> {
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        (is_http && !self.is_direct(uri)).then(|| self.name())
    }

    /// Returns whether a server is reached directly.
    pub(crate) fn is_direct(&self, uri: &Uri) -> bool {
        self.proxy.is_none() || self.direct.iter().any(|exception| exception.holds(uri))
    }
}

/// Returns the host and the port of a proxy.
fn place(proxy: &Proxy) -> String {
    format!("{}:{}", proxy.host(), proxy.port())
}

/// Returns the first of these variables that is not empty, with its name.
fn first(variables: &[&'static str]) -> Result<Option<(&'static str, String)>, ProxyError> {
    for variable in variables {
        match env::var(variable) {
            Ok(text) if !text.trim().is_empty() => return Ok(Some((variable, text))),
            Ok(_) | Err(env::VarError::NotPresent) => {}
            Err(env::VarError::NotUnicode(_)) => {
                let (why, shown) = (ProxyFault::NotText, "(not shown)".into());
                return Err(ProxyError { setting: variable, why, shown });
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(proxy: &str, exceptions: &str) -> Result<ProxySettings, ProxyError> {
        ProxySettings::new(proxy, exceptions)
    }

    #[test]
    fn all_parts_of_a_proxy_are_used() {
        for (text, protocol, host, port, user) in [
            ("http://p:3128", ProxyProtocol::Http, "p", 3128, None),
            ("p:3128", ProxyProtocol::Http, "p", 3128, None),
            ("http://p/", ProxyProtocol::Http, "p", 80, None),
            ("HTTPS://p", ProxyProtocol::Https, "p", 443, None),
            ("http://[::1]:1/", ProxyProtocol::Http, "[::1]", 1, None),
            ("http://u:p%40s%25@h:1", ProxyProtocol::Http, "h", 1, Some(("u", "p@s%"))),
            ("u:p@h:1", ProxyProtocol::Http, "h", 1, Some(("u", "p"))),
        ] {
            let proxy = read(text, "").unwrap().proxy.unwrap();
            assert_eq!((proxy.protocol(), proxy.host(), proxy.port()), (protocol, host, port));
            assert_eq!(proxy.username(), user.map(|(user, _)| user), "{text}");
            assert_eq!(proxy.password(), user.map(|(_, password)| password), "{text}");
        }
    }

    #[test]
    fn an_invalid_proxy_is_an_error_that_shows_no_password() {
        for text in [
            "banana",
            "http://",
            "http://p:99999",
            "http://p:/",
            "http://a b",
            "http://p/path",
            "http://p?x",
            "ftp://p:1",
            "socks://p",
            "socks4://p",
            "socks4a://p",
            "socks5://p:1080",
            "SOCKS5H://p",
            "http://u:secret%ff@p:1",
            "http://u%3Asecret:x@p:1",
            "http://u:secret%0d%0a@p:1",
            "socks5://u:secret@p:1",
        ] {
            let error = read(text, "").unwrap_err();
            assert_eq!(error.setting, "the proxy", "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let settings = read("http://u:secret@p:1", "").unwrap();
        assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
    }

    #[test]
    fn exceptions_are_reached_directly() {
        let settings = read("p:1", "localhost, .example.com *.mesos,127.0.0.0/8,::1").unwrap();
        for (url, way) in [
            ("http://localhost/", None),
            ("http://a.example.com/", None),
            ("http://leader.mesos:5050/", None),
            ("http://127.1.2.3/", None),
            ("http://[::1]:1/", None),
            ("http://example.com/", Some("the proxy p:1")),
            ("http://[::2]/", Some("the proxy p:1")),
            ("zk://h:2181/", None),
        ] {
            assert_eq!(settings.on_the_way_to(&url.parse().unwrap()).as_deref(), way, "{url}");
        }
        let none = ProxySettings::none();
        assert_eq!(none.on_the_way_to(&"http://h/".parse().unwrap()), None);
    }

    #[test]
    fn an_invalid_exception_is_named() {
        for entry in ["h:x", "http://h", "10.0.0.0/33"] {
            let error = read("p:1", &format!("localhost,{entry}")).unwrap_err();
            assert_eq!((error.setting, &*error.shown), ("the list of exceptions", entry));
        }
    }

    #[test]
    fn a_proxy_is_named_with_its_variable_and_without_its_password() {
        let settings = ProxySettings::read(("HTTP_PROXY", "http://u:canary@p:3128"), ("", ""));
        assert_eq!(settings.unwrap().name(), "the proxy p:3128 (HTTP_PROXY)");
        assert_eq!(read("http://u:canary@p:3128", "").unwrap().name(), "the proxy p:3128");
    }
}
