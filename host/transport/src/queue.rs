//! The queue in which exchanges wait for their turn, if a network limits their number.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exchange::{Body, Permit, Response};
use janitor_contract::types::{Error, Method};

/// A queue with a limited number of places at its front. Clones share it; the default has no limit.
///
/// Tickets are numbered in the order of the requests, and places are given in that order. A run
/// finishes its exchanges in the same order, so the oldest exchange of all has a place, and its run
/// waits for none that has not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: u32,
    /// The tickets that wait, oldest first.
    waiting: VecDeque<u64>,
    next: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Creates a queue with this many places.
    pub(crate) fn new(places: Option<NonZeroU32>) -> Self {
        Self(places.map(|places| {
            let state = State { free: places.get(), waiting: VecDeque::new(), next: 0 };
            Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() })
        }))
    }

    /// Joins the queue.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.0.clone().map(|shared| {
            let mut state = shared.state();
            let number = state.next;
            state.next += 1;
            state.waiting.push_back(number);
            drop(state);
            (shared, number)
        }))
    }
}

/// A position in the queue.
#[derive(Debug)]
pub(crate) struct Ticket(Option<(Arc<Shared>, u64)>);

impl Ticket {
    /// Waits for a place, for a request with this method. Returns `None` as soon as the request may
    /// not be sent any more.
    pub(crate) fn wait(self, permit: &Permit, method: Method) -> Option<Place> {
        /// The interval at which the permission is looked at.
        const LOOK: Duration = Duration::from_millis(100);
        let Some((shared, number)) = &self.0 else { return Some(Place(None)) };
        let mut state = shared.state();
        while state.free == 0 || state.waiting.front() != Some(number) {
            if !permit.covers(method) {
                return None;
            }
            let waited = shared.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.free -= 1;
        drop(state);
        // The ticket is dropped after the place is taken, which lets the next one move up.
        Some(Place(Some(shared.clone())))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some((shared, number)) = &self.0 {
            shared.state().waiting.retain(|waiting| waiting != number);
            shared.changed.notify_all();
        }
    }
}

/// A place at the front of the queue.
#[derive(Debug)]
pub(crate) struct Place(Option<Arc<Shared>>);

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
            shared.changed.notify_all();
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
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn wait(ticket: Ticket) -> Place {
        ticket.wait(&Permit::default(), Method::Get).unwrap()
    }

    #[test]
    fn places_are_given_in_the_order_of_the_tickets() {
        let queue = Queue::new(NonZeroU32::new(2));
        let places = [wait(queue.ticket()), wait(queue.ticket())];
        let (sender, order) = mpsc::channel();
        // The last ticket waits first, and one in the middle is given up.
        let mut tickets: Vec<_> = (0..4).map(|number| (number, queue.ticket())).collect();
        drop(tickets.remove(1));
        let threads: Vec<_> = tickets
            .into_iter()
            .rev()
            .map(|(number, ticket)| {
                let sender = sender.clone();
                thread::spawn(move || {
                    let _place = wait(ticket);
                    sender.send(number).unwrap();
                })
            })
            .collect();
        assert!(order.try_recv().is_err());
        let [first, second] = places;
        drop(first);
        let order: Vec<_> = order.iter().take(3).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(second);
        assert_eq!(order, [0, 2, 3]);
    }

    #[test]
    fn an_exchange_keeps_its_place_until_its_body_ends() {
        let queue = Queue::new(NonZeroU32::new(1));
        let is_free = || queue.0.as_ref().unwrap().state().free == 1;
        let response = |body: &str| {
            let body = Box::new(std::io::Cursor::new(body.into()));
            let response = Response { status: 200, content_type: None, body };
            wait(queue.ticket()).keep(response)
        };
        let mut read = response("x");
        assert_eq!(read.body.read(&mut [0; 4]), Ok(1));
        assert!(!is_free());
        assert_eq!(read.body.read(&mut [0; 4]), Ok(0));
        assert!(is_free());
        let unread = response("x");
        assert!(!is_free());
        drop(unread);
        assert!(is_free());
    }
}
