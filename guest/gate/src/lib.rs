//! The host's policy as a component, for embedders that are not written in Rust: it sits between a
//! cleaner and `cluster`, and forwards only the requests that the call allows.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings;
mod state;

use std::cell::RefCell;

use bindings::{cluster, offered, scope};
use janitor_contract::Call;
use janitor_contract::answer::final_status;
use janitor_contract::types::{Error, Options, Request};
use janitor_policy::Watch;

struct Gate;

bindings::export!(Gate with_types_in bindings);

impl scope::Guest for Gate {
    fn begin(call: scope::Call, options: Options) -> Result<(), String> {
        state::begin(&call.into(), &options)
    }

    fn end() -> Option<String> {
        state::end()
    }
}

impl From<scope::Call> for Call {
    fn from(call: scope::Call) -> Self {
        match call {
            scope::Call::Clean(target) => Self::Clean(target),
            scope::Call::Plan(target) => Self::Plan(target),
            scope::Call::Apply(plan) => Self::Apply(plan),
            scope::Call::Discover => Self::Discover,
        }
    }
}

impl offered::Guest for Gate {
    type Exchange = Exchange;
    type Response = Response;

    fn send(request: Request) -> Result<offered::Exchange, Error> {
        let watch = state::watch(&request);
        let sent =
            state::admit(&request).map_err(Error::Denied).and_then(|()| cluster::send(&request));
        if let Err(Error::Denied(rule)) = &sent {
            state::stop(&format!("request not allowed: {rule}"));
        }
        sent.map(|exchange| offered::Exchange::new(Exchange { exchange, watch }))
    }

    fn window() -> u32 {
        cluster::window()
    }

    fn pause(milliseconds: u32) -> bool {
        cluster::pause(milliseconds)
    }

    fn elapsed() -> u64 {
        cluster::elapsed()
    }
}

/// A request in flight.
struct Exchange {
    exchange: cluster::Exchange,
    /// Extracts from the response what the policy has to learn.
    watch: Option<Watch>,
}

impl offered::GuestExchange for Exchange {
    fn finish(exchange: offered::Exchange) -> Result<offered::Response, Error> {
        let Exchange { exchange, watch } = exchange.into_inner();
        let response = cluster::Exchange::finish(exchange)?;
        final_status(response.status())?;
        let watch = RefCell::new(watch.and_then(|watch| watch.of_status(response.status())));
        Ok(offered::Response::new(Response { response, watch, broken: RefCell::default() }))
    }
}

/// A response.
struct Response {
    response: cluster::Response,
    /// Extracts from the body what the policy has to learn.
    watch: RefCell<Option<Watch>>,
    /// The error that every further read returns, once one has failed.
    broken: RefCell<Option<Error>>,
}

impl offered::GuestResponse for Response {
    fn status(&self) -> u16 {
        self.response.status()
    }

    fn read(&self, limit: u32) -> Result<Vec<u8>, Error> {
        if limit == 0 {
            state::stop("it read 0 bytes of a response");
            return Err(Error::Internal("a read must request at least one byte".into()));
        }
        if let Some(error) = &*self.broken.borrow() {
            return Err(error.clone());
        }
        let chunk = self.response.read(limit).inspect_err(|error| {
            self.broken.replace(Some(error.clone()));
        })?;
        state::read(&mut self.watch.borrow_mut(), &chunk);
        Ok(chunk)
    }
}
