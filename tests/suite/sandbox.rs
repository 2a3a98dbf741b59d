//! Runs of components that violate their contract: each is stopped with a message, and no request
//! is sent that is not allowed.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use janitor_contract::types::Error;
use janitor_host::{
    Endpoints, Entry, InUse, Janitor, Level, Limits, LoadError, Options, Report, RunError, Session,
    Target,
};
use janitor_report::ExitCode;
use janitor_tests::{Cluster, State};
use janitor_transport::exchange::{Exchange, Request, Response, Transport};
use serde_json::json;

use crate::command::{janitor, program, run, scenario, tests};
use crate::needs::{installed, needed};
use crate::nonblocking::block_on;
use crate::{component, credentials, forms};

cases! {
    /// The behaviour of each component, and the host's message.
    CASES: &str => is_stopped;

    a_component_that_asks_for_what_is_not_its_business:
        "request not allowed: GET master/quota is not on the allow-list",
    a_component_that_removes_what_is_not_its_business:
        "POST master/unreserve (application/x-www-form-urlencoded) is not limited to the \
         target's resources: a resource of role 'other', not 'removes what is not its business'",
    a_component_that_ends_what_is_not_its_business:
        "POST master/teardown (application/x-www-form-urlencoded) would tear down framework 'ITS', \
         which does not use the role in the master's list, and is not named",
    a_component_that_sends_without_end:
        "request not allowed: more than 32 exchanges in flight",
    a_component_that_sends_and_forgets:
        "request not allowed: more than 32 exchanges in flight",
    a_component_that_hoards_answers: "request not allowed: more than 32 exchanges in flight",
    a_component_that_asks_again_and_again:
        "request not allowed: more than 1000 requests in one run",
    a_component_that_sends_too_much:
        "request not allowed: a request of more than 1048576 bytes",
    a_component_that_reads_nothing: "it read 0 bytes of a response",
    a_component_that_panics:
        "The component crashed: wasm trap: wasm `unreachable` instruction executed",
    a_component_that_loops: "the run took longer than 1 s",
    a_component_that_pauses: "the run took longer than 1 s",
    a_component_that_reads_the_clock_without_end: "it read the clock more than 1000 times",
    a_component_that_hoards_memory: "it requested more than 16777216 bytes of memory",
    a_component_that_digs_too_deep: "The component crashed: wasm trap: call stack exhausted",
    a_component_that_floods_the_log: "it logged more than 1000 entries",
    a_component_that_tells_too_much: "it logged an event of more than 4096 bytes",
    a_component_that_reports_too_much:
        "The component crashed: too much data is being copied between the host and the guest",
}

cases! {
    /// Each component of `hostile/` is refused before it is called. The words are the host's
    /// reason.
    HOSTILE: &str => is_harmless;

    a_component_that_traps_at_its_start:
        "The component crashed: wasm trap: wasm `unreachable` instruction executed",
    a_component_that_loops_at_its_start: "the run took longer than 1 s",
    a_component_that_starts_with_much_memory: "it requested more than 16777216 bytes of memory",
    a_component_that_starts_with_a_large_table: "it requested a table of more than 10000 elements",
    a_component_that_lets_its_table_grow: "it requested a table of more than 10000 elements",
    a_component_that_has_many_memories: "resource limit exceeded: memory count too high at 2",
    a_component_that_has_many_tables: "resource limit exceeded: table count too high at 5",
    a_component_that_has_many_instances: "resource limit exceeded: instance count too high at 17",
    a_component_that_reads_the_environment:
        "The component cannot be started: failed to convert function to given type",
    a_component_that_ends_the_process: "m!start: Exited with i32 exit status 0",
    a_component_that_floods_standard_error: "The component crashed: wasm trap",
    a_component_that_asks_for_a_socket:
        "The component cannot be loaded: it imports interfaces that this host does not provide: \
         wasi:sockets/tcp 0.2.6 (unknown)",
    a_component_that_wants_another_contract:
        "The component cannot be loaded: it imports interfaces that this host does not provide: \
         janitor:cleanup/cluster 0.9.0 (expected 0.1.0); wasi:io/poll 0.3.0 (expected 0.2); \
         plain no version (unknown)",
    a_component_that_offers_another_contract:
        "The component cannot be loaded: no exported instance named \
         `janitor:cleanup/cleanup@0.1.0`",
    a_component_that_offers_other_functions:
        "The component cannot be started: failed to convert function to given type",
}

