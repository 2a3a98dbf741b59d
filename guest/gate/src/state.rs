//! The state of the gate: which requests it lets through.

use std::cell::RefCell;

use janitor_contract::Call;
use janitor_contract::types::{Entry, Level, Options, Request};
use janitor_policy::{Policy, Watch};

use crate::bindings::log;

/// The state of the gate.
enum State {
    /// No request may be sent: no call has been announced yet.
    Closed,
    /// The requests that the call needs may be sent.
    Open(Policy),
    /// No request may be sent any more: the component broke its contract in this way.
    Stopped(String),
    /// No request may be sent any more: the call is over.
    Over,
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Closed) };
}

/// Lets through the requests that a call needs.
///
/// # Errors
/// Fails with one sentence if this is not the instance's first call.
pub fn begin(call: &Call, options: &Options) -> Result<(), String> {
    STATE.with_borrow_mut(|state| match state {
        State::Closed => {
            *state = State::Open(Policy::new(call, options));
            Ok(())
        }
        State::Open(_) | State::Stopped(_) | State::Over => {
            let why = "Nothing was changed: this instance of the component has already been \
                       used; create a new instance for each call";
            log_error(why);
            Err(why.into())
        }
    })
}

/// Lets nothing through any more. Returns why the component was stopped, if it was.
pub fn end() -> Option<String> {
    match STATE.replace(State::Over) {
        State::Stopped(why) => Some(why),
        State::Closed | State::Open(_) | State::Over => None,
    }
}

/// Checks a request.
///
/// # Errors
/// Fails with one sentence that says what is not allowed.
pub fn admit(request: &Request) -> Result<(), String> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.check(request),
        State::Closed | State::Over => Err("a request outside a call".into()),
        State::Stopped(_) => Err("an earlier request was denied".into()),
    })
}

/// Returns a reader for the response to a request if the policy depends on it.
pub fn watch(request: &Request) -> Option<Watch> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.watch(request),
        State::Closed | State::Over | State::Stopped(_) => None,
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

/// Lets nothing through any more, and logs why. Only the first reason counts.
pub fn stop(fault: &str) {
    let why = format!("The component was stopped: {fault}");
    STATE.with_borrow_mut(|state| {
        if !matches!(state, State::Stopped(_)) {
            log_error(&why);
            *state = State::Stopped(why);
        }
    });
}

fn log_error(sentence: &str) {
    log::write(&Entry { level: Level::Error, message: format!("{sentence}."), event: None });
}
