//! One operation carried out on every agent that needs it: many requests on the
//! wire at a time, one fixed order in the log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::host::{Host, Passes, count};
use crate::master::agents::{Agent, Listing};
use crate::master::resource::Fate;
use crate::operation::request::{Batch, Lists, Settled};
use janitor_contract::types::{
    AgentOutcome, AgentResult, Event, Level, Phase, Refusal, SkipReason, Skipped, Target,
};

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
    /// What Mesos calls the operation.
    pub kind: &'static str,
    /// The permission that it needs in DC/OS, up to the principal that made the
    /// resources; its action is `delete`.
    pub permission: &'static str,
}

/// Whose resources are meant.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// The role.
    pub role: &'a str,
    /// If given, only what this principal made.
    pub principal: Option<&'a str>,
}

impl<'a> Owner<'a> {
    /// Whose resources a target means, if it means some.
    pub fn of(target: &'a Target) -> Option<Self> {
        let principal = target.principal.as_deref();
        target.role.as_deref().map(|role| Self { role, principal })
    }
}

/// What became of one agent in a sweep.
pub struct Swept {
    /// What happened.
    pub result: AgentResult,
    /// Whether it is worth asking again.
    pub passes: Passes,
    /// Whether a part of the list may be accepted although all of it is not.
    pub divisible: bool,
}

/// What an operation has to do on one agent.
struct Work<'a> {
    agent: &'a Agent,
    lists: Lists,
    found: usize,
    /// What is to be sent; empty when there is nothing, or the agent is not
    /// active.
    batches: Vec<Batch<'a>>,
    skipped: Vec<Skipped>,
}