/// The faults of files that no compiler accepts as a component, and the messages.
pub const BROKEN: &[(&str, &str)] = &[
    (
        "is a core module",
        "The component cannot be loaded: failed to parse WebAssembly module: \
         attempted to parse a wasm module with a component parser",
    ),
    (
        "is cut off",
        "The component cannot be loaded: failed to parse WebAssembly module: \
         wasm component contains an invalid module section",
    ),
    (
        "is empty",
        "The component cannot be loaded: failed to parse WebAssembly module: \
         unexpected end-of-file",
    ),
];

tests! {
    // These components send forms, all of which are denied.
    a_component_that_claims_a_volume_of_another_principal:
        sends_none("claims a volume of another principal"),
    a_component_that_claims_only_to_have_created_a_volume:
        sends_none("claims only to have created a volume"),
    a_component_that_releases_an_empty_amount: sends_none("releases an empty amount"),
    a_component_that_releases_an_empty_range: sends_none("releases an empty range"),
    a_component_that_releases_another_amount: sends_none("releases another amount"),
    a_component_that_forgets_a_label: sends_none("forgets a label"),
    a_component_that_names_another_agent: sends_none("names another agent"),
    a_component_that_hides_another_agent_in_a_form: sends_none("hides another agent in a form"),
    a_component_that_writes_a_form_in_its_own_way: sends_none("writes a form in its own way"),
    a_component_that_releases_what_has_another_label:
        sends_none("releases what has another label"),
    a_component_that_releases_what_another_framework_reserved:
        sends_none("releases what another framework reserved"),
    a_component_that_destroys_a_volume_without_the_label:
        sends_none("destroys a volume without the label"),
    a_component_that_releases_what_another_agent_holds:
        sends_none("releases what another agent holds"),

    // These files need a compiler that rejects them.
    #[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
    a_component_that_is_a_core_module: component::is_refused("is a core module"),
    #[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
    a_component_that_is_cut_off: component::is_refused("is cut off"),
    #[cfg_attr(not(feature = "jit"), ignore = "needs the feature jit")]
    a_component_that_is_empty: component::is_refused("is empty"),

    without_room_for_the_sandbox_nothing_is_sent: without_room(false),
    without_room_for_the_sandbox_nobody_logs_in: without_room(true),
}

/// Returns the behaviour of a test's component, in the words that the component knows.
fn behaviour(name: &str) -> String {
    name.trim_start_matches("a_component_that_").replace('_', " ")
}

/// Returns the rows of the table in docs/security.md: the test, the exit code, the words.
pub fn rows() -> impl Iterator<Item = (String, u8, &'static str)> {
    let name = |behaviour: &str| format!("a_component_that_{}", behaviour.replace(' ', "_"));
    let forms = forms::CASES.iter().map(move |(behaviour, _, words)| (name(behaviour), *words));
    let broken = BROKEN.iter().map(move |(fault, words)| (name(fault), *words));
    let named = |cases: &'static [(&str, &str)]| {
        cases.iter().map(|(name, words)| ((*name).to_owned(), *words))
    };
    let all = named(CASES).chain(forms).chain(named(HOSTILE)).chain(broken);
    all.map(|(name, words)| (format!("sandbox::{name}"), ExitCode::Violation as u8, words))
}

const MINUTE: Duration = Duration::from_secs(60);

