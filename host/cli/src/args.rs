//! The command line as it is typed: the options of the original, short and long, with `_` or
//! `-`, and the options that this program adds.

pub mod auth;
pub mod file;
mod help;
pub mod several;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use janitor_contract::printable::printable;
use janitor_report::command_line::parse::{
    Checks, Format, OUTPUT, Selection, Show, URLS, URLS_OF_A_FILE, Urls, dashed,
};

use janitor_report::command_line::time::{Limits, Waiting};

use crate::component::ComponentArgs;
use auth::Auth;
use help::command;
use several::Several;

/// The heading of the options about the prompt.
const PROMPT: &str = "Confirmation";

/// The heading of the options about the configuration file.
const CONFIGURATION: &str = "Configuration";

/// Clean up after a removed DC/OS or Mesos service: persistent volumes, reservations, ZooKeeper node
#[derive(Debug, Parser)]
#[command(
    name = "janitor",
    version,
    args_conflicts_with_subcommands = true,
    infer_long_args = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    clean: Clean,
}

/// A command line: one of the commands. Without the name of a command, it is a cleanup.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one for each process")]
pub enum Command {
    /// Remove volumes, reservations and znode (the same as janitor without a command)
    Clean(Clean),
    /// Show what would be removed, and change nothing
    Plan(Plan),
    /// Apply a plan, if the cluster has not changed since
    Apply(Apply),
    /// List everything that is reserved in the cluster, and what is orphaned
    Discover(Discover),
    /// Show what a plan or a recording contains, without a network
    Show(file::ShowFile),
    /// Write a page about a recording or a plan, for somebody who was not there
    Report(file::Report),
    /// Replay a recording without a network, or repeat it on its cluster
    Replay(Replay),
    /// Show the component, its limits, the requests that it may send, and the settings
    Inspect(Inspect),
    /// Print the completions for a shell
    Completions(Completions),
    /// Print the manual page of janitor, or of one of its commands
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Clean {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub several: Several,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS)]
    pub urls: Urls,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub waiting: Waiting,
    /// Show what would be removed, and change nothing
    #[arg(long, conflicts_with = "yes", help_heading = PROMPT)]
    pub dry_run: bool,
    /// Skip the confirmation prompt
    #[arg(short, long, help_heading = PROMPT)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub several: Several,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS)]
    pub urls: Urls,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub waiting: Waiting,
    /// Write the plan to a file, for janitor apply
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub out: Option<PathBuf>,
    /// Exit with 2 if a cleanup would remove something, with 7 if it is refused
    ///
    /// With 5 if only the znode could be removed, and it is not known whether it exists
    #[arg(long, help_heading = OUTPUT)]
    pub detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// Plan to apply, as written by janitor plan --out
    ///
    /// The plan also names the servers; credentials in the environment are not sent to servers that only the plan names. Options that disable
    /// safety checks are added to those of the plan, and the run may then do more than the plan
    /// shows
    pub file: PathBuf,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS_OF_A_FILE)]
    pub urls: Urls,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub waiting: Waiting,
    /// Skip the confirmation prompt
    #[arg(short, long, help_heading = PROMPT)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Discover {
    /// Role to show with its agents, and the command that removes it if it is orphaned
    ///
    /// Text output lists all roles otherwise; the JSON always contains all of them
    #[arg(value_name = "ROLE")]
    pub role: Option<String>,
    #[command(flatten, next_help_heading = URLS)]
    pub urls: Urls,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("anew")
        .args(["yes", "dcos_url", "master_url", "exhibitor_url", "marathon_url"])
        .args(["auth_token", "auth_token_file", "username", "password", "password_file"])
        .args(["service_account", "basic_auth_file", "zk_auth_file"])
        .args(["exhibitor_auth_file", "marathon_auth_file"])
        .args(["ca_cert", "client_cert", "client_key", "insecure", "allow_plain_http"])
        .args(["teardown", "force", "ignore_agent", "system_znode", "strict"])
        .args(["wait", "timeout", "confirm_seconds"])
        .args(["config", "cluster"])
        .multiple(true)
        .requires("update")
))]
pub struct Replay {
    /// Recording, as written by --record; or a folder of recordings, to replay each of them
    ///
    /// The text lists all of them with the result, the JSON only those that differ or cannot be read
    #[arg(value_name = "FILE")]
    pub place: PathBuf,
    /// Repeat the run on the cluster that the recording names, and record it again
    ///
    /// The run removes
    /// resources like a cleanup, with the same prompt and safety checks. Credentials in the
    /// environment are not sent to servers that only the recording names. The file is replaced
    /// only if the new run is complete and every request was answered
    #[arg(long)]
    pub update: bool,
    /// Skip the confirmation prompt
    #[arg(short, long, help_heading = PROMPT)]
    pub yes: bool,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS_OF_A_FILE)]
    pub urls: Urls,
    #[command(flatten)]
    pub auth: Auth,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub component: ComponentArgs,
    #[command(flatten)]
    pub waiting: Waiting,
    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub checks: Checks,
    #[command(flatten, next_help_heading = URLS)]
    pub urls: Urls,
    #[command(flatten)]
    pub auth: Auth,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub component: ComponentArgs,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    #[arg(help_heading = OUTPUT)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to complete for
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Command whose page to print
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
}

