//! Compares the contract in `wit/` with every published version of it, which `tests/wit` keeps in
//! a folder each. Authors of components and hosts rely on these versions, so a change requires a
//! new version, and a breaking change a new first number (or second, as long as the first is 0).

use std::fs;
use std::path::Path;

use semver::Version;
use wit_component::semver_check;
use wit_parser::{Resolve, SourceMap, WorldId};

use crate::command::tests;

#[test]
fn what_was_published_still_fits() {
    let now = read(&tests("../wit"));
    for folder in fs::read_dir(tests("wit")).unwrap() {
        let folder = folder.unwrap().path();
        let published = read(&folder);
        let name = folder.file_name().unwrap().display().to_string();
        assert_eq!(version(&published).to_string(), name, "the folder of that version");
        fits(&published, &now).unwrap();
    }
}

#[test]
fn a_change_wants_a_version() {
    let now = read(&tests("../wit"));
    let with = |version: &str, old: &str, new: &str| {
        let changed: Vec<_> = now.iter().map(|it| it.replacen(old, new, 1)).collect();
        assert_ne!(changed, now, "there is no {old}");
        let package = |it: &String| it.replace("cleanup@0.1.0;", version);
        fits(&now, &changed.iter().map(package).collect::<Vec<_>>())
    };
    let breaking = ["milliseconds: u32", "milliseconds: u64"];
    let another_case = ["not-active,", "not-active, not-there,"];
    let less = ["window: func() -> u32;", "size: func() -> u32;"];
    for [old, new] in [breaking, another_case, less] {
        for (version, allowed) in
            [("cleanup@0.1.0;", false), ("cleanup@0.1.1;", false), ("cleanup@0.2.0;", true)]
        {
            assert_eq!(with(version, old, new).is_ok(), allowed, "{new} as {version}");
        }
    }
    let [old, more] = ["window: func() -> u32;", "window: func() -> u32; now: func();"];
    let why = with("cleanup@0.1.0;", old, more).unwrap_err();
    assert!(why.contains("has changed"), "{why}");
    with("cleanup@0.1.1;", old, more).unwrap();
}

/// Reads the texts of a package, one for each file.
fn read(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|it| it == "wit"))
        .collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn version(package: &[String]) -> Version {
    let (_, rest) = package[0].split_once("package janitor:cleanup@").unwrap();
    rest.split_once(';').unwrap().0.parse().unwrap()
}

/// Fails if the contract is incompatible with a published version.
fn fits(published: &[String], now: &[String]) -> Result<(), String> {
    let (then, version) = (version(published), version(now));
    let track = |it: &Version| if it.major == 0 { (0, it.minor) } else { (it.major, 0) };
    if track(&then) != track(&version) {
        return Ok(());
    }
    let check = |old, new| {
        let (resolve, old, new) = both(old, new);
        semver_check(resolve, old, new).map_err(|why| format!("{why:#}"))
    };
    check(published, now).map_err(|why| {
        format!("{version} breaks what was made for {then}, and needs another track: {why}")
    })?;
    if then == version {
        check(now, published)
            .map_err(|why| format!("{then} has changed after it was published: {why}"))?;
    }
    Ok(())
}

/// Resolves two versions of the world side by side, the second under an unused number.
fn both(old: &[String], new: &[String]) -> (Resolve, WorldId, WorldId) {
    let mut resolve = Resolve::default();
    let mut world = |package: &[String], number: &str| {
        let from = format!("cleanup@{};", version(package));
        let mut sources = SourceMap::default();
        for (file, text) in package.iter().enumerate() {
            sources.push_str(&format!("{file}.wit"), text.replace(&from, number));
        }
        let package = sources.parse().map_err(|(_, why)| why).unwrap();
        let package = resolve.push_group(package).unwrap();
        resolve.select_world(&[package], Some("cleaner")).unwrap()
    };
    let (old, new) = (world(old, "cleanup@998.0.0;"), world(new, "cleanup@999.0.0;"));
    (resolve, old, new)
}
