//! The settings from the environment and the configuration file: their precedence, the servers that
//! receive the credentials of a cluster, and protected roles.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use janitor_tests::{Cluster, State};
use tempfile::TempDir;

use crate::command::{Run, changes, janitor, on, run, scenario};
use crate::credentials::iam;
use crate::tls::Authority;

const TOKEN: &str = "eyJ.the-token";

/// A folder with a configuration file.
struct Place(TempDir);

impl Place {
    fn new(config: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.0.path().join("janitor")).unwrap();
        fs::write(place.file(), config).unwrap();
        fs::write(place.0.path().join("janitor/token"), TOKEN).unwrap();
        place
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("janitor/config.toml")
    }

    /// Creates a command that finds the file in its usual place.
    fn janitor(&self, line: &str) -> Command {
        let mut command = janitor();
        command.env("XDG_CONFIG_HOME", self.0.path());
        command.args(shell_words::split(line).unwrap());
        command
    }

    /// Creates such a command, on a cluster behind a proxy.
    fn on(&self, cluster: &Cluster, line: &str) -> Command {
        let mut command = on(cluster, line);
        command.env("XDG_CONFIG_HOME", self.0.path());
        command
    }
}

/// The line of `janitor inspect` about a setting, without its indentation.
fn shown(command: &mut Command, name: &str) -> String {
    let run = run(command);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    let prefix = format!("  {name}: ");
    let line = run.stdout.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("{name}: {}", run.stdout)).to_owned()
}

const TWO: &str = "cluster = 'one'\n\
                   [clusters.one]\n\
                   master-url = 'http://one.mesos:5050/master/'\n\
                   [clusters.two]\n\
                   master-url = 'http://two.mesos:5050/master/'\n";

#[test]
fn an_option_precedes_the_environment_and_the_environment_the_file() {
    let place = Place::new(TWO);
    let file = place.file().display().to_string();
    let master = |line: &str, variables: &[(&str, &str)]| {
        let mut command = place.janitor(line);
        shown(command.envs(variables.iter().copied()), "master-url")
    };
    let variable = ("JANITOR_MASTER_URL", "http://env:5050/master/");
    let one = format!("http://one.mesos:5050/master/ (cluster 'one' in {file})");
    let two = format!("http://two.mesos:5050/master/ (cluster 'two' in {file})");
    assert_eq!(master("inspect", &[]), one);
    assert_eq!(master("inspect", &[("JANITOR_CLUSTER", "two")]), two);
    let from_environment = "http://env:5050/master/ (JANITOR_MASTER_URL)";
    assert_eq!(master("inspect", &[variable]), from_environment);
    assert_eq!(master("inspect", &[variable, ("JANITOR_CLUSTER", "two")]), from_environment);
    // A cluster that an option chooses is as explicit as its URLs.
    assert_eq!(master("inspect --cluster two", &[variable]), two);
    assert_eq!(
        master("inspect --cluster two -m http://m:5050/master/", &[variable]),
        "http://m:5050/master/ (option --master-url)"
    );
    let behind = master("inspect --dcos-url https://dcos", &[variable]);
    assert_eq!(behind, "https://dcos/mesos/master/ (option --dcos-url)");
    let default = shown(janitor().arg("inspect"), "master-url");
    assert_eq!(default, "http://leader.mesos:5050/master/ (default)");
}

#[test]
fn the_file_is_where_it_is_named() {
    let place = Place::new("");
    let file = place.file();
    let config = |command: &mut Command| shown(command, "config");
    assert_eq!(config(janitor().arg("inspect")), "none (default)");
    let named = config(janitor().arg("inspect").arg("--config").arg(&file));
    assert_eq!(named, format!("{} (--config)", file.display()));
    let named = config(janitor().arg("inspect").env("JANITOR_CONFIG", &file));
    assert_eq!(named, format!("{} (JANITOR_CONFIG)", file.display()));
    assert_eq!(config(&mut place.janitor("inspect")), format!("{} (default)", file.display()));
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".config")).unwrap();
    fs::rename(place.0.path().join("janitor"), home.path().join(".config/janitor")).unwrap();
    let usual = config(janitor().arg("inspect").env("HOME", home.path()));
    let expected = home.path().join(".config/janitor/config.toml");
    assert_eq!(usual, format!("{} (default)", expected.display()));
}

