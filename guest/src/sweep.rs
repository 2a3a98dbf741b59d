//! One operation carried out on every agent that needs it: many requests on the
//! wire at a time, one fixed order in the log.

use std::collections::VecDeque;

use crate::agents::{Agent, Listing};
use crate::bindings::http::{Endpoint, Error, Request};
use crate::bindings::log::{
    AgentOutcome, AgentResult, Event, Level, Phase, Refusal, SkipReason, Skipped,
};
use crate::host::{Answer, Host, explain, form};
use crate::resource::{Fate, Resource};

/// What a phase asks the master to do with an agent's resources.
pub struct Operation {
    /// The phase.
    pub phase: Phase,
    /// The operator endpoint of the master.
    pub path: &'static str,
    /// The form field that takes the list of resources.
    pub field: &'static str,
    /// What the resources are called in the log.
    pub noun: &'static str,
}

/// Whose resources are meant.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// The role.
    pub role: &'a str,
    /// If given, only what this principal made.
    pub principal: Option<&'a str>,
}

/// What an operation has to do on one agent.
struct Work<'a> {
    agent: &'a Agent,
    take: Vec<&'a Resource>,
    skipped: Vec<Skipped>,
}

impl Work<'_> {
    /// Whether there is something to remove, and an agent to remove it from.
    fn is_to_be_sent(&self) -> bool {
        self.agent.active && !self.take.is_empty()
    }
}

impl Operation {
    /// The ids of the active agents that list something for this operation to
    /// remove.
    pub fn pending<'a>(&self, listing: &'a Listing, owner: Owner) -> Vec<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner));
        works.filter(Work::is_to_be_sent).map(|work| work.agent.id.as_str()).collect()
    }

    /// Carries the operation out on all agents. Returns one result for each
    /// agent on which the role has something, in the master's order.
    pub fn sweep<H: Host>(
        &self,
        host: &mut H,
        listing: &Listing,
        owner: Owner,
    ) -> Vec<AgentResult> {
        let window = host.window().max(1);
        let works: Vec<_> = listing.agents.iter().map(|agent| self.work(agent, owner)).collect();
        let mut unsent = works.iter().filter(|work| work.is_to_be_sent());
        let mut in_flight = VecDeque::new();
        let mut results = Vec::new();
        for work in &works {
            while in_flight.len() < window
                && let Some(next) = unsent.next()
            {
                in_flight.push_back(host.send(&self.request(next)));
            }
            let exchange = if work.is_to_be_sent() { in_flight.pop_front() } else { None };
            let answer = exchange.map(|sent| sent.and_then(|exchange| host.answer(exchange)));
            let result = self.conclude(host, work, owner.role, answer);
            if !work.agent.resources.is_empty() {
                results.push(result);
            }
        }
        results
    }

    fn work<'a>(&self, agent: &'a Agent, owner: Owner) -> Work<'a> {
        let mut work = Work { agent, take: Vec::new(), skipped: Vec::new() };
        for resource in &agent.resources {
            match resource.fate(self.phase, owner.principal) {
                Fate::Take => work.take.push(resource),
                Fate::Skip(reason) => {
                    match work.skipped.iter_mut().find(|skipped| skipped.reason == reason) {
                        Some(skipped) => skipped.count += 1,
                        None => work.skipped.push(Skipped { reason, count: 1 }),
                    }
                }
                Fate::Ignore => {}
            }
        }
        work
    }

    fn request(&self, work: &Work) -> Request {
        let list: Vec<_> = work.take.iter().map(|resource| resource.raw.get()).collect();
        let list = format!("[{}]", list.join(","));
        form(self.path, &[("slaveId", &work.agent.id), (self.field, &list)])
    }

    /// Logs what became of an agent, in the lines of the reference.
    fn conclude<H: Host>(
        &self,
        host: &mut H,
        work: &Work,
        role: &str,
        answer: Option<Result<Answer, Error>>,
    ) -> AgentResult {
        let agent = &work.agent.id;
        let found = work.take.len();
        for Skipped { reason, count } in &work.skipped {
            let why = match reason {
                SkipReason::StaticReservation => "reserved in the agent's configuration",
                SkipReason::OtherPrincipal => "made by another principal",
                SkipReason::VolumeLeft => "still holding a volume",
            };
            let line =
                format!("Skipping {count} {} for role '{role}' on slave {agent}: {why}", self.noun);
            host.say(Level::Info, line, None);
        }
        let mut level = Level::Info;
        let mut hint = false;
        let (line, outcome) = match answer {
            None if work.agent.roles.is_empty() => (
                format!("No reserved resources for any role on slave {agent}"),
                AgentOutcome::Unreserved,
            ),
            None if work.agent.resources.is_empty() => (
                format!(
                    "No reserved resources for role '{role}' on slave {agent}. \
                     Known roles are: [{}]",
                    work.agent.roles.join(", ")
                ),
                AgentOutcome::OtherRoles(work.agent.roles.clone()),
            ),
            None if found > 0 => (
                format!(
                    "Found {found} {} for role '{role}' on slave {agent}, which is not active: \
                     nothing is sent",
                    self.noun
                ),
                AgentOutcome::NotActive,
            ),
            None => (
                format!("Found 0 {} for role '{role}' on slave {agent}", self.noun),
                AgentOutcome::NothingToDo,
            ),
            Some(answer) => {
                let line = format!(
                    "Found {found} {} for role '{role}' on slave {agent}, deleting...",
                    self.noun
                );
                host.say(Level::Info, line, None);
                match answer {
                    Ok(answer) if answer.is_success() => (
                        format!("{} {}", answer.status, answer.text()),
                        AgentOutcome::Accepted(answer.status),
                    ),
                    Ok(answer) => {
                        let body = answer.text();
                        level = Level::Error;
                        hint = self.phase == Phase::Volumes && in_use(answer.status, &body);
                        (
                            format!("{} {body}", answer.status),
                            AgentOutcome::Refused(Refusal { status: answer.status, body }),
                        )
                    }
                    Err(error) => {
                        level = Level::Error;
                        let why = explain(Endpoint::Master, &error);
                        (format!("Network error: {why}"), AgentOutcome::Failed(why))
                    }
                }
            }
        };
        let result = AgentResult {
            phase: self.phase,
            agent: agent.clone(),
            found: count(found),
            skipped: work.skipped.clone(),
            outcome,
        };
        host.say(level, line, Some(Event::Agent(result.clone())));
        if hint {
            for line in ["###", "Is a framework using these resources still installed?", "###"] {
                host.say(Level::Error, line, None);
            }
        }
        result
    }
}

