//! Agents, for people: the same words in every line about them.

use std::time::{Duration, UNIX_EPOCH};

use janitor_contract::types::{Elsewhere, Unreached, UnreachedReason};

/// An agent's id and, if it is known, where it is.
pub fn located(agent: &str, hostname: &str) -> String {
    match (agent, hostname) {
        ("", "") => "without a name".to_owned(),
        (_, "") => agent.to_owned(),
        ("", _) => hostname.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}

/// Why an agent may hold something that a run cannot see or remove, and since when.
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
    let since = since.map(|seconds| {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        format!(" since {}", humantime::format_rfc3339_seconds(time))
    });
    format!("{noun} {} {why}{}", located(agent, hostname), since.unwrap_or_default())
}

/// What is reserved for another role, and may belong to the same service.
pub fn elsewhere_words(Elsewhere { role, principal, resources, agents }: &Elsewhere) -> String {
    let by = principal.as_ref().map(|it| format!(", made by principal '{it}'"));
    format!(
        "Role '{role}' has {resources} resource(s) on {agents} slave(s){}, which may belong to the \
         same service",
        by.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_name_is_called_that() {
        let reason = UnreachedReason::MachineDown;
        let machine = Unreached { agent: "".into(), hostname: "".into(), reason, since: None };
        let words = unreached_words(&machine);
        assert_eq!(words, "Machine without a name is down for maintenance");
    }
}
