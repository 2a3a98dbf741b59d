//! The consent to a change: given with the command, or by somebody at a terminal.

use std::io::{self, IsTerminal, Write};

use janitor_contract::types::{CleanupPlan, Options};
use janitor_contract::{Call, Endpoints};
use janitor_report::command_line::parse::Format;
use janitor_report::extent::changes_anything;
use janitor_report::question::Question;

use crate::screen::Screen;

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
        match call.is_change() {
            false => Self::Unneeded,
            true if !yes && prompt(screen).is_some() => Self::Ask,
            true => Self::Given(Consent(())),
        }
    }
}

impl Consent {
    /// Prompts for consent to plans, unless they remove nothing. `are_found` says that nobody has
    /// named their targets.
    pub fn to(
        plans: &[CleanupPlan],
        options: &Options,
        are_found: bool,
        endpoints: &Endpoints,
        screen: &Screen,
    ) -> Option<Self> {
        let is_possible = |plan: &&CleanupPlan| plan.refusal.is_none();
        let possible: Vec<_> = plans.iter().filter(is_possible).collect();
        if !possible.iter().any(|plan| changes_anything(plan, options)) {
            return Some(Self(()));
        }
        let question = match &possible[..] {
            [plan] if plans.len() == 1 && !are_found => Question::of(plan, options, endpoints),
            plans => Question::of_all(plans, options, are_found, endpoints),
        };
        Self::asked(question, screen)
    }

    /// Asks a question. Any other answer than the one that it requires, and the end of the input,
    /// decline consent.
    fn asked(question: Question, screen: &Screen) -> Option<Self> {
        let prompt = prompt(screen)?;
        question.lines.into_iter().for_each(|line| screen.show(line));
        screen.flush();
        let typed = answer(prompt, &question.answer.prompt()).ok()?;
        question.answer.is(&typed).then_some(Self(()))
    }
}

/// Returns the stream for a prompt, if somebody can answer: usually standard error, even if
/// standard output is redirected.
fn prompt(screen: &Screen) -> Option<Box<dyn Write>> {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    match (io::stdin().is_terminal(), stderr.is_terminal()) {
        (false, _) => None,
        (true, true) => Some(Box::new(stderr)),
        // Standard error may be redirected to a file.
        (true, false) if screen.format() == Format::Text && stdout.is_terminal() => {
            Some(Box::new(stdout))
        }
        (true, false) => None,
    }
}

fn answer(mut prompt: impl Write, question: &str) -> io::Result<String> {
    // Input that was typed before the prompt does not answer it.
    #[cfg(target_os = "linux")]
    rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush)?;
    let mut answer = String::new();
    write!(prompt, "{question}")?;
    prompt.flush()?;
    io::stdin().read_line(&mut answer)?;
    if !answer.ends_with('\n') {
        // At the end of the input, the cursor is still on the line of the question.
        writeln!(prompt)?;
    }
    Ok(answer)
}
