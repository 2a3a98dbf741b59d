//! Parses the options that all programs with a command line share: the target, the servers, and
//! the safety checks to disable.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use janitor_contract::Endpoints;
use janitor_contract::endpoint::EndpointError;
use janitor_contract::request::Server;
use janitor_contract::types::{Endpoint, InUse, LabelSelector, Options, Target};

use super::print::disabled_checks;
use crate::service::{self, Naming};

/// The options that select what to remove.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What to remove")]
pub struct Selection {
    /// Role to clean up: its volumes are destroyed, its reservations released
    #[arg(short, long)]
    pub role: Option<String>,
    /// Remove only what this principal created [default: all of the role]
    #[arg(short, long, value_name = "NAME")]
    pub principal: Option<String>,
    /// ZooKeeper node to delete, with everything below it
    #[arg(short, long = "zk-path", aliases = ["z", "zk"], value_name = "ZNODE")]
    pub znode: Option<String>,
    /// Service to clean up: derive role, principal and znode from its name
    ///
    /// -r, -p and -z replace the derived names. While the service has resources under other roles, the run is incomplete and
    /// keeps the znode, unless -r names another role
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Remove only what has this label on its reservation (repeatable)
    ///
    /// KEY alone stands for any value; a volume belongs to its reservation's labels. All labels that
    /// are given must match
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = LabelSelector::read)]
    pub label: Vec<LabelSelector>,
    /// Remove only what this framework reserved, according to the label in which services of the
    /// DC/OS SDK, or Marathon, write their ID. Other frameworks may then use the same role
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub framework_id: Option<String>,
    /// Remove only what is on this agent, and keep the znode and the app (repeatable)
    #[arg(long, value_name = "ID-or-HOST", value_parser = NonEmptyStringValueParser::new())]
    #[arg(conflicts_with = "znode")]
    pub agent: Vec<String>,
    /// Naming scheme of the service's package
    #[arg(long, value_enum, default_value = "sdk", requires = "service")]
    pub naming: Naming,
}

/// The value of `--teardown` without an ID. No command line can contain it, so an empty ID,
/// such as that of a script's unset variable, is not mistaken for it.
const NO_ID: &str = "\0";

/// The options that disable safety checks, or add one.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Safety checks")]
pub struct Checks {
    /// Permanently tear down the frameworks that still use the role
    ///
    /// All their tasks end. A framework that has other roles too, or that runs apps or jobs for others (Marathon,
    /// Metronome), is torn down only if its ID is given; if an ID is given, no other framework
    /// is torn down (repeatable)
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = NO_ID)]
    #[arg(conflicts_with = "force", value_parser = NonEmptyStringValueParser::new())]
    pub teardown: Vec<String>,
    /// Continue even if a registered framework still uses the role
    #[arg(long)]
    pub force: bool,
    /// Ignore the resources of an agent that cannot be reached, by its ID or host name
    /// (repeatable)
    #[arg(long, value_name = "ID-or-HOST", value_parser = NonEmptyStringValueParser::new())]
    pub ignore_agent: Vec<String>,
    /// Allow a znode of the cluster itself, such as mesos or marathon
    #[arg(long)]
    pub system_znode: bool,
    /// Refuse a role for which nothing is reserved, even if it may be clean already
    #[arg(long)]
    pub strict: bool,
}

/// The options with the URLs of the servers. A command line that flattens them gives them a
/// heading that names the default URLs.
#[derive(Clone, Debug, Default, Args)]
// The help shows the URLs as they are.
#[allow(rustdoc::bare_urls)]
pub struct Urls {
    /// URL of a DC/OS cluster, to reach all servers through its Admin Router
    ///
    /// A server whose own URL is given is reached there instead [env: JANITOR_DCOS_URL]
    #[arg(long, value_name = "URL")]
    pub dcos_url: Option<String>,
    /// URLs of the Mesos masters, with commas, or zk://host:port,.../mesos
    ///
    /// The ZooKeeper URL is the one with which the masters were started (zk+https:// if they require
    /// HTTPS). On DC/OS: http://leader.mesos:5050/master/ [env: JANITOR_MASTER_URL]
    #[arg(short, long, value_name = "URL")]
    pub master_url: Option<String>,
    /// Exhibitor URL, or ZooKeeper itself: zk://host:port,host:port/chroot
    ///
    /// On DC/OS: http://leader.mesos:8181/ [env: JANITOR_EXHIBITOR_URL]
    #[arg(short, long, value_name = "URL")]
    pub exhibitor_url: Option<String>,
    /// URL of Marathon's apps
    ///
    /// On DC/OS: http://marathon.mesos:8080/v2/apps/ [env: JANITOR_MARATHON_URL]
    #[arg(short = 'n', long, value_name = "URL")]
    pub marathon_url: Option<String>,
}

