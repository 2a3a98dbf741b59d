//! Ensures that the components' target is installed before anything is compiled. The script `rustc`
//! in this folder compiles and runs this program.

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
