//! The `janitor` command: reads the command line, runs the component, and turns
//! its result into an exit code. All of that in few lines, because the cleanup
//! is in the component and the rest is in the library.

mod args;
mod console;
mod next;
mod service;

use std::env;

use janitor_host::transport::Transport;
use janitor_host::transport::har::Run;
use janitor_host::transport::recording::Recording;
use janitor_host::transport::replay::Replay;
use janitor_host::{
    CleanError, Endpoints, ExitCode, InUse, Janitor, Limits, Live, Options, Reason, Report,
    Session, Target, Token, credentials,
};

use args::{Arguments, Clean, Command};
use console::{Console, complain, print, print_header};
use next::Asked;

/// How long a cleanup waits for the master to show what it has promised.
const CONFIRM_SECONDS: u32 = 30;

fn main() -> std::process::ExitCode {
    let code = match args::parse(env::args_os()) {
        Ok(Arguments { command: Some(Command::Replay(args)), .. }) => replay(&args),
        Ok(Arguments { command: None, clean: args }) => clean(&args),
        Err(error) => {
            // Nobody may be listening; the exit code says it too.
            let _ = error.print();
            if error.use_stderr() { ExitCode::Usage } else { ExitCode::Clean }
        }
    };
    code.into()
}

fn clean(args: &Clean) -> ExitCode {
    let limits = Limits::default();
    let mut target = match target(args) {
        Ok(target) => target,
        Err(why) => {
            complain(&why);
            return ExitCode::Usage;
        }
    };
    let in_use = match (args.teardown, args.force) {
        (true, _) => InUse::Teardown,
        (false, true) => InUse::Force,
        (false, false) => InUse::Refuse,
    };
    let system_znode = args.system_znode;
    let options = Options { confirm_seconds: CONFIRM_SECONDS, in_use, system_znode };
    let app = env::var("MARATHON_APP_ID").ok().filter(|app| !app.is_empty());
    let Clean { master_url, exhibitor_url, marathon_url, .. } = args;
    let endpoints = match Endpoints::new(master_url, exhibitor_url, marathon_url) {
        Ok(endpoints) => endpoints,
        Err(error) => {
            print(&error.to_string());
            print("Nothing was changed; correct the URL and run the same command again.");
            if let Ok(rest) = Endpoints::new(Endpoints::MASTER, Endpoints::EXHIBITOR, marathon_url)
            {
                leave_marathon(app, rest, limits);
            }
            return ExitCode::Url;
        }
    };
    print_header(&endpoints, &target);
    let token = match (&args.username, &args.password) {
        (Some(username), Some(password)) => {
            match credentials::login(&limits, &endpoints, username, password) {
                Ok(token) => Some(token),
                Err(error) => {
                    print(&error.to_string());
                    print(
                        "Nothing was changed; correct the user name or the password and run the \
                         same command again.",
                    );
                    leave_marathon(app, endpoints, limits);
                    return ExitCode::Login;
                }
            }
        }
        _ => args.auth_token.as_deref().filter(|token| !token.is_empty()).map(Token::new),
    };
    // Without anything to do there is nothing to be done about Marathon either.
    if target.role.is_some() || target.principal.is_some() || target.znode.is_some() {
        target.marathon_app = app;
    }
    let live = Box::new(Live::new(&limits, token).with_masters(endpoints.masters()));
    let asked = Asked { target, options, endpoints };
    let result = match &args.record {
        None => run(&asked, args.verbose, live, limits),
        Some(file) => {
            let run_data = Run {
                schema_version: Replay::SCHEMA_VERSION,
                component: janitor_host::DIGEST.into(),
                endpoints: asked.endpoints.clone(),
                target: asked.target.clone(),
                options,
                window: limits.window,
            };
            let recording = match Recording::begin(file, run_data) {
                Ok(recording) => recording,
                Err(error) => {
                    complain(&format!("cannot record to {}: {error}", file.display()));
                    return ExitCode::Usage;
                }
            };
            let transport = recording.through(live);
            let result = run(&asked, args.verbose, transport, limits);
            if let Err(error) = recording.finish() {
                complain(&format!("the recording {} is lost: {error}", file.display()));
            }
            result
        }
    };
    end(&result, &asked, args.verbose);
    ExitCode::from(&result)
}

