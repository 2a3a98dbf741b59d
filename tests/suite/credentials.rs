//! Credentials over the whole program: where they come from, where they go, and what
//! happens when they are not good any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use janitor_tests::{Answer, Cluster, Iam, Server, State};
use libtest_mimic::Trial;
use ring::signature::{KeyPair as _, RsaKeyPair};
use serde_json::json;
use tempfile::TempDir;
use ureq::tls::{PemItem, parse_pem};

use crate::command::{Run, changes, complaints, janitor, on, run, scenario, tests};
use crate::trial;

const TARGET: &str = "-r cassandra_role -z cassandra";
const PASSWORD: &str = " pass & word ";
const TOKEN: &str = "eyJ.the-token";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("credentials::a_service_account", a_service_account),
        trial("credentials::a_service_account_with_another_key", another_key),
        trial("credentials::a_token_that_ends_is_renewed_once", renewed_once),
        trial("credentials::a_second_refusal_ends_the_run", a_second_refusal),
        trial("credentials::files_and_the_environment", files_and_the_environment),
        trial("credentials::a_wrong_file_sends_nothing", a_wrong_file),
        trial("credentials::basic_is_for_masters_only", basic_is_for_masters_only),
        trial("credentials::each_server_gets_its_own", each_server_gets_its_own),
        trial("credentials::a_401_names_the_option", a_401_names_the_option),
        trial("credentials::what_looks_leaves_no_marathon", what_looks),
        trial("credentials::marathon_is_left_as_given_or_not_at_all", left_as_given),
        trial("credentials::a_login_is_not_redirected", a_login_is_not_redirected),
        trial("credentials::a_login_that_repeats_the_password", a_login_that_repeats),
        trial("credentials::a_login_that_nobody_answers", a_login_that_nobody_answers),
    ]
}

/// A folder with files of secrets.
pub struct Secrets(TempDir);

