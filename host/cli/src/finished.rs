//! The result of a command that did its work, or tried to. Only the printing remains.

use janitor_contract::Done;
use janitor_report::inspection::Inspection;
use janitor_report::line::Line;
use janitor_report::next::{self, Ran};
use janitor_report::orphans;
use janitor_report::output::{Output, Subject};
use janitor_report::view::View;
use janitor_report::{ExitCode, command_line::print::Invocation, summary};

use crate::args;
use crate::error::CommandError;

/// A finished command: all its effects have taken place.
pub struct Finished {
    /// The exit code.
    pub code: ExitCode,
    /// The last lines on standard output, for people.
    pub lines: Vec<Line>,
    /// The last lines on standard error, for people.
    pub hints: Vec<String>,
    /// The lines about the command itself on standard error, in every format.
    pub notes: Vec<String>,
    /// The last line on standard error, for somebody at a terminal.
    pub closing: Option<String>,
    /// The document on standard output.
    pub document: Document,
}

/// A document on standard output.
pub enum Document {
    /// The result of a run, for programs.
    Output(Box<Output>),
    /// The component and its limits, for programs.
    Inspection(Box<Inspection>),
    /// A file for other programs, whatever the output format is.
    File(Vec<u8>),
}

impl Finished {
    /// A command with a document, and without lines.
    pub fn new(code: ExitCode, document: Document) -> Self {
        Self { code, lines: vec![], hints: vec![], notes: vec![], closing: None, document }
    }

    /// A finished run.
    pub fn run(ran: &Ran, run: &Invocation, view: &View) -> Self {
        let next = next::after(ran, run);
        let warnings = next::without_effect(ran, &run.options);
        let mut hints = warnings.clone();
        if matches!(ran.result, Ok(Done::Cleaned(_))) {
            // The original's output ends with the log.
            hints.extend(next.iter().cloned());
        }
        let lines = summary::outcome(&ran.result, run, &next, view, args::usage);
        let mut output = Output::new(&ran.result, next);
        output.warnings.extend(warnings);
        if let Ok(Done::Discovered(inventory)) = &ran.result {
            // The text has these commands in the details of the roles.
            output.next.extend(orphans::removals(inventory, run));
        }
        let output = output.about(Subject::of("", run));
        let document = Document::Output(output.into());
        Self { lines, hints, ..Self::new(ExitCode::from(&ran.result), document) }
    }

    /// An error that has been explained to people already.
    pub fn explained(error: &CommandError) -> Self {
        Self::new(error.code(), Document::Output(error.document().into()))
    }

    /// Names the subject of the command, and the component that ran.
    pub fn about(&mut self, subject: Subject) {
        self.change(|output| *output = output.clone().about(subject));
    }

    /// Changes the document for programs, if the command has one.
    pub fn change(&mut self, change: impl FnOnce(&mut Output)) {
        if let Document::Output(output) = &mut self.document {
            change(output);
        }
    }

    /// Changes the exit code of a command that has nothing to explain.
    pub fn exit_with(&mut self, code: ExitCode) {
        self.code = code;
        self.change(|output| output.exit_code = code as u8);
    }

    /// Adds a proposal for what to do next, on standard error for people.
    pub fn hint(&mut self, line: String) {
        if let Document::Output(output) = &mut self.document {
            output.next.push(line.clone());
        }
        self.hints.push(line);
    }

    /// Adds warnings that people have seen already.
    pub fn warn(&mut self, warnings: Vec<String>) {
        if let Document::Output(output) = &mut self.document {
            output.warnings.splice(0..0, warnings);
        }
    }

    /// Adds a line about what is left to do.
    pub fn add(&mut self, line: String) {
        if let Document::Output(output) = &mut self.document {
            output.next.push(line.clone());
        }
        self.lines.push(line.into());
    }

    /// Adds the report of a run that only removed the command's app.
    pub fn report(&mut self, ran: &Ran) {
        if let Document::Output(output) = &mut self.document {
            output.report = match &ran.result {
                Ok(Done::Cleaned(report)) => Some(report.clone()),
                Ok(_) => None,
                Err(error) => error.report().cloned(),
            };
        }
    }

    /// Changes the exit code. The document contains the reason in one sentence, and people get it
    /// in lines.
    pub fn end_with(&mut self, code: ExitCode, why: &str, notes: Vec<String>) {
        self.code = code;
        if let Document::Output(output) = &mut self.document {
            output.exit_code = code as u8;
            output.message = Some(match &output.message {
                Some(message) => format!("{}; {why}", message.trim_end_matches('.')),
                None => why.to_owned(),
            });
        }
        self.notes.extend(notes);
    }

    /// Adds that output of the command was lost. The exit code of a failed run does not change.
    pub fn lose(&mut self, why: String) {
        self.end_with(self.code.with_loss(), &why, vec![why.clone()]);
    }
}