/// What is to be cleaned, by its own names or by its service's.
fn target(args: &Clean) -> Result<Target, String> {
    let Clean { role, principal, znode, service, naming, .. } = args;
    let derived = service.as_deref().map(|service| service::names(service, *naming)).transpose()?;
    let derived = derived.as_ref();
    let or = |own: &Option<String>, derived: Option<&String>| own.as_ref().or(derived).cloned();
    Ok(Target {
        role: or(role, derived.map(|names| &names.role)),
        principal: or(principal, derived.map(|names| &names.principal)),
        znode: or(znode, derived.map(|names| &names.znode)),
        marathon_app: None,
    })
}

fn replay(args: &args::Replay) -> ExitCode {
    let replay = match Replay::open(&args.file) {
        Ok(replay) => replay,
        Err(error) => {
            complain(&format!("cannot replay {}: {error}", args.file.display()));
            return ExitCode::Usage;
        }
    };
    let Run { component, endpoints, target, options, window, .. } = replay.run();
    let limits = Limits { window, ..Limits::default() };
    print_header(&endpoints, &target);
    let asked = Asked { target, options, endpoints };
    let result = run(&asked, args.verbose, replay.transport(), limits);
    end(&result, &asked, args.verbose);
    let deviations = replay.deviations();
    if deviations.is_empty() {
        return ExitCode::from(&result);
    }
    complain("this run is not the recorded one:");
    deviations.iter().for_each(|deviation| complain(deviation));
    if component != janitor_host::DIGEST {
        complain(&format!(
            "it was recorded with component {component}, and this is {}",
            janitor_host::DIGEST
        ));
    }
    ExitCode::Failed
}

/// Runs the component; what happens is printed on the way.
fn run(
    asked: &Asked,
    verbose: bool,
    transport: Box<dyn Transport>,
    limits: Limits,
) -> Result<Report, CleanError> {
    let log = Box::new(Console { verbose });
    let janitor = Janitor::new().inspect_err(|violation| print(&format!("{violation}.")))?;
    let Asked { target, options, endpoints } = asked;
    let endpoints = endpoints.clone();
    janitor.clean(target, *options, Session { endpoints, transport, log, limits })
}

/// The last lines after a run that did not clean: the reference's, and what to do
/// next.
fn end(result: &Result<Report, CleanError>, asked: &Asked, verbose: bool) {
    match result {
        Ok(_) => {}
        Err(CleanError::Failure(failure)) => {
            print("");
            if failure.reason == Reason::NothingToDo {
                args::usage().lines().for_each(print);
            }
            if failure.reason == Reason::Failed && !verbose {
                print("Retry command with \"-v\" to enable verbose logging.");
            }
            next::after(failure, asked).iter().for_each(|line| print(line));
        }
        Err(_) => {
            print("");
            print("This is a fault of the program or of its limits. What is left is not known:");
            print("run the same command again, with \"-v\".");
        }
    }
}

/// After a mistake that the next start would only repeat: keeps Marathon from
/// starting this command over and over.
fn leave_marathon(app: Option<String>, endpoints: Endpoints, limits: Limits) {
    if app.is_some() {
        let target = Target { role: None, principal: None, znode: None, marathon_app: app };
        let live = Box::new(Live::new(&limits, None));
        let options = Options {
            confirm_seconds: CONFIRM_SECONDS,
            in_use: InUse::Refuse,
            system_znode: false,
        };
        // What becomes of it is printed; the exit code is that of the mistake.
        let _ = run(&Asked { target, options, endpoints }, false, live, limits);
    }
}
