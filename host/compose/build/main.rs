//! Builds the parts, which the library embeds.

#[path = "../../component/build/component.rs"]
mod component;
#[path = "../../component/build/joined.rs"]
mod joined;
mod parts;
#[path = "../../component/build/target.rs"]
mod target;

use std::env;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    parts::build(&root, env::var("OUT_DIR")?.as_ref())?;
    let shared = ["host/component/build", "host/contract", "host/policy", "host/report"];
    for source in shared.into_iter().chain(["guest", "wit", "Cargo.toml", "Cargo.lock"]) {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}
