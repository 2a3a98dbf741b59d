//! Describes an inventory for people.

use janitor_contract::describe::{agent_words, count};
use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Inventory, Reserved};

use crate::command_line::print::Invocation;
use crate::line::{Line, Tone};
use crate::orphans::removals_of;
use crate::words::{framework_line, sums, unreached_line};

/// Lists everything that is reserved in a cluster, with the commands that remove the orphaned
/// resources.
pub fn inventory(inventory: &Inventory, run: &Invocation) -> Vec<Line> {
    let Inventory { roles, unreached, frameworks_unknown, znodes_unknown, .. } = inventory;
    let mut lines = Vec::new();
    if roles.is_empty() {
        lines.extend(["".into(), "Nothing is reserved for any role.".into()]);
    }
    for holding in roles {
        lines.push("".into());
        lines.extend(holding_lines(holding, frameworks_unknown.is_none()));
        lines.extend(group_lines(&holding.groups, holding.frameworks.len()));
        for (what, command) in removals_of(holding, inventory, run) {
            lines.push(format!("  To remove {what}: {command}").into());
        }
    }
    let warn = |line| Line::tone(Tone::Warn, line);
    let unknown = [
        frameworks_unknown.as_ref().map(|why| {
            warn(format!(
                "The registered frameworks are not known, so no role can be called orphaned. {why}"
            ))
        }),
        znodes_unknown.as_ref().map(|why| warn(format!("The znodes are not known: {why}"))),
    ];
    let mut notes: Vec<_> = unreached.iter().map(unreached_line).collect();
    notes.extend(unknown.into_iter().flatten());
    if !notes.is_empty() {
        lines.push("".into());
        lines.extend(notes);
    }
    lines
}

/// Describes whose reservations they are, if labels tell several owners apart, or name another one
/// than the frameworks of the role.
fn group_lines(groups: &[HoldingGroup], frameworks: usize) -> Vec<Line> {
    let is_clear = match groups {
        [only] => {
            let is_dead = matches!(only.state, FrameworkState::Completed | FrameworkState::Unknown);
            frameworks == 0 || !is_dead
        }
        _ => false,
    };
    if is_clear {
        return vec![];
    }
    let line = |group: &HoldingGroup| {
        let HoldingGroup { framework_id, state, volumes, resources, agents, .. } = group;
        let (tone, state) = match state {
            FrameworkState::Registered => (Tone::Kept, "registered"),
            FrameworkState::Completed => (Tone::Gone, "completed"),
            FrameworkState::Unknown => (Tone::Gone, "not registered"),
            FrameworkState::Unnamed => (Tone::Plain, ""),
        };
        let who = match framework_id {
            Some(id) => format!("Reserved by framework {id} ({state})"),
            None => "Reserved without the ID of a framework".into(),
        };
        let volumes = count(*volumes as usize, "volume");
        let resources = count(*resources as usize, "resource");
        let agents = count(*agents as usize, "agent");
        Line::tone(tone, format!("  {who}: {volumes}, {resources} on {agents}"))
    };
    groups.iter().map(line).collect()
}

fn holding_lines(holding: &Holding, frameworks_known: bool) -> Vec<Line> {
    let Holding { role, principals, agents, removable, frameworks, znodes, .. } = holding;
    let entries = || agents.iter().flat_map(|agent| &agent.entries);
    let volumes = |entries: &[Reserved]| entries.iter().filter(|it| it.volume.is_some()).count();
    let (tone, state) = match (removable, frameworks.is_empty(), frameworks_known) {
        (false, ..) => (Tone::Kept, "stays: reserved in the agents' configuration"),
        (true, true, true) => {
            (Tone::Gone, "orphaned, or reserved by an operator: no registered framework uses it")
        }
        (true, true, false) => (Tone::Warn, "possibly orphaned"),
        (true, false, _) => (Tone::Kept, "in use"),
    };
    let mut lines = vec![Line::tone(tone, format!("Role '{role}': {state}"))];
    lines.extend(frameworks.iter().map(|it| framework_line(it, Some(role))));
    lines.push(
        format!(
            "  {} and {} on {}{}",
            count(agents.iter().map(|agent| volumes(&agent.entries)).sum(), "volume"),
            count(entries().count(), "resource"),
            count(agents.len(), "agent"),
            sums(entries())
        )
        .into(),
    );
    if !principals.is_empty() {
        lines.push(format!("  Made by: {}", principals.join(", ")).into());
    }
    lines.extend(agents.iter().map(|agent| {
        let found = count(volumes(&agent.entries), "volume");
        let resources = count(agent.entries.len(), "resource");
        let place = agent_words(&agent.agent, &agent.hostname);
        format!("  Slave {place}: {found}, {resources}{}", sums(&agent.entries)).into()
    }));
    if !znodes.is_empty() {
        lines.push(format!("  Possible znode: {}", znodes.join(", ")).into());
    }
    lines
}

