//! The time since the master's election: `POST master/api/v1`, `GET_MASTER`; before Mesos 1.5
//! `GET master/state`.
//!
//! After a failover the new master learns of a framework when one of its agents runs tasks
//! of it, or when the framework registers again. Until then, no list has it.

use super::agents::Listing;
use super::answer;
use super::json::{Bad, Json};
use super::v1;
use crate::host::{Host, Response, request};
use crate::retry::Retries;
use janitor_contract::types::{Endpoint, Method, Request};

/// The time that frameworks and agents may take to come back to a new master, in seconds: the
/// default of Mesos's flag `--agent_reregister_timeout`.
const COMING_BACK: f64 = 600.0;

/// The times of the master, in seconds since 1970.
#[derive(Default)]
struct Times {
    /// The start of its process.
    start: Option<f64>,
    /// Its election.
    elected: Option<f64>,
    /// Its id, which is the beginning of the ids that it gives to agents.
    id: Option<String>,
}

/// Explains why frameworks may be missing from the lists of a master that took over from
/// another one. It returns none if the master did not take over, or has led for long enough.
/// `uptime` is the age of its process in seconds, from its metrics.
pub fn doubt<H: Host>(
    host: &mut H,
    listing: &Listing,
    uptime: Option<f64>,
    retries: &mut Retries,
) -> Option<String> {
    let times = times(host, retries);
    if times.id.is_some_and(|id| listing.is_of_master(&id)) {
        // All agents are its own, so no master led before it.
        return None;
    }
    let led_for = uptime.zip(times.start).zip(times.elected);
    match led_for.map(|((uptime, start), elected)| start + uptime - elected) {
        Some(led_for) if led_for >= COMING_BACK => None,
        Some(led_for) => Some(format!(
            "The Mesos master was elected only {:.0} s ago, so frameworks without tasks may not \
             have registered again yet: run the same command again in {:.0} s.",
            led_for,
            (COMING_BACK - led_for).ceil()
        )),
        None => Some(
            "The Mesos master took over from another one, but does not report when, so frameworks \
             without tasks may not have registered again yet. They have if it was elected more \
             than 10 minutes ago."
                .into(),
        ),
    }
}

/// The requests for the master's times.
fn pages() -> [Request; 2] {
    [v1("GET_MASTER"), request(Endpoint::Master, Method::Get, vec!["state".into()])]
}

/// Returns whether a request asks for the master's times.
pub fn is_about(request: &Request) -> bool {
    pages().contains(request)
}

fn times<H: Host>(host: &mut H, retries: &mut Retries) -> Times {
    let mut times = Times::default();
    for request in pages() {
        // The times count even if the rest of the page was not read.
        let _ = answer::page(host, &request, retries, |json| read(json, &mut times));
        if times.start.is_some() && times.elected.is_some() {
            break;
        }
    }
    times
}

fn read<R: Response>(json: &mut Json<R>, times: &mut Times) -> Result<(), Bad> {
    json.object(|json, name| {
        match name {
            "start_time" => times.start = json.value()?,
            "elected_time" => times.elected = json.value()?,
            "id" => times.id = json.value()?,
            "get_master" | "master_info" => read(json, times)?,
            _ => json.skip()?,
        }
        match times {
            // The rest of the state may be very long, and is not needed.
            Times { start: Some(_), elected: Some(_), id: Some(_) } => Err(Bad::enough()),
            _ => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::agents::{Wanted, list};
    use super::*;
    use crate::testing::{Script, Scripted};

    /// Explains the doubt about a master whose process is 50 s old, and whose agent has the id M-S0.
    fn doubt(master: &str, state: &str) -> Option<String> {
        let mut host = Script::default()
            .answer(200, r#"{"slaves":[{"id":"M-S0","reserved_resources_full":{}}]}"#)
            .page("api/v1", 200, master)
            .page("state", 200, state);
        let listing = list(&mut host, Wanted::NOTHING).unwrap();
        let mut retries = Retries::new(&mut host, Duration::ZERO);
        super::doubt(&mut host, &listing, Some(50.0), &mut retries)
    }

    #[test]
    fn a_master_whose_agents_are_its_own_has_not_taken_over() {
        for (id, is_own) in [("M", true), ("N", false)] {
            let master = format!(
                r#"{{"get_master":{{"master_info":{{"id":"{id}"}},"start_time":90,"elected_time":100}}}}"#
            );
            assert_eq!(doubt(&master, "{}").is_none(), is_own, "{id}");
        }
    }

    #[test]
    fn the_state_has_the_times_that_the_other_page_lacks() {
        for (master, state) in [
            ("{}", r#"{"start_time":90,"elected_time":100}"#),
            (r#"{"get_master":{"start_time":90}}"#, r#"{"elected_time":100}"#),
            (r#"{"get_master":{"elected_time":100}}"#, r#"{"start_time":90}"#),
        ] {
            let why = doubt(master, state).unwrap();
            assert!(why.contains("only 40 s ago") && why.contains("again in 560 s"), "{why}");
        }
    }

    #[test]
    fn the_rest_of_a_long_state_is_not_read() {
        let body = r#"{"id":"M","start_time":90,"elected_time":100,"frameworks":[]}"#;
        let mut json = Json::new(Scripted::new(200, body.into(), 1 << 16));
        let mut times = Times::default();
        assert!(read(&mut json, &mut times).is_err());
        assert!(times.id.is_some() && times.start.is_some() && times.elected.is_some());
    }
}
