//! The question before data is deleted, for those who sit at a terminal.

use std::io::{self, IsTerminal, Write};

use crate::console::{Console, Format};

/// Whether somebody is there to be asked.
pub fn somebody_is_there(console: Console) -> bool {
    console.format == Format::Text && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks whether to remove what a plan shows. Only `y` and `yes` mean yes.
pub fn remove_all_of_this() -> bool {
    print!("\nRemove all of this, for good? [y/N] ");
    let mut answer = String::new();
    // Who cannot be asked has not agreed.
    io::stdout().flush().is_ok()
        && io::stdin().read_line(&mut answer).is_ok()
        && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}
