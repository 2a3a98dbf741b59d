//! Plans and inventories, for people.

use janitor_host::Target;
use janitor_host::bindings::cleanup::{
    AgentPlan, Amount, CleanupPlan, Fate, Holding, Inventory, Planned, Reason, Reserved, Volume,
    ZnodeState,
};
use janitor_host::bindings::log::{Framework, SkipReason, Unreached, UnreachedReason};

use crate::next::Asked;

/// What a cleanup would do, in lines.
pub fn plan(plan: &CleanupPlan) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut say = |line: String| lines.push(line);
    if let Some(role) = &plan.target.role {
        let whose = match &plan.target.principal {
            Some(principal) => format!("what principal '{principal}' made of role '{role}'"),
            None => format!("everything of role '{role}'"),
        };
        say(format!("Plan: remove {whose}"));
    } else {
        say("Plan:".into());
    }
    for AgentPlan { agent, hostname, entries } in &plan.agents {
        say(format!("Slave {}", located(agent, hostname)));
        entries.iter().flat_map(planned).for_each(|line| say(format!("  {line}")));
    }
    for unreached in &plan.unreached {
        say(unreached_line(unreached));
    }
    if let (Some(znode), Some(state)) = (&plan.target.znode, &plan.znode) {
        say(match state {
            ZnodeState::Absent => format!("znode '{znode}': is not there"),
            ZnodeState::There(below) => format!("znode '{znode}': delete, with {below} below it"),
            ZnodeState::MoreThan(below) => {
                format!("znode '{znode}': delete, with more than {below} below it")
            }
            ZnodeState::Unknown(why) => format!("znode '{znode}': not known: {why}"),
        });
    }
    if let Some(app) = &plan.target.marathon_app {
        say(format!("Marathon app '{app}': remove"));
    }
    for framework in &plan.frameworks {
        say(framework_line(framework));
    }
    let entries = || plan.agents.iter().flat_map(|agent| &agent.entries);
    let volumes = entries().filter(|it| it.volume == Some(Fate::Removed)).count();
    let resources = entries().filter(|it| it.reservation == Fate::Removed).count();
    say(format!(
        "In total: {volumes} volume(s) and {resources} resource(s) on {} agent(s)",
        plan.agents.len()
    ));
    match plan.refusal {
        Some(Reason::OtherPrincipals) => {
            say("It would be refused: all of it was made by other principals".into());
        }
        Some(Reason::InUse) => {
            say("It would be refused: a registered framework still uses the role".into());
        }
        Some(_) => say("It would be refused: it is not known which frameworks use the role".into()),
        None if !plan.unreached.is_empty() => {
            say("It would be incomplete: the znode stays while agents cannot be reached".into());
        }
        None => {}
    }
    lines
}

fn planned(planned: &Planned) -> Vec<String> {
    let words = words(&planned.entry);
    let volume = match (&planned.entry.volume, &planned.volume) {
        (Some(Volume { id, principal, container_path }), Some(fate)) => {
            let path = container_path.as_ref().map(|it| format!(" at {it}")).unwrap_or_default();
            let by = principal.as_ref().map(|it| format!(", created by {it}")).unwrap_or_default();
            Some(format!("{}: volume {id}{path} on {words}{by}", fate_word(fate, "destroy")))
        }
        _ => None,
    };
    let reservation = format!("{}: {words}", fate_word(&planned.reservation, "unreserve"));
    volume.into_iter().chain([reservation]).collect()
}

fn fate_word(fate: &Fate, verb: &str) -> String {
    match fate {
        Fate::Removed => verb.into(),
        Fate::Stays(SkipReason::StaticReservation) => "keep (agent's configuration)".into(),
        Fate::Stays(SkipReason::OtherPrincipal) => "keep (another principal's)".into(),
        Fate::Stays(SkipReason::VolumeLeft) => "keep (holds a volume)".into(),
    }
}

