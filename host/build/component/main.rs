//! Sees that the target of the components is there, before anything is compiled:
//! `host/build/rustc` compiles and runs this.

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
