//! The component: the exports of `wit/cleanup.wit`, and the [`Host`] that its
//! imports are.
#![allow(unsafe_code, reason = "the exports are generated here")]

use std::time::Duration;

use crate::bindings::{self, cleanup, http, log};
use crate::host::{Host, Response};

struct Component;

bindings::export!(Component with_types_in bindings);

/// Has the host log the last words.
fn report_panics() {
    janitor_panics::report_panics(|message| {
        log::write(&log::Entry { level: log::Level::Critical, message, event: None });
    });
}

impl cleanup::Guest for Component {
    fn clean(
        target: cleanup::Target,
        options: cleanup::Options,
    ) -> Result<cleanup::Report, cleanup::Failure> {
        report_panics();
        crate::clean(&mut Imports, &target, &options)
    }

    fn plan(
        target: cleanup::Target,
        options: cleanup::Options,
    ) -> Result<cleanup::CleanupPlan, cleanup::Failure> {
        report_panics();
        crate::plan(&mut Imports, &target, &options)
    }

    fn apply(
        plan: cleanup::CleanupPlan,
        options: cleanup::Options,
    ) -> Result<cleanup::Report, cleanup::Failure> {
        report_panics();
        crate::clean::apply(&mut Imports, &plan, &options)
    }

    fn discover(options: cleanup::Options) -> Result<cleanup::Inventory, cleanup::Failure> {
        report_panics();
        crate::discover(&mut Imports, &options)
    }
}

/// The host that imported this component.
struct Imports;

impl Host for Imports {
    type Exchange = http::Exchange;
    type Response = http::Response;

    fn send(&mut self, request: &http::Request) -> Result<http::Exchange, http::Error> {
        http::send(request)
    }

    fn finish(&mut self, exchange: http::Exchange) -> Result<http::Response, http::Error> {
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

    fn log(&mut self, entry: log::Entry) {
        log::write(&entry);
    }
}

impl Response for http::Response {
    fn status(&self) -> u16 {
        http::Response::status(self)
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, http::Error> {
        http::Response::read(self, limit)
    }
}
