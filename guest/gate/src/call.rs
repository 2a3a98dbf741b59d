//! The current call: which requests the gate lets through.

use std::cell::{Cell, RefCell};

use janitor_contract::types::Request;
use janitor_policy::{Policy, Watch};

/// The state of the gate.
enum State {
    /// No request may be sent: there is no call.
    Closed,
    /// The requests that the call needs may be sent.
    Open(Policy),
    /// No request may be sent any more: the component broke its contract in this way.
    Stopped(String),
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Closed) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Lets through the requests that a call needs.
///
/// # Errors
/// Fails with one sentence if an earlier call has not ended, as after a trap.
pub fn begin(policy: Policy) -> Result<(), String> {
    STATE.with_borrow_mut(|state| match state {
        State::Closed => {
            NUMBER.set(NUMBER.get() + 1);
            *state = State::Open(policy);
            Ok(())
        }
        State::Open(_) | State::Stopped(_) => {
            Err("Nothing was changed: an earlier call of this instance of the component did not \
                 end; create a new instance"
                .into())
        }
    })
}

/// Lets nothing through until the next call. Returns why the component was stopped, if it was.
pub fn end() -> Option<String> {
    match STATE.replace(State::Closed) {
        State::Stopped(why) => Some(why),
        State::Closed | State::Open(_) => None,
    }
}

/// Returns the number of the latest call.
pub fn number() -> u64 {
    NUMBER.get()
}

/// Checks a request.
///
/// # Errors
/// Fails with one sentence that says what is not allowed.
pub fn admit(request: &Request) -> Result<(), String> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.check(request),
        State::Closed => Err("a request outside a call".into()),
        State::Stopped(_) => Err("an earlier request was denied".into()),
    })
}

/// Returns a reader for the response to a request if the policy depends on it.
pub fn watch(request: &Request) -> Option<Watch> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.watch(request),
        State::Closed | State::Stopped(_) => None,
    })
}

/// Shows the policy the next piece of a response, which is empty at its end.
pub fn read(watch: &mut Option<Watch>, piece: &[u8]) {
    STATE.with_borrow_mut(|state| {
        if let State::Open(policy) = state {
            policy.read(watch, piece);
        }
    });
}

/// Lets nothing through until the next call. Returns the sentence to log if this is the call's
/// first fault; only the first one counts.
pub fn stop(fault: &str) -> Option<String> {
    STATE.with_borrow_mut(|state| {
        if matches!(state, State::Stopped(_)) {
            return None;
        }
        let why = format!("The component was stopped: {fault}");
        *state = State::Stopped(why.clone());
        Some(why)
    })
}
