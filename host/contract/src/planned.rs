//! Examines a plan by itself, without a cluster: whether it contradicts itself, and how other
//! options change it.

use crate::types::{CleanupPlan, Elsewhere, InUse, Options, Planned, Reason, Target, ZnodeState};

/// Finds a contradiction in a plan, and returns the field and the problem. Nobody can approve such
/// a plan, because it does not do what it shows.
pub fn contradiction(plan: &CleanupPlan) -> Option<String> {
    let CleanupPlan { target, agents, unreached, ignored, elsewhere, frameworks, .. } = plan;
    let (role, znode) = (target.role.is_some(), target.znode.is_some());
    let fields = [
        ("znode", znode && plan.znode.is_none(), "is missing, but the target names one"),
        ("znode", !znode && plan.znode.is_some(), "is present, but the target names none"),
        ("target.principal", !role && target.principal.is_some(), "is present without a role"),
        ("target.labels", !role && !target.labels.is_empty(), "are present without a role"),
        (
            "target.framework_id",
            !role && target.framework_id.is_some(),
            "is present without a role",
        ),
        ("target.agents", !role && !target.agents.is_empty(), "are present without a role"),
        ("agents", !role && !agents.is_empty(), "are present, but the target names no role"),
        ("unreached", !role && !unreached.is_empty(), "are present, but the target names no role"),
        ("ignored", !role && !ignored.is_empty(), "are present, but the target names no role"),
        ("elsewhere", !role && !elsewhere.is_empty(), "is present, but the target names no role"),
        (
            "frameworks",
            !role && !znode && !frameworks.is_empty(),
            "are present, but the target names neither a role nor a znode",
        ),
        (
            "frameworks",
            plan.refusal == Some(Reason::InUse) && frameworks.is_empty(),
            "are missing, but the plan is refused because of them",
        ),
        (
            "frameworks_unknown",
            plan.refusal == Some(Reason::InUseUnknown) && plan.frameworks_unknown.is_none(),
            "is missing, but the plan is refused because of it",
        ),
        (
            "why_refused",
            plan.refusal.is_some() != plan.why_refused.is_some(),
            "and `refusal` must be set together",
        ),
    ];
    let field = fields.into_iter().find(|(_, is_wrong, _)| *is_wrong);
    field.map(|(name, _, what)| format!("`{name}` {what}")).or_else(|| contradictory_agent(plan))
}

fn contradictory_agent(plan: &CleanupPlan) -> Option<String> {
    for (index, agent) in plan.agents.iter().enumerate() {
        if plan.agents.iter().take(index).any(|other| other.agent == agent.agent) {
            return Some(format!("`agents.{index}` repeats an agent"));
        }
        let names = &plan.target.agents;
        if !names.is_empty() && !is_named(names, &agent.agent, &agent.hostname) {
            return Some(format!("`agents.{index}` is not one of `target.agents`"));
        }
        let is_wrong = |it: &Planned| it.entry.volume.is_some() != it.volume.is_some();
        if let Some(entry) = agent.entries.iter().position(is_wrong) {
            return Some(format!(
                "`agents.{index}.entries.{entry}` must have both a volume and its fate, or \
                 neither"
            ));
        }
    }
    None
}

/// Returns the plan under other options, which may be given when it is applied. A refusal that
/// these options lift is removed, and agents that they ignore no longer count as unreached.
pub fn under(plan: &CleanupPlan, options: &Options) -> CleanupPlan {
    let mut plan = plan.clone();
    if plan.refusal.is_some_and(|reason| is_lifted(reason, options)) {
        (plan.refusal, plan.why_refused) = (None, None);
    }
    let ignored = plan.unreached.extract_if(.., |it| is_ignored(&it.agent, &it.hostname, options));
    plan.ignored.extend(ignored);
    plan
}

/// Returns those of the resources outside a target that no other target of the same run concerns. One that does may remove
/// only a part of them; the znode stays then. But a run must not change more than its plans show.
pub fn elsewhere<'a>(
    target: &Target,
    all: &'a [Elsewhere],
    others: &[&Target],
) -> impl Iterator<Item = &'a Elsewhere> {
    let Target { role: own_role, principal: own, .. } = target;
    let is_concerned = move |Elsewhere { role, principal, .. }: &Elsewhere| {
        let is_its = |it: &&&Target| it.role.as_ref() == Some(role) && it.role != *own_role;
        others.iter().filter(is_its).any(|it| match (&it.principal, principal) {
            (None, _) => true,
            (Some(its), Some(maker)) => its == maker,
            // The role is there for its name only: the plan's own principal made nothing of it.
            (Some(its), None) => Some(its) != own.as_ref(),
        })
    };
    all.iter().filter(move |it| !is_concerned(it))
}

/// Returns whether a plan shows that the znode or the app stays because something is left of the service. `others` are
/// the other targets of the run.
pub fn keeps_service(plan: &CleanupPlan, others: &[&Target], options: &Options) -> bool {
    let is_there = |it: &ZnodeState| !matches!(it, ZnodeState::Absent | ZnodeState::Unknown(_));
    let has_end = plan.target.marathon_app.is_some() || plan.znode.as_ref().is_some_and(is_there);
    let is_kept = || elsewhere(&plan.target, &plan.elsewhere, others).next().is_some();
    has_end && options.whole_service && is_kept()
}

fn is_lifted(reason: Reason, options: &Options) -> bool {
    match reason {
        Reason::InUse => options.in_use != InUse::Refuse,
        Reason::InUseUnknown => options.in_use == InUse::Force,
        _ => false,
    }
}

/// Returns whether the options ignore an agent.
pub fn is_ignored(agent: &str, hostname: &str, options: &Options) -> bool {
    is_named(&options.ignored_agents, agent, hostname)
}

/// Returns whether an agent is among these, each of which is an id or a host name.
pub fn is_named(names: &[String], agent: &str, hostname: &str) -> bool {
    names.iter().any(|it| !it.is_empty() && (it == agent || it.eq_ignore_ascii_case(hostname)))
}
