//! The credentials that the command line and the environment give, and the servers to trust.

mod source;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use janitor_contract::MasterGroup;
use janitor_contract::request::Server;
use janitor_contract::types::Endpoint;
use janitor_host::{Basic, Credential, Credentials, Endpoints, Login, Tls, Token, ZooKeeperLogin};

use janitor_report::command_line::parse::variables::AUTH_TOKEN;

use crate::args::auth::Auth;
use crate::settings::is_set;

use source::{cannot_use, dcos_authorities, read, secret};

/// The reason why the credentials cannot be used.
pub enum AuthError {
    /// A credential is missing, or cannot be read.
    Unreadable(String),
    /// A credential is malformed, so no server would accept it.
    Malformed(String),
}

impl From<String> for AuthError {
    fn from(why: String) -> Self {
        Self::Unreadable(why)
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Unreadable(why) | Self::Malformed(why) => f.write_str(why),
        }
    }
}

/// The origin of a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Origin {
    /// The command line, itself or by the name of a file.
    #[default]
    Option,
    /// This variable of the environment, itself or by the name of a file.
    Variable(&'static str),
    /// The cluster in the configuration file.
    Configuration,
}

/// The origins of the credentials and certificates, one for each that may have its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Origins {
    /// The credential for the whole cluster.
    pub cluster: Origin,
    /// The credential for Exhibitor.
    pub exhibitor: Origin,
    /// The credential for Marathon.
    pub marathon: Origin,
    /// The login for ZooKeeper.
    pub zookeeper: Origin,
    /// The client certificate.
    pub certificate: Origin,
    /// The authorities to trust.
    pub authorities: Origin,
}

impl Origin {
    /// Returns the name of the place of the credential: this option, or the variable.
    fn of(self, option: &'static str) -> &'static str {
        match self {
            Self::Option | Self::Configuration => option,
            Self::Variable(variable) => variable,
        }
    }
}

/// A server that is about to receive a credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// The server; a login counts as the master's.
    pub server: Server,
    /// Its name, for people.
    pub name: &'static str,
    /// Its URL.
    pub url: String,
    /// The origin of the credential.
    pub origin: Origin,
    /// The credential is sent over plain HTTP.
    pub is_plain: bool,
    /// ZooKeeper names the server, and the URL is that of its group.
    pub is_detected: bool,
}

/// The credentials that are given; none of them has been used yet.
pub struct Secrets {
    /// The credential for the whole cluster.
    cluster: Option<(Given, Origin)>,
    exhibitor: Option<(Basic, Origin)>,
    marathon: Option<(Basic, Origin)>,
    zookeeper: Option<(ZooKeeperLogin, Origin)>,
    /// The client certificate, which every server that is reached over HTTPS may see.
    certificate: Option<Origin>,
}

