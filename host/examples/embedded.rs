//! A tool with an async runtime that cleans up after a service. It has its own transport, handles
//! events, and cancels a run that takes too long.
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

/// The error that keeps a run from cleaning, for the caller.
pub type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [master, exhibitor, role] = arguments.as_slice() else {
        return Err("usage: embedded MASTER_URL EXHIBITOR_URL ROLE".into());
    };
    let endpoints = Endpoints::new(master, exhibitor, Endpoints::MARATHON)?;
    let target = Target { role: Some(role.clone()), ..Target::NOTHING };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let report = runtime.block_on(clean(endpoints, target, Duration::from_secs(600)))?;
    println!("{} phases are confirmed", report.confirmed.len());
    Ok(())
}

/// Cleans a target. A run that takes too long is cancelled: it finishes its in-flight requests, and
/// a second run continues where it stopped.
pub async fn clean(
    endpoints: Endpoints,
    target: Target,
    patience: Duration,
) -> Result<Report, Failure> {
    let stop = Stop::new();
    let session = Session::new(Audited(Live::new(
        &NetworkLimits::default(),
        &Tls::default(),
        Credentials::default(),
    )))
    .with_endpoints(endpoints)
    .with_log(print)
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
    fn send(&mut self, request: Request) -> Box<dyn Exchange> {
        println!("{} {}", request.method.name(), request.url);
        self.0.send(request)
    }

    fn pause(&mut self, duration: Duration) {
        self.0.pause(duration);
    }
}
