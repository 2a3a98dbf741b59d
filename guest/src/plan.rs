//! What a cleanup would do: a look at the cluster that changes nothing, and the
//! comparison of two such looks.

use crate::agents::{Listing, Wanted};
use crate::bindings::cleanup::{
    AgentPlan, Amount, CleanupPlan, Failure, Fate, InUse, Options, Planned, Reason, Reserved,
    Target,
};
use crate::bindings::log::{Phase, SkipReason};
use crate::checks::{self, Users};
use crate::guard::Refusal;
use crate::host::Host;
use crate::resource::{self, Resource};
use crate::run::{Run, Stop};
use crate::sweep::Owner;
use crate::znode::Tree;

/// Looks at what cleaning a target would do, as `wit/cleanup.wit` promises.
///
/// # Errors
/// The failure; nothing was changed.
pub fn plan<H: Host>(
    host: &mut H,
    target: &Target,
    options: &Options,
) -> Result<CleanupPlan, Failure> {
    let mut run = Run::new(host, options);
    match run.plan(target) {
        Ok(plan) => Ok(plan),
        Err(stop) => Err(run.fail(stop)),
    }
}

impl<H: Host> Run<'_, H> {
    fn plan(&mut self, target: &Target) -> Result<CleanupPlan, Stop> {
        self.admit(target)?;
        // The plan tells it all.
        self.is_quiet = true;
        let mut plan = CleanupPlan {
            target: target.clone(),
            mesos_version: None,
            agents: Vec::new(),
            unreached: Vec::new(),
            ignored: Vec::new(),
            elsewhere: Vec::new(),
            warnings: Vec::new(),
            frameworks: Vec::new(),
            frameworks_unknown: None,
            znode: None,
            refusal: None,
            why_refused: None,
        };
        let listing = match &target.role {
            Some(role) => {
                let owner = Owner { role, principal: target.principal.as_deref() };
                Some((self.plan_resources(owner, &mut plan)?, Some(owner)))
            }
            None if target.znode.is_some() => match self.list(Wanted::NOTHING) {
                Ok(listing) => Some((listing, None)),
                Err(why) => {
                    let refusal = checks::unknown(target, &why);
                    plan.frameworks_unknown = Some(why);
                    self.refuses(Err(refusal), &mut plan);
                    None
                }
            },
            None => None,
        };
        if let Some((listing, owner)) = listing {
            self.plan_checks(&listing, owner, &mut plan);
        }
        if let Some(znode) = &target.znode {
            let mut retries = self.retries();
            let tree = Tree::new(self.options, znode);
            plan.znode = Some(tree.look(&mut self.host, &mut retries));
        }
        plan.warnings = std::mem::take(&mut self.report.warnings);
        Ok(plan)
    }

    fn plan_resources(&mut self, owner: Owner, plan: &mut CleanupPlan) -> Result<Listing, Stop> {
        let Owner { role, principal } = owner;
        let listing = self.list(Wanted { role: Some(role), principal });
        let listing = self.usable(listing)?;
        plan.mesos_version.clone_from(&listing.version);
        plan.agents = agents(&listing, owner).map_err(|why| self.stop(Reason::Failed, why))?;
        let pending = self.pending(&listing, Some(role), principal);
        let (mut unreached, _) = self.unreached(&listing, pending);
        plan.ignored = self.ignore(&mut unreached);
        plan.unreached = unreached;
        self.tell_what_stands_above(&listing, owner);
        self.tell_what_is_elsewhere(&listing);
        plan.elsewhere = std::mem::take(&mut self.report.elsewhere);
        Ok(listing)
    }

    /// What would end a cleanup, in the order in which it would.
    fn plan_checks(&mut self, listing: &Listing, owner: Option<Owner>, plan: &mut CleanupPlan) {
        if let Some(owner) = owner {
            self.refuses(checks::require_own_resources(listing, owner), plan);
        }
        let frameworks = self.frameworks(listing);
        if owner.is_some() {
            let known = frameworks.as_ref().ok();
            let target = plan.target.clone();
            let checked = checks::require_known_role(listing, known, &target, self.options);
            self.refuses(checked, plan);
        }
        match frameworks {
            Ok(frameworks) => {
                let Users { all, refusal } = checks::users(&frameworks, &plan.target, self.options);
                plan.frameworks = all;
                let role = plan.target.role.as_deref().filter(|_| plan.target.znode.is_none());
                plan.frameworks_unknown = frameworks.doubt(role);
                self.refuses(refusal.map_or(Ok(()), Err), plan);
            }
            Err(why) => {
                if self.options.in_use != InUse::Force {
                    self.refuses(Err(checks::unknown(&plan.target, &why)), plan);
                }
                plan.frameworks_unknown = Some(why);
            }
        }
    }

    /// Keeps the first reason why a cleanup would be refused.
    fn refuses(&self, checked: Result<(), Refusal>, plan: &mut CleanupPlan) {
        if let (None, Err(Refusal { reason, why })) = (plan.refusal, checked) {
            (plan.refusal, plan.why_refused) = (Some(reason), Some(format!("{why}.")));
        }
    }
}

