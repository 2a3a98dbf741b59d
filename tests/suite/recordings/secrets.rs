//! A secret in every possible place, which no written file may contain.

use std::collections::BTreeMap;
use std::fs;

use janitor_tests::{Answer, Cluster, Server, State};
use serde_json::{Value, json};

use crate::command::{Run, janitor, replay, run, tests, timeless, without_ways};

/// A part of every secret.
const CANARY: &str = "c4n4ry";

/// Returns the master's lists of frameworks, with a secret in every place that may hold one.
fn frameworks() -> Value {
    let pair = |key: &str| json!({"key": key, "name": key, "type": "VALUE", "value": CANARY});
    let secret = json!({"type": "VALUE", "value": {"data": CANARY}});
    let command = json!({
        "value": format!("run --password={CANARY}"),
        "arguments": ["run", CANARY],
        "uris": [{"value": format!("https://user:{CANARY}@example/")}],
        "environment": {"variables": [
            pair("DB_PASSWORD"), pair("HARMLESS"),
            {"name": "S", "type": "SECRET", "secret": secret},
        ]},
    });
    let container = json!({
        "type": "MESOS",
        "docker": {"image": "i", "parameters": [pair("env")]},
        "mesos": {"image": {"type": "DOCKER", "docker": {
            "credential": {"principal": "p", "secret": CANARY}, "config": secret,
        }}},
        "volumes": [
            {"source": {"type": "SECRET", "secret": secret}},
            {"source": {"docker_volume": {"driver_options": {"parameter": [pair("x")]}}}},
        ],
    });
    let task = json!({
        "id": "t", "container": container, "labels": [pair("a")], "data": CANARY,
        "discovery": {"labels": {"labels": [pair("a")]}},
        "health_check": {"type": "COMMAND", "command": command},
        "statuses": [{"state": "TASK_RUNNING", "data": CANARY, "labels": {"labels": [pair("a")]}}],
    });
    let executor = json!({"executor_id": "e", "command": command, "data": CANARY});
    let framework = json!({
        "id": "F", "name": "other", "active": true, "roles": ["other"],
        "executors": [executor], "tasks": [task], "completed_tasks": [task],
        "labels": [pair("a")], "auth_token": CANARY, "privateKey": [CANARY],
    });
    json!({"frameworks": [framework], "completed_frameworks": [framework]})
}

/// Returns the sample cluster, whose servers put secrets wherever they can. The node is read either
/// before a cleanup or after it.
fn state(before: bool) -> State {
    let json = fs::read(tests("scenarios/with-a-login/cluster.json")).unwrap();
    let mut state: State = serde_json::from_slice(&json).unwrap();
    let iam = state.iam.as_mut().unwrap();
    iam.users = BTreeMap::from([("admin".into(), format!("password-{CANARY}"))]);
    iam.token = format!("token-{CANARY}");
    let headers = ["Set-Cookie", "Authorization", "X-Secret", "WWW-Authenticate", "Location"]
        .map(|name| (name.to_owned(), format!("a=http://user:{CANARY}@example/")));
    let answer = |server, method: &str, path: &str, body: &Value| Answer {
        server,
        method: method.into(),
        path: path.into(),
        status: 200,
        content_type: Some("application/json".into()),
        headers: headers.clone().into(),
        body: body.to_string(),
        times: None,
    };
    let hexadecimal = CANARY.bytes().map(|byte| format!("{byte:02x} ")).collect::<String>();
    let stat = if before { "czxid: 1" } else { "* not found * " };
    let node = json!({"bytes": hexadecimal, "str": CANARY, "stat": stat});
    let done = json!({"message": "OK", "succeeded": true, "token": CANARY});
    state.answers = vec![
        answer(Server::Master, "GET", "/master/frameworks", &frameworks()),
        answer(Server::Exhibitor, "GET", "/exhibitor/v1/explorer/node-data", &node),
        answer(Server::Exhibitor, "DELETE", "/exhibitor/v1/explorer/znode/cassandra", &done),
    ];
    state
}

/// Asserts that no secret is in the text.
fn require_none(run: &Run, files: &[String]) {
    for text in [&run.stdout, &run.stderr].into_iter().chain(files) {
        assert!(!text.contains(CANARY), "{text}");
        assert!(!text.contains("63 34 6e"), "{text}");
    }
}

