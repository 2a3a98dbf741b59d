//! What to remove and where, and what may be in the way: what the command line says
//! about it, wherever it is read.

use std::ffi::OsString;

use clap::Args;
use janitor_contract::Endpoints;
use janitor_contract::endpoint::EndpointError;
use janitor_contract::types::{InUse, Options, Target};

use crate::next;
use crate::service::{self, Naming};

/// What is to be removed.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to remove")]
pub struct Selection {
    /// The role whose volumes and reservations go
    #[arg(short, long)]
    pub role: Option<String>,
    /// Only what this principal made; without it, everything of the role
    #[arg(short, long)]
    pub principal: Option<String>,
    /// The ZooKeeper node that goes, with everything below it
    #[arg(short, long = "zk-path", aliases = ["z", "zk"], value_name = "ZNODE")]
    pub znode: Option<String>,
    /// Service to clean up after: its role, principal and znode are derived from its name,
    /// unless -r, -p or -z say otherwise. Anything else that its principal made then counts
    /// as left over, unless -r names another role
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// How the service's package names them
    #[arg(long, value_enum, default_value = "sdk", requires = "service")]
    pub naming: Naming,
}

/// How strict a run is.
#[derive(Debug, Args)]
#[command(next_help_heading = "When something is in the way")]
pub struct Checks {
    /// End the frameworks that still use the role, with all their tasks, for good. One that
    /// has other roles too, or that runs the apps or jobs of others (Marathon, Metronome),
    /// is ended only if its ID is given; with an ID, no other one is (repeatable)
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with = "force")]
    pub teardown: Vec<String>,
    /// Go on although a registered framework still uses the role
    #[arg(long)]
    pub force: bool,
    /// Ignore what an agent may hold that cannot be reached, by its id or host name
    /// (repeatable)
    #[arg(long, value_name = "ID-or-HOST")]
    pub ignore_agent: Vec<String>,
    /// Let the znode be one of the cluster itself, such as mesos or marathon
    #[arg(long)]
    pub system_znode: bool,
    /// Refuse a role for which nothing is reserved, even if it may be clean already
    #[arg(long)]
    pub strict: bool,
}

/// The options of a document, a plan file or a recording, as the command line has them
/// carried out.
pub struct Documented {
    /// What the command line adds to them is in here.
    pub options: Options,
    /// The options of a command line that lift the same guards.
    pub lifting: Vec<String>,
    /// Those of them that this command line lacks.
    pub unnamed: Vec<String>,
}

/// Where the servers are.
#[derive(Debug, Args)]
#[command(next_help_heading = "The cluster")]
// The help shows the URLs as they are.
#[allow(rustdoc::bare_urls)]
pub struct Urls {
    /// A DC/OS cluster: its servers are reached through its Admin Router, where no other
    /// URL is given
    #[arg(long, value_name = "URL")]
    pub dcos_url: Option<String>,
    /// The Mesos master; of several masters, all with , between them
    /// [default: http://leader.mesos:5050/master/]
    #[arg(short, long, value_name = "URL")]
    pub master_url: Option<String>,
    /// Exhibitor, or ZooKeeper itself: zk://host:port,host:port/
    /// [default: http://leader.mesos:8181/]
    #[arg(short, long, value_name = "URL")]
    pub exhibitor_url: Option<String>,
    /// Marathon's apps
    /// [default: http://marathon.mesos:8080/v2/apps/]
    #[arg(short = 'n', long, value_name = "URL")]
    pub marathon_url: Option<String>,
}

impl Selection {
    /// What to clean, by its own names or by its service's, and how.
    ///
    /// # Errors
    /// One sentence, when the service cannot be one.
    pub fn read(&self, checks: &Checks) -> Result<(Target, Options), String> {
        let Self { role, principal, znode, service, naming } = self;
        let derived = service.as_deref().map(|service| service::names(service, *naming));
        let derived = derived.transpose()?;
        let derived = derived.as_ref();
        let or = |own: &Option<String>, derived: Option<&String>| own.as_ref().or(derived).cloned();
        let target = Target {
            role: or(role, derived.map(|names| &names.role)),
            principal: or(principal, derived.map(|names| &names.principal)),
            znode: or(znode, derived.map(|names| &names.znode)),
            marathon_app: None,
        };
        // Another role than the service's own is a part that somebody chose.
        let whole_service = derived.is_some_and(|names| target.role.as_ref() == Some(&names.role));
        let options = Options { whole_service, ..Options::DEFAULT };
        Ok((target, checks.added_to(options)))
    }
}

