//! The results of a run for several targets, for people: each plan, or what became of each target,
//! and the totals.

use std::collections::BTreeMap;

use janitor_contract::describe::count;
use janitor_contract::types::{CleanupPlan, Failure, Options, ReadFailure, Report, Target};

use crate::closing::changes;
use crate::exit::ExitCode;
use crate::extent::Extent;
use crate::line::{Line, Tone};
use crate::plan::{plan_beside, sum};
use crate::words::target_words;

/// Lists the plans, one after another, and sums up those that can be carried out.
pub fn plans(
    results: &[Result<CleanupPlan, ReadFailure>],
    targets: &[&Target],
    options: &Options,
    verbose: bool,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let made: Vec<_> = results.iter().flatten().collect();
    for (index, result) in results.iter().enumerate() {
        match result {
            Ok(it) => lines.extend(plan_beside(it, &made, options, verbose)),
            Err(failure) => {
                let of = targets.get(index).map(|it| format!(" for {}", target_words(it)));
                let of = of.unwrap_or_default();
                let line = format!("No plan{of}: {}", failure.message);
                lines.extend(["".into(), Line::tone(Tone::Error, line)]);
            }
        }
    }
    let possible: Vec<_> = made.iter().copied().filter(|it| it.refusal.is_none()).collect();
    let refused = made.len() - possible.len();
    let mut total = count(possible.len(), "target");
    if let Some(sum) = sum(&Extent::of_all(&possible, options), true) {
        total += &format!(": {sum}");
    }
    lines.extend(["".into(), format!("Everything in total: {total}").into()]);
    if refused > 0 {
        let line = format!("A run would refuse {}.", count(refused, "target"));
        lines.push(Line::tone(Tone::Error, line));
    }
    lines
}

/// Lists what became of each target.
pub fn results(results: &[Result<Report, Failure>], targets: &[&Target]) -> Vec<Line> {
    let mut numbers = BTreeMap::new();
    let mut lines = Vec::new();
    for (result, target) in results.iter().zip(targets) {
        let (code, report) = match result {
            Ok(report) => (ExitCode::Clean, report),
            Err(failure) => (ExitCode::from(failure.reason), &failure.report),
        };
        *numbers.entry(code).or_insert(0) += 1;
        let what = target_words(target);
        let changes = changes(report, result.is_ok());
        lines.push(match result {
            Ok(_) => {
                let changes = changes.unwrap_or_else(|| "nothing was left to remove".into());
                format!("  {what}: clean: {changes}").into()
            }
            Err(failure) => {
                let changes = changes.map(|changes| format!(" ({changes})")).unwrap_or_default();
                let line = format!("  {what}: {}{changes}", failure.message);
                Line::tone(Tone::Error, line)
            }
        });
    }
    let numbers = numbers.iter().map(|(code, number)| format!("{number} {}", word(*code)));
    let numbers = numbers.collect::<Vec<_>>().join(", ");
    let heading = format!("In total: {}: {numbers}", count(results.len(), "target"));
    ["".into(), Line::from(heading)].into_iter().chain(lines).collect()
}

/// One word for each way in which the cleanup of a target ends.
fn word(code: ExitCode) -> &'static str {
    match code {
        ExitCode::Clean => "clean",
        ExitCode::Incomplete => "incomplete",
        ExitCode::Refused => "refused",
        _ => "failed",
    }
}
