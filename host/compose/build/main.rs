//! Builds the parts, which the library embeds.

#[path = "../../component/build/component.rs"]
mod component;
#[path = "../../component/build/target.rs"]
mod target;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The parts: each is the package `janitor-NAME`.
const PARTS: [&str; 6] = ["guest", "gate", "announce", "wasi", "command", "service"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let out = Path::new(&env::var("OUT_DIR")?).to_owned();
    for part in PARTS {
        let wasm = component::build(&root, &format!("janitor-{part}"))?;
        fs::write(out.join(part).with_extension("wasm"), wasm)?;
    }
    let shared = ["host/component/build", "host/contract", "host/policy", "host/report"];
    for source in shared.into_iter().chain(["guest", "wit", "Cargo.toml", "Cargo.lock"]) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
