//! Prints command lines, to be copied into a shell.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Everything else about the command that made the call.
    pub caller: Caller,
}

/// The command that made a call, as far as it determines the commands that follow.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The way in which the command was started.
    pub program: Program,
    /// The options about credentials and certificates, as words of a shell. They name files, and
    /// contain no secret.
    pub access: Vec<String>,
    /// The time after which the run is cancelled, if there is a limit.
    pub timeout: Option<Duration>,
    /// The plan file that the command reads or writes.
    pub plan: Option<PathBuf>,
    /// The options that select several targets, as words of a shell; none in a command for one.
    pub several: Vec<String>,
    /// The roles that the configuration protects, so that no cleanup of them is proposed.
    pub protected: Vec<String>,
}

/// The way in which the command was started.
#[derive(Clone, Debug, Default)]
pub enum Program {
    /// By its own name.
    #[default]
    Own,
    /// In a container of an image.
    Image {
        /// The name of the image.
        name: String,
        /// The working directory in the container, unless it is the root.
        folder: Option<PathBuf>,
        /// The variables of the environment that a command needs, as the option `--env` takes them:
        /// `NAME=VALUE`, or only the name of one with a secret, which the caller has to set.
        environment: Vec<String>,
    },
}

impl Program {
    /// Prints the program with its arguments. If the arguments name files, a container needs the
    /// folder with them.
    pub fn with(&self, arguments: &[String], has_files: bool) -> String {
        let program = match self {
            Self::Own => vec!["janitor".into()],
            Self::Image { name, folder, environment } => {
                // Most of these variables name files.
                let has_files = has_files || environment.iter().any(|it| it.contains('='));
                let mut words = vec!["docker run --rm -it".into()];
                if has_files {
                    // The image's own user can neither read nor write the files of others.
                    words.push("--user \"$(id -u)\"".into());
                }
                if let Some(folder) = folder.as_ref().filter(|_| has_files) {
                    let folder = shell::file(folder);
                    words.push(format!("--volume \"$PWD\":{folder} --workdir {folder}"));
                }
                words.extend(environment.iter().map(|it| shell::option("--env", it)));
                words.extend([shell::quote(name).into_owned(), "janitor".into()]);
                words
            }
        };
        program.iter().chain(arguments).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Invocation {
    /// Prints the command that cleans a target.
    pub fn clean(&self, target: &Target, options: &Options) -> String {
        self.targeted(&[], target, options)
    }

    /// Prints the command that shows what cleaning a target would do.
    pub fn plan(&self, target: &Target, options: &Options) -> String {
        self.targeted(&["plan".into()], target, options)
    }

    /// Prints the command that makes a new plan for a target, in the file of the one that the
    /// command applied, if there is one.
    pub fn new_plan(&self, target: &Target, options: &Options) -> String {
        let mut command = vec!["plan".into()];
        if let Some(file) = &self.caller.plan {
            command.push(format!("--out {}", shell::file(file)));
        }
        self.targeted(&command, target, options)
    }

    /// Prints the command that applies a plan in a file. Only the plan itself makes it strict.
    pub fn apply(&self, file: &Path) -> String {
        self.line(&["apply".into(), shell::file(file)], vec![], &self.options, &[])
    }

    /// Prints the command that lists everything that is reserved.
    pub fn discover(&self) -> String {
        self.line(&["discover".into()], vec![], &Options::DEFAULT, &[])
    }

    /// Prints the command that cleans the same targets as this one.
    pub fn clean_all(&self) -> String {
        self.several("clean", &self.caller.several, &self.options)
    }

    /// Prints the command that makes new plans for the same targets, in the file of this command,
    /// if there is one.
    pub fn new_plans(&self) -> String {
        let out = self.caller.plan.iter().map(|file| format!("--out {}", shell::file(file)));
        let words: Vec<_> = out.chain(self.caller.several.iter().cloned()).collect();
        self.several("plan", &words, &self.options)
    }

    /// Prints the command that shows what a cleanup of everything orphaned would do.
    pub fn plan_all_orphaned(&self) -> String {
        self.several("plan", &["--all-orphaned".into()], &Options::DEFAULT)
    }

    fn several(&self, command: &str, words: &[String], options: &Options) -> String {
        let strict = options.strict.then(|| "--strict".to_owned());
        let words: Vec<_> = [command.to_owned()].into_iter().chain(words.iter().cloned()).collect();
        self.line(&words, time::named(options), options, strict.as_slice())
    }

    fn targeted(&self, command: &[String], target: &Target, options: &Options) -> String {
        let strict = options.strict.then(|| "--strict".to_owned());
        let valued = named(target, options).into_iter().chain(time::named(options)).collect();
        self.line(command, valued, options, strict.as_slice())
    }

    fn line(
        &self,
        command: &[String],
        mut valued: Vec<Valued>,
        options: &Options,
        last: &[String],
    ) -> String {
        valued.extend(self.caller.timeout.map(|limit| ("--timeout", time::words(limit))));
        valued.extend(urls(&self.endpoints));
        valued.extend(self.component.iter().cloned());
        let valued = valued.iter().map(|(name, value)| shell::option(name, value));
        let Caller { program, access, .. } = &self.caller;
        let words = command.iter().cloned().chain(valued).chain(access.iter().cloned());
        let words: Vec<_> =
            words.chain(disabled_checks(options)).chain(last.iter().cloned()).collect();
        let has_files = command.len() > 1 || !access.is_empty() || !self.component.is_empty();
        program.with(&words, has_files)
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
