//! Packages every published crate, and compiles each from its archive without a network. Then an
//! external program uses the library from its archive.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::install;
use crate::packages::{COMMAND, COMPILED_ONCE, COMPOSE, LIBRARY, NOT_IN_THE_LIBRARY, PUBLISHED};
use crate::program::{Program, Result, cargo};
use crate::report::Skips;

/// The path at which the component must be while its package is created.
const COMPONENT: &str = "host/component/janitor-cleanup.wasm";

/// The package that uses the library from its archive.
const OUTSIDE: &str = "outside";

/// The package that has the features of what build scripts and macros depend on, and no others.
const SCRIPTS: &str = "compiled-once-for-scripts";

/// Its program.
const PROGRAM: &str = include_str!("../../outside/main.rs");

/// The page that the library's package shows to its users. It contains a program.
const README: &str = include_str!("../../../README.md");

/// The result of that program's async run, which has no servers.
const NOWHERE: &str = "Network error: cannot connect to the Mesos master: there is no server.";

pub fn check(_: &mut Skips) -> Result {
    install::components_target()?;
    let folder = Path::new("target/packages");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let folder = fs::canonicalize(folder)?;
    cargo("run --quiet --locked --package")
        .arg(COMPOSE)
        .arg("--")
        .arg(folder.join("components"))
        .run()?;
    fs::copy(folder.join("components/janitor-cleanup.wasm"), COMPONENT)?;
    let packed = pack(&folder.join("target"));
    fs::remove_file(COMPONENT)?;
    packed?;
    let workspace = Workspace { folder };
    workspace.create()?;
    // Each package is compiled alone, because a feature that it lacks could come from another one: only macros and
    // build scripts have the features with which other steps have compiled them. The program outside does that for
    // the library.
    for package in PUBLISHED.into_iter().filter(|it| ![LIBRARY, COMMAND].contains(it)) {
        workspace.cargo("check --package").arg(package).arg("--package").arg(SCRIPTS).run()?;
    }
    workspace.build(COMMAND).run()?;
    workspace.use_from_outside()
}

/// Creates all packages.
fn pack(target: &Path) -> Result {
    let mut pack = cargo("package --no-verify --allow-dirty --quiet --target-dir").arg(target);
    for package in PUBLISHED {
        pack = pack.arg("--package").arg(package);
    }
    pack.run()
}

/// A workspace that consists of the unpacked packages, and of a program that uses the library. Its
/// other dependencies, its profiles and its target folder are those of the repository, so most of the
/// dependencies have been compiled already.
struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// Unpacks the packages, and writes the program.
    fn create(&self) -> Result {
        let mut members = String::new();
        let mut patches = String::new();
        for package in PUBLISHED {
            let version = cargo("pkgid --package").arg(package).stdout()?;
            let version = version.trim().rsplit(['#', '@']).next().unwrap_or_default();
            let archive = format!("target/package/{package}-{version}.crate");
            let folder = format!("{package}-{version}");
            // An archive does not have the files' own times, by which Cargo finds out what has changed
            // since the last run.
            Program::new("tar").words("-xz --touch -f").arg(archive).within(&self.folder).run()?;
            members += &format!("    \"{folder}\",\n");
            patches += &format!("{package} = {{ path = \"{folder}\" }}\n");
        }
        fs::write(
            self.folder.join("Cargo.toml"),
            format!(
                "[workspace]\nresolver = \"3\"\nmembers = [\n    \"compiled-once\",\n    \"{SCRIPTS}\",\n    \
                 \"outside\",\n{members}]\n\n[patch.crates-io]\n{patches}\n{}",
                shared_sections(&fs::read_to_string("Cargo.toml")?)
            ),
        )?;
        fs::copy("Cargo.lock", self.folder.join("Cargo.lock"))?;
        Program::new("cp").words("-r tests/compiled-once").arg(&self.folder).run()?;
        let scripts = self.folder.join(SCRIPTS);
        fs::create_dir_all(scripts.join("src"))?;
        fs::write(scripts.join("src/lib.rs"), "")?;
        fs::write(
            scripts.join("Cargo.toml"),
            for_scripts(&fs::read_to_string("tests/compiled-once/Cargo.toml")?),
        )?;
        let outside = self.folder.join("outside");
        fs::create_dir_all(outside.join("src/bin"))?;
        let program =
            README.split_once("```rust,no_run\n").and_then(|(_, it)| it.split_once("```"));
        let (program, _) = program.ok_or("the README of the library has no program")?;
        fs::write(outside.join("src/bin/readme.rs"), program)?;
        fs::write(
            outside.join("Cargo.toml"),
            format!(
                "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[features]\n\
                 async = [\"{LIBRARY}/async\"]\n\n[dependencies]\n{LIBRARY} = \"*\"\n"
            ),
        )?;
        Ok(fs::write(outside.join("src/main.rs"), PROGRAM)?)
    }

    /// Compiles and runs the program that depends only on the library, also with the library's async
    /// form.
    fn use_from_outside(&self) -> Result {
        self.build(OUTSIDE).run()?;
        let program = crate::root().join("target/debug/outside");
        let digest = Program::new(&program).stdout()?;
        let component = self.folder.join("components/janitor-cleanup.wasm");
        let expected = Program::new("sha256sum").arg(component).stdout()?;
        let expected = expected.split_whitespace().next().unwrap_or_default();
        if digest.trim() != format!("sha256:{expected}") {
            return Err(format!("the packaged library embeds {digest}, not {expected}").into());
        }
        self.clean_as_the_readme_says()?;
        self.build(OUTSIDE).words("--bin outside --features async").run()?;
        let said = Program::new(&program).stdout()?;
        if said.trim() != format!("{}\n{NOWHERE}", digest.trim()) {
            return Err(format!("the packaged library's async form says: {said}").into());
        }
        let tree = self.cargo("tree --edges normal --prefix none --package outside").stdout()?;
        let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
        let unwanted: Vec<_> =
            tree.lines().map(name).filter(|it| NOT_IN_THE_LIBRARY.contains(&&**it)).collect();
        match unwanted.is_empty() {
            true => Ok(()),
            false => Err(format!("{LIBRARY} depends on {}", unwanted.join(", ")).into()),
        }
    }

    /// Runs the README's program on a stand-in cluster.
    fn clean_as_the_readme_says(&self) -> Result {
        let cluster = Cluster::start()?;
        let program = Program::new(crate::root().join("target/debug/readme"));
        let said = program.arg("cassandra_role").arg(&cluster.master).stdout()?;
        match said.trim() {
            "confirmed: [Phase::Volumes, Phase::Reservations]" => Ok(()),
            other => Err(format!("the program of the library's README says: {other}").into()),
        }
    }

    /// Creates the command that builds a package, with dependencies that other steps have compiled. No published
    /// package itself needs the features that are added for this.
    fn build(&self, package: &str) -> Program {
        let build = self.cargo("build --package").arg(package);
        build.arg("--package").arg(COMPILED_ONCE)
    }

    /// Creates a Cargo command without network access.
    fn cargo(&self, words: &str) -> Program {
        cargo("--offline --quiet")
            .words(words)
            .env("CARGO_TARGET_DIR", crate::root().join("target"))
            .within(&self.folder)
    }
}

