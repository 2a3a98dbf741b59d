//! The `janitor` command: reads the command line, runs the component, and turns
//! its result into an exit code. All of that in few lines, because the cleanup
//! is in the component and the rest is in the library.

mod args;
mod ask;
mod credentials;
mod component;
mod screen;
mod environment;
mod files;
mod inspect;
mod cluster;
mod plan_file;
mod progress;
mod recipients;
mod replay;
mod run;
mod servers;

use std::env;
use std::io::{self, Write};
use std::sync::Arc;

use janitor_host::{CleanupPlan, Done, Options, Target};
use janitor_report::output::Output;
use janitor_report::plan_file::PlanFile;
use janitor_report::{ExitCode, next, shell};
use signal_hook::consts::SIGXFSZ;

use args::{Apply, Arguments, Clean, Command, Connection, Discover, Plan};
use ask::Consent;
use screen::{Console, Format, complain};
use environment::own_app;
use inspect::Inspection;
use janitor_report::command_line::parse::Documented;
use cluster::{Change, Cluster, Look, Unconnected};

fn main() -> std::process::ExitCode {
    // A file that grows beyond what is allowed (`ulimit -f`) is an error like a full disk, and
    // ends no run in the middle. Should this fail, it does.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
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
    screen::flush();
    code.into()
}

fn clean(args: &Clean) -> Result<ExitCode, String> {
    files::check(&args.connection, None, None)?;
    let (target, options) = args.selection.read(&args.checks)?;
    let cluster = Cluster::connect(&args.connection, args.urls.endpoints().into(), Some(&target));
    if args.dry_run {
        return Ok(match cluster {
            Ok(cluster) => cluster.look(Look::Plan(target), &options),
            Err(why) => why.end(),
        });
    }
    // All that it lifts is on the command line.
    let wished = Documented { options, lifting: vec![], unnamed: vec![] };
    Ok(change(cluster, &args.connection, args.yes, Change::Clean(target), &wished))
}

fn plan(args: &Plan) -> Result<ExitCode, String> {
    files::check(&args.connection, args.out.as_deref(), None)?;
    let (target, options) = args.selection.read(&args.checks)?;
    let cluster = Cluster::connect(&args.connection, args.urls.endpoints().into(), Some(&target));
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
            written = plan_file::write(file, &PlanFile::new(cluster.endpoints(), &options, &plan));
        }
    });
    written?;
    if let (ExitCode::Clean, Some(file), Format::Text) = (code, &args.out, args.connection.output) {
        let mut line = format!("janitor apply {}", shell::file(file));
        let urls = next::urls(cluster.endpoints());
        for (name, value) in urls.into_iter().chain(args.connection.component.options()) {
            line += &format!(" {}", shell::option(name, &value));
        }
        for lifting in next::lifting(&options) {
            line += &format!(" {lifting}");
        }
        complain(&format!("to do what the plan says: {line}"));
    }
    Ok(code)
}

fn apply(args: &Apply) -> Result<ExitCode, String> {
    files::check(&args.connection, None, Some(("the plan", &args.file)))?;
    let PlanFile { endpoints, options, plan, .. } = plan_file::open(&args.file)?;
    let app = plan.target.marathon_app.as_ref();
    if let Some(app) = app.filter(|app| own_app().as_ref() != Some(app)) {
        return Err(format!(
            "cannot use the plan {}: its `target.marathon_app` is '{app}', and that app does not \
             run this command; no other one is removed from Marathon",
            args.file.display()
        ));
    }
    let wished = args.checks.documented(options);
    if let Some(code) = refuse_unasked(&wished, args.yes, args.connection.console()) {
        return Ok(code);
    }
    let cluster =
        Cluster::connect(&args.connection, args.urls.servers(&endpoints), Some(&plan.target));
    Ok(change(cluster, &args.connection, args.yes, Change::Apply(plan), &wished))
}

/// Refuses what a document wishes, where nobody is asked and it lifts guards that the command
/// line does not lift: whoever runs the command may not know what is in it.
pub fn refuse_unasked(wished: &Documented, yes: bool, console: Console) -> Option<ExitCode> {
    let Documented { unnamed, .. } = wished;
    if unnamed.is_empty() || ask::is_asked(yes, console) {
        return None;
    }
    let why = "Refused: guards would be lifted that this command line does not lift, and nobody \
               is asked.";
    let next =
        format!("Nothing was changed. If that is meant, add at the end: {}", unnamed.join(" "));
    console.line(why);
    console.line(&next);
    let output = Output::failed(ExitCode::Refused, Some(why.into()));
    console.document(&Output { next: vec![next], ..output });
    Some(ExitCode::Refused)
}

fn discover(args: &Discover) -> Result<ExitCode, String> {
    files::check(&args.connection, None, None)?;
    Ok(match Cluster::connect(&args.connection, args.urls.endpoints().into(), None) {
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
    Documented { options, lifting, .. }: &Documented,
) -> ExitCode {
    match (cluster, Consent::without_a_question(yes, connection.console())) {
        (Ok(cluster), consent) => cluster.change(change, options, lifting, consent),
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
