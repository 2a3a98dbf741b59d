//! The login to DC/OS (its documentation, "IAM API" and "Service authentication").

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};

use crate::client::{Client, REDIRECTION};
use crate::echo;
use crate::exchange::Response;
use crate::secret::{Secret, Token, TokenError};
use crate::tls::{self, TlsError};
use janitor_contract::Endpoints;
use janitor_contract::answer::final_status;
use janitor_contract::printable::printable;
use janitor_contract::types::{Content, Error, Method};

/// The login of a DC/OS user or service account, and the token that it returned last.
#[derive(Debug)]
pub struct Login {
    uid: String,
    proof: Proof,
    /// The path of the login service, if the secret of a service account names one.
    path: Option<String>,
    token: Mutex<Option<Token>>,
    /// The lock of the exchange that is getting a new token.
    renewing: Mutex<()>,
}

/// The proof of an identity.
#[derive(Debug)]
enum Proof {
    Password(Secret),
    /// The private key of a service account, which signs a login token.
    Key(Box<RsaKeyPair>),
}

/// The reason why a login returned no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The service account's key cannot sign.
    #[error("Token retrieval failed: the service account's key cannot sign")]
    Key,
    /// The masters are named by their group in ZooKeeper, whose URL names no host to log in at.
    #[error(
        "Token retrieval failed: the login is at the host of the master, and a zk:// URL does not \
         name it"
    )]
    NoHost,
    /// The server refuses the credentials, or its response contains no token.
    #[error("Token retrieval failed: {0}")]
    Refused(String),
    /// The server returns a token that no header can contain.
    #[error("Token retrieval failed: {url}: {source}")]
    Token {
        /// The URL of the login service.
        url: String,
        /// The reason.
        source: TokenError,
    },
    /// The server and the host do not trust each other's certificates.
    #[error("Token retrieval failed: {url}: {}", explain(.source))]
    Certificates {
        /// The URL of the login service.
        url: String,
        /// The reason.
        source: Error,
    },
    /// The server did not answer.
    #[error("Token retrieval failed: {url}: {}", explain(.source))]
    Unreachable {
        /// The URL of the login service.
        url: String,
        /// The reason.
        source: Error,
    },
}

/// The reason why a text is not the secret of a service account. It does not contain the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// It is not JSON with the fields of a secret.
    #[error("the service account's secret is not JSON with uid and private_key")]
    Json,
    /// Its key is encrypted.
    #[error("the service account's secret contains an encrypted private key")]
    EncryptedKey,
    /// It has no key.
    #[error("the service account's secret contains no private key")]
    NoKey,
    /// Its key is not PEM.
    #[error("the service account's secret contains no PEM key")]
    Pem,
    /// Its key is not an RSA key that can be used.
    #[error("the service account's secret contains no usable RSA key: {0}")]
    Rsa(String),
}

/// The content of a service account's secret, in the format of `dcos security secrets
/// create-sa-secret`.
#[derive(Deserialize)]
struct ServiceAccount {
    uid: String,
    private_key: String,
    #[serde(default)]
    login_endpoint: Option<String>,
}

impl Login {
    /// Creates the login of a user with a password.
    pub fn user(uid: impl Into<String>, password: impl Into<String>) -> Self {
        Self::new(uid.into(), Proof::Password(Secret(password.into())), None)
    }