/// Returns the manifest of the package for build scripts and macros, given that of the package for everything.
fn for_scripts(manifest: &str) -> String {
    let dependencies = manifest.split("[build-dependencies]").nth(1).unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    format!(
        "[package]\nname = \"{SCRIPTS}\"\nedition = \"2024\"\n\n[build-dependencies]{dependencies}"
    )
}

/// Returns the sections of the repository's manifest that also apply to the other workspace.
fn shared_sections(manifest: &str) -> String {
    const SHARED: [&str; 3] = ["profile.dev", "workspace.package", "workspace.lints"];
    let is_shared = |section: &&str| SHARED.iter().any(|it| section.starts_with(it));
    manifest.split("\n[").filter(is_shared).map(|section| format!("[{section}\n")).collect()
}

/// A stand-in cluster on loopback, which stops when it is dropped.
struct Cluster {
    process: Child,
    /// The URL of its master.
    master: String,
}

impl Cluster {
    fn start() -> Result<Self> {
        // Without `--package`, its dependencies have the same features as in the step `tests`.
        cargo("build --quiet --locked --example stand-in").run()?;
        let mut process = Command::new("target/debug/examples/stand-in")
            .arg("tests/scenarios/the-sample-result/cluster.json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take();
        let mut cluster = Self { process, master: String::new() };
        let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
        for line in lines {
            // The second line lists the options of the command.
            if let Some((_, urls)) = line?.split_once(" -m ") {
                cluster.master = urls.split(' ').next().unwrap_or_default().into();
                return Ok(cluster);
            }
        }
        Err("the stand-in cluster prints no URL".into())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn only_what_scripts_depend_on_has_its_features() {
        let manifest = "[package]\n[dependencies]\na = \"1\"\n\n[build-dependencies]\nb = \"2\"\n\n[lints]\nworkspace = true\n";
        assert!(for_scripts(manifest).ends_with("[build-dependencies]\nb = \"2\"\n"));
        assert!(!for_scripts(manifest).contains("[dependencies]"));
    }

    #[test]
    fn only_some_sections_apply_to_the_other_workspace() {
        let manifest = "[workspace]\n\n[workspace.package]\nversion = \"1\"\n\n[profile.dev]\ndebug = 1\n\n[profile.dev.package.x]\nopt-level = 1\n\n[profile.release]\nlto = true\n";
        let copied = "[workspace.package]\nversion = \"1\"\n\n[profile.dev]\ndebug = 1\n\n[profile.dev.package.x]\nopt-level = 1\n\n";
        assert_eq!(shared_sections(manifest), copied);
    }
}
