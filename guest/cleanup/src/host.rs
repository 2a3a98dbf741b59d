//! The imports of `wit/` as a trait, so that unit tests can stand in for them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::excerpt::{excerpt, one_line, summary};
use crate::lost;
use crate::master::agents::{self, Listing, Wanted};
use crate::master::answer::Unread;
use crate::owner::Owner;
use crate::rest;
use janitor_contract::types::{Endpoint, Entry, Error, Event, Level, Method, Request};

/// The functions that a run imports; `wit/cluster.wit` and `wit/log.wit` specify them.
pub trait Host {
    /// A request in flight.
    type Exchange;
    /// The answer to a request.
    type Response: Response;

    /// Starts an exchange and returns at once.
    ///
    /// # Errors
    /// Fails if the host does not allow the request (`denied`), or if the run is being stopped.
    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error>;

    /// Waits for the answer.
    ///
    /// # Errors
    /// Fails if there is no answer; each case of [`Error`] says why.
    fn finish(&mut self, exchange: Self::Exchange) -> Result<Self::Response, Error>;

    /// Returns how many exchanges may be in flight at a time.
    fn window(&mut self) -> usize;

    /// Pauses, and returns whether the run may continue.
    #[must_use]
    fn pause(&mut self, duration: Duration) -> bool;

    /// Returns how long the run has taken so far.
    fn elapsed(&mut self) -> Duration;

    /// Returns how many agents of a list take about as long as a request for one agent alone.
    fn agents_per_request(&self) -> usize {
        50
    }

    /// Adds an entry to the log.
    fn log(&mut self, entry: Entry);

    /// Forgets the pages that end with one of these segments, if the host keeps pages: what they say
    /// does not agree, and is read again.
    fn forget(&mut self, _pages: &[&str]) {}

    /// Forgets the agents and the frameworks, if the host keeps them, because they were read long ago.
    fn forget_old_look(&mut self) {}

    /// Forgets the list of agents, if the host keeps it and has asked for the pending operations since: a
    /// removal that is not pending any more may have come to nothing after that list.
    fn forget_old_list(&mut self) {}

    /// Returns the latest look at the frameworks, if several cleanups share the host.
    fn latest_look(&self) -> Option<Look> {
        None
    }

    /// Returns whether the latest list of agents is later than the latest look at the frameworks, if several
    /// cleanups share the host.
    fn has_listed_since_look(&self) -> bool {
        false
    }

    /// Remembers that the master has a page.
    fn know(&mut self, _page: &Request) {}

    /// Returns whether the master has shown a page to this run. Whoever says then that there is no such
    /// page is not the master.
    fn knows(&self, _page: &Request) -> bool {
        false
    }

    /// Asks the master for its agents, and keeps the wanted resources. A host that several cleanups
    /// share asks once for all of them.
    ///
    /// # Errors
    /// Fails as [`agents::list`] does.
    fn list(&mut self, wanted: Wanted) -> Result<Rc<Listing>, Unread>
    where
        Self: Sized,
    {
        agents::list(self, wanted).map(Rc::new)
    }

    /// Reads those agents of a list again from which a cleanup may remove something, or returns nothing
    /// if the whole list is to be read, as [`agents::refresh`] does.
    fn refresh(&mut self, wanted: Wanted, listing: Rc<Listing>) -> Option<Rc<Listing>>
    where
        Self: Sized,
    {
        agents::refresh(self, wanted, listing)
    }

    /// Watches out for what a target owned, of which nothing is left, if several cleanups share the host: a list of
    /// agents that shows some of it again is found in the result, whichever cleanup it was read for.
    fn watch(&mut self, _owner: Owner) -> Shown {
        Shown::default()
    }

    /// Returns the record of what lists show elsewhere, if several cleanups share the host, and a new one otherwise.
    fn rest(&mut self, _wanted: Wanted) -> rest::Shared {
        rest::Shared::default()
    }

    /// Returns the record of what has disappeared from lists, if several cleanups share the host, and a new one otherwise.
    fn lost(&mut self, _owner: Owner) -> lost::Shared {
        lost::Shared::default()
    }

