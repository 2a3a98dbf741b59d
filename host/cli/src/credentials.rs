//! Who to be for the servers, and which servers to trust: what the command line
//! and the environment say about it.

use std::path::{Path, PathBuf};
use std::{env, fmt};

use clap::Args;
use janitor_contract::types::Endpoint;
use janitor_host::{
    Basic, Credential, Credentials, Digest, Endpoints, Login, LoginError, NetworkLimits, Tls, Token,
};
use janitor_transport::file;

/// Credentials and certificates. What is secret is better in a file or in the
/// environment: every user of a machine can read command lines.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials and certificates")]
pub struct Auth {
    /// A DC/OS authentication token; better in a file or in DCOS_ACS_TOKEN
    #[arg(short, long, allow_hyphen_values = true, value_name = "TOKEN")]
    pub auth_token: Option<String>,
    /// A file with the token
    #[arg(long, value_name = "FILE", conflicts_with = "auth_token")]
    pub auth_token_file: Option<PathBuf>,
    /// A user to log in to DC/OS with
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The user's password; better in a file or in DCOS_PASSWORD
    #[arg(long, requires = "username", allow_hyphen_values = true)]
    pub password: Option<String>,
    /// A file with the password
    #[arg(long, value_name = "FILE", requires = "username", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// A file with the secret of a DC/OS service account (JSON), to log in with; or it
    /// is in DCOS_SERVICE_ACCOUNT_CREDENTIAL
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "auth_token", "auth_token_file"])]
    pub service_account: Option<PathBuf>,
    /// A file with principal:secret, for a Mesos master that wants HTTP Basic; or it is
    /// in MESOS_BASIC_AUTH
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "auth_token", "auth_token_file", "service_account"])]
    pub basic_auth_file: Option<PathBuf>,
    /// File with user:password, for an Exhibitor that wants HTTP Basic [env: EXHIBITOR_AUTH]
    #[arg(long, value_name = "FILE")]
    pub exhibitor_auth_file: Option<PathBuf>,
    /// File with user:password, for a Marathon that wants HTTP Basic [env: MARATHON_AUTH]
    #[arg(long, value_name = "FILE")]
    pub marathon_auth_file: Option<PathBuf>,
    /// A file with user:password, to log in to ZooKeeper itself with; or it is in ZK_AUTH
    #[arg(long, value_name = "FILE")]
    pub zk_auth_file: Option<PathBuf>,
    /// A file with the certificates (PEM) of the authorities to trust, instead of the
    /// public ones and DC/OS's own
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// A file with a certificate (PEM) to show to servers that want one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// A file with the certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Trust any certificate: whoever is on the way can read the credentials
    #[arg(long, conflicts_with = "ca_cert")]
    pub insecure: bool,
    /// Send credentials over plain HTTP to one server although another one is reached over
    /// HTTPS
    #[arg(long)]
    pub allow_plain_http: bool,
}

/// What keeps the credentials from being used.
pub enum AuthError {
    /// The command line, the environment or a file is wrong.
    Wrong(String),
    /// The token is none.
    Token(String),
}

impl From<String> for AuthError {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Wrong(why) | Self::Token(why) => f.write_str(why),
        }
    }
}

/// Who gave a credential.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// The command line, itself or by the name of a file.
    Option,
    /// This variable of the environment.
    Variable(&'static str),
}

impl Origin {
    /// What holds the credential: this option, or the variable.
    fn of(self, option: &'static str) -> &'static str {
        match self {
            Self::Option => option,
            Self::Variable(variable) => variable,
        }
    }
}

/// A server that is about to get a credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// The server; where to log in is the master's to say.
    pub server: Endpoint,
    /// What it is called.
    pub name: &'static str,
    /// Where it is.
    pub url: String,
    /// Who gave the credential.
    pub origin: Origin,
}

/// The credentials that are given; none of them has been used yet.
pub struct Secrets {
    /// The one for the whole cluster.
    cluster: Option<(Given, Origin)>,
    exhibitor: Option<(Basic, Origin)>,
    marathon: Option<(Basic, Origin)>,
    zookeeper: Option<(Digest, Origin)>,
    /// The client certificate, which every server may see that is reached over HTTPS.
    certificate: Option<Origin>,
}

