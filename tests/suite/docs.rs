//! Checks that the tests that the documents name exist.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::{env, fs};

use crate::command::{program, recordings, tests};
use crate::{composed, faults, real, sandbox, stock};

/// The names of all tests: those of this program, as its harness lists them, so that a test which
/// is not compiled does not count; and those of `scenarios.rs`, which come from files.
static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let listed =
        program(env::current_exe().unwrap()).args(["--list", "--format", "terse"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let ours = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    let mut names: BTreeSet<_> = ours.map(str::to_owned).collect();
    assert!(names.len() > 300, "{} names found", names.len());
    for folder in fs::read_dir(tests("scenarios")).unwrap() {
        let name = folder.unwrap().file_name().display().to_string();
        names.insert(format!("router::scenarios::{name}"));
        names.insert(format!("scenarios::{name}"));
    }
    names.extend(
        recordings()
            .map(|file| format!("recordings::{}", file.file_stem().unwrap_or_default().display())),
    );
    names
});

/// Returns whether there is a test of this name or, if it ends with `*`, one with this prefix.
fn is_test(name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(begin) => NAMES.iter().any(|name| name.starts_with(begin)),
        None => NAMES.contains(name),
    }
}

/// Returns the rows of a document's tables, from the first cell on.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("| ")).filter(|row| !row.starts_with("---"))
}

/// Each case has its row, in the order of the cases.
#[test]
fn the_live_tests_are_listed() {
    let text = fs::read_to_string(tests("../docs/live-tests.md")).unwrap();
    let names = rows(&text).filter_map(|row| row.split(" |").next());
    let listed: Vec<_> = names.filter(|name| *name != "case").collect();
    assert_eq!(listed, real::CASES, "docs/live-tests.md");
}

/// Each component that misbehaves and each fault has its row, in the order of the lists.
#[test]
fn components_and_faults_are_listed() {
    let text = fs::read_to_string(tests("../docs/security.md")).unwrap();
    let cases = sandbox::rows().chain(stock::rows()).chain(composed::rows()).chain(faults::rows());
    let expected: Vec<_> =
        cases.map(|(name, exit, words)| format!("{name} | {exit} | {words} |")).collect();
    let name = |row: &str| row.split(" |").next().unwrap_or_default().to_owned();
    let listed: Vec<_> = rows(&text).filter(|row| name(row).contains("::")).collect();
    assert_eq!(listed, expected, "docs/security.md");
    let without_test: Vec<_> =
        listed.iter().map(|row| name(row)).filter(|it| !is_test(it)).collect();
    assert_eq!(without_test, [""; 0], "docs/security.md");
}

/// Returns the cells in the last columns of a document's tables.
fn last_cells(text: &str) -> impl Iterator<Item = &str> {
    rows(text).filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit('|').next())
}

#[test]
fn security_names_real_tests() {
    let text = fs::read_to_string(tests("../docs/security.md")).unwrap();
    let (_, text) = text.split_once("| who | what holds | test |").expect("a table");
    let mut named = 0;
    for name in last_cells(text).flat_map(|cell| cell.split(',')).map(str::trim) {
        assert!(is_test(name), "docs/security.md names {name:?}, which is no test");
        named += 1;
    }
    assert!(named > 20, "{named} names found");
}

/// The crates of the host.
const HOST: [&str; 7] = [
    "host",
    "host/cli",
    "host/contract",
    "host/file",
    "host/policy",
    "host/report",
    "host/transport",
];

/// Returns whether one of these crates has this module, or this name.
fn is_module(module: &str, crates: &[&str]) -> bool {
    let file = format!("src/{}.rs", module.replace("::", "/"));
    crates.contains(&&*format!("host/{module}"))
        || crates.iter().any(|it| tests("..").join(it).join(&file).exists())
}

#[test]
fn behaviour_names_real_tests() {
    let text = fs::read_to_string(tests("../docs/behaviour.md")).unwrap();
    let cells = last_cells(&text);
    let mut named = 0;
    for name in cells.flat_map(|cell| cell.split(',')).map(str::trim) {
        let known = match name.split_once("::") {
            // These modules have unit tests of their own.
            Some(("guest", module)) => is_module(module, &["guest/cleanup"]),
            Some(("host", module)) => is_module(module, &HOST),
            Some(_) => is_test(name),
            // Headings, and rows that need no test, are skipped.
            None if ["", "test", "exit 0"].contains(&name) => continue,
            None => is_test(&format!("scenarios::{name}")),
        };
        assert!(known, "docs/behaviour.md names {name:?}, which is no test");
        named += 1;
    }
    assert!(named > 50, "{named} names found");
}
