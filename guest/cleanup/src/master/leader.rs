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
use janitor_contract::types::{Endpoint, Method};

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

fn times<H: Host>(host: &mut H, retries: &mut Retries) -> Times {
    let state = request(Endpoint::Master, Method::Get, vec!["state".into()]);
    let mut times = Times::default();
    for request in [v1("GET_MASTER"), state] {
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