impl Auth {
    /// The files that are read, with their options.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let Self {
            auth_token: _,
            auth_token_file,
            username: _,
            password: _,
            password_file,
            service_account,
            basic_auth_file,
            exhibitor_auth_file,
            marathon_auth_file,
            zk_auth_file,
            ca_cert,
            client_cert,
            client_key,
            insecure: _,
            allow_plain_http: _,
        } = self;
        let files = [
            ("--auth-token-file", auth_token_file),
            ("--password-file", password_file),
            ("--service-account", service_account),
            ("--basic-auth-file", basic_auth_file),
            ("--exhibitor-auth-file", exhibitor_auth_file),
            ("--marathon-auth-file", marathon_auth_file),
            ("--zk-auth-file", zk_auth_file),
            ("--ca-cert", ca_cert),
            ("--client-cert", client_cert),
            ("--client-key", client_key),
        ];
        files.into_iter().filter_map(|(option, file)| Some((option, file.as_deref()?)))
    }

    /// Whom to trust, and who to be for servers that want a certificate.
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
        let marathon = basic(self.marathon_auth_file.as_deref(), "MARATHON_AUTH")?;
        Ok(Secrets {
            cluster: self.cluster()?,
            exhibitor: None,
            marathon,
            zookeeper: None,
            certificate: self.client_cert.as_ref().map(|_| Origin::Option),
        })
    }

    /// The credential for the whole cluster. The command line takes precedence over the
    /// environment.
    fn cluster(&self) -> Result<Option<(Given, Origin)>, AuthError> {
        if let Some(name) = self.username.clone() {
            let (plain, file) = (self.password.as_deref(), self.password_file.as_deref());
            let (password, origin) = secret(plain, file, "DCOS_PASSWORD")?.ok_or(
                "--username needs --password-file, --password or DCOS_PASSWORD".to_owned(),
            )?;
            return Ok(Some((Given::User { name, password }, origin)));
        }
        if self.service_account.is_none() && self.basic_auth_file.is_none() {
            let (plain, file) = (self.auth_token.as_deref(), self.auth_token_file.as_deref());
            if let Some((token, origin)) = secret(plain, file, "DCOS_ACS_TOKEN")? {
                let token = Token::new(token.trim()).map_err(|why| {
                    let place = file.map(|file| file.display().to_string());
                    let place = place.unwrap_or_else(|| origin.of("--auth-token").into());
                    AuthError::Token(format!("cannot use {place}: {why}"))
                })?;
                return Ok(Some((Given::Token(token), origin)));
            }
        }
        if self.basic_auth_file.is_none() {
            let (file, variable) =
                (self.service_account.as_deref(), "DCOS_SERVICE_ACCOUNT_CREDENTIAL");
            if let Some((account, origin)) = secret(None, file, variable)? {
                return Ok(Some((Given::Account(account), origin)));
            }
        }
        let basic = basic(self.basic_auth_file.as_deref(), "MESOS_BASIC_AUTH")?;
        Ok(basic.map(|(basic, origin)| (Given::Principal(basic), origin)))
    }

    /// The credential that is for Exhibitor alone.
    fn exhibitor(&self, endpoints: &Endpoints) -> Result<Option<(Basic, Origin)>, String> {
        match (endpoints.ensemble(), self.exhibitor_auth_file.as_deref()) {
            (None, file) => basic(file, "EXHIBITOR_AUTH"),
            (Some(_), None) => Ok(None),
            (Some(_), Some(_)) => {
                Err("--exhibitor-auth-file is for Exhibitor; --zk-auth-file is for an \
                     --exhibitor-url that begins with zk://"
                    .into())
            }
        }
    }

    /// Who to be for ZooKeeper: what a file says, or the environment.
    fn zookeeper(&self, endpoints: &Endpoints) -> Result<Option<(Digest, Origin)>, String> {
        let file = self.zk_auth_file.as_deref();
        if endpoints.ensemble().is_none() {
            return match file {
                Some(_) => {
                    Err("--zk-auth-file needs an --exhibitor-url that begins with zk://".into())
                }
                None => Ok(None),
            };
        }
        const VARIABLE: &str = "ZK_AUTH";
        let Some((text, origin)) = secret(None, file, VARIABLE)? else { return Ok(None) };
        let digest = Digest::new(text.as_bytes()).map_err(|why| {
            let place = file.map_or(VARIABLE.into(), |file| file.display().to_string());
            format!("cannot log in to ZooKeeper with {place}: {why}")
        })?;
        Ok(Some((digest, origin)))
    }
}

