//! The proxy that the environment names. A setting that cannot be honoured is an error:
//! whoever made it does not expect requests, and the credentials in them, to go another
//! way.

use std::env;
use std::net::{IpAddr, Ipv6Addr};

use ::http::Uri;
use ureq::{Proxy, ProxyProtocol};

use crate::tls::Tls;
use janitor_contract::endpoint::shown;

/// The variables that may name a proxy. The first one that is not empty counts.
const PROXY: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
/// The variables that may name what is reached without it.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A setting that cannot be honoured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{variable} cannot be used: it {why}: {shown}")]
pub struct ProxyError {
    /// The variable of the environment.
    pub variable: &'static str,
    /// What is wrong.
    pub why: String,
    /// What it holds, unless that may be a password.
    pub shown: String,
}

/// Looks whether what the environment says of proxies can be honoured.
///
/// # Errors
/// When it cannot: then no request is sent either.
pub fn check(tls: &Tls) -> Result<(), ProxyError> {
    Way::from_environment(tls).map(drop)
}

/// How servers are reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// The proxy, which knows the names that are reached without it.
    pub proxy: Option<Proxy>,
    /// The ranges of addresses that are reached without it.
    direct: Vec<Range>,
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    start: IpAddr,
    bits: u32,
}

impl Way {
    /// What the environment says.
    pub fn from_environment(tls: &Tls) -> Result<Self, ProxyError> {
        let Some((variable, text)) = first(&PROXY)? else { return Ok(Self::default()) };
        let exceptions = first(&NO_PROXY)?;
        let way =
            Self::read(variable, &text, exceptions.as_ref().map(|(name, text)| (*name, &**text)))?;
        let is_https = |proxy: &Proxy| proxy.protocol() == ProxyProtocol::Https;
        if tls.has_identity() && way.proxy.as_ref().is_some_and(is_https) {
            let why = "names a proxy that is reached over HTTPS, and would be shown the client \
                       certificate, which is for the servers only; name one with http://";
            return Err(ProxyError { variable, why: why.into(), shown: shown(&text) });
        }
        Ok(way)
    }

    /// What two variables say: that of the proxy, and that of the exceptions.
    fn read(
        variable: &'static str,
        text: &str,
        exceptions: Option<(&'static str, &str)>,
    ) -> Result<Self, ProxyError> {
        let error = |why: &str| ProxyError { variable, why: why.into(), shown: shown(text) };
        let uri: Uri = text.trim().parse().map_err(|_| error("is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| error("names no host"))?;
        let place = authority.as_str().rsplit('@').next().unwrap_or_default();
        if authority.host().is_empty() {
            return Err(error("names no host"));
        }
        if place != authority.host() && authority.port_u16().is_none() {
            return Err(error("names a port that does not exist"));
        }
        let scheme = uri.scheme_str().map(str::to_ascii_lowercase);
        let protocol = match scheme.as_deref() {
            Some("http") => ProxyProtocol::Http,
            Some("https") => ProxyProtocol::Https,
            None if authority.port_u16().is_some() => ProxyProtocol::Http,
            None => return Err(error("has neither a scheme nor a port, as http://HOST:PORT has")),
            Some(scheme) if scheme.starts_with("socks") => {
                return Err(error(
                    "names a SOCKS proxy, and only those that take CONNECT can be used, as \
                     http://HOST:PORT",
                ));
            }
            Some(_) => return Err(error("must begin with http:// or https://")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(error("must not have a path or a query"));
        }
        let no_user = || error("holds a user name or a password that cannot be sent to a proxy");
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
        let (variable, list) = exceptions.unwrap_or_default();
        for entry in list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
            match Exception::read(entry) {
                Some(Exception::Name(name)) => builder = builder.no_proxy(&name),
                Some(Exception::Range(range)) => direct.push(range),
                None => {
                    let why = "may hold host names, .domains, addresses, ranges of addresses \
                               (10.0.0.0/8) and *, and holds something else"
                        .into();
                    return Err(ProxyError { variable, why, shown: shown(entry) });
                }
            }
        }
        let proxy = Some(builder.build().map_err(|_| error("is not a URL"))?);
        Ok(Self { proxy, direct })
    }

    /// Whether a server is reached without a proxy, because there is none or because of the
    /// server's address.
    pub fn is_direct(&self, uri: &Uri) -> bool {
        let address = uri.host().and_then(address);
        let is_excepted = |address| self.direct.iter().any(|range| range.holds(address));
        self.proxy.is_none() || address.is_some_and(is_excepted)
    }
}

/// What is reached without the proxy.
enum Exception {
    /// Names, as ureq understands them.
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
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        name.chars().all(is_plain).then(|| Self::Name(entry.into()))
    }
}

impl Range {
    /// How many bits an address has.
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

/// The address that a host is, if it is none with a name.
fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// The first of these variables that is not empty, with its name.
fn first(variables: &[&'static str]) -> Result<Option<(&'static str, String)>, ProxyError> {
    for variable in variables {
        match env::var(variable) {
            Ok(text) if !text.trim().is_empty() => return Ok(Some((variable, text))),
            Ok(_) | Err(env::VarError::NotPresent) => {}
            Err(env::VarError::NotUnicode(_)) => {
                let (why, shown) = ("is no text".into(), "(not shown)".into());
                return Err(ProxyError { variable, why, shown });
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(proxy: &str, exceptions: &str) -> Result<Way, ProxyError> {
        Way::read("ALL_PROXY", proxy, Some(("NO_PROXY", exceptions)))
    }

    #[test]
    fn what_can_be_used_is_used_whole() {
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
    fn what_cannot_be_used_is_an_error_that_shows_no_password() {
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
            assert_eq!(error.variable, "ALL_PROXY", "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn exceptions_are_reached_without_it() {
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
    fn without_a_proxy_every_server_is_reached_directly() {
        for url in ["http://h/", "https://10.0.0.1:5050/", "http://[::1]/"] {
            assert!(Way::default().is_direct(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn exceptions_that_would_be_passed_over_are_errors() {
        for entry in ["h:80", "http://h", "10.0.0.0/33", "10.0.0.0/", "h/8", "a*b", "[::1]:80"] {
            let error = read("p:1", &format!("localhost,{entry}")).unwrap_err();
            assert_eq!((error.variable, &*error.shown), ("NO_PROXY", entry));
        }
    }
}
