//! Compiles the component of `guest/cleanup`, and leaves it for the library to embed. The
//! published package has no sources of the component: it brings the component along.

mod component;
mod target;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The component, beside the manifest of the published package.
const COMPONENT: &str = "janitor-cleanup.wasm";

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(&env::var("CARGO_MANIFEST_DIR")?).to_owned();
    let out = Path::new(&env::var("OUT_DIR")?).join(COMPONENT);
    let published = package.join(COMPONENT);
    println!("cargo::rerun-if-changed={}", published.display());
    if published.exists() {
        fs::copy(published, out)?;
        return Ok(());
    }
    let root = package.join("../..");
    fs::write(out, component::build(&root, "janitor-guest")?)?;
    for source in
        ["guest/cleanup", "host/contract", "host/component", "wit", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
