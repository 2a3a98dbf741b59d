//! Copies the component's logic and the host's policy with every fault of `faults.rs` in them. A fault has
//! no effect until the search turns it on.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/faults.rs"]
#[allow(dead_code, reason = "the search uses the rest")]
mod faults;

/// The modules of the search that are copies, and the folders of their sources.
const COPIES: [(&str, &str); 2] =
    [("broken", "guest/cleanup/src"), ("broken_policy", "host/policy/src")];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/faults.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut modules = String::new();
    for (name, sources) in COPIES {
        let from = Path::new("../..").join(sources);
        println!("cargo:rerun-if-changed={}", from.display());
        let folder = out.join(sources);
        copy(&from, &folder, &format!("crate::logic::{name}::"))?;
        let root = folder.join("lib.rs");
        modules += &format!("#[allow(unused)]\n#[path = {root:?}]\npub mod {name};\n");
    }
    for (index, fault) in faults::FAULTS.iter().enumerate() {
        insert(index, fault, &out.join(fault.file))?;
    }
    fs::write(out.join("broken.rs"), modules)?;
    Ok(())
}

/// Copies sources, as a module of the search with this path.
fn copy(from: &Path, to: &Path, module: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied, module)?;
        } else {
            let text = fs::read_to_string(&path)?;
            fs::write(copied, text.replace("crate::", module))?;
        }
    }
    Ok(())
}

/// Inserts a fault.
///
/// # Errors
/// Fails if its place is not there exactly once.
fn insert(index: usize, fault: &faults::Fault, file: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    if text.matches(fault.place).count() != 1 {
        let why = format!("{} does not have the place of '{}' once", fault.file, fault.name);
        return Err(why.into());
    }
    let broken = fault.broken.replace("IS_ON", &format!("crate::faults::is_on({index})"));
    let broken = broken.replace("IS_ODD", &format!("crate::faults::is_odd({index})"));
    fs::write(file, text.replace(fault.place, &broken))?;
    Ok(())
}
