//! How a component of this workspace is built: for build scripts.

mod target;

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use target::TARGET;

/// Compiles a package of the workspace at `root` into a component, and returns
/// its file. All components share one target directory, which is not that of
/// the cargo that runs the build script: its lock is taken.
///
/// # Errors
/// When it does not build, or the target is missing and cannot be added.
pub fn build(root: &Path, package: &str) -> Result<PathBuf, Box<dyn Error>> {
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
    Ok(target_dir.join(TARGET).join("component").join(file))
}
