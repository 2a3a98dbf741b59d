//! TLS in the whole program: the servers that it trusts, and the data that it never sends to
//! others.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use janitor_tests::{Cluster, Iam, State};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto};
use tempfile::TempDir;

use serde_json::{Value, json};

use crate::command::{Run, complaints, janitor, run, scenario, tests};
use crate::front::Front;

const PASSWORD: &str = "correct horse";

/// An authority of the test's own, and a folder for its files.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// The subject of a certificate.
#[derive(Clone, Copy)]
pub enum Subject {
    /// The server on loopback.
    Loopback,
    /// A different server.
    Other,
    /// The server on loopback, with a certificate that expired long ago.
    Expired,
    /// The server on loopback, with a certificate for a later time.
    Future,
    /// A client.
    Client,
}

impl Authority {
    /// Creates an authority.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "the tests' authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: tempfile::tempdir().unwrap() };
        authority.file("ca.pem", authority.issuer.as_ref().pem());
        authority
    }

    /// Writes a file in the authority's folder.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// Returns the path of a file in the authority's folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Issues a certificate and its key.
    fn issue(&self, subject: Subject) -> (rcgen::Certificate, KeyPair) {
        let name = match subject {
            Subject::Loopback | Subject::Expired | Subject::Future => "127.0.0.1",
            Subject::Other => "other.example",
            Subject::Client => "client.example",
        };
        let mut params = CertificateParams::new(vec![name.into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        match subject {
            Subject::Expired => {
                params.not_before = date_time_ymd(2001, 1, 1);
                params.not_after = date_time_ymd(2002, 1, 1);
            }
            Subject::Future => {
                params.not_before = date_time_ymd(2999, 1, 1);
                params.not_after = date_time_ymd(3000, 1, 1);
            }
            Subject::Client => {
                params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
            }
            Subject::Loopback | Subject::Other => {}
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Returns the certificate and the key as PEM.
    pub fn pem(&self, subject: Subject) -> (String, String) {
        let (certificate, key) = self.issue(subject);
        (certificate.pem(), key.serialize_pem())
    }

    /// Writes a client's certificate and its key to `client.pem` and `client.key`;
    /// returns the key.
    pub fn client(&self) -> String {
        let (certificate, key) = self.issue(Subject::Client);
        self.file("client.pem", certificate.pem());
        self.file("client.key", key.serialize_pem());
        key.serialize_pem()
    }

    /// Starts a cluster behind TLS, with a certificate of this authority.
    pub fn front(&self, cluster: &Cluster, subject: Subject, clients: bool) -> Front {
        front(cluster, self.server(subject, clients))
    }

    /// Returns the configuration of a server with a certificate of this authority.
    fn server(&self, subject: Subject, clients: bool) -> ServerConfig {
        let (certificate, key) = self.issue(subject);
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if clients {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.as_ref().der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
    }
}

/// Starts a cluster behind TLS.
fn front(cluster: &Cluster, config: ServerConfig) -> Front {
    let config = Arc::new(config);
    Front::start(
        cluster,
        move |socket| Ok(Box::new(shake_hands(&config, socket)?)),
        |asked, connection| connection.write_all(&asked.answer()),
    )
}

/// Opens a session with a client, and completes the handshake.
fn shake_hands(
    config: &Arc<ServerConfig>,
    socket: TcpStream,
) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, socket);
    while stream.conn.is_handshaking() {
        if let Err(why) = stream.conn.complete_io(&mut stream.sock) {
            hang_up(&mut stream.sock);
            return Err(why);
        }
    }
    Ok(stream)
}

/// Closes the connection in such a way that the last bytes arrive.
fn hang_up(socket: &mut TcpStream) {
    let _ = socket.shutdown(Shutdown::Write);
    let _ = socket.read_to_end(&mut Vec::new());
}

/// Starts a cluster whose servers require the token of `admin`, who has the password.
fn cluster() -> Cluster {
    let iam = Iam {
        users: [("admin".into(), PASSWORD.into())].into(),
        token: "eyJ.the-token".into(),
        accounts: [].into(),
        good_for: vec![],
    };
    Cluster::start(State { iam: Some(iam), ..scenario("the-sample-result") })
}

/// Logs in and cleans.
fn clean(front: &Front, authority: &Authority, options: &str) -> Run {
    let password = authority.file("password", PASSWORD);
    let mut command = janitor();
    command
        .args(["--dcos-url", &front.url("https"), "--username", "admin", "--password-file"])
        .arg(password)
        .args(["-r", "cassandra_role", "-z", "cassandra"]);
    for option in options.split_whitespace() {
        command.arg(match option.split_once('=') {
            Some((name, file)) => format!("{name}={}", authority.path(file)),
            None => option.into(),
        });
    }
    run(&mut command)
}

/// Asserts that everything is removed.
fn is_clean(cluster: &Cluster, run: &Run) {
    assert_eq!((run.exit, complaints(run)), (0, vec![]), "{}", run.stdout);
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
}

/// Asserts that the login fails for this reason, and that no server has received a request.
fn is_refused(front: &Front, run: &Run, words: &str) {
    is_refused_for_now(
        front,
        run,
        words,
        "correct the certificates (--ca-cert names the authorities to trust, --client-cert and \
         --client-key the certificate that a server may require)",
    );
}

/// Asserts that the login fails for this reason, which has this correction, and that no server has
/// received a request.
fn is_refused_for_now(front: &Front, run: &Run, words: &str, correction: &str) {
    assert_eq!((run.exit, run.stderr.as_str()), (4, ""), "{}", run.stdout);
    assert!(run.stdout.contains(words), "{}", run.stdout);
    let next = format!("Nothing was changed; {correction} and run the same command again.");
    assert!(run.stdout.lines().any(|line| line == next), "{}", run.stdout);
    assert_eq!(front.requests(), [""; 0], "nothing is sent to a server that is not trusted");
}

#[test]
fn a_private_authority() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Loopback, false);
    let words = "its certificate was issued by an authority that is not trusted";
    is_refused(&front, &clean(&front, &authority, ""), words);
    let other = Authority::new();
    authority.file("other.pem", other.issuer.as_ref().pem());
    is_refused(&front, &clean(&front, &authority, "--ca-cert=other.pem"), words);
    is_clean(&cluster, &clean(&front, &authority, "--ca-cert=ca.pem"));
}

