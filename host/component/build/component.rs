//! Builds a component of this workspace, for build scripts.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::joined::joined;
use crate::target::{self, TARGET};

/// Compiles a package of the workspace at `root` into a component, and returns its bytes. `args` are
/// additional arguments for `cargo rustc`. All components share one target directory. It is not that of the cargo process that runs the build
/// script, because that process holds its lock.
///
/// The target has no system interface at all, so a component imports only what its own source
/// names, and nothing through the standard library.
///
/// # Errors
/// Fails if the package does not build, or if the target is missing and cannot be added.
pub fn build(root: &Path, package: &str, args: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    match target::require() {
        Ok(None) => {}
        Ok(Some(added)) => println!("cargo::warning={added}"),
        Err(why) => {
            println!("cargo::error={why}");
            return Err(why.into());
        }
    }
    let target_dir = root.join("target").join("component");
    // Source paths are kept out of the component, so that it is identical wherever it is built.
    let home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|it| it + "/.cargo"))?;
    let remap = format!("--remap-path-prefix={home}=/cargo");
    // This linker turns the module into a component; it is part of every toolchain.
    let flags = [&remap, "-Clinker=wasm-component-ld", "-Clinker-flavor=wasm-ld"];
    let status = Command::new(env::var("CARGO")?)
        .current_dir(root)
        .args(["rustc", "--locked", "--lib", "--profile", "component"])
        .args(["--package", package, "--target", TARGET])
        .args(args)
        .env("CARGO_TARGET_DIR", &target_dir)
        // Flags for the host's code do not suit the component.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()?;
    if !status.success() {
        return Err(format!("cannot build the component {package}: see above").into());
    }
    let file = format!("{}.wasm", package.replace('-', "_"));
    joined(&fs::read(target_dir.join(TARGET).join("component").join(file))?)
}
