//! One round of an operation over the agents: many requests in flight at a time, and one
//! fixed order in the log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::request::{Lists, Removal, Settled};
use super::{Operation, Removed, Work, removed};
use crate::host::{Host, count};
use crate::master::agents::{Agent, Listing};
use crate::owner::Owner;
use crate::retry::Retry;
use janitor_contract::describe::skip_words;
use janitor_contract::types::{AgentOutcome, AgentResult, Event, Level, Phase, Refusal, Skipped};

/// One attempt on an agent.
pub struct Attempt {
    /// Its result for the report.
    pub(super) result: AgentResult,
    /// The prospects of another try.
    pub(super) retry: Retry,
    /// This is set when a part of the list may be accepted although the whole was not.
    pub(super) divisible: bool,
    /// The digests of the resources whose removal the master has accepted.
    pub(super) accepted: Vec<u64>,
}

/// The resources that a round concerns.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The agents.
    pub listing: &'a Listing,
    /// The owner of the resources.
    pub owner: Owner<'a>,
    /// The only agents that are concerned, with the number of resources in one request.
    pub(super) only: Option<&'a BTreeMap<String, Lists>>,
    /// The resources whose removal the master has accepted in earlier rounds, if there were any.
    pub(super) removed: Option<&'a Removed>,
    /// Agents on which nothing is reserved for the role are not mentioned.
    pub is_brief: bool,
}

impl<'a> Job<'a> {
    /// Concerns all agents, and mentions those alone on which something is reserved for the role.
    pub fn brief(listing: &'a Listing, owner: Owner<'a>) -> Self {
        Self { listing, owner, only: None, removed: None, is_brief: true }
    }

    /// Finds the work of an operation.
    fn works(self, operation: &'a Operation) -> impl Iterator<Item = Work<'a>> {
        let is_mentioned = move |it: &&Agent| !self.is_brief || !it.resources.is_empty();
        let lists = move |agent: &Agent| match self.only {
            None => Some(Lists::Whole),
            Some(only) => only.get(&agent.id).copied(),
        };
        let agents = self.listing.agents.iter().filter(is_mentioned);
        agents.filter_map(move |it| Some(operation.work(it, self.owner, lists(it)?)))
    }
}

impl Operation {
    /// Carries the operation out for all jobs, which share the window. It returns the attempts of
    /// each: one for each agent on which the role has something, in the master's order.
    pub fn round<H: Host>(&self, host: &mut H, jobs: &[Job]) -> Vec<Vec<Attempt>> {
        let window = host.window().max(1);
        // Sending is ahead of settling by a window.
        let mut unsent = jobs.iter().flat_map(|job| job.works(self)).flat_map(|work| work.removals);
        let mut in_flight = VecDeque::new();
        // Without a valid token, all requests would end as the first one does.
        let mut unauthorized = false;
        let mut all = Vec::new();
        for job in jobs {
            let mut attempts = Vec::new();
            for work in job.works(self) {
                self.announce(host, &work, job.owner.role);
                let mut settled = Vec::new();
                for removal in &work.removals {
                    while !unauthorized
                        && in_flight.len() < window
                        && let Some(next) = unsent.next()
                    {
                        in_flight.push_back(host.send(&next.request(self.path, self.field)));
                    }
                    let result = match in_flight.pop_front() {
                        Some(sent) => removal.settle(host, sent),
                        None => Settled::unsent(),
                    };
                    unauthorized |= result.is_unauthorized();
                    settled.push(result);
                }
                let attempt = self.conclude(host, &work, *job, settled);
                if !work.agent.resources.is_empty() {
                    attempts.push(attempt);
                }
            }
            all.push(attempts);
        }
        all
    }

    /// Logs the work on an agent, if there is any.
    fn announce<H: Host>(&self, host: &mut H, work: &Work, role: &str) {
        let (noun, agent) = (self.noun, &work.agent.id);
        for Skipped { reason, count } in &work.skipped {
            let why = skip_words(*reason);
            let line = format!("Skipping {count} {noun} for role '{role}' on slave {agent}: {why}");
            host.say(Level::Info, line, None);
        }
        if !work.removals.is_empty() {
            let found = work.found;
            let how = match work.lists {
                Lists::Whole => "deleting...",
                Lists::Single => "deleting one by one...",
            };
            let line = format!("Found {found} {noun} for role '{role}' on slave {agent}, {how}");
            host.say(Level::Info, line, None);
        }
    }