/// Returns the time limit of a run. Only a component that never ends uses all of it.
fn patience(words: &str) -> Duration {
    if words.ends_with("longer than 1 s") { Duration::from_secs(1) } else { MINUTE }
}

fn is_stopped(name: &str, words: &str) {
    let behaviour = behaviour(name);
    let (result, log, requests) = misbehave(&behaviour, patience(words));
    assert_eq!(result.as_ref().err().map(ExitCode::from), Some(ExitCode::Violation));
    let last = &log.last().expect("a message").message;
    assert!(last.contains(words), "{last}");
    let is_safe = |entry: &Entry| !entry.message.contains('\x1b');
    assert!(log.iter().all(is_safe), "a terminal escape passed");
    let (changes, looks): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.content.is_some());
    let is_look = |path: &[String]| path == ["slaves"] || path == ["frameworks"];
    assert!(looks.iter().all(|request| is_look(&request.path)), "{requests:?}");
    // The master's list says that one framework uses the role, so that one may be torn down.
    let ended = if behaviour.starts_with("ends") { &["frameworkId=OWN"][..] } else { &[] };
    let forms = changes.iter().filter_map(|request| request.content.as_ref());
    let forms: Vec<_> = forms.map(|it| String::from_utf8_lossy(&it.bytes)).collect();
    assert_eq!(forms, ended, "{requests:?}");
    if behaviour.starts_with("asks for") {
        assert_eq!(requests, [], "once denied, nothing more is sent");
    }
}

/// Asserts that a form that is not allowed is not sent.
fn sends_none(behaviour: &str) {
    let (form, words) = forms::case(behaviour);
    let janitor = misbehaving();
    let target = forms::target_of(behaviour, form);
    let (result, log, requests) = attempt(&janitor, target, MINUTE);
    assert_eq!(result.as_ref().err().map(ExitCode::from), Some(ExitCode::Violation));
    let last = &log.last().expect("a message").message;
    assert!(last.contains("is not limited to the target's resources: "), "{last}");
    assert!(last.contains(words), "{last}");
    assert!(requests.iter().all(|request| request.content.is_none()), "{requests:?}");
}

/// Asserts that the component is stopped before its first call, if it is loaded at all, and that
/// nothing is sent.
fn is_harmless(name: &str, words: &str) {
    let why = match hostile(&behaviour(name)) {
        Ok(janitor) => {
            let (result, _, requests) = attempt(&janitor, target("role"), patience(words));
            assert_eq!(requests, []);
            assert_eq!(result.as_ref().err().map(ExitCode::from), Some(ExitCode::Violation));
            result.unwrap_err().to_string()
        }
        Err(why) => why.to_string(),
    };
    assert!(why.contains(words), "{why}");
}

/// Asserts that each limit on the address space is either sufficient, or reported as too small at
/// once.
fn without_room(logs_in: bool) {
    if needed(installed("prlimit")).is_none() {
        return;
    }
    /// The size of the address space that the sandbox's memory reserves.
    const MEMORY: u64 = 4 << 30;
    let margins = (0..32).map(|step| MEMORY + (step << 25));
    let (mut refused, mut cleaned) = (0, 0);
    for bytes in [1 << 28, 1 << 30, 1 << 31, 1 << 36].into_iter().chain(margins) {
        let mut iam = credentials::iam(&[]);
        iam.users.insert("user".into(), "password".into());
        let iam = logs_in.then_some(iam);
        let cluster = Cluster::start(State { iam, ..scenario("the-sample-result") });
        let mut command = program("prlimit");
        command.env_clear().env("http_proxy", cluster.proxy_url());
        // Otherwise glibc reserves 64 MiB more for each thread that happens to run beside others.
        command.env("MALLOC_ARENA_MAX", "1");
        command.arg(format!("--as={bytes}")).arg(janitor().get_program());
        command.args(["-r", "cassandra_role", "-z", "cassandra"]);
        if logs_in {
            command.args(["--username", "user", "--password", "password"]);
        }
        let run = run(&mut command);
        if run.exit == 0 {
            cleaned += 1;
            continue;
        }
        let said = format!("{}{}", run.stdout, run.stderr);
        refused += 1;
        assert_eq!((run.exit, cluster.requests().len()), (8, 0), "{bytes}: {said}");
        assert!(said.contains("The component cannot be "), "{bytes}: {said}");
        assert!(said.contains("Nothing was changed"), "{bytes}: {said}");
        assert!(!said.contains("not known"), "{bytes}: {said}");
        if bytes <= MEMORY {
            assert!(run.stderr.contains("ulimit -v"), "{bytes}: {said}");
        }
    }
    assert!(refused >= 5 && cleaned >= 5, "{refused} refused, {cleaned} cleaned");
}

