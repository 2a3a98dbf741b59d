//! What may be sent now.

use std::cell::RefCell;

use janitor_contract::Call;
use janitor_contract::types::{Entry, Level, Options, Request};
use janitor_policy::{Policy, Watch};

use crate::bindings::log;

/// What may be sent now.
enum State {
    /// Nothing: nobody has said which call is coming.
    Closed,
    /// What a call needs.
    Open(Policy),
    /// Nothing any more: the component broke its contract, and how.
    Stopped(String),
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
pub fn begin(call: &Call, options: &Options) -> Result<(), String> {
    STATE.with_borrow_mut(|state| match state {
        State::Closed => {
            *state = State::Open(Policy::new(call, options));
            Ok(())
        }
        State::Open(_) | State::Stopped(_) | State::Over => {
            let why = "Nothing was changed, because this instance of the component was used \
                       before: make a new one for every call";
            tell(why);
            Err(why.into())
        }
    })
}

/// Lets nothing through any more. Says why the component was stopped, if it was.
pub fn end() -> Option<String> {
    match STATE.replace(State::Over) {
        State::Stopped(why) => Some(why),
        State::Closed | State::Open(_) | State::Over => None,
    }
}

/// Decides about a request.
///
/// # Errors
/// What is not allowed, in one sentence.
pub fn admit(request: &Request) -> Result<(), String> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.check(request),
        State::Closed | State::Over => Err("a request outside of a call".into()),
        State::Stopped(_) => Err("an earlier request was denied".into()),
    })
}

/// Watches an answer to a request, if what may be sent depends on it.
pub fn watch(request: &Request) -> Option<Watch> {
    STATE.with_borrow(|state| match state {
        State::Open(policy) => policy.watch(request),
        State::Closed | State::Over | State::Stopped(_) => None,
    })
}

/// Keeps what a list has shown that has been read to its end.
pub fn learn(watch: Watch) {
    STATE.with_borrow_mut(|state| {
        if let State::Open(policy) = state {
            policy.learn(watch);
        }
    });
}

/// Lets nothing through any more, for a reason that is told. The first one counts.
pub fn stop(fault: &str) {
    let why = format!("The component was stopped, because it {fault}");
    STATE.with_borrow_mut(|state| {
        if !matches!(state, State::Stopped(_)) {
            tell(&why);
            *state = State::Stopped(why);
        }
    });
}

fn tell(sentence: &str) {
    log::write(&Entry { level: Level::Error, message: format!("{sentence}."), event: None });
}
