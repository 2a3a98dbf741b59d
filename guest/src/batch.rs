//! One list of an agent's resources, sent to the master in one request: asked
//! again when the refusal may pass, taken apart when one entry keeps the rest.

use std::time::Duration;

use crate::bindings::http::{Endpoint, Error, Request};
use crate::bindings::log::{AgentOutcome, Level, Refusal};
use crate::host::{Answer, Host, explain, form, is_transient, short_pauses};
use crate::resource::Resource;
use crate::sweep::Operation;

/// A list of resources that may be in one request.
pub struct Batch<'a> {
    agent: &'a str,
    resources: Vec<&'a Resource>,
}

/// What became of a batch, and the line that says it.
pub struct Settled {
    /// The line.
    pub line: String,
    /// The outcome: accepted, refused or failed.
    pub outcome: AgentOutcome,
}

impl<'a> Batch<'a> {
    /// Adds a resource to the batch it fits into. Since Mesos 1.5 one request
    /// may not mix resource providers.
    pub fn add(batches: &mut Vec<Self>, agent: &'a str, resource: &'a Resource) {
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

    /// Waits for the answer to the batch's request, and does what can be done
    /// about a refusal. What it pauses is taken from `patience`.
    pub fn settle<H: Host>(
        &self,
        host: &mut H,
        operation: &Operation,
        sent: Result<H::Exchange, Error>,
        patience: &mut Duration,
    ) -> Settled {
        let mut answer = sent.and_then(|exchange| host.answer(exchange));
        let mut pauses = short_pauses();
        while let Some(why) = may_pass(&answer)
            && let Some(pause) = pauses.next().filter(|pause| pause <= patience)
        {
            host.say(Level::Debug, format!("{why}: trying again"), None);
            *patience -= pause;
            if !host.pause(pause) {
                break;
            }
            answer = host.ask(&self.request(operation));
        }
        match answer {
            Ok(answer) if answer.is_success() => Settled {
                line: format!("{} {}", answer.status, answer.text()),
                outcome: AgentOutcome::Accepted(answer.status),
            },
            Ok(answer) => {
                let (status, body) = (answer.status, answer.text());
                let line = format!("{status} {body}");
                if matches!(status, 400 | 409) && self.resources.len() > 1 {
                    host.say(Level::Warn, line, None);
                    return self.take_apart(host, operation);
                }
                Settled { line, outcome: AgentOutcome::Refused(Refusal { status, body }) }
            }
            Err(error) => {
                let why = explain(Endpoint::Master, &error);
                Settled {
                    line: match error {
                        Error::Stopped => format!("Not sent: {why}"),
                        _ => format!("Network error: {why}"),
                    },
                    outcome: AgentOutcome::Failed(why),
                }
            }
        }
    }

    /// The principals that made what is in the batch.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().flat_map(|resource| resource.principals())
    }

    /// Sends the entries one by one, so that a bad one does not keep the rest.
    fn take_apart<H: Host>(&self, host: &mut H, operation: &Operation) -> Settled {
        let count = self.resources.len();
        let line = format!("The list is refused as a whole, trying its {count} entries one by one");
        host.say(Level::Warn, line, None);
        let singles = self.resources.iter().map(|resource| {
            let single = Self { agent: self.agent, resources: vec![resource] };
            let sent = host.send(&single.request(operation));
            let mut no_patience = Duration::ZERO;
            single.settle(host, operation, sent, &mut no_patience)
        });
        let singles: Vec<_> = singles.collect();
        // There are at least two.
        Settled::all(host, singles)
            .unwrap_or_else(|| Settled { line: String::new(), outcome: AgentOutcome::NothingToDo })
    }
}

