//! Compiles the component of `guest/cleanup`, which the library embeds. A published package
//! contains the component beside its manifest, without its sources.

mod component;
mod joined;
mod target;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The file name of the component, here and in a published package.
const COMPONENT: &str = "janitor-cleanup.wasm";

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(&env::var("CARGO_MANIFEST_DIR")?).to_owned();
    let out = Path::new(&env::var("OUT_DIR")?).join(COMPONENT);
    let root = package.join("../..");
    let sources = [
        "guest/cleanup",
        "host/contract",
        "host/component/build",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
    ];
    if sources.iter().all(|source| root.join(source).exists()) {
        for source in sources {
            println!("cargo::rerun-if-changed={}", root.join(source).display());
        }
        return Ok(fs::write(out, component::build(&root, "janitor-guest", &[])?)?);
    }
    let published = package.join(COMPONENT);
    println!("cargo::rerun-if-changed={}", published.display());
    fs::copy(&published, out).map_err(|why| {
        format!("this package lacks the component, {}: {why}", published.display())
    })?;
    Ok(())
}
