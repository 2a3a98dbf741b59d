//! Looks and deletions with answers from a script.

use std::time::Duration;

use super::look::COUNTED;
use super::*;
use crate::context::Context;
use crate::retry::Retries;
use crate::testing::Script;
use janitor_contract::types::{ZnodeOutcome, ZnodeResult, ZnodeState};

const GONE: &str = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
const THERE: &str = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;
const DELETED: &str = r#"{"message":"OK","succeeded":true}"#;

/// Deletes a node whose later looks are answered like this.
fn delete(mut host: Script, znode: &str, looks: &[&str]) -> (ZnodeOutcome, Script) {
    for look in looks {
        host = host.page("exhibitor/v1/explorer/node-data", 200, *look);
    }
    let options = Options { confirm_seconds: 3, ..Options::DEFAULT };
    let result = deleted(&mut host, znode, &options);
    (result.outcome, host)
}

/// Deletes a node that nothing keeps from it.
fn deleted(host: &mut Script, znode: &str, options: &Options) -> ZnodeResult {
    let mut context = Context::new(host, options);
    let _ = context.znode(znode, |_, _| Ok(()));
    context.report.znode.unwrap()
}

fn retries(host: &mut Script) -> Retries {
    Retries::new(host, Duration::from_secs(3))
}

fn look(host: &mut Script, znode: &str) -> ZnodeState {
    let mut retries = retries(host);
    Tree::new(&Options::DEFAULT, znode).look(host, &mut retries)
}

