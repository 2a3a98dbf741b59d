//! Against a real ZooKeeper. `JANITOR_TEST_ZOOKEEPER` holds the command that
//! starts one. It gets two more arguments, the port and a folder, listens on
//! 127.0.0.1 in the foreground, and begins with what is in the folder
//! (`tests/zookeeper.sh` does that with Debian's package).

mod server;

use std::fs;
use std::net::TcpListener;

use libtest_mimic::Trial;
use zookeeper_client::Client;

use crate::command::{Run, janitor, replay, run};
use crate::{skipped, trial};
use server::{Proxy, Server};

const VARIABLE: &str = "JANITOR_TEST_ZOOKEEPER";

/// Who may change the nodes that are not everyone's.
const DIGEST: &str = "keeper:a-password-to-be-kept";

/// Where no server listens, nor one that another test starts.
const NOBODY: &str = "127.0.0.1:1";

/// A test and its name; it gets the command that starts a server.
type Case = (&'static str, fn(&str));

const CASES: &[Case] = &[
    ("a_thousand_nodes", a_thousand_nodes),
    ("a_plan_and_what_comes_of_it", a_plan_and_what_comes_of_it),
    ("without_the_credentials", without_the_credentials),
    ("a_node_that_may_only_be_read", a_node_that_may_only_be_read),
    ("credentials_that_are_none", credentials_that_are_none),
    ("a_node_that_is_not_there", a_node_that_is_not_there),
    ("a_node_in_a_folder", a_node_in_a_folder),
    ("a_chroot", a_chroot),
    ("a_deep_tree", a_deep_tree),
    ("children_that_come_meanwhile", children_that_come_meanwhile),
    ("a_dead_server_and_a_living_one", a_dead_server_and_a_living_one),
    ("a_server_that_is_killed", a_server_that_is_killed),
];

/// The one that needs no server.
const NO_SESSION: (&str, fn()) = ("servers_that_open_no_session", servers_that_open_no_session);

/// The names of the cases, also where there is no server to run them on.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name).chain([NO_SESSION.0])
}

pub fn trials() -> Vec<Trial> {
    let (name, test) = NO_SESSION;
    let mut trials = vec![trial(format!("zookeeper::{name}"), test)];
    match std::env::var(VARIABLE) {
        Ok(command) => trials.extend(CASES.iter().map(|(name, test)| {
            let command = command.clone();
            trial(format!("zookeeper::{name}"), move || test(&command))
        })),
        Err(_) => trials.push(skipped("zookeeper::all", &format!("{VARIABLE} is not set"))),
    }
    trials
}

/// Deletes a node, with credentials if there are any. The recording replays to the
/// same output and holds no password.
fn clean(url: &str, znode: &str, digest: Option<&str>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.har");
    let mut command = janitor();
    command.args(["-v", "-z", znode, "-e", url, "--record"]).arg(&recording);
    if let Some(digest) = digest {
        let file = folder.path().join("digest");
        fs::write(&file, format!("{digest}\n")).unwrap();
        command.arg("--zk-auth-file").arg(file);
    }
    let live = run(&mut command);
    println!("{}{}", live.stdout, live.stderr);
    assert_eq!(run(replay(&recording).arg("-v")), live, "the replay");
    let text = fs::read_to_string(recording).unwrap();
    let password = DIGEST.split_once(':').unwrap().1;
    for text in [&text, &live.stdout, &live.stderr] {
        assert!(!text.contains(password), "{text}");
    }
    live
}

/// Builds a service's subtree of 1,002 nodes, three levels deep. `part-7` and what is
/// below it is for `DIGEST` only, and `alive` belongs to the session that comes back.
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

/// That nothing but the service is gone.
fn assert_siblings(server: &Server) {
    assert_eq!(server.children("/"), ["other", "servic", "service-2", "zookeeper"]);
    for sibling in ["/service-2", "/servic", "/other"] {
        assert_eq!(server.children(sibling), ["child"]);
    }
}

fn a_thousand_nodes(command: &str) {
    let server = Server::start(command);
    let _alive = service(&server);
    let run = clean(&server.url(), "service", Some(DIGEST));
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("Successfully deleted znode 'service'"));
    assert_siblings(&server);
    assert_eq!(clean(&server.url(), "service", None).exit, 0, "a second run");
}

fn a_plan_and_what_comes_of_it(command: &str) {
    let server = Server::start(command);
    let _alive = service(&server);
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let digest = folder.path().join("digest");
    fs::write(&digest, DIGEST).unwrap();
    let mut command = janitor();
    command.args(["plan", "-z", "service", "-e", &server.url(), "--out"]).arg(&plan);
    let unknown = run(&mut command);
    assert!(unknown.stdout.contains("Exhibitor cannot list"), "{}", unknown.stdout);
    let planned = run(command.arg("--zk-auth-file").arg(&digest));
    assert!(planned.stdout.contains("znode 'service', with 1001 nodes"), "{}", planned.stdout);
    let apply = || run(janitor().arg("apply").arg(&plan).arg("--zk-auth-file").arg(&digest));
    let applied = apply();
    assert_eq!(applied.exit, 0, "{}", applied.stdout);
    assert_siblings(&server);
    let again = apply();
    assert_eq!(again.exit, 7);
    assert!(again.stdout.contains("znode 'service' is gone"), "{}", again.stdout);
}

fn without_the_credentials(command: &str) {
    let server = Server::start(command);
    let _alive = service(&server);
    let run = clean(&server.url(), "service", None);
    assert_eq!(run.exit, 5);
    let words = "KeeperErrorCode = NoAuth for /service/part-7";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert!(run.stdout.contains("are deleted, the rest is left"), "{}", run.stdout);
    assert!(server.children("/service").contains(&"part-7".to_owned()));
    // The environment will do as well.
    let url = server.url();
    let mut command = janitor();
    command.env("ZK_AUTH", DIGEST).args(["-z", "service", "-e", &url]);
    assert_eq!(crate::command::run(&mut command).exit, 0);
    assert_siblings(&server);
}