impl Auth {
    /// The certificates: the authorities to trust, and the client's own.
    pub fn tls(&self) -> Result<Tls, String> {
        let mut tls = Tls::default();
        if let Some(file) = self.ca_cert.as_deref().or(dcos_authorities().as_deref()) {
            tls = tls.with_authorities(&read(file)?).map_err(|why| cannot_use(file, why))?;
        }
        if let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) {
            let identity = tls.with_identity(&read(certificate)?, &read(key)?);
            let files = format!("{} with {}", certificate.display(), key.display());
            tls = identity.map_err(|why| format!("cannot use {files}: {why}"))?;
        }
        Ok(if self.insecure { tls.without_verification() } else { tls })
    }

    /// The credentials for these servers.
    pub fn secrets(&self, endpoints: &Endpoints) -> Result<Secrets, AuthError> {
        Ok(Secrets {
            zookeeper: self.zookeeper(endpoints)?,
            exhibitor: self.exhibitor(endpoints)?,
            ..self.secrets_for_marathon()?
        })
    }

    /// The credentials that Marathon may get.
    pub fn secrets_for_marathon(&self) -> Result<Secrets, AuthError> {
        let file = self.marathon_auth_file.as_deref();
        let marathon = basic(file, self.origins.marathon, "MARATHON_AUTH")?;
        Ok(Secrets {
            cluster: self.cluster()?,
            exhibitor: None,
            marathon,
            zookeeper: None,
            certificate: self.client_cert.as_ref().map(|_| self.origins.certificate),
        })
    }

    /// Reads the credential for the whole cluster. A named file takes precedence over a secret in
    /// the environment.
    fn cluster(&self) -> Result<Option<(Given, Origin)>, AuthError> {
        let from = self.origins.cluster;
        if let Some(name) = self.username.clone() {
            let (plain, file) = (self.password.as_deref(), self.password_file.as_deref());
            let (password, origin) = secret(plain, file, from, "DCOS_PASSWORD")?.ok_or(
                "--username needs --password-file, --password or DCOS_PASSWORD".to_owned(),
            )?;
            return Ok(Some((Given::Login(Login::user(&name, &password).into()), origin)));
        }
        if self.service_account.is_none() && self.basic_auth_file.is_none() {
            let (plain, file) = (self.auth_token.as_deref(), self.auth_token_file.as_deref());
            let variable = match is_set(AUTH_TOKEN) {
                true => AUTH_TOKEN,
                false => "DCOS_ACS_TOKEN",
            };
            if let Some((token, origin)) = secret(plain, file, from, variable)? {
                let token = Token::new(token.trim())
                    .map_err(|why| malformed(file, origin.of("--auth-token"), why))?;
                return Ok(Some((Given::Token(token), origin)));
            }
        }
        if self.basic_auth_file.is_none() {
            let (file, variable) =
                (self.service_account.as_deref(), "DCOS_SERVICE_ACCOUNT_CREDENTIAL");
            if let Some((account, origin)) = secret(None, file, from, variable)? {
                let login = Login::service_account(account.as_bytes())
                    .map_err(|why| malformed(file, variable, why))?;
                return Ok(Some((Given::Login(login.into()), origin)));
            }
        }
        let basic = basic(self.basic_auth_file.as_deref(), from, "MESOS_BASIC_AUTH")?;
        Ok(basic.map(|(basic, origin)| (Given::Principal(basic), origin)))
    }

    /// Reads the credential that is only for Exhibitor.
    fn exhibitor(&self, endpoints: &Endpoints) -> Result<Option<(Basic, Origin)>, AuthError> {
        match (endpoints.ensemble(), self.exhibitor_auth_file.as_deref()) {
            (None, file) => basic(file, self.origins.exhibitor, "EXHIBITOR_AUTH"),
            (Some(_), None) => Ok(None),
            (Some(_), Some(_)) if self.origins.exhibitor != Origin::Option => Ok(None),
            (Some(_), Some(_)) => {
                Err("--exhibitor-auth-file is for Exhibitor; use --zk-auth-file with an \
                     --exhibitor-url that begins with zk://"
                    .to_owned()
                    .into())
            }
        }
    }

    /// Reads the login for ZooKeeper from a file or the environment.
    fn zookeeper(
        &self,
        endpoints: &Endpoints,
    ) -> Result<Option<(ZooKeeperLogin, Origin)>, AuthError> {
        let file = self.zk_auth_file.as_deref();
        if endpoints.ensemble().is_none() && endpoints.master_group().is_none() {
            return match file.filter(|_| self.origins.zookeeper == Origin::Option) {
                Some(_) => Err("--zk-auth-file needs an --exhibitor-url or a --master-url that \
                                begins with zk://"
                    .to_owned()
                    .into()),
                None => Ok(None),
            };
        }
        const VARIABLE: &str = "ZK_AUTH";
        let from = self.origins.zookeeper;
        let Some((text, origin)) = secret(None, file, from, VARIABLE)? else { return Ok(None) };
        let login =
            ZooKeeperLogin::new(text.as_bytes()).map_err(|why| malformed(file, VARIABLE, why))?;
        Ok(Some((login, origin)))
    }
}