/// What a cleanup would do on the agents that have something for the role.
///
/// # Errors
/// One sentence, when an entry is not what Mesos documents.
pub fn agents(listing: &Listing, owner: Owner) -> Result<Vec<AgentPlan>, String> {
    let agents = listing.agents.iter().filter(|agent| !agent.resources.is_empty());
    agents
        .map(|agent| {
            let entries = agent.resources.iter().map(|resource| planned(resource, owner.principal));
            let entries = entries.collect::<Result<_, _>>();
            Ok(AgentPlan {
                agent: agent.id.clone(),
                hostname: agent.hostname.clone(),
                entries: entries.map_err(|why| {
                    format!("Slave {} lists something that is no resource: {why}", agent.id)
                })?,
            })
        })
        .collect()
}

fn planned(resource: &Resource, principal: Option<&str>) -> serde_json::Result<Planned> {
    let fate = |fate| match fate {
        resource::Fate::Take => Some(Fate::Removed),
        resource::Fate::Skip(reason) => Some(Fate::Stays(reason)),
        resource::Fate::Ignore => None,
    };
    let volume = fate(resource.fate(Phase::Volumes, principal));
    let stays = || fate(resource.fate(Phase::Reservations, principal));
    let reservation = match (&volume, resource.targeted(principal)) {
        (Some(Fate::Stays(_)), _) => Some(Fate::Stays(SkipReason::VolumeLeft)),
        (_, (_, true)) => Some(Fate::Removed),
        (Some(Fate::Removed), (_, false)) if !resource.is_dynamic() => {
            Some(Fate::Stays(SkipReason::StaticReservation))
        }
        (Some(Fate::Removed), (_, false)) => Some(Fate::Stays(SkipReason::OtherPrincipal)),
        (None, _) => stays(),
    };
    Ok(Planned {
        entry: resource.describe()?.reserved,
        volume,
        // Of every reservation it is known whether it goes.
        reservation: reservation.unwrap_or(Fate::Stays(SkipReason::StaticReservation)),
    })
}

/// What is different now, one sentence each.
pub fn differences(then: &[AgentPlan], now: &[AgentPlan]) -> Vec<String> {
    let mut sentences = Vec::new();
    let changes = [(now, then, "now has"), (then, now, "no longer has")];
    for (these, others, verb) in changes {
        for agent in these {
            let other = others.iter().find(|other| other.agent == agent.agent);
            let mut known: Vec<_> = other.into_iter().flat_map(|other| &other.entries).collect();
            for planned in &agent.entries {
                match known.iter().position(|other| *other == planned) {
                    Some(index) => drop(known.swap_remove(index)),
                    None => sentences.push(format!(
                        "Slave {} {verb}: {}",
                        agent.agent,
                        words(&planned.entry)
                    )),
                }
            }
        }
    }
    sentences
}

