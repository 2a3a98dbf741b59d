//! The component's import `cluster`: the policy and the budget in front of a transport.
//!
//! The functions of `State` are the rules, for both forms of a run. They do not wait. The
//! implementations of the import wait between them: the blocking one here, the async one in
//! `nonblocking`.

use std::time::Duration;

use wasmtime::Result as Trappable;
use wasmtime::component::Resource;

use crate::bindings::cluster::{Host, HostExchange, HostResponse};
use crate::carrier::Carrier;
use crate::held::{HeldExchange, HeldResponse};
use crate::state::State;
use janitor_contract::types::{Error, Level, Method, Request};
use janitor_contract::violation::Violation;
use janitor_policy::policy::Watch;
use janitor_transport::exchange::{self, milliseconds};

/// The most bytes that one read returns, so that no component can make the host allocate gigabytes.
const LARGEST_READ: u32 = 1 << 20;

/// A response of which the component holds nothing yet: its status and its body.
pub type Arrived<B> = Result<(u16, B), Error>;

impl<T: Carrier> State<T> {
    /// Checks a request against the policy and the budget. The error names the rule that forbids
    /// it.
    fn admit(&self, request: &Request) -> Result<(), String> {
        if self.denied.is_some() {
            return Err("an earlier request was denied".into());
        }
        let length = request.content.as_ref().map_or(0, |content| content.bytes.len());
        if length > self.limits.request_bytes {
            return Err(format!("a request of more than {} bytes", self.limits.request_bytes));
        }
        self.policy.check(request)?;
        if self.requests > self.limits.requests {
            return Err(format!("more than {} requests in one run", self.limits.requests));
        }
        if self.in_flight >= self.limits.window {
            return Err(format!("more than {} exchanges in flight", self.limits.window));
        }
        Ok(())
    }

    /// Starts an exchange, if the request is allowed.
    pub(crate) fn start(
        &mut self,
        request: Request,
    ) -> Trappable<Result<Resource<HeldExchange<T::Exchange>>, Error>> {
        self.requests += 1;
        let is_cancelled = self.is_cancelled();
        if let Err(rule) = self.admit(&request) {
            self.denied.get_or_insert_with(|| rule.clone());
            return Ok(Err(Error::Denied(rule)));
        }
        if is_cancelled && request.method != Method::Get {
            return Ok(Err(Error::Stopped));
        }
        let url = self.endpoints.url(&request);
        self.say(Level::Debug, format!("HTTP {}: {url}", request.method.name()));
        if let Some(content) = &request.content {
            let data = String::from_utf8_lossy(&content.bytes).into_owned();
            self.say(Level::Debug, format!("Request data: {data}"));
        }
        let watch = self.policy.watch(&request);
        self.log.flush();
        let exchange = self.transport.send(request);
        let exchange = self.table.push(HeldExchange { exchange, watch })?;
        self.in_flight += 1;
        Ok(Ok(exchange))
    }

    /// Returns the time to pause, unless the run is cancelled.
    pub(crate) fn pausing(&mut self, milliseconds: u32) -> Option<Duration> {
        if self.is_cancelled() {
            return None;
        }
        self.log.flush();
        let duration = Duration::from_millis(milliseconds.into());
        let left = self.cancellation.time_left().unwrap_or(Duration::MAX);
        Some(duration.min(self.remaining()).min(left))
    }

    /// Returns the time since the run started, in milliseconds.
    pub(crate) fn read_clock(&mut self) -> Trappable<u64> {
        self.clock_reads += 1;
        if self.clock_reads > self.limits.clock_reads {
            return Err(Violation::ClockReads(self.limits.clock_reads).into());
        }
        let now = self.transport.elapsed(self.started.elapsed());
        // A transport with its own clock cannot turn the run's clock back.
        self.clock = self.clock.max(now);
        Ok(milliseconds(self.clock))
    }

    /// Takes an exchange from the component, to wait for its response.
    pub(crate) fn finishing(
        &mut self,
        exchange: Resource<HeldExchange<T::Exchange>>,
    ) -> Trappable<HeldExchange<T::Exchange>> {
        self.log.flush();
        Ok(self.table.delete(exchange)?)
    }

