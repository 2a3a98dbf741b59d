//! The names of the packages that steps use.

/// The package that contains the command and the test suite.
pub const COMMAND: &str = "janitor";

/// The library that embedders depend on.
pub const LIBRARY: &str = "janitor-host";

/// The packages that the library does not depend on by default.
pub const NOT_IN_THE_LIBRARY: [&str; 3] = ["clap", "schemars", "zookeeper-client"];

/// The published packages, each after its dependencies.
pub const PUBLISHED: [&str; 8] = [
    "janitor-contract",
    "janitor-policy",
    "janitor-file",
    "janitor-transport",
    "janitor-component",
    "janitor-report",
    "janitor-host",
    "janitor",
];

/// The package that composes the components and writes them into a folder.
pub const COMPOSE: &str = "janitor-compose";

/// The package with the features of what both build scripts and programs depend on. Cargo considers them if it is selected.
pub const COMPILED_ONCE: &str = "janitor-compiled-once";

/// The package that contains the benchmarks.
pub const BENCH: &str = "janitor-bench";

/// The package that tries all runs within a bound.
pub const PROOF: &str = "janitor-proof";

/// The packages that are compiled for the components' target.
pub const COMPONENTS: [&str; 8] = [
    "janitor-guest",
    "janitor-misbehaving",
    "janitor-gate",
    "janitor-announce",
    "janitor-wasi",
    "janitor-program",
    "janitor-command",
    "janitor-service",
];

/// The target that components are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Result, cargo};

    #[test]
    fn they_are_in_the_workspace() -> Result {
        let metadata =
            cargo("metadata --no-deps --locked --offline --format-version 1").stdout()?;
        for package in [COMMAND, COMPILED_ONCE, COMPOSE, BENCH, PROOF, LIBRARY]
            .iter()
            .chain(&COMPONENTS)
            .chain(&PUBLISHED)
        {
            assert!(metadata.contains(&format!(r#""name":"{package}""#)), "{package}");
        }
        Ok(())
    }

    /// If build scripts and tests use a package with the same features, as they do wasmtime with its compiler, `cargo
    /// test` compiles it once for both. Only tests use wit-component with features that need time to be compiled.
    #[test]
    fn nothing_is_compiled_for_scripts_and_again_for_tests() -> Result {
        let tree = cargo("tree --locked --offline --duplicates --depth 0 --prefix none");
        let tree = tree.within(crate::root()).stdout()?;
        let mut packages: Vec<_> = tree.lines().filter(|it| it.contains(" v")).collect();
        packages.sort_unstable();
        for two in packages.windows(2).filter(|two| two[0] == two[1]) {
            assert!(two[0].starts_with("wit-component v"), "{}: see tests/compiled-once", two[0]);
        }
        Ok(())
    }

    /// This test ensures that a new component is linted too.
    #[test]
    fn no_component_is_forgotten() -> Result {
        let metadata =
            cargo("metadata --no-deps --locked --offline --format-version 1").stdout()?;
        for target in metadata.split(r#"{"kind":["#).filter(|it| it.starts_with(r#""cdylib""#)) {
            let name = target.split(r#""name":""#).nth(1).and_then(|it| it.split('"').next());
            let package = name.unwrap_or_default().replace('_', "-");
            assert!(COMPONENTS.contains(&&*package), "{package} is not among the components");
        }
        Ok(())
    }
}
