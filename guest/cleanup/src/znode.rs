//! The third phase: the service's ZooKeeper subtree is deleted through
//! Exhibitor, `DELETE exhibitor/v1/explorer/znode/PATH`.
//!
//! Exhibitor answers 200 to everything it has understood, with
//! `{"message": ..., "succeeded": ...}`: only that body says whether the node
//! is gone. And even then it may be another node that is: a proxy on the way can have
//! changed the path. So a look at the node itself (`node-data`) has the last word. A
//! deletion that was sent and not answered goes on without its client, and is looked
//! after in the same way.

use std::collections::VecDeque;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::guard;
use crate::host::{Answer, Host, Passes, Patience, Retries, count, request};
use janitor_contract::types::{
    Endpoint, Error, Event, Level, Method, Options, Request, ZnodeOutcome, ZnodeResult, ZnodeState,
};

/// How many nodes are counted; of more it is only said that there are more.
const COUNTED: u32 = 10_000;

/// The names of the servers that may answer.
const EXHIBITOR: &str = "Exhibitor";
const ZOOKEEPER: &str = "ZooKeeper";

/// A node of ZooKeeper, as the endpoint `exhibitor` shows it.
pub struct Tree {
    /// Its path for the endpoint, without slashes at its ends; empty for the root.
    path: String,
    /// Its whole path in ZooKeeper, the same way.
    whole: String,
    /// Who answers: Exhibitor, or ZooKeeper itself.
    server: &'static str,
}

/// Why there is no answer that could be understood.
struct Unread {
    why: String,
    passes: Passes,
}

impl Tree {
    /// A target's node.
    pub fn new(options: &Options, znode: &str) -> Self {
        let path = guard::segments(znode).collect::<Vec<_>>().join("/");
        Self { path, whole: guard::whole_path(options, znode), ..Self::root(options) }
    }

    /// The root.
    pub fn root(options: &Options) -> Self {
        let server = if options.zookeeper { ZOOKEEPER } else { EXHIBITOR };
        Self { path: String::new(), whole: String::new(), server }
    }

    /// Looks at what is there, and changes nothing.
    pub fn look<H: Host>(&self, host: &mut H, retries: &mut Retries) -> ZnodeState {
        match self.exists(host, retries) {
            Ok(true) => self.count_below(host).unwrap_or_else(ZnodeState::Uncounted),
            Ok(false) => ZnodeState::Absent,
            Err(why) => ZnodeState::Unknown(why),
        }
    }

    /// Whether it is there: `GET exhibitor/v1/explorer/node-data`.
    ///
    /// # Errors
    /// One sentence.
    pub fn exists<H: Host>(&self, host: &mut H, retries: &mut Retries) -> Result<bool, String> {
        loop {
            match self.data(host) {
                Ok(is_there) => return Ok(is_there),
                Err(Unread { passes, .. }) if retries.wait(host, passes) => {}
                Err(Unread { why, .. }) => return Err(why),
            }
        }
    }

    fn data<H: Host>(&self, host: &mut H) -> Result<bool, Unread> {
        #[derive(Deserialize)]
        struct NodeData {
            #[serde(default)]
            str: String,
            stat: Option<String>,
        }

        let sent = host.send(&explore("node-data", &format!("/{}", self.path)));
        let NodeData { str, stat } = self.understood(host, sent)?;
        let stat = stat.unwrap_or_default();
        if stat.is_empty() || str == "Exception" {
            // Where it says nothing more, an ACL is the likeliest reason.
            let words = match stat.trim() {
                "" => format!(
                    "it says only '{str}' (it may not look at it, or ZooKeeper does not answer it)"
                ),
                words => format!("it says: {words}"),
            };
            let why = format!("{} cannot look at '{}': {words}", self.server, self.whole);
            let passes = if may_pass(&stat) { Passes::WhenReady } else { Passes::No };
            return Err(Unread { why, passes });
        }
        Ok(!stat.contains("* not found *"))
    }

