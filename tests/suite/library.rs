//! The library as its example uses it.

use std::time::Duration;

use janitor_host::{Endpoints, Reason, Report, RunError, Target};
use janitor_tests::{Cluster, State};
use libtest_mimic::Trial;
use tokio::runtime::Builder;

use crate::command::{changes, scenario};
use crate::embedded::{Failure, clean};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("library::cleans_inside_an_async_runtime", || {
            let cluster = Cluster::start(scenario("the-sample-result"));
            let report = cleaned(&cluster, Duration::from_secs(60)).unwrap();
            assert_eq!(report.confirmed.len(), 2);
            assert_eq!(changes(&cluster).len(), 7);
        }),
        trial("library::stops_in_good_order", || {
            let state = State { latency_ms: 200, ..scenario("the-sample-result") };
            let cluster = Cluster::start(state);
            let error = cleaned(&cluster, Duration::ZERO).unwrap_err();
            let Some(RunError::Failure(failure)) = error.downcast_ref() else { panic!("{error}") };
            assert_eq!(failure.reason, Reason::Stopped);
        }),
    ]
}

/// What the example makes of a cluster, on the one thread of a runtime.
fn cleaned(cluster: &Cluster, patience: Duration) -> Result<Report, Failure> {
    let urls = [cluster.master_url(), cluster.exhibitor_url(), cluster.marathon_url()];
    let [master, exhibitor, marathon] = urls;
    let target = Target {
        role: Some("cassandra_role".into()),
        principal: Some("cassandra_principal".into()),
        znode: Some("cassandra".into()),
        ..Target::NOTHING
    };
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let endpoints = Endpoints::new(&master, &exhibitor, &marathon).unwrap();
    runtime.block_on(clean(endpoints, target, patience))
}
