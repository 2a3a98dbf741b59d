//! The roles and znodes of an inventory that nobody uses, and the commands that remove them.

use janitor_contract::labels::owner;
use janitor_contract::types::{FrameworkState, Holding, HoldingGroup, Inventory, Reserved, Target};

use crate::command_line::print::Invocation;

/// The state of a role, orphaned ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No registered framework uses it, as far as the master and the labels of its reservations
    /// say, and it shows traces of a service: it is one of the orphans of the inventory.
    Orphaned,
    /// No registered framework uses it, but an operator may have reserved it for a purpose.
    Unclaimed,
    /// It is not known whether a framework uses it.
    Unknown,
    /// Registered frameworks use it.
    InUse,
    /// It is reserved in the agents' configuration.
    Static,
}

impl State {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Orphaned, Self::Unclaimed, Self::Unknown, Self::InUse, Self::Static];

    /// The state of a role.
    pub fn of(holding: &Holding, inventory: &Inventory) -> Self {
        let is_used = !holding.frameworks.is_empty() || holding.groups.iter().any(is_alive);
        match (holding.removable, is_used, &inventory.frameworks_unknown) {
            (false, ..) => Self::Static,
            (true, true, _) => Self::InUse,
            (true, false, Some(_)) => Self::Unknown,
            (true, false, None) if orphan(&holding.role, None, inventory).is_some() => {
                Self::Orphaned
            }
            (true, false, None) => Self::Unclaimed,
        }
    }
}

/// Finds the orphan that is a role as a whole, or the part of it that a framework reserved.
fn orphan<'a>(role: &str, framework: Option<&str>, inventory: &'a Inventory) -> Option<&'a Target> {
    let is_it =
        |it: &&Target| it.role.as_deref() == Some(role) && it.framework_id.as_deref() == framework;
    inventory.orphans.iter().find(is_it)
}

/// The part of a role that a framework reserved which is not registered any more.
pub struct Part<'a> {
    /// The ID of the framework.
    pub framework_id: &'a str,
    /// It is one of the orphans of the inventory: the master lists the framework as completed.
    pub is_orphan: bool,
    /// The agents that hold it, each with its entries.
    pub agents: Vec<Vec<&'a Reserved>>,
}

/// Lists the parts of a role that belong to nobody who is registered. A role that is orphaned as a
/// whole has no such parts.
pub fn parts_without_framework<'a>(holding: &'a Holding, inventory: &Inventory) -> Vec<Part<'a>> {
    if State::of(holding, inventory) == State::Orphaned {
        return vec![];
    }
    let part = |id| Part {
        framework_id: id,
        is_orphan: orphan(&holding.role, Some(id), inventory).is_some(),
        agents: owned(holding, id),
    };
    dead(holding, inventory).map(part).collect()
}

/// Returns those entries of a role that a framework owns, by agent.
fn owned<'a>(holding: &'a Holding, id: &str) -> Vec<Vec<&'a Reserved>> {
    let alive = || holding.groups.iter().filter(|it| is_alive(it));
    let is_registered = |id: &str| alive().any(|it| it.framework_id.as_deref() == Some(id));
    let is_its = |entry: &&Reserved| owner(&entry.labels, is_registered) == Some(id);
    let agents = holding.agents.iter().map(|it| it.entries.iter().filter(is_its).collect());
    agents.filter(|entries: &Vec<_>| !entries.is_empty()).collect()
}

/// Lists the frameworks that are not registered and have reserved something that can be removed.
fn dead<'a>(holding: &'a Holding, inventory: &Inventory) -> impl Iterator<Item = &'a str> {
    let is_known = inventory.frameworks_unknown.is_none() && holding.removable;
    let groups = holding.groups.iter().filter(move |it| is_known && !is_alive(it) && it.removable);
    groups.filter_map(|it| it.framework_id.as_deref())
}

fn is_alive(group: &HoldingGroup) -> bool {
    group.state == FrameworkState::Registered
}

/// Lists the orphaned roles, or nothing if the registered frameworks are not known.
pub fn orphaned(inventory: &Inventory) -> Option<Vec<String>> {
    inventory.frameworks_unknown.is_none().then(|| {
        let is_orphaned = |it: &&Holding| State::of(it, inventory) == State::Orphaned;
        inventory.roles.iter().filter(is_orphaned).map(|it| it.role.clone()).collect()
    })
}

/// Proposes the commands that remove what belongs to nobody who is registered, each with the words
/// for it: all of a role, or what belongs to each framework that is not registered.
pub fn removals_of(
    holding: &Holding,
    inventory: &Inventory,
    run: &Invocation,
) -> Vec<(String, String)> {
    if run.caller.protected.contains(&holding.role) {
        return vec![];
    }
    let targets = targets(holding, inventory).into_iter();
    targets.map(|(what, target)| (what, run.clean(&target, &run.options))).collect()
}

/// Proposes the command that deletes an orphaned znode.
pub fn removal_of_znode(znode: &str, run: &Invocation) -> String {
    run.clean(&Target { znode: Some(znode.to_owned()), ..Target::NOTHING }, &run.options)
}

/// Proposes the commands that remove the orphans, one line each.
pub fn removals(inventory: &Inventory, run: &Invocation) -> Vec<String> {
    let is_free =
        |it: &&Target| it.role.as_ref().is_none_or(|it| !run.caller.protected.contains(it));
    let line = |target: &Target| {
        let command = run.clean(target, &run.options);
        let what = match (&target.role, &target.framework_id, &target.znode) {
            (Some(role), None, _) => format!("To remove what is reserved for role '{role}'"),
            (Some(role), Some(id), _) => {
                format!("To remove what framework {id} reserved for role '{role}'")
            }
            (None, _, znode) => {
                format!("To delete znode '{}'", znode.as_deref().unwrap_or_default())
            }
        };
        format!("{what}: {command}")
    };
    inventory.orphans.iter().filter(is_free).map(line).collect()
}

/// Proposes targets, with the words for them.
fn targets(holding: &Holding, inventory: &Inventory) -> Vec<(String, Target)> {
    let Holding { role, principals, znodes, .. } = holding;
    let of_role = Target { role: Some(role.clone()), ..Target::NOTHING };
    let whole = orphan(role, None, inventory).cloned().or_else(|| {
        // Several services that share the role of a group have several principals.
        let is_whole = State::of(holding, inventory) == State::Unclaimed && principals.len() < 2;
        is_whole.then(|| Target { znode: znodes.first().cloned(), ..of_role.clone() })
    });
    match whole {
        Some(target) => vec![("it".into(), target)],
        None => dead(holding, inventory)
            .map(|id| {
                let what = format!("what framework {id} reserved");
                (what, Target { framework_id: Some(id.to_owned()), ..of_role.clone() })
            })
            .collect(),
    }
}
