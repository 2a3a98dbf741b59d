//! The options that select several targets, which one run cleans up together.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use janitor_report::shell;

/// The options that select several targets.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What to remove")]
pub struct Several {
    /// Clean up everything that is orphaned, as discover shows it
    ///
    /// Roles that registered frameworks use or may use are not orphaned, and neither are roles that
    /// an operator may have reserved, those of the cluster itself, and static reservations
    #[arg(long, conflicts_with_all = ONE, conflicts_with_all = ["services", "force", "teardown"])]
    pub all_orphaned: bool,
    /// Clean up the services that a file lists, in TOML or JSON
    ///
    /// The list is `services = [...]`. An item is the name of a service, or a table with `service`
    /// and `naming`, or `role`, `principal`, `znode`, `labels`, `framework-id` and `agents`
    #[arg(long, value_name = "FILE", conflicts_with_all = ONE)]
    pub services: Option<PathBuf>,
    /// Leave a role out (repeatable)
    #[arg(long, value_name = "ROLE", value_parser = NonEmptyStringValueParser::new())]
    #[arg(conflicts_with_all = ONE)]
    pub exclude: Vec<String>,
}

/// The options that select one target, or belong to it. A run for several targets does not wait for
/// one of them.
const ONE: [&str; 9] =
    ["role", "principal", "znode", "service", "label", "framework_id", "agent", "naming", "wait"];

impl Several {
    /// Prints the options as words of a shell.
    pub fn words(&self) -> Vec<String> {
        let all = self.all_orphaned.then(|| "--all-orphaned".to_owned());
        let services = self.services.iter().map(|file| format!("--services {}", shell::file(file)));
        let exclude = self.exclude.iter().map(|role| shell::option("--exclude", role));
        all.into_iter().chain(services).chain(exclude).collect()
    }
}
