//! Forwards the calls of a cleaner behind a gate. It announces each call to the gate first, and
//! turns the result into a failure if the gate denied a request.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings {
    //! The imports and exports as generated Rust bindings.
    #![allow(missing_docs, clippy::all, unsafe_op_in_unsafe_fn)]

    wit_bindgen::generate!({
        path: ["../../wit", "../gate/wit"],
        inline: "
            package janitor:announce;

            world announce {
                import janitor:gate/scope@0.1.0;
                import janitor:cleanup/cleanup@0.1.0;
                export janitor:cleanup/cleanup@0.1.0;
            }
        ",
        with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
        generate_all,
    });
}

use bindings::exports::janitor::cleanup::cleanup::Guest;
use bindings::janitor::cleanup::cleanup;
use bindings::janitor::gate::scope::{self, Call};
use janitor_contract::types::{CleanupPlan, Failure, Inventory, Options, Reason, Report, Target};

struct Announce;

bindings::export!(Announce with_types_in bindings);

impl Guest for Announce {
    fn plan(target: Target, options: Options) -> Result<CleanupPlan, Failure> {
        behind(&Call::Plan(target.clone()), &options, || cleanup::plan(&target, &options))
    }

    fn apply(plan: CleanupPlan, options: Options) -> Result<Report, Failure> {
        behind(&Call::Apply(plan.clone()), &options, || cleanup::apply(&plan, &options))
    }

    fn discover(options: Options) -> Result<Inventory, Failure> {
        behind(&Call::Discover, &options, || cleanup::discover(&options))
    }

    fn clean(target: Target, options: Options) -> Result<Report, Failure> {
        behind(&Call::Clean(target.clone()), &options, || cleanup::clean(&target, &options))
    }
}

/// Runs a call of the cleaner behind the gate.
fn behind<T>(
    call: &Call,
    options: &Options,
    run: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    scope::begin(call, options).map_err(|why| failed(why, None))?;
    let result = run();
    match scope::end() {
        None => result,
        Some(why) => Err(failed(why, result.err().map(|failure| failure.report))),
    }
}

/// Creates a failure that the cleaner does not know about; the gate has already logged it.
fn failed(message: String, report: Option<Report>) -> Failure {
    Failure { reason: Reason::Failed, message, report: report.unwrap_or(Report::NOTHING) }
}
