//! Who to be for the servers, and which servers to trust: what the command line
//! and the environment say about it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Args;
use janitor_host::{Basic, Credentials, Digest, Endpoints, Limits, Login, LoginError, Tls, Token};

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

    /// Who to be for the servers; logs in if that is wanted.
    pub fn credentials(
        &self,
        limits: &Limits,
        tls: &Tls,
        endpoints: &Endpoints,
    ) -> Result<Credentials, AuthError> {
        let wrong = AuthError::Wrong;
        let log_in = |login: Login| match login.log_in() {
            Ok(()) => Ok(Credentials::Login(login.into())),
            Err(error) => Err(AuthError::Login(error)),
        };
        if let Some(username) = &self.username {
            let password =
                secret(self.password.as_deref(), self.password_file.as_deref(), "DCOS_PASSWORD");
            let password = password.map_err(wrong)?.ok_or_else(|| {
                wrong("--username needs --password-file, --password or DCOS_PASSWORD".into())
            })?;
            return log_in(Login::user(limits, tls, endpoints, username, &password));
        }
        let token =
            secret(self.auth_token.as_deref(), self.auth_token_file.as_deref(), "DCOS_ACS_TOKEN");
        let account = || {
            let variable = "DCOS_SERVICE_ACCOUNT_CREDENTIAL";
            secret(None, self.service_account.as_deref(), variable).map_err(wrong)
        };
        let basic =
            || secret(None, self.basic_auth_file.as_deref(), "MESOS_BASIC_AUTH").map_err(wrong);
        // What is on the command line goes before what is in the environment.
        if self.service_account.is_none()
            && self.basic_auth_file.is_none()
            && let Some(token) = token.map_err(wrong)?
        {
            let token = token.trim();
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong(
                    "the token cannot be one: it has spaces or odd characters".into(),
                ));
            }
            return Ok(Credentials::Token(Token::new(token)));
        }
        if self.basic_auth_file.is_none()
            && let Some(account) = account()?
        {
            let login = Login::service_account(limits, tls, endpoints, account.as_bytes());
            return log_in(login.map_err(|error| wrong(error.to_string()))?);
        }
        match basic()? {
            Some(basic) => Basic::new(basic.as_bytes())
                .map(Credentials::Basic)
                .map_err(|why| wrong(format!("cannot use the Basic credentials: {why}"))),
            None => Ok(Credentials::None),
        }
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
