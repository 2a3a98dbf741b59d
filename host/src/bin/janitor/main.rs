//! The `janitor` command: reads the command line, runs the component, and turns
//! its result into an exit code. All of that in few lines, because the cleanup
//! is in the component and the rest is in the library.

mod args;
mod ask;
mod auth;
mod component;
mod console;
mod environment;
mod inspect;
mod line;
mod live;
mod next;
mod progress;
mod replay;
mod run;
mod selection;
mod service;
mod show;

use std::env;
use std::io::{self, Write};

use janitor_host::plan_file::PlanFile;
use janitor_host::{CleanupPlan, Done, ExitCode, Options, Target};

use args::{Apply, Arguments, Clean, Command, Connection, Discover, Plan};
use ask::Consent;
use console::{Console, Format, complain};
use inspect::Inspection;
use live::{Change, Cluster, Look, Unconnected};

fn main() -> std::process::ExitCode {
    let result = match args::parse(env::args_os()) {
        Ok(Arguments { command: None, clean: args }) => clean(&args),
        Ok(Arguments { command: Some(command), .. }) => match command {
            Command::Plan(args) => plan(&args),
            Command::Apply(args) => apply(&args),
            Command::Discover(args) => discover(&args),
            Command::Replay(args) => replay::replay(args),
            Command::Inspect(args) => inspect(&args),
            Command::Completions(args) => Ok(written(args::completions(args.shell))),
            Command::Man(args) => man(&args),
        },
        Err(error) => {
            // Nobody may be listening; the exit code says it too.
            let _ = error.print();
            Ok(if error.use_stderr() { ExitCode::Usage } else { ExitCode::Clean })
        }
    };
    let code = result.unwrap_or_else(|why| {
        complain(&why);
        ExitCode::Usage
    });
    console::flush();
    code.into()
}

fn clean(args: &Clean) -> Result<ExitCode, String> {
    let (target, options) = args.selection.read(&args.checks)?;
    let cluster = Cluster::connect(&args.connection, args.urls.endpoints(), Some(&target));
    if args.dry_run {
        return Ok(match cluster {
            Ok(cluster) => cluster.look(Look::Plan(target), &options),
            Err(why) => why.end(),
        });
    }
    Ok(change(cluster, &args.connection, args.yes, Change::Clean(target), &options))
}

fn plan(args: &Plan) -> Result<ExitCode, String> {
    let (target, options) = args.selection.read(&args.checks)?;
    let cluster = Cluster::connect(&args.connection, args.urls.endpoints(), Some(&target));
    let cluster = match cluster {
        Ok(cluster) => cluster,
        Err(why) => return Ok(why.end()),
    };
    let mut written = Ok(());
    let code = cluster.look_and(Look::Plan(target), &options, |result| {
        if let (Ok(Done::Planned(plan)), Some(file)) = (result, &args.out) {
            // Another process may apply it, and that is not what runs this one.
            let target = Target { marathon_app: None, ..plan.target.clone() };
            let plan = CleanupPlan { target, ..plan.clone() };
            written = PlanFile::new(cluster.endpoints(), &options, &plan).write(file);
        }
    });
    written?;
    if let (ExitCode::Clean, Some(file), Format::Text) = (code, &args.out, args.connection.output) {
        let mut words = vec!["janitor".into(), "apply".into(), file.display().to_string()];
        for (name, value) in args.connection.component.options() {
            words.extend([name.into(), value]);
        }
        complain(&format!("to do what the plan says: {}", shell_words::join(words)));
    }
    Ok(code)
}

fn apply(args: &Apply) -> Result<ExitCode, String> {
    let PlanFile { endpoints, options, plan, .. } = PlanFile::open(&args.file)?;
    let options = args.checks.added_to(options);
    let cluster = Cluster::connect(&args.connection, Ok(endpoints), Some(&plan.target));
    Ok(change(cluster, &args.connection, args.yes, Change::Apply(plan), &options))
}

fn discover(args: &Discover) -> Result<ExitCode, String> {
    Ok(match Cluster::connect(&args.connection, args.urls.endpoints(), None) {
        Ok(cluster) => cluster.look(Look::Discover, &Options::DEFAULT),
        Err(why) => why.end(),
    })
}

/// Changes something on a cluster, or, if there is none, leaves Marathon; if somebody is to
/// be asked, only after that.
fn change(
    cluster: Result<Cluster, Unconnected>,
    connection: &Connection,
    yes: bool,
    change: Change,
    options: &Options,
) -> ExitCode {
    match (cluster, Consent::without_a_question(yes, connection.console())) {
        (Ok(cluster), consent) => cluster.change(change, options, consent),
        (Err(why), Some(consent)) => why.leave_marathon(consent),
        (Err(why), None) => why.end(),
    }
}

fn inspect(args: &args::Inspect) -> Result<ExitCode, String> {
    let (target, options) = args.selection.read(&args.checks)?;
    let console = Console { format: args.output, verbose: false };
    Ok(match args.component.load_or_tell(console) {
        Ok(janitor) => {
            let inspection = Inspection::new(&janitor, &target, options);
            inspection.lines().into_iter().for_each(|line| console.line(line));
            console.object(&inspection);
            ExitCode::Clean
        }
        Err(code) => code,
    })
}

fn man(args: &args::Man) -> Result<ExitCode, String> {
    args::man(args.command.as_deref()).map(written)
}

/// Writes a file for other programs to standard output.
fn written(file: Vec<u8>) -> ExitCode {
    // Nobody may be listening.
    let _ = io::stdout().write_all(&file);
    ExitCode::Clean
}
