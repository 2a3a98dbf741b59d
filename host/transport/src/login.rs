//! How the host authenticates. Nothing in here ever reaches the component, a
//! recording or a log.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};

use crate::echo;
use crate::exchange::{self, Request, Transport};
use crate::timeouts::NetworkLimits;
use crate::live;
use crate::live::Live;
use crate::tls::Tls;
use crate::tls::{self, TlsError};
use janitor_contract::Endpoints;
use janitor_contract::printable::printable;
use janitor_contract::token;
pub use janitor_contract::token::NoToken;
use janitor_contract::types::{Content, Endpoint, Error, Method};

/// Something that is never shown.
#[derive(Clone, PartialEq)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("redacted")
    }
}

/// A DC/OS authentication token, as the cluster's login hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Token(Secret);

impl Token {
    /// Takes a token as it is.
    ///
    /// # Errors
    /// When no header can hold it; it is not shown.
    pub fn new(token: impl Into<String>) -> Result<Self, NoToken> {
        let token = token.into();
        token::check(&token).map(|()| Self(Secret(token)))
    }
}

/// A user of ZooKeeper and the password, `user:password`, for its scheme `digest`.
#[derive(Clone, Debug)]
pub struct Digest(Secret);

impl Digest {
    /// Takes what is in a file or a variable; space around it means nothing.
    ///
    /// # Errors
    /// When it is not `user:password`; it is not shown.
    pub fn new(text: &[u8]) -> Result<Self, NoUser> {
        user_and_password(text).map(Self)
    }

    /// What goes to the server.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.0.as_bytes()
    }
}

/// Something that is no user with a password.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("it does not hold user:password on one line")]
pub struct NoUser;

fn user_and_password(text: &[u8]) -> Result<Secret, NoUser> {
    let text = std::str::from_utf8(text).unwrap_or_default().trim();
    match text.split_once(':') {
        Some((user, password))
            if !user.is_empty() && !password.is_empty() && !text.contains(char::is_control) =>
        {
            Ok(Secret(text.into()))
        }
        _ => Err(NoUser),
    }
}

/// One server's credential. A login is shared by all servers that take its token.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// Anonymous.
    #[default]
    None,
    /// A DC/OS token.
    Token(Token),
    /// A DC/OS login, which is repeated when its token has expired.
    Login(Arc<Login>),
    /// A user with a password (HTTP Basic); for a Mesos master, a principal with its
    /// secret.
    Basic(Basic),
}

/// The credentials for the servers: one for each. None of them is ever sent to
/// another server than its own.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// For the Mesos masters.
    pub master: Credential,
    /// For Exhibitor.
    pub exhibitor: Credential,
    /// For Marathon.
    pub marathon: Credential,
}

/// A user with a password, for HTTP Basic.
#[derive(Clone, Debug)]
pub struct Basic(Secret);

impl Basic {
    /// Takes what is in a file or a variable, `user:password`; space around it
    /// means nothing.
    ///
    /// # Errors
    /// When it is not that; it is not shown.
    pub fn new(text: &[u8]) -> Result<Self, NoUser> {
        user_and_password(text).map(Self)
    }
}

impl Credentials {
    /// The same credential for all servers, as in a DC/OS cluster.
    pub fn everywhere(credential: Credential) -> Self {
        let (exhibitor, marathon) = (credential.clone(), credential.clone());
        Self { master: credential, exhibitor, marathon }
    }

    /// The credential for a server; a login itself has none.
    pub(crate) fn of(&self, endpoint: Option<Endpoint>) -> &Credential {
        match endpoint {
            Some(Endpoint::Master | Endpoint::MasterRoot) => &self.master,
            Some(Endpoint::Exhibitor) => &self.exhibitor,
            Some(Endpoint::Marathon | Endpoint::MarathonPods) => &self.marathon,
            None => &Credential::None,
        }
    }
}

impl Credential {
    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<String> {
        let token = |Token(Secret(token)): &Token| format!("token={token}");
        match self {
            Self::None => None,
            Self::Token(it) => Some(token(it)),
            Self::Login(login) => login.token().as_ref().map(token),
            Self::Basic(Basic(Secret(it))) => Some(format!("Basic {}", STANDARD.encode(it))),
        }
    }

    /// Gets a new token, when an earlier one is not valid any more. Says whether
    /// there is another one to try.
    pub(crate) fn renew(&self, refused: Option<&str>) -> bool {
        match self {
            Self::Login(login) => {
                // One exchange at a time: another one may have been faster.
                let _turn = login.renewing.lock().unwrap_or_else(PoisonError::into_inner);
                let current = self.authorization();
                current.as_deref() != refused || login.log_in().is_ok()
            }
            Self::None | Self::Token(_) | Self::Basic(_) => false,
        }
    }
}

/// Logs in to DC/OS, and keeps the token (DC/OS documentation, "IAM API" and
/// "Service authentication").
#[derive(Debug)]
pub struct Login {
    url: String,
    uid: String,
    proof: Proof,
    limits: NetworkLimits,
    tls: Tls,
    token: Mutex<Option<Token>>,
    /// Held by the one who gets a new token.
    renewing: Mutex<()>,
}

