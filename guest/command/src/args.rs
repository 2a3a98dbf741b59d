//! The command line: the options of the native command that are about a cleanup.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use janitor_report::command_line::parse::{Checks, Selection, Show, URLS, Urls, dashed};
use janitor_report::command_line::time::Waiting;

/// Clean up after a removed DC/OS or Apache Mesos service: its persistent volumes,
/// reservations and ZooKeeper node
#[derive(Debug, Parser)]
#[command(name = "janitor", version, infer_long_args = true)]
pub struct Arguments {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS)]
    pub urls: Urls,
    /// DC/OS authentication token; prefer the environment
    /// [env: JANITOR_AUTH_TOKEN, or else DCOS_ACS_TOKEN]
    #[arg(short, long, allow_hyphen_values = true, value_name = "TOKEN")]
    pub auth_token: Option<String>,
    #[command(flatten)]
    pub waiting: Waiting,
    /// Show what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub show: Show,
}

/// Parses the command line.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(dashed(args))
}

/// Returns the usage of the command, in a few lines.
pub fn usage() -> String {
    Arguments::command().render_usage().to_string()
}
