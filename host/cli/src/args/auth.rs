//! The options for credentials and certificates.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use janitor_report::shell;

use crate::credentials::Origins;

/// The options for credentials and certificates. Secrets should be in a file or in the
/// environment, because every user of a machine can read command lines.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Credentials and certificates")]
pub struct Auth {
    /// DC/OS authentication token; prefer a file or the environment
    /// [env: JANITOR_AUTH_TOKEN, or else DCOS_ACS_TOKEN]
    #[arg(short, long, allow_hyphen_values = true, value_name = "TOKEN")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub auth_token: Option<String>,
    /// File with the token
    #[arg(long, value_name = "FILE", conflicts_with = "auth_token")]
    pub auth_token_file: Option<PathBuf>,
    /// User to log in to DC/OS as
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Password of the user; prefer a file or the environment [env: DCOS_PASSWORD]
    #[arg(long, requires = "username", allow_hyphen_values = true)]
    pub password: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", requires = "username", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// File with the secret of a DC/OS service account (JSON), to log in with
    /// [env: DCOS_SERVICE_ACCOUNT_CREDENTIAL, the secret itself]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "auth_token", "auth_token_file"])]
    pub service_account: Option<PathBuf>,
    /// File with principal:secret, for a Mesos master that requires HTTP Basic
    /// [env: MESOS_BASIC_AUTH, the credential itself]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "auth_token", "auth_token_file", "service_account"])]
    pub basic_auth_file: Option<PathBuf>,
    /// File with user:password, for an Exhibitor that requires HTTP Basic
    /// [env: EXHIBITOR_AUTH, the credential itself]
    #[arg(long, value_name = "FILE")]
    pub exhibitor_auth_file: Option<PathBuf>,
    /// File with user:password, for a Marathon that requires HTTP Basic
    /// [env: MARATHON_AUTH, the credential itself]
    #[arg(long, value_name = "FILE")]
    pub marathon_auth_file: Option<PathBuf>,
    /// File with user:password, to log in to ZooKeeper itself
    /// [env: ZK_AUTH, the credential itself]
    #[arg(long, value_name = "FILE")]
    pub zk_auth_file: Option<PathBuf>,
    /// File with the certificates (PEM) of the authorities to trust [default: the public
    /// authorities and DC/OS's own]
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// File with a client certificate (PEM), for servers that require one
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// File with the private key (PEM) of the client certificate
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Trust any certificate: anyone on the network path can read and forge everything
    #[arg(long, conflicts_with = "ca_cert")]
    pub insecure: bool,
    /// Send credentials over plain HTTP even though another server is reached over HTTPS
    #[arg(long)]
    pub allow_plain_http: bool,
    /// The origins of the credentials.
    #[arg(skip)]
    pub origins: Origins,
}

impl Auth {
    /// Prints the options that a command needs to have the same access, as words of a shell. They
    /// name files, and the user of a password in a file. A secret on the command line is left out,
    /// because the next command would show it on a screen and in a log.
    pub fn words(&self) -> Vec<String> {
        let files = self.files().map(|(option, file)| format!("{option} {}", shell::file(file)));
        let user = self.username.iter().filter(|_| self.password_file.is_some());
        let user = user.map(|name| shell::option("--username", name));
        let flags = [("--insecure", self.insecure), ("--allow-plain-http", self.allow_plain_http)];
        let flags = flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name.into());
        user.chain(files).chain(flags).collect()
    }

    /// Lists the files that are read, with their options.
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
            origins: _,
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
}
