//! The way to the servers of a run: transports, with their credentials. Nothing else in this
//! program makes one.

use janitor_contract::types::Endpoint;
use janitor_host::{
    Credential, Credentials, Digest, Endpoints, Live, Login, LoginError, NetworkLimits, Stop, Tls,
    ZooKeeper,
};
use janitor_transport::Transport;

use crate::credentials::{Given, Secrets};

/// The way to the servers of a run.
pub struct Network {
    endpoints: Endpoints,
    live: Live,
    digest: Option<Digest>,
    limits: NetworkLimits,
}

impl Network {
    /// Logs in, if the credentials need that, and returns the way to all servers.
    ///
    /// # Errors
    /// When the login fails.
    pub fn new(secrets: &Secrets, tls: &Tls, endpoints: &Endpoints) -> Result<Self, LoginError> {
        let limits = NetworkLimits::default();
        let log_in = |login: Login| {
            login.log_in().map(|()| Credentials::everywhere(Credential::Login(login.into())))
        };
        let all = match secrets.cluster.as_ref().map(|(given, _)| given) {
            None => Credentials::default(),
            Some(Given::Token(token)) => Credentials::everywhere(Credential::Token(token.clone())),
            Some(Given::User { name, password }) => {
                log_in(Login::user(&limits, tls, endpoints, name, password))?
            }
            Some(Given::Account(account)) => {
                log_in(Login::service_account(&limits, tls, endpoints, account.as_bytes())?)?
            }
            Some(Given::Principal(basic)) => {
                Credentials { master: Credential::Basic(basic.clone()), ..Credentials::default() }
            }
        };
        let credentials = Credentials {
            master: all.master,
            exhibitor: secrets.own_or(Endpoint::Exhibitor, all.exhibitor),
            marathon: secrets.own_or(Endpoint::Marathon, all.marathon),
        };
        let live = Live::new(&limits, tls, credentials).with_masters(endpoints.masters());
        Ok(Self { endpoints: endpoints.clone(), live, digest: secrets.digest(), limits })
    }

    /// The way to Marathon alone, without a login.
    pub fn to_marathon(marathon: Credential, tls: &Tls, endpoints: Endpoints) -> Self {
        let limits = NetworkLimits::default();
        let credentials = Credentials { marathon, ..Credentials::default() };
        Self { endpoints, live: Live::new(&limits, tls, credentials), digest: None, limits }
    }

    /// The servers.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// A transport for one run, which may be stopped.
    pub fn transport(&self, stop: &Stop) -> Box<dyn Transport> {
        let live = Box::new(self.live.clone());
        match self.endpoints.ensemble() {
            Some(ensemble) => {
                let zookeeper = ZooKeeper::new(ensemble, self.digest.clone(), &self.limits, live);
                Box::new(zookeeper.with_stop(stop.clone()))
            }
            None => live,
        }
    }
}
