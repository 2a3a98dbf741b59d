//! The interfaces that a component may import, and the error about any others.

/// The version of the contract that this host provides.
pub const VERSION: &str = "0.1.0";

/// The contract's package, with its version.
pub const PACKAGE: &str = "janitor:cleanup@0.1.0";

/// The interfaces of the contract that a component may import, without versions. `types` contains
/// only types, so a host provides nothing for it.
pub const CONTRACT: [&str; 3] =
    ["janitor:cleanup/cluster", "janitor:cleanup/log", "janitor:cleanup/types"];

/// The interfaces of WASI 0.2 that this host provides, all of them empty. Every 0.2 version is
/// accepted.
const WASI: [&str; 13] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
];

/// Checks that this host provides everything that is imported.
///
/// # Errors
/// Fails with one sentence that lists everything that is missing, with both versions.
pub fn check(imports: &[String]) -> Result<(), String> {
    let lacks = beyond(imports, &WASI);
    if lacks.is_empty() {
        return Ok(());
    }
    Err(format!("it imports interfaces that this host does not provide: {lacks}"))
}

/// Lists the imports that belong neither to the contract nor to these interfaces of WASI, with both
/// versions. The list is empty if there are none.
pub fn beyond(imports: &[String], wasi: &[&str]) -> String {
    let lacks = |import: &String| {
        let (name, version) = import.split_once('@').unwrap_or((import, "no version"));
        let (is_wasi, is_contract) = (wasi.contains(&name), CONTRACT.contains(&name));
        let has = if is_wasi { "0.2" } else { VERSION };
        let fits = version == has || (is_wasi && version.starts_with("0.2."));
        match is_wasi || is_contract {
            true if fits => None,
            true => Some(format!("{name} {version} (expected {has})")),
            false => Some(format!("{name} {version} (unknown)")),
        }
    };
    imports.iter().filter_map(lacks).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_lacking_is_named_at_once() {
        let check = |imports: &[&str]| {
            check(&imports.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(check(&["janitor:cleanup/log@0.1.0", "wasi:io/poll@0.2.6"]), Ok(()));
        let why = check(&[
            "janitor:cleanup/cluster@0.9.0",
            "janitor:cleanup/log@0.1.0",
            "wasi:sockets/tcp@0.2.6",
            "wasi:io/poll@0.3.0",
            "plain",
        ]);
        assert_eq!(
            why.unwrap_err(),
            "it imports interfaces that this host does not provide: \
             janitor:cleanup/cluster 0.9.0 (expected 0.1.0); \
             wasi:sockets/tcp 0.2.6 (unknown); \
             wasi:io/poll 0.3.0 (expected 0.2); \
             plain no version (unknown)"
        );
    }

    #[test]
    fn the_version_is_that_of_the_contract() {
        let wit = include_str!("../../../wit/world.wit");
        assert!(wit.contains(&format!("package {PACKAGE};")));
        assert_eq!(PACKAGE.split_once('@'), Some(("janitor:cleanup", VERSION)));
    }
}
