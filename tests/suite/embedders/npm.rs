//! The npm package, installed from its packed file. Where WebAssembly can wait for a promise, the
//! component runs without a worker, so the tests of the package run in two versions of Node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use janitor_tests::Cluster;
use serde_json::Value;

use super::hosts::{made, node_with_jspi};
use crate::command::{Run, changes, program, run, scenario, tests};
use crate::composed;
use crate::needs::needed;

tests! {
    its_readme_in_a_worker: cleans_as_its_readme_says(&program("node")),
    its_readme_with_jspi: cleans_as_its_readme_says(&node_with_jspi()),
    its_behaviour_in_a_worker: behaves(program("node"), "behaviour.mjs"),
    its_behaviour_with_jspi: behaves(node_with_jspi(), "behaviour.mjs"),
    another_component_in_a_worker: behaves(program("node"), "misbehaviour.mjs"),
    another_component_with_jspi: behaves(node_with_jspi(), "misbehaviour.mjs"),
}

/// The packed file, and a project in which it is installed, with the programs of `embedders/node`.
struct Package {
    packed: PathBuf,
    project: PathBuf,
}

static PACKAGE: LazyLock<Package> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    let project = folder.join("project");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&project).unwrap();
    build(&composed::JANITOR, &folder.join("built"));
    let packed = succeeds(npm().current_dir(&folder).args(["pack", "--silent", "./built"])).stdout;
    let packed = folder.join(packed.trim());
    succeeds(npm().current_dir(&project).args(["install", "--silent"]).arg(&packed));
    for file in fs::read_dir(tests("embedders/node")).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|it| it == "mjs" || it == "mts") {
            fs::copy(&file, project.join(file.file_name().unwrap())).unwrap();
        }
    }
    Package { packed, project }
});

/// A package with a hostile guest.
static MISBEHAVING: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm-misbehaving");
    build(&composed::MISBEHAVING, &folder);
    folder.join("index.mjs")
});

/// Builds a package from composed components.
fn build(components: &Path, folder: &Path) {
    succeeds(program("node").arg(tests("../host/node/build.mjs")).args([components, folder]));
}

/// Fails if something that the build of the package or its tests need is not installed.
pub fn is_installed() -> Result<(), String> {
    made("../host/node/node_modules/made-from")?;
    made("embedders/node/node_modules/made-from")
}

/// Creates the command that runs a program in the project in which the package is installed.
pub fn in_the_project(mut node: Command, file: &str) -> Command {
    node.env_remove("MARATHON_APP_ID").arg(PACKAGE.project.join(file));
    node
}

/// Creates a command of npm, which contacts no registry.
fn npm() -> Command {
    let mut npm = program("npm");
    npm.env("npm_config_offline", "true").env("npm_config_update_notifier", "false");
    npm
}

fn manifest() -> Value {
    serde_json::from_slice(&fs::read(tests("../host/node/package.json")).unwrap()).unwrap()
}

fn succeeds(command: &mut Command) -> Run {
    let run = run(command);
    assert_eq!(run.exit, 0, "{command:?}: {run:?}");
    run
}

/// Runs the two commands of the README in an empty project.
fn cleans_as_its_readme_says(node: &Command) {
    if needed(is_installed()).is_none() {
        return;
    }
    let readme = fs::read_to_string(tests("../host/node/README.md")).unwrap();
    let manifest = manifest();
    let name = manifest["name"].as_str().unwrap();
    let line = |begin: &str| {
        let line = readme.lines().find(|line| line.starts_with(&format!("    {begin} ")));
        line.unwrap().trim().to_owned()
    };
    let cluster = Cluster::start(scenario("the-sample-result"));
    let install = line("npm install").replace(name, &PACKAGE.packed.display().to_string());
    let clean = line("node clean.mjs")
        .replacen("node", &node.get_program().display().to_string(), 1)
        .replace("kafka-role", "cassandra_role")
        .replace("http://leader.mesos:5050/master/", &cluster.master_url());
    let project = tempfile::tempdir().unwrap();
    let (_, source) = readme.split_once("```js\n").unwrap();
    let (source, _) = source.split_once("```").unwrap();
    fs::write(project.path().join("clean.mjs"), source).unwrap();
    let npm = npm();
    let environment = npm.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let script = format!("set -e\n{install} >/dev/null\n{clean}");
    let run =
        succeeds(program("sh").args(["-c", &script]).envs(environment).current_dir(project.path()));
    assert_eq!(run.stdout, "confirmed: volumes reservations\n", "{run:?}");
    assert!(run.stderr.contains("Found 1 volume(s)"), "{run:?}");
    assert_eq!(changes(&cluster).len(), 6);
}

/// Runs tests that are written in JavaScript.
fn behaves(mut node: Command, file: &str) {
    if needed(is_installed()).is_none() {
        return;
    }
    if file == "misbehaviour.mjs" {
        node.env("MISBEHAVING", &*MISBEHAVING);
    }
    succeeds(node.current_dir(&PACKAGE.project).args(["--test", file]));
}

#[test]
fn its_version() {
    assert_eq!(manifest()["version"], env!("CARGO_PKG_VERSION"));
}

/// A program in TypeScript is checked as strictly as possible; it also contains calls that must not
/// compile.
#[test]
fn its_types() {
    if needed(is_installed()).is_none() {
        return;
    }
    let mut compiler = program("node");
    compiler.arg(tests("embedders/node/node_modules/typescript/bin/tsc"));
    compiler.args(["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022"]);
    compiler.args(["--lib", "es2022,dom", "typed.mts"]);
    succeeds(compiler.current_dir(&PACKAGE.project));
}
