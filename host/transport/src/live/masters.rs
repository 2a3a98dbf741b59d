//! The masters of a cluster, and the one that answered last.

use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;
use http::uri::Authority;

use crate::exchange::Request;
use janitor_contract::Endpoints;
use janitor_contract::endpoint::root;
use janitor_contract::types::Endpoint;

/// The servers of a cluster, and the knowledge of the leading master.
#[derive(Debug)]
pub(super) struct Masters {
    endpoints: Arc<Endpoints>,
    /// The master that answered last as the leader, whether its URL was given or not.
    answering: Mutex<Option<Authority>>,
}

impl Masters {
    /// Creates the masters of a cluster; none of them has answered yet.
    pub(super) fn new(endpoints: Arc<Endpoints>) -> Self {
        Self { endpoints, answering: Mutex::default() }
    }

    /// Returns the servers.
    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns the URLs to which a request may be sent, the most likely one first.
    pub(super) fn places(&self, request: &Request) -> Vec<String> {
        match request.endpoint {
            Endpoint::MasterRoot => vec![self.at_the_root(request)],
            Endpoint::Master => self.at_each(request),
            Endpoint::Exhibitor | Endpoint::Marathon | Endpoint::MarathonPods => {
                vec![self.endpoints.url(request)]
            }
        }
    }

    /// Returns the URLs of a request to the masters.
    fn at_each(&self, request: &Request) -> Vec<String> {
        let bases = self.endpoints.masters().iter();
        let mut places: Vec<_> = bases.map(|base| request.url(base)).collect();
        let answering = self.answering().and_then(|master| self.named(&master));
        places.rotate_left(answering.unwrap_or_default());
        places
    }

    /// Returns the URL of a request to the root of the master that answered last, because a master
    /// that does not lead answers such a request itself.
    fn at_the_root(&self, request: &Request) -> String {
        let url = self.endpoints.url(request);
        let moved = self.answering().and_then(|master| match self.named(&master) {
            Some(index) => {
                let base = root(self.endpoints.masters().get(index)?);
                Some(request.url(base))
            }
            None => {
                let mut parts = url.parse::<Uri>().ok()?.into_parts();
                parts.authority = Some(master);
                Uri::from_parts(parts).ok().map(|uri| uri.to_string())
            }
        });
        moved.unwrap_or(url)
    }

    /// Returns whether a URL has the host, the port and the scheme of a master whose URL was given.
    /// A master that was given with `https` must not receive a credential over `http`.
    pub(super) fn is_named(&self, uri: &Uri) -> bool {
        self.endpoints
            .masters()
            .iter()
            .filter_map(|base| base.parse::<Uri>().ok())
            .any(|base| base.authority() == uri.authority() && base.scheme() == uri.scheme())
    }

    /// Returns the index of this master among the given ones, if it is one of them.
    fn named(&self, authority: &Authority) -> Option<usize> {
        let is_there =
            |base: &String| base.parse::<Uri>().is_ok_and(|uri| uri.authority() == Some(authority));
        self.endpoints.masters().iter().position(is_there)
    }

    fn answering(&self) -> Option<Authority> {
        self.answering.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers the master that answered.
    pub(super) fn answered(&self, authority: Option<&Authority>) {
        *self.answering.lock().unwrap_or_else(PoisonError::into_inner) = authority.cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_contract::types::Method;

    fn masters(masters: &str, answering: &'static str) -> Masters {
        let endpoints = Endpoints::new(masters, "http://exhibitor/", "http://n/").unwrap();
        let masters = Masters::new(endpoints.into());
        masters.answered(Some(&Authority::from_static(answering)));
        masters
    }

    fn places(masters: &Masters, endpoint: Endpoint, path: &str) -> Vec<String> {
        let path = vec![path.into()];
        masters.places(&Request {
            endpoint,
            method: Method::Get,
            path,
            query: vec![],
            content: None,
        })
    }

    #[test]
    fn the_master_that_answers_is_asked_first() {
        let masters = masters("http://m1/master/,http://m2/master/,http://m3/master/", "m2");
        assert_eq!(
            places(&masters, Endpoint::Master, "slaves"),
            ["http://m2/master/slaves", "http://m3/master/slaves", "http://m1/master/slaves"]
        );
        assert_eq!(places(&masters, Endpoint::Exhibitor, "slaves"), ["http://exhibitor/slaves"]);
        assert_eq!(masters.named(&Authority::from_static("m3")), Some(2));
        assert_eq!(masters.named(&Authority::from_static("m4")), None);
        for (url, is_named) in
            [("http://m3/x", true), ("https://m3/x", false), ("http://m4/x", false)]
        {
            assert_eq!(masters.is_named(&url.parse().unwrap()), is_named, "{url}");
        }
    }

    #[test]
    fn the_root_is_that_of_the_master_that_answered() {
        let two = "http://m1:5050/master/,http://router/mesos/master/";
        for (bases, answering, place) in [
            (two, "m1:5050", "http://m1:5050/version"),
            (two, "router", "http://router/mesos/version"),
            (two, "m3:5050", "http://m3:5050/version"),
            ("http://m1:5050/master/", "m3:5050", "http://m3:5050/version"),
            ("http://m1:5050/master/", "m1:5050", "http://m1:5050/version"),
        ] {
            let masters = masters(bases, answering);
            assert_eq!(places(&masters, Endpoint::MasterRoot, "version"), [place], "{answering}");
        }
        let masters = masters(two, "m1:5050");
        masters.answered(None);
        let root = places(&masters, Endpoint::MasterRoot, "version");
        assert_eq!(root, ["http://m1:5050/version"]);
    }
}
