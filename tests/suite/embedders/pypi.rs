//! The Python package, installed from its wheel into an empty environment with the commands of its
//! README, and used by `tests/embedders/python/package_user.py` and `package_faults.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use janitor_host::Endpoints;
use janitor_tests::{Cluster, Iam, State};

use super::hosts::{Place, Program, made, value};
use super::{after, larger};
use crate::command::{changes, program, run, scenario, tests};
use crate::composed;
use crate::needs::needed;
use crate::tls::{Authority, Subject};

/// The package, whose requests the runtime sends.
pub const PYPI: Program = Program {
    name: "PyPI package",
    is_installed,
    command: || command(&["-m", "janitor_cleanup"]),
    report: value,
};

/// The package, whose requests Python sends.
pub const PYPI_TRANSPORT: Program = Program {
    name: "PyPI, transport",
    is_installed,
    command: || {
        command(&[
            "-c",
            "import sys, janitor_cleanup, janitor_cleanup.__main__ as it; \
             sys.exit(it.main(janitor_cleanup.HttpTransport()))",
        ])
    },
    report: value,
};

/// The folder that the test program may fill.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("pypi").join(name)
}

fn is_installed() -> Result<(), String> {
    made("../target/embedders/python/made-from")
}

/// The wheel, built without a network from the project that `janitor-python` writes.
static WHEEL: LazyLock<PathBuf> = LazyLock::new(|| {
    let wheels = folder("wheels");
    if wheels.exists() {
        fs::remove_dir_all(&wheels).unwrap();
    }
    let mut build = program(tests("../host/python/build.sh"));
    build.env("PYTHON", tests("../target/embedders/python/bin/python"));
    let built = run(build.arg(&wheels).args(["--no-index", "--no-build-isolation"]));
    assert_eq!(built.exit, 0, "{built:?}");
    wheels
});

/// An empty environment, into which the first command of the README has installed the package.
static INSTALLED: LazyLock<PathBuf> = LazyLock::new(|| installed("newest", "", None));