/// What kept a request from being carried out, if it may have passed a moment
/// later: 409 may be a race with the master's allocator, 503 a change of leader.
fn may_pass(answer: &Result<Answer, Error>) -> Option<String> {
    match answer {
        Ok(answer) if matches!(answer.status, 409 | 503) => Some(answer.summary()),
        Err(error) if is_transient(error) => Some(explain(Endpoint::Master, error)),
        Ok(_) | Err(_) => None,
    }
}

impl Settled {
    /// A batch that is not sent, because the master wants other credentials.
    pub fn unsent() -> Self {
        let why = "not sent, because the Mesos master wants a valid token";
        Self { line: format!("Failed: {why}"), outcome: AgentOutcome::Failed(why.into()) }
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
                Some(Self { line, outcome }) => {
                    host.say(Level::Info, line, None);
                    let outcome = match outcome {
                        AgentOutcome::Accepted(_) => next.outcome,
                        bad => bad,
                    };
                    Self { line: next.line, outcome }
                }
            });
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents;
    use crate::bindings::log::AgentResult;
    use crate::sweep::Owner;
    use crate::testing::Script;

    /// Unreserves these resources of one agent.
    fn unreserve(host: &mut Script, resources: &str, patience: u64) -> AgentResult {
        let body = format!(
            r#"{{"slaves":[{{"id":"S1","reserved_resources_full":{{"r":[{resources}]}}}}]}}"#
        );
        let listing = agents::list(&mut Script::default().answer(200, body), Some("r")).unwrap();
        let owner = Owner { role: "r", principal: None };
        let patience = Duration::from_millis(patience);
        let mut results = crate::reservations::OPERATION.sweep(host, &listing, owner, patience);
        assert_eq!(results.len(), 1);
        results.remove(0)
    }

    const CPUS: &str = r#"{"name":"cpus","reservation":{}}"#;
    const MEM: &str = r#"{"name":"mem","reservation":{}}"#;
    const DISK: &str = r#"{"name":"disk","reservation":{},"provider_id":{"value":"csi"}}"#;

    fn refusal(status: u16, body: &str) -> AgentOutcome {
        AgentOutcome::Refused(Refusal { status, body: body.into() })
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        for status in [409, 503] {
            let mut host = Script::default().answer(status, "race").answer(status, "race");
            host = host.answer(202, "");
            let result = unreserve(&mut host, CPUS, 1000);
            assert_eq!(result.outcome, AgentOutcome::Accepted(202));
            assert_eq!(host.paused, Duration::from_millis(300));
        }
    }

    #[test]
    fn patience_has_an_end() {
        let mut host = Script::default().answer(409, "race").answer(409, "race");
        assert_eq!(unreserve(&mut host, CPUS, 100).outcome, refusal(409, "race"));
        assert_eq!(host.paused, Duration::from_millis(100));
    }

    #[test]
    fn one_bad_entry_does_not_keep_the_rest() {
        let mut host = Script::default().answer(400, "all").answer(400, "bad").answer(202, "");
        let result = unreserve(&mut host, &format!("{CPUS},{MEM}"), 0);
        assert_eq!(result.outcome, refusal(400, "bad"));
        assert_eq!(host.sent.len(), 3);
        assert_eq!(
            host.lines(),
            [
                "Found 2 resource(s) for role 'r' on slave S1, deleting...",
                "400 all",
                "The list is refused as a whole, trying its 2 entries one by one",
                "400 bad",
                "202 "
            ]
        );
    }

    #[test]
    fn other_refusals_are_final() {
        for status in [401, 403, 500] {
            let mut host = Script::default().answer(status, "no");
            let result = unreserve(&mut host, &format!("{CPUS},{MEM}"), 1000);
            assert_eq!(result.outcome, refusal(status, "no"));
        }
    }

    #[test]
    fn resource_providers_do_not_mix() {
        let mut host = Script::default().answer(202, "").answer(202, "");
        let result = unreserve(&mut host, &format!("{CPUS},{DISK},{MEM}"), 0);
        assert_eq!((result.found, result.outcome), (3, AgentOutcome::Accepted(202)));
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
