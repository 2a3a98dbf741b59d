//! Writes the components into a folder: `cargo run --package janitor-compose -- DIR`. With the file
//! of another guest as second argument, it composes them of that guest.

use std::error::Error;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let written = match args.as_slice() {
        [folder] => write(folder.as_ref(), janitor_compose::GUEST),
        [folder, guest] => {
            let guest = fs::read(guest).map_err(Into::into);
            guest.and_then(|guest| write(folder.as_ref(), &guest))
        }
        _ => Err("usage: janitor-compose DIR [GUEST]".into()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("janitor-compose: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, guest: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    for (name, wasm) in janitor_compose::all(guest, &wit)? {
        fs::write(folder.join(name), wasm)?;
    }
    Ok(())
}
