//! A tool with an async runtime that cleans up after a service: with a way of its own
//! for requests, with events, and with an end to its patience.
//!
//!     cargo run --example embedded -- http://127.0.0.1:5050/ http://127.0.0.1:8181/ kafka-role

use std::env;
use std::error::Error;
use std::time::Duration;

use janitor_host::{
    Credentials, Endpoints, Entry, Event, Janitor, Live, NetworkLimits, Options, Report, Session,
    Stop, Target, Tls,
};
use janitor_transport::exchange::{Exchange, Request, Transport};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// What keeps a run from cleaning, for whoever asked for it.
pub type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [master, exhibitor, role] = arguments.as_slice() else {
        return Err("usage: embedded MASTER_URL EXHIBITOR_URL ROLE".into());
    };
    let endpoints = Endpoints::new(master, exhibitor, Endpoints::MARATHON)?;
    let target = Target { role: Some(role.clone()), ..Target::NOTHING };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let live = Live::new(&Limits::default(), &Tls::default(), Credentials::default());
    let report = runtime.block_on(clean(live, endpoints, target, Duration::from_secs(600)))?;
    println!("{} phases are confirmed", report.confirmed.len());
    Ok(())
}

/// Cleans a target, and stops in good order when it takes too long: what is on its way is
/// waited for, and a second run goes on where this one was.
pub async fn clean(
    live: Live,
    endpoints: Endpoints,
    target: Target,
    patience: Duration,
) -> Result<Report, Failure> {
    let stop = Stop::new();
    let session = Session::new(Audited(live))
        .with_endpoints(endpoints)
        .with_log(tell)
        .with_stop(stop.clone());

    let janitor = Janitor::new()?;
    let mut run = spawn_blocking(move || janitor.clean(target, &Options::DEFAULT, session));
    let result = match timeout(patience, &mut run).await {
        Ok(result) => result,
        Err(_) => {
            stop.request();
            run.await
        }
    };
    Ok(result??)
}

/// What happens, for programs: nobody has to take a message apart.
fn tell(entry: &Entry) {
    match &entry.event {
        Some(Event::PhaseStarted(start)) => println!("{:?}: {} to do", start.phase, start.total),
        Some(Event::Confirmed(phase)) => println!("{phase:?}: gone"),
        Some(Event::Unreached(agent)) => println!("{}: cannot be reached", agent.agent),
        _ => {}
    }
}

/// Tells every request that it sends on.
struct Audited<T>(T);

impl<T: Transport> Transport for Audited<T> {
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        println!("{} {}", request.method.name(), request.url);
        self.0.send(request)
    }

    fn pause(&mut self, duration: Duration) {
        self.0.pause(duration);
    }
}

#[cfg(test)]
mod tests {
    use janitor_host::{Reason, RunError};
    use janitor_tests::{Cluster, State};
    use tokio::runtime::Builder;

    use super::*;

    /// What comes of a cluster with something for a role, on the one thread of a runtime.
    fn cleaned(cluster: &Cluster, patience: Duration) -> Result<Report, Failure> {
        let live = Live::new(&Limits::default(), &Tls::default(), Credentials::default());
        let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
        let endpoints = Endpoints::new(&master, &exhibitor, &cluster.marathon_url()).unwrap();
        let target = Target {
            role: Some("cassandra_role".into()),
            principal: Some("cassandra_principal".into()),
            znode: Some("cassandra".into()),
            ..Target::NOTHING
        };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(clean(live.without_proxy(), endpoints, target, patience))
    }

    /// The cluster of a scenario.
    fn sample() -> State {
        let json = include_str!("../../tests/scenarios/the-sample-result/cluster.json");
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn cleans_inside_an_async_runtime() {
        let cluster = Cluster::start(sample());
        let report = cleaned(&cluster, Duration::from_secs(60)).unwrap();
        assert_eq!(report.confirmed.len(), 2);
        let left = serde_json::to_string(&cluster.state().agents).unwrap();
        assert!(!left.contains("cassandra_role"), "{left}");
    }

    #[test]
    fn stops_in_good_order() {
        let cluster = Cluster::start(State { latency_ms: 200, ..sample() });
        let error = cleaned(&cluster, Duration::ZERO).unwrap_err();
        let Some(RunError::Failure(failure)) = error.downcast_ref() else { panic!("{error}") };
        assert_eq!(failure.reason, Reason::Stopped);
    }
}