/// An entry without its volume.
fn words(entry: &Reserved) -> String {
    let mut words = format!("{} {}", entry.name, amount(&entry.amount));
    if let Some(disk) = &entry.disk {
        words += &format!(" ({disk})");
    }
    if let Some(principal) = &entry.principal {
        words += &format!(", reserved by {principal}");
    }
    for label in &entry.labels {
        let value = label.value.as_ref().map(|it| format!("={it}")).unwrap_or_default();
        words += &format!(" [{}{value}]", label.key);
    }
    words
}

fn amount(amount: &Amount) -> String {
    match amount {
        Amount::Scalar(value) => value.to_string(),
        Amount::Ranges(ranges) => {
            let ranges: Vec<_> =
                ranges.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
            format!("[{}]", ranges.join(", "))
        }
        Amount::Items(items) => format!("{{{}}}", items.join(", ")),
    }
}

/// What there is in the cluster, in lines, with the commands that would remove
/// what no framework claims.
pub fn inventory(inventory: &Inventory, asked: &Asked) -> Vec<String> {
    let mut lines = vec![String::new()];
    if inventory.roles.is_empty() {
        lines.push("Nothing is reserved for any role".into());
    }
    for holding in &inventory.roles {
        lines.extend(holding_lines(holding, inventory.frameworks_unknown.is_none()));
        if holding.removable && holding.frameworks.is_empty() {
            let target = Target {
                role: Some(holding.role.clone()),
                principal: None,
                znode: holding.znodes.first().cloned(),
                marathon_app: None,
            };
            lines.push(format!("  To remove it: {}", asked.command(&target, asked.options)));
        }
    }
    lines.extend(inventory.unreached.iter().map(unreached_line));
    if let Some(why) = &inventory.frameworks_unknown {
        lines.push(format!("It is not known which frameworks are registered. {why}"));
    }
    if let Some(why) = &inventory.znodes_unknown {
        lines.push(format!("It is not known which znodes there are: {why}"));
    }
    lines
}

fn holding_lines(holding: &Holding, frameworks_known: bool) -> Vec<String> {
    let entries = || holding.agents.iter().flat_map(|agent| &agent.entries);
    let volumes = entries().filter(|entry| entry.volume.is_some()).count();
    let claimed = match (holding.removable, holding.frameworks.is_empty(), frameworks_known) {
        (false, ..) => "in the agents' configuration",
        (true, true, true) => "orphaned: no registered framework uses it",
        (true, true, false) => "perhaps orphaned",
        (true, false, _) => "in use",
    };
    let mut lines = vec![format!(
        "Role '{}': {volumes} volume(s), {} resource(s) on {} agent(s); {claimed}",
        holding.role,
        entries().count(),
        holding.agents.len()
    )];
    lines.extend(holding.frameworks.iter().map(|it| format!("  {}", framework_line(it))));
    if !holding.principals.is_empty() {
        lines.push(format!("  made by: {}", holding.principals.join(", ")));
    }
    for agent in &holding.agents {
        lines.push(format!("  slave {}", located(&agent.agent, &agent.hostname)));
        for entry in &agent.entries {
            let volume = entry.volume.as_ref().map(|it| format!(", with volume {}", it.id));
            lines.push(format!("    {}{}", words(entry), volume.unwrap_or_default()));
        }
    }
    if !holding.znodes.is_empty() {
        lines.push(format!("  perhaps its znode: {}", holding.znodes.join(", ")));
    }
    lines
}

fn framework_line(Framework { id, name, active }: &Framework) -> String {
    let state = if *active { "active" } else { "not active" };
    format!("Framework '{name}' ({id}, {state}) uses the role")
}

fn unreached_line(Unreached { agent, hostname, reason }: &Unreached) -> String {
    let why = match reason {
        UnreachedReason::NotActive => "is not connected to the master",
        UnreachedReason::Recovering => "has not come back since the master restarted",
        UnreachedReason::HiddenReservations => {
            "has reservations that may not be viewed (permission view_roles)"
        }
    };
    format!("Slave {} {why}", located(agent, hostname))
}

fn located(agent: &str, hostname: &str) -> String {
    match hostname {
        "" => agent.to_owned(),
        _ => format!("{agent} ({hostname})"),
    }
}
