//! Resolves a command line into a request: everything that the command line, the environment, and
//! the files that they name determine about a run.

use std::path::PathBuf;
use std::slice;
use std::time::Duration;

use janitor_contract::types::{Options, Target};
use janitor_contract::{Call, Endpoints, planned};
use janitor_report::ExitCode;
use janitor_report::command_line::parse::{Checks, UrlError, Urls};
use janitor_report::command_line::print::{Valued, disabled_checks};
use janitor_report::command_line::time::Limits;
use janitor_report::output::Subject;
use janitor_transport::recording::har::Run;

use crate::args::auth::Auth;
use crate::args::several::Several;
use crate::args::{self, Command, Connection};
use crate::component::ComponentArgs;
use crate::consent::ConsentPolicy;
use crate::error::CommandError;
use crate::screen::Screen;
use crate::select::{own_app, planning, select, with_own_app};
use crate::settings::{OwnServers, Settings};
use crate::unconnected::refusal;
use crate::{files, replay};

/// The work of a command.
pub enum Request {
    /// It runs the component on a cluster.
    Cluster(Box<OnCluster>),
    /// It replays a recording, or all recordings in a folder.
    Replay(PathBuf, ComponentArgs),
    /// It shows what a plan or a recording contains.
    Show(PathBuf, ComponentArgs),
    /// It writes a page about a recording or a plan: the file, and the page.
    Report(PathBuf, PathBuf, ComponentArgs),
    /// It shows the component, its limits, the requests that it may send for a target, and the
    /// settings.
    Inspect(Box<Target>, Options, ComponentArgs, Box<Settings>),
    /// It prints a file for other programs.
    Print(Vec<u8>),
}

/// A run of the component on a cluster.
pub struct OnCluster {
    /// The call. Its target, or the last one, has the app that runs this command.
    pub call: Call,
    /// The targets of the call are the orphans of the cluster, which a run lists first.
    pub all_orphaned: bool,
    /// The roles that are left out.
    pub excluded: Vec<String>,
    /// The options that select several targets, as words of a shell.
    pub several: Vec<String>,
    /// The options of the call.
    pub options: Options,
    /// The options that disable the same safety checks as the file.
    pub disabled_checks: Vec<String>,
    /// The consent that the run needs before it changes anything.
    pub consent: ConsentPolicy,
    /// The servers.
    pub servers: Servers,
    /// The app that runs this command, if Marathon runs it.
    pub own_app: Option<String>,
    /// The credentials and certificates that are given.
    pub auth: Auth,
    /// The options of the command line that give access to the servers. The environment and the
    /// configuration give it to a repeated command anyway.
    pub access: Vec<String>,
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
    /// The component to run.
    pub component: ComponentArgs,
    /// The options that a repeated command needs besides those of the run: the component, the
    /// configuration.
    pub repeated: Vec<Valued>,
    /// The reason why a cleanup of the target is refused, if its role is protected.
    pub protection: Option<String>,
    /// The roles that the configuration protects.
    pub protected: Vec<String>,
    /// The exit code says what a plan contains.
    pub detailed_exitcode: bool,
    /// The recording to write.
    pub record: Option<Record>,
    /// The file to write the plan to.
    pub plan_file: Option<PathBuf>,
    /// The time after which the run is cancelled, if there is a limit.
    pub timeout: Option<Duration>,
    /// The file with the plan to apply.
    pub applied: Option<PathBuf>,
    /// The role to show, instead of all roles.
    pub role: Option<String>,
}

/// The servers of a run.
pub struct Servers {
    /// Their endpoints.
    pub endpoints: Result<Endpoints, UrlError>,
    /// Those that only a file names.
    pub only_in_file: Vec<janitor_contract::request::Server>,
    /// Those of the chosen cluster in the configuration file, which alone receive its credentials.
    pub cluster: Option<OwnServers>,
}

/// A recording to write.
pub struct Record {
    /// Its file.
    pub file: PathBuf,
    /// The file keeps its content unless the new recording is complete.
    pub only_complete: bool,
}

impl Request {
    /// Resolves a command line. The screen determines whether there may be a prompt.
    ///
    /// # Errors
    /// Fails if the command line, or a file that it names, cannot be used, or if a file disables
    /// safety checks and nobody has confirmed that.
    pub fn resolve(command: Command, screen: &Screen) -> Result<Self, CommandError> {
        let on_cluster = match command {
            Command::Clean(args) => clean(args, screen)?,
            Command::Plan(args) => plan(args, screen)?,
            Command::Apply(args) => apply(args, screen)?,
            Command::Discover(args) => discover(args)?,
            Command::Replay(args) if args.update => update(args, screen)?,
            Command::Replay(args) => {
                files::check_replay(&args.printing, &args.place)?;
                return Ok(Self::Replay(args.place, args.component));
            }
            Command::Show(args) => return Ok(Self::Show(args.file, args.component)),
            Command::Report(args) => {
                files::check_page(&args.html, &args.file, &args.component)?;
                return Ok(Self::Report(args.file, args.html, args.component));
            }
            Command::Inspect(args) => {
                let (target, options) = args.selection.read(&args.checks)?;
                let settings = Settings::read(args.urls, args.auth, &args.config)?;
                return Ok(Self::Inspect(target.into(), options, args.component, settings.into()));
            }
            Command::Completions(args) => return Ok(Self::Print(args::completions(args.shell))),
            Command::Man(args) => return Ok(Self::Print(args::man(args.command.as_deref())?)),
        };
        Ok(Self::Cluster(on_cluster.into()))
    }

