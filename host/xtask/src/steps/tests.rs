//! Runs the tests, with every real server that is installed or can be.

use std::path::{Path, PathBuf};
use std::{env, thread};

use crate::install;
use crate::program::{Program, Result, cargo, is_there};
use crate::report::Skips;

pub fn run(skips: &mut Skips) -> Result {
    install::components_target()?;
    if install::program_by_apt("strace", "strace").is_err() {
        skips.skip("strace: it cannot be installed");
    }
    if install::program_by_apt("nginx", "nginx-light").is_err() {
        skips.skip("a real nginx: the package cannot be installed");
    }
    // The browser for the page in docs/viewer.
    if install::program_by_apt("chromium", "--no-install-recommends chromium").is_err() {
        skips.skip("a browser: the package chromium cannot be installed");
    }
    // Most tests wait for servers: on two cores, the suite took 477 s with six threads each, and
    // 639 s with four.
    let threads = 6 * thread::available_parallelism()?.get();
    let mut tests = cargo("test --locked").env("RUST_TEST_THREADS", threads.to_string());
    for (variable, value) in [zookeeper(skips)?, masters(skips)?].into_iter().flatten() {
        tests = tests.env(variable, value);
    }
    let embedders = Program::new("tests/embedders/setup.sh").output()?;
    if !embedders.status.success() {
        let words = [embedders.stdout, embedders.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        skips.skip(format!("hosts in tests/embedders: {}", words.trim()));
    }
    tests.run()
}

/// Runs the test of the image, with the static binary that the step `release` builds. The step `tests` does not wait
/// for that.
pub fn image(skips: &mut Skips) -> Result {
    let has_tools = || is_there("buildah") && Path::new("/bin/busybox").exists();
    if !has_tools() && install::by_apt("buildah busybox-static ca-certificates").is_err() {
        skips.skip("the image: the tools that build it cannot be installed");
        return Ok(());
    }
    install::components_target()?;
    let binary = super::static_binary()?;
    let Ok(binary) = Path::new(&binary).canonicalize() else {
        skips.skip(format!("the image: there is no {binary} (cargo xtask release builds it)"));
        return Ok(());
    };
    let test = cargo("test --locked --test suite").words("-- image::");
    test.env("JANITOR_TEST_IMAGE", binary.display().to_string()).run()
}

/// An environment variable that the tests read, and its value.
type Variable = Option<(&'static str, String)>;

/// Finds the script that starts Debian's ZooKeeper.
fn zookeeper(skips: &mut Skips) -> Result<Variable> {
    let is_there = Path::new("/usr/share/java/zookeeper.jar").exists();
    if !is_there && install::by_apt("zookeeper").is_err() {
        skips.skip("a real ZooKeeper: the package cannot be installed");
        return Ok(None);
    }
    let script = env::current_dir()?.join("tests/zookeeper.sh");
    Ok(Some(("JANITOR_TEST_ZOOKEEPER", script.display().to_string())))
}

/// Finds the commands that start real masters. The folder that `JANITOR_MESOS_LAB` names contains `setup.sh
/// VERSION...` and `start.sh VERSION`; commands that the caller has set are kept.
fn masters(skips: &mut Skips) -> Result<Variable> {
    let folder = env::var_os("JANITOR_MESOS_LAB").map(PathBuf::from);
    let Some(folder) = folder.and_then(|it| it.canonicalize().ok()).filter(|it| it.is_dir()) else {
        if env::var_os("JANITOR_TEST_MESOS").is_none() {
            skips.skip("a real Mesos master: there is none to start");
        }
        return Ok(None);
    };
    Program::new(folder.join("setup.sh")).words("1.4.3 1.11.0").run()?;
    let start = folder.join("start.sh");
    let start = start.display();
    Ok(Some(("JANITOR_TEST_MESOS", format!("{start} 1.4.3; {start} 1.11.0"))))
}
