//! Selects what a run cleans up: the targets that a command line or a list of services names, and
//! the app that runs this command.

use janitor_contract::Call;
use janitor_contract::names::{concerns, near};
use janitor_contract::types::{Options, Target};
use janitor_report::command_line::parse::{Checks, OWN_APP, Selection, with_app};

use crate::args::several::Several;
use crate::error::CommandError;
use crate::screen::Screen;
use crate::services;

/// Returns the call that determines what a cleanup would do.
pub fn planning(call: Call) -> Call {
    match call {
        Call::Clean(target) => Call::Plan(target),
        Call::CleanAll(targets) => Call::PlanAll(targets),
        other => other,
    }
}

/// Returns the cleanup of the targets that a command line names, and the options of the run. The
/// target, or the last one, has the app that runs this command. Orphans have no name yet.
///
/// # Errors
/// Fails if the command line, or the list of services that it names, cannot be used.
pub fn select(
    selection: &Selection,
    several: &Several,
    checks: &Checks,
    screen: &Screen,
) -> Result<(Call, Options), CommandError> {
    if several.all_orphaned {
        return Ok((Call::CleanAll(vec![]), checks.added_to(Options::DEFAULT)));
    }
    if let Some(file) = &several.services {
        let (targets, options) = services::read(file, checks)?;
        require_no_slip(&targets, &several.exclude, "--exclude")?;
        let targets = without(targets, &several.exclude, screen);
        if targets.is_empty() {
            return Err("--exclude leaves no service to clean up".to_owned().into());
        }
        return Ok((Call::CleanAll(with_last_app(targets, own_app())), options));
    }
    if !several.exclude.is_empty() {
        return Err("--exclude requires --all-orphaned or --services".to_owned().into());
    }
    let (target, options) = selection.read(checks)?;
    let own_app = own_app();
    selection.left_out(own_app.as_deref()).iter().for_each(|line| screen.warn(line));
    Ok((Call::Clean(with_app(target, own_app)), options))
}

/// Leaves targets of these roles out, with the ZooKeeper nodes of their services, and warns of roles
/// that no target has.
pub fn without(targets: Vec<Target>, excluded: &[String], screen: &Screen) -> Vec<Target> {
    for role in excluded.iter().filter(|role| !targets.iter().any(|it| concerns(it, role))) {
        screen.warn(&format!("--exclude {role} had no effect: no target has this role"));
    }
    let is_left = |target: &Target| !excluded.iter().any(|role| concerns(target, role));
    targets.into_iter().filter(is_left).collect()
}

/// Requires that none of these names is a misspelling of a target's role.
///
/// # Errors
/// Fails if one probably is.
pub fn require_no_slip(
    targets: &[Target],
    names: &[String],
    place: &str,
) -> Result<(), CommandError> {
    let roles = || targets.iter().filter_map(|it| it.role.as_deref());
    let unknown = names.iter().filter(|name| !targets.iter().any(|it| concerns(it, name)));
    for name in unknown {
        if let Some(meant) = near(name, roles()).first() {
            return Err(CommandError::Usage(format!(
                "{place} {name}: no target has this role. Did you mean {meant}? Nothing was changed; \
                 correct the name, or omit it"
            )));
        }
    }
    Ok(())
}

/// Returns the app that runs this command, if Marathon runs it.
pub fn own_app() -> Option<String> {
    std::env::var(OWN_APP).ok().filter(|value| !value.is_empty())
}

/// Adds the app that runs this command to the last of several targets, and to no other one: it is
/// removed at the end.
pub fn with_last_app(targets: Vec<Target>, own_app: Option<String>) -> Vec<Target> {
    let is_part = targets.iter().any(|it| !it.agents.is_empty());
    let last = targets.len().saturating_sub(1);
    let with = |(index, target): (usize, Target)| {
        with_app(target, own_app.clone().filter(|_| index == last && !is_part))
    };
    targets.into_iter().enumerate().map(with).collect()
}

/// Adds the app that runs this command to the target of a call, or to the last one.
pub fn with_own_app(call: Call) -> Call {
    match call {
        Call::CleanAll(targets) => Call::CleanAll(with_last_app(targets, own_app())),
        Call::PlanAll(targets) => Call::PlanAll(with_last_app(targets, own_app())),
        Call::ApplyAll(mut plans) => {
            let targets = plans.iter().map(|plan| plan.target.clone()).collect();
            let targets = with_last_app(targets, own_app());
            plans.iter_mut().zip(targets).for_each(|(plan, target)| plan.target = target);
            Call::ApplyAll(plans)
        }
        Call::Clean(target) => Call::Clean(with_app(target, own_app())),
        Call::Plan(target) => Call::Plan(with_app(target, own_app())),
        Call::Apply(mut plan) => {
            plan.target = with_app(plan.target, own_app());
            Call::Apply(plan)
        }
        Call::Discover => Call::Discover,
    }
}
