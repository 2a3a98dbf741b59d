//! The simulated cluster, on which all runs within a bound are tried, is like the stand-in, which is
//! compared with real masters: a run ends in the same way on both.

use std::time::Duration;

use janitor_contract::types::{Entry, Error, Failure, Options, Report, Request};
use janitor_guest::host::{Host, Response};
use janitor_guest::simulated::bounded::{Kind, Users};
use janitor_guest::simulated::{Cluster, Part, Place};
use janitor_host::{Janitor, RunError, Session};
use janitor_tests::State;

use crate::command::network;
use crate::nonblocking::endpoints;

/// The logic's surroundings.
struct Surroundings {
    cluster: Cluster,
    part: Part,
    elapsed: Duration,
}

struct Body(u16, Vec<u8>);

impl Host for Surroundings {
    type Exchange = Body;
    type Response = Body;

    fn send(&mut self, request: &Request) -> Result<Body, Error> {
        let (status, body) = self.cluster.answer_to(request, self.part).unwrap();
        Ok(Body(status, body.into_bytes()))
    }

    fn finish(&mut self, body: Body) -> Result<Body, Error> {
        Ok(body)
    }

    fn window(&mut self) -> usize {
        32
    }

    fn pause(&mut self, duration: Duration) -> bool {
        self.elapsed += duration;
        true
    }

    fn elapsed(&mut self) -> Duration {
        self.elapsed
    }

    fn log(&mut self, _: Entry) {}
}

impl Response for Body {
    fn status(&self) -> u16 {
        self.0
    }

    fn read(&mut self, _: u32) -> Result<Vec<u8>, Error> {
        Ok(std::mem::take(&mut self.1))
    }
}

/// Returns how a run ends: the reason if it fails, the agents that are unreached and why, what is
/// left, and what has happened on each agent and to the node.
fn end(result: Result<Report, Failure>) -> String {
    let reason = result.as_ref().err().map(|failure| failure.reason);
    let report = result.unwrap_or_else(|failure| failure.report);
    let unreached: Vec<_> = report.unreached.iter().map(|it| it.reason).collect();
    let left = report.left.as_deref().unwrap_or_default().iter();
    let left: Vec<_> = left.map(|it| (&it.agent, it.volumes, it.resources)).collect();
    let agents: Vec<_> =
        report.agents.iter().map(|it| (&it.agent, it.phase, &it.outcome)).collect();
    let znode = report.znode.map(|it| it.outcome);
    format!("{reason:?} {unreached:?} {left:?} {agents:?} {znode:?}")
}

#[test]
fn a_run_ends_as_on_the_stand_in() {
    // The runs do not wait for long, because some wait for something that never happens.
    let options = Options { confirm_seconds: 1, ..Options::DEFAULT };
    let janitor = Janitor::new().unwrap();
    let of_place = |place| Kind::ALL.map(|kind| (place, vec![kind], Users::None));
    let of_users = |users| Kind::ALL.map(|kind| (Place::Here, vec![kind, Kind::Reserved], users));
    let all = Place::ALL.into_iter().flat_map(of_place);
    let all = all.chain(Users::ALL.into_iter().flat_map(of_users));
    let all = all.flat_map(|case| [0, 1].map(|delay| (case.clone(), delay)));
    let all = all.zip(Part::BOUNDED.into_iter().cycle());
    let mut differences = Vec::new();
    for (((place, kinds, users), delay), part) in all {
        let cluster = Cluster::bounded(&[(place, &kinds), (Place::Here, &[])], users, delay);
        let state: State = serde_json::from_value(cluster.scenario()).unwrap();
        let stand_in = janitor_tests::Cluster::start(state);
        let session = Session::new(network(endpoints(&stand_in)).build().unwrap());
        let there = match janitor.clean(&part.target(), &options, session) {
            Ok(report) => Ok(report),
            Err(RunError::Failure(failure)) => Err(*failure),
            Err(other) => panic!("{other}"),
        };
        let mut surroundings = Surroundings { cluster, part, elapsed: Duration::ZERO };
        let here = janitor_guest::clean(&mut surroundings, &part.target(), &options);
        let (here, there) = (end(here), end(there));
        if here != there {
            let case = format!("{place:?} {kinds:?} {users:?} {delay} {part:?}");
            differences.push(format!("{case}\n  simulated {here}\n  stand-in  {there}"));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}