fn a_node_that_may_only_be_read(command: &str) {
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
                 does not let this user; at least 1 node(s) of /service are deleted, the rest is left)";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    assert_eq!(clean(&server.url(), "service", Some(DIGEST)).exit, 0);
}

fn credentials_that_are_none(command: &str) {
    let server = Server::start(command);
    let run = clean(&server.url(), "service", Some("nobody:at-all"));
    assert_eq!(run.exit, 0, "ZooKeeper asks only where an ACL does");
    for (url, variable, words) in [
        (server.url().as_str(), "no-colon", "cannot log in to ZooKeeper with ZK_AUTH: it does not"),
        ("http://127.0.0.1:1/", "", "--zk-auth-file needs an --exhibitor-url"),
        (server.url().as_str(), "", "cannot use /nowhere/file: "),
    ] {
        let mut command = janitor();
        command.env("ZK_AUTH", variable).args(["-z", "service", "-e", url]);
        if variable.is_empty() {
            command.args(["--zk-auth-file", "/nowhere/file"]);
        }
        let run = crate::command::run(&mut command);
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""));
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert!(!run.stderr.contains("no-colon"), "{}", run.stderr);
    }
}

fn a_node_that_is_not_there(command: &str) {
    let server = Server::start(command);
    for znode in ["service", "/service/", "a/b/c"] {
        let run = clean(&server.url(), znode, None);
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("if znode existed."));
    }
    assert_eq!(clean(&format!("{}no/such/chroot", server.url()), "service", None).exit, 0);
}

fn a_node_in_a_folder(command: &str) {
    let server = Server::start(command);
    server.create(&["/a", "/a/b c", "/a/b c/d", "/a/b", "/a/b%20c", "/b c"]);
    assert_eq!(clean(&server.url(), "a/b c", None).exit, 0);
    assert_eq!(server.children("/a"), ["b", "b%20c"]);
    assert_eq!(clean(&server.url(), "/a/b%20c/", None).exit, 0);
    assert_eq!(server.children("/a"), ["b"]);
    assert_eq!(server.children("/"), ["a", "b c", "zookeeper"]);
}

fn a_chroot(command: &str) {
    let server = Server::start(command);
    server.create(&["/a", "/a/b", "/a/b/s", "/a/b/s/x", "/a/b/t", "/s", "/s/x", "/b", "/b/s"]);
    let url = format!("{}a/b", server.url());
    let run = clean(&url, "s", None);
    assert_eq!(run.exit, 0);
    assert_eq!(server.children("/a/b"), ["t"]);
    assert_eq!(server.children("/"), ["a", "b", "s", "zookeeper"]);
    assert_eq!(clean(&url, "s", None).exit, 0, "what is not there is named without the chroot");
    assert_eq!(server.children("/s"), ["x"]);
    let run = clean(&format!("{}zookeeper", server.url()), "quota", None);
    assert_eq!(run.exit, 5);
    assert!(run.stdout.contains("/zookeeper/quota is ZooKeeper's own"), "{}", run.stdout);
}

fn a_deep_tree(command: &str) {
    let server = Server::start(command);
    let deep: Vec<_> = (1..2000).map(|depth| "/n".repeat(depth)).collect();
    server.create(&deep.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(clean(&server.url(), "n", None).exit, 0);
    assert_eq!(server.children("/"), ["zookeeper"]);
}

/// Someone puts a node where the deletion has already been, and stops after three.
fn children_that_come_meanwhile(command: &str) {
    let server = Server::start(command);
    server.create(&["/service", "/service/a", "/service/a/b"]);
    let client = server.client();
    let comers = ["/service/late-1", "/service/late-2", "/service/late-3"];
    let proxy = Proxy::before_each_transaction(&server, move |server, number| {
        if let Some(comer) = comers.get(number) {
            server.run(async { client.create(comer, b"", &server::open()).await.unwrap() });
        }
    });
    let run = clean(&proxy.url(), "service", None);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert_eq!(server.children("/"), ["zookeeper"]);
}

fn a_dead_server_and_a_living_one(command: &str) {
    let server = Server::start(command);
    let both = [NOBODY.to_owned(), server.address()];
    for url in [both.join(","), both.iter().rev().cloned().collect::<Vec<_>>().join(",")] {
        server.create(&["/service", "/service/a"]);
        assert_eq!(clean(&format!("zk://{url}"), "service", None).exit, 0);
        assert_eq!(server.children("/"), ["zookeeper"]);
    }
}

fn a_server_that_is_killed(command: &str) {
    let server = Server::start(command);
    drop(service(&server));
    let proxy = Proxy::before_each_transaction(&server, |server, number| {
        if number == 3 {
            server.kill();
        }
    });
    let run = clean(&proxy.url(), "service", Some(DIGEST));
    assert_eq!(run.exit, 5);
    assert!(
        run.stdout.contains("KeeperErrorCode = Session expired for /service"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("at least 300 node(s) of /service are deleted"), "{}", run.stdout);
    server.restart();
    assert!(!server.children("/service").is_empty());
    assert_eq!(clean(&server.url(), "service", Some(DIGEST)).exit, 0);
    assert_siblings(&server);
}

/// Of two servers one says nothing, and the other one is not there.
fn servers_that_open_no_session() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("zk://{NOBODY},{}", silent.local_addr().unwrap());
    let run = clean(&url, "service", Some(DIGEST));
    assert_eq!(run.exit, 5);
    let words = "none of the 2 ZooKeeper server(s) in its URL has opened a session";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}
