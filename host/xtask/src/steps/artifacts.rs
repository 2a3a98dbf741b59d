//! Publishes the components and the contract to a registry on loopback with `.ci/publish`, and
//! pulls them again.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use crate::install;
use crate::packages::COMPOSE;
use crate::program::{Program, Result, cargo, is_there};
use crate::report::Skips;

pub fn check(skips: &mut Skips) -> Result {
    if !is_there("wkg") {
        skips.skip(
            "the artifacts: wkg, which publishes them, is missing (cargo install wkg --locked)",
        );
        return Ok(());
    }
    if install::program_by_apt("docker-registry", "docker-registry").is_err() {
        skips.skip("the artifacts: docker-registry cannot be installed");
        return Ok(());
    }
    install::components_target()?;
    let folder = Path::new("target/artifacts");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let components = folder.join("components");
    cargo("run --quiet --locked --package").arg(COMPOSE).arg("--").arg(&components).run()?;
    let registry = Registry::start(folder)?;
    let address = &registry.address;
    Program::new(".ci/publish")
        .arg(&components)
        .arg(format!("{address}/janitor"))
        .env("WKG_OCI_INSECURE", address)
        .run()?;
    let published = fs::read_to_string(components.join("OCI-DIGESTS"))?;
    // One of the files is the list itself.
    if published.lines().count() + 1 != fs::read_dir(&components)?.count() {
        return Err(format!("only these files have been published:\n{published}").into());
    }
    for line in published.lines() {
        is_the_same(line, &components, folder, address)?;
    }
    Ok(())
}

/// Pulls one artifact by its digest, compares it with its file, and checks that its manifest has
/// annotations.
fn is_the_same(line: &str, components: &Path, folder: &Path, address: &str) -> Result {
    let (reference, layer) = line.split_once(' ').ok_or_else(|| format!("no digest: {line}"))?;
    let (repository, manifest) =
        reference.split_once('@').ok_or_else(|| format!("no digest of a manifest: {line}"))?;
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let pulled = folder.join(format!("{name}.pulled"));
    Program::new("wkg")
        .words("oci pull --output")
        .arg(&pulled)
        .arg(reference)
        .env("WKG_OCI_INSECURE", address)
        .run()?;
    let digest = Program::new("sha256sum").arg(&pulled).stdout()?;
    let is_listed = layer.strip_prefix("sha256:").is_some_and(|it| digest.starts_with(it));
    if !is_listed || fs::read(&pulled)? != fs::read(components.join(format!("{name}.wasm")))? {
        return Err(format!("{reference} is not the file that was published").into());
    }
    let manifest = Program::new("curl")
        .words("--silent --show-error --fail --header Accept:application/vnd.oci.image.manifest.v1+json")
        .arg(format!("http://{address}/v2/janitor/{name}/manifests/{manifest}"))
        .stdout()?;
    for annotation in ["version", "licenses", "description", "revision", "created"] {
        if !manifest.contains(&format!("\"org.opencontainers.image.{annotation}\"")) {
            return Err(format!("the manifest of {name} has no {annotation}: {manifest}").into());
        }
    }
    Ok(())
}

/// A registry on loopback, which stops when it is dropped.
struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    fn start(folder: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let configuration = folder.join("registry.yml");
        let storage = fs::canonicalize(folder)?.join("registry");
        fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog: {{level: error}}\nhttp: {{addr: \"{address}\"}}\n\
                 storage: {{filesystem: {{rootdirectory: \"{}\"}}}}\n",
                storage.display()
            ),
        )?;
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdout(Stdio::null())
            .spawn()?;
        let registry = Self { process, address };
        for _ in 0..300 {
            if TcpStream::connect(&registry.address).is_ok() {
                return Ok(registry);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("docker-registry does not accept connections".into())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
