//! The scenarios through a real nginx, as through DC/OS's Admin Router. The result of a
//! command must be the same as without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use janitor_host::Endpoints;
use janitor_tests::{Cluster, State};

use crate::command::{janitor, run, scenario, tests, without_ways};
use crate::nginx::{Nginx, Way};

/// The scenarios that do not test the router, and the reason.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("a-master-that-does-not-lead", "names its masters, and the router knows the leading one"),
    ("a-master-that-does-not-lead-and-a-token", "the same"),
    ("a-master-that-the-proxy-refuses", "is about the proxy to a master"),
    ("a-url-that-is-none", "is about the URL itself"),
    ("a-url-that-is-none-under-marathon", "is about the URL itself"),
    ("an-unreachable-master", "names its master"),
    ("several-masters", "names its masters"),
    ("several-masters-and-a-token", "names its masters"),
];

/// The scenarios in which the router answers instead of a server, in its own words. The exit
/// code and the state afterwards must nevertheless be the same.
const IN_OTHER_WORDS: &[(&str, &str)] = &[
    ("an-exhibitor-that-is-not-there", "502 instead of a connection that is refused"),
    ("what-is-reserved-without-exhibitor", "502 instead of a connection that is refused"),
    ("without-the-token-that-is-wanted", "its own page for 401"),
    ("a-token-that-expires", "its own page for 401"),
    ("an-app-that-may-not-be-deleted", "its own page for 401"),
];

/// Runs a scenario's command on its cluster and, through the router, on another one.
pub fn same_as_without(name: &str) {
    let state: State = scenario(name);
    let direct = Cluster::start(state.clone());
    let folder = tempfile::tempdir().unwrap();
    let mut command = scenario_command(name, None, folder.path());
    let expected = without_ways(run(command.env("http_proxy", direct.proxy_url())));

    let routed = Cluster::start(state);
    let nginx = Nginx::start(&routed, Way::Usual);
    let mut result = run(&mut scenario_command(name, Some(&nginx.url()), folder.path()));
    println!("{}{}{}", result.stdout, result.stderr, nginx.log());
    result.stdout = as_without(&result.stdout, &nginx.url());
    match IN_OTHER_WORDS.iter().any(|(one, _)| *one == name) {
        true => assert_eq!(result.exit, expected.exit),
        false => assert_eq!(result, expected),
    }
    assert_eq!(routed.state(), direct.state(), "the cluster afterwards");
}

/// Creates a scenario's command, to be run in a folder of its own; with the router's URL, it runs
/// through the router.
fn scenario_command(name: &str, router: Option<&str>, folder: &Path) -> Command {
    let scenario = tests(&format!("scenarios/{name}"));
    let line = fs::read_to_string(scenario.join("command")).expect("a command");
    let words = shell_words::split(&line).expect("a command line");
    let program = words.iter().position(|word| !word.contains('=')).expect("a program");
    let mut command = janitor();
    command.current_dir(folder).args(&words[program + 1..]);
    command.envs(words[..program].iter().filter_map(|word| word.split_once('=')));
    let plan = fs::read_to_string(scenario.join("plan.json"));
    match (plan, router) {
        // A plan contains the URLs of the servers.
        (Ok(mut plan), router) => {
            for (standard, routed) in router.iter().flat_map(|router| places(router)) {
                plan = plan.replace(&standard, &routed);
            }
            fs::write(folder.join("plan.json"), plan).unwrap();
        }
        (Err(_), Some(router)) => {
            command.args(["--dcos-url", router]);
        }
        (Err(_), None) => {}
    }
    command
}

/// Returns the standard base URLs, each with the router's.
fn places(router: &str) -> [(String, String); 3] {
    let [master, exhibitor, marathon] = Endpoints::behind_admin_router(router);
    [
        (Endpoints::MASTER.into(), master),
        (Endpoints::EXHIBITOR.into(), exhibitor),
        (Endpoints::MARATHON.into(), marathon),
    ]
}

/// Replaces the router's URLs in an output by the standard ones.
fn as_without(output: &str, router: &str) -> String {
    let places = places(router);
    let options: String = ["-m", "-e", "-n"]
        .iter()
        .zip(&places)
        .map(|(name, (_, url))| format!(" {name} {url}"))
        .collect();
    let output = output.replace(&options, "");
    let [(master, routed), ..] = &places;
    let roots = [master, routed].map(|url| url.trim_end_matches("master/").to_owned());
    let [root, routed_root] = roots;
    let output = output.replace(routed, master).replace(&routed_root, &root);
    places.iter().fold(output, |output, (standard, routed)| output.replace(routed, standard))
}
