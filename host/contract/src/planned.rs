//! What a plan says by itself, without a look at a cluster: whether it contradicts itself,
//! and what becomes of it under other options. The host reads plans by the same file.

use crate::types::{CleanupPlan, InUse, Options, Planned, Reason};

/// Where a plan contradicts itself: the field, and what is wrong with it. Nobody can agree to
/// such a plan, because what it shows is not what it would do.
pub fn contradiction(plan: &CleanupPlan) -> Option<String> {
    let CleanupPlan { target, agents, unreached, ignored, elsewhere, frameworks, .. } = plan;
    let (role, znode) = (target.role.is_some(), target.znode.is_some());
    let fields = [
        ("znode", znode && plan.znode.is_none(), "is missing, and the target names one"),
        ("znode", !znode && plan.znode.is_some(), "is there, and the target names none"),
        ("target.principal", !role && target.principal.is_some(), "is there without a role"),
        ("agents", !role && !agents.is_empty(), "are there, and the target names no role"),
        ("unreached", !role && !unreached.is_empty(), "are there, and the target names no role"),
        ("ignored", !role && !ignored.is_empty(), "are there, and the target names no role"),
        ("elsewhere", !role && !elsewhere.is_empty(), "is there, and the target names no role"),
        (
            "frameworks",
            !role && !znode && !frameworks.is_empty(),
            "are there, and the target names neither a role nor a znode",
        ),
        (
            "frameworks",
            plan.refusal == Some(Reason::InUse) && frameworks.is_empty(),
            "are missing, and the plan is refused because of them",
        ),
        (
            "frameworks_unknown",
            plan.refusal == Some(Reason::InUseUnknown) && plan.frameworks_unknown.is_none(),
            "is missing, and the plan is refused because of it",
        ),
        (
            "why_refused",
            plan.refusal.is_some() != plan.why_refused.is_some(),
            "and `refusal` stand together or not at all",
        ),
    ];
    let field = fields.into_iter().find(|(_, is_wrong, _)| *is_wrong);
    field.map(|(name, _, what)| format!("`{name}` {what}")).or_else(|| contradictory_agent(plan))
}

fn contradictory_agent(plan: &CleanupPlan) -> Option<String> {
    for (index, agent) in plan.agents.iter().enumerate() {
        if plan.agents.iter().take(index).any(|other| other.agent == agent.agent) {
            return Some(format!("`agents.{index}` is there a second time"));
        }
        let is_wrong = |it: &Planned| it.entry.volume.is_some() != it.volume.is_some();
        if let Some(entry) = agent.entries.iter().position(is_wrong) {
            return Some(format!(
                "`agents.{index}.entries.{entry}` has a volume, or what becomes of one, and not \
                 the other"
            ));
        }
    }
    None
}

/// A plan as other options make it, which somebody gives when it is applied: what they lift
/// refuses it no more, and the agents that they ignore do not keep anything.
pub fn under(plan: &CleanupPlan, options: &Options) -> CleanupPlan {
    let mut plan = plan.clone();
    if plan.refusal.is_some_and(|reason| is_lifted(reason, options)) {
        (plan.refusal, plan.why_refused) = (None, None);
    }
    let ignored = plan.unreached.extract_if(.., |it| is_ignored(&it.agent, &it.hostname, options));
    plan.ignored.extend(ignored);
    plan
}

fn is_lifted(reason: Reason, options: &Options) -> bool {
    match reason {
        Reason::InUse => options.in_use != InUse::Refuse,
        Reason::InUseUnknown => options.in_use == InUse::Force,
        _ => false,
    }
}

/// Whether the options say to ignore an agent.
pub fn is_ignored(agent: &str, hostname: &str, options: &Options) -> bool {
    options
        .ignored_agents
        .iter()
        .any(|it| !it.is_empty() && (it == agent || it.eq_ignore_ascii_case(hostname)))
}
