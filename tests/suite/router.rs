//! Through a real nginx, as through DC/OS's Admin Router. What comes of a command must
//! be the same as without it.

mod nginx;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use janitor_host::Endpoints;
use janitor_tests::{Cluster, State};
use libtest_mimic::Trial;
use serde_json::json;

use crate::command::{Run, changes, janitor, run, scenario, tests};
use crate::tls::{Authority, Subject};
use crate::{skipped, trial};
use nginx::{Nginx, Way};

/// The scenarios that say nothing about the router, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("a-master-that-does-not-lead", "names its masters, and the router knows the leading one"),
    ("a-master-that-does-not-lead-and-a-token", "the same"),
    ("a-master-that-the-proxy-refuses", "is about the proxy to a master"),
    ("a-url-that-is-none", "is about the URL itself"),
    ("a-url-that-is-none-under-marathon", "is about the URL itself"),
    ("an-unreachable-master", "names its master"),
    ("several-masters", "names its masters"),
    ("several-masters-and-a-token", "names its masters"),
];

/// The scenarios in which the router answers in the place of a server, in its own words.
/// The exit code and what is left must be the same all the same.
const IN_OTHER_WORDS: &[(&str, &str)] = &[
    ("an-exhibitor-that-is-not-there", "502 instead of a connection that is refused"),
    ("what-is-reserved-without-exhibitor", "502 instead of a connection that is refused"),
    ("without-the-token-that-is-wanted", "its own page for 401"),
    ("a-token-that-expires", "its own page for 401"),
    ("an-app-that-may-not-be-deleted", "its own page for 401"),
];

/// A test and its name.
type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("a_name_that_the_router_would_cut", a_name_that_the_router_would_cut),
    ("an_app_that_the_router_would_cut", an_app_that_the_router_would_cut),
    ("odd_names_arrive_whole", odd_names_arrive_whole),
    ("a_deletion_that_takes_too_long", a_deletion_that_takes_too_long),
    ("marathon_that_the_router_does_not_know", marathon_that_the_router_does_not_know),
    ("a_login_page_for_everything", a_login_page_for_everything),
    ("a_redirect_to_tls", a_redirect_to_tls),
    ("plain_http_at_a_port_for_tls", plain_http_at_a_port_for_tls),
];

/// The names of the cases, also where there is no nginx.
pub fn cases() -> impl Iterator<Item = String> {
    let scenarios = scenarios().into_iter().map(|name| format!("scenarios::{name}"));
    CASES.iter().map(|(name, _)| (*name).to_owned()).chain(scenarios)
}

/// The names of the scenarios, in order.
fn scenarios() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(tests("scenarios"))
        .expect("there are scenarios")
        .map(|entry| entry.expect("a readable folder").file_name().display().to_string())
        .collect();
    names.sort();
    names
}

pub fn trials() -> Vec<Trial> {
    if nginx::program().is_none() {
        return vec![skipped("router::all", "there is no nginx")];
    }
    let mut trials: Vec<_> =
        CASES.iter().map(|(name, test)| trial(format!("router::{name}"), test)).collect();
    trials.extend(scenarios().into_iter().map(|name| {
        let title = format!("router::scenarios::{name}");
        match ELSEWHERE.iter().find(|(one, _)| *one == name) {
            Some((_, why)) => skipped(&title, why),
            None => trial(title, move || same_as_without(&name)),
        }
    }));
    trials
}

/// Runs a scenario's command on its cluster and, through the router, on another one.
fn same_as_without(name: &str) {
    let state: State = scenario(name);
    let direct = Cluster::start(state.clone());
    let folder = tempfile::tempdir().unwrap();
    let mut command = scenario_command(name, None, folder.path());
    let expected = run(command.env("http_proxy", direct.proxy_url()));

    let routed = Cluster::start(state);
    let nginx = Nginx::start(&routed, Way::Usual);
    let mut result = run(&mut scenario_command(name, Some(&nginx.url()), folder.path()));
    println!("{}{}{}", result.stdout, result.stderr, nginx.log());
    result.stdout = as_without(&result.stdout, &nginx.url());
    match IN_OTHER_WORDS.iter().any(|(one, _)| *one == name) {
        true => assert_eq!(result.exit, expected.exit),
        false => assert_eq!(result, expected),
    }
    assert_eq!(routed.state(), direct.state(), "the cluster afterwards");
}

