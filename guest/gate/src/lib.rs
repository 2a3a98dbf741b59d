//! The host's policy as a component, for embedders that are no Rust programs: it
//! stands between a cleaner and `http`, and hands on only what the target allows.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the exports are generated here")]

mod bindings;
mod state;

use std::cell::RefCell;

use bindings::{http, offered, scope};
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
            state::admit(&request).map_err(Error::Denied).and_then(|()| http::send(&request));
        if let Err(Error::Denied(rule)) = &sent {
            state::stop(&format!("asked for more than it may: {rule}"));
        }
        sent.map(|exchange| offered::Exchange::new(Exchange { exchange, watch }))
    }

    fn window() -> u32 {
        http::window()
    }

    fn pause(milliseconds: u32) -> bool {
        http::pause(milliseconds)
    }

    fn elapsed() -> u64 {
        http::elapsed()
    }
}

/// A request on its way.
struct Exchange {
    exchange: http::Exchange,
    /// What is read out of its answer.
    watch: Option<Watch>,
}

impl offered::GuestExchange for Exchange {
    fn finish(exchange: offered::Exchange) -> Result<offered::Response, Error> {
        let Exchange { exchange, watch } = exchange.into_inner();
        let response = http::Exchange::finish(exchange)?;
        final_status(response.status())?;
        let watch = RefCell::new(watch.filter(|_| response.status() == 200));
        Ok(offered::Response::new(Response { response, watch, broken: RefCell::default() }))
    }
}

/// An answer.
struct Response {
    response: http::Response,
    /// What is read out of it.
    watch: RefCell<Option<Watch>>,
    /// Why every read fails from now on, if the body has broken off.
    broken: RefCell<Option<Error>>,
}

impl offered::GuestResponse for Response {
    fn status(&self) -> u16 {
        self.response.status()
    }

    fn read(&self, limit: u32) -> Result<Vec<u8>, Error> {
        if limit == 0 {
            state::stop("read 0 bytes of a response");
            return Err(Error::Internal("a read must be for one byte or more".into()));
        }
        if let Some(error) = &*self.broken.borrow() {
            return Err(error.clone());
        }
        let chunk = self.response.read(limit).inspect_err(|error| {
            self.broken.replace(Some(error.clone()));
        })?;
        let mut watch = self.watch.borrow_mut();
        match (chunk.is_empty(), watch.as_mut()) {
            (false, Some(watch)) => watch.read(&chunk),
            // A list counts when it has been read to its end.
            (true, _) => watch.take().into_iter().for_each(state::learn),
            (false, None) => {}
        }
        Ok(chunk)
    }
}
