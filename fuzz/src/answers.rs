//! Fuzzes the guest's parsers of server responses. Whatever the responses are, the guest does not
//! crash, a read-only call changes nothing, and no request is sent that is not on the allow-list.

use std::sync::LazyLock;
use std::time::Duration;

use janitor_contract::types::{
    AppOutcome, CleanupPlan, Entry, Error, Failure, InUse, Method, Options, Reason, Report,
    Request, Target, ZnodeOutcome,
};
use janitor_guest as guest;
use janitor_guest::host::{Host, Response};
use serde_json::Value;

use janitor_contract::call::Call;
use janitor_contract::request::Server;
use janitor_policy::policy::Policy;

const AGENTS: &str = r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}},{"name":"disk","role":"r","scalar":{"value":8.0},"reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"p"}}}]}}]}"#;
const EMPTY: &str =
    r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{}}]}"#;
const FREED: &str = r#"{"slaves":[{"id":"S0","active":true,"version":"1.11.0","reserved_resources_full":{"r":[{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}}]}}]}"#;
const NODE: &str = r#"{"bytes":"","str":"","stat":"czxid: 1"}"#;
const NO_NODE: &str = r#"{"bytes":"","str":"","stat":"* not found * "}"#;

/// The options of all runs.
pub static OPTIONS: LazyLock<Options> =
    LazyLock::new(|| Options { confirm_seconds: 1, ..Options::DEFAULT });

/// The same options, for a run that may tear down frameworks.
static TEARDOWN: LazyLock<Options> =
    LazyLock::new(|| Options { in_use: InUse::Teardown, ..OPTIONS.clone() });

/// The part of the cluster whose responses are fuzzed. The others respond as in an ordinary
/// cluster.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Agents,
    Frameworks,
    Operations,
    Exhibitor,
    Marathon,
    /// No part is fuzzed.
    Nothing,
}

/// Servers that respond with successive pieces of the input, and repeat the last one. Zero bytes
/// separate the pieces. A piece that starts with `!` and three digits has that status.
pub struct Servers<'a> {
    part: Part,
    pieces: Vec<&'a [u8]>,
    next: usize,
    /// The chunk size of a body.
    chunk: usize,
    policy: Policy,
    destroyed: bool,
    released: bool,
    deleted: bool,
    /// The total duration of all pauses.
    paused: Duration,
    /// The requests that were sent.
    pub sent: Vec<Request>,
    /// The last fuzzed response.
    last: (u16, Vec<u8>),
}

/// Splits a piece into a status and a body.
fn answer_of(piece: &[u8]) -> (u16, &[u8]) {
    let status = match piece {
        [b'!', digits @ ..] if digits.len() >= 3 => {
            std::str::from_utf8(&digits[..3]).ok().and_then(|it| it.parse::<u16>().ok())
        }
        _ => None,
    };
    status.map_or((200, piece), |status| (status, &piece[4..]))
}

/// A body that is returned in chunks.
pub struct Body {
    status: u16,
    rest: Vec<u8>,
    chunk: usize,
}

impl<'a> Servers<'a> {
    fn new(part: Part, data: &'a [u8], call: &Call) -> Self {
        Self::with(part, data, call, &OPTIONS)
    }

    fn with(part: Part, data: &'a [u8], call: &Call, options: &Options) -> Self {
        let (chunk, data) = data.split_first().map_or((1, data), |(chunk, rest)| (*chunk, rest));
        Self {
            part,
            pieces: data.split(|byte| *byte == 0).collect(),
            next: 0,
            chunk: usize::from(chunk).max(1) * 8,
            policy: Policy::new(call, &options),
            destroyed: false,
            released: false,
            deleted: false,
            paused: Duration::ZERO,
            sent: Vec::new(),
            last: (0, Vec::new()),
        }
    }

    /// Creates the servers of an ordinary cluster.
    pub fn ordinary(call: &Call) -> Self {
        Servers::new(Part::Nothing, &[255], call)
    }

