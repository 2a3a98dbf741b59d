//! A host that several cleanups of one run share: a page that one of them has read is kept for the
//! others, and the list of agents is read for all of them at once. Both are kept until the run
//! changes something or pauses, so that whatever follows a change or a pause is read anew.

use std::cell::RefCell;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use crate::host::{Host, Look, Response, Shown};
use crate::lost;
use crate::master::agents::{self, Listing, Wanted};
use crate::master::answer::Unread;
use crate::master::frameworks;
use crate::owner::Owner;
use crate::rest;
use janitor_contract::types::{Entry, Error, Method, Options, Request, Target};

/// The pages that have been read since the last change.
#[derive(Default)]
struct Pages {
    pages: Vec<(Request, Rc<Page>)>,
    /// The number of times that the pages were forgotten.
    age: u64,
}

/// The whole response to a request.
pub struct Page {
    status: u16,
    body: Vec<u8>,
}

/// The host that the cleanups share.
pub struct Memo<'a, H> {
    host: &'a mut H,
    pages: Rc<RefCell<Pages>>,
    /// The resources that the targets concern.
    wanted: Vec<Wanted<'a>>,
    /// The resources of the same services that the lists have shown elsewhere, for each.
    rests: Vec<rest::Shared>,
    /// The agents with these resources, if they have been read: a list for each.
    lists: Vec<Result<Rc<Listing>, Unread>>,
    /// The lists that were read before the last change, if it is worth while to read only some of their
    /// agents again.
    old: Vec<Result<Rc<Listing>, Unread>>,
    /// The owners of these resources.
    owners: Vec<Owner<'a>>,
    /// The record of what has disappeared of these resources, for each.
    lost: Vec<lost::Shared>,
    /// The agents, by id or host name, that the options ignore while they are out of reach.
    ignored: &'a [String],
    /// The time on the host's clock when a list last showed that something has disappeared.
    lost_at: Duration,
    /// The rest of each service is to be removed too.
    whole_service: bool,
    /// The owners of which nothing is left, and where a list that shows something of them again is put.
    watched: Vec<(Owner<'a>, Shown)>,
    /// The pending operations have been asked for since the agents were listed.
    is_list_old: bool,
    /// The latest look at the frameworks.
    look: Look,
    /// The agents have been listed since then.
    has_listed: bool,
    /// The time on the host's clock when it was last read.
    now: Duration,
    /// The pages that the master has shown to any of the cleanups.
    known: Vec<Request>,
    /// No page is kept.
    is_plain: bool,
}

impl<'a, H: Host> Memo<'a, H> {
    /// Keeps pages of a host for these targets.
    pub fn new(host: &'a mut H, targets: impl Iterator<Item = &'a Target>) -> Self {
        let (mut wanted, mut owners) = (Vec::new(), Vec::new());
        for target in targets {
            let its = Wanted::of(target);
            if !wanted.contains(&its) {
                wanted.push(its);
            }
            owners.extend(Owner::of(target).filter(|it| !owners.contains(it)));
        }
        Self {
            host,
            pages: Rc::default(),
            rests: wanted.iter().map(|_| rest::Shared::default()).collect(),
            wanted,
            lists: Vec::new(),
            old: Vec::new(),
            lost: owners.iter().map(|_| lost::Shared::default()).collect(),
            owners,
            ignored: &[],
            lost_at: Duration::ZERO,
            whole_service: false,
            watched: Vec::new(),
            is_list_old: false,
            look: Look::default(),
            has_listed: false,
            now: Duration::ZERO,
            known: Vec::new(),
            is_plain: false,
        }
    }

    /// Keeps pages of a host for cleanups with these options.
    pub fn under(self, options: &'a Options) -> Self {
        let Options { whole_service, ignored_agents: ignored, .. } = options;
        Self { ignored, whole_service: *whole_service, ..self }
    }

    /// Keeps no pages. A component that calls the cleanups only through handles contains their code
    /// once, and not once for the host and once for the handle.
    pub fn plain(host: &'a mut H) -> Self {
        Self { is_plain: true, ..Self::new(host, std::iter::empty()) }
    }

