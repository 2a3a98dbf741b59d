//! The help: the options that the short form shows, the examples of each command, and the text
//! below the options.

use clap::CommandFactory;
use janitor_report::ExitCode;

use super::Arguments;
use crate::settings::{SECRETS, SETTINGS};

/// The options and arguments that `-h` of janitor itself shows.
const COMMON: [&str; 8] =
    ["role", "principal", "znode", "service", "label", "master_url", "wait", "dry_run"];

/// The further options and arguments that `-h` of a command shows.
const COMMON_OF_COMMANDS: [&str; 15] = [
    "all_orphaned",
    "services",
    "yes",
    "output",
    "exhibitor_url",
    "teardown",
    "force",
    "verbose",
    "out",
    "detailed_exitcode",
    "file",
    "place",
    "update",
    "shell",
    "command",
];

/// The examples of each command.
const EXAMPLES: [(&str, &[&str]); 10] = [
    (
        "clean",
        &[
            "janitor clean -r cassandra-role -p cassandra-principal -z dcos-service-cassandra",
            "janitor clean --service /team/kafka --dry-run",
            "janitor clean --all-orphaned --exclude kafka-role",
            "janitor clean --yes -r kafka-role --output json > kafka.json",
        ],
    ),
    (
        "plan",
        &[
            "janitor plan -r kafka-role",
            "janitor plan --service kafka --out plan.json",
            "janitor plan --services services.toml",
            "janitor plan -r kafka-role --detailed-exitcode",
        ],
    ),
    (
        "apply",
        &["janitor apply plan.json", "janitor apply --yes plan.json -m http://m1:5050/master/"],
    ),
    ("show", &["janitor show plan.json", "janitor show kafka.har"]),
    ("report", &["janitor report kafka.har --html kafka.html"]),
    (
        "discover",
        &["janitor discover kafka-role", "janitor discover --cluster production --output json"],
    ),
    (
        "replay",
        &[
            "janitor replay kafka.har",
            "janitor replay recordings/",
            "janitor replay --update kafka.har",
        ],
    ),
    ("inspect", &["janitor inspect -r kafka-role", "janitor inspect --cluster production"]),
    ("completions", &["janitor completions bash > /etc/bash_completion.d/janitor"]),
    ("man", &["janitor man > janitor.1", "janitor man plan > janitor-plan.1"]),
];

/// The definition of the command line, with its help.
pub fn command() -> clap::Command {
    let examples = EXAMPLES.iter().filter_map(|(_, of_command)| of_command.first());
    let examples: String = examples.map(|line| format!("  {line}\n")).collect();
    Arguments::command()
        .mut_args(|arg| {
            let is_common = COMMON.contains(&arg.get_id().as_str());
            arg.hide_short_help(!is_common)
        })
        .after_help(
            "Example: janitor --service cassandra --dry-run\n\
             janitor COMMAND -h shows the options of a command, janitor --help everything.",
        )
        .after_long_help(format!("Examples:\n{examples}\n{}", at_the_end()))
        .mut_subcommands(with_examples)
}

/// Adds the examples to a command, and shortens its short help.
fn with_examples(command: clap::Command) -> clap::Command {
    let found = EXAMPLES.iter().find(|(name, _)| *name == command.get_name());
    let (_, examples) = found.copied().unwrap_or_default();
    let examples: String = examples.iter().map(|line| format!("\n  {line}")).collect();
    command.after_help(format!("Examples:{examples}")).mut_args(|arg| {
        let id = arg.get_id().as_str();
        let is_common = COMMON.contains(&id) || COMMON_OF_COMMANDS.contains(&id);
        arg.hide_short_help(!is_common)
    })
}

