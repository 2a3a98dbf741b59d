//! One run, live or replayed: from what was asked to the exit code.

use janitor_host::output::Output;
use janitor_host::transport::Transport;
use janitor_host::{Done, ExitCode, Janitor, Limits, RunError, Session, Stop};

use crate::args;
use crate::console::Console;
use crate::next::{self, Asked};
use crate::progress::Progress;
use crate::show;

/// Runs the component; what happens is told on the way.
pub fn carry_out(
    janitor: &Janitor,
    asked: &Asked,
    console: Console,
    transport: Box<dyn Transport>,
    limits: Limits,
    stop: Stop,
) -> Result<Done, RunError> {
    let session = Session::new(transport)
        .with_endpoints(asked.endpoints.clone())
        .with_log(Progress::new(console))
        .with_limits(limits)
        .with_stop(stop);
    janitor.run(&asked.call, asked.options, session)
}

/// Tells what came of a run, and what to do next.
pub fn conclude(result: &Result<Done, RunError>, asked: &Asked, console: Console) -> ExitCode {
    let next = next::after(result, asked);
    let lines = show::outcome(result, asked, &next, console.verbose, args::usage);
    lines.into_iter().for_each(|line| console.line(line));
    console.document(&Output::new(result, next));
    ExitCode::from(result)
}
