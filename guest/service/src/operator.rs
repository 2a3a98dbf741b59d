//! What the operator has configured, all of it in the environment.

use janitor_contract::Endpoints;
use janitor_program::run::token;
use janitor_program::runtime::{complain, variable};
use janitor_report::ExitCode;
use subtle::ConstantTimeEq;
use wasip2::http::types::IncomingRequest;

use crate::answer::Refusal;
use crate::room::MAX_RUNS;

/// What the operator has configured.
pub struct Operator {
    /// Where the servers are.
    pub endpoints: Endpoints,
    /// The DC/OS authentication token, for all of them.
    pub token: Option<String>,
    /// How long a run may take, in seconds.
    pub run_seconds: u32,
    /// The most that whoever asks may have it wait for what the master has promised, in
    /// seconds.
    pub confirm_seconds: u32,
    /// How many runs there may be at a time, if that is limited here.
    pub max_runs: Option<u32>,
}

impl Operator {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a URL, a token or a number cannot be one.
    pub fn from_environment() -> Result<Self, Refusal> {
        let url = |name, default: &str| variable(name).unwrap_or_else(|| default.into());
        let endpoints = Endpoints::new(
            &url("JANITOR_MASTER_URL", Endpoints::MASTER),
            &url("JANITOR_EXHIBITOR_URL", Endpoints::EXHIBITOR),
            &url("JANITOR_MARATHON_URL", Endpoints::MARATHON),
        );
        let endpoints = endpoints.map_err(|why| Refusal::misconfigured(ExitCode::Url, why))?;
        let token = token(AUTH_TOKEN, variable(AUTH_TOKEN));
        Ok(Self {
            endpoints,
            token: token.map_err(|why| Refusal::misconfigured(ExitCode::Login, why))?,
            run_seconds: number("JANITOR_RUN_SECONDS", "of seconds")?.unwrap_or(3600),
            confirm_seconds: number(CONFIRM_SECONDS, "of seconds")?.unwrap_or(600),
            max_runs: number(MAX_RUNS, "of runs")?,
        })
    }
}

/// The variable that holds the token for the servers.
const AUTH_TOKEN: &str = "JANITOR_AUTH_TOKEN";

/// The variable that bounds how long is waited for what the master has promised.
pub const CONFIRM_SECONDS: &str = "JANITOR_MAX_CONFIRM_SECONDS";

/// A number that the operator may set.
fn number(name: &str, what: &str) -> Result<Option<u32>, Refusal> {
    let Some(value) = variable(name) else { return Ok(None) };
    value.parse().ok().filter(|number| *number > 0).map(Some).ok_or_else(|| {
        let most = u32::MAX;
        let why = format!("{name} must be a number {what}, from 1 to {most}: {value}");
        Refusal::misconfigured(ExitCode::Usage, why)
    })
}

/// Whether whoever asks may do so. That is asked before anything else: who may not learns
/// nothing.
///
/// # Errors
/// When not.
pub fn admit(request: &IncomingRequest) -> Result<(), Refusal> {
    let shown = request.headers().get("authorization");
    let shown = shown.first().and_then(|value| {
        let (scheme, token) = value.split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    // Space around a header's value is no part of it, so it cannot be one of the token's.
    let wanted = variable("JANITOR_SERVICE_TOKEN").unwrap_or_default();
    let wanted = wanted.trim();
    if wanted.is_empty() || wanted.contains(char::is_control) {
        complain(
            "nobody may ask yet: set JANITOR_SERVICE_TOKEN to what those who may show as their \
             bearer token, on one line",
        );
        return Err(unauthorized());
    }
    match shown {
        Some(token) if bool::from(token.ct_eq(wanted.as_bytes())) => Ok(()),
        _ => Err(unauthorized()),
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(401, "the service's bearer token is needed (Authorization: Bearer ...)")
}
