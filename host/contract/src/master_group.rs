//! The group of masters that elect their leader in ZooKeeper, and its `zk://` URL.

use std::fmt;
use std::str::FromStr;

use crate::ensemble::{Ensemble, EnsembleError};

/// The node in ZooKeeper below which the masters of a cluster register. Its URL is the one that
/// masters and agents of Mesos take, `zk://host:port,host:port/mesos`. Nothing in ZooKeeper shows
/// whether a master expects TLS, so `zk+https://` is the URL of a group whose masters do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterGroup {
    ensemble: Ensemble,
    is_https: bool,
}

impl MasterGroup {
    /// The beginning of the URL of masters that are reached over HTTPS.
    const HTTPS: &str = "zk+https://";

    /// Returns whether a text is meant to be the URL of a group.
    pub fn is_meant(url: &str) -> bool {
        let url = url.trim();
        url.starts_with(Ensemble::SCHEME) || url.starts_with(Self::HTTPS)
    }

    /// Returns the ensemble. Its chroot is the node of the group, which is not the root.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// Returns whether the masters are reached over HTTPS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

impl FromStr for MasterGroup {
    type Err = EnsembleError;

    fn from_str(url: &str) -> Result<Self, EnsembleError> {
        let https = url.strip_prefix(Self::HTTPS).map(|rest| format!("{}{rest}", Ensemble::SCHEME));
        let is_https = https.is_some();
        let ensemble: Ensemble = https.as_deref().unwrap_or(url).parse()?;
        match ensemble.chroot().is_empty() {
            true => Err(EnsembleError::NoPath),
            false => Ok(Self { ensemble, is_https }),
        }
    }
}

impl fmt::Display for MasterGroup {
    /// Writes the URL, with all ports and with a slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let url = self.ensemble.to_string();
        match url.strip_prefix(Ensemble::SCHEME).filter(|_| self.is_https) {
            Some(rest) => write!(f, "{}{rest}", Self::HTTPS),
            None => f.write_str(&url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_and_completed() {
        for (url, whole, is_https) in [
            ("zk://h/mesos", "zk://h:2181/mesos/", false),
            ("zk://h:1,[::1]/a/mesos/", "zk://h:1,[::1]:2181/a/mesos/", false),
            ("zk+https://h,i/mesos", "zk+https://h:2181,i:2181/mesos/", true),
        ] {
            let group: MasterGroup = url.parse().unwrap();
            assert_eq!((group.to_string().as_str(), group.is_https()), (whole, is_https));
            assert_eq!(whole.parse(), Ok(group));
        }
    }

    #[test]
    fn a_group_has_a_path_and_no_password() {
        for (url, why) in [
            ("zk://h", EnsembleError::NoPath),
            ("zk+https://h:2181/", EnsembleError::NoPath),
            ("zk://u:p@h/mesos", EnsembleError::Credentials),
            ("zk+https://u:p@h/mesos", EnsembleError::Credentials),
            ("zk+http://h/mesos", EnsembleError::Scheme),
            ("https://h/mesos", EnsembleError::Scheme),
        ] {
            assert_eq!(url.parse::<MasterGroup>(), Err(why), "{url}");
        }
    }
}