/// What shows that it is really them.
#[derive(Debug)]
enum Proof {
    Password(Secret),
    /// A service account's private key, which signs a login token.
    Key(Box<RsaKeyPair>),
}

/// A login that brought no token.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoginError {
    /// The secret of a service account is none.
    #[error("Token retrieval failed: {0}")]
    Account(String),
    /// The credentials cannot be used, or the server does not take them.
    #[error("Token retrieval failed: {0}")]
    Credentials(String),
    /// The server and the host do not trust each other's certificates.
    #[error("Token retrieval failed: {0}")]
    Certificates(String),
    /// The server did not answer.
    #[error("Token retrieval failed: {0}")]
    Unreachable(String),
}

/// What a service account's secret holds, as `dcos security secrets
/// create-sa-secret` makes it.
#[derive(Deserialize)]
struct ServiceAccount {
    uid: String,
    private_key: String,
    #[serde(default)]
    login_endpoint: Option<String>,
}

impl Login {
    /// A user with a password.
    pub fn user(
        limits: &NetworkLimits,
        tls: &Tls,
        endpoints: &Endpoints,
        uid: &str,
        password: &str,
    ) -> Self {
        let proof = Proof::Password(Secret(password.into()));
        Self::new(limits, tls, endpoints.login(), uid, proof)
    }

    /// A service account: the JSON of its secret, with `uid` and `private_key`
    /// (RSA, PEM). A `login_endpoint` in it is used only for its path, so that the
    /// key's owner cannot be sent to another host.
    ///
    /// # Errors
    /// When it is no such secret; it is not shown.
    pub fn service_account(
        limits: &NetworkLimits,
        tls: &Tls,
        endpoints: &Endpoints,
        secret: &[u8],
    ) -> Result<Self, LoginError> {
        let error = |why: &str| LoginError::Account(format!("the service account's secret {why}"));
        let ServiceAccount { uid, private_key, login_endpoint } = serde_json::from_slice(secret)
            .map_err(|_| error("is no JSON with uid and private_key"))?;
        let key = tls::private_key(private_key.as_bytes()).map_err(|why| match why {
            TlsError::EncryptedKey => error("holds an encrypted private key"),
            TlsError::NoKey => error("holds no private key"),
            _ => error("holds no PEM key"),
        })?;
        let pair = RsaKeyPair::from_pkcs8(key.der()).or_else(|_| RsaKeyPair::from_der(key.der()));
        let pair = pair.map_err(|why| error(&format!("holds no usable RSA key: {why}")))?;
        let path = login_endpoint.and_then(|url| Some(url.parse::<Uri>().ok()?.path().to_owned()));
        let url = match path.filter(|path| path.ends_with("/auth/login")) {
            Some(path) => endpoints.login_at(&path),
            None => endpoints.login(),
        };
        Ok(Self::new(limits, tls, url, &uid, Proof::Key(Box::new(pair))))
    }

    fn new(limits: &NetworkLimits, tls: &Tls, url: String, uid: &str, proof: Proof) -> Self {
        let (limits, tls) = (limits.clone(), tls.clone());
        let (token, renewing) = (Mutex::default(), Mutex::default());
        Self { url, uid: uid.into(), proof, limits, tls, token, renewing }
    }

    fn token(&self) -> Option<Token> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets a token.
    ///
    /// # Errors
    /// When the service cannot be reached, refuses, or hands out no token.
    pub fn log_in(&self) -> Result<(), LoginError> {
        let (field, Secret(proof)) = match &self.proof {
            Proof::Password(password) => ("password", password.clone()),
            Proof::Key(key) => ("token", Secret(self.login_token(key)?)),
        };
        let login = serde_json::json!({ "uid": self.uid, field: proof });
        let content = Content {
            media_type: "application/json".into(),
            bytes: login.to_string().into_bytes(),
        };
        let request = Request {
            endpoint: None,
            method: Method::Post,
            url: self.url.clone(),
            content: Some(content),
        };
        let failed = |error: Error| {
            let why = format!("{}: {}", self.url, explain(&error));
            match error {
                Error::Tls(_) => LoginError::Certificates(why),
                _ => LoginError::Unreachable(why),
            }
        };
        let mut live = Live::new(&self.limits, &self.tls, Credentials::default());
        let mut response = exchange::finish(live.send(request)).map_err(failed)?;
        let mut body = vec![0; ANSWER_BYTES + 1];
        let mut length = 0;
        while let Some(rest) = body.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match response.body.read(rest).map_err(failed)? {
                0 => break,
                count => length += count,
            }
        }
        body.truncate(length);
        let status = response.status;
        let granted = (200..300).contains(&status).then(|| granted(&body));
        match granted {
            Some(Ok(token)) => {
                let token = Token::new(token)
                    .map_err(|why| LoginError::Credentials(format!("{}: {why}", self.url)))?;
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                Ok(())
            }
            None | Some(Err(_)) => {
                // What goes before the signature is known to everyone.
                let secret = match &self.proof {
                    Proof::Password(_) => proof.as_str(),
                    Proof::Key(_) => proof.rsplit('.').next().unwrap_or_default(),
                };
                let words = words(status, &body, secret);
                let mut why = format!("{status} {words}").trim_end().to_owned();
                if let Some(Err(what)) = granted {
                    why += &format!(", but {what}");
                }
                Err(LoginError::Credentials(why))
            }
        }
    }

    /// A token that logs a service account in: a JWT with `uid` and `exp`, signed
    /// with RS256 (RFC 7519). DC/OS takes those that end within ten minutes.
    fn login_token(&self, key: &RsaKeyPair) -> Result<String, LoginError> {
        const LIFETIME: Duration = Duration::from_secs(5 * 60);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires = (now + LIFETIME).as_secs();
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = part(serde_json::json!({ "alg": "RS256", "typ": "JWT" }));
        let claims = part(serde_json::json!({ "uid": self.uid, "exp": expires }));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| LoginError::Credentials("the service account's key cannot sign".into()))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// How much of the answer to a login is read.
