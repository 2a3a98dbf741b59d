//! What may be sent now.

use std::cell::RefCell;

use crate::bindings::http::Request;
use crate::bindings::log::{self, Entry, Level};
use crate::bindings::scope::Options;
use crate::call::Call;
use crate::policy::Policy;

/// What may be sent now.
enum State {
    /// Nothing: nobody has said which call is coming.
    Closed,
    /// What a call needs.
    Open(Policy),
    /// Nothing any more: this was asked for.
    Denied(String),
    /// Nothing any more: the call is over.
    Over,
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Closed) };
}

/// Lets through what a call needs.
///
/// # Errors
/// One sentence, when this is not the first call.
pub fn begin(call: &Call, options: Options) -> Result<(), String> {
    STATE.with_borrow_mut(|state| match state {
        State::Closed => {
            *state = State::Open(Policy::new(call, options));
            Ok(())
        }
        State::Open(_) | State::Denied(_) | State::Over => {
            Err("Nothing was changed: this instance of the component was used before; \
                 make a new one for every call"
                .into())
        }
    })
}

/// Lets nothing through any more. Says what was denied.
pub fn end() -> Option<String> {
    match STATE.replace(State::Over) {
        State::Denied(rule) => Some(rule),
        State::Closed | State::Open(_) | State::Over => None,
    }
}

/// Decides about a request. The first that is denied is the last that is looked at.
///
/// # Errors
/// What is not allowed, in one sentence.
pub fn admit(request: &Request) -> Result<(), String> {
    let decision = STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.check(request),
        State::Closed | State::Over => Err("a request outside of a call".into()),
        State::Denied(_) => Err("an earlier request was denied".into()),
    });
    decision.inspect_err(|rule| deny(rule))
}

/// Denies everything from now on, and says so.
pub fn deny(rule: &str) {
    let first = STATE.with_borrow_mut(|state| {
        let first = !matches!(state, State::Denied(_));
        if first {
            *state = State::Denied(rule.into());
        }
        first
    });
    if first {
        let message = format!("The component asked for more than it may: {rule}.");
        log::write(&Entry { level: Level::Error, message, event: None });
    }
}