#[test]
fn another_servers_certificate() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Other, false);
    let run = clean(&front, &authority, "--ca-cert=ca.pem");
    let correction = "use a name that is in the certificate in the URL";
    is_refused_for_now(&front, &run, "its certificate is another server's", correction);
    assert!(run.stdout.contains("other.example"), "{}", run.stdout);
}

#[test]
fn a_certificate_that_has_expired() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Expired, false);
    let run = clean(&front, &authority, "--ca-cert=ca.pem");
    let words = "its certificate has expired: it was valid until 2002-01-01T00:00:00Z";
    let correction = "renew the certificate of the server, or correct the clock of this machine,";
    is_refused_for_now(&front, &run, words, correction);
    // A run that needs no login has its own words, too.
    let file = authority.path("ca.pem");
    let mut command = janitor();
    command.args(["-r", "cassandra_role", "--dcos-url", &front.url("https"), "--ca-cert", &file]);
    let run = crate::command::run(&mut command);
    assert_eq!(run.exit, 5, "{}", run.stdout);
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(run.stdout.contains("The Mesos master needs a new certificate"), "{}", run.stdout);
    assert!(!run.stdout.contains("authority"), "{}", run.stdout);
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Future, false);
    let run = clean(&front, &authority, "--ca-cert=ca.pem");
    let words = "its certificate is not valid yet: it is valid from 2999-01-01T00:00:00Z";
    let correction = "correct the clock of this machine, or the certificate of the server,";
    is_refused_for_now(&front, &run, words, correction);
}

/// Neither a server that answers in plain HTTP nor one that closes the connection speaks TLS.
#[test]
fn https_at_a_plain_port() {
    let cluster = cluster();
    let closing = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/master/", closing.local_addr().unwrap());
    thread::spawn(move || closing.incoming().for_each(drop));
    for (url, words) in [
        (cluster.master_url(), "no trusted connection to the Mesos master: it does not speak TLS"),
        (closed, "cannot connect to the Mesos master: it ends the TLS handshake"),
    ] {
        let run = run(janitor().args(["-r", "r", "-m", &url.replace("http://", "https://")]));
        assert_eq!(run.exit, 5, "{}", run.stdout);
        let likely = format!(
            "{words} (does its URL begin with {} instead?)",
            url.trim_end_matches("master/")
        );
        assert!(run.stdout.contains(&likely), "{}", run.stdout);
        assert!(!run.stdout.contains("--ca-cert"), "{}", run.stdout);
    }
    assert_eq!(cluster.requests(), []);
}

#[test]
fn a_server_that_wants_a_certificate() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Loopback, true);
    let words = "it requires a client certificate that it trusts";
    is_refused(&front, &clean(&front, &authority, "--ca-cert=ca.pem"), words);
    authority.client();
    let mine = "--ca-cert=ca.pem --client-cert=client.pem --client-key=client.key";
    is_clean(&cluster, &clean(&front, &authority, mine));

    let stranger = Authority::new();
    stranger.client();
    for file in ["client.pem", "client.key"] {
        authority.file(file, fs::read(stranger.path(file)).unwrap());
    }
    let heard = front.requests().len();
    let run = clean(&front, &authority, mine);
    assert_eq!(run.exit, 4);
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert_eq!(front.requests().len(), heard);
}