    /// Logs the outcome for an agent.
    fn conclude<H: Host>(
        &self,
        host: &mut H,
        work: &Work,
        job: Job,
        settled: Vec<Settled>,
    ) -> Attempt {
        let removals = work.removals.iter().zip(&settled).filter(|(_, it)| it.is_accepted());
        let accepted = removals.flat_map(|(removal, _)| removal.resources());
        let accepted: Vec<_> = accepted.map(removed::digest).collect();
        let Settled { line, outcome, retry, divisible } =
            Settled::all(host, settled).unwrap_or_else(|| self.nothing_sent(work, job.owner.role));
        let level = match outcome {
            AgentOutcome::Refused(_) | AgentOutcome::Failed(_) => Level::Error,
            _ => Level::Info,
        };
        let hints = self.hints(work, &outcome);
        let (phase, agent) = (self.phase, work.agent.id.clone());
        // Together with earlier ones, these may be more than the agent held the last time.
        let in_all = match outcome {
            AgentOutcome::Accepted(_) => {
                job.removed.and_then(|it| it.in_all(&agent, phase, &accepted))
            }
            _ => None,
        };
        let result = AgentResult {
            phase,
            agent,
            found: in_all.unwrap_or_else(|| count(work.found)),
            skipped: work.skipped.clone(),
            outcome,
        };
        host.say(level, line, Some(Event::Agent(result.clone())));
        for line in hints {
            host.say(Level::Error, line, None);
        }
        Attempt { result, retry, divisible, accepted }
    }

    /// Returns the lines that explain a refusal. Those about volumes in use are the original's.
    fn hints(&self, work: &Work, outcome: &AgentOutcome) -> Vec<String> {
        let AgentOutcome::Refused(refusal) = outcome else { return Vec::new() };
        match refusal.status {
            401 => vec![
                "The Mesos master requires valid credentials; no more requests are sent.".into(),
            ],
            403 => {
                let makers: BTreeSet<_> =
                    work.removals.iter().flat_map(Removal::principals).collect();
                let makers = makers.into_iter().collect::<Vec<_>>().join(", ");
                let permission = self.permission;
                vec![format!(
                    "This user is not allowed to remove resources made by: {makers}. In DC/OS, it \
                     needs the permission {permission}[:PRINCIPAL] delete."
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

    /// Explains why no request was sent for an agent, in the original's words if it has some.
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
                    "Found {} {noun} for role '{role}' on slave {agent}, which is not connected: \
                     no request is sent",
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
        Settled { line, outcome, retry: Retry::Never, divisible: false }
    }
}

/// Returns whether a refusal says that a task still uses the volume: its status is 409 before
/// Mesos 1.1, and 400 with these words since then.
fn is_in_use(Refusal { status, body }: &Refusal) -> bool {
    *status == 409 || body.contains("volumes in use")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::agents;
    use crate::testing::Script;
    use janitor_contract::types::{Error, SkipReason};

    const WANTED: agents::Wanted = agents::Wanted { role: Some("r"), principal: None, agents: &[] };
    const OWNER: Owner = Owner::of_role("r");

    fn round(operation: &Operation, host: &mut Script, listing: &Listing) -> Vec<Attempt> {
        let job = Job { listing, owner: OWNER, only: None, removed: None, is_brief: false };
        operation.round(host, &[job]).remove(0)
    }

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
    fn resources_are_sent_exactly_as_they_were_listed() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME},{CPUS}]}}"#))];
        let mut host = Script::default().answer(202, "");
        round(&Operation::VOLUMES, &mut host, &listing(&agents));
        let body = &host.sent[0].content.as_ref().unwrap().bytes;
        let fields: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let expected = [("slaveId".into(), "S1".into()), ("volumes".into(), format!("[{VOLUME}]"))];
        assert_eq!(fields, expected);
    }

