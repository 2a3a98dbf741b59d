//! The question before data is deleted, for those who sit at a terminal.

use std::io::{self, IsTerminal, Write};

use crate::console::{Console, Format};

/// Whether somebody is there to be asked.
pub fn somebody_is_there(console: Console) -> bool {
    console.format == Format::Text && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks whether to remove what a plan shows. Only `y` and `yes` mean yes; who
/// cannot be asked, or does not answer, has not agreed.
pub fn remove_all_of_this() -> bool {
    answer("\nRemove all of this, for good? [y/N] ")
        .is_ok_and(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn answer(question: &str) -> io::Result<String> {
    let (mut stdout, mut answer) = (io::stdout(), String::new());
    write!(stdout, "{question}")?;
    stdout.flush()?;
    io::stdin().read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // The end of the input has not moved the cursor.
        writeln!(stdout)?;
    }
    Ok(answer)
}
