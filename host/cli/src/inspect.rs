//! Describes the component: its contract, its limits, and the requests that it may send.

use std::time::Duration;

use janitor_contract::types::{Error, Reason, Target};
use janitor_host::{
    Call, CancellationToken, Janitor, Limits, Options, RunError, Session, Timeouts, ZooKeeperLimits,
};
use janitor_policy::policy::Policy;
use janitor_report::ExitCode;
use janitor_report::inspection::{Component, Inspection, Limit, Refused, Table};
use janitor_transport::exchange::{Exchange, Request, Response, Transport};

/// Describes the component, and the requests of a run on a target.
pub fn inspection(janitor: &Janitor, target: &Target, options: &Options) -> Inspection {
    let calls = [
        ("janitor", Call::Clean(target.clone())),
        ("janitor plan", Call::Plan(target.clone())),
        ("janitor discover", Call::Discover),
    ];
    let policy = calls.map(|(command, call)| {
        let policy = Policy::new(&call, options);
        let requests = policy.rules().iter().map(ToString::to_string).collect();
        Table { command: command.into(), requests }
    });
    Inspection {
        schema_version: Inspection::SCHEMA_VERSION,
        exit_code: ExitCode::Clean as u8,
        component: Component {
            digest: janitor.digest().into(),
            package: janitor_host::PACKAGE.into(),
            imports: janitor.imports(),
        },
        settings: vec![],
        limits: limits(&Limits::default(), Timeouts::default(), ZooKeeperLimits::default()),
        policy: policy.into(),
        refusal: refusal(janitor, target, options),
    }
}

/// Lets the component examine a target without a network. It refuses some targets before its
/// first request, whatever a cluster holds.
fn refusal(janitor: &Janitor, target: &Target, options: &Options) -> Option<Refused> {
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let session = Session::new(Nowhere).with_cancellation(cancelled);
    match janitor.run(&Call::Clean(target.clone()), options, session) {
        Err(RunError::Failure(failure)) => match failure.reason {
            reason @ (Reason::InvalidTarget | Reason::SystemZnode) => {
                Some(Refused { reason, message: failure.message })
            }
            _ => None,
        },
        _ => None,
    }
}

/// A network on which no server can be reached.
struct Nowhere;

impl Transport for Nowhere {
    fn send(&mut self, _: Request) -> Box<dyn Exchange> {
        Box::new(Self)
    }

    fn pause(&mut self, _: Duration) {}
}

impl Exchange for Nowhere {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        Err(Error::Internal("nothing is sent".into()))
    }
}

/// Lists all limits. A new limit that is missing here is a compile error.
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
    let Timeouts { connect, answer, body, late } = timeouts;
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
        ("late", late.as_secs(), "seconds"),
        ("znodes", znodes, ""),
        ("znode_names", count(&znode_bytes), "bytes"),
    ]
    .map(|(name, value, unit)| Limit { name: name.into(), value, unit: unit.into() })
    .into()
}
