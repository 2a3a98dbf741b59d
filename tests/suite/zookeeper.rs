//! Tests against a real ZooKeeper. `JANITOR_TEST_ZOOKEEPER` holds the command that
//! starts one. It gets two more arguments, the port and a folder, listens on
//! 127.0.0.1 in the foreground, and begins with the data in the folder
//! (`tests/zookeeper.sh` does that with Debian's package).
//!
//! Other tests use a server that lies, and need no real one.

pub mod liar;
mod lies;
pub mod server;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::{env, fs};

use janitor_tests::{Cluster, State};
use serde_json::json;
use zookeeper_client::Client;

use crate::command::{Run, janitor, replay, run};
use crate::needs::needed;
use server::{Fate, Proxy, Server};

const VARIABLE: &str = "JANITOR_TEST_ZOOKEEPER";

/// The user and password that may change the restricted nodes.
pub const DIGEST: &str = "keeper:a-password-to-be-kept";

/// An address on which no server listens, not even one that another test starts.
const NOBODY: &str = "127.0.0.1:1";

/// Returns the command that starts a server.
///
/// # Errors
/// Fails if the variable is not set.
pub fn command() -> Result<String, String> {
    env::var(VARIABLE).map_err(|_| format!("{VARIABLE} is not set"))
}

tests! {
    a_count_of_two_to_the_31: lies::a_count_of_two_to_the_31(),
    a_frame_of_two_gigabytes: lies::a_frame_of_two_gigabytes(),
    ten_megabytes_of_names: lies::ten_megabytes_of_names(),
    a_tree_without_end: lies::a_tree_without_end(),
    names_that_lead_elsewhere: lies::names_that_lead_elsewhere(),
    a_tree_that_grows_without_end: lies::a_tree_that_grows_without_end(),
    a_run_whose_time_is_over: lies::a_run_whose_time_is_over(),
    a_signal_in_a_tree_without_end: lies::a_signal_in_a_tree_without_end(),
    a_signal_while_the_server_is_silent: lies::a_signal_while_the_server_is_silent(),
    a_signal_while_no_session_is_open: lies::a_signal_while_no_session_is_open(),
    a_batch_whose_answer_is_lost: lies::a_batch_whose_answer_is_lost(),
    a_batch_that_is_in_doubt_when_the_run_ends: lies::in_doubt_when_the_run_ends(),
    a_server_that_takes_short_requests: lies::a_server_that_takes_short_requests(),
    the_last_transaction_is_told_to_the_next_server: lies::last_seen_is_told(),
    a_server_that_is_read_only: lies::a_server_that_is_read_only(),
    a_server_that_says_why_and_falls_silent: lies::a_server_that_says_why_and_falls_silent(),
    servers_that_are_lost_before_a_deletion: lies::lost_before_a_deletion(),
    servers_that_are_lost_in_a_deletion: lies::lost_in_a_deletion(),
    a_thousand_sessions_of_lies: lies::a_thousand_sessions_of_lies(),
}

/// A master that knows no framework, so that no node has an owner.
static MASTER: LazyLock<Cluster> = LazyLock::new(|| {
    let agent = json!({"id": "S0", "hostname": "h0", "reserved_resources_full": {}});
    let state = json!({"version": "1.11.0", "agents": [agent]});
    Cluster::start(serde_json::from_value::<State>(state).unwrap())
});

/// Deletes a node, with credentials if there are any. The recording replays to the
/// same output and holds no password.
fn clean(url: &str, znode: &str, digest: Option<&str>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let mut command = janitor();
    command.args(["-v", "-z", znode, "-e", url, "-m", &MASTER.master_url(), "--record"]);
    command.arg(&recording);
    if let Some(digest) = digest {
        let file = folder.path().join("digest");
        fs::write(&file, format!("{digest}\n")).unwrap();
        command.arg("--zk-auth-file").arg(file);
    }
    let live = run(&mut command);
    println!("{}{}", live.stdout, live.stderr);
    // A recording does not name the files of credentials, which a repeated command needs.
    let file = format!(" --zk-auth-file {}", folder.path().join("digest").display());
    let told = Run { stdout: live.stdout.replace(&file, ""), ..live.clone() };
    assert_eq!(run(replay(&recording).arg("-v")), told, "the replay");
    let text = fs::read_to_string(recording).unwrap();
    let password = DIGEST.split_once(':').unwrap().1;
    for text in [&text, &live.stdout, &live.stderr] {
        assert!(!text.contains(password), "{text}");
    }
    live
}

