//! Builds and precompiles the misbehaving component, exactly as the host does with the real one,
//! and those in `hostile/`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[path = "../host/component/build/component.rs"]
mod component;
#[path = "../host/component/build/joined.rs"]
mod joined;
#[path = "../host/build/precompile.rs"]
mod precompile;
#[path = "../host/component/build/target.rs"]
mod target;

use precompile::precompile;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let wasm = component::build(&root, "janitor-misbehaving", &[])?;
    let code = Path::new(&env::var("OUT_DIR")?).join("misbehaving.cwasm");
    fs::write(code, precompile(&wasm)?)?;
    // The same component is also built for another version of the contract.
    let skewed = Path::new(&env::var("OUT_DIR")?).join("skewed.cwasm");
    let wasm = replaced(&wasm, b"janitor:cleanup/cluster@0.1.0", b"janitor:cleanup/cluster@0.9.0");
    let wasm = replaced(&wasm, b"janitor:cleanup/log@0.1.0", b"janitor:cleanup/lug@0.1.0");
    fs::write(skewed, precompile(&wasm)?)?;
    hostile(&root.join("tests/hostile"), &Path::new(&env::var("OUT_DIR")?).join("hostile"))?;
    for source in [
        "tests/misbehaving",
        "host/contract",
        "tests/hostile",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
        "host/build",
        "host/component/build",
        "host/src/engine.rs",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    Ok(())
}

/// Assembles and precompiles the components that are hostile from their first instruction on, or
/// even before.
fn hostile(sources: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    for source in fs::read_dir(sources)? {
        let source = source?.path();
        let name = source.file_name().ok_or("a file has a name")?;
        let wasm = wat::parse_file(&source)?;
        fs::write(out.join(name).with_extension("cwasm"), precompile(&wasm)?)?;
        fs::write(out.join(name).with_extension("wasm"), wasm)?;
    }
    Ok(())
}

/// Replaces bytes by others of the same length.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}
