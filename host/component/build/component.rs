//! How a component of this workspace is built: for build scripts.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::target::{self, TARGET};

/// Compiles a package of the workspace at `root` into a component, and returns it. All
/// components share one target directory, which is not that of the cargo that runs the
/// build script: its lock is taken.
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
    // This linker makes a component of the module; it comes with every toolchain.
    let flags = [&remap, "-Clinker=wasm-component-ld", "-Clinker-flavor=wasm-ld"];
    let status = Command::new(env::var("CARGO")?)
        .current_dir(root)
        .args(["build", "--locked", "--lib", "--profile", "component"])
        .args(["--package", package, "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target_dir)
        // What was meant for the host's code does not fit the component's.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()?;
    if !status.success() {
        return Err(format!("the component {package} does not build: see above").into());
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    Ok(fs::read(target_dir.join(TARGET).join("component").join(file))?)
}