/// The server's alert is not HTTP, and the message names the possible cause.
#[test]
fn plain_http_is_answered_with_tls() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Loopback, false);
    let run = run(janitor().args(["-r", "cassandra_role", "--dcos-url", &front.url("http")]));
    assert_ne!(run.exit, 0);
    assert!(run.stdout.contains("does its URL need https://?"), "{}", run.stdout);
    assert_eq!(front.requests(), [""; 0]);
}

#[test]
fn insecure_trusts_anyone_and_says_so() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Expired, false);
    let warning = "certificates are not verified: anyone on the network path can read and forge \
                   everything";
    let json = clean(&front, &authority, "--insecure -ojson --dry-run");
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["warnings"], json!([warning]), "{document}");
    let run = clean(&front, &authority, "--insecure");
    assert_eq!((run.exit, complaints(&run)), (0, vec![&*format!("janitor: {warning}")]), "{run:?}");
}

/// The exit code is 1, the file is named, its content is not shown, and no request is sent.
#[test]
fn files_that_hold_something_else() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Loopback, false);
    let key = authority.client();
    let other = Authority::new().client();
    authority.file("other.key", other);
    authority.file("text", "canary");
    let pem = |label: &str| format!("-----BEGIN {label}-----\nY2FuYXJ5\n-----END {label}-----\n");
    authority.file("bad-ca.pem", pem("CERTIFICATE"));
    authority.file("bad.key", pem("PRIVATE KEY"));
    authority.file("locked.key", pem("ENCRYPTED PRIVATE KEY"));
    for (options, file, words) in [
        ("--ca-cert=none", "none", "No such file"),
        ("--ca-cert=text", "text", "contains no certificate"),
        ("--ca-cert=client.key", "client.key", "contains no certificate"),
        ("--ca-cert=bad-ca.pem", "bad-ca.pem", "no certificate that can be an authority's"),
        ("--client-cert=client.pem --client-key=text", "text", "contains no private key"),
        ("--client-cert=client.pem --client-key=bad.key", "bad.key", "cannot be used together"),
        ("--client-cert=client.pem --client-key=other.key", "other.key", "cannot be used together"),
        ("--client-cert=client.pem --client-key=locked.key", "locked.key", "key is encrypted"),
        ("--client-cert=text --client-key=client.key", "text", "contains no certificate"),
    ] {
        let run = clean(&front, &authority, options);
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{options}");
        assert!(run.stderr.contains(&authority.path(file)), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{options}: {}", run.stderr);
        for secret in ["canary", "Y2FuYXJ5", key.lines().nth(1).unwrap()] {
            assert!(!run.stderr.contains(secret), "{}", run.stderr);
        }
    }
    assert_eq!(front.requests(), [""; 0]);
}

/// Returns a certificate of version 1, as DC/OS ships one and `openssl x509 -req` makes them. rcgen
/// cannot make one.
fn version_1(provider: &CryptoProvider) -> CertifiedKey {
    let pem = |name: &str| fs::read(tests(&format!("suite/tls/{name}"))).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem("version1.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem("version1.key")).unwrap();
    CertifiedKey::new(vec![certificate], provider.key_provider.load_private_key(key).unwrap())
}

#[test]
fn a_servers_certificate_of_version_1() {
    let (authority, cluster) = (Authority::new(), cluster());
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(version_1(&provider))));
    let front = front(&cluster, config);
    authority.file("version1.pem", fs::read(tests("suite/tls/version1.pem")).unwrap());
    for options in ["", "--ca-cert=ca.pem", "--ca-cert=version1.pem"] {
        let run = clean(&front, &authority, options);
        is_refused(&front, &run, "of version 1, which cannot be verified");
    }
    assert_eq!(clean(&front, &authority, "--insecure").exit, 0);
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
}

/// A verifier that accepts any certificate of a client, but requires one.
#[derive(Debug)]
struct Lenient(CryptoProvider);

impl ClientCertVerifier for Lenient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer,
        _: &[CertificateDer],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        assert_eq!(*certificate, version_1(&self.0).cert[0]);
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_clients_certificate_of_version_1_is_sent() {
    let (authority, cluster) = (Authority::new(), cluster());
    let provider = crypto::ring::default_provider();
    let (certificate, key) = authority.issue(Subject::Loopback);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider.clone().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(Lenient(provider)))
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let front = front(&cluster, config);
    for file in ["version1.pem", "version1.key"] {
        authority.file(file, fs::read(tests(&format!("suite/tls/{file}"))).unwrap());
    }
    let mine = "--ca-cert=ca.pem --client-cert=version1.pem --client-key=version1.key";
    is_clean(&cluster, &clean(&front, &authority, mine));
}

