//! What is written where: lines for people on standard output, or JSON for
//! programs.

use std::io::{self, Write};

use clap::ValueEnum;
use janitor_host::bindings::http::Endpoint;
use janitor_host::log::{Log, printable};
use janitor_host::output::Output;
use janitor_host::{Call, Endpoints, Entry, Level};

/// Who reads what is written.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines on standard output
    Text,
    /// One object on standard output; every event as a line on standard error
    Json,
}

/// Writes what a command has to say.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// Who reads it.
    pub format: Format,
    /// Whether to print what is only for finding out.
    pub verbose: bool,
}

impl Log for Console {
    fn entry(&mut self, entry: &Entry) {
        match self.format {
            Format::Text if self.verbose || entry.level != Level::Debug => {
                self.line(&entry.message);
            }
            Format::Text => {}
            Format::Json => {
                if let Ok(json) = serde_json::to_string(entry) {
                    // Nobody may be listening; the run goes on.
                    let _ = writeln!(io::stderr(), "{json}");
                }
            }
        }
    }
}

impl Console {
    /// Writes a line for people, without anything in it that could steer a
    /// terminal. When nobody reads any more, the run goes on all the same: half
    /// a cleanup would be worse.
    pub fn line(self, line: &str) {
        if self.format == Format::Text {
            let _ = writeln!(io::stdout(), "{}", printable(line));
        }
    }

    /// Writes the object for programs.
    pub fn document(self, output: &Output) {
        if self.format == Format::Json
            && let Ok(json) = serde_json::to_string_pretty(output)
        {
            let _ = writeln!(io::stdout(), "{json}");
        }
    }

    /// Writes the first line: what will be done where.
    pub fn header(self, endpoints: &Endpoints, call: &Call) {
        let mut line = format!(
            "Master: {} Exhibitor: {}",
            endpoints.masters().join(","),
            endpoints.base(Endpoint::Exhibitor)
        );
        if let Some(target) = call.target() {
            for (name, value) in [
                ("Role", &target.role),
                ("Principal", &target.principal),
                ("ZK Path", &target.znode),
            ] {
                if let Some(value) = value {
                    line += &format!(" {name}: {value}");
                }
            }
        }
        self.line(&line);
    }
}

/// Writes a line that is no part of the run itself.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "janitor: {}", printable(line));
}
