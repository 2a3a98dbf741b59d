//! The numbers, for each version of Mesos.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The numbers of one version.
#[derive(Clone, Default)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Counts one more of a kind.
    pub fn add(&mut self, kind: &str) {
        *self.0.entry(kind.into()).or_default() += 1;
    }

    /// Returns the number of a kind.
    pub fn get(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// Returns what has been added since.
    pub fn since(&self, before: &Self) -> String {
        let more = self.0.iter().map(|(kind, number)| (kind, number - before.get(kind)));
        let more = more.filter(|(_, number)| *number > 0);
        more.map(|(kind, number)| format!("{number} {kind}")).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the numbers as a table, with a column for each version.
pub fn table(versions: &[(String, Counts)]) -> String {
    let row = |name: &str, cells: Vec<String>| format!("| {name} | {} |\n", cells.join(" | "));
    let mut table = row("", versions.iter().map(|(version, _)| version.clone()).collect());
    table += &row("---", versions.iter().map(|_| "---".into()).collect());
    let mut kinds: Vec<_> = versions.iter().flat_map(|(_, counts)| counts.0.keys()).collect();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let cells = versions.iter().map(|(_, counts)| counts.get(kind).to_string());
        table += &row(kind, cells.collect());
    }
    table
}

/// Returns the numbers for programs.
pub fn document(seed: u64, versions: &[(String, Counts)]) -> Value {
    let versions: BTreeMap<_, _> =
        versions.iter().map(|(version, counts)| (version, &counts.0)).collect();
    json!({"seed": seed, "versions": versions})
}