/// Loads a component of `hostile/`.
#[allow(unsafe_code)]
fn hostile(fault: &str) -> Result<Janitor, LoadError> {
    let file = format!("{}/{}.cwasm", janitor_tests::HOSTILE, fault.replace(' ', "-"));
    let code = std::fs::read(file).expect("a component of hostile/");
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    unsafe { Janitor::from_precompiled(&code, "") }
}

/// The misbehaving component uses the panic handler of the real one, which logs the panic.
#[test]
fn last_words_reach_the_log() {
    let (_, log, _) = misbehave("panics", MINUTE);
    let is_it = |entry: &Entry| {
        entry.level == Level::Critical && entry.message.contains("the component's last words")
    };
    assert!(log.iter().any(is_it), "{log:?}");
}

/// A component that is built with the standard library's WASI has a panic handler.
#[test]
fn standard_error_reaches_the_log() {
    let janitor = hostile("floods standard error").unwrap();
    let (_, log, _) = attempt(&janitor, target("role"), MINUTE);
    let line = "component: \\u{1b}[2J again";
    let is_it = |entry: &Entry| entry.level == Level::Critical && entry.message == line;
    assert!(log.iter().any(is_it), "{log:?}");
}

#[test]
fn a_component_that_does_nothing_ends_well() {
    let (result, log, requests) = misbehave("nothing", MINUTE);
    assert_eq!(result.as_ref().err().map(ExitCode::from), None);
    assert_eq!((log, requests), (vec![], vec![]));
}

#[test]
fn the_masters_root_is_its_base_without_master() {
    let (result, _, requests) = misbehave("looks at the root", MINUTE);
    assert_eq!(result.as_ref().err().map(ExitCode::from), None);
    let urls: Vec<_> = requests.iter().map(|request| Endpoints::default().url(request)).collect();
    let [version, registry] = ["version", "registrar(1)/registry"];
    assert_eq!(urls, [version, registry].map(|it| format!("http://leader.mesos:5050/{it}")));
}

#[test]
fn the_component_imports_cluster_and_log_only() {
    let imports = Janitor::new().unwrap().imports();
    let expected = ["cluster", "log", "types"].map(|name| format!("janitor:cleanup/{name}@0.1.0"));
    assert_eq!(imports.iter().collect::<BTreeSet<_>>(), expected.iter().collect());
    // The host provides exactly the functions that the contract names.
    for interface in ["cluster", "log", "cleanup"] {
        let wit =
            std::fs::read_to_string(tests("../wit").join(format!("{interface}.wit"))).unwrap();
        assert!(wit.starts_with("package janitor:cleanup@0.1.0;"), "{interface}");
    }
}

#[test]
#[allow(unsafe_code)]
fn what_is_no_machine_code_is_refused() {
    // SAFETY: these bytes contain no machine code that could be run.
    let result = unsafe { Janitor::from_precompiled(b"\0asm", "") };
    assert!(result.is_err());
}

