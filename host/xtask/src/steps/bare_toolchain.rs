//! Runs both commands of the README on a toolchain without the components' target. With rustup they
//! add the target and say so; without rustup they stop before they compile anything.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{FIRST_COMMAND, ITS_OUTPUT, is_the_file};
use crate::install;
use crate::packages::TARGET;
use crate::program::{Program, Result, cargo};
use crate::report::Skips;

/// The second command, which runs the tests.
const SECOND_COMMAND: &str = "test --locked";

pub fn check(_: &mut Skips) -> Result {
    install::components_target()?;
    let bare = BareToolchain::copy()?;
    bare.without_rustup(FIRST_COMMAND)?;
    bare.without_rustup(SECOND_COMMAND)?;
    let output = bare.adds_the_target(FIRST_COMMAND)?;
    is_the_file(&output, Path::new(ITS_OUTPUT))?;
    // Running the tests is another step.
    bare.adds_the_target(&format!("{SECOND_COMMAND} --no-run"))?;
    fs::remove_dir_all(bare.folder)?;
    Ok(())
}

/// A copy of the toolchain that lacks the target, within a rustup folder of its own.
struct BareToolchain {
    folder: PathBuf,
    name: String,
}

impl BareToolchain {
    fn copy() -> Result<Self> {
        fs::create_dir_all("target")?;
        let folder = fs::canonicalize("target")?.join("bare");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let active = Program::new("rustup").words("show active-toolchain").stdout()?;
        let name = active.split_whitespace().next().ok_or("rustup shows no toolchain")?.to_owned();
        let bare = Self { folder, name };
        fs::create_dir_all(bare.rustup().join("toolchains"))?;
        fs::copy(rustup_home()?.join("settings.toml"), bare.rustup().join("settings.toml"))?;

        let original = Program::new("rustc").words("--print sysroot").stdout()?;
        let original = Path::new(original.trim());
        let copy = bare.toolchain();
        Program::new("cp").words("--archive --link").arg(original.join(".")).arg(&copy).run()?;
        // The files are hard links to the original's, so the files that rustup modifies are copied.
        let lists = Path::new("lib/rustlib");
        for file in fs::read_dir(copy.join(lists))? {
            let file = file?.file_name();
            let name = file.to_string_lossy();
            if name == "components"
                || name.starts_with("manifest-")
                || name.starts_with("multirust-")
            {
                fs::remove_file(copy.join(lists).join(&file))?;
                fs::copy(original.join(lists).join(&file), copy.join(lists).join(&file))?;
            }
        }
        bare.remove_target()?;
        Ok(bare)
    }

    fn rustup(&self) -> PathBuf {
        self.folder.join("rustup")
    }

    fn toolchain(&self) -> PathBuf {
        self.rustup().join("toolchains").join(&self.name)
    }

    fn remove_target(&self) -> Result {
        let remove = Program::new("rustup").words("target remove").arg(TARGET);
        remove.arg("--toolchain").arg(&self.name).env("RUSTUP_HOME", self.rustup()).run()
    }

    /// Runs a Cargo command in an environment without rustup.
    fn without_rustup(&self, command: &str) -> Result {
        let programs = self.toolchain().join("bin");
        let path = env::join_paths([&programs, Path::new("/usr/bin"), Path::new("/bin")])?;
        let output = Program::new(programs.join("cargo"))
            .words(command)
            .env("PATH", path)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .output()?;
        let words =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        say!("{words}");
        if output.status.success() {
            return Err(format!("`cargo {command}` did not report that {TARGET} is missing").into());
        }
        if !words.contains(&format!("; run: rustup target add {TARGET}")) {
            return Err(format!("`cargo {command}` does not say how to add {TARGET}").into());
        }
        if words.contains("Compiling") {
            return Err(format!(
                "`cargo {command}` compiled something before it reported that {TARGET} is missing"
            )
            .into());
        }
        Ok(())
    }

    /// Runs a Cargo command in an environment with rustup, and returns its standard output.
    fn adds_the_target(&self, command: &str) -> Result<Vec<u8>> {
        // Cargo queries the compiler's version only if it is not cached.
        if let Err(why) = fs::remove_file("target/.rustc_info.json")
            && why.kind() != std::io::ErrorKind::NotFound
        {
            return Err(why.into());
        }
        let output = cargo(command).env("RUSTUP_HOME", self.rustup()).output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("`cargo {command}` ended with {}: {words}", output.status).into());
        }
        let added = format!("the Rust target {TARGET} was missing, and was added");
        let added = words.lines().find(|line| line.contains(&added));
        say!(
            "{}",
            added.ok_or_else(|| format!("`cargo {command}` does not report the added target"))?
        );
        self.remove_target()?;
        Ok(output.stdout)
    }
}

fn rustup_home() -> Result<PathBuf> {
    let home = || env::home_dir().map(|home| home.join(".rustup"));
    let set = env::var_os("RUSTUP_HOME").map(PathBuf::from);
    Ok(set.or_else(home).ok_or("there is neither RUSTUP_HOME nor a home folder")?)
}