/// A scenario's command, to be run in a folder of its own; with the router's URL, to be
/// run through it.
fn scenario_command(name: &str, router: Option<&str>, folder: &Path) -> Command {
    let scenario = tests(&format!("scenarios/{name}"));
    let line = fs::read_to_string(scenario.join("command")).expect("a command");
    let words = shell_words::split(&line).expect("a command line");
    let program = words.iter().position(|word| !word.contains('=')).expect("a program");
    let mut command = janitor();
    command.current_dir(folder).args(&words[program + 1..]);
    command.envs(words[..program].iter().filter_map(|word| word.split_once('=')));
    let plan = fs::read_to_string(scenario.join("plan.json"));
    match (plan, router) {
        // A plan says itself where the servers are.
        (Ok(mut plan), router) => {
            for (standard, routed) in router.iter().flat_map(|router| places(router)) {
                plan = plan.replace(&standard, &routed);
            }
            fs::write(folder.join("plan.json"), plan).unwrap();
        }
        (Err(_), Some(router)) => {
            command.args(["--dcos-url", router]);
        }
        (Err(_), None) => {}
    }
    command
}

/// The standard base URLs, each with the router's.
fn places(router: &str) -> [(String, String); 3] {
    let [master, exhibitor, marathon] = Endpoints::behind_admin_router(router);
    [
        (Endpoints::MASTER.into(), master),
        (Endpoints::EXHIBITOR.into(), exhibitor),
        (Endpoints::MARATHON.into(), marathon),
    ]
}

/// An output as it would be at the standard places.
fn as_without(output: &str, router: &str) -> String {
    let places = places(router);
    let options: String = ["-m", "-e", "-n"]
        .iter()
        .zip(&places)
        .map(|(name, (_, url))| format!(" {name} {url}"))
        .collect();
    let output = output.replace(&options, "");
    let [(master, routed), ..] = &places;
    let roots = [master, routed].map(|url| url.trim_end_matches("master/").to_owned());
    let [root, routed_root] = roots;
    let output = output.replace(routed, master).replace(&routed_root, &root);
    places.iter().fold(output, |output, (standard, routed)| output.replace(routed, standard))
}

/// A cluster without agents, with these nodes.
fn with_nodes(nodes: &[&str]) -> Cluster {
    let state = json!({
        "version": "1.11.0",
        "agents": [],
        "exhibitor": { "znodes": nodes },
        "marathon": { "apps": ["/janitor"] },
    });
    Cluster::start(serde_json::from_value(state).unwrap())
}

/// Deletes a node through the router.
fn clean(nginx: &Nginx, znode: &str) -> Run {
    let mut command = janitor();
    let result = run(command.args(["-z", znode, "--dcos-url", &nginx.url()]));
    println!("{}{}{}", result.stdout, result.stderr, nginx.log());
    result
}

fn nodes(cluster: &Cluster) -> Vec<String> {
    cluster.state().exhibitor.unwrap().znodes
}

/// The router decodes `%3B`, and Exhibitor takes a bare `;` for the end of the name.
fn a_name_that_the_router_would_cut() {
    let there = ["/name", "/name;x", "/mesos", "/group/a", "/group/a;b"];
    let cluster = with_nodes(&there);
    let nginx = Nginx::start(&cluster, Way::Usual);
    for znode in ["name;x", ";x", "mesos;x", "group/a;b", "group;x/a"] {
        let run = clean(&nginx, znode);
        assert_ne!(run.exit, 0, "{znode}");
        assert_eq!(nodes(&cluster), there, "{znode}");
    }
    let run = run(janitor().args(["--service", "name;x", "--dcos-url", &nginx.url()]));
    assert_ne!(run.exit, 0);
    assert_eq!(changes(&cluster), [""; 0]);

    // That it would: this is what the refusal is for.
    let mut socket = TcpStream::connect(nginx.url().trim_start_matches("http://")).unwrap();
    let path = "/exhibitor/exhibitor/v1/explorer/znode/name%3Bx";
    write!(socket, "DELETE {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""succeeded":true"#), "{answer}");
    assert_eq!(nodes(&cluster), &there[1..]);
}

/// It would do the same to the id of an app.
fn an_app_that_the_router_would_cut() {
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::Usual);
    is_not_removed(&run_app(&nginx, "/janitor;x"));
    assert_eq!(cluster.state().marathon.unwrap().apps, ["/janitor"]);
}

