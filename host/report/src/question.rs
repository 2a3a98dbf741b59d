//! The question before a change: what is changed, where, and how much, and the answer that
//! confirms it.

use std::collections::BTreeSet;

use janitor_contract::Endpoints;
use janitor_contract::describe::count;
use janitor_contract::printable::printable;
use janitor_contract::types::{CleanupPlan, Endpoint, InUse, Options, Target, ZnodeState};

use crate::extent::Extent;
use crate::line::{Line, Tone};
use crate::words::{framework_with_roles, sums, with_labels};

/// The question before a change.
pub struct Question {
    /// The changes: where, and how much.
    pub lines: Vec<Line>,
    /// The answer that confirms it.
    pub answer: Answer,
}

/// The answer that confirms a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// `y` or `yes`.
    Yes,
    /// The name of the role, because a safety check is disabled.
    Role(String),
    /// The path of the znode, because a safety check is disabled and there is no role.
    Znode(String),
    /// The number of services, because the target does not name them.
    Services(usize),
}

impl Question {
    /// The question before a plan is carried out.
    pub fn of(plan: &CleanupPlan, options: &Options, endpoints: &Endpoints) -> Self {
        let extent = Extent::of(plan, &[], options);
        let of_target = of_target(&extent, &plan.target);
        let lines = lines(&extent, plan.target.role.as_deref(), &of_target, endpoints);
        Self { lines, answer: Answer::to(plan, options) }
    }

    /// The question before several plans are carried out in one run. If their targets were found
    /// and not named, their number must be typed.
    pub fn of_all(
        plans: &[&CleanupPlan],
        options: &Options,
        are_found: bool,
        endpoints: &Endpoints,
    ) -> Self {
        let extent = Extent::of_all(plans, options);
        let roles: BTreeSet<_> = plans.iter().filter_map(|it| it.target.role.as_ref()).collect();
        let (roles, agents) = (count(roles.len(), "role"), count(extent.agents.len(), "agent"));
        let lines = lines(&extent, None, &format!(" of {roles} on {agents}"), endpoints);
        let answer = match is_protected(options) && !are_found {
            true => Answer::Yes,
            false => Answer::Services(plans.len()),
        };
        Self { lines, answer }
    }
}

/// Returns whether nothing that is in use, or the cluster's own, can be removed.
fn is_protected(options: &Options) -> bool {
    options.in_use == InUse::Refuse && !options.system_znode
}

impl Answer {
    /// The answer that confirms a plan. With an option that gives up the protection of something
    /// that is in use, a mere `y` is too easily typed.
    fn to(plan: &CleanupPlan, options: &Options) -> Self {
        match (&plan.target.role, &plan.target.znode) {
            _ if is_protected(options) => Self::Yes,
            (Some(role), _) => Self::Role(role.clone()),
            (None, Some(znode)) => Self::Znode(znode.clone()),
            (None, None) => Self::Yes,
        }
    }

    /// The prompt for it.
    pub fn prompt(&self) -> String {
        let typed = match self {
            Self::Yes => return "Permanently remove all of this? [y/N] ".into(),
            Self::Role(_) => "the role's name",
            Self::Znode(_) => "the znode's path",
            Self::Services(_) => "the number of services",
        };
        format!("To permanently remove all of this, type {typed} ({}): ", self.expected())
    }

    /// Returns whether this is what somebody has typed.
    pub fn is(&self, typed: &str) -> bool {
        match self {
            Self::Yes => ["y", "yes"].contains(&typed.trim().to_lowercase().as_str()),
            _ => typed.trim() == self.expected().trim(),
        }
    }

    /// The text to type, as the prompt shows it.
    fn expected(&self) -> String {
        match self {
            Self::Yes => "yes".into(),
            Self::Role(name) | Self::Znode(name) => printable(name),
            Self::Services(number) => number.to_string(),
        }
    }
}

/// Lists what is changed, where, and how much. `role` is the only one, if there is one only.
fn lines(extent: &Extent, role: Option<&str>, of_target: &str, endpoints: &Endpoints) -> Vec<Line> {
    let masters = endpoints.masters().join(",");
    let mut lines = vec!["".into(), format!("At {masters}, this permanently").into()];
    let begin = lines.len();
    let mut step = |tone, verb: &str, what: String| {
        let head = format!("  {verb:<8}  ");
        lines.push(Line { tone, head, rest: what });
    };
    for framework in &extent.frameworks {
        step(Tone::Destroyed, "ends", framework_with_roles(framework, role));
    }
    if !extent.volumes.is_empty() {
        let volumes = count(extent.volumes.len(), "volume");
        let amount = sums(extent.volumes.iter().copied());
        // The line about the reservations names the same target.
        let of_target = if extent.released.is_empty() { of_target } else { "" };
        let what = format!("{volumes}{of_target} with all data{amount}");
        step(Tone::Destroyed, "destroys", what);
    }
    if !extent.released.is_empty() {
        let released = count(extent.released.len(), "reservation");
        let amount = sums(extent.released.iter().copied());
        step(Tone::Released, "releases", format!("{released}{of_target}{amount}"));
    }
    for (znode, state) in &extent.znodes {
        let what = znode_words(znode, state);
        let server = endpoints.base(Endpoint::Exhibitor);
        step(Tone::Destroyed, "deletes", format!("{what}, at {server}"));
    }
    if let Some(app) = extent.app {
        step(Tone::Released, "removes", format!("Marathon app '{app}', which runs this janitor"));
    }
    if lines.len() == begin {
        lines.push("  removes nothing that can be reached now".into());
    }
    lines
}

