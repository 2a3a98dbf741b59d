//! Who to be for the servers, and which servers to trust: what the command line
//! and the environment say about it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Args;
use janitor_host::{
    Basic, Credential, Credentials, Digest, Endpoints, Limits, Login, LoginError, Tls, Token,
};

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
}

/// What keeps the credentials from being used.
pub enum AuthError {
    /// The command line, the environment or a file is wrong.
    Wrong(String),
    /// The login failed.
    Login(LoginError),
}

impl Auth {
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

    /// The credentials for the servers; logs in if they need that.
    pub fn credentials(
        &self,
        limits: &Limits,
        tls: &Tls,
        endpoints: &Endpoints,
    ) -> Result<Credentials, AuthError> {
        let exhibitor = self.exhibitor(endpoints).map_err(AuthError::Wrong)?;
        let marathon = self.marathon().map_err(AuthError::Wrong)?;
        let given = self.given().map_err(AuthError::Wrong)?;
        let log_in = |login: Login| match login.log_in() {
            Ok(()) => Ok(Credentials::everywhere(Credential::Login(login.into()))),
            Err(error) => Err(AuthError::Login(error)),
        };
        let all = match given {
            Given::Nothing => Credentials::default(),
            Given::Token(token) => Credentials::everywhere(Credential::Token(token)),
            Given::User { name, password } => {
                log_in(Login::user(limits, tls, endpoints, &name, &password))?
            }
            Given::Account(account) => {
                let login = Login::service_account(limits, tls, endpoints, account.as_bytes());
                log_in(login.map_err(|error| AuthError::Wrong(error.to_string()))?)?
            }
            Given::Principal(basic) => {
                Credentials { master: Credential::Basic(basic), ..Credentials::default() }
            }
        };
        Ok(Credentials {
            master: all.master,
            exhibitor: exhibitor.map_or(all.exhibitor, Credential::Basic),
            marathon: marathon.map_or(all.marathon, Credential::Basic),
        })
    }

    /// The credential for Marathon, where nobody can log in.
    ///
    /// # Errors
    /// One sentence, when it cannot be read, or only a login could bring it.
    pub fn without_login(&self) -> Result<Credential, String> {
        if let Some(basic) = self.marathon()? {
            return Ok(Credential::Basic(basic));
        }
        match self.given()? {
            Given::Nothing | Given::Principal(_) => Ok(Credential::None),
            Given::Token(token) => Ok(Credential::Token(token)),
            Given::User { .. } | Given::Account(_) => {
                Err("it is not known where to log in with the credentials".into())
            }
        }
    }

    /// The credential for Marathon after a login that failed.
    ///
    /// # Errors
    /// One sentence, when it cannot be read.
    pub fn after_login(&self) -> Result<Credential, String> {
        Ok(self.marathon()?.map_or(Credential::None, Credential::Basic))
    }

    /// The credential for the whole cluster. The command line takes precedence over the
    /// environment.
    fn given(&self) -> Result<Given, String> {
        if let Some(name) = self.username.clone() {
            let (plain, file) = (self.password.as_deref(), self.password_file.as_deref());
            let password = secret(plain, file, "DCOS_PASSWORD")?
                .ok_or("--username needs --password-file, --password or DCOS_PASSWORD")?;
            return Ok(Given::User { name, password });
        }
        if self.service_account.is_none() && self.basic_auth_file.is_none() {
            let (plain, file) = (self.auth_token.as_deref(), self.auth_token_file.as_deref());
            if let Some(token) = secret(plain, file, "DCOS_ACS_TOKEN")? {
                let token = token.trim();
                if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err("the token cannot be one: it has spaces or odd characters".into());
                }
                return Ok(Given::Token(Token::new(token)));
            }
        }
        if self.basic_auth_file.is_none() {
            let (file, variable) =
                (self.service_account.as_deref(), "DCOS_SERVICE_ACCOUNT_CREDENTIAL");
            if let Some(account) = secret(None, file, variable)? {
                return Ok(Given::Account(account));
            }
        }
        let basic = basic(self.basic_auth_file.as_deref(), "MESOS_BASIC_AUTH")?;
        Ok(basic.map_or(Given::Nothing, Given::Principal))
    }

    /// The credential that is for Exhibitor alone.
    fn exhibitor(&self, endpoints: &Endpoints) -> Result<Option<Basic>, String> {
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

    /// The credential that is for Marathon alone.
    fn marathon(&self) -> Result<Option<Basic>, String> {
        basic(self.marathon_auth_file.as_deref(), "MARATHON_AUTH")
    }

    /// Who to be for ZooKeeper: what a file says, or the environment.
    pub fn digest(&self, endpoints: &Endpoints) -> Result<Option<Digest>, String> {
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
        let text = secret(None, file, VARIABLE)?;
        let digest = text.map(|text| Digest::new(text.as_bytes())).transpose();
        digest.map_err(|why| {
            let place = file.map_or(VARIABLE.into(), |file| file.display().to_string());
            format!("cannot log in to ZooKeeper with {place}: {why}")
        })
    }
}

/// The credential that is for the whole cluster.
enum Given {
    Nothing,
    Token(Token),
    User {
        name: String,
        password: String,
    },
    Account(String),
    /// One that masters alone know.
    Principal(Basic),
}

/// A user with a password, from a file or from the environment.
fn basic(file: Option<&Path>, variable: &str) -> Result<Option<Basic>, String> {
    let text = secret(None, file, variable)?;
    let basic = text.map(|text| Basic::new(text.as_bytes())).transpose();
    basic.map_err(|why| {
        let place = file.map_or(variable.into(), |file| file.display().to_string());
        format!("cannot use the Basic credentials in {place}: {why}")
    })
}

/// A secret: as it is, from a file, or from the environment. One that is empty is
/// none; the end of the last line is no part of it.
fn secret(
    plain: Option<&str>,
    file: Option<&Path>,
    variable: &str,
) -> Result<Option<String>, String> {
    let text = match (plain, file) {
        (Some(plain), _) => Some(plain.to_owned()),
        (None, Some(file)) => {
            let text = String::from_utf8(read(file)?);
            Some(text.map_err(|_| cannot_use(file, "it is no text"))?)
        }
        (None, None) => match env::var(variable) {
            Err(env::VarError::NotUnicode(_)) => {
                return Err(format!("cannot use {variable}: it is no text"));
            }
            text => text.ok(),
        },
    };
    let text = text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned());
    let text = text.filter(|text| !text.trim().is_empty());
    match (file, &text) {
        (Some(file), None) => Err(cannot_use(file, "it is empty")),
        _ => Ok(text),
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

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|why| cannot_use(file, why))
}

fn cannot_use(file: &Path, why: impl std::fmt::Display) -> String {
    format!("cannot use {}: {why}", file.display())
}
