//! Describes an inventory for people.

use janitor_contract::describe::{agent_words, count};
use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Inventory, Reserved};

use crate::command_line::print::Invocation;
use crate::line::{Line, Tone};
use crate::orphans::{State, removal_of_znode, removals_of};
use crate::overview::{overview, tone};
use crate::view::View;
use crate::words::{framework_line, sums, unreached_line};

/// Lists everything that is reserved in a cluster: a table with a line for each role, or each role
/// with its agents and the commands that remove what is orphaned.
pub fn inventory(inventory: &Inventory, run: &Invocation, view: &View) -> Vec<Line> {
    let lines = match (&view.role, view.verbose) {
        (Some(role), _) => of_role(inventory, role, run),
        (None, _) if inventory.roles.is_empty() && inventory.orphaned_znodes.is_empty() => {
            vec!["".into(), "Nothing is reserved for any role.".into()]
        }
        (None, true) => of_all(inventory, run),
        (None, false) => overview(inventory, run, view.width),
    };
    let notes = notes(inventory);
    let blank = (!notes.is_empty()).then(|| "".into());
    lines.into_iter().chain(blank).chain(notes).collect()
}

/// Lists every role with its agents, and every orphaned znode.
fn of_all(inventory: &Inventory, run: &Invocation) -> Vec<Line> {
    let mut lines = Vec::new();
    for holding in &inventory.roles {
        lines.push("".into());
        lines.extend(details(holding, inventory, run));
    }
    for znode in &inventory.orphaned_znodes {
        let words = format!(
            "Znode '{znode}': orphaned: no registered framework and no role with resources \
             suggests it"
        );
        lines.extend(["".into(), Line::tone(tone(State::Orphaned), words)]);
        lines.push(format!("  To remove it: {}", removal_of_znode(znode, run)).into());
    }
    lines
}

/// Lists one role with its agents.
fn of_role(inventory: &Inventory, role: &str, run: &Invocation) -> Vec<Line> {
    let lines = match inventory.roles.iter().find(|it| it.role == role) {
        Some(holding) => details(holding, inventory, run),
        None => vec![format!("Nothing is reserved for role '{role}'.").into()],
    };
    [Line::from("")].into_iter().chain(lines).collect()
}

/// Lists a role with its agents, and the commands that remove what is orphaned of it.
fn details(holding: &Holding, inventory: &Inventory, run: &Invocation) -> Vec<Line> {
    let mut lines = holding_lines(holding, State::of(holding, inventory));
    lines.extend(group_lines(&holding.groups, holding.frameworks.len()));
    if run.caller.protected.contains(&holding.role) {
        lines.push("  Protected by the configuration: no cleanup removes it".into());
    }
    for (what, command) in removals_of(holding, inventory, run) {
        lines.push(format!("  To remove {what}: {command}").into());
    }
    lines
}

