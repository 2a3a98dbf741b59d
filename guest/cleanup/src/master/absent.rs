//! The agents that the master knows but does not list: `GET master-root/registrar(1)/registry`,
//! `GET master/maintenance/status`.
//!
//! An agent that does not answer for some time disappears from the list of agents, and one on a
//! machine that is down for maintenance disappears at once. Both come back with all their
//! resources. The registry is the master's memory of its agents across its own restarts; for two
//! weeks, it also names those that became unreachable.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::agents::Listing;
use super::answer::{self, Page};
use super::json::{Bad, Json};
use super::metrics::{self, Metrics};
use crate::host::{Host, Response, request};
use crate::retry::Retries;
use janitor_contract::types::{Endpoint, Method, Unreached, UnreachedReason};

/// The agents that exist but are not listed.
#[derive(Debug, Default)]
pub struct Absent {
    /// The agents.
    pub agents: Vec<Unreached>,
    /// The reasons why there may be others, one sentence each.
    pub doubts: Vec<String>,
    /// The pages that the server lacks, so that they could not be compared.
    pub missing: Vec<&'static str>,
}

/// Asks the master for the agents that it knows but does not list.
pub fn absent<H: Host>(host: &mut H, listing: &Listing, retries: &mut Retries) -> Absent {
    let mut absent = Absent::default();
    let path = ["registrar(1)", "registry"].map(Into::into).into();
    let page = request(Endpoint::MasterRoot, Method::Get, path);
    // An earlier list does not say where an agent is now.
    let listed = listing.agents.iter().filter(|agent| agent.is_listed);
    let listed = listed.map(|agent| agent.id.as_str());
    let recovered = listing.recovered.iter().map(|agent| agent.id.as_str());
    let listed: BTreeSet<&str> = listed.chain(recovered).collect();
    match answer::page(host, &page, retries, |json| registry(json, &listed)) {
        Page::Says(agents) => absent.agents.extend(agents),
        Page::Missing => {
            absent.missing.push("registrar(1)/registry");
            absent.count(host, retries);
        }
        Page::Unknown(unread) => absent.doubts.push(unread.message),
    }
    let path = ["maintenance", "status"].map(Into::into).into();
    match answer::page(host, &request(Endpoint::Master, Method::Get, path), retries, machines) {
        Page::Says(machines) => {
            for machine in machines {
                // The registry names the same machines.
                if !absent.agents.contains(&machine) {
                    absent.agents.push(machine);
                }
            }
        }
        Page::Missing => absent.missing.push("maintenance/status"),
        Page::Unknown(unread) => absent.doubts.push(unread.message),
    }
    absent
}

impl Absent {
    /// Reads the number of unreachable agents, if no page names them.
    fn count<H: Host>(&mut self, host: &mut H, retries: &mut Retries) {
        match metrics::read(host, retries) {
            Ok(Some(Metrics { unreachable: Some(count), .. })) if count > 0.0 => {
                self.doubts.push(format!(
                    "The Mesos master has {count} unreachable agent(s), but lacks the endpoint \
                     that names them."
                ));
            }
            Ok(Some(Metrics { unreachable: Some(_), .. })) => {}
            Ok(Some(_) | None) => self.missing.push(metrics::PATH),
            Err(why) => self.doubts.push(why),
        }
    }
}

#[derive(Deserialize)]
struct Id {
    value: String,
}

/// Takes the agents of the registry that are not listed.
fn registry<R: Response>(
    json: &mut Json<R>,
    listed: &BTreeSet<&str>,
) -> Result<Vec<Unreached>, Bad> {
    #[derive(Deserialize)]
    struct Admitted {
        info: Info,
    }

    #[derive(Deserialize)]
    struct Info {
        id: Id,
        #[serde(default)]
        hostname: String,
    }

    #[derive(Deserialize)]
    struct Scheduled {
        info: ScheduledInfo,
    }

    #[derive(Deserialize)]
    struct ScheduledInfo {
        id: Machine,
        mode: Option<String>,
    }

    #[derive(Deserialize)]
    struct Lost {
        id: Id,
        timestamp: Option<Time>,
    }

    #[derive(Deserialize)]
    struct Time {
        nanoseconds: u64,
    }

    let mut is_leading = false;
    let (mut absent, mut down) = (BTreeMap::new(), Vec::new());
    let mut add = |id: Id, hostname, reason, since| {
        if !listed.contains(id.value.as_str()) {
            let agent = id.value.clone();
            absent.insert(id.value, Unreached { agent, hostname, reason, since });
        }
    };
    json.object(|json, name| match name {
        // A master that does not lead has not read the registry.
        "master" => {
            is_leading = true;
            json.skip()
        }
        "slaves" => within(json, "slaves", |json| {
            is_leading = true;
            let Admitted { info: Info { id, hostname } } = json.value()?;
            add(id, hostname, UnreachedReason::Gone, None);
            Ok(())
        }),
        "unreachable" => within(json, "slaves", |json| {
            let Lost { id, timestamp } = json.value()?;
            let since = timestamp.map(|it| it.nanoseconds / 1_000_000_000);
            add(id, String::new(), UnreachedReason::Unreachable, since);
            Ok(())
        }),
        "machines" => within(json, "machines", |json| {
            let Scheduled { info } = json.value()?;
            if info.mode.as_deref() == Some("DOWN") {
                down.push(info.id.unreached());
            }
            Ok(())
        }),
        _ => json.skip(),
    })?;
    match is_leading {
        true => Ok(absent.into_values().chain(down).collect()),
        false => Err(Bad::missing("master")),
    }
}

