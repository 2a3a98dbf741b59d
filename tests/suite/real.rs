//! Tests against real Mesos masters. `JANITOR_TEST_MESOS` holds the commands that start
//! them, separated by `;`; each test runs on all of them, one after the other. A
//! command gets two more arguments, the number of agents and the port, serves on 127.0.0.1
//! in the foreground, and prints a line that begins with `READY` when it does. Its last word
//! is the version.
//!
//! Two environment variables change what is started, besides Mesos's own:
//! `LAB_LEADER=HOST:PORT` (or `none`) makes it a master that does not lead, with
//! that one as its leader, which its agents join; `LAB_DIR` is where it keeps its state, and
//! `LAB_KEEP=1` has it begin with what is there.

mod absence;
mod cases;
mod detected;
mod framework;
mod gate;
pub mod master;
mod mount;
mod parts;
mod record;
mod scripted;
mod several;
mod waiting;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::forms::real as forms;
use crate::needs::needed;

const VARIABLE: &str = "JANITOR_TEST_MESOS";

/// Makes a test of each of these functions, which get the command that starts a master.
macro_rules! on_each_master {
    ($($module:ident::$case:ident,)*) => {
        /// The names of the cases, in the order of their table in docs/live-tests.md.
        pub const CASES: &[&str] = &[$(stringify!($case)),*];
        $(
            #[test]
            fn $case() {
                on_each_master($module::$case);
            }
        )*
    };
}

on_each_master! {
    cases::a_role_on_two_of_three_agents,
    cases::reservations_without_a_volume,
    cases::a_half_done_run,
    cases::a_second_run_changes_nothing,
    cases::few_agents_of_many,
    cases::a_role_that_nobody_has,
    cases::a_static_role,
    cases::one_of_two_principals,
    cases::both_principals,
    cases::a_principal_that_made_nothing,
    cases::labels,
    parts::two_services_in_one_role,
    parts::two_services_with_labels_of_their_own,
    parts::one_of_two_agents,
    cases::a_refined_reservation,
    cases::a_parent_role_keeps_its_children,
    cases::a_refined_static_reservation,
    cases::a_child_role_without_refinement,
    cases::a_reservation_without_a_principal,
    cases::a_path_disk,
    cases::a_mount_disk,
    cases::every_kind_of_resource,
    cases::a_role_with_a_quota,
    cases::an_idle_framework,
    cases::a_disconnected_framework,
    cases::a_framework_that_is_torn_down,
    cases::a_framework_that_someone_else_tears_down,
    cases::a_running_task,
    cases::a_running_task_and_force,
    cases::a_running_task_and_teardown,
    cases::a_role_that_may_not_be_viewed,
    cases::a_cleaner_without_credentials,
    cases::a_principal_with_its_secret,
    cases::a_principal_with_another_secret,
    cases::a_principal_without_the_permission,
    cases::volumes_that_may_not_be_destroyed,
    cases::reservations_that_may_not_be_released,
    cases::two_cleaners_at_once,
    cases::a_cleaner_that_is_overtaken,
    cases::a_master_that_does_not_lead,
    cases::a_master_without_a_leader,
    detected::a_master_in_zookeeper,
    cases::an_agent_that_goes_in_the_middle,
    cases::an_agent_that_returns_in_the_middle,
    cases::an_agent_that_hears_nothing,
    cases::a_lost_agent_that_returns,
    cases::an_agent_missing_after_a_failover,
    cases::a_plan_and_what_comes_of_it,
    cases::a_plan_that_is_out_of_date,
    several::everything_that_is_orphaned,
    several::orphans_with_nodes_in_zookeeper,
    several::services_of_which_one_is_in_use,
    cases::three_roles_of_which_one_is_orphaned,
    cases::two_hundred_agents,
    absence::a_framework_of_a_child_role,
    absence::frameworks_that_may_not_be_viewed,
    absence::a_master_that_has_just_taken_over,
    absence::a_master_that_takes_over_between_two_lists,
    absence::a_teardown_that_would_end_more,
    absence::a_component_that_ends_another_framework,
    absence::a_znode_that_is_owned,
    absence::a_misspelt_role,
    absence::an_unreachable_agent,
    absence::an_agent_that_restarts,
    absence::a_machine_that_is_down,
    absence::an_earlier_run_that_was_not_heard,
    absence::a_drained_agent,
    absence::ports_that_may_not_be_viewed,
    absence::a_label_that_is_no_text,
    waiting::an_agent_that_is_waited_for,
    waiting::a_framework_that_is_waited_for,
    scripted::a_script_with_a_configuration,
    forms::a_component_that_claims_a_volume,
    forms::a_component_that_releases_nothing,
    forms::forms_by_chance,
}

#[test]
#[ignore = "it makes the recordings of real masters anew"]
fn is_recorded() {
    on_each_master(record::record);
}

/// Runs a test on each master, and fails if it fails on one.
pub fn on_each_master(test: impl Fn(&str)) {
    let Some(commands) = needed(commands()) else { return };
    let fails = |command: &&str| {
        println!("On Mesos {}:", version(command));
        catch_unwind(AssertUnwindSafe(|| test(command))).is_err()
    };
    let commands = commands.split(';').map(str::trim).filter(|command| !command.is_empty());
    let failed: Vec<_> = commands.filter(fails).map(version).collect();
    assert!(failed.is_empty(), "it fails on Mesos {}", failed.join(", "));
}

/// Returns the commands that start a master.
///
/// # Errors
/// Fails if the variable is not set.
fn commands() -> Result<String, String> {
    env::var(VARIABLE).map_err(|_| format!("{VARIABLE} is not set"))
}

/// Returns the version of Mesos that a command starts.
fn version(command: &str) -> &str {
    command.split_whitespace().next_back().unwrap_or_default()
}