const ANSWER_BYTES: usize = 64 << 10;

/// The token in the answer to a login that went well.
///
/// # Errors
/// Why there is none; nothing of the answer is shown.
fn granted(body: &[u8]) -> Result<String, String> {
    if body.len() > ANSWER_BYTES {
        return Err(format!("the answer has no token in its first {ANSWER_BYTES} bytes"));
    }
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| "the answer has no token: it is no JSON")?;
    let token = answer.get("token").ok_or("the answer has no token")?;
    let token = token.as_str().ok_or("the answer has no token: its `token` is no text")?;
    Ok(token.to_owned())
}

/// What is shown of the answer to a login that failed, in the order in which DC/OS says it.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// What the answer to a login that failed says, for people: its JSON's title and message,
/// or where it redirects to. Some servers repeat what they do not like.
fn words(status: u16, body: &[u8], secret: &str) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name| json.get(name).and_then(serde_json::Value::as_str);
    let said = Said {
        title: field("title"),
        message: field("message"),
        description: field("description"),
        code: field("code"),
    };
    let said = match std::str::from_utf8(body) {
        Ok(text) if (300..400).contains(&status) && text.starts_with(live::REDIRECTS) => {
            text.to_owned()
        }
        _ if json.is_object() => serde_json::to_string(&said).unwrap_or_default(),
        _ => String::new(),
    };
    if echo::repeats(&said, secret) {
        return "(what it says is not shown: it may repeat the secret)".into();
    }
    printable(&said.chars().take(500).collect::<String>())
}

fn explain(error: &Error) -> String {
    match error {
        Error::Dns => "the name has no address".into(),
        Error::Timeout => "no answer in time".into(),
        Error::Reset => "the connection broke".into(),
        Error::Stopped => "the run ends".into(),
        Error::Denied(why)
        | Error::Connect(why)
        | Error::Tls(why)
        | Error::Protocol(why)
        | Error::Internal(why) => why.clone(),
        Error::TooLarge(limit) => format!("an answer of more than {limit} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_user_and_password_and_never_shown() {
        let digest = Digest::new(b"user:pass:word\n").unwrap();
        assert_eq!(digest.bytes(), b"user:pass:word");
        assert_eq!(format!("{digest:?}"), "Digest(redacted)");
        for text in
            [&b""[..], b"user", b":password", b"user:", b"\n", b"u:\xff", b"u:p\nq", b"u:\0"]
        {
            assert_eq!(Digest::new(text).err(), Some(NoUser), "{text:?}");
        }
    }

    #[test]
    fn each_credential_is_for_its_own_server_only() {
        let basic = |text: &[u8]| Credential::Basic(Basic::new(text).unwrap());
        let credentials = Credentials {
            master: Credential::Token(Token::new("secret").unwrap()),
            exhibitor: basic(b"ops:secret\n"),
            marathon: Credential::None,
        };
        let header = |endpoint| credentials.of(endpoint).authorization();
        for endpoint in [Endpoint::Master, Endpoint::MasterRoot] {
            assert_eq!(header(Some(endpoint)).as_deref(), Some("token=secret"));
        }
        let exhibitor = header(Some(Endpoint::Exhibitor));
        assert_eq!(exhibitor.as_deref(), Some("Basic b3BzOnNlY3JldA=="));
        for endpoint in [Some(Endpoint::Marathon), Some(Endpoint::MarathonPods), None] {
            assert_eq!(header(endpoint), None);
        }
        assert!(!format!("{credentials:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_service_account_is_refused_and_not_shown() {
        for secret in ["", "{}", r#"{"uid":"u","private_key":"canary"}"#] {
            let login = Login::service_account(
                &NetworkLimits::default(),
                &Tls::default(),
                &Endpoints::default(),
                secret.as_bytes(),
            );
            let why = login.unwrap_err().to_string();
            assert!(why.contains("service account") && !why.contains("canary"), "{why}");
        }
    }
}
