//! A tool with an async runtime that cleans up after a service. It has its own transport, handles
//! events, and cancels a run that takes too long.
//!
//!     cargo run --example embedded -- http://127.0.0.1:5050/ http://127.0.0.1:8181/ kafka-role

use std::env;
use std::error::Error;
use std::time::Duration;

use janitor_host::{
    CancellationToken, Endpoints, Entry, Event, Exchange, Janitor, Network, Options, Report,
    Request, RunStart, Session, Target, Transport,
};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The error that keeps a run from cleaning.
pub type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [master, exhibitor, role] = arguments.as_slice() else {
        return Err("usage: embedded MASTER_URL EXHIBITOR_URL ROLE".into());
    };
    let endpoints = Endpoints::new(master, exhibitor, Endpoints::MARATHON)?;
    let target = Target { role: Some(role.clone()), ..Target::NOTHING };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let network = Network::builder(endpoints).build()?;
    let report = runtime.block_on(clean(network, target, Duration::from_secs(600)))?;
    println!("{} phases are confirmed", report.confirmed.len());
    Ok(())
}

/// Cleans a target. A run that takes too long is cancelled: it finishes its in-flight requests, and
/// a second run continues where it stopped.
pub async fn clean(
    network: Network,
    target: Target,
    patience: Duration,
) -> Result<Report, Failure> {
    let cancellation = CancellationToken::new();
    let session =
        Session::new(Audited(network)).with_log(print).with_cancellation(cancellation.clone());

    let janitor = Janitor::new()?;
    let mut run = spawn_blocking(move || janitor.clean(&target, &Options::DEFAULT, session));
    let result = match timeout(patience, &mut run).await {
        Ok(result) => result,
        Err(_) => {
            cancellation.cancel();
            run.await
        }
    };
    Ok(result??)
}

/// Prints events. A program does not have to parse messages.
fn print(entry: &Entry) {
    match &entry.event {
        Some(Event::PhaseStarted(start)) => println!("{:?}: {} to do", start.phase, start.total),
        Some(Event::Confirmed(phase)) => println!("{phase:?}: confirmed"),
        Some(Event::Unreached(agent)) => println!("{}: unreachable", agent.agent),
        _ => {}
    }
}

/// Prints every request before sending it.
struct Audited<T>(T);

impl<T: Transport> Transport for Audited<T> {
    fn endpoints(&self) -> Option<&Endpoints> {
        self.0.endpoints()
    }

    fn begin(&mut self, run: &RunStart) {
        self.0.begin(run);
    }

    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        let Request { endpoint, method, path, .. } = &request;
        println!("{} {}/{}", method.name(), endpoint.name(), path.join("/"));
        self.0.send(request)
    }

    fn pause(&mut self, duration: Duration) {
        self.0.pause(duration);
    }

    fn elapsed(&mut self, real: Duration) -> Duration {
        self.0.elapsed(real)
    }
}

#[cfg(test)]
mod tests {
    use janitor_host::{Reason, RunError};
    use janitor_tests::{Cluster, State};
    use tokio::runtime::Builder;

    use super::*;

    /// Cleans up a cluster that holds something for a role, on the one thread of a runtime.
    fn cleaned(cluster: &Cluster, patience: Duration) -> Result<Report, Failure> {
        let (master, exhibitor) = (cluster.master_url(), cluster.exhibitor_url());
        let endpoints = Endpoints::new(&master, &exhibitor, &cluster.marathon_url()).unwrap();
        let target = Target {
            role: Some("cassandra_role".into()),
            principal: Some("cassandra_principal".into()),
            znode: Some("cassandra".into()),
            ..Target::NOTHING
        };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let network = Network::builder(endpoints).no_proxy().build().unwrap();
        runtime.block_on(clean(network, target, patience))
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
