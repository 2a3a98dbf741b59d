//! Programs that the steps run.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::{env, str};

/// The result of a step. The error is one sentence for the person at the terminal.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A program with its arguments, which runs in the environment of `cargo xtask`.
pub struct Program {
    command: Command,
    line: String,
}

impl Program {
    /// Creates a program, which is looked up as a shell does.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        for name in env::vars_os().map(|(name, _)| name).filter(is_cargos_own) {
            command.env_remove(name);
        }
        Self { command, line: program.display().to_string() }
    }

    /// Adds arguments that have no spaces in them, as they are typed.
    pub fn words(mut self, words: &str) -> Self {
        for word in words.split_whitespace() {
            self = self.arg(word);
        }
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        self.line += &format!(" {}", argument.display());
        self.command.arg(argument);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs the program in another folder than the root of the repository.
    pub fn within(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Prints the command line, and runs the program with its output shown.
    pub fn run(mut self) -> Result {
        let status = self.status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("`{}` ended with {status}", self.line).into()),
        }
    }

    /// Prints the command line, runs the program with its output shown, and returns its status, even
    /// if it fails.
    pub fn status(&mut self) -> Result<ExitStatus> {
        eprintln!("$ {}", self.line);
        self.command.status().map_err(|why| self.cannot_run(&why))
    }

    /// Runs the program without showing its output, and returns whether it succeeded.
    pub fn succeeds(mut self) -> bool {
        self.command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
    }

    /// Runs the program and returns its status and output, even if it fails.
    pub fn output(mut self) -> Result<Output> {
        self.command.output().map_err(|why| self.cannot_run(&why))
    }

    /// Runs the program and returns its standard output; its standard error is shown.
    pub fn stdout(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|why| self.cannot_run(&why))?;
        match output.status.success() {
            true => Ok(str::from_utf8(&output.stdout)?.to_owned()),
            false => Err(format!("`{}` ended with {}", self.line, output.status).into()),
        }
    }

    fn cannot_run(&self, why: &std::io::Error) -> Box<dyn Error> {
        format!("`{}` cannot be run: {why}", self.line).into()
    }
}

/// Creates a Cargo command from arguments without spaces.
pub fn cargo(words: &str) -> Program {
    Program::new("cargo").words(words)
}

/// Returns whether a program with this name is installed.
pub fn is_there(name: &str) -> bool {
    let is_file = |folder: std::path::PathBuf| folder.join(name).is_file();
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(is_file))
}

/// Returns whether Cargo or rustup set a variable for this program alone. If it were inherited, a
/// step would use this program's toolchain even if it chose another one.
fn is_cargos_own(name: &OsString) -> bool {
    const EXACTLY: [&str; 7] = [
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "LD_LIBRARY_PATH",
        "RUSTUP_TOOLCHAIN",
        "RUSTUP_TOOLCHAIN_SOURCE",
        "RUST_RECURSION_COUNT",
    ];
    name.to_str().is_some_and(|name| {
        EXACTLY.contains(&name)
            || name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_cargos_own_are_not_inherited() -> Result {
        // Like `cargo run`, `cargo test` has set this variable.
        assert!(env::var_os("CARGO_PKG_NAME").is_some());
        let inherited = Program::new("env").stdout()?;
        assert!(!inherited.contains("CARGO_PKG_NAME="), "{inherited}");
        assert!(inherited.contains("PATH="), "{inherited}");
        Ok(())
    }

    #[test]
    fn a_program_that_fails_is_named_with_its_arguments() {
        let why = Program::new("sh").arg("-c").arg("exit 3").run().map_err(|it| it.to_string());
        assert_eq!(why, Err("`sh -c exit 3` ended with exit status: 3".into()));
        let why = cargo("fmt").within("/nonexistent").run().map_err(|it| it.to_string());
        assert!(why.is_err_and(|it| it.starts_with("`cargo fmt` cannot be run: ")));
    }
}