/// Describes whose reservations they are, if labels name several owners, or another one than the
/// frameworks of the role.
fn group_lines(groups: &[HoldingGroup], frameworks: usize) -> Vec<Line> {
    let is_clear = match groups {
        [only] => match only.state {
            FrameworkState::Completed | FrameworkState::Unknown => frameworks == 0,
            FrameworkState::Registered => frameworks > 0,
            FrameworkState::Unnamed => true,
        },
        _ => false,
    };
    if is_clear {
        return vec![];
    }
    let line = |group: &HoldingGroup| {
        let HoldingGroup { framework_id, state, volumes, resources, agents, .. } = group;
        let (tone, state) = match state {
            FrameworkState::Registered => (Tone::Plain, "registered"),
            FrameworkState::Completed => (tone(State::Orphaned), "completed"),
            FrameworkState::Unknown => (tone(State::Orphaned), "not registered"),
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

/// Lists everything that an inventory does not know, for programs.
pub fn doubts(inventory: &Inventory) -> Vec<String> {
    notes(inventory).into_iter().map(|it| (it.head + &it.rest).trim_start().to_owned()).collect()
}

/// Lists everything that is not known, and what follows from it.
fn notes(inventory: &Inventory) -> Vec<Line> {
    let Inventory { unreached, agents_unknown, frameworks_unknown, znodes_unknown, .. } = inventory;
    let warn = |line: String| Line::tone(Tone::Warn, line);
    let mut notes: Vec<_> = unreached.iter().map(unreached_line).collect();
    if let Some(why) = agents_unknown {
        notes.push(warn(format!("It is unknown whether other agents hold resources: {why}")));
    }
    if let Some(why) = frameworks_unknown {
        notes.push(warn(format!(
            "The registered frameworks are not known, so no role can be called orphaned. {why}"
        )));
    }
    if let Some(why) = znodes_unknown {
        notes.push(warn(format!("The znodes are not known: {why}")));
    } else if !unreached.is_empty() || agents_unknown.is_some() {
        notes.push(warn(
            "Such agents may hold resources of any role, so no znode is called orphaned.".into(),
        ));
    }
    notes
}

/// The entries of a role, on all agents.
pub fn entries(holding: &Holding) -> impl Iterator<Item = &Reserved> {
    holding.agents.iter().flat_map(|agent| &agent.entries)
}

/// The number of entries that carry a volume.
pub fn volumes<'a>(entries: impl IntoIterator<Item = &'a Reserved>) -> usize {
    entries.into_iter().filter(|it| it.volume.is_some()).count()
}

/// Describes a state for people.
fn sentence(state: State) -> &'static str {
    match state {
        State::Orphaned => "orphaned: no registered framework uses it",
        State::Unclaimed => {
            "unclaimed: no registered framework uses it, but it may be an operator's own reservation"
        }
        State::Unknown => "possibly orphaned",
        State::InUse => "in use",
        State::Static => "stays: reserved in the agents' configuration",
    }
}

/// Describes what is reserved for a role.
fn holding_lines(holding: &Holding, state: State) -> Vec<Line> {
    let Holding { role, principals, agents, frameworks, znodes, .. } = holding;
    let heading = format!("Role '{role}': {}", sentence(state));
    let mut lines = vec![Line::tone(tone(state), heading)];
    lines.extend(frameworks.iter().map(|it| framework_line(it, Some(role))));
    lines.push(
        format!(
            "  {} and {} on {}{}",
            count(volumes(entries(holding)), "volume"),
            count(entries(holding).count(), "resource"),
            count(agents.len(), "agent"),
            sums(entries(holding))
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
    use janitor_contract::types::{
        AgentHolding, Amount, Framework, Label, Options, Target, Unreached, UnreachedReason,
    };
    use janitor_contract::{Call, Endpoints};

    use super::*;
    use crate::command_line::print::Caller;
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

    fn mixed(groups: Vec<HoldingGroup>, used: bool, principals: &[&str]) -> Inventory {
        let framework = Framework {
            id: "LIVE".into(),
            name: "marathon".into(),
            active: true,
            roles: vec!["dev".into()],
            tasks: 1,
        };
        let label = |id: &String| Label { key: "framework_id".into(), value: Some(id.clone()) };
        let entry = |group: &HoldingGroup| Reserved {
            labels: group.framework_id.iter().map(label).collect(),
            ..entry("cpus", Amount::Scalar(1.0))
        };
        let entries = groups.iter().map(entry).collect();
        let holding = Holding {
            role: "dev".into(),
            principals: principals.iter().map(ToString::to_string).collect(),
            agents: vec![AgentHolding { agent: "S0".into(), hostname: "h".into(), entries }],
            removable: true,
            frameworks: used.then_some(framework).into_iter().collect(),
            znodes: vec!["dcos-service-dev".into()],
            groups,
        };
        // As the component chooses them.
        let is_alive = |it: &HoldingGroup| it.state == FrameworkState::Registered;
        let orphans = match used || holding.groups.iter().any(is_alive) {
            false => vec![orphan(Some("dev"), None, Some("dcos-service-dev"))],
            true => {
                let ended =
                    holding.groups.iter().filter(|it| it.state == FrameworkState::Completed);
                ended.map(|it| orphan(Some("dev"), it.framework_id.as_deref(), None)).collect()
            }
        };
        Inventory { roles: vec![holding], orphaned_znodes: vec![], orphans, ..sample() }
    }

    fn shown(groups: Vec<HoldingGroup>, used: bool, principals: &[&str]) -> String {
        let view = View { verbose: true, ..View::default() };
        text(&mixed(groups, used, principals), &view).join("\n") + "\n"
    }

    #[test]
    fn a_role_without_traces_of_a_service_is_unclaimed() {
        let inventory = Inventory { orphans: vec![], ..sample() };
        let table = text(&inventory, &View::default()).join("\n");
        assert!(table.contains("c     unclaimed "), "{table}");
        assert!(table.contains("may be an operator's own reservations"), "{table}");
        let one = View { role: Some("c".into()), ..View::default() };
        let one = text(&inventory, &one).join("\n");
        assert!(one.contains("but it may be an operator's own reservation\n"), "{one}");
        assert!(one.contains("  To remove it: janitor -r c"), "{one}");
    }

    #[test]
    fn no_cleanup_of_a_protected_role_is_proposed() {
        let caller = Caller { protected: vec!["c".into()], ..Caller::default() };
        let lines =
            text_by(caller, &sample(), &View { verbose: true, ..View::default() }).join("\n");
        assert!(lines.contains("  Protected by the configuration"), "{lines}");
        assert!(!lines.contains("janitor -r c") && lines.contains("janitor -r d"), "{lines}");
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
        // The table shows the same, with other words for the parts than for a whole role.
        let table = text(&mixed(vec![dead(), live()], true, &["p"]), &View::default());
        assert_eq!(
            table[1..5],
            [
                "ROLE  STATE          VOLUMES  RESERVED  AGENTS  FRAMEWORK  ZNODE",
                "dev   orphaned-part        0  cpus=1         1  DEAD       -",
                "dev   in-use               0  cpus=2         1  marathon   dcos-service-dev",
                "In total: 1 role (1 in-use), 1 orphaned part",
            ]
        );
        for (groups, used) in [
            (vec![unnamed()], false),
            (vec![dead()], false),
            (vec![live()], true),
            (vec![unnamed()], true),
        ] {
            assert!(!shown(groups, used, &["p"]).contains("Reserved"));
        }
        // Only the labels show that the framework lives.
        let lives = shown(vec![live()], false, &["p"]);
        assert!(lives.contains("Role 'dev': in use\n"), "{lives}");
        assert!(lives.contains("  Reserved by framework LIVE (registered)"), "{lives}");
        assert!(!lives.contains("To remove"), "{lives}");
    }

    fn holding(role: &str, removable: bool, framework: Option<&str>) -> Holding {
        let entries = vec![entry("cpus", Amount::Scalar(0.5)), entry("mem", Amount::Scalar(64.0))];
        let agent = AgentHolding { agent: "S0".into(), hostname: "h0".into(), entries };
        let framework = framework.map(|name| Framework {
            id: format!("F-{name}"),
            name: name.into(),
            active: true,
            roles: vec![role.into()],
            tasks: 0,
        });
        Holding {
            role: role.into(),
            principals: vec!["p".into()],
            agents: vec![agent],
            removable,
            frameworks: framework.into_iter().collect(),
            znodes: vec![],
            groups: vec![],
        }
    }

    fn orphan(role: Option<&str>, framework_id: Option<&str>, znode: Option<&str>) -> Target {
        let [role, framework_id, znode] = [role, framework_id, znode].map(|it| it.map(Into::into));
        Target { role, framework_id, znode, ..Target::NOTHING }
    }

    fn sample() -> Inventory {
        Inventory {
            mesos_version: None,
            roles: vec![
                holding("a", true, Some("kafka")),
                holding("b", false, None),
                holding("c", true, None),
                holding("d", true, None),
            ],
            orphaned_znodes: vec!["dcos-service-old".into()],
            orphans: vec![
                orphan(Some("c"), None, None),
                orphan(Some("d"), None, None),
                orphan(None, None, Some("dcos-service-old")),
            ],
            unreached: vec![],
            agents_unknown: None,
            frameworks_unknown: None,
            znodes_unknown: None,
        }
    }

    fn text(inventory: &Inventory, view: &View) -> Vec<String> {
        text_by(Caller::default(), inventory, view)
    }

    fn text_by(caller: Caller, inventory: &Inventory, view: &View) -> Vec<String> {
        let (options, endpoints) = (Options::DEFAULT, Endpoints::default());
        let (call, component) = (Call::Discover, vec![]);
        let run = Invocation { call, options, endpoints, component, caller };
        let lines = super::inventory(inventory, &run, view);
        lines.into_iter().map(|line| line.head + &line.rest).collect()
    }

    #[test]
    fn orphans_come_first() {
        assert_eq!(
            text(&sample(), &View::default())[1..7],
            [
                "ROLE  STATE     VOLUMES  RESERVED            AGENTS  FRAMEWORK  ZNODE",
                "c     orphaned        0  cpus=0.5,mem=64MiB       1  -          -",
                "d     orphaned        0  cpus=0.5,mem=64MiB       1  -          -",
                "-     orphaned        -  -                        -  -          dcos-service-old",
                "a     in-use          0  cpus=0.5,mem=64MiB       1  kafka      -",
                "b     static          0  cpus=0.5,mem=64MiB       1  -          -",
            ]
        );
        assert_eq!(
            text(&sample(), &View::default())[7],
            "In total: 4 roles (2 orphaned, 1 in-use, 1 static), 1 orphaned znode; orphaned: 0 \
             volumes and 4 resources on 1 agent: cpus 1, mem 128 MiB"
        );
    }

    #[test]
    fn one_role_or_all_have_their_agents() {
        let one = text(&sample(), &View { role: Some("c".into()), ..View::default() });
        assert!(one.contains(&"  To remove it: janitor -r c".into()), "{one:?}");
        assert!(!one.iter().any(|line| line.contains("'d'")), "{one:?}");
        let none = text(&sample(), &View { role: Some("x".into()), ..View::default() });
        assert_eq!(none, ["", "Nothing is reserved for role 'x'."]);
        let all = text(&sample(), &View { verbose: true, ..View::default() });
        for line in ["  To remove it: janitor -r d", "  To remove it: janitor -z dcos-service-old"]
        {
            assert!(all.contains(&line.into()), "{line}: {all:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_not_orphaned() {
        let mut unknown = sample();
        unknown.frameworks_unknown = Some("Why.".into());
        unknown.orphaned_znodes.clear();
        let (agent, hostname) = ("S9".to_owned(), String::new());
        let reason = UnreachedReason::Unreachable;
        unknown.unreached = vec![Unreached { agent, hostname, reason, since: None }];
        let lines = text(&unknown, &View::default());
        assert!(lines[2].starts_with("c     unknown "), "{lines:?}");
        assert!(!lines[..6].iter().any(|line| line.contains("orphaned")), "{lines:?}");
        assert!(lines.iter().any(|line| line.ends_with("no znode is called orphaned.")));
    }
}