    fn fuzzed(&mut self) -> (u16, Vec<u8>) {
        let piece = self.pieces[self.next.min(self.pieces.len() - 1)];
        self.next += 1;
        let (status, body) = answer_of(piece);
        let answer = (status, body.to_vec());
        self.last.clone_from(&answer);
        answer
    }

    fn answer(&mut self, request: &Request) -> (u16, Vec<u8>) {
        let path = request.path.join("/");
        let part = match (request.endpoint.server(), path.as_str()) {
            (Server::Master, "slaves") => Part::Agents,
            (Server::Master, "frameworks") => Part::Frameworks,
            (Server::Master, "api/v1") if asks(request, "GET_OPERATIONS") => Part::Operations,
            (Server::Master, _) => match page(&path) {
                Some(body) => return (200, body.into()),
                None => Part::Nothing,
            },
            (Server::Exhibitor, _) => Part::Exhibitor,
            (Server::Marathon, _) => Part::Marathon,
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
                self.deleted = true;
                r#"{"message":"OK","succeeded":true}"#
            }
            Part::Exhibitor if path.ends_with("node-data") && self.deleted => NO_NODE,
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
        let asked = request;
        if let Err(why) = self.policy.check(&asked) {
            // The host's own check stops requests based on a list that the guest understands
            // differently: an agent with a resource under a role that is not its own, or an
            // ambiguous list of frameworks. After that, it denies every request.
            let expected = match self.part {
                Part::Agents => "is not limited to the target's resources",
                _ => "would tear down framework",
            };
            assert!(why.contains(expected), "{why}");
            return Err(Error::Denied(why));
        }
        self.sent.push(request.clone());
        let (status, rest) = self.answer(request);
        let mut watch = self.policy.watch(&asked).and_then(|watch| watch.of_status(status));
        self.policy.read(&mut watch, &rest);
        self.policy.read(&mut watch, &[]);
        Ok(Body { status, rest, chunk: self.chunk })
    }

    fn finish(&mut self, exchange: Body) -> Result<Body, Error> {
        Ok(exchange)
    }

    fn window(&mut self) -> usize {
        2
    }

    fn pause(&mut self, duration: Duration) -> bool {
        self.paused += duration;
        true
    }

