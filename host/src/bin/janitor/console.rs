//! What a person sees: the reference's lines on standard output.

use std::io::{self, Write};

use janitor_host::bindings::http::Endpoint;
use janitor_host::log::{Log, printable};
use janitor_host::{Endpoints, Entry, Level, Target};

/// Prints the messages of a run.
pub struct Console {
    /// Whether to print what is only for finding out.
    pub verbose: bool,
}

impl Log for Console {
    fn entry(&mut self, entry: &Entry) {
        if self.verbose || entry.level != Level::Debug {
            print(&entry.message);
        }
    }
}

/// Prints a line, without anything in it that could steer a terminal. When nobody reads any more, the run goes on all the same:
/// half a cleanup would be worse.
pub fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{}", printable(line));
}

/// Prints a line that is no part of the run itself.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "janitor: {}", printable(line));
}

/// The first line: what will be done where.
pub fn print_header(endpoints: &Endpoints, target: &Target) {
    let mut line = format!(
        "Master: {} Exhibitor: {}",
        endpoints.masters().join(","),
        endpoints.base(Endpoint::Exhibitor)
    );
    for (name, value) in
        [("Role", &target.role), ("Principal", &target.principal), ("ZK Path", &target.znode)]
    {
        if let Some(value) = value {
            line += &format!(" {name}: {value}");
        }
    }
    print(&line);
}
