//! Describes the component: its contract, its limits, and the requests that it may send.

use janitor_contract::types::Target;
use janitor_host::{Call, Janitor, Limits, Options, Timeouts, ZooKeeperLimits};
use janitor_policy::policy::Policy;
use serde::Serialize;

/// The description, as one JSON object on standard output.
#[derive(Serialize)]
pub struct Inspection {
    /// The version of this object. Fields may be added without a new one.
    schema_version: u32,
    /// The component.
    component: Component,
    /// The most that each run of it may use.
    limits: Vec<Limit>,
    /// The requests that it may send, for each command on the target.
    policy: Vec<Table>,
}

/// The component.
#[derive(Serialize)]
struct Component {
    /// Its digest.
    digest: String,
    /// The contract that it is written against: package and version.
    package: &'static str,
    /// The interfaces that it imports.
    imports: Vec<String>,
}

/// One limit.
#[derive(Serialize)]
struct Limit {
    name: &'static str,
    value: u64,
    unit: &'static str,
}

/// The policy table of a command.
#[derive(Serialize)]
struct Table {
    command: &'static str,
    requests: Vec<String>,
}

impl Inspection {
    /// Describes the component, and the requests of a run on a target.
    pub fn new(janitor: &Janitor, target: &Target, options: &Options) -> Self {
        let calls = [
            ("janitor", Call::Clean(target.clone())),
            ("janitor plan", Call::Plan(target.clone())),
            ("janitor discover", Call::Discover),
        ];
        let policy = calls.map(|(command, call)| {
            let policy = Policy::new(&call, options);
            Table { command, requests: policy.rules().iter().map(ToString::to_string).collect() }
        });
        Self {
            schema_version: 1,
            component: Component {
                digest: janitor.digest().into(),
                package: janitor_host::PACKAGE,
                imports: janitor.imports(),
            },
            limits: limits(&Limits::default(), Timeouts::default(), ZooKeeperLimits::default()),
            policy: policy.into(),
        }
    }

    /// The description, for people.
    pub fn lines(&self) -> Vec<String> {
        let Component { digest, package, imports } = &self.component;
        let mut lines = vec![
            format!("Component: {digest}"),
            format!("Contract: {package}"),
            String::new(),
            "It imports:".into(),
        ];
        lines.extend(imports.iter().map(|name| format!("  {name}")));
        lines.extend([String::new(), "Limits of each run:".into()]);
        lines.extend(self.limits.iter().map(|Limit { name, value, unit }| {
            let name = name.replace('_', " ");
            format!("  {name}: {value} {unit}").trim_end().to_owned()
        }));
        for Table { command, requests } in &self.policy {
            lines.extend([String::new(), format!("As {command}, it may request:")]);
            match requests.is_empty() {
                true => lines.push("  nothing, because no target is given".into()),
                false => lines.extend(requests.iter().map(|request| format!("  {request}"))),
            }
        }
        lines
    }
}

/// All limits. Without a new limit, this does not compile.
fn limits(limits: &Limits, timeouts: Timeouts, zookeeper: ZooKeeperLimits) -> Vec<Limit> {
    let Limits {
        memory,
        memories,
        table_elements,
        tables,
        instances,
        run,
        requests,
        window,
        request_bytes,
        response_bytes,
        clock_reads,
        log_entries,
        message_bytes,
        event_bytes,
        call_bytes,
        stderr_bytes,
    } = limits;
    let Timeouts { connect, answer, body } = timeouts;
    let ZooKeeperLimits { znodes, znode_bytes } = zookeeper;
    let count = |count: &usize| u64::try_from(*count).unwrap_or(u64::MAX);
    [
        ("memory", count(memory), "bytes"),
        ("memories", count(memories), ""),
        ("table_elements", count(table_elements), ""),
        ("tables", count(tables), ""),
        ("instances", count(instances), ""),
        ("stack", count(&Limits::STACK), "bytes"),
        ("run", run.as_secs(), "seconds"),
        ("requests", *requests, ""),
        ("window", (*window).into(), "exchanges"),
        ("request", count(request_bytes), "bytes"),
        ("response", *response_bytes, "bytes"),
        ("clock_reads", *clock_reads, ""),
        ("log_entries", *log_entries, ""),
        ("message", count(message_bytes), "bytes"),
        ("event", count(event_bytes), "bytes"),
        ("call", count(call_bytes), "bytes"),
        ("stderr", count(stderr_bytes), "bytes"),
        ("answer", answer.as_secs(), "seconds"),
        ("connect", connect.as_secs(), "seconds"),
        ("body", body.as_secs(), "seconds"),
        ("znodes", znodes, ""),
        ("znode_names", count(&znode_bytes), "bytes"),
    ]
    .map(|(name, value, unit)| Limit { name, value, unit })
    .into()
}
