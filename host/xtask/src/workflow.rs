//! Tests that the workflow runs the same steps, and that the documents name steps that exist.

use std::collections::BTreeSet;
use std::fs;

use crate::program::Result;
use crate::steps::STEPS;

const WORKFLOW: &str = ".github/workflows/ci.yml";

fn workflow() -> Result<String> {
    Ok(fs::read_to_string(crate::root().join(WORKFLOW))?)
}

/// Returns the values of the matrix: the items below the line that starts the list.
fn matrix(workflow: &str) -> Vec<&str> {
    let lines = workflow.lines().map(str::trim).skip_while(|line| *line != "steps-of-a-job:");
    lines.skip(1).map_while(|line| line.strip_prefix("- ")).collect()
}

#[test]
fn it_has_a_job_for_every_step() -> Result {
    let workflow = workflow()?;
    let jobs = matrix(&workflow);
    let run: BTreeSet<&str> = jobs.iter().flat_map(|job| job.split(' ')).collect();
    let steps: BTreeSet<&str> = STEPS.iter().map(|step| step.name).collect();
    assert_eq!(run, steps, "{WORKFLOW} (left) and `cargo xtask list` (right)");
    Ok(())
}

/// A tag can be moved to another commit, but a digest cannot. The version follows as a comment.
#[test]
fn its_actions_are_pinned() -> Result {
    let mut actions = 0;
    for line in workflow()?.lines().filter_map(|line| line.trim().split_once("uses: ")) {
        let pinned = line.1.split_once('@').and_then(|(_, at)| at.split_once(" # v"));
        let digest = pinned.map_or("", |(digest, _)| digest);
        assert!(digest.len() == 40 && digest.bytes().all(|it| it.is_ascii_hexdigit()), "{line:?}");
        actions += 1;
    }
    assert!(actions > 0);
    Ok(())
}

/// Every `cargo xtask ...` in the documents is a valid command.
#[test]
fn documents_name_real_steps() -> Result {
    const OTHER_WORDS: [&str; 4] = ["ci", "list", "--json", "--pending"];
    for document in ["README.md", "CONTRIBUTING.md", "RELEASING.md"] {
        let text = fs::read_to_string(crate::root().join(document))?;
        let mut named = 0;
        for rest in text.split("cargo xtask").skip(1) {
            let command = rest.split(['`', '#', '\n']).next().unwrap_or_default();
            for word in command.split_whitespace() {
                let is_step = STEPS.iter().any(|step| step.name == word);
                assert!(is_step || OTHER_WORDS.contains(&word), "{document}: cargo xtask{command}");
            }
            named += 1;
        }
        assert!(named > 0 || document == "RELEASING.md", "{document}");
    }
    Ok(())
}
