//! Descriptions for people: resources, agents and frameworks have the same words wherever
//! they are shown.

use std::time::{Duration, UNIX_EPOCH};

use crate::types::{
    Amount, Elsewhere, Entry, Event, Framework, Reserved, SkipReason, Unreached, UnreachedReason,
    Volume, Warning,
};

/// Describes an entry without its volume. It names the principal that reserved it, unless
/// that is the wanted one.
pub fn entry_words(entry: &Reserved, wanted: Option<&str>) -> String {
    let mut words = format!("{} {}", entry.name, amount(&entry.name, &entry.amount));
    if let Some(disk) = &entry.disk {
        words += &format!(" on {disk}");
    }
    if let Some(principal) = others(entry.principal.as_deref(), wanted) {
        words += &format!(", reserved by {principal}");
    }
    for label in &entry.labels {
        let value = label.value.as_ref().map(|it| format!("={it}")).unwrap_or_default();
        words += &format!(" [{}{value}]", label.key);
    }
    words
}

/// Describes a volume, by its id if it has one. It names the principal that created it, unless that
/// is the wanted one.
pub fn volume_words(volume: &Volume, wanted: Option<&str>) -> String {
    let path = volume.container_path.as_ref().map(|it| format!(" at '{it}'"));
    let by = others(volume.principal.as_deref(), wanted).map(|it| format!(", created by {it}"));
    let id = if volume.id.is_empty() { "" } else { &format!(" {}", volume.id) };
    format!("volume{id}{}{}", path.unwrap_or_default(), by.unwrap_or_default())
}

/// Describes a number of a resource with its unit, to the three digits that Mesos counts.
pub fn scalar(name: &str, value: f64) -> String {
    let value = (value * 1000.0).round() / 1000.0;
    let unit = if ["mem", "disk"].contains(&name) { " MiB" } else { "" };
    format!("{value}{unit}")
}

/// Describes an agent by its id and its host name, as far as they are known.
pub fn agent_words(agent: &str, hostname: &str) -> String {
    match (agent, hostname) {
        ("", "") => "without a name".to_owned(),
        (_, "") => agent.to_owned(),
        ("", _) => hostname.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}

/// Describes why an agent may hold something that a run cannot see or remove, and since when.
pub fn unreached_words(Unreached { agent, hostname, reason, since }: &Unreached) -> String {
    let noun = if agent.is_empty() { "Machine" } else { "Slave" };
    let why = match reason {
        UnreachedReason::NotActive => "is not connected to the master",
        UnreachedReason::Unreachable => "is unreachable",
        UnreachedReason::MachineDown => "is down for maintenance",
        UnreachedReason::OperationPending => {
            "has not yet carried out the removal that the master has accepted"
        }
        UnreachedReason::Gone => "is not listed any more",
        UnreachedReason::Recovering => "has not come back since the master restarted",
        UnreachedReason::HiddenReservations => {
            "has reservations that may not be viewed (permission view_roles)"
        }
    };
    let since = since.and_then(moment).map(|moment| format!(" since {moment}"));
    format!("{noun} {} {why}{}", agent_words(agent, hostname), since.unwrap_or_default())
}

/// Describes what is reserved for another role, and may belong to the same service.
pub fn elsewhere_words(Elsewhere { role, principal, resources, agents }: &Elsewhere) -> String {
    let by = principal.as_ref().map(|it| format!(", made by principal '{it}'"));
    format!(
        "Role '{role}' has {resources} resource(s) on {agents} slave(s){}, which may belong to the \
         same service",
        by.unwrap_or_default()
    )
}

/// Describes a framework by its name, its id and its state.
pub fn framework_words(Framework { id, name, active, .. }: &Framework) -> String {
    let state = if *active { "active" } else { "not active" };
    format!("'{name}' ({id}, {state})")
}

/// Describes everything that the teardown of a framework would end: its tasks, and its roles
/// besides this one.
pub fn framework_extent(framework: &Framework, role: Option<&str>) -> String {
    let roles = &framework.roles;
    let others: Vec<_> =
        roles.iter().map(String::as_str).filter(|other| Some(*other) != role).collect();
    let other = if others.len() < roles.len() { "other " } else { "" };
    let others = match others.len() {
        0 => String::new(),
        1 => format!(", {other}role: {}", others.concat()),
        _ => format!(", {other}roles: {}", others.join(", ")),
    };
    format!("{}{others}", count(framework.tasks as usize, "task"))
}

/// Returns whether a framework runs the apps or jobs of other services: Marathon, also one that
/// runs on another Marathon, and Metronome.
pub fn is_shared(framework: &Framework) -> bool {
    let name = framework.name.to_ascii_lowercase();
    // Its name may begin with a folder.
    let name = name.rsplit('/').next().unwrap_or_default();
    name.starts_with("marathon") || name.starts_with("metronome")
}

/// Describes why a run does not remove a resource.
pub fn skip_words(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::StaticReservation => "reserved in the agent's configuration",
        SkipReason::OtherPrincipal => "made by another principal",
        SkipReason::OtherLabels => "with other labels",
        SkipReason::VolumeLeft => "holding a volume that stays",
    }
}

