//! One call of the cleaner.

use janitor_contract::types::{Endpoint, Options};
use janitor_contract::{Call, Done, Endpoints, RunError, token};
use janitor_report::next::Ran;
use wasip2::io::streams::OutputStream;

use crate::bindings::output::{self, Format};
use crate::bindings::settings::{self, Configuration};

/// The maximum number of concurrent exchanges.
const WINDOW: u32 = 32;

/// The destination and format of the log.
pub struct Log {
    /// The stream of the log.
    pub stream: OutputStream,
    /// The format of the log.
    pub format: Format,
    /// This is set when debug lines, which show every request, are written too.
    pub verbose: bool,
}

/// Returns the token from a source such as an option or a variable. Surrounding space is removed; a
/// source without anything else holds no token.
///
/// # Errors
/// Fails with one sentence, which does not show the token, if no header can hold it.
pub fn token(source: &str, held: Option<String>) -> Result<Option<String>, String> {
    let held = held.as_deref().map(str::trim).filter(|held| !held.is_empty());
    let checked = held.map(|held| token::check(held).map(|()| held.to_owned())).transpose();
    checked.map_err(|why| format!("cannot use {source}: {why}"))
}

/// Configures the servers, their token, the time limit of the run in seconds, and the log.
///
/// # Errors
/// Fails with one sentence if these endpoints are not supported or not valid.
pub fn configure(
    endpoints: &Endpoints,
    token: Option<&str>,
    run_seconds: u32,
    log: Log,
) -> Result<(), String> {
    let configuration = Configuration {
        master: endpoints.masters().join(","),
        exhibitor: endpoints.base(Endpoint::Exhibitor).into(),
        marathon: endpoints.base(Endpoint::Marathon).into(),
        token: token.map(Into::into),
        window: WINDOW,
        run_seconds,
    };
    let Log { stream, format, verbose } = log;
    output::write_to(stream, format, verbose);
    settings::configure(&configuration)
}

/// Makes one call of the cleaner.
pub fn run(call: &Call, options: &Options) -> Ran {
    let result = match call {
        Call::Clean(target) => {
            janitor_announce::clean(target, options).map(Done::Cleaned).map_err(RunError::from)
        }
        Call::Plan(target) => {
            janitor_announce::plan(target, options).map(Done::Planned).map_err(RunError::from)
        }
        Call::Apply(plan) => {
            janitor_announce::apply(plan, options).map(Done::Cleaned).map_err(RunError::from)
        }
        Call::Discover => {
            janitor_announce::discover(options).map(Done::Discovered).map_err(RunError::from)
        }
        Call::CleanAll(targets) => {
            Ok(Done::CleanedAll(janitor_announce::clean_all(targets, options)))
        }
        Call::PlanAll(targets) => {
            Ok(Done::PlannedAll(janitor_announce::plan_all(targets, options)))
        }
        Call::ApplyAll(plans) => Ok(Done::CleanedAll(janitor_announce::apply_all(plans, options))),
    };
    let frameworks = match &result {
        Ok(Done::Planned(plan)) => plan.frameworks.clone(),
        _ => output::frameworks(),
    };
    Ran { result, frameworks, denials: vec![] }
}