/// The options of every command that talks to the servers.
#[derive(Debug, Args)]
pub struct Connection {
    #[command(flatten)]
    pub printing: Printing,
    /// Record every exchange to a file, as HAR 1.2
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    pub auth: Auth,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub component: ComponentArgs,
}

/// The options about the output of a run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct Printing {
    #[command(flatten)]
    pub show: Show,
    /// Write only errors to standard error
    ///
    /// There are no warnings, proposals, progress or events; the prompt remains
    #[arg(short, long)]
    pub quiet: bool,
    /// Write the events of the run to a file: one JSON object per line, each with its time
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// The options that choose settings from a configuration file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = CONFIGURATION)]
pub struct ConfigArgs {
    /// Cluster of the configuration file to use
    ///
    /// With this option, its servers and credentials take precedence over those of the environment
    /// [env: JANITOR_CLUSTER; default: the one that the file chooses]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Configuration file (TOML), with clusters and protected roles
    ///
    /// [env: JANITOR_CONFIG; default: janitor/config.toml in $XDG_CONFIG_HOME or ~/.config, or
    /// /etc/janitor/config.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Command {
    /// The name of the command.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clean(_) => "clean",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Discover(_) => "discover",
            Self::Show(_) => "show",
            Self::Report(_) => "report",
            Self::Replay(_) => "replay",
            Self::Inspect(_) => "inspect",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// The output options of this command.
    pub fn printing(&self) -> Printing {
        const TEXT: Printing = Printing {
            show: Show { verbose: false, output: Format::Text },
            quiet: false,
            events: None,
        };
        match self {
            Self::Clean(args) => args.connection.printing.clone(),
            Self::Plan(args) => args.connection.printing.clone(),
            Self::Apply(args) => args.connection.printing.clone(),
            Self::Discover(args) => args.connection.printing.clone(),
            Self::Replay(args) => args.printing.clone(),
            Self::Inspect(args) => {
                Printing { show: Show { output: args.output, ..TEXT.show }, ..TEXT }
            }
            Self::Show(args) => {
                Printing { show: Show { verbose: args.verbose, output: args.output }, ..TEXT }
            }
            Self::Report(_) | Self::Completions(_) | Self::Man(_) => TEXT,
        }
    }
}

/// The definition of the command line.
#[cfg(test)]
pub fn definition() -> clap::Command {
    command()
}

/// The usage of the command, in a few lines.
pub fn usage() -> String {
    command().render_usage().to_string()
}

/// The completions for a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut file = Vec::new();
    clap_complete::generate(shell, &mut command(), "janitor", &mut file);
    file
}

/// The manual page of the command, or of one below it.
///
/// # Errors
/// Fails if there is no such command, with one sentence for people.
pub fn man(name: Option<&str>) -> Result<Vec<u8>, String> {
    let mut all = command();
    all.build();
    let page = match name {
        // `help` has no page, because it would list a page for each of its arguments.
        None => all.mut_subcommand("help", |help| help.hide(true)),
        Some(name) => {
            all.find_subcommand(name).filter(|_| name != "help").cloned().ok_or_else(|| {
                format!("there is no manual page for '{name}'; janitor --help lists the commands")
            })?
        }
    };
    let mut file = Vec::new();
    let page = clap_mangen::Man::new(page).source(concat!("janitor ", env!("CARGO_PKG_VERSION")));
    page.render(&mut file).map_err(|why| why.to_string())?;
    Ok(file)
}