/// Builds a service's subtree of 1,002 nodes, three levels deep. Only `DIGEST` may change
/// `part-7` and the nodes below it, and `alive` belongs to the session that is returned.
fn service(server: &Server) -> Client {
    let client = server.client();
    server.run(async {
        client.auth("digest", DIGEST.as_bytes()).await.unwrap();
        let (open, closed) = (server::open(), server::closed());
        client.create("/service", b"", &open).await.unwrap();
        for part in 0..10 {
            let acl = if part == 7 { &closed } else { &open };
            let part = format!("/service/part-{part}");
            client.create(&part, b"data", acl).await.unwrap();
            for leaf in 0..33 {
                let node = format!("{part}/{leaf}");
                client.create(&node, b"data", acl).await.unwrap();
                client.create(&format!("{node}/x y"), b"", acl).await.unwrap();
                client.create(&format!("{node}/ü%20"), b"", acl).await.unwrap();
            }
        }
        client.create("/service/alive", b"", &server::ephemeral()).await.unwrap();
        for sibling in ["/service-2", "/servic", "/other"] {
            client.create(sibling, b"", &open).await.unwrap();
            client.create(&format!("{sibling}/child"), b"", &open).await.unwrap();
        }
    });
    client
}

/// Asserts that only the service's node is deleted.
fn assert_siblings(server: &Server) {
    assert_eq!(server.children("/"), ["other", "servic", "service-2", "zookeeper"]);
    for sibling in ["/service-2", "/servic", "/other"] {
        assert_eq!(server.children(sibling), ["child"]);
    }
}

#[test]
fn a_thousand_nodes() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let _alive = service(&server);
    let run = clean(&server.url(), "service", Some(DIGEST));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("Successfully deleted znode 'service'"));
    assert_siblings(&server);
    assert_eq!(clean(&server.url(), "service", None).exit, 0, "a second run");
}

#[test]
fn a_plan_and_what_comes_of_it() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let _alive = service(&server);
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let digest = folder.path().join("digest");
    fs::write(&digest, DIGEST).unwrap();
    let mut command = janitor();
    command.args(["plan", "-z", "service", "-e", &server.url(), "-m", &MASTER.master_url()]);
    command.arg("--out").arg(&plan);
    let unknown = run(&mut command);
    assert!(unknown.stdout.contains("ZooKeeper cannot list"), "{}", unknown.stdout);
    let planned = run(command.arg("--zk-auth-file").arg(&digest));
    assert!(planned.stdout.contains("znode 'service', with 1001 nodes"), "{}", planned.stdout);
    let apply = || run(janitor().arg("apply").arg(&plan).arg("--zk-auth-file").arg(&digest));
    let applied = apply();
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
    assert_siblings(&server);
    let again = apply();
    assert_eq!(again.exit, 7);
    assert!(again.stdout.contains("znode 'service' no longer exists"), "{}", again.stdout);
}

#[test]
fn without_the_credentials() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let _alive = service(&server);
    let run = clean(&server.url(), "service", None);
    assert_eq!(run.exit, 5);
    let words = "KeeperErrorCode = NoAuth for /service/part-7";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(server.children("/service").contains(&"part-7".to_owned()));
    // The credentials in the environment are used as well.
    let url = server.url();
    let mut command = janitor();
    command.env("ZK_AUTH", DIGEST).args(["-z", "service", "-e", &url]);
    command.args(["-m", &MASTER.master_url()]);
    assert_eq!(crate::command::run(&mut command).exit, 0);
    assert_siblings(&server);
}