/// The text below the examples.
fn at_the_end() -> String {
    let codes: String = ExitCode::ALL
        .iter()
        .map(|code| format!("  {}  {}\n", *code as u8, code.meaning()))
        .collect();
    let settings = SETTINGS.iter().map(|setting| setting.variable);
    let settings = listed(settings.chain(["JANITOR_CLUSTER", "JANITOR_CONFIG"]));
    let secrets = listed(SECRETS.into_iter());
    format!(
        "\
Environment:
{settings}
    used if the option of the same name is not given
{secrets}
    the credentials themselves, used if no option gives one; sent only to servers that the
    operator names, or that are at their default addresses
  MARATHON_APP_ID  set by Marathon: the app that runs this command, which is removed at the end
  ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, upper or lower case  the first one that is set is the proxy
    (CONNECT) for all servers: http://HOST:PORT, or https://; an invalid one is an error
  NO_PROXY or no_proxy  a comma-separated list of servers to reach without the proxy: host names
    (with the names below them), .domains and addresses, each with or without a port, ranges of
    addresses (10.0.0.0/8), or * for all; ZooKeeper is always reached without it
  NO_COLOR  if set, never print colours
  JANITOR_IMAGE  set by the image: its name in the commands that are proposed

Exit codes:
{codes}
When interrupted (SIGHUP, SIGINT, SIGTERM), a run that changes something finishes its in-flight
requests, prints what is left, and exits with 5. A second signal ends the run immediately; the exit
code is 128 plus the signal's number (130 for Ctrl-C). Before anything is changed, such as at the
prompt, the first signal ends the command in the same way."
    )
}

/// Lists names, separated by commas, on lines of limited length.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    /// The limit, in columns.
    const WIDTH: usize = 99;
    let mut lines = vec![String::from(" ")];
    for name in names {
        let is_full = |line: &String| line.len() + name.len() + 2 > WIDTH;
        match lines.last_mut().filter(|line| !is_full(line)) {
            Some(line) => *line += &format!(" {name},"),
            None => lines.push(format!("  {name},")),
        }
    }
    lines.join("\n").trim_end_matches(',').into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::parse;

    /// Returns all commands, that without a name first.
    fn all() -> Vec<clap::Command> {
        let mut root = command();
        root.build();
        let below = root.get_subcommands().filter(|it| it.get_name() != "help").cloned();
        let below: Vec<_> = below.collect();
        [root].into_iter().chain(below).collect()
    }

    #[test]
    fn the_command_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_which_are_understood() {
        for command in all().iter().skip(1) {
            let name = command.get_name();
            let (_, examples) = EXAMPLES.iter().find(|(it, _)| *it == name).expect(name);
            assert!(!examples.is_empty(), "{name}");
            for example in *examples {
                let (line, _) = example.split_once(" > ").unwrap_or((example, ""));
                let parsed = parse(line.split_whitespace().map(Into::into));
                assert_eq!(parsed.expect(example).name(), name, "{example}");
            }
        }
        let short = command().render_help().to_string();
        let (_, example) = short.split_once("\nExample: ").unwrap();
        parse(example.lines().next().unwrap().split_whitespace().map(Into::into)).unwrap();
    }

    /// A screen has at least 40 lines, of 100 columns.
    #[test]
    fn the_short_help_fits_a_screen_and_the_long_help_has_every_option() {
        for mut command in all() {
            let short = command.render_help().to_string();
            let lines = short.lines().count();
            assert!(lines <= 40, "{}: {lines} lines\n{short}", command.get_name());
            for line in short.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
            assert!(short.contains("Example"), "{}: {short}", command.get_name());
            let long = command.render_long_help().to_string();
            for arg in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(long.contains(&format!("--{arg}")), "{}: --{arg}", command.get_name());
            }
        }
        let short = command().render_help().to_string();
        assert!(short.contains("--wait") && short.contains("--label"), "{short}");
        assert!((24..=40).contains(&short.lines().count()), "{short}");
    }

    /// An option belongs to the heading of its struct, and does not get one from its neighbour.
    #[test]
    fn every_option_has_its_own_heading() {
        for command in all() {
            for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
                let heading = arg.get_help_heading();
                let expected = match arg.get_id().as_str() {
                    "verbose" | "output" | "quiet" | "events" | "record" | "out" | "html"
                    | "detailed_exitcode" => Some("Output"),
                    "component" | "component_digest" => Some("Component"),
                    "config" | "cluster" => Some("Configuration"),
                    "yes" | "dry_run" => Some("Confirmation"),
                    "update" | "help" | "version" => None,
                    _ => {
                        let others = ["Output", "Component", "Configuration", "Confirmation"];
                        assert!(heading.is_some_and(|it| !others.contains(&it)), "{arg:?}");
                        continue;
                    }
                };
                assert_eq!(heading, expected, "{} {}", command.get_name(), arg.get_id());
            }
        }
    }
}
