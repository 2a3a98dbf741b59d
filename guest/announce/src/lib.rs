//! The calls of a cleaner behind a gate. Each is announced to the gate first, and its result becomes
//! a failure if the gate denied a request.
#![cfg(target_family = "wasm")]

mod bindings {
    //! The imports as generated Rust bindings.
    #![allow(missing_docs, clippy::all, unsafe_code, unsafe_op_in_unsafe_fn)]

    wit_bindgen::generate!({
        path: ["../../wit", "../gate/wit"],
        inline: "
            package janitor:announce;

            world announce {
                import janitor:gate/scope@0.1.0;
                import janitor:cleanup/cleanup@0.1.0;
            }
        ",
        with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
        generate_all,
    });
}
#[cfg(feature = "component")]
mod component;

use bindings::janitor::cleanup::cleanup;
use bindings::janitor::gate::scope::{self, Call};
use janitor_contract::types::{
    CleanupPlan, Failure, Inventory, Options, ReadFailure, Reason, Report, Target,
};

/// Determines what a cleanup of the target would do.
///
/// # Errors
/// Fails as `plan` of `janitor:cleanup/cleanup` does, or if the gate denied a request.
pub fn plan(target: &Target, options: &Options) -> Result<CleanupPlan, ReadFailure> {
    let call = Call::Plan(target.clone());
    behind(&call, options, || cleanup::plan(target, options), unread)
}

/// Carries out a plan.
///
/// # Errors
/// Fails as `apply` of `janitor:cleanup/cleanup` does, or if the gate denied a request.
pub fn apply(plan: &CleanupPlan, options: &Options) -> Result<Report, Failure> {
    let call = Call::Apply(plan.clone());
    behind(&call, options, || cleanup::apply(plan, options), unclean)
}

/// Lists everything that is reserved.
///
/// # Errors
/// Fails as `discover` of `janitor:cleanup/cleanup` does, or if the gate denied a request.
pub fn discover(options: &Options) -> Result<Inventory, ReadFailure> {
    behind(&Call::Discover, options, || cleanup::discover(options), unread)
}

/// Removes the target.
///
/// # Errors
/// Fails as `clean` of `janitor:cleanup/cleanup` does, or if the gate denied a request.
pub fn clean(target: &Target, options: &Options) -> Result<Report, Failure> {
    let call = Call::Clean(target.clone());
    behind(&call, options, || cleanup::clean(target, options), unclean)
}

/// Determines what a cleanup of each target would do.
///
/// If the gate denied a request, no target has a plan.
pub fn plan_all(targets: &[Target], options: &Options) -> Vec<Result<CleanupPlan, ReadFailure>> {
    let call = Call::PlanAll(targets.to_vec());
    let run = || Ok(cleanup::plan_all(targets, options));
    let all = behind(&call, options, run, |why, _: Option<String>| why);
    all.unwrap_or_else(|why| targets.iter().map(|_| Err(unread(why.clone(), None))).collect())
}

/// Carries out all plans.
///
/// If the gate denied a request, all of them fail, with the reports that they have.
pub fn apply_all(plans: &[CleanupPlan], options: &Options) -> Vec<Result<Report, Failure>> {
    let call = Call::ApplyAll(plans.to_vec());
    changing(&call, options, || cleanup::apply_all(plans, options), plans.len())
}

/// Removes all targets.
///
/// If the gate denied a request, all of them fail, with the reports that they have.
pub fn clean_all(targets: &[Target], options: &Options) -> Vec<Result<Report, Failure>> {
    let call = Call::CleanAll(targets.to_vec());
    changing(&call, options, || cleanup::clean_all(targets, options), targets.len())
}

/// Runs a call that changes something for this many targets.
fn changing(
    call: &Call,
    options: &Options,
    run: impl FnOnce() -> Vec<Result<Report, Failure>>,
    count: usize,
) -> Vec<Result<Report, Failure>> {
    if let Err(why) = scope::begin(call, options) {
        return (0..count).map(|_| Err(unclean(why.clone(), None))).collect();
    }
    let results = run();
    let Some(why) = scope::end() else { return results };
    let failed = results.into_iter().map(|result| {
        let report = result.unwrap_or_else(|failure| failure.report);
        Err(Failure { reason: Reason::Failed, message: why.clone(), report })
    });
    failed.collect()
}

/// Runs a call of the cleaner behind the gate. If the gate denied a request, `failed` turns the
/// reason, and the cleaner's own failure, into the result.
fn behind<T, E>(
    call: &Call,
    options: &Options,
    run: impl FnOnce() -> Result<T, E>,
    failed: impl Fn(String, Option<E>) -> E,
) -> Result<T, E> {
    scope::begin(call, options).map_err(|why| failed(why, None))?;
    let result = run();
    match scope::end() {
        None => result,
        Some(why) => Err(failed(why, result.err())),
    }
}

/// Creates the failure of a cleanup, which the gate has already logged.
fn unclean(message: String, own: Option<Failure>) -> Failure {
    let report = own.map_or(Report::NOTHING, |failure| failure.report);
    Failure { reason: Reason::Failed, message, report }
}

/// Creates the failure of a call that changes nothing, which the gate has already logged.
fn unread(message: String, _: Option<ReadFailure>) -> ReadFailure {
    ReadFailure { reason: Reason::Failed, message }
}