    /// The names of the nodes below it.
    ///
    /// # Errors
    /// One sentence.
    pub fn children<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
    ) -> Result<Vec<String>, String> {
        let key = format!("/{}", self.path);
        let keys = loop {
            let sent = host.send(&explore("node", &key));
            match self.understood(host, sent) {
                Ok(nodes) => break self.below(key.trim_end_matches('/'), nodes)?,
                Err(Unread { passes, .. }) if retries.wait(host, passes) => {}
                Err(Unread { why, .. }) => return Err(why),
            }
        };
        let name = |key: &String| key.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(keys.iter().map(name).collect())
    }

    /// Counts the nodes below it, many at a time.
    fn count_below<H: Host>(&self, host: &mut H) -> Result<ZnodeState, String> {
        let window = host.window().max(1);
        let mut unsent = vec![format!("/{}", self.path)];
        let mut in_flight = VecDeque::new();
        let mut found = 0;
        loop {
            while in_flight.len() < window
                && let Some(key) = unsent.pop()
            {
                let sent = host.send(&explore("node", &key));
                in_flight.push_back((key, sent));
            }
            let Some((key, sent)) = in_flight.pop_front() else {
                return Ok(ZnodeState::There(found));
            };
            let nodes = self.understood(host, sent).map_err(|unread| unread.why);
            let below = nodes.and_then(|nodes| self.below(&key, nodes))?;
            found += count(below.len());
            unsent.extend(below);
            if found > COUNTED {
                return Ok(ZnodeState::MoreThan(COUNTED));
            }
        }
    }

    /// The paths of a node's children, if they are a node's children.
    fn below(&self, parent: &str, nodes: Vec<Node>) -> Result<Vec<String>, String> {
        let server = self.server;
        let child = |Node { title, key }: Node| {
            if key == "*" {
                // So it says that something went wrong, and no more than that.
                return Err(format!("{server} cannot list the nodes below '{parent}/'"));
            }
            match key.strip_prefix(parent).and_then(|it| it.strip_prefix('/')) {
                Some(name) if !name.is_empty() && !name.contains('/') => Ok(key),
                _ => Err(format!("{server} lists '{title}' below '{parent}/'")),
            }
        };
        nodes.into_iter().map(child).collect()
    }

    /// An answer to a look.
    fn understood<H: Host, T: DeserializeOwned>(
        &self,
        host: &mut H,
        sent: Result<H::Exchange, Error>,
    ) -> Result<T, Unread> {
        /// Room for a node with 100,000 children.
        const LIMIT: usize = 32 << 20;
        let network =
            |error: &Error| Unread { why: error.of(self.server), passes: self.passes(error) };
        // One byte more shows that an answer is longer, and not that it makes no sense.
        let answer = sent.and_then(|exchange| host.answer_within(exchange, LIMIT + 1));
        let answer = answer.map_err(|error| network(&error))?;
        if answer.body.len() > LIMIT {
            return Err(network(&Error::TooLarge(LIMIT as u64)));
        }
        if let Some(error) = &answer.error {
            return Err(network(error));
        }
        let passes = Passes::of_status(answer.status);
        if answer.status != 200 {
            return Err(Unread { why: self.refusal(&answer), passes });
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| Unread { why: self.stranger(&answer), passes })
    }

    /// Whether the same request may get an answer a moment later. In front of ZooKeeper
    /// itself, the host has tried all servers, and for long enough.
    fn passes(&self, error: &Error) -> Passes {
        if self.server == ZOOKEEPER { Passes::No } else { Passes::of_error(error) }
    }

    /// A status that is no answer of Exhibitor's explorer, for people.
    fn refusal(&self, answer: &Answer) -> String {
        let server = self.server;
        let hint = match answer.status {
            401 => ": it wants valid credentials",
            403 => {
                ": changes are switched off in Exhibitor, or the permission \
                 dcos:adminrouter:ops:exhibitor is missing"
            }
            404 => ": there is no Exhibitor at its URL",
            _ => "",
        };
        format!("{server} answers {}{hint}", answer.summary())
    }

    /// An answer that is not Exhibitor's, for people.
    fn stranger(&self, answer: &Answer) -> String {
        let text = answer.text();
        format!("the answer is not {}'s (a login page or a proxy?): {text}", self.server)
    }

    /// Deletes the node and everything below it, and logs what became of it. Failures
    /// that may pass are tried again; what was sent and not answered is looked after as
    /// long as there is `patience`.
    pub fn delete<H: Host>(
        &self,
        host: &mut H,
        retries: &mut Retries,
        patience: &mut Patience,
    ) -> ZnodeResult {
        let mut path: Vec<String> = ["exhibitor", "v1", "explorer", "znode"].map(Into::into).into();
        path.extend(self.path.split('/').map(Into::into));
        let request = request(Endpoint::Exhibitor, Method::Delete, path);
        let outcome = loop {
            let verdict = match host.ask(&request) {
                Ok(answer) => self.judge(&answer),
                Err(error) => self.judge_error(&error),
            };
            match verdict {
                Verdict::Gone(outcome) => break self.verified(host, outcome, retries),
                Verdict::Failed(why, passes) => {
                    host.say(Level::Debug, &why, None);
                    if !retries.wait(host, passes) {
                        break ZnodeOutcome::Failed(why);
                    }
                }
                Verdict::Unknown(why) => break self.watched(host, why, patience),
            }
        };
        let path = &self.whole;
        let (level, line) = match &outcome {
            // One line for both, as the reference has it: "if znode existed".
            ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent => (
                Level::Info,
                format!("Successfully deleted znode '{path}' (code=200), if znode existed."),
            ),
            ZnodeOutcome::Failed(why) => {
                (Level::Error, format!("ERROR: znode '{path}' is not deleted: {why}"))
            }
            ZnodeOutcome::Unknown(why) => (
                Level::Error,
                format!("ERROR: it is not known whether znode '{path}' is deleted: {why}"),
            ),
        };
        let result = ZnodeResult { path: path.clone(), outcome };
        host.say(level, line, Some(Event::Znode(result.clone())));
        result
    }

    /// Looks at a node that is said to be gone.
    fn verified<H: Host>(
        &self,
        host: &mut H,
        outcome: ZnodeOutcome,
        retries: &mut Retries,
    ) -> ZnodeOutcome {
        let server = self.server;
        match self.exists(host, retries) {
            Ok(false) => outcome,
            Ok(true) if outcome == ZnodeOutcome::Absent => ZnodeOutcome::Failed(format!(
                "{server} says that it is not there, and shows it all the same: something on the \
                 way changes its name"
            )),
            Ok(true) => ZnodeOutcome::Failed(format!(
                "{server} says that it is, and still shows it: something else may have been deleted"
            )),
            Err(why) => ZnodeOutcome::Unknown(format!("{server} says that it is, but {why}")),
        }
    }

    /// Looks after a deletion that was sent and not answered, until the node is gone.
    fn watched<H: Host>(&self, host: &mut H, why: String, patience: &mut Patience) -> ZnodeOutcome {
        host.say(Level::Debug, format!("{why}: looking whether it goes"), None);
        loop {
            if let Ok(false) = self.data(host) {
                return ZnodeOutcome::Deleted(200);
            }
            if !patience.wait(host) {
                return ZnodeOutcome::Unknown(format!(
                    "{why}. It may still be deleted: do not install the service again before you \
                     have looked at it"
                ));
            }
        }
    }

    fn judge_error(&self, error: &Error) -> Verdict {
        let why = error.of(self.server);
        match error {
            // These may have been carried out.
            Error::Timeout | Error::Reset | Error::Protocol(_) | Error::Internal(_) => {
                Verdict::Unknown(why)
            }
            error => Verdict::Failed(why, self.passes(error)),
        }
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        if let Some(error) = &answer.error {
            return self.judge_error(error);
        }
        match (answer.status, serde_json::from_slice(&answer.body)) {
            (200, Ok(Answered { succeeded: true, .. })) => {
                Verdict::Gone(ZnodeOutcome::Deleted(200))
            }
            (200, Ok(Answered { message, .. })) if self.is_missing(&message) => {
                Verdict::Gone(ZnodeOutcome::Absent)
            }
            (200, Ok(Answered { message, .. })) => self.judge_message(&message),
            (200, Err(_)) => Verdict::Failed(self.stranger(answer), Passes::No),
            // The deletion may go on, behind a proxy or in a server that broke off.
            (408 | 500 | 502 | 504, _) => Verdict::Unknown(self.refusal(answer)),
            (status, _) => Verdict::Failed(self.refusal(answer), Passes::of_status(status)),
        }
    }

    /// A failure, in ZooKeeper's words or in those of the host, which speaks with ZooKeeper
    /// in Exhibitor's place: what it says itself, nobody else has said.
    fn judge_message(&self, message: &str) -> Verdict {
        let mut why = match self.server == ZOOKEEPER && !message.starts_with("KeeperErrorCode") {
            true => message.to_owned(),
            false => format!("{} says: {message}", self.server),
        };
        let below = format!("/{}/", self.whole);
        if message.contains(&below) {
            why += " (the nodes below it may be deleted in part)";
        }
        if message.contains("ConnectionLoss") && self.server == EXHIBITOR {
            why += " (a node whose children's names are longer than about 1 MiB can only be \
                    deleted by ZooKeeper itself: an Exhibitor URL that begins with zk://)";
        }
        Verdict::Failed(why, if may_pass(message) { Passes::WhenReady } else { Passes::No })
    }

    /// Whether ZooKeeper says that the node itself is not there. The same words
    /// about a node below it mean that someone else was deleting at the same time.
    fn is_missing(&self, message: &str) -> bool {
        let missing = message.split_once("NoNode for /").map(|(_, path)| path);
        missing.is_some_and(|it| it == self.whole || it.trim() == self.whole)
    }
}