/// Reads the command line.
///
/// # Errors
/// Fails if the command line is invalid, with an explanation for people. It repeats words of the
/// command line, which somebody else may have chosen, and shows hidden characters in them.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, clap::Error> {
    let args = command_first(dashed(args).collect());
    let Arguments { command, clean } = parsed(&args).map_err(|error| {
        let shown: Vec<_> =
            args.iter().map(|arg| printable(&arg.to_string_lossy()).into()).collect();
        parsed(&shown).err().unwrap_or(error)
    })?;
    Ok(command.unwrap_or(Command::Clean(clean)))
}

/// Moves options that choose settings behind the command, if they are before it.
fn command_first(mut args: Vec<OsString>) -> Vec<OsString> {
    const CHOOSING: [&str; 2] = ["--config", "--cluster"];
    let has_value = |text: &str| {
        CHOOSING.iter().any(|name| text.strip_prefix(name).is_some_and(|it| it.starts_with('=')))
    };
    let mut at = 1;
    let is_command = loop {
        match args.get(at).and_then(|arg| arg.to_str()) {
            Some(text) if CHOOSING.contains(&text) => at += 2,
            Some(text) if has_value(text) => at += 1,
            other => {
                break other.is_some_and(|it| Arguments::command().find_subcommand(it).is_some());
            }
        }
    };
    if let (true, Some(moved)) = (is_command, args.get_mut(1..=at)) {
        moved.rotate_right(1);
    }
    args
}

