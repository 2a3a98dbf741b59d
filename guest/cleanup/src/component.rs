//! The component: the exports of `wit/cleanup.wit`, and the [`Host`] that its
//! imports are.
#![allow(unsafe_code, reason = "the exports are generated here")]

use std::time::Duration;

use crate::bindings::{self, cleanup, http, log};
use crate::host::{Host, Response};
use janitor_contract::panics;
use janitor_contract::types::{
    CleanupPlan, Entry, Error, Failure, Inventory, Options, Report, Request, Target,
};

struct Component;

bindings::export!(Component with_types_in bindings);

impl cleanup::Guest for Component {
    fn clean(target: Target, options: Options) -> Result<Report, Failure> {
        report_panics();
        crate::clean(&mut Imports, &target, &options)
    }

    fn plan(target: Target, options: Options) -> Result<CleanupPlan, Failure> {
        report_panics();
        crate::plan(&mut Imports, &target, &options)
    }

    fn apply(plan: CleanupPlan, options: Options) -> Result<Report, Failure> {
        report_panics();
        crate::clean::apply(&mut Imports, &plan, &options)
    }

    fn discover(options: Options) -> Result<Inventory, Failure> {
        report_panics();
        crate::discover(&mut Imports, &options)
    }
}

fn report_panics() {
    panics::report(log::write);
}

/// The host, which provides the imports.
struct Imports;

impl Host for Imports {
    type Exchange = http::Exchange;
    type Response = http::Response;

    fn send(&mut self, request: &Request) -> Result<http::Exchange, Error> {
        http::send(request)
    }

    fn finish(&mut self, exchange: http::Exchange) -> Result<http::Response, Error> {
        http::Exchange::finish(exchange)
    }

    fn window(&mut self) -> usize {
        http::window() as usize
    }

    fn pause(&mut self, duration: Duration) -> bool {
        http::pause(duration.as_millis().try_into().unwrap_or(u32::MAX))
    }

    fn elapsed(&mut self) -> Duration {
        Duration::from_millis(http::elapsed())
    }

    fn log(&mut self, entry: Entry) {
        log::write(&entry);
    }
}

impl Response for http::Response {
    fn status(&self) -> u16 {
        http::Response::status(self)
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        http::Response::read(self, limit)
    }
}
