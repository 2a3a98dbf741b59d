//! Installs the tools that steps need and machines may lack.

use std::env;

use crate::packages::TARGET;
use crate::program::{Program, Result, cargo, is_there};

/// Installs the target that components are compiled for.
pub fn components_target() -> Result {
    Program::new("rustup").words("target add").arg(TARGET).run()
}

/// Installs a program with Cargo, unless it is there already. It is compiled in the fastest way,
/// because it runs for seconds.
pub fn by_cargo(program: &str, version: &str) -> Result {
    if is_there(program) {
        return Ok(());
    }
    let install = cargo("install --locked --debug").env("CARGO_PROFILE_DEV_DEBUG", "false");
    install.arg(program).arg("--version").arg(version).run()
}

/// Installs Debian packages. It never prompts for a password: it uses `sudo` only on machines for
/// continuous integration, and runs `apt-get` directly otherwise.
pub fn by_apt(packages: &str) -> Result {
    let apt = |words: &str| {
        let is_root = Program::new("id").arg("-u").stdout().is_ok_and(|it| it.trim() == "0");
        match is_root || env::var_os("CI").is_none() || !is_there("sudo") {
            true => Program::new("apt-get").words(words),
            false => Program::new("sudo").words("--non-interactive apt-get").words(words),
        }
    };
    apt("update -qq").run()?;
    apt("install -y -qq").words(packages).run()
}

/// Installs Debian packages, unless the program that they contain is there already.
pub fn program_by_apt(program: &str, packages: &str) -> Result {
    match is_there(program) {
        true => Ok(()),
        false => by_apt(packages),
    }
}
