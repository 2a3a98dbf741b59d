//! Checks that the components are identical wherever they are built, and that the command embeds
//! the published one.

use std::path::{Path, PathBuf};
use std::{env, fs, os::unix};

use crate::install;
use crate::packages::COMPOSE;
use crate::program::{Program, Result, cargo};
use crate::report::Skips;

pub fn check(_: &mut Skips) -> Result {
    install::components_target()?;
    let elsewhere = Program::new("mktemp").arg("-d").stdout()?;
    let elsewhere = Path::new(elsewhere.trim());
    let (home, tree) = (elsewhere.join("home"), elsewhere.join("tree"));
    copy_cargo_home(&home)?;
    copy_tree(&tree)?;

    let (here, there) = (elsewhere.join("here"), elsewhere.join("there"));
    cargo("build --quiet --locked --package").arg(COMPOSE).words("--bin janitor-parts").run()?;
    parts(&tree, &there).env("CARGO_HOME", &home).run()?;
    parts(crate::root(), &here).run()?;
    require_same(&here, &there)?;
    // The composition of the same parts is the same at any time.
    let (first, second) = (elsewhere.join("first"), elsewhere.join("second"));
    compose(&first).run()?;
    compose(&second).run()?;
    require_same(&first, &second)?;

    let component = first.join("janitor-cleanup.wasm");
    let digest = Program::new("sha256sum").arg(&component).stdout()?;
    let digest = digest.split_whitespace().next().unwrap_or_default();
    let inspection = cargo("run --quiet --locked -- inspect").stdout()?;
    say!("{}", inspection.trim_end());
    let embedded = format!("Component: sha256:{digest}");
    if !inspection.lines().any(|line| line == embedded) {
        return Err(format!("the command embeds another component than {digest}").into());
    }
    fs::remove_dir_all(elsewhere)?;
    Ok(())
}

/// Creates the command that builds the parts of a copy of the workspace. The program itself is that of
/// this workspace: a part is what Cargo and the compiler make of the copy.
fn parts(root: &Path, folder: &Path) -> Program {
    Program::new("target/debug/janitor-parts").arg(root).arg(folder).env("CARGO", "cargo")
}

/// Fails if two folders differ.
fn require_same(one: &Path, other: &Path) -> Result {
    Program::new("diff").arg("--recursive").arg(one).arg(other).run()
}

fn compose(folder: &Path) -> Program {
    cargo("run --quiet --locked --package").arg(COMPOSE).arg("--").arg(folder)
}

/// Creates another Cargo home with the same registry and configuration.
fn copy_cargo_home(copy: &Path) -> Result {
    fs::create_dir(copy)?;
    let home = || env::home_dir().map(|home| home.join(".cargo"));
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    let original = set.or_else(home).ok_or("there is neither CARGO_HOME nor a home folder")?;
    for part in ["registry", "config.toml"] {
        let original = original.join(part);
        if original.exists() {
            unix::fs::symlink(original, copy.join(part))?;
        }
    }
    Ok(())
}

/// Copies all files of the repository in their current state.
fn copy_tree(copy: &Path) -> Result {
    for file in Program::new("git").words("ls-files -z").stdout()?.split_terminator('\0') {
        let to = copy.join(file);
        fs::create_dir_all(to.parent().unwrap_or(copy))?;
        let copied = match fs::read_link(file) {
            Ok(target) => unix::fs::symlink(target, to),
            Err(_) => fs::copy(file, to).map(drop),
        };
        copied.map_err(|why| format!("{file}: {why}"))?;
    }
    Ok(())
}