#[test]
fn a_node_that_may_only_be_read() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/service", "/service/a"]);
    let client = server.client();
    server.run(async {
        client.auth("digest", DIGEST.as_bytes()).await.unwrap();
        client.create("/service/a/b", b"", &server::readable()).await.unwrap();
        client.create("/service/a/b/c", b"", &server::open()).await.unwrap();
        client.create("/service/a/b/c/d", b"", &server::open()).await.unwrap();
    });
    let run = clean(&server.url(), "service", None);
    assert_eq!(run.exit, 5);
    let words = "KeeperErrorCode = NoAuth for /service/a/b/c (the ACL of this node or its parent \
                 denies this user; /service is deleted in part: 1 node(s) were deleted before that)";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert_eq!(clean(&server.url(), "service", Some(DIGEST)).exit, 0);
}

#[test]
fn credentials_that_are_none() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let run = clean(&server.url(), "service", Some("nobody:at-all"));
    assert_eq!(run.exit, 0, "ZooKeeper asks only where an ACL does");
    for (url, variable, exit, words) in [
        (server.url().as_str(), "no-colon", 4, "cannot use ZK_AUTH: it is not user:password"),
        ("http://127.0.0.1:1/", "", 1, "--zk-auth-file needs an --exhibitor-url"),
        (server.url().as_str(), "", 1, "cannot use /nowhere/file: "),
    ] {
        let mut command = janitor();
        command.env("ZK_AUTH", variable).args(["-z", "service", "-e", url]);
        if variable.is_empty() {
            command.args(["--zk-auth-file", "/nowhere/file"]);
        }
        let run = crate::command::run(&mut command);
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.exit, exit, "{shown}");
        // The refusal comes before the first request.
        assert!(!shown.contains("Deleting"), "{shown}");
        assert!(shown.contains(words), "{shown}");
        assert!(!shown.contains("no-colon"), "{shown}");
    }
}

#[test]
fn a_node_that_is_not_there() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    for znode in ["service", "/service/", "a/b/c"] {
        let run = clean(&server.url(), znode, None);
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("if znode existed."));
    }
}

/// ZooKeeper's own protocol accepts every name unchanged.
#[test]
fn a_name_with_a_semicolon() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/name", "/name;x", "/name;x/y", "/;x", "/a", "/a/b;c", "/a/b"]);
    for znode in ["name;x", ";x", "a/b;c"] {
        let run = clean(&server.url(), znode, None);
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{znode}");
    }
    assert_eq!(server.children("/"), ["a", "name", "zookeeper"]);
    assert_eq!(server.children("/a"), ["b"]);
}

/// Below a chroot that does not exist, no node can be reported as missing.
#[test]
fn a_chroot_that_is_not_there() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/service", "/no", "/no/such"]);
    let url = format!("{}no/such/chroot", server.url());
    let words = "/no/such/chroot, the path in its URL, does not exist in ZooKeeper";
    let run = clean(&url, "service", None);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains(words), "{}", run.stdout);
    let known = format!("is not deleted: {words}");
    assert!(run.stdout.contains(&known), "{}", run.stdout);
    for look in [&["plan", "-z", "service"][..], &["plan", "-z", "service/a"]] {
        let run = crate::command::run(janitor().args(look).args([
            "-e",
            &url,
            "-m",
            &MASTER.master_url(),
        ]));
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
    assert_eq!(server.children("/"), ["no", "service", "zookeeper"]);
    // With the chroot, the message contains the whole path of a missing node.
    server.create(&["/no/such/chroot", "/no/such/chroot/service"]);
    assert_eq!(clean(&url, "service", None).exit, 0);
    assert_eq!(server.children("/no/such/chroot"), [""; 0]);
    assert_eq!(server.children("/"), ["no", "service", "zookeeper"]);
}

