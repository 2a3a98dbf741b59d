//! The descriptions that a plan and an inventory share: amounts, agents, frameworks.

use janitor_contract::describe::{framework_words, scalar, unreached_words};
use janitor_contract::types::{Amount, Framework, Reserved, Unreached};

use crate::line::{Line, Tone};

/// Sums up the resources that are numbers, after a colon. Without any, the text is empty.
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

/// Describes a framework that uses the target.
pub fn framework_line(framework: &Framework, role: Option<&str>) -> Line {
    Line::tone(Tone::Warn, format!("  In use by {}", framework_with_roles(framework, role)))
}

/// Describes a framework with everything that a teardown would end: its tasks, and its roles
/// besides this one.
pub fn framework_with_roles(framework: &Framework, role: Option<&str>) -> String {
    let roles = &framework.roles;
    let others: Vec<_> =
        roles.iter().map(String::as_str).filter(|other| Some(*other) != role).collect();
    let other = if others.len() < roles.len() { "other " } else { "" };
    let others = match others.len() {
        0 => String::new(),
        1 => format!(", {other}role: {}", others.concat()),
        _ => format!(", {other}roles: {}", others.join(", ")),
    };
    let tasks = count(framework.tasks as usize, "task");
    format!("framework {}: {tasks}{others}", framework_words(framework))
}

/// Describes an agent that may hold resources.
pub fn unreached_line(unreached: &Unreached) -> Line {
    Line::tone(Tone::Warn, format!("  {}", unreached_words(unreached)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::entry;

    #[test]
    fn amounts_are_summed_up_with_their_units() {
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
            framework_with_roles(&marathon, Some("dev")),
            "framework 'marathon' (M-0001, active): 1 task, other roles: slave_public, prod"
        );
        let kafka = Framework { name: "kafka".into(), roles: roles(&["dev"]), ..marathon };
        assert_eq!(
            framework_with_roles(&kafka, Some("dev")),
            "framework 'kafka' (M-0001, active): 1 task"
        );
        // If the framework does not have the role, none of its roles is called another one.
        for role in [None, Some("q")] {
            assert_eq!(
                framework_with_roles(&kafka, role),
                "framework 'kafka' (M-0001, active): 1 task, role: dev"
            );
        }
    }
}
