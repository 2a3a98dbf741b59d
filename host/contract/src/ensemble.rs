//! A ZooKeeper ensemble that replaces Exhibitor, and its `zk://` URL.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The servers of a ZooKeeper ensemble and the node below which paths start. Its URL has the form
/// `zk://host:port,host:port/chroot/`, in which ports and the last slash are optional.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ensemble {
    servers: Vec<String>,
    chroot: String,
}

/// The reason why a text is not the URL of an ensemble. Its text follows the name of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnsembleError {
    /// It has another scheme.
    #[error("must begin with zk://")]
    Scheme,
    /// It contains credentials.
    #[error("must not contain a user name or a password")]
    Credentials,
    /// A server has no host.
    #[error("has no host")]
    NoHost,
    /// A host is neither a name nor an address.
    #[error("has an invalid host")]
    Host,
    /// A port is not a number from 1 to 65535.
    #[error("has an invalid port")]
    Port,
    /// The masters of Mesos register below a path, and it has none.
    #[error("must name the path of the masters, as in zk://host:2181/mesos")]
    NoPath,
    /// The path has characters that could be read in two ways.
    #[error("must have a path of only letters, digits, '-', '.', '_' and '~'")]
    Path,
}

/// The default port of a server.
const PORT: &str = "2181";

impl Ensemble {
    /// The beginning of the URL of an ensemble.
    pub const SCHEME: &str = "zk://";

    /// Returns `host:port` of each server; there is at least one.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// Returns the node that stands for the root: an empty text, or a slash and a path.
    pub fn chroot(&self) -> &str {
        &self.chroot
    }
}

impl FromStr for Ensemble {
    type Err = EnsembleError;

    fn from_str(url: &str) -> Result<Self, EnsembleError> {
        let rest = url.strip_prefix(Self::SCHEME).ok_or(EnsembleError::Scheme)?;
        if rest.contains('@') {
            return Err(EnsembleError::Credentials);
        }
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let servers = servers.split(',').map(server).collect::<Result<_, _>>()?;
        if path.is_empty() {
            return Ok(Self { servers, chroot: String::new() });
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.split('/').all(needs_no_encoding) {
            return Err(EnsembleError::Path);
        }
        Ok(Self { servers, chroot: format!("/{path}") })
    }
}

impl fmt::Display for Ensemble {
    /// Writes the URL, with all ports and with a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}{}{}/", Self::SCHEME, self.servers.join(","), self.chroot)
    }
}

/// Parses one server, and adds the port if it is missing.
fn server(text: &str) -> Result<String, EnsembleError> {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address are inside brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, PORT),
    };
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) if address.parse::<Ipv6Addr>().is_ok() => {}
        None if host.is_empty() => return Err(EnsembleError::NoHost),
        None if host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => {}
        _ => return Err(EnsembleError::Host),
    }
    // The parser of numbers would accept a sign as well.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port != 0 => Ok(format!("{host}:{port}")),
        _ => Err(EnsembleError::Port),
    }
}

/// Returns whether a segment needs no encoding, so that it can be read in only one way.
fn needs_no_encoding(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_and_completed() {
        for (url, whole) in [
            ("zk://h", "zk://h:2181/"),
            ("zk://h/", "zk://h:2181/"),
            ("zk://h:1/", "zk://h:1/"),
            ("zk://10.0.0.1,zk-2.mesos:65535/", "zk://10.0.0.1:2181,zk-2.mesos:65535/"),
            ("zk://[::1]/", "zk://[::1]:2181/"),
            ("zk://[::1]:99,[fe80::2]:98", "zk://[::1]:99,[fe80::2]:98/"),
            ("zk://h:1/a", "zk://h:1/a/"),
            ("zk://h:1,i/a_b/c.d-e~/", "zk://h:1,i:2181/a_b/c.d-e~/"),
        ] {
            let ensemble: Ensemble = url.parse().unwrap();
            assert_eq!(ensemble.to_string(), whole);
            assert_eq!(whole.parse(), Ok(ensemble));
        }
        let ensemble: Ensemble = "zk://h,i:1/a/b/".parse().unwrap();
        assert_eq!(ensemble.servers, ["h:2181", "i:1"]);
        assert_eq!(ensemble.chroot, "/a/b");
        assert_eq!("zk://h/".parse::<Ensemble>().unwrap().chroot, "");
    }

    #[test]
    fn an_invalid_url_is_refused() {
        for url in [
            "zk:/h/",
            "ZK://h/",
            "h:2181",
            "zk://",
            "zk:///a",
            "zk://,/",
            "zk://h,/",
            "zk://,h/",
            "zk://h:/",
            "zk://h:0/",
            "zk://h:65536/",
            "zk://h:+1/",
            "zk://h:1:2/",
            "zk://h:1 /",
            "zk://h i/",
            "zk://::1/",
            "zk://[::1/",
            "zk://[h]/",
            "zk://[::1]x/",
            "zk://u:p@h/",
            "zk://h?a=b",
            "zk://h/?a=b",
            "zk://h/a#b",
            "zk://h//",
            "zk://h//a",
            "zk://h/a//",
            "zk://h/a/../b",
            "zk://h/.",
            "zk://h/a%2fb",
            "zk://h/a b",
            "zk://h/a,i:1/b",
        ] {
            assert!(url.parse::<Ensemble>().is_err(), "{url}");
        }
    }
}