#[test]
fn a_node_in_a_folder() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/a", "/a/b c", "/a/b c/d", "/a/b", "/a/b%20c", "/b c"]);
    assert_eq!(clean(&server.url(), "a/b c", None).exit, 0);
    assert_eq!(server.children("/a"), ["b", "b%20c"]);
    assert_eq!(clean(&server.url(), "/a/b%20c/", None).exit, 0);
    assert_eq!(server.children("/a"), ["b"]);
    assert_eq!(server.children("/"), ["a", "b c", "zookeeper"]);
}

#[test]
fn a_chroot() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/a", "/a/b", "/a/b/s", "/a/b/s/x", "/a/b/t", "/s", "/s/x", "/b", "/b/s"]);
    let url = format!("{}a/b", server.url());
    let run = clean(&url, "s", None);
    assert_eq!(run.exit, 0);
    assert_eq!(server.children("/a/b"), ["t"]);
    assert_eq!(server.children("/"), ["a", "b", "s", "zookeeper"]);
    assert_eq!(server.children("/s"), ["x"]);
    // A chroot hides nothing from the safety check, and ZooKeeper keeps its own nodes.
    let url = format!("{}zookeeper", server.url());
    let refused = clean(&url, "quota", None);
    assert_eq!(refused.exit, 7);
    assert!(refused.stdout.contains("zookeeper/quota"), "{}", refused.stdout);
    assert!(!refused.stdout.contains("--system-znode"), "{}", refused.stdout);
    let mut command = janitor();
    command.args(["-z", "quota", "-e", &url, "-m", &MASTER.master_url(), "--system-znode"]);
    let run = crate::command::run(&mut command);
    assert_eq!(run.exit, 7);
    assert!(run.stdout.contains("'zookeeper/quota' belongs to ZooKeeper itself"), "{}", run.stdout);
}

#[test]
fn a_deep_tree() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let deep: Vec<_> = (1..2000).map(|depth| "/n".repeat(depth)).collect();
    server.create(&deep.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(clean(&server.url(), "n", None).exit, 0);
    assert_eq!(server.children("/"), ["zookeeper"]);
}

/// The list of these nodes is longer than ZooKeeper's client in Java, and so Exhibitor, accepts.
#[test]
fn more_names_than_fit_a_megabyte() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/service"]);
    let client = server.client();
    server.run(async {
        for part in 0..60 {
            let mut writer = client.new_multi_writer();
            for number in 0..500 {
                let node = format!("/service/{part:03}-{number:03}-{}", "x".repeat(32));
                writer.add_create(&node, b"", &server::open()).unwrap();
            }
            writer.commit().await.unwrap();
        }
    });
    let servers = ["-e", &server.url(), "-m", &MASTER.master_url()];
    let planned = run(janitor().args(["plan", "-z", "service"]).args(servers));
    assert!(planned.stdout.contains("znode 'service', with"), "{}", planned.stdout);
    let run = run(janitor().args(["-z", "service"]).args(servers));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert_eq!(server.children("/"), ["zookeeper"]);
}

/// A hundred of these paths are longer than the server accepts in one request.
#[test]
fn a_small_buffer() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::taking(command, 64 << 10);
    let nodes: Vec<_> = (0..150).map(|number| format!("/service/{number:0700}")).collect();
    server.create(&["/service"]);
    server.create(&nodes.iter().map(String::as_str).collect::<Vec<_>>());
    let run = clean(&server.url(), "service", None);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_eq!(server.children("/"), ["zookeeper"]);
}

/// Another client creates a node in a part that is already deleted, and stops after three.
#[test]
fn children_that_come_meanwhile() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    server.create(&["/service", "/service/a", "/service/a/b"]);
    let client = server.client();
    let comers = ["/service/late-1", "/service/late-2", "/service/late-3"];
    let proxy = Proxy::before_each_transaction(&server, move |server, number| {
        if let Some(comer) = comers.get(number) {
            server.run(async { client.create(comer, b"", &server::open()).await.unwrap() });
        }
        Fate::Arrives
    });
    let run = clean(&proxy.url(), "service", None);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_eq!(server.children("/"), ["zookeeper"]);
}

