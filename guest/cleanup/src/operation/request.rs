//! One list of an agent's resources, sent to the master in one request.

use crate::host::{Host, Passes, explain, form};
use crate::master::resource::Resource;
use crate::operation::round::Operation;
use janitor_contract::types::{AgentOutcome, Endpoint, Error, Level, Refusal, Request};

/// A list of resources that may be in one request.
pub struct Batch<'a> {
    agent: &'a str,
    resources: Vec<&'a Resource>,
}

/// How an agent's resources are put into requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lists {
    /// As many as may be in one.
    Whole,
    /// One in each, so that a bad one does not keep the rest.
    Single,
}

/// What became of a batch, and the line that says it.
pub struct Settled {
    /// The line.
    pub line: String,
    /// The outcome: accepted, refused or failed.
    pub outcome: AgentOutcome,
    /// Whether it is worth asking again.
    pub passes: Passes,
    /// Whether a part of the list may be accepted although all of it is not.
    pub divisible: bool,
}

impl<'a> Batch<'a> {
    /// Adds a resource to the batch it fits into. Since Mesos 1.5 one request
    /// may not mix resource providers.
    pub fn add(batches: &mut Vec<Self>, agent: &'a str, resource: &'a Resource, lists: Lists) {
        if lists == Lists::Single {
            batches.push(Self { agent, resources: vec![resource] });
            return;
        }
        let provider = resource.provider();
        let fits = |batch: &&mut Self| {
            batch.resources.first().is_some_and(|first| first.provider() == provider)
        };
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.resources.push(resource),
            None => batches.push(Self { agent, resources: vec![resource] }),
        }
    }

    /// The request that carries an operation out on all of the batch.
    pub fn request(&self, operation: &Operation) -> Request {
        let list: Vec<_> = self.resources.iter().map(|resource| resource.raw.get()).collect();
        let list = format!("[{}]", list.join(","));
        form(operation.path, &[("slaveId", self.agent), (operation.field, &list)])
    }

    /// Waits for the answer to the batch's request.
    pub fn settle<H: Host>(&self, host: &mut H, sent: Result<H::Exchange, Error>) -> Settled {
        match sent.and_then(|exchange| host.answer(exchange)) {
            Ok(answer) if answer.is_success() => Settled {
                line: format!("{} {}", answer.status, answer.text()),
                outcome: AgentOutcome::Accepted(answer.status),
                passes: Passes::No,
                divisible: false,
            },
            Ok(answer) => {
                let (status, body) = (answer.status, answer.text());
                Settled {
                    line: format!("{status} {body}"),
                    outcome: AgentOutcome::Refused(Refusal { status, body }),
                    passes: Passes::of_status(status),
                    divisible: matches!(status, 400 | 409) && self.resources.len() > 1,
                }
            }
            Err(error) => {
                let why = explain(Endpoint::Master, &error);
                Settled {
                    line: match error {
                        Error::Stopped => format!("Not sent: {why}"),
                        _ => format!("Network error: {why}"),
                    },
                    outcome: AgentOutcome::Failed(why),
                    passes: Passes::of_error(&error),
                    divisible: false,
                }
            }
        }
    }

    /// The principals that made what is in the batch.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().flat_map(|resource| resource.principals())
    }
}

impl Settled {
    /// A batch that is not sent, because the master wants other credentials.
    pub fn unsent() -> Self {
        let why = "not sent, because the Mesos master wants valid credentials";
        Self {
            line: format!("Failed: {why}"),
            outcome: AgentOutcome::Failed(why.into()),
            passes: Passes::No,
            divisible: false,
        }
    }

    /// Whether the master wants other credentials.
    pub fn is_unauthorized(&self) -> bool {
        matches!(&self.outcome, AgentOutcome::Refused(refusal) if refusal.status == 401)
    }

    /// Several as one: logs the lines of all but the last, and keeps the first
    /// outcome that is no success. None when there is none.
    pub fn all<H: Host>(host: &mut H, all: Vec<Self>) -> Option<Self> {
        let mut together: Option<Self> = None;
        for next in all {
            together = Some(match together {
                None => next,
                Some(Self { line, outcome, passes, divisible }) => {
                    host.say(Level::Info, line, None);
                    Self {
                        line: next.line,
                        outcome: match outcome {
                            AgentOutcome::Accepted(_) => next.outcome,
                            bad => bad,
                        },
                        passes: passes.max(next.passes),
                        divisible: divisible || next.divisible,
                    }
                }
            });
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents;
    use crate::operation::round::Owner;
    use crate::testing::Script;

    const WANTED: agents::Wanted = agents::Wanted { role: Some("r"), principal: None };
    const CPUS: &str = r#"{"name":"cpus","role":"r","reservation":{}}"#;
    const MEM: &str = r#"{"name":"mem","role":"r","reservation":{}}"#;
    const DISK: &str =
        r#"{"name":"disk","role":"r","reservation":{},"provider_id":{"value":"csi"}}"#;

    #[test]
    fn resource_providers_do_not_mix() {
        let body = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"r":[{CPUS},{DISK},{MEM}]}}}}]}}"#
        );
        let listing = agents::list(&mut Script::default().answer(200, body), WANTED).unwrap();
        let owner = Owner { role: "r", principal: None };
        let mut host = Script::default().answer(202, "").answer(202, "");
        let swept = crate::reservations::OPERATION.sweep(&mut host, &listing, owner, None);
        assert_eq!(swept[0].result.found, 3);
        assert_eq!(swept[0].result.outcome, AgentOutcome::Accepted(202));
        let lists: Vec<String> = host
            .sent
            .iter()
            .filter_map(|request| {
                let fields = form_urlencoded::parse(&request.content.as_ref()?.bytes);
                fields.into_owned().find(|(name, _)| name == "resources").map(|(_, list)| list)
            })
            .collect();
        assert_eq!(lists, [format!("[{CPUS},{MEM}]"), format!("[{DISK}]")]);
    }
}
