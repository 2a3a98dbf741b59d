//! The credentials of the servers. None of them ever reaches the component, a recording or a log.

#[cfg(feature = "login")]
use std::sync::Arc;

use crate::client::Client;
#[cfg(feature = "login")]
use crate::login::Login;
use crate::secret::{Basic, Token, ZooKeeperLogin};
use janitor_contract::Endpoints;
use janitor_contract::request::Server;
use janitor_contract::types::Endpoint;

/// The credential of one server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Credential {
    /// Requests are anonymous.
    #[default]
    None,
    /// A DC/OS token.
    Token(Token),
    /// A DC/OS login, which is repeated when its token has expired. All servers that accept its
    /// token share it.
    #[cfg(feature = "login")]
    Login(Arc<Login>),
    /// A user with a password (HTTP Basic); for a Mesos master, a principal with its secret.
    Basic(Basic),
}

/// The credentials of all servers. Each is sent only to its own server.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The credential of the Mesos masters.
    pub master: Credential,
    /// The credential of Exhibitor.
    pub exhibitor: Credential,
    /// The credential of Marathon.
    pub marathon: Credential,
    /// The login to ZooKeeper itself, if an ensemble replaces Exhibitor.
    pub zookeeper: Option<ZooKeeperLogin>,
}

impl Credentials {
    /// Uses the same credential for all servers that speak HTTP, as in a DC/OS cluster.
    pub fn everywhere(credential: Credential) -> Self {
        let (exhibitor, marathon) = (credential.clone(), credential.clone());
        Self { master: credential, exhibitor, marathon, zookeeper: None }
    }

    /// Returns the credential of a server that speaks HTTP.
    pub(crate) fn of(&self, endpoint: Endpoint) -> &Credential {
        match endpoint.server() {
            Server::Master => &self.master,
            Server::Exhibitor => &self.exhibitor,
            Server::Marathon => &self.marathon,
        }
    }

    /// Returns the logins among the credentials; one may be returned more than once.
    #[cfg(feature = "login")]
    pub(crate) fn logins(&self) -> impl Iterator<Item = &Login> {
        [&self.master, &self.exhibitor, &self.marathon].into_iter().filter_map(|it| match it {
            Credential::Login(login) => Some(&**login),
            _ => None,
        })
    }
}

impl Credential {
    /// Returns the value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Token(token) => Some(token.authorization()),
            #[cfg(feature = "login")]
            Self::Login(login) => login.authorization(),
            Self::Basic(basic) => Some(basic.authorization()),
        }
    }

    /// Replaces a credential that a server has refused. Returns whether there is another one to
    /// try.
    #[cfg_attr(not(feature = "login"), allow(unused_variables))]
    pub(crate) fn renew(
        &self,
        refused: Option<&str>,
        client: &Client,
        endpoints: &Endpoints,
    ) -> bool {
        match self {
            #[cfg(feature = "login")]
            Self::Login(login) => login.renew(refused, client, endpoints),
            Self::None | Self::Token(_) | Self::Basic(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_credential_is_for_its_own_server_only() {
        let basic = |text: &[u8]| Credential::Basic(Basic::new(text).unwrap());
        let credentials = Credentials {
            master: Credential::Token(Token::new("secret").unwrap()),
            exhibitor: basic(b"ops:secret\n"),
            ..Credentials::default()
        };
        let header = |endpoint| credentials.of(endpoint).authorization();
        for endpoint in [Endpoint::Master, Endpoint::MasterRoot] {
            assert_eq!(header(endpoint).as_deref(), Some("token=secret"));
        }
        let exhibitor = header(Endpoint::Exhibitor);
        assert_eq!(exhibitor.as_deref(), Some("Basic b3BzOnNlY3JldA=="));
        for endpoint in [Endpoint::Marathon, Endpoint::MarathonPods] {
            assert_eq!(header(endpoint), None);
        }
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