fn parsed(args: &[OsString]) -> Result<Arguments, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(args);
    let mut matches = matches.map_err(|mut error| {
        if let (ErrorKind::ArgumentConflict, Some(ContextValue::String(name))) =
            (error.kind(), error.get(ContextKind::InvalidSubcommand))
        {
            let tip = format!("options come after the command: janitor {name} [OPTIONS]");
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        error
    })?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use janitor_host::{InUse, Options};

    fn parsed(line: &str) -> Result<Clean, clap::Error> {
        let args = ["janitor"].into_iter().chain(line.split_whitespace());
        parse(args.map(Into::into)).map(|command| match command {
            Command::Clean(clean) => clean,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn every_form_of_the_references_options_is_understood() {
        for line in [
            "-r r_1 -p p -z a_z -m http://m/ -n http://n/ -e http://e/ -a t -v",
            "--role r_1 --principal p --zk_path a_z --master_url http://m/ \
             --marathon_url http://n/ --exhibitor_url http://e/ --auth_token t --verbose",
            "--role=r_1 --principal=p --zk=a_z --master-url=http://m/ \
             --marathon-url=http://n/ --exhibitor-url=http://e/ --auth-token=t --verb",
        ] {
            let clean = parsed(line).unwrap();
            assert_eq!(clean.selection.role.as_deref(), Some("r_1"));
            assert_eq!(clean.selection.principal.as_deref(), Some("p"));
            assert_eq!(clean.selection.znode.as_deref(), Some("a_z"));
            assert_eq!(clean.urls.master_url.as_deref(), Some("http://m/"));
            assert_eq!(clean.urls.marathon_url.as_deref(), Some("http://n/"));
            assert_eq!(clean.urls.exhibitor_url.as_deref(), Some("http://e/"));
            assert_eq!(clean.connection.auth.auth_token.as_deref(), Some("t"));
            assert!(clean.connection.printing.show.verbose);
        }
    }

    #[test]
    fn the_configuration_may_be_chosen_before_the_command() {
        let read = |line: &str| {
            let args = ["janitor"].into_iter().chain(line.split_whitespace());
            parse(args.map(Into::into))
        };
        for line in [
            "--config F --cluster a discover r",
            "--cluster=a --config=F discover r",
            "--config F discover --cluster a r",
            "discover r --config F --cluster a",
        ] {
            let Ok(Command::Discover(args)) = read(line) else { panic!("{line}") };
            assert_eq!(args.connection.config.config, Some("F".into()), "{line}");
            assert_eq!(args.connection.config.cluster.as_deref(), Some("a"), "{line}");
            assert_eq!(args.role.as_deref(), Some("r"), "{line}");
        }
        // A cluster may have the name of a command.
        let clean = parsed("--cluster discover -r r").unwrap();
        assert_eq!(clean.connection.config.cluster.as_deref(), Some("discover"));
        for line in ["--cluster", "--cluster a --cluster b discover", "--config F show plan.json"] {
            assert!(read(line).is_err(), "{line}");
        }
        // Of other options, the error says where they belong.
        let why = read("-v --config F discover").unwrap_err().to_string();
        let tip = "tip: options come after the command: janitor discover [OPTIONS]";
        assert!(why.contains(tip), "{why}");
    }

    #[test]
    fn a_teardown_may_name_frameworks() {
        for (line, expected) in [
            ("--teardown", &["\0"][..]),
            ("--teardown -r r", &["\0"]),
            ("--teardown F-1 --teardown=F-2 -r r", &["F-1", "F-2"]),
            ("--teardown F-1 --teardown", &["F-1", "\0"]),
        ] {
            assert_eq!(parsed(line).unwrap().checks.teardown, expected, "{line}");
        }
        assert!(parsed("--teardown F-1 --force").is_err());
        // An unset variable of a script is not the option without an ID.
        for empty in
            ["--teardown=", "--teardown F-1 --teardown=", "--ignore-agent=", "--auth-token="]
        {
            assert!(parsed(empty).is_err(), "{empty}");
        }
        assert!(parse(["janitor", "--teardown", ""].map(Into::into).into_iter()).is_err());
    }

    #[test]
    fn the_command_line_adds_to_a_plans_options() {
        let strings = |these: &[&str]| these.iter().map(ToString::to_string).collect();
        let planned = Options {
            confirm_seconds: 7,
            system_znode: true,
            whole_service: true,
            ignored_agents: strings(&["S0"]),
            in_use: InUse::Teardown,
            teardown: strings(&["F-1"]),
            ..Options::DEFAULT
        };
        let added = |line: &str| parsed(line).unwrap().checks.added_to(planned.clone());
        assert_eq!(added(""), planned);
        assert_eq!(added("--force"), Options { in_use: InUse::Force, ..planned.clone() });
        let more = added("--strict --ignore-agent S0 --ignore-agent h1 --teardown F-2");
        let expected = Options {
            strict: true,
            ignored_agents: strings(&["S0", "h1"]),
            teardown: strings(&["F-1", "F-2"]),
            ..planned.clone()
        };
        assert_eq!(more, expected);
        assert_eq!(added("--teardown"), planned, "a plan's frameworks stay the only ones");
    }

    #[test]
    fn a_service_is_whole_unless_another_role_is_chosen() {
        for (line, whole) in [
            ("--service kafka", true),
            ("--service kafka -p other -z other", true),
            ("--service kafka -r kafka-role", true),
            ("--service kafka -r other", false),
            ("-r kafka-role -p kafka-principal -z dcos-service-kafka", false),
        ] {
            let clean = parsed(line).unwrap();
            let (_, options) = clean.selection.read(&clean.checks).unwrap();
            assert_eq!(options.whole_service, whole, "{line}");
        }
    }

    #[test]
    fn a_secret_is_taken_as_it_is() {
        for line in ["-a --a_b", "--auth_token --a_b", "--auth-token=--a_b"] {
            let auth = parsed(line).unwrap().connection.auth;
            assert_eq!(auth.auth_token.as_deref(), Some("--a_b"), "{line}");
        }
        let auth = parsed("--username u --password --a_b").unwrap().connection.auth;
        assert_eq!(auth.password.as_deref(), Some("--a_b"));
    }

    #[test]
    fn an_invalid_command_line_is_refused() {
        for line in ["-u user", "--no-such", "-r", "stray", "--password p", "-r r replay x.har"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn clean_is_a_command_too() {
        for line in ["-r r -p p -z z -m http://m/ -v --force -y", "--service /a/b --dry-run", ""] {
            let (classic, named) = (parsed(line), parsed(&format!("clean {line}")));
            assert_eq!(format!("{classic:?}"), format!("{named:?}"), "{line}");
        }
    }

    #[test]
    fn an_error_shows_hidden_characters() {
        let hidden = "\u{202e}\u{1b}[2J\u{200b}";
        let lines =
            [format!("X{hidden}"), format!("--X{hidden}"), format!("-o={hidden}"), hidden.into()];
        for word in lines {
            let args = ["janitor", &word].map(OsString::from);
            let error = parse(args.into_iter()).unwrap_err().render().to_string();
            assert_eq!(printable(&error.replace('\n', " ")), error.replace('\n', " "));
            assert!(error.contains(r"\u{202e}\u{1b}"), "{error}");
        }
    }
}
