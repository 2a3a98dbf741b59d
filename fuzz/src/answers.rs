//! Answers of servers, read by the guest. Whatever they are, the guest does not break
//! down, a look changes nothing, and nothing is sent that the policy does not have.

use std::time::Duration;

use janitor_guest as guest;
use janitor_guest::bindings::cleanup::{InUse, Options, Report, Target};
use janitor_guest::bindings::http::{Endpoint, Error, Method, Request};
use janitor_guest::bindings::log::{AppOutcome, Entry, ZnodeOutcome};
use janitor_guest::host::{Host, Response};
use serde_json::Value;

use crate::bindings;
use crate::call::Call;
use crate::policy::Policy;

const AGENTS: &str = r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}},{"name":"disk","role":"r","scalar":{"value":8.0},"reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"p"}}}]}}]}"#;
const EMPTY: &str =
    r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{}}]}"#;
const FREED: &str = r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}}]}}]}"#;
const NODE: &str = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;

/// The options of all runs.
pub const OPTIONS: Options =
    Options { confirm_seconds: 1, in_use: InUse::Refuse, system_znode: false };

/// Which answers are fuzzed; the others are those of an ordinary cluster.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Agents,
    Frameworks,
    Operations,
    Exhibitor,
    Marathon,
    /// None.
    Nothing,
}

/// Servers that answer with pieces of the input, one after the other; the last one
/// for ever. Zero bytes are between them. One that begins with `!` and three digits
/// has that status.
pub struct Servers<'a> {
    part: Part,
    pieces: Vec<&'a [u8]>,
    next: usize,
    /// The chunks of a body.
    chunk: usize,
    policy: Policy,
    destroyed: bool,
    released: bool,
    /// What was asked.
    pub sent: Vec<Request>,
    /// The last fuzzed answer.
    last: (u16, Vec<u8>),
}

/// A body in chunks.
pub struct Body {
    status: u16,
    rest: Vec<u8>,
    chunk: usize,
}

impl<'a> Servers<'a> {
    fn new(part: Part, data: &'a [u8], call: &Call) -> Self {
        let (chunk, data) = data.split_first().map_or((1, data), |(chunk, rest)| (*chunk, rest));
        Self {
            part,
            pieces: data.split(|byte| *byte == 0).collect(),
            next: 0,
            chunk: usize::from(chunk).max(1) * 8,
            policy: Policy::new(call, options()),
            destroyed: false,
            released: false,
            sent: Vec::new(),
            last: (0, Vec::new()),
        }
    }

    /// Servers of an ordinary cluster.
    pub fn ordinary(call: &Call) -> Self {
        Servers::new(Part::Nothing, &[255], call)
    }

    fn fuzzed(&mut self) -> (u16, Vec<u8>) {
        let piece = self.pieces[self.next.min(self.pieces.len() - 1)];
        self.next += 1;
        let status = match piece {
            [b'!', digits @ ..] if digits.len() >= 3 => {
                std::str::from_utf8(&digits[..3]).ok().and_then(|it| it.parse::<u16>().ok())
            }
            _ => None,
        };
        let answer = match status {
            Some(status) => (status, piece[4..].to_vec()),
            None => (200, piece.to_vec()),
        };
        self.last.clone_from(&answer);
        answer
    }

    fn answer(&mut self, request: &Request) -> (u16, Vec<u8>) {
        let path = request.path.join("/");
        let part = match (request.endpoint, path.as_str()) {
            (Endpoint::Master, "slaves") => Part::Agents,
            (Endpoint::Master, "frameworks") => Part::Frameworks,
            (Endpoint::Master, "api/v1") => Part::Operations,
            (Endpoint::Master, _) => Part::Nothing,
            (Endpoint::Exhibitor, _) => Part::Exhibitor,
            (Endpoint::Marathon | Endpoint::MarathonPods, _) => Part::Marathon,
        };
        if part == self.part && part != Part::Nothing {
            return self.fuzzed();
        }
        let body = match part {
            Part::Agents if self.released => EMPTY,
            Part::Agents if self.destroyed => FREED,
            Part::Agents => AGENTS,
            Part::Frameworks => r#"{"frameworks":[]}"#,
            Part::Operations => r#"{"type":"GET_OPERATIONS","get_operations":{}}"#,
            Part::Exhibitor if request.method == Method::Delete => {
                r#"{"message":"OK","succeeded":true}"#
            }
            Part::Exhibitor if path.ends_with("node-data") => NODE,
            Part::Exhibitor => "[]",
            Part::Marathon => "{}",
            Part::Nothing => {
                self.destroyed |= path == "destroy-volumes";
                self.released |= path == "unreserve";
                return (202, Vec::new());
            }
        };
        (200, body.into())
    }
}

impl Host for Servers<'_> {
    type Exchange = Body;
    type Response = Body;

    fn send(&mut self, request: &Request) -> Result<Body, Error> {
        let verdict = self.policy.check(&asked(request));
        if let Err(why) = verdict {
            // A master that lists a resource under a role that is not its own: the
            // host's own look stops that, and everything after it.
            assert!(why.contains("would remove what is not the target's"), "{why}");
            assert!(self.part == Part::Agents, "{why}");
            return Err(Error::Denied(why));
        }
        self.sent.push(request.clone());
        let (status, rest) = self.answer(request);
        Ok(Body { status, rest, chunk: self.chunk })
    }

    fn finish(&mut self, exchange: Body) -> Result<Body, Error> {
        Ok(exchange)
    }

    fn window(&mut self) -> usize {
        2
    }

    fn pause(&mut self, _: Duration) -> bool {
        true
    }

    fn log(&mut self, entry: Entry) {
        assert!(!entry.message.contains(['\n', '\r']), "{:?}", entry.message);
    }
}