pub fn nowhere() {
    let password = format!("password-{CANARY}");
    let token = format!("token-{CANARY}");
    let login = ["--username", "admin", "--password", &password];
    let calls: [&[&str]; 4] = [
        &["plan", "-r", "cassandra_role", "-z", "cassandra"],
        &["discover"],
        &["-r", "cassandra_role", "-z", "cassandra"],
        &["-r", "cassandra_role", "-z", "cassandra", "--yes"],
    ];
    for call in calls {
        for credentials in [&login[..], &["-a", &token]] {
            for format in [&["-v"][..], &["--output", "json"]] {
                let cluster = Cluster::start(state(call[0] == "plan"));
                let folder = tempfile::tempdir().unwrap();
                let recording = folder.path().join("run.har");
                let mut command = janitor();
                command.env("http_proxy", cluster.proxy_url()).args(call).args(credentials);
                let live = run(command.args(format).arg("--record").arg(&recording));
                assert_eq!(live.exit, 0, "{call:?} {live:?}");
                let har = fs::read_to_string(&recording).unwrap();
                require_none(&live, std::slice::from_ref(&har));
                assert!(har.contains("(scrubbed)"), "the secrets have been there");
                let again = run(replay(&recording).args(format));
                let told = |run: &Run| {
                    let is_command = |line: &&str| !line.starts_with(r#"  "command": "#);
                    let stdout = timeless(&run.stdout);
                    let stdout: String = stdout.split_inclusive('\n').filter(is_command).collect();
                    (stdout, timeless(&run.stderr), run.exit)
                };
                assert_eq!(
                    told(&again),
                    told(&without_ways(live)),
                    "what is left out is not missed"
                );
            }
        }
    }
}

pub fn not_in_mistakes() {
    let wrong = format!("wrong-{CANARY}");
    let secret_url = |before: &str| format!("{before}user:{CANARY}@127.0.0.1:1/master/");
    let urls = ["http://", "", "ftp://", "zk://", "zk:", "http:// ", "http:/", "http://a b:"]
        .map(secret_url);
    let mut lines: Vec<Vec<&str>> = Vec::new();
    for url in &urls {
        lines.extend(["-m", "-e", "-n"].map(|option| vec!["-r", "r", option, url]));
    }
    lines.push(vec!["-r", "r", "--username", "admin", "--password", &wrong]);
    lines.push(vec!["-r", "r", "-a", &wrong]);
    lines.push(vec!["-r", "r", "-a", &wrong, "--no-such"]);
    for line in lines {
        for format in [&["-v"][..], &["--output", "json"]] {
            let cluster = Cluster::start(state(false));
            let mut command = janitor();
            command.env("http_proxy", cluster.proxy_url()).args(&line).args(format);
            let run = run(&mut command);
            assert_ne!(run.exit, 0, "{line:?}");
            require_none(&run, &[]);
        }
    }
    for variable in
        ["DCOS_ACS_TOKEN", "DCOS_SERVICE_ACCOUNT_CREDENTIAL", "MESOS_BASIC_AUTH", "ZK_AUTH"]
    {
        for value in [wrong.clone(), format!("user:{wrong}"), format!("{{\"uid\":\"{wrong}\"}}")] {
            let cluster = Cluster::start(state(false));
            let mut command = janitor();
            command.env("http_proxy", cluster.proxy_url()).env(variable, value);
            require_none(&run(command.args(["-v", "-r", "r"])), &[]);
        }
    }
    let mut behind_a_proxy = janitor();
    behind_a_proxy.env("http_proxy", format!("http://user:{CANARY}@127.0.0.1:1/"));
    require_none(&run(behind_a_proxy.args(["-v", "-r", "r"])), &[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("user:{CANARY}\n")).unwrap();
    let mut without_zookeeper = janitor();
    without_zookeeper.args(["plan", "-v", "-z", "x", "-e", "zk://127.0.0.1:1/", "--zk-auth-file"]);
    require_none(&run(without_zookeeper.arg(file.path())), &[]);
}

/// Roles, resources and labels may have the names of secrets.
pub fn what_is_reserved_is_kept() {
    let mut state: Value = serde_json::from_slice(
        &fs::read(tests("scenarios/the-sample-result/cluster.json")).unwrap(),
    )
    .unwrap();
    let text = state["agents"].to_string().replace("cassandra_role", "secret-token");
    state["agents"] = serde_json::from_str(&text).unwrap();
    let labels = json!({"labels": [{"key": "password", "value": "p&ss"}]});
    for agent in state["agents"].as_array_mut().unwrap() {
        let resources = agent["reserved_resources_full"].get_mut("secret-token");
        for resource in resources.and_then(Value::as_array_mut).into_iter().flatten() {
            resource["reservation"]["labels"] = labels.clone();
            for reservation in
                resource.get_mut("reservations").and_then(Value::as_array_mut).into_iter().flatten()
            {
                reservation["labels"] = labels.clone();
            }
        }
    }
    let cluster = Cluster::start(serde_json::from_value(state).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let mut command = janitor();
    command.env("http_proxy", cluster.proxy_url()).args(["-r", "secret-token", "--record"]);
    let live = run(command.arg(&recording));
    assert_eq!(live.exit, 0, "{}", live.stdout);
    assert!(live.stdout.contains("Found 1 volume(s)"), "{}", live.stdout);
    assert_eq!(run(&mut replay(&recording)), live);
    let har = fs::read_to_string(&recording).unwrap();
    assert!(har.contains("p&ss") && !har.contains("(scrubbed)"));
}