#[cfg(test)]
mod tests {
    use janitor_contract::types::{AgentHolding, Amount, Framework, Options};
    use janitor_contract::{Call, Endpoints};

    use super::*;
    use crate::testing::entry;

    fn group(id: Option<&str>, state: FrameworkState) -> HoldingGroup {
        HoldingGroup {
            framework_id: id.map(Into::into),
            state,
            labels: vec![],
            volumes: 0,
            resources: 1,
            agents: 1,
            removable: true,
        }
    }

    fn shown(groups: Vec<HoldingGroup>, used: bool, principals: &[&str]) -> String {
        let framework = Framework {
            id: "LIVE".into(),
            name: "marathon".into(),
            active: true,
            roles: vec!["dev".into()],
            tasks: 1,
        };
        let entries = groups.iter().map(|_| entry("cpus", Amount::Scalar(1.0))).collect();
        let holding = Holding {
            role: "dev".into(),
            principals: principals.iter().map(ToString::to_string).collect(),
            agents: vec![AgentHolding { agent: "S0".into(), hostname: "h".into(), entries }],
            removable: true,
            frameworks: used.then_some(framework).into_iter().collect(),
            znodes: vec!["dcos-service-dev".into()],
            groups,
        };
        let all = Inventory {
            mesos_version: None,
            roles: vec![holding],
            unreached: vec![],
            frameworks_unknown: None,
            znodes_unknown: None,
        };
        let run = Invocation {
            call: Call::Discover,
            options: Options::DEFAULT,
            endpoints: Endpoints::default(),
            component: vec![],
            caller: crate::command_line::print::Caller::default(),
        };
        let lines = inventory(&all, &run);
        lines.iter().map(|line| format!("{}{}\n", line.head, line.rest)).collect()
    }

    #[test]
    fn what_a_dead_framework_reserved_can_be_removed_beside_a_live_one() {
        let live = || group(Some("LIVE"), FrameworkState::Registered);
        let dead = || group(Some("DEAD"), FrameworkState::Completed);
        let lost = || group(Some("LOST"), FrameworkState::Unknown);
        let unnamed = || group(None, FrameworkState::Unnamed);
        let all = shown(vec![unnamed(), dead(), live(), lost()], true, &["p", "q"]);
        for line in [
            "  Reserved without the ID of a framework: 0 volumes, 1 resource on 1 agent\n",
            "  Reserved by framework DEAD (completed): 0 volumes, 1 resource on 1 agent\n",
            "  Reserved by framework LIVE (registered): 0 volumes, 1 resource on 1 agent\n",
            "  Reserved by framework LOST (not registered): 0 volumes, 1 resource on 1 agent\n",
            "  To remove what framework DEAD reserved: janitor -r dev --framework-id DEAD\n",
            "  To remove what framework LOST reserved: janitor -r dev --framework-id LOST\n",
        ] {
            assert!(all.contains(line), "{line}: {all}");
        }
        assert_eq!(all.matches("To remove").count(), 2, "{all}");
        let whole = shown(vec![unnamed(), dead(), lost()], false, &["p"]);
        assert!(whole.contains("To remove it: janitor -r dev -z dcos-service-dev\n"), "{whole}");
        assert_eq!(whole.matches("To remove").count(), 1, "{whole}");
        for (groups, used) in [
            (vec![unnamed()], false),
            (vec![dead()], false),
            (vec![live()], true),
            (vec![unnamed()], true),
        ] {
            assert!(!shown(groups, used, &["p"]).contains("Reserved"));
        }
        // Only the labels show that the framework lives.
        assert!(!shown(vec![live()], false, &["p"]).contains("To remove"));
    }
}
