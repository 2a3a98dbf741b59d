//! Writes the components into a folder: `cargo run --package janitor-compose -- DIR`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use janitor_compose::ALL;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("janitor-compose: name the folder that the components are to be written to");
        return ExitCode::FAILURE;
    };
    let write = || -> io::Result<()> {
        fs::create_dir_all(&folder)?;
        ALL.iter().try_for_each(|(name, wasm)| fs::write(folder.join(name), wasm))
    };
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("janitor-compose: cannot write to {}: {why}", folder.display());
            ExitCode::FAILURE
        }
    }
}