/// A run that removes a node, and its own app.
fn run_app(nginx: &Nginx, app: &str) -> Run {
    let mut command = janitor();
    command.env("MARATHON_APP_ID", app).args(["-z", "name", "--dcos-url", &nginx.url()]);
    run(&mut command)
}

fn odd_names_arrive_whole() {
    let names = [
        "a b", "a?b", "a#b", "a%b", "a%2Fb", "a%3Bb", "a+b", "a&b", "a=b", "a:b", "a@b", "a,b",
        "a\"b", "a'b", "a(b)", "a~b", "a^b", "a`b", "a|b", "a\\b", "a{b}", "a<b>", "a!b", "a$b",
        "a*b", "ü", "日本", "a..b", "...",
    ];
    let paths: Vec<_> = names.iter().map(|name| format!("/x/{name}")).collect();
    let cluster = with_nodes(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    let nginx = Nginx::start(&cluster, Way::Usual);
    for (number, path) in paths.iter().enumerate() {
        let run = clean(&nginx, path);
        assert_eq!(run.exit, 0, "{path}: {}", run.stdout);
        let mut left = nodes(&cluster);
        left.retain(|node| node != "/x");
        assert_eq!(left, &paths[number + 1..], "{path}");
    }
}

/// The router gives up before Exhibitor answers, so nobody knows what comes of it.
fn a_deletion_that_takes_too_long() {
    let state = State { latency_ms: 1500, ..with_nodes(&["/name"]).state() };
    let cluster = Cluster::start(state);
    let nginx = Nginx::start(&cluster, Way::Usual);
    let run = clean(&nginx, "name");
    assert_ne!(run.exit, 0);
    assert!(!run.stdout.contains("Successfully deleted"), "{}", run.stdout);
}

/// `404 Not Found: service not found.` is the router's word about itself, not Marathon's
/// about an app.
fn marathon_that_the_router_does_not_know() {
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::NoMarathon);
    is_not_removed(&run_app(&nginx, "/janitor"));
    assert_eq!(nodes(&cluster), [""; 0]);
    assert_eq!(cluster.state().marathon.unwrap().apps, ["/janitor"]);
}

fn is_not_removed(run: &Run) {
    println!("{}", run.stdout);
    for claim in ["does not know the app", "Successfully deleted marathon app"] {
        assert!(!run.stdout.contains(claim), "{}", run.stdout);
    }
}

/// 200 with a page for people is nobody's success.
fn a_login_page_for_everything() {
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::Login);
    let run = run_app(&nginx, "/janitor");
    assert_ne!(run.exit, 0);
    is_not_removed(&run);
    assert!(!run.stdout.contains("Successfully deleted"), "{}", run.stdout);
    assert_eq!(nodes(&cluster), ["/name"]);
}

fn a_redirect_to_tls() {
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::ToTls);
    let run = run(janitor().args(["-r", "role", "--dcos-url", &nginx.url()]));
    assert_ne!(run.exit, 0);
    let https = nginx.url().replace("http://", "https://");
    let words = format!("redirects to {https}/mesos/master/slaves: use https:// in its URL");
    assert!(run.stdout.contains(&words), "{}", run.stdout);
}

fn plain_http_at_a_port_for_tls() {
    let cluster = with_nodes(&["/name"]);
    let (certificate, key) = Authority::new().pem(Subject::Loopback);
    let files = [("server.pem", certificate), ("server.key", key)];
    let nginx = Nginx::with_files(&cluster, Way::Tls, &files);
    let run = clean(&nginx, "name");
    assert_ne!(run.exit, 0);
    let words = "The plain HTTP request was sent to HTTPS port";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}
