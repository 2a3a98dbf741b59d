//! The `janitor` command: reads the command line, runs the component, and turns
//! its result into an exit code. All of that in few lines, because the cleanup
//! is in the component and the rest is in the library.

mod args;
mod console;

use std::path::Path;
use std::{env, fs};

use janitor_host::transport::Transport;
use janitor_host::transport::har::Run;
use janitor_host::transport::recording::Recording;
use janitor_host::transport::replay::Replay;
use janitor_host::{
    CleanError, Digest, Endpoints, ExitCode, InUse, Janitor, Limits, Live, Options, Reason, Report,
    Session, Target, Token, ZooKeeper, credentials,
};

use args::{Arguments, Clean, Command};
use console::{Console, complain, print, print_header};

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
    let mut target = Target {
        role: args.role.clone(),
        principal: args.principal.clone(),
        znode: args.znode.clone(),
        marathon_app: None,
    };
    let in_use = match (args.teardown, args.force) {
        (true, _) => InUse::Teardown,
        (false, true) => InUse::Force,
        (false, false) => InUse::Refuse,
    };
    let options = Options { confirm_seconds: CONFIRM_SECONDS, in_use };
    let app = env::var("MARATHON_APP_ID").ok().filter(|app| !app.is_empty());
    let Clean { master_url, exhibitor_url, marathon_url, .. } = args;
    let endpoints = match Endpoints::new(master_url, exhibitor_url, marathon_url) {
        Ok(endpoints) => endpoints,
        Err(error) => {
            print(&error.to_string());
            if let Ok(rest) = Endpoints::new(Endpoints::MASTER, Endpoints::EXHIBITOR, marathon_url)
            {
                leave_marathon(app, rest, limits);
            }
            return ExitCode::Url;
        }
    };
    let digest = match digest(args.zk_auth_file.as_deref(), &endpoints) {
        Ok(digest) => digest,
        Err(why) => {
            complain(&why);
            leave_marathon(app, endpoints, limits);
            return ExitCode::Usage;
        }
    };
    print_header(&endpoints, &target);
    let token = match (&args.username, &args.password) {
        (Some(username), Some(password)) => {
            match credentials::login(&limits, &endpoints, username, password) {
                Ok(token) => Some(token),
                Err(error) => {
                    print(&error.to_string());
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
    let mut live: Box<dyn Transport> = Box::new(Live::new(&limits, token));
    if let Some(ensemble) = endpoints.ensemble() {
        live = Box::new(ZooKeeper::new(ensemble, digest, &limits, live));
    }
    let result = match &args.record {
        None => run(&target, options, args.verbose, endpoints, live, limits),
        Some(file) => {
            let run_data = Run {
                schema_version: Replay::SCHEMA_VERSION,
                component: janitor_host::DIGEST.into(),
                endpoints: endpoints.clone(),
                target: target.clone(),
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
            let result = run(&target, options, args.verbose, endpoints, transport, limits);
            if let Err(error) = recording.finish() {
                complain(&format!("the recording {} is lost: {error}", file.display()));
            }
            result
        }
    };
    end(&result, args.verbose);
    ExitCode::from(&result)
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
    let result = run(&target, options, args.verbose, endpoints, replay.transport(), limits);
    end(&result, args.verbose);
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

/// Who to be for ZooKeeper: what a file says, or the environment.
fn digest(file: Option<&Path>, endpoints: &Endpoints) -> Result<Option<Digest>, String> {
    const VARIABLE: &str = "ZK_AUTH";
    let zookeeper = endpoints.ensemble().is_some();
    let (place, text) = match (file, env::var_os(VARIABLE)) {
        (Some(_), _) if !zookeeper => {
            return Err("--zk-auth-file needs an --exhibitor-url that begins with zk://".into());
        }
        (Some(file), _) => (file.display().to_string(), fs::read(file)),
        (None, Some(text)) if zookeeper && !text.is_empty() => {
            (VARIABLE.into(), Ok(text.into_encoded_bytes()))
        }
        (None, _) => return Ok(None),
    };
    let digest = text
        .map_err(|error| error.to_string())
        .and_then(|text| Digest::new(&text).map_err(|error| error.to_string()));
    digest.map(Some).map_err(|why| format!("cannot log in to ZooKeeper with {place}: {why}"))
}

/// Runs the component; what happens is printed on the way.
fn run(
    target: &Target,
    options: Options,
    verbose: bool,
    endpoints: Endpoints,
    transport: Box<dyn Transport>,
    limits: Limits,
) -> Result<Report, CleanError> {
    let log = Box::new(Console { verbose });
    let janitor = Janitor::new().inspect_err(|violation| print(&format!("{violation}.")))?;
    janitor.clean(target, options, Session { endpoints, transport, log, limits })
}

/// The reference's last lines after a run that did not clean.
fn end(result: &Result<Report, CleanError>, verbose: bool) {
    let Err(CleanError::Failure(failure)) = result else { return };
    match failure.reason {
        Reason::NothingToDo => {
            print("");
            args::usage().lines().for_each(print);
        }
        Reason::Failed if !verbose => {
            print("");
            print("Retry command with \"-v\" to enable verbose logging.");
        }
        Reason::Failed | Reason::Incomplete | Reason::Refused => {}
    }
}

/// After a mistake that the next start would only repeat: keeps Marathon from
/// starting this command over and over.
fn leave_marathon(app: Option<String>, endpoints: Endpoints, limits: Limits) {
    if app.is_some() {
        let target = Target { role: None, principal: None, znode: None, marathon_app: app };
        let live = Box::new(Live::new(&limits, None));
        let options = Options { confirm_seconds: CONFIRM_SECONDS, in_use: InUse::Refuse };
        // What becomes of it is printed; the exit code is that of the mistake.
        let _ = run(&target, options, false, endpoints, live, limits);
    }
}
