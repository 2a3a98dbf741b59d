//! Cleanups over HTTP, as a component for `wasmtime serve` and similar runtimes: the service
//! accepts `POST /clean`, `/plan` and `/discover`, and responds with the JSON output of the
//! command. Only the operator can set the servers and the credentials, in the environment; no
//! request can.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod operator;
mod request;
mod response;
mod slot;

use janitor_contract::Call;
use janitor_program::output::Format;
use janitor_program::run::{Log, configure, run};
use janitor_program::runtime::report_panics;
use janitor_report::ExitCode;
use janitor_report::command_line::print::{Caller, Invocation};
use janitor_report::next;
use janitor_report::output::{Output, Subject};
use wasip2::cli::stderr::get_stderr;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use operator::Operator;
use request::RunRequest;
use response::{Refusal, Response, status};
use slot::Slot;

struct Service;

wasip2::http::proxy::export!(Service);

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        report_panics();
        match admit(&request) {
            // The run keeps its slot until the response is complete.
            Ok((operator, request, _slot)) => serve(&operator, request, out),
            Err(refusal) => response::refuse(refusal, out),
        }
    }
}

/// Authorises and parses a request, and takes a slot for its run.
fn admit(request: &IncomingRequest) -> Result<(Operator, RunRequest, Option<Slot>), Refusal> {
    operator::admit(request)?;
    let operator = Operator::from_environment()?;
    let run = RunRequest::read(request, &operator)?;
    let slot = Slot::take(&operator)?;
    Ok((operator, run, slot))
}

/// Makes the call, and sends the response.
fn serve(operator: &Operator, request: RunRequest, out: ResponseOutparam) {
    let RunRequest { call, options, run_seconds, events } = request;
    let command = match call {
        Call::Clean(_) | Call::Apply(_) | Call::CleanAll(_) | Call::ApplyAll(_) => "clean",
        Call::Plan(_) | Call::PlanAll(_) => "plan",
        Call::Discover => "discover",
    };
    let endpoints = operator.endpoints.clone();
    let (response, stream) = match events {
        true => match Response::begin(200, "application/x-ndjson", out) {
            Some((response, stream)) => (Ok(response), stream),
            None => return,
        },
        false => (Err(out), get_stderr()),
    };
    let log = Log { stream, format: Format::Events, verbose: true };
    let (status, output) = match configure(&endpoints, operator.token.as_deref(), run_seconds, log)
    {
        Ok(()) => {
            let ran = run(&call, &options);
            let run = Invocation {
                call,
                options,
                endpoints,
                component: vec![],
                caller: Caller::default(),
            };
            let next = next::after(&ran, &run);
            let output = Output::new(&ran.result, next).about(Subject::of(command, &run));
            (status(&ran.result), output)
        }
        Err(why) => Refusal::misconfigured(ExitCode::Url, why).into_parts(),
    };
    match response {
        Ok(response) => response.end(&output),
        Err(out) => response::whole(status, &output, out),
    }
}
