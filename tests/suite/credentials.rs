//! Credentials in the whole program: their sources, the servers that receive them, and the
//! consequences when they become invalid.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use janitor_host::Endpoints;
use janitor_tests::{Answer, Answering, Cluster, Iam, Server, State};
use ring::signature::{KeyPair as _, RsaKeyPair};
use serde_json::json;
use tempfile::TempDir;
use ureq::tls::{PemItem, parse_pem};

use crate::command::{Run, changes, complaints, janitor, on, program, run, scenario, tests};
use crate::tls::Authority;

const TARGET: &str = "-r cassandra_role -z cassandra";
const PASSWORD: &str = " pass & word ";
const TOKEN: &str = "eyJ.the-token";

/// A folder with files of secrets.
pub struct Secrets(TempDir);

impl Secrets {
    /// Creates an empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file, and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Returns the private key of the tests' service account.
pub fn private_key() -> String {
    fs::read_to_string(tests("suite/credentials/nobody.pem")).unwrap()
}

/// Returns the secret of a service account, as DC/OS writes it.
pub fn service_account(uid: &str) -> String {
    let endpoint = "https://leader.mesos/acs/api/v1/auth/login";
    let key = private_key();
    json!({"scheme": "RS256", "uid": uid, "private_key": key, "login_endpoint": endpoint})
        .to_string()
}

/// Returns a login that knows the user `admin` and the service account `janitor`.
pub fn iam(good_for: &[u32]) -> Iam {
    let pem = private_key();
    let key = parse_pem(pem.as_bytes()).find_map(|item| match item {
        Ok(PemItem::PrivateKey(key)) => Some(key),
        _ => None,
    });
    let key = RsaKeyPair::from_pkcs8(key.unwrap().der()).unwrap();
    let public = STANDARD.encode(key.public_key().as_ref());
    Iam {
        users: [("admin".into(), PASSWORD.into())].into(),
        token: TOKEN.into(),
        accounts: [("janitor".into(), public)].into(),
        good_for: good_for.into(),
    }
}

fn cluster(good_for: &[u32]) -> Cluster {
    Cluster::start(State { iam: Some(iam(good_for)), ..scenario("the-sample-result") })
}

fn logins(cluster: &Cluster) -> usize {
    cluster.requests().iter().filter(|request| request.server == Server::Iam).count()
}

fn is_clean(cluster: &Cluster, run: &Run) {
    assert_eq!((run.exit, complaints(run)), (0, vec![]), "{}", run.stdout);
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
}

/// Returns the commands for both ways to log in.
fn both(cluster: &Cluster, secrets: &Secrets) -> [Command; 2] {
    let mut user = on(cluster, &format!("{TARGET} --username admin --password-file"));
    user.arg(secrets.file("password", format!("{PASSWORD}\n")));
    let mut account = on(cluster, &format!("{TARGET} --service-account"));
    account.arg(secrets.file("account.json", service_account("janitor")));
    [user, account]
}

/// The stand-in checks the signature, the name and the expiry of the login token.
#[test]
fn a_service_account() {
    let (cluster, secrets) = (cluster(&[]), Secrets::new());
    let [_, mut account] = both(&cluster, &secrets);
    is_clean(&cluster, &run(&mut account));
    let requests = cluster.requests();
    assert!(requests[0].body.contains(r#""uid":"janitor""#), "{:?}", requests[0]);
    assert!(!requests[0].body.contains("PRIVATE"));
    assert_eq!(logins(&cluster), 1);
}

#[test]
fn a_service_account_with_another_key() {
    let mut iam = iam(&[]);
    let key = iam.accounts["janitor"].clone();
    iam.accounts = [("other".into(), key), ("janitor".into(), STANDARD.encode("no key"))].into();
    let cluster = Cluster::start(State { iam: Some(iam), ..scenario("the-sample-result") });
    let secrets = Secrets::new();
    let [_, mut account] = both(&cluster, &secrets);
    let run = run(&mut account);
    assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
    assert!(run.stdout.contains("Token retrieval failed: 401 "), "{}", run.stdout);
    assert_eq!(cluster.requests().len(), 1);
}

#[test]
fn a_token_that_ends_is_renewed_once() {
    for good_for in 0..10 {
        for way in [0, 1] {
            let (cluster, secrets) = (cluster(&[good_for]), Secrets::new());
            is_clean(&cluster, &run(&mut both(&cluster, &secrets)[way]));
            assert_eq!(logins(&cluster), 2, "a token that is good for {good_for}");
        }
    }
}

#[test]
fn a_second_refusal_ends_the_run() {
    for way in [0, 1] {
        // The servers also reject every request that is sent before the next token arrives.
        let (cluster, secrets) = (cluster(&[5, 0, 0, 0, 0, 0, 0]), Secrets::new());
        let run = run(&mut both(&cluster, &secrets)[way]);
        assert_eq!((run.exit, run.stderr.as_str()), (5, ""), "{}", run.stdout);
        assert!(run.stdout.contains("401 "), "{}", run.stdout);
        assert!(run.stdout.contains("Not deleted: znode 'cassandra'"), "{}", run.stdout);
        let znodes = cluster.state().exhibitor.unwrap().znodes;
        assert!(znodes.iter().any(|znode| znode == "/cassandra"));
    }
}

#[test]
fn files_and_the_environment() {
    let secrets = Secrets::new();
    let token = secrets.file("token", format!("{TOKEN}\n")).display().to_string();
    let password = secrets.file("password", format!("{PASSWORD}\r\n")).display().to_string();
    let account = service_account("janitor");
    let account_file = secrets.file("account.json", &account).display().to_string();
    let stray = ("DCOS_ACS_TOKEN", "stray");
    for (options, environment) in [
        (vec!["-a", TOKEN], vec![stray]),
        (vec!["--auth-token-file", &token], vec![stray]),
        (vec![], vec![("DCOS_ACS_TOKEN", TOKEN)]),
        (vec!["--username", "admin", "--password", PASSWORD], vec![stray]),
        (vec!["--username", "admin", "--password-file", &password], vec![stray]),
        (vec!["--username", "admin"], vec![stray, ("DCOS_PASSWORD", PASSWORD)]),
        (vec!["--service-account", &account_file], vec![stray]),
        (vec![], vec![("DCOS_SERVICE_ACCOUNT_CREDENTIAL", account.as_str())]),
    ] {
        let cluster = cluster(&[]);
        let mut command = on(&cluster, TARGET);
        is_clean(&cluster, &run(command.args(&options).envs(environment)));
        for request in cluster.requests() {
            let expected = (request.server != Server::Iam).then(|| format!("token={TOKEN}"));
            assert_eq!(request.authorization, expected, "{options:?}: {}", request.path);
        }
    }
}

#[test]
fn a_wrong_file_sends_nothing() {
    let secrets = Secrets::new();
    let empty = secrets.file("empty", "\n").display().to_string();
    let binary = secrets.file("binary", b"canary\xff").display().to_string();
    let lines = secrets.file("lines", "canary canary\ncanary").display().to_string();
    let none = secrets.path().join("none").display().to_string();
    for (options, words) in [
        (vec!["--auth-token-file", &none], "No such file"),
        (vec!["--auth-token-file", &empty], "it is empty"),
        (vec!["--auth-token-file", &binary], "it is not text"),
        (vec!["--username", "admin", "--password-file", &none], "No such file"),
        (vec!["--username", "admin"], "--username needs --password-file"),
        (vec!["--service-account", &none], "No such file"),
        (vec!["--basic-auth-file", &binary], "it is not text"),
        (vec!["--marathon-auth-file", &empty], "it is empty"),
        (
            vec!["-e", "zk://127.0.0.1:1/", "--exhibitor-auth-file", &lines],
            "--exhibitor-auth-file is for Exhibitor",
        ),
        (vec!["-a", "x", "--auth-token-file", &lines], "cannot be used with"),
        (vec!["-a", "x", "--basic-auth-file", &lines], "cannot be used with"),
    ] {
        let cluster = cluster(&[]);
        let run = run(on(&cluster, TARGET).args(&options));
        assert_eq!(run.exit, 1, "{options:?}");
        assert!(run.stderr.contains(words), "{options:?}: {}", run.stderr);
        assert!(!format!("{run:?}").contains("canary"), "{run:?}");
        assert_eq!(cluster.requests(), []);
    }
}

/// A credential that no server would accept is an error of the login, whatever its kind, and the
/// message names its place.
#[test]
fn a_malformed_credential_sends_nothing() {
    let secrets = Secrets::new();
    let lines = secrets.file("lines", "canary canary\ncanary").display().to_string();
    let users = secrets.file("users", "canary:canary\nother:canary\n").display().to_string();
    for (options, place, words) in [
        (vec!["--auth-token-file", &lines], &lines, "invalid token"),
        (vec!["--service-account", &lines], &lines, "not JSON with uid and private_key"),
        (vec!["--basic-auth-file", &lines], &lines, "is not user:password"),
        (vec!["--basic-auth-file", &users], &users, "is not user:password on one line"),
        (vec!["--exhibitor-auth-file", &lines], &lines, "is not user:password"),
        (vec!["--marathon-auth-file", &lines], &lines, "is not user:password"),
        (vec!["-e", "zk://127.0.0.1:1/", "--zk-auth-file", &lines], &lines, "is not user:password"),
    ] {
        let cluster = cluster(&[]);
        let run = run(on(&cluster, TARGET).args(&options));
        assert_eq!(run.exit, 4, "{options:?}: {run:?}");
        let begin = format!("cannot use {place}: ");
        let line = run.stdout.lines().find(|line| line.starts_with(&begin));
        assert!(line.is_some_and(|line| line.contains(words)), "{options:?}: {run:?}");
        assert!(!format!("{run:?}").contains("canary"), "{run:?}");
        assert_eq!(cluster.requests(), []);
    }
}

/// The limit on the program's memory protects the machine's memory.
#[test]
fn a_file_without_end_sends_nothing() {
    let cluster = cluster(&[]);
    for options in [
        "--auth-token-file /dev/zero",
        "--username admin --password-file /dev/zero",
        "--service-account /dev/zero",
        "--basic-auth-file /dev/zero",
        "--exhibitor-auth-file /dev/zero",
        "--marathon-auth-file /dev/zero",
        "-e zk://127.0.0.1:1/ --zk-auth-file /dev/zero",
        "--ca-cert /dev/zero",
        "--client-cert /dev/zero --client-key /dev/null",
        "--client-cert /dev/null --client-key /dev/zero",
    ] {
        let script = format!("ulimit -v 8000000; exec \"$0\" {TARGET} {options}");
        let mut command = program("sh");
        command.env_clear().env("http_proxy", cluster.proxy_url());
        let run = run(command.args(["-c", &script]).arg(janitor().get_program()));
        let words = "cannot use /dev/zero: it is larger than 1048576 bytes";
        assert!(run.exit == 1 && run.stderr.contains(words), "{options}: {run:?}");
    }
    assert_eq!(cluster.requests(), []);
}

/// A run that cannot write its recording ends before the login, whatever its command is.
#[test]
fn where_nothing_can_be_recorded_nobody_logs_in() {
    let (cluster, secrets) = (cluster(&[]), Secrets::new());
    let plan = tests("scenarios/a-plan-that-is-applied/plan.json").display().to_string();
    let password = secrets.file("password", PASSWORD).display().to_string();
    for line in [
        TARGET,
        &format!("{TARGET} --dry-run"),
        &format!("plan {TARGET}"),
        "discover",
        &format!("apply {plan}"),
    ] {
        let login = ["--username", "admin", "--password-file", &password];
        let run = run(on(&cluster, line).args(login).args(["--record", "/dev/null"]));
        let words = "cannot record to /dev/null: it is not a regular file";
        assert!(run.exit == 1 && run.stderr.contains(words), "{line}: {run:?}");
        assert_eq!(run.stdout, "", "{line}");
    }
    assert_eq!(cluster.requests(), []);
}

#[test]
fn basic_is_for_masters_only() {
    let secrets = Secrets::new();
    let file = secrets.file("basic", "ops:secret\n");
    for from_file in [true, false] {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let mut command = on(&cluster, TARGET);
        command.env("MARATHON_APP_ID", "/janitor");
        match from_file {
            true => command.arg("--basic-auth-file").arg(&file),
            false => command.env("MESOS_BASIC_AUTH", "ops:secret"),
        };
        is_clean(&cluster, &run(&mut command));
        let mut others = 0;
        for request in cluster.requests() {
            let is_master = request.server == Server::Master;
            let expected = is_master.then(|| "Basic b3BzOnNlY3JldA==".to_owned());
            assert_eq!(request.authorization, expected, "{}", request.path);
            others += usize::from(!is_master);
        }
        assert_eq!(others, 3, "Exhibitor, twice, and Marathon");
    }
}

/// Each credential is sent to its own server alone, even if there are credentials for all the
/// others.
#[test]
fn each_server_gets_its_own() {
    let secrets = Secrets::new();
    let file = |name: &str| secrets.file(name, format!("{name}:secret\n")).display().to_string();
    let (exhibitor, marathon, mesos) = (file("exhibitor"), file("marathon"), file("mesos"));
    let own = ["--exhibitor-auth-file", &exhibitor, "--marathon-auth-file", &marathon];
    let variables = [("EXHIBITOR_AUTH", "exhibitor:secret"), ("MARATHON_AUTH", "marathon:secret")];
    let basic = |name: &str| Some(format!("Basic {}", STANDARD.encode(format!("{name}:secret"))));
    let token = || Some("token=stray".to_owned());
    for (options, variables, master) in [
        (&own[..], &[][..], None),
        (&[], &variables, None),
        (&own, &[("EXHIBITOR_AUTH", "stray"), ("DCOS_ACS_TOKEN", "stray")], token()),
        (&["-a", "stray"], &variables, token()),
        (&["--basic-auth-file", &mesos], &variables, basic("mesos")),
    ] {
        let cluster = Cluster::start(scenario("the-sample-result"));
        let mut command = on(&cluster, TARGET);
        command.env("MARATHON_APP_ID", "/janitor").args(options);
        is_clean(&cluster, &run(command.envs(variables.iter().copied())));
        let requests = cluster.requests();
        for server in [Server::Master, Server::Exhibitor, Server::Marathon] {
            let expected = match server {
                Server::Exhibitor => basic("exhibitor"),
                Server::Marathon => basic("marathon"),
                _ => master.clone(),
            };
            let its: Vec<_> = requests.iter().filter(|it| it.server == server).collect();
            assert!(!its.is_empty(), "{server}");
            for request in its {
                assert_eq!(request.authorization, expected, "{options:?}: {}", request.path);
            }
        }
    }
}

#[test]
fn a_401_names_the_option() {
    for (server, method, path, option) in [
        ("marathon", "DELETE", "/v2/apps/janitor", "--marathon-auth-file"),
        ("exhibitor", "DELETE", "/exhibitor/v1/explorer/znode/cassandra", "--exhibitor-auth-file"),
        ("master", "GET", "/master/slaves", "--basic-auth-file"),
    ] {
        let mut state = scenario("the-sample-result");
        let answer = json!({"server": server, "method": method, "path": path, "status": 401,
            "headers": {"WWW-Authenticate": "Basic realm=\"Mesosphere\""}});
        state.answers.push(serde_json::from_value(answer).unwrap());
        let cluster = Cluster::start(state);
        let mut command = on(&cluster, TARGET);
        let shown = run(command.env("MARATHON_APP_ID", "/janitor"));
        let all = shown.stdout + &shown.stderr;
        assert!(all.contains(option), "{all}");
        let mut command = on(&cluster, &format!("{TARGET} -o json"));
        let document = run(command.env("MARATHON_APP_ID", "/janitor")).stdout;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert!(document["next"].to_string().contains(option), "{document}");
    }
}

/// A command that only reads changes nothing, whatever fails: the login, or the URL.
#[test]
fn what_looks_leaves_no_marathon() {
    let cluster = cluster(&[]);
    for command in ["discover", "plan -r cassandra_role", "-r cassandra_role --dry-run"] {
        for (wrong, code) in [
            ("--username admin --password wrong", 4),
            ("-m banana", 3),
            ("-e banana", 3),
            ("-n banana", 3),
            ("--dcos-url banana", 3),
        ] {
            let mut command = on(&cluster, &format!("{command} {wrong}"));
            let run = run(command.env("MARATHON_APP_ID", "/janitor"));
            assert_eq!((run.exit, run.stderr.as_str()), (code, ""), "{}", run.stdout);
        }
    }
    assert_eq!(changes(&cluster), ["POST /acs/api/v1/auth/login"; 3]);
}

/// A run that can only delete its own app uses the credentials of the command line, if any.
#[test]
fn marathon_is_left_as_given_or_not_at_all() {
    let secrets = Secrets::new();
    let basic = secrets.file("basic", "ops:secret").display().to_string();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let marathon = cluster.marathon_url();
    let leave = |options: &[&str]| {
        let before = cluster.requests().len();
        let mut command = janitor();
        command.args(["-r", "cassandra_role"]).args(options).env("MARATHON_APP_ID", "/janitor");
        // Another cluster is at the usual names: nothing may be sent to it.
        let proxy = [("http_proxy", &*cluster.proxy_url()), ("no_proxy", "127.0.0.1")];
        let run = run(command.envs(proxy));
        assert_eq!((run.exit, run.stderr.as_str()), (3, ""), "{}", run.stdout);
        let requests = cluster.requests().split_off(before);
        let sent = requests.into_iter().map(|it| (it.method, it.authorization));
        (sent.collect::<Vec<_>>(), run.stdout)
    };
    let delete = |authorization: Option<&str>| ("DELETE".to_owned(), authorization.map(Into::into));
    let given = ["-m", "banana", "-n", &marathon];
    for (more, expected) in [
        (&[][..], delete(None)),
        (&["-a", "tok"], delete(Some("token=tok"))),
        (&["--marathon-auth-file", &basic], delete(Some("Basic b3BzOnNlY3JldA=="))),
        (&["--basic-auth-file", &basic], delete(None)),
    ] {
        let (sent, shown) = leave(&[&given[..], more].concat());
        assert_eq!(sent.first(), Some(&expected), "{shown}");
    }
    for options in [
        &["-m", "banana", "-e", "https://h/", "-n", &marathon, "-a", "tok"][..],
        &["-m", "banana", "-n", "banana"],
        &["-n", "banana"],
        &["--dcos-url", "banana"],
        &["--dcos-url", "banana", "-n", &marathon],
        &["-m", "banana", "-n", &marathon, "--ca-cert", "/nowhere"],
        &["-m", "banana", "-n", &marathon, "--auth-token-file", "/nowhere"],
        &["-m", "banana", "-n", &marathon, "--username", "u", "--password", "p"],
    ] {
        let (sent, shown) = leave(options);
        assert_eq!(sent, [], "{shown}");
        assert!(
            shown.contains("/janitor stays in Marathon") && shown.contains("nothing was sent: ")
        );
    }
}

fn with_answer(status: u16, headers: &[(&str, &str)], body: &str) -> Cluster {
    let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let answer = Answer {
        server: Server::Iam,
        method: "POST".into(),
        path: "/acs/api/v1/auth/login".into(),
        status,
        content_type: None,
        headers: headers.iter().map(text).collect(),
        body: body.into(),
        times: None,
    };
    let answers = vec![answer];
    Cluster::start(State { iam: Some(iam(&[])), answers, ..scenario("the-sample-result") })
}

/// The password is not sent to the target of a redirection.
#[test]
fn a_login_is_not_redirected() {
    let place = "//leader.mesos:5050/acs/api/v1/auth/login";
    let cluster = with_answer(307, &[("Location", place)], "");
    let secrets = Secrets::new();
    for mut command in both(&cluster, &secrets) {
        let run = run(&mut command);
        assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
        assert!(run.stdout.contains("Token retrieval failed: 307"), "{}", run.stdout);
    }
    assert_eq!(changes(&cluster), ["POST /acs/api/v1/auth/login"; 2]);
    assert_eq!(logins(&cluster), 2);
}

/// The answer's title and its message are shown, unless they contain the password in any form.
#[test]
fn a_login_that_repeats_the_password() {
    let said = |title: &str, message: &str| {
        let body = json!({"title": title, "message": message, "uid": "canary"}).to_string();
        let cluster = with_answer(400, &[], &body);
        let run = run(&mut both(&cluster, &Secrets::new())[0]);
        assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
        run.stdout
    };
    let shown = said("Bad Request", "no such user");
    let words = r#"Token retrieval failed: 400 {"title":"Bad Request","message":"no such user"}"#;
    assert!(shown.lines().any(|line| line == words), "{shown}");
    for form in [
        PASSWORD,
        "pass & word",
        "%20pass%20%26%20word%20",
        "+pass+%26+word+",
        r#"{\"password\":\" pass \u0026 word \"}"#,
        r"\u0020p\u0061ss \u0026\u0020word",
        " pass &amp; word ",
        "&#32;pass&#x20;&#38; word",
        "IHBhc3MgJiB3b3JkIA==",
        "Basic YWRtaW46IHBhc3MgJiB3b3JkIA==",
    ] {
        for shown in [said("Bad Request", form), said(form, "no such user")] {
            let words = "Token retrieval failed: 400 (its message is not shown: it may repeat";
            assert!(shown.contains(words), "{form}: {shown}");
            assert!(!shown.contains(form.trim()), "{form}: {shown}");
        }
    }
}

/// The server receives a password, or a token that is signed for this one login.
#[test]
fn a_login_that_echoes_what_it_gets() {
    let secrets = Secrets::new();
    let account = secrets.file("account.json", service_account("janitor")).display().to_string();
    for credentials in
        [&["--username", "admin", "--password", PASSWORD][..], &["--service-account", &account]]
    {
        for is_form in [false, true] {
            let echo = Answering::start(move |request| {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                let form = form_urlencoded::byte_serialize(body.as_bytes()).collect::<String>();
                let message = if is_form { form } else { body };
                let body = json!({"title": "Who is that?", "message": message}).to_string();
                http::Response::builder().status(401).body(body.into()).unwrap()
            });
            let login = ["-r", "r", "--dcos-url", &echo.origin()];
            let run = run(janitor().args(login).args(credentials));
            assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
            let words = "Token retrieval failed: 401 (its message is not shown";
            assert!(run.stdout.contains(words) && !run.stdout.contains("eyJ"), "{}", run.stdout);
        }
    }
}

/// An HTML page is no answer to a login, and may contain anything.
#[test]
fn a_login_that_shows_a_page() {
    let cluster = with_answer(502, &[], "<html><title>Bad Gateway</title>canary</html>");
    let run = run(&mut both(&cluster, &Secrets::new())[0]);
    assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
    assert!(run.stdout.contains("Token retrieval failed: 502\n"), "{}", run.stdout);
}

/// The message says what an answer without a token lacks, because its status alone says nothing.
#[test]
fn a_login_that_brings_no_token() {
    let long = json!({"token": "canary".repeat(20_000)}).to_string();
    for (body, said) in [
        ("{}", "200 {}, but the answer has no token"),
        (r#"{"title":"Welcome"}"#, r#"200 {"title":"Welcome"}, but the answer has no token"#),
        (r#"{"token":123}"#, "200 {}, but the answer has no token: its `token` is not text"),
        (r#"{"token":null}"#, "200 {}, but the answer has no token: its `token` is not text"),
        ("<html>canary</html>", "200, but the answer has no token: it is not JSON"),
        ("", "200, but the answer has no token: it is not JSON"),
        (&long, "200, but the answer has no token in its first 65536 bytes"),
    ] {
        let cluster = with_answer(200, &[], body);
        for mut command in both(&cluster, &Secrets::new()) {
            let run = run(&mut command);
            assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
            let line = format!("Token retrieval failed: {said}");
            assert!(run.stdout.lines().any(|it| it == line), "{line}: {}", run.stdout);
            assert!(!run.stdout.contains("canary"), "{}", run.stdout);
        }
    }
}

/// A token that fits into no header is neither shown nor sent, whatever its source is.
#[test]
fn what_no_header_holds_is_no_token() {
    let secrets = Secrets::new();
    let is_refused = |command: &mut Command, asked: &Cluster, requests: usize, begin: &str| {
        for output in ["text", "json"] {
            let before = asked.requests().len();
            let run = run(command.args(["-o", output]));
            assert_eq!((run.exit, run.stderr.as_str()), (4, ""), "{}", run.stdout);
            let words = format!("{begin}: invalid token: ");
            assert!(run.stdout.contains(&words), "{words} {}", run.stdout);
            assert!(!run.stdout.contains("canary"), "{}", run.stdout);
            assert_eq!(asked.requests().len() - before, requests);
            *command = {
                let mut again = janitor();
                again.args(command.get_args().take_while(|it| *it != "-o"));
                again.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
                again
            };
        }
    };
    let nobody = cluster(&[]);
    for token in ["canary canary", "canary\r\nHost: canary", "canary\u{1}", "c\u{f6}canary"] {
        let file = secrets.file("token", token).display().to_string();
        for (command, place) in [
            (on(&nobody, TARGET).args(["-a", token]), "--auth-token"),
            (on(&nobody, TARGET).args(["--auth-token-file", &file]), &file),
            (on(&nobody, TARGET).env("DCOS_ACS_TOKEN", token), "DCOS_ACS_TOKEN"),
        ] {
            is_refused(command, &nobody, 0, &format!("cannot use {place}"));
        }
    }
    for token in ["", "canary canary", "canary\r\nHost: canary", "c\u{f6}canary"] {
        let login = with_answer(200, &[], &json!({ "token": token }).to_string());
        for mut command in both(&login, &secrets) {
            let begin = "Token retrieval failed: http://leader.mesos/acs/api/v1/auth/login";
            is_refused(&mut command, &login, 1, begin);
        }
    }
}

/// Writes a plan and a recording that name the servers of a cluster, which are not at their usual
/// URLs. Returns the arguments that use each.
fn files(cluster: &Cluster, secrets: &Secrets) -> [Vec<String>; 2] {
    let file = |name: &str| secrets.path().join(name).display().to_string();
    let (plan, recording) = (file("plan.json"), file("run.har"));
    for more in [["--out", &plan], ["--record", &recording]] {
        let mut command = janitor();
        let target = TARGET.split(' ');
        command.arg("plan").args(target).args(urls(cluster)).args(["-a", TOKEN]).args(more);
        let planned = run(&mut command);
        assert_eq!(planned.exit, 0);
        let next = format!("janitor apply {plan} {}\n", urls(cluster).join(" "));
        assert_eq!(planned.stderr.contains(&next), more[0] == "--out", "{}", planned.stderr);
    }
    let har = fs::read_to_string(&recording).unwrap();
    // This recording is of a plan.
    fs::write(&recording, har.replacen("\"Plan\"", "\"Clean\"", 1)).unwrap();
    [vec!["apply".into(), plan], vec!["replay".into(), "--update".into(), recording]]
}

fn urls(cluster: &Cluster) -> [String; 6] {
    let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
    ["-m".into(), master, "-e".into(), exhibitor, "-n".into(), cluster.marathon_url()]
}

/// Without the server on the command line no request is sent, and the message names the server and
/// the remedy.
#[test]
fn the_environment_is_not_for_what_only_a_file_names() {
    let (cluster, secrets) = (cluster(&[]), Secrets::new());
    let account = service_account("canary");
    let (mesos, exhibitor, marathon) =
        (cluster.master_url(), cluster.exhibitor_url(), cluster.marathon_url());
    let zookeeper = "zk://127.0.0.1:1/";
    for line in files(&cluster, &secrets) {
        for (variable, value, options, url, option) in [
            ("DCOS_ACS_TOKEN", "canary", "", mesos.as_str(), "-m"),
            ("DCOS_PASSWORD", "canary", "--username admin", &mesos, "-m"),
            ("DCOS_SERVICE_ACCOUNT_CREDENTIAL", &account, "", &mesos, "-m"),
            ("MESOS_BASIC_AUTH", "canary:canary", "", &mesos, "-m"),
            ("EXHIBITOR_AUTH", "canary:canary", "", &exhibitor, "-e"),
            ("MARATHON_AUTH", "canary:canary", "", &marathon, "-n"),
            ("ZK_AUTH", "canary:canary", "", zookeeper, "-e"),
            // The command line names other servers, but not this one.
            ("DCOS_ACS_TOKEN", "canary", &format!("-m {mesos} -n {marathon}"), &exhibitor, "-e"),
            ("MARATHON_AUTH", "canary:canary", "-m banana", &marathon, ""),
        ] {
            let file = line.last().unwrap();
            let text = fs::read_to_string(file).unwrap();
            if variable == "ZK_AUTH" {
                fs::write(file, text.replace(&exhibitor, zookeeper)).unwrap();
            }
            let before = cluster.requests().len();
            for output in ["text", "json"] {
                let mut command = janitor();
                command.args(&line).args(options.split_whitespace()).args(["-o", output]);
                let run = run(command.env(variable, value).env("MARATHON_APP_ID", "/janitor"));
                let code = if options.contains("banana") { 3 } else { 7 };
                assert_eq!((run.exit, run.stderr.as_str()), (code, ""), "{variable}: {run:?}");
                assert!(!run.stdout.contains("canary"), "{}", run.stdout);
                let named = format!("{url}, so {variable} is not sent to it.");
                assert!(run.stdout.contains(&named), "{variable}: {}", run.stdout);
                let hint = format!("name it on the command line too ({option} {url}");
                assert!(option.is_empty() || run.stdout.contains(&hint), "{}", run.stdout);
                assert!(run.stdout.contains("/janitor stays in Marathon"), "{}", run.stdout);
            }
            assert_eq!(cluster.requests().len(), before, "{variable}");
            fs::write(file, text).unwrap();
        }
    }
}

/// The environment's credentials are used for servers that the command line names, or that are at
/// their usual URLs, whatever the file says.
#[test]
fn what_the_command_line_names_gets_the_environments() {
    let secrets = Secrets::new();
    let planned = cluster(&[]);
    for (index, line) in files(&planned, &secrets).into_iter().enumerate() {
        let cluster = cluster(&[]);
        let mut command = janitor();
        command.args(&line).args(urls(&cluster)).env("DCOS_ACS_TOKEN", TOKEN);
        is_clean(&cluster, &run(&mut command));
        assert!(cluster.requests().iter().all(|it| it.authorization.is_some()), "{index}");
    }
    let file = secrets.path().join("usual.json");
    let cluster = cluster(&[]);
    let plan = format!("plan {TARGET} -a {TOKEN} --out");
    assert_eq!(run(on(&cluster, &plan).arg(&file)).exit, 0);
    let mut command = on(&cluster, "apply");
    is_clean(&cluster, &run(command.arg(&file).env("DCOS_ACS_TOKEN", TOKEN)));
}

/// A credential on the command line is sent to servers that only the file names, and the output
/// names them.
#[test]
fn an_option_is_for_what_only_a_file_names() {
    let secrets = Secrets::new();
    for index in [0, 1] {
        let cluster = cluster(&[]);
        let line = files(&cluster, &secrets)[index].clone();
        let mut command = janitor();
        let run = run(command.args(line).args(["-a", TOKEN]));
        assert_eq!(run.exit, 0, "{run:?}");
        let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
        let said = format!(
            "janitor: sending credentials to servers that are named only in the file: the Mesos master {master}, \
             Exhibitor {exhibitor}\n"
        );
        assert!(run.stderr.starts_with(&said), "{}", run.stderr);
    }
    // A client certificate is a credential too if a server can see it.
    let authority = Authority::new();
    authority.client();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let plan = secrets.path().join("tls.json");
    let line = format!("plan {TARGET} --out");
    assert_eq!(run(on(&cluster, &line).arg(&plan)).exit, 0);
    let text = fs::read_to_string(&plan).unwrap();
    let text = text.replace(Endpoints::MASTER, "https://127.0.0.1:1/master/");
    fs::write(&plan, text.replace(Endpoints::EXHIBITOR, &cluster.exhibitor_url())).unwrap();
    let mut command = janitor();
    command.arg("apply").arg(&plan);
    command.arg("--client-cert").arg(authority.path("client.pem"));
    let run = run(command.arg("--client-key").arg(authority.path("client.key")));
    let said =
        "servers that are named only in the file: the Mesos master https://127.0.0.1:1/master/\n";
    assert!(run.exit == 5 && run.stderr.contains(said), "{run:?}");
}

#[test]
fn a_cluster_takes_the_place_of_a_files_servers() {
    let (cluster, secrets) = (cluster(&[]), Secrets::new());
    for line in files(&cluster, &secrets) {
        let before = cluster.requests().len();
        let mut command = janitor();
        command.args(line).args(["--dcos-url", "http://127.0.0.1:1"]).env("DCOS_ACS_TOKEN", TOKEN);
        let run = run(&mut command);
        let begin = "Master: http://127.0.0.1:1/mesos/master/ Exhibitor: http://127.0.0.1:1/exhi";
        assert!(run.exit == 5 && run.stdout.starts_with(begin), "{run:?}");
        assert_eq!(cluster.requests().len(), before);
    }
}

/// A URL without `https` must not reveal a credential.
#[test]
fn one_plain_server_among_others_is_refused() {
    let secrets = Secrets::new();
    let basic = secrets.file("basic", "ops:canary").display().to_string();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let [_, master, _, exhibitor, _, marathon] = urls(&cluster);
    let nowhere = "https://127.0.0.1:1/";
    let token = ["-a", "canary"];
    for (servers, credentials, plain) in [
        ([nowhere, &exhibitor, nowhere], token.to_vec(), format!("Exhibitor {exhibitor}")),
        ([nowhere, nowhere, &marathon], token.to_vec(), format!("Marathon {marathon}")),
        ([&master, nowhere, nowhere], token.to_vec(), format!("the Mesos master {master}")),
        (
            [&format!("{nowhere},{master}"), "zk://127.0.0.1:1/", nowhere],
            token.to_vec(),
            format!("the Mesos master {master}"),
        ),
        (
            [&master, nowhere, nowhere],
            vec!["--username", "u", "--password", "canary"],
            "the login http://127.0.0.1/acs/api/v1/auth/login".into(),
        ),
        (
            [nowhere, &exhibitor, nowhere],
            vec!["--exhibitor-auth-file", &basic],
            format!("Exhibitor {exhibitor}"),
        ),
    ] {
        let ([m, e, n], before) = (servers, cluster.requests().len());
        let asked = |more: &[&str]| {
            let mut command = janitor();
            command.args(["-m", m, "-e", e, "-n", n, "-r", "r", "-z", "z"]).args(&credentials);
            run(command.args(more).env("MARATHON_APP_ID", "/janitor"))
        };
        for output in ["text", "json"] {
            let run = asked(&["-o", output]);
            assert_eq!((run.exit, run.stderr.as_str()), (7, ""), "{servers:?}: {run:?}");
            assert!(run.stdout.contains(&plain), "{servers:?}: {}", run.stdout);
            assert!(run.stdout.contains("--allow-plain-http"), "{}", run.stdout);
            assert!(run.stdout.contains("nothing was sent"), "{}", run.stdout);
        }
        assert_eq!(cluster.requests().len(), before, "{servers:?}");
        if credentials.contains(&"--username") || e.starts_with("zk:") {
            // A server at the usual port must not receive a login, and the run waits for ZooKeeper.
            continue;
        }
        let run = asked(&["--allow-plain-http"]);
        assert_ne!(run.exit, 7, "{run:?}");
        let said = "janitor: sending credentials over plain HTTP, where anyone on the network path can read";
        assert!(run.stderr.starts_with(said), "{run:?}");
        assert!(run.stderr.contains(&plain), "{}", run.stderr);
    }
}

#[test]
fn a_server_that_is_not_asked_may_be_plain() {
    let target = "-r cassandra_role -m https://127.0.0.1:1/";
    for (more, is_refused) in [("-a canary", false), ("-z x", false), ("-a canary -z x", true)] {
        let run = run(janitor().args(format!("{target} {more}").split(' ')));
        assert_eq!(run.exit, if is_refused { 7 } else { 5 }, "{more}: {run:?}");
        assert_eq!(run.stderr, "");
    }
}

/// A server that does not answer says nothing about the credentials.
#[test]
fn a_login_that_nobody_answers() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/");
    let login = ["--username", "admin", "--password", PASSWORD];
    let run = run(janitor().args(["-r", "r", "--dcos-url", &url]).args(login));
    assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
    let next = "Nothing was changed; check that the server answers and run the same command again.";
    assert!(run.stdout.lines().any(|line| line == next), "{}", run.stdout);
}