/// Nothing is sent if the configuration cannot be used.
#[test]
fn a_configuration_that_cannot_be_used_is_an_error() {
    let refused = |config: &str, line: &str, words: &str| {
        let (place, cluster) = (Place::new(config), Cluster::start(scenario("a-plan")));
        let run = run(&mut place.on(&cluster, line));
        assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{line}: {run:?}");
        let words = words.replace("FILE", &place.file().display().to_string());
        assert!(run.stderr.contains(&words), "{line}: {words}: {run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
        assert_eq!(cluster.requests().len(), 0, "{line}");
    };
    refused("a = 'hunter2'\n", "discover", "FILE:1: unknown key 'a'");
    refused("[clusters.a]\npassword = 'hunter2'", "plan -r r", "FILE:2: unknown key 'password'");
    refused(TWO, "plan -r r --cluster three", "has no cluster 'three' (--cluster)");
    refused(TWO, "discover --config /nonexistent/c", "cannot use the configuration /nonexistent/c");
    let both = format!("{TWO}auth-token-file = 'a'\nservice-account = 'b'\n");
    refused(&both, "discover --cluster two", "only one of them can be used");
    let run = run(janitor().args(["discover", "--cluster", "a"]));
    assert!(run.stderr.contains("there is no configuration file with cluster 'a'"), "{run:?}");
}

fn with_a_token(name: &str) -> Cluster {
    Cluster::start(State { iam: Some(iam(&[])), ..scenario(name) })
}

/// Returns the credentials that the cluster's servers received.
fn received(cluster: &Cluster) -> Vec<String> {
    cluster.requests().iter().filter_map(|request| request.authorization.clone()).collect()
}

#[test]
fn the_credentials_of_a_cluster_are_sent_only_to_its_servers() {
    let config = "[clusters.dcos]\n\
                  auth-token-file = 'token'\n\
                  [clusters.other]\n\
                  master-url = 'http://other.mesos:5050/master/'\n\
                  auth-token-file = 'token'\n";
    let place = Place::new(config);
    let sent = |line: &str, variables: &[(&str, &str)]| -> (Run, usize) {
        let cluster = with_a_token("the-sample-result");
        let mut command = place.on(&cluster, line);
        let run = run(command.envs(variables.iter().copied()));
        (run, received(&cluster).len())
    };
    let (own, tokens) = sent("plan -r cassandra_role --cluster dcos", &[]);
    assert_eq!(own.exit, 0, "{own:?}");
    assert!(tokens > 0);
    let master = "http://leader.mesos:5050/master/";
    let (same, _) = sent(&format!("plan -r cassandra_role --cluster dcos -m {master}"), &[]);
    assert_eq!(same.exit, 0, "{same:?}");
    for (line, variables) in [
        (format!("plan -r cassandra_role --cluster other -m {master}"), vec![]),
        (
            "plan -r cassandra_role".into(),
            vec![("JANITOR_CLUSTER", "other"), ("JANITOR_MASTER_URL", master)],
        ),
    ] {
        let (run, tokens) = sent(&line, &variables);
        assert_eq!((run.exit, tokens), (7, 0), "{line}: {run:?}");
        let words = "The credentials of cluster 'other' in ";
        assert!(run.stdout.contains(words), "{line}: {run:?}");
        assert!(run.stdout.contains(&format!("the Mesos master {master}")), "{line}: {run:?}");
    }
    // An option replaces the credential of the cluster.
    let token = place.file().with_file_name("token").display().to_string();
    let line =
        format!("plan -r cassandra_role --cluster other -m {master} --auth-token-file {token}");
    let (given, tokens) = sent(&line, &[]);
    assert_eq!(given.exit, 0, "{given:?}");
    assert!(tokens > 0);
}

/// A URL in the configuration is the operator's own, but one that only a plan has is not.
#[test]
fn the_environment_is_sent_to_the_servers_of_the_configuration() {
    let cluster = with_a_token("the-sample-result");
    let urls = format!(
        "cluster = 'here'\n[clusters.here]\nmaster-url = '{}'\nexhibitor-url = '{}'\n",
        cluster.master_url(),
        cluster.exhibitor_url()
    );
    let (place, empty) = (Place::new(&urls), Place::new(""));
    let plan = place.0.path().join("plan.json").display().to_string();
    let token = ("JANITOR_AUTH_TOKEN", TOKEN);
    let here = |place: &Place, line: &str| {
        let mut command = place.janitor(line);
        run(command.envs([token]))
    };
    let line = format!("plan -r cassandra_role -z cassandra --out {plan}");
    let planned = here(&place, &line);
    assert_eq!(planned.exit, 0, "{planned:?}");
    let stranger = here(&empty, &format!("apply {plan}"));
    assert_eq!(stranger.exit, 7, "{stranger:?}");
    assert!(stranger.stdout.contains("JANITOR_AUTH_TOKEN is not sent to it"), "{stranger:?}");
    assert_eq!(changes(&cluster), [""; 0]);
    let applied = here(&place, &format!("apply {plan}"));
    assert_eq!(applied.exit, 0, "{applied:?}");
}

#[test]
fn a_protected_role_is_not_cleaned_up() {
    let config = "protected = ['cassandra_role']\n[clusters.a]\nprotected = ['kafka-role']\n";
    let place = Place::new(config);
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json").display().to_string();
    let cluster = Cluster::start(scenario("the-sample-result"));
    let planned = run(&mut on(&cluster, &format!("plan -r cassandra_role --out {plan}")));
    assert_eq!(planned.exit, 0, "{planned:?}");
    let before = cluster.requests().len();
    let file = place.file().display().to_string();
    for (line, role) in [
        ("-r cassandra_role".to_owned(), "cassandra_role"),
        ("clean --yes --force --service cassandra --naming cassandra".into(), "cassandra_role"),
        (format!("apply {plan}"), "cassandra_role"),
        ("-r kafka-role --cluster a".into(), "kafka-role"),
    ] {
        let run = run(&mut place.on(&cluster, &line));
        assert_eq!(run.exit, 7, "{line}: {run:?}");
        let words = format!("Refused: role '{role}' is protected by {file}.");
        assert!(run.stdout.contains(&words), "{line}: {run:?}");
    }
    assert_eq!(cluster.requests().len(), before, "nothing is sent");
    let shown = run(&mut place.on(&cluster, "plan -r cassandra_role --detailed-exitcode"));
    assert_eq!(shown.exit, 7, "{shown:?}");
    let words = format!("a cleanup would be refused: role 'cassandra_role' is protected by {file}");
    assert!(shown.stderr.contains(&words), "{shown:?}");
    // The node of a role's service is protected with it.
    for (znode, exit) in [("cassandra", 7), ("other", 0)] {
        let run = run(&mut place.on(&cluster, &format!("-z {znode}")));
        assert_eq!(run.exit, exit, "{run:?}");
    }
}

/// A server that the chosen cluster does not name is not that of another cluster.
#[test]
fn a_chosen_cluster_is_not_completed_from_elsewhere() {
    let place = Place::new("[clusters.staging]\nmaster-url = 'http://m.staging:5050/master/'\n");
    let all = run(place
        .janitor("inspect --cluster staging")
        .env("JANITOR_EXHIBITOR_URL", "http://e.production:8181/"));
    assert_eq!(all.exit, 0, "{all:?}");
    assert!(!all.stdout.contains("exhibitor-url: http://e.production:8181/"), "{}", all.stdout);
    let cluster = with_a_token("the-sample-result");
    let file = place.file().display().to_string();
    let line = format!("plan -z cassandra --config {file} --cluster staging");
    let run = run(on(&cluster, &line).env("JANITOR_EXHIBITOR_URL", "http://e.production:8181/"));
    assert!(run.stdout.contains("Exhibitor: http://leader.mesos:8181/"), "{run:?}");
}

/// The environment may be that of another cluster, so its credentials are not sent silently to the one
/// that the command line chooses.
#[test]
fn a_credential_of_the_environment_is_announced_to_a_chosen_cluster() {
    let cluster = with_a_token("the-sample-result");
    let place =
        Place::new("cluster = 'own'\n[clusters.own]\nauth-token-file = 'token'\n[clusters.bare]\n");
    let words = "sending the credential of JANITOR_AUTH_TOKEN to cluster 'bare' in ";
    for (chosen, is_told) in [("--cluster bare", true), ("--cluster own", false)] {
        let line = format!("discover --config {} {chosen}", place.file().display());
        let text = run(on(&cluster, &line).env("JANITOR_AUTH_TOKEN", TOKEN));
        assert_eq!(text.stderr.contains(words), is_told, "{line}: {text:?}");
        assert!(!text.stderr.contains(TOKEN), "{text:?}");
        let json = run(on(&cluster, &format!("{line} -o json")).env("JANITOR_AUTH_TOKEN", TOKEN));
        assert_eq!(json.stdout.contains(words), is_told, "{line}: {json:?}");
    }
    // The environment may give a credential to a cluster that it chooses itself.
    let line = format!("discover --config {}", place.file().display());
    let mut chosen = on(&cluster, &line);
    chosen.env("JANITOR_CLUSTER", "bare").env("JANITOR_AUTH_TOKEN", TOKEN);
    assert!(!run(&mut chosen).stderr.contains(words));
}

/// Nothing is written over a file that only the environment or the configuration names.
#[test]
fn files_of_the_settings_are_not_overwritten() {
    let place = Place::new("[clusters.a]\nauth-token-file = 'token'\n");
    let (config, token) = (place.file().to_owned(), place.file().with_file_name("token"));
    for (option, file) in [("--record", &token), ("--events", &config), ("--events", &token)] {
        let line = format!("discover --cluster a {option} {}", file.display());
        let before = std::fs::read(file).unwrap();
        let refused = run(&mut place.janitor(&line));
        assert_eq!(refused.exit, 1, "{line}: {refused:?}");
        assert!(refused.stderr.contains("are the same file"), "{line}: {refused:?}");
        assert_eq!(std::fs::read(file).unwrap(), before, "{line}");
    }
    let line = format!("plan -r r --cluster a --out {}", token.display());
    assert_eq!(run(&mut place.janitor(&line)).exit, 1);
}

/// A proposed command finds the same cluster again.
#[test]
fn the_next_command_keeps_the_cluster() {
    let place = Place::new("[clusters.dcos]\nauth-token-file = 'token'\n");
    let cluster = with_a_token("the-sample-result");
    let file = place.file().display().to_string();
    let run =
        run(&mut on(&cluster, &format!("plan -r cassandra_role --config {file} --cluster dcos")));
    let words = format!("janitor -r cassandra_role --config {file} --cluster dcos\n");
    assert!(run.stdout.contains(&words), "{run:?}");
}

#[test]
fn secrets_are_not_shown() {
    let place = Place::new("[clusters.a]\nauth-token-file = 'token'\n");
    let all = run(place.janitor("inspect --cluster a").env("ZK_AUTH", "me:hunter2"));
    assert_eq!(all.exit, 0, "{all:?}");
    let file = place.file().with_file_name("token");
    let line = format!(
        "  auth-token-file: {} (cluster 'a' in {})\n",
        file.display(),
        place.file().display()
    );
    assert!(all.stdout.contains(&line), "{}", all.stdout);
    assert!(all.stdout.contains("  ZK_AUTH: (not shown) (environment)\n"), "{}", all.stdout);
    assert!(!all.stdout.contains(TOKEN) && !all.stdout.contains("hunter2"), "{}", all.stdout);
    let option = run(janitor().args(["inspect", "-a", "hunter2", "-o", "json"]));
    assert!(!option.stdout.contains("hunter2"), "{option:?}");
    crate::validation::require("inspection", &option.stdout);
}

/// The login for ZooKeeper and a client certificate are the cluster's too.
#[test]
fn every_kind_of_credential_stays_in_its_cluster() {
    let authority = Authority::new();
    authority.client();
    let place = Place::new(&format!(
        "[clusters.a]\n\
         master-url = 'https://127.0.0.1:1/master/'\n\
         exhibitor-url = 'zk://127.0.0.1:1/'\n\
         zk-auth-file = 'zk'\n\
         client-cert = '{}'\n\
         client-key = '{}'\n",
        authority.path("client.pem"),
        authority.path("client.key")
    ));
    fs::write(place.file().with_file_name("zk"), "me:secret").unwrap();
    for (line, server) in [
        ("plan -r r -z z --cluster a", None),
        ("plan -r r -z z --cluster a -e zk://127.0.0.1:2/", Some("Exhibitor zk://127.0.0.1:2/")),
        (
            "plan -r r --cluster a -m https://127.0.0.1:2/master/",
            Some("the Mesos master https://127.0.0.1:2/master/"),
        ),
        (
            // The token is the option's, but the certificate is not.
            "plan -r r --cluster a -m https://127.0.0.1:2/master/ -a token",
            Some("the Mesos master https://127.0.0.1:2/master/"),
        ),
    ] {
        let run = run(&mut place.janitor(line));
        let words = "are not sent to servers that it does not name: ";
        assert_eq!(run.exit, if server.is_some() { 7 } else { 5 }, "{line}: {run:?}");
        assert_eq!(run.stdout.contains(words), server.is_some(), "{line}: {run:?}");
        assert!(server.is_none_or(|it| run.stdout.contains(it)), "{line}: {run:?}");
    }
}