    /// Creates the login of a service account from the JSON of its secret, with `uid` and
    /// `private_key` (RSA, PEM). Only the path of a `login_endpoint` in it is used, so that the
    /// secret cannot redirect the login to another host.
    ///
    /// # Errors
    /// Fails if the text is not such a secret. The error does not contain it.
    pub fn service_account(secret: &[u8]) -> Result<Self, AccountError> {
        let ServiceAccount { uid, private_key, login_endpoint } =
            serde_json::from_slice(secret).map_err(|_| AccountError::Json)?;
        let key = tls::private_key(private_key.as_bytes()).map_err(|why| match why {
            TlsError::EncryptedKey => AccountError::EncryptedKey,
            TlsError::NoKey => AccountError::NoKey,
            _ => AccountError::Pem,
        })?;
        let pair = RsaKeyPair::from_pkcs8(key.der()).or_else(|_| RsaKeyPair::from_der(key.der()));
        let pair = pair.map_err(|why| AccountError::Rsa(why.to_string()))?;
        let path = login_endpoint.and_then(|url| Some(url.parse::<Uri>().ok()?.path().to_owned()));
        let path = path.filter(|path| path.ends_with("/auth/login"));
        Ok(Self::new(uid, Proof::Key(Box::new(pair)), path))
    }

    fn new(uid: String, proof: Proof, path: Option<String>) -> Self {
        Self { uid, proof, path, token: Mutex::default(), renewing: Mutex::default() }
    }

    /// Returns the value of the `Authorization` header, if a login has returned a token.
    pub(crate) fn authorization(&self) -> Option<String> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.as_ref().map(Token::authorization)
    }

    /// Gets a new token after a server has refused the last one. Returns whether there is another
    /// one to try.
    pub(crate) fn renew(
        &self,
        refused: Option<&str>,
        client: &Client,
        endpoints: &Endpoints,
    ) -> bool {
        // Only one exchange logs in at a time, and another one may already have replaced the token.
        let _turn = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        self.authorization().as_deref() != refused || self.log_in(client, endpoints).is_ok()
    }

    /// Logs in, and keeps the token.
    ///
    /// # Errors
    /// Fails if the service cannot be reached, refuses the login, or returns no token.
    pub(crate) fn log_in(&self, client: &Client, endpoints: &Endpoints) -> Result<(), LoginError> {
        let url = match &self.path {
            Some(path) => endpoints.login_at(path),
            None => endpoints.login(),
        };
        let url = url.ok_or(LoginError::NoHost)?;
        let (field, Secret(proof)) = match &self.proof {
            Proof::Password(password) => ("password", password.clone()),
            Proof::Key(key) => ("token", Secret(self.login_token(key)?)),
        };
        let login = serde_json::json!({ "uid": self.uid, field: proof });
        let failed = |source: Error| match source {
            Error::Tls(_) => LoginError::Certificates { url: url.clone(), source },
            _ => LoginError::Unreachable { url: url.clone(), source },
        };
        let (status, body) = post(client, &url, login.to_string()).map_err(failed)?;
        let granted = (200..300).contains(&status).then(|| granted(&body));
        match granted {
            Some(Ok(token)) => {
                let token = Token::new(token)
                    .map_err(|source| LoginError::Token { url: url.clone(), source })?;
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                Ok(())
            }
            None | Some(Err(_)) => {
                // The part of a login token before its signature is not secret.
                let secret = match &self.proof {
                    Proof::Password(_) => proof.as_str(),
                    Proof::Key(_) => proof.rsplit('.').next().unwrap_or_default(),
                };
                let message = server_message(status, &body, secret);
                let mut why = format!("{status} {message}").trim_end().to_owned();
                if let Some(Err(reason)) = granted {
                    why += &format!(", but {reason}");
                }
                Err(LoginError::Refused(why))
            }
        }
    }

    /// Creates a token that logs in a service account: a JWT with `uid` and `exp`, signed with
    /// RS256 (RFC 7519). DC/OS accepts tokens that expire within ten minutes.
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
            .map_err(|_| LoginError::Key)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Sends a login to its server only. No redirect is followed, because the body is a secret. Returns
