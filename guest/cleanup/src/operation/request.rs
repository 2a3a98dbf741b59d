//! One request for the removal of a list of an agent's resources.

use crate::host::Host;
use crate::master::resource::Resource;
use crate::master::{NAME, form};
use crate::retry::Retry;
use janitor_contract::types::{AgentOutcome, Error, Level, Refusal, Request};

/// A list of resources that fits into one request.
pub struct Removal<'a> {
    agent: &'a str,
    resources: Vec<&'a Resource>,
}

/// The number of resources in one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lists {
    /// A request contains as many as it may contain.
    Whole,
    /// A request contains one, so that an invalid one does not keep the others from removal.
    Single,
}

/// The answer to a request, and the line that reports it.
pub struct Settled {
    /// The line.
    pub line: String,
    /// The outcome: accepted, refused or failed.
    pub outcome: AgentOutcome,
    /// The prospects of another try.
    pub retry: Retry,
    /// This is set when a part of the list may be accepted although the whole was not.
    pub divisible: bool,
}

impl<'a> Removal<'a> {
    /// Adds a resource to the request into which it fits. Since Mesos 1.5 one request may not
    /// mix resource providers.
    pub fn add(removals: &mut Vec<Self>, agent: &'a str, resource: &'a Resource, lists: Lists) {
        if lists == Lists::Single {
            removals.push(Self { agent, resources: vec![resource] });
            return;
        }
        let provider = resource.provider();
        let fits = |removal: &&mut Self| {
            removal.resources.first().is_some_and(|first| first.provider() == provider)
        };
        match removals.iter_mut().find(fits) {
            Some(removal) => removal.resources.push(resource),
            None => removals.push(Self { agent, resources: vec![resource] }),
        }
    }

    /// Makes the request to an operator endpoint of the master, which takes the list in a
    /// form field.
    pub fn request(&self, path: &str, field: &str) -> Request {
        let list: Vec<_> = self.resources.iter().map(|resource| resource.raw.get()).collect();
        let list = format!("[{}]", list.join(","));
        form(path, &[("slaveId", self.agent), (field, &list)])
    }

    /// Waits for the answer to the request.
    pub fn settle<H: Host>(&self, host: &mut H, sent: Result<H::Exchange, Error>) -> Settled {
        match sent.and_then(|exchange| host.answer(exchange)) {
            Ok(answer) if answer.is_success() => Settled {
                line: format!("{} {}", answer.status, answer.text()),
                outcome: AgentOutcome::Accepted(answer.status),
                retry: Retry::Never,
                divisible: false,
            },
            Ok(answer) => {
                let (status, body) = (answer.status, answer.text());
                Settled {
                    line: format!("{status} {body}"),
                    outcome: AgentOutcome::Refused(Refusal { status, body }),
                    retry: Retry::of_status(status),
                    divisible: matches!(status, 400 | 409) && self.resources.len() > 1,
                }
            }
            Err(error) => {
                let why = error.of(NAME);
                Settled {
                    line: match error {
                        Error::Stopped => format!("Not sent: {why}"),
                        _ => format!("Network error: {why}"),
                    },
                    outcome: AgentOutcome::Failed(why),
                    retry: Retry::of_error(&error),
                    divisible: false,
                }
            }
        }
    }

    /// Returns what is in the list.
    pub fn resources(&self) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().copied()
    }

    /// Returns the principals that made what is in the list.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().flat_map(|resource| resource.principals())
    }
}

impl Settled {
    /// Reports a request that is not sent, because the master requires other credentials.
    pub fn unsent() -> Self {
        let why = "not sent, because the Mesos master requires valid credentials";
        Self {
            line: format!("Failed: {why}"),
            outcome: AgentOutcome::Failed(why.into()),
            retry: Retry::Never,
            divisible: false,
        }
    }

    /// Returns whether the master has accepted the request.
    pub fn is_accepted(&self) -> bool {
        matches!(self.outcome, AgentOutcome::Accepted(_))
    }

    /// Returns whether the master requires other credentials.
    pub fn is_unauthorized(&self) -> bool {
        matches!(&self.outcome, AgentOutcome::Refused(refusal) if refusal.status == 401)
    }

    /// Combines the answers about one agent: it logs the lines of all but the last, and keeps
    /// the first outcome that is not a success. It returns none if there are no answers.
    pub fn all<H: Host>(host: &mut H, all: Vec<Self>) -> Option<Self> {
        let mut together: Option<Self> = None;
        for next in all {
            together = Some(match together {
                None => next,
                Some(Self { line, outcome, retry, divisible }) => {
                    host.say(Level::Info, line, None);
                    Self {
                        line: next.line,
                        outcome: match outcome {
                            AgentOutcome::Accepted(_) => next.outcome,
                            bad => bad,
                        },
                        retry: retry.max(next.retry),
                        divisible: divisible || next.divisible,
                    }
                }
            });
        }
        together
    }
}
