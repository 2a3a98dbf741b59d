//! The command line: the binary's, as far as it is about a cleanup.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, ValueEnum};

use janitor_report::command_line::parse::{Checks, Selection, Urls, dashed};

/// Removes what a dead DC/OS or Apache Mesos service leaves behind: persistent
/// volumes, reservations, its ZooKeeper node.
#[derive(Debug, Parser)]
#[command(name = "janitor", version, infer_long_args = true)]
pub struct Arguments {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten)]
    pub urls: Urls,
    /// A DC/OS authentication token; better in the environment's DCOS_ACS_TOKEN
    #[arg(short, long, allow_hyphen_values = true, value_name = "TOKEN")]
    pub auth_token: Option<String>,
    /// Show what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show every request
    #[arg(short, long)]
    pub verbose: bool,
    /// What to write: text for people, or JSON for programs
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub output: Format,
}

/// Who reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines on standard output
    Text,
    /// One object on standard output; every event as a line on standard error
    Json,
}

/// Reads the command line.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(dashed(args))
}

/// How the command is called, in a few lines.
pub fn usage() -> String {
    Arguments::command().render_usage().to_string()
}