/// An entry, for people.
fn words(entry: &Reserved) -> String {
    let amount = match &entry.amount {
        Amount::Scalar(value) => value.to_string(),
        Amount::Ranges(ranges) => {
            let ranges: Vec<_> =
                ranges.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
            format!("[{}]", ranges.join(", "))
        }
        Amount::Items(items) => format!("{{{}}}", items.join(", ")),
    };
    let principal = entry.principal.as_ref().map(|it| format!(", reserved by {it}"));
    let volume = entry.volume.as_ref().map(|it| format!(", with volume {}", it.id));
    let (principal, volume) = (principal.unwrap_or_default(), volume.unwrap_or_default());
    format!("{} {amount}{principal}{volume}", entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::cleanup::ZnodeState;
    use crate::clean;
    use crate::testing::Script;

    const OPTIONS: Options = Options::DEFAULT;
    const CPUS: &str =
        r#"{"name":"cpus","role":"r","scalar":{"value":1.0},"reservation":{"principal":"p"}}"#;
    const FOREIGN: &str =
        r#"{"name":"mem","role":"r","scalar":{"value":8.0},"reservation":{"principal":"q"}}"#;
    const STATIC: &str =
        r#"{"name":"cpus","scalar":{"value":2.0},"reservations":[{"type":"STATIC","role":"r"}]}"#;
    const VOLUME: &str = r#"{"name":"disk","role":"r","scalar":{"value":64.0},"reservation":{"principal":"p"},"disk":{"persistence":{"id":"v","principal":"p"}}}"#;
    const NO_FRAMEWORKS: &str = r#"{"frameworks":[]}"#;

    fn slaves(entries: &[&str]) -> String {
        let entries = entries.join(",");
        format!(
            r#"{{"slaves":[{{"id":"S0","hostname":"h","version":"1.4.3","reserved_resources_full":{{"r":[{entries}]}}}}]}}"#
        )
    }

    fn target(znode: Option<&str>) -> Target {
        Target {
            role: Some("r".into()),
            principal: Some("p".into()),
            znode: znode.map(Into::into),
            marathon_app: None,
        }
    }

    #[test]
    fn everything_that_goes_or_stays_is_told() {
        let mut host = Script::default()
            .answer(200, slaves(&[CPUS, FOREIGN, STATIC, VOLUME]))
            .answer(200, NO_FRAMEWORKS)
            .answer(200, r#"{"stat":"* not found * "}"#);
        let plan = plan(&mut host, &target(Some("z")), &OPTIONS).unwrap();
        let fates: Vec<_> =
            plan.agents[0].entries.iter().map(|it| (&it.volume, &it.reservation)).collect();
        assert_eq!(
            fates,
            [
                (&None, &Fate::Removed),
                (&None, &Fate::Stays(SkipReason::OtherPrincipal)),
                (&None, &Fate::Stays(SkipReason::StaticReservation)),
                (&Some(Fate::Removed), &Fate::Removed),
            ]
        );
        assert_eq!((plan.znode, plan.refusal), (Some(ZnodeState::Absent), None));
        let wrote = |request: &crate::bindings::http::Request| request.content.is_some();
        assert!(!host.sent.iter().any(wrote));
    }

    #[test]
    fn what_would_be_refused_is_told() {
        let used = r#"{"frameworks":[{"id":"F","name":"kafka","active":true,"roles":["r"]}]}"#;
        for (entry, (status, frameworks), expected) in [
            (FOREIGN, (200, NO_FRAMEWORKS), Reason::OtherPrincipals),
            (CPUS, (200, used), Reason::InUse),
            (CPUS, (403, ""), Reason::InUseUnknown),
        ] {
            let mut host = Script::default().answer(200, slaves(&[entry]));
            host = host.answer(status, frameworks);
            let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
            assert_eq!(plan.refusal, Some(expected));
        }
    }

    #[test]
    fn a_plan_is_applied_only_to_what_it_was_made_for() {
        let mut host =
            Script::default().answer(200, slaves(&[CPUS, VOLUME])).answer(200, NO_FRAMEWORKS);
        let plan = plan(&mut host, &target(None), &OPTIONS).unwrap();
        for (entries, sentence) in [
            (vec![CPUS, VOLUME, CPUS], "Slave S0 now has: cpus 1, reserved by p"),
            (vec![CPUS], "Slave S0 no longer has: disk 64, reserved by p, with volume v"),
        ] {
            let mut host = Script::default().answer(200, slaves(&entries));
            let failure = clean::apply(&mut host, &plan, &OPTIONS).unwrap_err();
            assert_eq!(failure.reason, Reason::Changed);
            assert!(host.lines().contains(&sentence), "{:?}", host.lines());
            assert_eq!(host.sent.len(), 1);
        }
        let mut host = Script::default().answer(200, r#"{"stat":"czxid: 1"}"#);
        let with_znode = CleanupPlan {
            target: target(Some("z")),
            znode: Some(ZnodeState::Absent),
            ..plan.clone()
        };
        let failure = clean::apply(&mut host, &with_znode, &OPTIONS).unwrap_err();
        assert_eq!(failure.reason, Reason::Changed);
        let mut host = Script::default()
            .answer(200, slaves(&[VOLUME, CPUS]))
            .answer(200, NO_FRAMEWORKS)
            .answer(202, "")
            .answer(200, slaves(&[CPUS]))
            .answer(202, "")
            .answer(200, slaves(&[]));
        clean::apply(&mut host, &plan, &OPTIONS).unwrap();
    }
}
