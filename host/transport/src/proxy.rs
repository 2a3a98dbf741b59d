//! The proxy. A setting that cannot be honoured is an error, because whoever set it does not expect
//! requests, and the credentials in them, to take another path.

use std::net::{IpAddr, Ipv6Addr};
use std::{env, fmt};

use http::Uri;
use ureq::{Proxy, ProxyProtocol};

use crate::tls::Tls;
use janitor_contract::endpoint::shown;

/// The variables that may name a proxy. The first one that is not empty applies.
const PROXY: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
/// The variables that may list the servers that are reached directly.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

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
        "may contain only host names, .domains, addresses, ranges of addresses (10.0.0.0/8) and *"
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
    /// The proxy, including the names that are reached directly.
    proxy: Option<Proxy>,
    /// The ranges of addresses that are reached directly.
    direct: Vec<Range>,
}

impl fmt::Debug for ProxySettings {
    /// Writes no password.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { origin: _, proxy, direct } = self;
        let place = proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        f.debug_struct("ProxySettings").field("proxy", &place).field("direct", direct).finish()
    }
}

/// The addresses that start with the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    start: IpAddr,
    bits: u32,
}

impl ProxySettings {
    /// Returns settings without a proxy: every server is reached directly.
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns settings with this proxy for all servers but the `exceptions`: host names,
    /// `.domains`, addresses, ranges of addresses and `*`, separated by commas or spaces.
    ///
    /// # Errors
    /// Fails if one of the two cannot be honoured.
    pub fn new(proxy: &str, exceptions: &str) -> Result<Self, ProxyError> {
        Self::read(("the proxy", proxy), ("the list of exceptions", exceptions))
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
        let mut direct = Vec::new();
        for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            match Exception::read(entry) {
                Some(Exception::Name(name)) => builder = builder.no_proxy(&name),
                Some(Exception::Range(range)) => direct.push(range),
                None => {
                    let why = ProxyFault::Exception;
                    return Err(ProxyError { setting: exceptions, why, shown: shown(entry) });
                }
            }
        }
        let proxy = Some(builder.build().map_err(|_| error(ProxyFault::Syntax))?);
        Ok(Self { origin: Some((setting, shown(text))), proxy, direct })
    }

    /// Returns whether a server is reached directly because of its address.
    pub(crate) fn is_direct(&self, uri: &Uri) -> bool {
        let address = uri.host().and_then(address);
        address.is_some_and(|address| self.direct.iter().any(|range| range.holds(address)))
    }
}

/// One or more servers that are reached directly.
enum Exception {
    /// A pattern of names, in the syntax of ureq.
    Name(String),
    Range(Range),
}

impl Exception {
    fn read(entry: &str) -> Option<Self> {
        if let Some((start, bits)) = entry.split_once('/') {
            return Some(Self::Range(Range { start: address(start)?, bits: bits.parse().ok()? }))
                .filter(|it| matches!(it, Self::Range(range) if range.bits <= range.width()));
        }
        if let Some(start) = address(entry) {
            let range = Range { start, bits: 0 };
            return Some(Self::Range(Range { bits: range.width(), ..range }));
        }
        let name = entry.strip_prefix('*').unwrap_or(entry);
        let is_part_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        name.chars().all(is_part_of_name).then(|| Self::Name(entry.into()))
    }
}

impl Range {
    /// Returns the number of bits of an address.
    fn width(self) -> u32 {
        if self.start.is_ipv4() { 32 } else { 128 }
    }

    fn holds(self, address: IpAddr) -> bool {
        let bits = |address| match address {
            IpAddr::V4(it) => u128::from(u32::from(it)),
            IpAddr::V6(it) => u128::from(it),
        };
        let differing = bits(self.start) ^ bits(address);
        let rest = self.width().saturating_sub(self.bits);
        self.start.is_ipv4() == address.is_ipv4() && differing.checked_shr(rest).unwrap_or(0) == 0
    }
}

/// Parses a host that is an address rather than a name.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
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
        let list = "localhost, .example.com *.mesos,127.0.0.0/8,::1, [fe80::]/10,10.1.2.3";
        let way = read("p:1", list).unwrap();
        let is_direct = |url: &str| {
            let uri = url.parse().unwrap();
            way.is_direct(&uri) || way.proxy.as_ref().unwrap().is_no_proxy(&uri)
        };
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "a.example.com",
            "leader.mesos:5050",
            "127.1.2.3",
            "[::1]:1",
            "[0:0::1]",
            "[febf::1]",
            "10.1.2.3:5050",
        ] {
            assert!(is_direct(&format!("http://{host}/")), "{host}");
        }
        for host in ["example.com", "128.0.0.1", "[::2]", "[fec0::1]", "10.1.2.4", "mesos"] {
            assert!(!is_direct(&format!("http://{host}/")), "{host}");
        }
        assert!(
            read("p:1", "*").unwrap().proxy.unwrap().is_no_proxy(&"http://h/".parse().unwrap())
        );
        let everywhere = read("p:1", "0.0.0.0/0,::/0").unwrap();
        for host in ["1.2.3.4", "[::1]"] {
            assert!(everywhere.is_direct(&format!("http://{host}/").parse().unwrap()));
        }
    }

    #[test]
    fn invalid_exceptions_are_errors() {
        for entry in ["h:80", "http://h", "10.0.0.0/33", "10.0.0.0/", "h/8", "a*b", "[::1]:80"] {
            let error = read("p:1", &format!("localhost,{entry}")).unwrap_err();
            assert_eq!((error.setting, &*error.shown), ("the list of exceptions", entry));
        }
    }
}
