//! `cargo xtask STEP` runs a step that must pass before a change is merged. `cargo xtask` alone
//! lists the steps, and `cargo xtask ci` runs all of them in this order, as `.ci/run` does.

#[macro_use]
mod say;
mod background;
mod install;
mod packages;
mod program;
mod report;
mod steps;
mod words;
#[cfg(test)]
mod workflow;

use std::process::ExitCode;
use std::time::Instant;
use std::{env, path::Path};

use background::Background;
use program::Result;
use report::Report;
use steps::{STEPS, Step};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result {
    env::set_current_dir(root())?;
    match arguments {
        [] | ["--help" | "-h" | "help"] => say!("{}", help().trim_end()),
        ["list"] => STEPS.iter().for_each(|step| say!("{}", step.name)),
        ["list", "--json"] => say!("{}", json(STEPS)),
        ["words", "--pending"] => words::show_pending()?,
        ["ci"] => in_order(&STEPS.iter().collect::<Vec<_>>())?,
        names => in_order(&steps_named(names)?)?,
    }
    Ok(())
}

/// The root of the repository, where all steps run.
fn root() -> &'static Path {
    const HERE: &str = env!("CARGO_MANIFEST_DIR");
    Path::new(HERE).ancestors().nth(2).unwrap_or(Path::new(HERE))
}

fn help() -> String {
    let mut help = "Usage: cargo xtask STEP...\n\nSteps, in the order of `ci`:\n".to_owned();
    for Step { name, about, .. } in STEPS {
        help += &format!("  {name:<15}{about}\n");
    }
    help += "\nOther commands:\n";
    for (name, about) in [
        ("ci", "Run every step in this order, and list times and skips"),
        ("list", "Print the names of the steps; --json as a JSON array"),
        ("words --pending", "Show the hits of patterns that are not enforced yet"),
    ] {
        help += &format!("  {name:<15}{}{about}\n", if name.len() < 15 { "" } else { "  " });
    }
    help
}

/// Formats the names of steps as a JSON array. The names need no escapes.
fn json(steps: &[Step]) -> String {
    let names: Vec<_> = steps.iter().map(|step| format!("\"{}\"", step.name)).collect();
    format!("[{}]", names.join(","))
}

fn steps_named(names: &[&str]) -> Result<Vec<&'static Step>> {
    let named = |name: &&str| {
        let step = STEPS.iter().find(|step| step.name == *name);
        step.ok_or_else(|| format!("there is no step '{name}': `cargo xtask` lists them").into())
    };
    names.iter().map(named).collect()
}

/// Runs steps until one fails, and lists their times and what was skipped at the end. It does not
/// return before the steps in the background have ended.
fn in_order(steps: &[&'static Step]) -> Result {
    let mut report = Report::default();
    let mut background = None;
    let mut failures = Vec::new();
    for step in steps {
        let (needs, needed) = background::NEEDS;
        if step.name == needs {
            wait_for(&mut background, Some(needed), &mut report, &mut failures);
        }
        if !failures.is_empty() {
            break;
        }
        say!("\n=== {}: {}", step.name, step.about);
        if in_background(step) && steps.len() > 1 {
            say!("It runs in the background; its output is in {}", background::output(step.name));
            if background.is_none() {
                let all = steps.iter().filter(|step| in_background(step));
                background = Some(Background::start(all.map(|step| step.name).collect())?);
            }
            continue;
        }
        let start = Instant::now();
        let result = (step.run)(&mut report.of(step.name));
        report.finish(step.name, start.elapsed());
        note(step.name, result, &mut failures);
    }
    wait_for(&mut background, None, &mut report, &mut failures);
    say!("{report}");
    if failures.is_empty() {
        return Ok(());
    }
    let failed = failures.join(" ");
    Err(format!("failed: {failed}\nTo run that alone: cargo xtask {failed}").into())
}

fn in_background(step: &Step) -> bool {
    background::STEPS.contains(&step.name)
}

/// Waits for a step in the background, or for all, if they have been started, and prints their output.
fn wait_for(
    background: &mut Option<Background>,
    step: Option<&str>,
    report: &mut Report,
    failures: &mut Vec<&'static str>,
) {
    let Some(background) = background else { return };
    for ended in background.wait(step) {
        say!("\n=== {}, in the background\n{}", ended.step, ended.output.trim_end());
        report.of(ended.step).skipped_in(&ended.output);
        report.finish(ended.step, ended.time);
        note(ended.step, ended.result.map_err(Into::into), failures);
    }
}

/// Prints and remembers the failure of a step.
fn note(step: &'static str, result: Result, failures: &mut Vec<&'static str>) {
    if let Err(why) = result {
        eprintln!("xtask: step `{step}` failed: {why}");
        failures.push(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_listed_with_a_line_that_fits() {
        let help = help();
        for Step { name, about, .. } in STEPS {
            assert!(help.contains(&format!("  {name:<15}{about}\n")), "{name}");
            assert!(name.bytes().all(|it| it.is_ascii_lowercase() || it == b'-'), "{name}");
            assert_eq!(STEPS.iter().filter(|step| step.name == *name).count(), 1, "{name}");
        }
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    }

    /// The first one of these starts all of them.
    #[test]
    fn the_steps_in_the_background_are_listed_before_the_one_that_needs_them() {
        let place = |name| STEPS.iter().position(|step| step.name == name);
        let (needs, needed) = background::NEEDS;
        assert!(background::STEPS.contains(&needed));
        for step in background::STEPS {
            assert!(place(step).is_some() && place(step) < place(needs), "{step}");
        }
    }

    #[test]
    fn a_step_that_does_not_exist_is_named() {
        let why = steps_named(&["format", "nope"]).err().map(|why| why.to_string());
        assert_eq!(why, Some("there is no step 'nope': `cargo xtask` lists them".into()));
    }

    #[test]
    fn a_failure_ends_the_run_and_names_the_step() {
        const FINE: Step = Step { name: "fine", about: "", run: |_| Ok(()) };
        const BAD: Step = Step { name: "bad", about: "", run: |_| Err("it is bad".into()) };
        const NEVER: Step = Step { name: "never", about: "", run: |_| Err("it is run".into()) };
        assert!(in_order(&[&FINE]).is_ok());
        let why = in_order(&[&FINE, &BAD, &NEVER]).map_err(|why| why.to_string());
        assert_eq!(why, Err("failed: bad\nTo run that alone: cargo xtask bad".into()));
    }

    #[test]
    fn the_root_is_the_workspaces() {
        assert!(root().join(".ci/run").is_file());
    }
}
