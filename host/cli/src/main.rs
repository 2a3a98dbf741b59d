//! The `janitor` command. A command line is read, resolved into a request, and carried out; then
//! the end is printed, and the exit code is the one that was printed. The cleanup itself is in
//! the component, and what runs it is in the library.

mod args;
mod call;
mod cluster;
mod component;
mod consent;
mod credentials;
mod error;
mod files;
mod finished;
mod inspect;
mod progress;
mod recipients;
mod replay;
mod request;
mod run;
mod screen;
mod signals;
mod unconnected;

use std::env;
use std::io::{self, Write};
use std::sync::Arc;

use janitor_report::ExitCode;
use signal_hook::consts::SIGXFSZ;

use request::Request;
use screen::Screen;

fn main() -> std::process::ExitCode {
    // A file that becomes larger than allowed (`ulimit -f`) is an error like a full disk, and
    // does not end the run. If this fails, it does.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    let code = match args::parse(env::args_os()) {
        Ok(arguments) => {
            let screen = Screen::new(arguments.show());
            let request = Request::resolve(arguments, &screen);
            screen.end(request.and_then(|request| run::run(&request, &screen)))
        }
        Err(error) => misread(&error),
    };
    code.into()
}

/// Prints help, the version, or what is wrong with the command line.
fn misread(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Clean };
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            // If standard error cannot be written either, only the exit code shows it.
            let _ = writeln!(io::stderr(), "janitor: cannot write to standard output: {why}");
            code.with_loss()
        }
        _ => code,
    }
}