    /// Returns the subject of the command with this name, as far as the command line names it.
    pub fn subject(&self, command: &str) -> Subject {
        let (targets, servers) = match self {
            Self::Cluster(request) => {
                let targets = request.call.targets().into_iter().cloned().collect();
                (targets, request.servers.endpoints.as_ref().ok().cloned())
            }
            Self::Replay(..)
            | Self::Show(..)
            | Self::Report(..)
            | Self::Inspect(..)
            | Self::Print(_) => (vec![], None),
        };
        Subject { command: command.into(), targets, servers }
    }
}

impl OnCluster {
    /// Resolves a call. If a file names the call's servers, they are used unless the command line
    /// names others.
    ///
    /// # Errors
    /// Fails if the environment or the configuration cannot be used, or if the call would clean up
    /// a protected role.
    fn new(
        call: Call,
        options: Options,
        urls: Urls,
        connection: Connection,
        file: Option<&Endpoints>,
    ) -> Result<Self, CommandError> {
        let access = connection.auth.words();
        let settings = Settings::read(urls, connection.auth, &connection.config)?;
        let protection = settings.protection(&call.targets());
        if let Some(why) = protection.as_ref().filter(|_| call.is_change()) {
            let hint = match call.parts().is_empty() {
                true => "to clean it up nevertheless, delete it from the list `protected` there",
                false => {
                    "leave the role out with --exclude, or delete it from the list `protected`"
                }
            };
            return Err(refusal(ExitCode::Refused, format!("Refused: {why}."), hint));
        }
        let own = settings.urls().endpoints(&Endpoints::default());
        let cluster = settings.own_servers();
        let servers = match file {
            None => Servers { endpoints: own, only_in_file: vec![], cluster },
            Some(file) => {
                let named = settings.named_urls();
                let own = own.unwrap_or_default();
                let only_in_file = named.only_in(file, &own);
                Servers { endpoints: named.endpoints(file), only_in_file, cluster }
            }
        };
        let auth = settings.auth();
        let record = connection.record.as_deref().map(|file| ("the recording", file));
        let written = record.into_iter().chain(files::events(&connection.printing));
        files::check_settings(written, &auth, settings.file())?;
        let repeated = [connection.component.options(), settings.options()].concat();
        let record = connection.record.map(|file| Record { file, only_complete: false });
        let is_part = call.targets().iter().any(|target| !target.agents.is_empty());
        let protected = settings.protected().into_iter().cloned().collect();
        Ok(Self {
            call,
            all_orphaned: false,
            excluded: vec![],
            several: vec![],
            options,
            disabled_checks: vec![],
            consent: ConsentPolicy::Unneeded,
            servers,
            own_app: own_app().filter(|_| !is_part),
            auth,
            access,
            config: settings.file().map(Into::into),
            component: connection.component,
            repeated,
            protection,
            protected,
            detailed_exitcode: false,
            record,
            plan_file: None,
            timeout: None,
            applied: None,
            role: None,
        })
    }

    /// Sets the options that select several targets.
    fn choosing(self, several: &Several) -> Self {
        Self {
            all_orphaned: several.all_orphaned,
            excluded: several.exclude.clone(),
            several: several.words(),
            ..self
        }
    }

    /// Sets the time limits of the command line.
    fn within(self, limits: &Limits) -> Self {
        Self { timeout: limits.timeout, ..self }
    }

    /// Determines the consent that the run needs. If there are `checks`, its options come from a
    /// file, which disables a safety check only if the command line does so too, or if a prompt
    /// confirms it.
    fn agreed(
        self,
        yes: bool,
        checks: Option<&Checks>,
        screen: &Screen,
    ) -> Result<Self, CommandError> {
        let consent = ConsentPolicy::of(&self.call, yes, screen);
        let (disabled_checks, missing) = match checks {
            Some(checks) => (disabled_checks(&self.options), checks.missing(&self.options)),
            None => (vec![], vec![]),
        };
        match consent {
            ConsentPolicy::Given(_) if !missing.is_empty() => {
                Err(CommandError::Unconfirmed(missing))
            }
            consent => Ok(Self { consent, disabled_checks, ..self }),
        }
    }
}

