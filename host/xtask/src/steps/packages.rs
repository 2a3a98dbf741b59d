//! Packages every published crate, and compiles each from its archive without a network, from
//! vendored dependencies. Then an external crate uses the library from its archive.

use std::fs;
use std::path::{Path, PathBuf};

use crate::install;
use crate::packages::{COMPOSE, LIBRARY, NOT_IN_THE_LIBRARY, PUBLISHED};
use crate::program::{Program, Result, cargo};
use crate::report::Skips;

/// The path at which the component must be while its package is created.
const COMPONENT: &str = "host/component/janitor-cleanup.wasm";

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
    let packages = Packages { vendored: folder.join("vendored"), target: folder.join("target") };
    let packed = packages.pack_all();
    fs::remove_file(COMPONENT)?;
    packed?;
    packages.use_from_outside(&folder.join("outside"))
}

/// The packages that are being created.
struct Packages {
    /// The folder of the dependencies and of the packages that are finished.
    vendored: PathBuf,
    /// The target directory.
    target: PathBuf,
}

impl Packages {
    fn pack_all(&self) -> Result {
        cargo("vendor --locked --quiet").arg(&self.vendored).stdout()?;
        PUBLISHED.iter().try_for_each(|package| self.pack(package))
    }

    /// Creates a package, compiles it from its archive, and unpacks it where the next packages find
    /// it.
    fn pack(&self, package: &str) -> Result {
        self.offline("package --allow-dirty --registry crates-io")
            .arg(format!("--package={package}"))
            .run()?;
        let version =
            Program::new("cargo").words("pkgid --offline --package").arg(package).stdout()?;
        let version = version.trim().rsplit(['#', '@']).next().unwrap_or_default();
        let archive = self.target.join(format!("package/{package}-{version}.crate"));
        let unpacked = self.vendored.join(package);
        fs::create_dir(&unpacked)?;
        let unpack = Program::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&unpacked);
        unpack.words("--strip-components 1").run()?;
        let digest = Program::new("sha256sum").arg(&archive).stdout()?;
        let digest = digest.split_whitespace().next().unwrap_or_default();
        let checksum = format!(r#"{{"files":{{}},"package":"{digest}"}}"#);
        Ok(fs::write(unpacked.join(".cargo-checksum.json"), checksum)?)
    }

    /// Compiles and runs a program that depends only on the library's archive.
    fn use_from_outside(&self, project: &Path) -> Result {
        fs::create_dir_all(project.join("src"))?;
        fs::write(
            project.join("Cargo.toml"),
            format!(
                "[package]\nname = \"outside\"\nedition = \"2024\"\n\n[dependencies]\n\
                 {LIBRARY} = \"*\"\n\n[workspace]\n"
            ),
        )?;
        fs::write(
            project.join("src/main.rs"),
            "fn main() -> Result<(), Box<dyn std::error::Error>> {\n    \
                 println!(\"{}\", janitor_host::Janitor::new()?.digest());\n    Ok(())\n}\n",
        )?;
        let digest = self.offline("run --quiet").within(project).stdout()?;
        let component = self.vendored.join("janitor-component/janitor-cleanup.wasm");
        let expected = Program::new("sha256sum").arg(component).stdout()?;
        let expected = expected.split_whitespace().next().unwrap_or_default();
        if digest.trim() != format!("sha256:{expected}") {
            return Err(format!("the packaged library embeds {digest}, not {expected}").into());
        }
        let tree = self.offline("tree --edges normal --prefix none").within(project).stdout()?;
        let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
        let unwanted: Vec<_> =
            tree.lines().map(name).filter(|it| NOT_IN_THE_LIBRARY.contains(&&**it)).collect();
        match unwanted.is_empty() {
            true => Ok(()),
            false => Err(format!("{LIBRARY} depends on {}", unwanted.join(", ")).into()),
        }
    }

    /// Creates a Cargo command without network access that uses the vendored sources instead of the
    /// registry.
    fn offline(&self, words: &str) -> Program {
        let directory = format!("source.vendored.directory=\"{}\"", self.vendored.display());
        cargo(words)
            .arg("--offline")
            .words("--config source.crates-io.replace-with=\"vendored\" --config")
            .arg(directory)
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody debugs what is compiled here.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
    }
}
