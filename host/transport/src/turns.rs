//! The limit of the exchanges that many runs have in progress at once, and the order in which they
//! get them.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Duration;

use futures_channel::oneshot;

use crate::exchange::{Body, Permit, Response};
use janitor_contract::types::{Error, Method};

/// A limit of the exchanges that are in progress at once, over all runs that share it: those on one
/// cluster, usually. Clones are the same limit.
///
/// An exchange lasts until its response has been read or dropped. Until one ends, the requests
/// beyond the limit wait, and their runs take turns: a run that waits gets one exchange, and gets
/// the next when all others that were waiting have had one. The requests of one run keep their
/// order. A request whose run ends while it waits is not sent, and uses no turn. If its run is
/// cancelled, the same is true of a request that changes something.
///
/// A run's time limit includes the time that its requests wait. Each run also has a limit of its
/// own, its window.
///
/// A run finishes its exchanges in the order of its requests. So the oldest exchange of each run
/// that has any is among those in progress, and no run waits for another that waits for it.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The number of exchanges that can begin at once.
    free: u32,
    /// The number of runs so far.
    runs: u64,
    /// The runs that wait, in the order of their turns.
    waiting: VecDeque<Waiting>,
}

/// A run that waits.
#[derive(Debug)]
struct Waiting {
    run: u64,
    /// Its requests, oldest first.
    requests: VecDeque<(Method, oneshot::Sender<Place>)>,
    permit: Permit,
}

impl Turns {
    /// Creates a limit of this many exchanges.
    pub fn new(most: NonZeroU32) -> Self {
        let state = State { free: most.get(), runs: 0, waiting: VecDeque::new() };
        Self(Arc::new(Shared(Mutex::new(state))))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the exchanges that can begin.
    fn advance(self: &Arc<Self>) {
        while let Some(request) = self.next() {
            // If nobody waits for the place any more, it is free again at once.
            let _ = request.send(Place(Some(self.clone())));
        }
    }

    /// Takes the request whose turn it is, and a place for it. Those before it that may not be sent
    /// any more are discarded.
    fn next(&self) -> Option<oneshot::Sender<Place>> {
        // They are dropped when the lock is free again, because that wakes others.
        let mut discarded = Vec::new();
        let mut state = self.state();
        if state.free == 0 {
            return None;
        }
        while let Some(mut run) = state.waiting.pop_front() {
            while let Some((method, request)) = run.requests.pop_front() {
                if request.is_canceled() || !run.permit.covers(method) {
                    discarded.push(request);
                    continue;
                }
                state.free -= 1;
                if !run.requests.is_empty() {
                    state.waiting.push_back(run);
                }
                return Some(request);
            }
        }
        None
    }
}

/// The turns of one run. Its requests stop waiting when this is dropped. The default has no limit.
#[derive(Debug, Default)]
pub struct RunTurns(Option<(Arc<Shared>, u64, Permit)>);

impl RunTurns {
    /// Lets a run take part, if there is a limit.
    pub fn new(turns: Option<&Turns>, permit: Permit) -> Self {
        Self(turns.map(|Turns(shared)| {
            let mut state = shared.state();
            state.runs += 1;
            (shared.clone(), state.runs, permit)
        }))
    }

    /// Joins the queue with a request. The order is that of these calls.
    pub fn ticket(&self, method: Method) -> Ticket {
        Ticket(self.0.as_ref().map(|(shared, run, permit)| {
            let (request, ticket) = oneshot::channel();
            let mut state = shared.state();
            match state.waiting.iter_mut().find(|it| it.run == *run) {
                Some(waiting) => waiting.requests.push_back((method, request)),
                None => state.waiting.push_back(Waiting {
                    run: *run,
                    requests: [(method, request)].into(),
                    permit: permit.clone(),
                }),
            }
            drop(state);
            shared.advance();
            ticket
        }))
    }
}

impl Drop for RunTurns {
    fn drop(&mut self) {
        if let Some((shared, run, _)) = &self.0 {
            let mut state = shared.state();
            let index = state.waiting.iter().position(|it| it.run == *run);
            let waiting = index.and_then(|index| state.waiting.remove(index));
            drop(state);
            drop(waiting);
        }
    }
}

/// A request that waits for its turn.
#[derive(Debug)]
pub struct Ticket(Option<oneshot::Receiver<Place>>);

impl Future for Ticket {
    type Output = Option<Place>;

    /// Waits for a place. There is none if the request may not be sent any more.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Option<Place>> {
        match &mut self.0 {
            None => Poll::Ready(Some(Place(None))),
            Some(place) => Pin::new(place).poll(context).map(Result::ok),
        }
    }
}

