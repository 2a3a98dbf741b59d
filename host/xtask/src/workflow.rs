//! The workflow runs the same steps.

use std::collections::BTreeSet;
use std::fs;

use crate::program::Result;
use crate::steps::STEPS;

const WORKFLOW: &str = ".github/workflows/ci.yml";

fn workflow() -> Result<String> {
    Ok(fs::read_to_string(crate::root().join(WORKFLOW))?)
}

/// The values of the matrix: the items below the line that begins the list.
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

/// A tag can be moved to another commit, a digest cannot. The version stands behind it.
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