/// Installs the package into an environment of its own, with other requirements, and with another
/// component in the place of its own ones.
fn installed(name: &str, requirements: &str, guest: Option<&Path>) -> PathBuf {
    let environment = folder(name);
    let mut create = program("python3");
    let created = run(create.args(["-m", "venv", "--clear"]).arg(&environment));
    assert_eq!(created.exit, 0, "{created:?}");
    let readme = fs::read_to_string(tests("../host/python/package/README.md")).unwrap();
    let first = readme.lines().find_map(|line| line.strip_prefix("    pip install ")).unwrap();
    let mut install = program(environment.join("bin/pip"));
    install.args(["install", "--quiet"]).args([first]).args(requirements.split_whitespace());
    // Nothing is downloaded: both packages are files.
    install.env("PIP_NO_INDEX", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    let links = [&*WHEEL, &tests("../target/embedders/wheels")];
    install.env("PIP_FIND_LINKS", links.map(|it| it.display().to_string()).join(" "));
    let done = run(&mut install);
    assert_eq!(done.exit, 0, "{done:?}");
    if let Some(guest) = guest {
        let mut find = program(environment.join("bin/python"));
        let module = run(find.args(["-c", "import janitor_cleanup as it; print(it.__path__[0])"]));
        for component in ["janitor.wasm", "janitor-library.wasm"] {
            let own = Path::new(module.stdout.trim()).join(component);
            fs::copy(guest.join(component), own).unwrap();
        }
    }
    environment
}

fn command(arguments: &[&str]) -> Command {
    let mut python = program(INSTALLED.join("bin/python"));
    python.env_remove("MARATHON_APP_ID").env_remove("DCOS_ACS_TOKEN").args(arguments);
    python.env("JANITOR_CACHE_DIR", folder("cache"));
    python
}

/// Runs cases of a test program, each on a cluster of its own.
fn cases(environment: &Path, file: &str, cases: &[(&str, &Cluster)]) {
    let mut python = program(environment.join("bin/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").arg(tests("embedders/python").join(file));
    for (name, cluster) in cases {
        let Place { master, exhibitor, marathon: _ } = Place::of(cluster);
        python.args([*name, &*master, &*exhibitor]);
    }
    let run = run(&mut python);
    assert_eq!((run.exit, &*run.stderr), (0, ""), "{run:?}");
}

fn the_sample() -> Cluster {
    Cluster::start(scenario("the-sample-result"))
}

/// The second command of the README, with this cluster's target and servers.
#[test]
fn the_readmes_two_commands() {
    if needed(is_installed()).is_none() {
        return;
    }
    let readme = fs::read_to_string(tests("../host/python/package/README.md")).unwrap();
    let second = readme.lines().find_map(|line| line.strip_prefix("    python ")).unwrap();
    let second = second.replace("kafka-role", "cassandra_role");
    let second = second.replace("kafka-principal", "cassandra_principal");
    let second = second.replace("dcos-service-kafka", "cassandra");
    let words: Vec<_> = second.split_whitespace().collect();
    let cluster = Cluster::start(larger(scenario("the-sample-result")));
    let place = Place::of(&cluster);
    let with_servers = |words: &[&str]| {
        let mut command = command(words);
        command.args(["-m", &place.master, "-e", &place.exhibitor, "-n", &place.marathon]);
        run(&mut command)
    };
    let plan = with_servers(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(plan.exit, 0, "{plan:?}");
    assert!(plan.stdout.starts_with(r#"{"target":{"role":"cassandra_role","#), "{plan:?}");
    assert_eq!(changes(&cluster), [""; 0]);
    let clean = with_servers(&words);
    assert_eq!(clean.exit, 0, "{clean:?}");
    // The command is not run by Marathon.
    let marathon = cluster.state().marathon;
    assert_eq!(cluster.state(), State { marathon, ..larger(after()) });
}

#[test]
fn it_is_typed() {
    if needed(is_installed()).is_none() {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let mut mypy = program(tests("../target/embedders/python/bin/python"));
    mypy.args(["-m", "mypy", "--strict", "--no-error-summary", "--cache-dir"]).arg(cache.path());
    mypy.arg("--python-executable").arg(INSTALLED.join("bin/python"));
    let module = WHEEL.join("project/janitor_cleanup");
    let programs = ["package_user.py", "package_faults.py"];
    let programs = programs.map(|file| tests("embedders/python").join(file));
    let checked = run(mypy.arg(module).args(programs));
    assert_eq!((checked.exit, &*checked.stdout), (0, ""), "{checked:?}");
}

#[test]
fn a_private_authority() {
    if needed(is_installed()).is_none() {
        return;
    }
    let (authority, token) = (Authority::new(), "eyJ.the-token");
    authority.client();
    let iam = Iam { users: [].into(), token: token.into(), accounts: [].into(), good_for: vec![] };
    let cluster = Cluster::start(State { iam: Some(iam), ..scenario("the-sample-result") });
    let front = authority.front(&cluster, Subject::Loopback, true).url("https");
    let [master, exhibitor, _] = Endpoints::behind_admin_router(&front);
    let mut python = program(INSTALLED.join("bin/python"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").env("JANITOR_CACHE_DIR", folder("cache"));
    python.env("AUTHORITY", authority.path("")).env("TOKEN", token);
    python.arg(tests("embedders/python/package_user.py"));
    let run = run(python.args(["a_private_authority", &*master, &*exhibitor]));
    assert_eq!((run.exit, &*run.stderr), (0, ""), "{run:?}");
    assert!(!serde_json::to_string(&cluster.state().agents).unwrap().contains("cassandra_role"));
}

#[test]
fn with_the_oldest_runtime() {
    if needed(is_installed()).is_none() {
        return;
    }
    let wheels = fs::read_to_string(tests("embedders/python/oldest.txt")).unwrap();
    let oldest = wheels.lines().find(|line| line.starts_with("wasmtime==")).unwrap();
    let environment = installed("oldest", oldest.trim_end_matches(" \\"), None);
    cases(&environment, "package_user.py", &[("a_plan_is_applied", &the_sample())]);
}

#[test]
fn a_component_that_breaks_its_contract() {
    if needed(is_installed()).is_none() {
        return;
    }
    let environment = installed("misbehaving", "", Some(&composed::MISBEHAVING));
    let cluster = the_sample();
    let case = ("a_component_that_breaks_its_contract", &cluster);
    cases(&environment, "package_user.py", &[case]);
    assert_eq!(changes(&cluster), [""; 0]);
}

/// The part of the target that a case removes.
#[derive(PartialEq)]
enum Effect {
    Everything,
    Volumes,
    Nothing,
}

#[test]
fn it_does_what_its_readme_says() {
    use Effect::{Everything, Nothing, Volumes};
    let expected = [
        ("a_plan_is_applied", Everything),
        ("several_are_cleaned", Everything),
        ("several_are_cleaned_over_a_transport", Everything),
        ("a_plan_is_applied_over_a_transport", Everything),
        ("entries_are_read_as_by_wasmtime", Everything),
        ("wrong_arguments_send_nothing", Nothing),
        ("a_token_is_not_sent_in_the_clear", Nothing),
        ("no_text_controls_a_terminal", Nothing),
        ("the_longest_time_limit", Nothing),
        ("an_exception_of_the_caller_is_its_own", Nothing),
        ("a_fault_of_a_transport_is_the_callers", Nothing),
        ("a_cancelled_run_ends", Volumes),
        ("a_cancelled_run_over_a_transport_reports", Volumes),
        ("ctrl_c_ends_a_run", Volumes),
        ("ctrl_c_ends_a_run_over_a_transport", Volumes),
    ];
    have_effects("package_user.py", &expected);
}

#[test]
fn faults_of_its_user_and_of_servers() {
    use Effect::{Nothing, Volumes};
    let expected = [
        ("a_fault_of_the_cancellation_ends_the_run", Volumes),
        ("ctrl_c_at_any_moment_ends_a_run", Volumes),
        ("a_response_of_another_form_is_an_exception", Nothing),
        ("a_response_has_limits", Nothing),
        ("a_body_without_an_end_does_not_outlast_a_cancellation", Nothing),
        ("an_error_of_the_host_is_none_of_a_transport", Nothing),
        ("the_documents_print_no_escape_sequences", Nothing),
    ];
    have_effects("package_faults.py", &expected);
}

/// Runs cases of a test program, and checks how each of them has changed its cluster.
fn have_effects(file: &str, expected: &[(&str, Effect)]) {
    use Effect::{Everything, Nothing};
    if needed(is_installed()).is_none() {
        return;
    }
    let clusters: Vec<_> = expected.iter().map(|_| the_sample()).collect();
    let run: Vec<_> = expected.iter().zip(&clusters).map(|((name, _), it)| (*name, it)).collect();
    cases(&INSTALLED, file, &run);
    for ((name, effect), cluster) in expected.iter().zip(&clusters) {
        let changes = changes(cluster);
        let removed = |what: &str| changes.iter().any(|change| change.contains(what));
        assert_eq!(removed("destroy-volumes"), *effect != Nothing, "{name}: {changes:?}");
        assert_eq!(removed("unreserve"), *effect == Everything, "{name}: {changes:?}");
        assert_eq!(removed("DELETE"), *effect == Everything, "{name}: {changes:?}");
    }
}
