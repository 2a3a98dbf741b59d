//! The operator's configuration, all of it from the environment.

use janitor_contract::Endpoints;
use janitor_program::run::token;
use janitor_program::runtime::{complain, variable};
use janitor_report::ExitCode;
use janitor_report::command_line::parse::variables;
use subtle::ConstantTimeEq;
use wasip2::http::types::IncomingRequest;

use crate::response::Refusal;

/// The operator's configuration.
pub struct Operator {
    /// The addresses of the servers.
    pub endpoints: Endpoints,
    /// The DC/OS authentication token for all servers.
    pub token: Option<String>,
    /// The time limit of a run, in seconds.
    pub run_seconds: u32,
    /// The longest time, in seconds, for which a request may let the run wait for the master to
    /// confirm its operations.
    pub confirm_seconds: u32,
    /// The maximum number of concurrent runs, if the operator sets it.
    pub max_runs: Option<u32>,
}

impl Operator {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails if a URL, a token or a number is invalid.
    pub fn from_environment() -> Result<Self, Refusal> {
        let url = |name, default: &str| variable(name).unwrap_or_else(|| default.into());
        let endpoints = Endpoints::new(
            &url(variables::MASTER_URL, Endpoints::MASTER),
            &url(variables::EXHIBITOR_URL, Endpoints::EXHIBITOR),
            &url(variables::MARATHON_URL, Endpoints::MARATHON),
        );
        let endpoints = endpoints.map_err(|why| Refusal::misconfigured(ExitCode::Url, why))?;
        let token = token(variables::AUTH_TOKEN, variable(variables::AUTH_TOKEN));
        Ok(Self {
            endpoints,
            token: token.map_err(|why| Refusal::misconfigured(ExitCode::Login, why))?,
            run_seconds: number(RUN_SECONDS, "of seconds")?.unwrap_or(3600),
            confirm_seconds: number(CONFIRM_SECONDS, "of seconds")?.unwrap_or(600),
            max_runs: number(MAX_RUNS, "of runs")?,
        })
    }
}

/// The variable that limits the time of a run.
pub const RUN_SECONDS: &str = "JANITOR_RUN_SECONDS";

/// The variable that limits how long a request may wait for confirmation.
pub const CONFIRM_SECONDS: &str = "JANITOR_MAX_CONFIRM_SECONDS";

/// The variable that sets the maximum number of concurrent runs.
pub const MAX_RUNS: &str = "JANITOR_MAX_RUNS";

/// Parses a numeric variable, if it is set.
fn number(name: &str, what: &str) -> Result<Option<u32>, Refusal> {
    let Some(value) = variable(name) else { return Ok(None) };
    value.parse().ok().filter(|number| *number > 0).map(Some).ok_or_else(|| {
        let most = u32::MAX;
        let why = format!("{name} must be a number {what}, from 1 to {most}: {value}");
        Refusal::misconfigured(ExitCode::Usage, why)
    })
}

/// Checks the bearer token of a request. This check comes first, so that an unauthorised client
/// learns nothing.
///
/// # Errors
/// Fails if the token is missing or wrong.
pub fn admit(request: &IncomingRequest) -> Result<(), Refusal> {
    let shown = request.headers().get("authorization");
    let shown = shown.first().and_then(|value| {
        let (scheme, token) = value.split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    // Surrounding space is not part of a header's value, so it cannot be part of the token either.
    let wanted = variable("JANITOR_SERVICE_TOKEN").unwrap_or_default();
    let wanted = wanted.trim();
    if wanted.is_empty() || wanted.contains(char::is_control) {
        complain(
            "all requests are refused: set JANITOR_SERVICE_TOKEN to the bearer token that \
             clients must send, on one line",
        );
        return Err(unauthorized());
    }
    match shown {
        Some(token) if bool::from(token.ct_eq(wanted.as_bytes())) => Ok(()),
        _ => Err(unauthorized()),
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(
        401,
        "unauthorized: the service's bearer token is required (Authorization: Bearer ...)",
    )
}