impl Secrets {
    /// Lists the servers that receive a credential, among those to which requests are sent.
    pub fn recipients(
        &self,
        endpoints: &Endpoints,
        are_asked: impl Fn(Server) -> bool,
    ) -> Vec<Recipient> {
        let cluster = self.cluster.as_ref().map(|(given, origin)| (given, *origin));
        let for_all = cluster.filter(|(given, _)| !matches!(given, Given::Principal(_)));
        let for_all = for_all.map(|(_, origin)| origin);
        let login = cluster.filter(|(given, _)| given.needs_a_login());
        let own = |basic: &Option<(Basic, Origin)>| basic.as_ref().map(|(_, origin)| *origin);
        let exhibitor = match endpoints.ensemble() {
            Some(_) => self.zookeeper.as_ref().map(|(_, origin)| *origin),
            None => own(&self.exhibitor).or(for_all),
        };
        let url = |endpoint| endpoints.base(endpoint).to_owned();
        let masters = endpoints.masters().iter().map(|master| {
            (Server::Master, "the Mesos master", master.clone(), cluster.map(|(_, it)| it))
        });
        let others = [
            (Server::Exhibitor, "Exhibitor", url(Endpoint::Exhibitor), exhibitor),
            (
                Server::Marathon,
                "Marathon",
                url(Endpoint::Marathon),
                own(&self.marathon).or(for_all),
            ),
        ];
        let login = login.and_then(|(_, origin)| {
            Some((Server::Master, "the login", endpoints.login()?, Some(origin)))
        });
        let group = endpoints.master_group();
        let detection = group.as_ref().and_then(|group| {
            let (_, origin) = self.zookeeper.as_ref()?;
            let (server, url, origin) = (Server::Master, group.to_string(), *origin);
            let (is_plain, is_detected) = (false, false);
            Some(Recipient { server, name: "ZooKeeper", url, origin, is_plain, is_detected })
        });
        let others =
            masters.chain(login).chain(others).filter(|(server, ..)| are_asked(*server)).flat_map(
                |(server, name, url, origin)| {
                    let group = group.as_ref().filter(|_| server == Server::Master);
                    let is_detected = group.is_some();
                    let is_https =
                        group.map_or_else(|| url.starts_with("https://"), MasterGroup::is_https);
                    let is_plain = url.starts_with("http://") || (is_detected && !is_https);
                    let certificate = self.certificate.filter(|_| is_https);
                    // A certificate of the configuration has recipients of its own.
                    let certificate =
                        certificate.filter(|it| origin.is_none() || *it == Origin::Configuration);
                    let origins = origin.into_iter().chain(certificate);
                    origins.map(move |origin| Recipient {
                        server,
                        name,
                        url: url.clone(),
                        origin,
                        is_plain,
                        is_detected,
                    })
                },
            );
        detection.filter(|it| are_asked(it.server)).into_iter().chain(others).collect()
    }

    /// The credentials of all servers. A login among them has no token yet.
    pub fn credentials(&self) -> Credentials {
        let all = match self.cluster.as_ref().map(|(given, _)| given) {
            None => Credentials::default(),
            Some(Given::Token(token)) => Credentials::everywhere(Credential::Token(token.clone())),
            Some(Given::Login(login)) => Credentials::everywhere(Credential::Login(login.clone())),
            Some(Given::Principal(basic)) => {
                Credentials { master: Credential::Basic(basic.clone()), ..Credentials::default() }
            }
        };
        let own = |basic: &Option<(Basic, Origin)>, all| match basic {
            Some((basic, _)) => Credential::Basic(basic.clone()),
            None => all,
        };
        Credentials {
            master: all.master,
            exhibitor: own(&self.exhibitor, all.exhibitor),
            marathon: own(&self.marathon, all.marathon),
            zookeeper: self.zookeeper.as_ref().map(|(login, _)| login.clone()),
        }
    }

    /// The credential for Marathon, if no login is possible.
    ///
    /// # Errors
    /// Fails if only a login could provide it, with one sentence for people.
    pub fn without_login(&self) -> Result<Credential, String> {
        match (&self.marathon, &self.cluster) {
            (Some((basic, _)), _) => Ok(Credential::Basic(basic.clone())),
            (None, Some((Given::Token(token), _))) => Ok(Credential::Token(token.clone())),
            (None, Some((given, _))) if given.needs_a_login() => {
                Err("without a valid URL, there is no server to log in to".into())
            }
            (None, _) => Ok(Credential::None),
        }
    }

    /// The credential for Marathon after a failed login.
    pub fn after_login(&self) -> Credential {
        match &self.marathon {
            Some((basic, _)) => Credential::Basic(basic.clone()),
            None => Credential::None,
        }
    }
}

/// A credential for the whole cluster.
pub enum Given {
    /// A token.
    Token(Token),
    /// A user or a service account that logs in.
    Login(Arc<Login>),
    /// A principal that only masters know.
    Principal(Basic),
}

impl Given {
    /// Returns whether the credential is used only to log in.
    fn needs_a_login(&self) -> bool {
        matches!(self, Self::Login(_))
    }
}

/// Reads a user with a password, from a file or from the environment.
fn basic(
    file: Option<&Path>,
    from: Origin,
    variable: &'static str,
) -> Result<Option<(Basic, Origin)>, AuthError> {
    let Some((text, origin)) = secret(None, file, from, variable)? else { return Ok(None) };
    let basic = Basic::new(text.as_bytes()).map_err(|why| malformed(file, variable, why))?;
    Ok(Some((basic, origin)))
}

/// The error for a malformed credential, which names its file or its other place.
fn malformed(file: Option<&Path>, other: &str, why: impl fmt::Display) -> AuthError {
    let place = file.map_or_else(|| other.to_owned(), |file| file.display().to_string());
    AuthError::Malformed(format!("cannot use {place}: {why}"))
}
