//! The words for what a plan and an inventory have in common: amounts, agents, frameworks.

use std::time::{Duration, UNIX_EPOCH};

use janitor_contract::describe::scalar;
use janitor_contract::types::{Amount, Framework, Reserved, Unreached, UnreachedReason};

use crate::line::{Line, Tone};

/// Sums up the resources that are numbers, after a colon; an empty text if there are none.
pub fn sums<'a>(entries: impl IntoIterator<Item = &'a Reserved>) -> String {
    let mut sums: Vec<(&str, f64)> = Vec::new();
    for entry in entries {
        let Amount::Scalar(value) = entry.amount else { continue };
        match sums.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((&entry.name, value)),
        }
    }
    if sums.is_empty() {
        return String::new();
    }
    let sums: Vec<_> =
        sums.iter().map(|(name, sum)| format!("{name} {}", scalar(name, *sum))).collect();
    format!(": {}", sums.join(", "))
}

/// A number with its noun.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Shows a framework that uses the target.
pub fn framework_line(framework: &Framework, role: Option<&str>) -> Line {
    Line::tone(Tone::Warn, format!("  In use by {}", framework_words(framework, role)))
}

/// Describes a framework, with its roles besides this one.
pub fn framework_words(framework: &Framework, role: Option<&str>) -> String {
    let Framework { id, name, active, roles, tasks } = framework;
    let state = if *active { "active" } else { "not active" };
    let tasks = count(*tasks as usize, "task");
    let others: Vec<_> =
        roles.iter().map(String::as_str).filter(|other| Some(*other) != role).collect();
    let other = if others.len() < roles.len() { "other " } else { "" };
    let others = match others.len() {
        0 => String::new(),
        1 => format!(", {other}role: {}", others.concat()),
        _ => format!(", {other}roles: {}", others.join(", ")),
    };
    format!("framework '{name}' ({id}, {state}, {tasks}{others})")
}

/// Shows an agent that may hold something.
pub fn unreached_line(unreached: &Unreached) -> Line {
    Line::tone(Tone::Warn, format!("  Slave {}", unreached_words(unreached)))
}

/// Describes an agent that may hold something: why, and since when.
pub fn unreached_words(Unreached { agent, hostname, reason, since }: &Unreached) -> String {
    let why = match reason {
        UnreachedReason::NotActive => "is not connected to the master",
        UnreachedReason::Gone => "is no longer listed",
        UnreachedReason::Unreachable => "is unreachable",
        UnreachedReason::MachineDown => "is on a machine that is down for maintenance",
        UnreachedReason::OperationPending => "has operations pending",
        UnreachedReason::Recovering => "has not come back since the master restarted",
        UnreachedReason::HiddenReservations => {
            "has reservations that this user may not view (permission view_roles)"
        }
    };
    let since = since.and_then(moment).map(|moment| format!(", since {moment}"));
    format!("{} {why}{}", located(agent, hostname), since.unwrap_or_default())
}

/// A time in UTC, if RFC 3339 can write it.
fn moment(seconds: u64) -> Option<String> {
    /// The year 10000, which RFC 3339 does not have.
    const END: u64 = 253_402_300_800;
    (seconds < END).then(|| {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    })
}

/// Names an agent by its ID and its host, as far as they are known.
pub fn located(agent: &str, hostname: &str) -> String {
    match (agent, hostname) {
        ("", "") => "without a name".to_owned(),
        (_, "") => agent.to_owned(),
        ("", _) => hostname.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::entry;

    #[test]
    fn what_is_counted_is_summed_up_with_its_unit() {
        let entries = [
            entry("cpus", Amount::Scalar(0.1)),
            entry("mem", Amount::Scalar(4096.0)),
            entry("cpus", Amount::Scalar(0.2)),
            entry("ports", Amount::Ranges(vec![(7000, 7001)])),
        ];
        assert_eq!(sums(&entries), ": cpus 0.3, mem 4096 MiB");
        assert_eq!(sums(&entries[3..]), "");
    }

    #[test]
    fn an_agent_that_cannot_be_reached_is_named_with_its_time() {
        let unreached = |since| Unreached {
            agent: "S0".into(),
            hostname: "h0".into(),
            reason: UnreachedReason::Unreachable,
            since,
        };
        assert_eq!(unreached_words(&unreached(None)), "S0 (h0) is unreachable");
        assert_eq!(
            unreached_words(&unreached(Some(1_795_644_000))),
            "S0 (h0) is unreachable, since 2026-11-25T22:00:00Z"
        );
        assert_eq!(unreached_words(&unreached(Some(u64::MAX))), "S0 (h0) is unreachable");
        let machine = Unreached {
            agent: String::new(),
            reason: UnreachedReason::MachineDown,
            ..unreached(None)
        };
        assert_eq!(unreached_words(&machine), "h0 is on a machine that is down for maintenance");
    }

    #[test]
    fn a_framework_is_named_with_all_that_a_teardown_would_end() {
        let roles = |roles: &[&str]| roles.iter().map(ToString::to_string).collect();
        let marathon = Framework {
            id: "M-0001".into(),
            name: "marathon".into(),
            active: true,
            roles: roles(&["dev", "slave_public", "prod"]),
            tasks: 1,
        };
        assert_eq!(
            framework_words(&marathon, Some("dev")),
            "framework 'marathon' (M-0001, active, 1 task, other roles: slave_public, prod)"
        );
        let kafka = Framework { name: "kafka".into(), roles: roles(&["dev"]), ..marathon };
        assert_eq!(
            framework_words(&kafka, Some("dev")),
            "framework 'kafka' (M-0001, active, 1 task)"
        );
        // Without the role among them, no role is another one.
        for role in [None, Some("q")] {
            assert_eq!(
                framework_words(&kafka, role),
                "framework 'kafka' (M-0001, active, 1 task, role: dev)"
            );
        }
    }
}