    /// Returns how long the run has taken so far.
    pub fn elapsed(&mut self) -> Duration {
        self.now = self.host.elapsed();
        self.now
    }

    /// Forgets all pages, because the cluster may have changed.
    fn forget(&mut self) {
        let mut pages = self.pages.borrow_mut();
        pages.pages.clear();
        pages.age += 1;
        drop(pages);
        self.forget_lists();
    }

    /// Forgets the kept pages that are so.
    fn forget_pages(&mut self, is_so: impl Fn(&Request) -> bool) {
        self.pages.borrow_mut().pages.retain(|(request, _)| !is_so(request));
    }

    /// Takes new lists of agents. What one shows of which nothing was left counts, whatever later ones show; and no
    /// later one says what is in a list that cannot be read.
    fn keep(&mut self, lists: Vec<Result<Rc<Listing>, Unread>>) {
        (self.is_list_old, self.has_listed) = (false, true);
        let of_owner = |owner: &Owner| {
            let place = self.wanted.iter().position(|it| *it == Wanted::of_owner(*owner));
            place.and_then(|place| lists.get(place))
        };
        let mut is_lost = false;
        for (rest, list) in self.rests.iter().zip(&lists) {
            if let Ok(list) = list {
                is_lost |= rest.borrow_mut().keep(list) && self.whole_service;
            }
        }
        for (owner, lost) in self.owners.iter().zip(&self.lost) {
            if let Some(Ok(list)) = of_owner(owner) {
                is_lost |= lost.borrow_mut().keep(list, *owner, self.ignored);
            }
        }
        for (owner, shown) in &self.watched {
            let Some(list) = of_owner(owner) else { continue };
            let mut shown = shown.borrow_mut();
            *shown = match (shown.take(), list.clone()) {
                (Some(Ok(kept)), Ok(list)) => Some(Ok(list.completed(&kept, *owner, self.ignored))),
                (Some(Ok(kept)), Err(_)) if kept.shows(*owner, self.ignored) => Some(Ok(kept)),
                (Some(Err(unread)), _) | (_, Err(unread)) => Some(Err(unread)),
                (None, Ok(list)) => Some(Ok(list)),
            };
            // The lists of a large cluster are not kept in vain.
            shown.take_if(|it| it.as_ref().is_ok_and(|it| !it.may_show_something()));
        }
        if is_lost {
            // They were read before this list, and do not say why something has disappeared from it.
            self.forget_pages(is_about_operations);
            self.lost_at = self.elapsed();
        }
        self.lists = lists;
    }

    /// Forgets the lists of agents, except what another look at a few agents needs.
    fn forget_lists(&mut self) {
        let lists = mem::take(&mut self.lists);
        if !lists.is_empty() {
            self.old =
                if agents::worth_it(self.host, &lists).is_some() { lists } else { Vec::new() };
        }
    }
}

/// Returns whether the path of a request ends with one of these segments.
fn ends_with(request: &Request, ends: &[&str]) -> bool {
    request.path.last().is_some_and(|it| ends.contains(&it.as_str()))
}

