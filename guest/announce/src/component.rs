//! The calls as the export of a component of its own, for embedders.
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings {
    //! The export as generated Rust bindings.
    #![allow(missing_docs, clippy::all, unsafe_op_in_unsafe_fn)]

    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package janitor:announce;

            world component {
                export janitor:cleanup/cleanup@0.1.0;
            }
        ",
        with: { "janitor:cleanup/types@0.1.0": janitor_contract::types },
        generate_all,
    });
}

use bindings::exports::janitor::cleanup::cleanup::Guest;
use janitor_contract::types::{
    CleanupPlan, Failure, Inventory, Options, ReadFailure, Report, Target,
};

struct Component;

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn plan(target: Target, options: Options) -> Result<CleanupPlan, ReadFailure> {
        crate::plan(&target, &options)
    }

    fn apply(plan: CleanupPlan, options: Options) -> Result<Report, Failure> {
        crate::apply(&plan, &options)
    }

    fn discover(options: Options) -> Result<Inventory, ReadFailure> {
        crate::discover(&options)
    }

    fn clean(target: Target, options: Options) -> Result<Report, Failure> {
        crate::clean(&target, &options)
    }

    fn plan_all(targets: Vec<Target>, options: Options) -> Vec<Result<CleanupPlan, ReadFailure>> {
        crate::plan_all(&targets, &options)
    }

    fn apply_all(plans: Vec<CleanupPlan>, options: Options) -> Vec<Result<Report, Failure>> {
        crate::apply_all(&plans, &options)
    }

    fn clean_all(targets: Vec<Target>, options: Options) -> Vec<Result<Report, Failure>> {
        crate::clean_all(&targets, &options)
    }
}