/// A machine in the maintenance schedule.
#[derive(Deserialize)]
struct Machine {
    hostname: Option<String>,
    ip: Option<String>,
}

impl Machine {
    /// Returns the entry for the agents of a machine that is down.
    fn unreached(self) -> Unreached {
        let hostname = self.hostname.filter(|it| !it.is_empty()).or(self.ip).unwrap_or_default();
        let reason = UnreachedReason::MachineDown;
        Unreached { agent: String::new(), hostname, reason, since: None }
    }
}

/// Takes the machines that are down for maintenance.
fn machines<R: Response>(json: &mut Json<R>) -> Result<Vec<Unreached>, Bad> {
    let mut down = Vec::new();
    json.object(|json, name| match name {
        "down_machines" => json.list(|json| {
            down.push(json.value::<Machine>()?.unreached());
            Ok(())
        }),
        _ => json.skip(),
    })?;
    Ok(down)
}

/// Takes the list that is the field `name` of an object.
fn within<R: Response>(
    json: &mut Json<R>,
    name: &str,
    mut take: impl FnMut(&mut Json<R>) -> Result<(), Bad>,
) -> Result<(), Bad> {
    json.object(|json, field| if field == name { json.list(&mut take) } else { json.skip() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::master::agents::{self, Wanted};
    use crate::testing::Script;

    const SLAVES: &str = r#"{"slaves":[{"id":"S0","reserved_resources_full":{}}],
        "recovered_slaves":[{"id":"S1"}]}"#;

    fn look(pages: &[(&'static str, u16, &str)]) -> Absent {
        let mut host = Script::default().answer(200, SLAVES);
        for (path, status, body) in pages {
            host = host.page(path, *status, *body);
        }
        let listing = agents::list(&mut host, Wanted::default()).unwrap();
        let mut retries = Retries::new(&mut host, Duration::ZERO);
        absent(&mut host, &listing, &mut retries)
    }

    #[test]
    fn agents_that_are_not_listed_are_named() {
        let registry = r#"{"master":{"info":{"id":"m"}},"slaves":{"slaves":[
            {"info":{"id":{"value":"S0"},"hostname":"a"}},{"info":{"id":{"value":"S1"}}},
            {"info":{"id":{"value":"S2"},"hostname":"c"}}]},
            "machines":{"machines":[{"info":{"id":{"hostname":"b","ip":"10.0.0.9"},"mode":"DOWN"}},
            {"info":{"id":{"hostname":"d"},"mode":"DOWN"}},
            {"info":{"id":{"hostname":"x"},"mode":"DRAINING"}}]},
            "unreachable":{"slaves":[{"id":{"value":"S3"},"timestamp":{"nanoseconds":1795637080718793984}},
            {"id":{"value":"S0"},"timestamp":{"nanoseconds":1}}]}}"#;
        let status = r#"{"down_machines":[{"hostname":"b","ip":"10.0.0.9"},{"ip":"10.0.0.8"},{}],
            "draining_machines":[{"id":{"hostname":"x"}}]}"#;
        let found =
            look(&[("registrar(1)/registry", 200, registry), ("maintenance/status", 200, status)]);
        let found: Vec<_> = found
            .agents
            .iter()
            .map(|it| (it.agent.as_str(), it.hostname.as_str(), it.reason, it.since))
            .collect();
        assert_eq!(
            found,
            [
                ("S2", "c", UnreachedReason::Gone, None),
                ("S3", "", UnreachedReason::Unreachable, Some(1_795_637_080)),
                ("", "b", UnreachedReason::MachineDown, None),
                ("", "d", UnreachedReason::MachineDown, None),
                ("", "10.0.0.8", UnreachedReason::MachineDown, None),
                ("", "", UnreachedReason::MachineDown, None),
            ]
        );
    }

    #[test]
    fn a_master_that_does_not_tell_is_doubted() {
        for (status, body) in [(200, "{}"), (200, "<html>"), (403, ""), (500, "")] {
            let found = look(&[("registrar(1)/registry", status, body)]);
            assert_eq!(found.doubts.len(), 1, "{status} {body}");
        }
        let found = look(&[("maintenance/status", 403, "")]);
        assert_eq!(found.doubts.len(), 1);
        let counted = r#"{"master/slaves_unreachable":0.0}"#;
        let found = look(&[
            ("maintenance/status", 404, ""),
            ("registrar(1)/registry", 404, ""),
            ("metrics/snapshot", 200, counted),
        ]);
        assert_eq!(found.missing, ["registrar(1)/registry", "maintenance/status"]);
        assert!(found.doubts.is_empty());
        let lost = r#"{"master/slaves_unreachable":1.0}"#;
        let pages = [("registrar(1)/registry", 404, ""), ("metrics/snapshot", 200, lost)];
        assert_eq!(look(&pages).doubts.len(), 1);
    }
}