/// Whether a refusal says that a task still uses the volume: 409 before Mesos
/// 1.1, a 400 with these words since then.
fn in_use(status: u16, body: &str) -> bool {
    status == 409 || body.contains("volumes in use")
}

/// A length as the contract counts.
pub fn count(length: usize) -> u32 {
    length.try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use crate::{agents, reservations, volumes};

    const OWNER: Owner = Owner { role: "r", principal: None };

    fn agent(id: &str, resources: &str) -> String {
        format!(r#"{{"id":"{id}","reserved_resources_full":{resources}}}"#)
    }

    fn listing(agents: &[String]) -> Listing {
        let body = format!(r#"{{"slaves":[{}]}}"#, agents.join(","));
        agents::list(&mut Script::default().answer(200, body), "r").unwrap()
    }

    const VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"labels":{"labels":[{"key":"a&b","value":"1+1=%2"}]}},"disk":{"persistence":{"id":"v"}}}"#;
    const CPUS: &str =
        r#"{"name": "cpus", "role": "r", "scalar": {"value": 1.0}, "reservation": {}}"#;

    #[test]
    fn resources_go_back_exactly_as_they_were_listed() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME},{CPUS}]}}"#))];
        let mut host = Script::default().answer(202, "");
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        let body = &host.sent[0].content.as_ref().unwrap().bytes;
        let fields: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let expected = [("slaveId".into(), "S1".into()), ("volumes".into(), format!("[{VOLUME}]"))];
        assert_eq!(fields, expected);
    }

    #[test]
    fn nothing_is_sent_for_an_agent_with_nothing_to_remove() {
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS}]}}"#)), agent("S0", "{}")];
        let mut host = Script::default();
        let results = volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        assert!(host.sent.is_empty());
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].outcome, AgentOutcome::NothingToDo);
        assert_eq!(
            host.lines(),
            [
                "Found 0 volume(s) for role 'r' on slave S1",
                "No reserved resources for any role on slave S0"
            ]
        );
    }

    #[test]
    fn the_window_is_kept_full_and_the_log_in_order() {
        let agents: Vec<_> =
            (0..7).map(|n| agent(&format!("S{n}"), &format!(r#"{{"r":[{CPUS}]}}"#))).collect();
        for window in [1, 2, 3, 100] {
            let mut host = Script::default();
            host.window = window;
            for n in 0..7 {
                host = host.answer(202, format!("{n}"));
            }
            let results = reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
            assert_eq!(results.len(), 7);
            assert_eq!(host.most_in_flight, window.min(7));
            let codes: Vec<_> =
                host.lines().into_iter().filter(|line| line.starts_with("202")).collect();
            assert_eq!(codes, ["202 0", "202 1", "202 2", "202 3", "202 4", "202 5", "202 6"]);
        }
    }

    #[test]
    fn nothing_is_sent_to_an_agent_that_is_not_active() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME}]}}"#)).replacen(
            '{',
            r#"{"active":false,"#,
            1,
        )];
        let mut host = Script::default();
        let results = volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        assert!(host.sent.is_empty());
        assert_eq!(results[0].outcome, AgentOutcome::NotActive);
    }

    #[test]
    fn an_agents_name_cannot_forge_a_line() {
        let agents = [agent(r"S1\n202 ", "{}")];
        let mut host = Script::default();
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        assert_eq!(host.lines(), ["No reserved resources for any role on slave S1 202 "]);
    }

    #[test]
    fn a_volume_in_use_brings_the_hint() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME}]}}"#))];
        let words = "Invalid DESTROY operation: Persistent volumes in use";
        let mut host = Script::default().answer(400, words);
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        assert_eq!(
            host.lines()[1..],
            [
                &format!("400 {words}"),
                "###",
                "Is a framework using these resources still installed?",
                "###"
            ]
        );
    }

    #[test]
    fn one_agent_that_fails_does_not_keep_the_next_from_its_turn() {
        let agents = ["S1", "S0"].map(|id| agent(id, &format!(r#"{{"r":[{CPUS}]}}"#)));
        let mut host = Script::default().fails(Error::Timeout).answer(202, "");
        let results = reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER);
        let why = "the Mesos master did not answer in time".to_owned();
        assert_eq!(results[0].outcome, AgentOutcome::Failed(why));
        assert_eq!(results[1].outcome, AgentOutcome::Accepted(202));
    }
}