/// The variables of the environment that all programs share: the URLs of the servers, and the DC/OS
/// authentication token.
pub mod variables {
    /// The URL of a DC/OS cluster.
    pub const DCOS_URL: &str = "JANITOR_DCOS_URL";
    /// The URL of a Mesos master, or a comma-separated list of all masters.
    pub const MASTER_URL: &str = "JANITOR_MASTER_URL";
    /// The URL of Exhibitor, or of ZooKeeper itself.
    pub const EXHIBITOR_URL: &str = "JANITOR_EXHIBITOR_URL";
    /// The URL of Marathon's apps.
    pub const MARATHON_URL: &str = "JANITOR_MARATHON_URL";
    /// The DC/OS authentication token for all servers.
    pub const AUTH_TOKEN: &str = "JANITOR_AUTH_TOKEN";
}

/// The heading of [`Urls`] for a command whose servers are at the addresses of DC/OS by default.
pub const URLS: &str = "Cluster (default: the addresses of DC/OS)";

/// The heading of [`Urls`] for a command that reads the default addresses from a file.
pub const URLS_OF_A_FILE: &str = "Cluster (default: the addresses in the file)";

/// The heading of the options about the output.
pub const OUTPUT: &str = "Output";

/// The options about the output.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct Show {
    /// Show every request, and list the agents one by one
    #[arg(short, long)]
    pub verbose: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub output: Format,
}

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines for people, on standard output
    Text,
    /// One JSON object on standard output, and one event per line on standard error
    Json,
}

impl Selection {
    /// Returns the target, named by itself or by its service, and the options of the run. If the
    /// target is limited to certain agents, it has no znode.
    ///
    /// # Errors
    /// Fails if the service's name is invalid, with one sentence for people.
    pub fn read(&self, checks: &Checks) -> Result<(Target, Options), String> {
        let Self { role, principal, znode, service, label, framework_id, agent, naming } = self;
        let derived = service.as_deref().map(|service| service::names(service, *naming));
        let derived = derived.transpose()?;
        let derived = derived.as_ref();
        let or = |own: &Option<String>, derived: Option<&String>| own.as_ref().or(derived).cloned();
        let target = Target {
            role: or(role, derived.map(|names| &names.role)),
            principal: or(principal, derived.map(|names| &names.principal)),
            znode: or(znode, derived.map(|names| &names.znode)).filter(|_| agent.is_empty()),
            labels: label.clone(),
            framework_id: framework_id.clone(),
            agents: agent.clone(),
            ..Target::NOTHING
        };
        // With another role than the service's own, or on certain agents, only a part of the
        // service is selected.
        let is_own = derived.is_some_and(|names| target.role.as_ref() == Some(&names.role));
        let whole_service = is_own && agent.is_empty();
        let options = Options { whole_service, ..Options::DEFAULT };
        Ok((target, checks.added_to(options)))
    }
}

impl Selection {
    /// Lists what `--agent` takes out of the target, one line each: the znode of the service, and
    /// the app that runs this command.
    pub fn left_out(&self, own_app: Option<&str>) -> Vec<String> {
        let znode = self.service.iter().map(|it| format!("the znode of service '{it}'"));
        let app = own_app.into_iter().map(|it| format!("app '{it}', which runs this janitor,"));
        let all = znode.chain(app).filter(|_| !self.agent.is_empty());
        all.map(|what| format!("{what} stays, because --agent limits this run to certain agents"))
            .collect()
    }
}

