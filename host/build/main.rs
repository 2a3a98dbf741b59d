//! Precompiles the component to machine code, which `src/component.rs` embeds. Thus the shipped
//! binary contains no compiler.

mod precompile;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use sha2::{Digest, Sha256};

use precompile::precompile;

fn main() -> Result<(), Box<dyn Error>> {
    let out = Path::new(&env::var("OUT_DIR")?).join("janitor.cwasm");
    let wasm = janitor_component::CLEANUP;
    fs::write(out, precompile(wasm)?)?;
    println!("cargo::rustc-env=JANITOR_COMPONENT_DIGEST=sha256:{:x}", Sha256::digest(wasm));
    for source in ["build", "src/engine.rs"] {
        println!("cargo::rerun-if-changed={source}");
    }
    Ok(())
}
