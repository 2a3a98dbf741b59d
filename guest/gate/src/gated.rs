//! The exports of the gate, for any servers behind it.

use std::cell::RefCell;
use std::marker::PhantomData;

use janitor_contract::answer::final_status;
use janitor_contract::types::{Entry, Error, Level, Options, Request};
use janitor_policy::{Policy, Watch};

use crate::bindings::{cluster, scope};
use crate::{Cluster, call};

/// The gate in front of these servers.
pub struct Gated<C>(PhantomData<C>);

impl<C: Cluster> scope::Guest for Gated<C> {
    fn begin(call: scope::Call, options: Options) -> Result<(), String> {
        let began = call::begin(policy(&call, &options));
        let began = began.and_then(|()| C::begin().inspect_err(|_| drop(call::end())));
        began.inspect_err(|why| log_error::<C>(why))
    }

    fn end() -> Option<String> {
        C::end();
        call::end()
    }
}

/// Returns the requests that a call needs.
fn policy(call: &scope::Call, options: &Options) -> Policy {
    match call {
        scope::Call::Clean(target) => Policy::clean(target, options),
        scope::Call::Plan(target) => Policy::plan(target, options),
        scope::Call::Apply(plan) => Policy::apply(plan, options),
        scope::Call::Discover => Policy::discover(options),
        scope::Call::CleanAll(targets) => Policy::clean_all(targets, options),
        scope::Call::PlanAll(targets) => Policy::plan_all(targets, options),
        scope::Call::ApplyAll(plans) => Policy::apply_all(plans, options),
    }
}

impl<C: Cluster> cluster::Guest for Gated<C> {
    type Exchange = Exchange<C>;
    type Response = Response<C>;

    fn send(request: Request) -> Result<cluster::Exchange, Error> {
        let watch = call::watch(&request);
        let sent = call::admit(&request).map_err(Error::Denied).and_then(|()| C::send(&request));
        if let Err(Error::Denied(rule)) = &sent {
            stop::<C>(&format!("request not allowed: {rule}"));
        }
        let call = call::number();
        sent.map(|exchange| cluster::Exchange::new(Exchange::<C> { exchange, watch, call }))
    }

    fn window() -> u32 {
        C::window()
    }

    fn pause(milliseconds: u32) -> bool {
        C::pause(milliseconds)
    }

    fn elapsed() -> u64 {
        C::elapsed()
    }
}

/// A request in flight.
pub struct Exchange<C: Cluster> {
    exchange: C::Exchange,
    /// Extracts from the response what the policy has to learn.
    watch: Option<Watch>,
    /// The number of the call that the request belongs to.
    call: u64,
}

impl<C: Cluster> cluster::GuestExchange for Exchange<C> {
    fn finish(exchange: cluster::Exchange) -> Result<cluster::Response, Error> {
        let Exchange { exchange, watch, call } = exchange.into_inner::<Self>();
        belongs_to_the_call::<C>(call)?;
        let response = C::finish(exchange)?;
        let status = C::status(&response);
        final_status(status)?;
        let watch = RefCell::new(watch.and_then(|watch| watch.of_status(status)));
        let broken = RefCell::default();
        Ok(cluster::Response::new(Response::<C> { response, watch, broken, call }))
    }
}

/// A response.
pub struct Response<C: Cluster> {
    response: C::Response,
    /// Extracts from the body what the policy has to learn.
    watch: RefCell<Option<Watch>>,
    /// The error that every further read returns, once one has failed.
    broken: RefCell<Option<Error>>,
    /// The number of the call that the response belongs to.
    call: u64,
}

impl<C: Cluster> cluster::GuestResponse for Response<C> {
    fn status(&self) -> u16 {
        C::status(&self.response)
    }

    fn read(&self, limit: u32) -> Result<Vec<u8>, Error> {
        belongs_to_the_call::<C>(self.call)?;
        if limit == 0 {
            stop::<C>("it read 0 bytes of a response");
            return Err(Error::Internal("a read must request at least one byte".into()));
        }
        if let Some(error) = &*self.broken.borrow() {
            return Err(error.clone());
        }
        let chunk = C::read(&self.response, limit).inspect_err(|error| {
            self.broken.replace(Some(error.clone()));
        })?;
        call::read(&mut self.watch.borrow_mut(), &chunk);
        Ok(chunk)
    }
}

/// Checks that a request or a response was not kept from an earlier call: the policy must not learn
/// from an old response what a new call may remove.
fn belongs_to_the_call<C: Cluster>(call: u64) -> Result<(), Error> {
    if call == call::number() {
        return Ok(());
    }
    let why = "it used a request of an earlier call";
    stop::<C>(why);
    Err(Error::Internal(why.into()))
}

/// Lets nothing through until the next call, and logs why.
fn stop<C: Cluster>(fault: &str) {
    if let Some(why) = call::stop(fault) {
        log_error::<C>(&why);
    }
}

fn log_error<C: Cluster>(sentence: &str) {
    C::log(&Entry { level: Level::Error, message: format!("{sentence}."), event: None });
}
