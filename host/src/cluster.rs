//! The component's import `cluster`: the policy and the budget in front of a transport.

use std::time::Duration;

use wasmtime::Result as Trappable;
use wasmtime::component::Resource;

use crate::bindings::cluster::{Host, HostExchange, HostResponse};
use crate::held::{HeldExchange, HeldResponse};
use crate::state::State;
use janitor_contract::types::{Error, Level, Method, Request};
use janitor_contract::violation::Violation;
use janitor_transport::exchange::{self, milliseconds};

impl State {
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
}

impl Host for State {
    fn send(&mut self, request: Request) -> Trappable<Result<Resource<HeldExchange>, Error>> {
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
        let exchange =
            self.table.push(HeldExchange { exchange: self.transport.send(request), watch })?;
        self.in_flight += 1;
        Ok(Ok(exchange))
    }

    fn window(&mut self) -> Trappable<u32> {
        Ok(self.limits.window)
    }

    fn pause(&mut self, milliseconds: u32) -> Trappable<bool> {
        if self.is_cancelled() {
            return Ok(false);
        }
        self.log.flush();
        let duration = Duration::from_millis(milliseconds.into());
        self.transport.pause(duration.min(self.remaining()));
        Ok(true)
    }

    fn elapsed(&mut self) -> Trappable<u64> {
        self.clock_reads += 1;
        if self.clock_reads > self.limits.clock_reads {
            return Err(Violation::ClockReads(self.limits.clock_reads).into());
        }
        let now = self.transport.elapsed(self.started.elapsed());
        // A transport with its own clock cannot turn the run's clock back.
        self.clock = self.clock.max(now);
        Ok(milliseconds(self.clock))
    }
}

impl HostExchange for State {
    fn finish(
        &mut self,
        exchange: Resource<HeldExchange>,
    ) -> Trappable<Result<Resource<HeldResponse>, Error>> {
        let HeldExchange { exchange, watch } = self.table.delete(exchange)?;
        self.log.flush();
        match exchange::finish(exchange) {
            Ok(response) => {
                let budget = Some(self.limits.response_bytes);
                let watch = watch.and_then(|watch| watch.of_status(response.status));
                Ok(Ok(self.table.push(HeldResponse { response, budget, watch })?))
            }
            Err(error) => {
                self.in_flight -= 1;
                Ok(Err(error))
            }
        }
    }

    fn drop(&mut self, exchange: Resource<HeldExchange>) -> Trappable<()> {
        // The request continues in the background and keeps its place in the window.
        self.table.delete(exchange)?;
        Ok(())
    }
}

impl HostResponse for State {
    fn status(&mut self, response: Resource<HeldResponse>) -> Trappable<u16> {
        Ok(self.table.get(&response)?.response.status)
    }

    fn read(
        &mut self,
        response: Resource<HeldResponse>,
        limit: u32,
    ) -> Trappable<Result<Vec<u8>, Error>> {
        /// The most bytes that one read returns, so that no component can make the host allocate
        /// gigabytes.
        const LARGEST: u32 = 1 << 20;
        if limit == 0 {
            return Err(Violation::EmptyRead.into());
        }
        let most = self.limits.response_bytes;
        let HeldResponse { response, budget, watch } = self.table.get_mut(&response)?;
        let Some(rest) = *budget else {
            return Ok(Err(Error::TooLarge(most)));
        };
        let mut buffer = vec![0; limit.min(LARGEST) as usize];
        let count = match response.body.read(&mut buffer) {
            Ok(count) => count,
            Err(error) => return Ok(Err(error)),
        };
        *budget = rest.checked_sub(count as u64);
        if budget.is_none() {
            return Ok(Err(Error::TooLarge(most)));
        }
        buffer.truncate(count);
        self.policy.read(watch, &buffer);
        Ok(Ok(buffer))
    }

    fn drop(&mut self, response: Resource<HeldResponse>) -> Trappable<()> {
        self.table.delete(response)?;
        self.in_flight -= 1;
        Ok(())
    }
}