impl Ticket {
    /// Waits for a place on this thread, for a request with this method. Returns `None` as soon as
    /// the request may not be sent any more.
    pub(crate) fn wait(mut self, permit: &Permit, method: Method) -> Option<Place> {
        /// The interval at which the permission is looked at.
        const LOOK: Duration = Duration::from_millis(100);
        let waker = Arc::new(Unpark(thread::current())).into();
        loop {
            if let Poll::Ready(place) = Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                return place;
            }
            if !permit.covers(method) {
                return None;
            }
            thread::park_timeout(LOOK);
        }
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The right to an exchange. The next one begins when this is dropped.
#[derive(Debug)]
pub struct Place(Option<Arc<Shared>>);

impl Place {
    /// Keeps the place until the body of the response has ended, has failed, or is dropped.
    pub(crate) fn keep(self, response: Response) -> Response {
        match self.0 {
            None => response,
            Some(_) => {
                let body = Box::new(Placed { body: response.body, place: Some(self) });
                Response { body, ..response }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.state().free += 1;
            shared.advance();
        }
    }
}

/// The body of an exchange that has a place.
struct Placed {
    body: Box<dyn Body>,
    place: Option<Place>,
}

impl Body for Placed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let read = self.body.read(buffer);
        if read.is_err() || (read == Ok(0) && !buffer.is_empty()) {
            self.place = None;
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::cancellation::CancellationToken;
    use crate::exchange::{RunStart, Running};
    use janitor_contract::Endpoints;

    fn turns(most: u32) -> Turns {
        Turns::new(NonZeroU32::new(most).unwrap())
    }

    fn run(turns: &Turns) -> RunTurns {
        RunTurns::new(Some(turns), Permit::default())
    }

    /// Returns what has come of a ticket, if anything has.
    fn poll(ticket: &mut Ticket) -> Poll<Option<Place>> {
        Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn place(mut ticket: Ticket) -> Place {
        match poll(&mut ticket) {
            Poll::Ready(Some(place)) => place,
            other => panic!("{other:?}"),
        }
    }

    /// Ends the exchange in progress again and again, and returns the order in which the others get
    /// its place.
    fn order(mut place: Place, mut tickets: Vec<(&'static str, Ticket)>) -> Vec<&'static str> {
        let mut order = Vec::new();
        while !tickets.is_empty() {
            drop(place);
            let mut begun = Vec::new();
            tickets.retain_mut(|(name, ticket)| match poll(ticket) {
                Poll::Ready(it) => {
                    begun.push((*name, it.unwrap()));
                    false
                }
                Poll::Pending => true,
            });
            assert_eq!(begun.len(), 1);
            let (name, next) = begun.remove(0);
            order.push(name);
            place = next;
        }
        order
    }

    fn free(turns: &Turns) -> u32 {
        turns.0.state().free
    }

    #[test]
    fn runs_take_turns_and_each_keeps_its_order() {
        let turns = turns(1);
        let [a, b, c] = [run(&turns), run(&turns), run(&turns)];
        let first = place(a.ticket(Method::Get));
        let mut tickets: Vec<_> =
            ["a1", "a2", "a3", "a4"].map(|name| (name, a.ticket(Method::Get))).into();
        tickets.extend(["b1", "b2"].map(|name| (name, b.ticket(Method::Get))));
        tickets.push(("c1", c.ticket(Method::Get)));
        assert_eq!(order(first, tickets), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert_eq!(free(&turns), 1);
    }

    /// A run that has had many turns and returns waits behind those that came before, and no longer.
    #[test]
    fn a_run_that_asks_again_waits_for_one_turn_of_each_other_run() {
        let turns = turns(1);
        let [a, b, c] = [run(&turns), run(&turns), run(&turns)];
        let mut now = place(a.ticket(Method::Get));
        for _ in 0..100 {
            let next = a.ticket(Method::Get);
            drop(now);
            now = place(next);
        }
        let many = ["b1", "b2", "b3"].map(|name| (name, b.ticket(Method::Get)));
        let mut tickets: Vec<_> = many.into();
        tickets.push(("a", a.ticket(Method::Get)));
        tickets.push(("c", c.ticket(Method::Get)));
        assert_eq!(order(now, tickets), ["b1", "a", "c", "b2", "b3"]);
    }

    #[test]
    fn no_more_begin_at_once_than_the_limit() {
        let turns = turns(3);
        let runs: Vec<_> = (0..5).map(|_| run(&turns)).collect();
        let mut tickets: Vec<_> =
            (0..4).flat_map(|_| runs.iter().map(|run| run.ticket(Method::Get))).collect();
        let mut places = Vec::new();
        for total in [3, 6, 9, 12, 15, 18, 20] {
            let before = total.min(places.len());
            places.drain(..before).for_each(drop);
            tickets.retain_mut(|ticket| match poll(ticket) {
                Poll::Ready(it) => {
                    places.push(it.unwrap());
                    false
                }
                Poll::Pending => true,
            });
            assert_eq!(places.len(), if total == 20 { 2 } else { 3 });
            assert_eq!(tickets.len(), 20 - total);
        }
    }

    #[test]
    fn a_ticket_that_is_dropped_takes_no_place() {
        let turns = turns(1);
        let [a, b] = [run(&turns), run(&turns)];
        let first = place(a.ticket(Method::Get));
        let given_up = a.ticket(Method::Get);
        let tickets = vec![("a", a.ticket(Method::Get)), ("b", b.ticket(Method::Get))];
        drop(given_up);
        assert_eq!(order(first, tickets), ["a", "b"]);
        // It has its place already, and nobody has taken it from the ticket.
        drop(a.ticket(Method::Get));
        assert_eq!(free(&turns), 1);
    }

    #[test]
    fn a_panic_frees_the_place() {
        let turns = turns(1);
        let own = run(&turns);
        let place = place(own.ticket(Method::Get));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _place = place;
            panic!("as expected");
        }));
        assert!(panic.is_err());
        assert_eq!(free(&turns), 1);
    }

    #[test]
    fn a_run_that_ends_leaves_the_queue() {
        let turns = turns(1);
        let [a, b] = [run(&turns), run(&turns)];
        let first = place(a.ticket(Method::Get));
        let mut waits = b.ticket(Method::Get);
        assert!(poll(&mut waits).is_pending());
        drop(b);
        assert!(matches!(poll(&mut waits), Poll::Ready(None)));
        assert!(turns.0.state().waiting.is_empty());
        // An exchange in progress is finished, whether its run has ended or not.
        drop(a);
        assert_eq!(free(&turns), 0);
        drop(first);
        assert_eq!(free(&turns), 1);
    }

    /// A component can wait for a request of its own that is not sent any more.
    #[test]
    fn requests_that_may_not_be_sent_use_no_turn() {
        let turns = turns(1);
        let running = Running::default();
        let token = CancellationToken::new();
        let start = RunStart::new(Endpoints::default(), Duration::MAX, token.clone());
        let cancelled = RunTurns::new(Some(&turns), start.of(&running).permit());
        let other = run(&turns);
        let first = place(other.ticket(Method::Get));
        let mut changes: Vec<_> = (0..3).map(|_| cancelled.ticket(Method::Post)).collect();
        let mut read = cancelled.ticket(Method::Get);
        let mut next = other.ticket(Method::Post);
        token.cancel();
        drop(first);
        let now = poll(&mut read);
        assert!(matches!(now, Poll::Ready(Some(_))));
        assert!(changes.iter_mut().all(|it| matches!(poll(it), Poll::Ready(None))));
        let mut late = cancelled.ticket(Method::Get);
        drop(running);
        assert!(poll(&mut next).is_pending());
        drop(now);
        let now = poll(&mut next);
        assert!(matches!(now, Poll::Ready(Some(_))));
        assert!(poll(&mut late).is_pending());
        drop(now);
        assert!(matches!(poll(&mut late), Poll::Ready(None)));
        assert_eq!(free(&turns), 1);
    }

    #[test]
    fn a_thread_waits_as_a_future_does() {
        let turns = turns(1);
        let own = run(&turns);
        let wait = |ticket: Ticket| ticket.wait(&Permit::default(), Method::Get).unwrap();
        let first = wait(own.ticket(Method::Get));
        let [second, third] = [own.ticket(Method::Get), own.ticket(Method::Get)];
        let waits = thread::spawn(move || wait(third));
        assert_eq!(order(first, vec![("second", second)]), ["second"]);
        drop(waits.join().unwrap());
        assert_eq!(free(&turns), 1);
    }

    #[test]
    fn a_thread_stops_waiting_when_its_run_is_over() {
        let turns = turns(1);
        let running = Running::default();
        let start = RunStart::new(Endpoints::default(), Duration::MAX, CancellationToken::new());
        let permit = start.of(&running).permit();
        let own = RunTurns::new(Some(&turns), permit.clone());
        let first = place(own.ticket(Method::Get));
        let second = own.ticket(Method::Get);
        let waits = thread::spawn(move || second.wait(&permit, Method::Get).is_none());
        drop(running);
        assert!(waits.join().unwrap());
        drop(first);
        assert_eq!(free(&turns), 1);
    }

    #[test]
    fn an_exchange_keeps_its_place_until_its_body_ends() {
        let turns = turns(1);
        let own = run(&turns);
        let response = |body: &str| {
            let body = Box::new(std::io::Cursor::new(body.into()));
            let response = Response { status: 200, content_type: None, body };
            place(own.ticket(Method::Get)).keep(response)
        };
        let mut read = response("x");
        assert_eq!(read.body.read(&mut [0; 4]), Ok(1));
        assert_eq!(free(&turns), 0);
        assert_eq!(read.body.read(&mut [0; 4]), Ok(0));
        assert_eq!(free(&turns), 1);
        let unread = response("x");
        assert_eq!(free(&turns), 0);
        drop(unread);
        assert_eq!(free(&turns), 1);
    }
}
