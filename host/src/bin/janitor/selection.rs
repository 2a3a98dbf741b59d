//! What to remove and where, and what may be in the way: what the command line says
//! about it, wherever it is read.

use std::env;
use std::ffi::OsString;

use clap::Args;
use janitor_host::endpoint::EndpointError;
use janitor_host::{Call, Endpoints, InUse, Options, Target};

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
    /// The service whose role, principal and znode these are, by its name; -r, -p and -z
    /// go before what is derived from it
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// How the service's package names them
    #[arg(long, value_enum, default_value = "sdk", requires = "service")]
    pub naming: Naming,
    /// Let -z name a node of the cluster itself, such as mesos or marathon
    #[arg(long)]
    pub system_znode: bool,
}

/// What to do when a registered framework still uses the role.
#[derive(Debug, Args)]
#[command(next_help_heading = "When a framework still uses the role")]
pub struct InUseWish {
    /// End the frameworks that still use the role, with all their tasks, for good
    #[arg(long, conflicts_with = "force")]
    pub teardown: bool,
    /// Go on although a registered framework still uses the role
    #[arg(long)]
    pub force: bool,
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

/// What is to be cleaned, by its own names or by its service's.
pub fn target(args: &Selection) -> Result<Target, String> {
    let Selection { role, principal, znode, service, naming, .. } = args;
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

/// How to go about it.
pub fn options(wish: &InUseWish, system_znode: bool) -> Options {
    let in_use = match (wish.teardown, wish.force) {
        (true, _) => InUse::Teardown,
        (false, true) => InUse::Force,
        (false, false) => InUse::Refuse,
    };
    Options { in_use, system_znode, ..Options::DEFAULT }
}

/// The endpoints that the command line names.
pub fn endpoints(urls: &Urls) -> Result<Endpoints, EndpointError> {
    let [master, exhibitor, marathon] = match &urls.dcos_url {
        Some(cluster) => Endpoints::behind_admin_router(cluster),
        None => [Endpoints::MASTER, Endpoints::EXHIBITOR, Endpoints::MARATHON].map(Into::into),
    };
    Endpoints::new(
        urls.master_url.as_ref().unwrap_or(&master),
        urls.exhibitor_url.as_ref().unwrap_or(&exhibitor),
        urls.marathon_url.as_ref().unwrap_or(&marathon),
    )
}

/// The app that runs this command, if Marathon does.
pub fn own_app() -> Option<String> {
    env::var("MARATHON_APP_ID").ok().filter(|app| !app.is_empty())
}

/// A cleanup also removes the app that runs it. Without anything to do there is
/// nothing to be done about Marathon either.
pub fn with_own_app(call: Call) -> Call {
    let with_app = |target: Target| {
        let nothing = target.role.is_none() && target.principal.is_none() && target.znode.is_none();
        Target { marathon_app: own_app().filter(|_| !nothing), ..target }
    };
    match call {
        Call::Clean(target) => Call::Clean(with_app(target)),
        Call::Apply(mut plan) => {
            plan.target = with_app(plan.target);
            Call::Apply(plan)
        }
        call @ (Call::Plan(_) | Call::Discover) => call,
    }
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
