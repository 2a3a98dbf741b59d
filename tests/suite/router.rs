//! The effects of a real nginx, configured like DC/OS's Admin Router, on requests and answers.
//! The scenarios run through it too (`routed.rs`).

use janitor_tests::{Cluster, State};
use serde_json::json;

use crate::command::{Run, changes, client, janitor, run};
use crate::needs::needed;
use crate::nginx::{self, Nginx, Way};
use crate::tls::{Authority, Subject};

/// Starts a cluster without agents, with these nodes.
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
#[test]
fn a_name_that_the_router_would_cut() {
    if needed(nginx::installed()).is_none() {
        return;
    }
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

    // Without the refusal, Exhibitor would delete the other node.
    let url = format!("{}/exhibitor/exhibitor/v1/explorer/znode/name%3Bx", nginx.url());
    let answer = client().delete(url).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(answer.contains(r#""succeeded":true"#), "{answer}");
    assert_eq!(nodes(&cluster), &there[1..]);
}

/// The router would also decode the id of an app.
#[test]
fn an_app_that_the_router_would_cut() {
    if needed(nginx::installed()).is_none() {
        return;
    }
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::Usual);
    is_not_removed(&run_app(&nginx, "/janitor;x"));
    assert_eq!(cluster.state().marathon.unwrap().apps, ["/janitor"]);
}

/// Runs a cleanup that removes a node, and its own app.
fn run_app(nginx: &Nginx, app: &str) -> Run {
    let mut command = janitor();
    command.env("MARATHON_APP_ID", app).args(["-z", "name", "--dcos-url", &nginx.url()]);
    run(&mut command)
}

#[test]
fn odd_names_arrive_whole() {
    if needed(nginx::installed()).is_none() {
        return;
    }
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

/// The router's time limit ends before Exhibitor answers, so the result is unknown.
#[test]
fn a_deletion_that_takes_too_long() {
    if needed(nginx::installed()).is_none() {
        return;
    }
    let state = State { latency_ms: 1500, ..with_nodes(&["/name"]).state() };
    let cluster = Cluster::start(state);
    let nginx = Nginx::start(&cluster, Way::Usual);
    let run = clean(&nginx, "name");
    assert_ne!(run.exit, 0);
    assert!(!run.stdout.contains("Successfully deleted"), "{}", run.stdout);
}

/// `404 Not Found: service not found.` is the router's answer about the service, not Marathon's
/// about an app.
#[test]
fn marathon_that_the_router_does_not_know() {
    if needed(nginx::installed()).is_none() {
        return;
    }
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

/// A 200 with an HTML page does not mean that a server has carried out the request.
#[test]
fn a_login_page_for_everything() {
    if needed(nginx::installed()).is_none() {
        return;
    }
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::Login);
    let run = run_app(&nginx, "/janitor");
    assert_ne!(run.exit, 0);
    is_not_removed(&run);
    assert!(!run.stdout.contains("Successfully deleted"), "{}", run.stdout);
    assert_eq!(nodes(&cluster), ["/name"]);
}

#[test]
fn a_redirect_to_tls() {
    if needed(nginx::installed()).is_none() {
        return;
    }
    let cluster = with_nodes(&["/name"]);
    let nginx = Nginx::start(&cluster, Way::ToTls);
    let run = run(janitor().args(["-r", "role", "--dcos-url", &nginx.url()]));
    assert_ne!(run.exit, 0);
    let https = nginx.url().replace("http://", "https://");
    let words = format!("redirects to {https}/mesos/master/slaves: use https:// in its URL");
    assert!(run.stdout.contains(&words), "{}", run.stdout);
}

#[test]
fn plain_http_at_a_port_for_tls() {
    if needed(nginx::installed()).is_none() {
        return;
    }
    let cluster = with_nodes(&["/name"]);
    let (certificate, key) = Authority::new().pem(Subject::Loopback);
    let files = [("server.pem", certificate), ("server.key", key)];
    let nginx = Nginx::with_files(&cluster, Way::Tls, &files);
    let run = clean(&nginx, "name");
    assert_ne!(run.exit, 0);
    let words = "The plain HTTP request was sent to HTTPS port";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}