    /// Returns the time on the host's clock when a list last showed that something has disappeared, if several cleanups
    /// share the host.
    fn lost_at(&self) -> Option<Duration> {
        None
    }

    /// Returns the latest list of agents that a host which several cleanups share has read for any of
    /// them, if it is still kept.
    fn latest(&mut self, _wanted: Wanted) -> Option<Rc<Listing>>
    where
        Self: Sized,
    {
        None
    }

    /// Sends one request and waits for the whole answer, which is expected to be short: a
    /// body that is longer than [`Answer::LIMIT`] is truncated. A body whose end never arrives is
    /// no error here, because the status already says what happened.
    ///
    /// # Errors
    /// Fails as [`Host::send`] and [`Host::finish`] do.
    fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        let exchange = self.send(request)?;
        self.answer(exchange)
    }

    /// Waits for the whole answer, as [`Host::ask`] does.
    ///
    /// # Errors
    /// Fails as [`Host::finish`] does.
    fn answer(&mut self, exchange: Self::Exchange) -> Result<Answer, Error> {
        self.answer_within(exchange, Answer::LIMIT)
    }

    /// Waits for the whole answer, with another limit for the body, in bytes.
    ///
    /// # Errors
    /// Fails as [`Host::finish`] does.
    fn answer_within(&mut self, exchange: Self::Exchange, limit: usize) -> Result<Answer, Error> {
        let mut response = self.finish(exchange)?;
        let mut answer = Answer { status: response.status(), body: Vec::new(), error: None };
        while answer.body.len() < limit {
            match response.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => break,
                Ok(chunk) => answer.body.extend(chunk),
                Err(error) => {
                    answer.error = Some(error);
                    break;
                }
            }
        }
        answer.body.truncate(limit);
        Ok(answer)
    }

    /// Logs a message as one line, even if it quotes line breaks of a server.
    fn say(&mut self, level: Level, message: impl AsRef<str>, event: Option<Event>) {
        self.log(Entry { level, message: one_line(message.as_ref()), event });
    }
}

/// The number of bytes of a body that are read at a time: large enough that crossing the
/// sandbox's border costs little, and small enough not to matter in memory.
pub const CHUNK: u32 = 64 * 1024;

/// A look at the frameworks that several cleanups share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Its number in the run; 0 is none.
    pub number: u32,
    /// The time on the host's clock just before it.
    pub at: Duration,
}

/// Where the latest list of agents is put, completed by what earlier ones show ([`Listing::completed`]), if it may show
/// anything of the role; or why a list could not be read.
pub type Shown = Rc<RefCell<Option<Result<Rc<Listing>, Unread>>>>;

/// A host that remembers whether it has asked the run to stop, and which pages the master has.
pub struct Watched<'a, H> {
    host: &'a mut H,
    known: Vec<Request>,
    /// This is set once the host has asked the run to stop.
    pub stopped: bool,
    /// The number of pauses.
    pub pauses: u32,
    /// The time on the host's clock when it was last read.
    pub now: Duration,
}

impl<'a, H> Watched<'a, H> {
    /// Starts to watch a host.
    pub fn new(host: &'a mut H) -> Self {
        Self { host, known: Vec::new(), stopped: false, pauses: 0, now: Duration::ZERO }
    }
}