impl Checks {
    /// The options, with what the command line adds to them.
    pub fn added_to(&self, options: Options) -> Options {
        let add = |these: Vec<String>, more: &[String]| {
            more.iter().filter(|it| !it.is_empty()).fold(these, |mut these, it| {
                if !these.contains(it) {
                    these.push(it.clone());
                }
                these
            })
        };
        let in_use = match (self.force, self.teardown.is_empty()) {
            (true, _) => InUse::Force,
            (false, false) => InUse::Teardown,
            (false, true) => options.in_use,
        };
        Options {
            in_use,
            teardown: add(options.teardown, &self.teardown),
            ignored_agents: add(options.ignored_agents, &self.ignore_agent),
            system_znode: options.system_znode || self.system_znode,
            strict: options.strict || self.strict,
            ..options
        }
    }

    /// The same for the options of a document, whose writer may be somebody else.
    pub fn documented(&self, options: Options) -> Documented {
        let options = self.added_to(options);
        let (lifting, mut unnamed) = (next::lifting(&options), next::lifting(&options));
        let own = next::lifting(&self.added_to(Options::DEFAULT));
        unnamed.retain(|it| !own.contains(it));
        Documented { options, lifting, unnamed }
    }
}

/// An invalid URL, and the endpoints that are known all the same: Marathon's is among
/// them, the others need not be.
pub struct UrlError {
    /// What is wrong.
    pub error: EndpointError,
    /// The endpoints, if Marathon is where the command line says; those of servers whose
    /// URLs are invalid are the usual ones, and must not be asked.
    pub known: Option<Endpoints>,
}

impl Urls {
    /// The endpoints that the command line names.
    ///
    /// # Errors
    /// The first URL that cannot be one.
    pub fn endpoints(&self) -> Result<Endpoints, UrlError> {
        let Self { dcos_url, master_url, exhibitor_url, marathon_url } = self;
        let usual = [Endpoints::MASTER, Endpoints::EXHIBITOR, Endpoints::MARATHON].map(Into::into);
        endpoints(dcos_url.as_ref(), [master_url, exhibitor_url, marathon_url], usual)
    }
}

/// The endpoints that the command line names, each server by itself or all by their
/// cluster; where it names none, the `others`.
///
/// # Errors
/// The first URL that cannot be one.
pub fn endpoints(
    cluster: Option<&String>,
    own: [&Option<String>; 3],
    others: [String; 3],
) -> Result<Endpoints, UrlError> {
    let others = match cluster {
        Some(cluster) => {
            Endpoints::new(Endpoints::MASTER, Endpoints::EXHIBITOR, cluster).map_err(|error| {
                UrlError { error: EndpointError { name: "DC/OS", ..error }, known: None }
            })?;
            Endpoints::behind_admin_router(cluster)
        }
        None => others,
    };
    let [own_master, own_exhibitor, own_marathon] = own.map(Option::as_ref);
    let [master, exhibitor, marathon] = &others;
    located(
        own_master.unwrap_or(master),
        own_exhibitor.unwrap_or(exhibitor),
        own_marathon.unwrap_or(marathon),
    )
}

/// The endpoints with these URLs.
///
/// # Errors
/// The first one that cannot be one.
fn located(master: &str, exhibitor: &str, marathon: &str) -> Result<Endpoints, UrlError> {
    Endpoints::new(master, exhibitor, marathon).map_err(|error| {
        let (usual_master, usual_exhibitor) = (Endpoints::MASTER, Endpoints::EXHIBITOR);
        let is_master = Endpoints::new(master, usual_exhibitor, Endpoints::MARATHON).is_ok();
        let is_exhibitor = Endpoints::new(usual_master, exhibitor, Endpoints::MARATHON).is_ok();
        let master = if is_master { master } else { usual_master };
        let exhibitor = if is_exhibitor { exhibitor } else { usual_exhibitor };
        let known = Endpoints::new(master, exhibitor, marathon).ok();
        UrlError { error, known }
    })
}

/// The variable in which Marathon tells an app its ID.
pub const OWN_APP: &str = "MARATHON_APP_ID";

/// A target with the app that runs this command, which a cleanup removes at its end. Where
/// the target comes from does not matter: a plan never names another process's app. Where
/// nothing is to be cleaned, the app stays.
pub fn with_app(target: Target, own_app: Option<String>) -> Target {
    let nothing = target.role.is_none() && target.principal.is_none() && target.znode.is_none();
    Target { marathon_app: own_app.filter(|_| !nothing), ..target }
}

/// A command line in which long options with `_` in their names, as the reference has
/// them, have `-` instead. A secret may begin with `--` too, and is taken as it is.
pub fn dashed(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut is_secret = false;
    args.map(move |arg| {
        let arg = if is_secret { arg } else { dashed_option(arg) };
        is_secret =
            !is_secret && matches!(arg.to_str(), Some("-a" | "--auth-token" | "--password"));
        arg
    })
}

fn dashed_option(arg: OsString) -> OsString {
    match arg.to_str() {
        Some(text) if text.starts_with("--") => match text.split_once('=') {
            Some((name, value)) => format!("{}={value}", name.replace('_', "-")).into(),
            None => text.replace('_', "-").into(),
        },
        _ => arg,
    }
}
