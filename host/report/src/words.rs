//! The descriptions that a plan and an inventory share: amounts, agents, frameworks.

use janitor_contract::describe::{framework_extent, framework_words, scalar, unreached_words};
use janitor_contract::types::{Amount, Framework, Reserved, Target, Unreached};

use crate::line::{Line, Tone};

/// Sums up the resources that are numbers, after a colon. Without any, the text is empty.
pub fn sums<'a>(entries: impl IntoIterator<Item = &'a Reserved>) -> String {
    let sums: Vec<_> = scalars(entries)
        .into_iter()
        .map(|(name, sum)| format!("{name} {}", scalar(name, sum)))
        .collect();
    if sums.is_empty() { String::new() } else { format!(": {}", sums.join(", ")) }
}

/// Sums up the resources that are numbers, each by its name.
pub fn scalars<'a>(entries: impl IntoIterator<Item = &'a Reserved>) -> Vec<(&'a str, f64)> {
    let mut sums: Vec<(&str, f64)> = Vec::new();
    for entry in entries {
        let Amount::Scalar(value) = entry.amount else { continue };
        match sums.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((&entry.name, value)),
        }
    }
    sums
}

/// Describes the labels to which a target is limited, as in "role 'r' with label 'k=v'". Without
/// any, the text is empty.
pub fn with_labels(target: &Target) -> String {
    let labels = target.labels.iter().map(|it| format!("label '{}'", it.words()));
    let framework = target.framework_id.iter().map(|it| format!("framework ID '{it}'"));
    let words: Vec<_> = labels.chain(framework).collect();
    if words.is_empty() { String::new() } else { format!(" with {}", words.join(" and ")) }
}

/// Describes a target, as in "role 'r' with label 'k=v'".
pub fn target_words(target: &Target) -> String {
    let Target { role, principal, znode, agents, .. } = target;
    let mut words = match (role, znode) {
        (Some(role), _) => format!("role '{role}'"),
        (None, Some(znode)) => format!("znode '{znode}'"),
        (None, None) => "nothing".into(),
    };
    if let Some(principal) = principal {
        words += &format!(" of principal '{principal}'");
    }
    words += &with_labels(target);
    if !agents.is_empty() {
        words += &format!(" on {}", agents.join(", "));
    }
    words
}

/// Describes a framework that uses the target.
pub fn framework_line(framework: &Framework, role: Option<&str>) -> Line {
    Line::tone(Tone::Warn, format!("  In use by {}", framework_with_roles(framework, role)))
}

/// Describes a framework with everything that a teardown would end.
pub fn framework_with_roles(framework: &Framework, role: Option<&str>) -> String {
    format!("framework {}: {}", framework_words(framework), framework_extent(framework, role))
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
}