impl<H: Host> Host for Watched<'_, H> {
    type Exchange = H::Exchange;
    type Response = H::Response;

    fn send(&mut self, request: &Request) -> Result<H::Exchange, Error> {
        self.host.send(request).inspect_err(|error| self.stopped |= *error == Error::Stopped)
    }

    fn finish(&mut self, exchange: H::Exchange) -> Result<H::Response, Error> {
        self.host.finish(exchange)
    }

    fn list(&mut self, wanted: Wanted) -> Result<Rc<Listing>, Unread> {
        self.host.list(wanted).inspect_err(|unread| self.stopped |= unread.is_stopped)
    }

    fn refresh(&mut self, wanted: Wanted, listing: Rc<Listing>) -> Option<Rc<Listing>> {
        self.host.refresh(wanted, listing)
    }

    fn watch(&mut self, owner: Owner) -> Shown {
        self.host.watch(owner)
    }

    fn rest(&mut self, wanted: Wanted) -> rest::Shared {
        self.host.rest(wanted)
    }

    fn lost(&mut self, owner: Owner) -> lost::Shared {
        self.host.lost(owner)
    }

    fn lost_at(&self) -> Option<Duration> {
        self.host.lost_at()
    }

    fn latest(&mut self, wanted: Wanted) -> Option<Rc<Listing>> {
        self.host.latest(wanted)
    }

    fn window(&mut self) -> usize {
        self.host.window()
    }

    fn pause(&mut self, duration: Duration) -> bool {
        let may_continue = self.host.pause(duration);
        self.stopped |= !may_continue;
        self.pauses += u32::from(!duration.is_zero());
        may_continue
    }

    fn elapsed(&mut self) -> Duration {
        self.now = self.host.elapsed();
        self.now
    }

    fn agents_per_request(&self) -> usize {
        self.host.agents_per_request()
    }

    fn forget(&mut self, pages: &[&str]) {
        self.host.forget(pages);
    }

    fn forget_old_look(&mut self) {
        self.host.forget_old_look();
    }

    fn forget_old_list(&mut self) {
        self.host.forget_old_list();
    }

    fn latest_look(&self) -> Option<Look> {
        self.host.latest_look()
    }

    fn has_listed_since_look(&self) -> bool {
        self.host.has_listed_since_look()
    }

    fn know(&mut self, page: &Request) {
        if !self.knows(page) {
            self.known.push(page.clone());
            self.host.know(page);
        }
    }

    fn knows(&self, page: &Request) -> bool {
        self.known.contains(page) || self.host.knows(page)
    }

    fn log(&mut self, entry: Entry) {
        self.host.log(entry);
    }
}

/// An answer whose body has not been read yet.
pub trait Response {
    /// Returns the HTTP status.
    fn status(&self) -> u16;

    /// Reads the next piece of the body, at most `limit` bytes; the piece is empty at the
    /// body's end.
    ///
    /// # Errors
    /// Fails if the body is truncated.
    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error>;
}

/// An answer with its body.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; one that is too long is truncated.
    pub body: Vec<u8>,
    /// The reason why the body is truncated, if it is.
    pub error: Option<Error>,
}

impl Answer {
    /// The length at which a body is truncated, in bytes.
    pub const LIMIT: usize = 64 * 1024;

    /// Returns whether the server accepted the request. Mesos answers 200 before 1.0 and
    /// 202 since; both are successes.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body as one line that fits into a message.
    pub fn text(&self) -> String {
        excerpt(&self.body)
    }

    /// Returns status and body as one line that fits into a message.
    pub fn summary(&self) -> String {
        summary(self.status, &self.body)
    }
}

/// Converts a length to the contract's type for numbers.
pub fn count(length: usize) -> u32 {
    length.try_into().unwrap_or(u32::MAX)
}

/// Makes a request without content.
pub fn request(endpoint: Endpoint, method: Method, path: Vec<String>) -> Request {
    Request { endpoint, method, path, query: Vec::new(), content: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;

    #[test]
    fn a_watched_host_asks_the_real_one_and_knows_when_it_ends_the_run() {
        let mut host = Script::default().with_agents_per_request(7);
        host.window = 3;
        let mut host = Watched::new(&mut host);
        assert_eq!((host.window(), host.agents_per_request()), (3, 7));
        let second = Duration::from_secs(1);
        assert!(host.pause(second) && !host.stopped);
        assert_eq!((host.elapsed(), host.now), (second, second));
        host.host.continues = false;
        assert!(!host.pause(second) && host.stopped);
        let mut host = Script::default().fails(Error::Stopped);
        let mut host = Watched::new(&mut host);
        assert!(host.list(Wanted::NOTHING).is_err() && host.stopped);
    }
}
