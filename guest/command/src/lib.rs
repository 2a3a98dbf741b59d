//! The `janitor` command as a component, for `wasmtime run` and similar runtimes. It has the
//! options that the native command has for a cleanup, and writes the same lines and the same JSON.
//! A command of WASI 0.2 can only succeed or fail, so the exit code of the native command is
//! written to standard error in words.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod args;

use janitor_contract::printable::printable;
use janitor_contract::{Call, Endpoints, json};
use janitor_program::output;
use janitor_program::run::{Log, configure, run, token};
use janitor_program::runtime::{complain, print, report_panics, variable};
use janitor_report::command_line::parse::{Format, OWN_APP, UrlError, Urls, variables, with_app};
use janitor_report::command_line::print::{Caller, Invocation};
use janitor_report::command_line::time;
use janitor_report::next;
use janitor_report::output::{Output, Subject};
use janitor_report::view::View;
use janitor_report::{ExitCode, summary};
use wasip2::cli::environment::get_arguments;
use wasip2::cli::{stderr, stdout};

use args::Arguments;

/// The time limit of a run, the same as that of the native command.
const RUN_SECONDS: u32 = 4 * 60 * 60;

struct Command;

wasip2::cli::command::export!(Command);

impl wasip2::exports::cli::run::Guest for Command {
    fn run() -> Result<(), ()> {
        report_panics();
        let args = match args::parse(get_arguments().into_iter().map(Into::into)) {
            Ok(args) => Arguments { urls: args.urls.or(Urls::in_environment(variable)), ..args },
            Err(error) => {
                let is_fault = error.use_stderr();
                let stream = if is_fault { stderr::get_stderr() } else { stdout::get_stdout() };
                print(stream, &error.render().to_string());
                return if is_fault { Err(()) } else { Ok(()) };
            }
        };
        match clean(&args) {
            ExitCode::Clean => Ok(()),
            code => {
                if args.show.output == Format::Text {
                    complain(&format!("exit code {}: {}", code as u8, code.meaning()));
                }
                Err(())
            }
        }
    }
}

fn clean(args: &Arguments) -> ExitCode {
    let (target, options) = match args.selection.read(&args.checks) {
        Ok((target, options)) => {
            let own_app = variable(OWN_APP);
            args.selection.left_out(own_app.as_deref()).iter().for_each(|line| complain(line));
            (with_app(target, own_app), args.waiting.added_to(options))
        }
        Err(why) => {
            complain(&why);
            document(args, Output::without_run(ExitCode::Usage, Some(why)));
            return ExitCode::Usage;
        }
    };
    let endpoints = match args.urls.endpoints(&Endpoints::default()) {
        Ok(endpoints) => endpoints,
        Err(UrlError { error, .. }) => {
            return give_up(args, ExitCode::Url, error.to_string(), "correct the URL");
        }
    };
    let token = own_token(args);
    let known = token.as_ref().ok().and_then(Option::as_deref);
    if let Err(why) = talk_to(&endpoints, known, args) {
        return give_up(args, ExitCode::Url, why, "correct the URL");
    }
    say(args, &summary::header(&endpoints, &[&target]));
    if let Err(why) = token {
        return give_up(args, ExitCode::Login, why, "correct the credentials");
    }
    let call = if args.dry_run { Call::Plan(target) } else { Call::Clean(target) };
    let ran = run(&call, &options);
    let run = Invocation { call, options, endpoints, component: vec![], caller: Caller::default() };
    let next = next::after(&ran, &run);
    let view = View { verbose: args.show.verbose, ..View::default() };
    for line in summary::outcome(&ran.result, &run, &next, &view, args::usage) {
        say(args, &format!("{}{}", line.head, line.rest));
    }
    document(args, Output::new(&ran.result, next));
    ExitCode::from(&ran.result)
}

/// Configures the servers and the log.
fn talk_to(endpoints: &Endpoints, token: Option<&str>, args: &Arguments) -> Result<(), String> {
    let (stream, format) = match args.show.output {
        Format::Text => (stdout::get_stdout(), output::Format::Lines),
        Format::Json => (stderr::get_stderr(), output::Format::Events),
    };
    let log = Log { stream, format, verbose: args.show.verbose };
    let timeout = args.waiting.limits.timeout.map(time::seconds);
    let run_seconds = timeout.map_or(RUN_SECONDS, |timeout| timeout.min(RUN_SECONDS));
    configure(endpoints, token, run_seconds, log)
}

/// Returns the token for the servers: the command line takes precedence over the environment.
fn own_token(args: &Arguments) -> Result<Option<String>, String> {
    let names = [variables::AUTH_TOKEN, "DCOS_ACS_TOKEN"];
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.trim().is_empty());
    match (args.auth_token.clone(), names.into_iter().find(is_set)) {
        (Some(given), _) => token("--auth-token", Some(given)),
        (None, Some(name)) => token(name, variable(name)),
        (None, None) => Ok(None),
    }
}

/// Prints why there is no run, and that nothing was changed.
fn give_up(args: &Arguments, code: ExitCode, why: String, hint: &str) -> ExitCode {
    let next = format!("Nothing was changed; {hint} and run the same command again.");
    say(args, &why);
    say(args, &next);
    document(args, Output { next: vec![next], ..Output::without_run(code, Some(why)) });
    code
}

/// Prints a line for people.
fn say(args: &Arguments, line: &str) {
    if args.show.output == Format::Text {
        print(stdout::get_stdout(), &format!("{}\n", printable(line)));
    }
}

/// Prints the document for programs.
fn document(args: &Arguments, output: Output) {
    if args.show.output == Format::Json
        && let Ok(json) = json::lines(&output.about(subject(args)))
    {
        print(stdout::get_stdout(), &String::from_utf8_lossy(&json));
    }
}

/// Returns the subject of the command, as far as the command line is valid.
fn subject(args: &Arguments) -> Subject {
    let target = args.selection.read(&args.checks).ok();
    let target = target.map(|(target, _)| with_app(target, variable(OWN_APP)));
    let servers = args.urls.endpoints(&Endpoints::default()).ok().filter(|_| target.is_some());
    Subject { command: "clean".into(), targets: target.into_iter().collect(), servers }
}