#[test]
#[allow(unsafe_code)]
fn a_component_of_another_contract_is_refused() {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    let result = unsafe { Janitor::from_precompiled(janitor_tests::SKEWED, "") };
    let why = result.expect_err("it does not load").to_string();
    assert_eq!(
        why,
        "The component cannot be loaded: it imports interfaces that this host does not provide: \
         janitor:cleanup/cluster 0.9.0 (expected 0.1.0); janitor:cleanup/lug 0.1.0 (unknown)"
    );
}

/// Runs the component that misbehaves.
fn misbehave(
    behaviour: &str,
    run: Duration,
) -> (Result<Report, RunError>, Vec<Entry>, Vec<Request>) {
    attempt(&misbehaving(), target(behaviour), run)
}

#[allow(unsafe_code)]
fn misbehaving() -> Janitor {
    // SAFETY: `Engine::precompile_component` made these bytes in the build script of
    // `janitor-tests`.
    unsafe { Janitor::from_precompiled(janitor_tests::MISBEHAVING, "") }.unwrap()
}

fn target(role: &str) -> Target {
    Target { role: Some(role.into()), ..Target::NOTHING }
}

/// Runs a component in both forms, with tight limits: the same is forbidden in both, and ends in the
/// same way.
fn attempt(
    janitor: &Janitor,
    target: Target,
    run: Duration,
) -> (Result<Report, RunError>, Vec<Entry>, Vec<Request>) {
    let (result, log, requests) =
        attempt_with(&target, run, |options, session| janitor.clean(&target, options, session));
    let (in_async, log_in_async, requests_in_async) =
        attempt_with(&target, run, |options, session| {
            block_on(janitor.clean_async(&target, options, session))
        });
    let words = |result: &Result<Report, RunError>| format!("{result:?}");
    assert_eq!(words(&in_async), words(&result));
    assert_eq!(log_in_async, log);
    assert_eq!(requests_in_async, requests);
    (result, log, requests)
}

/// Runs a component in one form.
fn attempt_with(
    target: &Target,
    run: Duration,
    clean: impl FnOnce(&Options, Session) -> Result<Report, RunError>,
) -> (Result<Report, RunError>, Vec<Entry>, Vec<Request>) {
    let role = target.role.clone().unwrap_or_default();
    let (log, requests) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
    let lines = log.clone();
    let session = Session::new(Network { role, requests: requests.clone() })
        .with_log(move |entry: &Entry| lines.lock().unwrap().push(entry.clone()))
        .with_limits(Limits {
            memory: 16 << 20,
            run,
            requests: 1000,
            request_bytes: 1 << 20,
            clock_reads: 1000,
            log_entries: 1000,
            event_bytes: 4 << 10,
            call_bytes: 2 << 20,
            stderr_bytes: 4 << 10,
            ..Limits::default()
        });
    let options = Options { confirm_seconds: 0, in_use: InUse::Teardown, ..Options::DEFAULT };
    let result = clean(&options, session);
    let is_debug = |entry: &Entry| entry.message.starts_with("HTTP ");
    let lines = log.lock().unwrap().iter().filter(|entry| !is_debug(entry)).cloned().collect();
    let requests = requests.lock().unwrap().clone();
    (result, lines, requests)
}

/// A network that answers every request with an empty 200, except for two lists. In the list of
/// frameworks, one uses the role, and another does not. In the list of agents, one holds something
/// for the role for which the component sends forms.
struct Network {
    role: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Transport for Network {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let frameworks = json!({"frameworks": [
            {"id": "OWN", "roles": [self.role]},
            {"id": "ITS", "roles": ["other"]},
        ]});
        let answer = match request.path.last().map(String::as_str) {
            Some("frameworks") => frameworks.to_string(),
            Some("slaves") => forms::list(&forms::HELD),
            _ => String::new(),
        };
        self.requests.lock().unwrap().push(request);
        Box::new(Answer(answer))
    }

    fn pause(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

struct Answer(String);

impl Exchange for Answer {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Ok(Response {
            status: 200,
            content_type: None,
            body: Box::new(Cursor::new(self.0.into_bytes())),
        })
    }
}
