//! The component: the exports of `wit/cleanup.wit`, and the [`Host`] that its
//! imports are.
#![allow(unsafe_code, reason = "the exports are generated here")]

use std::cell::RefCell;
use std::time::Duration;

use crate::bindings::{self, cleanup, cluster, log};
use crate::host::{Host, Response};
use crate::memo::{Handle, Memo};
use janitor_contract::panics;
use janitor_contract::types::{
    CleanupPlan, Entry, Error, Failure, Inventory, Options, ReadFailure, Report, Request, Target,
};

struct Component;

bindings::export!(Component with_types_in bindings);

impl cleanup::Guest for Component {
    fn clean(target: Target, options: Options) -> Result<Report, Failure> {
        report_panics();
        alone(|host| crate::clean(host, &target, &options))
    }

    fn plan(target: Target, options: Options) -> Result<CleanupPlan, ReadFailure> {
        report_panics();
        alone(|host| crate::plan(host, &target, &options))
    }

    fn apply(plan: CleanupPlan, options: Options) -> Result<Report, Failure> {
        report_panics();
        alone(|host| crate::clean::apply(host, &plan, &options))
    }

    fn discover(options: Options) -> Result<Inventory, ReadFailure> {
        report_panics();
        alone(|host| crate::discover(host, &options))
    }

    fn plan_all(targets: Vec<Target>, options: Options) -> Vec<Result<CleanupPlan, ReadFailure>> {
        report_panics();
        crate::plan_all(&mut Imports, &targets, &options)
    }

    fn apply_all(plans: Vec<CleanupPlan>, options: Options) -> Vec<Result<Report, Failure>> {
        report_panics();
        crate::apply_all(&mut Imports, &plans, &options)
    }

    fn clean_all(targets: Vec<Target>, options: Options) -> Vec<Result<Report, Failure>> {
        report_panics();
        crate::clean_all(&mut Imports, &targets, &options)
    }
}

fn report_panics() {
    panics::report(log::write);
}

/// Makes a call for one target.
fn alone<T>(call: impl FnOnce(&mut Handle<Imports>) -> T) -> T {
    call(&mut Handle(&RefCell::new(Memo::plain(&mut Imports))))
}

/// The host, which provides the imports.
struct Imports;

impl Host for Imports {
    type Exchange = cluster::Exchange;
    type Response = cluster::Response;

    fn send(&mut self, request: &Request) -> Result<cluster::Exchange, Error> {
        cluster::send(request)
    }

    fn finish(&mut self, exchange: cluster::Exchange) -> Result<cluster::Response, Error> {
        cluster::Exchange::finish(exchange)
    }

    fn window(&mut self) -> usize {
        cluster::window() as usize
    }

    fn pause(&mut self, duration: Duration) -> bool {
        cluster::pause(duration.as_millis().try_into().unwrap_or(u32::MAX))
    }

    fn elapsed(&mut self) -> Duration {
        Duration::from_millis(cluster::elapsed())
    }

    fn log(&mut self, entry: Entry) {
        log::write(&entry);
    }
}

impl Response for cluster::Response {
    fn status(&self) -> u16 {
        cluster::Response::status(self)
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        cluster::Response::read(self, limit)
    }
}
