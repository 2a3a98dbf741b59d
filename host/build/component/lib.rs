//! How a component of this workspace is built: for build scripts.

mod target;

use std::error::Error;
use std::path::Path;
use std::process::{self, Command};
use std::{env, fs};

use target::TARGET;
use wit_component::ComponentEncoder;

/// Compiles a package of the workspace at `root` into a component, and returns it. All
/// components share one target directory, which is not that of the cargo that runs the
/// build script: its lock is taken. A copy of each stays there, under its package's name.
///
/// The target has no system interface at all, so that a component imports what its own
/// source names, and nothing by way of the standard library.
///
/// # Errors
/// When it does not build, or the target is missing and cannot be added.
pub fn build(root: &Path, package: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    match target::require() {
        Ok(None) => {}
        Ok(Some(added)) => println!("cargo::warning={added}"),
        Err(why) => {
            println!("cargo::error={why}");
            return Err(why.into());
        }
    }
    let target_dir = root.join("target").join("component");
    // Where the sources are does not get into the component, so that it is the same
    // wherever it is built.
    let home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|it| it + "/.cargo"))?;
    let remap = format!("--remap-path-prefix={home}=/cargo");
    let status = Command::new(env::var("CARGO")?)
        .current_dir(root)
        .args(["build", "--locked", "--lib", "--profile", "component"])
        .args(["--package", package, "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target_dir)
        // What was meant for the host's code does not fit the component's.
        .env("CARGO_ENCODED_RUSTFLAGS", remap)
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()?;
    if !status.success() {
        return Err(format!("the component {package} does not build: see above").into());
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    let module = fs::read(target_dir.join(TARGET).join("component").join(file))?;
    let component = ComponentEncoder::default().module(&module)?.encode()?;
    // Another build script may write the same: nobody sees a half of it.
    let file = target_dir.join(package).with_extension("wasm");
    let unfinished = file.with_extension(process::id().to_string());
    fs::write(&unfinished, &component)?;
    fs::rename(unfinished, file)?;
    Ok(component)
}