/// Describes the role, the part of it to which the target is limited, and the agents.
fn of_target(extent: &Extent, target: &Target) -> String {
    let role = target.role.as_deref().unwrap_or_default();
    let (labels, agents) = (with_labels(target), count(extent.agents.len(), "agent"));
    let only = match &target.agents[..] {
        [] => String::new(),
        selected => format!(" (only {})", selected.join(", ")),
    };
    format!(" of role '{role}'{labels} on {agents}{only}")
}

/// Describes a znode with everything below it.
pub fn znode_words(znode: &str, state: &ZnodeState) -> String {
    let below = match state {
        ZnodeState::Absent => return format!("znode '{znode}', which does not exist"),
        ZnodeState::There(0) => "nothing below it".into(),
        ZnodeState::There(below) => format!("{} below it", count(*below as usize, "node")),
        ZnodeState::MoreThan(0) => "an unknown number of nodes below it".into(),
        ZnodeState::MoreThan(below) => format!("more than {below} nodes below it"),
        ZnodeState::Uncounted(why) => format!("nodes below it that could not be counted: {why}"),
        ZnodeState::Unknown(why) => format!("everything below it, if it exists: {why}"),
    };
    format!("znode '{znode}', with {below}")
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{
        AgentPlan, Amount, Fate, LabelSelector, Planned, Reserved, Volume,
    };

    use super::*;
    use crate::testing::{entry, plan};

    #[test]
    fn a_part_of_a_role_is_named() {
        let volume = Volume { id: "v".into(), principal: None, container_path: None };
        let planned = |reservation| Planned {
            entry: Reserved { volume: Some(volume.clone()), ..entry("disk", Amount::Scalar(64.0)) },
            volume: Some(Fate::Removed),
            reservation,
        };
        let agent = |reservation| AgentPlan {
            agent: "S0".into(),
            hostname: "h0".into(),
            entries: vec![planned(reservation)],
        };
        let label = LabelSelector { key: "k".into(), value: Some("v".into()) };
        let of_role = Target { role: Some("r".into()), ..Target::NOTHING };
        let part = Target {
            labels: vec![label],
            framework_id: Some("F".into()),
            agents: vec!["h0".into(), "h1".into()],
            ..of_role.clone()
        };
        let stays = Fate::Stays(janitor_contract::types::SkipReason::StaticReservation);
        let words = "with label 'k=v' and framework ID 'F' on 1 agent (only h0, h1)";
        for (target, fate, expected) in [
            (&of_role, Fate::Removed, "1 reservation of role 'r' on 1 agent: disk".to_owned()),
            (&part, Fate::Removed, format!("1 reservation of role 'r' {words}: disk")),
            (&part, stays, format!("1 volume of role 'r' {words} with all data: disk")),
        ] {
            let plan = CleanupPlan { target: target.clone(), agents: vec![agent(fate)], ..plan() };
            let question = Question::of(&plan, &Options::DEFAULT, &Endpoints::default());
            let lines = question.lines.iter().map(|line| format!("{}{}\n", line.head, line.rest));
            let text: String = lines.collect();
            assert!(text.contains(&expected), "{expected}: {text}");
        }
    }

    #[test]
    fn a_disabled_check_requires_more_than_yes() {
        let role = Answer::Role("r".into());
        for (in_use, system_znode, expected) in [
            (InUse::Refuse, false, &Answer::Yes),
            (InUse::Force, false, &role),
            (InUse::Teardown, false, &role),
            (InUse::Refuse, true, &role),
        ] {
            let options = Options { in_use, system_znode, ..Options::DEFAULT };
            let question = Question::of(&plan(), &options, &Endpoints::default());
            assert_eq!(question.answer, *expected, "{options:?}");
        }
        let mut plan = plan();
        plan.target = Target { znode: Some("mesos".into()), ..Target::NOTHING };
        let options = Options { system_znode: true, ..Options::DEFAULT };
        let question = Question::of(&plan, &options, &Endpoints::default());
        assert_eq!(question.answer, Answer::Znode("mesos".into()));
    }

    #[test]
    fn only_the_answer_itself_confirms() {
        for typed in ["y\n", "YES\n", " yes \n", "y"] {
            assert!(Answer::Yes.is(typed), "{typed:?}");
        }
        for typed in ["", "\n", "n\n", "yess\n", "role"] {
            assert!(!Answer::Yes.is(typed), "{typed:?}");
        }
        let role = Answer::Role("a/kafka-role".into());
        assert!(role.is("a/kafka-role\n") && role.prompt().contains("(a/kafka-role)"));
        for typed in ["", "\n", "y\n", "yes\n", "A/kafka-role\n", "kafka-role\n"] {
            assert!(!role.is(typed), "{typed:?}");
        }
        assert!(Answer::Services(20).is("20\n") && !Answer::Services(20).is("2\n"));
        // A name with hidden characters is typed as the prompt shows it.
        let hidden = Answer::Role("a\u{200b}b".into());
        assert!(hidden.prompt().contains("(a\\u{200b}b)") && hidden.is("a\\u{200b}b\n"));
    }
}
