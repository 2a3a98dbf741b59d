//! Runs of the whole sandbox on random clusters: the host's own check agrees with every request of
//! the component, and only the target's resources are removed.
//!
//! A failure names its seed; `JANITOR_TEST_SEED` in the environment runs that one.

use std::env;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use janitor_contract::types::Error;
use janitor_host::{Call, Endpoints, Janitor, Options, Reason, RunError, Session};
use janitor_transport::exchange::{Exchange, Request, Response, Transport};

use janitor_guest::simulated::{Answer, Chance, Cluster, Part};

const OPTIONS: Options = Options::DEFAULT;

#[test]
fn the_host_agrees_with_the_component() {
    let janitor = Janitor::new().unwrap();
    let requested = env::var("JANITOR_TEST_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = requested.map_or(0..200, |seed: u64| seed..seed + 1);
    let mut removals = 0;
    for seed in seeds {
        let tried = catch_unwind(AssertUnwindSafe(|| run(&janitor, seed)));
        removals += tried.unwrap_or_else(|panic| {
            eprintln!("JANITOR_TEST_SEED={seed} shows it");
            resume_unwind(panic)
        });
    }
    assert!(requested.is_some() || removals > 75, "the clusters are too dull: {removals} removals");
}

/// Cleans a cluster. Returns how many requests removed something.
fn run(janitor: &Janitor, seed: u64) -> usize {
    let mut chance = Chance::new(seed);
    let part = Part::by_chance(&mut chance);
    let before = Cluster::by_chance(&mut chance).with_faults(8, seed);
    let cluster = Arc::new(Mutex::new(before.clone()));
    let session =
        Session::new(Simulated { cluster: cluster.clone(), part, paused: Duration::ZERO })
            .with_endpoints(Endpoints::new("http://m/", "http://e/", "http://n/").unwrap());
    let result = janitor.run(&Call::Clean(part.target()), &OPTIONS, session);
    let after = cluster.lock().unwrap();
    assert_eq!(after.violations, [""; 0]);
    assert_eq!(after.others(part), before.others(part));
    match result {
        Ok(_) => {
            let has_znode = part.znode && after.has_znode(part);
            assert!(!after.is_left(part) && !has_znode);
        }
        Err(RunError::Failure(failure)) => {
            let refused = matches!(
                failure.reason,
                Reason::InvalidTarget
                    | Reason::OtherPrincipals
                    | Reason::OtherLabels
                    | Reason::RoleNotFound
                    | Reason::InUse
                    | Reason::InUseUnknown
            );
            assert!(!refused || after.state() == before.state());
        }
        Err(RunError::Violation(violation)) => panic!("{violation}"),
        Err(other) => panic!("{other}"),
    }
    after.removals.len()
}

/// A network that simulates the cluster.
struct Simulated {
    cluster: Arc<Mutex<Cluster>>,
    part: Part,
    /// The time on its clock.
    paused: Duration,
}

impl Transport for Simulated {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let path = request.path.join("/");
        let content = request.content.as_ref().map(|it| String::from_utf8_lossy(&it.bytes));
        let is_call = content.as_deref().is_some_and(|it| it.contains("GET_MASTER"));
        let call = if is_call { "GET_MASTER" } else { "GET_OPERATIONS" };
        let form = request.content.iter().flat_map(|it| form_urlencoded::parse(&it.bytes));
        let form: Vec<_> = form.map(|(name, value)| (name.into(), value.into())).collect();
        let mut cluster = self.cluster.lock().unwrap();
        let answer = cluster.answer(request.method.name(), &path, call, &form, self.part);
        Box::new(Answered(answer))
    }

    fn pause(&mut self, duration: Duration) {
        self.paused += duration;
    }

    fn elapsed(&mut self, _: Duration) -> Duration {
        self.paused
    }
}

struct Answered(Answer);

impl Exchange for Answered {
    fn finish(self: Box<Self>) -> Result<Response, Error> {
        let (status, body) = self.0.ok_or(Error::Reset)?;
        let body = Box::new(Cursor::new(body.into_bytes()));
        Ok(Response { status, content_type: None, body })
    }
}