impl Secrets {
    /// The servers that get a credential, of those that `are_asked` anything.
    pub fn recipients(
        &self,
        endpoints: &Endpoints,
        are_asked: impl Fn(Endpoint) -> bool,
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
            (Endpoint::Master, "the Mesos master", master.clone(), cluster.map(|(_, it)| it))
        });
        let others = [
            (Endpoint::Exhibitor, "Exhibitor", url(Endpoint::Exhibitor), exhibitor),
            (
                Endpoint::Marathon,
                "Marathon",
                url(Endpoint::Marathon),
                own(&self.marathon).or(for_all),
            ),
        ];
        let login = login
            .map(|(_, origin)| (Endpoint::Master, "the login", endpoints.login(), Some(origin)));
        masters
            .chain(login)
            .chain(others)
            .filter(|(server, ..)| are_asked(*server))
            .filter_map(|(server, name, url, origin)| {
                let certificate = self.certificate.filter(|_| url.starts_with("https://"));
                Some(Recipient { server, name, url, origin: origin.or(certificate)? })
            })
            .collect()
    }

    /// What each server gets over HTTP; logs in if that is needed.
    pub fn credentials(
        &self,
        limits: &NetworkLimits,
        tls: &Tls,
        endpoints: &Endpoints,
    ) -> Result<Credentials, LoginError> {
        let log_in = |login: Login| {
            login.log_in().map(|()| Credentials::everywhere(Credential::Login(login.into())))
        };
        let all = match self.cluster.as_ref().map(|(given, _)| given) {
            None => Credentials::default(),
            Some(Given::Token(token)) => Credentials::everywhere(Credential::Token(token.clone())),
            Some(Given::User { name, password }) => {
                log_in(Login::user(limits, tls, endpoints, name, password))?
            }
            Some(Given::Account(account)) => {
                log_in(Login::service_account(limits, tls, endpoints, account.as_bytes())?)?
            }
            Some(Given::Principal(basic)) => {
                Credentials { master: Credential::Basic(basic.clone()), ..Credentials::default() }
            }
        };
        let own = |basic: &Option<(Basic, Origin)>, all| match basic {
            Some((basic, _)) => Credential::Basic(basic.clone()),
            None => all,
        };
        Ok(Credentials {
            master: all.master,
            exhibitor: own(&self.exhibitor, all.exhibitor),
            marathon: own(&self.marathon, all.marathon),
        })
    }

    /// Who to be for ZooKeeper itself.
    pub fn digest(&self) -> Option<Digest> {
        self.zookeeper.as_ref().map(|(digest, _)| digest.clone())
    }

    /// The credential for Marathon, where nobody can log in.
    ///
    /// # Errors
    /// One sentence, when only a login could bring it.
    pub fn without_login(&self) -> Result<Credential, String> {
        match (&self.marathon, &self.cluster) {
            (Some((basic, _)), _) => Ok(Credential::Basic(basic.clone())),
            (None, Some((Given::Token(token), _))) => Ok(Credential::Token(token.clone())),
            (None, Some((given, _))) if given.needs_a_login() => {
                Err("it is not known where to log in with the credentials".into())
            }
            (None, _) => Ok(Credential::None),
        }
    }

    /// The credential for Marathon after a login that failed.
    pub fn after_login(&self) -> Credential {
        match &self.marathon {
            Some((basic, _)) => Credential::Basic(basic.clone()),
            None => Credential::None,
        }
    }
}

/// The credential that is for the whole cluster.
enum Given {
    Token(Token),
    User {
        name: String,
        password: String,
    },
    Account(String),
    /// One that masters alone know.
    Principal(Basic),
}

impl Given {
    fn needs_a_login(&self) -> bool {
        matches!(self, Self::User { .. } | Self::Account(_))
    }
}

/// A user with a password, from a file or from the environment.
fn basic(file: Option<&Path>, variable: &'static str) -> Result<Option<(Basic, Origin)>, String> {
    let Some((text, origin)) = secret(None, file, variable)? else { return Ok(None) };
    let basic = Basic::new(text.as_bytes()).map_err(|why| {
        let place = file.map_or(variable.into(), |file| file.display().to_string());
        format!("cannot use the Basic credentials in {place}: {why}")
    })?;
    Ok(Some((basic, origin)))
}

/// A secret: as it is, from a file, or from the environment. One that is empty is
/// none; the end of the last line is no part of it.
fn secret(
    plain: Option<&str>,
    file: Option<&Path>,
    variable: &'static str,
) -> Result<Option<(String, Origin)>, String> {
    let (text, origin) = match (plain, file) {
        (Some(plain), _) => (Some(plain.to_owned()), Origin::Option),
        (None, Some(file)) => {
            let text = String::from_utf8(read(file)?);
            (Some(text.map_err(|_| cannot_use(file, "it is no text"))?), Origin::Option)
        }
        (None, None) => match env::var(variable) {
            Err(env::VarError::NotUnicode(_)) => {
                return Err(format!("cannot use {variable}: it is no text"));
            }
            text => (text.ok(), Origin::Variable(variable)),
        },
    };
    let text = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    let text = text.filter(|text| !text.trim().is_empty());
    match (file, text) {
        (Some(file), None) => Err(cannot_use(file, "it is empty")),
        (_, text) => Ok(text.map(|text| (text, origin))),
    }
}

/// Where DC/OS puts the certificates of its own authority: on nodes, and in the
/// sandboxes of tasks.
fn dcos_authorities() -> Option<PathBuf> {
    let node = PathBuf::from("/run/dcos/pki/CA/ca-bundle.crt");
    let sandbox = env::var_os("MESOS_SANDBOX").map(PathBuf::from);
    let in_sandbox = |name| sandbox.as_ref().map(|sandbox| sandbox.join(".ssl").join(name));
    [in_sandbox("ca-bundle.crt"), in_sandbox("ca.crt"), Some(node)]
        .into_iter()
        .flatten()
        .find(|file| file.is_file())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    /// More than any token or key has, and any list of authorities.
    const MOST_BYTES: u64 = 1 << 20;
    file::read(path, MOST_BYTES).map_err(|why| cannot_use(path, why))
}

fn cannot_use(file: &Path, why: impl std::fmt::Display) -> String {
    format!("cannot use {}: {why}", file.display())
}