#[test]
fn the_nodes_below_are_counted() {
    let node = |key: &str| format!(r#"{{"title":"t","key":"{key}","isLazy":true}}"#);
    let mut host = Script::default()
        .answer(200, THERE)
        .answer(200, format!("[{},{}]", node("/a/b"), node("/a/c")))
        .answer(200, format!("[{}]", node("/a/c/d")))
        .answer(200, "[]")
        .answer(200, "[]");
    assert_eq!(look(&mut host, "a"), ZnodeState::There(3));
    let keys: Vec<_> = host.sent.iter().map(|request| request.query[0].1.as_str()).collect();
    assert_eq!(keys, ["/a", "/a", "/a/c", "/a/b", "/a/c/d"]);
    assert_eq!(look(&mut Script::default().answer(200, GONE), "a"), ZnodeState::Absent);
    for odd in [node("*"), node("/b"), node("/a/b/c"), node("/a/"), node("/ab")] {
        let mut host = Script::default().answer(200, THERE).answer(200, format!("[{odd}]"));
        assert!(matches!(look(&mut host, "a"), ZnodeState::Uncounted(_)), "{odd}");
    }
    for (status, body, words) in [
        (200, "<html>", "the answer is not Exhibitor's"),
        (401, "", "it requires valid credentials"),
        (403, "", "permission"),
        (404, "", "there is no Exhibitor at this URL"),
        (200, "[]", "the answer is not Exhibitor's"),
        (200, r#"{"str":"Exception","stat":null}"#, "it may lack the permission"),
        (200, r#"{"str":"Exception","stat":"KeeperErrorCode = NoAuth for /a"}"#, "NoAuth for /a"),
    ] {
        let state = look(&mut Script::default().answer(status, body), "a");
        let ZnodeState::Unknown(why) = state else { panic!("{state:?}") };
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn the_nodes_below_are_listed_once_the_server_is_ready() {
    let node = r#"{"title":"t","key":"/a/b"}"#;
    let mut host = Script::default().answer(503, "").answer(200, format!("[{node}]"));
    let mut retries = retries(&mut host);
    let children = Tree::new(&Options::DEFAULT, "a").children(&mut host, &mut retries);
    assert_eq!(children, Ok(vec!["b".into()]));
}

#[test]
fn failures_that_pass_are_waited_for() {
    let raced = |what: &str| {
        format!(r#"{{"message":"KeeperErrorCode = {what} for /a/c","succeeded":false}}"#)
    };
    let host = Script::default()
        .answer(200, raced("Directory not empty"))
        .answer(200, raced("ConnectionLoss"))
        .fails(Error::Connect("refused".into()))
        .answer(503, "")
        .answer(200, raced("NoNode"))
        .answer(200, DELETED);
    let (outcome, host) = delete(host, "a", &[GONE]);
    assert_eq!(outcome, ZnodeOutcome::Deleted(200));
    assert_eq!(host.sent.len(), 6);
    let mut host = Script::default();
    for _ in 0..10 {
        host = host.answer(200, raced("ConnectionLoss"));
    }
    let (outcome, host) = delete(host, "a", &[GONE]);
    let ZnodeOutcome::Failed(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("some of the nodes below it") && why.contains("zk://"), "{why}");
    assert_eq!(host.paused, Duration::from_secs(3));
}

#[test]
fn a_deletion_that_is_not_answered_is_looked_after() {
    for unanswered in [None, Some(500), Some(502), Some(504)] {
        let host = || match unanswered {
            None => Script::default().fails(Error::Timeout),
            Some(status) => Script::default().answer(status, "<title>Bad Gateway</title>"),
        };
        let (outcome, _) = delete(host(), "a", &[THERE, "<html>", THERE, GONE]);
        assert_eq!(outcome, ZnodeOutcome::Deleted(200), "it continued without its client");
        let (outcome, host) = delete(host(), "a", &[THERE]);
        let ZnodeOutcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.contains("may still be deleted"), "{why}");
        assert_eq!((host.sent.len(), host.paused), (1, Duration::from_secs(3)));
    }
    let host = Script::default().broken(r#"{"message":"OK""#, Error::Reset);
    assert_eq!(delete(host, "a", &[GONE]).0, ZnodeOutcome::Deleted(200));
}

#[test]
fn the_node_itself_has_the_last_word() {
    let no_node = r#"{"message":"KeeperErrorCode = NoNode for /a/b","succeeded":false}"#;
    let (outcome, host) = delete(Script::default().answer(200, DELETED), "/a/b", &[GONE]);
    assert_eq!(outcome, ZnodeOutcome::Deleted(200));
    assert_eq!(host.sent[0].path, ["exhibitor", "v1", "explorer", "znode", "a", "b"]);
    let outcome =
        |body: &str, look: &str| delete(Script::default().answer(200, body), "a/b", &[look]).0;
    assert_eq!(outcome(no_node, GONE), ZnodeOutcome::Absent);
    assert_eq!(outcome(&no_node.replace("/a/b", "/a/b "), GONE), ZnodeOutcome::Absent);
    let ZnodeOutcome::Failed(why) = outcome(DELETED, THERE) else { panic!() };
    assert!(why.contains("another node may have been deleted"), "{why}");
    let ZnodeOutcome::Failed(why) = outcome(no_node, THERE) else { panic!() };
    assert!(why.contains("a proxy may have changed its name"), "{why}");
    assert!(matches!(outcome(DELETED, "<html>"), ZnodeOutcome::Unknown(_)));
    // A look that fails at the moment is repeated.
    let host = Script::default().answer(200, DELETED);
    let host = host.page("exhibitor/v1/explorer/node-data", 503, "");
    assert_eq!(delete(host, "a/b", &[GONE]).0, ZnodeOutcome::Deleted(200));
}

#[test]
fn other_answers_are_no_success() {
    for (status, body) in [
        (200, r#"{"message":"KeeperErrorCode = NoAuth for /a/b","succeeded":false}"#),
        (200, r#"{"succeeded":false}"#),
        (200, r#"{"message":"OK"}"#),
        (200, "<html>Log in</html>"),
        (200, ""),
        (202, DELETED),
        (403, ""),
        (404, "Not Found"),
    ] {
        let (outcome, _) = delete(Script::default().answer(status, body), "a/b", &[GONE]);
        assert!(matches!(outcome, ZnodeOutcome::Failed(_)), "{status} {body}");
    }
}

#[test]
fn no_more_is_said_than_was_counted() {
    let list = |count: u32| {
        let node = |number| format!(r#"{{"title":"{number}","key":"/a/{number}"}}"#);
        format!("[{}]", (0..count).map(node).collect::<Vec<_>>().join(","))
    };
    let answers = |count: u32| Script::default().answer(200, THERE).answer(200, list(count));
    let mut all = answers(COUNTED);
    for _ in 0..COUNTED {
        all = all.answer(200, "[]");
    }
    assert_eq!(look(&mut all, "a"), ZnodeState::There(COUNTED));
    assert_eq!(all.most_in_flight, all.window);
    let state = look(&mut answers(COUNTED + 1), "a");
    assert_eq!(state, ZnodeState::MoreThan(COUNTED));
    // A request that is never finished would keep its place in the window.
    for (child, is_counted) in [(list(COUNTED).replace("/a/", "/a/1/"), false), (list(0), true)] {
        let mut host = answers(3).answer(200, "[]").answer(200, child).answer(200, "[]");
        assert_eq!(look(&mut host, "a") == ZnodeState::There(3), is_counted);
        assert_eq!(host.in_flight(), 0);
    }
}

#[test]
fn a_list_that_is_too_long_is_no_strangers() {
    const LIMIT: usize = 32 << 20;
    let longest = format!("[{}]", " ".repeat(LIMIT - 2));
    let state = look(&mut Script::default().answer(200, THERE).answer(200, longest), "a");
    assert_eq!(state, ZnodeState::There(0));
    let long = || format!("[{}]", " ".repeat(LIMIT));
    let ZnodeState::Uncounted(why) =
        look(&mut Script::default().answer(200, THERE).answer(200, long()), "a")
    else {
        panic!("not counted");
    };
    assert_eq!(why, "the answer of Exhibitor is larger than 33554432 bytes");
}

/// A message of the host is not attributed to ZooKeeper. Only Exhibitor cannot delete everything.
#[test]
fn words_are_those_of_the_server_that_says_them() {
    let hint = |words: &str| words.contains("use an Exhibitor URL that begins with zk://");
    for (zookeeper, message, words) in [
        (
            true,
            "KeeperErrorCode = NoAuth for /a",
            "ZooKeeper says: KeeperErrorCode = NoAuth for /a",
        ),
        (true, "the run's time is over", "the run's time is over"),
        (
            false,
            "KeeperErrorCode = NoAuth for /a",
            "Exhibitor says: KeeperErrorCode = NoAuth for /a",
        ),
        (false, "ConnectionLoss", "Exhibitor says: ConnectionLoss"),
        (
            true,
            "KeeperErrorCode = ConnectionLoss",
            "ZooKeeper says: KeeperErrorCode = ConnectionLoss",
        ),
    ] {
        let options = Options { zookeeper, confirm_seconds: 0, ..Options::DEFAULT };
        let body = format!(r#"{{"message":"{message}","succeeded":false}}"#);
        let mut host = Script::default().answer(200, body);
        let result = deleted(&mut host, "a", &options);
        let ZnodeOutcome::Failed(why) = result.outcome else { panic!("{:?}", result.outcome) };
        assert_eq!(why.split(" (").next(), Some(words));
        assert_eq!(hint(&why), !zookeeper && message.contains("ConnectionLoss"), "{why}");
    }
}

#[test]
fn words_are_about_the_whole_path_and_the_server_that_answers() {
    let options = Options { znode_root: Some("c/d".into()), zookeeper: true, ..Options::DEFAULT };
    let no_node = r#"{"message":"KeeperErrorCode = NoNode for /c/d/a","succeeded":false}"#;
    let mut host = Script::default().answer(200, no_node).answer(200, GONE);
    let result = deleted(&mut host, "a", &options);
    assert_eq!((result.path.as_str(), &result.outcome), ("c/d/a", &ZnodeOutcome::Absent));
    assert_eq!(host.sent[0].path.last().map(String::as_str), Some("a"));
    let mut host = Script::default().answer(500, "");
    let mut retries = retries(&mut host);
    let why = Tree::new(&options, "a").exists(&mut host, &mut retries).unwrap_err();
    assert_eq!(why, "ZooKeeper answers 500");
}