/// the status, and the first bytes of the body.
fn post(client: &Client, url: &str, json: String) -> Result<(u16, Vec<u8>), Error> {
    let uri: Uri = url.parse().map_err(|why| Error::Internal(format!("{why}")))?;
    let content = Content { media_type: "application/json".into(), bytes: json.into_bytes() };
    let answer = client.send(Method::Post, &uri, None, Some(&content), None)?;
    let Response { status, body: mut reader, .. } = answer.into_response(&uri);
    final_status(status)?;
    let mut body = vec![0; ANSWER_BYTES + 1];
    let mut length = 0;
    while let Some(rest) = body.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            count => length += count,
        }
    }
    body.truncate(length);
    Ok((status, body))
}

/// The most bytes of the response to a login that are read.
const ANSWER_BYTES: usize = 64 << 10;

/// Returns the token in the response to a successful login.
///
/// # Errors
/// Fails with the reason why there is no token. It contains nothing of the response.
fn granted(body: &[u8]) -> Result<String, String> {
    if body.len() > ANSWER_BYTES {
        return Err(format!("the answer has no token in its first {ANSWER_BYTES} bytes"));
    }
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|_| "the answer has no token: it is not JSON")?;
    let token = answer.get("token").ok_or("the answer has no token")?;
    let token = token.as_str().ok_or("the answer has no token: its `token` is not text")?;
    Ok(token.to_owned())
}

/// The part of the response to a failed login that is shown, with the fields in the order of DC/OS.
#[derive(Serialize)]
struct ServerMessage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// Returns the readable part of the response to a failed login: the title and the message in its
/// JSON, or the target of its redirect. Some servers repeat a text that they reject.
fn server_message(status: u16, body: &[u8], secret: &str) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name| json.get(name).and_then(serde_json::Value::as_str);
    let said = ServerMessage {
        title: field("title"),
        message: field("message"),
        description: field("description"),
        code: field("code"),
    };
    let said = match std::str::from_utf8(body) {
        Ok(text) if (300..400).contains(&status) && text.starts_with(REDIRECTION) => {
            text.to_owned()
        }
        _ if json.is_object() => serde_json::to_string(&said).unwrap_or_default(),
        _ => String::new(),
    };
    if echo::repeats(&said, secret) {
        return "(its message is not shown: it may repeat the secret)".into();
    }
    printable(&said.chars().take(500).collect::<String>())
}

