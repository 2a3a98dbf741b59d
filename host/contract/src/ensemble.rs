//! A ZooKeeper ensemble in place of Exhibitor: what `zk://` URLs name.

use std::fmt;
use std::net::Ipv6Addr;

/// The servers of a ZooKeeper ensemble, and where in it paths begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// `host:port` of each server; at least one.
    pub servers: Vec<String>,
    /// The node that stands for the root; empty, or a slash and a path.
    pub chroot: String,
}

/// The port of a server that names none.
const PORT: &str = "2181";

impl Ensemble {
    /// How a URL of an ensemble begins.
    pub const SCHEME: &str = "zk://";

    /// Reads `zk://host:port,host:port/chroot/`. Ports and the last slash may
    /// be left out.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let rest = url.strip_prefix(Self::SCHEME).ok_or("must begin with zk://")?;
        if rest.contains('@') {
            return Err("must not hold a user name or a password");
        }
        let (servers, path) = rest.split_once('/').unwrap_or((rest, ""));
        let servers = servers.split(',').map(server).collect::<Result<_, _>>()?;
        if path.is_empty() {
            return Ok(Self { servers, chroot: String::new() });
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.split('/').all(is_plain) {
            return Err("must name a plain path of letters, digits, '-', '.', '_' and '~'");
        }
        Ok(Self { servers, chroot: format!("/{path}") })
    }
}

impl fmt::Display for Ensemble {
    /// The URL, with all ports and with a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}{}{}/", Self::SCHEME, self.servers.join(","), self.chroot)
    }
}

/// One server, with its port.
fn server(text: &str) -> Result<String, &'static str> {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address stand inside of brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, PORT),
    };
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) if address.parse::<Ipv6Addr>().is_ok() => {}
        None if host.is_empty() => return Err("names no host"),
        None if host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => {}
        _ => return Err("names a host that cannot be one"),
    }
    // The parser of numbers would take a sign as well.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port != 0 => Ok(format!("{host}:{port}")),
        _ => Err("names a port that does not exist"),
    }
}

/// Whether a segment needs no encoding, so that nobody can read it in two ways.
fn is_plain(segment: &str) -> bool {
    !matches!(segment, "" | "." | "..")
        && segment.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_chroot_are_read_and_completed() {
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
            let ensemble = Ensemble::parse(url).unwrap();
            assert_eq!(ensemble.to_string(), whole);
            assert_eq!(Ensemble::parse(whole), Ok(ensemble));
        }
        let ensemble = Ensemble::parse("zk://h,i:1/a/b/").unwrap();
        assert_eq!(ensemble.servers, ["h:2181", "i:1"]);
        assert_eq!(ensemble.chroot, "/a/b");
        assert_eq!(Ensemble::parse("zk://h/").unwrap().chroot, "");
    }

    #[test]
    fn what_names_no_ensemble_is_refused() {
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
            assert!(Ensemble::parse(url).is_err(), "{url}");
        }
    }
}
