//! The `janitor` command: reads the command line, runs the component, and turns
//! its result into an exit code. All of that in few lines, because the cleanup
//! is in the component and the rest is in the library.

mod args;
mod ask;
mod auth;
mod component;
mod console;
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
use janitor_host::{Call, Done, ExitCode, InUse, Options};

use args::{Apply, Arguments, Clean, Command, Discover, Plan};
use console::{Console, Format, complain};
use inspect::Inspection;
use live::Cluster;
use selection::{endpoints, options, target};

/// How a run goes about it unless the command line says otherwise.
const OPTIONS: Options = Options::DEFAULT;

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
    let target = target(&args.selection)?;
    let options = options(&args.in_use, args.selection.system_znode);
    let call = if args.dry_run { Call::Plan(target) } else { Call::Clean(target) };
    Ok(match Cluster::connect(&args.connection, endpoints(&args.urls), &call) {
        Ok(cluster) if args.dry_run => cluster.run(call, options),
        Ok(cluster) => cluster.clean(call, options, !args.yes),
        Err(code) => code,
    })
}

fn plan(args: &Plan) -> Result<ExitCode, String> {
    let call = Call::Plan(target(&args.selection)?);
    let options = options(&args.in_use, args.selection.system_znode);
    let cluster = match Cluster::connect(&args.connection, endpoints(&args.urls), &call) {
        Ok(cluster) => cluster,
        Err(code) => return Ok(code),
    };
    let mut written = Ok(());
    let code = cluster.run_and(call, options, |result| {
        if let (Ok(Done::Planned(plan)), Some(file)) = (result, &args.out) {
            written = PlanFile::new(cluster.endpoints(), options, plan).write(file);
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
    let options = match selection::options(&args.in_use, options.system_znode) {
        Options { in_use: InUse::Refuse, .. } => options,
        wished => wished,
    };
    let call = Call::Apply(plan);
    Ok(match Cluster::connect(&args.connection, Ok(endpoints), &call) {
        Ok(cluster) => cluster.clean(call, options, !args.yes),
        Err(code) => code,
    })
}

fn discover(args: &Discover) -> Result<ExitCode, String> {
    Ok(match Cluster::connect(&args.connection, endpoints(&args.urls), &Call::Discover) {
        Ok(cluster) => cluster.run(Call::Discover, OPTIONS),
        Err(code) => code,
    })
}

fn inspect(args: &args::Inspect) -> Result<ExitCode, String> {
    let target = target(&args.selection)?;
    let options = options(&args.in_use, args.selection.system_znode);
    let console = Console { format: args.output, verbose: false };
    Ok(match args.component.load(console) {
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
