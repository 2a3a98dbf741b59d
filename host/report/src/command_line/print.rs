//! Prints command lines, to be copied into a shell.

use std::path::Path;

use clap::ValueEnum;
use janitor_contract::types::{Endpoint, InUse, Options, Target};
use janitor_contract::{Call, Endpoints};

use super::time;
use crate::{service, shell};

/// An option that takes a value, by its name.
pub type Valued = (&'static str, String);

/// A run as command lines name it: the call, its options, and the servers, without credentials.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The call of the component.
    pub call: Call,
    /// The options of the call.
    pub options: Options,
    /// The servers.
    pub endpoints: Endpoints,
    /// The options that name another component than the embedded one.
    pub component: Vec<Valued>,
}

impl Invocation {
    /// Prints the command that cleans a target.
    pub fn clean(&self, target: &Target, options: &Options) -> String {
        self.targeted("janitor", target, options)
    }

    /// Prints the command that shows what cleaning a target would do.
    pub fn plan(&self, target: &Target, options: &Options) -> String {
        self.targeted("janitor plan", target, options)
    }

    /// Prints the command that applies a plan in a file. Only the plan itself makes it strict.
    pub fn apply(&self, file: &Path) -> String {
        let command = format!("janitor apply {}", shell::file(file));
        self.line(command, vec![], &self.options)
    }

    fn targeted(&self, command: &str, target: &Target, options: &Options) -> String {
        let named = named(target, options).into_iter().chain(time::named(options)).collect();
        let mut line = self.line(command.into(), named, options);
        if options.strict {
            line += " --strict";
        }
        line
    }

    fn line(&self, command: String, mut valued: Vec<Valued>, options: &Options) -> String {
        valued.extend(urls(&self.endpoints));
        valued.extend(self.component.iter().cloned());
        let valued = valued.into_iter().map(|(name, value)| shell::option(name, &value));
        let words: Vec<_> =
            [command].into_iter().chain(valued).chain(disabled_checks(options)).collect();
        words.join(" ")
    }
}

/// Prints the options that disable safety checks.
pub fn disabled_checks(options: &Options) -> Vec<String> {
    let agents = &options.ignored_agents;
    let agents = agents.iter().map(|agent| shell::option("--ignore-agent", agent));
    let users = match (options.in_use, &options.teardown[..]) {
        (InUse::Refuse, _) => vec![],
        (InUse::Force, _) => vec!["--force".into()],
        (InUse::Teardown, []) => vec!["--teardown".into()],
        (InUse::Teardown, ids) => ids.iter().map(|id| shell::option("--teardown", id)).collect(),
    };
    let znode = options.system_znode.then(|| "--system-znode".into());
    agents.chain(users).chain(znode).collect()
}

/// Prints the options for servers that are not at their default URLs.
pub fn urls(endpoints: &Endpoints) -> Vec<Valued> {
    let usual = Endpoints::default();
    let url = |endpoint| {
        let url = endpoints.base(endpoint);
        (url != usual.base(endpoint)).then(|| url.to_owned())
    };
    let masters = endpoints.masters();
    let masters = (masters != usual.masters()).then(|| masters.join(","));
    let urls = [("-m", masters), ("-e", url(Endpoint::Exhibitor)), ("-n", url(Endpoint::Marathon))];
    urls.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Prints the options that name a target, and those that limit it to a part. A whole service is
/// named by its own name, and by those names that do not follow from it.
fn named(target: &Target, options: &Options) -> Vec<Valued> {
    let Target { role, principal, znode, labels, framework_id, agents, .. } = target;
    let labels = labels.iter().map(|it| ("--label", it.words()));
    let framework = framework_id.iter().map(|it| ("--framework-id", it.clone()));
    let agents = agents.iter().map(|it| ("--agent", it.clone()));
    let parts = labels.chain(framework).chain(agents);
    let service = service::of(target).filter(|_| {
        // A service always has these two.
        options.whole_service && principal.is_some() && znode.is_some()
    });
    let Some((service, naming, names)) = service else {
        let given = [("-r", role), ("-p", principal), ("-z", znode)];
        let given = given.into_iter().filter_map(|(name, it)| Some((name, it.clone()?)));
        return given.chain(parts).collect();
    };
    let naming = naming.to_possible_value().filter(|_| naming != service::Naming::default());
    let naming = naming.map(|it| ("--naming", it.get_name().to_owned()));
    let others = [("-p", principal, names.principal), ("-z", znode, names.znode)];
    let others = others
        .into_iter()
        .filter_map(|(name, it, derived)| Some((name, it.clone().filter(|it| *it != derived)?)));
    [("--service", service)].into_iter().chain(naming).chain(others).chain(parts).collect()
}
