//! The packages that steps are about, by their names.

/// The package with the command, and with the test suite.
pub const COMMAND: &str = "janitor";

/// The library that embedders depend on.
pub const LIBRARY: &str = "janitor-host";

/// What the library does not bring along unless somebody asks for it.
pub const NOT_IN_THE_LIBRARY: [&str; 3] = ["clap", "schemars", "zookeeper-client"];

/// All that is published, each after those that it depends on.
pub const PUBLISHED: [&str; 7] = [
    "janitor-contract",
    "janitor-policy",
    "janitor-transport",
    "janitor-component",
    "janitor-report",
    "janitor-host",
    "janitor",
];

/// The package that puts the components together and writes them into a folder.
pub const COMPOSE: &str = "janitor-compose";

/// The package that measures.
pub const BENCH: &str = "janitor-bench";

/// All that is compiled for the components' target.
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
        for package in
            [COMMAND, COMPOSE, BENCH, LIBRARY].iter().chain(&COMPONENTS).chain(&PUBLISHED)
        {
            assert!(metadata.contains(&format!(r#""name":"{package}""#)), "{package}");
        }
        Ok(())
    }

    /// A component that is added is linted too.
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
