//! Cleanups over HTTP, as a component for `wasmtime serve` and its like: `POST /clean`,
//! `/plan` or `/discover`, and the answer is the object that the binary writes for
//! programs. Where the servers are and who to be for them is the operator's business:
//! the environment says it, and no request can.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod answer;
mod ask;
mod operator;
mod room;

use janitor_program::run::{Log, configure, run};
use janitor_program::runtime::report_panics;
use janitor_program::settings::Format;
use janitor_report::ExitCode;
use janitor_report::command_line::print::Invocation;
use janitor_report::next;
use janitor_report::output::Output;
use wasip2::cli::stderr::get_stderr;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use answer::{Answer, Refusal, status};
use ask::Ask;
use operator::Operator;
use room::Place;

struct Service;

wasip2::http::proxy::export!(Service);

impl wasip2::exports::http::incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        report_panics();
        match admit(&request) {
            // The place is the run's until it has answered.
            Ok((operator, ask, _place)) => serve(&operator, ask, out),
            Err(refusal) => answer::refuse(refusal, out),
        }
    }
}

/// Who may ask, what is asked, and whether there is room for it.
fn admit(request: &IncomingRequest) -> Result<(Operator, Ask, Option<Place>), Refusal> {
    operator::admit(request)?;
    let operator = Operator::from_environment()?;
    let ask = Ask::read(request, &operator)?;
    let place = Place::take(&operator)?;
    Ok((operator, ask, place))
}

/// Does what is asked, and answers.
fn serve(operator: &Operator, ask: Ask, out: ResponseOutparam) {
    let Ask { call, options, events } = ask;
    let endpoints = operator.endpoints.clone();
    let (answer, stream) = match events {
        true => match Answer::begin(200, "application/x-ndjson", out) {
            Some((answer, stream)) => (Ok(answer), stream),
            None => return,
        },
        false => (Err(out), get_stderr()),
    };
    let log = Log { stream, format: Format::Events, verbose: true };
    let (status, output) =
        match configure(&endpoints, operator.token.as_deref(), operator.run_seconds, log) {
            Ok(()) => {
                let ran = run(&call, &options);
                let run = Invocation { call, options, endpoints, component: vec![] };
                let next = next::after(&ran, &run);
                (status(&ran.result), Output::new(&ran.result, next))
            }
            Err(why) => Refusal::misconfigured(ExitCode::Url, why).into_parts(),
        };
    match answer {
        Ok(answer) => answer.end(&output),
        Err(out) => answer::whole(status, &output, out),
    }
}
