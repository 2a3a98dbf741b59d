//! Writes the project of the Python package into a folder: `cargo run --package janitor-python --
//! DIR`. It consists of the sources in `package`, the types of the contract, and the components.
//! `pip wheel DIR` builds the package, without Rust.

mod types;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

/// The components in the package: the one for the runtime's own HTTP, and the one for a transport
/// in Python.
const COMPONENTS: [&str; 2] = ["janitor-library.wasm", "janitor.wasm"];

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let written = match args.as_slice() {
        [folder] => write(folder.as_ref()),
        _ => Err("usage: janitor-python DIR".into()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("janitor-python: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the project. The folder must be new or the result of an earlier run, because its modules
/// are replaced, and what was built of them is removed.
fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (root, module) = (here.join("../.."), folder.join("janitor_cleanup"));
    for old in [&module, &folder.join("build")] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&module)?;
    for (from, to) in [("package", folder), ("package/janitor_cleanup", &module)] {
        for file in fs::read_dir(here.join(from))? {
            let file = file?;
            if file.file_type()?.is_file() {
                fs::copy(file.path(), to.join(file.file_name()))?;
            }
        }
    }
    fs::copy(root.join("LICENSE"), folder.join("LICENSE"))?;
    fs::write(folder.join("VERSION"), env!("CARGO_PKG_VERSION"))?;
    fs::write(module.join("types.py"), types::python(&root.join("wit"))?)?;
    let all = janitor_compose::all(janitor_compose::GUEST, &root.join("wit"))?;
    for name in COMPONENTS {
        let wasm = all.iter().find_map(|(its, wasm)| (*its == name).then_some(wasm));
        let wasm = wasm.ok_or_else(|| format!("janitor-compose does not make {name}"))?;
        fs::write(module.join(name), wasm)?;
    }
    Ok(())
}