    #[test]
    fn nothing_is_sent_for_an_agent_with_nothing_to_remove() {
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS}]}}"#)), agent("S0", "{}")];
        let mut host = Script::default();
        let attempts = round(&Operation::VOLUMES, &mut host, &listing(&agents));
        assert!(host.sent.is_empty());
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].result.outcome, AgentOutcome::NothingToDo);
        assert_eq!(
            host.lines(),
            [
                "Found 0 volume(s) for role 'r' on slave S1",
                "No reserved resources for any role on slave S0"
            ]
        );
    }

    #[test]
    fn what_is_skipped_is_counted_by_reason() {
        const STATIC: &str = r#"{"name":"cpus","role":"r"}"#;
        let agents = [agent("S1", &format!(r#"{{"r":[{STATIC},{VOLUME},{STATIC}]}}"#))];
        let mut host = Script::default();
        let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        assert_eq!(
            attempts[0].result.skipped,
            [
                Skipped { reason: SkipReason::StaticReservation, count: 2 },
                Skipped { reason: SkipReason::VolumeLeft, count: 1 }
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
            let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
            assert_eq!(attempts.len(), 7);
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
        let attempts = round(&Operation::VOLUMES, &mut host, &listing(&agents));
        assert!(host.sent.is_empty());
        assert_eq!(attempts[0].result.outcome, AgentOutcome::NotActive);
    }

    #[test]
    fn an_agents_name_cannot_forge_a_line() {
        let agents = [agent(r"S1\n202 ", "{}")];
        let mut host = Script::default();
        round(&Operation::VOLUMES, &mut host, &listing(&agents));
        assert_eq!(host.lines(), ["No reserved resources for any role on slave S1 202 "]);
    }

    #[test]
    fn a_volume_in_use_brings_the_hint() {
        let agents = [agent("S1", &format!(r#"{{"r":[{VOLUME}]}}"#))];
        let words = "Invalid DESTROY operation: Persistent volumes in use";
        let mut host = Script::default().answer(400, words);
        round(&Operation::VOLUMES, &mut host, &listing(&agents));
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
        let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        assert_eq!(host.sent.len(), 2);
        assert!(matches!(attempts[1].result.outcome, AgentOutcome::Refused(_)));
        assert!(matches!(attempts[2].result.outcome, AgentOutcome::Failed(_)));
        assert!(matches!(attempts[3].result.outcome, AgentOutcome::Failed(_)));
        let hint = "The Mesos master requires valid credentials; no more requests are sent.";
        assert!(host.lines().contains(&hint), "{:?}", host.lines());
    }

    #[test]
    fn a_missing_permission_is_named() {
        let resource = r#"{"name":"cpus","role":"r","reservation":{"principal":"maker"}}"#;
        let agents = [agent("S1", &format!(r#"{{"r":[{resource}]}}"#))];
        let mut host = Script::default().answer(403, "");
        round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        let hint = host.lines().pop().unwrap();
        assert!(hint.contains("made by: maker."), "{hint}");
        assert!(hint.contains("dcos:mesos:master:reservation:principal[:PRINCIPAL]"), "{hint}");
        assert!(host.log[1..].iter().all(|entry| entry.level == Level::Error));
    }

    #[test]
    fn one_agent_that_fails_does_not_keep_the_next_from_its_turn() {
        let agents = ["S1", "S0"].map(|id| agent(id, &format!(r#"{{"r":[{CPUS}]}}"#)));
        let mut host = Script::default().fails(Error::Timeout).answer(202, "");
        let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        let why = "the Mesos master did not answer in time".to_owned();
        assert_eq!(attempts[0].result.outcome, AgentOutcome::Failed(why));
        assert_eq!(attempts[1].result.outcome, AgentOutcome::Accepted(202));
        let accepted: Vec<_> = attempts.iter().map(|attempt| attempt.accepted.len()).collect();
        assert_eq!(accepted, [0, 1]);
    }

    #[test]
    fn a_request_that_the_host_does_not_send_is_no_error_of_the_network() {
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS}]}}"#))];
        let mut host = Script::default().fails(Error::Stopped);
        round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        assert!(host.lines()[1].starts_with("Not sent: "), "{:?}", host.lines());
    }

    #[test]
    fn resource_providers_do_not_mix() {
        const MEM: &str = r#"{"name":"mem","role":"r","reservation":{}}"#;
        const DISK: &str =
            r#"{"name":"disk","role":"r","reservation":{},"provider_id":{"value":"csi"}}"#;
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS},{DISK},{MEM}]}}"#))];
        let mut host = Script::default().answer(202, "").answer(202, "");
        let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
        assert_eq!(attempts[0].result.found, 3);
        assert_eq!(attempts[0].result.outcome, AgentOutcome::Accepted(202));
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

    #[test]
    fn a_list_that_is_refused_is_divided_whatever_is_accepted_beside_it() {
        const DISK: &str =
            r#"{"name":"disk","role":"r","reservation":{},"provider_id":{"value":"csi"}}"#;
        let agents = [agent("S1", &format!(r#"{{"r":[{CPUS},{CPUS},{DISK}]}}"#))];
        for (statuses, divisible) in [([400, 202], true), ([202, 400], false), ([403, 202], false)]
        {
            let [first, second] = statuses;
            let mut host = Script::default().answer(first, "").answer(second, "");
            let attempts = round(&Operation::RESERVATIONS, &mut host, &listing(&agents));
            assert_eq!(attempts[0].divisible, divisible, "{statuses:?}");
        }
    }
}