impl Operation {
    /// The ids of the active agents that list something for this operation to
    /// remove.
    pub fn pending<'a>(&self, listing: &'a Listing, owner: Owner) -> Vec<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        works.filter(|work| !work.batches.is_empty()).map(|work| work.agent.id.as_str()).collect()
    }

    /// The ids of the active agents that list nothing more for this operation to
    /// remove.
    pub fn done<'a>(&self, listing: &'a Listing, owner: Owner) -> BTreeSet<&'a str> {
        let works = listing.agents.iter().map(|agent| self.work(agent, owner, Lists::Whole));
        let done = works.filter(|work| work.agent.connected && work.batches.is_empty());
        done.map(|work| work.agent.id.as_str()).collect()
    }

    /// Carries the operation out: on all agents, or on `only` these. Returns one
    /// result for each agent on which the role has something, in the master's
    /// order.
    pub fn sweep<H: Host>(
        &self,
        host: &mut H,
        listing: &Listing,
        owner: Owner,
        only: Option<&BTreeMap<String, Lists>>,
    ) -> Vec<Swept> {
        let window = host.window().max(1);
        let lists = |agent: &Agent| match only {
            None => Some(Lists::Whole),
            Some(only) => only.get(&agent.id).copied(),
        };
        let works =
            || listing.agents.iter().filter_map(|it| Some(self.work(it, owner, lists(it)?)));
        // Runs ahead of what is settled, by a window.
        let mut unsent = works().flat_map(|work| work.batches);
        let mut in_flight = VecDeque::new();
        let mut results = Vec::new();
        // Without a valid token, all requests end as the first one does.
        let mut unauthorized = false;
        for work in works() {
            self.announce(host, &work, owner.role);
            let mut settled = Vec::new();
            for batch in &work.batches {
                while !unauthorized
                    && in_flight.len() < window
                    && let Some(next) = unsent.next()
                {
                    in_flight.push_back(host.send(&next.request(self)));
                }
                let result = match in_flight.pop_front() {
                    Some(sent) => batch.settle(host, sent),
                    None => Settled::unsent(),
                };
                unauthorized |= result.is_unauthorized();
                settled.push(result);
            }
            let swept = self.conclude(host, &work, owner.role, settled);
            if !work.agent.resources.is_empty() {
                results.push(swept);
            }
        }
        results
    }

    fn work<'a>(&self, agent: &'a Agent, owner: Owner, lists: Lists) -> Work<'a> {
        let mut work = Work { agent, lists, found: 0, batches: Vec::new(), skipped: Vec::new() };
        for resource in &agent.resources {
            match resource.fate(self.phase, owner.principal) {
                Fate::Take => {
                    work.found += 1;
                    if agent.connected {
                        Batch::add(&mut work.batches, &agent.id, resource, lists);
                    }
                }
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

    /// Logs what will be done on an agent that there is something to do on.
    fn announce<H: Host>(&self, host: &mut H, work: &Work, role: &str) {
        let (noun, agent) = (self.noun, &work.agent.id);
        for Skipped { reason, count } in &work.skipped {
            let why = match reason {
                SkipReason::StaticReservation => "reserved in the agent's configuration",
                SkipReason::OtherPrincipal => "made by another principal",
                SkipReason::VolumeLeft => "still holding a volume",
            };
            let line = format!("Skipping {count} {noun} for role '{role}' on slave {agent}: {why}");
            host.say(Level::Info, line, None);
        }
        if !work.batches.is_empty() {
            let found = work.found;
            let how = match work.lists {
                Lists::Whole => "deleting...",
                Lists::Single => "deleting one by one...",
            };
            let line = format!("Found {found} {noun} for role '{role}' on slave {agent}, {how}");
            host.say(Level::Info, line, None);
        }
    }

    /// Logs what became of an agent.
    fn conclude<H: Host>(
        &self,
        host: &mut H,
        work: &Work,
        role: &str,
        settled: Vec<Settled>,
    ) -> Swept {
        let Settled { line, outcome, passes, divisible } =
            Settled::all(host, settled).unwrap_or_else(|| self.nothing_sent(work, role));
        let level = match outcome {
            AgentOutcome::Refused(_) | AgentOutcome::Failed(_) => Level::Error,
            _ => Level::Info,
        };
        let hints = self.hints(work, &outcome);
        let result = AgentResult {
            phase: self.phase,
            agent: work.agent.id.clone(),
            found: count(work.found),
            skipped: work.skipped.clone(),
            outcome,
        };
        host.say(level, line, Some(Event::Agent(result.clone())));
        for line in hints {
            host.say(Level::Error, line, None);
        }
        Swept { result, passes, divisible }
    }

    /// What may help with a refusal; about volumes in use, in the reference's words.
    fn hints(&self, work: &Work, outcome: &AgentOutcome) -> Vec<String> {
        let AgentOutcome::Refused(refusal) = outcome else { return Vec::new() };
        match refusal.status {
            401 => vec!["The Mesos master wants valid credentials; nothing more is sent.".into()],
            403 => {
                let makers: BTreeSet<_> = work.batches.iter().flat_map(Batch::principals).collect();
                let makers = makers.into_iter().collect::<Vec<_>>().join(", ");
                let permission = self.permission;
                vec![format!(
                    "The run's own user may not do this to what was made by: {makers}. In DC/OS \
                     it needs the permission {permission}[:PRINCIPAL] delete."
                )]
            }
            _ if self.phase == Phase::Volumes && is_in_use(refusal) => {
                ["###", "Is a framework using these resources still installed?", "###"]
                    .map(Into::into)
                    .into()
            }
            _ => Vec::new(),
        }
    }

    /// Why nothing was sent for an agent, in the reference's words where it has
    /// some.
    fn nothing_sent(&self, work: &Work, role: &str) -> Settled {
        let (noun, agent, roles) = (self.noun, &work.agent.id, &work.agent.roles);
        let (line, outcome) = if roles.is_empty() {
            (
                format!("No reserved resources for any role on slave {agent}"),
                AgentOutcome::Unreserved,
            )
        } else if work.agent.resources.is_empty() {
            (
                format!(
                    "No reserved resources for role '{role}' on slave {agent}. \
                     Known roles are: [{}]",
                    roles.join(", ")
                ),
                AgentOutcome::OtherRoles(roles.to_vec()),
            )
        } else if work.found > 0 {
            (
                format!(
                    "Found {} {noun} for role '{role}' on slave {agent}, which is not active: \
                     nothing is sent",
                    work.found
                ),
                AgentOutcome::NotActive,
            )
        } else {
            (
                format!("Found 0 {noun} for role '{role}' on slave {agent}"),
                AgentOutcome::NothingToDo,
            )
        };
        Settled { line, outcome, passes: Passes::No, divisible: false }
    }
}

/// Whether a refusal says that a task still uses the volume: 409 before Mesos
/// 1.1, a 400 with these words since then.
fn is_in_use(Refusal { status, body }: &Refusal) -> bool {
    *status == 409 || body.contains("volumes in use")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents;
    use crate::testing::Script;
    use crate::{reservations, volumes};
    use janitor_contract::types::Error;

    const WANTED: agents::Wanted = agents::Wanted { role: Some("r"), principal: None };
    const OWNER: Owner = Owner { role: "r", principal: None };

    fn agent(id: &str, resources: &str) -> String {
        format!(r#"{{"id":"{id}","reserved_resources_full":{resources}}}"#)
    }

    fn listing(agents: &[String]) -> Listing {
        let body = format!(r#"{{"slaves":[{}]}}"#, agents.join(","));
        agents::list(&mut Script::default().answer(200, body), WANTED).unwrap()
    }

    const VOLUME: &str = r#"{"name":"disk","role":"r","reservation":{"labels":{"labels":[{"key":"a&b","value":"1+1=%2"}]}},"disk":{"persistence":{"id":"v"}}}"#;
    const CPUS: &str =
        r#"{"name": "cpus", "role": "r", "scalar": {"value": 1.0}, "reservation": {}}"#;

    #[test]
    fn resources_go_back_exactly_as_they_were_listed() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME},{CPUS}]}}"#))];
        let mut host = Script::default().answer(202, "");
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        let body = &host.sent[0].content.as_ref().unwrap().bytes;
        let fields: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let expected = [("slaveId".into(), "S1".into()), ("volumes".into(), format!("[{VOLUME}]"))];
        assert_eq!(fields, expected);
    }

    #[test]
    fn nothing_is_sent_for_an_agent_with_nothing_to_remove() {
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS}]}}"#)), agent("S0", "{}")];
        let mut host = Script::default();
        let results = volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        assert!(host.sent.is_empty());
        assert_eq!(results.len(), 1);
        assert_eq!(results[0].result.outcome, AgentOutcome::NothingToDo);
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
            let results = reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
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
        let results = volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        assert!(host.sent.is_empty());
        assert_eq!(results[0].result.outcome, AgentOutcome::NotActive);
    }

    #[test]
    fn an_agents_name_cannot_forge_a_line() {
        let agents = [agent(r"S1\n202 ", "{}")];
        let mut host = Script::default();
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        assert_eq!(host.lines(), ["No reserved resources for any role on slave S1 202 "]);
    }

    #[test]
    fn a_volume_in_use_brings_the_hint() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME}]}}"#))];
        let words = "Invalid DESTROY operation: Persistent volumes in use";
        let mut host = Script::default().answer(400, words);
        volumes::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
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
    fn without_a_valid_token_nothing_more_is_sent() {
        let agents = ["S3", "S2", "S1", "S0"].map(|id| agent(id, &format!(r#"{{"r":[{CPUS}]}}"#)));
        let mut host = Script::default().answer(401, "").answer(401, "");
        host.window = 2;
        let results = reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        assert_eq!(host.sent.len(), 2);
        assert!(matches!(results[1].result.outcome, AgentOutcome::Refused(_)));
        assert!(matches!(results[2].result.outcome, AgentOutcome::Failed(_)));
        assert!(matches!(results[3].result.outcome, AgentOutcome::Failed(_)));
    }

    #[test]
    fn a_missing_permission_is_named() {
        let resource = r#"{"name":"cpus","role":"r","reservation":{"principal":"maker"}}"#;
        let agents = [agent("S1", &format!(r#"{{"r":[{resource}]}}"#))];
        let mut host = Script::default().answer(403, "");
        reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        let hint = host.lines().pop().unwrap();
        assert!(hint.contains("made by: maker."), "{hint}");
        assert!(hint.contains("dcos:mesos:master:reservation:principal[:PRINCIPAL]"), "{hint}");
    }

    #[test]
    fn one_agent_that_fails_does_not_keep_the_next_from_its_turn() {
        let agents = ["S1", "S0"].map(|id| agent(id, &format!(r#"{{"r":[{CPUS}]}}"#)));
        let mut host = Script::default().fails(Error::Timeout).answer(202, "");
        let results = reservations::OPERATION.sweep(&mut host, &listing(&agents), OWNER, None);
        let why = "the Mesos master did not answer in time".to_owned();
        assert_eq!(results[0].result.outcome, AgentOutcome::Failed(why));
        assert_eq!(results[1].result.outcome, AgentOutcome::Accepted(202));
    }
}