#[test]
fn a_dead_server_and_a_living_one() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let both = [NOBODY.to_owned(), server.address()];
    for url in [both.join(","), both.iter().rev().cloned().collect::<Vec<_>>().join(",")] {
        server.create(&["/service", "/service/a"]);
        assert_eq!(clean(&format!("zk://{url}"), "service", None).exit, 0);
        assert_eq!(server.children("/"), ["zookeeper"]);
    }
}

/// A lost connection makes no difference, whether the server has carried out the request or not.
#[test]
fn connections_that_are_reset() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let _alive = service(&server);
    let reset = |server: &Server| {
        Proxy::before_each_transaction(server, |_, number| match number % 4 {
            1 => Fate::Reset,
            3 => Fate::ArrivesAndIsReset,
            _ => Fate::Arrives,
        })
    };
    let both = [reset(&server), reset(&server)].map(|proxy| proxy.address().to_owned());
    let run = clean(&format!("zk://{}", both.join(",")), "service", Some(DIGEST));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_siblings(&server);
}

/// The connection stays open, but nothing arrives any more.
#[test]
fn a_server_that_falls_silent() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    let _alive = service(&server);
    let silent = Proxy::before_each_transaction(&server, |_, _| Fate::Vanishes);
    let both = [silent.address().to_owned(), server.address()];
    let run = clean(&format!("zk://{}", both.join(",")), "service", Some(DIGEST));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_siblings(&server);
}

/// Of three real servers, the leader dies in the middle, and the other two continue.
#[test]
fn a_leader_that_is_killed() {
    let Some(command) = &needed(command()) else { return };
    let servers = Server::ensemble(command);
    let _alive = service(&servers[0]);
    let killed = Arc::new(AtomicBool::new(false));
    let proxies: Vec<_> = servers
        .iter()
        .map(|server| {
            let (all, killed) = (servers.each_ref().map(Server::unless_ended), killed.clone());
            Proxy::before_each_transaction(server, move |_, number| {
                if number == 2 && !killed.swap(true, Ordering::SeqCst) {
                    let leader = all.iter().filter_map(|server| server()).find(Server::leads);
                    leader.expect("a leader").kill();
                }
                Fate::Arrives
            })
        })
        .collect();
    let url = proxies.iter().map(Proxy::address).collect::<Vec<_>>().join(",");
    let run = clean(&format!("zk://{url}"), "service", Some(DIGEST));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(killed.load(Ordering::SeqCst));
    let living = servers.iter().find(|server| server.leads()).expect("a new leader");
    assert_siblings(living);
}

#[test]
fn a_server_that_is_killed() {
    let Some(command) = &needed(command()) else { return };
    let server = Server::start(command);
    drop(service(&server));
    let proxy = Proxy::before_each_transaction(&server, |server, number| {
        if number == 3 {
            server.kill();
        }
        Fate::Arrives
    });
    let run = clean(&proxy.url(), "service", Some(DIGEST));
    assert_eq!(run.exit, 5);
    for words in [
        "it is unknown whether znode 'service' is deleted",
        "KeeperErrorCode = ConnectionLoss for /service (no server answers any more",
        "the last request, the deletion of 100 node(s), may have been carried out",
        "/service is deleted in part: 300 node(s) were deleted before that",
    ] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
    server.restart();
    assert!(!server.children("/service").is_empty());
    assert_eq!(clean(&server.url(), "service", Some(DIGEST)).exit, 0);
    assert_siblings(&server);
}

/// One of two servers never answers, and no server listens at the other's address.
#[test]
fn servers_that_open_no_session() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("zk://{NOBODY},{}", silent.local_addr().unwrap());
    let run = clean(&url, "service", Some(DIGEST));
    assert_eq!(run.exit, 5);
    let words = "none of the 2 ZooKeeper server(s) in its URL has opened a session";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}
