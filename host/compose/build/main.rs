//! Builds the parts, which the library embeds.

#[path = "../../component/build/component.rs"]
mod component;
#[path = "../../component/build/joined.rs"]
mod joined;
#[path = "../../component/build/target.rs"]
mod target;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// The parts: the name of each, its package, and additional arguments for `cargo rustc`. A package
/// that other parts use as a library is compiled into a component by itself here.
const PARTS: [(&str, &str, &[&str]); 7] = [
    ("guest", "janitor-guest", &[]),
    ("gate", "janitor-gate", &["--crate-type", "cdylib"]),
    ("announce", "janitor-announce", &["--crate-type", "cdylib"]),
    ("wasi", "janitor-wasi", &[]),
    ("wasi-stream", "janitor-wasi", &["--features", "stream"]),
    ("command", "janitor-command", &[]),
    ("service", "janitor-service", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let out = Path::new(&env::var("OUT_DIR")?).to_owned();
    for (part, package, args) in PARTS {
        let wasm = component::build(&root, package, args)?;
        fs::write(out.join(part).with_extension("wasm"), wasm)?;
    }
    let shared = ["host/component/build", "host/contract", "host/policy", "host/report"];
    for source in shared.into_iter().chain(["guest", "wit", "Cargo.toml", "Cargo.lock"]) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
