//! `cargo xtask STEP` runs a step that must pass before a change is merged. `cargo xtask` alone
//! lists the steps, and `cargo xtask ci` runs all of them in this order, as `.ci/run` does.

#[macro_use]
mod say;
mod install;
mod packages;
mod program;
mod report;
mod steps;
mod words;
#[cfg(test)]
mod workflow;

use std::process::ExitCode;
use std::{env, path::Path};

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
        ["ci"] => in_order(STEPS.iter())?,
        names => in_order(steps_named(names)?.into_iter())?,
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
        ("ci", "Run every step in this order, and list what was skipped"),
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

/// Runs steps until one fails, and lists what was skipped at the end.
fn in_order(steps: impl ExactSizeIterator<Item = &'static Step>) -> Result {
    let mut report = Report::default();
    let all = steps.len();
    let mut failed = None;
    for (number, step) in (1..).zip(steps) {
        say!("\n=== {}: {}", step.name, step.about);
        if let Err(why) = (step.run)(&mut report.of(step.name)) {
            failed = Some(format!(
                "step {number} of {all}, `{name}`, failed: {why}\nTo run it alone: cargo xtask {name}",
                name = step.name
            ));
            break;
        }
    }
    say!("{report}");
    failed.map_or(Ok(()), |why| Err(why.into()))
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

    #[test]
    fn a_step_that_does_not_exist_is_named() {
        let why = steps_named(&["format", "nope"]).err().map(|why| why.to_string());
        assert_eq!(why, Some("there is no step 'nope': `cargo xtask` lists them".into()));
    }

    #[test]
    fn the_root_is_the_workspaces() {
        assert!(root().join(".ci/run").is_file());
    }
}
