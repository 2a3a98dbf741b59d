//! The `janitor` command. It parses a command line, resolves it into a request, carries the
//! request out, and prints the result once; the exit code is the one in the result. The cleanup
//! itself is in the component, and the library `janitor-host` runs it.

mod args;
mod call;
mod cluster;
mod component;
mod config;
mod consent;
mod credentials;
mod document;
mod error;
mod files;
mod finished;
mod inspect;
mod page;
mod played;
mod program;
mod progress;
mod read_only;
mod recipients;
mod replay;
mod request;
mod run;
mod screen;
mod select;
mod services;
mod settings;
mod show;
mod signals;
mod unconnected;

use std::env;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use janitor_report::ExitCode;
use janitor_report::output::Subject;
use signal_hook::consts::SIGXFSZ;

use args::Command;
use request::Request;
use screen::Screen;

fn main() -> std::process::ExitCode {
    // With this, a file that exceeds its size limit (`ulimit -f`) is an error like a full disk;
    // without it, the signal ends the run.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    let code = match args::parse(env::args_os()) {
        Ok(command) => carry_out(command),
        Err(error) => misread(&error),
    };
    code.into()
}

/// Carries out a command, and prints its result.
fn carry_out(command: Command) -> ExitCode {
    let (began, start) = (Instant::now(), screen::now());
    let (name, printing) = (command.name(), command.printing());
    let screen = Screen::new(&printing);
    let request = Request::resolve(command, &screen).and_then(|request| {
        printing.events.iter().try_for_each(|file| screen.write_events(file))?;
        Ok(request)
    });
    let subject = request.as_ref().map(|request| request.subject(name));
    let subject = subject.unwrap_or(Subject { command: name.into(), ..Subject::default() });
    let is_replay = matches!(request, Ok(Request::Replay(..)));
    let result = request.and_then(|request| run::run(&request, &screen));
    screen.end(result, |finished| {
        finished.about(subject);
        if !is_replay {
            finished.change(|output| {
                output.start = Some(start);
                output.seconds = Some(began.elapsed().as_millis() as f64 / 1000.0);
            });
        }
    })
}

/// Prints the help, the version, or the error in the command line.
fn misread(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Clean };
    let lost = match error.print().and_then(|()| io::stdout().flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            Some(format!("cannot write to standard output: {why}"))
        }
        _ => None,
    };
    let Some(lost) = lost else { return code };
    // If standard error cannot be written either, only the exit code shows it.
    let _ = writeln!(io::stderr(), "janitor: {lost}");
    code.with_loss()
}