    fn elapsed(&mut self) -> Duration {
        self.paused
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

/// Returns whether a request is this call of the master's v1 API.
fn asks(request: &Request, call: &str) -> bool {
    let content = request.content.as_ref().map_or(&[][..], |content| &content.bytes);
    String::from_utf8_lossy(content).contains(call)
}

/// Returns one of the remaining pages of a master that has led for a week.
fn page(path: &str) -> Option<&'static str> {
    Some(match path {
        "api/v1" => {
            r#"{"type":"GET_MASTER","get_master":{"start_time":99990.0,"elected_time":100000.0}}"#
        }
        "maintenance/status" => "{}",
        "metrics/snapshot" => {
            r#"{"master/elected":1.0,"master/uptime_secs":604810.0,"master/frameworks_active":0.0,"master/frameworks_inactive":0.0,"master/slaves_unreachable":0.0}"#
        }
        "registrar(1)/registry" => r#"{"master":{"info":{"id":"m"}}}"#,
        "roles" => r#"{"roles":[]}"#,
        "state" => r#"{"start_time":99990.0,"elected_time":100000.0}"#,
        "version" => r#"{"version":"1.11.0"}"#,
        _ => return None,
    })
}

/// Returns whether a request is read-only. The master's v1 API is read with POST.
pub fn looks(request: &Request) -> bool {
    request.method == Method::Get || request.path == ["api", "v1"]
}

/// Fuzzes the list of agents.
pub fn agents(data: &[u8]) {
    let part = |framework_id: Option<&str>, agents: &[&str]| Target {
        framework_id: framework_id.map(Into::into),
        agents: agents.iter().map(ToString::to_string).collect(),
        ..target(Some("r"), None, None, None)
    };
    let whole = [None, Some("p")].map(|principal| target(Some("r"), principal, None, None));
    for target in whole.into_iter().chain([part(Some("F"), &[]), part(None, &["S0"])]) {
        if let Ok(report) = clean(Part::Agents, data, &target).0 {
            // The target is clean if the last list contains nothing to remove.
            assert_eq!(report.left, Some(vec![]));
        }
        let plan = plan(Part::Agents, data, &target);
        if let Some(plan) = plan {
            let mut servers = Servers::new(Part::Agents, data, &Call::Clean(target.clone()));
            if let Err(failure) = guest::clean::apply(&mut servers, &plan, &OPTIONS) {
                let changed = Reason::Changed;
                assert!(failure.reason != changed, "the list is the same: {}", failure.message);
            }
        }
    }
    let _ = guest::discover(&mut Servers::new(Part::Agents, data, &Call::Discover), &OPTIONS);
}

/// Fuzzes the list of frameworks.
pub fn frameworks(data: &[u8]) {
    let target = target(Some("r"), None, None, None);
    let (_, servers) = clean(Part::Frameworks, data, &target);
    if !servers.sent.iter().all(looks) {
        let (status, body) = &servers.last;
        let Some(body) = json(body) else { return };
        let users = body["frameworks"].as_array().expect("a list").iter();
        let uses = |it: &Value| roles(it).any(is_below);
        assert!(*status == 200 && !users.clone().any(uses), "a framework uses the role");
    }
    plan(Part::Frameworks, data, &target);
    let mut servers =
        Servers::with(Part::Frameworks, data, &Call::Clean(target.clone()), &TEARDOWN);
    let _ = guest::clean(&mut servers, &target, &TEARDOWN);
    let is_teardown = |it: &&Request| it.path == ["teardown"];
    let ended: Vec<_> = servers.sent.iter().filter(is_teardown).filter_map(framework).collect();
    let lists: Vec<_> = servers.pieces.iter().filter_map(|it| json(answer_of(it).1)).collect();
    for id in ended {
        let ends_the_service_alone = |it: &Value| {
            let name = it["name"].as_str().unwrap_or_default().to_ascii_lowercase();
            it["id"] == id.as_str()
                && roles(it).any(is_below)
                && roles(it).all(is_below)
                && !["marathon", "metronome"].iter().any(|shared| name.starts_with(shared))
        };
        let frameworks = lists.iter().filter_map(|list| list["frameworks"].as_array()).flatten();
        let mut frameworks = frameworks.peekable();
        // This parser may reject a list because of a field that the guest ignores.
        if frameworks.peek().is_some() {
            assert!(frameworks.any(ends_the_service_alone), "{id} is ended");
        }
    }
}

/// Returns the roles of a framework in the master's list.
fn roles(framework: &Value) -> impl Iterator<Item = &str> {
    let several = framework["roles"].as_array().into_iter().flatten();
    several.chain([&framework["role"]]).filter_map(Value::as_str)
}

/// Returns whether a role is the target's or below it.
fn is_below(role: &str) -> bool {
    role == "r" || role.starts_with("r/")
}

/// Returns the framework that a teardown names.
fn framework(teardown: &Request) -> Option<String> {
    let content = teardown.content.as_ref()?;
    let mut fields = form_urlencoded::parse(&content.bytes);
    fields.next().map(|(_, id)| id.into())
}

/// Fuzzes the list of operations.
pub fn operations(data: &[u8]) {
    let target = target(Some("r"), None, Some("a"), None);
    let (result, servers) = clean(Part::Operations, data, &target);
    let (200, body) = &servers.last else { return };
    let Some(body) = json(body) else { return };
    if result.is_ok() {
        let all = body["get_operations"]["operations"].as_array().into_iter().flatten();
        assert!(!all.clone().any(is_pending), "something of the role is pending: {body}");
    } else {
        let deletes = |it: &Request| it.method == Method::Delete;
        assert!(!servers.sent.iter().any(deletes), "the znode is the last to go");
    }
}

/// Returns whether an operation is a removal from the role that is not finished.
fn is_pending(operation: &Value) -> bool {
    let info = &operation["info"];
    let list = match info["type"].as_str() {
        Some("DESTROY") => &info["destroy"]["volumes"],
        Some("UNRESERVE") => &info["unreserve"]["resources"],
        _ => return false,
    };
    let is_own = |it: &Value| {
        let innermost = it["reservations"].as_array().and_then(|stack| stack.last());
        innermost.is_some_and(|it| it["role"] == "r" && it["type"] == "DYNAMIC")
            && info["type"]
                .as_str()
                .is_some_and(|kind| (kind == "DESTROY") == !it["disk"]["persistence"].is_null())
    };
    operation["latest_status"]["state"] == "OPERATION_PENDING"
        && !operation["agent_id"].is_null()
        && list.as_array().into_iter().flatten().any(is_own)
}

/// Fuzzes Exhibitor's responses.
pub fn exhibitor(data: &[u8]) {
    let target = target(None, None, Some("a/b"), None);
    let (result, servers) = clean(Part::Exhibitor, data, &target);
    let is_ok = result.is_ok();
    let report = result.unwrap_or_else(|failure| failure.report);
    let gone = |it| matches!(it, ZnodeOutcome::Deleted(_) | ZnodeOutcome::Absent);
    let is_gone = report.znode.is_some_and(|it| gone(it.outcome));
    assert_eq!(is_ok, is_gone);
    if is_gone {
        // The node's own page must be read last, whatever was returned before.
        let asked = servers.sent.last().expect("a look at the node");
        assert!(asked.path.ends_with(&["node-data".into()]), "{asked:?}");
        let (status, body) = &servers.last;
        let Some(body) = json(body) else { return };
        let stat = body["stat"].as_str().unwrap_or_default();
        assert!(*status == 200 && stat.contains("* not found *"), "it is not gone");
    }
    plan(Part::Exhibitor, data, &target);
    let _ = guest::discover(&mut Servers::new(Part::Exhibitor, data, &Call::Discover), &OPTIONS);
}

/// Fuzzes Marathon's responses.
pub fn marathon(data: &[u8]) {
    let target = target(None, None, None, Some("/group/janitor"));
    let (result, servers) = clean(Part::Marathon, data, &target);
    let report = result.expect("an app that stays is no failure");
    let (last, body) = &servers.last;
    let body = json(body).unwrap_or_default();
    match report.self_removal.map(|it| it.outcome) {
        Some(AppOutcome::Removed(status)) => {
            assert!(status == *last && matches!(status, 200 | 202));
            assert!(status == 202 || body["deploymentId"].is_string(), "not Marathon's: {body}");
        }
        Some(AppOutcome::Absent) => {
            assert!(*last == 404 && body["message"] == "Pod '/group/janitor' does not exist");
        }
        Some(AppOutcome::Failed(_)) | None => {}
    }
}

/// Parses a body that the guest has understood. This parser may reject something in it that the
/// guest ignores, such as numbers out of range.
fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
}

fn clean<'a>(
    part: Part,
    data: &'a [u8],
    target: &Target,
) -> (Result<Report, Failure>, Servers<'a>) {
    let mut servers = Servers::new(part, data, &Call::Clean(target.clone()));
    (guest::clean(&mut servers, target, &OPTIONS), servers)
}

fn plan(part: Part, data: &[u8], target: &Target) -> Option<CleanupPlan> {
    let mut servers = Servers::new(part, data, &Call::Plan(target.clone()));
    let plan = guest::plan(&mut servers, target, &OPTIONS).ok();
    assert!(servers.sent.iter().all(looks));
    plan
}

/// Creates a target.
pub fn target(
    role: Option<&str>,
    principal: Option<&str>,
    znode: Option<&str>,
    app: Option<&str>,
) -> Target {
    let [role, principal, znode, marathon_app] =
        [role, principal, znode, app].map(|it| it.map(Into::into));
    Target { role, principal, znode, marathon_app, ..Target::NOTHING }
}
