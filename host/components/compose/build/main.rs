//! Builds the components, composes them, and leaves what comes of it for the library
//! to embed.

#[path = "../../../build/component.rs"]
mod component;
#[path = "../src/compose.rs"]
mod compose;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use compose::compose;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../..");
    let out = Path::new(&env::var("OUT_DIR")?).to_owned();
    let build = |name: &str| -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(fs::read(component::build(&root, &format!("janitor-{name}"))?)?)
    };
    let (guest, wasi) = (build("guest")?, build("wasi")?);
    let janitor = compose(&[&build("gate")?, &guest, &build("front")?])?;
    fs::write(out.join("janitor-command.wasm"), compose(&[&wasi, &janitor, &build("command")?])?)?;
    fs::write(out.join("janitor-cleanup.wasm"), guest)?;
    fs::write(out.join("janitor.wasm"), janitor)?;
    for source in ["guest", "wit", "host/components", "host/src", "host/build", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
