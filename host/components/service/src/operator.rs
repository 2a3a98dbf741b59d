//! What the operator has configured, all of it in the environment.

use janitor_caller::Endpoints;
use janitor_caller::runtime::variable;
use subtle::ConstantTimeEq;
use wasip2::http::types::IncomingRequest;

use crate::answer::Refusal;

/// What the operator has configured.
pub struct Operator {
    /// Where the servers are.
    pub endpoints: Endpoints,
    /// The DC/OS authentication token, for all of them.
    pub token: Option<String>,
    /// What those who may ask show.
    service_token: String,
}

impl Operator {
    /// Reads the environment.
    ///
    /// # Errors
    /// When what must be there is not, or a URL cannot be one.
    pub fn from_environment() -> Result<Self, Refusal> {
        let url = |name, default: &str| variable(name).unwrap_or_else(|| default.into());
        let service_token = variable("JANITOR_SERVICE_TOKEN").ok_or_else(|| {
            let why = "nobody may ask yet: the operator must set JANITOR_SERVICE_TOKEN to what \
                       those who may show as their bearer token";
            Refusal::new(503, why)
        })?;
        let endpoints = Endpoints::new(
            &url("JANITOR_MASTER_URL", Endpoints::MASTER),
            &url("JANITOR_EXHIBITOR_URL", Endpoints::EXHIBITOR),
            &url("JANITOR_MARATHON_URL", Endpoints::MARATHON),
        );
        let endpoints = endpoints.map_err(|why| Refusal::misconfigured(why.to_string()))?;
        Ok(Self { endpoints, token: variable("JANITOR_AUTH_TOKEN"), service_token })
    }

    /// Whether whoever asks may do so.
    ///
    /// # Errors
    /// When not.
    pub fn admit(&self, request: &IncomingRequest) -> Result<(), Refusal> {
        let shown = request.headers().get("authorization");
        let shown = shown.first().and_then(|value| {
            let (scheme, token) = value.split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
        });
        match shown {
            Some(token) if bool::from(token.ct_eq(self.service_token.as_bytes())) => Ok(()),
            Some(_) => Err(Refusal::new(401, "this is not the service's bearer token")),
            None => Err(Refusal::new(401, "a bearer token is needed (Authorization: Bearer ...)")),
        }
    }
}