impl Checks {
    /// Adds the options of the command line to the given ones.
    pub fn added_to(&self, options: Options) -> Options {
        let add = |these: Vec<String>, more: &[String]| {
            more.iter().filter(|it| *it != NO_ID).fold(these, |mut these, it| {
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

    /// Returns the options that this command line lacks to disable the same safety checks. The
    /// given options may come from a file that somebody else has written.
    pub fn missing(&self, options: &Options) -> Vec<String> {
        let own = disabled_checks(&self.added_to(Options::DEFAULT));
        disabled_checks(options).into_iter().filter(|it| !own.contains(it)).collect()
    }
}

/// An invalid URL, and the endpoints that are known nevertheless. Marathon's is among them; the
/// others need not be.
pub struct UrlError {
    /// The first invalid URL, and the reason.
    pub error: EndpointError,
    /// The endpoints, if Marathon's URL is valid. A server whose URL is invalid has its default
    /// URL here, and must not receive requests.
    pub known: Option<Endpoints>,
}

impl Urls {
    /// Returns the endpoints. The command line names each server by its own URL, or all of them by
    /// the URL of their cluster; servers that it does not name are those of `others`.
    ///
    /// # Errors
    /// Fails if a URL is invalid, with the first of them.
    pub fn endpoints(&self, others: &Endpoints) -> Result<Endpoints, UrlError> {
        let Self { dcos_url, master_url, exhibitor_url, marathon_url } = self;
        let others = match dcos_url {
            Some(cluster) => {
                Endpoints::new(Endpoints::MASTER, Endpoints::EXHIBITOR, cluster).map_err(
                    |error| {
                        let guess = !cluster.contains("://") && error.shown == *cluster;
                        let likely = guess.then(|| format!("https://{}/", cluster.trim()));
                        let error = EndpointError { name: "DC/OS", likely, ..error };
                        UrlError { error, known: None }
                    },
                )?;
                Endpoints::behind_admin_router(cluster)
            }
            None => [
                others.masters().join(","),
                others.base(Endpoint::Exhibitor).into(),
                others.base(Endpoint::Marathon).into(),
            ],
        };
        let [master, exhibitor, marathon] = &others;
        located(
            master_url.as_ref().unwrap_or(master),
            exhibitor_url.as_ref().unwrap_or(exhibitor),
            marathon_url.as_ref().unwrap_or(marathon),
        )
    }

    /// Returns the URLs that the environment names. `variable` reads a variable, unless it is empty.
    pub fn in_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            dcos_url: variable(variables::DCOS_URL),
            master_url: variable(variables::MASTER_URL),
            exhibitor_url: variable(variables::EXHIBITOR_URL),
            marathon_url: variable(variables::MARATHON_URL),
        }
    }

    /// Adds the URLs of a place with a lower precedence. The URL of a cluster names all of its
    /// servers, so nothing of that place remains beside it.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        if self.dcos_url.is_some() {
            return self;
        }
        Self {
            dcos_url: lower.dcos_url,
            master_url: self.master_url.or(lower.master_url),
            exhibitor_url: self.exhibitor_url.or(lower.exhibitor_url),
            marathon_url: self.marathon_url.or(lower.marathon_url),
        }
    }

    /// Returns the servers that only a file names: the command line does not, and they are not at
    /// the operator's own addresses (`own`), which are those of DC/OS unless the operator has
    /// configured others.
    pub fn only_in(&self, file: &Endpoints, own: &Endpoints) -> Vec<Server> {
        let Self { dcos_url, master_url, exhibitor_url, marathon_url } = self;
        let differs = |endpoint| file.base(endpoint) != own.base(endpoint);
        let servers = [
            (Server::Master, master_url, file.masters() != own.masters()),
            (Server::Exhibitor, exhibitor_url, differs(Endpoint::Exhibitor)),
            (Server::Marathon, marathon_url, differs(Endpoint::Marathon)),
        ];
        let unnamed = servers
            .into_iter()
            .filter(|(_, own, differs)| *differs && own.is_none() && dcos_url.is_none());
        unnamed.map(|(server, ..)| server).collect()
    }
}

/// Makes endpoints of these URLs.
///
/// # Errors
/// Fails if a URL is invalid, with the first of them.
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

/// The variable that Marathon sets to the ID of an app.
pub const OWN_APP: &str = "MARATHON_APP_ID";

/// Adds the app that runs this command to a target: a cleanup removes it at its end. The app
/// replaces one that the target already names, because a plan must not remove another process's
/// app. If there is nothing to clean up, or only a part on certain agents, the app stays.
pub fn with_app(target: Target, own_app: Option<String>) -> Target {
    let is_whole = Target { marathon_app: None, ..target.clone() } != Target::NOTHING
        && target.agents.is_empty();
    Target { marathon_app: own_app.filter(|_| is_whole), ..target }
}

/// Replaces the `_` of the original's long options by `-`. The value of a secret stays unchanged,
/// even if it begins with `--`.
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
