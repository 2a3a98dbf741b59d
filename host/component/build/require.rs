//! Sees that the target of the components is there, before anything is compiled:
//! `rustc`, the script beside this, compiles and runs it.

mod target;

use std::process::ExitCode;

fn main() -> ExitCode {
    match target::require() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(added)) => {
            println!("{added}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