fn clean(args: args::Clean, screen: &Screen) -> Result<OnCluster, CommandError> {
    files::check(&args.connection, None, services(&args.several))?;
    let (call, options) = select(&args.selection, &args.several, &args.checks, screen)?;
    let options = args.waiting.added_to(options);
    let call = if args.dry_run { planning(call) } else { call };
    let request = OnCluster::new(call, options, args.urls, args.connection, None)?;
    let request = request.choosing(&args.several).within(&args.waiting.limits);
    let request = request.agreed(args.yes, None, screen)?;
    if let (true, false, ConsentPolicy::Given(_)) =
        (args.several.all_orphaned, args.yes, &request.consent)
    {
        let why = "Refused: --all-orphaned removes what nobody has named, and there is no terminal to \
                   confirm it.";
        return Err(refusal(ExitCode::Refused, why.into(), "add --yes if that is intended,"));
    }
    Ok(request)
}

/// Returns the file that lists the services, if there is one.
fn services(several: &Several) -> Option<files::Named<'_>> {
    Some(("the list of services", several.services.as_deref()?))
}

fn plan(args: args::Plan, screen: &Screen) -> Result<OnCluster, CommandError> {
    files::check(&args.connection, args.out.as_deref(), services(&args.several))?;
    let (call, options) = select(&args.selection, &args.several, &args.checks, screen)?;
    let options = args.waiting.added_to(options);
    let request = OnCluster::new(planning(call), options, args.urls, args.connection, None)?
        .choosing(&args.several)
        .within(&args.waiting.limits);
    let out = args.out.as_deref().map(|file| ("the plan", file));
    files::check_settings(out, &request.auth, request.config.as_deref())?;
    let detailed_exitcode = args.detailed_exitcode;
    Ok(OnCluster { plan_file: args.out, detailed_exitcode, ..request })
}

fn discover(args: args::Discover) -> Result<OnCluster, CommandError> {
    files::check(&args.connection, None, None)?;
    let options = args.limits.added_to(Options::DEFAULT);
    let request = OnCluster::new(Call::Discover, options, args.urls, args.connection, None)?;
    Ok(OnCluster { role: args.role, ..request.within(&args.limits) })
}

fn apply(args: args::Apply, screen: &Screen) -> Result<OnCluster, CommandError> {
    files::check(&args.connection, None, Some(("the plan", &args.file)))?;
    let file = files::read_plan(&args.file)?;
    let (endpoints, options) = (file.endpoints.clone(), file.options.clone());
    let own_app = own_app();
    let apps: Vec<_> = file.all().filter_map(|it| it.target.marathon_app.clone()).collect();
    if let Some(app) = apps.iter().find(|app| own_app.as_ref() != Some(app)) {
        return Err(CommandError::Usage(format!(
            "cannot use the plan {}: its `target.marathon_app` is '{app}', which does not run this \
             command; no other app is removed from Marathon",
            args.file.display()
        )));
    }
    let call = with_own_app(file.call());
    let options = args.waiting.added_to(args.checks.added_to(options));
    let request = OnCluster::new(call, options, args.urls, args.connection, Some(&endpoints))?
        .within(&args.waiting.limits)
        .agreed(args.yes, Some(&args.checks), screen)?;
    Ok(OnCluster { applied: Some(args.file), ..request })
}

/// Repeats a recorded run, on the cluster that the recording names unless the command line names
/// another one.
fn update(args: args::Replay, screen: &Screen) -> Result<OnCluster, CommandError> {
    if args.place.is_dir() {
        return Err(CommandError::Usage(
            "--update requires a single recording, not a folder".into(),
        ));
    }
    let Run { endpoints, call, options, .. } = replay::open(&args.place)?.run();
    let plans = match &call {
        Call::Apply(plan) => slice::from_ref(plan),
        Call::ApplyAll(plans) => plans,
        _ => &[],
    };
    if let Some(what) = plans.iter().find_map(planned::contradiction) {
        let place = args.place.display();
        return Err(CommandError::Usage(format!(
            "cannot update {place}: its plan contradicts itself: {what}"
        )));
    }
    let connection = Connection {
        printing: args.printing,
        record: Some(args.place),
        auth: args.auth,
        config: args.config,
        component: args.component,
    };
    files::check(&connection, None, None)?;
    let options = args.waiting.added_to(args.checks.added_to(options));
    let call = with_own_app(call);
    let request = OnCluster::new(call, options, args.urls, connection, Some(&endpoints))?
        .within(&args.waiting.limits)
        .agreed(args.yes, Some(&args.checks), screen)?;
    let record = request.record.map(|record| Record { only_complete: true, ..record });
    Ok(OnCluster { record, ..request })
}