/// Writes a number with its noun.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

impl Entry {
    /// Returns whether text output shows the entry on standard error: the original's lines on
    /// standard output have no counterpart of it.
    pub fn is_for_standard_error(&self) -> bool {
        self.event == Some(Event::Warning(Warning::FilesStay))
    }
}

/// Writes a time in UTC, if RFC 3339 can write it.
pub fn moment(seconds: u64) -> Option<String> {
    /// The year 10000, which RFC 3339 does not have.
    const END: u64 = 253_402_300_800;
    (seconds < END).then(|| {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    })
}

/// Returns a principal unless it is the wanted one.
fn others<'a>(principal: Option<&'a str>, wanted: Option<&str>) -> Option<&'a str> {
    principal.filter(|principal| Some(*principal) != wanted)
}

fn amount(name: &str, amount: &Amount) -> String {
    match amount {
        Amount::Scalar(value) => scalar(name, *value),
        Amount::Ranges(ranges) => {
            let range = |&(begin, end): &(u64, u64)| match begin == end {
                true => begin.to_string(),
                false => format!("{begin}-{end}"),
            };
            ranges.iter().map(range).collect::<Vec<_>>().join(", ")
        }
        Amount::Items(items) => format!("{{{}}}", items.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreached(agent: &str, since: Option<u64>) -> Unreached {
        let reason = match agent {
            "" => UnreachedReason::MachineDown,
            _ => UnreachedReason::Unreachable,
        };
        Unreached { agent: agent.into(), hostname: "".into(), reason, since }
    }

    #[test]
    fn all_that_a_teardown_would_end_is_described() {
        let roles = |roles: &[&str]| roles.iter().map(ToString::to_string).collect();
        let marathon = Framework {
            id: "M-0001".into(),
            name: "marathon".into(),
            active: true,
            roles: roles(&["dev", "slave_public", "prod"]),
            tasks: 1,
        };
        assert_eq!(
            framework_extent(&marathon, Some("dev")),
            "1 task, other roles: slave_public, prod"
        );
        let kafka = Framework { name: "kafka".into(), roles: roles(&["dev"]), ..marathon };
        assert_eq!(framework_extent(&kafka, Some("dev")), "1 task");
        // Without the role among them, no role is another one.
        for role in [None, Some("q")] {
            assert_eq!(framework_extent(&kafka, role), "1 task, role: dev");
        }
    }

    #[test]
    fn a_machine_without_a_name_is_described_as_that() {
        let words = unreached_words(&unreached("", None));
        assert_eq!(words, "Machine without a name is down for maintenance");
    }

    #[test]
    fn a_time_that_cannot_be_written_is_left_out() {
        for (since, expected) in [
            (None, "Slave S0 is unreachable"),
            (Some(1_795_644_000), "Slave S0 is unreachable since 2026-11-25T22:00:00Z"),
            (Some(u64::MAX), "Slave S0 is unreachable"),
        ] {
            assert_eq!(unreached_words(&unreached("S0", since)), expected);
        }
    }
}
