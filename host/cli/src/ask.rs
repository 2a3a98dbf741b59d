//! The question before data is deleted, for those who sit at a terminal; and the
//! permission that comes of it.

use std::io::{self, IsTerminal, Write};

use crate::screen::{self, Console, Format};

/// The permission to change something, which nothing but this module gives. A run that
/// only looks has none.
#[derive(Debug)]
pub struct Consent(());

impl Consent {
    /// The permission that needs no question: somebody gave it with the command, or nobody
    /// is there to be asked.
    pub fn without_a_question(given: bool, console: Console) -> Option<Self> {
        (!is_asked(given, console)).then_some(Self(()))
    }

    /// Asks whether to remove what a plan shows. Only `y` and `yes` mean yes; someone who
    /// cannot be asked, or does not answer, has not agreed.
    pub fn asked(console: Console) -> Option<Self> {
        let answer = answer(screen(console)?, "\nRemove all of this, for good? [y/N] ").ok()?;
        ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()).then_some(Self(()))
    }
}

/// Whether somebody is asked, unless the permission was `given` with the command.
pub fn is_asked(given: bool, console: Console) -> bool {
    !given && screen(console).is_some()
}

/// Where somebody can be asked: on standard error, whatever standard output is.
fn screen(console: Console) -> Option<Box<dyn Write>> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    match (io::stdin().is_terminal(), stderr.is_terminal()) {
        (false, _) => None,
        (true, true) => Some(Box::new(stderr)),
        // Its complaints are kept elsewhere.
        (true, false) if console.format == Format::Text && stdout.is_terminal() => {
            Some(Box::new(stdout))
        }
        (true, false) => None,
    }
}

fn answer(mut screen: impl Write, question: &str) -> io::Result<String> {
    screen::flush();
    // What was typed before the question is no answer to it.
    #[cfg(target_os = "linux")]
    rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush)?;
    let mut answer = String::new();
    write!(screen, "{question}")?;
    screen.flush()?;
    io::stdin().read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // The end of the input has not moved the cursor.
        writeln!(screen)?;
    }
    Ok(answer)
}