/// An entry of `GET exhibitor/v1/explorer/node`.
#[derive(Deserialize)]
struct Node {
    title: String,
    key: String,
}

fn explore(what: &str, key: &str) -> Request {
    let path = ["exhibitor", "v1", "explorer", what].map(Into::into).into();
    let query = vec![("key".into(), key.into())];
    Request { query, ..request(Endpoint::Exhibitor, Method::Get, path) }
}

/// What Exhibitor says.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    message: String,
    succeeded: bool,
}

/// What an answer means.
enum Verdict {
    /// It is said to be gone.
    Gone(ZnodeOutcome),
    /// It is not, and whether that may be otherwise a moment later.
    Failed(String, Passes),
    /// It is, or will be, or not.
    Unknown(String),
}

/// Whether ZooKeeper's words are about something that passes: nodes that come
/// and go while the tree is deleted, or a server that is just not serving. A deletion
/// that the host has stopped would go on as well, if the run did.
fn may_pass(message: &str) -> bool {
    [
        "NoNode",
        "NotEmpty",
        "Directory not empty",
        "ConnectionLoss",
        "SessionExpired",
        "the deletion was stopped",
    ]
    .into_iter()
    .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Script;

    const GONE: &str = r#"{"bytes":"","str":"","stat":"* not found * "}"#;
    const THERE: &str = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;
    const DELETED: &str = r#"{"message":"OK","succeeded":true}"#;

    /// Deletes a node, after which looks find this.
    fn delete(mut host: Script, znode: &str, looks: &[&str]) -> (ZnodeOutcome, Script) {
        for look in looks {
            host = host.page("exhibitor/v1/explorer/node-data", 200, *look);
        }
        let (mut retries, mut patience) = waits(&mut host);
        let tree = Tree::new(&Options::DEFAULT, znode);
        let result = tree.delete(&mut host, &mut retries, &mut patience);
        (result.outcome, host)
    }

    fn waits(host: &mut Script) -> (Retries, Patience) {
        let time = Duration::from_secs(3);
        (Retries::new(host, time), Patience::new(host, time))
    }

    fn look(host: &mut Script, znode: &str) -> ZnodeState {
        let (mut retries, _) = waits(host);
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
            (403, "", "permission"),
            (404, "", "there is no Exhibitor at its URL"),
            (200, "[]", "the answer is not Exhibitor's"),
            (200, r#"{"str":"Exception","stat":null}"#, "it may not look at it"),
            (
                200,
                r#"{"str":"Exception","stat":"KeeperErrorCode = NoAuth for /a"}"#,
                "NoAuth for /a",
            ),
        ] {
            let state = look(&mut Script::default().answer(status, body), "a");
            let ZnodeState::Unknown(why) = state else { panic!("{state:?}") };
            assert!(why.contains(words), "{why}");
        }
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
        assert!(why.contains("in part") && why.contains("zk://"), "{why}");
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
            assert_eq!(outcome, ZnodeOutcome::Deleted(200), "it went on without its client");
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
        let ZnodeOutcome::Failed(why) = outcome(DELETED, THERE) else { panic!() };
        assert!(why.contains("something else may have been deleted"), "{why}");
        assert!(matches!(outcome(no_node, THERE), ZnodeOutcome::Failed(_)));
        assert!(matches!(outcome(DELETED, "<html>"), ZnodeOutcome::Unknown(_)));
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
        let state = look(&mut answers(COUNTED + 1), "a");
        assert_eq!(state, ZnodeState::MoreThan(COUNTED));
    }

    #[test]
    fn a_list_that_is_too_long_is_no_strangers() {
        let long = || format!("[{}]", " ".repeat(32 << 20));
        let ZnodeState::Uncounted(why) =
            look(&mut Script::default().answer(200, THERE).answer(200, long()), "a")
        else {
            panic!("not counted");
        };
        assert_eq!(why, "the answer of Exhibitor is larger than 33554432 bytes");
    }

    /// Only what ZooKeeper has said is called its word.
    #[test]
    fn the_words_of_the_host_are_not_zookeepers() {
        let options = Options { zookeeper: true, ..Options::DEFAULT };
        for (message, words) in [
            ("KeeperErrorCode = NoAuth for /a", "ZooKeeper says: KeeperErrorCode = NoAuth for /a"),
            ("the run's time is over", "the run's time is over"),
        ] {
            let body = format!(r#"{{"message":"{message}","succeeded":false}}"#);
            let mut host = Script::default().answer(200, body);
            let (mut retries, mut patience) = waits(&mut host);
            let result = Tree::new(&options, "a").delete(&mut host, &mut retries, &mut patience);
            assert_eq!(result.outcome, ZnodeOutcome::Failed(words.into()));
        }
    }

    #[test]
    fn words_are_about_the_whole_path_and_the_server_that_answers() {
        let options =
            Options { znode_root: Some("c/d".into()), zookeeper: true, ..Options::DEFAULT };
        let no_node = r#"{"message":"KeeperErrorCode = NoNode for /c/d/a","succeeded":false}"#;
        let mut host = Script::default().answer(200, no_node).answer(200, GONE);
        let (mut retries, mut patience) = waits(&mut host);
        let result = Tree::new(&options, "a").delete(&mut host, &mut retries, &mut patience);
        assert_eq!((result.path.as_str(), &result.outcome), ("c/d/a", &ZnodeOutcome::Absent));
        assert_eq!(host.sent[0].path.last().map(String::as_str), Some("a"));
        let mut host = Script::default().answer(500, "");
        let why = Tree::new(&options, "a").exists(&mut host, &mut retries).unwrap_err();
        assert_eq!(why, "ZooKeeper answers 500");
    }
}
