//! Compiles the component of `guest/`, precompiles it to machine code, and
//! leaves both for `src/component.rs` to embed. So the binary that is shipped
//! contains no compiler.

mod precompile;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use sha2::{Digest, Sha256};

use precompile::precompile;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = Path::new(&env::var("OUT_DIR")?).to_owned();
    let wasm = janitor_component::build(&root, "janitor-guest")?;
    fs::write(out.join("janitor.cwasm"), precompile(&wasm)?)?;
    println!("cargo::rustc-env=JANITOR_COMPONENT_DIGEST=sha256:{:x}", Sha256::digest(&wasm));
    println!("cargo::rustc-env=JANITOR_COMPONENT_PACKAGE={}", package(&root)?);
    let sources =
        ["guest/cleanup", "host/contract", "wit", "Cargo.toml", "Cargo.lock", "host/build"];
    for source in sources.into_iter().chain(["host/src/engine.rs"]) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}

/// The package of the contract, as `wit/` names it.
fn package(root: &Path) -> Result<String, Box<dyn Error>> {
    let world = fs::read_to_string(root.join("wit/world.wit"))?;
    let named = |line: &str| line.strip_prefix("package ")?.strip_suffix(';').map(Into::into);
    world.lines().find_map(named).ok_or_else(|| "wit/world.wit names no package".into())
}