fn explain(error: &Error) -> String {
    match error {
        Error::Dns => "the name has no address".into(),
        Error::Timeout => "no answer within the time limit".into(),
        Error::Reset => "the connection was lost".into(),
        Error::Stopped => "the run is ending".into(),
        Error::Denied(why)
        | Error::Connect(why)
        | Error::Tls(why)
        | Error::Protocol(why)
        | Error::Internal(why) => why.clone(),
        Error::TooLarge(limit) => format!("a response of more than {limit} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::proxy::ProxySettings;
    use crate::timeouts::Timeouts;
    use crate::tls::Tls;

    /// The private key of nobody.
    const KEY: &str = include_str!("../../../tests/suite/credentials/nobody.pem");

    fn account(key: &str) -> Result<Login, AccountError> {
        let secret = serde_json::json!({ "uid": "u", "private_key": key });
        Login::service_account(secret.to_string().as_bytes())
    }

    #[test]
    fn an_invalid_secret_is_refused_and_not_shown() {
        for secret in ["", "{}", r#"{"uid":"u","private_key":"canary"}"#] {
            let why = Login::service_account(secret.as_bytes()).unwrap_err().to_string();
            assert!(why.contains("service account") && !why.contains("canary"), "{why}");
        }
        let pem = |kind: &str| format!("-----BEGIN {kind}-----\nMA==\n-----END {kind}-----\n");
        for (key, why) in [
            (pem("ENCRYPTED PRIVATE KEY"), AccountError::EncryptedKey),
            (pem("CERTIFICATE"), AccountError::NoKey),
            (pem("PRIVATE KEY").replace("MA==", "%"), AccountError::Pem),
        ] {
            assert_eq!(account(&key).unwrap_err(), why);
        }
        assert!(matches!(account(&pem("PRIVATE KEY")), Err(AccountError::Rsa(_))));
    }

    #[test]
    fn a_login_token_is_signed_and_expires_within_ten_minutes() {
        let login = account(KEY).unwrap();
        let Proof::Key(key) = &login.proof else { panic!("{login:?}") };
        let token = login.login_token(key).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(public.verify(signed.as_bytes(), &signature).is_ok());
        let (header, claims) = signed.split_once('.').unwrap();
        let read = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(read(header), serde_json::json!({ "alg": "RS256", "typ": "JWT" }));
        let claims = read(claims);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let left = claims["exp"].as_u64().unwrap().checked_sub(now).unwrap();
        assert_eq!(claims["uid"], "u");
        assert!((120..=600).contains(&left), "{left}");
    }

    #[test]
    fn a_token_is_read_from_an_answer_of_limited_length() {
        let token = r#"{"token":"t"}"#;
        let answer = |length: usize| format!("{token}{}", " ".repeat(length - token.len()));
        assert_eq!(granted(answer(64 << 10).as_bytes()), Ok("t".into()));
        for length in [(64 << 10) + 1, 65 << 10] {
            assert!(granted(answer(length).as_bytes()).unwrap_err().contains("65536"));
        }
        for (body, why) in [
            ("canary", "it is not JSON"),
            (r#"{"tokens":"canary"}"#, "the answer has no token"),
            (r#"{"token":["canary"]}"#, "its `token` is not text"),
        ] {
            let error = granted(body.as_bytes()).unwrap_err();
            assert!(error.ends_with(why) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn the_readable_part_of_a_refusal_is_shown() {
        let json = r#"{"code":"ERR","description":"No such user","more":"x","title":"Bad"}"#;
        let shown = r#"{"title":"Bad","description":"No such user","code":"ERR"}"#;
        let moved = "redirects to https://m/";
        let hidden = "(its message is not shown: it may repeat the secret)";
        for (status, body, message) in [
            (401, json, shown),
            (302, json, shown),
            (302, moved, moved),
            (401, moved, ""),
            (302, "elsewhere", ""),
            (401, r#"["Bad"]"#, ""),
            (401, "<html>", ""),
            (401, r#"{"title":"canary is wrong"}"#, hidden),
        ] {
            assert_eq!(
                server_message(status, body.as_bytes(), "canary"),
                message,
                "{status} {body}"
            );
        }
        let long = serde_json::json!({ "title": "x".repeat(1000) }).to_string();
        assert_eq!(server_message(401, long.as_bytes(), "canary").len(), 500);
    }

    #[test]
    fn an_error_says_what_happened() {
        for (error, words) in [
            (Error::Dns, "the name has no address"),
            (Error::Timeout, "no answer within the time limit"),
            (Error::Reset, "the connection was lost"),
            (Error::Stopped, "the run is ending"),
            (Error::Connect("refused".into()), "refused"),
            (Error::TooLarge(7), "a response of more than 7 bytes"),
        ] {
            let error = LoginError::Unreachable { url: "http://m/".into(), source: error };
            assert_eq!(error.to_string(), format!("Token retrieval failed: http://m/: {words}"));
        }
    }

    #[test]
    fn a_login_without_trust_is_not_one_without_a_server() {
        let client = Client::new(Timeouts::default(), &Tls::default(), ProxySettings::none());
        let log_in = |master: &str| {
            let endpoints = Endpoints::new(master, "http://127.0.0.1/", "http://127.0.0.1/");
            Login::user("u", "canary").log_in(&client, &endpoints.unwrap()).unwrap_err()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let why = log_in(&format!("https://{address}/mesos/master/"));
        assert!(matches!(why, LoginError::Certificates { .. }), "{why:?}");
        let why = log_in("http://127.0.0.1:1/mesos/master/");
        assert!(matches!(why, LoginError::Unreachable { .. }), "{why:?}");
    }
}
