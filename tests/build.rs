//! Builds and precompiles the component that misbehaves, exactly as the host
//! does it with the real one.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[path = "../host/build/component.rs"]
mod component;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let wasm = fs::read(component::build(&root, "janitor-misbehaving")?)?;
    let code = Path::new(&env::var("OUT_DIR")?).join("misbehaving.cwasm");
    fs::write(code, component::precompile(&wasm)?)?;
    for source in
        ["tests/misbehaving", "wit", "Cargo.toml", "Cargo.lock", "host/build", "host/src/engine.rs"]
    {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