impl Secrets {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A file.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The private key of the tests' service account.
pub fn private_key() -> String {
    fs::read_to_string(tests("suite/credentials/nobody.pem")).unwrap()
}

/// The secret of a service account, as DC/OS writes it.
pub fn service_account(uid: &str) -> String {
    let endpoint = "https://leader.mesos/acs/api/v1/auth/login";
    let key = private_key();
    json!({"scheme": "RS256", "uid": uid, "private_key": key, "login_endpoint": endpoint})
        .to_string()
}

/// A login that knows the user `admin` and the service account `janitor`.
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

/// The two ways to log in.
fn both(cluster: &Cluster, secrets: &Secrets) -> [Command; 2] {
    let mut user = on(cluster, &format!("{TARGET} --username admin --password-file"));
    user.arg(secrets.file("password", format!("{PASSWORD}\n")));
    let mut account = on(cluster, &format!("{TARGET} --service-account"));
    account.arg(secrets.file("account.json", service_account("janitor")));
    [user, account]
}

/// The stand-in looks at the signature, at the name and at the end of the login token.
fn a_service_account() {
    let (cluster, secrets) = (cluster(&[]), Secrets::new());
    let [_, mut account] = both(&cluster, &secrets);
    is_clean(&cluster, &run(&mut account));
    let requests = cluster.requests();
    assert!(requests[0].body.contains(r#""uid":"janitor""#), "{:?}", requests[0]);
    assert!(!requests[0].body.contains("PRIVATE"));
    assert_eq!(logins(&cluster), 1);
}

fn another_key() {
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

fn renewed_once() {
    for good_for in 0..10 {
        for way in [0, 1] {
            let (cluster, secrets) = (cluster(&[good_for]), Secrets::new());
            is_clean(&cluster, &run(&mut both(&cluster, &secrets)[way]));
            assert_eq!(logins(&cluster), 2, "a token that is good for {good_for}");
        }
    }
}

fn a_second_refusal() {
    for way in [0, 1] {
        // What is sent before the next token comes, nobody has granted either.
        let (cluster, secrets) = (cluster(&[5, 0, 0, 0, 0, 0, 0]), Secrets::new());
        let run = run(&mut both(&cluster, &secrets)[way]);
        assert_eq!((run.exit, run.stderr.as_str()), (5, ""), "{}", run.stdout);
        assert!(run.stdout.contains("401 "), "{}", run.stdout);
        assert!(run.stdout.contains("Not deleted: znode 'cassandra'"), "{}", run.stdout);
        let znodes = cluster.state().exhibitor.unwrap().znodes;
        assert!(znodes.iter().any(|znode| znode == "/cassandra"));
    }
}

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

fn a_wrong_file() {
    let secrets = Secrets::new();
    let empty = secrets.file("empty", "\n").display().to_string();
    let binary = secrets.file("binary", b"canary\xff").display().to_string();
    let lines = secrets.file("lines", "canary canary\ncanary").display().to_string();
    let none = secrets.path().join("none").display().to_string();
    for (options, words) in [
        (vec!["--auth-token-file", &none], "No such file"),
        (vec!["--auth-token-file", &empty], "it is empty"),
        (vec!["--auth-token-file", &binary], "it is no text"),
        (vec!["--auth-token-file", &lines], "the token cannot be one"),
        (vec!["--username", "admin", "--password-file", &none], "No such file"),
        (vec!["--username", "admin"], "--username needs --password-file"),
        (vec!["--service-account", &none], "No such file"),
        (vec!["--service-account", &lines], "no JSON with uid and private_key"),
        (vec!["--basic-auth-file", &lines], "does not hold user:password"),
        (vec!["--basic-auth-file", &binary], "it is no text"),
        (vec!["--exhibitor-auth-file", &lines], "does not hold user:password"),
        (vec!["--marathon-auth-file", &empty], "it is empty"),
        (
            vec!["-e", "zk://127.0.0.1:1/", "--exhibitor-auth-file", &lines],
            "--exhibitor-auth-file is for Exhibitor",
        ),
        (vec!["-e", "zk://127.0.0.1:1/", "--zk-auth-file", &lines], "does not hold user:password"),
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

/// Each credential goes to its own server alone, together with all that there may be for
/// the others.
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
        assert!(shown.stdout.contains(option), "{}", shown.stdout);
        let mut command = on(&cluster, &format!("{TARGET} -o json"));
        let document = run(command.env("MARATHON_APP_ID", "/janitor")).stdout;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert!(document["next"].to_string().contains(option), "{document}");
    }
}

/// What only looks changes nothing, whatever is wrong: no login, no URL.
fn what_looks() {
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

/// A run that can only leave Marathon does it with what the command line gives, or not.
fn left_as_given() {
    let secrets = Secrets::new();
    let basic = secrets.file("basic", "ops:secret").display().to_string();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let marathon = cluster.marathon_url();
    let leave = |options: &[&str]| {
        let before = cluster.requests().len();
        let mut command = janitor();
        command.args(["-r", "cassandra_role"]).args(options).env("MARATHON_APP_ID", "/janitor");
        // There is a cluster at the usual names, too: nothing may be sent there.
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
        &["-m", "banana", "-n", "banana"][..],
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

/// The password does not go to whom the server sends it.
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

fn a_login_that_repeats() {
    let cluster = with_answer(400, &[], &format!("no such login: {PASSWORD}!"));
    let run = run(&mut both(&cluster, &Secrets::new())[0]);
    assert_eq!(run.exit, 4);
    assert!(run.stdout.contains("400 no such login: (not shown)!"), "{}", run.stdout);
}

/// Nothing is wrong with the credentials, as far as anybody knows.
fn a_login_that_nobody_answers() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/");
    let login = ["--username", "admin", "--password", PASSWORD];
    let run = run(janitor().args(["-r", "r", "--dcos-url", &url]).args(login));
    assert_eq!((run.exit, run.stderr.as_str()), (4, ""));
    let next = "Nothing was changed; see that the server answers and run the same command again.";
    assert!(run.stdout.lines().any(|line| line == next), "{}", run.stdout);
}
