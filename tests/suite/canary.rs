//! No secret leaks: with every kind of credential, a run that prints as much as it can, and
//! fails, writes none of them anywhere.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use janitor_tests::{Answer, Cluster, Server, State};

use crate::command::{janitor, scenario};
use crate::credentials::{Secrets, iam, private_key, service_account};
use crate::tls::{Authority, Subject};

// Each row is a kind of credential, and the way in which it is given.
tests! {
    token_from_auth_token_file: is_kept("token", "--auth-token-file"),
    token_from_dcos_acs_token: is_kept("token", "DCOS_ACS_TOKEN"),
    token_from_auth_token: is_kept("token", "--auth-token"),
    password_from_password_file: is_kept("password", "--password-file"),
    password_from_dcos_password: is_kept("password", "DCOS_PASSWORD"),
    password_from_password: is_kept("password", "--password"),
    service_account_from_service_account: is_kept("service_account", "--service-account"),
    service_account_from_dcos_service_account_credential:
        is_kept("service_account", "DCOS_SERVICE_ACCOUNT_CREDENTIAL"),
    basic_from_basic_auth_file: is_kept("basic", "--basic-auth-file"),
    basic_from_mesos_basic_auth: is_kept("basic", "MESOS_BASIC_AUTH"),
    exhibitor_from_exhibitor_auth_file: is_kept("exhibitor", "--exhibitor-auth-file"),
    exhibitor_from_exhibitor_auth: is_kept("exhibitor", "EXHIBITOR_AUTH"),
    marathon_from_marathon_auth_file: is_kept("marathon", "--marathon-auth-file"),
    marathon_from_marathon_auth: is_kept("marathon", "MARATHON_AUTH"),
    zookeeper_from_zk_auth_file: is_kept("zookeeper", "--zk-auth-file"),
    zookeeper_from_zk_auth: is_kept("zookeeper", "ZK_AUTH"),
    client_key_from_client_key: is_kept("client_key", "--client-key"),
}

/// Starts a cluster that requires the credentials, and refuses to destroy volumes.
fn cluster(kind: &str) -> Cluster {
    let refusal = Answer {
        server: Server::Master,
        method: "POST".into(),
        path: "/master/destroy-volumes".into(),
        status: 403,
        content_type: None,
        headers: [].into(),
        body: "not you".into(),
        times: None,
    };
    // With credentials of ZooKeeper, the run fails at ZooKeeper.
    let answers = if kind == "zookeeper" { vec![] } else { vec![refusal] };
    let iam = ["token", "password", "service_account"].contains(&kind).then(|| iam(&[]));
    Cluster::start(State { answers, iam, latency_ms: 30, ..scenario("the-sample-result") })
}

