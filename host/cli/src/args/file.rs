//! The commands that show a file without a network.

use std::path::PathBuf;

use clap::Args;
use janitor_report::command_line::parse::{Format, OUTPUT};

use crate::component::ComponentArgs;

#[derive(Debug, Args)]
pub struct ShowFile {
    /// Plan, as written by janitor plan --out; or recording, as written by --record
    pub file: PathBuf,
    #[command(flatten)]
    pub component: ComponentArgs,
    /// List the agents one by one
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    #[arg(help_heading = OUTPUT)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Recording, as written by --record; or plan, as written by janitor plan --out
    pub file: PathBuf,
    /// Write a page to this file, for any browser and without a network
    #[arg(long, value_name = "OUT", help_heading = OUTPUT)]
    pub html: PathBuf,
    #[command(flatten)]
    pub component: ComponentArgs,
}
