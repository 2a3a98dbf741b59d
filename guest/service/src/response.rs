//! The responses of the service: the JSON output of the command, and a status that summarises it.

use std::fmt;
use std::io::Write;

use janitor_contract::types::Reason;
use janitor_contract::{Done, RunError, json};
use janitor_program::output;
use janitor_report::ExitCode;
use janitor_report::output::Output;
use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::OutputStream;

/// The reason why there was no run.
pub struct Refusal {
    status: u16,
    code: ExitCode,
    why: String,
}

impl Refusal {
    /// Creates a refusal of a request that cannot be served.
    pub fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, code: ExitCode::Usage, why: why.into() }
    }

    /// Creates a refusal that the operator has to resolve. The command would exit with this code.
    pub fn misconfigured(code: ExitCode, why: impl fmt::Display) -> Self {
        let why = format!("the service's environment must be corrected: {why}");
        Self { status: 500, code, why }
    }

    /// Creates a refusal because all the runs that the operator allows are active.
    pub fn busy(most: u32) -> Self {
        let why =
            format!("Refused: {most} run(s) are active, and no more are allowed. Try again later.");
        Self { status: 429, code: ExitCode::Refused, why }
    }

    /// Returns the status and the output.
    pub fn into_parts(self) -> (u16, Output) {
        (self.status, Output::without_run(self.code, Some(self.why)))
    }
}

/// Returns the status for the result of a run; of several targets, the highest one counts.
pub fn status(result: &Result<Done, RunError>) -> u16 {
    match result {
        Ok(done) => done.parts().iter().map(status).max().unwrap_or(200),
        Err(error) => match error.reason() {
            Some(Reason::NothingToDo | Reason::InvalidTarget | Reason::SystemZnode) => 422,
            Some(
                Reason::OtherPrincipals
                | Reason::OtherLabels
                | Reason::RoleNotFound
                | Reason::InUse
                | Reason::InUseUnknown
                | Reason::Changed,
            ) => 409,
            Some(Reason::Failed) => 502,
            Some(Reason::Incomplete | Reason::Stopped) => 503,
            None => 500,
        },
    }
}

/// A response whose headers have been sent.
pub struct Response(OutgoingBody);

impl Response {
    /// Starts a response. Returns `None` if the client has disconnected.
    pub fn begin(
        status: u16,
        media_type: &str,
        out: ResponseOutparam,
    ) -> Option<(Self, OutputStream)> {
        let fields = Fields::new();
        fields.append("content-type", media_type.as_bytes()).ok()?;
        match status {
            401 => fields.append("www-authenticate", b"Bearer").ok()?,
            405 => fields.append("allow", b"POST").ok()?,
            // Most runs finish within seconds.
            429 => fields.append("retry-after", b"10").ok()?,
            _ => {}
        }
        let response = OutgoingResponse::new(fields);
        response.set_status_code(status).ok()?;
        let body = response.body().ok()?;
        let stream = body.write().ok()?;
        ResponseOutparam::set(out, Ok(response));
        Some((Self(body), stream))
    }

    /// Ends a response that contains the log: the output is its last line.
    pub fn end(self, output: &Output) {
        if let (Some(stream), Ok(json)) = (output::end_log(), json::line(output)) {
            self.finish(stream, &json);
        }
    }

    /// Writes the end of the body, and closes it.
    fn finish(self, mut stream: OutputStream, text: &[u8]) {
        // Errors are ignored: the client may have disconnected.
        let _ = stream.write_all(text).and_then(|()| Write::flush(&mut stream));
        drop(stream);
        let _ = OutgoingBody::finish(self.0, None);
    }
}

/// Sends a complete response.
pub fn whole(status: u16, output: &Output, out: ResponseOutparam) {
    if let (Some((response, stream)), Ok(json)) =
        (Response::begin(status, "application/json", out), json::lines(output))
    {
        response.finish(stream, &json);
    }
}

/// Sends the response to a request that starts no run.
pub fn refuse(refusal: Refusal, out: ResponseOutparam) {
    let (status, output) = refusal.into_parts();
    whole(status, &output, out);
}