    /// Gives the component the response of an exchange, or the reason why there is none.
    pub(crate) fn finished(
        &mut self,
        arrived: Arrived<T::Body>,
        watch: Option<Watch>,
    ) -> Trappable<Result<Resource<HeldResponse<T::Body>>, Error>> {
        match arrived {
            Ok((status, body)) => {
                let budget = Some(self.limits.response_bytes);
                let watch = watch.and_then(|watch| watch.of_status(status));
                Ok(Ok(self.table.push(HeldResponse { status, body, budget, watch })?))
            }
            Err(error) => {
                self.in_flight -= 1;
                Ok(Err(error))
            }
        }
    }

    /// Forgets an exchange that the component does not finish. Its request continues in the
    /// background and keeps its place in the window.
    pub(crate) fn forget(
        &mut self,
        exchange: Resource<HeldExchange<T::Exchange>>,
    ) -> Trappable<()> {
        self.table.delete(exchange)?;
        Ok(())
    }

    /// Returns the status of a response.
    pub(crate) fn status_of(
        &mut self,
        response: &Resource<HeldResponse<T::Body>>,
    ) -> Trappable<u16> {
        Ok(self.table.get(response)?.status)
    }

    /// Returns the body that the component wants to read, and the most bytes to read from it.
    pub(crate) fn reading(
        &mut self,
        response: &Resource<HeldResponse<T::Body>>,
        limit: u32,
    ) -> Trappable<Result<(&mut T::Body, usize), Error>> {
        if limit == 0 {
            return Err(Violation::EmptyRead.into());
        }
        let HeldResponse { body, budget, .. } = self.table.get_mut(response)?;
        Ok(match budget {
            Some(_) => Ok((body, limit.min(LARGEST_READ) as usize)),
            None => Err(Error::TooLarge(self.limits.response_bytes)),
        })
    }

    /// Gives the component the bytes that were read from a body, or the reason why there are none.
    pub(crate) fn was_read(
        &mut self,
        response: &Resource<HeldResponse<T::Body>>,
        read: Result<Vec<u8>, Error>,
    ) -> Trappable<Result<Vec<u8>, Error>> {
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(error)),
        };
        let HeldResponse { budget, watch, .. } = self.table.get_mut(response)?;
        *budget = budget.and_then(|rest| rest.checked_sub(bytes.len() as u64));
        if budget.is_none() {
            return Ok(Err(Error::TooLarge(self.limits.response_bytes)));
        }
        self.policy.read(watch, &bytes);
        Ok(Ok(bytes))
    }

    /// Discards the rest of a response, and frees its place in the window.
    pub(crate) fn discard(&mut self, response: Resource<HeldResponse<T::Body>>) -> Trappable<()> {
        self.table.delete(response)?;
        self.in_flight -= 1;
        Ok(())
    }
}

impl Host for State {
    fn send(&mut self, request: Request) -> Trappable<Result<Resource<HeldExchange>, Error>> {
        self.start(request)
    }

    fn window(&mut self) -> Trappable<u32> {
        Ok(self.limits.window)
    }

    fn pause(&mut self, milliseconds: u32) -> Trappable<bool> {
        let Some(duration) = self.pausing(milliseconds) else { return Ok(false) };
        self.transport.pause(duration);
        Ok(true)
    }

    fn elapsed(&mut self) -> Trappable<u64> {
        self.read_clock()
    }
}

impl HostExchange for State {
    fn finish(
        &mut self,
        exchange: Resource<HeldExchange>,
    ) -> Trappable<Result<Resource<HeldResponse>, Error>> {
        let HeldExchange { exchange, watch } = self.finishing(exchange)?;
        let response = exchange::finish(exchange);
        self.finished(response.map(|response| (response.status, response.body)), watch)
    }

    fn drop(&mut self, exchange: Resource<HeldExchange>) -> Trappable<()> {
        self.forget(exchange)
    }
}

impl HostResponse for State {
    fn status(&mut self, response: Resource<HeldResponse>) -> Trappable<u16> {
        self.status_of(&response)
    }

    fn read(
        &mut self,
        response: Resource<HeldResponse>,
        limit: u32,
    ) -> Trappable<Result<Vec<u8>, Error>> {
        match self.reading(&response, limit)? {
            Err(error) => Ok(Err(error)),
            Ok((body, limit)) => {
                let read = read(&mut **body, limit);
                self.was_read(&response, read)
            }
        }
    }

    fn drop(&mut self, response: Resource<HeldResponse>) -> Trappable<()> {
        self.discard(response)
    }
}

/// Reads at most `limit` bytes of a body.
pub(crate) fn read(body: &mut dyn exchange::Body, limit: usize) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; limit];
    let count = body.read(&mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}