/// A certificate is a credential: only named servers see it.
#[test]
fn a_clients_certificate_is_not_redirected() {
    let (authority, cluster) = (Authority::new(), Cluster::start(scenario("the-sample-result")));
    authority.client();
    let leader = authority.front(&cluster, Subject::Loopback, true);
    let config = Arc::new(authority.server(Subject::Loopback, true));
    let place = format!("{}/mesos/master", leader.url("https"));
    let standby = Front::start(
        &cluster,
        move |socket| Ok(Box::new(shake_hands(&config, socket)?)),
        move |asked, connection| {
            let head = String::from_utf8_lossy(asked.request);
            let path = head.split(' ').nth(1).unwrap_or_default().replace("/mesos/master", "");
            let head = format!("HTTP/1.1 307 Elsewhere\r\nLocation: {place}{path}\r\n");
            connection.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())
        },
    );
    let clean = |masters: &[&Front]| {
        let urls: Vec<_> =
            masters.iter().map(|it| format!("{}/mesos/master/", it.url("https"))).collect();
        let mut command = janitor();
        command.args(["-r", "cassandra_role", "-m", &urls.join(",")]);
        for (option, file) in [
            ("--ca-cert", "ca.pem"),
            ("--client-cert", "client.pem"),
            ("--client-key", "client.key"),
        ] {
            command.arg(option).arg(authority.path(file));
        }
        run(&mut command)
    };
    let refused = clean(&[&standby]);
    assert_eq!(refused.exit, 5, "{}", refused.stdout);
    let words = format!("it redirects to {}/mesos/master/slaves, and cred", leader.url("https"));
    assert!(refused.stdout.contains(&words), "{}", refused.stdout);
    assert_eq!(leader.requests(), [""; 0], "nothing is sent to a server that is not named");
    is_clean(&cluster, &clean(&[&standby, &leader]));
}

/// Starts a proxy that is reached over TLS, and accepts CONNECT. Returns its URL.
fn proxy(authority: &Authority) -> String {
    let config = Arc::new(authority.server(Subject::Loopback, false));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let config = config.clone();
            // The client has to notice a connection that fails.
            thread::spawn(move || tunnel(shake_hands(&config, client)?));
        }
    });
    url
}

/// Forwards one request through a proxy to its server, and returns the answer.
fn tunnel(mut client: StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.starts_with("CONNECT "), "{head}");
    let mut server = TcpStream::connect(head.split(' ').nth(1).unwrap_or_default())?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    // A side that is silent for a moment does not block the other one.
    let moment = Some(Duration::from_millis(2));
    client.sock.set_read_timeout(moment)?;
    server.set_read_timeout(moment)?;
    let mut piece = [0; 4096];
    let mut hand_on = |from: &mut dyn Read, to: &mut dyn Write| match from.read(&mut piece) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => to.write_all(&piece[..count]).and_then(|()| to.flush()),
        Err(why) if matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Ok(())
        }
        Err(why) => Err(why),
    };
    loop {
        hand_on(&mut client, &mut server)?;
        hand_on(&mut server, &mut client)?;
    }
}

/// The proxy's certificate is checked like a server's, and the proxy gets no client certificate.
#[test]
fn a_proxy_over_tls() {
    let (authority, cluster) = (Authority::new(), cluster());
    let front = authority.front(&cluster, Subject::Loopback, false);
    let proxy = proxy(&authority);
    authority.client();
    let through = |options: &[(&str, &str)]| {
        let mut command = janitor();
        command.args(["-r", "cassandra_role", "-a", "eyJ.the-token", "-z", "cassandra"]);
        command.args(["--dcos-url", &front.url("https")]).env("HTTPS_PROXY", &proxy);
        for (option, file) in options {
            command.arg(option).arg(authority.path(file));
        }
        run(&mut command)
    };
    let untrusted = through(&[]);
    assert_eq!(untrusted.exit, 5, "{}", untrusted.stdout);
    let authorities = ("--ca-cert", "ca.pem");
    let shown =
        through(&[authorities, ("--client-cert", "client.pem"), ("--client-key", "client.key")]);
    assert_eq!((shown.exit, shown.stderr.as_str()), (3, ""));
    let words = "HTTPS_PROXY cannot be used: it names a proxy that is reached over HTTPS";
    assert!(shown.stdout.starts_with(words), "{}", shown.stdout);
    assert_eq!(front.requests(), [""; 0]);
    is_clean(&cluster, &through(&[authorities]));
}
