//! The tests that the documents name are there.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::Trial;

use crate::command::tests;
use crate::{composed, faults, real, router, sandbox, stock, trial, zookeeper};

/// Gets the names of all other tests of this program.
pub fn trials(names: BTreeSet<String>) -> Vec<Trial> {
    vec![
        trial("docs::behaviour_names_real_tests", {
            let names = names.clone();
            move || behaviour_names_real_tests(&names)
        }),
        trial("docs::security_names_real_tests", move || security_names_real_tests(&names)),
        trial("docs::the_live_tests_are_listed", the_live_tests_are_listed),
        trial("docs::components_and_faults_are_listed", components_and_faults_are_listed),
    ]
}

/// The rows of a document's tables, from the first cell on.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("| ")).filter(|row| !row.starts_with("---"))
}

/// Each case has its row, in the order of the cases.
fn the_live_tests_are_listed() {
    let text = fs::read_to_string(tests("../docs/live-tests.md")).unwrap();
    let names = rows(&text).filter_map(|row| row.split(" |").next());
    let listed: Vec<_> = names.filter(|name| *name != "case").collect();
    assert_eq!(listed, real::cases().collect::<Vec<_>>(), "docs/live-tests.md");
}

/// Each component that misbehaves and each fault has its row, in the order of the lists.
fn components_and_faults_are_listed() {
    let text = fs::read_to_string(tests("../docs/security.md")).unwrap();
    let cases = sandbox::rows().chain(stock::rows()).chain(composed::rows()).chain(faults::rows());
    let expected: Vec<_> =
        cases.map(|(name, exit, words)| format!("{name} | {exit} | {words} |")).collect();
    let has_test = |row: &&str| row.split(" |").next().is_some_and(|cell| cell.contains("::"));
    let listed: Vec<_> = rows(&text).filter(has_test).collect();
    assert_eq!(listed, expected, "docs/security.md");
}

/// What a document's tables hold in their last columns.
fn last_cells(text: &str) -> impl Iterator<Item = &str> {
    rows(text).filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit('|').next())
}

fn security_names_real_tests(names: &BTreeSet<String>) {
    let text = fs::read_to_string(tests("../docs/security.md")).unwrap();
    let (_, text) = text.split_once("| who | what holds | test |").expect("a table");
    let mut named = 0;
    for name in last_cells(text).flat_map(|cell| cell.split(',')).map(str::trim) {
        let known = match name.strip_suffix('*') {
            Some(suite) => names.iter().any(|name| name.starts_with(suite)),
            None => names.contains(name),
        };
        assert!(known, "docs/security.md names {name:?}, which is no test");
        named += 1;
    }
    assert!(named > 20, "{named} names found");
}

fn behaviour_names_real_tests(names: &BTreeSet<String>) {
    let text = fs::read_to_string(tests("../docs/behaviour.md")).unwrap();
    let cells = last_cells(&text);
    let mut named = 0;
    for name in cells.flat_map(|cell| cell.split(',')).map(str::trim) {
        let known = match name.split_once("::") {
            // Their modules are compiled into other programs.
            Some((side @ ("guest" | "host"), module)) => {
                let crates: &[&str] = match side {
                    "guest" => &["cleanup"],
                    _ => &["", "cli", "contract", "policy", "report", "transport"],
                };
                let file = |it: &&str| format!("../{side}/{it}/src/{module}.rs");
                crates.iter().any(|it| tests(&file(&it)).exists())
            }
            Some((suite, "*")) => names.iter().any(|name| name.starts_with(&format!("{suite}::"))),
            Some(("real", case)) => real::cases().any(|name| name == case),
            Some(("router", case)) => router::cases().any(|name| name == case),
            Some(("zookeeper", case)) => zookeeper::cases().any(|name| name == case),
            Some(_) => names.contains(name),
            // Headings, and rows that need no test.
            None if ["", "test", "exit 0"].contains(&name) => continue,
            None => names.contains(&format!("scenarios::{name}")),
        };
        assert!(known, "docs/behaviour.md names {name:?}, which is no test");
        named += 1;
    }
    assert!(named > 50, "{named} names found");
}