impl Response for Body {
    fn status(&self) -> u16 {
        self.status
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        let size = self.rest.len().min(self.chunk).min(limit as usize);
        let rest = self.rest.split_off(size);
        Ok(std::mem::replace(&mut self.rest, rest))
    }
}

/// The agent list.
pub fn agents(data: &[u8]) {
    for principal in [None, Some("p")] {
        let target = target(Some("r"), principal, None, None);
        if let Ok(report) = clean(Part::Agents, data, &target).0 {
            // Clean is what the last list says, if there is nothing to remove in it.
            assert_eq!(report.left, Some(vec![]));
        }
        let plan = plan(Part::Agents, data, &target);
        if let Some(plan) = plan {
            let mut servers = Servers::new(Part::Agents, data, &Call::Clean(own(&target)));
            if let Err(failure) = guest::clean::apply(&mut servers, &plan, &OPTIONS) {
                let changed = guest::bindings::cleanup::Reason::Changed;
                assert!(failure.reason != changed, "the list is the same: {}", failure.message);
            }
        }
    }
    let _ = guest::discover(&mut Servers::new(Part::Agents, data, &Call::Discover), &OPTIONS);
}

/// The frameworks.
pub fn frameworks(data: &[u8]) {
    let target = target(Some("r"), None, None, None);
    let (_, servers) = clean(Part::Frameworks, data, &target);
    if servers.sent.iter().any(|request| request.method == Method::Post) {
        let (status, body) = &servers.last;
        let Some(body) = json(body) else { return };
        let users = body["frameworks"].as_array().expect("a list").iter();
        let uses = |it: &Value| {
            it["role"] == "r" || it["roles"].as_array().is_some_and(|it| it.contains(&"r".into()))
        };
        assert!(*status == 200 && !users.clone().any(uses), "a framework uses the role");
    }
    plan(Part::Frameworks, data, &target);
}

/// The operations.
pub fn operations(data: &[u8]) {
    let _ = clean(Part::Operations, data, &target(Some("r"), None, None, None));
}

/// What Exhibitor says.
pub fn exhibitor(data: &[u8]) {
    let target = target(None, None, Some("a/b"), None);
    let (result, servers) = clean(Part::Exhibitor, data, &target);
    let report = result.unwrap_or_else(|failure| failure.report);
    if let Some(ZnodeOutcome::Deleted(_)) = report.znode.map(|it| it.outcome) {
        let (status, body) = &servers.last;
        let Some(body) = json(body) else { return };
        assert!(*status == 200 && body["succeeded"] == true, "it is not deleted");
    }
    plan(Part::Exhibitor, data, &target);
    let _ = guest::discover(&mut Servers::new(Part::Exhibitor, data, &Call::Discover), &OPTIONS);
}

/// What Marathon says.
pub fn marathon(data: &[u8]) {
    let target = target(None, None, None, Some("/group/janitor"));
    let (result, servers) = clean(Part::Marathon, data, &target);
    let report = result.expect("an app that stays is no failure");
    if let Some(AppOutcome::Removed(status)) = report.self_removal.map(|it| it.outcome) {
        assert!(status == servers.last.0 && (200..300).contains(&status));
    }
}

/// A body that the guest has understood. What the guest ignores in it may still be too
/// much for this reader: numbers beyond all measure, for instance.
fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
}

fn clean<'a>(
    part: Part,
    data: &'a [u8],
    target: &Target,
) -> (Result<Report, guest::bindings::cleanup::Failure>, Servers<'a>) {
    let mut servers = Servers::new(part, data, &Call::Clean(own(target)));
    (guest::clean(&mut servers, target, &OPTIONS), servers)
}

fn plan(part: Part, data: &[u8], target: &Target) -> Option<guest::bindings::cleanup::CleanupPlan> {
    let mut servers = Servers::new(part, data, &Call::Plan(own(target)));
    let plan = guest::plan(&mut servers, target, &OPTIONS).ok();
    assert!(servers.sent.iter().all(|request| request.method == Method::Get));
    plan
}

/// A target of the guest's.
pub fn target(
    role: Option<&str>,
    principal: Option<&str>,
    znode: Option<&str>,
    app: Option<&str>,
) -> Target {
    let [role, principal, znode, marathon_app] =
        [role, principal, znode, app].map(|it| it.map(Into::into));
    Target { role, principal, znode, marathon_app }
}

/// The same target, as the host's modules have it.
pub fn own(target: &Target) -> bindings::cleanup::Target {
    let Target { role, principal, znode, marathon_app } = target.clone();
    bindings::cleanup::Target { role, principal, znode, marathon_app }
}

/// The same options, as the host's modules have them.
pub fn options() -> bindings::cleanup::Options {
    let Options { confirm_seconds, in_use: _, system_znode } = OPTIONS;
    let in_use = bindings::cleanup::InUse::Refuse;
    bindings::cleanup::Options { confirm_seconds, in_use, system_znode }
}

/// The same request, as the host's modules have it.
fn asked(request: &Request) -> bindings::http::Request {
    use bindings::http;
    let Request { endpoint, method, path, query, content } = request.clone();
    http::Request {
        endpoint: match endpoint {
            Endpoint::Master => http::Endpoint::Master,
            Endpoint::Exhibitor => http::Endpoint::Exhibitor,
            Endpoint::Marathon => http::Endpoint::Marathon,
            Endpoint::MarathonPods => http::Endpoint::MarathonPods,
        },
        method: match method {
            Method::Get => http::Method::Get,
            Method::Post => http::Method::Post,
            Method::Delete => http::Method::Delete,
        },
        path,
        query,
        content: content.map(|it| http::Content { media_type: it.media_type, bytes: it.bytes }),
    }
}
