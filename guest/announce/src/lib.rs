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
