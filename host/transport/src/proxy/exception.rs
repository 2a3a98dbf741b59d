//! The servers that are reached without the proxy.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;

/// One or more servers that are reached directly.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exception {
    hosts: Hosts,
    /// The only port that is reached directly, if not all are.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
enum Hosts {
    All,
    /// The host with this name, in lower case, and those below it. Without `itself`, only the names
    /// that end in this way.
    Name {
        name: String,
        itself: bool,
    },
    Range(Range),
}

/// The addresses that start with the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    start: IpAddr,
    bits: u32,
}

impl Exception {
    /// Parses one entry of a list: `*`, a name with or without its domain, `.domain`, `*.domain`, an
    /// address, or a range of addresses. All but a range may have a port.
    pub(super) fn read(entry: &str) -> Option<Self> {
        let whole = |hosts| Some(Self { hosts, port: None });
        if let Some((start, bits)) = entry.split_once('/') {
            let range = Range { start: address(start)?, bits: bits.parse().ok()? };
            return whole(Hosts::Range(range)).filter(|_| range.bits <= range.width());
        }
        if let Some(start) = address(entry) {
            return whole(Hosts::Range(Range::single(start)));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(port.parse().ok()?))
            }
            Some(_) => return None,
            None => (entry, None),
        };
        if let Some(start) = address(host) {
            return Some(Self { hosts: Hosts::Range(Range::single(start)), port });
        }
        if host == "*" {
            return Some(Self { hosts: Hosts::All, port });
        }
        let suffix = host.strip_prefix('*').unwrap_or(host);
        let itself = suffix == host && !host.starts_with('.');
        let name = suffix.strip_suffix('.').unwrap_or(suffix).to_ascii_lowercase();
        let is_part_of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_name = !name.is_empty() && name.chars().all(is_part_of_name);
        is_name.then_some(Self { hosts: Hosts::Name { name, itself }, port })
    }

    /// Returns whether the server at a URL is one of these.
    pub(super) fn holds(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host() else { return false };
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        if self.port.is_some_and(|port| port != uri.port_u16().unwrap_or(usual)) {
            return false;
        }
        match &self.hosts {
            Hosts::All => true,
            Hosts::Range(range) => address(host).is_some_and(|address| range.holds(address)),
            Hosts::Name { name, itself } => {
                let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
                match (host.strip_suffix(name), itself) {
                    (Some(rest), true) => rest.is_empty() || rest.ends_with('.'),
                    (Some(rest), false) => !rest.is_empty(),
                    (None, _) => false,
                }
            }
        }
    }
}

impl Range {
    fn single(start: IpAddr) -> Self {
        Self { start, bits: Self { start, bits: 0 }.width() }
    }

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

/// Parses a host that is an address rather than a name. The IPv6 form of an IPv4 address is that
/// address.
fn address(host: &str) -> Option<IpAddr> {
    let address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    };
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(entry: &str, url: &str) -> bool {
        Exception::read(entry).unwrap().holds(&url.parse().unwrap())
    }

    #[test]
    fn a_server_is_named_by_its_name_its_address_and_its_port() {
        for (entry, urls) in [
            ("*", &["http://h/", "https://[::1]/"][..]),
            ("*:81", &["http://h:81/"]),
            ("localhost", &["http://localhost/", "http://LOCALHOST:8080/", "http://a.localhost/"]),
            ("Leader.Mesos.", &["http://leader.mesos:5050/", "http://leader.mesos./"]),
            ("mesos", &["http://leader.mesos:5050/"]),
            ("mesos:5050", &["http://leader.mesos:5050/"]),
            ("leader.mesos:80", &["http://leader.mesos/"]),
            ("leader.mesos:443", &["https://leader.mesos/"]),
            (".example.com", &["http://a.example.com/", "http://b.a.example.com/"]),
            ("*.mesos", &["http://leader.mesos:5050/"]),
            ("*mesos", &["http://dcos-mesos/"]),
            ("10.1.2.3", &["http://10.1.2.3:5050/", "http://[::ffff:10.1.2.3]/"]),
            ("10.1.2.3:5050", &["http://10.1.2.3:5050/"]),
            ("127.0.0.0/8", &["http://127.1.2.3/"]),
            ("0.0.0.0/0", &["http://1.2.3.4/"]),
            ("::1", &["http://[::1]:1/", "http://[0:0::1]/"]),
            ("[::1]", &["http://[::1]:1/"]),
            ("[::1]:1", &["http://[::1]:1/"]),
            ("[fe80::]/10", &["http://[febf::1]/"]),
            ("fe80::/10", &["http://[fe80::1]:99/"]),
            ("::/0", &["http://[::1]/"]),
        ] {
            for url in urls {
                assert!(holds(entry, url), "{entry} {url}");
            }
        }
    }

    #[test]
    fn no_other_server_is_named() {
        for (entry, urls) in [
            ("*:81", &["http://h/", "https://h:80/"][..]),
            ("localhost", &["http://notlocalhost/", "http://localhost.com/"]),
            ("mesos:5050", &["http://leader.mesos:5051/", "http://leader.mesos/"]),
            ("leader.mesos:80", &["https://leader.mesos/"]),
            (".example.com", &["http://example.com/", "http://notexample.com/"]),
            ("*.mesos", &["http://mesos/"]),
            ("10.1.2.3", &["http://10.1.2.4/", "http://10.1.2.3.example/"]),
            ("10.1.2.3:5050", &["http://10.1.2.3/"]),
            ("127.0.0.0/8", &["http://128.0.0.1/", "http://[::1]/", "http://localhost/"]),
            ("::1", &["http://[::2]/"]),
            ("[::1]:1", &["http://[::1]:2/"]),
            ("fe80::/10", &["http://[fec0::1]/"]),
            ("::/0", &["http://1.2.3.4/"]),
        ] {
            for url in urls {
                assert!(!holds(entry, url), "{entry} {url}");
            }
        }
    }

    #[test]
    fn an_entry_that_names_no_server_is_refused() {
        for entry in [
            "",
            ".",
            "*.",
            "http://h",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::/129",
            "h/8",
            "a*b",
            "*a*",
            "h:",
            "h:x",
            "h:99999",
            "h:+1",
            "[::1]:x",
            "[::1",
            "[h]",
            "10.0.0.0/8:80",
            "h:1:2",
        ] {
            assert_eq!(Exception::read(entry), None, "{entry}");
        }
    }
}