/// Returns whether a request changes nothing.
fn is_read(request: &Request) -> bool {
    let is_query =
        || request.content.as_ref().is_some_and(|it| it.bytes.starts_with(br#"{"type":"GET_"#));
    match request.method {
        Method::Get => true,
        Method::Post => is_query(),
        Method::Delete => false,
    }
}

/// Returns whether a request asks for pending operations.
fn is_about_operations(request: &Request) -> bool {
    request.content.as_ref().is_some_and(|it| it.bytes == br#"{"type":"GET_OPERATIONS"}"#)
}

/// The handle of one cleanup on the shared host.
pub struct Handle<'a, 'b, H>(pub &'a RefCell<Memo<'b, H>>);

/// A request in flight, or a page that is kept.
pub enum Exchange<E> {
    /// The request changes something.
    Change(E),
    /// The page is read, and kept if nothing changes meanwhile.
    Read(E, Request, u64),
    /// The page is kept.
    Kept(Rc<Page>),
}

/// The response to a request.
pub struct Reply<R>(Source<R>);

enum Source<R> {
    Plain(R),
    Read { response: R, request: Request, body: Vec<u8>, age: u64, pages: Rc<RefCell<Pages>> },
    Kept { page: Rc<Page>, at: usize },
}

impl<H: Host> Host for Handle<'_, '_, H> {
    type Exchange = Exchange<H::Exchange>;
    type Response = Reply<H::Response>;

    fn send(&mut self, request: &Request) -> Result<Self::Exchange, Error> {
        let mut memo = self.0.borrow_mut();
        if memo.is_plain || !is_read(request) {
            memo.forget();
            return memo.host.send(request).map(Exchange::Change);
        }
        let (kept, age) = {
            let pages = memo.pages.borrow();
            let kept = pages.pages.iter().find(|(it, _)| it == request);
            (kept.map(|(_, page)| Rc::clone(page)), pages.age)
        };
        match kept {
            Some(page) => Ok(Exchange::Kept(page)),
            None => {
                memo.is_list_old |= is_about_operations(request);
                if ends_with(request, &frameworks::PAGES[..1]) {
                    memo.look = Look { number: memo.look.number + 1, at: memo.now };
                    memo.has_listed = false;
                    // The pages by which it is judged must be later.
                    memo.forget_pages(frameworks::confirms);
                }
                Ok(Exchange::Read(memo.host.send(request)?, request.clone(), age))
            }
        }
    }

    fn finish(&mut self, exchange: Self::Exchange) -> Result<Self::Response, Error> {
        let mut memo = self.0.borrow_mut();
        Ok(Reply(match exchange {
            Exchange::Change(exchange) => {
                let response = memo.host.finish(exchange);
                // A page that was read while the change was in flight may not show it.
                memo.forget();
                Source::Plain(response?)
            }
            Exchange::Read(exchange, request, age) => {
                let response = memo.host.finish(exchange)?;
                let pages = Rc::clone(&memo.pages);
                Source::Read { response, request, body: Vec::new(), age, pages }
            }
            Exchange::Kept(page) => Source::Kept { page, at: 0 },
        }))
    }

    fn list(&mut self, wanted: Wanted) -> Result<Rc<Listing>, Unread> {
        let mut memo = self.0.borrow_mut();
        let Memo { host, wanted: all, lists, .. } = &mut *memo;
        let place = all.iter().position(|it| *it == wanted);
        if place.is_none() && (wanted != Wanted::NOTHING || all.is_empty()) {
            return agents::list(*host, wanted).map(Rc::new);
        }
        if lists.is_empty() || lists.iter().flatten().any(|it| it.is_refreshed) {
            let read = agents::list_all(*host, all)?;
            memo.keep(read.into_iter().map(|listing| listing.map(Rc::new)).collect());
        }
        let Memo { host, lists, .. } = &mut *memo;
        // Every list names all agents.
        let place = place.or_else(|| lists.iter().position(Result::is_ok));
        match place.and_then(|place| lists.get(place)) {
            Some(listing) => listing.clone(),
            None => agents::list(*host, wanted).map(Rc::new),
        }
    }

    fn refresh(&mut self, wanted: Wanted, listing: Rc<Listing>) -> Option<Rc<Listing>> {
        let mut memo = self.0.borrow_mut();
        let Memo { host, wanted: all, lists, old, .. } = &mut *memo;
        let Some(place) = all.iter().position(|it| *it == wanted) else {
            return agents::refresh(*host, wanted, listing);
        };
        if lists.is_empty() {
            let read = agents::refresh_all(*host, all, mem::take(old))?;
            memo.keep(read);
        }
        memo.lists.get(place)?.clone().ok()
    }

    fn watch(&mut self, owner: Owner) -> Shown {
        let shown = Shown::default();
        let mut memo = self.0.borrow_mut();
        if let Some(owner) = memo.owners.iter().find(|it| **it == owner).copied() {
            memo.watched.push((owner, Rc::clone(&shown)));
        }
        shown
    }

    fn rest(&mut self, wanted: Wanted) -> rest::Shared {
        let memo = self.0.borrow();
        let place = memo.wanted.iter().position(|it| *it == wanted);
        place.and_then(|place| memo.rests.get(place)).cloned().unwrap_or_default()
    }

    fn lost(&mut self, owner: Owner) -> lost::Shared {
        let memo = self.0.borrow();
        let place = memo.owners.iter().position(|it| *it == owner);
        place.and_then(|place| memo.lost.get(place)).cloned().unwrap_or_default()
    }

    fn lost_at(&self) -> Option<Duration> {
        let memo = self.0.borrow();
        (!memo.is_plain).then_some(memo.lost_at)
    }

    fn latest(&mut self, wanted: Wanted) -> Option<Rc<Listing>> {
        let memo = self.0.borrow();
        let place = memo.wanted.iter().position(|it| *it == wanted)?;
        memo.lists.get(place)?.clone().ok()
    }

    fn window(&mut self) -> usize {
        self.0.borrow_mut().host.window()
    }

    fn pause(&mut self, duration: Duration) -> bool {
        let mut memo = self.0.borrow_mut();
        if !duration.is_zero() {
            memo.forget();
        }
        memo.host.pause(duration)
    }

    fn elapsed(&mut self) -> Duration {
        self.0.borrow_mut().elapsed()
    }

    fn agents_per_request(&self) -> usize {
        self.0.borrow().host.agents_per_request()
    }

    fn log(&mut self, entry: Entry) {
        self.0.borrow_mut().host.log(entry);
    }

    fn forget_old_look(&mut self) {
        let mut memo = self.0.borrow_mut();
        memo.forget_pages(frameworks::confirms);
        memo.forget_lists();
    }

    fn forget_old_list(&mut self) {
        let mut memo = self.0.borrow_mut();
        if memo.is_list_old {
            memo.forget_lists();
        }
    }

    fn know(&mut self, page: &Request) {
        self.0.borrow_mut().known.push(page.clone());
    }

    fn knows(&self, page: &Request) -> bool {
        self.0.borrow().known.contains(page)
    }

    fn forget(&mut self, pages: &[&str]) {
        self.0.borrow_mut().forget_pages(|request| ends_with(request, pages));
    }

    fn latest_look(&self) -> Option<Look> {
        let memo = self.0.borrow();
        (!memo.is_plain).then_some(memo.look)
    }

    fn has_listed_since_look(&self) -> bool {
        self.0.borrow().has_listed
    }
}

impl<R: Response> Response for Reply<R> {
    fn status(&self) -> u16 {
        match &self.0 {
            Source::Plain(response) | Source::Read { response, .. } => response.status(),
            Source::Kept { page, .. } => page.status,
        }
    }

    fn read(&mut self, limit: u32) -> Result<Vec<u8>, Error> {
        match &mut self.0 {
            Source::Plain(response) => response.read(limit),
            Source::Read { response, request, body, age, pages } => {
                let piece = response.read(limit)?;
                body.extend_from_slice(&piece);
                if piece.is_empty() {
                    let page = Page { status: response.status(), body: mem::take(body) };
                    let mut pages = pages.borrow_mut();
                    let is_known = pages.pages.iter().any(|(it, _)| it == request);
                    if pages.age == *age && !is_known {
                        pages.pages.push((request.clone(), Rc::new(page)));
                    }
                }
                Ok(piece)
            }
            Source::Kept { page, at } => {
                let rest = page.body.get(*at..).unwrap_or_default();
                let piece = rest.get(..limit as usize).unwrap_or(rest).to_vec();
                *at += piece.len();
                Ok(piece)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::request;
    use crate::testing::Script;
    use janitor_contract::types::{Content, Endpoint};
    use std::iter;

    fn get(path: &str) -> Request {
        request(Endpoint::Master, Method::Get, vec![path.into()])
    }

    fn delete() -> Request {
        request(Endpoint::Master, Method::Delete, vec!["d".into()])
    }

    fn post(bytes: &[u8]) -> Request {
        let content = Content { media_type: "application/json".into(), bytes: bytes.into() };
        Request {
            content: Some(content),
            ..request(Endpoint::Master, Method::Post, vec!["p".into()])
        }
    }

    /// Scripts a host that numbers its answers.
    fn numbered() -> Script {
        ["1", "2", "3", "4", "5"].iter().fold(Script::default(), |host, it| host.answer(201, *it))
    }

    fn ask(handle: &mut Handle<Script>, request: &Request) -> String {
        let answer = handle.ask(request).unwrap();
        assert_eq!(answer.status, 201);
        answer.text()
    }

    #[test]
    fn a_page_is_kept_until_a_change_or_a_pause() {
        let mut host = numbered();
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let mut handle = Handle(&memo);
        assert_eq!(["x", "y", "x"].map(|it| ask(&mut handle, &get(it))), ["1", "2", "1"]);
        assert!(handle.pause(Duration::ZERO));
        assert_eq!(ask(&mut handle, &get("y")), "2");
        assert!(handle.pause(Duration::from_millis(1)));
        assert_eq!(ask(&mut handle, &get("y")), "3");
        assert_eq!([delete(), get("y"), get("y")].map(|it| ask(&mut handle, &it)), ["4", "5", "5"]);
    }

    #[test]
    fn a_query_is_kept_and_another_call_is_not() {
        let (query, call) = (post(br#"{"type":"GET_MASTER"}"#), post(br#"{"type":"TEARDOWN"}"#));
        let mut host = numbered();
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let asked = [&query, &query, &call, &call, &query].map(|it| ask(&mut Handle(&memo), it));
        assert_eq!(asked, ["1", "1", "2", "3", "4"]);
    }

    /// It may not show the change.
    #[test]
    fn a_page_that_was_read_during_a_change_is_not_kept() {
        let mut host = numbered();
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let mut handle = Handle(&memo);
        let read = handle.send(&get("x")).unwrap();
        assert_eq!(ask(&mut handle, &delete()), "2");
        assert_eq!(handle.answer(read).unwrap().text(), "1");
        assert_eq!(ask(&mut handle, &get("x")), "3");
    }

    #[test]
    fn only_the_named_pages_are_forgotten() {
        let mut host = numbered();
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let mut handle = Handle(&memo);
        assert_eq!(["x", "y"].map(|it| ask(&mut handle, &get(it))), ["1", "2"]);
        handle.forget(&["x"]);
        assert_eq!(["x", "y"].map(|it| ask(&mut handle, &get(it))), ["3", "2"]);
    }

    #[test]
    fn what_confirms_the_frameworks_is_read_after_their_list() {
        let mut host = numbered().page("state", 201, "a").page("state", 201, "b");
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let mut handle = Handle(&memo);
        let number = |handle: &Handle<Script>| handle.latest_look().map(|it| it.number);
        assert_eq!(number(&handle), Some(0));
        let [list, metrics, times, other] = ["frameworks", "snapshot", "state", "x"].map(get);
        let first = [&metrics, &times, &other, &list].map(|it| ask(&mut handle, it));
        let second = [&metrics, &list, &times, &other].map(|it| ask(&mut handle, it));
        assert_eq!(
            (first, second),
            (["1", "a", "2", "3"].map(Into::into), ["4", "3", "b", "2"].map(Into::into))
        );
        assert_eq!(number(&handle), Some(1));
    }

    #[test]
    fn a_plain_one_keeps_nothing() {
        let mut host = numbered();
        let memo = RefCell::new(Memo::plain(&mut host));
        assert_eq!(["x", "x"].map(|it| ask(&mut Handle(&memo), &get(it))), ["1", "2"]);
        // There is one answer, and so one request.
        let mut host = Script::default().answer(200, r#"{"recovered_slaves":[],"slaves":[]}"#);
        let memo = RefCell::new(Memo::plain(&mut host));
        assert!(Handle(&memo).list(Wanted::NOTHING).is_ok());
    }

    #[test]
    fn a_handle_answers_as_its_host() {
        let mut host = Script::default().with_agents_per_request(7);
        (host.window, host.continues) = (3, false);
        let memo = RefCell::new(Memo::new(&mut host, iter::empty()));
        let mut handle = Handle(&memo);
        assert!(!handle.pause(Duration::from_secs(5)));
        assert_eq!(handle.elapsed(), Duration::from_secs(5));
        assert_eq!((handle.window(), handle.agents_per_request()), (3, 7));
    }
}