fn is_kept(kind: &'static str, way: &'static str) {
    for output in ["text", "json"] {
        let (cluster, secrets, authority) = (cluster(kind), Secrets::new(), Authority::new());
        let out = tempfile::tempdir().unwrap();
        let mut command = janitor();
        command.env("http_proxy", cluster.proxy_url()).env("TMPDIR", out.path());
        command.current_dir(out.path());
        command.args(["-v", "-o", output, "--record", "run.har", "-r", "cassandra_role"]);
        command.args(["-z", "cassandra"]);
        let (secret, mut hidden) = match kind {
            "token" => ("eyJ.the-token".to_owned(), vec![]),
            "password" => (" pass & word ".into(), vec!["eyJ.the-token".into()]),
            "service_account" => {
                let key = private_key()
                    .lines()
                    .filter(|line| !line.contains("---"))
                    .map(ToOwned::to_owned)
                    .chain(["eyJ.the-token".into(), "eyJhbGci".into()])
                    .collect();
                (service_account("janitor"), key)
            }
            "client_key" => {
                let key = authority.client();
                (key.clone(), vec![key.lines().nth(1).unwrap().to_owned()])
            }
            _ => ("ops:canary".into(), vec!["canary".into(), "b3BzOmNhbmFyeQ".into()]),
        };
        hidden.push(secret.clone());
        let mut front = None;
        match kind {
            "password" => {
                command.args(["--username", "admin"]);
            }
            "zookeeper" => {
                command.arg("-e").arg(zookeeper(secret.clone()));
            }
            "client_key" => {
                let server = authority.front(&cluster, Subject::Loopback, true);
                command.env_remove("http_proxy").args(["--dcos-url", &server.url("https")]);
                let files = [authority.path("ca.pem"), authority.path("client.pem")];
                command.args(["--ca-cert", &files[0], "--client-cert", &files[1]]);
                front = Some(server);
            }
            _ => {}
        }
        let on_the_line = ["--auth-token", "--password"].contains(&way);
        match way.strip_prefix("--") {
            None => command.env(way, &secret),
            Some(_) if on_the_line => command.args([way, &secret]),
            Some(_) => command.arg(way).arg(secrets.file("secret", &secret)),
        };
        let shown = shown(&mut command, &cluster, on_the_line);
        drop(front);
        assert!(shown.contains("HTTP GET"), "it showed what it did: {shown}");
        assert!(shown.contains("\"log\":"), "it recorded: {shown}");
        if kind == "zookeeper" {
            assert!(shown.contains("NoAuth"), "ZooKeeper knew the user: {shown}");
        }
        let asked = cluster.requests();
        assert!(asked.iter().any(|request| request.path == "/master/destroy-volumes"));
        for secret in hidden {
            assert!(!shown.contains(&secret), "{kind}, {way}, {output}: {secret:?} in {shown}");
        }
    }
}

/// Starts a minimal ZooKeeper that receives the secret, and then denies every request.
fn zookeeper(secret: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("zk://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // The client has to notice a connection that fails.
            let _ = serve(connection, &secret);
        }
    });
    url
}

/// Serves one session with a client that knows the secret.
fn serve(mut connection: TcpStream, secret: &str) -> io::Result<()> {
    let frame = |connection: &mut TcpStream| {
        let mut length = [0; 4];
        connection.read_exact(&mut length)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        connection.read_exact(&mut frame).map(|()| frame)
    };
    frame(&mut connection)?;
    // The fields are protocol 0, ten seconds, session 1, a password of 16 bytes, not read-only.
    let session = [
        &[0, 0, 0, 37, 0, 0, 0, 0, 0, 0, 0x27, 0x10][..],
        &[0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 16],
    ];
    connection.write_all(&[&session.concat()[..], &[7; 16], &[0]].concat())?;
    let login = frame(&mut connection)?;
    let known = String::from_utf8_lossy(&login).contains(secret);
    let mut request = login;
    // A client that logs in is denied everything (-102, NoAuth); any other gets no session (-115).
    let mut code: i32 = if known { 0 } else { -115 };
    loop {
        let answer = [&request[..4], &[0; 8], &code.to_be_bytes()].concat();
        connection.write_all(&[&16_u32.to_be_bytes()[..], &answer].concat())?;
        request = frame(&mut connection)?;
        code = -102;
    }
}

/// Returns everything that a failing run shows: its output, its files and its command line.
fn shown(command: &mut Command, cluster: &Cluster, on_the_line: bool) -> String {
    let folder = command.get_current_dir().unwrap().to_owned();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut shown = String::new();
    while cluster.requests().is_empty() {
        sleep(Duration::from_millis(2));
    }
    let line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
    if cfg!(target_os = "linux") {
        assert!(!line.is_empty(), "the run goes on");
    }
    // A secret on the command line is visible to everyone, as the help says.
    if !on_the_line {
        shown += &String::from_utf8_lossy(&line);
    }
    everything_in(&folder, &mut shown);
    let output = child.wait_with_output().unwrap();
    shown += &String::from_utf8_lossy(&output.stdout);
    shown += &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{shown}");
    everything_in(&folder, &mut shown);
    shown
}

fn everything_in(folder: &Path, shown: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        *shown += &format!("\n{}\n", path.display());
        *shown += &String::from_utf8_lossy(&fs::read(path).unwrap_or_default());
    }
}
