//! The consent to a change: given with the command, or by somebody at a terminal.

use std::io::{self, IsTerminal, Write};

use janitor_contract::Call;

use crate::screen::Screen;
use janitor_report::command_line::parse::Format;

/// The permission to change something, which only this module gives.
#[derive(Debug)]
pub struct Consent(());

/// The consent that a run needs before it changes anything.
#[derive(Debug)]
pub enum ConsentPolicy {
    /// The run changes nothing.
    Unneeded,
    /// Consent is given: by the command line, or because there is no prompt.
    Given(Consent),
    /// The plan is shown, and then there is a prompt.
    Ask,
}

impl ConsentPolicy {
    /// The policy for a call. `yes` says that the command line gives consent.
    pub fn of(call: &Call, yes: bool, screen: &Screen) -> Self {
        match call {
            Call::Plan(_) | Call::Discover => Self::Unneeded,
            Call::Clean(_) | Call::Apply(_) if !yes && prompt(screen).is_some() => Self::Ask,
            Call::Clean(_) | Call::Apply(_) => Self::Given(Consent(())),
        }
    }
}

impl Consent {
    /// Asks whether to remove what a plan shows. Only `y` and `yes` mean yes; whoever cannot
    /// be asked, or does not answer, has not agreed.
    pub fn ask(screen: &Screen) -> Option<Self> {
        let prompt = prompt(screen)?;
        screen.flush();
        let answer = answer(prompt, "\nRemove all of this, for good? [y/N] ").ok()?;
        ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()).then_some(Self(()))
    }
}

/// The place for a prompt: standard error, wherever standard output is.
fn prompt(screen: &Screen) -> Option<Box<dyn Write>> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    match (io::stdin().is_terminal(), stderr.is_terminal()) {
        (false, _) => None,
        (true, true) => Some(Box::new(stderr)),
        // Standard error may be a file.
        (true, false) if screen.format() == Format::Text && stdout.is_terminal() => {
            Some(Box::new(stdout))
        }
        (true, false) => None,
    }
}

fn answer(mut prompt: impl Write, question: &str) -> io::Result<String> {
    // Input that was typed before the prompt is no answer to it.
    #[cfg(target_os = "linux")]
    rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush)?;
    let mut answer = String::new();
    write!(prompt, "{question}")?;
    prompt.flush()?;
    io::stdin().read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // The end of the input has not moved the cursor.
        writeln!(prompt)?;
    }
    Ok(answer)
}
